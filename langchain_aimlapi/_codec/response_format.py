"""`response_format`, from what a user writes to the wire.

The endpoint takes `text`, `json_object` and `json_schema` with a name of `[A-Za-z0-9_-]{1,64}`
(wire facts 8 of 2026-11-21).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

from langchain_aimlapi._codec.declaration import Declaration, Rewritten
from langchain_aimlapi._codec.tools import JSON_TYPES, encode_tools, read_tool

if TYPE_CHECKING:
    from langchain_aimlapi._json import JsonMapping, JsonObject

_NOT_IN_A_NAME = r"[^A-Za-z0-9_-]"


def encode_response_format(source: Any, *, strict: bool | None = None) -> JsonObject | None:
    """Return the wire's `response_format`.

    Args:
        source: A pydantic class (v1 or v2), a dataclass, a `TypedDict` class, a JSON schema with a
            `title`, OpenAI's dicts, or the wire's own form; `None` for none.
        strict: Sent with a schema that has no `strict` of its own.

    Returns:
        `{"type": "json_schema", "json_schema": {"name", "schema", "strict"?}}` with the schema
        rewritten as `json_schema` tells; another type (`text`, `json_object`) as it is.

    Raises:
        ValueError: It is no schema of an object, or one that cannot be sent.
    """
    if source is None or isinstance(source, Rewritten):
        return source
    match source:
        case {"type": "json_schema", "json_schema": Mapping() as given}:
            named = dict(given)
            schema = named.get("schema")
            if isinstance(schema, Mapping):
                where = f"response_format {named.get('name')!r}: schema"
                named["schema"] = _encoded(schema, where=where)
            return Rewritten({**source, "json_schema": named})
        case {"type": str(kind)} if kind not in ("function", "json_schema", *JSON_TYPES):
            return Rewritten(source)
        case _:
            return _of_declaration(read_schema(source), strict=strict)


def encode_schemas(keywords: JsonMapping) -> JsonObject:
    """Return the keywords of a call with `tools` and `response_format` as the wire has them.

    Args:
        keywords: What is bound, or part of a call.

    Raises:
        ValueError: A tool or the schema cannot be sent.
    """
    encoded = dict(keywords)
    if keywords.get("tools"):
        encoded["tools"] = encode_tools(keywords["tools"])
    if keywords.get("response_format") is not None:
        encoded["response_format"] = encode_response_format(keywords["response_format"])
    return encoded


def read_schema(source: Any) -> Declaration:
    """Return how the schema of an answer declares itself.

    Args:
        source: See `encode_response_format`; a `response_format` with a schema is one, too.

    Raises:
        ValueError: It is no schema of an object; the text says what to write.
    """
    match source:
        case {"json_schema": {"name": _, "schema": _} as named}:
            return _of_named(named)
        case {"name": _, "schema": _}:
            return _of_named(source)
    declared = read_tool(_class_or_dict(source))
    if declared is None:
        raise ValueError(f"{source!r} is a provider's tool, not a schema.")
    return declared


def answer_schema(declared: Declaration) -> JsonObject:
    """Return the JSON schema of an answer as it leaves, its description inside.

    Args:
        declared: How it declares itself.

    Raises:
        ValueError: It is no object, or cannot be sent.
    """
    where = f"schema {declared.name!r}"
    schema = declared.schema
    if isinstance(schema, Mapping):
        schema = {key: schema[key] for key in schema if key not in ("title", "description")}
    if declared.description:
        schema = {"description": declared.description, **schema}
    encoded = _encoded(schema, where=where, drop_made_titles=declared.is_made)
    kind = encoded.get("type", "object")
    if kind != "object":
        raise ValueError(
            f"{where} must describe an object, but it is of type {kind!r}. Wrap that in a model "
            "with one field."
        )
    is_union = "anyOf" in encoded
    return encoded if is_union else {"type": "object", "properties": {}, **encoded}


def _encoded(schema: Any, *, where: str, drop_made_titles: bool = False) -> JsonObject:
    # Loaded with the first schema: many processes have none.
    from langchain_aimlapi._codec.json_schema import encoded_schema

    return encoded_schema(schema, where=where, kind="response", drop_made_titles=drop_made_titles)


def _of_named(named: JsonMapping) -> Declaration:
    strict = {"strict": named["strict"]} if "strict" in named else {}
    description = named.get("description") or ""
    return Declaration(named["name"], description, named["schema"], is_made=False, function=strict)


def _of_declaration(declared: Declaration, *, strict: bool | None) -> Rewritten:
    # The name is a label only: `Box[int]` of a generic class becomes `Box_int_`.
    name = re.sub(_NOT_IN_A_NAME, "_", str(declared.name))[:64]
    named: JsonObject = {"name": name, "schema": answer_schema(declared)}
    own = declared.function.get("strict")
    given = strict if own is None else own
    if given is not None:
        named["strict"] = given
    return Rewritten({"type": "json_schema", "json_schema": named})


def _class_or_dict(source: Any) -> Any:
    if source is None:
        raise ValueError("schema=None, any JSON object, takes method='json_mode'.")
    if isinstance(source, Mapping) or (isinstance(source, type) and not _is_value(source)):
        return source
    raise ValueError(_advice(source))


def _is_value(source: type) -> bool:
    return source.__module__ == "builtins" or issubclass(source, Enum)


def _advice(source: Any) -> str:
    """Say why an annotation or a value is no schema of an object, and what to write."""
    if isinstance(source, str):
        return (
            f"schema={source!r} is text. Pass the class itself (with_structured_output(Answer)) or "
            "a JSON schema as a dict."
        )
    name = source.__name__ if isinstance(source, type) else re.sub(r"\w+\.", "", str(source))
    field = f"items: {name}" if name.startswith(("list", "List")) else f"value: {name}"
    return (
        f"schema={source!r} is not a class with fields, and the model answers with one JSON "
        f"object. Wrap it in one:\n\n    class Answer(BaseModel):\n        {field}\n\n"
        "    model.with_structured_output(Answer)"
    )
