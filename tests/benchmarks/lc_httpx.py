"""The reference: the least chat model over httpx that fills every field.

It neither validates, retries, signs nor translates an error: what it costs is what its parts cost
(LangChain, httpx, `json`), and what an integration costs more is its own doing.
"""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun as AsyncManager
from langchain_core.callbacks import CallbackManagerForLLMRun as Manager
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr
from typing_extensions import override

from tests.benchmarks.answers import MODEL
from tests.benchmarks.decoding import chat_result, chunk

_ROLES = {"system": "system", "human": "user", "ai": "assistant", "tool": "tool"}
_DATA = len(b"data: ")


def _events(block: bytes, rest: bytes) -> tuple[list[dict[str, Any]], bytes]:
    *whole, rest = (rest + block).split(b"\n\n")
    data = (one for one in whole if one.startswith(b"data: ") and not one.endswith(b"[DONE]"))
    return [json.loads(one[_DATA:]) for one in data], rest


class LcHttpx(BaseChatModel):
    """The reference: the least chat model over httpx that fills every field."""

    base_url: str
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)
    _client: Any = PrivateAttr(default=None)
    _aclient: Any = PrivateAttr(default=None)

    @property
    def _llm_type(self) -> str:
        return "floor"

    def _settings(self) -> dict[str, Any]:
        return {"base_url": self.base_url, "headers": {"Authorization": "Bearer key"}}

    def _sync_client(self) -> Any:
        import httpx

        with self._lock:  # without it a cold burst of threads builds a client each
            self._client = self._client or httpx.Client(**self._settings())
        return self._client

    def _async_client(self) -> Any:
        import httpx

        if self._aclient is None:
            self._aclient = httpx.AsyncClient(**self._settings())
        return self._aclient

    def _body(self, messages: list[BaseMessage], **settings: Any) -> dict[str, Any]:
        encoded = [{"role": _ROLES[one.type], "content": one.content} for one in messages]
        return {"model": MODEL, "messages": encoded, **settings}

    @override
    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        body = self._body(messages)
        return chat_result(self._sync_client().post("/chat/completions", json=body).json())

    @override
    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        body = self._body(messages)
        response = await self._async_client().post("/chat/completions", json=body)
        return chat_result(response.json())

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Manager | None = None,
        **_: Any,
    ) -> Iterator[ChatGenerationChunk]:
        rest, body = b"", self._body(messages, stream=True)
        with self._sync_client().stream("POST", "/chat/completions", json=body) as response:
            for block in response.iter_bytes():
                events, rest = _events(block, rest)
                for event in events:
                    piece = chunk(event)
                    if run_manager:
                        run_manager.on_llm_new_token(piece.text, chunk=piece)
                    yield piece

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncManager | None = None,
        **_: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        rest, body = b"", self._body(messages, stream=True)
        stream = self._async_client().stream("POST", "/chat/completions", json=body)
        async with stream as response:
            async for block in response.aiter_bytes():
                events, rest = _events(block, rest)
                for event in events:
                    piece = chunk(event)
                    if run_manager:
                        await run_manager.on_llm_new_token(piece.text, chunk=piece)
                    yield piece
