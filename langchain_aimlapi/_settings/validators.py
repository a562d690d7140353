"""Checks of single settings: each gives the value back, or an error that says what is wrong."""

from __future__ import annotations

import math
import reprlib
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr, ValidationError

from langchain_aimlapi.errors.caller_warnings import warn_caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from langchain_aimlapi._json import JsonMapping, JsonObject

# The documented ranges (schema of the model pages, read 2026-11-21).
RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0.01, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
    "max_tokens": (1, math.inf),
    "max_completion_tokens": (1, math.inf),
    "n": (1, math.inf),
    "seed": (1, math.inf),
}
DEFAULT_BASE_URL = "https://api.aimlapi.com/v1"
NO_KEY = (
    "No API key: set the environment variable AIMLAPI_API_KEY or pass api_key=... "
    "(keys: https://aimlapi.com/app/keys)."
)
_WHOLE = frozenset({"max_tokens", "max_completion_tokens", "n", "seed"})
_NUMBERS = frozenset({*RANGES, "empty_response_retries", "max_retries", "stream_timeout"})
_KEY_LENGTH = 16  # shorter words are no key
EFFORTS = ("minimal", "low", "medium", "high")


# How the names of settings end that hold a key, whether they are ours or not.
_KEY_ENDS = ("api_key", "apikey", "password", "secret", "token")


def with_hidden_keys(settings: JsonObject) -> JsonObject:
    """Hide keys in place, return the settings: frames of a refusal show them to error reporters."""
    for name, value in settings.items():
        if type(value) is str and name.lower().endswith(_KEY_ENDS):
            settings[name] = SecretStr(value)
    return settings


def checked_key(key: object) -> SecretStr | Callable[[], object]:
    """Return the key as a secret without blanks around it, or the function that gives it.

    Raises:
        ValueError: It is neither, is empty, or cannot stand in a header; it is not shown.
    """
    if callable(key):
        return key  # what it gives is checked at each attempt
    if not isinstance(key, str | SecretStr):
        msg = (
            "api_key takes a str, a SecretStr or a function that returns one, not an object of "
            f"type {type(key).__name__}."
        )
        raise ValueError(msg)  # noqa: TRY004  as for all that a user may hand in
    return checked_secret(key if isinstance(key, SecretStr) else SecretStr(key))


def checked_secret(key: SecretStr) -> SecretStr:
    """Return the key without blanks around it.

    Raises:
        ValueError: It is empty, or cannot stand in a header; it is not shown.
    """
    text = key.get_secret_value().strip()
    if not text or not text.isascii() or not text.isprintable():
        msg = (
            "api_key is empty or holds characters that no HTTP header can carry; set the "
            "environment variable AIMLAPI_API_KEY or pass api_key=... "
            "(keys: https://aimlapi.com/app/keys)."
        )
        raise ValueError(msg)
    # Copied out of a curl command, mostly; sent as it is it would be a 401 that tells nobody why.
    if text.lower().startswith("bearer "):
        msg = "api_key begins with a scheme: pass the key alone, without 'Bearer'."
        raise ValueError(msg)
    if not text.strip("*"):
        msg = (
            "api_key is a row of asterisks, which pydantic writes in place of a secret "
            "(model_dump, str): pass the key itself, or leave it to the environment."
        )
        raise ValueError(msg)
    return SecretStr(text)


def checked_model_id(model: str) -> str:
    """Return the id.

    Raises:
        ValueError: It is empty.
    """
    if not model.strip():
        raise ValueError("model is empty; pass an id such as 'google/gemini-3-flash-preview'.")
    return model


def checked_base_url(base_url: str) -> str:
    """Return the address without blanks around it and without a slash at its end.

    Raises:
        ValueError: It is not an address of HTTP, or holds more than an address (a name with
            password, a query, a fragment); then it is not shown.
    """
    base_url = base_url.strip()
    if any(mark in base_url for mark in "@?#"):
        msg = (
            "base_url holds a user name, a query or a fragment (not shown, it may be secret): give "
            "the plain address up to /v1, and the key as api_key."
        )
        raise ValueError(msg)
    if not base_url.startswith(("https://", "http://")):
        # Long, and no dot, colon or slash in it: rather a key under a wrong name.
        is_word = len(base_url) < _KEY_LENGTH or any(mark in base_url for mark in ".:/")
        told = f"={base_url!r}" if is_word else " (not shown, it may be the key)"
        msg = f"base_url{told} must start with https:// or http://."
        raise ValueError(msg)
    try:
        parts = urlsplit(base_url)
        is_address = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        msg = f"base_url={base_url!r} is not an address: check host and port."
        raise ValueError(msg)
    base_url = base_url.rstrip("/")
    # The documentation's examples show the whole address.
    if base_url.endswith("/chat/completions"):
        msg = f"base_url={base_url!r} goes too far: leave out /chat/completions."
        raise ValueError(msg)
    return base_url


