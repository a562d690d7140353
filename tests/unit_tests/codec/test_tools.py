"""Laws of tool definitions and tool choices on the wire."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Annotated, Any, Literal, TypedDict

import pytest
from langchain_core.tools import StructuredTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, ConfigDict, RootModel
from pydantic.v1 import BaseModel as BaseModelV1

from langchain_aimlapi._codec.tools import encode_tool_choice, encode_tools


class Weather(BaseModel):
    """Tell the weather."""

    city: str
    days: int = 3


class WeatherV1(BaseModelV1):
    """Tell the weather."""

    city: str
    days: int = 3


class WeatherDict(TypedDict):
    """Tell the weather."""

    city: str
    days: Annotated[int, 3]


@dataclasses.dataclass
class WeatherData:
    """Tell the weather."""

    city: str
    days: int = 3


def weather(city: str, days: int = 3) -> str:
    """Tell the weather."""
    return f"{city} {days}"


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "default": 3}},
    "required": ["city"],
}
WORDS: dict[str, Any] = {"name": "weather", "description": "Tell the weather."}
FUNCTION = {**WORDS, "parameters": SCHEMA}
TOOL = {"type": "function", "function": FUNCTION}
GROUP = {"name": "group", "parameters": {"type": "object", "properties": {}}}
OTHER = {"type": "function", "function": {"name": "other", "parameters": SCHEMA}}
SEARCH = {"type": "openrouter:web_search", "parameters": {}}


@pytest.mark.parametrize(
    "source",
    [
        Weather,
        WeatherV1,
        WeatherDict,
        WeatherData,
        weather,
        StructuredTool.from_function(weather),
        StructuredTool(args_schema=SCHEMA, func=weather, **WORDS),
        {"title": "weather", "description": "Tell the weather.", **SCHEMA},
        FUNCTION,
        TOOL,
        {"type": "function", **FUNCTION},
        {**WORDS, "input_schema": SCHEMA},
        {"type": "custom", **WORDS, "input_schema": SCHEMA},
        {**WORDS, "inputSchema": SCHEMA},
        {"toolSpec": {**WORDS, "inputSchema": {"json": SCHEMA}}},
    ],
)
def test_every_form_of_a_tool_is_the_same_on_the_wire(source: Any) -> None:
    (encoded,) = encode_tools([source])
    encoded["function"]["name"] = "weather"  # a class has a name of its own
    assert encoded == TOOL
    assert encode_tools([encoded]) == [encoded]


@pytest.mark.parametrize(
    "source", [Weather, WeatherV1, weather, StructuredTool.from_function(weather)]
)
def test_where_langchain_is_right_the_wire_is_what_langchain_says(source: Any) -> None:
    assert encode_tools([source]) == [convert_to_openai_tool(source)]


@pytest.mark.parametrize("key", ["function_declarations", "functionDeclarations"])
@pytest.mark.parametrize(
    "schema_key", ["parameters", "parameters_json_schema", "parametersJsonSchema"]
)
def test_a_tool_in_google_s_form_is_the_functions_that_it_lists(key: str, schema_key: str) -> None:
    declared = {**WORDS, schema_key: SCHEMA, "behavior": "BLOCKING", "response": {"type": "STRING"}}
    without_arguments = {"name": "ping", "description": "Answer."}
    empty = {**without_arguments, "parameters": {"type": "object", "properties": {}}}

    assert encode_tools([{key: [declared, without_arguments]}, GROUP]) == [
        TOOL,
        {"type": "function", "function": empty},
        *encode_tools([GROUP]),
    ]


def test_a_google_tool_that_the_endpoint_does_not_document_is_told() -> None:
    tools: list[dict[str, Any]] = [
        {"google_search": {}},
        {"function_declarations": [], "google_maps": {}},
    ]
    for tool in tools:
        with pytest.raises(ValueError, match=r"For Google's own tools .* no form"):
            encode_tools([tool])


def test_a_tool_with_arguments_of_no_schema_is_named() -> None:
    """langchain-ai/langchain-google#1360."""
    tool = StructuredTool.from_function(weather)
    tool.args_schema = "not a class"  # type: ignore[assignment]
    with pytest.raises(ValueError, match="tool 'weather': its args_schema 'not a class' is neith"):
        encode_tools([tool])


@pytest.mark.parametrize(
    "source",
    [
        SEARCH,
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 3},
        {"type": "custom", "custom": {"name": "grammar"}},
        {"type": "openrouter:x", "name": "x", "parameters": {"a": 1}},
    ],
)
def test_a_provider_s_own_tool_passes_untouched(source: dict[str, Any]) -> None:
    assert encode_tools([source], strict=True) == [source]


