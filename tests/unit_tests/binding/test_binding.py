"""Laws of what is bound: it stays, whatever is bound after it, however it travels."""

from __future__ import annotations

import dataclasses
import json
import pickle
from typing import Any, TypedDict, assert_type

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.exceptions import OutputParserException
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration
from langchain_core.runnables import ConfigurableField, Runnable, RunnableBinding
from langchain_core.tools import tool
from pydantic import BaseModel

from langchain_aimlapi import ChatAIMLGemini
from langchain_aimlapi._binding.binding import GeminiBinding
from tests.answers import KEY, MODEL, Json, Served, model_of, served


class Joke(BaseModel):
    """A joke."""

    setup: str


class JokeDict(TypedDict):
    """A joke."""

    setup: str


@dataclasses.dataclass
class JokeData:
    """A joke."""

    setup: str


JOKE = Joke(setup="Why?")
TEXT = '{"setup": "Why?"}'
SCHEMA = Joke.model_json_schema()


@tool
def get_weather(city: str) -> str:
    """Tell the weather."""
    return city


def search(query: str) -> str:
    """Search."""
    return query


def answering(text: str = TEXT, *, calls: str | None = None) -> Served:
    message: Json = {"content": text}
    if calls:
        function = {"name": calls, "arguments": TEXT}
        message = {
            "content": "",
            "tool_calls": [{"id": "1", "type": "function", "function": function}],
        }
    return served({"id": "gen-1", "choices": [{"message": message, "finish_reason": "stop"}]})


def names(body: Json) -> list[str]:
    return [bound["function"]["name"] for bound in body["tools"]]


FORCED = {"type": "function", "function": {"name": "Joke"}}


def test_tools_and_settings_stay_beside_a_response_format() -> None:
    there = answering()
    model = model_of(there)
    assert model.bind_tools([search]).with_structured_output(Joke).invoke("a") == JOKE
    assert model.bind(temperature=0.1).with_structured_output(Joke).invoke("a") == JOKE
    assert model.bind(seed=3).bind_tools([search], temperature=0.1).invoke("a").content == TEXT
    assert names(there.bodies[0]) == ["search"]
    assert there.bodies[0]["response_format"]["json_schema"]["name"] == "Joke"
    assert there.bodies[1]["temperature"] == 0.1
    assert (there.bodies[2]["seed"], names(there.bodies[2])) == (3, ["search"])


def test_by_function_calling_the_schema_joins_the_tools_and_is_forced() -> None:
    there = answering(calls="Joke")
    bound = model_of(there).bind(temperature=0.1).bind_tools([search], tool_choice="any")
    chain = bound.with_structured_output(Joke, method="function_calling")
    assert chain.invoke("a") == JOKE
    given = model_of(there).with_structured_output(
        Joke, method="function_calling", tools=[get_weather], seed=3
    )
    assert given.invoke("a") == JOKE
    both = bound.with_structured_output(Joke, method="function_calling", tools=[get_weather])
    assert both.invoke("a") == JOKE
    assert [names(body) for body in there.bodies] == [
        ["search", "Joke"],
        ["get_weather", "Joke"],
        ["search", "get_weather", "Joke"],
    ]
    assert all(body["tool_choice"] == FORCED for body in there.bodies)
    assert (there.bodies[0]["temperature"], there.bodies[1]["seed"]) == (0.1, 3)


def test_beside_a_response_format_tools_may_be_given_with_a_choice() -> None:
    there = answering()
    model_of(there).with_structured_output(Joke, tools=[search], tool_choice="any").invoke("a")
    bound = model_of(there).bind_tools([search])
    bound.with_structured_output(Joke, method="json_mode", tool_choice="search").invoke("a")
    assert there.bodies[0]["tool_choice"] == "required"
    assert there.bodies[1]["tool_choice"]["function"]["name"] == "search"
    assert there.bodies[1]["response_format"] == {"type": "json_object"}


