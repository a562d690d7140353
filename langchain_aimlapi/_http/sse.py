"""Server-sent events, cut from bytes.

Lines end at CR, LF or CRLF only: JSON strings may hold U+2028 or U+0085, at which
`str.splitlines` and `httpx.Response.iter_lines` would cut. Several `data:` lines make one event;
comments (`: OPENROUTER PROCESSING`), `id:` and `retry:` are passed over.

Not of the standard: a gateway may write a JSON object, or a line `error: ...`, between the events
in order to say that it failed. Each is an event here, of another kind; so is an object right behind
another one whose blank line got lost.

Source:
    html.spec.whatwg.org, "server-sent events", 9.2.6; wire facts 5.1 of 2026-11-21.
"""

from __future__ import annotations

_BOM = b"\xef\xbb\xbf"
BARE = "bare"
ERROR = "error"
_ERROR_LINE = b"error:"


class NamedEvent(bytes):
    """The data of an event that has a name, as most of this API have not.

    Attributes:
        name: What its `event:` line says, `bare` for an object outside of any event,
            `error` for a line that begins so.
    """

    name: str

    @classmethod
    def of(cls, data: bytes, *, name: str) -> NamedEvent:
        """Return the data with a name."""
        event = cls(data)
        event.name = name
        return event


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
        self._name = ""
        self._is_bare = False
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
        if self._is_one_event(block):
            self._is_first = self._ends_in_cr = False
            return [block[6:-2]]
        # The second half of a CRLF that was cut in two: the line has ended already.
        if self._ends_in_cr and block.startswith(b"\n"):
            block = block[1:]
            self._ends_in_cr = False
        # A long line in many blocks is joined once, at its end: else it costs its length squared.
        if b"\n" not in block and b"\r" not in block:
            self._hold(block)
            return []
        if self._held:
            block = self._unheld() + block
        lines = block.splitlines()  # bytes: cuts at CR, LF, CRLF only
        end = block[-1:]
        self._ends_in_cr = end == b"\r"
        rest = b"" if end in b"\r\n" else lines.pop()
        events = self._events(lines)
        if rest:
            self._hold(rest)
        return events

    def finish(self) -> list[bytes]:
        """Return the data of an event that the end of the stream ends."""
        # The standard drops an event without its blank line; servers that hang up early mean it.
        return self._events([self._unheld(), b""])

    def _is_one_event(self, block: bytes) -> bool:
        """Tell whether a block is one whole event of one line, as nearly all packets are.

        Then there is nothing to cut, which is most of what an event costs here.
        """
        end = len(block) - 2
        return (
            block[:6] == b"data: "
            and block.find(b"\n") == end
            and block[-1:] == b"\n"
            and b"\r" not in block
            and not (self._size or self._name)  # no other one has begun
            and end <= self._max_bytes
        )

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
        if self._is_first and lines:
            lines[0] = lines[0].removeprefix(_BOM)
            self._is_first = False
        for line in lines:
            if not line:
                if self._data or self._name:
                    self._end_event(events)
            elif line[:5] == b"data:":
                if self._is_bare:
                    self._end_event(events)
                # One space behind the colon is framing, any more are data.
                self._data.append(line[6:] if line[:6] == b"data: " else line[5:])
                self._grow(len(line))
            else:
                self._take_other(line, events)
        return events

    def _begin(self, events: list[bytes]) -> None:
        """End an object outside of events at the first line of an event."""
        if self._is_bare:
            self._end_event(events)

    def _end_event(self, events: list[bytes]) -> None:
        if self._data:
            data = b"\n".join(self._data)
            events.append(NamedEvent.of(data, name=self._name) if self._name else data)
            self._data.clear()
        self._name = ""
        self._is_bare = False
        self._size = 0

    def _take_other(self, line: bytes, events: list[bytes]) -> None:
        if line.startswith(b"event:"):
            self._begin(events)
            self._name = line[6:].strip().decode("utf-8", "replace")
        elif line == b"data":
            self._begin(events)
            self._data.append(b"")
            self._grow(len(line))
        elif line[: len(_ERROR_LINE)].lower() == _ERROR_LINE:
            self._end_event(events)
            words = line[len(_ERROR_LINE) :].strip()
            if words not in (b"", b"null"):
                events.append(NamedEvent.of(words, name=ERROR))
        elif self._is_bare or self._is_object(line):
            if self._data and not self._is_bare:  # the blank line before this one was lost
                self._end_event(events)
            is_inner = self._is_bare and line.startswith((b" ", b"\t"))
            self._is_bare = True
            self._name = self._name or BARE
            self._data.append(line)
            self._grow(len(line))
            # Pretty-printed JSON: the object ends at a bracket that is not indented.
            end = b"]" if self._data[0].lstrip().startswith(b"[") else b"}"
            if line.rstrip().endswith(end) and not is_inner:
                self._end_event(events)

    def _is_object(self, line: bytes) -> bool:
        """Tell whether a line without a field name begins a JSON object of its own."""
        if self._data:
            return line.startswith(b"{") and self._data[-1].rstrip().endswith(b"}")
        return line.lstrip().startswith((b"{", b"[{"))
