"""What the tests of public reports share: answers of the wire, models that are served them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
)
from pydantic import BaseModel

from langchain_aimlapi import (
    ChatAIMLGemini,
)
from tests.http_client import httpx
from tests.serving import Served, model_of, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_aimlapi.testing.standin import StandIn
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


def look(at: str) -> str:
    """Look."""
    return at


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


class Extra(BaseModel):
    """What else."""

    notes: str


def echo(request: Any) -> Any:
    text = json.loads(request.content)["messages"][0]["content"]
    if text == "bad":
        return httpx.Response(400, json={"error": {"message": "no"}})
    return httpx.Response(200, json=whole({"content": text}))


def model_over(handle: Any, ahandle: Any = None, **settings: Any) -> ChatAIMLGemini:
    """Return a model whose requests these functions answer."""
    clients = Served(
        httpx.Client(transport=httpx.MockTransport(handle)),
        httpx.AsyncClient(transport=httpx.MockTransport(ahandle or handle)),
    )
    return model_of(clients, **settings)


def model_at(server: StandIn, **settings: Any) -> ChatAIMLGemini:
    return ChatAIMLGemini(
        model="google/gemini-3-flash-preview",
        base_url=server.base_url,
        api_key="any",
        max_retries=0,
        **settings,
    )
