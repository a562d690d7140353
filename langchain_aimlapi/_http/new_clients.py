"""Makes HTTP clients as this API needs them: cheap, without cookies, with one TLS context."""

from __future__ import annotations

import os
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

import httpx

from langchain_aimlapi._http.network_stream import AsyncBackend, Backend, Deadline

if TYPE_CHECKING:
    import ssl


_POOL = httpx.Limits(max_connections=16, max_keepalive_connections=8, keepalive_expiry=30.0)

# So that a connection which a NAT dropped in silence is noticed within 105 seconds, before the
# default limit of silence; each option where the platform has it.
_KEEPALIVE_OPTIONS = {
    "TCP_KEEPALIVE": 45,  # what macOS calls the next
    "TCP_KEEPIDLE": 45,
    "TCP_KEEPINTVL": 15,
    "TCP_KEEPCNT": 4,
}
_KEEPALIVE = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in _KEEPALIVE_OPTIONS.items()
        if hasattr(socket, name)
    ),
]


class _NoCookies(httpx.Cookies):
    """Keeps no cookie: this API sets none that a call needs, while looking for them costs.

    (httpx makes a `urllib` request of every answer in order to look: 4 to 6 % of a call.)
    """

    def extract_cookies(self, response: httpx.Response) -> None:
        """Take nothing."""


_NO_COOKIES = _NoCookies()


class _Transport(httpx.HTTPTransport):
    def __init__(self, deadline: Deadline) -> None:
        super().__init__(socket_options=_KEEPALIVE, **_transport_settings())
        pool: Any = self._pool  # httpx offers no way to hand a backend in
        vars(pool)["_network_backend"] = Backend(vars(pool)["_network_backend"], deadline)
        # Where a signal's exception comes just after the lock was taken, the pool takes it again to
        # clean up: with a lock that a thread may not take twice the call would wait for itself.
        vars(pool)["_optional_thread_lock"] = threading.RLock()


class _AsyncTransport(httpx.AsyncHTTPTransport):
    def __init__(self, deadline: Deadline) -> None:
        super().__init__(socket_options=_KEEPALIVE, **_transport_settings())
        pool: Any = self._pool
        vars(pool)["_network_backend"] = AsyncBackend(vars(pool)["_network_backend"], deadline)


class _Client(httpx.Client):
    cookies: Any = _NO_COOKIES
    deadline: Deadline

    # Private, but the one way to socket options that leaves the environment's proxies alone
    # (`transport=` turns them off). Connections to a proxy take none: httpcore 1.0 hands none on.
    def _init_transport(
        self, *_: object, transport: httpx.BaseTransport | None = None, **__: object
    ) -> httpx.BaseTransport:
        self.deadline = Deadline()
        return transport or _Transport(self.deadline)


class _AsyncClient(httpx.AsyncClient):
    cookies: Any = _NO_COOKIES
    deadline: Deadline

    def _init_transport(
        self, *_: object, transport: httpx.AsyncBaseTransport | None = None, **__: object
    ) -> httpx.AsyncBaseTransport:
        self.deadline = Deadline()
        return transport or _AsyncTransport(self.deadline)


def new_client() -> httpx.Client:
    """Return a client for threads, with the process's one TLS context."""
    return _Client(**_client_settings())


def new_async_client() -> httpx.AsyncClient:
    """Return a client for one event loop, with the process's one TLS context."""
    return _AsyncClient(**_client_settings())


def _client_settings() -> dict[str, Any]:
    """Return the settings of a client; limits of time are set per request."""
    return {
        **_transport_settings(),
        # None here, as each request brings its own (`Limits.as_extension`).
        "timeout": None,
        "cookies": _NO_COOKIES.jar,
        "trust_env": _may_name_a_proxy(),
    }


def _transport_settings() -> dict[str, Any]:
    return {"verify": _TLS.context(), "limits": _POOL}


def _may_name_a_proxy() -> bool:
    """Tell whether the environment may name a proxy; httpx's own look costs three clients.

    On other systems than Unix proxies are also a setting of the system.
    """
    if sys.platform in ("darwin", "win32"):
        return True
    return any(name.lower().endswith("_proxy") for name in os.environ)


class _Tls:
    """The one TLS context of the process: making it costs 40 ms, a client with it 0.6.

    A fork waits until it is made: OpenSSL has locks of its own, that a child would find taken by a
    thread that is not there (observed with OpenSSL 3.0, 2026-11-22).
    """

    def __init__(self) -> None:
        self._context: ssl.SSLContext | None = None
        self._lock = threading.RLock()

    def before_fork(self) -> None:
        self._lock.acquire()

    def after_fork(self) -> None:
        self._lock.release()

    def after_fork_in_child(self) -> None:
        self._lock = threading.RLock()

    def context(self) -> ssl.SSLContext:
        with self._lock:
            if self._context is None:
                context = httpx.create_ssl_context()
                # httpx imports httpcore with its first transport: a fork must not come between.
                httpx.HTTPTransport(verify=context).close()
                self._context = context
            return self._context


_TLS = _Tls()

if hasattr(os, "register_at_fork"):  # pragma: no branch  Windows does not fork
    os.register_at_fork(
        before=_TLS.before_fork,
        after_in_parent=_TLS.after_fork,
        after_in_child=_TLS.after_fork_in_child,
    )
