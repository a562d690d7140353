"""What the stand-in refuses, and that the refusal names the field."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_aimlapi.testing.standin import StandIn
from tests.examples import examples
from tests.http_client import httpx
from tests.unit_tests.testing.standin.standin_client import FLASH, NEWER, ask, tool, user

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = base64.b64encode(b"bytes").decode()
PNG = f"data:image/png;base64,{DATA}"
MEDIA = "google/gemini-3-5-flash"
LATEST = "google/gemini-pro-latest"
ASSISTANT = {"role": "assistant", "content": "hm"}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLING = {"role": "assistant", "content": "", "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c", "content": "ok"}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "J", "schema": {}}}


def image(url: str, **options: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **options}}


def file(**fields: Any) -> dict[str, Any]:
    return {"type": "file", "file": fields}


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    with StandIn() as running:
        yield running


@pytest.fixture(scope="module")
def documented() -> Iterator[StandIn]:
    """A server that holds every model to its documented schema."""
    with StandIn(assume=False) as running:
        yield running


OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"temperature": 3}, "temperature: must be less than or equal to 2"),
    ({"temperature": -0.1}, "temperature"),
    ({"temperature": None}, "temperature: expected number, received null"),
    ({"temperature": True}, "temperature: expected number, received boolean"),
    ({"top_p": 0}, "top_p"),
    ({"seed": 0}, "seed"),
    ({"seed": 1.5}, "seed: expected integer"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_completion_tokens": "5"}, "max_completion_tokens"),
    ({"n": 0}, "n: "),
    ({"stream": "yes"}, "stream: expected boolean"),
    ({"stream_options": True}, "stream_options: expected object, received boolean"),
    ({"stream_options": {}}, "stream_options.include_usage: required"),
    ({"stop": ["a", "b", "c", "d", "e"]}, "stop: must hold at most 4"),
    ({"stop": [1]}, "stop.0: expected string"),
    ({"frequency_penalty": 3}, "frequency_penalty"),
    ({"prediction": {"type": "content"}}, "prediction.content: required"),
    ({"provider": {"order": []}}, "provider: expected string"),
    ({"parallel_tool_calls": 1}, "parallel_tool_calls"),
    ({"response_format": {"type": "xml"}}, "response_format.type: invalid enum value"),
    ({"response_format": {"type": "text", "x": 1}}, "response_format.x: unrecognized key"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema: required"),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a b"}}},
        "response_format.json_schema.name",
    ),
    ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "function.parameters: required"),
    ({"tools": [tool("no spaces")]}, "tools.0.function.name"),
    ({"tools": [tool("f" * 65)]}, "tools.0.function.name"),
    ({"tools": [tool(f"f{one}") for one in range(129)]}, "tools: must hold at most 128"),
    ({"tools": [{**tool("f"), "cache_control": {}}]}, "tools.0.cache_control: unrecognized key"),
    ({"tools": [{"type": "web_search"}]}, "tools.0.type: invalid enum value"),
    ({"tools": ["f"]}, "tools.0: expected object"),
    ({"tools": [tool("f")], "tool_choice": "any"}, "tool_choice: invalid enum value"),
    ({"tools": [tool("f")], "tool_choice": 1}, "tool_choice: expected string | object"),
    ({"tool_choice": "required"}, "tool_choice: 'required' needs tools"),
    (
        {"tools": [tool("f")], "tool_choice": {"type": "function", "function": {"name": "g"}}},
        "tool_choice.function.name: no tool named 'g'",
    ),
]

MESSAGES: list[tuple[list[Any], str]] = [
    ([], "messages: must hold at least 1"),
    ([{"role": "developer", "content": "hi"}], "messages.0.role: invalid enum value"),
    ([{"content": "hi"}], "messages.0.role: expected string, received null"),
    (["hi"], "messages.0: expected object"),
    ([{"role": "user"}], "messages.0.content: required"),
    ([user(None)], "messages.0.content: expected string | array, received null"),
    ([user([{"type": "thinking"}])], "messages.0.content.0.type: invalid enum value"),
    ([user([{"type": "text"}])], "messages.0.content.0.text: required"),
    ([user([image("https://a.b/c", detail="huge")])], "image_url.detail"),
    ([user([image("no address")])], "image_url.url"),
    ([user([image(f"data:image/tiff;base64,{DATA}")])], "unsupported media type 'image/tiff'"),
    ([user([image("data:image/png;base64,***")])], "not a base64 data URI"),
    ([user([image("data:image/png,plain")])], "not a base64 data URI"),
    ([user([file(file_data=f"data:text/plain;base64,{DATA}")])], "'text/plain'"),
    ([user([file(filename="a.pdf")])], "file.file_data: required"),
    ([user([file(file_data="***")])], "neither an address nor base64"),
    ([user([{"type": "input_audio", "input_audio": {"data": DATA}}])], "format: required"),
    (
        [user([{"type": "input_audio", "input_audio": {"data": DATA, "format": "avi"}}])],
        "input_audio.format",
    ),
    ([{"role": "system", "content": "s", "id": 1}], "messages.0.id: unrecognized key"),
    ([{"role": "system", "content": [image(PNG)]}], "messages.0.content.0.type"),
    ([user("hi"), CALLING, {**RESULT, "content": []}], "messages.2.content: expected string"),
    ([user("hi"), CALLING, {**RESULT, "status": "ok"}], "messages.2.status: unrecognized key"),
    ([user("hi"), CALLING, {**RESULT, "name": 1}], "messages.2.name"),
    ([user("hi"), {**ASSISTANT, "content": None}], "messages.1.content"),
    ([user("hi"), {"role": "assistant"}], "messages.1.content: required unless tool_calls"),
    ([user("hi"), {**CALLING, "tool_calls": [{"id": "c"}]}], "messages.1.tool_calls.0.type"),
    ([user("hi"), {**CALLING, "refusal": 1}], "messages.1.refusal"),
    ([user("hi"), {**CALLING, "tool_calls": [{**CALL, "function": {}}]}], "function.name"),
    ([user("hi"), CALLING], "messages: the tool call 'c' is not followed by its result"),
    ([user("hi"), CALLING, user("well?"), RESULT], "'c' is not followed by its result"),
    ([user("hi"), RESULT], "messages.1.tool_call_id: 'c' answers no tool call"),
    ([user("hi"), CALLING, RESULT, RESULT], "messages.3.tool_call_id"),
]


def assert_refused(response: httpx.Response, names: str) -> None:
    error = response.json()
    assert response.status_code == 400, error
    assert set(error) == {"message", "path", "requestId", "statusCode", "timestamp"}
    assert error["message"].startswith("Body validation error\n")
    assert names in error["message"]
    assert error["requestId"] == response.headers["x-inference-id"]


@pytest.mark.parametrize(("options", "names"), OPTIONS)
def test_refuses_an_option_outside_the_schema(
    server: StandIn, options: dict[str, Any], names: str
) -> None:
    assert_refused(ask(server, "hi", **options), names)
    assert_refused(ask(server, "hi", **{**options, "model": FLASH}), names)


@pytest.mark.parametrize(("messages", "names"), MESSAGES)
def test_refuses_messages_outside_the_schema(
    server: StandIn, messages: list[Any], names: str
) -> None:
    assert_refused(ask(server, messages), names)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b'"hi"', b'{"model": NaN}', b"[" * 100_000, b"\xff"]
)
def test_refuses_what_is_no_json_object(server: StandIn, raw: bytes) -> None:
    response = httpx.post(
        f"{server.base_url}/chat/completions",
        content=raw,
        headers={"authorization": "Bearer any"},
        trust_env=False,
    )
    assert_refused(response, "body: expected an object in JSON")


def test_refuses_numbers_that_are_too_great_to_be_any(server: StandIn) -> None:
    for number in ("1e999", "9" * 400):
        raw = f'{{"model": "{FLASH}", "messages": [], "temperature": {number}}}'
        response = httpx.post(
            f"{server.base_url}/chat/completions",
            content=raw.replace("[]", '[{"role": "user", "content": "hi"}]'),
            headers={"authorization": "Bearer any"},
            trust_env=False,
        )
        assert_refused(response, "temperature")


def test_refuses_a_model_that_it_does_not_serve(server: StandIn) -> None:
    assert ask(server, "hi", model="google/gemini-9").status_code == 404
    assert_refused(ask(server, "hi", model=None), "model: required")
    assert_refused(ask(server, "hi", model=["x"]), "model: required")


GOOD: list[dict[str, Any]] = [
    {"max_tokens": 1.5, "n": None, "stop": None, "frequency_penalty": None, "top_p": 0.01},
    {"seed": 1, "temperature": 2, "presence_penalty": -2, "stop": "x", "n": 2.0},
    {"reasoning": {"effort": "any"}, "reasoning_effort": "none", "unknown_key": {"passes": True}},
    {"tools": [], "tool_choice": "none", "provider": "auto"},
    {"prediction": {"type": "content", "content": [{"type": "text", "text": "x"}]}},
    {"response_format": {"type": "text"}},
    {"response_format": SCHEMA},
]


@pytest.mark.parametrize("options", GOOD)
def test_takes_what_the_schema_allows(server: StandIn, options: dict[str, Any]) -> None:
    response = ask(server, "hi", **options)
    assert response.status_code == 200, response.text


def test_takes_every_documented_form_of_message(server: StandIn) -> None:
    text = {"type": "text", "text": "hi"}
    assistant = {
        **CALLING,
        "content": [text, {"type": "refusal", "refusal": "no"}],
        "refusal": None,
        "reasoning_details": ["anything"],
        "extra_content": {"any": "thing"},
    }
    messages = [
        {"role": "system", "content": [text], "name": "s"},
        {**user([text, image(PNG, detail="low"), image("https://a.b/c.png")]), "name": "u"},
        assistant,
        {**RESULT, "name": None},
        user("and now?"),
    ]
    assert ask(server, messages).status_code == 200


VIDEO = {"type": "video_url", "video_url": {"url": "https://a.b/c.mp4"}}
PDF = file(file_data=f"data:application/pdf;base64,{DATA}", filename="a.pdf")
AUDIO = {"type": "input_audio", "input_audio": {"data": DATA, "format": "wav"}}


@pytest.mark.parametrize("part", [VIDEO, PDF, AUDIO])
def test_undocumented_parts_pass_only_where_that_is_assumed(
    server: StandIn, documented: StandIn, part: dict[str, Any]
) -> None:
    assert ask(server, [user([part])]).status_code == 200
    assert_refused(ask(documented, [user([part])]), "messages.0.content.0.type")
    assert ask(documented, [user([part])], model=MEDIA).status_code == 200


def test_newer_ids_take_what_only_their_schema_documents(documented: StandIn) -> None:
    cached = {"cache_control": {"type": "ephemeral", "ttl": "5m"}}
    text = {"type": "text", "text": "hi", **cached}
    custom = {"id": "d", "type": "custom", "custom": {"name": "g", "input": "x"}}
    calls = [{**CALL, "extra_content": {"any": "thing"}}, custom]
    messages = [
        {"role": "system", "content": [text]},
        user([text, {**image(DATA), **cached}]),
        {"role": "assistant", "content": None, "tool_calls": calls},
        {**RESULT, "content": [text]},
        {**RESULT, "tool_call_id": "d"},
        user("and now?"),
    ]
    bare = {"type": "function", "function": {"name": "f", "strict": None}, **cached}
    options: dict[str, Any] = {
        "tools": [bare, {"type": "web_search"}],
        "normalize_tool_schemas": True,
    }
    assert ask(documented, messages, model=NEWER, **options).status_code == 200
    assert_refused(ask(documented, messages, **options), "messages.1.content.1.image_url.url")


def test_reasoning_is_checked_where_it_is_documented(documented: StandIn) -> None:
    assert_refused(ask(documented, "hi", model=NEWER, reasoning_effort="max"), "reasoning_effort")
    wrong = {"effort": "low", "max_tokens": 0}
    assert_refused(ask(documented, "hi", model=LATEST, reasoning=wrong), "reasoning.max_tokens")
    both = {"effort": "low", "max_tokens": 9}
    assert_refused(ask(documented, "hi", model=LATEST, reasoning=both), "reasoning")
    assert ask(documented, "hi", model=LATEST, reasoning={"exclude": True}).status_code == 200


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        *("messages", "tools", "tool_choice", "response_format", "stop", "n", "stream"),
        *("reasoning", "max_tokens", "stream_options", "prediction", "seed"),
    ]
)
PLACES = st.sampled_from(["body", "message", "part", "call", "tool", "schema", "details"])


def placed(place: str, value: Any, key: str) -> dict[str, Any]:
    """Return a request with a value somewhere inside it."""
    if place == "body":
        return {"messages": [user("hi")], key: value}
    turn = {**CALLING, "reasoning_details": value, "extra_content": {"google": value}}
    histories: dict[str, list[Any]] = {
        "message": [user("hi"), value],
        "part": [user([value])],
        "call": [user("hi"), {**CALLING, "tool_calls": [value]}],
        "details": [user("hi"), turn, RESULT],
    }
    if place in histories:
        return {"messages": histories[place]}
    if place == "tool":
        return {"messages": [user("hi")], "tools": [value], "tool_choice": "required"}
    parameters = {"type": "object", "properties": {"a": value}, "required": ["a"], "$defs": value}
    function = {"name": "f", "parameters": parameters}
    tools = [{"type": "function", "function": function}]
    return {"messages": [user("hi")], "tools": tools, "tool_choice": "required"}


@examples(60)
@given(place=PLACES, value=JSON, key=KEYS, model=st.sampled_from([FLASH, NEWER]))
def test_any_json_anywhere_is_answered_or_refused(
    server: StandIn, place: str, value: Any, key: str, model: str
) -> None:
    body = placed(place, value, key)
    response = ask(server, body.pop("messages"), model=model, **body)
    assert response.status_code in {200, 400}, response.text
