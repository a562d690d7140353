"""Clients are shared as far as they carry calls, and closed when nobody needs them."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import h11
import pytest

from langchain_aimlapi._http import client_pool as _clients
from langchain_aimlapi._http.client_pool import Clients, GivenClient, Lease
from langchain_aimlapi._http.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable


class Client:
    """Counts how often it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


def test_the_client_that_became_idle_last_takes_the_call() -> None:
    clients = Clients()
    first, second, third = (clients.acquire(Client) for _ in range(3))
    clients.release(third)
    clients.release(first)
    assert clients.acquire(Client) is first
    assert clients.acquire(Client) is third
    assert clients.acquire(Client) not in (first, second, third)


def test_each_call_in_flight_has_a_client_of_its_own_however_many_there_are() -> None:
    clients = Clients()
    leases = [clients.acquire(Client) for _ in range(1000)]
    assert len({id(lease.client) for lease in leases}) == 1000


class Line(Connection):
    """A connection that the test has its way with."""

    def __init__(self, *, is_idle: bool = True, is_hung_up: bool = False) -> None:
        super().__init__(self, self)
        self.our_state = h11.IDLE if is_idle else h11.CLOSED
        self.trailing_data = (b"", False)
        self.is_readable = is_hung_up

    def get_extra_info(self, name: str) -> Any:
        return getattr(self, name, None)


def test_connections_that_the_server_closed_are_swept_out_with_their_clients() -> None:
    clients = Clients()
    leases = [clients.acquire(Client) for _ in range(9)]
    for lease in leases:
        lease.connection = Line(is_hung_up=lease is not leases[4])
        clients.release(lease)
    clients._idle._next_look = 0.0
    assert clients.acquire(Client) is leases[4]
    assert [lease.client.closed for lease in leases] == [1, 1, 1, 1, 0, 1, 1, 1, 1]


async def test_so_are_those_of_a_loop() -> None:
    clients = Clients()
    leases = [await clients.aacquire(Client) for _ in range(9)]
    for lease in leases:
        lease.connection = Line(is_hung_up=lease is not leases[4])
        await clients.arelease(lease)
    clients._loops[asyncio.get_running_loop()].idle._next_look = 0.0
    assert await clients.aacquire(Client) is leases[4]
    assert [lease.client.closed for lease in leases] == [1, 1, 1, 1, 0, 1, 1, 1, 1]
    await clients.aclose()


def test_idle_connections_are_not_looked_at_for_every_call() -> None:
    clients = Clients()
    leases = [clients.acquire(Client) for _ in range(3)]
    clients.acquire(Client)
    for lease in leases:
        lease.connection = Line(is_hung_up=True)
        clients.release(lease)
    clients._idle._next_look = time.monotonic() + 100
    assert clients.acquire(Client) is leases[2]
    assert [lease.client.closed for lease in leases] == [0, 0, 0]


def test_a_client_that_was_idle_for_long_is_closed() -> None:
    clients = Clients()
    old, new = clients.acquire(Client), clients.acquire(Client)
    clients.release(old)
    clients.release(new)
    old.idle_since -= 31
    assert clients.acquire(Client) is new
    assert old.client.closed == 1


def test_a_connection_that_is_not_idle_is_none_that_waits() -> None:
    clients = Clients()
    lease = clients.acquire(Client)
    lease.connection = Line(is_idle=False)
    clients.release(lease)
    assert clients.acquire(Client) is lease
    assert lease.connection is None


@pytest.mark.parametrize("is_distrusted", [True, False])
async def test_a_connection_with_bytes_left_over_is_not_used_again(
    is_distrusted: bool,  # noqa: FBT001  a table
) -> None:
    clients = Clients()
    for lease in (clients.acquire(Client), await clients.aacquire(Client)):
        line = lease.connection = Line()
        line.is_distrusted = is_distrusted
        line.trailing_data = (b"" if is_distrusted else b"HTTP/1.1 200", False)
        if lease.home is clients._idle:
            clients.release(lease)
        else:
            await clients.arelease(lease)
        assert lease.client.closed == 1
    assert not clients._idle.leases
    await clients.aclose()


async def test_a_given_client_is_never_closed() -> None:
    client = Client()
    given = GivenClient(client)
    for lease in (given.acquire(Client), await given.aacquire(Client)):
        assert lease.client is client
        given.release(lease)
        await given.arelease(lease)
    assert client.closed == 0


def test_closing_closes_the_idle_now_and_the_busy_later() -> None:
    clients = Clients()
    idle, busy = (clients.acquire(Client) for _ in range(2))
    clients.release(idle)
    clients.close()
    assert (idle.client.closed, busy.client.closed) == (1, 0)
    clients.release(busy)
    assert busy.client.closed == 1
    fresh = clients.acquire(Client)
    assert fresh.client not in (idle.client, busy.client)
    clients.close()
    Clients().close()


