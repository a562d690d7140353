"""Bytes of a response turned into events, chunks or a body, within the limits of the call."""

from __future__ import annotations

import re
import time
import zlib
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from langchain_aimlapi import errors
from langchain_aimlapi._http.network_stream import Deadline
from langchain_aimlapi._http.sse import EventSplitter, EventTooLongError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from langchain_core.outputs import ChatGenerationChunk

    from langchain_aimlapi._http.call import Call

_BLANK = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"
# How an event stream begins: with a field, a comment, or a gateway's line `error:`.
_FIELD = re.compile(rb"(?:data|event|id|retry|error)?:|(?:data|event|id|retry)[\r\n]")
# Shorter beginnings may still become a field's name.
_LONGEST_FIELD = len("event:")
# A stream whose first lines are none of the standard's, a banner say.
_EVENT_INSIDE = re.compile(rb"[\r\n]data:")
# How much is unpacked at a time: a bomb is noticed before it is big.
_PIECE = 256 * 1024
_ERROR_BODY_BYTES = 1024 * 1024
_GZIP = ("gzip", "x-gzip")
_NEVER = float("inf")


class Unpacker:
    """Undoes a content encoding, bounded: a few bytes may claim to be many gigabytes."""

    def __init__(self, encoding: str, *, most: int) -> None:
        """Begin a body.

        Args:
            encoding: `gzip` or `deflate`.
            most: The most that it may unpack to, in bytes.
        """
        self._encoding = encoding
        self._most = most
        self._size = 0
        self._head: list[bytes] = []  # what came before anything was unpacked
        self._head_size = 0
        self._zlib = zlib.decompressobj(zlib.MAX_WBITS | (16 if encoding in _GZIP else 0))

    def take(self, block: bytes) -> Iterator[bytes]:
        """Yield what a block unpacks to, in pieces.

        Raises:
            AIMLAPIResponseError: It is not so encoded, or unpacks to more than it may.
        """
        try:
            piece = self._begin(block)
            while piece:
                self._size += len(piece)
                if self._size > self._most:
                    msg = f"The answer unpacks to over {self._most} bytes."
                    raise errors.AIMLAPIResponseError(msg)
                yield piece
                piece = self._zlib.decompress(self._zlib.unconsumed_tail, _PIECE)
        except zlib.error as error:
            msg = f"The answer is not what its content-encoding says ({error})."
            raise errors.unreadable_response(msg) from error

    def _begin(self, block: bytes) -> bytes:
        if self._size:
            return self._zlib.decompress(block, _PIECE)
        self._head_size += len(block)
        if self._head_size > self._most:  # a header, or empty blocks, without end
            msg = f"The answer holds nothing in its first {self._most} bytes."
            raise errors.AIMLAPIResponseError(msg)
        try:
            if self._encoding in _GZIP:
                return self._zlib.decompress(block, _PIECE)
            self._head.append(block)
            return self._zlib.decompress(block, _PIECE)
        except zlib.error:
            if self._encoding in _GZIP or not self._head:
                raise
            # RFC 9110 means zlib's format by it; some servers send the bare one, without a head.
            self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)  # what some call "deflate"
            head, self._head = b"".join(self._head), []
            return self._zlib.decompress(head, _PIECE)


def unpacker_of(headers: Mapping[str, str], *, call: Call) -> Unpacker | None:
    """Return what undoes a response's content encoding, `None` if it has none.

    Args:
        headers: Response headers, names lower-cased.
        call: The call that is answered.

    Raises:
        AIMLAPIResponseError: It is none that was asked for, or several in one another.
    """
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return None
    asked = call.headers.get("accept-encoding", "").lower()
    # gzip is taken unasked as well: proxies add it, and it tells itself by its magic number.
    if encoding in _GZIP or (encoding == "deflate" and encoding in asked):
        return Unpacker(encoding, most=call.max_body_bytes)
    raise errors.AIMLAPIResponseError(
        f"The answer has the content-encoding {encoding!r}, which was not asked for.",
        advice="gzip and deflate are read; leave accept-encoding alone.",
        response_headers=headers,
    )