# What the HTTP client writes by itself from the request and its address; a second word on it makes
# the request unreadable, or has it read as something else.
_NOT_TO_BE_SET = frozenset(
    {
        "authorization",
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def check_own_defaults(cls: type[BaseModel], names: Iterable[str]) -> None:
    """Have the defaults that a class gives to settings of its base checked as given values are.

    Args:
        cls: The class.
        names: The settings.
    """
    above = [kind.model_fields for kind in cls.__bases__ if issubclass(kind, BaseModel)]
    anew = [
        cls.model_fields[name]
        for name in names
        if any(name in of and of[name].default != cls.model_fields[name].default for of in above)
    ]
    for field in anew:
        field.validate_default = field.default is not None  # which means unset
    if anew:
        cls.model_rebuild(force=True, raise_errors=False)


def check_header_names(headers: Mapping[str, object], *, where: str) -> None:
    """Check that headers are none of those that belong to the HTTP client, or the key's.

    Args:
        headers: By name, in any case.
        where: The setting or keyword that they come from.

    Raises:
        ValueError: One of them is; it is named, its value not shown.
    """
    for name in headers:
        if name.strip().lower() in _NOT_TO_BE_SET:
            msg = (
                f"{where}[{name!r}] is not to be set: the HTTP client writes it by itself (the key "
                "goes into api_key, the address into base_url)."
            )
            raise ValueError(msg)


def checked_headers(headers: dict[str, str] | None) -> dict[str, str] | None:
    """Return the headers.

    Raises:
        ValueError: One of them cannot be sent; its value is not shown.
    """
    check_header_names(headers or {}, where="default_headers")
    for name, value in (headers or {}).items():
        if not (name + value).isascii() or not (name + value).isprintable():
            msg = f"default_headers[{name!r}] holds characters that no HTTP header can carry."
            raise ValueError(msg)
    return headers


def checked_client(client: Any, *, name: str) -> Any:
    """Return the HTTP client, or `None`.

    Args:
        client: What the user handed in.
        name: `http_client` or `http_async_client`.

    Raises:
        ValueError: It is no client, or one of the other kind.
    """
    # By name and not by class: httpx need not be loaded to make a model, and httpx2 has classes of
    # its own.
    wanted = "AsyncClient" if name == "http_async_client" else "Client"
    if client is None or any(
        kind.__name__ == wanted and kind.__module__ in _CLIENT_LIBRARIES
        for kind in type(client).__mro__
    ):
        return client
    msg = (
        f"{name} takes an httpx.{wanted} or httpx2.{wanted}, not an object of type "
        f"{type(client).__name__}."
    )
    raise ValueError(msg)


_CLIENT_LIBRARIES = ("httpx", "httpx2")


def check_parameters(parameters: JsonMapping) -> None:
    """Check parameters of the wire against what the documentation says of them.

    Args:
        parameters: By the wire's names; those that have no documented range are not looked at.

    Raises:
        ValueError: A value is out of its documented range, or a misspelt level.
    """
    for name in RANGES.keys() & parameters.keys():
        check_range(name, parameters[name])
    check_effort(parameters.get("reasoning_effort"), name="reasoning_effort")
    if isinstance(reasoning := parameters.get("reasoning"), Mapping):
        check_effort(reasoning.get("effort"), name="reasoning['effort']")


def check_range(name: str, value: object) -> None:
    """Check one number against its documented range; `None` is not set.

    Raises:
        ValueError: It is out of the range, or no number.
    """
    if value is None:
        return
    lowest, highest = RANGES[name]
    is_number = isinstance(value, int if name in _WHOLE else int | float)
    # Not as floats, for which an int may be too large.
    if is_number and not isinstance(value, bool) and lowest <= value <= highest:  # type: ignore[operator]
        return
    raise ValueError(f"{name}={value!r} is not {_range_words(name)}.")


def _range_words(name: str) -> str:
    lowest, highest = RANGES[name]
    what = "a whole number" if name in _WHOLE else "a number"
    span = f"of {lowest} or more" if highest == math.inf else f"from {lowest} to {highest}"
    return (
        f"{what} {span}, which is what the API documents; what it does not document goes into "
        "model_kwargs or extra_body"
    )


def check_effort(level: object, *, name: str) -> None:
    """Check a level of reasoning effort; `None` is not set.

    An unknown level is sent with a warning: newer models may have more of them.

    Raises:
        ValueError: It is a known level misspelt, or no text.
    """
    if level is None or level in EFFORTS:
        return
    if not isinstance(level, str):
        msg = f"{name}={level!r} is not a level: pass one of {', '.join(EFFORTS)}."
        raise ValueError(msg)  # noqa: TRY004  as for all that a user may hand in
    # A level that is nearly a known one is a slip; sent as it is, it would cost a refused call.
    if close := get_close_matches(level.strip().lower(), EFFORTS, n=1):
        msg = f"{name}={level!r} is not a known level; did you mean {close[0]!r}?"
        raise ValueError(msg)
    warn_caller(f"{name}={level!r} is not one of {', '.join(EFFORTS)}; it is sent all the same.")


def check_seconds(name: str, value: object) -> None:
    """Check a limit of time; `None` is none.

    Raises:
        ValueError: It is not over 0.
    """
    if value is None:
        return
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # An int may be too large for a float.
    if not is_number or not (0 < value <= sys.float_info.max or value == math.inf):  # type: ignore[operator]
        msg = f"{name}={value!r} is not a limit: pass seconds over 0, or None for no limit."
        raise ValueError(msg)


def check_stop(stop: object) -> None:
    """Check stop sequences; `None` is not set.

    Raises:
        ValueError: They are no text and no list of texts.
    """
    texts = stop if isinstance(stop, list | tuple) else [stop]
    if stop is not None and not all(isinstance(text, str) for text in texts):
        msg = f"stop={stop!r} is no text and no list of texts."
        raise ValueError(msg)


def check_model(model: object) -> None:
    """Check a model id.

    Raises:
        ValueError: It is no text.
    """
    if not isinstance(model, str):
        msg = f"model={model!r} is no model id: pass text, such as 'google/gemini-3-flash-preview'."
        raise ValueError(msg)  # noqa: TRY004  as for all that a user may hand in


def check_mapping(name: str, value: object) -> None:
    """Check that what is laid over something is a mapping; `None` is not set.

    Raises:
        ValueError: It is none.
    """
    if value is not None and not _is_of_names(value):
        # Its values may be secret.
        msg = (
            f"{name} of type {type(value).__name__} is no mapping of names to values: pass a dict."
        )
        raise ValueError(msg)


def _is_of_names(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(name, str) for name in value)


def check_attempts(name: str, value: object) -> None:
    """Check a number of further attempts.

    Raises:
        ValueError: It is not 0 or more.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        msg = f"{name}={value!r} is not a number of attempts: pass 0 or more."
        raise ValueError(msg)


NO_MODEL = "model is missing: pass an id such as 'google/gemini-3-flash-preview'."
_MAPPING = "a mapping of names to values: pass a dict"
_SWITCH = "a switch: pass True or False"
# What the values of our settings are, where pydantic looks at them first.
KINDS = {
    **{name: _range_words(name) for name in RANGES},
    "aimlapi_api_base": "an address: pass text, such as 'https://api.aimlapi.com/v1'",
    "default_headers": "a dict of names to texts",
    "empty_response_retries": "a number of attempts: pass 0 or more",
    "extra_body": _MAPPING,
    "max_retries": "a number of attempts: pass 0 or more",
    "missing_signatures": "one of 'auto', 'send' and 'skip'",
    "model": "a model id: pass text, such as 'google/gemini-3-flash-preview'",
    "model_kwargs": _MAPPING,
    "parallel_tool_calls": _SWITCH,
    "prediction": "a dict such as {'type': 'content', 'content': ...}",
    "provider": "the name of a provider: pass text, such as 'google'",
    "reasoning": "a dict such as {'effort': 'low'}",
    "reasoning_effort": f"a level: pass one of {', '.join(EFFORTS)}",
    "stop": "a text or a list of texts",
    "stream_timeout": "a limit: pass seconds over 0, or None for no limit",
    "stream_usage": _SWITCH,
    "streaming": _SWITCH,
    "tool_choice": "a choice: pass 'auto', 'any', 'none', the name of a tool, or a dict",
}
# Of the keywords of a call, which pydantic does not see; others have checks of their own.
_TYPES: dict[str, type] = {
    "parallel_tool_calls": bool,
    "prediction": Mapping,
    "provider": str,
    "reasoning": Mapping,
    "stream_usage": bool,
}
# May hold what is secret.
_NOT_SHOWN = frozenset({"default_headers", "extra_body", "model_kwargs"})


def check_keywords(keywords: JsonMapping) -> None:
    """Check keywords of a call whose type says what they may be; `None` is not set.

    Args:
        keywords: By the wire's names and the fields'.

    Raises:
        ValueError: A value is of another type.
    """
    for name in _TYPES.keys() & keywords.keys():
        value = keywords[name]
        kind = _TYPES[name]
        is_right = _is_of_names(value) if kind is Mapping else isinstance(value, kind)
        if value is not None and not is_right:
            raise ValueError(f"{name}={reprlib.repr(value)} is not {KINDS[name]}.")


def validated(name: str, value: object, validate: Callable[[object], object]) -> object:
    """Return a setting's value as pydantic and our own checks leave it.

    Args:
        name: The field.
        value: What the user handed in.
        validate: The checks.

    Raises:
        ValueError: The value is of another kind; in our words, which name it, not in pydantic's.
    """
    try:
        # pydantic takes `True` for 1, which nobody means by a number of tokens.
        if not (isinstance(value, bool) and name in _NUMBERS):
            return validate(value)
    except ValidationError as failure:
        if any(detail["type"] == "value_error" for detail in failure.errors()):
            raise  # of a check that a subclass has made of the field's type
    shown = "" if name in _NOT_SHOWN else f"={reprlib.repr(value)}"
    setting = "base_url" if name == "aimlapi_api_base" else name
    raise ValueError(f"{setting}{shown} is not {KINDS[name]}.")
