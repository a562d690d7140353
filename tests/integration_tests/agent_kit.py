"""What the agents' stories share: a server that refuses lost signatures, ways to run, the count."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pytest
from langchain_core.tools import tool

from langchain_aimlapi import ChatAIMLGemini

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from langchain_aimlapi.testing.standin import StandIn

    Mode = Literal["invoke", "stream", "ainvoke", "astream"]
    Dialect = Literal["O", "V"]


class Way(NamedTuple):
    """How an agent is run, what the server speaks, what form the messages have."""

    mode: Mode
    dialect: Dialect
    version: Literal["v0", "v1"]


_QUICK: list[Way] = [
    Way("invoke", "O", "v0"),
    Way("stream", "V", "v1"),
    Way("ainvoke", "V", "v0"),
    Way("astream", "O", "v1"),
]
_OTHERS: list[Way] = [
    Way("invoke", "V", "v1"),
    Way("stream", "O", "v0"),
    Way("ainvoke", "O", "v1"),
    Way("astream", "V", "v0"),
]
EVERY_WAY = [pytest.param(way, id="-".join(way)) for way in _QUICK] + [
    pytest.param(way, id="-".join(way), marks=pytest.mark.slow) for way in _OTHERS
]
WAYS = (*_QUICK, *_OTHERS)
MODES_AND_DIALECTS = [pytest.param(way, id="-".join(way)) for way in WAYS]
MODEL = "google/gemini-3-flash-preview"


@tool
def look(query: str) -> str:
    """Look something up."""
    return f"found {query}"


@asynccontextmanager
async def model_at(server: StandIn, way: Way, **settings: Any) -> AsyncIterator[ChatAIMLGemini]:
    """Give a model that speaks to the server in a dialect, then close its connections."""
    given: dict[str, Any] = {
        "model": MODEL,
        "base_url": server.base_url,
        "api_key": "any",
        "max_retries": 0,
        "output_version": way.version,
        "default_headers": {"x-standin-dialect": way.dialect},
    }
    model = ChatAIMLGemini(**{**given, **settings})
    try:
        yield model
    finally:
        await model.aclose()


async def run(agent: Any, given: Any, mode: Mode, config: Any = None) -> dict[str, Any]:
    """Run an agent to its end, or to where it waits for a human; return its state."""
    config = {"recursion_limit": 100, **(config or {})}
    if mode == "invoke":
        return dict(agent.invoke(given, config))
    if mode == "ainvoke":
        return dict(await agent.ainvoke(given, config))
    parts: list[Any] = []
    if mode == "stream":
        parts += agent.stream(given, config, stream_mode=["messages", "values"])
    else:
        stream = agent.astream(given, config, stream_mode=["messages", "values"])
        parts += [part async for part in stream]
    assert any(kind == "messages" for kind, _ in parts), "nothing was streamed"
    return dict([value for kind, value in parts if kind == "values"][-1])


class Count(NamedTuple):
    """What became of the signatures that a server had issued, over all requests it got.

    Attributes:
        calls: Issued tool calls that came back; in each request again.
        kept: Of these, the signed ones whose signature stood on them unaltered.
        lost: Ids of those whose signature was missing, altered, or where none belongs.
    """

    calls: int
    kept: int
    lost: list[str]


def counted(server: StandIn) -> Count:
    """Compare the requests in a server's journal with what it had issued."""
    issued = server.issued_signatures
    calls, kept = 0, 0
    lost: list[str] = []
    for request in server.requests:
        for message in request.body["messages"]:
            for call in message.get("tool_calls") or ():
                if call["id"] not in issued:
                    continue
                calls += 1
                found = _signatures_of(call, message)
                expected = [one] if (one := issued[call["id"]]) else []
                if found != expected:
                    lost.append(call["id"])
                elif found:
                    kept += 1
    return Count(calls, kept, lost)


def _signatures_of(call: dict[str, Any], message: dict[str, Any]) -> list[str]:
    extra = call.get("extra_content") or {}
    on_call = [extra["google"]["thought_signature"]] if extra else []
    details = message.get("reasoning_details") or []
    return on_call + [one["data"] for one in details if one.get("id") == call["id"]]


def asked(text: str) -> dict[str, Any]:
    """Return the input of an agent that is asked something."""
    return {"messages": [("human", text)]}
