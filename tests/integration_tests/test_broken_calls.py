"""Agents whose model answers badly: no call is run that should not be, and the thread lives on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from langchain_aimlapi import ChatAIMLGemini
from tests.http_client import httpx
from tests.streams import sse
from tests.unit_tests.codec.test_sent_calls import problem_of

if TYPE_CHECKING:
    from tests.answers import Json

SIGNED: Json = {"google": {"thought_signature": "sig"}}
FIVE = '{"amount": 5}'


def call_of(call_id: str, arguments: str, name: str | None = "pay", **more: Any) -> Json:
    return {"id": call_id, "function": {"name": name, "arguments": arguments}, **more}


def encrypted(call_id: str) -> Json:
    return {"type": "reasoning.encrypted", "data": "Eq0", "id": call_id, "index": 0}


def message_of(*calls: Json, is_vertex: bool) -> Json:
    """Return a message whose first call is signed in the dialect's way."""
    first, *rest = calls
    if is_vertex:
        return {"content": "", "tool_calls": [{**first, "extra_content": SIGNED}, *rest]}
    return {"content": "", "reasoning_details": [encrypted(first["id"])], "tool_calls": [*calls]}


class Server:
    """Answers an agent's first request with a message, each other one with a text."""

    def __init__(self, message: Json, finish_reason: str) -> None:
        self.bodies: list[Json] = []
        self._choices: list[Json] = [
            {"message": message, "finish_reason": finish_reason},
            {"message": {"content": "Done."}, "finish_reason": "stop"},
        ]

    def answer(self, request: Any) -> Any:
        body = json.loads(request.content)
        self.bodies.append(body)
        choice = self._choices.pop(0) if len(self._choices) > 1 else self._choices[0]
        head = {"id": f"gen-{len(self.bodies)}", "model": "m", "created": 1}
        if not body.get("stream"):
            return httpx.Response(200, json={**head, "choices": [{"index": 0, **choice}]})
        message, ended = choice["message"], {"delta": {}, "finish_reason": choice["finish_reason"]}
        calls = message.get("tool_calls", [])
        deltas = [{key: value for key, value in message.items() if key != "tool_calls"}]
        deltas += [{"tool_calls": [{**call, "index": n}]} for n, call in enumerate(calls)]
        events = [{**head, "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
        data = sse([*events, {**head, "choices": [{"index": 0, **ended}]}])
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=data)

    def model(self, *, is_stream: bool) -> ChatAIMLGemini:
        transport = httpx.MockTransport(self.answer)
        return ChatAIMLGemini(
            model="google/gemini-3-flash-preview",
            api_key="sk-a-key-that-nobody-may-see",
            max_retries=0,
            streaming=is_stream,
            http_client=httpx.Client(transport=transport),
            http_async_client=httpx.AsyncClient(transport=transport),
        )


KINDS: dict[str, tuple[list[Json], str, list[int]]] = {
    "cut off": ([call_of("a", '{"amo'), call_of("b", FIVE)], "length", [5]),
    "cut off, alone": ([call_of("a", '{"amo')], "MAX_TOKENS", []),
    "no object": ([call_of("a", "[5]"), call_of("b", FIVE)], "tool_calls", [5]),
    "without a name": ([call_of("a", FIVE, None), call_of("b", FIVE)], "tool_calls", [5]),
    "an empty name": ([call_of("a", FIVE, ""), call_of("b", '{"amount": 6}')], "stop", [6]),
    "said twice": ([call_of("a", FIVE), call_of("a", '{"amount":5}')], "tool_calls", [5]),
    "raw control characters": ([call_of("a", '{"amount": 5, "why": "x\ny"}')], "tool_calls", [5]),
}


@pytest.mark.parametrize("is_vertex", [False, True])
@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_thread_lives_on(
    kind: str,
    is_stream: bool,  # noqa: FBT001  a table
    is_vertex: bool,  # noqa: FBT001  a table
) -> None:
    calls, finish_reason, amounts = KINDS[kind]
    for is_async in (False, True):
        server = Server(message_of(*calls, is_vertex=is_vertex), finish_reason)
        paid: list[int] = []

        tools: list[Any] = [_pay_into(paid)]
        agent = create_agent(server.model(is_stream=is_stream), tools, checkpointer=InMemorySaver())
        config: Any = {"configurable": {"thread_id": "1"}}
        for question in ("Pay.", "And?", "And then?"):
            asked: Any = {"messages": [HumanMessage(question)]}
            if is_async:
                await agent.ainvoke(asked, config)
            else:
                agent.invoke(asked, config)
        assert paid == amounts
        for body in server.bodies:
            assert problem_of(body["messages"]) is None


def _pay_into(paid: list[int]) -> Any:
    def pay(amount: int, why: str = "") -> str:
        """Pay an amount."""
        paid.append(amount)
        return f"paid {amount} {why}"

    return pay
