"""What a Python object says of itself as a tool: name, description, schema of its arguments.

langchain-core has a reader of its own (`convert_to_openai_tool`). It is used where it is right: for
functions, docstrings and tools. Pydantic is asked directly where core's reader loses something, as
seen in 1.7.2: it cuts recursive models short without a word, drops keys named `title` from default
values, and reads a `TypedDict` by pydantic v1, which knows no null, no `NotRequired`, no
`total=False` and no pydantic v2 model inside.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NotRequired,
    Required,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from langchain_core.tools import BaseTool, StructuredTool, Tool, create_schema_from_function
from langchain_core.utils.function_calling import convert_to_openai_function
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel, Field, TypeAdapter
from pydantic.errors import PydanticUserError
from typing_extensions import ReadOnly, TypedDict, is_typeddict

from langchain_aimlapi._codec.declaration import Declaration
from langchain_aimlapi._codec.json_schema import recursion_failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_aimlapi._json import JsonObject


def declaration(source: object) -> Declaration:
    """Return how a class, a function or a tool declares itself.

    Args:
        source: A pydantic class (v1 or v2), a `TypedDict` class, a dataclass, a `BaseTool`, or a
            function with type hints, whose docstring may describe it in Google style.

    Raises:
        ValueError: It is none of these, contains itself, or has types that no JSON schema can say.
    """
    name = getattr(source, "__name__", None) or getattr(source, "name", repr(source))
    try:
        return _declaration(source)
    except RecursionError:
        raise ValueError(
            f"tool {name!r}: its types are nested too deep. Describe fewer levels, or take the "
            "inner ones as a string that holds JSON."
        ) from None
    except (PydanticUserError, NameError) as error:  # no schema for a type; an unresolved name
        raise ValueError(
            f"tool {name!r}: its types have no JSON schema. {error} Use JSON's types, pydantic "
            "models of them, or pass a JSON schema."
        ) from error


def _declaration(source: object) -> Declaration:
    if isinstance(source, BaseTool):
        return _of_tool(source)
    if isinstance(source, type) and is_typeddict(source):
        prose = _prose(source, get_type_hints(source))
        adapter: TypeAdapter[Any] = TypeAdapter(_plain_typed_dict(source, trail=()))
        return Declaration(source.__name__, prose.description, adapter.json_schema())
    if isinstance(source, type) and is_basemodel_subclass(source):
        return _of_schema(_model_schema(source), name=source.__name__)
    if isinstance(source, type) and dataclasses.is_dataclass(source):
        return _of_dataclass(source)
    is_value = isinstance(source, type) and not _has_fields(source)  # int, an enum
    is_function = callable(source) and hasattr(source, "__name__") and get_origin(source) is None
    if is_function and not is_value:
        return _of_function(cast("Callable[..., Any]", source))
    raise ValueError(
        f"{source!r} is no tool. Pass a function with type hints, a pydantic class, a TypedDict, a "
        "BaseTool, a JSON schema with a title, or a tool as a dict; of a Runnable pass "
        "`runnable.as_tool(name=..., description=...)`."
    )


def _has_fields(source: type) -> bool:
    """Tell whether a class says what it is made of; langchain-core reads others as nonsense."""
    try:
        made_of = inspect.signature(source).parameters.keys()
    except ValueError:
        return False
    return bool(made_of) and made_of <= get_type_hints(source).keys()


def _of_schema(schema: JsonObject, *, name: str) -> Declaration:
    return Declaration(schema.get("title") or name, schema.get("description") or "", schema)


def _of_dataclass(source: type) -> Declaration:
    # Not by pydantic: whether it hands the docstring on depends on its version. A dataclass
    # without one gets its signature as such.
    description = inspect.getdoc(source) or ""
    is_made = description.startswith(f"{source.__name__}(")
    schema = TypeAdapter(source).json_schema()
    return Declaration(source.__name__, "" if is_made else description, schema)


def _of_tool(tool: BaseTool) -> Declaration:
    is_readable = isinstance(tool.args_schema, type | dict | None)
    if not is_readable:
        raise ValueError(
            f"tool {tool.name!r}: its args_schema {tool.args_schema!r} is neither a pydantic class "
            "nor a JSON schema."
        )
    if isinstance(tool, Tool) and not tool.args_schema:
        # One string without a name: langchain-core's own convention for its argument.
        schema = convert_to_openai_function(tool)["parameters"]
    else:
        arguments = tool.tool_call_schema
        schema = arguments if isinstance(arguments, dict) else _model_schema(arguments)
    extras = tool.extras or {}
    return Declaration(
        tool.name,
        tool.description or schema.get("description") or "",
        schema,
        is_made=not isinstance(tool.args_schema, dict),
        extras={"cache_control": extras["cache_control"]} if "cache_control" in extras else {},
    )


def _of_function(function: Callable[..., Any]) -> Declaration:
    name: str = function.__name__
    model = create_schema_from_function(name, function, filter_args=(), parse_docstring=True)
    description = model.__doc__ or ""
    # A tool leaves out injected arguments even where annotations are strings.
    made = StructuredTool(name=name, description=description, args_schema=model, func=function)
    return Declaration(name, description, _model_schema(made.tool_call_schema))


def _model_schema(model: Any) -> JsonObject:
    schema = model.model_json_schema if issubclass(model, BaseModel) else model.schema
    return dict(schema())


class _Prose(NamedTuple):
    """What a docstring says, of the whole and of each argument."""

    description: str
    arguments: dict[str, str]


def _prose(source: type, hints: JsonObject) -> _Prose:
    """Read a `TypedDict`'s docstring by langchain-core, on a stand-in whose types it can read."""
    flat = TypedDict(source.__name__, dict.fromkeys(hints, str))  # type: ignore[misc]  # made at run time
    flat.__doc__ = source.__doc__ or ""
    function = convert_to_openai_function(flat)
    properties = function["parameters"]["properties"]
    return _Prose(
        function["description"],
        {
            name: schema["description"]
            for name, schema in properties.items()
            if "description" in schema
        },
    )


