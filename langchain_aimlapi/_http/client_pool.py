"""Keeps HTTP clients of one model: per process, per event loop, few calls in flight each.

One httpx pool with many connections walks all of them at each request; many clients with few calls
each do not (measured: ten times cheaper with 64 calls in flight). So load is spread over clients:
the first with room takes the call, and a call counts until the end of its stream.

A forgotten stream ends wherever the garbage collector happens to run, in a thread that may be at
work here or inside a client's own locks. So the lock here is one that its thread may take again,
clients are made outside of it (that may wait for other locks), and `_transport` lets each client
carry one call: a stream that ends never meets the lock of a pool that its thread is using.

Nothing here knows what a client is: the makers are handed in by `_transport`, closing is `close` or
`aclose`.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

# Sharing begins late: calls that share a pool are slower, and share its lock.
_MOST_CLIENTS = 256
_FOREVER = 1e9  # seconds


@dataclass(slots=True, eq=False)
class Lease:
    """A client with the number of calls that it carries now.

    Attributes:
        client: What the maker made.
        busy: Calls in flight.
        is_warm: Whether a connection may be waiting in its pool, perhaps stale.
        is_retired: Whether it is to be closed when its last call ends.
    """

    client: Any
    busy: int = 0
    is_warm: bool = False
    is_retired: bool = False


class Clients:
    """The clients of one model; a copy or an unpickled one starts empty."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._leases: list[Lease] = []
        self._loops: dict[asyncio.AbstractEventLoop, _LoopClients] = {}
        self._parents: list[object] = []
        self._closer: weakref.finalize[[list[Lease]], Clients] | None = None
        _alive.add(self)

    def __reduce__(self) -> tuple[type[Clients], tuple[()]]:
        """Sockets, locks and loops do not travel."""
        return Clients, ()

    def acquire(self, make: Callable[[], Any], *, most: int) -> Lease:
        """Return a lease of a client for threads.

        Args:
            make: Makes a client.
            most: Calls that one client may carry at a time.
        """
        with self._lock:
            lease = _first_with_room(self._leases, most)
        if lease is None:
            lease = Lease(make(), busy=1)
            with self._lock:
                self._leases.append(lease)
                if self._closer is None:
                    self._closer = weakref.finalize(self, _close_all, self._leases)
        return lease

    async def aacquire(self, make: Callable[[], Any], *, most: int) -> Lease:
        """Return a lease of a client for the running event loop.

        The client is closed when the loop shuts down (`asyncio.run` does that) or when the model is
        no longer used.

        Args:
            make: Makes a client.
            most: Calls that one client may carry at a time.
        """
        loop = asyncio.get_running_loop()
        clients = self._loops.get(loop)
        if clients is None:
            clients = _LoopClients()
            await clients.start(self)
            with self._lock:
                closed = [one for one in self._loops if one.is_closed()]
                gone = [self._loops.pop(one) for one in closed]
                self._loops[loop] = clients
            for one in gone:
                one.let_go()
        lease = _first_with_room(clients.leases, most)
        if lease is None:
            lease = Lease(make(), busy=1)
            clients.leases.append(lease)
        return lease

    def release(self, lease: Lease) -> None:
        """Give a lease back; its client stays open for the next call."""
        with self._lock:
            lease.busy -= 1
            is_last = lease.is_retired and not lease.busy
        if is_last:
            lease.client.close()

    async def arelease(self, lease: Lease) -> None:
        """Give a lease of the running event loop back."""
        lease.busy -= 1
        if lease.is_retired and not lease.busy:
            await lease.client.aclose()

    def close(self) -> None:
        """Close the clients for threads, busy ones at the end of their calls.

        The next call opens new ones.
        """
        with self._lock:
            leases, self._leases = _idle(self._leases), []
            if self._closer is not None:
                self._closer.detach()
                self._closer = None
        _close_all(leases)

    async def aclose(self) -> None:
        """Close the clients of the running event loop, then those for threads."""
        with self._lock:
            clients = self._loops.pop(asyncio.get_running_loop(), None)
        if clients is not None:
            await clients.stop()
        self.close()

    def lay_aside(self) -> None:
        """Lay the parent's clients aside, in the child of a fork.

        The sockets are the parent's; the lock may be held by a thread that is not here. The clients
        are kept, because what is forgotten is closed: asyncio's streams say goodbye then.
        """
        self._lock = threading.RLock()
        self._parents.append((self._leases, self._loops))
        self._leases = []
        self._loops = {}
        if self._closer is not None:
            self._closer.detach()
            self._closer = None


