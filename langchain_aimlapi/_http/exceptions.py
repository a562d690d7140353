"""What the HTTP client raised, or a status that is no answer, told as one of our errors."""

from __future__ import annotations

import re
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx

from langchain_aimlapi import errors
from langchain_aimlapi._http.environment import environment_advice
from langchain_aimlapi.errors.mapping import response_failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import SecretStr

    from langchain_aimlapi._http.call import Call

# Where httpx's errors keep the request, with its headers.
_REQUESTS = ("_request", "response")
# Whose frames hold the list of headers, the key's among them.
_HTTP_LIBRARIES = frozenset({"h11", "h2", "httpcore", "httpcore2", "httpx", "httpx2"})
# From here on a hang-up may mean that the request was too large.
_LARGE_BODY = 1_000_000
_NOT_FOUND = 404
_VERSION = re.compile(r"/v\d+/")
# What an address, proxy or certificate store that cannot be used raises (the resolver and the
# sockets say so with these), or a client of the user's that is closed.
_BEFORE = (ValueError, OverflowError, ImportError, RuntimeError)


def http_errors(*names: str) -> tuple[type[Exception], ...]:
    """Return the error classes of these names, of httpx and, where it is imported, of httpx2."""
    libraries = (httpx, sys.modules.get("httpx2"))
    found = (getattr(library, name, None) for library in libraries for name in names)
    return tuple(kind for kind in found if kind is not None)


def connection_errors() -> tuple[type[Exception], ...]:
    """Return what can go wrong once a response has begun."""
    # TLS reports some of its failures as they are.
    return (*http_errors("HTTPError", "StreamError"), OSError)


def is_failure(error: Exception, *, has_begun: bool) -> bool:
    """Tell whether an error is about the connection, not of a decoder or a consumer.

    Args:
        error: What was raised.
        has_begun: Whether a response had begun.
    """
    if isinstance(error, errors.AIMLAPIError):  # told already; two of them are OSErrors as well
        return False
    kinds = connection_errors()
    # Later ValueErrors and the like are of a decoder or of the consumer, whose own they stay.
    if has_begun:
        return isinstance(error, kinds)
    return isinstance(error, (*kinds, *http_errors("InvalidURL"), *_BEFORE))


def interruption(error: BaseException | None) -> BaseException | None:
    """Return what the handler of a signal raised, where an error is that or was made of it.

    The HTTP client takes a `TimeoutError` of a handler for one of its socket: who set a timer to
    end the call would wait for further attempts.

    Args:
        error: What came out of an attempt.
    """
    codes = None
    for linked in _linked(error) if isinstance(error, Exception) else ():
        trace = linked.__traceback__
        while trace is not None:
            codes = _codes_of_handlers() if codes is None else codes
            if trace.tb_frame.f_code in codes:
                return linked
            trace = trace.tb_next
    return None


def _codes_of_handlers() -> set[object]:
    """Return the code of the functions that handle signals now."""
    codes = set()
    for number in signal.valid_signals():
        handler: Any = signal.getsignal(number)
        if callable(handler):
            handler = getattr(handler, "func", handler)  # of a partial
            for function in (handler, type(handler).__call__):
                codes.add(getattr(function, "__code__", None))
    return codes


def is_hang_up(error: Exception) -> bool:
    """Tell whether the server hung up without a word, as it may on an idle connection.

    Args:
        error: What was raised before a response began.
    """
    if isinstance(error, http_errors("ReadError", "WriteError")):
        return True
    return isinstance(error, http_errors("RemoteProtocolError")) and "disconnected" in str(error)


def refused_response(error: BaseException | None) -> httpx.Response | None:
    """Return the response for whose status a hook of the user's client raised."""
    if not isinstance(error, http_errors("HTTPStatusError")):
        return None
    response: httpx.Response = vars(error)["response"]  # the same in both libraries
    return response


