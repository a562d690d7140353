"""What a user writes, as type checkers see it: mypy --strict and pyright, without plugins of ours.

`make lint` has both check it; nothing here is run.
"""

from __future__ import annotations

import os
from decimal import Decimal
from typing import assert_type

from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from pydantic import BaseModel, SecretStr

from langchain_aimlapi import (
    ChatAIMLGemini,
    SpendCallbackHandler,
    StreamPart,
    cost_of,
    get_spend_callback,
    image_block,
    stream_parts,
)
from langchain_aimlapi.errors import AIMLAPIError
from tests.http_client import httpx


class Joke(BaseModel):
    """A joke."""

    setup: str


def rotating_key() -> str:
    return os.environ["MY_KEY"]


async def fetched_key() -> str:
    return "key"


def get_weather(city: str) -> str:
    """Tell the weather."""
    return city


ChatAIMLGemini(model="gemini-3-flash-preview", api_key=os.environ.get("KEY"), base_url=None)
ChatAIMLGemini(model="gemini-3-flash-preview", api_key=SecretStr("k"), timeout=httpx.Timeout(5))
ChatAIMLGemini(model="gemini-3-flash-preview", api_key=rotating_key, timeout=None)
ChatAIMLGemini(model="gemini-3-flash-preview", api_key=fetched_key, timeout=2.5, stop=["END"])
model = ChatAIMLGemini(
    model="gemini-3-flash-preview",
    api_key="key",
    base_url="https://example.com/v1",
    temperature=1,
    max_tokens=100,
    reasoning_effort="low",
    timeout="default",
    max_retries=3,
    default_headers={"x-tenant": "a"},
    http_client=httpx.Client(),
    http_async_client=httpx.AsyncClient(),
)
assert_type(model.base_url, str)
assert_type(model.model, str)
assert_type(model.temperature, float | None)
assert_type(model.model_copy(update={"temperature": 0}), ChatAIMLGemini)
assert_type(model.invoke("Hello"), AIMessage)
assert_type(model.invoke([HumanMessage("Hello")], max_tokens=5), AIMessage)
assert_type(model.bind_tools([get_weather], tool_choice="any").invoke("Oslo?"), AIMessage)
for chunk in model.stream([HumanMessage([image_block("cat.png")])]):
    assert_type(chunk, AIMessageChunk)
for part in stream_parts(model.stream("Hello")):
    assert_type(part, StreamPart)
    assert_type(part.text, str)
with get_spend_callback(max_usd="0.50") as spend:
    assert_type(spend, SpendCallbackHandler)
assert_type(cost_of(model.invoke("Hello")).usd, Decimal)


async def main() -> AIMessage:
    async with model:
        try:
            return await model.ainvoke("Hello")
        except AIMLAPIError as error:
            assert_type(error.code, str | None)
            raise
