"""Calls over HTTP, both twins: what is sent, what is tried again, what a failure becomes.

What only a socket can show (timing, cuts, connections) is in `tests/wire_tests`.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr

from langchain_aimlapi import errors
from langchain_aimlapi._codec.stream import StreamDecoder
from langchain_aimlapi._http import transport
from langchain_aimlapi._http.call import read_limits
from langchain_aimlapi._http.retry import Attempts
from tests.answers import KEY, sse
from tests.unit_tests.http.calls import call_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from langchain_aimlapi._http.call import Call

    Handler = Callable[[httpx.Request], httpx.Response]

TEXT: Any = {"choices": [{"delta": {"content": "a"}}]}
END: Any = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
STREAM = {"content-type": "text/event-stream"}
NOW = {"retry-after": "0"}
WAYS = ["send", "asend", "stream", "astream"]


class Broken(httpx.SyncByteStream, httpx.AsyncByteStream):
    """Bytes that end in a failure of the connection."""

    def __init__(self, *blocks: bytes, error: Exception | None = None) -> None:
        self._blocks = blocks
        self._error = error

    def __iter__(self) -> Iterator[bytes]:
        yield from self._blocks
        if self._error:
            raise self._error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for block in self:
            yield block


def decode(body: bytes, headers: Mapping[str, str]) -> tuple[bytes, Mapping[str, str]]:
    if not body:
        raise errors.AIMLAPIEmptyResponseError("nothing")
    return body, headers


def decoder(headers: Mapping[str, str]) -> StreamDecoder:
    return StreamDecoder(headers, client_request_id="mine")


def call_with(handle: Handler, **more: Any) -> Call:
    mock = httpx.MockTransport(handle)
    return call_of(
        http_client=httpx.Client(transport=mock),
        http_async_client=httpx.AsyncClient(transport=mock),
        **more,
    )


def ask(way: str, call: Call, *, decode: Any = decode, decoder: Any = decoder) -> Any:
    """Ask in one of the four ways; of streams, return the texts of the chunks."""
    match way:
        case "send":
            return transport.send(call, decode)
        case "asend":
            return asyncio.run(transport.asend(call, decode))
        case "stream":
            return [chunk.text for chunk in transport.stream(call, decoder)]
        case _:

            async def gathered() -> list[str]:
                return [chunk.text async for chunk in transport.astream(call, decoder)]

            return asyncio.run(gathered())


def good(request: httpx.Request) -> httpx.Response:
    assert request.headers["authorization"] == f"Bearer {KEY}"
    if request.headers["accept"] == "text/event-stream":
        return httpx.Response(200, headers=STREAM, stream=Broken(sse([TEXT, END])))
    return httpx.Response(200, headers={"X-One": "1"}, content=b"body")


def answer_of(way: str) -> Any:
    return ["a", ""] if "stream" in way else b"body"


def asked(way: str, handle: Handler, **more: Any) -> Any:
    """Ask with the headers that the way has; return the texts or the body."""
    accept = "text/event-stream" if "stream" in way else "application/json"
    found = ask(way, call_with(handle, headers={"accept": accept}, **more))
    return found if "stream" in way else found[0]


@pytest.mark.parametrize("way", WAYS)
def test_a_call_is_sent_as_it_was_prepared(way: str) -> None:
    requests: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return good(request)

    assert asked(way, handle, body=b'{"a": 1}') == answer_of(way)
    [request] = requests
    assert request.method == "POST"
    assert request.url == "https://example.com/v1/chat/completions"
    assert request.content == b'{"a": 1}'
    assert request.extensions["timeout"]["connect"] == 10.0


@pytest.mark.parametrize("way", ["send", "asend"])
def test_headers_reach_the_decoder_by_lower_case_names(way: str) -> None:
    body, headers = ask(way, call_with(good, headers={"accept": "x"}))
    assert body == b"body"
    assert headers["x-one"] == "1"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_may_pass_is_tried_again(way: str, status: int) -> None:
    statuses = [status, status, 200]

    def handle(request: httpx.Request) -> httpx.Response:
        code = statuses.pop(0)
        return good(request) if code == 200 else httpx.Response(code, headers=NOW)

    assert asked(way, handle, max_retries=2) == answer_of(way)
    assert statuses == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.AIMLAPIInvalidRequestError),
        (401, errors.AIMLAPIAuthenticationError),
        (404, errors.AIMLAPINotFoundError),
        (503, errors.AIMLAPIServerError),
        (204, errors.AIMLAPIResponseError),
    ],
)
def test_a_status_is_our_error(way: str, status: int, kind: Any) -> None:
    body = json.dumps({"message": "said so", "requestId": "req-1"}).encode()
    with pytest.raises(kind, match="said so") as caught:
        asked(way, lambda _: httpx.Response(status, content=body), max_retries=0, advice="Advice.")
    assert caught.value.request_id == "req-1"
    assert caught.value.client_request_id == "mine"


@pytest.mark.parametrize("way", WAYS)
def test_a_refused_body_is_repeated_once_with_its_remedy(way: str) -> None:
    bodies: list[bytes] = []
    asked_about: list[int | None] = []

    def remedy(failure: errors.AIMLAPIError) -> bytes | None:
        asked_about.append(failure.status_code)
        return b'{"b": 2}' if failure.status_code == 400 else None

    def handle(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        code = [503, 400, 503, 200][len(bodies) - 1]
        return good(request) if code == 200 else httpx.Response(code, headers=NOW)

    assert asked(way, handle, max_retries=2, remedy=remedy) == answer_of(way)
    assert bodies == [b"{}", b"{}", b'{"b": 2}', b'{"b": 2}']
    assert asked_about == [503, 400, 503]


@pytest.mark.parametrize("way", WAYS)
def test_a_remedy_is_tried_once(way: str) -> None:
    bodies: list[bytes] = []

    def handle(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return httpx.Response(400)

    with pytest.raises(errors.AIMLAPIInvalidRequestError):
        asked(way, handle, max_retries=0, remedy=lambda _: b"other")
    assert bodies == [b"{}", b"other"]


@pytest.mark.parametrize("way", WAYS)
def test_a_redirect_is_not_followed(way: str) -> None:
    hosts: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        return httpx.Response(302, headers={"location": "https://elsewhere.example"})

    with pytest.raises(errors.AIMLAPIResponseError) as caught:
        asked(way, handle)
    assert hosts == ["example.com"]
    assert not caught.value.is_retryable


@pytest.mark.parametrize("way", WAYS)
def test_a_long_error_body_is_not_read_to_its_end(way: str) -> None:
    blocks = [b"x" * 400_000] * 9
    with pytest.raises(errors.AIMLAPIServerError) as caught:
        asked(way, lambda _: httpx.Response(500, stream=Broken(*blocks)), max_retries=0)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("way", WAYS)
def test_the_status_counts_even_if_the_body_breaks_off(way: str) -> None:
    broken = Broken(b"partly", error=httpx.ReadError("gone"))
    with pytest.raises(errors.AIMLAPIServerError, match="500 partly"):
        asked(way, lambda _: httpx.Response(500, stream=broken), max_retries=0)


FAILURES: list[tuple[Exception, type[errors.AIMLAPIError], bool]] = [
    (httpx.ConnectError("refused"), errors.AIMLAPIConnectionError, True),
    (httpx.RemoteProtocolError("incomplete"), errors.AIMLAPIConnectionError, True),
    (httpx.ProxyError("proxy"), errors.AIMLAPIConnectionError, True),
    (httpx.ConnectTimeout("late"), errors.AIMLAPITimeoutError, True),
    (httpx.PoolTimeout("busy"), errors.AIMLAPITimeoutError, True),
    (httpx.UnsupportedProtocol("ftp"), errors.AIMLAPIConnectionError, False),
    (httpx.LocalProtocolError("header"), errors.AIMLAPIConnectionError, False),
    (httpx.InvalidURL("odd"), errors.AIMLAPIConnectionError, False),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("error", "kind", "is_retryable"), FAILURES)
def test_a_failure_of_the_connection_is_our_error(
    way: str,
    error: Exception,
    kind: Any,
    is_retryable: bool,  # noqa: FBT001  a table
) -> None:
    def handle(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(kind, match=r"https://example\.com") as caught:
        asked(way, handle, max_retries=0)
    assert caught.value.is_retryable is is_retryable
    assert caught.value.__cause__ is not None
    assert "authorization" not in repr(vars(caught.value.__cause__))


def raising(handle: Handler, *, does_read: bool) -> Any:
    """Return clients whose hook raises for a status, as many people's do."""

    def hook(response: httpx.Response) -> None:
        if does_read:
            response.read()
        response.raise_for_status()

    async def ahook(response: httpx.Response) -> None:
        if does_read:
            await response.aread()
        response.raise_for_status()

    mock = httpx.MockTransport(handle)
    return {
        "http_client": httpx.Client(transport=mock, event_hooks={"response": [hook]}),
        "http_async_client": httpx.AsyncClient(transport=mock, event_hooks={"response": [ahook]}),
    }


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("does_read", [True, False])
def test_a_status_for_which_a_hook_raised_is_the_same_error(
    way: str,
    does_read: bool,  # noqa: FBT001  a table
    caplog: pytest.LogCaptureFixture,
) -> None:
    requests: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        body = Broken(b'{"message": "said so"}')
        return httpx.Response(401, stream=body, headers={"x-inference-id": "i-1"})

    with (
        caplog.at_level(logging.DEBUG, logger="langchain_aimlapi"),
        pytest.raises(errors.AIMLAPIAuthenticationError) as caught,
    ):
        ask(way, call_of(max_retries=2, **raising(handle, does_read=does_read)))
    failure = caught.value
    assert len(requests) == 1
    assert (failure.status_code, failure.inference_id) == (401, "i-1")
    assert ("said so" in str(failure)) is does_read
    assert "outcome=401" in caplog.text
    cause = failure.__cause__
    assert isinstance(cause, httpx.HTTPStatusError)
    assert (vars(cause)["_request"], vars(cause)["response"]) == (None, None)
    assert KEY not in repr(vars(cause))


