"""What is seen of a connection, and how it is ended."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import h11
import httpx
import pytest

from langchain_aimlapi._http.client_pool import GivenClient
from langchain_aimlapi._http.connection import Connection, connection_of


class Line:
    """A network stream that notes what becomes of it."""

    def __init__(self, *, is_readable: bool = False) -> None:
        self.is_readable = is_readable
        self.closed = 0

    def get_extra_info(self, name: str) -> Any:
        return getattr(self, name, None)

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


def state_after(*, received: bytes, is_sent: bool = False) -> h11.Connection:
    state = h11.Connection(h11.CLIENT)
    if is_sent:
        state.send(h11.Request(method="GET", target="/", headers=[("host", "a")]))
        state.send(h11.EndOfMessage())
    state.receive_data(received)
    return state


@pytest.mark.parametrize(
    ("received", "is_sent", "is_spoilt", "failed_untouched"),
    [
        (b"", False, False, False),
        (b"HTTP/1.1 200", False, True, False),
        (b"", True, False, True),
        (b"HTTP/1.1 2", True, False, False),
    ],
)
def test_bytes_left_over_spoil_an_idle_connection(
    received: bytes,
    is_sent: bool,  # noqa: FBT001  a table
    is_spoilt: bool,  # noqa: FBT001  a table
    failed_untouched: bool,  # noqa: FBT001  a table
) -> None:
    connection = Connection(Line(), state_after(received=received, is_sent=is_sent))
    assert connection.is_spoilt is is_spoilt
    assert connection.failed_untouched is failed_untouched
    connection.is_distrusted = True
    assert connection.is_spoilt


@pytest.mark.parametrize(
    "ahead",
    [
        {"ssl_object": SimpleNamespace(pending=lambda: 5)},
        {"_stream": SimpleNamespace(_read_bio=SimpleNamespace(pending=5))},
        {"_stream": SimpleNamespace(_protocol=SimpleNamespace(read_queue=[b"HTTP"]))},
        {
            "_stream": SimpleNamespace(
                transport_stream=SimpleNamespace(_protocol=SimpleNamespace(read_queue=[b"HTTP"]))
            )
        },
    ],
)
def test_so_do_bytes_that_something_below_http_has_read_ahead(ahead: dict[str, Any]) -> None:
    line = Line()
    vars(line).update(ahead)
    assert Connection(line, state_after(received=b"")).is_spoilt
    assert not Connection(line, state_after(received=b"", is_sent=True)).is_spoilt


@pytest.mark.parametrize("has_inner", [True, False])
def test_a_socket_is_dropped_without_its_loop(has_inner: bool) -> None:  # noqa: FBT001  a table
    line, socket = Line(), Line()
    vars(line)["socket"] = SimpleNamespace(_sock=socket) if has_inner else socket
    Connection(line, state_after(received=b"")).drop()
    assert socket.closed == 1
    Connection(Line(), state_after(received=b"")).drop()


@pytest.mark.parametrize("is_readable", [True, False])
def test_an_idle_connection_that_can_be_read_is_hung_up(
    is_readable: bool,  # noqa: FBT001  a table
) -> None:
    connection = Connection(Line(is_readable=is_readable), state_after(received=b""))
    assert connection.is_hung_up is is_readable


async def test_of_a_given_client_only_the_spoilt_connection_is_ended() -> None:
    given = GivenClient(object())
    for received in (b"", b"HTTP/1.1 200"):
        line = Line()
        lease = given.acquire(object)
        given.release(lease)
        await given.arelease(lease)
        lease.connection = Connection(line, state_after(received=received))
        given.release(lease)
        await given.arelease(lease)
        assert line.closed == (2 if received else 0)


@pytest.mark.parametrize("way", ["mock", "another layout"])
def test_where_nothing_is_to_be_seen_nothing_is_known(way: str) -> None:
    extensions: dict[str, Any] = {} if way == "mock" else {"network_stream": Line()}
    assert connection_of(httpx.Response(200, extensions=extensions)) is None


def test_the_way_down_is_that_of_both_libraries() -> None:
    state = state_after(received=b"")
    found: Any = SimpleNamespace(_connection=SimpleNamespace(_h11_state=state))
    for name in ("_stream", "_httpcore_stream", "_stream", "stream"):
        found = SimpleNamespace(**{name: found}, extensions={"network_stream": Line()})
    connection = connection_of(found)
    assert connection is not None
    assert connection.is_idle
