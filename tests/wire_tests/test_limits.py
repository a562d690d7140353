"""Promises 13 to 17: no call hangs, no answer fills the memory."""

from __future__ import annotations

import asyncio
import gzip
import math
import socket
import time
from typing import Any

import pytest

from langchain_aimlapi import ChatAIMLGemini, errors
from tests.http_client import httpx
from tests.wire_tests.asking import (
    KEY,
    ask,
    at_once,
    every_streamed_way,
    every_streamed_way_at_once,
    every_way,
    every_way_at_once,
    every_whole_way_at_once,
    failure_of,
    model_at,
)
from tests.wire_tests.loopback import (
    DONE,
    HANG,
    MODEL,
    Loopback,
    Steps,
    answer_to,
    chunk,
    completion,
    error_body,
    event,
    piece,
    sse,
    stream_head,
    whole,
)

SHORT = 0.3


def timed_failure(model: Any, way: str, *, within: float = 2.0) -> errors.AIMLAPIError:
    started = time.monotonic()
    failure = failure_of(model, way)
    assert time.monotonic() - started < within
    return failure


def drip(data: bytes, *, times: int, every: float) -> Steps:
    return [step for _ in range(times) for step in (data, every)]


SILENT: dict[str, Steps] = {
    "nothing": [HANG],
    "half a status line": [b"HTTP/1.1 2", HANG],
    "headers only": [whole(completion())[:100], HANG],
    "half a body": [whole(completion())[:-5], HANG],
    "stream without events": [stream_head(), HANG],
}


@every_way_at_once
def test_13_a_silent_server_is_a_timeout(way: str) -> None:
    def check(name: str) -> None:
        with Loopback(SILENT[name]) as server:
            failure = timed_failure(model_at(server, timeout=SHORT), way)
            assert server.wait_open(0)
        assert type(failure) is errors.AIMLAPITimeoutError
        assert failure.is_retryable
        assert "timeout" in str(failure)

    at_once(check, SILENT)


@every_way_at_once
def test_13_a_server_that_does_not_accept_is_a_timeout(way: str) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for one in fillers:
            one.setblocking(False)
            one.connect_ex(address)
        try:
            model = model_at(f"http://127.0.0.1:{address[1]}/v1", timeout=SHORT)
            failure = timed_failure(model, way)
        finally:
            for one in fillers:
                one.close()
    assert type(failure) is errors.AIMLAPITimeoutError


@every_streamed_way_at_once
def test_14_comments_do_not_count_as_life(way: str) -> None:
    def check(noise: bytes) -> None:
        steps = [stream_head(), chunk(event(piece("He"))), *drip(chunk(noise), times=40, every=0.1)]
        with Loopback(steps) as server:
            failure = timed_failure(model_at(server, timeout=0.5), way)
        assert type(failure) is errors.AIMLAPITimeoutError
        assert failure.partial is not None
        assert failure.partial.content == "He"

    at_once(check, [b": OPENROUTER PROCESSING\n\n", b"event: ping\n\n", b"data:\n\n"])


@every_streamed_way_at_once
def test_14_an_event_that_drips_is_silence(way: str) -> None:
    steps = [stream_head(), *drip(chunk(b"data: "), times=40, every=0.1)]
    with Loopback(steps) as server:
        failure = timed_failure(model_at(server, timeout=0.5), way)
    assert type(failure) is errors.AIMLAPITimeoutError


@every_streamed_way_at_once
def test_14_a_stream_may_take_longer_than_its_limit_of_silence(way: str) -> None:
    steps = [
        stream_head(),
        *drip(chunk(b": hold on\n\n") + chunk(event(piece("a"))), times=8, every=0.1),
        chunk(event(piece("", finish="stop"))) + chunk(DONE) + chunk(b""),
    ]
    with Loopback(steps) as server:
        assert ask(model_at(server, timeout=0.5), way).content == "a" * 8


def test_14_a_slow_consumer_is_not_a_silent_server() -> None:
    with Loopback(by=lambda request: [answer_to(request)]) as server:
        text = ""
        for one in model_at(server, timeout=SHORT).stream("Hello"):
            if not text:
                time.sleep(0.4)
            text += str(one.content)
    assert text == "Hello"


async def test_14_a_slow_async_consumer_is_not_a_silent_server() -> None:
    steps: Steps = [
        stream_head(),
        chunk(event(piece("Hel"))),
        0.1,
        chunk(b": hold on\n\n"),
        0.7,
        chunk(b": hold on\n\n") + chunk(event(piece("lo", finish="stop"))) + chunk(DONE),
        chunk(b""),
    ]
    with Loopback(steps) as server:
        text = ""
        async for one in model_at(server, timeout=0.5).astream("Hello"):
            if not text:
                await asyncio.sleep(0.6)
            text += str(one.content)
    assert text == "Hello"


@every_whole_way_at_once
def test_15_a_plain_answer_that_drips_has_a_limit_in_all(way: str) -> None:
    answer = whole(completion())
    steps: Steps = [answer[:150], *drip(b" ", times=60, every=0.1)]
    with Loopback(steps) as server:
        failure = timed_failure(model_at(server, timeout=0.5), way)
    assert type(failure) is errors.AIMLAPITimeoutError


@every_way_at_once
def test_15_an_error_that_drips_still_tells_its_status(way: str) -> None:
    answer = whole({**error_body(403), "message": "x" * 500}, status=403)
    steps: Steps = [answer[:-400], *drip(b"x", times=60, every=0.1)]
    with Loopback(steps) as server:
        failure = timed_failure(model_at(server, timeout=0.5), way)
    assert type(failure) is errors.AIMLAPIPermissionError


