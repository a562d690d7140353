"""Small checks that compose into a strict check of a JSON value, naming the field that fails."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Check = Callable[[object, str], str | None]

_JSON_NAMES: Mapping[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}


def json_type(value: object) -> str:
    """Return the JSON name of the type of `value`, for messages."""
    return _JSON_NAMES.get(type(value), type(value).__name__)


def _expected(what: str, value: object, path: str) -> str:
    return f"{path}: expected {what}, received {json_type(value)}"


def anything(_value: object, _path: str) -> str | None:
    """Return `None`: every value is good."""
    return None


def null(value: object, path: str) -> str | None:
    """Return the problem with a value that must be null."""
    return None if value is None else _expected("null", value, path)


def boolean(value: object, path: str) -> str | None:
    """Return the problem with a value that must be true or false."""
    return None if isinstance(value, bool) else _expected("boolean", value, path)


def string(*, pattern: str | None = None, values: tuple[str, ...] = ()) -> Check:
    """Return a check of a string, by a pattern of the whole or a list of values."""

    def check(value: object, path: str) -> str | None:
        if not isinstance(value, str):
            return _expected("string", value, path)
        if values and value not in values:
            listed = " | ".join(repr(allowed) for allowed in values)
            return f"{path}: invalid enum value, expected {listed}, received {value[:80]!r}"
        if pattern is not None and re.fullmatch(pattern, value, re.DOTALL) is None:
            return f"{path}: {value[:80]!r} does not match {pattern}"
        return None

    return check


def number(
    *, minimum: float | None = None, maximum: float | None = None, whole: bool = False
) -> Check:
    """Return a check of a number within limits that are allowed themselves."""
    what = "integer" if whole else "number"

    def check(value: object, path: str) -> str | None:
        # To Python `True` is a number, to JSON it is none.
        if isinstance(value, bool) or not isinstance(value, int | float):
            return _expected(what, value, path)
        if isinstance(value, float) and not (value.is_integer() if whole else math.isfinite(value)):
            return _expected(what, value, path)
        if minimum is not None and value < minimum:
            return f"{path}: must be greater than or equal to {minimum}, received {value}"
        if maximum is not None and value > maximum:
            return f"{path}: must be less than or equal to {maximum}, received {value}"
        return None

    return check


def array(item: Check, *, at_least: int = 0, at_most: int | None = None) -> Check:
    """Return a check of an array, its length and each item."""

    def check(value: object, path: str) -> str | None:
        if not isinstance(value, list):
            return _expected("array", value, path)
        if len(value) < at_least:
            return f"{path}: must hold at least {at_least} items, received {len(value)}"
        if at_most is not None and len(value) > at_most:
            return f"{path}: must hold at most {at_most} items, received {len(value)}"
        problems = (item(member, f"{path}.{position}") for position, member in enumerate(value))
        return next((problem for problem in problems if problem), None)

    return check


def record(
    required: Mapping[str, Check],
    optional: Mapping[str, Check] | None = None,
    *,
    closed: bool = False,
) -> Check:
    """Return a check of an object; a closed one (`additionalProperties: false`) bears no other."""
    known = {**required, **(optional or {})}

    def check(value: object, path: str) -> str | None:
        if not isinstance(value, dict):
            return _expected("object", value, path)
        prefix = f"{path}." if path else ""
        for name in required:
            if name not in value:
                return f"{prefix}{name}: required"
        for name, member in value.items():
            if name in known:
                problem = known[name](member, f"{prefix}{name}")
                if problem:
                    return problem
            elif closed:
                return f"{prefix}{name}: unrecognized key"
        return None

    return check


def either(**checks: Check) -> Check:
    """Return a check that goes by the JSON type of the value, such as `string=`, `array=`."""

    def check(value: object, path: str) -> str | None:
        chosen = checks.get(json_type(value))
        return chosen(value, path) if chosen else _expected(" | ".join(checks), value, path)

    return check


def tagged(tag: str, checks: Mapping[str, Check], *, other: Check | None = None) -> Check:
    """Return a check of an object that goes by the value of its key `tag`.

    Args:
        tag: The discriminating key, such as `type` or `role`.
        checks: The check for each known value of it.
        other: The check for any other string; without it others are refused.
    """
    known = string(values=tuple(checks))

    def check(value: object, path: str) -> str | None:
        if not isinstance(value, dict):
            return _expected("object", value, path)
        name = value.get(tag)
        if isinstance(name, str) and name in checks:
            return checks[name](value, path)
        if isinstance(name, str) and other is not None:
            return other(value, path)
        return known(name, f"{path}.{tag}")

    return check


def also(*checks: Check) -> Check:
    """Return a check that is good when all are; the first problem counts."""

    def check(value: object, path: str) -> str | None:
        problems = (part(value, path) for part in checks)
        return next((problem for problem in problems if problem), None)

    return check
