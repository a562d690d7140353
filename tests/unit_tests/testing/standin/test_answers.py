"""Which answer a request gets: tools, structured output, results, media, limits."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from langchain_aimlapi.testing.standin import StandIn
from langchain_aimlapi.testing.standin._instance import Hints, instance
from tests.examples import examples
from tests.http_client import httpx
from tests.unit_tests.testing.standin.standin_client import (
    FLASH,
    NEWER,
    ask,
    message_of,
    tool,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

INTEGER = {"type": "integer"}
TEXT = {"type": "string"}
MAGIC = tool("magic_function", input={**INTEGER, "exclusiveMinimum": -1000})
WEATHER = tool("get_weather", location=TEXT)
TIME = tool("get_time", zone=TEXT)
BOTH = [WEATHER, TIME]


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    with StandIn() as running:
        yield running


def called(message: dict[str, Any]) -> list[tuple[str, Any]]:
    functions = [call["function"] for call in message.get("tool_calls") or []]
    return [(one["name"], json.loads(one["arguments"])) for one in functions]


def calls(server: StandIn, prompt: str, tools: list[Any], **options: Any) -> list[tuple[str, Any]]:
    return called(message_of(ask(server, prompt, tools=tools, **options)))


def steps(server: StandIn, prompt: str, tools: list[Any], **options: Any) -> list[Any]:
    """Return the calls of each step of an agent's run, and the text that ends it."""
    messages: list[Any] = [user(prompt)]
    taken: list[Any] = []
    while len(taken) < 12:
        message = message_of(ask(server, messages, tools=tools, **options))
        taken.append(called(message) or message["content"])
        if not message.get("tool_calls"):
            return taken
        results = [
            {"role": "tool", "tool_call_id": call["id"], "content": f"result {position}"}
            for position, call in enumerate(message["tool_calls"])
        ]
        messages += [message, *results]
    return taken


# --- tool calls


@pytest.mark.parametrize("choice", ["auto", "required"])
def test_arguments_come_from_the_call_that_the_prompt_writes(server: StandIn, choice: str) -> None:
    prompt = "What is the value of magic_function(3)? Use the tool."
    assert calls(server, prompt, [MAGIC], tool_choice=choice) == [("magic_function", {"input": 3})]


def test_a_tool_without_arguments_is_called_with_none(server: StandIn) -> None:
    bare = tool("magic_function_no_args")
    prompt = "What is the value of magic_function_no_args()? Use the tool."
    assert calls(server, prompt, [bare]) == [("magic_function_no_args", {})]


@pytest.mark.parametrize("name", ["你好啊集团", "こんにちは株式会社"])
def test_quoted_names_are_arguments(server: StandIn, name: str) -> None:
    offered = [tool("unicode_customer", customer_name=TEXT, description=TEXT)]
    prompt = f"Create a customer named '{name}' (Hello Group) - it's a company"
    ((_, arguments),) = calls(server, prompt, offered, tool_choice="required")
    assert arguments == {"customer_name": name, "description": "stand-in description"}


def test_named_arguments_places_and_numbers_are_taken_from_the_prompt(server: StandIn) -> None:
    offered = [tool("add", a=INTEGER, b=INTEGER, note=TEXT)]
    assert calls(server, "add(b=2, a=1, z=9)", offered) == [
        ("add", {"a": 1, "b": 2, "note": "stand-in note"})
    ]
    assert calls(server, "What is 3 + 04?", offered)[0][1] == {
        "a": 3,
        "b": 4,
        "note": "stand-in note",
    }
    assert calls(server, "get_weather(Oslo)", BOTH) == [("get_weather", {"location": "Oslo"})]
    prompt = "What is the weather in San Francisco, CA?"
    assert calls(server, prompt, BOTH) == [("get_weather", {"location": "San Francisco, CA"})]


def test_the_tool_that_fits_the_prompt_is_called(server: StandIn) -> None:
    assert calls(server, "The time, please", BOTH)[0][0] == "get_time"
    assert calls(server, "Use get_time now", BOTH)[0][0] == "get_time"
    assert calls(server, "any", [tool("ReportAnswer"), tool("WeatherOf")]) == []
    assert calls(server, "the weather", [tool("ReportAnswer"), tool("WeatherOf")]) == [
        ("WeatherOf", {})
    ]


def test_nothing_is_called_that_does_not_fit_or_must_not_be(server: StandIn) -> None:
    assert calls(server, "Hello!", BOTH) == []
    assert calls(server, "The weather!", BOTH, tool_choice="none") == []
    assert calls(server, "Hello!", [WEATHER]) != []


