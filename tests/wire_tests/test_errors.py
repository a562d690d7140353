"""Promises 1 to 6: every failure is one of our errors, with its facts."""

from __future__ import annotations

import asyncio
import pickle
import socket
import threading
from typing import Any

import pytest
from langchain_core import exceptions as core

from langchain_aimlapi import errors
from tests.http_client import httpx
from tests.wire_tests.asking import (
    KEY,
    aask,
    ask,
    every_streamed_way,
    every_way,
    every_whole_way,
    failure_of,
    model_at,
)
from tests.wire_tests.loopback import (
    CLOSE,
    DONE,
    END,
    RESET,
    USAGE,
    Loopback,
    Request,
    Steps,
    chunk,
    completion,
    error_body,
    event,
    head,
    piece,
    sse,
    stream_head,
    whole,
)

# Status, words of the body, our class, langchain-core's class, worth asking again.
STATUSES: list[tuple[int, str, type[errors.AIMLAPIError], type[Exception], bool]] = [
    (401, "Bad key", errors.AIMLAPIAuthenticationError, core.ModelAuthenticationError, False),
    (403, "Forbidden", errors.AIMLAPIPermissionError, core.ModelPermissionDeniedError, False),
    (
        403,
        "You've run out of credits",
        errors.AIMLAPICreditsError,
        core.ModelPermissionDeniedError,
        False,
    ),
    (402, "Payment", errors.AIMLAPICreditsError, core.ModelPermissionDeniedError, False),
    (404, "No such model", errors.AIMLAPINotFoundError, core.ModelNotFoundError, False),
    (
        400,
        "maximum context length is 200000 tokens",
        errors.AIMLAPIContextOverflowError,
        core.ContextOverflowError,
        False,
    ),
    (
        413,
        "prompt is too long",
        errors.AIMLAPIContextOverflowError,
        core.ContextOverflowError,
        False,
    ),
    *(
        (
            status,
            "Body validation error",
            errors.AIMLAPIInvalidRequestError,
            core.ModelInvalidRequestError,
            False,
        )
        for status in (400, 405, 413, 415, 418, 422, 451, 499)
    ),
    (408, "Too slow", errors.AIMLAPITimeoutError, core.ModelTimeoutError, True),
    (409, "Conflict", errors.AIMLAPIServerError, core.ModelAPIError, True),
    (429, "Too Many Requests", errors.AIMLAPIRateLimitError, core.ModelRateLimitError, True),
    (429, "Free-tier limit: 10", errors.AIMLAPIRateLimitError, core.ModelRateLimitError, False),
    *(
        (status, "Oops", errors.AIMLAPIServerError, core.ModelAPIError, True)
        for status in (500, 501, 502, 503, 504, 520, 522, 524, 525, 526, 529, 599)
    ),
]


@every_way
def test_01_a_status_is_an_error_of_both_trees(way: str) -> None:
    def answer(request: Request) -> Steps:
        status, words, *_ = STATUSES[int(request.prompt)]
        body = error_body(status, words)
        return [whole(body, status=status, x_inference_id="inf-1", set_cookie="a=b")]

    with Loopback(by=answer) as server:
        model = model_at(server)
        for number, (status, words, ours, cores, is_retryable) in enumerate(STATUSES):
            failure = failure_of(model, way, str(number))
            assert type(failure) is ours
            assert isinstance(failure, cores)
            assert isinstance(failure, core.ModelError)
            assert failure.is_retryable is is_retryable
            assert failure.status_code == status
            assert failure.request_id == "req-7"
            assert failure.inference_id == "inf-1"
            sent = server.requests[-1].headers
            assert failure.client_request_id == sent["x-client-request-id"]
            assert failure.body == error_body(status, words)
            assert failure.response_headers["content-type"] == "application/json"
            assert "set-cookie" not in failure.response_headers
            assert failure.retry_after is None
            assert failure.partial is None
            assert words in str(failure)
            assert "req-7" in str(failure)


@every_way
def test_02_without_a_request_id_in_the_body_the_header_counts(way: str) -> None:
    with Loopback(whole({"message": "no"}, status=400, x_inference_id="inf-1")) as server:
        assert failure_of(model_at(server), way).request_id == "inf-1"
    with Loopback(whole(b"{", x_inference_id="inf-2")) as server:
        assert failure_of(model_at(server), way).request_id == "inf-2"


