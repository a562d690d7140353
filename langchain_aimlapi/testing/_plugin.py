"""The pytest plugin: recorded tests that are strict by themselves.

Works with pytest-recording, which owns the markers, the record modes and the network block.
PYTEST_DONT_REWRITE: a plugin's module may be imported before pytest sees it.
"""

import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from langchain_aimlapi._json import JsonObject
from langchain_aimlapi.testing._collected import note_collected, sharing_faults
from langchain_aimlapi.testing._endpoint import (
    BASE,
    GIVEN_KEY,
    LIVE_BASE_URL,
    REPLAY_KEY,
    STANDIN_KEY,
    CurrentEndpoint,
    Endpoint,
    environment_of,
    given_endpoint,
)
from langchain_aimlapi.testing._fixtures import FixtureCassette, fixture_path, is_of_project
from langchain_aimlapi.testing._ignored import IgnoredHosts
from langchain_aimlapi.testing._network import AllowedHosts
from langchain_aimlapi.testing._options import option_faults, place_of
from langchain_aimlapi.testing._stage import (
    is_documented,
    is_recording,
    note_folder,
    staged_mode,
    staged_path,
)
from langchain_aimlapi.testing.cassettes import (
    aimlapi_vcr_config,
    complaint,
    install,
    named_secrets,
    report_misses,
)

if TYPE_CHECKING:
    from vcr import VCR

    from langchain_aimlapi.testing._misses import WatchedCassette
    from langchain_aimlapi.testing.standin import StandIn

_GIVEN = pytest.StashKey[Endpoint]()
_ITEM = pytest.StashKey[pytest.Item]()
_STANDIN = pytest.StashKey["StandIn"]()
_SESSION = pytest.StashKey[ExitStack]()
_COLLECTING = pytest.StashKey[ExitStack]()
_RECORDED_FIXTURES = pytest.StashKey[set[str]]()
_ENDED = pytest.StashKey[bool]()
_FAILED = pytest.StashKey[bool]()
_REWRITES = pytest.StashKey[bool]()
_SHARING = pytest.StashKey[list[str]]()
_TOLD = pytest.StashKey[bool]()
_OWN = frozenset({"vcr_config", "vcr_cassette_dir", "default_cassette_name"})


@pytest.fixture(scope="session")
def vcr_config() -> JsonObject:
    """Return the options of vcrpy for recorded tests; override it to add your own."""
    return aimlapi_vcr_config()


@pytest.fixture(scope="session")
def aimlapi_standin(pytestconfig: pytest.Config) -> "Iterator[StandIn]":
    """Yield a running stand-in server; its answers repeat from run to run.

    While recording without a key it is the one that answers the recorded tests.
    """
    with ExitStack() as stack:
        yield pytestconfig.stash.get(_STANDIN, None) or _started_standin(stack)


