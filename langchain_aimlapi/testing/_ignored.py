"""Traffic that is nobody's test: traces on their way to a collector, hosts that are ignored."""

import json
import os
import re
import socket
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Protocol
from urllib.parse import urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104  # a name to know
_LANGSMITH_HOST = re.compile(r"(?:[a-z0-9-]+\.)*api\.smith\.langchain\.com")
_LANGSMITH_VARIABLES = ("LANGSMITH_ENDPOINT", "LANGCHAIN_ENDPOINT")
_LANGSMITH_REPLICAS = ("LANGSMITH_RUNS_ENDPOINTS", "LANGCHAIN_RUNS_ENDPOINTS")
_OTLP_VARIABLE = re.compile(r"OTEL_EXPORTER_OTLP_(?:[A-Z]+_)?ENDPOINT")
_OTLP_PATH = re.compile(r".*/v1/(?:traces|metrics|logs|development/profiles)")
_TRACERS = re.compile(r"langsmith-(?:py|js)/|OTel-OTLP-Exporter", re.IGNORECASE)


class _Request(Protocol):
    """What is read of vcrpy's `Request`."""

    uri: str
    headers: dict[str, str]


@dataclass(frozen=True)
class IgnoredHosts:
    """Whose requests are neither recorded nor played nor blocked.

    Args:
        hosts: vcrpy's `ignore_hosts`: names, or compiled patterns of whole names.
        localhost: vcrpy's `ignore_localhost`.
    """

    hosts: tuple[str | re.Pattern[str], ...] = ()
    localhost: bool = False

    def __contains__(self, request: _Request) -> bool:
        # First: traces go on whatever hosts are recorded, or each run would add some to the
        # cassette.
        if is_tracing(request):
            return True
        parts = urlsplit(request.uri)
        host = parts.hostname or ""
        if host in _LOOPBACK and parts.path.endswith("/chat/completions"):
            return False  # the stand-in answers there in the place of the live host
        return (self.localhost and host in _LOOPBACK) or any(
            host == name if isinstance(name, str) else name.fullmatch(host) for name in self.hosts
        )

    def addresses(self) -> Iterator[str]:
        """Yield the addresses of the ignored hosts, as sockets see them."""
        names = {name for name in self.hosts if isinstance(name, str)}
        for name in sorted(names | (_LOOPBACK if self.localhost else set())):
            yield from addresses_of(name)


def is_tracing(request: _Request) -> bool:
    """Return whether a request carries traces: to LangSmith, or by OTLP to any collector."""
    parts = urlsplit(request.uri)
    agent = str(request.headers.get("user-agent", ""))
    kind = str(request.headers.get("content-type", ""))
    is_otlp = _OTLP_PATH.fullmatch(parts.path) and "x-protobuf" in kind
    return bool(
        _LANGSMITH_HOST.fullmatch(parts.hostname or "")
        or _TRACERS.match(agent)
        or is_otlp
        or any(_is_below(request.uri, endpoint) for endpoint in _endpoints())
    )


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, by a usual name or address."""
    return host in _LOOPBACK


def tracing_addresses() -> Iterator[str]:
    """Yield the addresses of collectors on this machine that the environment names now.

    Others are not looked up before something is sent to them.
    """
    for endpoint in _endpoints():
        host = urlsplit(endpoint).hostname or ""
        if is_loopback(host):
            yield from addresses_of(host)


@cache
def addresses_of(host: str) -> tuple[str, ...]:
    """Return a host's name and what it resolves to, just the name where nobody knows it."""
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return (host,)
    return tuple(dict.fromkeys([host, *(str(address[0]) for *_, address in found)]))


def _endpoints() -> Iterator[str]:
    for name in filter(_is_endpoint_variable, os.environ):  # it decodes each value anew
        value = os.environ.get(name, "")
        if name in _LANGSMITH_REPLICAS:
            yield from _replicas(value)
        else:
            yield value.strip()


@lru_cache(maxsize=1_024)
def _is_endpoint_variable(name: str) -> bool:
    is_langsmith = name in (*_LANGSMITH_VARIABLES, *_LANGSMITH_REPLICAS)
    return is_langsmith or _OTLP_VARIABLE.fullmatch(name) is not None


def _replicas(text: str) -> Collection[str]:
    """Return the addresses in a list of `{"api_url": ...}` or a dict of address to key."""
    try:
        replicas = json.loads(text)
    except ValueError:
        return ()
    if isinstance(replicas, dict):
        return list(replicas)
    return [str(replica.get("api_url", "")) for replica in replicas if isinstance(replica, dict)]


def _is_below(uri: str, endpoint: str) -> bool:
    base, asked = urlsplit(endpoint.rstrip("/")), urlsplit(uri)
    is_same_host = base.hostname is not None and base.netloc == asked.netloc
    return is_same_host and f"{asked.path}/".startswith(f"{base.path}/")