@pytest.mark.parametrize(
    "source",
    [
        {**TOOL, "cache_control": {"type": "ephemeral"}},
        {**WORDS, "input_schema": SCHEMA, "cache_control": {"type": "ephemeral"}},
        StructuredTool.from_function(
            weather, extras={"cache_control": {"type": "ephemeral"}, "defer_loading": True}
        ),
    ],
)
def test_cache_control_stays_on_the_tool(source: Any) -> None:
    assert encode_tools([source]) == [{**TOOL, "cache_control": {"type": "ephemeral"}}]


@pytest.mark.parametrize(
    "source",
    [
        {"name": "ping"},
        {"name": "ping", "parameters": None},
        {"name": "ping", "parameters": {}},
        {"type": "function", "function": {"name": "ping"}},
        {"title": "ping"},
        {"name": "ping", "input_schema": {}},
    ],
)
def test_a_tool_without_parameters_says_so(source: dict[str, Any]) -> None:
    (encoded,) = encode_tools([source])
    assert encoded["function"] == {
        "name": "ping",
        "parameters": {"type": "object", "properties": {}},
    }


def test_parameters_are_of_type_object_though_the_user_left_it_out() -> None:
    (encoded,) = encode_tools([{"name": "f", "parameters": {"properties": {"x": {}}}}])
    assert encoded["function"]["parameters"] == {"type": "object", "properties": {"x": {}}}
    (union,) = encode_tools([{"name": "f", "parameters": {"anyOf": [SCHEMA]}}])
    assert union["function"]["parameters"] == SCHEMA


def test_schemas_are_rewritten_for_the_endpoint() -> None:
    class Cat(BaseModel):
        kind: Literal["cat"]

    class Dog(BaseModel):
        kind: Literal["dog"]

    class Shelter(BaseModel):
        pets: list[Cat | Dog]
        best: Cat | None = None

    (encoded,) = encode_tools([Shelter])

    def pet(kind: str) -> dict[str, Any]:
        properties = {"kind": {"type": "string", "enum": [kind]}}
        return {"properties": properties, "required": ["kind"], "type": "object"}

    properties = encoded["function"]["parameters"]["properties"]
    assert properties == {
        "pets": {"type": "array", "items": {"anyOf": [pet("cat"), pet("dog")]}},
        "best": {"anyOf": [pet("cat"), {"type": "null"}]},
    }


def test_strict_is_sent_and_changes_no_schema() -> None:
    for strict in (True, False):
        (encoded,) = encode_tools([Weather], strict=strict)
        assert encoded["function"].pop("strict") is strict
        assert encoded == encode_tools([Weather])[0]


def test_a_tool_s_own_strict_wins() -> None:
    (encoded,) = encode_tools([{**FUNCTION, "strict": False}], strict=True)
    assert encoded["function"]["strict"] is False


def test_the_user_s_dicts_are_not_changed() -> None:
    source = {"name": "f", "parameters": {"properties": {"x": {"const": 1}}}}
    encode_tools([source], strict=True)
    assert source == {"name": "f", "parameters": {"properties": {"x": {"const": 1}}}}


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "wetter_für", "f\n", None, 7])
def test_a_name_that_the_endpoint_does_not_take_is_an_error(name: Any) -> None:
    with pytest.raises(ValueError, match=r"is no name for a tool: it takes 1 to 64 letters"):
        encode_tools([{"name": name}])


def test_a_class_can_be_given_a_name_that_the_endpoint_takes() -> None:
    class Odd(BaseModel):
        model_config = ConfigDict(title="even")

    assert encode_tools([Odd])[0]["function"]["name"] == "even"


