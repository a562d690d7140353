"""Which failures are tried again, when; the attempts of one call: counted, logged, given up."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessageChunk
from pydantic import SecretStr

from langchain_aimlapi import errors
from langchain_aimlapi._http.retry import Attempts, read_retry_after, retry_delay
from tests.answers import KEY
from tests.http_client import httpx
from tests.unit_tests.http.calls import call_of

RETRIED = [
    errors.AIMLAPIRateLimitError,
    errors.AIMLAPIServerError,
    errors.AIMLAPIConnectionError,
    errors.AIMLAPITimeoutError,
]
FINAL = [
    errors.AIMLAPIAuthenticationError,
    errors.AIMLAPIPermissionError,
    errors.AIMLAPICreditsError,
    errors.AIMLAPINotFoundError,
    errors.AIMLAPIContextOverflowError,
    errors.AIMLAPIInvalidRequestError,
    errors.AIMLAPIResponseError,
    errors.AIMLAPIEmptyResponseError,
    errors.AIMLAPIBudgetError,
]


def delay_of(failure: errors.AIMLAPIError, *, attempt: int = 0) -> float | None:
    return retry_delay(failure, attempt=attempt, max_retries=9, jitter=0.0)


@pytest.mark.parametrize("kind", RETRIED)
def test_what_may_pass_is_tried_again(kind: type[errors.AIMLAPIError]) -> None:
    delays = [delay_of(kind("x"), attempt=attempt) for attempt in range(7)]
    assert delays == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


@pytest.mark.parametrize("kind", FINAL)
def test_what_stays_is_not_tried_again(kind: type[errors.AIMLAPIError]) -> None:
    assert delay_of(kind("x")) is None


def test_an_unreadable_answer_is_tried_again() -> None:
    assert delay_of(errors.unreadable_response("x")) == 0.5


@given(st.integers(0, 10**6), st.floats(0, 1, exclude_max=True))
def test_a_delay_is_short_and_never_nothing(attempt: int, jitter: float) -> None:
    failure = errors.AIMLAPIServerError("x")
    delay = retry_delay(failure, attempt=attempt, max_retries=10**7, jitter=jitter)
    assert delay is not None
    assert 0.375 <= delay <= 8.0


@pytest.mark.parametrize("max_retries", [0, 1, 2])
def test_there_are_no_more_attempts_than_allowed(max_retries: int) -> None:
    failure = errors.AIMLAPIServerError("x")
    delays = [
        retry_delay(failure, attempt=attempt, max_retries=max_retries, jitter=0.0)
        for attempt in range(5)
    ]
    assert [delay is not None for delay in delays].count(True) == max_retries


@pytest.mark.parametrize(("said", "delay"), [(0.0, 0.0), (7.5, 7.5), (60.0, 60.0), (60.1, None)])
def test_the_server_names_the_delay_but_not_an_hour(said: float, delay: float | None) -> None:
    assert delay_of(errors.AIMLAPIRateLimitError("x", retry_after=said)) == delay


@pytest.mark.parametrize("kind", [*RETRIED, *FINAL])
@pytest.mark.parametrize(("said", "again"), [("true", True), ("False", False)])
def test_the_server_decides_whether(
    kind: type[errors.AIMLAPIError],
    said: str,
    again: bool,  # noqa: FBT001  a table
) -> None:
    failure = kind("x", response_headers={"x-should-retry": said})
    assert (delay_of(failure) is not None) is again


def test_an_exhausted_free_tier_is_not_waited_for() -> None:
    assert delay_of(errors.AIMLAPIRateLimitError("x", is_retryable=False)) is None


NOW = 1_766_063_158.0  # Thu, 18 Dec 2025 13:05:58 GMT


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": " 3 "}, 3.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "Thu, 18 Dec 2025 13:06:58 GMT"}, 60.0),
        ({"retry-after": "Thu, 18 Dec 2025 12:00:00 GMT"}, 0.0),
        ({"retry-after": ""}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Thu, 99 Dec 2025 99:00:00 GMT"}, None),
        ({"retry-after": "Thu, 18 Dec 99999999999 12:00:00 GMT"}, None),
    ],
)
def test_the_time_to_wait_is_read_in_every_form(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert read_retry_after(headers, now=NOW) == seconds


@pytest.mark.parametrize(
    "date",
    [
        "Thu, 18 Dec 2025 12:00:00 GMT",
        "Thursday, 18-Dec-25 12:00:00 GMT",
        "Thu Dec 18 12:00:00 2025",
        "Thu, 18 Dec 2025 12:00:00",
        "Thu, 18 Dec 2025 12:00:00 -0000",
        "Thu, 18 Dec 2025 17:30:00 +0530",
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_a_date_means_the_same_wherever_the_machine_stands(
    zone: str, date: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = datetime(2025, 12, 18, 12, tzinfo=UTC).timestamp()
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        seconds = read_retry_after({"retry-after": date}, now=noon - 30)
    time.tzset()
    assert seconds == 30.0


@given(st.text())
def test_no_header_breaks_the_reading(value: str) -> None:
    seconds = read_retry_after({"retry-after": value}, now=NOW)
    assert seconds is None or seconds >= 0


# ---------------------------------------------------------------- the attempts of one call


def attempts_of(**more: Any) -> Attempts:
    attempts = Attempts(call_of(**more), given=None)
    attempts.begin(SecretStr(KEY))
    return attempts


def fed(attempts: Attempts, *, has_handed_out: bool = False, is_over: bool = False) -> None:
    """Have a stream so far."""
    partial = AIMessageChunk(content="so far")
    feed: Any = SimpleNamespace(
        has_handed_out=has_handed_out, is_over=is_over, partial=lambda: partial
    )
    attempts._feed = feed


def delays(attempts: Attempts, failure: errors.AIMLAPIError) -> list[float]:
    """Return the delays until the failure is raised."""
    found: list[float] = []
    with suppress(type(failure)):
        while len(found) < 20:
            attempts.begin(SecretStr(KEY))
            found.append(attempts.delay(failure))
    return found


@pytest.mark.parametrize("most", [0, 1, 2])
def test_a_failure_is_raised_after_the_last_attempt(most: int) -> None:
    found = delays(attempts_of(max_retries=most), errors.AIMLAPIServerError("x"))
    assert len(found) == most
    assert all(0 < delay <= 2 for delay in found)


def test_nothing_is_tried_again_after_the_first_chunk() -> None:
    attempts = attempts_of()
    fed(attempts, has_handed_out=True)
    with pytest.raises(errors.AIMLAPIServerError):
        attempts.delay(errors.AIMLAPIServerError("x"))


@pytest.mark.parametrize("most", [0, 1, 3])
def test_an_empty_answer_is_asked_for_again_as_often_as_allowed(most: int) -> None:
    attempts = attempts_of(empty_response_retries=most)
    assert delays(attempts, errors.AIMLAPIEmptyResponseError("x")) == [0.0] * most


class Waiting:
    """A connection over which a request went in vain."""

    failed_untouched = True


HANG_UP = "Server disconnected without sending a response."


@pytest.mark.parametrize(
    ("error", "connection", "seconds", "is_stale"),
    [
        (httpx.ReadError("reset"), Waiting(), 0.0, True),
        (httpx.RemoteProtocolError(HANG_UP), Waiting(), 0.9, True),
        (httpx.RemoteProtocolError(HANG_UP), Waiting(), 1.1, False),
        (httpx.RemoteProtocolError("illegal status line"), Waiting(), 0.0, False),
        (httpx.ReadTimeout("late"), Waiting(), 0.0, False),
        (httpx.ReadError("reset"), SimpleNamespace(failed_untouched=False), 0.0, False),
        (httpx.ReadError("reset"), None, 0.0, False),
    ],
)
def test_a_stale_connection_costs_no_attempt_but_only_once(
    error: Exception,
    connection: Any,
    seconds: float,
    is_stale: bool,  # noqa: FBT001  a table
) -> None:
    attempts = attempts_of(max_retries=0)
    delays: list[float] = []
    for _ in range(2):
        attempts.begin(SecretStr(KEY))
        attempts.lease.connection = connection
        attempts._started = time.monotonic() - seconds
        with pytest.raises(errors.AIMLAPIError) as caught:
            attempts.end(error)
        with suppress(errors.AIMLAPIError):
            delays.append(attempts.delay(caught.value))
    assert delays == [0.0] * is_stale


@pytest.mark.parametrize("error", [None, KeyError("of a decoder"), KeyboardInterrupt()])
def test_what_is_no_failure_of_the_connection_comes_out_as_it_is(error: Any) -> None:
    assert not attempts_of().end(error)


def test_a_connection_that_breaks_after_the_answer_has_cost_nothing() -> None:
    attempts = attempts_of()
    fed(attempts, has_handed_out=True, is_over=True)
    assert attempts.is_answered
    assert attempts.end(httpx.ReadError("gone"))


def test_a_failure_is_completed() -> None:
    failure = errors.AIMLAPIServerError(
        f"echo {KEY}", response_headers={"x-inference-id": "inf-1", "retry-after": "7"}
    )
    attempts = attempts_of(max_retries=0)
    fed(attempts)
    with pytest.raises(errors.AIMLAPIServerError):
        attempts.delay(failure)
    assert failure.client_request_id == "mine"
    assert failure.request_id == "inf-1"
    assert failure.retry_after == 7.0
    assert failure.partial == AIMessageChunk(content="so far")
    assert KEY not in str(failure)
    own = errors.AIMLAPIServerError("x", request_id="a", partial=AIMessageChunk(content=f"{KEY}"))
    with pytest.raises(errors.AIMLAPIServerError):
        attempts.delay(own)
    assert own.request_id == "a"
    assert own.partial == AIMessageChunk(content="**********")


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
        attempts_of(max_retries=0).delay(failure)
    assert [entry.name for entry in caught.traceback][1:] == ["delay"]
    assert failure.__cause__.__traceback__ is None


def test_a_new_attempt_forgets_what_the_last_one_brought() -> None:
    attempts = attempts_of(max_retries=0)
    fed(attempts)
    failure = errors.AIMLAPIServerError("x")
    assert delays(attempts, failure) == []
    assert failure.partial is None


def test_each_attempt_has_its_line_without_the_key(caplog: pytest.LogCaptureFixture) -> None:
    attempts = attempts_of()
    with caplog.at_level(logging.DEBUG, logger="langchain_aimlapi"):
        attempts.receive(httpx.Response(503, headers={"x-inference-id": KEY}))
        attempts._log()
        attempts.delay(errors.AIMLAPIServerError("x", status_code=503))
        attempts.begin(SecretStr(KEY))
        attempts._log()
    first, retry, second = caplog.messages
    assert "POST https://example.com/v1/chat/completions model=m attempt=1 outcome=503" in first
    assert "client_request_id=mine inference_id=**********" in first
    assert "attempt=2 outcome=no response" in second
    assert "retrying in" in retry
    assert "AIMLAPIServerError (status 503)" in retry
    assert KEY not in caplog.text
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="langchain_aimlapi"):
        attempts._log()
    assert caplog.messages == []


def over_a_socket(**headers: str) -> httpx.Response:
    request = httpx.Request("POST", "https://a", headers={"x-client-request-id": "mine"})
    extensions = {"network_stream": object()}
    return httpx.Response(200, headers=headers, extensions=extensions, request=request)


def test_an_answer_to_another_request_is_an_error() -> None:
    attempts = attempts_of()
    with pytest.raises(errors.AIMLAPIConnectionError, match="'other'") as caught:
        attempts.receive(over_a_socket(**{"x-client-request-id": "other"}))
    assert caught.value.is_retryable
    attempts.receive(over_a_socket(**{"x-client-request-id": "mine"}))
    attempts.receive(over_a_socket())
    recorded = httpx.Response(200, headers={"x-client-request-id": "of the recording"})
    attempts.receive(recorded)
