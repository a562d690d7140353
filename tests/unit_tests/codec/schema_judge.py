"""A judge of its own: what keywords mean, as JSON Schema 2020-12 (and OpenAPI) define them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

TYPES: dict[str, Any] = {
    "array": list,
    "boolean": bool,
    "integer": int,
    "number": int | float,
    "null": type(None),
    "object": dict,
    "string": str,
}


def is_type(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, TYPES[kind])


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def accepts(schema: Any, value: Any, root: dict[str, Any]) -> bool:
    if isinstance(schema, bool):
        return schema
    if schema.get("nullable") and value is None:
        return True
    return all(RULES[word](rule, value, schema, root) for word, rule in schema.items())


def has_type(rule: Any, value: Any, _schema: Any, _root: Any) -> bool:
    return any(is_type(value, kind) for kind in ([rule] if isinstance(rule, str) else rule))


def fits_reference(rule: Any, value: Any, _schema: Any, root: dict[str, Any]) -> bool:
    return accepts(root["$defs"][rule.rpartition("/")[2]], value, root)


def fits_one(rule: Any, value: Any, _schema: Any, root: dict[str, Any]) -> bool:
    return any(accepts(one, value, root) for one in rule)


def has_fitting_properties(rule: Any, value: Any, schema: Any, root: dict[str, Any]) -> bool:
    if not isinstance(value, dict):
        return True
    others = schema.get("additionalProperties", True)
    return all(accepts(rule.get(key, others), one, root) for key, one in value.items())


RULES: dict[str, Callable[[Any, Any, Any, dict[str, Any]], bool]] = {
    "$defs": lambda *_: True,
    "$ref": fits_reference,
    "additionalProperties": lambda _, value, schema, root: has_fitting_properties(
        schema.get("properties", {}), value, schema, root
    ),
    "allOf": lambda rule, value, _, root: all(accepts(one, value, root) for one in rule),
    "anyOf": fits_one,
    "const": lambda rule, value, *_: repr(rule) == repr(value),
    "description": lambda *_: True,
    "enum": lambda rule, value, *_: repr(value) in map(repr, rule),
    "items": lambda rule, value, _, root: (
        not isinstance(value, list) or all(accepts(rule, one, root) for one in value)
    ),
    "default": lambda *_: True,
    "format": lambda *_: True,  # the formats that stay are checked by the classes
    "maxItems": lambda rule, value, *_: not isinstance(value, list) or len(value) <= rule,
    "maxLength": lambda rule, value, *_: not isinstance(value, str) or len(value) <= rule,
    "maximum": lambda rule, value, *_: not is_number(value) or value <= rule,
    "minItems": lambda rule, value, *_: not isinstance(value, list) or len(value) >= rule,
    "minimum": lambda rule, value, *_: not is_number(value) or value >= rule,
    "minLength": lambda rule, value, *_: not isinstance(value, str) or len(value) >= rule,
    "not": lambda rule, value, _, root: not accepts(rule, value, root),
    "nullable": lambda *_: True,
    "oneOf": fits_one,  # as rewritten: see the module's docstring
    "properties": has_fitting_properties,
    "required": lambda rule, value, *_: not isinstance(value, dict) or set(rule) <= value.keys(),
    "title": lambda *_: True,
    "type": has_type,
}
