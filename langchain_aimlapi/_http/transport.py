"""Sends a call over HTTP, hands the bytes to a decoder.

Four shells, twins of each other: `send` with `asend` for whole answers, `stream` with `astream` for
streams. They move data; what to do is decided by `Attempts`, by the readers, by the decoder that
the caller hands in. Retrying wraps decoding, because an error inside a 200, or an empty stream, is
known only after decoding; each attempt decodes afresh.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import time
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

from langchain_aimlapi import errors
from langchain_aimlapi._http.call import acurrent_key, current_key
from langchain_aimlapi._http.exceptions import (
    connection_errors,
    drop_http_frames,
    http_errors,
    interruption,
)
from langchain_aimlapi._http.new_clients import new_async_client, new_client
from langchain_aimlapi._http.retry import Attempts, Decode

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterator,
        Awaitable,
        Callable,
        Iterator,
        Mapping,
    )

    from langchain_core.outputs import ChatGenerationChunk
    from pydantic import SecretStr

    from langchain_aimlapi._http.call import Call, Limits
    from langchain_aimlapi._http.readers import Decoder, ErrorBody

_AnswerT = TypeVar("_AnswerT")

# What a client of httpx has of which nobody chose the limits.
_HTTPX_SECONDS = 5.0
# How long to read on after [DONE], so that the connection can be used again.
_DRAIN_SECONDS = 1.0
_ENDED = httpx.ByteStream(b"")


def send(call: Call, decode: Decode[_AnswerT]) -> _AnswerT:
    """Return what `decode` makes of the whole answer.

    Args:
        call: What to send.
        decode: Takes the body, or a list with the data of the events where the server sent a stream
            instead, and the response headers (names lower-cased).

    Raises:
        AIMLAPIError: The last attempt failed.
    """
    attempts = Attempts(call, given=call.http_client)
    while True:
        try:
            return attempts.decoded(decode, _whole(attempts))
        except errors.AIMLAPIError as failure:
            # Raises the failure itself where no further attempt is to be made: so the loop ends.
            time.sleep(attempts.delay(failure))
        except BaseException as error:
            drop_http_frames(error)
            raise


async def asend(call: Call, decode: Decode[_AnswerT]) -> _AnswerT:
    """Return what `decode` makes of the whole answer; see `send`."""
    attempts = Attempts(call, given=call.http_async_client)
    while True:
        try:
            return attempts.decoded(decode, await _awhole(attempts))
        except errors.AIMLAPIError as failure:
            await asyncio.sleep(attempts.delay(failure))
        except BaseException as error:
            drop_http_frames(error)
            raise


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
    attempts = Attempts(call, given=call.http_client)
    # Ends also where a connection broke after [DONE]: `end` swallows that, the answer is whole.
    while not attempts.is_answered:
        try:
            with _Attempt(attempts) as attempt:
                response = attempt.open()
                feed = attempts.feed(response, make_decoder)
                # One iterator for both: draining goes on where the loop stood.
                blocks = _blocks(response)
                for block in blocks:
                    yield from feed.take(block)
                    if feed.is_over:
                        _drain(response, blocks)
                yield from feed.finish()
        except errors.AIMLAPIError as failure:
            block = b""  # may hold the key, which a server may echo; tracebacks may show locals
            time.sleep(attempts.delay(failure))
        except BaseException as error:
            drop_http_frames(error)
            raise


def astream(call: Call, make_decoder: Callable[[Mapping[str, str]], Decoder]) -> _Unregistered:
    """Return the chunks of a streamed answer, which are to be closed; see `stream`."""
    return _Unregistered(_astream(call, make_decoder))


async def _astream(
    call: Call, make_decoder: Callable[[Mapping[str, str]], Decoder]
) -> AsyncGenerator[ChatGenerationChunk]:
    attempts = Attempts(call, given=call.http_async_client)
    while not attempts.is_answered:
        try:
            async with _AsyncAttempt(attempts) as attempt:
                response = await attempt.open()
                feed = attempts.feed(response, make_decoder)
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
            await asyncio.sleep(attempts.delay(failure))
        except BaseException as error:
            drop_http_frames(error)
            raise


def _whole(attempts: Attempts) -> bytes | list[bytes]:
    """Return the body of one attempt."""
    with _Attempt(attempts) as attempt:
        response = attempt.open()
        answer = attempts.answer(response)
        for block in _blocks(response):
            answer.take(block)
    return answer.data()


async def _awhole(attempts: Attempts) -> bytes | list[bytes]:
    """Return the body of one attempt; see `_whole`."""
    async with _AsyncAttempt(attempts) as attempt:
        response = await attempt.open()
        answer = attempts.answer(response)
        async for block in _ablocks(response):
            answer.take(block)
    return answer.data()


class _Attempt:
    """One attempt: a client, a response of good status; all failures told as ours."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts
        self._response: httpx.Response | None = None

    def __enter__(self) -> Self:
        # Not in `open`: what the user's function for the key raises is no failed connection.
        self._attempts.begin(current_key(self._attempts.call.api_key))
        return self

    def open(self) -> httpx.Response:
        attempts = self._attempts
        client = attempts.take(attempts.source.acquire(new_client))
        response: httpx.Response = client.send(
            _request(attempts), auth=_KeyAuth(attempts.key), stream=True, follow_redirects=False
        )
        self._response = response
        attempts.receive(response)
        if attempts.is_refused(response):
            attempts.refuse(response, _first_bytes(attempts, response))
        return response

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        attempts = self._attempts
        if attempts.given is None and _is_torn(error):
            attempts.lease.drop()
            return attempts.end(error)
        # Closing may fail as well; what the attempt ended in is worth more than that.
        try:
            try:
                if self._response is not None:
                    self._response.close()
            except connection_errors():  # asked for only now, which `suppress` could not do
                pass
            return attempts.end(error)
        finally:
            _open_circle(attempts, self._response)
            attempts.source.release(attempts.lease)


