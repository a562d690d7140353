"""The floor without LangChain: httpx, `json`, and nothing else."""

import json
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from langchain_core.messages import BaseMessage

from tests.benchmarks.answers import MODEL

_ROLES = {"system": "system", "human": "user", "ai": "assistant", "tool": "tool"}
_DATA = len(b"data: ")


def events(blocks: bytes, rest: bytes) -> tuple[list[dict[str, Any]], bytes]:
    """Return the events that `rest + blocks` completes, and what is left over."""
    *whole, rest = (rest + blocks).split(b"\n\n")
    return [json.loads(one[_DATA:]) for one in whole if _is_event(one)], rest


def _is_event(block: bytes) -> bool:
    return block.startswith(b"data: ") and not block.endswith(b"[DONE]")


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
        rest, body = b"", _body(messages, stream=True)
        with self._client.stream("POST", "/chat/completions", json=body) as response:
            for block in response.iter_bytes():
                parsed, rest = events(block, rest)
                yield from parsed

    async def astream(self, messages: Any) -> AsyncIterator[dict[str, Any]]:
        """Do as `stream`."""
        rest, body = b"", _body(messages, stream=True)
        async with self._aclient.stream("POST", "/chat/completions", json=body) as response:
            async for block in response.aiter_bytes():
                parsed, rest = events(block, rest)
                for event in parsed:
                    yield event

    def batch(self, inputs: list[Any], config: dict[str, int]) -> list[dict[str, Any]]:
        """Invoke all inputs in as many threads as `max_concurrency` says."""
        with ThreadPoolExecutor(config["max_concurrency"]) as pool:
            return list(pool.map(self.invoke, inputs))


def _body(messages: Any, **settings: bool) -> dict[str, Any]:
    return {"model": MODEL, "messages": messages, **settings}


def _dict(answer: Any) -> dict[str, Any]:
    assert answer["choices"]
    return {**answer}
