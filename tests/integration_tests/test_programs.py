"""Programs that others wrote, in their default settings, on a server that is as strict as Gemini.

They put calls into histories that no model made, rebuild messages, send several sub-agents at
once. A thread is lost when one request of it is refused for good: each story has two turns of one
thread in a checkpointer, in every way to run it and both dialects.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, TypedDict

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import MessagesState, StateGraph
from pydantic import BaseModel

from tests.integration_tests.agent_kit import (
    MODES_AND_DIALECTS,
    asked,
    counted,
    look,
    model_at,
    run,
)

NEEDS = "needs newer versions than the lowest"
deepagents: Any = pytest.importorskip("deepagents", reason=NEEDS)
supervisors: Any = pytest.importorskip("langgraph_supervisor", reason=NEEDS)
swarms: Any = pytest.importorskip("langgraph_swarm", reason=NEEDS)
with warnings.catch_warnings():  # it imports a name from where langgraph no longer wants it
    warnings.simplefilter("ignore")
    trustcall: Any = pytest.importorskip("trustcall", reason=NEEDS)

if TYPE_CHECKING:
    from langchain_aimlapi import ChatAIMLGemini
    from langchain_aimlapi.testing.standin import StandIn
    from tests.integration_tests.agent_kit import Way

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("way", MODES_AND_DIALECTS),
    pytest.mark.filterwarnings("ignore:create_react_agent has been moved"),
]
THREAD: Any = {"configurable": {"thread_id": "1"}}


def calls(server: StandIn, *made: tuple[str, dict[str, Any]]) -> None:
    server.answer_next(
        reasoning="Hm.", tool_calls=[{"name": name, "args": args} for name, args in made]
    )


def bypassed(server: StandIn) -> set[str]:
    """Return the names of the calls that went out with Google's bypass value."""
    return {
        call["function"]["name"]
        for request in server.requests
        for message in request.body["messages"]
        for call in message.get("tool_calls") or ()
        if "skip_thought_signature" in str(call.get("extra_content"))
    }


def worker(model: ChatAIMLGemini, name: str, *tools: Any) -> Any:
    return create_agent(model, [look, *tools], name=name, system_prompt=f"You are {name}.")


async def test_langgraph_supervisor(server: StandIn, way: Way) -> None:
    """It writes a pair of messages with a call of its own when an agent hands back."""
    async with model_at(server, way) as model:
        agents = [worker(model, "scout"), worker(model, "writer")]
        supervisor = supervisors.create_supervisor(agents, model=model).compile(
            checkpointer=InMemorySaver()
        )
        for turn in ("first", "second"):
            calls(server, ("transfer_to_scout", {}))
            calls(server, ("look", {"query": "a"}), ("look", {"query": "b"}))
            server.answer_next(f"The scout found it in the {turn} turn.", reasoning="Found.")
            calls(server, ("transfer_to_writer", {}))
            server.answer_next(f"The writer wrote it in the {turn} turn.", reasoning="Written.")
            server.answer_next(f"Done for the {turn} time.", reasoning="Done.")
            state = await run(supervisor, asked(f"Do it for the {turn} time."), way.mode, THREAD)
            assert state["messages"][-1].text == f"Done for the {turn} time."
    assert counted(server).lost == []
    assert bypassed(server) == {"transfer_back_to_supervisor"}
    assert len(server.requests) == 12 + 1, "one request was refused, and repeated"


async def test_langgraph_swarm(server: StandIn, way: Way) -> None:
    async with model_at(server, way) as model:
        alice = worker(model, "alice", swarms.create_handoff_tool(agent_name="bob"))
        bob = worker(model, "bob", swarms.create_handoff_tool(agent_name="alice"))
        swarm = swarms.create_swarm([alice, bob], default_active_agent="alice").compile(
            checkpointer=InMemorySaver()
        )
        for here, there in (("alice", "bob"), ("bob", "alice")):
            calls(server, ("look", {"query": here}))
            calls(server, (f"transfer_to_{there}", {}))
            calls(server, ("look", {"query": "a"}), ("look", {"query": "b"}))
            server.answer_next(f"{there} is done.", reasoning="Done.")
            state = await run(swarm, asked(f"Ask {there}."), way.mode, THREAD)
            assert state["messages"][-1].text == f"{there} is done."
    assert counted(server).lost == []
    assert len(server.requests) == 8