@pytest.mark.parametrize("where", ["constructor", "model_kwargs", "bound", "keyword"])
def test_a_forced_call_takes_back_a_response_format(where: str) -> None:
    there = answering(calls="Joke")
    settings: dict[str, Any] = {
        "constructor": {"response_format": JokeDict},
        "model_kwargs": {"model_kwargs": {"response_format": {"type": "json_object"}}},
    }
    model = model_of(there, **settings.get(where, {}))
    source = model.bind(response_format=JokeDict) if where == "bound" else model
    keywords: Any = {"response_format": JokeDict} if where == "keyword" else {}
    chain = source.with_structured_output(Joke, method="function_calling", **keywords)
    assert chain.invoke("a") == JOKE
    assert "response_format" not in there.bodies[0]


def test_the_schema_may_be_bound_as_a_tool_already() -> None:
    bound = model_of(answering()).bind_tools([Joke, search])
    chain: Any = bound.with_structured_output(Joke, method="function_calling")
    assert [one["function"]["name"] for one in chain.first.kwargs["tools"]] == ["search", "Joke"]


def test_a_choice_beside_a_forced_call_is_refused() -> None:
    with pytest.raises(ValueError, match="tool_choice cannot be set beside"):
        model_of(answering()).with_structured_output(
            Joke, method="function_calling", tools=[search], tool_choice="auto"
        )


class Other(BaseModel):
    """Named like a joke."""

    model_config = {"title": "Joke"}
    x: int


def many(count: int) -> list[dict[str, Any]]:
    return [{"name": f"tool_{number}", "parameters": {}} for number in range(count)]


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        ([Joke, Other], "Two tools are named 'Joke'.*ToolStrategy"),
        ([search, {"name": "search"}], "Two tools are named 'search'"),
        (many(129), "129 tools are bound, but the endpoint takes 128"),
        ([{"name": "1st"}], "'1st' is no name for a tool.*the first is a letter"),
        ([{"name": "-a"}], "'-a' is no name"),
        (search, r"no list of tools\. Write bind_tools\(\[search\]\)"),
        (get_weather, r"Write bind_tools\(\[get_weather\]\)"),
        (Joke, r"Write bind_tools\(\[Joke\]\)"),
        ({"name": "a"}, r"Write bind_tools\(\[tool\]\)"),
        ("search", "'search' is no list of tools"),
        (None, r"None is no list of tools.*bind_tools\(\[\]\) for none"),
        ([int], "<class 'int'> is no tool. Pass a function"),
        ([list[Joke]], "is no tool. Pass a function"),
        (["search"], "'search' is no tool"),
    ],
)
def test_what_cannot_be_bound_is_refused_at_once(tools: Any, message: str) -> None:
    model = model_of(answering())
    with pytest.raises(ValueError, match=message):
        model.bind_tools(tools)


def test_a_class_and_its_schema_are_one_tool() -> None:
    bound = model_of(answering()).bind_tools([Joke, SCHEMA, JokeDict, Joke])
    assert [one["function"]["name"] for one in bound.kwargs["tools"]] == ["Joke", "JokeDict"]


def test_strict_reaches_tools_that_are_encoded_already() -> None:
    model = model_of(answering())
    mine = {"name": "mine", "strict": False}
    tools = model.bind_tools([search, mine, {"type": "x:y"}]).kwargs["tools"]
    strict = model.bind_tools(tools, strict=True).kwargs["tools"]
    assert [one.get("function", {}).get("strict") for one in strict] == [True, False, None]


def test_what_is_handed_to_a_call_is_refused_there() -> None:
    model = model_of(answering())
    with pytest.raises(ValueError, match="Two tools are named 'search'"):
        model.invoke("a", tools=[search, {"name": "search"}])
    with pytest.raises(ValueError, match="Two tools are named 'Joke'"):
        model.bind_tools([Other]).with_structured_output(Joke, method="function_calling")
    with pytest.raises(ValueError, match="Two tools are named 'search'"):
        model.bind_tools([search]).with_structured_output(Joke, tools=[search])


def test_128_tools_are_bound_and_rewritten_once() -> None:
    there = answering()
    bound = model_of(there).bind_tools(many(128))
    bound.invoke("a")
    assert len(there.bodies[0]["tools"]) == 128
    assert bound.bind(seed=1).kwargs["tools"][0] is bound.kwargs["tools"][0]


