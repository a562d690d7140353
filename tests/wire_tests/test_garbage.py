"""Promise 53: what was sent is free as soon as the call ends."""

from __future__ import annotations

import asyncio
import gc
from contextlib import aclosing, closing, suppress
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import HumanMessage

from langchain_aimlapi._http.call import Call
from langchain_aimlapi.errors import AIMLAPIError
from tests.http_client import httpx
from tests.wire_tests.asking import WAYS, aask, ask, every_way, model_at
from tests.wire_tests.loopback import Loopback, answer_to, error_body, whole

if TYPE_CHECKING:
    from collections.abc import Callable


def held_of(
    server: Loopback, way: str, call: Callable[[], object], acall: Callable[[], Any]
) -> list[str]:
    """Return what holds what was sent to this server, and waits for the garbage collector.

    Only that: what other tests have left behind may become garbage at any moment.
    """

    def some(count: int) -> None:
        for _ in range(count):
            with suppress(AIMLAPIError):
                call()

    async def asome(count: int) -> None:
        for _ in range(count):
            with suppress(AIMLAPIError):
                await acall()

    with asyncio.Runner() as runner:
        # What is made once and kept.
        some(1) if way in WAYS[::2] else runner.run(asome(1))
        gc.collect()
        gc.disable()
        try:
            some(3) if way in WAYS[::2] else runner.run(asome(3))
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            return [type(each).__name__ for each in gc.garbage if _is_of(each, server)]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()


def _is_of(each: object, server: Loopback) -> bool:
    if isinstance(each, HumanMessage):
        return each.content == server.url
    if isinstance(each, httpx.Request):
        return each.url.port == server.port
    return isinstance(each, Call) and each.url.startswith(server.url)


@every_way
def test_53_an_answer_leaves_nothing_to_the_garbage_collector(way: str) -> None:
    with Loopback(by=lambda request: [answer_to(request)]) as server, model_at(server) as model:
        found = held_of(
            server, way, lambda: ask(model, way, server.url), lambda: aask(model, way, server.url)
        )
    assert not found


# `ainvoke` of langchain-core keeps an error among those of all prompts, in a frame of the error.
@pytest.mark.parametrize("way", ["invoke", "stream", "astream"])
@pytest.mark.parametrize("status", [400, 429])
def test_53_nor_does_a_refusal(way: str, status: int) -> None:
    refusal = whole(error_body(status), status=status, **{"retry-after": 0})
    with Loopback(refusal) as server, model_at(server, max_retries=1) as model:
        found = held_of(
            server, way, lambda: ask(model, way, server.url), lambda: aask(model, way, server.url)
        )
    assert not found


@pytest.mark.parametrize("way", WAYS[2:])
def test_53_nor_does_a_stream_that_is_left(way: str) -> None:
    with Loopback(by=lambda request: [answer_to(request)]) as server, model_at(server) as model:

        def call() -> None:
            with closing(model.stream(server.url)) as chunks:  # type: ignore[type-var]
                next(chunks)

        async def acall() -> None:
            async with aclosing(model.astream(server.url)) as chunks:  # type: ignore[type-var]
                await anext(chunks)

        found = held_of(server, way, call, acall)
    assert not found