@every_way
def test_02_html_is_cut_to_its_title(way: str) -> None:
    page = b"<html><head><title>502\n Bad gateway</title></head>" + b"<p>x</p>" * 9000
    for status in (502, 200):
        with Loopback(whole(page, status=status, content_type="text/html")) as server:
            failure = failure_of(model_at(server), way)
        assert failure.body == "502 Bad gateway"
        assert "502 Bad gateway" in str(failure)
        assert "<p>" not in str(failure)


@every_way
@pytest.mark.parametrize("status", [400, 200])
def test_02_a_body_is_kept_up_to_a_size(way: str, status: int) -> None:
    huge = {"error": {"message": "x" * 70_000, "code": 400}}
    with Loopback(whole(huge, status=status)) as server:
        failure = failure_of(model_at(server), way)
    assert isinstance(failure, errors.AIMLAPIInvalidRequestError)
    assert len(str(failure)) < 3000
    assert len(repr(failure.body)) < 1000


BODIES = [
    b"",
    b"\xff\xfe\x00",
    b"null",
    b"[]",
    b'"text"',
    b"17",
    b"{}",
    b'{"message": null}',
    b'{"message": {"deep": [1]}}',
    b'{"error": "words"}',
    b'{"error": {"message": ["a"], "code": {}, "metadata": {"raw": "{"}}}',
    b'[{"error": {"code": 500, "message": "m", "status": "INTERNAL"}}]',
    b"[" * 300 + b"]" * 300,
]


@every_way
def test_02_any_body_will_do(way: str) -> None:
    with Loopback(by=lambda request: [whole(BODIES[int(request.prompt)], status=500)]) as server:
        model = model_at(server)
        for number in range(len(BODIES)):
            failure = failure_of(model, way, str(number))
            assert type(failure) is errors.AIMLAPIServerError
            assert failure.status_code == 500


@every_way
@pytest.mark.parametrize("cut", [0, 10])
def test_02_a_status_counts_even_if_its_body_breaks_off(way: str, cut: int) -> None:
    answer = whole(error_body(401), status=401)
    with Loopback([answer[: len(answer) - 40 + cut], CLOSE]) as server:
        failure = failure_of(model_at(server), way)
    assert type(failure) is errors.AIMLAPIAuthenticationError


def test_03_errors_survive_pickling() -> None:
    def answer(request: Request) -> Steps:
        status, words, *_ = STATUSES[int(request.prompt)]
        return [whole(error_body(status, words), status=status, retry_after=99)]

    with Loopback(by=answer) as server:
        model = model_at(server)
        for number, (_, _, ours, cores, is_retryable) in enumerate(STATUSES):
            failure = failure_of(model, "invoke", str(number))
            again = pickle.loads(pickle.dumps(failure))
            assert type(again) is ours
            assert isinstance(again, cores)
            assert again.is_retryable is is_retryable
            assert str(again) == str(failure)
            assert vars(again) == vars(failure)
            assert again.retry_after == 99


def test_03_errors_of_a_broken_stream_survive_pickling() -> None:
    with Loopback([stream_head(), chunk(event(piece("He"))), CLOSE]) as server:
        failure = failure_of(model_at(server), "stream")
    again = pickle.loads(pickle.dumps(failure))
    assert again.partial == failure.partial
    assert again.partial.content == "He"


# ---------------------------------------------------------------- connections that fail


def assert_bare(failure: BaseException) -> None:
    """Hold an error's causes to having neither request nor traceback."""
    cause = failure.__cause__
    assert cause is not None
    waiting: list[BaseException | None] = [cause]
    while waiting:
        one = waiting.pop()
        if one is not None:
            assert one.__traceback__ is None
            if isinstance(one, httpx.RequestError):
                assert one._request is None
            waiting += [one.__cause__, one.__context__]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@every_way
def test_04_a_refused_connection(way: str) -> None:
    failure = failure_of(model_at(f"http://127.0.0.1:{free_port()}/v1"), way)
    assert type(failure) is errors.AIMLAPIConnectionError
    assert isinstance(failure, core.ModelConnectionError)
    assert failure.is_retryable
    assert is_of_httpx(failure.__cause__, "ConnectError")
    assert_bare(failure)