@pytest.mark.parametrize("source", [Joke, JokeDict, JokeData, SCHEMA, {"type": "text"}])
def test_a_response_format_may_be_a_schema_wherever_it_is_set(source: Any) -> None:
    there = answering()
    model = model_of(there)
    model.bind_tools([search], response_format=source).invoke("a")
    model.bind(response_format=source).invoke("a")
    model.invoke("a", response_format=source)
    made = model_of(there, response_format=source)
    made.invoke("a")
    model_of(there, model_kwargs={"tools": [search]}, response_format=source).invoke("a")
    formats = [body["response_format"] for body in there.bodies]
    assert formats == formats[:1] * 5
    assert names(there.bodies[-1]) == ["search"]
    if source != {"type": "text"}:
        sent = formats[0]["json_schema"]["schema"]
        assert sent["properties"] == {"setup": {"type": "string"}} or source is SCHEMA
        assert sent["required"] == ["setup"]
    assert json.loads(dumps(made))["kwargs"]["response_format"] == formats[0]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "json_schema", "json_schema": {"name": "Joke", "schema": SCHEMA, "strict": True}},
        {"type": "json_schema", "name": "Joke", "schema": SCHEMA, "strict": True},
    ],
)
def test_the_wire_s_own_form_is_rewritten_too(schema: Json) -> None:
    schema = json.loads(json.dumps(schema))
    inner = (schema.get("json_schema") or schema)["schema"]
    inner["properties"]["kind"] = {"const": "a"}
    there = answering()
    model_of(there).bind_tools([], response_format=schema).invoke("a")
    sent = there.bodies[0]["response_format"]["json_schema"]
    assert sent["schema"]["properties"]["kind"] == {"type": "string", "enum": ["a"]}
    assert (sent["name"], sent["strict"]) == ("Joke", True)


def test_a_response_format_without_a_schema_is_the_api_s_to_judge() -> None:
    given = {"type": "json_schema", "json_schema": {"name": "Joke"}}
    there = answering()
    model_of(there).bind(response_format=given).invoke("a")
    assert there.bodies[0]["response_format"] == given


def test_a_schema_of_no_object_is_refused_where_it_is_set() -> None:
    for source in (list[int], {"title": "A", "type": "array"}, {"name": "A", "schema": 3}):
        with pytest.raises(ValueError, match=r"(?s)one JSON object|must (describe an object|be a)"):
            ChatAIMLGemini(model=MODEL, api_key=KEY, response_format=source)


def test_a_generic_class_gets_a_label_that_the_endpoint_takes() -> None:
    schema = {"title": "Box[int]", "type": "object", "properties": {}}
    bound = model_of(answering()).bind(response_format=schema)
    assert bound.kwargs["response_format"]["json_schema"]["name"] == "Box_int_"


def test_a_union_of_objects_may_be_the_whole_answer() -> None:
    branch = {"type": "object", "properties": {"a": {}}}
    schema = {
        "title": "Either",
        "description": "d",
        "anyOf": [branch, {**branch, "required": ["a"]}],
    }
    bound = model_of(answering()).bind(response_format=schema)
    sent = bound.kwargs["response_format"]["json_schema"]["schema"]
    assert sent == {"anyOf": [{**branch, "description": "d"}, {**branch, "required": ["a"]}]}


def test_mcp_s_words_for_the_client_stay_with_the_client() -> None:
    tools = [
        {"name": "a", "inputSchema": {"type": "object"}, "annotations": {}, "outputSchema": {}}
    ]
    bound = model_of(answering()).bind(tools=tools)
    assert bound.kwargs["tools"][0].keys() == {"type", "function"}


@pytest.mark.filterwarnings("ignore:The function `loads` is in beta")
def test_a_binding_travels() -> None:
    there = answering()
    bound = model_of(there).bind(temperature=0.1).bind_tools([search], response_format=Joke)
    again = pickle.loads(pickle.dumps(bound))
    assert isinstance(again, GeminiBinding)
    assert again.kwargs == bound.kwargs
    assert pickle.loads(pickle.dumps(bound.with_structured_output(Joke))).last.target is Joke
    read: Any = loads(
        dumps(bound),
        secrets_map={"AIMLAPI_API_KEY": KEY},
        valid_namespaces=["langchain_aimlapi"],
        allowed_objects=[ChatAIMLGemini, RunnableBinding],
    )
    assert read.kwargs == bound.kwargs


