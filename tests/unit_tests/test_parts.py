"""The parts of a model's or an agent's stream."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from langchain_aimlapi import ChatAIMLGemini, StreamPart, astream_parts, cost_of, stream_parts
from langchain_aimlapi.spend import Cost
from langchain_aimlapi.testing.standin.server import StandIn

MODEL = "google/gemini-3-flash-preview"
KEY = "sk-of-nobody-at-all"


def told(parts: list[StreamPart]) -> list[tuple[str, str]]:
    """Return kinds with their texts, neighbours of one kind as one."""
    joined: list[tuple[str, str]] = []
    for part in parts:
        what = part.text
        if part.tool_call:
            what = f"{part.tool_call['name']}{part.tool_call['args']}"
        if joined and joined[-1][0] == part.kind and part.kind in ("thought", "text"):
            joined[-1] = (part.kind, joined[-1][1] + what)
        else:
            joined.append((part.kind, what))
    return joined


def chunk(content: Any = "", **fields: Any) -> AIMessageChunk:
    return AIMessageChunk(content=content, id=fields.pop("id", "m-1"), **fields)


CALL = {"name": "f", "args": '{"a": 1}', "id": "c-1", "index": 0, "type": "tool_call_chunk"}
USAGE: Any = {"input_tokens": 2, "output_tokens": 3, "total_tokens": 5}
PIECES = [
    chunk(additional_kwargs={"reasoning_content": "Let me "}),
    chunk(additional_kwargs={"reasoning_content": "see."}),
    chunk("Hel"),
    chunk("lo"),
    chunk(tool_call_chunks=[CALL | {"args": '{"a"'}]),
    chunk(tool_call_chunks=[CALL | {"args": ": 1}", "name": None, "id": None}]),
    chunk(
        usage_metadata=USAGE,
        response_metadata={"credits_used": 2_000_000, "usd_spent": 1},
        chunk_position="last",
    ),
]
WHOLE = AIMessage(
    "Hello",
    id="m-1",
    additional_kwargs={"reasoning_content": "Let me see."},
    tool_calls=[{"name": "f", "args": {"a": 1}, "id": "c-1"}],
    usage_metadata=USAGE,
)
BLOCKS = AIMessage(
    [{"type": "reasoning", "reasoning": "Let me see."}, {"type": "text", "text": "Hel"}, "lo", {}],
    id="m-1",
    tool_calls=WHOLE.tool_calls,
    usage_metadata=USAGE,
)
RESULT = ToolMessage("42", tool_call_id="c-1")
SAID = [("thought", "Let me see."), ("text", "Hello"), ("tool_call", "f{'a': 1}"), ("cost", "")]
PLACE = {"langgraph_node": "model"}
NAMESPACE = ("tools:1",)


@pytest.mark.parametrize(
    "events",
    [
        [*PIECES, RESULT],
        [WHOLE, RESULT],
        [BLOCKS, RESULT],
        [(piece, PLACE) for piece in [*PIECES, RESULT]],
        [("messages", (piece, PLACE)) for piece in [*PIECES, RESULT]],
        [(NAMESPACE, (piece, PLACE)) for piece in [*PIECES, RESULT]],
        [(NAMESPACE, "messages", (piece, PLACE)) for piece in [*PIECES, RESULT]],
        [{"type": "messages", "ns": (), "data": (piece, PLACE)} for piece in [*PIECES, RESULT]],
        [{"model": {"messages": [WHOLE]}}, {"tools": {"messages": [RESULT]}}],
        [{"messages": [HumanMessage("hi")]}, {"messages": [WHOLE]}, {"messages": [WHOLE, RESULT]}],
        [*PIECES, ("updates", {"model": {"messages": [WHOLE]}}), ("updates", {"tools": RESULT})],
        [("custom", 7), None, *PIECES, RESULT, RESULT],
    ],
)
async def test_every_shape_of_a_stream_says_the_same(events: list[Any]) -> None:
    async def stream() -> Any:
        for event in events:
            yield event

    parts = [*stream_parts(events)]
    assert told(parts) == [*SAID, ("tool_result", "42")]
    assert [part async for part in astream_parts(stream())] == parts


def test_parts_say_where_they_come_from_and_what_they_cost() -> None:
    [*_, cost] = stream_parts((piece, PLACE) for piece in PIECES)
    assert cost.metadata == PLACE
    assert cost.cost == cost_of(PIECES[-1])
    assert cost.cost is not None
    assert (cost.cost.credits, cost.cost.usd) == (Decimal(2_000_000), Decimal(1))


class Endless:
    """An asynchronous stream that is no generator: it cannot be closed."""

    def __init__(self, events: list[Any]) -> None:
        self.events = iter(events)

    def __aiter__(self) -> Endless:
        return self

    async def __anext__(self) -> Any:
        for event in self.events:
            return event
        raise StopAsyncIteration


async def test_calls_of_a_model_that_does_not_say_when_it_is_done_come_at_the_end() -> None:
    nameless = [piece.model_copy(update={"id": None}) for piece in PIECES[:-1]]
    for pieces in (PIECES[:-1], nameless):
        assert told([*stream_parts(pieces)])[-1] == SAID[2]
        assert told([part async for part in astream_parts(Endless(pieces))])[-1] == SAID[2]


def test_messages_without_an_id_are_told_each_time() -> None:
    assert len([*stream_parts([AIMessage("a"), AIMessage("a")])]) == 2


def test_interleaved_answers_keep_their_calls_apart() -> None:
    other = [piece.model_copy(update={"id": "m-2"}) for piece in PIECES]
    both = [event for pair in zip(PIECES, other, strict=True) for event in pair]
    calls = [part.tool_call for part in stream_parts(both) if part.tool_call]
    assert [call["args"] for call in calls] == [{"a": 1}, {"a": 1}]


async def test_leaving_the_loop_closes_the_stream() -> None:
    closed: list[str] = []

    def stream() -> Any:
        try:
            yield from PIECES
        finally:
            closed.append("sync")

    async def astream() -> Any:
        try:
            for piece in PIECES:
                yield piece
        finally:
            closed.append("async")

    parts = stream_parts(stream())
    next(parts)
    parts.close()
    later = astream_parts(astream())
    await anext(later)
    await later.aclose()
    assert closed == ["sync", "async"]


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_a_model_of_ours_told_in_parts(version: str) -> None:
    with StandIn() as server:
        model = ChatAIMLGemini(
            model=MODEL, base_url=server.base_url, api_key=KEY, output_version=version
        )
        parts = [*stream_parts(model.stream("Hello"))]
        whole = model.invoke("Hello")
    assert {part.kind for part in parts} >= {"text", "cost"}
    assert "".join(part.text for part in parts if part.kind == "text") == whole.text


def test_a_cost_shows_in_a_notebook() -> None:
    shown = cost_of(PIECES[-1])._repr_html_()
    assert "<th>credits</th><td>2000000</td>" in shown
    assert "<th>USD</th>" in shown
    assert "<th>answers without a cost</th><td>1</td>" in cost_of(AIMessage("a"))._repr_html_()
    opened = Cost(open=1, credits_open=Decimal(7))._repr_html_()
    assert "<th>open credits, at most</th><td>7</td>" in opened


@pytest.mark.parametrize("mode", ["values", ["messages", "values"], ["updates", "values"]])
def test_a_later_turn_does_not_tell_the_earlier_ones_again(mode: Any) -> None:
    with StandIn(strict=True) as server:
        model = ChatAIMLGemini(model=MODEL, base_url=server.base_url, api_key=KEY)
        graph = StateGraph(MessagesState)
        graph.add_node("answer", lambda state: {"messages": model.invoke(state["messages"])})
        graph.add_edge(START, "answer")
        app = graph.compile(checkpointer=InMemorySaver())
        thread: Any = {"configurable": {"thread_id": "1"}}
        for _ in range(3):
            asked: Any = {"messages": [HumanMessage("Hello")]}
            parts = list(stream_parts(app.stream(asked, thread, stream_mode=mode)))
            assert [part.kind for part in parts].count("cost") == 1
            assert "text" in [part.kind for part in parts]
