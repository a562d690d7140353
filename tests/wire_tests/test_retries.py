"""Promises 7 to 12: what is asked again, how often, after which wait."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from langchain_aimlapi import errors
from tests.wire_tests.asking import (
    KEY,
    WAYS,
    aask,
    ask,
    at_once,
    every_streamed_way_at_once,
    every_way,
    every_way_at_once,
    failure_of,
    model_at,
)
from tests.wire_tests.loopback import (
    CLOSE,
    DONE,
    HANG,
    Loopback,
    Request,
    Steps,
    answer_to,
    chunk,
    completion,
    error_body,
    event,
    hello,
    piece,
    sse,
    stream_head,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def failing(server_says: Callable[[Request], Steps], *, times: int) -> Callable[[Request], Steps]:
    """Return an answerer that fails `times` times, then answers well."""
    seen = 0

    def answer(request: Request) -> Steps:
        nonlocal seen
        seen += 1
        return server_says(request) if seen <= times else [answer_to(request)]

    return answer


def status(code: int, **headers: str | float) -> Callable[[Request], Steps]:
    body = error_body(code)
    return lambda _: [whole(body, status=code, **headers)]


@every_way
def test_07_the_number_of_attempts_is_exact(way: str) -> None:
    for max_retries in (0, 1, 3):
        with Loopback(whole(error_body(503), status=503, retry_after_ms=1)) as server:
            failure = failure_of(model_at(server, max_retries=max_retries), way)
            assert type(failure) is errors.AIMLAPIServerError
            assert len(server.requests) == 1 + max_retries
            assert len({one.headers["x-client-request-id"] for one in server.requests}) == 1
            assert len({one.body for one in server.requests}) == 1


@every_way
def test_07_the_default_is_two_and_a_call_may_say_otherwise(way: str) -> None:
    with Loopback(whole(error_body(503), status=503, retry_after_ms=1)) as server:
        model = model_at(server, max_retries=2)
        assert type(model).model_fields["max_retries"].default == 2
        failure_of(model, way, max_retries=1)
        assert len(server.requests) == 2
        failure_of(model, way, max_retries=0)
        assert len(server.requests) == 3


@every_way
def test_07_each_call_has_an_id_of_its_own(way: str) -> None:
    with Loopback(by=lambda request: [answer_to(request)]) as server:
        model = model_at(server)
        ask(model, way)
        ask(model, way)
        ids = {one.headers["x-client-request-id"] for one in server.requests}
    assert len(ids) == 2
    assert all(0 < len(one) <= 128 for one in ids)


@every_way
def test_08_these_statuses_are_asked_again(way: str) -> None:
    for code in (408, 409, 429, 500, 502, 503, 504, 520, 529):
        with Loopback(by=failing(status(code, retry_after_ms=1), times=2)) as server:
            assert ask(model_at(server, max_retries=2), way, "Hi!").content == "Hi!"
            assert len(server.requests) == 3, code


@every_way
def test_08_these_are_not(way: str) -> None:
    for code in (301, 304, 400, 401, 402, 403, 404, 405, 413, 422):
        with Loopback(by=failing(status(code, retry_after_ms=1), times=2)) as server:
            assert failure_of(model_at(server, max_retries=2), way).status_code in {code, None}
            assert len(server.requests) == 1, code


BREAKS: dict[str, Steps] = {
    "closed": [CLOSE],
    "body cut": [whole(completion())[:-5], CLOSE],
    "stream cut before its first chunk": [stream_head(), chunk(b": hold on\n\n"), CLOSE],
    "silent": [HANG],
    "empty": [whole(b"")],
    "no JSON": [whole(b"<html>", content_type="text/html")],
    "error in a 200": [whole({"error": {"code": 503, "message": "m"}})],
    "error as the first event": [sse(event({"error": {"code": 502, "message": "m"}}), DONE)],
    "empty stream": [sse(DONE)],
}


@every_way_at_once
def test_08_what_broke_before_the_first_chunk_is_asked_again(way: str) -> None:
    def check(name: str) -> None:
        if "stream" in name and "stream" not in way:
            return
        with Loopback(by=failing(lambda _: BREAKS[name], times=1)) as server:
            assert ask(model_at(server, max_retries=1, timeout=1), way, "Hi!").content == "Hi!"
            assert len(server.requests) == 2, name

    at_once(check, BREAKS)


@every_streamed_way_at_once
def test_09_nothing_is_asked_again_after_the_first_chunk(way: str) -> None:
    ends: list[Steps] = [
        [CLOSE],
        [chunk(event({"error": {"code": 503, "message": "m"}})), CLOSE],
        [chunk(event(b"no JSON")), CLOSE],
        [chunk(b""), CLOSE],
        [HANG],
    ]
    for end in ends:
        begin: Steps = [stream_head(x_should_retry="true"), chunk(event(piece("Hel")))]
        with Loopback([*begin, *end]) as server:
            failure = failure_of(model_at(server, max_retries=2, timeout=0.3), way)
            assert len(server.requests) == 1
            assert failure.partial is not None


def waits(server: Loopback) -> list[float]:
    """Return the seconds between one request and the next."""
    times = [one.at for one in server.requests]
    return [after - before for before, after in itertools.pairwise(times)]


def delays(caplog: pytest.LogCaptureFixture, server: Loopback) -> list[float]:
    """Return the waits before this server's further attempts, as they were logged."""
    request_id = server.requests[0].headers["x-client-request-id"]
    return [
        float(one.args[0])  # type: ignore[arg-type]  # args are a tuple of the values logged
        for one in caplog.records
        if isinstance(one.args, tuple) and one.msg.startswith("retrying") and request_id in one.args
    ]


