"""`with_structured_output`: a model bound to answer with one object, plus what reads the object."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Literal

from langchain_aimlapi._codec.tools import encode_tools
from langchain_aimlapi._output_parser import ObjectParser, failure_kept

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import Runnable


def structured_output(
    model: BaseChatModel,
    schema: Any,  # noqa: ANN401  any schema
    *,
    method: Literal["json_schema", "function_calling", "json_mode"],
    include_raw: bool,
    strict: bool | None,
    **kwargs: Any,  # noqa: ANN401  settings of the call
) -> Runnable[Any, Any]:
    """Return a Runnable that takes what the model takes and gives one object.

    Args:
        model: The chat model; it is bound, not changed.
        schema: A pydantic class (v1 or v2) or a dataclass gives an instance of it; a `TypedDict`
            class, a JSON schema with a `title` or OpenAI's dicts give a dict as the model wrote it.
            `None` is any JSON object, with `json_mode`.
        method: `json_schema` sends it as `response_format`; `function_calling` as the one tool,
            whose first call is taken; `json_mode` sends no schema, and nothing is added to the
            prompt, which must ask for JSON and name the keys itself.
        include_raw: Give `{"raw", "parsed", "parsing_error"}` and raise nothing that is the
            answer's fault. A stream gives the pieces of `raw`, the rest at the end; they add up.
        strict: Sent with the schema; see `encode_tools`.
        **kwargs: Bound to the model with the rest, such as `temperature`.

    Returns:
        A Runnable whose stream gives the object as it grows (of a class: once what has come is a
        valid instance), last the whole one. It raises `ModelRefusalError` if the model declined,
        `OutputParserException` if the answer holds no valid object, saying what came instead.

    Raises:
        ValueError: The schema cannot be sent, or the arguments do not go together.
    """
    bind = _BINDINGS.get(method)
    if bind is None:
        raise ValueError(f"method={method!r} is unknown; it takes one of {list(_BINDINGS)}.")
    source, tool_name = bind(model, schema, strict=strict, settings=kwargs)
    return (failure_kept(source) if include_raw else source) | ObjectParser(
        target=schema, tool_name=tool_name, include_raw=include_raw
    )


def _as_tool(
    model: BaseChatModel,
    schema: Any,  # noqa: ANN401  any schema
    *,
    strict: bool | None,
    settings: dict[str, Any],
) -> tuple[Runnable[Any, Any], str | None]:
    function = _function(schema, strict=strict)
    name: str = function["name"]
    # A dict, as a class may be called "any"; core's signature has only strings.
    choice: Any = {"type": "function", "function": {"name": name}}
    tool = {"type": "function", "function": function}
    traced = _traced(function, "function_calling")
    return model.bind_tools([tool], tool_choice=choice, **traced, **settings), name


def _as_json_schema(
    model: BaseChatModel,
    schema: Any,  # noqa: ANN401  any schema
    *,
    strict: bool | None,
    settings: dict[str, Any],
) -> tuple[Runnable[Any, Any], str | None]:
    function = _function(schema, strict=strict)
    named = {"name": function["name"], "schema": _json_schema(function)}
    if "strict" in function:
        named["strict"] = function["strict"]
    response_format = {"type": "json_schema", "json_schema": named}
    traced = _traced(function, "json_schema")
    return model.bind(response_format=response_format, **traced, **settings), None


def _as_json(
    model: BaseChatModel,
    schema: Any,  # noqa: ANN401  any schema
    *,
    strict: bool | None,
    settings: dict[str, Any],
) -> tuple[Runnable[Any, Any], str | None]:
    if strict is not None:
        raise ValueError("strict says how to keep to a schema, but json_mode sends none.")
    traced: dict[str, Any] = {}
    with contextlib.suppress(ValueError):  # a schema that cannot be sent, or none, is fine here
        traced = _traced(_function(schema, strict=None), "json_mode")
    return model.bind(response_format={"type": "json_object"}, **traced, **settings), None


_BINDINGS = {
    "function_calling": _as_tool,
    "json_schema": _as_json_schema,
    "json_mode": _as_json,
}


def _function(schema: Any, *, strict: bool | None) -> dict[str, Any]:  # noqa: ANN401  any schema
    """Return the schema as the wire's `function`: name, description, parameters, strict."""
    match schema:
        case None:
            raise ValueError("schema=None, any JSON object, takes method='json_mode'.")
        case {"json_schema": {"name": name, "schema": inner, **rest}}:
            schema = {**rest, "name": name, "parameters": inner}
        case {"name": name, "schema": inner, **rest}:
            schema = {**rest, "name": name, "parameters": inner}
        case _:
            pass
    (tool,) = encode_tools([schema], strict=strict)
    if "function" not in tool:
        raise ValueError(f"{schema!r} is a provider's tool, not a schema.")
    function: dict[str, Any] = tool["function"]
    return function


def _json_schema(function: dict[str, Any]) -> dict[str, Any]:
    """Return a function's parameters with its description inside, where Gemini reads it."""
    words = {"description": function["description"]} if "description" in function else {}
    return {**words, **function["parameters"]}


def _traced(function: dict[str, Any], method: str) -> dict[str, Any]:
    """Return what langchain-core takes from a call for tracing.

    As a JSON schema, not as the class: core would convert a class anew at each call, and fails on
    some that can be sent.
    """
    schema = {"title": function["name"], **_json_schema(function)}
    return {"ls_structured_output_format": {"kwargs": {"method": method}, "schema": schema}}