def test_retries_fallbacks_and_configs_keep_what_is_bound() -> None:
    there = answering()
    bound = model_of(there).bind(temperature=0.1)
    chains: list[Any] = [
        bound.with_retry(stop_after_attempt=2),
        bound.with_fallbacks([model_of(there).bind(temperature=0.1)]),
        bound.with_config(tags=["a"]),
        model_of(there).with_config(tags=["a"]).bind(temperature=0.1),
    ]
    for chain in chains:
        assert chain.with_structured_output(Joke).invoke("a") == JOKE
        assert names(chain.bind_tools([search]).invoke("a") and there.bodies[-1]) == ["search"]
        assert there.bodies[-1]["temperature"] == there.bodies[-2]["temperature"] == 0.1
    for chain in chains[2:]:
        assert chain.bind_tools([search]).config["tags"] == ["a"]


def test_a_configured_model_gives_its_object() -> None:
    there = answering()
    made: Any = model_of(there).configurable_fields(temperature=ConfigurableField("heat"))
    warm = made.with_config(configurable={"heat": 0.3})
    assert warm.with_structured_output(Joke).invoke("a") == JOKE
    assert there.bodies[0]["temperature"] == 0.3


def test_the_cache_knows_schemas_apart() -> None:
    there = answering()
    model = model_of(there, cache=InMemoryCache())
    wider: Any = type("Joke", (BaseModel,), {"__annotations__": {"setup": str, "punchline": str}})
    for schema in (Joke, wider, Joke):
        model.invoke("a", response_format=schema)
    assert len(there.bodies) == 2


def output_schema(schema: Any, **settings: Any) -> dict[str, Any]:
    chain = model_of(answering()).with_structured_output(schema, **settings)
    return chain.get_output_jsonschema()


def test_the_chain_shows_what_it_gives() -> None:
    model = model_of(answering())
    assert model.with_structured_output(Joke).OutputType is Joke
    assert model.with_structured_output(JokeDict).OutputType is JokeDict
    assert model.with_structured_output(SCHEMA).OutputType == dict[str, Any]
    assert output_schema(Joke) == SCHEMA
    assert output_schema(SCHEMA) == SCHEMA
    for schema in (JokeDict, JokeData):
        shown = output_schema(schema)
        assert shown["title"] == schema.__name__
        assert shown["properties"]["setup"]["type"] == "string"
    assert output_schema(None, method="json_mode") == {"type": "object"}


def test_beside_the_raw_answer_the_schema_is_one_of_three() -> None:
    class Outer(BaseModel):
        joke: Joke

    shown = output_schema(Outer, include_raw=True)
    assert shown["properties"].keys() == {"raw", "parsed", "parsing_error"}
    assert "Joke" in shown["$defs"]
    chain = model_of(answering()).with_structured_output(Joke, include_raw=True)
    assert "raw" in chain.OutputType.__annotations__


def test_the_parser_is_one_of_langchain_s() -> None:
    chain: Any = model_of(answering()).with_structured_output(Joke)
    assert chain.last.parse(TEXT) == JOKE
    with pytest.raises(OutputParserException):
        chain.last.invoke("no JSON")
    assert chain.last.invoke(TEXT) == JOKE
    half = ChatGeneration(message=AIMessage(content="{"))
    assert chain.last.parse_result([half], partial=True) is None


def test_types_follow_the_schema() -> None:
    model = model_of(answering())
    assert_type(model.with_structured_output(Joke).invoke("a"), Joke)
    assert_type(model.with_structured_output(JokeDict).invoke("a"), JokeDict)
    assert_type(model.with_structured_output(JokeData).invoke("a"), JokeData)
    assert_type(model.with_structured_output(SCHEMA).invoke("a"), dict[str, Any])
    assert_type(model.bind_tools([search]).with_structured_output(Joke).invoke("a"), Joke)
    assert_type(model.bind(seed=1).with_structured_output(Joke).invoke("a"), Joke)
    raw = model.with_structured_output(Joke, include_raw=True).invoke("a")
    assert_type(raw["raw"], AIMessage)
    assert_type(raw["parsed"], Joke | None)
    assert raw["parsed"] == JOKE
    assert_type(model.bind_tools([search]).invoke("a"), AIMessage)
    bound: Runnable[Any, AIMessage] = model.bind_tools([search])
    assert isinstance(bound, GeminiBinding)