@pytest.mark.parametrize("way", WAYS)
def test_a_status_that_may_pass_is_tried_again_where_a_hook_raises(way: str) -> None:
    statuses = [429, 302]

    def handle(_: httpx.Request) -> httpx.Response:
        headers = {**NOW, "location": "https://elsewhere.example"}
        return httpx.Response(statuses.pop(0), headers=headers)

    with pytest.raises(errors.AIMLAPIResponseError, match="redirects are not followed"):
        ask(way, call_of(max_retries=2, **raising(handle, does_read=False)))
    assert statuses == []


OWN = httpx.Timeout(30.0, connect=1.0)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("own", "timeout", "connect"),
    [
        (OWN, "default", 1.0),
        (None, "default", None),
        (httpx.Timeout(5.0), "default", 10.0),  # httpx's own, which nobody chose
        (OWN, 7.0, 7.0),
        (OWN, None, None),
    ],
)
def test_a_given_clients_own_limits_stay_unless_the_model_has_some(
    way: str, own: Any, timeout: Any, connect: float | None
) -> None:
    seen: list[Any] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"]["connect"])
        return good(request)

    mock = httpx.MockTransport(handle)
    call = call_of(
        http_client=httpx.Client(transport=mock, timeout=own),
        http_async_client=httpx.AsyncClient(transport=mock, timeout=own),
        headers={"accept": "text/event-stream" if "stream" in way else "x"},
        limits=read_limits(timeout, is_stream="stream" in way),
    )
    ask(way, call)
    assert seen == [connect]


