"""A streamed answer, event by event, as chunks whose sum is the whole answer.

LangChain adds chunks up by rules of its own: equal strings are concatenated, numbers summed, list
items fused by `index`. So running text leaves at once, while everything else is gathered here and
leaves once, in the last chunk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from langchain_aimlapi import errors
from langchain_aimlapi._codec.answer import REFUSAL, Answer
from langchain_aimlapi._codec.completion import result_of
from langchain_aimlapi._codec.fast_messages import chunk_maker
from langchain_aimlapi._codec.reasoning import REASONING_TEXT
from langchain_aimlapi._codec.signature_reader import RUNNING_TEXTS
from langchain_aimlapi._json import Halves, decode_event, split_joined
from langchain_aimlapi.errors.mapping import (
    event_failure,
    is_failure_name,
    is_of_answer,
    unreadable_failure,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from langchain_core.messages.tool import ToolCallChunk

    from langchain_aimlapi._json import JsonObject

_DONE = b"[DONE]"
_RUNNING_TEXTS = frozenset({"content", REFUSAL, "arguments", *RUNNING_TEXTS})


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
        self.answer = Answer(headers, client_request_id=client_request_id)
        self._headers = headers
        self._make = chunk_maker()
        self._halves: Halves | None = None
        self._choice_index: object = None
        self._name: str | None = None
        self._has_events = False
        self._has_message = False
        self._is_marked = False
        self._stray = ""
        self._last_event: JsonObject | None = None  # the last one read, but for its choices
        self._last_choice: JsonObject | None = None  # the same, but for its delta
        self._joined: list[bytes] = []  # events whose separator was lost
        self._extras: dict[str, JsonObject] = {}

    def feed(self, events: Iterable[bytes]) -> Iterator[ChatGenerationChunk]:
        """Yield the chunks of these events; the last chunk on `[DONE]`; nothing after it.

        Args:
            events: Data of server-sent events, or one whole body.

        Raises:
            AIMLAPIError: An event tells of a failure, or is not JSON.
        """
        for data in events:
            if self.is_done:
                return
            # The first byte decides for nearly all events, without a copy.
            if data[:1] != b"{" and data.strip() == _DONE:
                self._is_marked = True
                yield from self.finish()
            elif (data or type(data) is not bytes) and (chunk := self._event_chunk(data)):
                yield chunk
            elif self._joined:
                joined, self._joined = self._joined, []
                yield from self.feed(joined)

    def finish(self) -> Iterator[ChatGenerationChunk]:
        """Yield what was held back and the last chunk, unless `[DONE]` had it yielded already.

        Raises:
            AIMLAPIResponseError: The stream was empty, cut off, or ended without an answer.
        """
        if self.is_done:
            return
        self._check_whole()
        self.is_done = True
        ends = self._last_texts()
        self.answer.check()
        if fragments := self.answer.calls.held_back():
            if self._halves is not None:
                self._paired(self._halves, "", {}, fragments)
            yield self._with_extras(self._make("", {}, fragments))
        yield self._last_chunk(*ends)

    def partial(self) -> AIMessageChunk | None:
        """Return what has arrived so far as one chunk, or `None` if nothing has."""
        return self.answer.partial()

    def _event_chunk(self, data: bytes) -> ChatGenerationChunk | None:
        # What no `event:` line named are plain bytes, as nearly always.
        name = "" if type(data) is bytes else str(getattr(data, "name", ""))
        try:
            event, has_halves = decode_event(data, running=_RUNNING_TEXTS)
        except ValueError as error:
            self._pass_over(data, name, error)
            return None
        self._has_events = True
        if event is None and not is_failure_name(name):
            return None
        # Servers that cut UTF-16 put half a surrogate pair into each of two deltas.
        if has_halves and self._halves is None:
            self._halves = Halves()
            self.answer.has_halves = True
        is_odd = not isinstance(event, dict) or event.get("error") or not event.get("choices")
        if is_odd or name:
            self._check_event(event, name)
            if name and not is_of_answer(event, name):
                return None
        choices = event.pop("choices", None)
        # Usage, cost and model stand on any chunk, often on one without choices behind the last.
        if event != self._last_event:
            self.answer.read_completion(event)
            # `True` would equal a 1 that comes next, which says something.
            self._last_event = None if b"true" in data else event
        for choice in choices if choices and isinstance(choices, list) else ():
            if isinstance(choice, dict):
                # A whole completion that is sent as one event has a message instead.
                delta = choice.pop("delta", None) or choice.pop("message", None)
                if choice == self._last_choice or self._takes(choice):
                    return self._delta_chunk(delta) if isinstance(delta, dict) else None
        return None

    def _pass_over(self, data: bytes, name: str, error: ValueError) -> None:
        """Ignore data that is no JSON where it never was to be: a heartbeat, say.

        Raises:
            AIMLAPIError: It was to be JSON, or tells of a failure in words.
        """
        text = data.decode("utf-8", "replace").strip()
        if is_failure_name(name):
            self._check_event(text, name)
        if is_of_answer(None, name) and (joined := split_joined(text)):
            self._joined = joined
        elif name in ("", "message") and text.startswith(("{", "[", '"', "<")):
            raise unreadable_failure(data, what="An event", headers=self._headers) from error
        self._stray = text

    def _check_event(self, event: object, name: str = "") -> None:
        if failure := event_failure(event, name=name, headers=self._headers):
            raise failure
        if not isinstance(event, dict) and is_of_answer(event, name):
            msg = f"An event of the stream is no object: {event!r:.200}"
            raise errors.AIMLAPIResponseError(msg, body=event, response_headers=self._headers)

    def _takes(self, choice: JsonObject) -> bool:
        """Take a choice, but for its delta, if it is the one that came first.

        Texts of two must not mix.
        """
        index = choice.get("index")
        if isinstance(index, int | float):
            if self._choice_index is None:
                self._choice_index = index
            elif index != self._choice_index:
                return False
        if choice.get("error"):
            self._check_event({"error": choice["error"]})
        self.answer.read_choice(choice)
        # The same said again says nothing, but log probabilities, which add up.
        self._last_choice = None if choice.get("logprobs") else choice
        return True

    def _delta_chunk(self, delta: JsonObject) -> ChatGenerationChunk | None:
        answer = self.answer
        self._has_message = True
        only = _only_key(delta)
        text: str
        kwargs: JsonObject
        if only == "content" and self._halves is None and type(text := delta[only]) is str:
            answer.texts.append(text)
            return self._make(text, {}, [])
        text, kwargs = ("", {}) if only == "tool_calls" else answer.read_message(delta)
        fragments: list[ToolCallChunk] = []
        if delta.get("tool_calls") or delta.get("function_call"):
            fragments = answer.calls.feed(delta)
        if self._halves is not None:
            text = self._paired(self._halves, text, kwargs, fragments)
        # Told once: langchain-core's `+` would concatenate the names of two chunks.
        name = answer.name if self._name is None else None
        if not (text or kwargs or fragments or name):
            return None
        if text:
            answer.texts.append(text)
        if thought := kwargs.get(REASONING_TEXT):
            answer.thoughts.append(thought)
        chunk = self._make(text, kwargs, fragments)
        if name:
            self._name = chunk.message.name = name
        return self._with_extras(chunk) if fragments else chunk

    def _with_extras(self, chunk: ChatGenerationChunk) -> ChatGenerationChunk:
        """Hang on each call's first chunk what is known of its signature, for v1 or v3 content.

        langchain-core drops it where it adds up chunks of v0; there the last chunk has it.
        """
        for fragment in cast("AIMessageChunk", chunk.message).tool_call_chunks:
            if not (call_id := fragment["id"]):
                continue
            call = self.answer.calls.calls[cast("int", fragment["index"])]
            if extras := self.answer.signatures.call_extras(call):
                self._extras[call_id] = cast("JsonObject", fragment)["extras"] = extras
        return chunk

    @staticmethod
    def _paired(
        halves: Halves, text: str, kwargs: JsonObject, fragments: list[ToolCallChunk]
    ) -> str:
        """Join halves of surrogate pairs split over two deltas, in place; return the text."""
        for key, value in kwargs.items():
            kwargs[key] = halves.join(key, value)
        for fragment in fragments:
            fragment["args"] = halves.join(f"call {fragment['index']}", fragment["args"] or "")
        return halves.join("content", text)

    def _check_whole(self) -> None:
        if not self.answer.has_choices:
            said = f" It said {self._stray!r:.200}." if self._stray else ""
            msg = f"The stream ended without a single choice.{said}"
            failure = errors.AIMLAPIResponseError(msg, response_headers=self._headers)
            failure.is_readable = self._has_events
            raise failure
        # A finish reason is whole enough: some upstreams never send [DONE].
        if self.answer.ending.reason:
            return
        if not self._is_marked:
            msg = "The stream was cut off: it ended without a finish reason or [DONE]."
            raise errors.AIMLAPIResponseError(msg, response_headers=self._headers)
        if not self._has_message:
            msg = "The stream ended without a message and without a finish reason."
            raise errors.AIMLAPIResponseError(msg, response_headers=self._headers)

    def _last_texts(self) -> tuple[str, dict[str, str]]:
        """Return halves of surrogate pairs that stayed alone, as U+FFFD."""
        if self._halves is None:
            return "", {}
        text = self._halves.rests("content").get("content", "")
        running = self._halves.rests(REASONING_TEXT, REFUSAL)
        self.answer.texts.append(text)
        self.answer.thoughts.append(running.get(REASONING_TEXT, ""))
        return text, running

    def _call_rests(self) -> dict[int, str]:
        """Return halves of surrogate pairs at which arguments were cut off, by position."""
        if self._halves is None:
            return {}
        keys = {f"call {call.position}": call.position for call in self.answer.calls.calls}
        return {keys[key]: rest for key, rest in self._halves.rests(*keys).items()}

    def _last_chunk(self, text: str, running: dict[str, str]) -> ChatGenerationChunk:
        answer = self.answer
        signatures = answer.signatures.signatures(calls=answer.calls.calls)
        # A call whose block left before its signature came: v1 content gets it by its last chunk.
        known = signatures.call_extras()
        late = frozenset(
            call.id
            for call in answer.calls.calls
            if known.get(call.id, {}) != self._extras.get(call.id, {})
        )
        ends = answer.calls.finish(
            is_truncated=answer.ending.is_truncated, late=late, rests=self._call_rests()
        )
        kwargs = answer.kwargs(signatures)
        # A second time it would be concatenated to the first.
        kwargs.pop(REFUSAL, None)  # was running text
        metadata = answer.metadata()
        ended = metadata.get("finish_reason")
        return ChatGenerationChunk(
            message=AIMessageChunk(
                content=text,
                additional_kwargs={**kwargs, **running},
                tool_call_chunks=ends,
                usage_metadata=answer.usage,
                response_metadata=metadata,
                chunk_position="last",
            ),
            generation_info={"finish_reason": ended} if ended else None,
        )


def _only_key(delta: JsonObject) -> str:
    """Return the one key under which a delta says something, as most do; `""` for the others."""
    only = ""
    for key in delta:
        if delta[key] and key != "role":
            if only:
                return ""
            only = key
    return only


def decode_events(events: Iterable[bytes], decoder: StreamDecoder) -> ChatResult:
    """Return the answer of a stream that a server sent although none was asked for.

    Args:
        events: Data of its server-sent events, all of them.
        decoder: A fresh decoder.

    Raises:
        AIMLAPIError: As from the decoder.
    """
    # Chunks are dropped: the decoder's answer holds all that they said.
    try:
        for chunks in (decoder.feed(events), decoder.finish()):
            for _ in chunks:
                pass
    except errors.AIMLAPIError as failure:
        failure.partial = failure.partial or decoder.partial()
        raise
    return result_of([decoder.answer])
