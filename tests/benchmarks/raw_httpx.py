"""The floor without LangChain: httpx and `json`, called as people write it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx

from tests.benchmarks.answers import MODEL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from langchain_core.messages import BaseMessage  # not at run time: its import is LangChain's

_ROLES = {"system": "system", "human": "user", "ai": "assistant", "tool": "tool"}
_DATA = "data: "


def _event(line: str) -> dict[str, Any] | None:
    """Return the event that a line holds, if it holds one."""
    if not line.startswith(_DATA) or line.endswith("[DONE]"):
        return None
    return _dict(json.loads(line[len(_DATA) :]))


class RawHttpx:
    """The methods of a chat model that are measured, on dicts instead of messages."""

    def __init__(self, *, base_url: str) -> None:
        headers = {"Authorization": "Bearer key"}
        self._client = httpx.Client(base_url=base_url, headers=headers)
        self._aclient = httpx.AsyncClient(base_url=base_url, headers=headers)

    def ready(self, messages: list[BaseMessage]) -> list[dict[str, Any]]:
        """Return the messages as wire dicts; called before anything is timed."""
        return [{"role": _ROLES[one.type], "content": one.content} for one in messages]

    def invoke(self, messages: Any) -> dict[str, Any]:
        """Post and parse one whole answer."""
        answer = self._client.post("/chat/completions", json=_body(messages)).json()
        return _dict(answer)

    async def ainvoke(self, messages: Any) -> dict[str, Any]:
        """Do as `invoke`."""
        answer = await self._aclient.post("/chat/completions", json=_body(messages))
        return _dict(answer.json())

    def stream(self, messages: Any) -> Iterator[dict[str, Any]]:
        """Yield the parsed events of a stream."""
        body = _body(messages, stream=True)
        with self._client.stream("POST", "/chat/completions", json=body) as response:
            for line in response.iter_lines():
                if event := _event(line):
                    yield event

    async def astream(self, messages: Any) -> AsyncIterator[dict[str, Any]]:
        """Do as `stream`."""
        body = _body(messages, stream=True)
        async with self._aclient.stream("POST", "/chat/completions", json=body) as response:
            async for line in response.aiter_lines():
                if event := _event(line):
                    yield event

    def batch(self, inputs: list[Any], config: dict[str, int]) -> list[dict[str, Any]]:
        """Invoke all inputs in as many threads as `max_concurrency` says."""
        with ThreadPoolExecutor(config["max_concurrency"]) as pool:
            return list(pool.map(self.invoke, inputs))


def _body(messages: Any, **settings: bool) -> dict[str, Any]:
    return {"model": MODEL, "messages": messages, **settings}


def _dict(answer: Any) -> dict[str, Any]:
    assert answer["choices"]
    parsed: dict[str, Any] = answer
    return parsed
