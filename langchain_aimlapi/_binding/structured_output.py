"""`with_structured_output`: a model bound to answer with one object, plus what reads the object."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from langchain_core.runnables.base import RunnableBindingBase

from langchain_aimlapi._binding.output_parser import ObjectParser, keep_failure
from langchain_aimlapi._codec.declaration import Rewritten
from langchain_aimlapi._codec.response_format import (
    answer_schema,
    encode_response_format,
    read_schema,
)
from langchain_aimlapi._codec.tools import (
    check_together,
    encode_declaration,
    encode_tool_choice,
    encode_tools,
)

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable

    from langchain_aimlapi._json import JsonMapping, JsonObject

    Keywords = JsonObject


def structured_output(
    source: Any,
    schema: Any,
    *,
    method: str | None,
    include_raw: bool,
    strict: bool | None,
    **settings: Any,
) -> Runnable[Any, Any]:
    """Return a Runnable that takes what the model takes and gives one object.

    Args:
        source: The chat model, or what is bound to it; its `bind` is called.
        schema: A pydantic class (v1 or v2) or a dataclass gives an instance of it; a `TypedDict`
            class, a JSON schema with a `title` or OpenAI's dicts give a dict as the model wrote it.
            `None` is any JSON object, with `json_mode`.
        method: `json_schema` sends it as `response_format`; `function_calling` as a tool that must
            be called, beside those that are bound, and its first call is taken; `json_mode` sends
            no schema, and nothing is added to the prompt, which must ask for JSON and name the
            keys itself. `None` chooses by the model's profile.
        include_raw: Give `{"raw", "parsed", "parsing_error"}` and raise nothing that is the
            answer's fault. A stream gives the pieces of `raw`, the rest at the end; they add up.
        strict: Sent with the schema; see `encode_tools`.
        **settings: Bound to the model with the rest, such as `temperature`; `tools` are encoded and
            join those that are bound.

    Returns:
        A Runnable whose stream gives the object as it grows (of a class: once what has come is a
        valid instance), last the whole one. It raises `ModelRefusalError` if the model declined,
        `OutputParserException` if the answer holds no valid object, saying what came instead.

    Raises:
        ValueError: The schema cannot be sent, or the arguments do not go together.
    """
    chosen = method or _documented_method(source)
    if chosen not in _KEYWORDS:
        raise ValueError(f"method={chosen!r} is unknown; it takes one of {list(_KEYWORDS)}.")
    keywords = _with_tools_joined(_bound(source), settings)
    keywords.update(_KEYWORDS[chosen](schema, source, keywords, strict=strict))
    tool_name = str(read_schema(schema).name) if chosen == "function_calling" else None
    bound = source.bind(**keywords)
    parser = ObjectParser(target=schema, tool_name=tool_name, include_raw=include_raw)
    return (keep_failure(bound) if include_raw else bound) | parser


def _bound(source: Any) -> JsonMapping:
    return source.kwargs if isinstance(source, RunnableBindingBase) else {}


def _model(source: Any) -> Any:
    while isinstance(source, RunnableBindingBase):
        source = source.bound
    return source


def _documented_method(source: Any) -> str:
    # A schema only where the profile says that the model keeps to one.
    profile = getattr(_model(source), "profile", None) or {}
    return "json_schema" if profile.get("structured_output") else "function_calling"


def _with_tools_joined(bound: JsonMapping, settings: Keywords) -> Keywords:
    """Return the settings, their tools joined to those that are bound."""
    keywords = dict(settings)
    if keywords.get("tools"):
        keywords["tools"] = [*encode_tools(bound.get("tools") or []), *keywords["tools"]]
        check_together(keywords["tools"])
    if "tool_choice" in keywords:
        tools = keywords.get("tools") or bound.get("tools") or []
        keywords["tool_choice"] = encode_tool_choice(keywords["tool_choice"], tools=tools)
    return keywords


def _as_tool(schema: Any, source: Any, keywords: Keywords, *, strict: bool | None) -> Keywords:
    if keywords.get("tool_choice") is not None:
        raise ValueError(
            "tool_choice cannot be set beside method='function_calling', which forces the call "
            "of the schema. Leave it out, or use method='json_schema'."
        )
    declared = read_schema(schema)
    tool = encode_declaration(declared, strict=strict)
    bound = _bound(source)
    others = keywords.get("tools") or encode_tools(bound.get("tools") or [])
    tools = [*(other for other in others if other != tool), tool]  # bound as a tool already, say
    check_together(tools)
    result = {
        "tools": tools,
        # A dict, as a class may be called "any".
        "tool_choice": {"type": "function", "function": {"name": tool["function"]["name"]}},
        **_traced(answer_schema(declared), str(declared.name), "function_calling"),
    }
    fields = vars(_model(source))
    holders = (keywords, bound, fields, fields.get("model_kwargs") or {})
    if any(holder.get("response_format") for holder in holders):
        result["response_format"] = None  # an answer in JSON would be no call
    return result


def _as_json_schema(schema: Any, _: Any, __: Keywords, *, strict: bool | None) -> Keywords:
    declared = read_schema(schema)
    form = encode_response_format(schema, strict=strict)
    # The schema as it leaves, for the trace to show what the model saw.
    sent = (form or {})["json_schema"]["schema"]
    return {"response_format": form, **_traced(sent, str(declared.name), "json_schema")}


def _as_json(schema: Any, _: Any, __: Keywords, *, strict: bool | None) -> Keywords:
    if strict is not None:
        raise ValueError("strict says how to keep to a schema, but json_mode sends none.")
    keywords: Keywords = {"response_format": Rewritten(type="json_object")}
    with contextlib.suppress(ValueError):  # a schema that cannot be sent, or none, is fine here
        declared = read_schema(schema)
        keywords |= _traced(answer_schema(declared), str(declared.name), "json_mode")
    return keywords


_KEYWORDS = {
    "function_calling": _as_tool,
    "json_schema": _as_json_schema,
    "json_mode": _as_json,
}


def _traced(schema: JsonObject, name: str, method: str) -> Keywords:
    """Return what langchain-core takes from a call for tracing.

    As a JSON schema, not as the class: core would convert a class anew at each call, and fails on
    some that can be sent.
    """
    told = {"title": name, **schema}
    return {"ls_structured_output_format": {"kwargs": {"method": method}, "schema": told}}
