"""Agents run to their end against a server that refuses lost, altered or moved signatures.

The server checks by itself (HTTP 400, Google's text); after each story its journal is compared with
what it had issued. It is a stand-in: that the endpoint judges likewise is assumed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.prebuilt import create_react_agent
from langgraph.types import Command

from langchain_aimlapi.testing.standin import StandIn
from tests.integration_tests.agent_kit import EVERY_WAY, asked, counted, look, model_at, run

if TYPE_CHECKING:
    from tests.integration_tests.agent_kit import Way

pytestmark = pytest.mark.parametrize("way", EVERY_WAY)

STEPS = 'Look "it" up in 5 steps.'
PARALLEL = 'Call look("a") and look("b") and look("c").'


@pytest.mark.parametrize(("prompt", "calls"), [(STEPS, 15), (PARALLEL, 3)])
async def test_create_agent(server: StandIn, way: Way, prompt: str, calls: int) -> None:
    async with model_at(server, way) as model:
        state = await run(create_agent(model, [look]), asked(prompt), way.mode)
    assert "the tool said: found" in state["messages"][-1].text
    assert counted(server) == (calls, 15 if calls == 15 else 1, [])


@pytest.mark.filterwarnings("ignore:create_react_agent has been moved")
@pytest.mark.parametrize(("prompt", "calls"), [(STEPS, 15), (PARALLEL, 3)])
async def test_create_react_agent(server: StandIn, way: Way, prompt: str, calls: int) -> None:
    async with model_at(server, way) as model:
        state = await run(create_react_agent(model, [look]), asked(prompt), way.mode)
    assert "the tool said: found" in state["messages"][-1].text
    assert counted(server) == (calls, 15 if calls == 15 else 1, [])


async def test_a_second_turn_keeps_what_the_first_was_given(server: StandIn, way: Way) -> None:
    config: Any = {"configurable": {"thread_id": "1"}}
    async with model_at(server, way) as model:
        agent = create_agent(model, [look], checkpointer=InMemorySaver())
        await run(agent, asked(PARALLEL), way.mode, config)
        await run(agent, asked(STEPS), way.mode, config)
    assert counted(server) == (3 + 6 * 3 + 15, 1 + 6 + 15, [])


async def test_deepagents_with_a_sub_agent(server: StandIn, way: Way) -> None:
    deepagents = pytest.importorskip("deepagents", reason="needs newer versions than the lowest")
    task = {"description": "Look for it.", "subagent_type": "scout"}
    server.answer_next(tool_calls=[{"name": "task", "args": task}], reasoning="Send the scout.")
    server.answer_next(tool_calls=[{"name": "look", "args": {"query": "a"}}], reasoning="Look.")
    server.answer_next(tool_calls=[{"name": "look", "args": {"query": "b"}}], reasoning="Again.")
    server.answer_next("The scout found it.")
    server.answer_next(tool_calls=[{"name": "write_todos", "args": {"todos": []}}])
    server.answer_next("Done.")
    scout: Any = {
        "name": "scout",
        "description": "Looks things up.",
        "system_prompt": "Look things up.",
        "tools": [look],
    }
    async with model_at(server, way) as model:
        agent = deepagents.create_deep_agent(model, tools=[look], subagents=[scout])
        state = await run(agent, asked("Find it."), way.mode)
    assert state["messages"][-1].text == "Done."
    assert "The scout found it." in [message.text for message in state["messages"]]
    assert counted(server) == (6, 6, [])


async def test_a_human_edits_one_call_and_rejects_another(server: StandIn, way: Way) -> None:
    config: Any = {"configurable": {"thread_id": "1"}}
    async with model_at(server, way) as model:
        agent = create_agent(
            model,
            [look],
            middleware=[HumanInTheLoopMiddleware({"look": True})],
            checkpointer=InMemorySaver(),
        )
        await run(agent, asked(PARALLEL), way.mode, config)
        edited = {"name": "look", "args": {"query": "z"}}
        decisions = [
            {"type": "edit", "edited_action": edited},
            {"type": "reject", "message": "No."},
            {"type": "approve"},
        ]
        state = await run(agent, Command(resume={"decisions": decisions}), way.mode, config)
    said = state["messages"][-1].text
    assert "found z" in said
    assert "found c" in said
    assert "found b" not in said
    assert counted(server) == (3, 1, [])


async def test_a_human_rewrites_the_arguments_in_the_history(way: Way) -> None:
    config: Any = {"configurable": {"thread_id": "1"}}
    with StandIn() as server:  # a strict one refuses edits, which Google does not forbid
        async with model_at(server, way) as model:
            agent = create_agent(
                model, [look], checkpointer=InMemorySaver(), interrupt_before=["tools"]
            )
            state = await run(agent, asked(PARALLEL), way.mode, config)
            message = state["messages"][-1]
            calls = [{**call, "args": {"query": "z"}} for call in message.tool_calls]
            edited = message.model_copy(update={"tool_calls": calls})
            await agent.aupdate_state(config, {"messages": [edited]})
            state = await run(agent, None, way.mode, config)
        assert "found z" in state["messages"][-1].text
        assert "found a" not in state["messages"][-1].text
        assert counted(server) == (3, 1, [])
        sent = server.requests[-1].body["messages"][1]["tool_calls"]
        assert {call["function"]["arguments"] for call in sent} == {'{"query":"z"}'}


async def test_a_human_removes_the_unsigned_calls(server: StandIn, way: Way) -> None:
    config: Any = {"configurable": {"thread_id": "1"}}
    async with model_at(server, way) as model:
        agent = create_agent(
            model, [look], checkpointer=InMemorySaver(), interrupt_before=["tools"]
        )
        state = await run(agent, asked(PARALLEL), way.mode, config)
        message = state["messages"][-1]
        edited = message.model_copy(update={"tool_calls": message.tool_calls[:1]})
        await agent.aupdate_state(config, {"messages": [edited]})
        state = await run(agent, None, way.mode, config)
    assert "found a" in state["messages"][-1].text
    assert counted(server) == (1, 1, [])


async def test_a_human_removes_the_signed_call(way: Way) -> None:
    """Nothing is left that was signed: only Google's bypass value helps, on the first call left."""
    config: Any = {"configurable": {"thread_id": "1"}}
    with StandIn(strict=True) as server:
        async with model_at(server, way) as model:
            agent = create_agent(
                model, [look], checkpointer=InMemorySaver(), interrupt_before=["tools"]
            )
            state = await run(agent, asked(PARALLEL), way.mode, config)
            message = state["messages"][-1]
            signed = server.issued_signatures[message.tool_calls[0]["id"]]
            edited = message.model_copy(update={"tool_calls": message.tool_calls[1:]})
            await agent.aupdate_state(config, {"messages": [edited]})
            state = await run(agent, None, way.mode, config)
        assert "found b" in state["messages"][-1].text
        sent = server.requests[-1].body["messages"][1]
        assert str(signed) not in str(sent)
        assert [call.get("extra_content") for call in sent["tool_calls"]] == [SKIP, None]


