"""What holds for every test: no key, no tracing, no clock in the way of hypothesis."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.examples import examples
from tests.http_client import httpx

if TYPE_CHECKING:
    from collections.abc import Generator

# A slow machine is no bug. Reproducible where nobody watches, searching where somebody does.
settings.register_profile("here", examples(100), deadline=None)
settings.register_profile("ci", examples(100), deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

pytest_plugins = ["langchain_aimlapi.testing"]

# Nobody here asks the internet, but with a key (`make record`): each of a thousand clients would
# read the world's certificates, for 20 ms. A folder without any takes their place.
if not os.environ.get("AIMLAPI_API_KEY"):
    os.environ.pop("SSL_CERT_FILE", None)
    os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)

# A project of its own, which test_stranger runs.
collect_ignore = ["stranger"]

# What a recorder puts its own methods in the place of, while a cassette is open.
_SEND = httpx.HTTPTransport.handle_request
_ASEND = httpx.AsyncHTTPTransport.handle_async_request


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Fail the test that leaves a cassette open, not those that come after it."""
    yield
    transports = (httpx.HTTPTransport, httpx.AsyncHTTPTransport)
    if (transports[0].handle_request, transports[1].handle_async_request) != (_SEND, _ASEND):
        transports[0].handle_request = _SEND  # type: ignore[method-assign]
        transports[1].handle_async_request = _ASEND  # type: ignore[method-assign]
        pytest.fail(f"{item.nodeid} left a cassette open")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own keys, proxies and traces out of the tests."""
    for name in os.environ:
        if name.startswith("AIMLAPI_CASSETTE_"):
            continue  # how `record` tells its tests where to write
        if name.startswith(("AIMLAPI_", "LANGSMITH_", "LANGCHAIN_", "OTEL_")) or name in {
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "http_proxy",
            "https_proxy",
            "all_proxy",
            "LC_OUTPUT_VERSION",
        }:
            monkeypatch.delenv(name)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect tests without searching for garbage, and keep them out of every later search."""
    gc.disable()  # nearly all stays to the end: the searches took a quarter of the time
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()
