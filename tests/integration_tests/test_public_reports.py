"""Troubles that others reported in public, rebuilt here: what is right then, report by report.

Each test names the reports whose trouble it rebuilds (read 2026-11-26); none was seen on this
gateway. What the package leaves to the server, on purpose, is held here too: the refusal and the
way out that the error names.
"""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from contextlib import aclosing
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal

import anyio
import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import AutoStrategy, ToolStrategy
from langchain_core.caches import BaseCache, InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.exceptions import OutputParserException
from langchain_core.load import dumps, loads
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.utils.function_calling import convert_to_openai_function
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from pydantic import BaseModel, Field

from langchain_aimlapi import (
    AIMLAPIError,
    AIMLAPIInvalidRequestError,
    AIMLAPIRateLimitError,
    AIMLAPIResponseError,
    AIMLAPIServerError,
    ChatAIMLGemini,
    get_spend_callback,
)
from langchain_aimlapi.testing.standin import StandIn
from langchain_aimlapi.testing.standin._declarations import declaration_problem
from tests.http_client import httpx
from tests.serving import Served, model_of, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wholes import Json

HEAD: Json = {"id": "gen-1", "model": "m", "created": 1}
USAGE: Json = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
COUNTS: Json = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
CALL: Any = {"name": "look", "args": {"at": "it"}, "id": "one", "type": "tool_call"}
PNG = "iVBORw0KGgo="


def event(delta: Json | None = None, finish: str | None = None, **more: Any) -> Json:
    return {
        **HEAD,
        "choices": [{"index": 0, "delta": delta or {}, "finish_reason": finish}],
        **more,
    }


def whole(message: Json, finish: str = "stop", **more: Any) -> Json:
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {**HEAD, "choices": [choice], "usage": USAGE, **more}


def call(arguments: Any, **more: Any) -> Json:
    given = {"index": 0, "id": "one", "type": "function"}
    return {**given, "function": {"name": "look", "arguments": arguments}, **more}


END = [event({}, "stop"), {**HEAD, "choices": [], "usage": USAGE}]
OK = whole({"content": "ok"})