BREAKS: dict[str, Steps] = {
    "closed at once": [CLOSE],
    "reset at once": [RESET],
    "closed in the status line": [b"HTTP/1.1 20", CLOSE],
    "closed in the headers": [b"HTTP/1.1 200 OK\r\ncontent-ty", CLOSE],
    "not HTTP": [b"SSH-2.0-OpenSSH_9.6\r\n", CLOSE],
    "a bad status": [b"HTTP/1.1 abc OK\r\n\r\n", CLOSE],
    "bad header": [b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", CLOSE],
    "endless header": [b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000, CLOSE],
    "two lengths": [head(200, content_length=3)[:-2] + b"content-length: 4\r\n\r\n{}", CLOSE],
    "bad chunk size": [head(transfer_encoding="chunked") + b"zz\r\n{}\r\n", CLOSE],
    "body shorter than its length": [whole(completion())[:-9], CLOSE],
    "reset in the body": [whole(completion())[:-9], 0.05, RESET],
    "chunked body cut": [head(transfer_encoding="chunked") + chunk(b'{"choices":'), CLOSE],
}


@every_way
def test_04_a_broken_connection(way: str) -> None:
    with Loopback(by=lambda request: BREAKS[request.prompt]) as server:
        for name in BREAKS:
            failure = failure_of(model_at(server), way, name)
            assert type(failure) is errors.AIMLAPIConnectionError, name
            assert failure.is_retryable
            assert is_of_httpx(failure.__cause__, "TransportError")
            assert_bare(failure)


@every_way
def test_04_no_tls_where_it_is_expected(way: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            one, _ = listener.accept()
            with one:
                one.sendall(head(400, content_length=0))

        server = threading.Thread(target=refuse)
        server.start()
        failure = failure_of(model_at(f"https://127.0.0.1:{listener.getsockname()[1]}/v1"), way)
        server.join()
    assert type(failure) is errors.AIMLAPIConnectionError
    assert "SSL" in str(failure)
    assert_bare(failure)


@every_way
@pytest.mark.parametrize(
    "url",
    [
        "http://a..b/v1",
        f"http://{'a' * 70}.example/v1",
        "http://exa mple/v1",
        "http://\u2028/v1",
    ],
)
def test_04_an_address_that_cannot_be_used(way: str, url: str) -> None:
    failure = failure_of(model_at(url), way)
    assert type(failure) is errors.AIMLAPIConnectionError


@pytest.mark.parametrize("url", ["http://a:99999/v1", "http://a:0", "http://[::1/v1", "http:///v1"])
def test_04_what_is_no_address_is_no_setting(url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        model_at(url)


@every_way
def test_04_a_proxy_that_cannot_be_used(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "gopher://example.org:70")
    failure = failure_of(model_at("http://example.org/v1"), way)
    assert type(failure) is errors.AIMLAPIConnectionError
    assert not failure.is_retryable
    assert "proxies" in str(failure)


@every_way
def test_04_a_header_that_cannot_be_sent(way: str) -> None:
    with Loopback(whole(completion())) as server:
        for value in ("caf\u00e9\u2028", "a\r\nb: c"):
            failure = failure_of(model_at(server), way, extra_headers={"x-note": value})
            assert not failure.is_retryable
        assert server.requests == []


@every_way
def test_04_a_client_of_the_users_that_is_closed(way: str) -> None:
    given = httpx.Client()
    given.close()
    agiven = httpx.AsyncClient()
    asyncio.run(agiven.aclose())
    model = model_at("http://127.0.0.1:1/v1", http_client=given, http_async_client=agiven)
    failure = failure_of(model, way)
    assert type(failure) is errors.AIMLAPIConnectionError
    assert not failure.is_retryable
    assert "closed" in str(failure)


def is_of_httpx(error: BaseException | None, name: str) -> bool:
    """Tell whether an error is one of httpx's or httpx2's."""
    return any(
        kind.__name__ == name and kind.__module__ in ("httpx", "httpx2")
        for kind in type(error).__mro__
    )


# ---------------------------------------------------------------- a 200 that is no answer

NO_ANSWERS: dict[str, tuple[Any, type[errors.AIMLAPIError], bool]] = {
    # Body, class, whether the transport asks again for it by itself.
    "empty": (b"", errors.AIMLAPIResponseError, True),
    "html": (b"<html>", errors.AIMLAPIResponseError, True),
    "half of JSON": (b'{"choices": [', errors.AIMLAPIResponseError, True),
    "no UTF-8": (b'{"choices": "\xff\xfe"}', errors.AIMLAPIResponseError, True),
    "nested too deep": (b"[" * 100_000, errors.AIMLAPIResponseError, True),
    "nested deep": (b"[" * 700 + b"]" * 700, errors.AIMLAPIResponseError, True),
    "null": (None, errors.AIMLAPIResponseError, False),
    "list": ([], errors.AIMLAPIResponseError, False),
    "text": ("words", errors.AIMLAPIResponseError, False),
    "number": (7, errors.AIMLAPIResponseError, False),
    "object": ({}, errors.AIMLAPIResponseError, False),
    "no choices": (completion(choices=[]), errors.AIMLAPIResponseError, False),
    "null choices": (completion(choices=None), errors.AIMLAPIResponseError, False),
    "choices of text": (completion(choices="a"), errors.AIMLAPIResponseError, False),
    "null choice": (completion(choices=[None]), errors.AIMLAPIResponseError, False),
    "null message": (completion(choices=[{"message": None}]), errors.AIMLAPIResponseError, False),
    "nothing said": (completion(""), errors.AIMLAPIEmptyResponseError, False),
    "error ending": (completion(finish_reason="error"), errors.AIMLAPIResponseError, False),
    "malformed call": (
        completion(
            choices=[
                {
                    "message": {"content": None},
                    "finish_reason": "error",
                    "native_finish_reason": "MALFORMED_FUNCTION_CALL",
                }
            ]
        ),
        errors.AIMLAPIEmptyResponseError,
        False,
    ),
    "error object": ({"error": {"message": "m"}}, errors.AIMLAPIResponseError, False),
    "error in a choice": (
        completion(choices=[{"error": {"code": 502, "message": "m"}}]),
        errors.AIMLAPIServerError,
        True,
    ),
    "flat 429": (error_body(429), errors.AIMLAPIRateLimitError, True),
    "nested 429": (
        {"error": {"code": "429", "message": "m"}, "choices": None},
        errors.AIMLAPIRateLimitError,
        True,
    ),
    "nested 401": (
        {"error": {"code": 401, "message": "m"}},
        errors.AIMLAPIAuthenticationError,
        False,
    ),
    "Google's list": (
        [{"error": {"code": 503, "message": "m", "status": "UNAVAILABLE"}}],
        errors.AIMLAPIServerError,
        True,
    ),
    "vLLM's": (
        {"object": "error", "message": "m", "code": 400},
        errors.AIMLAPIInvalidRequestError,
        False,
    ),
}


@every_way
def test_05_a_200_that_is_no_answer(way: str) -> None:
    def answer(request: Request) -> Steps:
        return [whole(NO_ANSWERS[request.prompt][0], retry_after_ms=1, x_inference_id="inf-3")]

    with Loopback(by=answer) as server:
        model = model_at(server, max_retries=1)
        for name, (_, kind, is_retried) in NO_ANSWERS.items():
            server.requests.clear()
            failure = failure_of(model, way, name)
            assert type(failure) is kind, name
            assert failure.request_id in {"inf-3", "req-7"}
            assert len(server.requests) == 1 + is_retried, name


@every_streamed_way
def test_05_an_event_that_is_no_answer(way: str) -> None:
    def answer(request: Request) -> Steps:
        return [sse(event(NO_ANSWERS[request.prompt][0]), DONE)]

    with Loopback(by=answer) as server:
        model = model_at(server)
        for name, (_, kind, _) in NO_ANSWERS.items():
            assert isinstance(failure_of(model, way, name), kind), name


@every_whole_way
def test_06_an_error_of_an_answer_holds_the_answer(way: str) -> None:
    with Loopback(whole(completion("Half", finish_reason="error"))) as server:
        failure = failure_of(model_at(server), way)
    assert failure.partial is not None
    assert failure.partial.content == "Half"


ENDS: dict[str, tuple[bytes | str, type[errors.AIMLAPIError]]] = {
    "closed": (CLOSE, errors.AIMLAPIConnectionError),
    "reset": (RESET, errors.AIMLAPIConnectionError),
    "clean end without a finish": (END, errors.AIMLAPIResponseError),
    "error event": (
        chunk(event({**piece(""), "error": {"code": 502, "message": "m"}})) + END,
        errors.AIMLAPIServerError,
    ),
    "bare error event": (
        chunk(event({"error": {"code": "server_error", "message": "m"}})) + chunk(DONE) + END,
        errors.AIMLAPIServerError,
    ),
    "flat error event": (chunk(event(error_body(429))) + END, errors.AIMLAPIRateLimitError),
    "error finish": (
        chunk(event(piece("", finish="error"))) + chunk(DONE) + END,
        errors.AIMLAPIResponseError,
    ),
    "no JSON": (chunk(event(b"{")) + END, errors.AIMLAPIResponseError),
}


@every_streamed_way
@pytest.mark.parametrize("name", ENDS)
def test_06_a_stream_that_fails_keeps_what_came(way: str, name: str) -> None:
    end, kind = ENDS[name]
    steps: Steps = [
        stream_head(x_inference_id="inf-4"),
        chunk(event(piece("Hel"))) + chunk(event(piece("lo"))),
        0.05,
        end,
    ]
    with Loopback(steps) as server:
        failure = failure_of(model_at(server, max_retries=2), way)
        assert len(server.requests) == 1
    assert type(failure) is kind
    assert failure.partial is not None
    assert failure.partial.content == "Hello"
    assert failure.request_id in {"inf-4", "req-7"}
    assert failure.response_headers["x-inference-id"] == "inf-4"


@every_streamed_way
@pytest.mark.parametrize("shape", ["with choices", "bare", "flat"])
def test_06_an_error_after_the_finish_reason_is_an_error(way: str, shape: str) -> None:
    last = {
        "with choices": piece("", usage=USAGE, error={"code": 400, "message": "m"}),
        "bare": {"error": {"code": 400, "message": "m"}},
        "flat": error_body(400),
    }[shape]
    finish = piece("", finish="length")
    with Loopback(
        sse(event(piece("He")), event(finish), event(finish), event(last), DONE)
    ) as server:
        failure = failure_of(model_at(server), way)
    assert type(failure) is errors.AIMLAPIInvalidRequestError
    assert failure.partial is not None
    assert failure.partial.content == "He"


@every_streamed_way
def test_06_calls_of_a_broken_stream_cannot_be_executed(way: str) -> None:
    call = {"index": 0, "id": "c1", "function": {"name": "f", "arguments": '{"city": "Os'}}
    with Loopback(sse(event(piece("", tool_calls=[call])))) as server:
        failure = failure_of(model_at(server), way)
    assert failure.partial is not None
    assert failure.partial.tool_calls == []
    assert [one["name"] for one in failure.partial.invalid_tool_calls] == ["f"]


@every_way
def test_06_failures_stay_apart_in_one_loop(way: str) -> None:
    def answer(request: Request) -> Steps:
        status = int(request.prompt)
        return [whole(error_body(status), status=status)]

    async def many() -> list[Any]:
        kind = "a" + way.removeprefix("a")
        model = model_at(server)
        calls = (aask(model, kind, str(status)) for status in (400, 401, 403, 404, 500) * 3)
        return await asyncio.gather(*calls, return_exceptions=True)

    with Loopback(by=answer) as server:
        failures = asyncio.run(many())
    assert [one.status_code for one in failures] == [400, 401, 403, 404, 500] * 3
    assert KEY not in repr(failures)
    with Loopback(whole(completion())) as server:
        assert ask(model_at(server), way).content == "Hello"


@every_way
@pytest.mark.parametrize("size", [10, 2_000_000])
def test_04_a_hang_up_on_a_large_request_says_so(way: str, size: int) -> None:
    with Loopback([CLOSE]) as server:
        failure = failure_of(model_at(server), way, "x" * size)
    assert type(failure) is errors.AIMLAPIConnectionError
    assert ("The request has 2.0 MB" in str(failure)) is (size > 10)
