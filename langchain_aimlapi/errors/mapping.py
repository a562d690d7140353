"""What a server said went wrong, told as one of our errors.

Four shapes of error bodies are known (wire facts of 2026-11-21): the gateway's own flat one
`{message, statusCode, requestId, path, timestamp}` (the code may be a string), OpenRouter's
`{error: {code, message, metadata: {raw}}}` (with or without `choices`, also inside a 200), Google's
list of the same, and `{object: "error", message}`. Anything else is quoted as text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from langchain_aimlapi import errors
from langchain_aimlapi._json import decode_json
from langchain_aimlapi.errors.refusals import find_refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_aimlapi._json import JsonObject
    from langchain_aimlapi.errors.refusals import Remedy

# A page of a proxy may be megabytes; its title, or its beginning, says what it is.
_MAX_BODY = 65_536
_MAX_TEXT = 500
_MAX_WORDS = 2_000
# Expressions, in any case. Errors are rare, so that `_find` compiles what one asks for.
_OVERFLOW = (
    r"context[ _-]?(length|window|size|limit)|maximum (number of )?(input |prompt )?tokens"
    r"|input token count|too many (input |prompt )?tokens|(prompt|input) is too long"
    r"|token limit exceeded|exceeds? the (model'?s? )?(token|context) limit"
)
_OUTPUT_LIMIT = r"\bmax_(completion_|output_)?tokens\b"
_INPUT = r"input|prompt|context"
_CREDITS = r"credit|balance|top.?up|billing|insufficient funds"
_FREE_TIER = r"free.?tier"
# Looked for one after the other: in one expression a page of many titles costs its length squared.
_TITLE = "<title"
_TITLE_END = "</title"
# Where the words of a failure stand, in this order, and its code.
_WORDS = ("message", "detail", "errors", "msg", "error_description", "error_message", "title")
# Names of events that tell of a failure; of others nobody knows what their words are about.
_FAILED = r"error|fail|exception|fatal|abort"
_OF_ANSWERS = r"^$|bare|chunk|completion|data|delta|message|response"
_ANSWER_KEYS = ("choices", "usage", "meta")
_CODE_NAMES = ("code", "statusCode", "status_code", "status", "type")
# Words that stand where a number is expected, as seen in error events.
_CODES = {
    "server_error": 500,
    "internal_server_error": 500,
    "overloaded_error": 503,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "timeout": 504,
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "insufficient_quota": 402,
    "model_not_found": 404,
}
# Errors about the request, the model or the address.
_ADVISED = (
    errors.AIMLAPIInvalidRequestError,
    errors.AIMLAPINotFoundError,
    errors.AIMLAPIResponseError,
)
# Statuses of requests that the upstream did not take; 0 where an error inside a 200 names none.
_REFUSED = frozenset({0, 400, 422})
_ADVICE: dict[type[errors.AIMLAPIError], str] = {
    errors.AIMLAPIAuthenticationError: ("Check the key: pass api_key=... or set AIMLAPI_API_KEY."),
    errors.AIMLAPICreditsError: "Top up the account, or set a limit with langchain_aimlapi.spend.",
    errors.AIMLAPINotFoundError: "Check `model` (GET /v1/models lists the ids) and `base_url`.",
    errors.AIMLAPIContextOverflowError: "Shorten the messages, for example with trim_messages.",
}


def response_failure(
    status_code: int, *, body: bytes, headers: Mapping[str, str], advice: str = ""
) -> errors.AIMLAPIError:
    """Return the error for an HTTP answer whose status is not 200.

    Args:
        status_code: HTTP status.
        body: The body as it came, whole or cut.
        headers: Response headers, names lower-cased.
        advice: What the caller knows about the model (a deprecated id's successor), added to
            errors about the request or the model.

    Returns:
        The error of the tree in `errors`, its facts filled in.

    Source:
        docs.aimlapi.com/errors-and-messages, read 2026-11-21; OpenRouter's error page.
    """
    content = _parse(body)
    code, message = _code_and_message(content)
    return _failure(
        status_code or code or 0,
        message=message or _text(content),
        body=content,
        headers=headers,
        advice=advice,
    )


def body_failure(body: Any, *, headers: Mapping[str, str]) -> errors.AIMLAPIError | None:
    """Return the error that a body or an event inside a 200 tells of, or `None` if it tells none.

    Args:
        body: Any decoded JSON value.
        headers: Response headers, names lower-cased.
    """
    if not _tells_failure(body):
        return None
    code, message = _code_and_message(body)
    return _failure(code or 0, message=message or _text(body), body=body, headers=headers)


def remedy_for(failure: errors.AIMLAPIError) -> Remedy | None:
    """Return how to write a refused request so that it is taken, `None` if no way is known.

    Args:
        failure: What an attempt raised.
    """
    if (failure.status_code or 0) not in _REFUSED:
        return None
    known = find_refusal(_code_and_message(failure.body)[1] or _text(failure.body))
    return known.remedy if known else None


def event_failure(
    event: Any,
    *,
    name: str,
    headers: Mapping[str, str],
) -> errors.AIMLAPIError | None:
    """Return the error that an event of a stream tells of, or `None` if it tells none.

    In a stream less is needed than in a whole body: whatever is called an error is one, and an
    object with words but nothing of an answer can be nothing else.

    Args:
        event: The decoded data of an event, or its text where that is no JSON.
        name: What its `event:` line says, `""` if it has none.
        headers: Response headers, names lower-cased.
    """
    if not is_failure_name(name) and not _tells_failure(event) and not _has_only_words(event, name):
        return None
    code, message = _code_and_message(event)
    return _failure(code or 0, message=message or _text(event), body=event, headers=headers)


def is_failure_name(name: str) -> bool:
    """Tell whether an event of this name tells of a failure, whatever its data is."""
    return bool(_find(_FAILED, name))


def is_of_answer(event: object, name: str) -> bool:
    """Tell whether an event may be a part of an answer: by its name, else by what is in it.

    Args:
        event: Its decoded data.
        name: What its `event:` line says, `""` if it has none.
    """
    if _find(_OF_ANSWERS, name):
        return True
    return isinstance(event, dict) and any(event.get(key) for key in _ANSWER_KEYS)


def _find(words: str, text: str) -> re.Match[str] | None:
    return re.search(words, text, re.IGNORECASE)


def _has_only_words(event: object, name: str) -> bool:
    """Tell whether an unnamed event has words, or a code, of a failure and nothing of an answer."""
    if not _find(_OF_ANSWERS, name) or not isinstance(event, dict):
        return False
    if any(event.get(key) for key in _ANSWER_KEYS):
        return False
    return any(event.get(key) for key in _WORDS) or any(
        _code(event.get(key)) for key in _CODE_NAMES
    )


def unreadable_failure(
    data: bytes, *, what: str, headers: Mapping[str, str]
) -> errors.AIMLAPIResponseError:
    """Return the error for a 200 that is not JSON; HTML is cut to its title.

    Args:
        data: What came.
        what: What it was to be, for the error.
        headers: Response headers, names lower-cased.
    """
    text = _parse(data)
    msg = f"{what} is not JSON: {text!r:.200} ({len(data)} bytes)."
    return errors.unreadable_response(msg, body=text, response_headers=headers)


def _tells_failure(body: object) -> bool:
    if isinstance(body, list):
        return bool(body) and isinstance(body[0], dict) and bool(body[0].get("error"))
    if not isinstance(body, dict):
        return False
    if body.get("error") or body.get("object") == "error":
        return True
    # The gateway's flat shape has no `error`. An answer that has choices is one, whatever stands
    # beside.
    return not body.get("choices") and "statusCode" in body and "message" in body


def _failure(
    code: int,
    *,
    message: str,
    body: Any,
    headers: Mapping[str, str],
    advice: str = "",
) -> errors.AIMLAPIError:
    kind = _kind(code, message)
    # The body's own id is what the gateway's support asks for (documented); a proxy's page has
    # none.
    request_id = _request_id(body) or headers.get("x-inference-id")
    known = find_refusal(message) if code in _REFUSED else None
    if kind not in _ADVISED:
        advice = ""
    said = [
        f"{code} {message}" if code else message,
        *((f"(request id {request_id})",) if request_id else ()),
    ]
    return kind(
        " ".join(said),
        advice=" ".join(
            words for words in (_ADVICE.get(kind), known and known.advice, advice) if words
        ),
        status_code=code or None,
        request_id=request_id,
        body=body,
        response_headers=headers,
        is_retryable=_retryable_exception(code, message),
    )


def _kind(code: int, message: str) -> type[errors.AIMLAPIError]:
    # First: langchain's summarising middleware trims on this error, on a plain 400 it gives up.
    if code in (400, 413) and _is_overflow(message):
        return errors.AIMLAPIContextOverflowError
    if code == 402 or (code == 403 and _find(_CREDITS, message)):  # noqa: PLR2004  HTTP statuses
        return errors.AIMLAPICreditsError
    if code in _KINDS:
        return _KINDS[code]
    if code >= 500:  # noqa: PLR2004  HTTP statuses
        return errors.AIMLAPIServerError
    if code >= 400:  # noqa: PLR2004  HTTP statuses
        return errors.AIMLAPIInvalidRequestError
    return errors.AIMLAPIResponseError


_KINDS: dict[int, type[errors.AIMLAPIError]] = {
    401: errors.AIMLAPIAuthenticationError,
    403: errors.AIMLAPIPermissionError,
    404: errors.AIMLAPINotFoundError,
    408: errors.AIMLAPITimeoutError,
    409: errors.AIMLAPIServerError,
    429: errors.AIMLAPIRateLimitError,
}


def _is_overflow(message: str) -> bool:
    if not _find(_OVERFLOW, message):
        return False
    # "max_tokens exceeds the maximum tokens" is about a setting, not about the prompt.
    return not _find(_OUTPUT_LIMIT, message) or bool(_find(_INPUT, message))


def _retryable_exception(code: int, message: str) -> bool | None:
    """A free tier that is used up does not refill while we wait (documented text of a 429)."""
    return False if code == 429 and _find(_FREE_TIER, message) else None  # noqa: PLR2004  HTTP status


def _code_and_message(body: object) -> tuple[int | None, str]:
    """Return the code and the words of an error body, whatever its shape."""
    # Google sends its errors as a list of one.
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return None, ""
    error = body.get("error")
    source = _unwrap(error if isinstance(error, dict) else body)
    named = (_code(part.get(name)) for name in _CODE_NAMES for part in (source, body))
    # The inner error's own code first: the outer one is that of whoever passed it on.
    code = next((number for number in named if number), None)
    message = next((value for name in _WORDS if (value := source.get(name))), None)
    words = _words(error if isinstance(error, str) else message)
    return code, " ".join(part for part in (words, _code_word(source), _raw(source)) if part)


def _unwrap(body: JsonObject) -> JsonObject:
    """Return the error that stands where another has its words, if it has a code of its own.

    Without a code it is a report on fields of the request, which is quoted whole.
    """
    for inner in (body.get(name) for name in ("error", *_WORDS)):
        first = inner[0] if inner and isinstance(inner, list) else inner
        if isinstance(first, dict) and any(_code(first.get(name)) for name in _CODE_NAMES):
            return first
    return body


def _code_word(error: JsonObject) -> str:
    """Return a code that is a word we know: it may say more than the message does."""
    word = error.get("code")
    return f"({word})" if isinstance(word, str) and word in _CODES else ""


def _code(value: object) -> int | None:
    if isinstance(value, str):
        value = _CODES.get(value) or (int(value) if value.isdecimal() and len(value) <= 3 else None)  # noqa: PLR2004  three digits
    if isinstance(value, int | float) and 400 <= value <= 599:  # noqa: PLR2004  HTTP statuses
        return int(value)
    return None


def _words(message: object) -> str:
    if isinstance(message, str):
        return message[:_MAX_WORDS]
    return _text(message) if message else ""


def _raw(error: JsonObject) -> str:
    """Return the upstream provider's own words: OpenRouter keeps them as JSON in a string."""
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    if not isinstance(raw, str) or not raw:
        return ""
    inner = _code_and_message(_parse(raw.encode("utf-8", "replace")))[1]
    return f"[{inner or raw[:_MAX_TEXT]}]"


def _request_id(body: object) -> str | None:
    value = body.get("requestId") if isinstance(body, dict) else None
    return value if isinstance(value, str) and value else None


def _parse(body: bytes) -> Any:
    try:
        return decode_json(body)
    except ValueError:
        text = body[:_MAX_BODY].decode("utf-8", "replace").strip()
        return _title(text) or text[:_MAX_TEXT]


def _title(text: str) -> str:
    """Return the title of an HTML page, `""` if there is none."""
    opening = _find(_TITLE, text)
    start = text.find(">", opening.end()) + 1 if opening else 0
    rest = text[start:]
    closing = _find(_TITLE_END, rest) if start else None
    return " ".join(rest[: closing.start()].split()) if closing else ""


def _text(body: object) -> str:
    text = body if isinstance(body, str) else repr(body)
    return text[:_MAX_TEXT] or "(empty body)"
