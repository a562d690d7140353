"""The promises with a client of httpx2 in the place of ours: the same tests, half of the ways.

Left out is what only our own clients promise: connections that are kept, shared, replaced. The
tests that are the same run in the slow lane; see `conftest.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi import ChatAIMLGemini
from tests.wire_tests import (
    asking,
    test_adversary,
    test_errors,
    test_limits,
    test_retries,
    test_secrecy,
    test_streams,
)
from tests.wire_tests.asking import KEY
from tests.wire_tests.loopback import MODEL, Loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

httpx2 = pytest.importorskip("httpx2", reason="not among the lowest versions")

_MODULES = (test_adversary, test_errors, test_limits, test_retries, test_secrecy, test_streams)
# About our own clients, about time that another library does not change, or in another process.
_LEFT_OUT = (
    "test_10",
    "test_39_nor_do_those_in_a_tls_record",
    "test_45_nor",
    "test_46",
    "test_04_a_client_of_the_users",
    "test_04_a_proxy",
)
for _module in _MODULES:
    for _name, _test in vars(_module).items():
        if _name.startswith("test_") and not _name.startswith(_LEFT_OUT):
            globals()[_name] = _test


@pytest.fixture(autouse=True)
def _given() -> Iterator[None]:
    asking.library = httpx2
    yield
    asking.library = None


def surplus_model(server: Loopback, **clients: Any) -> ChatAIMLGemini:
    return ChatAIMLGemini(model=MODEL, api_key=KEY, base_url=server.url, **clients)


def test_39_a_kept_connection_of_its_own_is_dropped_after_a_surplus() -> None:
    with Loopback(by=test_adversary.surplus) as server, httpx2.Client() as client:
        model = surplus_model(server, http_client=client)
        assert [model.invoke("Hello").content for _ in range(3)] == ["Hello"] * 3
        assert server.connections == 3


async def test_39_so_is_one_of_an_asynchronous_client() -> None:
    with Loopback(by=test_adversary.surplus) as server:
        async with httpx2.AsyncClient() as client:
            model = surplus_model(server, http_async_client=client)
            assert [(await model.ainvoke("Hello")).content for _ in range(3)] == ["Hello"] * 3
        assert server.connections == 3