def _plain_typed_dict(source: type, *, trail: tuple[type, ...]) -> Any:
    """Return the same `TypedDict` in words that pydantic knows.

    LangChain's own are `Annotated[type, default, "description"]` (`...` for no default) and the
    docstring's `Args:`; before Python 3.12 pydantic also refuses `typing.TypedDict`.
    """
    if source in trail:
        raise recursion_failure(f"TypedDict {trail[0].__name__!r}", name=repr(source.__name__))
    hints = get_type_hints(source, include_extras=True)
    prose = _prose(source, hints)
    required: frozenset[str] = getattr(source, "__required_keys__", frozenset())
    entries = {
        key: _entry(
            hint,
            required=key in required,
            description=prose.arguments.get(key),
            trail=(*trail, source),
        )
        for key, hint in hints.items()
    }
    plain = TypedDict(source.__name__, entries)  # type: ignore[misc]  # made at run time
    plain.__doc__ = prose.description
    return plain


def _entry(
    hint: Any,
    *,
    required: bool,
    description: str | None,
    trail: tuple[type, ...],
) -> Any:
    while (origin := get_origin(hint)) in (Required, NotRequired, ReadOnly):
        required = required if origin is ReadOnly else origin is Required
        (hint,) = get_args(hint)
    words: JsonObject = {"description": description} if description else {}
    metadata: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        metadata = tuple(rest)
        if metadata[0] is ... or _is_plain(metadata[0]):
            default, *told = metadata
            if told and isinstance(told[0], str) and not description:
                words["description"] = told[0]
            if default is not ...:
                required = False
                words["json_schema_extra"] = {"default": default}
            metadata = tuple(told)
    entry: Any = Annotated[(_plain_type(hint, trail=trail), *metadata, Field(**words))]
    return Required[entry] if required else NotRequired[entry]


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str | list | dict)


def _plain_type(hint: Any, *, trail: tuple[type, ...]) -> Any:
    """Return the annotation with each `TypedDict` inside it in words that pydantic knows."""
    if isinstance(hint, type) and is_typeddict(hint):
        return _plain_typed_dict(hint, trail=trail)
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (None, Literal):
        return hint
    plain = tuple(_plain_type(argument, trail=trail) for argument in inner)
    if plain == inner:
        return hint
    if origin in (Union, types.UnionType):
        return Union[plain]  # noqa: UP007  made at run time
    return Annotated[plain] if origin is Annotated else origin[plain]
