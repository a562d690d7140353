"""Laws of how Python objects declare themselves as tools."""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Callable
from typing import Annotated, Any, Generic, Literal, NotRequired, Required, TypeVar

import pytest
import typing_extensions
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import InjectedToolArg, StructuredTool, Tool, tool
from langchain_core.utils.function_calling import convert_to_openai_function
from pydantic import BaseModel, Field
from pydantic.v1 import BaseModel as BaseModelV1
from pydantic.v1 import Field as FieldV1

from langchain_aimlapi._codec.tool_schemas import declaration

T = TypeVar("T")


class Place(BaseModel):
    """Where something is."""

    city: str
    country: str = "NO"


class PlaceV1(BaseModelV1):
    """Where something was."""

    city: str = FieldV1(description="its name")


@dataclasses.dataclass
class Point:
    """A point."""

    x: float
    label: str | None = None


class Box(BaseModel, Generic[T]):
    content: T


class Inner(typing.TypedDict, total=False):
    size: Required[int]
    places: list[Place]


class Outer(typing.TypedDict):
    """An outer thing.

    Args:
        note: What is said of it.
    """

    note: str
    kind: Annotated[Literal["a", "b"], ..., "one of two"]
    limit: Annotated[int | None, None, "upper limit"]
    inner: Inner
    many: NotRequired[list[Inner] | None]
    ratio: Annotated[float, Field(gt=0)]
    fixed: typing_extensions.ReadOnly[str]
    tagged: Annotated[str, 5, Field(max_length=3)]
    pairs: dict[str, Annotated[Inner, "kept"]]


class Person(typing.TypedDict):
    name: str
    friends: list[Person]


class Left(typing.TypedDict):
    right: Right | None


class Right(typing.TypedDict):
    left: Left


def weather(
    city: str,
    place: Place,
    days: int = 3,
    secret: Annotated[str, InjectedToolArg] = "",
) -> str:
    """Tell the weather.

    Args:
        city: Which city.
        place: Which place.
        days: How many days.
        secret: Never asked of the model.
    """
    return f"{city} {place} {days} {secret}"


def properties(source: Any) -> dict[str, Any]:
    schema: dict[str, Any] = declaration(source).schema["properties"]
    return schema


def test_a_pydantic_class_is_its_title_docstring_with_its_schema() -> None:
    assert declaration(Place)[:2] == ("Place", "Where something is.")
    assert declaration(Place).schema == Place.model_json_schema()
    assert declaration(PlaceV1)[:2] == ("PlaceV1", "Where something was.")
    assert declaration(PlaceV1).schema == PlaceV1.schema()
    assert declaration(Box[int]).name == "Box[int]"


def test_a_dataclass_declares_its_fields() -> None:
    name, description, schema, *_ = declaration(Point)
    assert (name, description) == ("Point", "A point.")
    assert schema["required"] == ["x"]
    assert schema["properties"]["label"]["anyOf"] == [{"type": "string"}, {"type": "null"}]


def test_a_dataclass_without_a_docstring_has_no_description() -> None:
    @dataclasses.dataclass
    class Bare:
        x: int

    assert declaration(Bare).description == ""


def test_a_function_declares_its_arguments_but_not_those_that_are_injected() -> None:
    name, description, schema, *_ = declaration(weather)
    assert (name, description) == ("weather", "Tell the weather.")
    assert schema["required"] == ["city", "place"]
    assert set(schema["properties"]) == {"city", "place", "days"}
    assert schema["properties"]["days"]["description"] == "How many days."


def test_a_plain_function_is_read_as_langchain_reads_it() -> None:
    def plain(a: int, b: list[str]) -> None:
        """Do it."""

    core = convert_to_openai_function(plain)
    name, description, schema, *_ = declaration(plain)
    assert (name, description) == (core["name"], core["description"])
    assert set(schema["properties"]) == set(core["parameters"]["properties"])
    assert schema["required"] == core["parameters"]["required"]


