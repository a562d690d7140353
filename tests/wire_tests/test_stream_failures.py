"""Promise 41: a failure inside a stream is the error that it tells; noise loses no answer."""

from __future__ import annotations

import json

import pytest

from langchain_aimlapi import errors
from tests.wire_tests.asking import ask, every_streamed_way, every_way, failure_of, model_at
from tests.wire_tests.loopback import DONE, Loopback, completion, event, piece, sse, whole

FAILURES: dict[str, tuple[bytes, type[errors.AIMLAPIError], int | None]] = {
    "error event": (
        b'event: error\ndata: {"code": 402, "message": "said so"}\n\n',
        errors.AIMLAPICreditsError,
        402,
    ),
    "error event, flat": (
        b'event: error\ndata: {"type": "rate_limit_error", "message": "said so"}\n\n',
        errors.AIMLAPIRateLimitError,
        429,
    ),
    "error event of text": (
        b"event: error\ndata: said so\n\n",
        errors.AIMLAPIResponseError,
        None,
    ),
    "message": (event({"message": "said so", "code": 402}), errors.AIMLAPICreditsError, 402),
    "message alone": (event({"message": "said so"}), errors.AIMLAPIResponseError, None),
    "detail": (event({"detail": "said so", "status": 401}), errors.AIMLAPIAuthenticationError, 401),
    "errors": (
        event({"errors": [{"message": "said so"}], "status_code": 503}),
        errors.AIMLAPIServerError,
        503,
    ),
    "bare line": (
        b'{"error": {"code": 402, "message": "said so"}}\n',
        errors.AIMLAPICreditsError,
        402,
    ),
    "bare lines": (
        b'{\n "error": {\n  "code": 402,\n  "message": "said so"\n }\n}\n',
        errors.AIMLAPICreditsError,
        402,
    ),
}
_TOLD = b'{"error": {"code": 402, "message": "said so"}}'
_OWN = {"code": 402, "message": "said so"}
FAILURES |= {
    name: (told, errors.AIMLAPICreditsError, 402)
    for name, told in {
        "bare line, indented": b"  " + _TOLD + b"\n",
        "bare list": b"[" + _TOLD + b"]\n",
        "bare list of lines": b'[{\n  "error": {"code": 402, "message": "said so"}\n}\n]\n',
        "errors with their own codes": event({"errors": [_OWN]}),
        "an object for errors": event({"errors": _OWN}),
        "an object for detail": event({"detail": _OWN}),
        "an object for the message": event({"message": _OWN}),
        "a list for the error": event({"error": [_OWN]}),
        "an error in an error": event({"error": {"error": _OWN}}),
        "an error line": b"error: " + _TOLD + b"\n\n",
        "an error line of its own": b"error:" + json.dumps(_OWN).encode() + b"\n",
        "an error line in capitals": b"ERROR: " + _TOLD + b"\r\n",
        "msg": event({"msg": "said so", "code": 402}),
        "title": event({"title": "said so", "status": 402}),
        "a bare line of msg": b'{"msg": "said so", "code": 402}\n',
        "a bare line of a title": b'{"type": "about:blank", "title": "said so", "status": 402}\n',
        "an event named after a failure": b"event: upstream_error\n"
        + event({"msg": "said so", "code": 402}),
    }.items()
}
FAILURES |= {
    name: (told, errors.AIMLAPIResponseError, None)
    for name, told in {
        "msg alone": event({"msg": "said so"}),
        "title alone": event({"title": "said so"}),
        "a bare line of msg alone": b'{"msg": "said so"}\n',
        "a bare line of a title alone": b'{"title": "said so"}\n',
        "an error line of words": b"error: said so\n",
        "an exception of words": b"event: exception\ndata: said so\n\n",
    }.items()
}
PLACES: dict[str, list[bytes]] = {
    "first": [],
    "middle": [event(piece("Hel"))],
    "after the finish": [event(piece("Hello")), event(piece("", finish="stop"))],
}


@every_streamed_way
@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("place", PLACES)
def test_41_a_failure_inside_a_stream_is_the_error_that_it_tells(
    way: str, name: str, place: str
) -> None:
    told, kind, status = FAILURES[name]
    with Loopback(sse(*PLACES[place], told, DONE)) as server:
        failure = failure_of(model_at(server), way)
        assert type(failure) is kind
        assert failure.status_code == status
        assert "said so" in str(failure)
        if status == 402:
            server.requests.clear()
            failure_of(model_at(server, max_retries=2), way)
            assert len(server.requests) == 1
    if place != "first":
        assert failure.partial is not None
        assert failure.partial.content in ("Hel", "Hello")


NOISE: dict[str, bytes] = {
    "null": b"data: null\n\n",
    "ping": b"data: ping\n\n",
    "named ping": b"event: ping\ndata: {oops\n\n",
    "named ping of JSON": b'event: ping\ndata: {"type": "ping"}\n\n',
    "named ping of words": b'event: ping\ndata: {"message": "still here", "id": "of-ping"}\n\n',
    "named status of words": b'event: status\ndata: {"msg": "queued", "status": 503}\n\n',
    "named list": b"event: ping\ndata: [1]\n\n",
    "an error line that is empty": b"error:\nerror: null\n",
    "empty": b"data:\n\n",
    "named, empty": b"event: ping\ndata:\n\n",
    "name alone": b"event: ping\n\n",
    "bare junk": b"{oops}\n\n",
    "unknown field": b"x-hint: 1\n\n",
}


@every_way
@pytest.mark.parametrize("name", NOISE)
def test_41_noise_between_the_events_loses_no_answer(way: str, name: str) -> None:
    noise = NOISE[name]
    pieces = (event(piece("Hel")), event(piece("lo")), event(piece("", finish="stop")), DONE)
    with Loopback(sse(b": hi\n\n", *(noise + data for data in pieces))) as server:
        assert ask(model_at(server), way).content == "Hello"
        assert len(server.requests) == 1


@every_streamed_way
@pytest.mark.parametrize("done", [b"[DONE] ", b" [DONE]", b"\t[DONE]\t ", b"  [DONE]  "])
def test_41_blanks_around_the_end_do_not_lose_it(way: str, done: bytes) -> None:
    with Loopback(sse(event(piece("Hello")), b"data:" + done + b"\n\n")) as server:
        assert ask(model_at(server), way).content == "Hello"


@every_way
@pytest.mark.parametrize("message", [{}, {"message": None}, {"delta": None}])
@pytest.mark.parametrize(
    "reason", ["OTHER", "other", None, "stop", "STOP", "tool_calls", "NO_IMAGE"]
)
def test_41_an_ending_without_a_message_is_the_same_error_whole_and_streamed(
    way: str, message: dict[str, None], reason: str | None
) -> None:
    choices = [{"index": 0, "finish_reason": reason, **message}]
    body = completion(choices=choices)
    answer = sse(event(body), DONE) if "stream" in way else whole(body)
    with Loopback(answer) as server:
        failure = failure_of(model_at(server, max_retries=2), way)
        kind = errors.AIMLAPIEmptyResponseError if reason else errors.AIMLAPIResponseError
        assert type(failure) is kind
        assert len(server.requests) == 1


@every_way
@pytest.mark.parametrize("reason", ["length", "SAFETY", "MAX_TOKENS", "content_filter: SAFETY"])
def test_41_nor_does_an_answer_that_is_its_ending_alone_differ(way: str, reason: str) -> None:
    body = completion(choices=[{"index": 0, "finish_reason": reason}])
    with Loopback(sse(event(body), DONE) if "stream" in way else whole(body)) as server:
        assert ask(model_at(server), way).content == ""
