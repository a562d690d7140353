"""The four ways to ask a model, as one function."""

from __future__ import annotations

import asyncio
import functools
import inspect
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk

from langchain_aimlapi import ChatAIMLGemini
from langchain_aimlapi.errors import AIMLAPIError
from tests.wire_tests.loopback import MODEL, Loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

# The library of the user's clients with which the models of these tests call: `None` for the
# package's own clients. (`test_httpx2` sets it.)
library: Any = None

KEY = "sk-aiml-4d1f0c7b9e2a4f6d8c3b5a7e9f1d2c4b"
WAYS = ("invoke", "ainvoke", "stream", "astream")

every_way = pytest.mark.parametrize("way", WAYS)
every_whole_way = pytest.mark.parametrize("way", WAYS[:2])
every_streamed_way = pytest.mark.parametrize("way", WAYS[2:])


def side_by_side(ways: Sequence[str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a test that waits for long in all these ways at once, in a thread each."""

    def decorated(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def run(**fixtures: Any) -> None:
            at_once(lambda way: test(way=way, **fixtures), ways)

        signature = inspect.signature(test)
        fixtures = [each for name, each in signature.parameters.items() if name != "way"]
        run.__signature__ = signature.replace(parameters=fixtures)  # type: ignore[attr-defined]
        return run

    return decorated


every_way_at_once = side_by_side(WAYS)
every_whole_way_at_once = side_by_side(WAYS[:2])
every_streamed_way_at_once = side_by_side(WAYS[2:])


def model_at(server: Loopback | str, **settings: Any) -> ChatAIMLGemini:
    """Return a model of this server; without retries and impatient unless told otherwise."""
    url = server if isinstance(server, str) else server.url
    given = {"api_key": KEY, "model": MODEL, "max_retries": 0, "timeout": 2.0, **settings}
    if library is not None:
        given = {**given_clients(library), **given}
    return ChatAIMLGemini(base_url=url, **given)


def given_clients(library: Any) -> dict[str, Any]:
    """Return clients of a library for a model; they leave no connection open behind a test."""
    limits = library.Limits(max_keepalive_connections=0)
    return {
        "http_client": library.Client(limits=limits),
        "http_async_client": library.AsyncClient(limits=limits),
    }


def ask(model: Any, way: str, prompt: Any = "Hello", **keywords: Any) -> AIMessage:
    """Return the answer; a stream's chunks are added up."""
    if way == "invoke":
        return _message(model.invoke(prompt, **keywords))
    if way == "stream":
        return folded([*model.stream(prompt, **keywords)])
    return asyncio.run(aask(model, way, prompt, **keywords))


async def aask(model: Any, way: str, prompt: Any = "Hello", **keywords: Any) -> AIMessage:
    """Return the answer, asked for in the running loop."""
    if way == "ainvoke":
        return _message(await model.ainvoke(prompt, **keywords))
    return folded([one async for one in model.astream(prompt, **keywords)])


def folded(chunks: Sequence[AIMessageChunk]) -> AIMessageChunk:
    full = chunks[0]
    for one in chunks[1:]:
        full += one
    return full


def at_once(check: Callable[[Any], None], cases: Iterable[Any]) -> None:
    """Check the cases side by side: each of them waits for long."""

    def named(case: Any) -> None:
        try:
            check(case)
        except BaseException as error:
            error.add_note(f"in the case {case!r}")
            raise

    with ThreadPoolExecutor(16) as pool:
        for _ in pool.map(named, cases):
            pass


def failure_of(model: Any, way: str, prompt: Any = "Hello", **keywords: Any) -> AIMLAPIError:
    """Return the error in which the call ends."""
    with pytest.raises(AIMLAPIError) as caught:
        ask(model, way, prompt, **keywords)
    return caught.value


def _message(answer: Any) -> AIMessage:
    assert isinstance(answer, AIMessage)
    return answer
