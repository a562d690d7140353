"""The pytest plugin: recorded tests that are strict by themselves.

Works with pytest-recording, which owns the markers, the record modes and the network block.
PYTEST_DONT_REWRITE: a plugin's module may be imported before pytest sees it.
"""

import os
from collections.abc import Generator, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from langchain_aimlapi.testing._stage import is_documented, is_recording, staged_path
from langchain_aimlapi.testing.cassettes import (
    aimlapi_vcr_config,
    complaint,
    install,
    misses_explained,
)

if TYPE_CHECKING:
    from vcr import VCR

    from langchain_aimlapi.testing.standin import StandIn

LIVE_BASE_URL = "https://api.aimlapi.com/v1"


class Endpoint(NamedTuple):
    """Where a recorded test sends its requests, and with which key."""

    base_url: str
    api_key: str


_GIVEN = pytest.StashKey[Endpoint]()
_ITEM = pytest.StashKey[pytest.Item]()
_ENDED = pytest.StashKey[bool]()
_FAILED = pytest.StashKey[bool]()
_BEFORE = pytest.StashKey[tuple[Path, bytes]]()

_OPTIONS = frozenset(
    {
        "additional_matchers",
        "allow_playback_repeats",
        "allow_unused",
        "before_record_request",
        "before_record_response",
        "custom_patches",
        "decode_compressed_response",
        "drop_unused_requests",
        "error_statuses",
        "filter_headers",
        "filter_post_data_parameters",
        "filter_query_parameters",
        "ignore_hosts",
        "ignore_localhost",
        "match_on",
        "record_mode",
    }
)
"""What `@pytest.mark.vcr` may say; vcrpy itself takes any misspelling without a word."""


@pytest.fixture
def vcr_config() -> dict[str, Any]:
    """Return the options of vcrpy for recorded tests; override it to add your own."""
    return aimlapi_vcr_config()


@pytest.fixture(scope="session")
def aimlapi_standin() -> "Iterator[StandIn]":
    """Yield a running stand-in server; its answers repeat from run to run."""
    from langchain_aimlapi.testing.standin import StandIn  # noqa: PLC0415  # starlette, uvicorn

    with StandIn(seed="cassettes") as server:
        yield server


@pytest.fixture
def aimlapi_endpoint(request: pytest.FixtureRequest) -> Endpoint:
    """Return the endpoint of a recorded test.

    While recording it is the live one when `AIMLAPI_API_KEY` is set (at `AIMLAPI_API_BASE`,
    if set), else a stand-in. On replay it is the live address with a key that is none: the
    host plays no part in finding the recorded answer.
    """
    mode = "once" if is_recording() else _record_mode(request.config, request.node)
    if mode == "none":
        return Endpoint(LIVE_BASE_URL, "no key is needed on replay")
    given = request.config.stash[_GIVEN]
    if given.api_key:
        return Endpoint(given.base_url or LIVE_BASE_URL, given.api_key)
    server: StandIn = request.getfixturevalue("aimlapi_standin")
    return Endpoint(server.base_url, "stand-in-needs-no-real-key")


def pytest_configure(config: pytest.Config) -> None:
    """Keep the endpoint that the environment names: tests like to clean the environment."""
    config.stash[_GIVEN] = Endpoint(
        os.environ.get("AIMLAPI_API_BASE", ""), os.environ.get("AIMLAPI_API_KEY", "")
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Block the network for recorded tests; pytest-recording lifts it while recording."""
    if config.getoption("--block-network", None) is None:
        return  # pytest-recording is not there
    for item in items:
        if item.get_closest_marker("vcr") and not item.get_closest_marker("block_network"):
            item.add_marker("block_network")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse options that nobody knows, and remember which test runs."""
    item.config.stash[_ITEM] = item
    item.stash[_ENDED] = item.stash[_FAILED] = False
    unknown = sorted(set(_marked(item)) - _OPTIONS)
    if unknown:
        raise pytest.UsageError(
            f"{item.nodeid}: @pytest.mark.vcr knows no option {', '.join(unknown)}; "
            f"it knows {', '.join(sorted(_OPTIONS))}"
        )


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Keep the cassette that pytest-recording deletes before it rewrites it."""
    if fixturedef.argname == "vcr" and request.node.get_closest_marker("vcr"):
        name = request.getfixturevalue("default_cassette_name")
        path = Path(request.getfixturevalue("vcr_cassette_dir"), f"{name}.yaml")
        if path.is_file():
            request.node.stash[_BEFORE] = (path, path.read_bytes())
    return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_recording_configure(config: pytest.Config, vcr: "VCR") -> None:
    """Set vcrpy up for the test that runs: pytest-recording's hook."""
    item = config.stash[_ITEM]
    install(vcr, is_good=lambda: item.stash[_ENDED] and not item.stash[_FAILED])
    folder = Path(vcr.cassette_library_dir)
    vcr.cassette_library_dir = str(staged_path(folder))
    if is_documented(folder):
        vcr.record_mode = "none"
        _put_back(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that left interactions unplayed or recorded an error it did not name."""
    cassette = getattr(item, "funcargs", {}).get("vcr")
    with misses_explained() if cassette is not None else nullcontext():
        result = yield
    if cassette is not None and item.get_closest_marker("vcr"):
        options = _marked(item)
        found = complaint(
            cassette,
            error_statuses=options.get("error_statuses", ()),
            allow_unused=options.get("allow_unused", False),
        )
        if found:
            pytest.fail(found, pytrace=False)
    item.stash[_ENDED] = True
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note what only the report says: failed subtests and TestCases, unexpected passes.

    The cassette is written before a fixture set up earlier than pytest-recording's is torn
    down, and before there is a report of any teardown: what fails there comes too late.
    """
    report = yield
    if call.when == "call":
        # A subtest's report comes before the end of its test, and may say it was skipped.
        is_bad = report.failed or (item.stash[_ENDED] and not report.passed)
        item.stash[_FAILED] = item.stash[_FAILED] or is_bad
    return report


def pytest_fixture_post_finalizer(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> None:
    """Put the old cassette back when the test that was to rewrite it failed."""
    if fixturedef.argname == "vcr":
        _put_back(request.node)


def _put_back(item: pytest.Item) -> None:
    path, data = item.stash.get(_BEFORE, (None, b""))
    if path is not None and not path.exists():
        path.write_bytes(data)


def _marked(item: pytest.Item) -> dict[str, Any]:
    """Return the options of all `vcr` markers of a test, the closest winning."""
    markers = reversed(list(item.iter_markers("vcr")))
    return {name: value for marker in markers for name, value in marker.kwargs.items()}


def _record_mode(config: pytest.Config, item: pytest.Item) -> str:
    given = config.getoption("--record-mode", None)
    return str(given or _marked(item).get("record_mode") or "none")