def _is_torn(error: BaseException | None) -> bool:
    """Tell whether a call may have been interrupted, wherever it was.

    What the handler of a signal raises, a `TimeoutError` say, may come between the taking of a lock
    of httpcore's and the block that gives it back: who asked for it next, if only to close, would
    wait for good. So only after errors of our own and of the HTTP client is a client used again.
    """
    if error is None or isinstance(error, errors.AIMLAPIError | GeneratorExit):
        return False
    is_known = isinstance(error, http_errors("HTTPError", "StreamError"))
    return not is_known or interruption(error) is not None


class _AsyncAttempt:
    """One attempt; see `_Attempt`.

    A class, not an asynchronous generator: a loop that ends closes all of these at once, also those
    that another one is just closing.
    """

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts
        self._response: httpx.Response | None = None

    async def __aenter__(self) -> Self:
        self._attempts.begin(await acurrent_key(self._attempts.call.api_key))
        return self

    async def open(self) -> httpx.Response:
        attempts = self._attempts
        client = attempts.take(await attempts.source.aacquire(new_async_client))
        response: httpx.Response = await client.send(
            _request(attempts), auth=_KeyAuth(attempts.key), stream=True, follow_redirects=False
        )
        self._response = response
        attempts.receive(response)
        if attempts.is_refused(response):
            attempts.refuse(response, await _afirst_bytes(attempts, response))
        return response

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        attempts = self._attempts
        try:
            try:
                if self._response is not None:
                    await self._response.aclose()
            except connection_errors():  # asked for only now, which `suppress` could not do
                pass
            return attempts.end(error)
        finally:
            _open_circle(attempts, self._response)
            await attempts.source.arelease(attempts.lease)


def _open_circle(attempts: Attempts, response: httpx.Response | None) -> None:
    """Let go of the stream of a response of ours, which httpx has hold the response.

    The request, with all that was sent, would else wait for the garbage collector.
    """
    if response is not None and attempts.given is None:
        response.stream = _ENDED


