"""The chat model: LangChain on one side, the endpoint on the other."""

from __future__ import annotations

import inspect

# langchain-core resolves the annotations of public methods at run time (`with_fallbacks(...)` hands
# `bind_tools` on by them), so what these name is imported for good.
from collections.abc import Sequence  # noqa: TC003  as above
from contextlib import aclosing, closing
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

from langchain_core.messages import BaseMessage  # noqa: TC002  as above
from langchain_core.runnables import RunnableConfig  # noqa: TC002  as above
from pydantic import ConfigDict, PrivateAttr

from langchain_aimlapi._binding.binding import BindsTools, GeminiBinding
from langchain_aimlapi._codec.completion import decode_completion
from langchain_aimlapi._codec.content_blocks import register_blocks
from langchain_aimlapi._codec.encoded_messages import EncodedMessages
from langchain_aimlapi._codec.response_format import encode_schemas
from langchain_aimlapi._codec.stream import StreamDecoder, decode_events
from langchain_aimlapi._codec.tokens import estimate_message_tokens, estimate_tokens
from langchain_aimlapi._http.client_pool import ClosesClients
from langchain_aimlapi._http.watch import watched_run
from langchain_aimlapi._settings.build_call import build_call
from langchain_aimlapi._settings.fields import GeminiSettings
from langchain_aimlapi.tracing.spans import observed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from types import ModuleType
    from uuid import UUID

    from langchain_core.callbacks import (
        AsyncCallbackManagerForLLMRun,
        CallbackManagerForLLMRun,
    )
    from langchain_core.outputs import ChatGenerationChunk, ChatResult

    from langchain_aimlapi._http.call import Call

register_blocks()


_MethodT = TypeVar("_MethodT", bound="Callable[..., Any]")


def _with_signature(method: _MethodT) -> _MethodT:
    """Hang its signature on a method: langchain-core asks for it at every call (10 us)."""
    method.__dict__["__signature__"] = inspect.signature(method)
    return method


