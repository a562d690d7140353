"""Tool definitions, from what LangChain's users write to the wire.

Of `tool_choice` the endpoint takes `"none"`, `"auto"`, `"required"` or one function by name;
`parameters` is required; a name is `[A-Za-z0-9_-]{1,64}` (wire facts 2.1 of 2026-11-21).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from langchain_aimlapi._codec.json_schema import encoded_schema
from langchain_aimlapi._json import require_json

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_JSON_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_CHOICES = {"any": "required", "auto": "auto", "none": "none", "required": "required"}
# Keys of the flat dicts (Anthropic's, MCP's, OpenAI's functions) that get another place or name.
_FLAT_KEYS = frozenset(
    {"description", "inputSchema", "input_schema", "name", "parameters", "strict", "type"}
)


def encode_tools(tools: Sequence[Any], *, strict: bool | None = None) -> list[dict[str, Any]]:
    """Return the wire's `tools`.

    Args:
        tools: Each one a function with type hints, a pydantic class (v1 or v2), a `TypedDict`, a
            dataclass, a `BaseTool` (a Runnable's `as_tool()` is one), or a dict: a JSON schema with
            a `title`, OpenAI's, Anthropic's (`input_schema`), MCP's (`inputSchema`), Bedrock's
            (`toolSpec`), or any other with a `type`, which is passed on untouched. What a dict
            holds besides (`cache_control`) stays on the tool; of a `BaseTool`'s `extras` only
            `cache_control` is sent, as the others are for other providers.
        strict: Sent as each function's `strict` unless the tool has its own. Schemas are not
            changed by it: what is optional stays so, unlike in OpenAI's strict form.

    Returns:
        `{"type": "function", "function": {"name", "description"?, "parameters", "strict"?}}` each,
        schemas rewritten as `_schema` tells; empty for no tools, which the request then leaves out.
        Encoding a result again gives it back.

    Raises:
        ValueError: Not a tool, a name that the endpoint does not take, a recursive schema, or a
            value that JSON cannot say; the text names the tool and the place.
    """
    encoded = [_encode_tool(tool, strict=strict) for tool in tools]
    for tool in encoded:
        require_json(tool, where=_label(tool))
    return encoded


def encode_tool_choice(
    tool_choice: str | bool | Mapping[str, Any] | None,  # noqa: FBT001  LangChain's bind_tools has it
    *,
    tools: Sequence[dict[str, Any]],
) -> str | dict[str, Any] | None:
    """Return the wire's `tool_choice`, or `None` to send none.

    Args:
        tool_choice: `None` and `False` leave the choice to the API's default, which is `"auto"`;
            `"any"`, `"required"` and `True` force some call; a tool's name, or a dict of OpenAI's
            or Anthropic's form, forces that tool. A dict of a `type` unknown here is passed on.
        tools: The encoded tools that it chooses from. Without tools nothing is sent, as `"auto"`
            and `"none"` then ask for what happens anyway.

    Raises:
        ValueError: The tool named is not among `tools`, a call is forced with no tools at all, or
            it is of no known form.
    """
    if tool_choice is None or tool_choice is False:
        return None
    choice = "required" if tool_choice is True else _encode_choice(tool_choice)
    if not tools:
        if choice in ("auto", "none"):
            return None
        raise ValueError(
            f"tool_choice={tool_choice!r} forces a tool call, but no tools are bound. "
            "Bind tools, or leave tool_choice out."
        )
    name = _chosen_name(choice)
    names = [tool["function"]["name"] for tool in tools if "function" in tool]
    if name is not None and name not in names:
        raise ValueError(
            f"tool_choice names {name!r}, which is not bound; bound are {names}. "
            "Besides a name it takes 'auto', 'none', 'any' and 'required'."
        )
    return choice


def _encode_choice(tool_choice: str | Mapping[str, Any]) -> str | dict[str, Any]:
    if isinstance(tool_choice, str):
        return _CHOICES.get(tool_choice) or _function_choice(tool_choice)
    match dict(tool_choice):
        case {"type": "function", "function": {"name": str(name)}}:
            return _function_choice(name)
        case {"type": "function" | "tool", "name": str(name), **rest} if not rest:
            return _function_choice(name)
        case {"type": "any" | "auto" | "none" | "required" as kind, **rest} if not rest:
            return _CHOICES[kind]
        case {"disable_parallel_tool_use": _}:
            raise ValueError(
                f"tool_choice={tool_choice!r}: pass parallel_tool_calls=False to bind_tools "
                "instead of disable_parallel_tool_use."
            )
        case {"type": str(kind)} if kind not in ("function", "tool"):
            return dict(tool_choice)
        case _:
            raise ValueError(
                f"tool_choice={tool_choice!r} has no known form. It takes 'auto', 'none', 'any', "
                "'required', a tool's name, True, or a dict such as "
                "{'type': 'function', 'function': {'name': ...}}."
            )


def _function_choice(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def _chosen_name(choice: str | dict[str, Any]) -> str | None:
    if isinstance(choice, dict) and choice["type"] == "function":
        return str(choice["function"]["name"])
    return None


def _encode_tool(tool: Any, *, strict: bool | None) -> dict[str, Any]:  # noqa: ANN401  what users hand in
    if isinstance(tool, Mapping):
        return _encode_dict(dict(tool), strict=strict)
    from langchain_aimlapi._codec.tool_schemas import declaration  # noqa: PLC0415  loads langchain_core.tools: 30 ms

    name, description, schema, is_made, extras = declaration(tool)
    function = {"name": name, "description": description, "parameters": _unnamed(schema)}
    kept = {"cache_control": extras["cache_control"]} if "cache_control" in extras else {}
    return {**_encode_function(function, strict=strict, drop_made_titles=is_made), **kept}


def _encode_dict(tool: dict[str, Any], *, strict: bool | None) -> dict[str, Any]:
    kind = tool.get("type")
    match tool:
        case {"type": "function", "function": dict(function)}:
            return {**tool, **_encode_function(function, strict=strict)}
        case {"toolSpec": {"name": name, "inputSchema": {"json": schema}, **rest}}:
            function = {"name": name, **rest, "parameters": schema}
            return _encode_function(function, strict=strict)
        case {"name": _} if kind in (None, "function") or _is_anthropic(tool):
            function = {key: tool[key] for key in ("name", "description", "strict") if key in tool}
            function["parameters"] = _flat_schema(tool)
            kept = {key: value for key, value in tool.items() if key not in _FLAT_KEYS}
            return {**_encode_function(function, strict=strict), **kept}
        case {"title": str(title)} if kind is None or kind in _JSON_TYPES:
            description = tool.get("description")
            function = {"name": title, "description": description, "parameters": _unnamed(tool)}
            return _encode_function(function, strict=strict)
        case {"type": str()} if kind not in ("function", *_JSON_TYPES):
            return tool
        case _:
            raise ValueError(
                f"{tool!r} is no tool that is known here. A JSON schema needs a top-level 'title' "
                "as the tool's name; other dicts need a 'name' or a 'type' of the provider's."
            )


def _is_anthropic(tool: dict[str, Any]) -> bool:
    return tool.get("type") == "custom" and "input_schema" in tool


def _flat_schema(tool: dict[str, Any]) -> Any:  # noqa: ANN401  what users hand in
    keys = ("input_schema", "inputSchema", "parameters")
    return next((tool[key] for key in keys if key in tool), None)


def _unnamed(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema without the words that stand beside it in a function."""
    return {key: value for key, value in schema.items() if key not in ("title", "description")}


def _encode_function(
    function: dict[str, Any], *, strict: bool | None, drop_made_titles: bool = False
) -> dict[str, Any]:
    name = function.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no name for a tool: it takes 1 to 64 letters, digits, '_' and '-'. "
            "A class can be named by model_config['title'], a dict by its 'name' or 'title'."
        )
    where = f"tool {name!r}: parameters"
    encoded = {key: value for key, value in function.items() if key != "description" or value}
    encoded["parameters"] = _parameters(
        function.get("parameters") or {}, where=where, drop_made_titles=drop_made_titles
    )
    if strict is not None and encoded.get("strict") is None:
        encoded["strict"] = strict
    return {"type": "function", "function": encoded}


def _parameters(schema: Any, *, where: str, drop_made_titles: bool) -> dict[str, Any]:  # noqa: ANN401  what users hand in
    encoded = encoded_schema(schema, where=where, drop_made_titles=drop_made_titles)
    if not encoded:
        return {"type": "object", "properties": {}}
    if encoded.get("type", "object") != "object":
        raise ValueError(
            f"{where} must describe an object, but they are of type {encoded['type']!r}. "
            "Wrap that in a model with one field."
        )
    if "type" not in encoded and "properties" in encoded:
        return {"type": "object", **encoded}
    return encoded


def _label(tool: dict[str, Any]) -> str:
    function = tool.get("function")
    name = function.get("name") if isinstance(function, dict) else tool.get("type")
    return f"tool {name!r}"
