"""Bytes of a response turned into chunks or a body, within the limits of the call."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

from langchain_aimlapi import errors
from langchain_aimlapi._http.sse import EventSplitter, EventTooLongError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from langchain_core.outputs import ChatGenerationChunk

    from langchain_aimlapi._http.call import Call
    from langchain_aimlapi._http.retry import Tries


class Body:
    """Gathers one whole body."""

    def __init__(self, call: Call, *, started: float) -> None:
        """Begin a body.

        Args:
            call: The call that it answers.
            started: When the attempt began, on the monotonic clock.
        """
        self._call = call
        self._blocks: list[bytes] = []
        self._size = 0
        self._started = started

    def take(self, block: bytes) -> None:
        """Keep a block.

        Raises:
            AIMLAPITimeoutError: The answer takes longer than the limit allows.
            AIMLAPIResponseError: It is longer than the limit allows.
        """
        self._blocks.append(block)
        self._size += len(block)
        if self._size > self._call.max_body_bytes:
            msg = f"The answer is over {self._call.max_body_bytes} bytes long."
            raise errors.AIMLAPIResponseError(msg)
        total = self._call.limits.total
        taken = time.monotonic() - self._started
        if total is not None and taken > total:
            msg = f"The answer took over {taken:.1f} s (limit {total} s; see `timeout`)."
            raise errors.AIMLAPITimeoutError(msg)

    def data(self) -> bytes:
        """Return the whole body."""
        return self._blocks[0] if len(self._blocks) == 1 else b"".join(self._blocks)


class Decoder(Protocol):
    """What a stream is decoded by; see `StreamDecoder`."""

    is_done: bool

    def feed(self, events: Iterable[bytes]) -> Iterator[ChatGenerationChunk]:
        """Yield the chunks of events."""
        ...

    def finish(self) -> Iterator[ChatGenerationChunk]:
        """Yield the last chunk."""
        ...

    def partial(self) -> Any:  # noqa: ANN401  a message, of which this side knows nothing
        """Return what has arrived so far as one chunk."""
        ...


class Feed(Protocol):
    """Takes the bytes of one response, yields chunks.

    Attributes:
        is_over: Whether the answer is whole: what else may come does not matter.
    """

    is_over: bool

    def take(self, block: bytes) -> Iterator[ChatGenerationChunk]:
        """Yield the chunks that end in this block."""
        ...

    def finish(self) -> Iterator[ChatGenerationChunk]:
        """Yield what the end of the bytes brings."""
        ...


def feed_of(content_type: str, *, call: Call, tries: Tries, decoder: Decoder) -> Feed:
    """Return the feed for a response to a stream's request.

    A gateway may answer such a request with plain JSON, or HTML: told apart by content type.

    Args:
        content_type: The response's header, `""` if it has none.
        call: The call that is answered.
        tries: Its attempts, which are told of every chunk.
        decoder: Decodes this attempt.
    """
    is_whole = any(kind in content_type.lower() for kind in ("json", "html"))
    feed = _WholeFeed if is_whole else _EventFeed
    return feed(call, tries=tries, decoder=decoder)


class _EventFeed:
    """Feeds server-sent events to a decoder, watching the silence between them."""

    def __init__(self, call: Call, *, tries: Tries, decoder: Decoder) -> None:
        """Begin a response."""
        self.is_over = False
        self._call = call
        self._tries = tries
        self._tries.partial = decoder.partial
        self._decoder = decoder
        self._splitter = EventSplitter(max_bytes=call.max_event_bytes)
        self._heard = time.monotonic()

    def take(self, block: bytes) -> Iterator[ChatGenerationChunk]:
        """Yield the chunks whose events end in this block.

        Raises:
            AIMLAPIError: From the decoder, or a limit was reached.
        """
        events = self._split(block)
        for chunk in self._decoder.feed(events):
            self._tries.has_handed_out = True
            yield chunk
        # Only now: a slow consumer is not a silent server.
        if any(events):
            self._heard = time.monotonic()
        if self._decoder.is_done:
            self._tries.is_answered = self.is_over = True

    def finish(self) -> Iterator[ChatGenerationChunk]:
        """Yield the last chunk.

        Raises:
            AIMLAPIResponseError: The stream was not whole.
        """
        for chunk in self._decoder.feed(self._splitter.finish()):
            self._tries.has_handed_out = True
            yield chunk
        for chunk in self._decoder.finish():
            self._tries.has_handed_out = True
            yield chunk
        self._tries.is_answered = True

    def _split(self, block: bytes) -> list[bytes]:
        try:
            events = self._splitter.feed(block)
        except EventTooLongError as error:
            msg = f"One event of the stream is over {self._call.max_event_bytes} bytes long."
            raise errors.AIMLAPIResponseError(msg) from error
        silence = self._call.limits.silence
        quiet = time.monotonic() - self._heard
        if silence is not None and quiet > silence and not any(events):
            msg = f"The stream sent no data for {quiet:.1f} s (limit {silence} s; see `timeout`)."
            raise errors.AIMLAPITimeoutError(msg)
        return events


class _WholeFeed:
    """Feeds a decoder that asked for a stream with the one body that came instead."""

    def __init__(self, call: Call, *, tries: Tries, decoder: Decoder) -> None:
        """Begin a response."""
        self.is_over = False
        self._body = Body(call, started=tries.started)
        self._tries = tries
        self._decoder = decoder

    def take(self, block: bytes) -> Iterator[ChatGenerationChunk]:
        """Keep the block; there is nothing to yield before the end."""
        self._body.take(block)
        return iter(())

    def finish(self) -> Iterator[ChatGenerationChunk]:
        """Yield the answer as chunks.

        Raises:
            AIMLAPIError: From the decoder.
        """
        for chunks in (self._decoder.feed([self._body.data()]), self._decoder.finish()):
            for chunk in chunks:
                self._tries.has_handed_out = True
                yield chunk
        self._tries.is_answered = True