SKIP = {"google": {"thought_signature": "skip_thought_signature_validator"}}


@pytest.mark.parametrize("missing", ["send", "skip"])
async def test_a_switch_of_models_in_the_middle(way: Way, missing: str) -> None:
    """A turn of ours, a turn of Claude's, a turn of ours begun by Claude."""
    with StandIn(strict=missing == "skip") as server:
        async with model_at(server, way, missing_signatures=missing) as model:
            agent = create_agent(model, [look])
            first = await run(agent, asked(PARALLEL), way.mode)
            own = [*first["messages"], *claude_step(), *claude_end(), ("human", STEPS)]
            second = await run(agent, {"messages": own}, way.mode)
            begun = {"messages": [*second["messages"], *claude_step()]}
            third = await run(agent, begun, way.mode)
        assert third["messages"][-1].text
        assert counted(server).lost == []
        last = server.requests[-1].body["messages"]
        assert "Ep-of-claude" not in str(last)
        assert "Hm." not in str(last)
        assert {call["id"] for call in signed_calls(last)} >= {
            call_id for call_id, one in server.issued_signatures.items() if one
        }
        bypassed = [c["id"] for c in signed_calls(last) if c.get("extra_content") == SKIP]
        assert bypassed == (["toolu_1", "toolu_1"] if missing == "skip" else [])


CLAUDE = {"model_provider": "anthropic"}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "Ep-of-claude"}


def claude_step() -> list[Any]:
    """Return a question with a step of Claude's, as langchain-anthropic makes it."""
    text = {"type": "text", "text": "I look."}
    use = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"query": "b"}}
    call = {"name": "look", "args": {"query": "b"}, "id": "toolu_1", "type": "tool_call"}
    return [
        ("human", "And now?"),
        AIMessage(content=[THOUGHT, text, use], tool_calls=[call], response_metadata=CLAUDE),
        ToolMessage("found b", tool_call_id="toolu_1"),
    ]


def claude_end() -> list[Any]:
    text = {"type": "text", "text": "It is b."}
    return [AIMessage(content=[THOUGHT, text], response_metadata=CLAUDE)]


def signed_calls(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the calls that carry a signature, in either dialect."""
    return [
        call
        for message in messages
        for call in message.get("tool_calls") or ()
        if call.get("extra_content")
        or any(one.get("id") == call["id"] for one in message.get("reasoning_details") or ())
    ]
