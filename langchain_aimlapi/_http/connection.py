"""What of a response's connection httpx does not show, for httpx and httpx2 alike.

Both keep it in the same places; where it cannot be found (a recording, a mock, HTTP/2, another
layout), nothing is known of it and nothing is done about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

# From the response's stream down to the state of HTTP/1.1: httpx's streams around httpcore's.
_WAY_DOWN = ("stream", "_stream", "_httpcore_stream", "_stream", "_connection", "_h11_state")


class Connection:
    """The connection over which an answer came.

    Attributes:
        is_distrusted: Whether it brought an answer to somebody else's request.
    """

    __slots__ = ("_line", "_state", "is_distrusted")

    def __init__(self, line: Any, state: Any) -> None:
        """Keep what is known.

        Args:
            line: httpcore's network stream.
            state: h11's state of the connection.
        """
        self._line = line
        self._state = state
        self.is_distrusted = False

    @property
    def is_hung_up(self) -> bool:
        """Whether an idle connection has something to read: its end, or what nobody asked for."""
        return bool(self._line.get_extra_info("is_readable"))

    @property
    def is_spoilt(self) -> bool:
        """Whether the next answer that is read from it may not be the next request's.

        Bytes that came behind an answer stay in a buffer, that of HTTP or of TLS, where the next
        request would find them; what is still in the socket the HTTP client looks for by itself.
        """
        return self.is_distrusted or (self.is_idle and (self._holds_bytes or self._is_read_ahead))

    @property
    def failed_untouched(self) -> bool:
        """Whether a request was sent over it, but not a byte of an answer read."""
        return not self.is_idle and not self._holds_bytes

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a request: the answer was read to its end, nobody closed it."""
        # By its name: importing h11 for one constant would tie us to it.
        return repr(self._state.our_state) == "IDLE"

    @property
    def _holds_bytes(self) -> bool:
        return bool(self._state.trailing_data[0])

    @property
    def _is_read_ahead(self) -> bool:
        """Whether bytes wait where anyio or TLS read ahead of the HTTP client."""
        tls = self._line.get_extra_info("ssl_object")
        stream = getattr(self._line, "_stream", None)
        records = getattr(stream, "_read_bio", None)
        protocol = getattr(getattr(stream, "transport_stream", stream), "_protocol", None)
        return bool(
            (tls is not None and tls.pending())
            or (records is not None and records.pending)
            or getattr(protocol, "read_queue", None)
        )

    def drop(self) -> None:
        """Close the socket where the event loop that would do it is closed itself."""
        line = self._line.get_extra_info("socket")
        line = getattr(line, "_sock", line)  # what asyncio shows of a socket cannot be closed
        if line is not None:
            line.close()

    def close(self) -> None:
        """End the connection; the HTTP client then opens another."""
        self._line.close()

    async def aclose(self) -> None:
        """End the connection; see `close`."""
        await self._line.aclose()


def came_over_a_socket(response: httpx.Response) -> bool:
    """Tell whether a response came over a network, not from a recording or a mock."""
    return "network_stream" in response.extensions


def connection_of(response: httpx.Response) -> Connection | None:
    """Return the connection under a response, `None` if it cannot be found."""
    found: Any = response
    for name in _WAY_DOWN:
        found = getattr(found, name, None)
    if found is None or not came_over_a_socket(response):
        return None
    return Connection(response.extensions["network_stream"], found)
