"""Clients are shared as far as they carry calls, and closed when nobody needs them."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi._http import client_pool as _clients
from langchain_aimlapi._http.client_pool import Clients, Lease

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


def test_the_first_client_with_room_takes_the_call() -> None:
    clients = Clients()
    leases = [clients.acquire(Client, most=2) for _ in range(5)]
    assert [leases.index(lease) for lease in leases] == [0, 0, 2, 2, 4]
    clients.release(leases[0])
    assert clients.acquire(Client, most=2) is leases[0]


def test_when_no_more_clients_are_made_the_least_busy_takes_the_call() -> None:
    clients = Clients()
    made = {id(clients.acquire(Client, most=1).client) for _ in range(256)}
    assert len(made) == 256
    busy = clients.acquire(Client, most=1)
    assert busy.busy == 2
    assert id(busy.client) in made
    assert clients.acquire(Client, most=1) is not busy


def test_closing_closes_the_idle_now_and_the_busy_later() -> None:
    clients = Clients()
    idle, busy = (clients.acquire(Client, most=1) for _ in range(2))
    clients.release(idle)
    clients.close()
    assert (idle.client.closed, busy.client.closed) == (1, 0)
    clients.release(busy)
    assert busy.client.closed == 1
    fresh = clients.acquire(Client, most=1)
    assert fresh.client not in (idle.client, busy.client)
    clients.close()
    Clients().close()


def test_a_client_nobody_knows_may_be_released() -> None:
    client = Client()
    lease = Lease(client, busy=1)
    Clients().release(lease)
    assert (lease.busy, client.closed) == (0, 0)


def ends(work: Callable[[], object]) -> bool:
    """Tell whether the work ends; a thread that waits for itself never does."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(5)
    return not thread.is_alive()


def test_what_the_collector_ends_in_the_middle_of_the_books_gives_its_lease_back() -> None:
    clients = Clients()
    lease = clients.acquire(Client, most=1)
    childs = Clients()
    childs.lay_aside()

    def collected() -> None:
        with clients._lock, childs._lock, childs._lock:  # where the collector happens to run
            clients.release(lease)

    assert ends(collected)
    assert lease.busy == 0


def test_what_the_collector_ends_while_a_client_is_made_gives_its_lease_back() -> None:
    clients = Clients()
    lease = clients.acquire(Client, most=1)

    def made() -> Client:
        clients.release(lease)
        return Client()

    assert ends(lambda: clients.acquire(made, most=1))
    assert lease.busy == 0


def test_nobody_waits_while_a_client_is_made() -> None:
    clients = Clients()
    lease = clients.acquire(Client, most=1)
    others: list[bool] = []

    def made() -> Client:
        others.append(ends(lambda: clients.release(lease)))
        return Client()

    clients.acquire(made, most=1)
    assert others == [True]
    assert len(clients._leases) == 2


def test_forgotten_clients_are_closed() -> None:
    clients = Clients()
    lease = clients.acquire(Client, most=1)
    del clients
    gc.collect()
    assert lease.client.closed == 1


async def test_each_loop_has_clients_of_its_own() -> None:
    clients = Clients()
    here = await clients.aacquire(Client, most=1)
    assert (await clients.aacquire(Client, most=2)) is here

    def elsewhere() -> Lease:
        return asyncio.run(clients.aacquire(Client, most=9))

    with ThreadPoolExecutor(1) as pool:
        there = await asyncio.get_running_loop().run_in_executor(pool, elsewhere)
    assert there is not here
    assert there.client.closed == 0  # busy when its loop ended
    assert here.client.closed == 0
    await clients.arelease(here)
    await clients.arelease(here)
    assert here.client.closed == 0
    await clients.aclose()
    assert here.client.closed == 1


def test_the_end_of_a_loop_closes_its_clients() -> None:
    clients = Clients()

    async def call() -> Lease:
        lease = await clients.aacquire(Client, most=1)
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
        await clients.arelease(await clients.aacquire(Client, most=1))

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
        await clients.arelease(await clients.aacquire(Client, most=1))
        kept = clients._loops[asyncio.get_running_loop()]
        assert kept._finalizer.alive
        await clients.aclose()
        assert not kept._finalizer.alive


async def test_closing_in_a_loop_retires_what_is_busy() -> None:
    clients = Clients()
    busy = await clients.aacquire(Client, most=1)
    threads = clients.acquire(Client, most=1)
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
    first = await clients.aacquire(Cancelled, most=1)
    second = await clients.aacquire(Client, most=1)
    await clients.arelease(first)
    await clients.arelease(second)
    with pytest.raises(asyncio.CancelledError):
        await clients.aclose()
    assert (first.client.closed, second.client.closed) == (1, 1)


async def test_two_calls_that_begin_at_once_share_the_loops_clients() -> None:
    clients = Clients()
    one, two = await asyncio.gather(*(clients.aacquire(Client, most=9) for _ in range(2)))
    assert one is two


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))]
)
def test_a_copy_starts_empty(copied: Any) -> None:
    clients = Clients()
    lease = clients.acquire(Client, most=9)
    assert copied(clients).acquire(Client, most=9) is not lease


@pytest.mark.parametrize("is_used", [True, False])
def test_a_forked_child_leaves_the_parents_clients_alone(
    is_used: bool,  # noqa: FBT001  a table
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clients = Clients()
    assert clients in _clients._alive
    monkeypatch.setattr(_clients, "_alive", weakref.WeakSet([clients]))
    parents = clients.acquire(Client, most=9) if is_used else None
    _clients._lay_all_aside()  # as a child of a fork does first
    childs = clients.acquire(Client, most=9)
    assert childs is not parents
    clients.release(childs)
    clients.close()
    assert childs.client.closed == 1
    assert parents is None or parents.client.closed == 0


def test_eight_threads_get_along() -> None:
    clients = Clients()

    def call(_: int) -> None:
        clients.release(clients.acquire(Client, most=2))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(call, range(400)))
    assert all(lease.busy == 0 for lease in clients._leases)
    clients.close()
