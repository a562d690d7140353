"""The one place that knows httpx: sends a call, hands the bytes to a decoder.

Four shells, twins of each other: `send` with `asend` for whole answers, `stream` with `astream` for
streams. They move data; what to do is decided by `Tries`, by the feeds, by the decoder that
the caller hands in. Retrying wraps decoding, because an error inside a 200, or an empty stream, is
known only after decoding; each attempt decodes afresh.
"""

from __future__ import annotations

import asyncio
import math
import socket
import threading
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from langchain_aimlapi import errors
from langchain_aimlapi._error_mapping import response_failure
from langchain_aimlapi._http.client_pool import Lease
from langchain_aimlapi._http.exceptions import (
    FAILURES,
    IN_FLIGHT,
    bare,
    connection_failure,
    is_hang_up,
)
from langchain_aimlapi._http.new_clients import new_async_client, new_client
from langchain_aimlapi._http.readers import Body, Decoder, Feed, feed_of
from langchain_aimlapi._http.retry import Tries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping

    from langchain_core.outputs import ChatGenerationChunk
    from pydantic import SecretStr

    from langchain_aimlapi._http.call import Call, Limits

_AnswerT = TypeVar("_AnswerT")

# Cheapest as well as safest: see the head of `_clients`.
_CALLS_PER_CLIENT = 1
_ERROR_BODY_BYTES = 1024 * 1024
# What a client of httpx has of which nobody chose the limits.
_HTTPX_TIMEOUT = httpx.Timeout(5.0)
# How long to read on after [DONE], so that the connection can be used again.
_DRAIN_SECONDS = 1.0


def send(call: Call, decode: Callable[[bytes, Mapping[str, str]], _AnswerT]) -> _AnswerT:
    """Return what `decode` makes of the whole answer.

    Args:
        call: What to send.
        decode: Takes the body and the response headers (names lower-cased).

    Raises:
        AIMLAPIError: The last attempt failed.
    """
    tries = Tries(call)
    while True:
        try:
            return decode(*_whole(call, tries))
        except errors.AIMLAPIError as failure:
            time.sleep(tries.delay(failure))


async def asend(call: Call, decode: Callable[[bytes, Mapping[str, str]], _AnswerT]) -> _AnswerT:
    """Return what `decode` makes of the whole answer; see `send`."""
    tries = Tries(call)
    while True:
        try:
            return decode(*await _awhole(call, tries))
        except errors.AIMLAPIError as failure:
            await asyncio.sleep(tries.delay(failure))


def stream(
    call: Call, make_decoder: Callable[[Mapping[str, str]], Decoder]
) -> Iterator[ChatGenerationChunk]:
    """Yield the chunks of a streamed answer.

    Args:
        call: What to send.
        make_decoder: Takes the response headers, makes the decoder of one attempt.

    Raises:
        AIMLAPIError: The last attempt failed; after the first chunk there is no other.
    """
    tries = Tries(call)
    while not tries.is_answered:
        try:
            with _response(call, tries) as response:
                feed = _feed(call, response, tries, make_decoder)
                blocks = _blocks(response)
                for block in blocks:
                    yield from feed.take(block)
                    if feed.is_over:
                        _drain(response, blocks)
                yield from feed.finish()
        except errors.AIMLAPIError as failure:
            block = b""  # may hold the key, which a server may echo; tracebacks may show locals
            time.sleep(tries.delay(failure))


async def astream(
    call: Call, make_decoder: Callable[[Mapping[str, str]], Decoder]
) -> AsyncIterator[ChatGenerationChunk]:
    """Yield the chunks of a streamed answer; see `stream`."""
    tries = Tries(call)
    while not tries.is_answered:
        try:
            async with _aresponse(call, tries) as response:
                feed = _feed(call, response, tries, make_decoder)
                blocks = _ablocks(response)
                async for block in blocks:
                    for chunk in feed.take(block):
                        yield chunk
                    if feed.is_over:
                        await _adrain(blocks)
                for chunk in feed.finish():
                    yield chunk
        except errors.AIMLAPIError as failure:
            block = b""  # see `stream`
            await asyncio.sleep(tries.delay(failure))


