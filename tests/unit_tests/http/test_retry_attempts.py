"""The attempts of one call: counted, logged, given up."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk
from pydantic import SecretStr

from langchain_aimlapi import errors
from langchain_aimlapi._http.call import Call, read_limits
from langchain_aimlapi._http.client_pool import Clients
from langchain_aimlapi._http.retry import Tries
from tests.answers import KEY


def call_of(**more: Any) -> Call:
    given: dict[str, Any] = {
        "body": b"{}",
        "url": "https://example.com/v1/chat/completions",
        "headers": {},
        "api_key": SecretStr(KEY),
        "model": "m",
        "is_stream": False,
        "limits": read_limits("default", is_stream=False),
        "max_retries": 2,
        "empty_response_retries": 0,
        "client_request_id": "mine",
        "advice": "",
        "clients": Clients(),
    }
    return Call(**{**given, **more})


def delays(tries: Tries, failure: errors.AIMLAPIError) -> list[float]:
    """Return the delays until the failure is raised."""
    found: list[float] = []
    with suppress(type(failure)):
        while len(found) < 20:
            tries.begin()
            found.append(tries.delay(failure))
    return found


@pytest.mark.parametrize("most", [0, 1, 2])
def test_a_failure_is_raised_after_the_last_attempt(most: int) -> None:
    found = delays(Tries(call_of(max_retries=most)), errors.AIMLAPIServerError("x"))
    assert len(found) == most
    assert all(0 < delay <= 2 for delay in found)


def test_nothing_is_tried_again_after_the_first_chunk() -> None:
    tries = Tries(call_of())
    tries.has_handed_out = True
    assert delays(tries, errors.AIMLAPIServerError("x")) == []


@pytest.mark.parametrize("most", [0, 1, 3])
def test_an_empty_answer_is_asked_for_again_as_often_as_allowed(most: int) -> None:
    tries = Tries(call_of(empty_response_retries=most))
    assert delays(tries, errors.AIMLAPIEmptyResponseError("x")) == [0.0] * most


def test_a_stale_connection_costs_no_attempt_but_only_once() -> None:
    tries = Tries(call_of(max_retries=0))
    failure = errors.AIMLAPIConnectionError("x")
    tries.begin()
    tries.note_stale()
    assert tries.delay(failure) == 0.0
    tries.begin()
    tries.note_stale()
    with pytest.raises(errors.AIMLAPIConnectionError):
        tries.delay(failure)


def test_a_failure_is_completed() -> None:
    failure = errors.AIMLAPIServerError(
        f"echo {KEY}", response_headers={"x-inference-id": "inf-1", "retry-after": "7"}
    )
    tries = Tries(call_of(max_retries=0))
    partial = AIMessageChunk(content="so far")
    tries.partial = lambda: partial
    with pytest.raises(errors.AIMLAPIServerError):
        tries.delay(failure)
    assert failure.client_request_id == "mine"
    assert failure.request_id == "inf-1"
    assert failure.retry_after == 7.0
    assert failure.partial is partial
    assert KEY not in str(failure)
    own = errors.AIMLAPIServerError("x", request_id="a", partial=AIMessageChunk(content=""))
    with pytest.raises(errors.AIMLAPIServerError):
        tries.delay(own)
    assert own.request_id == "a"
    assert own.partial is not partial


def test_a_failure_and_its_causes_bring_no_frames_of_what_was_read() -> None:
    def read(body: bytes) -> None:
        try:
            body.decode("ascii")
        except ValueError as error:
            raise errors.AIMLAPIServerError("x") from error

    with pytest.raises(errors.AIMLAPIServerError) as first:
        read(b"\xff")
    failure = first.value
    assert failure.__cause__ is not None
    assert failure.__cause__.__traceback__ is not None
    with pytest.raises(errors.AIMLAPIServerError) as caught:
        Tries(call_of(max_retries=0)).delay(failure)
    assert [entry.name for entry in caught.traceback][1:] == ["delay"]
    assert failure.__cause__.__traceback__ is None


def test_a_new_attempt_forgets_what_the_last_one_brought() -> None:
    tries = Tries(call_of(max_retries=0))
    tries.partial = lambda: AIMessageChunk(content="old")
    started = tries.started
    tries.begin()
    assert tries.started >= started
    failure = errors.AIMLAPIServerError("x")
    assert delays(tries, failure) == []
    assert failure.partial is None


def test_each_attempt_has_its_line_without_the_key(caplog: pytest.LogCaptureFixture) -> None:
    tries = Tries(call_of())
    with caplog.at_level(logging.DEBUG, logger="langchain_aimlapi"):
        tries.log(503, inference_id=KEY)
        tries.delay(errors.AIMLAPIServerError("x", status_code=503))
        tries.log("no response")
    first, retry, second = caplog.messages
    assert "POST https://example.com/v1/chat/completions model=m attempt=1 outcome=503" in first
    assert "client_request_id=mine" in first
    assert "attempt=2 outcome=no response" in second
    assert "retrying in" in retry
    assert "AIMLAPIServerError (status 503)" in retry
    assert KEY not in caplog.text
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="langchain_aimlapi"):
        tries.log(200)
    assert caplog.messages == []
