"""Server-sent events, cut from bytes.

Lines end at CR, LF or CRLF only: JSON strings may hold U+2028 or U+0085, at which
`str.splitlines` and `httpx.Response.iter_lines` would cut. Several `data:` lines make one event;
comments (`: OPENROUTER PROCESSING`), `event:`, `id:` and `retry:` are passed over.

Source:
    html.spec.whatwg.org, "server-sent events", 9.2.6; wire facts 5.1 of 2026-11-21.
"""

from __future__ import annotations

_BOM = b"\xef\xbb\xbf"


class EventTooLongError(Exception):
    """One event holds more bytes than allowed."""


class EventSplitter:
    """Cuts the bytes of one stream into the data of its events, however the bytes are cut."""

    def __init__(self, *, max_bytes: int) -> None:
        """Begin a stream.

        Args:
            max_bytes: The most that one event may hold, in bytes.
        """
        self._max_bytes = max_bytes
        self._held: list[bytes] = []  # the beginning of a line that has not ended
        self._data: list[bytes] = []  # the lines of an event that has not ended
        self._size = 0
        self._ends_in_cr = False
        self._is_first = True

    def feed(self, block: bytes) -> list[bytes]:
        """Return the data of the events that end in this block.

        Args:
            block: The next bytes, of any length.

        Raises:
            EventTooLongError: An event grew over `max_bytes`.
        """
        if self._ends_in_cr and block.startswith(b"\n"):
            block = block[1:]
            self._ends_in_cr = False
        if b"\n" not in block and b"\r" not in block:
            self._hold(block)
            return []
        self._ends_in_cr = block.endswith(b"\r")
        is_whole = self._ends_in_cr or block.endswith(b"\n")
        if self._held:
            block = self._unheld() + block
        lines = block.splitlines()  # bytes: cuts at CR, LF, CRLF only
        rest = b"" if is_whole else lines.pop()
        events = self._events(lines)
        self._hold(rest)
        return events

    def finish(self) -> list[bytes]:
        """Return the data of an event that the end of the stream ends."""
        return self._events([self._unheld(), b""])

    def _hold(self, piece: bytes) -> None:
        if piece:
            self._ends_in_cr = False
            self._held.append(piece)
            self._grow(len(piece))

    def _unheld(self) -> bytes:
        piece, self._held = b"".join(self._held), []
        self._size -= len(piece)
        return piece

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > self._max_bytes:
            raise EventTooLongError(self._size)

    def _events(self, lines: list[bytes]) -> list[bytes]:
        events: list[bytes] = []
        for one in lines:
            line = one
            if self._is_first:
                line = one.removeprefix(_BOM)
                self._is_first = False
            if not line:
                if self._data:
                    events.append(b"\n".join(self._data))
                    self._data = []
                self._size = 0
            elif line.startswith(b"data:"):
                self._data.append(line[6:] if line[5:6] == b" " else line[5:])
                self._grow(len(line))
            elif line == b"data":
                self._data.append(b"")
        return events