def ends(work: Callable[[], object]) -> bool:
    """Tell whether the work ends; a thread that waits for itself never does."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(5)
    return not thread.is_alive()


def test_what_the_collector_ends_in_the_middle_of_the_books_gives_its_lease_back() -> None:
    clients = Clients()
    lease = clients.acquire(Client)
    childs = Clients()
    childs.lay_aside()

    def collected() -> None:
        with clients._lock, childs._lock, childs._lock:  # where the collector happens to run
            clients.release(lease)

    assert ends(collected)
    assert clients.acquire(Client) is lease


def test_what_the_collector_ends_while_a_client_is_made_gives_its_lease_back() -> None:
    clients = Clients()
    lease = clients.acquire(Client)

    def made() -> Client:
        clients.release(lease)
        return Client()

    assert ends(lambda: clients.acquire(made))
    assert clients.acquire(Client) is lease


def test_nobody_waits_while_a_client_is_made() -> None:
    clients = Clients()
    lease = clients.acquire(Client)
    others: list[bool] = []

    def made() -> Client:
        others.append(ends(lambda: clients.release(lease)))
        return Client()

    clients.acquire(made)
    assert others == [True]


def test_forgotten_clients_are_closed() -> None:
    clients = Clients()
    lease = clients.acquire(Client)
    clients.release(lease)
    del clients
    gc.collect()
    assert lease.client.closed == 1


async def test_each_loop_has_clients_of_its_own() -> None:
    clients = Clients()
    here = await clients.aacquire(Client)

    def elsewhere() -> Lease:
        return asyncio.run(clients.aacquire(Client))

    with ThreadPoolExecutor(1) as pool:
        there = await asyncio.get_running_loop().run_in_executor(pool, elsewhere)
    assert there is not here
    assert there.client.closed == 0  # busy when its loop ended
    assert here.client.closed == 0
    await clients.arelease(here)
    assert here.client.closed == 0
    await clients.aclose()
    assert here.client.closed == 1


def test_the_end_of_a_loop_closes_its_clients() -> None:
    clients = Clients()

    async def call() -> Lease:
        lease = await clients.aacquire(Client)
        await clients.arelease(lease)
        return lease

    leases = [asyncio.run(call()) for _ in range(3)]
    assert [lease.client.closed for lease in leases] == [1, 1, 1]
    assert len(clients._loops) == 1  # loops that were closed are thrown out


def test_a_loop_that_ended_is_not_kept() -> None:
    clients = Clients()
    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []

    async def call() -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        await clients.arelease(await clients.aacquire(Client))

    for _ in range(3):
        asyncio.run(call())
        by_hand = asyncio.new_event_loop()
        by_hand.run_until_complete(call())
        by_hand.close()
    del by_hand
    gc.collect()
    assert [loop() is None for loop in loops] == [True] * 5 + [False]  # until the next one comes
    clients.close()


async def test_a_loop_whose_clients_were_closed_is_not_held() -> None:
    clients = Clients()
    for _ in range(3):
        await clients.arelease(await clients.aacquire(Client))
        kept = clients._loops[asyncio.get_running_loop()]
        assert kept._finalizer.alive
        await clients.aclose()
        assert not kept._finalizer.alive


async def test_closing_in_a_loop_retires_what_is_busy() -> None:
    clients = Clients()
    busy = await clients.aacquire(Client)
    threads = clients.acquire(Client)
    clients.release(threads)
    await clients.aclose()
    await clients.aclose()
    assert (busy.client.closed, threads.client.closed) == (0, 1)
    await clients.arelease(busy)
    assert busy.client.closed == 1


async def test_a_cancelled_close_closes_the_rest_all_the_same() -> None:
    class Cancelled(Client):
        async def aclose(self) -> None:
            await super().aclose()
            raise asyncio.CancelledError

    clients = Clients()
    first = await clients.aacquire(Cancelled)
    second = await clients.aacquire(Client)
    await clients.arelease(first)
    await clients.arelease(second)
    with pytest.raises(asyncio.CancelledError):
        await clients.aclose()
    assert (first.client.closed, second.client.closed) == (1, 1)


async def test_two_calls_that_begin_at_once_share_the_loops_clients() -> None:
    clients = Clients()
    one, two = await asyncio.gather(*(clients.aacquire(Client) for _ in range(2)))
    assert one.home is two.home
    await clients.arelease(one)
    await clients.aclose()
    assert one.client.closed == 1


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))]
)
def test_a_copy_starts_empty(copied: Any) -> None:
    clients = Clients()
    lease = clients.acquire(Client)
    clients.release(lease)
    assert copied(clients).acquire(Client) is not lease


@pytest.mark.parametrize("is_used", [True, False])
def test_a_forked_child_leaves_the_parents_clients_alone(
    is_used: bool,  # noqa: FBT001  a table
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clients = Clients()
    assert clients in _clients._alive
    monkeypatch.setattr(_clients, "_alive", weakref.WeakSet([clients]))
    parents = clients.acquire(Client) if is_used else None
    _clients._lay_all_aside()  # as a child of a fork does first
    childs = clients.acquire(Client)
    assert childs is not parents
    clients.release(childs)
    clients.close()
    assert childs.client.closed == 1
    assert parents is None or parents.client.closed == 0


def test_eight_threads_get_along() -> None:
    clients = Clients()

    def call(_: int) -> None:
        clients.release(clients.acquire(Client))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(call, range(400)))
    leases = [*clients._idle.leases]
    assert len({*leases}) == len(leases) <= 8
    clients.close()
    assert all(lease.client.closed == 1 for lease in leases)


def test_sockets_of_a_closed_loop_are_dropped_with_the_next_loop() -> None:
    clients = Clients()
    dropped: list[object] = []

    class Dropped(Line):
        def drop(self) -> None:
            dropped.append(self)

    async def use(*connections: Any) -> None:
        leases = [await clients.aacquire(Client) for _ in connections]
        for lease, connection in zip(leases, connections, strict=True):
            lease.connection = connection
            await clients.arelease(lease)

    for connections in ((Dropped(), None), (None,)):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(use(*connections))
        loop.close()
    assert len(dropped) == 1
    clients.close()