@pytest.mark.parametrize("name", ["get_weather", "get_time"])
def test_a_named_choice_is_obeyed(server: StandIn, name: str) -> None:
    choice = {"type": "function", "function": {"name": name}}
    ((chosen, _),) = calls(server, "Hello!", BOTH, tool_choice=choice)
    assert chosen == name
    assert [name for name, _ in calls(server, "Hello!", BOTH, tool_choice="required")] == [
        "get_weather"
    ]


@pytest.mark.parametrize(("mode", "count"), [("required", 1), ("auto", 0)])
def test_allowed_tools_are_the_ones_called(server: StandIn, mode: str, count: int) -> None:
    allowed = [
        *({"type": "function", "function": {"name": name}} for name in ("get_time", "gone")),
        {"type": "function", "function": "odd"},
    ]
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": allowed}}
    made = calls(server, "the weather", [*BOTH, MAGIC], tool_choice=choice, model=NEWER)
    assert [name for name, _ in made] == ["get_time"] * count or mode == "auto"
    assert "get_weather" not in [name for name, _ in made]


def test_parallel_calls(server: StandIn) -> None:
    assert calls(server, "magic_function(1) and magic_function(2)", [MAGIC]) == [
        ("magic_function", {"input": 1}),
        ("magic_function", {"input": 2}),
    ]
    named = calls(server, "Use get_time and get_weather", BOTH)
    assert [name for name, _ in named] == ["get_time", "get_weather"]
    assert len(calls(server, "The weather here and there, in parallel", BOTH)) == 2
    assert len(calls(server, "Ask for 4 weather reports in parallel", BOTH)) == 4


def test_steps_come_one_by_one(server: StandIn) -> None:
    *made, text = steps(server, "Find the weather in 5 steps", [WEATHER])
    assert [len(step) for step in made] == [1] * 5
    assert "result 0" in text
    *made, _ = steps(server, "First get_time, then get_weather", BOTH)
    assert [name for step in made for name, _ in step] == ["get_time", "get_weather"]
    *made, _ = steps(server, "get_time and get_weather", BOTH, parallel_tool_calls=False)
    assert [name for step in made for name, _ in step] == ["get_time", "get_weather"]


def test_a_choice_that_stays_forced_gets_on_to_the_other_tools(server: StandIn) -> None:
    answer = tool("WeatherAnswer", text=TEXT)
    made = steps(server, "get_weather in Oslo", [WEATHER, answer], tool_choice="required")
    assert [step[0][0] for step in made[:3]] == ["get_weather", "WeatherAnswer", "WeatherAnswer"]


def test_results_are_quoted(server: StandIn) -> None:
    made = steps(server, "get_time and get_weather", BOTH)
    assert len(made) == 2
    assert "result 0" in made[1]
    assert "result 1" in made[1]


def test_images_sent_after_results_do_not_begin_a_new_turn(server: StandIn) -> None:
    data = base64.b64encode(b"12345").decode()
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    asked = user("get_weather as a picture")
    message = message_of(ask(server, [asked], tools=[WEATHER]))
    call_id = message["tool_calls"][0]["id"]
    result = {"role": "tool", "tool_call_id": call_id, "content": "see below"}
    history = [asked, message, result, user([picture])]
    answer = message_of(ask(server, history, tools=[WEATHER]))
    assert "see below" in answer["content"]
    assert "image (image/png, 5 bytes)" in answer["content"]
    assert called(message_of(ask(server, [*history[:3], user("again")], tools=[WEATHER])))


# --- media and echoes


def test_says_what_media_arrived(server: StandIn) -> None:
    data = base64.b64encode(b"1234567").decode()
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/gif;base64,{data}"}},
        {"type": "image_url", "image_url": {"url": "https://a.b/c.png"}},
        {"type": "file", "file": {"file_data": data}},
        {"type": "file", "file": {"file_id": "f-1"}},
        {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}},
        {"type": "video_url", "video_url": {"url": f"data:video/mp4;base64,{data}"}},
    ]
    answer = ask(server, [user(parts)]).json()
    text = answer["choices"][0]["message"]["content"]
    for said in (
        *("image (image/gif, 7 bytes)", "image at https://a.b/c.png", "file (base64, 7 bytes)"),
        *("file with the id f-1", "audio clip (wav, 7 bytes)", "video (video/mp4, 7 bytes)"),
    ):
        assert said in text
    details = answer["usage"]["prompt_tokens_details"]
    assert (details["audio_tokens"], details["video_tokens"]) == (32, 263)
    assert answer["usage"]["prompt_tokens"] > 295


def test_repeats_the_last_message_and_counts_them(server: StandIn) -> None:
    assert message_of(ask(server, "Grüße"))["content"].endswith("Grüße")
    history = [user("hi"), {"role": "assistant", "content": "hm"}, user("so?")]
    said = message_of(ask(server, history))["content"]
    assert "3 messages" in said
    assert said.endswith("so?")


