"""Keeps HTTP clients of one model: per process, per event loop, one call in flight each.

One httpx pool with many connections walks all of them at each request; many clients with one call
each do not (measured: ten times cheaper with 64 calls in flight). So load is spread over clients:
the one that became idle last takes the call, and a call counts until the end of its stream. How
many there are nobody limits: a call costs the same with 4,000 others in flight as with none.

A forgotten stream ends wherever the garbage collector happens to run, in a thread that may be at
work here or inside a client's own locks. So the lock here is one that its thread may take again,
clients are made outside of it (that may wait for other locks), and each client carries one call: a
stream that ends never meets the lock of a pool that its thread is using. Busy clients stand in no
book, so that a call that is torn apart by a signal leaves nothing behind.

Nothing here knows what a client is: the makers are handed in by `transport`, closing is `close` or
`aclose`.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
import weakref
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, Self

from langchain_aimlapi.errors.refusals import Remedies

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from langchain_aimlapi._http.connection import Connection

_FOREVER = 1e9  # seconds
# An idle client is kept as long as its connection is (see `new_clients`).
_LONGEST_IDLE = 30.0
# The least seconds between two looks at all idle connections, which cost a system call each; and
# how much longer than such a look is the time until the next one.
_LOOK_INTERVAL = 0.1
_LOOK_SHARE = 40


class _Idle:
    """The idle clients of all threads or of one loop, the one idle for longest first."""

    def __init__(self) -> None:
        self.leases: deque[Lease] = deque()
        self.is_over = False
        self._next_look = 0.0

    def take(self) -> Lease | None:
        """Return the client that became idle last: its connection is the freshest."""
        return self.leases.pop() if self.leases else None

    def keep(self, lease: Lease) -> bool:
        """Take a client back, unless it is to be closed."""
        if self.is_over or lease.is_spoilt:
            return False
        if lease.connection is not None and not lease.connection.is_idle:
            lease.connection = None  # the HTTP client has closed it
        lease.idle_since = time.monotonic()
        self.leases.append(lease)
        return True

    def expired(self) -> list[Lease]:
        """Take out those that were idle for too long or that the server has closed.

        Only the last one is ever used again after a burst of calls: the others' sockets would stay
        half closed for as long as the model lives.
        """
        now = time.monotonic()
        gone: list[Lease] = []
        while self.leases and now - self.leases[0].idle_since > _LONGEST_IDLE:
            gone.append(self.leases.popleft())
        if now >= self._next_look:
            # Turned round once rather than walked: the garbage collector may give one back here.
            for _ in range(len(self.leases)):
                lease = self.leases.popleft()
                (gone if lease.is_hung_up else self.leases).append(lease)
            ended = time.monotonic()
            self._next_look = ended + max(_LOOK_INTERVAL, _LOOK_SHARE * (ended - now))
        return gone


class Lease:
    """A client that carries one call.

    Attributes:
        client: What the maker made, or the user's own.
        home: Where it goes when it is idle.
        connection: Over which its last answer came.
        idle_since: When it became idle, on the monotonic clock.
    """

    __slots__ = ("client", "connection", "home", "idle_since")

    def __init__(self, client: Any, home: _Idle | None = None) -> None:
        self.client = client
        self.home = home or _Idle()
        self.connection: Connection | None = None
        self.idle_since = 0.0

    @property
    def is_spoilt(self) -> bool:
        """Whether the next answer that it brings may not be the next request's."""
        return self.connection is not None and self.connection.is_spoilt

    @property
    def is_hung_up(self) -> bool:
        """Whether the server has closed the idle connection."""
        return self.connection is not None and self.connection.is_hung_up

    def drop(self) -> None:
        """Forget the client, whose locks may be held for good; only the socket is closed."""
        if self.connection is not None:
            self.connection.drop()


class Source(Protocol):
    """Where the client for a call comes from."""

    def acquire(self, make: Callable[[], Any]) -> Lease:
        """Return a client for a call of a thread."""
        ...

    def release(self, lease: Lease) -> None:
        """Take it back."""
        ...

    async def aacquire(self, make: Callable[[], Any]) -> Lease:
        """Return a client for a call of the running event loop."""
        ...

    async def arelease(self, lease: Lease) -> None:
        """Take it back."""
        ...


class GivenClient:
    """The user's own client, for which nothing is made or closed."""

    def __init__(self, client: object) -> None:
        self._client = client

    def acquire(self, _make: Callable[[], Any]) -> Lease:
        """Return the client."""
        return Lease(self._client)

    def release(self, lease: Lease) -> None:
        """End the connection, no more, if it brought what belongs to another request."""
        if lease.connection is not None and lease.is_spoilt:
            lease.connection.close()

    async def aacquire(self, _make: Callable[[], Any]) -> Lease:
        """Return the client."""
        return Lease(self._client)

    async def arelease(self, lease: Lease) -> None:
        """End the connection; see `release`."""
        if lease.connection is not None and lease.is_spoilt:
            await lease.connection.aclose()


