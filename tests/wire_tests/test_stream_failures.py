"""Promise 41: a failure inside a stream is the error that it tells; noise loses no answer."""

from __future__ import annotations

import pytest

from langchain_aimlapi import errors
from tests.wire_tests.asking import ask, every_streamed_way, every_way, failure_of, model_at
from tests.wire_tests.loopback import DONE, Loopback, event, piece, sse

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