@every_way_at_once
def test_10_without_a_word_of_the_server_the_wait_doubles_with_jitter(
    way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="langchain_aimlapi")
    with Loopback(by=failing(status(503), times=2)) as server:
        ask(model_at(server, max_retries=2), way)
        first, second = delays(caplog, server)
        assert 0.375 <= first <= 0.5
        assert 0.75 <= second <= 1.0
        assert all(a >= b for a, b in zip(waits(server), (first, second), strict=True))


def test_10_no_two_waits_are_alike(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="langchain_aimlapi")
    servers = [Loopback(by=failing(status(503), times=1)) for _ in range(8)]

    def check(server: Loopback) -> None:
        with server:
            ask(model_at(server, max_retries=1), "invoke")

    at_once(check, servers)
    assert len({delays(caplog, one)[0] for one in servers}) > 4


# Headers of a 429, least and most seconds of the wait.
WORDS: list[tuple[dict[str, str | float], float, float]] = [
    ({"retry_after_ms": 50}, 0.05, 0.051),
    ({"retry_after_ms": "50.5", "retry_after": 30}, 0.05, 0.051),
    ({"retry_after": 0}, 0.0, 0.0),
    ({"retry_after": "0.1"}, 0.1, 0.1),
    ({"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0, 0.0),
    ({"retry_after": "soon"}, 0.375, 0.5),
    ({"retry_after": "-5"}, 0.375, 0.5),
    ({"retry_after": "nan"}, 0.375, 0.5),
    ({"retry_after": "inf"}, 0.375, 0.5),
    ({"retry_after_ms": "x", "retry_after": "0.1"}, 0.1, 0.1),
    ({"retry_after": "Wed, 99 Foo 2015 07:28:00 GMT"}, 0.375, 0.5),
    ({"retry_after": "Fri, 31 Dec 999999 23:59:59 GMT"}, 0.375, 0.5),
]


@every_way_at_once
def test_10_the_servers_word_on_the_wait_is_obeyed(
    way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="langchain_aimlapi")

    def check(case: tuple[dict[str, str | float], float, float]) -> None:
        headers, least, most = case
        with Loopback(by=failing(status(429, **headers), times=1)) as server:
            ask(model_at(server, max_retries=1), way)
            assert least <= delays(caplog, server)[0] <= most, headers
            assert waits(server)[0] >= least, headers

    at_once(check, WORDS)


def test_10_a_date_is_obeyed() -> None:
    def check(way: str) -> None:
        soon = formatdate(time.time() + 2, usegmt=True)  # whole seconds: 1 to 2 from now
        with Loopback(by=failing(status(429, retry_after=soon), times=1)) as server:
            assert ask(model_at(server, max_retries=1), way, "Hi!").content == "Hi!"
            assert 0.9 <= waits(server)[0] <= 4

    at_once(check, WAYS)


@every_way
@pytest.mark.parametrize("word", ["3600", "61", "date"])
def test_10_no_wait_over_a_minute(way: str, word: str) -> None:
    value = formatdate(time.time() + 3600, usegmt=True) if word == "date" else word
    with Loopback(whole(error_body(429), status=429, retry_after=value)) as server:
        started = time.monotonic()
        failure = failure_of(model_at(server, max_retries=2), way)
        assert time.monotonic() - started < 2
        assert len(server.requests) == 1
    assert isinstance(failure, errors.AIMLAPIRateLimitError)
    assert failure.retry_after is not None
    assert 60 < failure.retry_after <= 3600


@every_way
def test_11_x_should_retry_wins_over_the_status(way: str) -> None:
    with Loopback(whole(error_body(503), status=503, x_should_retry="false")) as server:
        failure_of(model_at(server, max_retries=2), way)
        assert len(server.requests) == 1
    yes = status(400, x_should_retry="True", retry_after_ms=1)
    with Loopback(by=failing(yes, times=2)) as server:
        assert ask(model_at(server, max_retries=2), way, "Hi!").content == "Hi!"
        assert len(server.requests) == 3


@pytest.mark.parametrize("way", ["ainvoke", "astream"])
async def test_12_the_wait_is_cancellable(way: str) -> None:
    with Loopback(whole(error_body(429), status=429, retry_after=50)) as server:
        task = asyncio.create_task(aask(model_at(server, max_retries=2), way))
        assert await asyncio.to_thread(server.wait_requests, 1)
        await asyncio.sleep(0.1)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < 0.5


@every_way
def test_12_each_attempt_is_logged_in_a_line_without_the_key(
    way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    refusal = status(429, retry_after_ms=1, x_inference_id="inf-9", x_echo=KEY)
    with Loopback(by=failing(refusal, times=2)) as server:
        ask(model_at(server, max_retries=2), way)
        request_id = server.requests[0].headers["x-client-request-id"]
    lines = [one.getMessage() for one in caplog.records if one.name == "langchain_aimlapi"]
    attempts = [line for line in lines if "attempt=" in line]
    assert [f"attempt={n}" in line for n, line in enumerate(attempts, 1)] == [True] * 3
    assert ["outcome=429" in line for line in attempts] == [True, True, False]
    assert "inference_id=inf-9" in attempts[0]
    assert len([line for line in lines if "retrying in" in line]) == 2
    assert all(request_id in line for line in lines)
    assert all(KEY not in line and "\n" not in line for line in lines)
    levels = {one.levelname for one in caplog.records if one.name == "langchain_aimlapi"}
    assert levels == {"DEBUG", "INFO"}


@every_way
def test_12_an_empty_answer_is_asked_again_only_if_wished(way: str) -> None:
    empty = completion("")
    stream = sse(event(piece("", finish="stop")), DONE)

    def nothing(request: Request) -> Steps:
        return [stream if request.json.get("stream") else whole(empty)]

    with Loopback(by=failing(nothing, times=2)) as server:
        failure = failure_of(model_at(server, max_retries=2), way)
        assert type(failure) is errors.AIMLAPIEmptyResponseError
        assert len(server.requests) == 1
    with Loopback(by=failing(nothing, times=2)) as server:
        model = model_at(server, empty_response_retries=2)
        assert ask(model, way, "Hi!").content == "Hi!"
        assert len(server.requests) == 3


@every_way
def test_12_a_good_first_answer_costs_one_request(way: str) -> None:
    with Loopback([hello() if "stream" in way else whole(completion())]) as server:
        ask(model_at(server, max_retries=2), way)
        assert len(server.requests) == 1
