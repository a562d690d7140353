"""Makes HTTP clients as this API needs them: cheap, without cookies, with one TLS context."""

from __future__ import annotations

import os
import sys
import threading
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    import ssl

_POOL = httpx.Limits(max_connections=16, max_keepalive_connections=8, keepalive_expiry=30.0)
_tls_lock = threading.Lock()


class _NoCookies(httpx.Cookies):
    """Keeps no cookie: this API sets none that a call needs, while looking for them costs.

    (httpx makes a `urllib` request of every answer in order to look: 4 to 6 % of a call.)
    """

    def extract_cookies(self, response: httpx.Response) -> None:
        """Take nothing."""


_NO_COOKIES = _NoCookies()


class _Client(httpx.Client):
    cookies: Any = _NO_COOKIES


class _AsyncClient(httpx.AsyncClient):
    cookies: Any = _NO_COOKIES


def new_client() -> httpx.Client:
    """Return a client for threads, with the process's one TLS context."""
    return _Client(**_client_settings())


def new_async_client() -> httpx.AsyncClient:
    """Return a client for one event loop, with the process's one TLS context."""
    return _AsyncClient(**_client_settings())


def _client_settings() -> dict[str, Any]:
    """Return the settings of a client; limits of time are set per request."""
    return {
        "verify": _tls_context(),
        "limits": _POOL,
        "timeout": None,
        "cookies": _NO_COOKIES.jar,
        "trust_env": _may_name_a_proxy(),
    }


def _may_name_a_proxy() -> bool:
    """Tell whether the environment may name a proxy; httpx's own look costs three clients.

    On other systems than Unix proxies are also a setting of the system.
    """
    if sys.platform in ("darwin", "win32"):
        return True
    return any(name.lower().endswith("_proxy") for name in os.environ)


def _tls_context() -> ssl.SSLContext:
    """Return the one TLS context of the process: making it costs 40 ms, a client with it 0.6."""
    with _tls_lock:
        return _made_tls_context()


@cache
def _made_tls_context() -> ssl.SSLContext:
    return httpx.create_ssl_context()
