"""Every error that a call can end in.

AIMLAPIError                            also langchain_core's ModelError
 |- AIMLAPIAuthenticationError          ModelAuthenticationError      401
 |- AIMLAPIPermissionError              ModelPermissionDeniedError    403
 |   `- AIMLAPICreditsError                                           403, 402: out of credits
 |- AIMLAPINotFoundError                ModelNotFoundError            404
 |- AIMLAPIContextOverflowError         ContextOverflowError          400, 413: prompt too long
 |- AIMLAPIInvalidRequestError          ModelInvalidRequestError      other 4xx
 |- AIMLAPIRateLimitError               ModelRateLimitError           429
 |- AIMLAPIServerError                  ModelAPIError                 5xx, 409
 |- AIMLAPIConnectionError              ModelConnectionError          refused, reset, cut; also
 |                                                                     Python's ConnectionError
 |- AIMLAPITimeoutError                 ModelTimeoutError             a limit of time, 408; also
 |                                                                     Python's TimeoutError
 |- AIMLAPIResponseError                ModelAPIError                 a 200 that is no answer
 |   `- AIMLAPIEmptyResponseError                                     an answer with nothing in it
 `- AIMLAPIBudgetError                                                a spending limit of the caller

Each error is also the standard error of langchain-core named beside it, so that `except
ModelRateLimitError`, LangChain's retry middleware (`is_retryable`) and fallbacks work unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from langchain_core import exceptions as _core
from langchain_core.messages import BaseMessage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.messages import AIMessageChunk

_REDACTED = "**********"
# A shorter beginning of the key tells nothing, but may be a common word.
SHORTEST_PREFIX = 8
# A longer body is kept as the beginning of its text.
_MAX_BODY = 65_536
_MAX_TEXT = 500


class AIMLAPIError(_core.ModelError):
    """Base of every error of this package.

    Attributes:
        status_code: HTTP status, or the code that an error body inside a 200 named; `None` where
            there was none (a refused connection, say).
        request_id: What support asks for: `requestId` of the body, else header `x-inference-id`.
        client_request_id: The `X-Client-Request-Id` that all attempts of the call carried.
        inference_id: Header `x-inference-id`, the key of the gateway's usage log and ledger.
        body: The parsed body (a text is cut, an HTML page is its title); never holds the key.
        response_headers: Response headers by lower-cased name; cookies are left out.
        retry_after: Seconds that the server asked to wait, or `None`.
        partial: What had arrived of a stream that failed, as one message chunk, or `None`.
        is_retryable: Whether the same request may succeed later; read by LangChain's middleware.
        code: What went wrong, as a word of the OpenAI API: `context_length_exceeded`,
            `rate_limit_exceeded`, `insufficient_quota`, `invalid_api_key`, `model_not_found`, ...;
            the server's own word where it gave one, `None` where there is none.
        type: The kind of error, likewise: `invalid_request_error`, `rate_limit_error`, ...
    """

    _code: ClassVar[str | None] = None
    _type: ClassVar[str | None] = None

    def __init__(  # noqa: PLR0913  all keyword-only, all optional facts of one failure
        self,
        message: str,
        *,
        status_code: int | None = None,
        request_id: str | None = None,
        body: Any = None,
        response_headers: Mapping[str, str] | None = None,
        retry_after: float | None = None,
        partial: AIMessageChunk | None = None,
        is_retryable: bool | None = None,
        advice: str = "",
    ) -> None:
        """Keep the facts.

        `is_retryable` overrides the class's own answer when given; `advice`, the way out in our own
        words, follows the message.
        """
        stop = "" if message.endswith((".", "!", "?", ":")) else "."
        self._advice = f"{stop} {advice}" if advice else ""
        super().__init__(f"{message}{self._advice}")
        self.status_code = status_code
        self.request_id = request_id
        self.body = _cut(body)
        headers = dict(response_headers or {})
        # A session of the server's: errors end up in logs.
        headers.pop("set-cookie", None)
        self.response_headers = headers
        self.retry_after = retry_after
        self.partial = partial
        self.client_request_id: str | None = None
        if is_retryable is not None:
            self.is_retryable = is_retryable

    @property
    def inference_id(self) -> str | None:
        """Header `x-inference-id`: leads to the row of this call in the gateway's usage log."""
        return self.response_headers.get("x-inference-id")

    @property
    def code(self) -> str | None:
        """What went wrong, as a word of the OpenAI API."""
        return _word(self.body, "code") or self._code

    @property
    def type(self) -> str | None:
        """The kind of error, as a word of the OpenAI API."""
        return _word(self.body, "type") or self._type

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by class, message and facts: the constructor is keyword-only."""
        return _restored, (type(self), self.args, self.__dict__)

    def redact(self, secret: str) -> Self:
        """Replace every occurrence of `secret`: a server may echo the key.

        Texts are cut for errors, perhaps within the key: beginnings of it are replaced as well. Our
        own advice stays as it is: a key may be any word, and that word be in it.
        """
        said = str(self.args[0]).removesuffix(self._advice)
        self.args = (redact(said, secret) + self._advice, *self.args[1:])
        for name in ("body", "response_headers", "request_id", "partial"):
            setattr(self, name, redact(getattr(self, name), secret))
        return self


def _word(body: object, name: str) -> str | None:
    """Return a word of an error body, whatever its shape; numbers are statuses."""
    if isinstance(body, list) and body:
        body = body[0]
    source = body.get("error", body) if isinstance(body, dict) else None
    word = source.get(name) if isinstance(source, dict) else None
    return word if isinstance(word, str) and word and not word.isdecimal() else None


def _restored(
    cls: type[AIMLAPIError], args: tuple[Any, ...], facts: dict[str, Any]
) -> AIMLAPIError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(facts)
    return error


def redact(value: Any, secret: str) -> Any:
    """Return the value with `secret`, and its longer beginnings, replaced in all its texts.

    A key of less than 8 characters is none that this gateway gives out, and would garble words.
    """
    if len(secret) < SHORTEST_PREFIX:
        return value
    match value:
        case str():
            return _without(value, secret)
        case list():
            return [redact(inner, secret) for inner in value]
        case dict():
            return {redact(key, secret): redact(inner, secret) for key, inner in value.items()}
        case BaseMessage():
            return value.model_copy(update=redact(dict(value), secret))
        case _:
            return value


def _cut(body: Any) -> Any:
    text = body if isinstance(body, str) else repr(body)
    return text[:_MAX_TEXT] if len(text) > _MAX_BODY else body


def _without(text: str, secret: str) -> str:
    if secret[:SHORTEST_PREFIX] not in text:
        return text
    # From long to short: the longest beginning is hidden before a shorter one could leave its rest.
    for length in range(len(secret), SHORTEST_PREFIX - 1, -1):
        text = text.replace(secret[:length], _REDACTED)
    return text


class AIMLAPIAuthenticationError(AIMLAPIError, _core.ModelAuthenticationError):
    """The key is missing, wrong or revoked (401)."""

    _code = "invalid_api_key"
    _type = "authentication_error"


class AIMLAPIPermissionError(AIMLAPIError, _core.ModelPermissionDeniedError):
    """The account may not do this (403)."""

    _type = "permission_error"


class AIMLAPICreditsError(AIMLAPIPermissionError):
    """The account is out of credits (403, or 402)."""

    _code = "insufficient_quota"
    _type = "insufficient_quota"


class AIMLAPINotFoundError(AIMLAPIError, _core.ModelNotFoundError):
    """No such model or address (404); a deprecated model answers so too."""

    _code = "model_not_found"
    _type = "invalid_request_error"


class AIMLAPIContextOverflowError(AIMLAPIError, _core.ContextOverflowError):
    """The prompt is longer than the model takes; summarising middleware trims it and retries."""

    _code = "context_length_exceeded"
    _type = "invalid_request_error"

    @property
    def code(self) -> str | None:
        """`context_length_exceeded`, which apps look for, whatever the server called it."""
        return self._code


class AIMLAPIInvalidRequestError(AIMLAPIError, _core.ModelInvalidRequestError):
    """The request is not one that the endpoint takes (400, 413, 422, other 4xx)."""

    _type = "invalid_request_error"


class AIMLAPIRateLimitError(AIMLAPIError, _core.ModelRateLimitError):
    """Too many requests (429, also as a code inside a 200); see `retry_after`."""

    _code = "rate_limit_exceeded"
    _type = "rate_limit_error"


class AIMLAPIServerError(AIMLAPIError, _core.ModelAPIError):
    """The gateway or the provider behind it failed (5xx, 409)."""

    _code = "server_error"
    _type = "server_error"


class AIMLAPIConnectionError(AIMLAPIError, _core.ModelConnectionError, ConnectionError):
    """The server could not be reached, or the connection broke before the answer was whole."""

    _type = "connection_error"


class AIMLAPITimeoutError(AIMLAPIError, _core.ModelTimeoutError, TimeoutError):
    """A limit of time was reached: connect, read, silence of a stream, the whole call; also 408."""

    _code = "timeout"
    _type = "timeout_error"


class AIMLAPIResponseError(AIMLAPIError, _core.ModelAPIError):
    """The server said 200, but what it sent is not an answer.

    Attributes:
        is_readable: False where the body was empty or not JSON at all; only that is worth asking
            again for at once.
    """

    is_readable = True


class AIMLAPIEmptyResponseError(AIMLAPIResponseError):
    """The model stopped with nothing said, or with a function call that it could not form.

    See `empty_response_retries` for asking again by itself.
    """


class AIMLAPIBudgetError(AIMLAPIError):
    """The next call would start over the limit that the caller set (see `spend`)."""


def unreadable_response(message: str, **facts: Any) -> AIMLAPIResponseError:
    """Return the error for a 200 whose body was empty or not JSON: worth asking again for."""
    error = AIMLAPIResponseError(message, **facts)
    error.is_readable = False
    return error


class _ModelRefusalError(_core.ModelError):
    """The model declined to produce the requested output.

    Stands in for langchain-core's class of that name, which came with 1.7.5.

    Attributes:
        raw_message: The model's answer, with its refusal block.
    """

    def __init__(
        self,
        message: str = "The model refused to produce the requested output",
        *,
        raw_message: BaseMessage | None = None,
    ) -> None:
        """Keep the answer beside the message."""
        self.raw_message = raw_message
        super().__init__(message)


if TYPE_CHECKING:
    ModelRefusalError = _ModelRefusalError
else:
    ModelRefusalError = getattr(_core, "ModelRefusalError", _ModelRefusalError)