@every_streamed_way_at_once
def test_15_after_done_nobody_waits_for_long(way: str) -> None:
    good = [chunk(event(piece("Hi", finish="stop"))), chunk(DONE)]
    ends: list[Steps] = [
        [HANG],
        drip(chunk(b"data: more\n\n"), times=200, every=0.02),
        [chunk(b"garbage") + b"zz\r\n", HANG],
    ]

    def check(end: Steps) -> None:
        with Loopback([stream_head(), *good, *end]) as server:
            started = time.monotonic()
            assert ask(model_at(server, timeout=10), way).content == "Hi"
            assert time.monotonic() - started < 2
            assert server.wait_open(0)

    at_once(check, ends)


# ---------------------------------------------------------------- sizes

BIG = 20 * 1024 * 1024


@every_streamed_way
def test_16_an_event_of_twenty_megabytes_is_fine(way: str) -> None:
    with Loopback(sse(event(piece("x" * BIG)), event(piece("", finish="stop")), DONE)) as server:
        assert len(ask(model_at(server, timeout=20), way).content) == BIG


@every_streamed_way
@pytest.mark.parametrize("shape", ["no end of line", "many lines", "one block"])
def test_16_an_event_over_the_limit_ends_the_stream(way: str, shape: str) -> None:
    block = {
        "no end of line": chunk(b"data: " + b"x" * 1_048_576),
        "many lines": chunk((b"data: " + b"x" * 1000 + b"\n") * 1000),
        "one block": chunk(b"data: " + b"x" * (33 * 1024 * 1024) + b"\n\n"),
    }[shape]
    with Loopback([stream_head(), chunk(event(piece("He"))), *[block] * 40, HANG]) as server:
        failure = timed_failure(model_at(server, timeout=10), way, within=10)
        assert server.wait_open(0)
    assert type(failure) is errors.AIMLAPIResponseError
    assert "33554432 bytes" in str(failure)
    assert failure.partial is not None


@pytest.mark.parametrize("way", ["invoke", "astream"])  # the same code reads for the other two
def test_17_a_body_over_the_limit_ends_the_call(way: str) -> None:
    bomb = gzip.compress(b" " * (140 * 1024 * 1024), 1)
    with Loopback(whole(bomb, content_encoding="gzip")) as server:
        failure = timed_failure(model_at(server, timeout=10), way, within=10)
        assert server.wait_open(0)
    assert type(failure) is errors.AIMLAPIResponseError
    assert "134217728 bytes" in str(failure)


@every_streamed_way
def test_17_a_packed_event_over_the_limit_ends_the_stream(way: str) -> None:
    bomb = gzip.compress(b"data: " + b" " * (50 * 1024 * 1024))
    with Loopback([stream_head(content_encoding="gzip") + chunk(bomb), HANG]) as server:
        failure = timed_failure(model_at(server, timeout=10), way, within=10)
    assert type(failure) is errors.AIMLAPIResponseError
    assert "33554432 bytes" in str(failure)


@every_way
def test_17_an_answer_that_is_not_packed_as_it_says(way: str) -> None:
    with Loopback(whole(completion(), content_encoding="gzip")) as server:
        failure = failure_of(model_at(server), way)
    assert type(failure) is errors.AIMLAPIResponseError
    assert "content-encoding" in str(failure)


# ---------------------------------------------------------------- defaults


def limits_sent(way: str, **settings: Any) -> dict[str, float | None]:
    """Return the limits that the HTTP client is handed."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=completion())

    model = ChatAIMLGemini(
        model=MODEL,
        api_key=KEY,
        http_client=httpx.Client(transport=httpx.MockTransport(answer)),
        http_async_client=httpx.AsyncClient(transport=httpx.MockTransport(answer)),
        **settings,
    )
    ask(model, way)
    return dict(seen[0].extensions["timeout"])


@every_way
def test_17_limits_are_finite_by_default(way: str) -> None:
    sent = limits_sent(way)
    assert sent["connect"] == 10
    assert sent["read"] == (120 if "stream" in way else 600)
    assert all(limit is not None and 0 < limit <= 600 for limit in sent.values())


@every_way
def test_17_an_explicit_none_turns_them_off(way: str) -> None:
    assert set(limits_sent(way, timeout=None).values()) == {None}
    assert set(limits_sent(way, timeout=math.inf).values()) == {None}
    assert set(limits_sent(way, timeout=1e12).values()) == {None}


@every_way
def test_17_a_number_or_a_timeout_is_each_limit(way: str) -> None:
    assert set(limits_sent(way, timeout=7).values()) == {7}
    own = httpx.Timeout(3, connect=1, pool=2)
    assert limits_sent(way, timeout=own) == {"connect": 1, "read": 3, "write": 3, "pool": 2}


@pytest.mark.parametrize("timeout", [0, -1, math.nan, "5", True, [1]])
def test_17_what_is_no_limit_is_refused(timeout: Any) -> None:
    with pytest.raises(ValueError, match="timeout"):
        model_at("http://127.0.0.1:1/v1", timeout=timeout)


@every_way_at_once
def test_17_without_limits_a_slow_server_is_waited_for(way: str) -> None:
    with Loopback(by=lambda request: [0.7, answer_to(request)]) as server:
        assert ask(model_at(server, timeout=None), way, "Hi!").content == "Hi!"
        assert failure_of(model_at(server, timeout=None), way, timeout=SHORT).is_retryable
