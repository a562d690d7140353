"""The messages that are sent: a question, long histories, a big image."""

import base64
import functools
import random
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import StructuredTool
from pydantic import Field, create_model

from tests.benchmarks.answers import signature, words


def question() -> list[BaseMessage]:
    """Return a system message and a question."""
    return [SystemMessage("Answer in one line."), HumanMessage(words(count=12, seed=10))]


def plain_history(count: int) -> list[BaseMessage]:
    """Return `count` messages of text, user and assistant in turn."""
    kinds: tuple[type[BaseMessage], ...] = (HumanMessage, AIMessage)
    return [kinds[n % 2](content=words(count=16, seed=n)) for n in range(count)]


def agent_history(count: int, *, provider: str) -> list[BaseMessage]:
    """Return `count` messages of an agent's work: question, signed call, result, signed answer."""
    turns = range(-(-count // 4))
    return [message for n in turns for message in _turn(n, provider)][:count]


def _turn(number: int, provider: str) -> list[BaseMessage]:
    call = {"name": "look", "args": {"query": words(count=6, seed=number)}, "id": f"call_{number}"}
    return [
        HumanMessage(words(count=16, seed=number)),
        _signed(f"call_{number}", provider, content="", tool_calls=[{**call, "type": "tool_call"}]),
        ToolMessage(words(count=16, seed=number), tool_call_id=f"call_{number}"),
        _signed(None, provider, content=words(count=16, seed=number)),
    ]


def agent_steps(count: int, *, provider: str) -> list[BaseMessage]:
    """Return what an agent sends after `count` steps: a question; a call and result of each."""
    steps = (_turn(number, provider)[1:3] for number in range(count))
    return [*question(), *(message for step in steps for message in step)]


def tool(number: int) -> StructuredTool:
    """Return a tool of its own, with a schema that pydantic made."""
    fields: dict[str, Any] = {
        f"field_{place}": (
            Literal["amber", "birch"] | list[int] | None,
            Field(description="A field."),
        )
        for place in range(4)
    }
    schema = create_model(f"Arguments{number}", **fields)
    return StructuredTool.from_function(
        lambda **_: "", name=f"tool_{number}", description="A tool.", args_schema=schema
    )


def _signed(identifier: str | None, provider: str, **fields: Any) -> AIMessage:
    text = words(count=12, seed=5)
    common = {"format": "google-gemini-v1", "index": 0}
    details = [
        {"type": "reasoning.text", "text": text, **common},
        {"type": "reasoning.encrypted", "data": _signature(), "id": identifier, **common},
    ]
    return AIMessage(
        additional_kwargs={"reasoning_content": text, "reasoning_details": details},
        response_metadata={"model_provider": provider},
        **fields,
    )


@functools.cache
def _signature() -> str:
    return signature(length=400, seed=6)


def image_message() -> list[BaseMessage]:
    """Return a question about a picture of 4 MB, base64 characters counted."""
    data = base64.b64encode(random.Random(7).randbytes(3 << 20)).decode()
    url = {"url": f"data:image/png;base64,{data}"}
    text = {"type": "text", "text": "What is this?"}
    return [HumanMessage([text, {"type": "image_url", "image_url": url}])]
