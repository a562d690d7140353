"""Public reports (see `test_public_reports`) of histories that could not be sent."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from pydantic import BaseModel

from langchain_aimlapi import (
    AIMLAPIInvalidRequestError,
)
from langchain_aimlapi.testing.standin import StandIn
from tests.http_client import httpx
from tests.integration_tests.report_kit import (
    CALL,
    OK,
    PNG,
    Extra,
    answered,
    call,
    look,
    model_at,
    model_over,
    sent,
    whole,
)
from tests.serving import model_of, served

if TYPE_CHECKING:
    from tests.wholes import Json


def test_a_history_that_a_call_begins_is_refused_with_the_way_out() -> None:
    """langchain-ai/langchainjs#9272: after a summary the first message asks for a tool."""
    with StandIn(strict=True) as server:
        model = model_at(server)
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
        model_at(server).invoke([HumanMessage("Go"), *history, HumanMessage("And?")])

    assert "Each tool call needs one ToolMessage" in str(caught.value)


WORDS = [
    "Invalid 'messages[1].tool_calls[0].function.name': string does not match pattern.",
    "* GenerateContentRequest.contents[1].parts[0].function_call.name: Invalid function name.",
]


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("multi_tool_use.parallel", "multi_tool_use_parallel"),
        ("default_api:look", "default_api_look"),
        ("<|channel|>look", "__channel__look"),
        ("$READFILE", "_READFILE"),
        ("7look", "_7look"),
        ("a" * 80, "a" * 64),
    ],
)
async def test_a_name_that_the_model_made_up_kills_no_thread(
    name: str, plain: str, words: str
) -> None:
    """NousResearch/hermes-agent#51944, mastra-ai/mastra#13632, vercel/ai#17769, getnao/nao#1715.

    A call of no tool, by a name that is not allowed, made a 400 of every later request.
    """
    bodies: list[Any] = []

    def handle(request: Any) -> Any:
        body = json.loads(request.content)
        bodies.append(body["messages"])
        names = [
            one["function"]["name"] for m in body["messages"] for one in m.get("tool_calls", ())
        ]
        if len(body["messages"]) == 1:
            asked = {**call("{}"), "function": {"name": name, "arguments": "{}"}}
            return httpx.Response(200, json=whole({"content": "", "tool_calls": [asked]}))
        if not all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", one) for one in names):
            return httpx.Response(400, json={"error": {"message": words, "code": 400}})
        return httpx.Response(200, json=OK)

    agent: Any = create_agent(model_over(handle), [look], checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    for question in ("Go", "And?"):
        state = await agent.ainvoke({"messages": [HumanMessage(question)]}, config)

    assert state["messages"][-1].content == "ok"
    assert state["messages"][1].tool_calls[0]["name"] == name  # what is stored stays as it came
    assert len(bodies) == 4  # one of them refused; later ones begin as what helped
    _, asked, result, *_ = bodies[-1]
    assert (asked["tool_calls"][0]["function"]["name"], result["name"]) == (plain, plain)


@pytest.mark.parametrize("words", WORDS)
def test_a_refused_name_that_is_not_in_the_history_is_told(words: str) -> None:
    """strands-agents/sdk-typescript#1017, neighbour: asked once where renaming changes nothing."""
    server = served({"error": {"message": words, "code": 400}}, status=400)
    result = ToolMessage("Red", tool_call_id="one")

    with pytest.raises(AIMLAPIInvalidRequestError, match="model made up"):
        model_of(server).invoke([HumanMessage("Go"), AIMessage("", tool_calls=[CALL]), result])

    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    "words",
    [
        "Invalid 'response_format.json_schema.name': string does not match pattern.",
        "The model name google/gemini-9 does not match any model.",
    ],
)
def test_other_names_that_are_refused_get_no_advice_about_calls(words: str) -> None:
    """getnao/nao#1715, neighbour: advice that does not fit leads astray."""
    server = served({"error": {"message": words, "code": 400}}, status=400)

    with pytest.raises(AIMLAPIInvalidRequestError) as caught:
        model_of(server).invoke("Go")

    assert "made up" not in str(caught.value)


def test_old_results_and_unanswered_calls_are_renamed_too() -> None:
    """NousResearch/hermes-agent#51944, neighbours: `FunctionMessage`, results of our making."""
    bodies: list[Any] = []

    def handle(request: Any) -> Any:
        bodies.append(json.loads(request.content)["messages"])
        if '"name":"look.at"' in request.content.decode():
            return httpx.Response(400, json={"error": {"message": WORDS[0], "code": 400}})
        return httpx.Response(200, json=OK)

    old = {"function_call": {"name": "look.at", "arguments": "{}"}}
    broken = {"name": "look.at", "args": "{", "id": "two", "error": None}
    history: list[Any] = [
        HumanMessage("Go"),
        AIMessage("", additional_kwargs=old),
        FunctionMessage(content="Red", name="look.at"),
        AIMessage("", invalid_tool_calls=[broken]),
        HumanMessage("And?"),
    ]

    assert model_over(handle).invoke(history).content == "ok"
    names = [message["name"] for message in bodies[-1] if message["role"] == "tool"]
    assert names == ["look_at"] * len(names)
    assert names


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

    with_tools = model.get_num_tokens_from_messages(messages, tools=[Extra])

    assert with_tools > model.get_num_tokens_from_messages(messages)


def test_what_is_handed_in_stays_as_it_was() -> None:
    """langchain-ai/langchainjs#7582: what was made for one request changed the stored messages."""
    picture = {"type": "image", "base64": PNG, "mime_type": "image/png"}
    history: list[Any] = [
        SystemMessage("Be brief."),
        HumanMessage([{"type": "text", "text": "Go"}, picture]),
        answered(whole({"tool_calls": [call('{"at": "it"}')], "reasoning": "Hm"}, "tool_calls")),
        ToolMessage(['{"$ref": "a"}', picture], tool_call_id="one", status="error"),
    ]
    before = copy.deepcopy(history)

    for words in ("missing a thought_signature", "does not match to a display_name", WORDS[0]):
        server = served({"error": {"message": words, "code": 400}}, status=400)
        with pytest.raises(AIMLAPIInvalidRequestError):
            model_of(server).invoke(history)

    assert history == before
