"""Tool definitions, from what LangChain's users write to the wire.

Of `tool_choice` the endpoint takes `"none"`, `"auto"`, `"required"` or one function by name;
`parameters` is required; a name is `[A-Za-z0-9_-]{1,64}` and there are 128 tools at most (wire
facts 2.1 of 2026-11-21). Gemini besides refuses a name that begins with a digit or a dash, and two
tools of one name (wire facts 13.2 of 2026-11-26).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from langchain_aimlapi._codec.declaration import Declaration, Rewritten
from langchain_aimlapi._json import require_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_aimlapi._json import JsonMapping, JsonObject

MAX_TOOLS = 128
JSON_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")

_NAME = r"[A-Za-z_][A-Za-z0-9_-]{0,63}"
_CHOICES = {"any": "required", "auto": "auto", "none": "none", "required": "required"}
# Keys of the flat dicts (Anthropic's, MCP's, OpenAI's functions) that get another place or name.
_FLAT_KEYS = frozenset(
    {"description", "inputSchema", "input_schema", "name", "parameters", "strict", "type"}
)
# Google's form holds several functions, each under the same keys; of two of them the endpoint has
# no counterpart.
_GOOGLE_LISTS = ("function_declarations", "functionDeclarations")
_GOOGLE_SCHEMAS = ("parameters_json_schema", "parametersJsonSchema")
_GOOGLE_KEYS = frozenset(
    {*_GOOGLE_SCHEMAS, "behavior", "response", "responseJsonSchema", "response_json_schema"}
)
# What an MCP server tells its client of a tool; on the wire a tool bears no further key.
_MCP_KEYS = frozenset(
    {"_meta", "annotations", "execution", "icons", "meta", "outputSchema", "title"}
)


def encode_tools(tools: Any, *, strict: bool | None = None) -> list[JsonObject]:
    """Return the wire's `tools`.

    Args:
        tools: A list, each one a function with type hints, a pydantic class (v1 or v2), a
            `TypedDict`, a dataclass, a `BaseTool` (a Runnable's `as_tool()` is one), or a dict: a
            JSON schema with a `title`, OpenAI's, Anthropic's (`input_schema`), MCP's
            (`inputSchema`), Bedrock's (`toolSpec`), Google's (`function_declarations`), or any
            other with a `type`, which is passed on untouched. What a dict holds besides
            (`cache_control`) stays on the tool, but for what MCP tells only the client; of a
            `BaseTool`'s `extras` only `cache_control` is sent, as the others are for other
            providers.
        strict: Sent as each function's `strict` unless the tool has its own. Schemas are not
            changed by it: what is optional stays so, unlike in OpenAI's strict form.

    Returns:
        `{"type": "function", "function": {"name", "description"?, "parameters", "strict"?}}` each,
        schemas rewritten as `json_schema` tells; empty for no tools, which the request then leaves
        out. Encoding a result again gives it back, at no cost.

    Raises:
        ValueError: No list, not a tool, a name that the endpoint does not take or that two tools
            have, more than 128 tools, a schema that cannot be sent (recursive, too deep, too
            large), or a value that JSON cannot say; the text names the tool and the place.
    """
    encoded: list[JsonObject] = []
    schemas: list[Any] = []
    for source in _listed(tools):
        tool = _encode_tool(source, strict=strict)
        if _is_schema(source):  # a class and its JSON schema are one tool said twice
            said = _without_titles(tool)
            if said in schemas:
                continue
            schemas.append(said)
        encoded.append(tool)
    check_together(encoded)
    return encoded


def check_together(tools: Sequence[JsonMapping]) -> None:
    """Refuse tools that cannot be sent in one request.

    Args:
        tools: Encoded tools.

    Raises:
        ValueError: They are more than 128, or two have one name.
    """
    if len(tools) > MAX_TOOLS:
        raise ValueError(
            f"{len(tools)} tools are bound, but the endpoint takes {MAX_TOOLS} at most. Bind those "
            "that the task needs, or let the model choose among groups of them first."
        )
    known: set[str] = set()
    for tool in tools:
        name = _function_name(tool)
        if name in known:
            raise ValueError(
                f"Two tools are named {name!r}, and Gemini refuses a request with both. Rename "
                "one; the schema of a structured answer (a ToolStrategy's class) counts as a tool."
            )
        if name is not None:
            known.add(name)


def read_tool(tool: Any) -> Declaration | None:
    """Return how a tool declares itself, or `None` for a dict of a type that is unknown here.

    Args:
        tool: See `encode_tools`.

    Raises:
        ValueError: It is no tool.
    """
    if isinstance(tool, Mapping):
        return _read_dict(dict(tool))
    from langchain_aimlapi._codec.tool_schemas import declaration

    return declaration(tool)


def settle_tool_choice(settings: JsonMapping) -> JsonObject:
    """Return the parameters of a call with its `tool_choice` as the wire takes it.

    `parallel_tool_calls` without tools is left out too: Gemini refuses both.

    Args:
        settings: Parameters of the wire by name, `tools` encoded.

    Raises:
        ValueError: As `encode_tool_choice`.
    """
    tools = settings.get("tools") or []
    choice = encode_tool_choice(
        settings.get("tool_choice"), tools=tools, response_format=settings.get("response_format")
    )
    settled = {**settings, "tool_choice": choice}
    if not tools:
        settled.pop("parallel_tool_calls", None)
    return settled


def encode_tool_choice(
    tool_choice: str | bool | Sequence[str] | JsonMapping | None,  # noqa: FBT001  LangChain's bind_tools has it
    *,
    tools: Sequence[JsonObject],
    response_format: object = None,
) -> str | JsonObject | None:
    """Return the wire's `tool_choice`, or `None` to send none.

    Args:
        tool_choice: `None` and `False` leave the choice to the API's default, which is `"auto"`;
            `"any"`, `"required"` and `True` force some call; a tool's name, a list of one name, or
            a dict of OpenAI's or Anthropic's form, forces that tool; a list of all names, some
            call. A dict of a `type` unknown here is passed on.
        tools: The encoded tools that it chooses from. Without tools nothing is sent, as `"auto"`
            and `"none"` then ask for what happens anyway.
        response_format: The call's. Where it forces the answer's shape already, a forced tool that
            is not there is left out: some frameworks bind the schema's name as a choice too.

    Raises:
        ValueError: The tool named is not among `tools`, a call is forced with no tools at all, or
            it is of no known form.
    """
    if tool_choice is None or tool_choice is False:
        return None
    names = [tool["function"]["name"] for tool in tools if "function" in tool]
    choice = _encode_choice(_without_list(tool_choice, names))
    if not tools:
        if choice in ("auto", "none") or _schema_name(response_format) is not None:
            return None
        raise ValueError(
            f"tool_choice={tool_choice!r} forces a tool call, but no tools are bound. "
            "Bind tools, or leave tool_choice out."
        )
    name = _chosen_name(choice)
    if name is not None and name not in names:
        if name == _schema_name(response_format):
            return None
        raise ValueError(
            f"tool_choice names {name!r}, which is not bound; bound are {names}. "
            "Besides a name it takes 'auto', 'none', 'any' and 'required'."
        )
    return choice


def _without_list(tool_choice: Any, names: list[str]) -> Any:
    """Give a choice of several names, as ChatGoogleGenerativeAI takes it, in a form of ours."""
    if tool_choice is True:
        return "required"
    match tool_choice:
        case [str(name)]:
            return name
        case [_, *_] if names and sorted(map(str, tool_choice)) == sorted(names):
            return "required"
        case [_, *_]:
            raise ValueError(
                f"tool_choice={tool_choice!r}: every id takes one name, or any tool. Bind only "
                "these tools, with tool_choice='any', or pass OpenAI's dict of type "
                "'allowed_tools' to an id that documents it."
            )
        case _:
            return tool_choice


def _encode_choice(tool_choice: str | JsonMapping) -> str | JsonObject:
    if isinstance(tool_choice, str):
        return _CHOICES.get(tool_choice) or _function_choice(tool_choice)
    match tool_choice:
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


def _schema_name(response_format: object) -> str | None:
    """Return the name of the schema that the answer must have, `""` for JSON without one."""
    match response_format:
        case {"type": "json_schema", "json_schema": {"name": str(name)}}:
            return name
        case None | {"type": "text"}:
            return None
        case _:
            return ""


def _function_choice(name: str) -> JsonObject:
    return {"type": "function", "function": {"name": name}}


def _chosen_name(choice: str | JsonObject) -> str | None:
    if isinstance(choice, dict) and choice["type"] == "function":
        return str(choice["function"]["name"])
    return None


def _function_name(tool: JsonMapping) -> str | None:
    function = tool.get("function")
    name = function.get("name") if isinstance(function, Mapping) else None
    return name if isinstance(name, str) else None


def _is_schema(source: Any) -> bool:
    if isinstance(source, Mapping):
        return "title" in source and not {"name", "function"} & source.keys()
    return isinstance(source, type)


def _without_titles(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_titles(member) for member in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _without_titles(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str))
    }


def _listed(tools: Any) -> list[Any]:
    single = isinstance(tools, str | bytes | Mapping | BaseModel) or callable(tools)
    if single or not isinstance(tools, Iterable):
        name = getattr(tools, "__name__", None) or getattr(tools, "name", None)
        example = name if isinstance(name, str) else "tool"
        raise ValueError(
            f"{tools!r} is no list of tools. Write bind_tools([{example}]), or bind_tools([]) for "
            "none."
        )
    return [declared for tool in tools for declared in _google_functions(tool)]


def _google_functions(tool: Any) -> list[Any]:
    """Give the functions of a tool in Google's form; any other tool as it is."""
    if not isinstance(tool, Mapping) or len(tool) != 1:
        return [tool]
    functions = next((tool[key] for key in _GOOGLE_LISTS if key in tool), None)
    return functions if isinstance(functions, list) and functions else [tool]


def _encode_tool(tool: Any, *, strict: bool | None) -> JsonObject:
    # Encoded before, by `bind_tools` say: a call costs nothing for its tools then.
    if isinstance(tool, Rewritten):
        return tool if strict is None else _with_strict(tool, strict)
    declared = read_tool(tool)
    if declared is None:
        require_json(tool, where=f"tool {tool['type']!r}")
        return Rewritten(tool)
    return encode_declaration(declared, strict=strict)


def encode_declaration(declared: Declaration, *, strict: bool | None = None) -> JsonObject:
    """Return a tool on the wire.

    Args:
        declared: How it declares itself.
        strict: See `encode_tools`.

    Raises:
        ValueError: See `encode_tools`.
    """
    function: JsonObject = {"name": _checked_name(declared.name)}
    if declared.description:
        function["description"] = declared.description
    function["parameters"] = _parameters(declared)
    function.update(declared.function)
    if strict is not None and function.get("strict") is None:
        function["strict"] = strict
    encoded = {"type": "function", "function": function, **declared.extras}
    rest = {**declared.function, **declared.extras, "description": declared.description}
    require_json(rest, where=f"tool {declared.name!r}")
    return Rewritten(encoded)


def _with_strict(tool: Rewritten, strict: bool) -> Rewritten:  # noqa: FBT001  the wire's own flag
    function = tool.get("function")
    if not isinstance(function, dict) or function.get("strict") is not None:
        return tool
    return Rewritten({**tool, "function": {**function, "strict": strict}})


def _read_dict(tool: JsonObject) -> Declaration | None:
    kind = tool.get("type")
    match tool:
        case {"type": "function", "function": dict(function)}:
            extras = {key: tool[key] for key in tool if key not in ("type", "function")}
            return _of_function(function, function.get("parameters"), extras)
        case {"toolSpec": {"name": _, "inputSchema": {"json": schema}} as spec}:
            return _of_function(spec, schema, {})
        case {"name": _} if kind in (None, "function") or _is_anthropic(tool):
            dropped = _FLAT_KEYS | _GOOGLE_KEYS
            if "inputSchema" in tool:
                dropped |= _MCP_KEYS
            extras = {key: value for key, value in tool.items() if key not in dropped}
            function = {key: tool[key] for key in ("name", "description", "strict") if key in tool}
            return _of_function(function, _flat_schema(tool), extras)
        case {"title": str(title)} if kind is None or kind in JSON_TYPES:
            return Declaration(title, tool.get("description") or "", tool, is_made=False)
        case {"type": str()} if kind not in ("function", *JSON_TYPES):
            return None
        case _:
            raise ValueError(
                f"{tool!r} is no tool that is known here. A JSON schema needs a top-level 'title' "
                "as the tool's name; other dicts need a 'name' or a 'type' of the provider's. For "
                "Google's own tools (google_search, ...) the endpoint documents no form."
            )


def _of_function(function: JsonObject, schema: Any, extras: JsonObject) -> Declaration:
    apart = ("name", "description", "parameters", "inputSchema")
    return Declaration(
        function.get("name"),
        function.get("description") or "",
        schema or {},
        is_made=False,
        function={key: value for key, value in function.items() if key not in apart},
        extras=extras,
    )


def _is_anthropic(tool: JsonObject) -> bool:
    return tool.get("type") == "custom" and "input_schema" in tool


def _flat_schema(tool: JsonObject) -> Any:
    keys = ("input_schema", "inputSchema", "parameters", *_GOOGLE_SCHEMAS)
    return next((tool[key] for key in keys if key in tool), None)


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not re.fullmatch(_NAME, name):
        raise ValueError(
            f"{name!r} is no name for a tool: it takes 1 to 64 letters, digits, '_' and '-', of "
            "which the first is a letter or '_'. A class can be named by model_config['title'], a "
            "dict by its 'name' or 'title'."
        )
    return name


def _parameters(declared: Declaration) -> JsonObject:
    # Loaded with the first schema: many processes have none.
    from langchain_aimlapi._codec.json_schema import encoded_schema

    where = f"tool {declared.name!r}: parameters"
    schema = declared.schema
    if isinstance(schema, Mapping):
        # Its title and description are the function's own, unless a dict has another one there.
        own = ("title", "description") if _is_the_functions(declared) else ("title",)
        schema = {key: schema[key] for key in schema if key not in own}
    encoded = encoded_schema(
        schema, where=where, kind="function", drop_made_titles=declared.is_made
    )
    if encoded.get("type", "object") != "object" or "anyOf" in encoded:
        kind = encoded.get("type") or " or ".join(map(_type_of, encoded["anyOf"]))
        raise ValueError(
            f"{where} must describe an object, but they are of type {kind!r}. Wrap that in a model "
            "with one field."
        )
    return {"type": "object", "properties": {}, **encoded}


def _is_the_functions(declared: Declaration) -> bool:
    return declared.is_made or declared.schema.get("description") == declared.description


def _type_of(branch: JsonMapping) -> str:
    return str(branch.get("type", "any"))