def _whole(call: Call, tries: Tries) -> tuple[bytes, dict[str, str]]:
    """Return body with headers of one attempt."""
    with _response(call, tries) as response:
        body = Body(call, started=tries.started)
        for block in _blocks(response):
            body.take(block)
    return body.data(), _headers(response)


async def _awhole(call: Call, tries: Tries) -> tuple[bytes, dict[str, str]]:
    """Return body with headers of one attempt; see `_whole`."""
    async with _aresponse(call, tries) as response:
        body = Body(call, started=tries.started)
        async for block in _ablocks(response):
            body.take(block)
    return body.data(), _headers(response)


@contextmanager
def _response(call: Call, tries: Tries) -> Iterator[httpx.Response]:
    """Open one attempt: a client, a good status; all failures told as ours."""
    tries.begin()
    given = call.http_client
    lease, response = Lease(given), None
    try:
        if given is None:
            lease = call.clients.acquire(new_client, most=_CALLS_PER_CLIENT)
        response = lease.client.send(
            _request(call, given, body=tries.body),
            auth=_KeyAuth(call.api_key),
            stream=True,
            follow_redirects=False,
        )
        lease.is_warm = _is_kept_open(response)
        if response.status_code not in call.good_statuses:
            raise _status_failure(call, response, _first_bytes(response, _deadline(call, tries)))
        yield response
    except FAILURES as error:
        if tries.is_answered:
            return
        if response is not None and not isinstance(error, IN_FLIGHT):
            raise
        if response is None and lease.is_warm and is_hang_up(error):
            tries.note_stale()
        response = _refused(error) or response
        raise _failure(call, error, response) from bare(error, secret=call.api_key)
    finally:
        _log(tries, response)
        if response is not None and not response.is_closed:
            response.close()
        call.clients.release(lease)


@asynccontextmanager
async def _aresponse(call: Call, tries: Tries) -> AsyncIterator[httpx.Response]:
    """Open one attempt; see `_response`."""
    tries.begin()
    given = call.http_async_client
    lease, response = Lease(given), None
    try:
        if given is None:
            lease = await call.clients.aacquire(new_async_client, most=_CALLS_PER_CLIENT)
        response = await lease.client.send(
            _request(call, given, body=tries.body),
            auth=_KeyAuth(call.api_key),
            stream=True,
            follow_redirects=False,
        )
        lease.is_warm = _is_kept_open(response)
        if response.status_code not in call.good_statuses:
            raise _status_failure(
                call, response, await _afirst_bytes(response, _deadline(call, tries))
            )
        yield response
    except FAILURES as error:
        if tries.is_answered:
            return
        if response is not None and not isinstance(error, IN_FLIGHT):
            raise
        if response is None and lease.is_warm and is_hang_up(error):
            tries.note_stale()
        response = _refused(error) or response
        raise _failure(call, error, response) from bare(error, secret=call.api_key)
    finally:
        _log(tries, response)
        if response is not None and not response.is_closed:
            await response.aclose()
        await call.clients.arelease(lease)


class _KeyAuth(httpx.Auth):
    """Writes the key into the request: no frame of ours ever holds the header."""

    def __init__(self, api_key: SecretStr) -> None:
        self._api_key = api_key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        if key := self._api_key.get_secret_value():  # the catalogue asks for none
            request.headers["authorization"] = f"Bearer {key}"
        yield request


def _request(
    call: Call, given: httpx.Client | httpx.AsyncClient | None, *, body: bytes
) -> httpx.Request:
    """Return the request; a client that the user gave adds its own headers, cookies, parameters."""
    if given:
        return given.build_request(
            call.method,
            call.url,
            headers=call.headers,
            content=body,
            timeout=_timeout(call.limits, given),
        )
    url = _url(call.url)
    framing = {"host": url.netloc.decode("ascii"), "content-length": str(len(body))}
    # With `content=` httpx would work the framing out by itself, at a copy of the body.
    request = httpx.Request(
        call.method,
        url,
        headers={**framing, **call.headers},
        stream=httpx.ByteStream(body),
        extensions={"timeout": call.limits.as_extension()},
    )
    request.read()  # so that what is put in a transport's place can read `content`; no copy
    return request


