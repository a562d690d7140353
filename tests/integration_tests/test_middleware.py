"""LangChain's agents with its middleware, against the stand-in on loopback.

What is looked at is what the middleware made of the requests: the server kept them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import (
    ClearToolUsesEdit,
    ContextEditingMiddleware,
    ModelFallbackMiddleware,
    ModelRetryMiddleware,
    SummarizationMiddleware,
)
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import BaseModel

from langchain_aimlapi import AIMLAPIAuthenticationError, AIMLAPIServerError, ChatAIMLGemini

if TYPE_CHECKING:
    from langchain_core.messages import AnyMessage

    from langchain_aimlapi.testing import StandIn

FLASH = "google/gemini-3-flash-preview"
NEWER = "google/gemini-3-7-flash"
# As Google's API words it (seen in public issue reports, 2025 to 2026); the numbers vary.
OVERFLOW = (
    "status=400;message=The input token count (1200000) exceeds the maximum number of tokens "
    "allowed (1048576)."
)
PLACES = ("Oslo", "Bergen", "Tromso")


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    degrees: int


def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"Sunny in {city}. " * 40


SEED = "middleware"


def _model(server: StandIn, model: str = FLASH, **settings: Any) -> ChatAIMLGemini:
    return ChatAIMLGemini(model=model, base_url=server.base_url, api_key="any", **settings)


async def _ran(agent: Any, messages: list[AnyMessage], way: str) -> dict[str, Any]:
    given = {"messages": messages}
    state: dict[str, Any] = agent.invoke(given) if way == "sync" else await agent.ainvoke(given)
    return state


def _long_history() -> list[AnyMessage]:
    """Ten turns, each of some hundred tokens."""
    words = "We spoke about the weather of the fjords. " * 10
    turns: list[AnyMessage] = []
    for number in range(10):
        turns += [HumanMessage(f"{number}: {words}"), AIMessage(f"{number}: {words}")]
    return [*turns, HumanMessage("And now?")]


def _messages(server: StandIn) -> list[list[dict[str, Any]]]:
    """Return the messages of each request that came."""
    return [request.body["messages"] for request in server.requests]


ways = pytest.mark.parametrize("way", ["sync", "async"])


@ways
async def test_a_history_beyond_a_fraction_of_the_window_is_summarised(
    server: StandIn, way: str
) -> None:
    model = _model(server, profile={"max_input_tokens": 2_000})
    summarising = SummarizationMiddleware(model, trigger=("fraction", 0.5), keep=("messages", 3))
    agent = create_agent(model, middleware=[summarising])

    answer = (await _ran(agent, _long_history(), way))["messages"][-1]

    summary_request, request = _messages(server)
    assert len(summary_request) == 1
    assert "We spoke about" in summary_request[0]["content"]
    assert len(request) == 4  # the summary in place of what it sums up
    assert "stand-in" in request[0]["content"]
    assert request[-1]["content"] == "And now?"
    assert "And now?" in answer.text


@ways
async def test_the_documented_window_is_what_a_fraction_is_of(server: StandIn, way: str) -> None:
    model = _model(server)
    summarising = SummarizationMiddleware(model, trigger=("fraction", 0.5), keep=("messages", 3))
    agent = create_agent(model, middleware=[summarising])

    await _ran(agent, _long_history(), way)

    (request,) = _messages(server)
    assert len(request) == len(_long_history())  # far below half a million tokens


@ways
async def test_a_summary_prompt_that_overflows_is_cut_and_sent_again(
    server: StandIn, way: str
) -> None:
    model = _model(server, max_retries=0)
    summarising = SummarizationMiddleware(
        model, trigger=("messages", 10), keep=("messages", 3), trim_tokens_to_summarize=None
    )
    agent = create_agent(model, middleware=[summarising])
    server.fail_next(OVERFLOW)

    answer = (await _ran(agent, _long_history(), way))["messages"][-1]

    refused, cut, request = _messages(server)
    assert len(cut[0]["content"]) < len(refused[0]["content"])
    assert len(request) == 4
    assert "And now?" in answer.text


@ways
async def test_a_failure_that_may_pass_is_retried(server: StandIn, way: str) -> None:
    retrying = ModelRetryMiddleware(max_retries=2, initial_delay=0, on_failure="error")
    agent = create_agent(_model(server, max_retries=0), middleware=[retrying])
    server.fail_next("status=503")
    server.fail_next("status=429;retry-after=0")

    answer = (await _ran(agent, [HumanMessage("Hello")], way))["messages"][-1]

    assert len(server.requests) == 3
    assert "Hello" in answer.text


@ways
async def test_a_failure_that_will_not_pass_is_not_retried(server: StandIn, way: str) -> None:
    retrying = ModelRetryMiddleware(max_retries=2, initial_delay=0, on_failure="continue")
    agent = create_agent(_model(server, max_retries=0), middleware=[retrying])
    server.fail_next("status=401", times=3)

    with pytest.raises(AIMLAPIAuthenticationError):
        await _ran(agent, [HumanMessage("Hello")], way)

    assert len(server.requests) == 1


@ways
async def test_when_retries_are_used_up_the_error_is_ours(server: StandIn, way: str) -> None:
    retrying = ModelRetryMiddleware(max_retries=1, initial_delay=0, on_failure="error")
    agent = create_agent(_model(server, max_retries=0), middleware=[retrying])
    server.fail_next("status=502", times=2)

    with pytest.raises(AIMLAPIServerError):
        await _ran(agent, [HumanMessage("Hello")], way)

    assert len(server.requests) == 2


@ways
async def test_another_model_answers_when_the_first_cannot(server: StandIn, way: str) -> None:
    falling_back = ModelFallbackMiddleware(_model(server, NEWER))
    agent = create_agent(_model(server, max_retries=0), [get_weather], middleware=[falling_back])
    server.fail_next("status=500")

    messages = (await _ran(agent, [HumanMessage("The weather in Oslo?")], way))["messages"]

    assert [request.body["model"] for request in server.requests] == [FLASH, NEWER, FLASH]
    assert messages[1].response_metadata["model_name"] == NEWER
    assert messages[1].tool_calls[0]["args"] == {"city": "Oslo"}
    assert "Sunny in Oslo" in messages[-1].text  # the first goes on with the other's signature


@ways
async def test_old_tool_results_are_cleared_by_our_count_of_tokens(
    server: StandIn, way: str
) -> None:
    model = _model(server)
    clearing = ContextEditingMiddleware(
        edits=[ClearToolUsesEdit(trigger=300, keep=1)], token_count_method="model"
    )
    agent = create_agent(model, [get_weather], middleware=[clearing])
    calls = ", then ".join(f"get_weather({place})" for place in PLACES)

    messages = (await _ran(agent, [HumanMessage(f"Call {calls}.")], way))["messages"]

    results = [one["content"] for one in _messages(server)[-1] if one["role"] == "tool"]
    assert [result.partition(".")[0] for result in results] == [
        "[cleared]",
        "[cleared]",
        "Sunny in Tromso",
    ]
    kept = [message.text for message in messages if message.type == "tool"]
    assert all(f"Sunny in {place}" in text for place, text in zip(PLACES, kept, strict=True))
    assert "Sunny in Tromso" in messages[-1].text


@ways
async def test_a_structured_response_by_a_tool(server: StandIn, way: str) -> None:
    agent = create_agent(_model(server), [get_weather], response_format=ToolStrategy(Weather))

    state = await _ran(agent, [HumanMessage("Call get_weather in Oslo: it has 21 degrees.")], way)

    assert isinstance(state["structured_response"], Weather)
    assert [request.body["tool_choice"] for request in server.requests] == ["required"] * 2
    called = [call["name"] for one in state["messages"] for call in getattr(one, "tool_calls", ())]
    assert called == ["get_weather", "Weather"]


@ways
@pytest.mark.parametrize(
    "response_format", [ProviderStrategy(Weather), Weather], ids=["said", "chosen by the profile"]
)
async def test_a_structured_response_by_the_provider(
    server: StandIn, way: str, response_format: Any
) -> None:
    agent = create_agent(_model(server), [get_weather], response_format=response_format)

    state = await _ran(agent, [HumanMessage("Call get_weather in Oslo: it has 21 degrees.")], way)

    assert isinstance(state["structured_response"], Weather)
    assert [tool["function"]["name"] for tool in server.requests[-1].body["tools"]] == [
        "get_weather"
    ]
    sent = server.requests[-1].body["response_format"]
    assert sent["type"] == "json_schema"
    assert set(sent["json_schema"]["schema"]["properties"]) == {"city", "degrees"}
