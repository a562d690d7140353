"""What a server says of a failure, in every known shape, as the right error."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_aimlapi import errors
from langchain_aimlapi.errors.mapping import (
    body_failure,
    event_failure,
    response_failure,
    unreadable_failure,
)
from tests.answers import JSON

AUTH, PERMISSION, CREDITS, NOT_FOUND, OVERFLOW, INVALID, RATE, SERVER, TIMEOUT, RESPONSE = (
    errors.AIMLAPIAuthenticationError,
    errors.AIMLAPIPermissionError,
    errors.AIMLAPICreditsError,
    errors.AIMLAPINotFoundError,
    errors.AIMLAPIContextOverflowError,
    errors.AIMLAPIInvalidRequestError,
    errors.AIMLAPIRateLimitError,
    errors.AIMLAPIServerError,
    errors.AIMLAPITimeoutError,
    errors.AIMLAPIResponseError,
)
STATUSES: list[tuple[int, str, type[errors.AIMLAPIError], bool]] = [
    (400, "Body validation error", INVALID, False),
    (401, "no key", AUTH, False),
    (402, "pay", CREDITS, False),
    (403, "You've run out of credits.", CREDITS, False),
    (403, "Top up your balance", CREDITS, False),
    (403, "moderation", PERMISSION, False),
    (404, "no such model", NOT_FOUND, False),
    (405, "no", INVALID, False),
    (408, "late", TIMEOUT, True),
    (409, "conflict", SERVER, True),
    (413, "too large", INVALID, False),
    (422, "no", INVALID, False),
    (429, "Too Many Requests", RATE, True),
    (429, "Free-tier limit: 10 per hour", RATE, False),
    (500, "Internal server error", SERVER, True),
    (502, "Bad Gateway", SERVER, True),
    (503, "Service unavailable", SERVER, True),
    (504, "Generation timeout", SERVER, True),
    (520, "odd", SERVER, True),
    (599, "odd", SERVER, True),
    (302, "moved", RESPONSE, True),
    (204, "nothing", RESPONSE, True),
    (400, "This model's maximum context length is 1000000 tokens", OVERFLOW, False),
    (400, "The input token count (1200000) exceeds the maximum number of tokens", OVERFLOW, False),
    (413, "prompt is too long", OVERFLOW, False),
    (400, "max_tokens exceeds the maximum tokens of the model", INVALID, False),
    (400, "max_tokens and the input exceed the maximum tokens", OVERFLOW, False),
    (500, "context length", SERVER, True),
]


@pytest.mark.parametrize(("status", "message", "kind", "is_retryable"), STATUSES)
def test_a_status_has_its_error(
    status: int,
    message: str,
    kind: type[errors.AIMLAPIError],
    is_retryable: bool,  # noqa: FBT001  a table
) -> None:
    body = {"message": message, "statusCode": str(status), "requestId": "req-1", "path": "/v1"}
    error = response_failure(status, body=json.dumps(body).encode(), headers={})
    assert type(error) is kind
    assert error.is_retryable is is_retryable
    assert error.status_code == status
    assert error.request_id == "req-1"
    assert error.body == body
    assert str(error).startswith(f"{status} {message} (request id req-1)")


RAW = '[{"error": {"code": 400, "message": "Function call `x` lacks a signature"}}]'


@pytest.mark.parametrize(
    ("body", "kind", "code", "words"),
    [
        ({"error": {"code": 429, "message": "slow down"}}, RATE, 429, "slow down"),
        ({"error": {"code": "429", "message": "slow"}}, RATE, 429, "slow"),
        ({"error": {"code": "server_error", "message": "m"}}, SERVER, 500, "m"),
        ({"error": {"type": "invalid_request_error", "message": "m"}}, INVALID, 400, "m"),
        ({"error": {"code": "context_length_exceeded"}}, OVERFLOW, 400, "context_length_exceeded"),
        (
            {"error": {"code": "context_length_exceeded", "message": "Too much."}},
            OVERFLOW,
            400,
            "Too much. (context_length_exceeded)",
        ),
        ({"error": {"code": "insufficient_quota", "message": "m"}}, CREDITS, 402, "m"),
        ({"error": {"code": None, "message": "m"}}, RESPONSE, None, "m"),
        ({"error": {"code": 42, "message": "m"}}, RESPONSE, None, "m"),
        ({"error": {"code": "9" * 50, "message": "m"}}, RESPONSE, None, "m"),
        ({"error": {"code": [], "message": {"a": 1}}}, RESPONSE, None, "{'a': 1}"),
        ({"error": "just words"}, RESPONSE, None, "just words"),
        ({"error": True}, RESPONSE, None, "{'error': True}"),
        ({"error": {"code": 500}, "choices": [{}]}, SERVER, 500, "500"),
        ({"error": {"message": "m"}, "statusCode": 503}, SERVER, 503, "m"),
        ({"object": "error", "message": "m", "code": 404}, NOT_FOUND, 404, "m"),
        ({"message": "m", "statusCode": "429"}, RATE, 429, "m"),
        ([{"error": {"code": 503, "message": "busy"}}], SERVER, 503, "busy"),
        (
            {"error": {"code": 400, "message": "Provider error", "metadata": {"raw": RAW}}},
            INVALID,
            400,
            "Provider error [Function call `x` lacks a signature]",
        ),
        (
            {"error": {"code": 400, "message": "P", "metadata": {"raw": "plain"}}},
            INVALID,
            400,
            "P [plain]",
        ),
        ({"error": {"code": 400, "metadata": {"raw": ""}}}, INVALID, 400, "400"),
        ({"error": {"code": 400, "metadata": {"raw": 3}}}, INVALID, 400, "400"),
    ],
)
def test_a_failure_inside_a_200_is_told_in_every_shape(
    body: Any, kind: type[errors.AIMLAPIError], code: int | None, words: str
) -> None:
    error = body_failure(body, headers={"x-inference-id": "inf-1"})
    assert error is not None
    assert type(error) is kind
    assert error.status_code == code
    assert error.request_id == "inf-1"
    assert words in str(error)


@pytest.mark.parametrize(
    "body",
    [
        None,
        1,
        "error",
        [],
        [1],
        [{}],
        {},
        {"error": None},
        {"error": {}},
        {"choices": [{}], "message": "m", "statusCode": 200},
        {"message": "m"},
        {"object": "chat.completion"},
    ],
)
def test_no_failure_is_seen_where_there_is_none(body: Any) -> None:
    assert body_failure(body, headers={}) is None


@pytest.mark.parametrize(
    ("event", "name", "kind", "code", "words"),
    [
        ({"message": "m", "code": 402}, "", CREDITS, 402, "402 m"),
        ({"detail": "d", "status": 429}, "", RATE, 429, "429 d"),
        ({"detail": [{"msg": "d"}]}, "", RESPONSE, None, "[{'msg': 'd'}]"),
        ({"errors": [{"code": 7}], "status_code": "503"}, "", SERVER, 503, "503 [{'code': 7}]"),
        ({"message": "m"}, "chunk", RESPONSE, None, "m"),
        ({"error": {"code": 401, "message": "m"}, "choices": [1]}, "", AUTH, 401, "401 m"),
        ({"code": 402, "msg": "m"}, "error", CREDITS, 402, "402 m"),
        ({"message": "m", "choices": [1]}, "error", RESPONSE, None, "m"),
        ("upstream is gone", "error", RESPONSE, None, "upstream is gone"),
        (None, "error", RESPONSE, None, "None"),
    ],
)
def test_an_event_tells_of_a_failure_in_more_ways_than_a_body(
    event: Any, name: str, kind: type[errors.AIMLAPIError], code: int | None, words: str
) -> None:
    error = event_failure(event, name=name, headers={})
    assert error is not None
    assert type(error) is kind
    assert error.status_code == code
    assert str(error).startswith(words)


@pytest.mark.parametrize(
    "event",
    [
        None,
        "ping",
        {},
        {"message": "", "detail": None, "errors": []},
        {"message": "m", "choices": [{}]},
        {"message": "m", "usage": {"total_tokens": 1}},
        {"message": "m", "meta": {"usage": {}}},
    ],
)
def test_an_event_with_something_of_an_answer_tells_of_none(event: Any) -> None:
    assert event_failure(event, name="", headers={}) is None
    assert event_failure(event, name="message", headers={}) is None


@pytest.mark.parametrize(
    "text", ["<title>", "<title", "<title></title", "<TITLE>a</title" * 3, ">"]
)
def test_a_page_of_many_titles_costs_no_more_than_its_length(text: str) -> None:
    started = time.perf_counter()
    response_failure(502, body=text.encode() * (65_000 // len(text)), headers={})
    assert time.perf_counter() - started < 0.1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "502 (empty body)"),
        (b"<title>Bad</title> <title>Gateway</title>", "502 Bad"),
        (b"<title lang=en>Bad</title", "502 Bad"),
        (b"<title>Bad", "502 <title>Bad"),
        (b"<title Bad", "502 <title Bad"),
        (b"null", "502 None"),
        (b"<html><head><TITLE>502\n  Bad Gateway</TITLE></head>secret", "502 502 Bad Gateway"),
        (b"upstream said no", "502 upstream said no"),
        (b"\xff\xfe", "502 \ufffd\ufffd"),
        (b'"text"', "502 text"),
        (b'{"message": ""}', "502 {'message': ''}"),
    ],
)
def test_any_body_is_quoted_shortly(body: bytes, words: str) -> None:
    assert str(response_failure(502, body=body, headers={})) == words


def test_long_bodies_are_cut() -> None:
    huge = json.dumps({"message": "a" * 70_000}).encode()
    error = response_failure(500, body=huge, headers={})
    assert len(str(error)) < 2_100
    assert len(error.body) == 500
    assert len(str(response_failure(500, body=b"a" * 70_000, headers={}))) < 600


def test_the_errors_say_what_to_do() -> None:
    assert "AIMLAPI_API_KEY" in str(response_failure(401, body=b"", headers={}))
    assert "Top up" in str(response_failure(402, body=b"", headers={}))
    assert "/v1/models" in str(response_failure(404, body=b"", headers={}))
    told = response_failure(400, body=b'{"message": "context length"}', headers={})
    assert "trim_messages" in str(told)


@pytest.mark.parametrize(("status", "is_told"), [(400, True), (404, True), (429, False)])
def test_what_is_known_of_the_model_is_added_where_it_helps(
    status: int,
    is_told: bool,  # noqa: FBT001  a table
) -> None:
    error = response_failure(status, body=b"", headers={}, advice="Deprecated: use another.")
    assert ("Deprecated: use another." in str(error)) is is_told


def test_headers_are_kept_but_for_cookies() -> None:
    headers = {"x-inference-id": "inf-1", "set-cookie": "a=b"}
    error = response_failure(500, body=b"", headers=headers)
    assert error.response_headers == {"x-inference-id": "inf-1"}
    assert error.request_id == error.inference_id == "inf-1"


def test_an_unreadable_200_is_quoted() -> None:
    error = unreadable_failure(b"<title>Login</title>", what="The answer", headers={})
    assert str(error) == "The answer is not JSON: 'Login' (20 bytes)."
    assert not error.is_readable


@given(JSON, st.sampled_from(["error", "message", "statusCode", "object"]))
def test_any_body_is_told_or_not_but_never_breaks(value: Any, key: str) -> None:
    for body in (value, {key: value}, [{key: value}], {"error": {key: value, "code": value}}):
        told = body_failure(body, headers={})
        assert told is None or isinstance(told, errors.AIMLAPIError)
        assert str(response_failure(400, body=json.dumps(body).encode(), headers={}))
