"""What the HTTP client raised, told as one of our errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from langchain_aimlapi import errors

if TYPE_CHECKING:
    from pydantic import SecretStr

    from langchain_aimlapi._http.call import Call

# What can go wrong once a response has begun. TLS reports some of its failures as they are.
IN_FLIGHT = (httpx.HTTPError, httpx.StreamError, OSError)
# What can go wrong before: also an address, proxy or certificate store that cannot be used (the
# resolver and the sockets say so with these), or a client of the user's that is closed.
FAILURES = (*IN_FLIGHT, httpx.InvalidURL, ValueError, OverflowError, ImportError, RuntimeError)
# Where httpx's errors keep the request, with its headers.
_REQUESTS = ("_request", "response")
_UNSENDABLE = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)


def connection_failure(
    call: Call, error: Exception, response: httpx.Response | None
) -> errors.AIMLAPIError:
    """Return our error for one of `FAILURES`; it names the address, never the request's headers.

    Args:
        call: The call that failed.
        error: What was raised.
        response: The response, if it had begun.
    """
    words = f"{type(error).__name__}: {error}".rstrip(": ")
    headers = {} if response is None else dict(response.headers)
    if isinstance(error, httpx.TimeoutException):
        msg = f"No answer from {call.url} within the limits of time ({words}); see `timeout`."
        return errors.AIMLAPITimeoutError(msg, response_headers=headers)
    if isinstance(error, httpx.DecodingError):
        msg = f"The answer of {call.url} is not what its content-encoding says ({words})."
        return errors.unreadable_response(msg, response_headers=headers)
    if isinstance(error, httpx.HTTPError | OSError) and not isinstance(error, _UNSENDABLE):
        msg = f"The connection to {call.url} failed ({words})."
        return errors.AIMLAPIConnectionError(msg, response_headers=headers)
    return errors.AIMLAPIConnectionError(
        f"The request to {call.url} cannot be made ({words}); check base_url, the headers, the "
        "environment's proxies, a client of your own.",
        is_retryable=False,
    )


def is_hang_up(error: Exception) -> bool:
    """Tell whether the server hung up without a word, as it may on an idle connection.

    Args:
        error: What was raised before a response began.
    """
    if isinstance(error, httpx.ReadError | httpx.WriteError):
        return True
    return isinstance(error, httpx.RemoteProtocolError) and "disconnected" in str(error)


def bare(error: BaseException, *, secret: SecretStr) -> BaseException:
    """Return the error without request, traceback or key, its causes too.

    Frames of the HTTP client hold the list of headers.

    Args:
        error: What was raised.
        secret: The key, which a server may have echoed.
    """
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        seen.add(id(one))
        one.__traceback__ = None
        one.args = tuple(errors.redacted([*one.args], secret.get_secret_value()))
        facts = vars(one)  # httpx offers no way to take a request back
        facts.update((name, None) for name in _REQUESTS if name in facts)
        causes = (one.__cause__, one.__context__)
        waiting += [cause for cause in causes if cause is not None and id(cause) not in seen]
    return error
