"""A plain HTTP client for the tests of the stand-in, which knows nothing of this package."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.http_client import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_aimlapi.testing.standin import StandIn

FLASH = "google/gemini-3-flash-preview"
NEWER = "google/gemini-3-7-flash"
USAGE: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def tool(name: str, **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def ask(
    server: StandIn,
    messages: Any,
    *,
    headers: Mapping[str, str] | None = None,
    **options: Any,
) -> httpx.Response:
    """Return the response to a request with a key."""
    messages = [user(messages)] if isinstance(messages, str) else messages
    return httpx.post(
        f"{server.base_url}/chat/completions",
        json={"model": FLASH, "messages": messages, **options},
        headers={"authorization": "Bearer any", **(headers or {})},
        timeout=5,
        verify=False,  # a TLS context costs more than the request
        trust_env=False,
    )


def message_of(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    message: dict[str, Any] = response.json()["choices"][0]["message"]
    return message


def chunks_of(response: httpx.Response) -> list[dict[str, Any]]:
    """Return the chunks of a streamed response; its last event is `[DONE]`."""
    lines = [line for line in response.text.split("\n\n") if line.startswith("data: ")]
    assert lines.pop() == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def folded(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the message that the deltas of a stream add up to, as a whole answer has it."""
    message: dict[str, Any] = {"role": "assistant", "content": "", "reasoning": ""}
    details: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    for delta in (choice["delta"] for chunk in chunks for choice in chunk["choices"]):
        message["content"] += delta.get("content") or ""
        message["reasoning"] += delta.get("reasoning") or ""
        if "extra_content" in delta:
            message["extra_content"] = delta["extra_content"]
        for detail in delta.get("reasoning_details") or []:
            if details and detail["type"] == "reasoning.text" == details[-1]["type"]:
                details[-1]["text"] += detail["text"]
            else:
                details.append(dict(detail))
        for call in delta.get("tool_calls") or []:
            if "id" in call:
                calls.append(json.loads(json.dumps(call)))
            else:
                calls[call["index"]]["function"]["arguments"] += call["function"]["arguments"]
    return {**message, "reasoning_details": details, "tool_calls": calls}
