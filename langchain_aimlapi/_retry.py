"""Which failures are worth another attempt, how long to wait before it.

Source:
    docs.aimlapi.com/errors-and-messages, read 2026-11-21 (no Retry-After is documented; it is
    obeyed where it comes). The gateway has no idempotency key: an attempt that timed out may be
    billed all the same.
"""

from __future__ import annotations

import math
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from langchain_aimlapi import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

_BASE_DELAY = 0.5
_MAX_DELAY = 8.0
_MAX_SERVER_DELAY = 60.0


def retry_delay(
    failure: errors.AIMLAPIError, *, attempt: int, max_retries: int, jitter: float
) -> float | None:
    """Return how long to wait before the next attempt, or `None` to give up.

    The server's own figure wins over our schedule: only the server knows its window. One over 60
    seconds is not waited for; the caller finds it in `retry_after`.

    Args:
        failure: What the last attempt raised.
        attempt: Attempts made so far, less one (0 after the first).
        max_retries: Upper limit of `attempt`; 0 means never retry.
        jitter: Random number in [0, 1), passed in so that the function is pure.

    Returns:
        Seconds: 0.375 to 8 by our schedule (0.5 doubled per attempt, less up to a quarter), or the
        server's figure up to 60.
    """
    if attempt >= max_retries or not _is_worth_retrying(failure):
        return None
    if failure.retry_after is not None:
        return failure.retry_after if failure.retry_after <= _MAX_SERVER_DELAY else None
    return min(_BASE_DELAY * 2.0 ** min(attempt, 10), _MAX_DELAY) * (1 - jitter / 4)


def _is_worth_retrying(failure: errors.AIMLAPIError) -> bool:
    said = failure.response_headers.get("x-should-retry", "").lower()
    if said in ("true", "false"):
        return said == "true"
    if isinstance(failure, errors.AIMLAPIResponseError):
        return not failure.is_readable
    return failure.is_retryable


def read_retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    """Return how many seconds the server asked to wait, or `None` where it said nothing readable.

    Args:
        headers: Response headers, names lower-cased: `retry-after-ms`, or `retry-after` in seconds
            or as an HTTP date.
        now: The time, in seconds since the epoch; a date in the past means 0.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or not value:
        return seconds
    try:
        return max(parsedate_to_datetime(value).timestamp() - now, 0.0)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