def test_half_a_surrogate_pair_is_repeated_too(server: StandIn) -> None:
    body = {"model": FLASH, "messages": [user("half \ud83d")]}
    for stream in (False, True):
        response = httpx.post(
            f"{server.base_url}/chat/completions",
            content=json.dumps({**body, "stream": stream}),
            headers={"authorization": "Bearer any"},
            trust_env=False,
        )
        assert response.status_code == 200
        assert "half" in response.text
        assert "\\ud83d" in response.text


def test_a_conversation_without_a_user_is_answered_too(server: StandIn) -> None:
    messages = [{"role": "system", "content": "Be."}, {"role": "assistant", "content": "hm"}]
    assert message_of(ask(server, messages))["content"].endswith("hm")


# --- structured output


class Deep(BaseModel):
    kind: Literal["leaf"] = "leaf"
    children: list[Deep]
    mark: str | None


class Everything(BaseModel):
    count: int = Field(gt=5, lt=8)
    share: float = Field(ge=0, le=0.5)
    odd: int = Field(multiple_of=7, ge=10)
    low: int = Field(le=-3)
    flag: bool
    colour: Literal["red", "blue"]
    tags: list[str] = Field(min_length=2)
    pair: tuple[int, str]
    deep: Deep
    either: int | str | None
    nothing: None
    named: dict[str, int]
    short: str = Field(max_length=3)
    long: str = Field(min_length=40)
    optional: str = "unset"


def schema_format(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "S", "schema": schema}}


def test_a_schema_gets_an_instance(server: StandIn) -> None:
    wanted = schema_format(Everything.model_json_schema())
    text = message_of(ask(server, "Something blue with 6 parts", response_format=wanted))["content"]
    made = Everything.model_validate_json(text)
    assert (made.count, made.colour) == (6, "blue")
    assert "optional" not in json.loads(text)


@pytest.mark.parametrize("choice", ["'yes' or 'no'", '"yes", or "no"', "`yes` or `no`"])
def test_a_text_described_by_two_words_is_one_of_them(server: StandIn, choice: str) -> None:
    """As graders of retrieved documents describe their score: their graphs come to an end."""
    score = {"type": "string", "description": f"Is the document relevant, {choice}?"}
    schema = {"type": "object", "properties": {"score": score}, "required": ["score"]}
    for prompt, expected in (("Grade it.", "yes"), ("Say no.", "no")):
        answer = message_of(ask(server, prompt, response_format=schema_format(schema)))
        assert json.loads(answer["content"]) == {"score": expected}


def test_keys_of_a_json_object_are_those_that_the_prompt_quotes(server: StandIn) -> None:
    prompt = "Tell me a joke. Return JSON with 'setup' and \"punchline\" keys, that's all."
    wanted = {"type": "json_object"}
    made = json.loads(message_of(ask(server, prompt, response_format=wanted))["content"])
    assert made == {"setup": "stand-in setup", "punchline": "stand-in punchline"}
    made = json.loads(message_of(ask(server, "JSON!", response_format=wanted))["content"])
    assert made == {"answer": "stand-in answer"}


def test_beside_a_response_format_only_fitting_tools_are_called(server: StandIn) -> None:
    wanted = schema_format({"type": "object"})
    *made, text = steps(server, "The weather in Oslo", BOTH, response_format=wanted)
    assert (len(made), text) == (1, "{}")
    assert calls(server, "Hello", [WEATHER], response_format=wanted) == []
    assert calls(server, "Hello", [WEATHER], response_format=wanted, tool_choice="required") != []


SCHEMAS: list[tuple[Any, Any]] = [
    ({}, "stand-in value"),
    ({"const": 7}, 7),
    ({"enum": [3, "x"]}, 3),
    ({"type": ["null", "integer"]}, 1),
    ({"type": ["null"]}, None),
    ({"items": INTEGER}, [1]),
    ({"type": "array"}, []),
    ({"type": "array", "items": INTEGER, "maxItems": 0}, []),
    ({"properties": {"a": INTEGER}}, {}),
    ({"type": "object", "required": ["a"]}, {"a": "stand-in a"}),
    ({"oneOf": [{"type": "null"}, INTEGER]}, 1),
    ({"anyOf": ["odd"]}, "stand-in value"),
    ({"type": "string", "format": "date"}, "2026-01-01"),
    ({"type": "number", "exclusiveMaximum": 0}, -0.5),
    ({"type": "number", "minimum": 2, "maximum": 1}, 2.0),
    ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": INTEGER}}, 1),
    ({"$ref": "#/gone"}, "stand-in value"),
    ({"$ref": "#/type/deeper", "type": "boolean"}, True),
    (
        {
            "allOf": [
                {"properties": {"a": INTEGER}, "required": ["a"]},
                {"$ref": "#/$defs/b"},
            ],
            "$defs": {"b": {"properties": {"b": TEXT}, "required": ["b"]}},
        },
        {"a": 1, "b": "stand-in b"},
    ),
]


