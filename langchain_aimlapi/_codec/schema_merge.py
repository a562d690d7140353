"""Two JSON schemas that hold together, as one.

In go two schemas, out comes the one that says what both say, `False` where nothing fits both, or
`None` where one schema cannot say it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_aimlapi._json import JsonObject

    Schema = JsonObject

# Keywords that describe and do not restrict: the outer word wins over the inner one.
ANNOTATIONS = frozenset(
    {"default", "deprecated", "description", "examples", "readOnly", "title", "writeOnly"}
)
# Keywords that mean something else once their neighbours change.
_SPEAK_OF_EACH_OTHER = (
    frozenset({"additionalProperties", "patternProperties", "properties"}),
    frozenset({"items", "prefixItems"}),
    frozenset({"else", "if", "then"}),
    frozenset({"contains", "maxContains", "minContains"}),
)


def merge_schemas(inner: object, outer: object) -> Schema | Literal[False] | None:
    """Return one schema for two that hold together.

    Args:
        inner: A schema; of its words those are kept that `outer` has not.
        outer: A schema.

    Returns:
        A new schema; `False` where their types exclude each other; `None` where it takes an
        `allOf` to say it.
    """
    if not isinstance(inner, dict) or not isinstance(outer, dict) or _would_mix(inner, outer):
        return None
    result: Schema = dict(inner)
    for key, value in outer.items():
        known = result.get(key, value)
        if key in ANNOTATIONS or is_same(known, value):
            result[key] = value
            continue
        both = _BOTH[key](known, value) if key in _BOTH else None
        if both is None or both is False:
            return both
        result[key] = both
    return result


def is_same(left: object, right: object) -> bool:
    """Tell whether two JSON values are the same; to Python `1 == True`.

    Args:
        left: Any JSON value.
        right: Any JSON value.
    """
    return left == right and repr(left) == repr(right)


def _would_mix(inner: Schema, outer: Schema) -> bool:
    """Tell whether a keyword of one schema would come to speak of neighbours in the other."""
    for group in _SPEAK_OF_EACH_OTHER:
        ours, theirs = ({key: part[key] for key in group & part.keys()} for part in (inner, outer))
        if ours and theirs and ours != theirs and {*ours, *theirs} != {"properties"}:
            return True
    return False


def _required(known: object, value: object) -> object:
    if not isinstance(known, list) or not isinstance(value, list):
        return None
    return [*known, *(name for name in value if name not in known)]


def _properties(known: object, value: object) -> object:
    if not isinstance(known, dict) or not isinstance(value, dict):
        return None
    both = {name: merge_schemas(known[name], value[name]) for name in known if name in value}
    return None if None in both.values() else {**known, **value, **both}


def _types(known: object, value: object) -> object:
    """Return the types that both allow; every integer is a number."""
    ours, theirs = _kinds(known), _kinds(value)
    if not ours or not theirs:
        return None
    both = [kind for kind in ours if kind in theirs or (kind == "integer" and "number" in theirs)]
    both += [kind for kind in theirs if kind == "integer" and "number" in ours and kind not in both]
    if not both:
        return False
    return both[0] if len(both) == 1 else both


def _kinds(types: object) -> list[str]:
    kinds = [types] if isinstance(types, str) else types
    return kinds if isinstance(kinds, list) and all(isinstance(kind, str) for kind in kinds) else []


def _values(known: object, value: object) -> object:
    if not isinstance(known, list) or not isinstance(value, list):
        return None
    return [ours for ours in known if any(is_same(ours, theirs) for theirs in value)] or None


def _limit(pick: Callable[..., object]) -> Callable[[object, object], object]:
    def both(known: object, value: object) -> object:
        numbers = all(
            isinstance(limit, int | float) and not isinstance(limit, bool)
            for limit in (known, value)
        )
        return pick(known, value) if numbers else None

    return both


_LOWER = ("exclusiveMinimum", "minItems", "minLength", "minProperties", "minimum")
_UPPER = ("exclusiveMaximum", "maxItems", "maxLength", "maxProperties", "maximum")
_BOTH: dict[str, Callable[[object, object], object]] = {
    "enum": _values,
    "properties": _properties,
    "required": _required,
    "type": _types,
    **dict.fromkeys(_LOWER, _limit(max)),
    **dict.fromkeys(_UPPER, _limit(min)),
}