@pytest.fixture(scope="session")
def aimlapi_endpoint(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> Endpoint:
    """Return the endpoint of the recorded test that runs, in fixtures of every scope.

    While recording it is the live one when `AIMLAPI_API_KEY` is set (at `AIMLAPI_API_BASE`,
    if set), else a stand-in. On replay it is the live address with a key that is none: the
    host plays no part in finding the recorded answer. `base_url` and `api_key` are looked up
    when they are read.
    """

    def now() -> Endpoint:
        if _mode(pytestconfig) == "none":
            return Endpoint(LIVE_BASE_URL, REPLAY_KEY)
        given = pytestconfig.stash[_GIVEN]
        if given.api_key:
            return Endpoint(given.base_url or LIVE_BASE_URL, given.api_key)
        server: StandIn = request.getfixturevalue("aimlapi_standin")
        return Endpoint(server.base_url, STANDIN_KEY)

    return CurrentEndpoint.asking(now)


# ---------------------------------------------------------------- the session


def pytest_configure(config: pytest.Config) -> None:
    """Keep the endpoint that the environment names, and let apps find one there on import."""
    given = config.stash[_GIVEN] = given_endpoint()
    GIVEN_KEY.is_given = bool(given.api_key)
    session = config.stash[_SESSION] = ExitStack()
    collecting = config.stash[_COLLECTING] = ExitStack()
    if not _is_there(config):
        config.addinivalue_line("markers", "vcr: a recorded test; needs pytest-recording.")
        return
    if config.option.record_mode == "rewrite":
        # pytest-recording deletes what it is to rewrite, before there is anything new.
        config.option.record_mode, config.option.aimlapi_rewrites = "new_episodes", True
    is_controller = config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput")
    if _run_mode(config) == "none":
        collecting.enter_context(environment_of(_replayed(given)))
    elif given.api_key:
        session.enter_context(environment_of(_replayed(given)))
    elif not is_controller:
        server = config.stash[_STANDIN] = _started_standin(session)
        session.enter_context(environment_of(Endpoint(server.base_url, STANDIN_KEY)))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave the environment as it was."""
    config.stash[_COLLECTING].close()
    config.stash[_SESSION].close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Block the network for recorded tests; pytest-recording lifts it while recording."""
    note_collected(config, items)
    if not _is_there(config):
        return
    marked = [item for item in items if item.get_closest_marker("vcr")]
    config.stash[_RECORDED_FIXTURES] = {
        name for item in marked for name in getattr(item, "fixturenames", ())
    }
    for item in marked:
        if not item.get_closest_marker("block_network"):
            item.add_marker("block_network")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse tests that share a cassette; end the placeholders that imports may have read."""
    session.config.stash[_COLLECTING].close()
    faults = sharing_faults(session.items) if _is_there(session.config) else []
    session.config.stash[_SHARING] = faults
    if faults and not hasattr(session.config, "workerinput"):  # xdist's workers have no such end
        raise pytest.UsageError("\n".join(faults))


# ---------------------------------------------------------------- one test


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let the app of a recorded test find a key and an address in the environment."""
    config = item.config
    config.stash[_ITEM] = item
    given = config.stash[_GIVEN]
    needs_it = _is_there(config) and _run_mode(config) == "none"
    with environment_of(_replayed(given)) if needs_it and _is_marked(item) else nullcontext():
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse options that nobody knows, and recorded tests that nobody would record."""
    item.stash[_ENDED] = item.stash[_FAILED] = item.stash[_TOLD] = False
    if not _is_marked(item):
        return
    if not _is_there(item.config):
        pytest.fail(
            "@pytest.mark.vcr does nothing without pytest-recording: pip install pytest-recording",
            pytrace=False,
        )
    for fault in item.config.stash[_SHARING]:
        if f"{item.nodeid} " in fault:
            pytest.fail(fault, pytrace=False)
    for marker in item.iter_markers("vcr"):
        faults = option_faults(
            marker.kwargs, is_marker=True, place=f"{item.nodeid}: @pytest.mark.vcr"
        )
        if faults:
            raise pytest.UsageError(faults)
        _translate_rewriting(cast("JsonObject", marker.kwargs), item)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Look at the options, let ignored hosts through the block, record long-lived fixtures."""
    config = request.config
    is_long = fixturedef.scope != "function" and fixturedef.argname not in _OWN
    if is_long and fixturedef.argname in config.stash.get(_RECORDED_FIXTURES, ()):
        with _recorded_fixture(fixturedef, request):
            return (yield)
    result = yield
    if fixturedef.argname == "vcr_config":
        _check_config(fixturedef, result, config)
    if fixturedef.argname == "allowed_hosts" and _is_marked(request.node):
        options = {**_config_of(request.node), **_marked(request.node)}
        ignored = IgnoredHosts(
            tuple(options.get("ignore_hosts", ())), bool(options.get("ignore_localhost"))
        )
        # In place of what pytest has remembered by now, so that the block knows it from its first
        # moment: threads send traces all the time.
        result = AllowedHosts(cast("list[str] | None", result), ignored)
        fixturedef.cached_result = (result, *(fixturedef.cached_result or ())[1:])
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_recording_configure(config: pytest.Config, vcr: "VCR") -> None:
    """Set vcrpy up for the test that runs: pytest-recording's hook."""
    item = config.stash[_ITEM]
    folder = Path(vcr.cassette_library_dir)
    note_folder(item.path, folder)
    reads_own = not _rewrites(config, item) or is_documented(folder)
    secrets = [
        value
        for options in _options_of(item)
        for value in named_secrets(options.get("secrets", ()))
    ]
    install(vcr, is_good=lambda: _is_good(item), reads_own=reads_own, secrets=secrets)
    vcr.cassette_library_dir = str(staged_path(folder))
    if is_documented(folder):
        vcr.record_mode = "none"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that missed answers, left some unplayed, or recorded an error unnamed."""
    cassette = _cassette_of(item)
    with nullcontext() if cassette is None else report_misses(cassette):
        result = yield
    if cassette is not None:
        _fail_for(item, cassette, is_over=False)
        cassette.phase = "teardown"
    item.stash[_ENDED] = True
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test whose fixtures, in their teardown, did what its call must not do."""
    cassette = _cassette_of(item)
    result = yield
    if cassette is not None and item.stash[_ENDED] and not item.stash[_TOLD]:
        _fail_for(item, cassette, is_over=True)
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


# ---------------------------------------------------------------- what the hooks rest on


def _is_there(config: pytest.Config) -> bool:
    """Return whether pytest-recording is."""
    return config.getoption("--block-network", None) is not None


def _is_marked(item: pytest.Item) -> bool:
    return item.get_closest_marker("vcr") is not None


def _marked(item: pytest.Item) -> JsonObject:
    """Return the options of all `vcr` markers of a test, the closest winning."""
    markers = reversed(list(item.iter_markers("vcr")))
    return {name: value for marker in markers for name, value in marker.kwargs.items()}


def _replayed(given: Endpoint) -> Endpoint:
    """Return what the environment is to name where no stand-in answers."""
    base = given.base_url or os.environ.get(BASE) or LIVE_BASE_URL
    return Endpoint(base, given.api_key or REPLAY_KEY)


def _started_standin(stack: ExitStack) -> "StandIn":
    from langchain_aimlapi.testing.standin import StandIn

    return stack.enter_context(StandIn(seed="cassettes"))


def _run_mode(config: pytest.Config) -> str:
    """Return the record mode of tests and fixtures that say nothing of their own."""
    return "once" if is_recording() else str(config.getoption("--record-mode", None) or "none")


def _mode(config: pytest.Config) -> str:
    """Return the record mode of the test that runs."""
    item = config.stash.get(_ITEM, None)
    if item is None or not _is_there(config):
        return _run_mode(config)
    return _mode_of({**_config_of(item), **_marked(item)}, config)


def _options_of(item: pytest.Item) -> list[JsonObject]:
    """Return the options of `vcr_config` and of each marker: what is secret for one, is for all."""
    return [_config_of(item), *(dict(marker.kwargs) for marker in item.iter_markers("vcr"))]


def _mode_of(options: JsonObject, config: pytest.Config) -> str:
    """Return the record mode of what has these options: `rewrite` as vcrpy knows it."""
    mode = staged_mode(str(options.get("record_mode") or _run_mode(config)))
    return "new_episodes" if mode == "rewrite" else mode


def _rewrites(config: pytest.Config, item: pytest.Item) -> bool:
    """Return whether what is there already is to be recorded anew."""
    is_said = item.stash.get(_REWRITES, False) or hasattr(config.option, "aimlapi_rewrites")
    return is_said or is_recording()


def _config_of(item: pytest.Item) -> JsonObject:
    """Return the `vcr_config` of a test, also for a fixture that may not ask for it."""
    # pytest has no public door to this. pytest-recording brings a fixture of that name, so that
    # there is one; the last is the nearest to the test.
    found = item.session._fixturemanager.getfixturedefs("vcr_config", item)  # noqa: SLF001  see above
    [*_, fixture] = found or ()
    if fixture.cached_result is not None:
        value = fixture.cached_result[0]
    else:
        value = {} if fixture.argnames else fixture.func()
    return dict(value) if isinstance(value, dict) else {}  # what is none is told in its setup


def _check_config(fixture: pytest.FixtureDef[Any], value: object, config: pytest.Config) -> None:
    place = f"vcr_config ({place_of(fixture.func)})"
    if not isinstance(value, dict):
        raise pytest.UsageError(f"{place} gives {value!r}, no dict of options")
    faults = option_faults(value, is_marker=False, place=place)
    if faults:
        raise pytest.UsageError(faults)
    _translate_rewriting(value, config.stash[_ITEM])


def _translate_rewriting(options: JsonObject, item: pytest.Item) -> None:
    if options.get("record_mode") == "rewrite":
        options["record_mode"] = "new_episodes"
        item.stash[_REWRITES] = True


def _cassette_of(item: pytest.Item) -> "WatchedCassette | None":
    cassette = (getattr(item, "funcargs", None) or {}).get("vcr")
    return cassette if _is_marked(item) else None


def _complaint(item: pytest.Item, cassette: "WatchedCassette", *, is_over: bool) -> str | None:
    options = _marked(item)
    return complaint(
        cassette,
        error_statuses=options.get("error_statuses", ()),
        allow_unused=options.get("allow_unused", False),
        is_over=is_over,
    )


def _fail_for(item: pytest.Item, cassette: "WatchedCassette", *, is_over: bool) -> None:
    found = _complaint(item, cassette, is_over=is_over)
    if found:
        item.stash[_TOLD] = True
        pytest.fail(found, pytrace=False)


def _is_good(item: pytest.Item) -> bool:
    cassette = _cassette_of(item)
    is_passed = item.stash[_ENDED] and not item.stash[_FAILED]
    return is_passed and cassette is not None and not _complaint(item, cassette, is_over=True)


@contextmanager
def _recorded_fixture(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Iterator[None]:
    """Give a fixture that outlives a test a key, and a cassette for its setup and teardown."""
    config, item = request.config, request.config.stash[_ITEM]
    is_replayed = _run_mode(config) == "none"
    with environment_of(_replayed(config.stash[_GIVEN])) if is_replayed else nullcontext():
        is_recorded = not config.getoption("--disable-recording")
        if not is_recorded or not is_of_project(fixturedef.func, config.rootpath):
            yield
            return
        options = _config_of(item)
        options.pop("allowed_hosts", None)
        options["record_mode"] = _mode_of(options, config)
        cassette = FixtureCassette(
            fixture_path(fixturedef, request), options, reads_own=not _rewrites(config, item)
        )
        # Finalizers run last in, first out: the fixture's own teardown lies between these two.
        closing = ExitStack()
        fixturedef.addfinalizer(closing.close)
        with cassette.opened(to_the_end=False):
            yield
        fixturedef.addfinalizer(lambda: closing.enter_context(cassette.opened(to_the_end=True)))
