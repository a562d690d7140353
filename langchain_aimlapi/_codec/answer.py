"""One choice of an answer, gathered from what the wire tells of it: whole, or in pieces.

Whole answers and streams are read by the same tables and the same code, so that the sum of a stream
is the whole answer. What differs is only what leaves early: a stream's running text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from langchain_core.messages import AIMessageChunk

from langchain_aimlapi._codec.content import read_text
from langchain_aimlapi._codec.finish_reason import Ending, ending_message
from langchain_aimlapi._codec.metadata import (
    CHOICE,
    COMPLETION,
    MESSAGE,
    answer_metadata,
    gather,
)
from langchain_aimlapi._codec.reasoning import REASONING_TEXT
from langchain_aimlapi._codec.signature_reader import SignatureReader, reasoning_text
from langchain_aimlapi._codec.tool_calls import (
    CALL_ORDER,
    ToolCalls,
    decode_tool_calls,
    failed_calls,
)
from langchain_aimlapi._codec.usage import read_usage, token_usage
from langchain_aimlapi._json import replace_surrogates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.messages import InvalidToolCall, ToolCall
    from langchain_core.messages.ai import UsageMetadata

    from langchain_aimlapi import errors
    from langchain_aimlapi._codec.reasoning import Signatures
    from langchain_aimlapi._json import JsonObject

REFUSAL = "refusal"


class Answer:
    """What is known of one choice of an answer.

    Attributes:
        calls: Its tool calls.
        signatures: What carries its signatures.
        texts: Its text, in the pieces that arrived.
        thoughts: Its reasoning text, in pieces.
        has_choices: Whether a choice has been read.
        has_halves: Whether its texts may hold halves of surrogate pairs.
    """

    def __init__(
        self,
        headers: Mapping[str, str],
        *,
        client_request_id: str,
        body: JsonObject | None = None,
    ) -> None:
        """Begin an answer.

        Args:
            headers: Response headers, names lower-cased.
            client_request_id: The id that the call was sent with.
            body: The whole body, for the error that the answer may end in.
        """
        self.calls = ToolCalls()
        self.signatures = SignatureReader()
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        self.has_choices = False
        self.has_halves = False
        self._headers = headers
        self._client_request_id = client_request_id
        self._body = body
        self._completion: JsonObject = {}
        self._choice: JsonObject = {}
        self._message: JsonObject = {}
        self._told_usage: object = None
        self._usage: UsageMetadata | None = None

    def read_completion(self, completion: JsonObject) -> None:
        """Take what a completion, or a chunk of a stream, tells beside its choices."""
        gather(self._completion, completion, COMPLETION)
        # Ids for calls without one are made of it: the same at a replay.
        self.calls.completion_id = self._completion.get("id", "")

    def read_choice(self, choice: JsonObject) -> None:
        """Take what a choice tells beside its message or delta."""
        self.has_choices = True
        gather(self._choice, choice, CHOICE)

    def read_message(self, message: JsonObject) -> tuple[str, dict[str, str]]:
        """Take a message or delta, but for its tool calls.

        Returns:
            Its text; running texts of `additional_kwargs` (`reasoning_content`, `refusal`).
        """
        running: dict[str, str] = {}
        if thought := reasoning_text(message):
            running[REASONING_TEXT] = thought
        if (refusal := message.get(REFUSAL)) and isinstance(refusal, str):
            running[REFUSAL] = refusal
        self.signatures.feed(message)
        gather(self._message, message, MESSAGE)
        content = message.get("content")
        return content if isinstance(content, str) else read_text(content), running

    @property
    def ending(self) -> Ending:
        """How the answer ended, as far as it is told."""
        return Ending.read(self._choice)

    @property
    def is_begun(self) -> bool:
        """Whether anything has arrived."""
        return self.has_choices or bool(self._completion)

    @property
    def name(self) -> str | None:
        """Name of the assistant, if the wire gave it one."""
        return self._message.get("name")

    @property
    def usage(self) -> UsageMetadata | None:
        """Token counts, if they have come."""
        told = self._completion.get("token_usage")
        if told is not self._told_usage:
            self._told_usage, self._usage = told, read_usage(told)
        return self._usage

    def extras(self) -> JsonObject:
        """Return what `additional_kwargs` keeps beside reasoning, as it came."""
        return {
            key: "".join(value) if key == REFUSAL else value
            for key, value in self._message.items()
            if key != "name"
        }

    def decoded_calls(self) -> tuple[list[ToolCall], list[InvalidToolCall]]:
        """Return the executable tool calls, then the invalid ones."""
        if not self.calls.calls:  # of most answers
            return [], []
        return decode_tool_calls(self.calls.calls, is_truncated=self.ending.is_truncated)

    def kwargs(self, signatures: Signatures) -> JsonObject:
        """Return `additional_kwargs`."""
        kwargs = {**signatures.to_kwargs(), **self.extras()}
        good, bad = self.decoded_calls()
        # LangChain keeps them in two lists, so that the order of both together has to be kept.
        if bad and good:
            kwargs[CALL_ORDER] = [call.id for call in self.calls.calls if not call.is_double]
        return cast("JsonObject", replace_surrogates(kwargs)) if self.has_halves else kwargs

    def metadata(self) -> JsonObject:
        """Return `response_metadata`."""
        ending = self.ending
        good, _ = self.decoded_calls()
        known = {**self._completion, **self._choice}
        if usage := known.get("token_usage"):
            known["token_usage"] = token_usage(usage, self.usage)
            # The wire's own figures stay readable where sums had to be put right.
            if known["token_usage"] is not usage:
                known["native_usage"] = usage
        return answer_metadata(
            known,
            ending=ending,
            normalized=ending.normalized(
                has_calls=bool(good), has_refusal=REFUSAL in self._message
            ),
            headers=self._headers,
            client_request_id=self._client_request_id,
        )

    def message_fields(self) -> JsonObject:
        """Return the fields of the whole answer's message.

        Raises:
            AIMLAPIResponseError: It ended without a usable answer.
        """
        self.check()
        good, bad = self.decoded_calls()
        return {**self._fields(), "tool_calls": good, "invalid_tool_calls": bad}

    def check(self) -> None:
        """Refuse an answer that ended without anything usable.

        Raises:
            AIMLAPIResponseError: As its ending tells; with `partial`.
        """
        # Thoughts alone are no answer: what was asked for is missing.
        is_empty = not (any(self.texts) or self.calls.calls or self.extras())
        if kind := self.ending.failure(is_empty=is_empty):
            raise self._failure(kind)

    def _failure(self, kind: type[errors.AIMLAPIResponseError]) -> errors.AIMLAPIResponseError:
        metadata = self.metadata()
        return kind(
            ending_message(metadata),
            request_id=metadata.get("inference_id"),
            body=self._body,
            response_headers=self._headers,
            partial=self.partial(),
        )

    def partial(self) -> AIMessageChunk | None:
        """Return what has arrived so far, or `None` if nothing has; no call is executable."""
        if not self.is_begun:
            return None
        chunk = AIMessageChunk(**self._fields(), invalid_tool_calls=failed_calls(self.calls.calls))
        chunk.tool_call_chunks = []  # from these langchain-core would make executable calls again
        return chunk

    def _fields(self) -> JsonObject:
        text = "".join(self.thoughts)
        signatures = self.signatures.signatures(calls=self.calls.calls, text=text)
        return {
            "content": "".join(self.texts),
            "name": self.name,
            "additional_kwargs": self.kwargs(signatures),
            "usage_metadata": self.usage,
            "response_metadata": self.metadata(),
        }
