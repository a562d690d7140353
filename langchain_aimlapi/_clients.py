"""Keeps HTTP clients of one model: per process, per event loop, few calls in flight each.

One httpx pool with many connections walks all of them at each request; many clients with few calls
each do not (measured: ten times cheaper with 64 calls in flight). So load is spread over clients:
the first with room takes the call, and a call counts until the end of its stream.

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

_MOST_CLIENTS = 64
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
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._leases: list[Lease] = []
        self._loops: dict[asyncio.AbstractEventLoop, _LoopClients] = {}
        self._parents: list[object] = []
        self._closer: weakref.finalize[[list[Lease]], Clients] | None = None

    def __reduce__(self) -> tuple[type[Clients], tuple[()]]:
        """Sockets, locks and loops do not travel."""
        return Clients, ()

    def acquire(self, make: Callable[[], Any], *, most: int) -> Lease:
        """Return a lease of a client for threads.

        Args:
            make: Makes a client.
            most: Calls that one client may carry at a time.
        """
        self._notice_fork()
        with self._lock:
            if self._closer is None:
                self._closer = weakref.finalize(self, _close_all, self._leases)
            return _first_with_room(self._leases, make, most)

    async def aacquire(self, make: Callable[[], Any], *, most: int) -> Lease:
        """Return a lease of a client for the running event loop.

        The client is closed when the loop shuts down (`asyncio.run` does that) or when the model is
        no longer used.

        Args:
            make: Makes a client.
            most: Calls that one client may carry at a time.
        """
        self._notice_fork()
        loop = asyncio.get_running_loop()
        clients = self._loops.get(loop)
        if clients is None:
            clients = _LoopClients()
            await clients.start()
            weakref.finalize(self, clients.forget, loop).atexit = False
            with self._lock:
                self._loops = {
                    one: kept for one, kept in self._loops.items() if not one.is_closed()
                }
                clients = self._loops.setdefault(loop, clients)
        return _first_with_room(clients.leases, make, most)

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
        self._notice_fork()
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

    def _notice_fork(self) -> None:
        """Lay the parent's clients aside: the sockets are the parent's, the lock may be held.

        They are kept, because what is forgotten is closed: asyncio's streams say goodbye then.
        """
        if self._process == os.getpid():
            return
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._parents.append((self._leases, self._loops))
        self._leases = []
        self._loops = {}
        if self._closer is not None:
            self._closer.detach()
            self._closer = None


class _LoopClients:
    """The clients of one event loop.

    Their end is tied to the loop's by an asynchronous generator, the one thing that a loop closes
    by itself (`loop.shutdown_asyncgens()`, as `asyncio.run` does). The loop holds it by a timer
    that never fires: a model that is forgotten just before its loop ends would else leave nothing
    for the loop to close.
    """

    def __init__(self) -> None:
        self.leases: list[Lease] = []
        self._guard = _closing_at_the_end(self.leases)
        self._anchor: asyncio.TimerHandle

    async def start(self) -> None:
        await anext(self._guard)
        self._anchor = asyncio.get_running_loop().call_later(_FOREVER, _nothing, self)

    async def stop(self) -> None:
        with suppress(RuntimeError):  # the loop is closing it at this very moment
            await self._guard.aclose()
        self._anchor.cancel()

    def forget(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have the clients closed because their model is no longer used."""
        with suppress(RuntimeError):  # the loop is closed, so they are
            loop.call_soon_threadsafe(self._begin_stop, loop)

    def _begin_stop(self, loop: asyncio.AbstractEventLoop) -> None:
        self._stopping = loop.create_task(self.stop())


def _nothing(_: object) -> None:
    """Do nothing, in a billion seconds."""


async def _closing_at_the_end(leases: list[Lease]) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        await _aclose_all(leases)


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


def _first_with_room(leases: list[Lease], make: Callable[[], Any], most: int) -> Lease:
    for lease in leases:
        if lease.busy < most:
            break
    else:
        if len(leases) < _MOST_CLIENTS:
            lease = Lease(make())
            leases.append(lease)
        else:
            lease = min(leases, key=lambda one: one.busy)
    lease.busy += 1
    return lease


def _close_all(leases: list[Lease]) -> None:
    for lease in leases:
        lease.client.close()
    leases.clear()
