"""A command line with a key, whose endpoint is the stand-in."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from langchain_aimlapi.testing.standin import StandIn

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def nothing_piped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with StandIn() as server:
        monkeypatch.setenv("AIMLAPI_API_KEY", "key-of-a-test")
        monkeypatch.setenv("AIMLAPI_API_BASE", server.base_url)
        yield server