def connection_failure(
    call: Call,
    error: Exception,
    response: httpx.Response | None,
    *,
    secret: SecretStr,
    setting: str = "timeout",
) -> errors.AIMLAPIError:
    """Return our error for what the HTTP client raised; it names the address, never the headers.

    Args:
        call: The call that failed.
        error: What was raised.
        response: The response, if it had begun.
        secret: The key, which the error may quote.
        setting: Which setting limits the time, if it was over.
    """
    if (refused := refused_response(error)) is not None:
        body = b""
        # httpx has closed it; the hook may have read it before.
        with suppress(*http_errors("ResponseNotRead")):
            body = refused.content
        return status_failure(call, refused, body, secret=secret)
    words = f"{type(error).__name__}: {error}".rstrip(": ")
    words = str(errors.redact(words, secret.get_secret_value()))
    headers = {} if response is None else headers_of(response)
    if isinstance(error, http_errors("TimeoutException")):
        msg = f"No answer from {call.url} within the limits of time ({words}); see `{setting}`."
        return errors.AIMLAPITimeoutError(msg, response_headers=headers)
    # Nothing has left: trying again changes nothing, so that these are not retried.
    unsendable = (*http_errors("UnsupportedProtocol", "LocalProtocolError"), FileNotFoundError)
    advice = environment_advice(call.url)
    if response is None and len(call.body) > _LARGE_BODY and is_hang_up(error):
        # asyncio drops an answer that a server sent before it reset the connection.
        size = f"The request has {len(call.body) / 1e6:.1f} MB"
        advice = f"{size}: the server may have refused it as too large. {advice}".rstrip()
    if isinstance(error, (*http_errors("HTTPError"), OSError)) and not isinstance(
        error, unsendable
    ):
        msg = f"The connection to {call.url} failed ({words})."
        advice = advice or "Check the network, and the host and port of `base_url`."
        return errors.AIMLAPIConnectionError(msg, response_headers=headers, advice=advice)
    return errors.AIMLAPIConnectionError(
        f"The request to {call.url} cannot be made ({words}).",
        advice="Check base_url, the headers, the environment's proxies, a client of your own."
        + (advice and f" {advice}"),
        is_retryable=False,
    )


def status_failure(
    call: Call, response: httpx.Response, body: bytes, *, secret: SecretStr
) -> errors.AIMLAPIError:
    """Return our error for a status that is no answer.

    Args:
        call: The call that failed.
        response: The response, of which nothing but the head is read here.
        body: What came of its body.
        secret: The key, which the server may echo.
    """
    headers = headers_of(response)
    advice = call.advice
    if response.has_redirect_location:
        location = errors.redact(headers["location"], secret.get_secret_value())
        advice = (
            f"Redirected to {location!r}; redirects are not followed, because the key "
            "would go along. Set base_url to the right address."
        )
    elif response.status_code == _NOT_FOUND and not _VERSION.search(call.url):
        said = f"The request went to {call.url}; the documented base_url ends in /v1."
        advice = f"{advice} {said}".lstrip()
    failure = response_failure(response.status_code, body=body, headers=headers, advice=advice)
    if response.has_redirect_location:
        failure.is_retryable = False
    return failure


def foreign_failure(call: Call, response: httpx.Response) -> errors.AIMLAPIError:
    """Return our error for an answer that says it is another request's.

    Args:
        call: The call that failed.
        response: What came.
    """
    headers = headers_of(response)
    return errors.AIMLAPIConnectionError(
        f"{call.url} sent the answer to another request (x-client-request-id "
        f"{headers['x-client-request-id']!r}).",
        response_headers=headers,
    )


def headers_of(response: httpx.Response) -> dict[str, str]:
    """Return the headers of a response by lower-cased name."""
    return {name.lower(): value for name, value in response.headers.items()}


def bare(error: BaseException, *, secret: SecretStr) -> BaseException:
    """Return the error without request, traceback or key, its causes too.

    Args:
        error: What was raised.
        secret: The key, which a server may have echoed.
    """
    drop_frames(error)
    for linked in _linked(error):
        linked.args = tuple(errors.redact([*linked.args], secret.get_secret_value()))
        facts = vars(linked)  # httpx offers no way to take a request back
        facts.update((name, None) for name in _REQUESTS if name in facts)
    return error


def drop_frames(error: BaseException) -> None:
    """Drop the tracebacks of an error with its causes.

    The frames of the HTTP client hold the list of headers, those of transport and decoders what the
    server sent, in which it may echo the key; error reporters show the locals of frames.
    """
    for linked in _linked(error):
        linked.__traceback__ = None


def drop_http_frames(error: BaseException) -> None:
    """Drop the HTTP client's frames, and those below, from a cancellation or an interrupt.

    Such an error is not ours to replace, and its reader wants to know where it struck: in a call of
    this package. What the HTTP client was doing there holds the headers, the key among them.
    """
    for linked in _linked(error):
        trace = linked.__traceback__
        if trace is not None and _is_http_frame(trace):
            linked.__traceback__ = None
            continue
        while trace is not None:
            if trace.tb_next is not None and _is_http_frame(trace.tb_next):
                trace.tb_next = None
            trace = trace.tb_next


def _is_http_frame(trace: Any) -> bool:
    name: str = trace.tb_frame.f_globals.get("__name__", "")
    return name.partition(".")[0] in _HTTP_LIBRARIES


def _linked(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, its causes and the errors in whose handling they were raised."""
    waiting, seen = [error], set[int]()
    while waiting:
        linked = waiting.pop()
        if id(linked) not in seen:
            seen.add(id(linked))
            yield linked
            waiting += [
                other for other in (linked.__cause__, linked.__context__) if other is not None
            ]