def line(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def lines(*events: Any) -> bytes:
    return b"".join(map(line, events))


def streamed(events: Any) -> AIMessageChunk:
    first, *others = model_of(served({}, events)).stream("Hello")
    assert isinstance(first, AIMessageChunk)
    for chunk in others:
        first += chunk
    return first


def answered(body: Any) -> AIMessage:
    answer = model_of(served(body)).invoke("Hello")
    assert isinstance(answer, AIMessage)
    return answer


def both_ways(message: Json, deltas: list[Json], finish: str = "stop") -> Iterator[AIMessage]:
    yield answered(whole(message, finish))
    yield streamed([*map(event, deltas), event({}, finish), END[1]])


def sent(messages: list[BaseMessage], **settings: Any) -> list[Json]:
    server = served(OK)
    model_of(server, **settings).invoke(messages)
    body: list[Json] = server.bodies[0]["messages"]
    return body


# --- events of streams


@pytest.mark.parametrize("odd", [b"null", b"", b"{}"])
@pytest.mark.parametrize("is_first", [False, True])
def test_an_event_of_nothing_is_passed_over(odd: bytes, *, is_first: bool) -> None:
    """Kilo-Org/kilocode#3083: `data: null` between the thoughts and the text ended the stream."""
    nothing = b"data: " + odd + b"\n\n"
    data = lines(event({"content": "a"})), nothing, lines(event({"content": "b"}), *END)

    answer = streamed(b"".join((nothing, *data) if is_first else data))

    assert (answer.content, answer.usage_metadata) == ("ab", COUNTS)


@pytest.mark.parametrize(
    "odd",
    [
        {**HEAD, "choices": None},
        {**HEAD, "choices": [None]},
        {**HEAD, "choices": [{"index": 0, "delta": None, "finish_reason": None}]},
    ],
)
def test_a_chunk_whose_parts_are_null_adds_nothing(odd: Json) -> None:
    """pydantic/pydantic-ai#5165: `choices: null` in the middle of a stream was a TypeError."""
    answer = streamed([event({"content": "a"}), odd, event({"content": "b"}), *END])

    assert (answer.content, answer.usage_metadata) == ("ab", COUNTS)


@pytest.mark.parametrize("between", ["", " ", "\n", "data: ", "\ndata: ", "\r\n"])
def test_events_without_their_separator_are_read_one_by_one(between: str) -> None:
    """1jehuang/jcode#609, first form: a proxy lost the blank line between two events."""
    texts = [json.dumps(one) for one in (event({"content": "a"}), event({"content": "b"}), *END)]
    data = f"data: {between.join(texts)}{between}[DONE]\n\n"

    answer = streamed(data.encode())

    assert (answer.content, answer.usage_metadata) == ("ab", COUNTS)
    assert answer.response_metadata["finish_reason"] == "stop"


@pytest.mark.parametrize("rest", ["[1]", '{"id":', "{}x", '"text"'])
def test_what_is_not_only_objects_is_still_an_error(rest: str) -> None:
    """1jehuang/jcode#609, neighbour: nothing of a damaged event may be taken for the whole."""
    data = lines(event({"content": "a"})) + f"data: {json.dumps(event())}{rest}\n\n".encode()

    with pytest.raises(AIMLAPIResponseError, match="is not JSON") as caught:
        streamed(data)

    assert caught.value.partial is not None
    assert caught.value.partial.content == "a"


def test_an_object_cut_over_two_events_is_a_typed_error() -> None:
    """1jehuang/jcode#609, second form: two halves of one object, each an event of its own."""
    first, second = json.dumps(event({"content": "Hello world"})).split("world")
    data = f"data: {first}\n\ndata: world{second}\n\n".encode()

    with pytest.raises(AIMLAPIResponseError, match="is not JSON"):
        streamed(data + lines(*END))


@pytest.mark.parametrize("data", [b"", b"data: [DONE]\n\n", b": OPENROUTER PROCESSING\n\n"])
def test_a_stream_of_nothing_is_a_typed_error(data: bytes) -> None:
    """deepset-ai/haystack#12721, DataDog/dd-trace-py#14985: no chunk at all was an IndexError."""
    with pytest.raises(AIMLAPIResponseError, match="without a single choice") as caught:
        streamed(data)

    assert caught.value.is_retryable


def test_counts_told_again_and_again_are_counted_once() -> None:
    """langchain-ai/langchainjs#10159, langchain-ai/langchain#30429: every chunk had the totals.

    So did each of two last chunks in langchain-ai/langchainjs#11457.
    """
    growing = [{**USAGE, "completion_tokens": n, "total_tokens": 10 + n} for n in (1, 3, 5)]
    last = event({}, "stop", usage=USAGE)
    texts = [
        event({"content": text}, usage=usage) for text, usage in zip("abc", growing, strict=True)
    ]

    answer = streamed([*texts, last, last])

    assert answer.usage_metadata == COUNTS
    assert answer.response_metadata["token_usage"] == USAGE
    assert (answer.response_metadata["finish_reason"], answer.response_metadata["model_name"]) == (
        "stop",
        "m",
    )


def test_counts_beside_the_last_text_lose_neither() -> None:
    """Routstr/routstr-core#543: usage in the chunk of the last text lost the text."""
    answer = streamed([event({"content": "a"}), event({"content": "b"}, "stop", usage=USAGE)])

    assert (answer.content, answer.usage_metadata) == ("ab", COUNTS)


@pytest.mark.parametrize("details", [{"cached_tokens": 8}, {"cached_tokens": 8, "audio_tokens": 0}])
def test_cached_tokens_are_a_part_of_the_input(details: Json) -> None:
    """headroomlabs-ai/headroom#2230, langchain-ai/langchain-litellm#52.

    Cached tokens were added to the prompt's, or were not told in streams.
    """
    usage = {**USAGE, "prompt_tokens_details": details}
    for answer in (
        answered({**OK, "usage": usage}),
        streamed([event({"content": "ok"}), event({}, "stop", usage=usage)]),
    ):
        counted = answer.usage_metadata
        assert counted is not None
        assert (counted["input_tokens"], counted["total_tokens"]) == (10, 15)
        assert counted["input_token_details"]["cache_read"] == 8


def test_thoughts_told_in_three_fields_are_one() -> None:
    """BerriAI/litellm#14137: one delta has `reasoning`, `reasoning_content` and details."""

    def thought(text: str) -> Json:
        detail = {"type": "reasoning.text", "text": text, "index": 0}
        return {"reasoning": text, "reasoning_content": text, "reasoning_details": [detail]}

    deltas = [thought("Count"), thought("ing"), {"content": "3"}]
    for answer in both_ways({**thought("Counting"), "content": "3"}, deltas):
        thoughts = [one for one in answer.content_blocks if one["type"] == "reasoning"]
        assert [one["reasoning"] for one in thoughts] == ["Counting"]


# --- tool calls


def test_a_stop_with_calls_is_an_ending_in_calls() -> None:
    """googleapis/python-genai#2868, envoyproxy/ai-gateway#2399, BerriAI/litellm#21577.

    Streams say `stop` in a chunk of its own behind the call; whole answers say `tool_calls`.
    """
    asked = {"content": "", "tool_calls": [call("{}")]}
    for answer in both_ways(asked, [asked, {"content": ""}], "stop"):
        assert answer.response_metadata["normalized_finish_reason"] == "tool_call"
        assert [one["id"] for one in answer.tool_calls] == ["one"]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (r'{"path": "a\ud800b"}', {"path": "a\ufffdb"}),
        (r'{"path": "\udc00"}', {"path": "\ufffd"}),
        (r'{"path": "\ud83d\ud83d\ude00"}', {"path": "\ufffd\U0001f600"}),
        (r'{"path": "\ud83d\ude00", "\ud83d": 1}', {"path": "\U0001f600", "\ufffd": 1}),
        (r'{"path": "C:\\ud800"}', {"path": "C:\\ud800"}),
        (r'{"path": "\\\ud800\n"}', {"path": "\\\ufffd\n"}),
        ('{"path": "\\ud83d\\ude00\n"}', {"path": "\U0001f600\n"}),
    ],
)
def test_halves_of_pairs_in_arguments_are_replaced(text: str, read: Json) -> None:
    """NousResearch/hermes-agent#102757: an escaped half in arguments killed every later request."""
    for size in (1, 2, 3, 5, 7, len(text)):
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        deltas = [{"tool_calls": [call(pieces[0])]}]
        deltas += [
            {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces[1:]
        ]
        for answer in both_ways({"tool_calls": [call(text)]}, deltas, "tool_calls"):
            assert (answer.tool_calls[0]["args"], answer.invalid_tool_calls) == (read, [])
            _, asked, _ = sent([HumanMessage("Go"), answer, ToolMessage("r", tool_call_id="one")])
            assert json.loads(asked["tool_calls"][0]["function"]["arguments"]) == read


@pytest.mark.parametrize("end", ["\\", "\\u", "\\ud8", "\\ud83d", "\\ud83d\\", "\\ud83d\\ude"])
def test_an_escape_that_is_cut_off_makes_no_call(end: str) -> None:
    """NousResearch/hermes-agent#102757, neighbour: the limit of tokens came inside an escape."""
    text = '{"path": "a' + end
    for answer in both_ways({"tool_calls": [call(text)]}, [{"tool_calls": [call(text)]}], "length"):
        assert answer.tool_calls == []
        assert str(answer.invalid_tool_calls[0]["args"]).startswith(text)


@pytest.mark.parametrize("inner", ['{"at": "it"}', "{}", ' {"at": "\\"it\\""} '])
def test_arguments_encoded_twice_are_read(inner: str) -> None:
    """huggingface/smolagents#1003: the arguments are a JSON string that holds the object's text."""
    text = json.dumps(inner)
    for size in (1, 4, len(text)):
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        deltas = [{"tool_calls": [call(pieces[0])]}]
        deltas += [
            {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces[1:]
        ]
        said_again = {"tool_calls": [call(text)]}
        message = {"tool_calls": [call(text), call(text)]}
        for answer in both_ways(message, [*deltas, said_again], "tool_calls"):
            assert [one["args"] for one in answer.tool_calls] == [json.loads(inner)]


@pytest.mark.parametrize("text", ['"look"', '"[1]"', '"{"', '"\\"{}\\""', '"{}" "{}"', '""'])
def test_other_strings_are_no_arguments(text: str) -> None:
    """huggingface/smolagents#1003, neighbour: only the text of an object is unwrapped, once."""
    asked = {"tool_calls": [call(text)]}
    for answer in both_ways(asked, [asked], "tool_calls"):
        assert (answer.tool_calls, len(answer.invalid_tool_calls)) == ([], 1)


def test_texts_inside_arguments_stay_texts() -> None:
    """MoonshotAI/kimi-cli#2513: a list inside arguments came as text; the tool decides, not we."""
    asked = {"tool_calls": [call('{"todos": "[1, 2]", "n": "42"}')]}
    for answer in both_ways(asked, [asked], "tool_calls"):
        assert answer.tool_calls[0]["args"] == {"todos": "[1, 2]", "n": "42"}


def test_arguments_that_are_an_object_already_are_read() -> None:
    """mozilla-ai/any-llm#1324: `arguments` as an object where its text is documented."""
    asked = {"tool_calls": [call({"at": "it"})]}
    for answer in both_ways(asked, [asked], "tool_calls"):
        assert answer.tool_calls[0]["args"] == {"at": "it"}


def test_large_numbers_in_arguments_stay_exact() -> None:
    """Beyond 2**53 an id that goes through a float is another id (neighbour of the above)."""
    asked = {"tool_calls": [call('{"n": 12345678901234567890123, "m": 9007199254740993}')]}
    for answer in both_ways(asked, [asked], "tool_calls"):
        assert answer.tool_calls[0]["args"] == {"n": 12345678901234567890123, "m": 9007199254740993}


def test_a_call_without_an_id_gets_one_that_all_see() -> None:
    """langchain-ai/langgraph#2729: calls in a stream of messages had no id."""
    asked = {"tool_calls": [call("{}", id=None)]}
    server = served(whole(asked, "tool_calls"), [event(asked), *END])
    model = model_of(server)
    chunks = list(model.stream("Hello"))
    seen = {fragment["id"] for chunk in chunks for fragment in chunk.tool_call_chunks} - {None}

    assert [one["id"] for one in model.invoke("Hello").tool_calls] == [*seen]
    assert len(seen) == 1


# --- histories


def test_a_history_that_a_call_begins_is_refused_with_the_way_out() -> None:
    """langchain-ai/langchainjs#9272: after a summary the first message asks for a tool."""
    with StandIn(strict=True) as server:
        model = _model_at(server)
        cut: list[Any] = [AIMessage("", tool_calls=[CALL]), ToolMessage("Red", tool_call_id="one")]
        with pytest.raises(AIMLAPIInvalidRequestError, match="begin with a HumanMessage"):
            model.invoke(cut)
        summary = HumanMessage("What was said: look at it.")
        assert model.invoke([summary, *cut]).content


@pytest.mark.parametrize(
    "history",
    [
        [AIMessage("Hi"), ToolMessage("Red", tool_call_id="gone", name="look")],
        [AIMessage("", tool_calls=[CALL]), *[ToolMessage("Red", tool_call_id="one")] * 2],
        [
            AIMessage("", tool_calls=[CALL]),
            HumanMessage("Wait"),
            ToolMessage("R", tool_call_id="one"),
        ],
    ],
)
def test_results_without_their_calls_are_refused_with_the_way_out(history: list[Any]) -> None:
    """langchain-ai/langchain#38352, langchain-ai/langchain#33245, langchain-ai/langgraph#4397.

    A summary or `trim_messages` kept a result whose call is gone; one call was answered twice.
    """
    with StandIn() as server, pytest.raises(AIMLAPIInvalidRequestError) as caught:
        _model_at(server).invoke([HumanMessage("Go"), *history, HumanMessage("And?")])

    assert "Each tool call needs one ToolMessage" in str(caught.value)


def test_messages_of_nothing_are_left_out() -> None:
    """janhq/jan#5741: the second question failed, because an empty message was between the two."""
    empty: list[Any] = [AIMessage(""), AIMessage([]), AIMessage([{"type": "text", "text": ""}])]

    roles = [one["role"] for one in sent([HumanMessage("One"), *empty, HumanMessage("Two")])]

    assert roles == ["user", "user"]


class _Untyped(BaseModel):
    messages: list[BaseMessage]


class _Typed(BaseModel):
    messages: list[AnyMessage]


def test_a_state_that_lost_the_types_of_its_messages_says_how_not_to() -> None:
    """langchain-ai/langgraph#6675: a pydantic state of `list[BaseMessage]` stores bare messages."""
    given: Any = [HumanMessage("Go"), AIMessage("", tool_calls=[CALL])]
    given.append(ToolMessage("Red", tool_call_id="one"))
    serializer = JsonPlusSerializer(allowed_msgpack_modules=[_Untyped, _Typed])
    lost, kept = (
        serializer.loads_typed(serializer.dumps_typed(state(messages=given)))
        for state in (_Untyped, _Typed)
    )

    with pytest.raises(ValueError, match="declare AnyMessage"):
        sent(lost.messages)
    assert sent(kept.messages) == sent(given)


@pytest.mark.parametrize(
    "picture",
    [
        {"type": "image", "base64": PNG, "mime_type": "image/png"},
        {"type": "image", "data": PNG, "mimeType": "image/png"},
    ],
)
def test_texts_and_pictures_of_mcp_tools_reach_the_model(picture: Json) -> None:
    """langbot-app/LangBot#2476 (a list as a result was a 500), github/copilot-cli#4536 (lost)."""
    content: list[Any] = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}, picture]
    result = ToolMessage(content, tool_call_id="one")

    *_, told, shown = sent([HumanMessage("Go"), AIMessage("", tool_calls=[CALL]), result])

    assert told["content"].startswith("a\nb")
    assert shown["content"][0]["image_url"]["url"] == f"data:image/png;base64,{PNG}"