def _timeout(
    limits: Limits, given: httpx.Client | httpx.AsyncClient
) -> httpx.Timeout | httpx._client.UseClientDefault:
    """Return our limits, unless nobody chose them while the given client has limits of its own."""
    if limits.is_default and given.timeout != _HTTPX_TIMEOUT:
        return httpx.USE_CLIENT_DEFAULT
    return httpx.Timeout(**limits.as_extension())


@lru_cache(maxsize=64)
def _url(url: str) -> httpx.URL:
    return httpx.URL(url)


def _headers(response: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _feed(
    call: Call,
    response: httpx.Response,
    tries: Tries,
    make_decoder: Callable[[Mapping[str, str]], Decoder],
) -> Feed:
    headers = _headers(response)
    kind = headers.get("content-type", "")
    return feed_of(kind, call=call, tries=tries, decoder=make_decoder(headers))


def _blocks(response: httpx.Response) -> Iterator[bytes]:
    return response.iter_raw() if _is_raw(response) else response.iter_bytes()


def _ablocks(response: httpx.Response) -> AsyncIterator[bytes]:
    return response.aiter_raw() if _is_raw(response) else response.aiter_bytes()


def _is_raw(response: httpx.Response) -> bool:
    """Tell whether the bytes can be taken as they come, which is cheaper.

    Not if there is a content encoding to undo, nor if a recorder has read them already.
    """
    return "content-encoding" not in response.headers and not response.is_stream_consumed


def _drain(response: httpx.Response, blocks: Iterator[bytes]) -> None:
    """Read on to the end, but not for long: the answer is whole already."""
    line = response.extensions.get("network_stream")
    timer = threading.Timer(_DRAIN_SECONDS, _hang_up, [line])
    timer.daemon = True
    timer.start()
    try:
        for _ in blocks:
            pass
    finally:
        timer.cancel()


def _hang_up(line: Any) -> None:  # noqa: ANN401  httpcore's network stream, None for a recording
    with suppress(OSError, AttributeError):
        line.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


async def _adrain(blocks: AsyncIterator[bytes]) -> None:
    """Read on to the end; see `_drain`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in blocks:
                pass


def _deadline(call: Call, tries: Tries) -> float:
    return tries.started + (math.inf if call.limits.total is None else call.limits.total)


def _first_bytes(response: httpx.Response, deadline: float) -> bytes:
    """Return what comes of an error's body; the status counts even if the body breaks off."""
    body = b""
    with suppress(httpx.HTTPError):
        for block in response.iter_bytes():
            body += block
            if len(body) > _ERROR_BODY_BYTES or time.monotonic() > deadline:
                break
    return body


async def _afirst_bytes(response: httpx.Response, deadline: float) -> bytes:
    """Return what comes of an error's body; see `_first_bytes`."""
    body = b""
    with suppress(httpx.HTTPError):
        async for block in response.aiter_bytes():
            body += block
            if len(body) > _ERROR_BODY_BYTES or time.monotonic() > deadline:
                break
    return body


def _is_kept_open(response: httpx.Response) -> bool:
    return bool(response.headers.get("connection", "").lower() != "close")


def _refused(error: Exception) -> httpx.Response | None:
    """Return the response for whose status a hook of the user's client raised."""
    return error.response if isinstance(error, httpx.HTTPStatusError) else None


def _failure(call: Call, error: Exception, response: httpx.Response | None) -> errors.AIMLAPIError:
    refused = _refused(error)
    if refused is None:
        return connection_failure(call, error, response)
    body = b""
    with suppress(httpx.ResponseNotRead):  # httpx has closed it; the hook may have read it before
        body = refused.content
    return _status_failure(call, refused, body)


def _status_failure(call: Call, response: httpx.Response, body: bytes) -> errors.AIMLAPIError:
    headers = _headers(response)
    advice = call.advice
    if response.has_redirect_location:
        advice = (
            f"Redirected to {headers['location']!r}; redirects are not followed, because the key "
            "would go along. Set base_url to the right address."
        )
    failure = response_failure(response.status_code, body=body, headers=headers, advice=advice)
    if response.has_redirect_location:
        failure.is_retryable = False
    return failure


def _log(tries: Tries, response: httpx.Response | None) -> None:
    outcome: Any = "no response" if response is None else response.status_code
    ids = {} if response is None else response.headers
    tries.log(outcome, inference_id=ids.get("x-inference-id"))
