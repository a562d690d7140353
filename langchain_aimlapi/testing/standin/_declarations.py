"""Whether a function declaration keeps to the subset of OpenAPI that Google documents for Gemini.

Sources: Google's reference of `FunctionDeclaration` and of the `Schema` object
(ai.google.dev/api/caching#Schema; Vertex AI's reference adds `additionalProperties`), read
2026-11-26 in the clients that are generated from it; the words of the refusals from public reports
(azure-devops-mcp #145, 9router #359, gemini-cli #3814 and the like). None was seen on this
endpoint: that it passes declarations on as they are is assumed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Schema = Mapping[str, object]
    Rule = Callable[[Schema, str], Iterator[str]]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_FIELDS = frozenset(
    {
        *("additionalProperties", "anyOf", "default", "description", "enum", "example", "format"),
        *("items", "maxItems", "maxLength", "maxProperties", "maximum", "minItems", "minLength"),
        *("minProperties", "minimum", "nullable", "pattern", "properties", "propertyOrdering"),
        *("required", "title", "type"),
    }
)
# What the reference names; public reports show others (uri, uuid, email) refused.
_FORMATS = {
    "integer": ("int32", "int64"),
    "number": ("float", "double"),
    "string": ("date-time", "enum"),
}
_ONLY_FOR = {
    **dict.fromkeys(("properties", "required", "propertyOrdering"), "object"),
    **dict.fromkeys(("additionalProperties", "minProperties", "maxProperties"), "object"),
    **dict.fromkeys(("items", "minItems", "maxItems"), "array"),
}


def declaration_problem(function: Mapping[str, object]) -> str | None:
    """Return the words with which Gemini would refuse a declaration, or `None`.

    Args:
        function: The `function` of a tool: `name`, `description`, `parameters`.
    """
    name = function.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return (
            f"function.name: [FIELD_INVALID] Invalid function name. Must start with a letter or an "
            f"underscore, received {name!r}"
        )
    # Left out they are allowed; an empty schema has no type OBJECT.
    parameters = function.get("parameters", {"type": "object"})
    if not isinstance(parameters, dict) or parameters.get("type") != "object":
        return "function.parameters: parameters schema should be of type OBJECT."
    problems = [*_problems(parameters, "function.parameters")]
    return problems[0] if problems else None


def _problems(schema: object, path: str) -> Iterator[str]:
    if not isinstance(schema, dict):
        yield f"{path}: Invalid value (type.googleapis.com/google.ai.Schema), {schema!r}"
        return
    for rule in _RULES:
        yield from rule(schema, path)
    properties = schema.get("properties")
    if isinstance(properties, dict):
        for name, entry in properties.items():
            yield from _problems(entry, f"{path}.properties[{name}]")
    if "items" in schema:
        yield from _problems(schema["items"], f"{path}.items")
    if not isinstance(schema.get("additionalProperties", True), bool):
        yield from _problems(schema["additionalProperties"], f"{path}.additional_properties")
    for position, branch in enumerate(_branches(schema)):
        yield from _problems(branch, f"{path}.any_of[{position}]")


def _branches(schema: Schema) -> list[object]:
    branches = schema.get("anyOf", [])
    return branches if isinstance(branches, list) else []


def _fields(schema: Schema, path: str) -> Iterator[str]:
    for name in schema:
        if name not in _FIELDS:
            yield f'{path}: Invalid JSON payload. Unknown name "{name}": Cannot find field.'
    description = schema.get("description", "")
    if not isinstance(description, str):
        yield f"{path}.description: Invalid value (TYPE_STRING), {description!r}"


def _type(schema: Schema, path: str) -> Iterator[str]:
    kind = schema.get("type", "string")
    if kind not in _TYPES:
        yield f"{path}.type: Invalid value (type.googleapis.com/google.ai.Type), {kind!r}"
    for name, wanted in _ONLY_FOR.items():
        if name in schema and schema.get("type") != wanted:
            yield f"{path}.{name}: only allowed for {wanted.upper()} type"
    if schema.get("type") == "array" and "items" not in schema:
        yield f"{path}.items: missing field."


def _enum(schema: Schema, path: str) -> Iterator[str]:
    if "enum" not in schema:
        return
    values = schema["enum"]
    if schema.get("type") != "string":
        yield f"{path}.enum: only allowed for STRING type"
    if not isinstance(values, list) or not values:
        yield f"{path}.enum: should not be empty"
        return
    for position, value in enumerate(values):
        if not isinstance(value, str):
            yield f"{path}.enum[{position}]: Invalid value (TYPE_STRING), {value!r}"


def _format(schema: Schema, path: str) -> Iterator[str]:
    name, kind = schema.get("format"), schema.get("type")
    formats = _FORMATS.get(kind, ()) if isinstance(kind, str) else ()
    if name is not None and name not in formats:
        yield f"{path}.format: {name!r} is not supported, expected {' | '.join(formats) or 'none'}"


def _any_of(schema: Schema, path: str) -> Iterator[str]:
    if "anyOf" not in schema:
        return
    if not _branches(schema):
        yield f"{path}.any_of: should not be empty"
    beside = [name for name in schema if name != "anyOf"]
    # The words are Google's: a description beside `anyOf` has to move into the branches.
    if beside:
        yield (
            f"{path}.any_of: When using any_of, it must be the only field set, found beside it: "
            f"{', '.join(beside)}"
        )


def _required(schema: Schema, path: str) -> Iterator[str]:
    names, properties = schema.get("required", []), schema.get("properties")
    defined = properties if isinstance(properties, dict) else {}
    if not isinstance(names, list):
        yield f"{path}.required: Invalid value, {names!r}"
        return
    for position, name in enumerate(names):
        if name not in defined:
            yield f"{path}.required[{position}]: property is not defined"


_RULES: tuple[Rule, ...] = (_fields, _type, _enum, _format, _any_of, _required)