def test_tool_schemas_are_counted_as_tokens() -> None:
    """langchain-ai/langchain#29637: trimming by a count without the tools overflowed."""
    model = model_of(served(OK))
    messages = [SystemMessage("Be brief."), HumanMessage("Hello")]

    with_tools = model.get_num_tokens_from_messages(messages, tools=[_Extra])

    assert with_tools > model.get_num_tokens_from_messages(messages)


# --- schemas


class _Extra(BaseModel):
    """What else."""

    notes: str


class _Texts(BaseModel):
    """A text, or another."""

    type: Literal["texts"]
    content: str


class _Progress(IntEnum):
    DONE = 100
    HALF = 50


class _Domain(Enum):
    NATURE = "NATURE"
    TECHNICAL = "TECHNICAL"


class _Everything(BaseModel):
    """All that was reported."""

    extra: dict[str, _Extra]
    child: _Extra | _Texts
    action: Annotated[_Extra | _Texts, Field(description="What to do")]
    params: dict[str, str] | None = Field(default={}, description="Query")
    progress: Annotated[list[_Progress], Field(description="How far")] | None = None
    domain: _Domain


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
@pytest.mark.parametrize("source", [_Everything, convert_to_openai_function(_Everything)])
def test_schemas_that_were_refused_are_rewritten(method: Any, source: Any) -> None:
    """ag2ai/ag2#2348, vercel/ai#2974, langchain-ai/langchain-google#535, pydantic/pydantic-ai#1553.

    Also 567-labs/instructor#1756: maps of objects, unions without a type, an action of two
    classes, lists of a number enum that may be null, and an enum behind a reference.
    """
    server = served(OK)
    bound = model_of(server).with_structured_output(source, method=method, include_raw=True)
    bound.invoke("Go")
    body = server.bodies[0]
    is_tool = method == "function_calling"
    holder = body["tools"][0]["function"] if is_tool else body["response_format"]["json_schema"]
    schema = holder["parameters" if is_tool else "schema"]

    assert "$ref" not in json.dumps(schema)
    assert schema["properties"]["extra"]["additionalProperties"]["required"] == ["notes"]
    assert len(schema["properties"]["child"]["anyOf"]) == 2
    assert schema["properties"]["domain"]["enum"] == ["NATURE", "TECHNICAL"]
    if is_tool:
        assert declaration_problem(holder) is None


