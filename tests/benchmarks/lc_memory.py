"""The floor without a network: a chat model that answers from memory, LangChain's own cost."""

import functools
from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun as AsyncManager
from langchain_core.callbacks import CallbackManagerForLLMRun as Manager
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from typing_extensions import override

from tests.benchmarks.answers import completion, stream_events
from tests.benchmarks.decoding import chat_result, chunk


@functools.cache
def _answer() -> dict[str, Any]:
    return completion()


@functools.cache
def _events(scenario: str) -> list[dict[str, Any]]:
    return list(stream_events(scenario))


class LcMemory(BaseChatModel):
    """A chat model that answers from memory: LangChain's own cost."""

    base_url: str

    @property
    def _llm_type(self) -> str:
        return "floor"

    def _scenario(self) -> str:
        return self.base_url.rsplit("/", 1)[1]

    @override
    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return chat_result(_answer())

    @override
    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return chat_result(_answer())

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Manager | None = None,
        **_: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for event in _events(self._scenario()):
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
        for event in _events(self._scenario()):
            piece = chunk(event)
            if run_manager:
                await run_manager.on_llm_new_token(piece.text, chunk=piece)
            yield piece
