"""Where the recorded tests keep their cassettes, plus the endpoint that their models speak to.

By default everything replays without network. `--record-mode=rewrite`, or `make record`, records
anew: from the stand-in, or live when `AIMLAPI_API_KEY` is set.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi.testing.standin import StandIn
from tests.http_client import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_aimlapi.testing import Endpoint

_ASSETS = Path(__file__).with_name("assets")
_CASSETTES = Path(__file__).parents[2] / "cassettes"
_ASSET_OF_TYPE = {".png": "disc.png", ".pdf": "page.pdf", ".wav": "tone.wav"}


@pytest.fixture(scope="module")
def vcr_cassette_dir(request: pytest.FixtureRequest) -> str:
    """Give the folder that the module names, or one of the module's own name."""
    return str(_CASSETTES / getattr(request.module, "CASSETTES", request.module.__name__))


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[StandIn]:
    """Run a server as strict as Gemini; a module's `SEED` makes its answers repeatable."""
    with StandIn(seed=getattr(request.module, "SEED", None), strict=True) as running:
        yield running


@pytest.fixture(autouse=True)
def _clean_environment(
    aimlapi_endpoint: Endpoint,
    _clean_environment: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Find the endpoint before the key is cleaned away, and let every model find it."""
    monkeypatch.setenv("AIMLAPI_API_BASE", aimlapi_endpoint.base_url)
    monkeypatch.setenv("AIMLAPI_API_KEY", aimlapi_endpoint.api_key)


@pytest.fixture
def local_assets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Serve the files that LangChain's suite downloads from small ones of our own.

    The same when recording: what is recorded is what is replayed.
    """

    def served(url: str, **_: Any) -> httpx.Response:
        name = _ASSET_OF_TYPE[os.path.splitext(url)[1]]  # noqa: PTH122  a URL is no path
        return httpx.Response(200, content=(_ASSETS / name).read_bytes())

    monkeypatch.setattr(httpx, "get", served)
    monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "not sent: nothing is downloaded")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the benchmark play its one recorded answer as often as it likes.

    The mark cannot stand on the test: LangChain's suite forbids overriding its tests.
    """
    for item in items:
        if item.name.partition("[")[0] == "test_stream_time":
            item.add_marker(pytest.mark.vcr(allow_playback_repeats=True))
            # Nothing is measured while its cassette is recorded.
            unused = "ignore:Benchmark fixture was not used"
            item.add_marker(pytest.mark.filterwarnings(unused))
