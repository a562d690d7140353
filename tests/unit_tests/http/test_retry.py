"""Which failures are tried again, when; what the server says comes first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_aimlapi import errors
from langchain_aimlapi._http.retry import read_retry_after, retry_delay

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
    assert 0.375 < delay <= 8.0


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


@given(st.text())
def test_no_header_breaks_the_reading(value: str) -> None:
    seconds = read_retry_after({"retry-after": value}, now=NOW)
    assert seconds is None or seconds >= 0