class Reader:
    """Cuts the bytes of one response into the data of events, whatever the response is called.

    A body that is no event stream is one event, at its end. Gateways answer a stream's request with
    a whole completion and the other way round, each under the other's label or none: what comes is
    told by its first byte that is not blank, the label decides only where that says nothing.

    Attributes:
        is_stream: Whether it is an event stream, `None` as long as nothing but blanks came.
    """

    def __init__(
        self,
        call: Call,
        *,
        headers: Mapping[str, str],
        started: float,
        is_unpacked: bool = False,
        deadline: Deadline | None = None,
    ) -> None:
        """Begin a response.

        Args:
            call: The call that it answers.
            headers: Its headers, names lower-cased.
            started: When the attempt began, on the monotonic clock.
            is_unpacked: Whether its content encoding is undone already.
            deadline: Of the connection that it comes over, put off by what is heard.
        """
        self.is_stream: bool | None = None
        self._call = call
        self._deadline = deadline or Deadline()
        self._label = headers.get("content-type", "").lower()
        self._unpacker = None if is_unpacked else unpacker_of(headers, call=call)
        self._started = started
        # From here, not from the attempt's beginning: waiting for the first byte has its own limit.
        self._heard = time.monotonic()
        total, stream, silence = call.limits.total, call.limits.stream, call.limits.silence
        self._silence = _NEVER if silence is None else silence
        self._first_limit = min(limit for limit in (total, stream, _NEVER) if limit is not None)
        self._splitter = EventSplitter(max_bytes=call.max_event_bytes)
        self._blocks: list[bytes] = []
        self._size = 0

    def take(self, block: bytes) -> list[bytes]:
        """Return the data of the events that end in this block.

        Raises:
            AIMLAPITimeoutError: A limit of time is over.
            AIMLAPIResponseError: A limit of size is.
        """
        if self._unpacker is None:
            events = self._cut(block)
        else:
            events = [event for piece in self._unpacker.take(block) for event in self._cut(piece)]
        # Time is checked at each block that comes; silence between blocks is httpx's read limit.
        now = time.monotonic()
        if now - self._heard > self._silence or now - self._started > self._first_limit:
            self._check_time(now, events)
        return events

    def finish(self) -> list[bytes]:
        """Return the data of the events that the end of the bytes ends."""
        if self.is_stream:
            return self._splitter.finish()
        body = b"".join(self._blocks)
        if self.is_stream is None:
            self.is_stream = self._tell(body, is_end=True) or False
        # Nothing more comes, so that what was held back is told apart once more, as a whole.
        # Sought as plain bytes first, which costs next to nothing.
        if not self.is_stream and not (b"data:" in body and _EVENT_INSIDE.search(body)):
            return [body]
        self.is_stream = True
        return [*self._split(body), *self._splitter.finish()]

    def hear(self, events: list[bytes]) -> None:
        """Begin to listen again, after the events were dealt with.

        Only now: a slow consumer is not a silent server.
        """
        if any(events):
            self._heard = self._deadline.hear()

    def _cut(self, piece: bytes) -> list[bytes]:
        if self.is_stream:
            return self._split(piece)
        self._blocks.append(piece)
        self._size += len(piece)
        if self._size > self._call.max_body_bytes:
            msg = f"The answer is over {self._call.max_body_bytes} bytes long."
            raise errors.AIMLAPIResponseError(msg)
        return self._begin() if self.is_stream is None else []

    def _begin(self) -> list[bytes]:
        """Tell what it is as soon as that can be told."""
        start = b"".join(self._blocks).lstrip(_BLANK).removeprefix(_BOM).lstrip(_BLANK)
        self.is_stream = self._tell(start, is_end=False)
        # From here on the blocks of a body are only kept, never joined to look at them again.
        self._blocks = [] if self.is_stream else [start]
        return self._split(start) if self.is_stream else []

    def _tell(self, start: bytes, *, is_end: bool) -> bool | None:
        if _FIELD.match(start):
            return True
        first = start[:1]
        # `dat` may become `data:`; the first bytes decide only where no field can begin so.
        is_cut = len(start) < _LONGEST_FIELD and not is_end
        if not first or (is_cut and first in b"deir\xef" and b"\n" not in start):
            return None
        # JSON and HTML are told by their first byte, whatever the label says.
        return first not in b'{["<' and "event-stream" in self._label

    def _split(self, piece: bytes) -> list[bytes]:
        try:
            return self._splitter.feed(piece)
        except EventTooLongError as error:
            msg = f"One event of the stream is over {self._call.max_event_bytes} bytes long."
            raise errors.AIMLAPIResponseError(msg) from error

    def _check_time(self, now: float, events: list[bytes]) -> None:
        limits = self._call.limits
        taken, quiet = now - self._started, now - self._heard
        if not self._call.is_stream or self.is_stream is False:
            if limits.total is not None and taken > limits.total:
                msg = f"The answer took over {taken:.1f} s (limit {limits.total} s; see `timeout`)."
                raise errors.AIMLAPITimeoutError(msg)
        elif limits.stream is not None and taken > limits.stream:
            msg = f"The stream took {taken:.1f} s (limit {limits.stream} s; see `stream_timeout`)."
            raise errors.AIMLAPITimeoutError(msg)
        elif limits.silence is not None and quiet > limits.silence and not any(events):
            msg = (
                f"The stream sent no data for {quiet:.1f} s (limit {limits.silence} s; "
                "see `timeout`)."
            )
            raise errors.AIMLAPITimeoutError(msg)