def test_a_structured_tool_declares_its_call_schema() -> None:
    made = StructuredTool.from_function(weather, extras={"cache_control": {"type": "ephemeral"}})
    name, _, schema, is_made, _, extras = declaration(made)
    assert (name, is_made) == ("weather", True)
    assert set(schema["properties"]) == {"city", "place", "days"}
    assert extras == {"cache_control": {"type": "ephemeral"}}


def test_a_tool_with_a_json_schema_is_taken_as_written() -> None:
    schema = {"type": "object", "properties": {"x": {"title": "X", "type": "string"}}}
    made = StructuredTool(name="t", description="d", args_schema=schema, func=weather)
    assert declaration(made)[:4] == ("t", "d", {**schema, "description": "d"}, False)


def test_a_tool_of_one_string_follows_langchain() -> None:
    made = Tool(name="shout", func=str.upper, description="Shouts.")
    assert declaration(made).schema == convert_to_openai_function(made)["parameters"]


def test_a_runnable_is_a_tool_by_as_tool() -> None:
    class Words(BaseModel):
        text: str

    with pytest.warns(Warning, match="beta"):
        made = RunnableLambda(lambda words: words["text"]).as_tool(
            args_schema=Words, name="say", description="Says."
        )
    assert declaration(made)[:2] == ("say", "Says.")
    assert set(properties(made)) == {"text"}


def test_a_typed_dict_says_what_is_required_null_described_or_nested() -> None:
    name, description, schema, *_ = declaration(Outer)
    assert (name, description) == ("Outer", "An outer thing.")
    assert set(schema["required"]) == {"note", "kind", "inner", "ratio", "fixed", "pairs"}
    entries = schema["properties"]
    assert entries["note"]["description"] == "What is said of it."
    assert entries["kind"]["enum"] == ["a", "b"]
    assert entries["kind"]["description"] == "one of two"
    assert entries["limit"]["anyOf"] == [{"type": "integer"}, {"type": "null"}]
    assert entries["limit"]["default"] is None
    assert entries["ratio"]["exclusiveMinimum"] == 0
    assert entries["tagged"]["maxLength"] == 3
    assert entries["tagged"]["default"] == 5
    inner = schema["$defs"]["Inner"]
    assert inner["required"] == ["size"]
    assert set(inner["properties"]) == {"size", "places"}
    assert schema["$defs"]["Place"]["description"] == "Where something is."


def test_a_typed_dict_of_pydantic_s_liking_is_read_alike() -> None:
    class Plain(typing_extensions.TypedDict):
        x: int

    assert declaration(Plain).schema["properties"]["x"]["type"] == "integer"
    assert declaration(Plain).description == ""


@pytest.mark.parametrize(("source", "name"), [(Person, "Person"), (Left, "Left")])
def test_a_recursive_typed_dict_is_refused(source: type, name: str) -> None:
    with pytest.raises(ValueError, match=f"TypedDict '{name}' is recursive: '{name}' contains"):
        declaration(source)


def test_a_type_without_json_schema_is_an_error_that_names_the_tool() -> None:
    class Handler(BaseModel):
        on_done: Callable[[], None]

    with pytest.raises(ValueError, match="tool 'Handler': its types have no JSON schema"):
        declaration(Handler)


def test_a_name_that_does_not_resolve_is_an_error_that_names_the_tool() -> None:
    class Lost(typing_extensions.TypedDict):
        x: Nowhere  # type: ignore[name-defined]  # noqa: F821  the point

    with pytest.raises(ValueError, match=r"tool 'Lost'.*Nowhere"):
        declaration(Lost)


@pytest.mark.parametrize(
    "source", [functools.partial(weather, "Oslo"), 7, "weather", RunnableLambda(str.upper)]
)
def test_what_is_no_tool_is_an_error_that_says_what_is(source: Any) -> None:
    with pytest.raises(ValueError, match=r"is no tool\. Pass a function.*as_tool"):
        declaration(source)


def test_decorated_tools_are_tools() -> None:
    assert declaration(tool(weather)).name == "weather"