class Person(BaseModel):
    """What is known of a person."""

    name: str
    age: int
    foods: list[str] = []


class Known(MessagesState):
    """The thread: what was said, and the document so far."""

    document: dict[str, Any]


class Found(TypedDict):
    messages: list[AIMessage]
    document: dict[str, Any]


def remembering(model: ChatAIMLGemini) -> Any:
    """Return a graph whose one node keeps a document up to date with trustcall."""
    extractor = trustcall.create_extractor(model, tools=[Person], tool_choice="Person")

    def given(state: Known) -> dict[str, Any]:
        known = state.get("document")
        return {"messages": state["messages"], "existing": {"Person": known} if known else None}

    def found(result: Any) -> Found:
        (person,) = result["responses"]
        document = person.model_dump()
        return {"messages": [AIMessage(f"I know {document}.")], "document": document}

    def extract(state: Known) -> Found:
        return found(extractor.invoke(given(state)))

    async def aextract(state: Known) -> Found:
        return found(await extractor.ainvoke(given(state)))

    graph = StateGraph(Known)
    graph.add_node("extract", RunnableLambda(extract, aextract))
    graph.set_entry_point("extract")
    graph.set_finish_point("extract")
    return graph.compile(checkpointer=InMemorySaver())


async def test_trustcall_with_a_patch(server: StandIn, way: Way) -> None:
    """It rebuilds messages, shows the model its errors and takes its patches."""
    server.answer_next(
        tool_calls=[{"name": "Person", "args": {"name": "Alice", "age": "old"}, "id": "person-1"}],
        reasoning="Hm.",
    )
    age = {"op": "replace", "path": "/age", "value": 30}
    calls(
        server,
        (
            "PatchFunctionErrors",
            {"json_doc_id": "person-1", "planned_edits": "Fix the age.", "patches": [age]},
        ),
    )
    food = {"op": "add", "path": "/foods/-", "value": "spinach"}
    calls(
        server,
        (
            "PatchDoc",
            {"json_doc_id": "Person", "planned_edits": "Add spinach.", "patches": [food]},
        ),
    )
    async with model_at(server, way) as model:
        graph = remembering(model)
        state = await run(graph, asked("I am Alice, 30."), way.mode, THREAD)
        assert state["document"] == {"name": "Alice", "age": 30, "foods": []}
        state = await run(graph, asked("I like spinach."), way.mode, THREAD)
        assert state["document"] == {"name": "Alice", "age": 30, "foods": ["spinach"]}
    assert counted(server).lost == []


async def test_deepagents_with_parallel_sub_agents(server: StandIn, way: Way) -> None:
    scouts: list[Any] = [
        {"name": name, "description": "Looks.", "system_prompt": "Look.", "tools": [look]}
        for name in ("north", "south")
    ]
    async with model_at(server, way) as model:
        agent = deepagents.create_deep_agent(
            model, tools=[look], subagents=scouts, checkpointer=InMemorySaver()
        )
        for turn in ("first", "second"):
            tasks = [
                ("task", {"description": f"Look {scout['name']}.", "subagent_type": scout["name"]})
                for scout in scouts
            ]
            calls(server, *tasks)
            for _ in scouts:  # both look at once: the answers are the same, whoever gets them
                calls(server, ("look", {"query": "it"}))
            for _ in scouts:
                server.answer_next("The scout found it.", reasoning="Found.")
            calls(server, ("write_todos", {"todos": []}))
            server.answer_next(f"Done for the {turn} time.", reasoning="Done.")
            state = await run(agent, asked(f"Find it for the {turn} time."), way.mode, THREAD)
            assert state["messages"][-1].text == f"Done for the {turn} time."
    assert counted(server).lost == []
    assert bypassed(server) == set()