class Body:
    """Gathers one whole answer."""

    def __init__(self, reader: Reader) -> None:
        """Begin an answer."""
        self._reader = reader
        self._events: list[bytes] = []

    def take(self, block: bytes) -> None:
        """Keep a block.

        Raises:
            AIMLAPIError: A limit was reached.
        """
        self._events += self._reader.take(block)

    def data(self) -> bytes | list[bytes]:
        """Return the whole body, or the data of the events where a stream came instead."""
        events = [*self._events, *self._reader.finish()]
        return events if self._reader.is_stream else events[0]


class ErrorBody:
    """Gathers the beginning of an error's body."""

    def __init__(
        self, call: Call, *, headers: Mapping[str, str], started: float, is_unpacked: bool
    ) -> None:
        """Begin a body; as `Reader`."""
        self._data = bytearray()
        self._note = b""
        # Only a body that drips is cut by it: the status says already that the call failed.
        self._deadline = started + (call.limits.total or float("inf"))
        self._unpacker: Unpacker | None = None
        try:
            self._unpacker = None if is_unpacked else unpacker_of(headers, call=call)
        except errors.AIMLAPIResponseError as failure:
            self._note = str(failure).encode()

    def take(self, block: bytes) -> bool:
        """Keep a block; tell whether that is enough."""
        if not self._note:
            self._unpack(block)
        is_late = time.monotonic() > self._deadline
        return bool(self._note) or len(self._data) > _ERROR_BODY_BYTES or is_late

    def data(self) -> bytes:
        """Return what came, or why it cannot be read."""
        return bytes(self._data) or self._note

    def _unpack(self, block: bytes) -> None:
        try:
            for piece in [block] if self._unpacker is None else self._unpacker.take(block):
                self._data += piece
                if len(self._data) > _ERROR_BODY_BYTES:
                    break
        except errors.AIMLAPIResponseError as failure:
            self._note = str(failure).encode()


class Decoder(Protocol):
    """What a stream is decoded by; see `StreamDecoder`."""

    is_done: bool

    def feed(self, events: Iterable[bytes]) -> Iterator[ChatGenerationChunk]:
        """Yield the chunks of events."""
        ...

    def finish(self) -> Iterator[ChatGenerationChunk]:
        """Yield the last chunk."""
        ...

    def partial(self) -> Any:
        """Return what has arrived so far as one chunk."""
        ...


class Feed:
    """Feeds a decoder with the bytes of one response.

    Attributes:
        has_handed_out: Whether a chunk has left to the user: nothing is retried after that.
        is_over: Whether the answer is whole: what else may come does not matter.
    """

    def __init__(
        self, reader: Reader, decoder: Decoder, *, show: Callable[[ChatGenerationChunk], None]
    ) -> None:
        """Begin a response.

        Args:
            reader: Cuts its bytes into events.
            decoder: Makes chunks of them.
            show: Makes the last chunk fit to be shown.
        """
        self.has_handed_out = False
        self.is_over = False
        self.partial = decoder.partial
        self._reader = reader
        self._decoder = decoder
        self._show = show

    def take(self, block: bytes) -> Iterator[ChatGenerationChunk]:
        """Yield the chunks that end in this block.

        Raises:
            AIMLAPIError: From the decoder, or a limit was reached.
        """
        events = self._reader.take(block)
        if not events:
            return
        for chunk in self._decoder.feed(events):
            self._hand_out(chunk)
            yield chunk
        self._reader.hear(events)
        self.is_over = self._decoder.is_done

    def finish(self) -> Iterator[ChatGenerationChunk]:
        """Yield what the end of the bytes brings.

        Raises:
            AIMLAPIResponseError: The stream was not whole.
        """
        for chunk in chain(self._decoder.feed(self._reader.finish()), self._decoder.finish()):
            self._hand_out(chunk)
            yield chunk
        self.is_over = True

    def _hand_out(self, chunk: ChatGenerationChunk) -> None:
        self.has_handed_out = True
        if self._decoder.is_done:
            self._show(chunk)
