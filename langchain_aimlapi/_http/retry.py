"""Which failures are worth another attempt, how long to wait before it.

Source:
    docs.aimlapi.com/errors-and-messages, read 2026-11-21 (no Retry-After is documented; it is
    obeyed where it comes). The gateway has no idempotency key: an attempt that timed out may be
    billed all the same.
"""

from __future__ import annotations

import logging
import math
import random
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from langchain_aimlapi import errors
from langchain_aimlapi._watch import note_retry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langchain_aimlapi._http.call import Call

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


_logger = logging.getLogger("langchain_aimlapi")


class Tries:
    """Counts the attempts of one call.

    Attributes:
        has_handed_out: Whether a chunk has left to the user: nothing is retried after that.
        is_answered: Whether the answer is whole: what goes wrong after that does not matter.
        started: When the attempt began, on the monotonic clock.
        body: The request as JSON bytes: the call's own, or what its remedy made of it.
        partial: Tells what has arrived of the attempt's stream, once there is one.
    """

    def __init__(self, call: Call) -> None:
        """Begin with the first attempt."""
        self.has_handed_out = False
        self.is_answered = False
        self.body = call.body
        self._call = call
        self._attempt = 0
        self._empty = 0
        self._may_refresh = True
        self._is_stale = False
        self.started = time.monotonic()
        self.partial: Callable[[], Any] | None = None

    def begin(self) -> None:
        """Note that an attempt begins."""
        self.started = time.monotonic()
        self._is_stale = False
        self.partial = None

    def note_stale(self) -> None:
        """Note that a pooled connection broke before a byte of the answer came.

        The server had closed it while it was idle; one fresh attempt, uncounted, is harmless.
        """
        self._is_stale = self._may_refresh

    def log(self, outcome: object, *, inference_id: str | None = None) -> None:
        """Write the log line of an attempt that ended: no key, no prompt."""
        if _logger.isEnabledFor(logging.DEBUG):
            _logger.debug(
                "%s %s model=%s attempt=%d outcome=%s seconds=%.3f "
                "client_request_id=%s inference_id=%s",
                self._call.method,
                self._call.url,
                self._call.model,
                self._attempt + 1,
                outcome,
                time.monotonic() - self.started,
                self._call.client_request_id,
                # A header, thus the server's words: it may echo the key.
                errors.redacted(inference_id, self._call.api_key.get_secret_value()),
            )

    def delay(self, failure: errors.AIMLAPIError) -> float:
        """Return the seconds to wait before the next attempt.

        Args:
            failure: What the last attempt raised.

        Raises:
            AIMLAPIError: The failure itself, completed and with the key taken out, if no further
                attempt is to be made.
        """
        self._complete(failure)
        delay = None if self.has_handed_out else self._next_delay(failure)
        if delay is None:
            _drop_frames(failure)
            raise failure
        note_retry(self._call, failure)
        _logger.info(
            "retrying in %.2f s after %s (status %s), model=%s client_request_id=%s",
            delay,
            type(failure).__name__,
            failure.status_code,
            self._call.model,
            self._call.client_request_id,
        )
        return delay

    def _complete(self, failure: errors.AIMLAPIError) -> None:
        failure.client_request_id = self._call.client_request_id
        failure.request_id = failure.request_id or failure.inference_id
        if failure.partial is None and self.partial is not None:
            failure.partial = self.partial()
        failure.retry_after = read_retry_after(failure.response_headers, now=time.time())
        failure.redact(self._call.api_key.get_secret_value())

    def _next_delay(self, failure: errors.AIMLAPIError) -> float | None:
        if self._is_stale:
            self._may_refresh = False
            return 0.0
        if self._is_remedied(failure):
            return 0.0
        if isinstance(failure, errors.AIMLAPIEmptyResponseError):
            self._empty += 1
            return 0.0 if self._empty <= self._call.empty_response_retries else None
        delay = retry_delay(
            failure,
            attempt=self._attempt,
            max_retries=self._call.max_retries,
            jitter=random.random(),  # noqa: S311  spreads load, guards nothing
        )
        self._attempt += 1
        return delay

    def _is_remedied(self, failure: errors.AIMLAPIError) -> bool:
        """Tell whether the call can be repeated with another body; that is done once."""
        if self._call.remedy is None or self.body is not self._call.body:
            return False
        body = self._call.remedy(failure)
        if body is None:
            return False
        self.body = body
        return True


def _drop_frames(failure: BaseException) -> None:
    """Drop the tracebacks of a failure with its causes.

    The frames of transport or decoders hold what the server sent, in which it may echo the key;
    error reporters show the locals of frames.
    """
    waiting, seen = [failure], set[int]()
    while waiting:
        one = waiting.pop()
        seen.add(id(one))
        one.__traceback__ = None
        causes = (one.__cause__, one.__context__)
        waiting += [cause for cause in causes if cause is not None and id(cause) not in seen]
