"""A streamed answer, event by event, as chunks whose sum is the whole answer.

LangChain adds chunks up by rules of its own: equal strings are concatenated, numbers summed, list
items fused by `index`. So running text leaves at once, while everything else is gathered here and
leaves once, in the last chunk.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from langchain_aimlapi import errors
from langchain_aimlapi._codec.content import read_text
from langchain_aimlapi._codec.fast_chunks import chunk_maker
from langchain_aimlapi._codec.metadata import (
    answer_extras,
    answer_metadata,
    ending_failure,
    ending_message,
)
from langchain_aimlapi._codec.reasoning import REASONING_TEXT
from langchain_aimlapi._codec.signature_reader import RUNNING_TEXTS, SignatureReader, reasoning_text
from langchain_aimlapi._codec.tool_calls import StreamedToolCalls
from langchain_aimlapi._codec.usage import read_usage
from langchain_aimlapi._error_mapping import body_failure, unreadable_failure
from langchain_aimlapi._json import Halves, decode_event, mended

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from langchain_core.messages.tool import ToolCallChunk

_BODY_KEYS = (
    "id",
    "model",
    "created",
    "provider",
    "system_fingerprint",
    "service_tier",
    "usage",
    "meta",
)
_DONE = b"[DONE]"
_RUNNING_TEXTS = frozenset({"content", "refusal", "arguments", *RUNNING_TEXTS})


class StreamDecoder:
    """Decodes one attempt at a streamed answer.

    `feed` takes the data of events, `finish` says that no more will come. A whole completion that a
    server sends instead of a stream is one event to `feed`.
    """

    def __init__(self, headers: Mapping[str, str], *, client_request_id: str) -> None:
        """Begin an answer.

        Args:
            headers: Response headers, names lower-cased.
            client_request_id: The id that the call was sent with.
        """
        self.is_done = False
        self._headers = headers
        self._client_request_id = client_request_id
        self._make = chunk_maker()
        self._calls = StreamedToolCalls()
        self._signatures = SignatureReader()
        self._halves: Halves | None = None
        self._body: dict[str, Any] = {}
        self._choice: dict[str, Any] = {}
        self._message: dict[str, Any] = {}
        self._has_events = False
        self._has_choices = False
        self._is_marked = False
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._extras: dict[str, dict[str, Any]] = {}

    def feed(self, events: Iterable[bytes]) -> Iterator[ChatGenerationChunk]:
        """Yield the chunks of these events; the last chunk on `[DONE]`; nothing after it.

        Args:
            events: Data of server-sent events, or one whole body.

        Raises:
            AIMLAPIError: An event tells of a failure, or is not JSON; `partial` holds what came
                before.
        """
        for data in events:
            if self.is_done:
                return
            if data == _DONE:
                self._is_marked = True
                yield from self.finish()
            elif data and (chunk := self._event_chunk(data)) is not None:
                yield chunk

    def finish(self) -> Iterator[ChatGenerationChunk]:
        """Yield the last chunk, unless `[DONE]` had it yielded already.

        Raises:
            AIMLAPIResponseError: The stream was empty, cut off, or ended without an answer.
        """
        if self.is_done:
            return
        self._check_whole()
        self.is_done = True
        chunk = self._last_chunk()
        metadata = chunk.message.response_metadata
        kind = ending_failure(metadata, is_empty=self._is_empty())
        if kind is not None:
            raise kind(
                ending_message(metadata),
                request_id=metadata.get("inference_id"),
                response_headers=self._headers,
                partial=self.partial(),
            )
        yield chunk

    def partial(self) -> AIMessageChunk | None:
        """Return what has arrived so far as one chunk, or `None` if nothing has."""
        if not (self._has_choices or self._body):
            return None
        text = "".join(self._thoughts)
        return AIMessageChunk(
            content="".join(self._texts),
            additional_kwargs={
                **self._signatures.signatures(calls=self._calls.calls, text=text).to_kwargs(),
                **answer_extras(self._message),
            },
            tool_call_chunks=self._calls.partial(),
            usage_metadata=read_usage(self._body.get("usage")),
            response_metadata=self._metadata(),
        )

    def _event_chunk(self, data: bytes) -> ChatGenerationChunk | None:
        try:
            event, has_halves = decode_event(data, running=_RUNNING_TEXTS)
        except ValueError as error:
            failure = unreadable_failure(data, what="An event", headers=self._headers)
            raise self._with_partial(failure) from error
        self._has_events = True
        if has_halves and self._halves is None:
            self._halves = Halves()
        if not isinstance(event, dict) or event.get("error") or not event.get("choices"):
            self._check_event(event)
        body = self._body
        for key in _BODY_KEYS:
            if value := event.get(key):
                body[key] = value
        choices = event.get("choices")
        choice = choices[0] if choices and isinstance(choices, list) else None
        return self._choice_chunk(choice) if isinstance(choice, dict) else None

    def _check_event(self, event: object) -> None:
        if failure := body_failure(event, headers=self._headers):
            raise self._with_partial(failure)
        if not isinstance(event, dict):
            msg = f"An event of the stream is no object: {event!r:.200}"
            failure = errors.AIMLAPIResponseError(msg, body=event, response_headers=self._headers)
            raise self._with_partial(failure)

    def _choice_chunk(self, choice: dict[str, Any]) -> ChatGenerationChunk | None:
        self._has_choices = True
        if choice.get("error"):
            self._check_event({"error": choice["error"]})
        for key in ("finish_reason", "native_finish_reason"):
            if value := choice.get(key):
                self._choice[key] = value
        if (logprobs := choice.get("logprobs")) and isinstance(logprobs, dict):
            _gather(self._choice.setdefault("logprobs", {}), logprobs)
        delta = choice.get("delta") or choice.get("message")
        return self._delta_chunk(delta) if isinstance(delta, dict) else None

    def _delta_chunk(self, delta: dict[str, Any]) -> ChatGenerationChunk | None:
        content = delta.get("content")
        text = content if isinstance(content, str) else read_text(content) if content else ""
        kwargs: dict[str, Any] = {}
        fragments: list[ToolCallChunk] = []
        if thought := reasoning_text(delta):
            kwargs[REASONING_TEXT] = thought
        if (refusal := delta.get("refusal")) and isinstance(refusal, str):
            kwargs["refusal"] = refusal
            _gather(self._message, {"refusal": refusal})
        self._signatures.feed(delta)
        if delta.get("tool_calls") or delta.get("function_call"):
            self._calls.completion_id = str(self._body.get("id", ""))
            fragments = self._calls.feed(delta)
        if delta.get("annotations") or delta.get("images") or delta.get("audio"):
            _gather(
                self._message, {key: delta.get(key) for key in ("annotations", "images", "audio")}
            )
        if self._halves is not None:
            text = self._paired(self._halves, text, kwargs, fragments)
        if not (text or kwargs or fragments):
            return None
        if text:
            self._texts.append(text)
        if thought:
            self._thoughts.append(kwargs.get(REASONING_TEXT, ""))
        chunk = self._make(text, kwargs, fragments)
        return self._with_extras(chunk) if fragments else chunk

    def _with_extras(self, chunk: ChatGenerationChunk) -> ChatGenerationChunk:
        """Hang on each call's first chunk what is known of its signature, for v1 or v3 content.

        langchain-core drops it where it adds up chunks of v0; there the last chunk has it.
        """
        for fragment in cast("AIMessageChunk", chunk.message).tool_call_chunks:
            if not (call_id := fragment["id"]):
                continue
            call = self._calls.calls[cast("int", fragment["index"])]
            if extras := self._signatures.call_extras(call):
                self._extras[call_id] = cast("dict[str, Any]", fragment)["extras"] = extras
        return chunk

    @staticmethod
    def _paired(
        halves: Halves, text: str, kwargs: dict[str, Any], fragments: list[ToolCallChunk]
    ) -> str:
        """Join halves of surrogate pairs split over two deltas, in place; return the text."""
        for key, value in kwargs.items():
            kwargs[key] = halves.join(key, value)
        for fragment in fragments:
            fragment["args"] = halves.join(f"call {fragment['index']}", fragment["args"] or "")
        return halves.join("content", text)

    def _check_whole(self) -> None:
        if not self._has_choices:
            msg = "The stream ended without a single choice."
            failure = errors.AIMLAPIResponseError(msg, response_headers=self._headers)
            failure.is_readable = self._has_events
            raise self._with_partial(failure)
        if "finish_reason" not in self._choice and not self._is_marked:
            msg = "The stream was cut off: it ended without a finish reason or [DONE]."
            failure = errors.AIMLAPIResponseError(msg, response_headers=self._headers)
            raise self._with_partial(failure)

    def _with_partial(self, failure: errors.AIMLAPIError) -> errors.AIMLAPIError:
        failure.partial = self.partial()
        return failure

    def _is_empty(self) -> bool:
        return not (self._texts or self._calls.calls or answer_extras(self._message))

    def _metadata(self) -> dict[str, Any]:
        return answer_metadata(
            self._body,
            choice=self._choice,
            headers=self._headers,
            client_request_id=self._client_request_id,
        )

    def _last_chunk(self) -> ChatGenerationChunk:
        finish_reason = self._choice.get("finish_reason")
        signatures = self._signatures.signatures(calls=self._calls.calls)
        kwargs = signatures.to_kwargs()
        extras = answer_extras(self._message)
        extras.pop("refusal", None)  # was running text
        known = signatures.call_extras()
        late = frozenset(
            call.id
            for call in self._calls.calls
            if known.get(call.id, {}) != self._extras.get(call.id, {})
        )
        ends = self._calls.finish(finish_reason=finish_reason, late=late)
        text = ""
        if self._halves is not None:
            kwargs, extras = mended(kwargs), mended(extras)
            kwargs.update(self._halves.rests(REASONING_TEXT, "refusal"))
            text = self._halves.rests("content").get("content", "")
        metadata = self._metadata()
        ended = metadata.get("finish_reason")
        return ChatGenerationChunk(
            message=AIMessageChunk(
                content=text,
                additional_kwargs={**kwargs, **extras},
                tool_call_chunks=ends,
                usage_metadata=read_usage(self._body.get("usage")),
                response_metadata=metadata,
                chunk_position="last",
            ),
            generation_info={"finish_reason": ended} if ended else None,
        )


def decode_events(events: Iterable[bytes], decoder: StreamDecoder) -> ChatResult:
    """Return the answer of a stream that a server sent although none was asked for.

    Args:
        events: Data of its server-sent events, all of them.
        decoder: A fresh decoder.

    Raises:
        AIMLAPIError: As from the decoder.
    """
    result = generate_from_stream(chain(decoder.feed(events), decoder.finish()))
    metadata = result.generations[0].message.response_metadata
    names = ("model_name", "token_usage", "id")
    result.llm_output = {name: metadata[name] for name in names if name in metadata}
    return result


def _gather(into: dict[str, Any], pieces: dict[str, Any]) -> None:
    """Add pieces to what came before: texts are joined, lists extended, others replaced."""
    for key, piece in pieces.items():
        before = into.get(key)
        if isinstance(before, str) and isinstance(piece, str):
            into[key] = before + piece
        elif isinstance(before, list) and isinstance(piece, list):
            before.extend(piece)
        elif isinstance(before, dict) and isinstance(piece, dict):
            _gather(before, piece)
        elif piece is not None:
            into[key] = piece
