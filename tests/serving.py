"""Clients that serve one answer without a network, with a model that talks to them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_aimlapi import ChatAIMLGemini
from tests.http_client import httpx
from tests.streams import sse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from tests.wholes import Json

KEY = "sk-a-key-that-nobody-may-see"
MODEL = "google/gemini-3-flash-preview"
COST_HEADERS = {"x-inference-id": "inf-7", "x-aimlapi-credits-used": "2480"}


class _Blocks(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A response's bytes in given blocks."""

    def __init__(self, blocks: Sequence[bytes]) -> None:
        self._blocks = blocks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._blocks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for block in self._blocks:
            yield block


@dataclass
class Served:
    """Clients that serve one answer, with the requests that they got."""

    http_client: httpx.Client
    http_async_client: httpx.AsyncClient
    requests: list[httpx.Request] = field(default_factory=list)

    @property
    def bodies(self) -> list[Json]:
        """The requests' bodies."""
        return [json.loads(request.content) for request in self.requests]


def served(
    whole: Json | bytes,
    streamed: Sequence[Any] | bytes | list[bytes] = (),
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Served:
    """Return clients that answer every request, whole or streamed as it asks.

    Args:
        whole: The answer, or its bytes.
        streamed: Events of the stream, or its bytes, or its bytes in blocks.
        status: HTTP status of whole answers.
        headers: Further response headers.
    """
    requests: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if json.loads(request.content).get("stream"):
            given = {"content-type": "text/event-stream", **(headers or {})}
            return httpx.Response(200, headers=given, stream=_Blocks(_blocks_of(streamed)))
        given = {"content-type": "application/json", **(headers or {})}
        body = whole if isinstance(whole, bytes) else json.dumps(whole).encode()
        return httpx.Response(status, headers=given, stream=_Blocks([body]))

    transport = httpx.MockTransport(handle)
    return Served(
        httpx.Client(transport=transport), httpx.AsyncClient(transport=transport), requests
    )


def _blocks_of(streamed: Sequence[Any] | bytes) -> list[bytes]:
    if isinstance(streamed, bytes):
        return [streamed]
    if streamed and all(isinstance(one, bytes) for one in streamed):
        return list(streamed)
    return [sse(streamed)]


def model_of(served: Served, **settings: Any) -> ChatAIMLGemini:
    """Return a model that talks to these clients; `settings` override."""
    given = {
        "model": MODEL,
        "api_key": KEY,
        "max_retries": 0,
        "http_client": served.http_client,
        "http_async_client": served.http_async_client,
    }
    return ChatAIMLGemini(**{**given, **settings})