def test_a_request_can_be_read_by_what_stands_in_a_transports_place() -> None:
    body = b'{"a": 1}' * 9999
    request = transport._request(Attempts(call_of(body=body), given=None))
    assert request.content is body  # not a copy
    assert request.read() is body


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_that_breaks_off_is_our_error(way: str) -> None:
    data = sse([TEXT], is_done=False)
    broken = Broken(data, error=httpx.ReadError("gone"))
    with pytest.raises(errors.AIMLAPIConnectionError) as caught:
        asked(way, lambda _: httpx.Response(200, headers=STREAM, stream=broken), max_retries=0)
    if "stream" in way:
        assert caught.value.partial is not None
        assert caught.value.partial.content == "a"


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_nothing_is_tried_again_after_the_first_chunk(way: str) -> None:
    count = 0

    def handle(_: httpx.Request) -> httpx.Response:
        nonlocal count
        count += 1
        data = sse([TEXT], is_done=False)
        return httpx.Response(200, headers=STREAM, stream=Broken(data, error=httpx.ReadError("x")))

    with pytest.raises(errors.AIMLAPIConnectionError):
        asked(way, handle, max_retries=5)
    assert count == 1


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_an_empty_stream_is_asked_for_again(way: str) -> None:
    answers = [b"", b": comment\n\n", sse([TEXT, END])]

    def handle(_: httpx.Request) -> httpx.Response:
        headers = {**STREAM, **NOW}
        return httpx.Response(200, headers=headers, stream=Broken(answers.pop(0)))

    assert asked(way, handle) == ["a", ""]


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_what_comes_after_the_end_does_not_matter(way: str) -> None:
    data = sse([TEXT, END])
    answers = [Broken(data, b"junk"), Broken(data, b"junk", error=httpx.ReadError("gone"))]

    def handle(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=STREAM, stream=answers.pop())

    assert asked(way, handle) == asked(way, handle) == ["a", ""]