class _Unregistered:
    """An asynchronous generator of which the loop is not told.

    A loop that ends closes every generator that it knows of, all at once: the one that we are
    reading, and the one of ours that is closing it at that moment. Python then complains of both.
    """

    def __init__(self, generator: AsyncGenerator[ChatGenerationChunk]) -> None:
        self._generator = generator
        self._is_begun = False

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[ChatGenerationChunk]:
        if self._is_begun:
            return self._generator.__anext__()
        self._is_begun = True
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(None, None)
        try:
            return self._generator.__anext__()  # here it would be told
        finally:
            sys.set_asyncgen_hooks(*hooks)

    async def athrow(self, error: BaseException) -> ChatGenerationChunk:
        return await self._generator.athrow(error)

    async def aclose(self) -> None:
        await self._generator.aclose()


class _KeyAuth:
    """Writes the key into the request: no frame of ours ever holds the header.

    A callable, which httpx and httpx2 both take for `auth`.
    """

    def __init__(self, api_key: SecretStr) -> None:
        self._api_key = api_key

    def __call__(self, request: httpx.Request) -> httpx.Request:
        if key := self._api_key.get_secret_value():  # the catalogue asks for none
            request.headers["authorization"] = f"Bearer {key}"
        return request


def _request(attempts: Attempts) -> httpx.Request:
    """Return the request; a client that the user gave adds its own headers, cookies, parameters."""
    call, given, body = attempts.call, attempts.given, attempts.body
    if given is not None:
        built: httpx.Request = given.build_request(
            call.method,
            call.url,
            headers=call.headers,
            content=body,
            extensions=_extensions(call.limits, given),
        )
        return built
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


def _extensions(limits: Limits, given: httpx.Client | httpx.AsyncClient) -> dict[str, Any]:
    """Return our limits, unless nobody chose them while the given client has limits of its own."""
    if limits.is_default and given.timeout != type(given.timeout)(_HTTPX_SECONDS):
        return {}
    return {"timeout": limits.as_extension()}


@lru_cache(maxsize=64)
# A model asks one address again and again.
def _url(url: str) -> httpx.URL:
    return httpx.URL(url)


def _blocks(response: httpx.Response) -> Iterator[bytes]:
    """Return the bytes as they came, or what a recorder or a hook has made of them already."""
    # `iter_raw` keeps the encoding on: we unpack by ourselves, bounded (see `Unpacker`).
    return response.iter_bytes() if response.is_stream_consumed else response.iter_raw()


def _ablocks(response: httpx.Response) -> AsyncIterator[bytes]:
    """Return the bytes; see `_blocks`."""
    return response.aiter_bytes() if response.is_stream_consumed else response.aiter_raw()


def _drain(response: httpx.Response, blocks: Iterator[bytes]) -> None:
    """Read on to the end, but not for long: the answer is whole already."""
    line = response.extensions.get("network_stream")
    deadline = getattr(line, "deadline", None)
    if deadline is None:
        _drain_timed(line, blocks)
        return
    deadline.hurry(_DRAIN_SECONDS)
    for _ in blocks:
        pass


def _drain_timed(line: Any, blocks: Iterator[bytes]) -> None:
    # A sync read of another's client cannot be given up from within: the timer hangs up the socket
    # under it. (An interrupt in the start of a thread may leave locks behind, so that our own
    # clients need none.)
    timer = threading.Timer(_DRAIN_SECONDS, _hang_up, [line])
    timer.daemon = True
    timer.start()
    try:
        for _ in blocks:
            pass
    finally:
        timer.cancel()


def _hang_up(line: Any) -> None:
    with suppress(OSError, AttributeError):
        line.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


async def _adrain(blocks: AsyncIterator[bytes]) -> None:
    """Read on to the end; see `_drain`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in blocks:
                pass


def _first_bytes(attempts: Attempts, response: httpx.Response) -> ErrorBody:
    """Return what comes of an error's body; the status counts even if the body breaks off."""
    body = attempts.error_body(response)
    try:
        for block in _blocks(response):
            if body.take(block):
                break
    except http_errors("HTTPError") as error:
        if interruption(error) is not None:
            raise
    return body


async def _afirst_bytes(attempts: Attempts, response: httpx.Response) -> ErrorBody:
    """Return what comes of an error's body; see `_first_bytes`."""
    body = attempts.error_body(response)
    with suppress(*http_errors("HTTPError")):
        async for block in _ablocks(response):
            if body.take(block):
                break
    return body