def test_types_as_lists_and_foreign_keywords_are_rewritten() -> None:
    """zed-industries/zed#44875 (a list of types), router-for-me/CLIProxyAPI#97 (`$schema`),
    decolua/9router#2489 (a schema with a key that is none).
    """
    parameters = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "a": {"type": ["string", "null"]},
            "b": {"type": ["array", "null"], "items": {"type": "string"}},
            "c": {"value": "object"},
        },
    }
    server = served(OK)
    model_of(server).bind_tools([{"name": "look", "parameters": parameters}]).invoke("Go")

    function = server.bodies[0]["tools"][0]["function"]
    assert declaration_problem(function) is None
    assert function["parameters"]["properties"] == {
        "a": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "b": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
        "c": {},
    }


@pytest.mark.parametrize("name", ["8fb2_look", "look at", "a" * 65, "-look"])
def test_a_name_that_would_disable_every_tool_is_refused_at_once(name: str) -> None:
    """GitHubSecurityLab/seclab-taskflow-agent#287, mixelpixx/KiCAD-MCP-Server#7."""
    tool = {"name": name, "parameters": {"type": "object", "properties": {}}}

    with pytest.raises(ValueError, match="is no name for a tool"):
        model_of(served(OK)).bind_tools([tool])


class _Forgotten:
    """A class without a base that would give it fields."""

    notes: str


