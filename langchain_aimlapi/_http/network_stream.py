"""The sockets of our own clients, as httpcore reads and writes them, with three things more.

* Every read and write ends with a limit for the whole of what the call waits for: httpx's limits
  are those of one read, which a head that drips, interim answers or the extensions of chunks keep
  alive for ever, since none of these ever reaches whoever reads the answer.
* A head with a small body leaves in one piece: one system call less, one turn of the loop less.
* An upload that a server refuses and resets in its midst is told as what it said. asyncio drops
  with the connection what it has not read yet; the system still has it.

A client carries one call at a time (see `client_pool`), so that its deadline is that of its call.
Nothing here imports httpcore: its streams are wrapped, whatever they are.
"""

from __future__ import annotations

import math
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from langchain_aimlapi._http.call import Limits

# Up to here a body is copied behind its head, to be sent with it.
_SMALL = 64 * 1024
# How much of a large one is sent between two looks at the clock.
_SLICE = 512 * 1024


class Deadline:
    """Until when a call may wait, on the monotonic clock.

    Attributes:
        at: Until when something has to be heard.
        end: Until when all has to be over.
    """

    __slots__ = ("_is_stream", "_silence", "at", "end")

    def __init__(self) -> None:
        """Begin without a limit."""
        self.at = self.end = self._silence = math.inf
        self._is_stream = False

    def begin(self, limits: Limits, *, is_stream: bool, started: float) -> None:
        """Begin an attempt.

        Args:
            limits: The limits of the call.
            is_stream: Whether a stream was asked for, which may be silent for so long; of a whole
                answer only the end counts.
            started: When the attempt began.
        """
        self._is_stream = is_stream
        longest = limits.stream if is_stream else limits.total
        self._silence = (is_stream and limits.silence) or math.inf
        self.at = self.end = math.inf if longest is None else started + longest

    @property
    def setting(self) -> str:
        """Which setting limits what is waited for now."""
        is_over = self._is_stream and time.monotonic() >= self.end
        return "stream_timeout" if is_over else "timeout"

    def hear(self) -> float:
        """Begin to wait anew: something came that counts, or something was sent.

        Returns:
            When that was.
        """
        now = time.monotonic()
        self.at = min(now + self._silence, self.end)
        return now

    def hurry(self, seconds: float) -> None:
        """Wait no longer than so many seconds from now."""
        self.at = min(self.at, time.monotonic() + seconds)

    def seconds_to_read(self, timeout: float | None) -> float | None:
        """Return how long one read may take.

        Args:
            timeout: The limit of one read.

        Raises:
            ReadTimeout: No longer at all.
        """
        return _seconds(self.at, timeout, httpx.ReadTimeout)

    def seconds_to_write(self, timeout: float | None) -> float | None:
        """Return how long one write may take; see `seconds_to_read`."""
        return _seconds(self.end, timeout, httpx.WriteTimeout)


def _seconds(
    until: float, timeout: float | None, error: type[httpx.TimeoutException]
) -> float | None:
    if until == math.inf:
        return timeout
    left = until - time.monotonic()
    if left <= 0:
        msg = "over, whatever was still on its way"
        raise error(msg)
    return left if timeout is None else min(timeout, left)


class Backend:
    """Opens connections for threads."""

    def __init__(self, inner: Any, deadline: Deadline) -> None:
        """Wrap a backend of httpcore's."""
        self._inner = inner
        self._deadline = deadline

    def connect_tcp(self, *args: Any, **settings: Any) -> NetworkStream:
        """Return a connection."""
        return NetworkStream(self._inner.connect_tcp(*args, **settings), self._deadline)


class AsyncBackend:
    """Opens connections for an event loop."""

    def __init__(self, inner: Any, deadline: Deadline) -> None:
        """Wrap a backend of httpcore's."""
        self._inner = inner
        self._deadline = deadline

    async def connect_tcp(self, *args: Any, **settings: Any) -> AsyncNetworkStream:
        """Return a connection."""
        return AsyncNetworkStream(await self._inner.connect_tcp(*args, **settings), self._deadline)


class _Stream:
    """What both kinds of connections share."""

    def __init__(self, inner: Any, deadline: Deadline) -> None:
        self._inner = inner
        self.deadline = deadline
        self._head = b""
        self._saved = b""
        self.get_extra_info = inner.get_extra_info

    @property
    def _stream(self) -> Any:
        """What `Connection` looks for bytes in that were read ahead."""
        return getattr(self._inner, "_stream", None)

    def _pieces(self, data: bytes) -> list[bytes]:
        """Return what is to be sent now; a head waits for its body, or for its lack to be told."""
        head, self._head = self._head, b""
        if not head:
            self._head = data
            return []
        if len(data) <= _SMALL:
            return [head + data]
        return [head, *(data[start : start + _SLICE] for start in range(0, len(data), _SLICE))]


class NetworkStream(_Stream):
    """A connection of threads."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what comes next."""
        read: bytes = self._inner.read(max_bytes, self.deadline.seconds_to_read(timeout))
        return read

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send something."""
        for piece in self._pieces(buffer):
            self._inner.write(piece, self.deadline.seconds_to_write(timeout))
        self.deadline.hear()

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(self, *args: Any, **settings: Any) -> NetworkStream:
        """Return the connection within TLS."""
        return NetworkStream(self._inner.start_tls(*args, **settings), self.deadline)


class AsyncNetworkStream(_Stream):
    """A connection of an event loop."""

    def read(self, max_bytes: int, timeout: float | None = None) -> Awaitable[bytes]:
        """Return what comes next."""
        if self._saved:
            return self._take_saved()
        seconds = self.deadline.seconds_to_read(timeout)
        read: Awaitable[bytes] = self._inner.read(max_bytes, seconds)
        return read

    def write(self, buffer: bytes, timeout: float | None = None) -> Awaitable[None]:
        """Send something."""
        return self._send(self._pieces(buffer), timeout)

    async def _send(self, pieces: list[bytes], limit: float | None) -> None:
        if len(pieces) > 1:
            await self._upload(pieces, limit)
        elif pieces:
            await self._inner.write(pieces[0], self.deadline.seconds_to_write(limit))
        self.deadline.hear()

    async def _upload(self, pieces: list[bytes], limit: float | None) -> None:
        """Send something large, which the server may refuse before it has all of it."""
        with self._inner.get_extra_info("socket").dup() as spare:
            try:
                for piece in pieces:
                    await self._inner.write(piece, self.deadline.seconds_to_write(limit))
            except Exception:
                self._save_answer(spare)
                raise

    def _save_answer(self, spare: Any) -> None:
        """Read what the server said before it hung up: asyncio has closed its own socket."""
        tls = self.get_extra_info("ssl_object")
        records: Any = getattr(self._stream, "_read_bio", None)
        with suppress(OSError, AttributeError):  # nothing more came; another layout
            data = spare.recv(_SMALL)
            if tls is None:
                self._saved = data
                return
            # By hand: anyio reads no more from TLS over which it cannot write.
            records.write(data)
            while plain := tls.read(_SMALL):
                self._saved += plain

    async def _take_saved(self) -> bytes:
        saved, self._saved = self._saved, b""
        return saved

    async def aclose(self) -> None:
        """Close the connection."""
        await self._inner.aclose()

    async def start_tls(self, *args: Any, **settings: Any) -> AsyncNetworkStream:
        """Return the connection within TLS."""
        started = await self._inner.start_tls(*args, **settings)
        return AsyncNetworkStream(started, self.deadline)
