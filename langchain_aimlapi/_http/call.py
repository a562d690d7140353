"""One call as a plain value: what to send, where, within which limits.

Made per call from the model's fields, so that `model.x = y`, `bind` or `model_copy` take effect at
once; clients hold no settings.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import SecretStr

if TYPE_CHECKING:
    from langchain_aimlapi._http.client_pool import Clients
    from langchain_aimlapi.errors import AIMLAPIError

DEFAULT_TIMEOUT = "default"
_CONNECT = 10.0
_STREAM_SILENCE = 120.0
_TOTAL = 600.0
# Sockets take no longer limits (24 days): longer means none.
_LONGEST = 2_000_000


class Limits(NamedTuple):
    """Limits of time of one attempt in seconds, `None` for none.

    Attributes:
        connect: To open a connection.
        read: Until the next bytes.
        write: To send the next bytes.
        pool: To wait for a free connection.
        silence: Between two data events of a stream; comments do not count.
        total: For the whole of an answer that is not streamed.
        stream: For the whole of a stream, however much it sends.
        is_default: Whether nobody chose them: a user's client may then keep its own.
    """

    connect: float | None
    read: float | None
    write: float | None
    pool: float | None
    silence: float | None
    total: float | None
    stream: float | None = None
    is_default: bool = False

    def as_extension(self) -> dict[str, float | None]:
        """Return the four that the HTTP client keeps itself, in its own form."""
        return {
            "connect": self.connect,
            "read": self.read,
            "write": self.write,
            "pool": self.pool,
        }


def _default(longest: float) -> Limits:
    # A pool is waited for as long as an answer: a user's full client is no failure.
    return Limits(_CONNECT, longest, longest, _TOTAL, longest, longest, is_default=True)


_DEFAULT, _DEFAULT_OF_STREAM = _default(_TOTAL), _default(_STREAM_SILENCE)


def read_limits(
    timeout: Any,
    *,
    is_stream: bool,
    stream_timeout: float | None = None,
) -> Limits:
    """Return the limits that the settings mean.

    Args:
        timeout: Seconds, a `Timeout` of httpx or httpx2, `None` for no limit at all, or
            `"default"`: connect 10 s, silence of a stream 120 s, a whole answer 600 s.
        is_stream: Whether the answer is streamed.
        stream_timeout: Seconds for the whole of a stream, `None` for no such limit.

    Raises:
        ValueError: `timeout` is none of these.
    """
    limits = _read_limits(timeout, is_stream=is_stream)
    if not is_stream or stream_timeout is None:
        return limits
    # A stream that falls silent may not be waited for past its end either.
    read = None if limits.read is None else min(limits.read, stream_timeout)
    return limits._replace(read=read, stream=stream_timeout)


def _read_limits(timeout: Any, *, is_stream: bool) -> Limits:
    if isinstance(timeout, str) and timeout == DEFAULT_TIMEOUT:
        return _DEFAULT_OF_STREAM if is_stream else _DEFAULT
    if timeout is None:
        return Limits(None, None, None, None, None, None)
    if isinstance(timeout, int | float) and not isinstance(timeout, bool) and timeout > 0:
        if timeout > _LONGEST:
            return Limits(None, None, None, None, None, None)
        return Limits(timeout, timeout, timeout, timeout, timeout, timeout)
    try:
        read = timeout.read
        return Limits(timeout.connect, read, timeout.write, timeout.pool, read, read)
    except AttributeError:
        msg = (
            f"timeout={timeout!r} is not a limit: pass seconds over 0, an httpx.Timeout, "
            f"None for no limit, or {DEFAULT_TIMEOUT!r}."
        )
        raise ValueError(msg) from None


KeySource = SecretStr | Callable[[], str] | Callable[[], Awaitable[str]]


def current_key(source: KeySource) -> SecretStr:
    """Return the key for one attempt.

    Args:
        source: The key, or a function that gives the one that is valid now.

    Raises:
        ValueError: The function is an asynchronous one, or gave no key; the key is not shown.
    """
    if isinstance(source, SecretStr):
        return source
    if inspect.iscoroutinefunction(source):
        raise ValueError(_ASYNC_KEY)
    key = source()
    if inspect.isawaitable(key):  # of a lambda around a coroutine function, say
        if inspect.iscoroutine(key):
            key.close()
        raise ValueError(_ASYNC_KEY)
    return _checked_key(key)


async def acurrent_key(source: KeySource) -> SecretStr:
    """Return the key for one attempt; a function is called in a thread, unless asynchronous."""
    if isinstance(source, SecretStr):
        return source
    # In a thread: a vault is asked over the network, which would hold up the whole loop.
    key = source() if inspect.iscoroutinefunction(source) else await asyncio.to_thread(source)
    return _checked_key(await key if inspect.isawaitable(key) else key)


_ASYNC_KEY = (
    "api_key is an asynchronous function, which a synchronous call cannot wait for: call ainvoke "
    "or astream, or pass a plain function."
)


def _checked_key(key: object) -> SecretStr:
    text = key.get_secret_value() if isinstance(key, SecretStr) else key
    # Files and environments end keys with a newline, which no header may hold.
    stripped = text.strip() if isinstance(text, str) else ""
    is_text = stripped.isascii() and stripped.isprintable()
    if not stripped or not is_text or stripped.lower().startswith("bearer "):
        msg = (
            f"The function api_key returned {type(text).__name__}, or text that no HTTP header can "
            "carry: it has to return the key as a string, without 'Bearer'."
        )
        raise ValueError(msg)
    return SecretStr(stripped)


class Call(NamedTuple):
    """Everything that one call needs.

    Attributes:
        body: The request as JSON bytes.
        url: Address of the endpoint.
        headers: Request headers, without the key.
        api_key: The key, or what gives it for each attempt; taken out only where the header is
            written.
        model: Model id, for log lines.
        is_stream: Whether a stream is asked for.
        limits: Limits of time of each attempt.
        max_retries: Further attempts after the first.
        empty_response_retries: Further attempts after an answer with nothing in it.
        client_request_id: One id for all attempts.
        advice: What an error about the request should add about this model.
        clients: The model's own clients.
        http_client: The user's client, never closed by us.
        http_async_client: The user's asynchronous client, never closed by us.
        request: The request body as a dict, but for its messages: a trace shows its settings.
        remedy: Takes the failure of an attempt, returns the body with which the call is to be
            repeated, `None` for none. It gives each body once: a repeat is not counted.
        max_event_bytes: The most that one event of a stream may hold.
        max_body_bytes: The most that one whole answer may hold.
        method: The HTTP method; the account's endpoints are asked with `GET`.
        good_statuses: Which statuses are answers, not failures.
    """

    body: bytes
    url: str
    headers: Mapping[str, str]
    api_key: KeySource
    model: str
    is_stream: bool
    limits: Limits
    max_retries: int
    empty_response_retries: int
    client_request_id: str
    advice: str
    clients: Clients
    http_client: Any = None
    http_async_client: Any = None
    request: Mapping[str, Any] = MappingProxyType({})
    remedy: Callable[[AIMLAPIError], bytes | None] | None = None
    max_event_bytes: int = 32 * 1024 * 1024
    max_body_bytes: int = 128 * 1024 * 1024
    method: str = "POST"
    good_statuses: frozenset[int] = frozenset({200})
