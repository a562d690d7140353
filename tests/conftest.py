"""What holds for every test: no key, no tracing, no clock in the way of hypothesis."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# A slow machine is no bug. Reproducible where nobody watches, searching where somebody does.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

pytest_plugins = ["langchain_aimlapi.testing"]


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
