"""Limits of time, as a setting means them."""

from __future__ import annotations

import asyncio
import functools
import threading
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from langchain_aimlapi._http.call import Limits, acurrent_key, current_key, read_limits

NONE = Limits(None, None, None, None, None, None)


@pytest.mark.parametrize(("is_stream", "longest"), [(True, 120.0), (False, 600.0)])
def test_without_a_setting_every_limit_is_finite(
    is_stream: bool,  # noqa: FBT001  a table
    longest: float,
) -> None:
    limits = read_limits("default", is_stream=is_stream)
    assert limits == Limits(10.0, longest, longest, 600.0, longest, longest, is_default=True)


def test_an_explicit_none_is_no_limit() -> None:
    assert read_limits(None, is_stream=True) == NONE


@pytest.mark.parametrize("seconds", [3, 0.5])
def test_a_number_is_each_limit(seconds: float) -> None:
    limits = read_limits(seconds, is_stream=False)
    assert limits == Limits(seconds, seconds, seconds, seconds, seconds, seconds)
    assert limits.as_extension() == dict.fromkeys(("connect", "read", "write", "pool"), seconds)


@pytest.mark.parametrize("seconds", [1e9, float("inf")])
def test_a_limit_that_no_socket_takes_is_none(seconds: float) -> None:
    assert read_limits(seconds, is_stream=False) == NONE


def test_a_timeout_of_httpx_keeps_its_parts() -> None:
    timeout = httpx.Timeout(connect=1.0, read=2.0, write=3.0, pool=None)
    limits = read_limits(timeout, is_stream=True)
    assert limits == Limits(1.0, 2.0, 3.0, None, 2.0, 2.0)


@pytest.mark.parametrize("timeout", [0, -1, True, "3", float("nan"), (1, 2)])
def test_what_is_no_limit_is_an_error_that_names_it(timeout: Any) -> None:
    with pytest.raises(ValueError, match=r"timeout=.* is not a limit"):
        read_limits(timeout, is_stream=True)


@pytest.mark.parametrize(
    ("timeout", "stream_timeout", "read"),
    [("default", 3600.0, 120.0), ("default", 9.0, 9.0), (None, 9.0, None), (5, 9.0, 5)],
)
def test_the_limit_of_a_whole_stream_bounds_each_wait_for_it(
    timeout: Any, stream_timeout: float, read: float | None
) -> None:
    limits = read_limits(timeout, is_stream=True, stream_timeout=stream_timeout)
    assert (limits.stream, limits.read) == (stream_timeout, read)
    assert read_limits(timeout, is_stream=False, stream_timeout=stream_timeout).stream is None
    assert read_limits(timeout, is_stream=True, stream_timeout=None).stream is None


async def an_async_key(key: str = " sk-async ") -> str:
    return key


class Asks:
    async def __call__(self) -> str:
        return await an_async_key()


async def test_a_key_may_be_given_for_each_attempt() -> None:
    secret = SecretStr("sk-a")
    assert current_key(secret) is secret
    assert await acurrent_key(secret) is secret
    assert current_key(lambda: " sk-b\n").get_secret_value() == "sk-b"
    threads: list[int] = []

    def noted() -> str:
        threads.append(threading.get_ident())
        return "sk-c"

    assert (await acurrent_key(noted)).get_secret_value() == "sk-c"
    assert threads != [threading.get_ident()]  # off the loop: it may ask a vault
    for source in (
        an_async_key,
        functools.partial(an_async_key),
        lambda: an_async_key("sk-async"),
        Asks(),
    ):
        assert (await acurrent_key(source)).get_secret_value() == "sk-async"


async def test_what_is_no_key_is_refused_unshown() -> None:
    waits: Any = asyncio.Future  # awaitable, no coroutine
    for late in (an_async_key, lambda: an_async_key("sk-async"), Asks(), waits):
        with pytest.raises(ValueError, match="asynchronous function"):
            current_key(late)
    for wrong in (None, 7, "caf\u00e9", "a\nb", "", "Bearer sk-a"):
        source: Any = lambda wrong=wrong: wrong  # noqa: E731  a function of a table
        with pytest.raises(ValueError, match="api_key returned") as caught:
            current_key(source)
        assert not wrong or str(wrong) not in str(caught.value)
        with pytest.raises(ValueError, match="api_key returned"):
            await acurrent_key(source)
