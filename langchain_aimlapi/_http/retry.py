"""The attempts of one call: what each ended in, whether to make another, how long to wait before.

Source:
    docs.aimlapi.com/errors-and-messages, read 2026-11-21 (no Retry-After is documented; it is
    obeyed where it comes). The gateway has no idempotency key: an attempt that timed out may be
    billed all the same.
"""

from __future__ import annotations

import json
import logging
import math
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from pydantic import SecretStr

from langchain_aimlapi import errors
from langchain_aimlapi._http.client_pool import GivenClient, Lease, Source
from langchain_aimlapi._http.connection import came_over_a_socket, connection_of
from langchain_aimlapi._http.exceptions import (
    bare,
    connection_failure,
    drop_frames,
    foreign_failure,
    headers_of,
    interruption,
    is_failure,
    is_hang_up,
    refused_response,
    status_failure,
)
from langchain_aimlapi._http.network_stream import Deadline
from langchain_aimlapi._http.readers import Body, Decoder, ErrorBody, Feed, Reader
from langchain_aimlapi._http.watch import note_retry

if TYPE_CHECKING:
    import httpx

    from langchain_aimlapi._http.call import Call

_AnswerT = TypeVar("_AnswerT")
# What makes an answer of a body, or of the data of its events, and of the response headers.
Decode = Callable[[bytes | list[bytes], Mapping[str, str]], _AnswerT]
_BASE_DELAY = 0.5
_MAX_DELAY = 8.0
_MAX_SERVER_DELAY = 60.0
# An idle connection that the server has closed fails at once; what fails later was worked on.
_STALE_SECONDS = 1.0


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
    # The exponent is bounded, or a large `max_retries` would overflow the float.
    return min(_BASE_DELAY * 2.0 ** min(attempt, 10), _MAX_DELAY) * (1 - jitter / 4)


def _is_worth_retrying(failure: errors.AIMLAPIError) -> bool:
    # OpenAI-like gateways say so by this header; their word goes before our table.
    said = failure.response_headers.get("x-should-retry", "").lower()
    if said in ("true", "false"):
        return said == "true"
    # An answer that was read is an answer, and billed: asked again it may well be the same.
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
    # Not of the standard, but finer: who sends both means this one.
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or not value:
        return seconds
    try:
        moment = parsedate_to_datetime(value)
        # Its older forms name no zone; it is never that of this machine (RFC 9110, 5.6.7).
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(moment.timestamp() - now, 0.0)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


_logger = logging.getLogger("langchain_aimlapi")
_ESCAPED = frozenset("\\'\"")


def _without_echo(generation: Any, *, key: SecretStr) -> None:
    """Take a key that the server echoed out of what an answer tells of itself."""
    secret, told = key.get_secret_value(), generation.message.response_metadata
    start = secret[: errors.SHORTEST_PREFIX]
    # `repr` may put a backslash before some.
    if secret and (start in repr(told) or not _ESCAPED.isdisjoint(start)):
        generation.message.response_metadata = errors.redact(told, secret)