class _Plain:
    def __init__(self, notes: str) -> None:
        self.notes = notes


@pytest.mark.parametrize("source", [_Domain, _Progress, _Forgotten, _Plain, int])
def test_a_class_without_fields_is_refused(source: Any) -> None:
    """langchain-ai/langchain#34970: an enum as a schema was taken, with a nonsense schema."""
    model = model_of(served(OK))

    with pytest.raises(ValueError, match=r"is not a class with fields|is no tool"):
        model.with_structured_output(source)
    with pytest.raises(ValueError, match="is no tool"):
        model.bind_tools([source])


@pytest.mark.parametrize(
    "words",
    [
        "For controlled generation of only function calls (forced function calling), please set",
        "Tool use with a response mime type: 'application/json' is unsupported",
    ],
)
def test_tools_beside_a_schema_are_refused_with_the_way_out(words: str) -> None:
    """agno-agi/agno#2225, snailyp/gemini-balance#230: tools and a schema of the answer together."""
    server = served({"error": {"message": words, "code": 400}}, status=400)

    with pytest.raises(AIMLAPIInvalidRequestError, match="do not go together"):
        model_of(server).invoke("Go")


async def test_an_agent_takes_the_schema_of_the_provider_beside_tools() -> None:
    """langchain-ai/langchain#34463, langchain-ai/langchain#34084.

    With tools, Gemini 3 was held to know no schemas; with a schema its answer was no JSON.
    """

    def look(at: str) -> str:
        """Look."""
        return at

    with StandIn() as server:
        agent = create_agent(_model_at(server), [look], response_format=AutoStrategy(_Extra))
        server.answer_next('{"notes": "Red"}')
        state = await agent.ainvoke({"messages": [HumanMessage("Go")]})

    body = server.requests[0].body
    assert body["response_format"]["type"] == "json_schema"
    assert [one["function"]["name"] for one in body["tools"]] == ["look"]
    assert state["structured_response"] == _Extra(notes="Red")