_alive: weakref.WeakSet[Clients] = weakref.WeakSet()


def _lay_all_aside() -> None:
    for clients in [*_alive]:
        clients.lay_aside()


if hasattr(os, "register_at_fork"):  # pragma: no branch  Windows does not fork
    os.register_at_fork(after_in_child=_lay_all_aside)


class _LoopClients:
    """The clients of one event loop.

    Their end is tied to the loop's by an asynchronous generator, the one thing that a loop closes
    by itself (`loop.shutdown_asyncgens()`, as `asyncio.run` does). The loop holds it by a timer
    that never fires: a model that is forgotten just before its loop ends would else leave nothing
    for the loop to close.

    The finalizer that tells of a forgotten model holds the loop as well as this, for as long as
    the model lives: it goes when the clients are closed or the loop is.
    """

    def __init__(self) -> None:
        self.leases: list[Lease] = []
        self._guard = self._closing_at_the_end()
        self._anchor: asyncio.TimerHandle
        self._finalizer: weakref.finalize[..., Clients]

    async def start(self, owner: Clients) -> None:
        loop = asyncio.get_running_loop()
        self._anchor = loop.call_later(_FOREVER, _nothing, self)
        self._finalizer = weakref.finalize(owner, self._forget, loop)
        self._finalizer.atexit = False
        await anext(self._guard)

    async def stop(self) -> None:
        with suppress(RuntimeError):  # the loop is closing it at this very moment
            await self._guard.aclose()
        self._anchor.cancel()

    def let_go(self) -> None:
        """Let go of the clients of a closed loop, where nothing can be closed as it should be."""
        self._finalizer.detach()

    def _forget(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have the clients closed because their model is no longer used."""
        with suppress(RuntimeError):  # the loop is closed, so they are
            loop.call_soon_threadsafe(self._begin_stop, loop)

    def _begin_stop(self, loop: asyncio.AbstractEventLoop) -> None:
        self._stopping = loop.create_task(self.stop())

    async def _closing_at_the_end(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            self._finalizer.detach()
            await _aclose_all(self.leases)


def _nothing(_: object) -> None:
    """Do nothing, in a billion seconds."""


async def _aclose_all(leases: list[Lease]) -> None:
    """Close the idle clients, all of them even if cancelled: a loop that ends cancels first."""
    cancelled: asyncio.CancelledError | None = None
    for lease in _idle(leases):
        try:
            await lease.client.aclose()
        except asyncio.CancelledError as error:
            cancelled = error
    leases.clear()
    if cancelled is not None:
        raise cancelled


def _idle(leases: list[Lease]) -> list[Lease]:
    """Return the idle ones; the others retire when their last call ends."""
    for lease in leases:
        lease.is_retired = True
    return [lease for lease in leases if not lease.busy]


def _first_with_room(leases: list[Lease], most: int) -> Lease | None:
    """Return the lease that takes the next call, `None` if a client is to be made for it."""
    for lease in leases:
        if lease.busy < most:
            break
    else:
        if len(leases) < _MOST_CLIENTS:
            return None
        lease = min(leases, key=lambda one: one.busy)
    lease.busy += 1
    return lease


def _close_all(leases: list[Lease]) -> None:
    for lease in leases:
        lease.client.close()
    leases.clear()