class ChatAIMLGemini(BindsTools, ClosesClients, GeminiSettings):  # type: ignore[misc]  # core types less narrowly
    """Gemini 3 models through AI/ML API.

    Setup:
        Install `langchain-aimlapi` 1.0 or later (until then from a clone: `pip install .`), and
        set the environment variable `AIMLAPI_API_KEY`.

        ```bash
        pip install "langchain-aimlapi>=1"
        export AIMLAPI_API_KEY="your-key"
        ```

    Key init args: completion params:
        `model`, `temperature`, `top_p`, `max_tokens`, `stop`, `seed`, `n`, `reasoning_effort`,
        `reasoning`, `response_format`, `provider`, ...

    Key init args: client params:
        `api_key`, `base_url`, `timeout`, `max_retries`, `empty_response_retries`,
        `default_headers`, `http_client`, `http_async_client`.

    The end of this text lists every setting; names of other packages (`max_output_tokens`,
    `request_timeout`, `openai_api_base`, `thinking_level`, ...) are taken as well.

    Instantiate:
        ```python
        from langchain_aimlapi import ChatAIMLGemini

        model = ChatAIMLGemini(model="google/gemini-3-flash-preview", max_tokens=15000)
        ```

    Invoke:
        ```python
        message = model.invoke([("system", "Translate to French."), ("human", "Hello")])
        message.content
        ```

    Stream:
        ```python
        full = None
        for chunk in model.stream("Hello"):
            full = chunk if full is None else full + chunk
        ```

        The sum of the chunks equals the message of `invoke`.

    Async:
        ```python
        message = await model.ainvoke("Hello")
        async for chunk in model.astream("Hello"):
            chunk.content
        await model.abatch(["Hello", "Hi"])
        ```

    Tool calling:
        ```python
        def get_weather(city: str) -> str:
            "Tell the weather of a city."
            return f"Sunny in {city}."

        message = model.bind_tools([get_weather]).invoke("What is the weather in Oslo?")
        message.tool_calls
        ```

        Thought signatures of the calls go back with the message by themselves.

    Structured output:
        ```python
        from pydantic import BaseModel

        class Joke(BaseModel):
            setup: str
            punchline: str

        model.with_structured_output(Joke).invoke("Tell me a joke about cats.")
        ```

    Image input:
        ```python
        picture = {"type": "image", "url": "https://example.com/cat.png"}
        question = {"type": "text", "text": "What is in the picture?"}
        model.invoke([{"role": "user", "content": [question, picture]}])
        ```

    Reasoning:
        ```python
        message = model.invoke("Hello")
        message.additional_kwargs.get("reasoning_content")  # the text
        [block for block in message.content_blocks if block["type"] == "reasoning"]
        ```

    Token usage:
        ```python
        message.usage_metadata  # input, output (reasoning included), total tokens
        ```

    Cost:
        ```python
        message.response_metadata.get("credits_used")
        message.response_metadata.get("usd_spent")
        ```

    Response metadata:
        ```python
        message.response_metadata["model_name"]
        message.response_metadata["client_request_id"]  # quote it to support
        ```
    """

    model_config = ConfigDict(defer_build=False)

    _known: EncodedMessages = PrivateAttr(default_factory=EncodedMessages)

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Take a model that was pickled before it kept what it had written of messages."""
        private = {"_known": EncodedMessages(), **(state.get("__pydantic_private__") or {})}
        super().__setstate__({**state, "__pydantic_private__": private})

    @classmethod
    def from_catalog(cls, model: str, **settings: Any) -> Self:
        """Return a model with the profile that the live catalogue gives it today.

        For ids newer than this release: limits, modalities and capabilities are asked for once,
        kept by their mark in the user's cache folder. Where the catalogue cannot be reached they
        are those of the last visit, else of this release.

        Args:
            model: Id or alias.
            **settings: Those of the class; a `profile` of yours wins.

        Raises:
            AIMLAPINotFoundError: Neither the catalogue nor this release knows the model.
            ValueError: A setting cannot be used.
        """
        from langchain_aimlapi.account import Account

        made = cls(model=model, **settings)
        if settings.get("profile") is None:
            with Account.of(made) as account:
                made.profile = account.profile(made.model)
        return made

    # The four shells: they move data; `build_call` and the decoders decide.

    @_with_signature
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        run_id = run_manager.run_id if run_manager else watched_run()
        call = self._call(messages, stop, run_id, kwargs, is_stream=False)
        with observed(call, run_id) as observe:
            result: ChatResult = _transport().send(call, _decode(call))
            if observe:
                observe(*result.generations)
        return result

    @_with_signature
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        run_id = run_manager.run_id if run_manager else watched_run()
        call = self._call(messages, stop, run_id, kwargs, is_stream=False)
        with observed(call, run_id) as observe:
            result: ChatResult = await _transport().asend(call, _decode(call))
            if observe:
                observe(*result.generations)
        return result

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        run_id = run_manager.run_id if run_manager else watched_run()
        call = self._call(messages, stop, run_id, kwargs, is_stream=True)
        decoder = _decoder(call)
        with (
            observed(call, run_id) as observe,
            closing(_transport().stream(call, decoder)) as chunks,
        ):
            for chunk in chunks:
                if observe:
                    observe(chunk)
                if run_manager:
                    run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        run_id = run_manager.run_id if run_manager else watched_run()
        call = self._call(messages, stop, run_id, kwargs, is_stream=True)
        with observed(call, run_id) as observe:
            async with aclosing(_transport().astream(call, _decoder(call))) as chunks:
                async for chunk in chunks:
                    if observe:
                        observe(chunk)
                    if run_manager:
                        await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk

    def _call(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        run_id: UUID | None,
        keywords: dict[str, Any],
        *,
        is_stream: bool,
    ) -> Call:
        return build_call(
            self,
            self.call_options(keywords, stop=stop),
            messages=messages,
            run_id=run_id,
            is_stream=is_stream,
            clients=self.connections,
            remedies=self.connections.remedies,
            known=self._known,
        )

    def bind(self, **kwargs: Any) -> GeminiBinding:
        """Return this model with keywords of a call bound to it.

        Args:
            **kwargs: Parameters of the call, such as `temperature`; `tools` and `response_format`
                may be all that `bind_tools` and `with_structured_output` take.

        Raises:
            ValueError: A tool or the schema cannot be sent.
        """
        return GeminiBinding(bound=self, kwargs=encode_schemas(kwargs))

    def with_config(self, config: RunnableConfig | None = None, **kwargs: Any) -> GeminiBinding:
        """Return this model with a config for its calls.

        Args:
            config: Callbacks, tags, metadata and the like; see langchain-core.
            **kwargs: Single keys of it.
        """
        return GeminiBinding(bound=self).with_config(config, **kwargs)

    def get_num_tokens(self, text: str) -> int:
        """Return an offline estimate of the tokens of a text; only the endpoint counts exactly.

        Args:
            text: Any text. `custom_get_token_ids`, where it is set, counts instead.
        """
        if self.custom_get_token_ids is not None:
            return len(self.custom_get_token_ids(text))
        return estimate_tokens(text)

    def get_num_tokens_from_messages(
        self,
        messages: list[BaseMessage],
        tools: Sequence[Any] | None = None,
    ) -> int:
        """Return an offline estimate of the tokens of messages, for trimming or summarising.

        Args:
            messages: The conversation.
            tools: Tools that are sent along.
        """
        return estimate_message_tokens(messages, tools=tools)

    def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None]) -> dict[str, Any]:
        """Add up the integer counts of several prompts' outputs."""
        usage: dict[str, int] = {}
        for output in llm_outputs:
            for name, count in ((output or {}).get("token_usage") or {}).items():
                if isinstance(count, int):
                    usage[name] = usage.get(name, 0) + count
        return {"token_usage": usage, "model_name": self.model}


def _import_transport() -> ModuleType:
    """Import httpx with the first call, not with the class: it costs 30 ms."""
    from langchain_aimlapi._http import transport

    return transport


# With room for the frames of an import, as in `langchain_aimlapi.__getattr__`.
_import_transport.__code__ = _import_transport.__code__.replace(co_stacksize=20_000)
_transport = cache(_import_transport)


def _decode(call: Call) -> Callable[[bytes | list[bytes], Mapping[str, str]], ChatResult]:
    def decode(body: bytes | list[bytes], headers: Mapping[str, str]) -> ChatResult:
        if isinstance(body, bytes):
            return decode_completion(body, headers, client_request_id=call.client_request_id)
        return decode_events(body, _decoder(call)(headers))

    return decode


def _decoder(call: Call) -> Callable[[Mapping[str, str]], StreamDecoder]:
    return partial(StreamDecoder, client_request_id=call.client_request_id)
