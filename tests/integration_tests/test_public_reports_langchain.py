"""Public reports (see `test_public_reports`) of schemas, agents, caches and tracers."""

from __future__ import annotations

import asyncio
import json
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
    HumanMessage,
    ToolMessage,
)
from langchain_core.utils.function_calling import convert_to_openai_function
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import BaseModel, Field

from langchain_aimlapi import (
    AIMLAPIInvalidRequestError,
    AIMLAPIServerError,
    ChatAIMLGemini,
    get_spend_callback,
)
from langchain_aimlapi.testing.standin import StandIn
from langchain_aimlapi.testing.standin._declarations import declaration_problem
from tests.http_client import httpx
from tests.integration_tests.report_kit import (
    COUNTS,
    END,
    OK,
    Extra,
    call,
    echo,
    event,
    line,
    look,
    model_at,
    model_over,
    whole,
)
from tests.serving import model_of, served

if TYPE_CHECKING:
    from tests.wholes import Json


# --- schemas


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

    extra: dict[str, Extra]
    child: Extra | _Texts
    action: Annotated[Extra | _Texts, Field(description="What to do")]
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
    with StandIn() as server:
        agent = create_agent(model_at(server), [look], response_format=AutoStrategy(Extra))
        server.answer_next('{"notes": "Red"}')
        state = await agent.ainvoke({"messages": [HumanMessage("Go")]})

    body = server.requests[0].body
    assert body["response_format"]["type"] == "json_schema"
    assert [one["function"]["name"] for one in body["tools"]] == ["look"]
    assert state["structured_response"] == Extra(notes="Red")


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
    model = model_of(server).with_structured_output(Extra, method=method)

    assert model.invoke("Go") == Extra(notes="Red")
    assert [*model.stream("Go")][-1] == Extra(notes="Red")


def test_a_fence_inside_the_answer_is_a_part_of_it() -> None:
    """langchain-ai/langchainjs#8339: a document with code in it was cut at its first fence."""
    text = json.dumps({"notes": '```json\n{"notes": "Blue"}\n```'})
    model = model_of(served(whole({"content": f" \n{text}"}))).with_structured_output(Extra)

    assert model.invoke("Go") == Extra(**json.loads(text))


@pytest.mark.parametrize(
    "text", ["Here you are.", '{"notes": "Re', '{"notes": "a"} {"notes": "b"}']
)
def test_an_answer_that_is_no_object_is_told_with_its_words(text: str) -> None:
    """googleapis/python-genai#2312: what could not be read was `None`, without a word."""
    model = model_of(served(whole({"content": text}))).with_structured_output(Extra)

    with pytest.raises(OutputParserException, match="holds no valid Extra") as caught:
        model.invoke("Go")

    assert caught.value.llm_output == text


@pytest.mark.parametrize(
    "asked",
    [
        [{"name": "Extra", "args": {"notes": "a"}}, {"name": "Extra", "args": {"notes": "b"}}],
        [{"name": "Extra", "args": {"wrong": 1}}, {"name": "look", "args": {"at": "it"}}],
    ],
)
@pytest.mark.parametrize("is_stream", [False, True])
async def test_an_agent_goes_on_after_a_wrong_structured_call(
    asked: list[Json], *, is_stream: bool
) -> None:
    """langchain-ai/langchainjs#11020, langchain-ai/langchain#40423.

    Two structured calls, or a wrong one beside a tool: the next request was a 400.
    """
    with StandIn(strict=True) as server:
        model = model_at(server, streaming=is_stream)
        strategy = ToolStrategy(Extra)
        agent: Any = create_agent(
            model, [look], response_format=strategy, checkpointer=InMemorySaver()
        )
        config = {"configurable": {"thread_id": "1"}}
        server.answer_next(tool_calls=asked)
        right: Json = {"name": "Extra", "args": {"notes": "Red"}}
        for _ in range(2):
            server.answer_next(tool_calls=[right])
        for question in ("Go", "And?"):
            state = await agent.ainvoke({"messages": [HumanMessage(question)]}, config)

    assert state["structured_response"] == Extra(notes="Red")


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
        return echo(request)

    first: Any = model_over(echo, handle)
    second: Any = model_over(lambda _: httpx.Response(500, json={"error": {"message": "down"}}))
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

    model = model_over(echo, handle)
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
        agent = create_agent(model_at(server), [])
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

    model = model_over(echo, handle, max_retries=3)
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