class Node(BaseModel):
    kids: list[Node]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (RootModel[list[int]], r"no name for a tool"),
        ({"title": "ints", "type": "array"}, r"tool 'ints': parameters must describe an object"),
        (Node, r"tool 'Node': parameters\.properties\.kids\.items is recursive"),
        ({"name": "f", "parameters": [1]}, r"tool 'f': parameters must be a JSON schema"),
        (
            {"name": "f", "parameters": {"properties": {"x": {"default": math.nan}}}},
            r"tool 'f': parameters\.properties\.x\.default is nan",
        ),
        ({"type": "x:y", "limits": {1, 2}}, r"tool 'x:y'\.limits is \{1, 2\} \(set\)"),
        ({"type": "object", "properties": {}}, "needs a top-level 'title'"),
        ({"type": "function"}, "no tool that is known here"),
        ({"function_declarations": []}, "no tool that is known here"),
        ({"type": ["object"], "title": 3}, "no tool that is known here"),
        (7, "7 is no tool"),
        (
            {"name": "f", "parameters": {"anyOf": [{"type": "string"}, {"type": "object"}]}},
            "must describe an object, but they are of type 'string or object'",
        ),
    ],
)
def test_what_cannot_be_sent_is_an_error_that_says_why(source: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encode_tools([source])


def test_no_tools_are_no_tools() -> None:
    assert encode_tools([], strict=True) == []


NAMED = {"type": "function", "function": {"name": "weather"}}


@pytest.mark.parametrize(
    ("tool_choice", "expected"),
    [
        (None, None),
        (False, None),
        ("auto", "auto"),
        ("none", "none"),
        ("any", "required"),
        ("required", "required"),
        (True, "required"),
        ("weather", NAMED),
        (NAMED, NAMED),
        ({"type": "function", "name": "weather"}, NAMED),
        ({"type": "tool", "name": "weather"}, NAMED),
        ({"type": "any"}, "required"),
        ({"type": "auto"}, "auto"),
        ({"type": "none"}, "none"),
        ({"type": "allowed_tools", "mode": "auto"}, {"type": "allowed_tools", "mode": "auto"}),
    ],
)
def test_every_form_of_a_choice(tool_choice: Any, expected: Any) -> None:
    assert encode_tool_choice(tool_choice, tools=[SEARCH, OTHER, TOOL]) == expected


def test_a_choice_of_names_is_one_name_or_any_tool() -> None:
    """`ChatGoogleGenerativeAI` takes lists; the endpoint knows one name, or any."""
    assert encode_tool_choice(["weather"], tools=[TOOL, OTHER]) == NAMED
    assert encode_tool_choice(["other", "weather"], tools=[TOOL, OTHER]) == "required"
    with pytest.raises(ValueError, match=r"Bind only these tools.*tool_choice='any'"):
        encode_tool_choice(["other", "weather"], tools=[TOOL, OTHER, {**TOOL, "function": GROUP}])


@pytest.mark.parametrize("tool_choice", ["Weather", "", {"type": "tool", "name": "Weather"}])
def test_a_choice_of_a_tool_that_is_not_bound_names_those_that_are(tool_choice: Any) -> None:
    with pytest.raises(ValueError, match=r"which is not bound; bound are \['weather', 'other'\]"):
        encode_tool_choice(tool_choice, tools=[TOOL, SEARCH, OTHER])


@pytest.mark.parametrize("tool_choice", [None, False, "auto", "none", {"type": "auto"}])
def test_without_tools_no_choice_is_sent(tool_choice: Any) -> None:
    assert encode_tool_choice(tool_choice, tools=[]) is None


@pytest.mark.parametrize("tool_choice", ["any", True, "weather", NAMED, {"type": "any"}])
def test_a_call_cannot_be_forced_without_tools(tool_choice: Any) -> None:
    with pytest.raises(ValueError, match="forces a tool call, but no tools are bound"):
        encode_tool_choice(tool_choice, tools=[])


@pytest.mark.parametrize(
    ("tool_choice", "message"),
    [
        ({"type": "auto", "disable_parallel_tool_use": True}, "parallel_tool_calls=False"),
        ({"type": "tool", "name": "weather", "disable_parallel_tool_use": True}, "parallel_tool"),
        ({"type": "tool"}, "has no known form"),
        ({"type": "function", "function": {}}, "has no known form"),
        ({"function_calling_config": {}}, "has no known form"),
    ],
)
def test_a_choice_of_no_known_form_is_an_error(tool_choice: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encode_tool_choice(tool_choice, tools=[TOOL])


def test_what_the_schema_of_a_dict_says_of_itself_stays_beside_the_functions_words() -> None:
    schema = {"type": "object", "description": "Give a or b.", "properties": {}}
    told = {**schema}
    (mcp,) = encode_tools([{"name": "f", "description": "Finds.", "inputSchema": schema}])
    assert mcp["function"]["parameters"] == told
    (again,) = encode_tools([json.loads(json.dumps(mcp))])  # a binding that was stored
    assert again == mcp
    (bare,) = encode_tools([{"name": "f", "parameters": schema}])
    assert bare["function"]["parameters"] == told
    (same,) = encode_tools([{"name": "f", "description": "Give a or b.", "parameters": schema}])
    assert "description" not in same["function"]["parameters"]