@pytest.mark.parametrize("way", ["send", "asend"])
def test_an_empty_answer_is_asked_for_again_if_wished(way: str) -> None:
    answers = [b"", b"", b"body"]

    def handle(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=answers.pop(0))

    with pytest.raises(errors.AIMLAPIEmptyResponseError):
        asked(way, handle)
    assert asked(way, handle, empty_response_retries=1) == b"body"


@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8"])
def test_plain_json_in_place_of_a_stream_is_an_answer(way: str, kind: str) -> None:
    body = b'{"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}'
    headers = {"content-type": kind}
    assert asked(way, lambda _: httpx.Response(200, headers=headers, content=body)) == ["a", ""]


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_stream_may_be_compressed(way: str) -> None:
    headers = {**STREAM, "content-encoding": "gzip"}
    data = gzip.compress(sse([TEXT, END]))
    assert asked(way, lambda _: httpx.Response(200, headers=headers, stream=Broken(data))) == [
        "a",
        "",
    ]


@pytest.mark.parametrize("way", WAYS)
def test_a_wrong_content_encoding_is_an_unreadable_answer(way: str) -> None:
    headers = {**STREAM, "content-encoding": "gzip"}
    broken = httpx.Response
    with pytest.raises(errors.AIMLAPIResponseError) as caught:
        asked(way, lambda _: broken(200, headers=headers, stream=Broken(b"plain")), max_retries=0)
    assert not caught.value.is_readable


@pytest.mark.parametrize("way", WAYS)
def test_each_attempt_leaves_a_line(way: str, caplog: pytest.LogCaptureFixture) -> None:
    statuses = [500, 200]

    def handle(request: httpx.Request) -> httpx.Response:
        code = statuses.pop(0)
        return good(request) if code == 200 else httpx.Response(code, headers=NOW)

    with caplog.at_level(logging.DEBUG, logger="langchain_aimlapi"):
        asked(way, handle)
    lines = [line for line in caplog.messages if line.startswith("POST")]
    assert ["attempt=1 outcome=500" in lines[0], "attempt=2 outcome=200" in lines[1]] == [True] * 2
    assert KEY not in caplog.text


class FaultError(ValueError):
    """Raised by a decoder."""


@pytest.mark.parametrize("way", WAYS)
def test_a_fault_of_our_own_is_no_failure_of_the_connection(way: str) -> None:
    def failing(*_: Any) -> Any:
        raise FaultError

    call = call_with(good, headers={"accept": "text/event-stream"})
    with pytest.raises(FaultError):
        ask(way, call, decode=failing, decoder=failing)


@pytest.mark.parametrize("way", WAYS)
def test_the_users_client_adds_what_is_its_own(way: str) -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return good(request)

    mock = httpx.MockTransport(handle)
    given: dict[str, Any] = {
        "transport": mock,
        "headers": {"x-proxy": "1", "authorization": "Basic no"},
        "params": {"a": "b"},
        "auth": ("user", "password"),
        "follow_redirects": True,
    }
    call = call_of(
        http_client=httpx.Client(**given),
        http_async_client=httpx.AsyncClient(**given),
        headers={"accept": "text/event-stream" if "stream" in way else "x"},
        api_key=SecretStr(KEY),
    )
    ask(way, call)
    assert seen[0].headers["x-proxy"] == "1"
    assert seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert seen[0].url.params["a"] == "b"
    assert not call.http_client.is_closed
    assert not call.http_async_client.is_closed


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_stream_that_is_broken_off_closes_its_response(way: str) -> None:
    responses: list[httpx.Response] = []

    def handle(_: httpx.Request) -> httpx.Response:
        responses.append(
            httpx.Response(200, headers=STREAM, stream=Broken(sse([TEXT] * 9 + [END])))
        )
        return responses[-1]

    call = call_with(handle)
    if way == "stream":
        chunks = transport.stream(call, decoder)
        assert next(chunks).text == "a"
        chunks.close()  # type: ignore[attr-defined]  # a generator
    else:

        async def broken_off() -> None:
            stream = transport.astream(call, decoder)
            assert (await anext(stream)).text == "a"
            await stream.aclose()  # a generator

        asyncio.run(broken_off())
    assert responses[0].is_closed


@pytest.mark.parametrize("url", ["http://[::1", "ftp://example.com/v1", "http://a\x00b"])
@pytest.mark.parametrize("way", WAYS)
def test_an_address_that_cannot_be_is_our_error(way: str, url: str) -> None:
    with pytest.raises(errors.AIMLAPIConnectionError) as caught:
        ask(way, call_of(url=url, max_retries=9))
    assert not caught.value.is_retryable