class Clients:
    """The clients of one model; a copy or an unpickled one starts empty.

    Attributes:
        remedies: What helped calls that were refused: models that share connections share it, and
            so do copies.
    """

    def __init__(self, remedies: Remedies | None = None) -> None:
        self.remedies = Remedies() if remedies is None else remedies
        self._lock = threading.RLock()
        self._idle = _Idle()
        self._loops: dict[asyncio.AbstractEventLoop, _LoopClients] = {}
        self._parents: list[object] = []
        self._closer: weakref.finalize[[Iterable[Lease]], Clients] | None = None
        _alive.add(self)

    def __reduce__(self) -> tuple[type[Clients], tuple[Remedies]]:
        """Sockets, locks and loops do not travel."""
        return Clients, (self.remedies,)

    def acquire(self, make: Callable[[], Any]) -> Lease:
        """Return a client for a call of a thread.

        Args:
            make: Makes a client.
        """
        with self._lock:
            idle = self._idle
            expired = idle.expired()
            lease = idle.take()
        # Outside of the lock: closing TLS writes to the socket, and may wait for it.
        _close_all(expired)
        if lease is not None:
            return lease
        with self._lock:
            if self._closer is None:
                # Holds the list, not the pool: else the pool would never be forgotten.
                self._closer = weakref.finalize(self, _close_all, self._idle.leases)
        return Lease(make(), idle)

    async def aacquire(self, make: Callable[[], Any]) -> Lease:
        """Return a client for a call of the running event loop.

        The client is closed when the loop shuts down (`asyncio.run` does that) or when the model is
        no longer used.

        Args:
            make: Makes a client.
        """
        loop = asyncio.get_running_loop()
        # No lock: a loop's clients are touched by its own thread alone.
        clients = self._loops.get(loop) or await self._begin_loop(loop)
        if expired := clients.idle.expired():
            await _aclose_all(expired)
        return clients.idle.take() or Lease(make(), clients.idle)

    async def _begin_loop(self, loop: asyncio.AbstractEventLoop) -> _LoopClients:
        clients = _LoopClients()
        await clients.start(self)
        with self._lock:
            # A weak table would not do: sockets hold their loop, so that its key would never go.
            closed = [known for known in self._loops if known.is_closed()]
            gone = [self._loops.pop(known) for known in closed]
            self._loops[loop] = clients
        for others in gone:
            others.let_go()
        return clients

    def release(self, lease: Lease) -> None:
        """Take a client back; it stays open for the next call."""
        with self._lock:
            is_kept = lease.home.keep(lease)
        if not is_kept:
            lease.client.close()

    async def arelease(self, lease: Lease) -> None:
        """Take a client of the running event loop back."""
        if not lease.home.keep(lease):
            await lease.client.aclose()

    def close(self) -> None:
        """Close the clients for threads, busy ones at the end of their calls.

        The next call opens new ones.
        """
        with self._lock:
            idle, self._idle = self._idle, _Idle()
            idle.is_over = True
            self._detach()
        _close_all(idle.leases)

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
        self._parents.append((self._idle, self._loops))
        self._idle = _Idle()
        self._loops = {}
        self._detach()

    def _detach(self) -> None:
        if self._closer is not None:
            self._closer.detach()
            self._closer = None


class ClosesClients:
    """What has clients of its own, and closes them: by a call, or at the end of a `with` block."""

    if TYPE_CHECKING:  # a field of the model, an attribute of the account
        connections: Any

    def close(self) -> None:
        """Close the connections for sync calls; the next call opens new ones."""
        self.connections.close()

    async def aclose(self) -> None:
        """Close the connections of the running event loop and those for sync calls."""
        await self.connections.aclose()

    def __enter__(self) -> Self:
        """Return the object itself; its connections are closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    async def __aenter__(self) -> Self:
        """Return the object itself; its connections are closed at the end of the block."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self.aclose()


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
        self.idle = _Idle()
        self._guard = self._closing_at_the_end()
        self._anchor: asyncio.TimerHandle
        self._finalizer: weakref.finalize[..., Clients]

    async def start(self, owner: Clients) -> None:
        loop = asyncio.get_running_loop()
        self._anchor = loop.call_later(_FOREVER, _nothing, self)
        self._finalizer = weakref.finalize(owner, self._forget, loop)
        # At the end of the process the loop is gone, and the sockets with it.
        self._finalizer.atexit = False
        # A generator that has not begun is none of those that the loop closes.
        await anext(self._guard)

    async def stop(self) -> None:
        with suppress(RuntimeError):  # the loop is closing it at this very moment
            await self._guard.aclose()
        self._anchor.cancel()

    def let_go(self) -> None:
        """Let go of the clients of a closed loop, where nothing can be closed as it should be."""
        self._finalizer.detach()
        for lease in self.idle.leases:
            lease.drop()

    def _forget(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have the clients closed because their model is no longer used."""
        with suppress(RuntimeError):  # the loop is closed, so they are
            loop.call_soon_threadsafe(self._begin_stop, loop)

    def _begin_stop(self, loop: asyncio.AbstractEventLoop) -> None:
        # Held, as a loop holds its tasks weakly.
        self._stopping = loop.create_task(self.stop())

    async def _closing_at_the_end(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            self._finalizer.detach()
            self.idle.is_over = True
            await _aclose_all(self.idle.leases)


def _nothing(_: object) -> None:
    """Do nothing, in a billion seconds."""


def _close_all(leases: Iterable[Lease]) -> None:
    for lease in [*leases]:
        lease.client.close()


async def _aclose_all(leases: Iterable[Lease]) -> None:
    """Close the clients, all of them even if cancelled: a loop that ends cancels first."""
    cancelled: asyncio.CancelledError | None = None
    for lease in [*leases]:
        try:
            await lease.client.aclose()
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