class Attempts:
    """The attempts of one call, one after the other: what each sends, brings and ends in.

    Attributes:
        call: The call.
        given: The user's client, `None` for our own.
        body: The request as JSON bytes: the call's own, or what its remedy made of it.
        key: The key of this attempt.
        source: Where its client comes from.
        lease: The client of this attempt.
        shown_headers: Those of its response by lower-cased name, as the answer may show them: a
            server may echo the key.
    """

    def __init__(self, call: Call, *, given: Any) -> None:
        """Begin with the first attempt."""
        self.call = call
        self.given = given
        self.body = call.body
        self.key = SecretStr("")
        self.source: Source = call.clients if given is None else GivenClient(given)
        self.lease = Lease(given)
        self.shown_headers: dict[str, str] = {}
        self._deadline = Deadline()
        self._response: httpx.Response | None = None
        self._feed: Feed | None = None
        self._started = time.monotonic()
        self._attempt = 0
        self._empty = 0
        # Once per call: a server that always hangs up at once is no idle connection.
        self._may_refresh = True
        self._is_stale = False

    @property
    def is_answered(self) -> bool:
        """Whether the answer is whole: what goes wrong after that does not matter."""
        return self._feed is not None and self._feed.is_over

    def begin(self, key: SecretStr) -> None:
        """Begin an attempt.

        Args:
            key: The key that it is made with.
        """
        self.key = key
        self.lease = Lease(self.given)
        self._response = self._feed = None
        self._started = time.monotonic()
        self._is_stale = False

    def take(self, lease: Lease) -> Any:
        """Take the client of this attempt, return it; our own end with the call's limits."""
        self.lease = lease
        # A client that the user gave keeps its own sockets, which know of no deadline.
        self._deadline = lease.client.deadline if self.given is None else Deadline()
        self._deadline.begin(self.call.limits, is_stream=self.call.is_stream, started=self._started)
        return lease.client

    def receive(self, response: httpx.Response) -> None:
        """Take note of a response that has begun.

        Raises:
            AIMLAPIConnectionError: It says that it answers another request.
        """
        self._response = response
        headers = headers_of(response)
        self.shown_headers = self._without_key(headers)
        connection = self.lease.connection = connection_of(response)
        echo = headers.get("x-client-request-id")
        if echo is None or not came_over_a_socket(response):
            return
        # What was sent, not what was meant to be: a hook of the user's client may change it.
        if echo != response.request.headers.get("x-client-request-id"):
            if connection is not None:
                connection.is_distrusted = True
            raise foreign_failure(self.call, response)

    def is_refused(self, response: httpx.Response) -> bool:
        """Tell whether a response's status says that it is no answer."""
        return response.status_code not in self.call.good_statuses

    def refuse(self, response: httpx.Response, body: ErrorBody) -> NoReturn:
        """Raise the error that such a response is.

        Args:
            response: The response.
            body: What came of its body.

        Raises:
            AIMLAPIError: By the status.
        """
        raise status_failure(self.call, response, body.data(), secret=self.key)

    def error_body(self, response: httpx.Response) -> ErrorBody:
        """Return what gathers the beginning of an error's body."""
        return ErrorBody(
            self.call,
            headers=self.shown_headers,
            started=self._started,
            is_unpacked=response.is_stream_consumed,
        )

    def answer(self, response: httpx.Response) -> Body:
        """Return what gathers a whole answer."""
        return Body(self._reader(response))

    def feed(
        self, response: httpx.Response, make_decoder: Callable[[Mapping[str, str]], Decoder]
    ) -> Feed:
        """Return what turns the response's bytes into chunks.

        Args:
            response: The response to a stream's request.
            make_decoder: Makes the decoder of one attempt.
        """
        decoder = make_decoder(self.shown_headers)
        # Not a method: what holds these attempts must not be held by them.
        show = partial(_without_echo, key=self.key)
        self._feed = Feed(self._reader(response), decoder, show=show)
        return self._feed

    def decoded(self, decode: Decode[_AnswerT], data: bytes | list[bytes]) -> _AnswerT:
        """Return the answer, without the key in what it tells of itself: a server may echo it.

        What the model wrote stays as it is.

        Args:
            decode: Makes it of the body and the headers.
            data: The body.
        """
        answer = decode(data, self.shown_headers)
        # Nearly no answer holds the key, which the bytes tell sooner than what was made of them.
        if isinstance(data, list) or self._may_hold_key(data):
            for generation in getattr(answer, "generations", ()):
                _without_echo(generation, key=self.key)
        return answer

    def _may_hold_key(self, body: bytes) -> bool:
        start = json.dumps(self._secret[: errors.SHORTEST_PREFIX])[1:-1].encode()
        # JSON may hold a text that is not in its bytes: letters by number, slashes, UTF-16.
        # A single byte is looked for ten times as fast as several.
        is_spelt_otherwise = b"\\" in body and (b"\\u00" in body or b"\\/" in body)
        return is_spelt_otherwise or b"\0" in body or start in body

    def _without_key(self, headers: dict[str, str]) -> dict[str, str]:
        start = self._secret[: errors.SHORTEST_PREFIX]
        if start not in "\n".join([*headers, *headers.values()]):
            return headers
        redacted: dict[str, str] = errors.redact(headers, self._secret)
        return redacted

    def _reader(self, response: httpx.Response) -> Reader:
        return Reader(
            self.call,
            headers=self.shown_headers,
            started=self._started,
            # A recorder, or a hook of the user's client, may have read and unpacked it already.
            is_unpacked=response.is_stream_consumed,
            deadline=self._deadline,
        )

    def end(self, error: BaseException | None) -> bool:
        """Raise what the end of an attempt means; tell whether it means nothing.

        Args:
            error: What came out of the attempt.

        Returns:
            Whether the error is to be forgotten.

        Raises:
            AIMLAPIError: The connection failed.
            BaseException: A signal's handler raised it.
        """
        has_begun = self._response is not None
        self._response = self._response or refused_response(error)
        self._log()
        if (interrupt := interruption(error)) is not None:
            raise bare(interrupt, secret=self.key)
        # What a consumer throws into the generator passes here too.
        if not isinstance(error, Exception) or not is_failure(error, has_begun=has_begun):
            return False  # of a decoder, of who reads the stream; a cancellation
        failure = self.failed(error, self._response)
        if failure is None:
            return True
        self._is_stale = self._may_refresh and self._is_hang_up_of_an_idle_connection(error)
        raise failure from bare(error, secret=self.key)

    def failed(
        self, error: Exception, response: httpx.Response | None
    ) -> errors.AIMLAPIError | None:
        """Return what a failure of the connection amounts to.

        Args:
            error: What the HTTP client raised.
            response: The response, if it had begun.

        Returns:
            `None` if the answer was whole before: after `[DONE]` a stream is read on so that its
            connection can be used again, and a connection that breaks then has cost nothing.
        """
        if self.is_answered:
            return None
        return connection_failure(
            self.call, error, response, secret=self.key, setting=self._deadline.setting
        )

    def _is_hang_up_of_an_idle_connection(self, error: Exception) -> bool:
        """Tell whether the server had closed the connection before the request came.

        One fresh attempt, uncounted, is harmless then. A server that had the request and worked on
        it takes longer to hang up: that is a failure like others.
        """
        connection = self.lease.connection
        return (
            self._response is None
            and connection is not None
            and connection.failed_untouched
            and is_hang_up(error)
            and time.monotonic() - self._started < _STALE_SECONDS
        )

    def _log(self) -> None:
        """Write the log line of an attempt that ended: no key, no prompt."""
        if _logger.isEnabledFor(logging.DEBUG):
            response = self._response
            _logger.debug(
                "%s %s %sattempt=%d outcome=%s seconds=%.3f client_request_id=%s inference_id=%s",
                self.call.method,
                self.call.url,
                self._model(),
                self._attempt + 1,
                "no response" if response is None else response.status_code,
                time.monotonic() - self._started,
                self.call.client_request_id,
                # A header, thus the server's words: it may echo the key.
                None
                if response is None
                else errors.redact(response.headers.get("x-inference-id"), self._secret),
            )

    def _model(self) -> str:
        """Return the model's part of a log line; a question to the account has none."""
        return f"model={self.call.model} " if self.call.model else ""

    def delay(self, failure: errors.AIMLAPIError) -> float:
        """Return the seconds to wait before the next attempt.

        Args:
            failure: What the last attempt raised.

        Raises:
            AIMLAPIError: The failure itself, completed and with the key taken out, if no further
                attempt is to be made.
        """
        self._complete(failure)
        has_handed_out = self._feed is not None and self._feed.has_handed_out
        delay = None if has_handed_out else self._next_delay(failure)
        if delay is None:
            drop_frames(failure)
            try:
                raise failure
            finally:
                del failure  # this frame is now the error's own, which would hold itself
        note_retry(self.call, failure)
        _logger.info(
            "retrying in %.2f s after %s%s, %sclient_request_id=%s",
            delay,
            type(failure).__name__,
            f" (status {failure.status_code})" if failure.status_code else "",
            self._model(),
            self.call.client_request_id,
        )
        return delay

    @property
    def _secret(self) -> str:
        return self.key.get_secret_value()

    def _complete(self, failure: errors.AIMLAPIError) -> None:
        failure.client_request_id = self.call.client_request_id
        failure.request_id = failure.request_id or failure.inference_id
        if failure.partial is None and self._feed is not None:
            failure.partial = self._feed.partial()
        failure.retry_after = read_retry_after(failure.response_headers, now=time.time())
        failure.redact(self._secret)

    def _next_delay(self, failure: errors.AIMLAPIError) -> float | None:
        # Both repeats are free of a wait and uncounted: the first attempt was never worked on.
        if self._is_stale:
            self._may_refresh = False
            return 0.0
        if self._is_remedied(failure):
            return 0.0
        # Counted apart: each was billed, so that the user decides how many there may be.
        if isinstance(failure, errors.AIMLAPIEmptyResponseError):
            self._empty += 1
            return 0.0 if self._empty <= self.call.empty_response_retries else None
        delay = retry_delay(
            failure,
            attempt=self._attempt,
            max_retries=self.call.max_retries,
            jitter=random.random(),  # noqa: S311  spreads load, guards nothing
        )
        self._attempt += 1
        return delay

    def _is_remedied(self, failure: errors.AIMLAPIError) -> bool:
        """Tell whether the call can be repeated with another body than the one refused."""
        body = None if self.call.remedy is None else self.call.remedy(failure)
        if body is None or body == self.body:
            return False
        self.body = body
        return True
