"""Whether JSON can say a value, with the first place where it cannot."""

from __future__ import annotations

import math
import re

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def require_json(value: object, *, where: str) -> None:
    """Refuse what JSON cannot say.

    Args:
        value: Any value that a user may have put into a tool or a schema.
        where: What the value is, for the error, such as `tool 'search'`.

    Raises:
        ValueError: Names the place inside `value`, and what stands there.
    """
    match value:
        case list() | tuple():
            for position, one in enumerate(value):
                require_json(one, where=f"{where}[{position}]")
        case dict():
            odd = [key for key in value if not isinstance(key, str)]
            if odd:
                raise ValueError(f"{where} has the key {odd[0]!r}, but JSON's keys are strings.")
            for key, one in value.items():
                require_json(one, where=f"{where}.{key}")
        case _ if not _is_plain(value):
            raise ValueError(
                f"{where} is {value!a} ({type(value).__name__}), which JSON cannot say. "
                "Use plain strings, finite numbers, booleans, None, lists and dicts."
            )


def _is_plain(value: object) -> bool:
    match value:
        case float():
            return math.isfinite(value)
        case str():
            return not _LONE_SURROGATE.search(value)
        case _:
            return value is None or isinstance(value, int)