@pytest.mark.parametrize(("schema", "value"), SCHEMAS)
def test_instances(schema: Any, value: Any) -> None:
    assert instance(schema) == value


def test_a_schema_that_refers_to_itself_ends() -> None:
    loop = {"$ref": "#"}
    assert instance(loop) == "stand-in value"
    required = {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}
    assert json.dumps(instance(required))


def test_what_is_no_schema_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="not a JSON schema"):
        instance({"type": "object", "properties": 5, "required": 5})


def test_hints_are_given_out_once_and_numbers_must_fit() -> None:
    hints = Hints("take 5000 and 2.5 of `this` in Oslo")
    assert hints.next_number(whole=True) == 5000
    assert hints.next_number(whole=True) is None
    assert hints.next_number(whole=False) == 2.5
    assert (hints.text_for("city"), hints.text_for("city")) == ("Oslo", "this")
    assert instance({**INTEGER, "maximum": 9}, hints=Hints("5000")) == 1


# --- stop sequences and limits


@pytest.mark.parametrize("stop", ["arrived", ["zebra", "arrived"]])
def test_stop_sequences_end_the_text(server: StandIn, stop: Any) -> None:
    choice = ask(server, "hi", stop=stop).json()["choices"][0]
    assert choice["message"]["content"].endswith("Here is what ")
    assert choice["finish_reason"] == "stop"


@pytest.mark.parametrize("option", ["max_tokens", "max_completion_tokens"])
@examples(30)
@given(limit=st.integers(min_value=1, max_value=120))
def test_no_more_tokens_than_allowed(server: StandIn, option: str, limit: int) -> None:
    options: dict[str, Any] = {option: limit}
    answer = ask(server, "hi", **options).json()
    choice = answer["choices"][0]
    assert answer["usage"]["completion_tokens"] <= limit
    assert choice["message"]["content"]
    cut = not choice["message"]["content"].endswith("says: hi")
    assert choice["finish_reason"] == ("length" if cut else "stop")
    assert choice["native_finish_reason"] == ("MAX_TOKENS" if cut else "STOP")


ABSURD: list[dict[str, Any]] = [
    {"type": "string", "minLength": 100_000_000},
    {"type": "array", "items": TEXT, "minItems": 1_000_000_000},
    {"type": "array", "minItems": 10_001, "items": {}},
    {"type": "object", "required": [str(number) for number in range(10_001)]},
    {"const": [1] * 10_001},
    {"enum": [{"a": [1] * 10_001}]},
    {"minLength": "long"},
    {"type": "integer", "minimum": 1e308, "multipleOf": 1e-308},
    {"items": 5, "prefixItems": 5, "type": "array"},
    {"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}] * 9}}},
    {
        "$defs": {"a": {"type": "array", "minItems": 9, "items": {"$ref": "#/$defs/a"}}},
        "$ref": "#/$defs/a",
    },
]


@pytest.mark.parametrize("schema", ABSURD)
def test_an_absurd_schema_is_refused_or_answered_soon(
    server: StandIn, schema: dict[str, Any]
) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "J", "schema": schema}}
    for options in ({"response_format": wanted}, {"tools": [tool("f", a=schema)]}):
        response = ask(server, "f", **options)
        assert response.status_code in {200, 400}
        assert len(response.content) < 300_000


@pytest.mark.parametrize("schema", ABSURD[:6])
def test_an_answer_holds_at_most_10_000_values(server: StandIn, schema: dict[str, Any]) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "J", "schema": schema}}
    response = ask(server, "hi", response_format=wanted)
    assert response.status_code == 400
    assert "more than 10,000 values" in response.json()["message"]
    whole = {"type": "array", "minItems": 9_999, "items": {"type": "null"}}
    wanted["json_schema"] = {"name": "J", "schema": whole}
    answer = message_of(ask(server, "hi", response_format=wanted))
    assert json.loads(answer["content"]) == [None] * 9_999


def test_a_limit_cuts_arguments_too(server: StandIn) -> None:
    prompt = "magic_function(1) and magic_function(2) and magic_function(3)"
    choice = ask(server, prompt, tools=[MAGIC], max_tokens=20).json()["choices"][0]
    assert choice["finish_reason"] == "length"
    texts = [call["function"]["arguments"] for call in choice["message"]["tool_calls"]]
    assert texts[0] == '{"input": 1}'
    assert len(texts) == 2
    assert not texts[1].endswith("}")


def test_several_choices(server: StandIn) -> None:
    body = ask(server, "hi", n=3, model=FLASH).json()
    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2]
    details = [choice["message"]["reasoning_details"][-1]["data"] for choice in body["choices"]]
    assert len(set(details)) == 3
