"""An agent stops within one call of what it may spend, however it runs."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelRetryMiddleware
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from langchain_aimlapi import AIMLAPIBudgetError, AIMLAPIError, ChatAIMLGemini, middleware
from langchain_aimlapi.middleware import SpendLimitMiddleware
from langchain_aimlapi.testing.standin import StandIn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "sk-a-key-that-nobody-may-see"
FLASH = "google/gemini-3-flash-preview"
QUESTION: Any = {"messages": [("user", "Go on for ever")]}


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


def model_of(server: StandIn) -> ChatAIMLGemini:
    return ChatAIMLGemini(
        model=FLASH, api_key=KEY, base_url=server.base_url, max_retries=0, max_tokens=100
    )


@tool
def step(number: int = 0) -> str:
    """Do one more step."""
    return f"step {number}"


def call(name: str, position: int = 0, **args: Any) -> dict[str, Any]:
    return {"name": name, "args": args, "id": f"call-{name}-{position}"}


def loop(server: StandIn, *, times: int = 50, first: int = 0) -> None:
    """Have the model call its tool for ever."""
    for number in range(first, first + times):
        server.answer_next(tool_calls=[call("step", number, number=number)])


def costs(server: StandIn) -> list[int]:
    return [row["cost"]["credits"] for row in reversed(server.ledger)]


def within_one_call(server: StandIn, limit: int) -> bool:
    """Tell whether the last call began under the limit, and no other after it was reached."""
    spent = costs(server)
    return sum(spent[:-1]) < limit <= sum(spent) < limit + max(spent)


def agent_of(server: StandIn, middleware: SpendLimitMiddleware, *tools: Any, **more: Any) -> Any:
    return create_agent(model_of(server), [*(tools or [step])], middleware=[middleware], **more)


def test_a_looping_agent_ends_with_a_message_that_says_so(server: StandIn) -> None:
    loop(server)
    result = agent_of(server, SpendLimitMiddleware(run_credits=800)).invoke(QUESTION)
    last = result["messages"][-1]
    assert isinstance(last, AIMessage)
    assert "of at most 800 credits of this run are spent" in last.text
    assert not last.tool_calls
    assert within_one_call(server, 800)
    assert len(costs(server)) > 3


def test_or_with_an_error(server: StandIn) -> None:
    loop(server)
    agent = agent_of(server, SpendLimitMiddleware(run_usd="0.0004", exit_behavior="error"))
    with pytest.raises(AIMLAPIBudgetError, match=r"of at most 0\.0004 USD of this run"):
        agent.invoke(QUESTION)
    assert within_one_call(server, 800)


@pytest.mark.parametrize("mode", ["updates", "messages", "values"])
def test_streamed(server: StandIn, mode: Any) -> None:
    loop(server)
    agent = agent_of(server, SpendLimitMiddleware(run_credits=800))
    assert [*agent.stream(QUESTION, stream_mode=mode)]
    assert within_one_call(server, 800)


async def test_async_and_streamed(server: StandIn) -> None:
    loop(server)
    agent = agent_of(server, SpendLimitMiddleware(run_credits=800))
    result = await agent.ainvoke(QUESTION)
    assert "800 credits" in result["messages"][-1].text
    assert within_one_call(server, 800)
    assert [part async for part in agent.astream(QUESTION, stream_mode="messages")]


def test_a_resumed_thread_goes_on_from_what_it_spent(server: StandIn) -> None:
    loop(server)
    saver = InMemorySaver()
    thread: Any = {"configurable": {"thread_id": "1"}}

    def fresh() -> Any:
        """Return the agent as another process would make it anew."""
        limit = SpendLimitMiddleware(thread_credits=800, run_credits=10_000)
        return agent_of(server, limit, checkpointer=saver)

    fresh().invoke(QUESTION, thread)
    spent = len(costs(server))
    assert within_one_call(server, 800)
    again = fresh().invoke(QUESTION, thread)
    assert "of this thread are spent" in again["messages"][-1].text
    assert len(costs(server)) == spent
    fresh().invoke(QUESTION, {"configurable": {"thread_id": "2"}})
    assert len(costs(server)) > spent


def test_each_run_has_its_own_limit_and_a_resumed_run_goes_on(server: StandIn) -> None:
    @tool
    def ask() -> str:
        """Ask a human."""
        return str(interrupt("may I?"))

    limit = SpendLimitMiddleware(run_credits=500)
    agent = agent_of(server, limit, step, ask, checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    loop(server, times=1)
    server.answer_next(tool_calls=[call("ask")])
    loop(server, first=1)
    agent.invoke(QUESTION, thread)
    assert len(costs(server)) == 2
    agent.invoke(Command(resume="yes"), thread)
    assert within_one_call(server, 500)
    before = len(costs(server))
    agent.invoke(QUESTION, thread)
    assert len(costs(server)) > before + 1


def sub_agents(server: StandIn, *, is_async: bool) -> Any:
    """Return a tool that runs an agent which loops for ever."""
    sub: Any = create_agent(model_of(server), [step], name="sub")

    @tool
    def research(topic: str) -> str:
        """Research a topic."""
        return str(sub.invoke({"messages": [("user", topic)]})["messages"][-1].text)

    @tool("research")
    async def aresearch(topic: str) -> str:
        """Research a topic."""
        return str((await sub.ainvoke({"messages": [("user", topic)]}))["messages"][-1].text)

    return aresearch if is_async else research


@pytest.mark.parametrize("is_async", [False, True])
def test_parallel_sub_agents_share_what_is_left(server: StandIn, is_async: Any) -> None:
    tasks = [call("research", number, topic=f"topic {number}") for number in range(4)]
    server.answer_next("x " * 60, tool_calls=tasks)
    loop(server, times=80)
    limit = SpendLimitMiddleware(thread_credits=6000)
    saver = InMemorySaver()
    agent = agent_of(server, limit, sub_agents(server, is_async=is_async), checkpointer=saver)
    thread: Any = {"configurable": {"thread_id": "1"}}
    result = (
        asyncio.run(agent.ainvoke(QUESTION, thread)) if is_async else agent.invoke(QUESTION, thread)
    )
    tools = [message for message in result["messages"] if isinstance(message, ToolMessage)]
    assert [message.status for message in tools] == ["error"] * 4
    assert all("No further call may start" in str(message.content) for message in tools)
    spent = sum(costs(server))
    assert 6000 - max(costs(server)) <= spent < 6000 + max(costs(server))
    kept = agent.get_state(thread).values["aimlapi_spend"]
    assert Decimal(kept["credits"]) == spent
    assert len(costs(server)) > 10


def test_a_sub_agent_that_spends_little_is_counted(
    server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("langchain_aimlapi.middleware._MOST_STEPS", 0)  # the oldest are forgotten
    server.answer_next(tool_calls=[call("research", topic="a")])
    server.answer_next("Oslo.")
    server.answer_next("Done.")
    saver = InMemorySaver()
    limit = SpendLimitMiddleware(thread_credits=60_000)
    agent = agent_of(server, limit, sub_agents(server, is_async=False), checkpointer=saver)
    thread: Any = {"configurable": {"thread_id": "1"}}
    result = agent.invoke(QUESTION, thread)
    assert [message.text for message in result["messages"][-2:]] == ["Oslo.", "Done."]
    kept = agent.get_state(thread).values["aimlapi_spend"]
    assert Decimal(kept["credits"]) == sum(costs(server))
    assert "aimlapi_spend" not in result


@pytest.mark.parametrize("graph", [None, Command.PARENT])
def test_a_tool_may_return_a_command(server: StandIn, graph: Any) -> None:
    model = model_of(server)

    @tool
    def note() -> Command[Any]:
        """Note a thing."""
        message = ToolMessage(model.invoke("Note").text, tool_call_id="call-note-0")
        return Command(graph=graph, goto="end" if graph else (), update={"messages": [message]})

    limit = SpendLimitMiddleware(thread_credits=9000)
    agent = agent_of(server, limit, note, checkpointer=True)
    builder: Any = StateGraph(MessagesState)
    builder.add_node("agent", agent)
    builder.add_node("end", lambda _: {})
    builder.add_edge(START, "agent")
    outer = builder.compile(checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    server.answer_next(tool_calls=[call("note")])
    server.answer_next("Noted.")
    server.answer_next("Done.")
    result = outer.invoke(QUESTION, thread)
    said = [message.text for message in result["messages"]]
    assert "Noted." in said
    if graph:  # what the tool spent is written with the next call of the thread
        outer.invoke({"messages": [("user", "Go on")]}, thread)
    assert limit._unwritten == {}


def test_what_a_failed_call_may_have_cost_counts_for_the_thread(server: StandIn) -> None:
    saver = InMemorySaver()
    limit = SpendLimitMiddleware(thread_credits=3000)
    agent = agent_of(server, limit, checkpointer=saver)
    thread: Any = {"configurable": {"thread_id": "1"}}
    server.fail_next("cut")
    with pytest.raises(AIMLAPIError):
        agent.invoke(QUESTION, thread)
    result = agent.invoke(QUESTION, thread)
    assert "of this thread are spent" in result["messages"][-1].text
    assert len(costs(server)) == 1


@pytest.mark.parametrize("thread", [{}, {"configurable": {"thread_id": "t"}}])
def test_what_a_failed_run_may_have_cost_is_not_the_next_ones(server: StandIn, thread: Any) -> None:
    saver = InMemorySaver() if thread else None
    agent = agent_of(server, SpendLimitMiddleware(run_credits=500), checkpointer=saver)
    for _ in range(3):
        server.fail_next("cut")
        with pytest.raises(AIMLAPIError):
            agent.invoke(QUESTION, thread)
    server.answer_next("Done.")
    assert agent.invoke(QUESTION, thread)["messages"][-1].text == "Done."


@pytest.mark.parametrize("is_async", [False, True])
def test_what_a_failed_tool_spent_counts_for_the_thread(server: StandIn, is_async: Any) -> None:
    model = model_of(server)

    @tool("fail")
    def fail() -> str:
        """Spend and fail."""
        model.invoke("Hello")
        raise LookupError("no such thing")

    @tool("fail")
    async def afail() -> str:
        """Spend and fail."""
        await model.ainvoke("Hello")
        raise LookupError("no such thing")

    limit = SpendLimitMiddleware(thread_credits=150)
    agent = agent_of(server, limit, afail if is_async else fail, checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    server.answer_next(tool_calls=[call("fail")])
    with pytest.raises(LookupError):
        asyncio.run(agent.ainvoke(QUESTION, thread)) if is_async else agent.invoke(QUESTION, thread)
    spent = sum(costs(server))
    result = agent.invoke(QUESTION, thread)
    assert f"{spent} of at most 150 credits" in result["messages"][-1].text
    assert Decimal(agent.get_state(thread).values["aimlapi_spend"]["credits"]) == spent


def test_what_a_tool_spent_before_a_limit_that_is_to_fail_counts_too(server: StandIn) -> None:
    model = model_of(server)

    @tool("spend")
    def spend() -> str:
        """Ask a model until the limit stops it."""
        for _ in range(9):
            model.invoke("Hello")
        return "Done."

    limit = SpendLimitMiddleware(thread_credits=500, exit_behavior="error")
    agent = agent_of(server, limit, spend, checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    server.answer_next(tool_calls=[call("spend")])
    for _ in range(2):
        with pytest.raises(AIMLAPIBudgetError, match=r"\d+ of at most \d+ credits"):
            agent.invoke(QUESTION, thread)
    assert within_one_call(server, 500)


def test_a_failed_async_call_counts_too(server: StandIn) -> None:
    agent = agent_of(
        server, SpendLimitMiddleware(thread_credits=3000), checkpointer=InMemorySaver()
    )
    thread: Any = {"configurable": {"thread_id": "1"}}
    server.fail_next("cut")
    with pytest.raises(AIMLAPIError):
        asyncio.run(agent.ainvoke(QUESTION, thread))
    assert "spent" in agent.invoke(QUESTION, thread)["messages"][-1].text


def test_what_failed_threads_spent_is_kept_for_the_last_of_them(
    server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middleware, "_MOST_THREADS", 2)
    limit = SpendLimitMiddleware(thread_credits=3000)
    agent = agent_of(server, limit, checkpointer=InMemorySaver())
    server.fail_next("cut", times=3)
    for name in "abc":
        with pytest.raises(AIMLAPIError):
            agent.invoke(QUESTION, {"configurable": {"thread_id": name}})
    assert [*limit._unwritten] == ["b", "c"]
    told = agent.invoke(QUESTION, {"configurable": {"thread_id": "c"}})["messages"][-1].text
    assert "spent" in told


def test_attempts_of_another_middleware_are_held_under_the_limit(server: StandIn) -> None:
    limit = SpendLimitMiddleware(run_credits=3000)
    again = ModelRetryMiddleware(max_retries=9, initial_delay=0.0, jitter=False)
    agent: Any = create_agent(model_of(server), [step], middleware=[limit, again])
    server.fail_next("cut", times=10)
    result = agent.invoke(QUESTION)
    assert len(costs(server)) < 3
    assert result["messages"][-1].text


def test_tools_that_spend_nothing_and_models_without_a_cost_are_let_be() -> None:
    answers = iter([AIMessage("", tool_calls=[call("step")]), AIMessage("Done.")])

    class Model(GenericFakeChatModel):
        def bind_tools(self, *_: Any, **__: Any) -> Any:
            return self

    limit = SpendLimitMiddleware(run_credits=1)
    agent: Any = create_agent(Model(messages=answers), [step], middleware=[limit])
    assert agent.invoke(QUESTION)["messages"][-1].text == "Done."


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "Set a limit"),
        ({"run_credits": -1}, "`run_credits` must be"),
        ({"thread_usd": "much"}, "`thread_usd` must be"),
        ({"run_usd": 1, "exit_behavior": "stop"}, "neither 'end' nor 'error'"),
    ],
)
def test_a_limit_that_is_none_is_refused(settings: Any, words: str) -> None:
    make: Callable[..., Any] = SpendLimitMiddleware
    with pytest.raises(ValueError, match=words):
        make(**settings)