@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"notes": "Red"}\n```',
        'Hm: {notes} has "notes": "blue Counties: [A, B]\n```json\n{"notes": "Red"}\n```',
        'First {"notes": "wrong"}, then:\n```\n{"notes": "Red"}\n```\nHope this helps.',
        '\ufeff{"notes": "Red"}',
    ],
)
def test_an_object_in_a_fence_is_the_answer(text: str, method: Any) -> None:
    """langchain-ai/langchain-google#2002, nanobrowser/nanobrowser#264.

    Thoughts before a fenced object were mended into a wrong object, without an error.
    """
    server = served(whole({"content": text}), [event({"content": text}), *END])
    model = model_of(server).with_structured_output(_Extra, method=method)

    assert model.invoke("Go") == _Extra(notes="Red")
    assert [*model.stream("Go")][-1] == _Extra(notes="Red")


def test_a_fence_inside_the_answer_is_a_part_of_it() -> None:
    """langchain-ai/langchainjs#8339: a document with code in it was cut at its first fence."""
    text = json.dumps({"notes": '```json\n{"notes": "Blue"}\n```'})
    model = model_of(served(whole({"content": f" \n{text}"}))).with_structured_output(_Extra)

    assert model.invoke("Go") == _Extra(**json.loads(text))


@pytest.mark.parametrize(
    "text", ["Here you are.", '{"notes": "Re', '{"notes": "a"} {"notes": "b"}']
)
def test_an_answer_that_is_no_object_is_told_with_its_words(text: str) -> None:
    """googleapis/python-genai#2312: what could not be read was `None`, without a word."""
    model = model_of(served(whole({"content": text}))).with_structured_output(_Extra)

    with pytest.raises(OutputParserException, match="holds no valid _Extra") as caught:
        model.invoke("Go")

    assert caught.value.llm_output == text


@pytest.mark.parametrize(
    "asked",
    [
        [{"name": "_Extra", "args": {"notes": "a"}}, {"name": "_Extra", "args": {"notes": "b"}}],
        [{"name": "_Extra", "args": {"wrong": 1}}, {"name": "look", "args": {"at": "it"}}],
    ],
)
@pytest.mark.parametrize("is_stream", [False, True])
async def test_an_agent_goes_on_after_a_wrong_structured_call(
    asked: list[Json], *, is_stream: bool
) -> None:
    """langchain-ai/langchainjs#11020, langchain-ai/langchain#40423.

    Two structured calls, or a wrong one beside a tool: the next request was a 400.
    """

    def look(at: str) -> str:
        """Look."""
        return at

    with StandIn(strict=True) as server:
        model = _model_at(server, streaming=is_stream)
        strategy = ToolStrategy(_Extra)
        agent: Any = create_agent(
            model, [look], response_format=strategy, checkpointer=InMemorySaver()
        )
        config = {"configurable": {"thread_id": "1"}}
        server.answer_next(tool_calls=asked)
        right: Json = {"name": "_Extra", "args": {"notes": "Red"}}
        for _ in range(2):
            server.answer_next(tool_calls=[right])
        for question in ("Go", "And?"):
            state = await agent.ainvoke({"messages": [HumanMessage(question)]}, config)

    assert state["structured_response"] == _Extra(notes="Red")


# --- failures


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null",
        b"[]",
        b'{"choices": []}',
        b'{"choices": null}',
        b'{"choices": ["x"]}',
        b'{"choices": [{}]}',
        b'{"choices": [{"message": null}]}',
        b'{"error": null}',
        b"<html>502</html>",
    ],
)
def test_a_good_status_without_an_answer_is_a_typed_error(body: bytes) -> None:
    """langchain-ai/openwiki#866: a 200 with `{}` or nothing was a TypeError, and never retried."""
    with pytest.raises(AIMLAPIResponseError) as caught:
        answered(body)

    assert caught.value.is_retryable


def test_a_failure_in_a_good_status_has_its_own_type() -> None:
    """langchain-ai/langchain#40364: a 429 told in the body of a 200 was a text."""
    failure = {"error": {"message": "Provider returned error", "code": 429}, "choices": None}

    with pytest.raises(AIMLAPIRateLimitError, match="Provider returned error") as caught:
        answered(failure)

    assert (caught.value.status_code, caught.value.is_retryable) == (429, True)


@pytest.mark.parametrize("wait", ["-1", "Wed, 21 Oct 2015 07:28:00 GMT", "nan", "inf", "1e400"])
def test_a_wait_that_is_no_wait_is_none(wait: str) -> None:
    """openai/openai-java#853, pydantic/pydantic-ai#7065: a past date or `-1` failed."""
    seen: list[int] = []

    def handle(_: Any) -> Any:
        seen.append(1)
        if len(seen) == 1:
            return httpx.Response(429, headers={"retry-after": wait}, json={"error": {}})
        return httpx.Response(200, json=OK)

    model = _model_over(handle, max_retries=1)
    assert (model.invoke("Hello").content, len(seen)) == ("ok", 2)


def test_a_wait_of_half_an_hour_is_an_error_and_no_sleep() -> None:
    """openai/openai-node#1841: the SDK slept for whatever the server said."""
    seen: list[int] = []

    def handle(_: Any) -> Any:
        seen.append(1)
        return httpx.Response(429, headers={"retry-after": "1800"}, json={"error": {}})

    with pytest.raises(AIMLAPIRateLimitError) as caught:
        _model_over(handle, max_retries=2).invoke("Hello")

    assert (caught.value.retry_after, len(seen)) == (1800, 1)


def _raised(ask: Any) -> AIMLAPIError:
    with pytest.raises(AIMLAPIError) as caught:
        ask()
    return caught.value


@pytest.mark.parametrize(
    "ask",
    [
        lambda: answered(b"{}"),
        lambda: answered({"error": {"message": "no", "code": 503}}),
        lambda: streamed([event({"content": "a"}), {"error": {"message": "no", "code": 503}}]),
    ],
)
def test_errors_can_be_copied_and_stored(ask: Any) -> None:
    """deepset-ai/haystack#10026: taking a snapshot of a failure failed on a lock inside it."""
    error = _raised(ask)

    for twin in (copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert (type(twin), str(twin), twin.__dict__.keys()) == (
            type(error),
            str(error),
            error.__dict__.keys(),
        )


# --- LangChain's own machinery


class _Texting(BaseCache):
    """Stores answers as text, as caches in databases do."""

    def __init__(self) -> None:
        self.texts: dict[tuple[str, str], list[str]] = {}

    def lookup(self, prompt: str, llm_string: str) -> Any:
        texts = self.texts.get((prompt, llm_string))
        return texts and [loads(text, allowed_objects="all") for text in texts]

    def update(self, prompt: str, llm_string: str, return_val: Any) -> None:
        self.texts[(prompt, llm_string)] = [dumps(generation) for generation in return_val]

    def clear(self, **_: Any) -> None:
        self.texts.clear()


@pytest.mark.filterwarnings("ignore:The function `loads` is in beta")
@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("make", [InMemoryCache, _Texting])
def test_an_answer_out_of_a_cache_is_the_whole_answer(make: Any, version: Any) -> None:
    """BerriAI/litellm#32068, BerriAI/litellm#42244: a hit lost the thoughts and the counts."""
    details = [
        {"type": "reasoning.text", "text": "Hm", "index": 0},
        {"type": "reasoning.encrypted", "data": "c2ln", "id": "one", "index": 0},
    ]
    message = {"content": "", "reasoning": "Hm", "reasoning_details": details}
    spent = {"usage": {"credits_used": 2480, "usd_spent": 0.00124}}
    server = served(whole({**message, "tool_calls": [call("{}")]}, "tool_calls", meta=spent))
    settings = {"cache": make(), "output_version": version}
    with get_spend_callback() as spend:
        first = model_of(server, **settings).invoke("Hello")
        second = model_of(server, **settings).invoke("Hello")
    result = ToolMessage("Red", tool_call_id="one")
    model_of(server, output_version=version).invoke([HumanMessage("Hello"), second, result])

    assert len(server.bodies) == 2
    assert second.content_blocks == first.content_blocks
    assert second.additional_kwargs == first.additional_kwargs
    assert second.usage_metadata is not None
    assert second.usage_metadata.items() >= COUNTS.items()
    assert server.bodies[1]["messages"][1]["reasoning_details"] == details
    assert spend.total.credits == 2480


def test_a_batch_keeps_what_succeeded() -> None:
    """langchain-ai/langchainjs#11661, langchain-ai/langchain#15767: a failure lost its neighbours,
    a limit of calls at once was not held.
    """
    running: set[Any] = set()
    counts: list[int] = []

    async def handle(request: Any) -> Any:
        running.add(request)
        counts.append(len(running))
        await asyncio.sleep(0.01)
        running.remove(request)
        return _echo(request)

    first: Any = _model_over(_echo, handle)
    second: Any = _model_over(lambda _: httpx.Response(500, json={"error": {"message": "down"}}))
    prompts = ["a", "bad", "c", "d", "e"]

    alone = asyncio.run(first.abatch([*prompts], {"max_concurrency": 2}, return_exceptions=True))
    backed = first.with_fallbacks([second]).batch([*prompts], return_exceptions=True)

    assert max(counts) == 2
    for answers, error in ((alone, AIMLAPIInvalidRequestError), (backed, AIMLAPIServerError)):
        assert isinstance(answers[1], error)
        assert [one.content for one in answers if isinstance(one, AIMessage)] == [*"acde"]


async def test_a_fallback_streams_when_the_first_event_fails() -> None:
    """langchain-ai/langchain#24816: with `astream_events` the fallback was not asked."""
    failing = model_of(served({}, [{"error": {"message": "overloaded", "code": 503}}]))
    model = failing.with_fallbacks([model_of(served({}, [event({"content": "fine"}), *END]))])

    events = [one async for one in model.astream_events("Hello", version="v2")]

    texts = [one["data"]["chunk"].content for one in events if one["event"] == "on_chain_stream"]
    assert "".join(texts) == "fine"


async def test_a_stream_left_early_closes_the_connection_without_an_error() -> None:
    """HKUDS/LightRAG#3634, pydantic/pydantic-ai#4204, langchain-ai/langchain#24914.

    A reader that leaves while the model still thinks got a RuntimeError, and a connection leaked.
    """
    closed: list[bool] = []

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> Any:
            while True:
                yield line(event({"reasoning": "Hm"}))

        async def aclose(self) -> None:
            closed.append(True)

    async def handle(_: Any) -> Any:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Endless())

    model = _model_over(_echo, handle)
    async with aclosing(model.astream("Hello")) as chunks:  # type: ignore[type-var]
        async for _ in chunks:
            break
    async with aclosing(model.astream_events("Hello", version="v2")) as events:  # type: ignore[type-var]
        async for one in events:
            if one["event"] == "on_chat_model_stream":
                break

    assert closed == [True, True]


async def test_one_id_names_a_message_in_every_mode_of_a_stream() -> None:
    """langchain-ai/langgraphjs#1321, CopilotKit/OpenBot#583: a reply was shown twice.

    Its chunks had one id, the whole message in the state another.
    """
    with StandIn() as server:
        agent = create_agent(_model_at(server), [])
        modes: Any = ["messages", "values"]
        parts: list[Any] = [
            one
            async for one in agent.astream({"messages": [HumanMessage("Go")]}, stream_mode=modes)
        ]

    chunks = {part[0].id for mode, part in parts if mode == "messages"}
    assert chunks == {parts[-1][1]["messages"][-1].id}


@pytest.mark.filterwarnings("ignore:The method .* is in beta")
@pytest.mark.parametrize("version", ["v0", "v1"])
async def test_thoughts_text_and_calls_of_one_answer_are_three_blocks(version: Any) -> None:
    """langchain-ai/langchain#37420, langchain-ai/langchainjs#11074.

    In events of v3 thoughts beside a call were lost, or a call behind a text.
    """
    detail = {"type": "reasoning.text", "text": "Hm", "index": 0}
    deltas: list[Json] = [
        {"reasoning": "Hm", "reasoning_details": [detail]},
        {"content": "Let me look."},
        {"tool_calls": [call('{"at":')]},
        {"tool_calls": [{"index": 0, "function": {"arguments": ' "it"}'}}]},
    ]
    model = model_of(served({}, [*map(event, deltas), *END]), output_version=version)

    stream: Any = await model.astream_events("Hello", version="v3")
    answer: AIMessage = await stream.output

    kinds = [block["type"] for block in answer.content_blocks]
    assert kinds == ["reasoning", "text", "tool_call"]
    assert [one["args"] for one in answer.tool_calls] == [{"at": "it"}]


async def test_a_cancelled_call_is_not_asked_again() -> None:
    """langchain-ai/langchain#19558: a cancel scope ended the call, a retry went on without it."""
    asked: list[int] = []

    async def handle(_: Any) -> Any:
        asked.append(1)
        await asyncio.sleep(60)

    model = _model_over(_echo, handle, max_retries=3)
    with anyio.move_on_after(0.05) as scope:
        await model.ainvoke("Hello")
    await asyncio.sleep(0.05)

    assert (scope.cancelled_caught, len(asked)) == (True, 1)


def test_the_end_of_a_stream_tells_tracers_model_and_id() -> None:
    """open-telemetry/opentelemetry-python-genai#503: spans of streams had neither."""
    ended: list[Any] = []

    class Tracer(BaseCallbackHandler):
        def on_llm_end(self, response: Any, **_: Any) -> None:
            ended.append(response.generations[0][0].message.response_metadata)

    model = model_of(served({}, [event({"content": "a"}), *END]))
    list(model.stream("Hello", {"callbacks": [Tracer()]}))

    assert [(one["model_name"], one["id"]) for one in ended] == [("m", "gen-1")]


def test_a_masked_key_is_not_taken_for_a_key() -> None:
    """langflow-ai/langflow#15241: a model stored by `model_dump` came back with a masked key."""
    stored = model_of(served(OK)).model_dump(mode="json")

    with pytest.raises(ValueError, match="row of asterisks"):
        ChatAIMLGemini.model_validate(stored)
    key = {"aimlapi_api_key": "sk-a-key-that-nobody-may-see"}
    assert ChatAIMLGemini.model_validate({**stored, **key}).model == stored["model"]


def test_usage_of_streams_is_asked_for_unasked() -> None:
    """langchain-ai/langchain-litellm#115, langchain-ai/langgraph#4848: streams had no counts."""
    server = served({}, [event({"content": "a"}), *END])
    list(model_of(server).stream("Hello"))

    assert server.bodies[0]["stream_options"] == {"include_usage": True}


def _echo(request: Any) -> Any:
    text = json.loads(request.content)["messages"][0]["content"]
    if text == "bad":
        return httpx.Response(400, json={"error": {"message": "no"}})
    return httpx.Response(200, json=whole({"content": text}))


def _model_over(handle: Any, ahandle: Any = None, **settings: Any) -> ChatAIMLGemini:
    """Return a model whose requests these functions answer."""
    clients = Served(
        httpx.Client(transport=httpx.MockTransport(handle)),
        httpx.AsyncClient(transport=httpx.MockTransport(ahandle or handle)),
    )
    return model_of(clients, **settings)


def _model_at(server: StandIn, **settings: Any) -> ChatAIMLGemini:
    return ChatAIMLGemini(
        model="google/gemini-3-flash-preview",
        base_url=server.base_url,
        api_key="any",
        max_retries=0,
        **settings,
    )
