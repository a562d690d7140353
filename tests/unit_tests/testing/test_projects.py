"""Laws of how the plugin fits a project: its fixtures, options, environment and block."""

import http.server
import os
import sys
from pathlib import Path

import httpcore
import pytest
import vcr
import xdist  # type: ignore[import-untyped]  # it ships no types

from langchain_aimlapi.testing import standin
from langchain_aimlapi.testing._endpoint import CurrentEndpoint, Endpoint, given_endpoint
from langchain_aimlapi.testing.serializer import deserialize
from tests.http_client import httpx

pytest_plugins = ["pytester"]

# Loaded before the inner runs, which would load them again each time.
PRELOADED = (httpx, httpcore, http.server, standin, vcr, xdist)

CONFTEST = """
import json, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import httpx, pytest

pytest_plugins = ["langchain_aimlapi.testing"]

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        answer = json.dumps(self.path).encode()
        self.send_response(500 if "error" in self.path else 200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *args):
        pass

@pytest.fixture(scope="session")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()

@pytest.fixture(scope="session")
def get(server):
    return lambda path: httpx.get(server + path).json()
"""
RECORDING = ("-p", "pytest_recording.plugin", "-p", "no:cacheprovider")


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in ("AIMLAPI_API_KEY", "AIMLAPI_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    pytester.makeini("[pytest]\n")
    pytester.makeconftest(CONFTEST)
    return pytester


def run(project: pytest.Pytester, test: str, *arguments: str, **outcomes: int) -> str:
    """Run one test module; hold its outcome against `outcomes`; return what was printed."""
    project.makepyfile(test_it=f"import os, httpx, pytest\n{test}")
    result = project.runpytest_inprocess(*RECORDING, *arguments)
    found = result.parseoutcomes()
    found.pop("warning", None)
    found.pop("warnings", None)
    assert found == outcomes, result.stdout.str()
    return result.stdout.str() + result.stderr.str()


def paths_of(project: pytest.Pytester) -> dict[str, list[str]]:
    folder = project.path / "cassettes"
    return {
        path.relative_to(folder).as_posix(): [
            interaction["request"]["uri"].partition("127.0.0.1")[2]
            for interaction in deserialize(path.read_text("utf-8"))["interactions"]
        ]
        for path in sorted(folder.rglob("*.yaml"))
    }


LONG = """
@pytest.fixture(scope="{scope}"{more})
def login({asks}get):
    yield get("/login")
    assert get("/logout") == "/logout"

@pytest.fixture
def basket(get):
    yield get("/basket")
    assert get("/clear") == "/clear"

class TestShop:
    @pytest.mark.vcr
    def test_a(self, login, basket, get):
        assert (login, basket, get("/a")) == ("/login", "/basket", "/a")
    @pytest.mark.vcr
    def test_b(self, login):
        assert login == "/login"
"""


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        ("session", "session/fixture.login.yaml"),
        ("module", "test_it/fixture.login.yaml"),
        ("class", "test_it/fixture.TestShop.login.yaml"),
    ],
)
def test_fixtures_are_recorded_on_setup_and_teardown(
    project: pytest.Pytester, scope: str, name: str
) -> None:
    test = LONG.format(scope=scope, more="", asks="")
    run(project, test, "--record-mode=once", passed=2)
    assert paths_of(project) == {
        name: ["/login", "/logout"],
        "test_it/TestShop.test_a.yaml": ["/basket", "/a", "/clear"],
    }
    run(project, test, passed=2)
    changed = test.replace('"/clear"', '"/other"')
    assert "+GET http://127.0.0.1/other" in run(project, changed, passed=2, errors=1)
    changed = test.replace('"/logout"', '"/other"')
    assert "+GET http://127.0.0.1/other" in run(project, changed, passed=2, errors=1)
    unplayed = test.replace('assert get("/clear") == "/clear"', "pass")
    assert "were not played: 3 of 3" in run(project, unplayed, passed=2, errors=1)
    unplayed = test.replace('assert get("/logout") == "/logout"', "pass")
    assert "were not played: 2 of 2" in run(project, unplayed, passed=2, errors=1)
    run(project, changed, "--record-mode=rewrite", passed=2)
    assert paths_of(project)[name] == ["/login", "/other"]


def test_cases_of_a_fixture_have_a_file_each(project: pytest.Pytester) -> None:
    test = LONG.format(scope="session", more=", params=[1, 2]", asks="request, ")
    run(project, test, "--record-mode=once", passed=4)
    names = set(paths_of(project))
    assert {"session/fixture.login[0].yaml", "session/fixture.login[1].yaml"} <= names


def test_fixture_that_fails_leaves_no_cassette(project: pytest.Pytester) -> None:
    test = LONG.format(scope="session", more="", asks="").replace(
        'yield get("/login")', 'yield get("/login/error") / 0'
    )
    run(project, test, "--record-mode=once", errors=2)
    assert not paths_of(project)
    test = LONG.format(scope="session", more="", asks="").replace("/login", "/error")
    printed = run(project, test, "--record-mode=once", errors=1, passed=1)
    assert "answered with status 500" in printed


def test_unmarked_tests_and_disabled_recording_leave_fixtures_alone(
    project: pytest.Pytester,
) -> None:
    test = LONG.format(scope="session", more="", asks="")
    run(project, test, "--disable-recording", "--record-mode=once", passed=2)
    run(project, test.replace("@pytest.mark.vcr\n", "\n"), passed=2)
    assert not paths_of(project)


CONFIG = """
@pytest.fixture(scope="module")
def vcr_config():
    return {options}

@pytest.mark.vcr
def test_a(get):
    assert get("/a") == "/a"
"""


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("{'filter_header': ['x']}", "no option filter_header"),
        ("{'error_statuses': [429]}", "no option error_statuses here (say it for the test"),
        ("{'allow_unused': True}", "@pytest.mark.vcr(allow_unused=True)"),
        ("{'serializer': 'json'}", "no option serializer here (the kit has its own"),
        ("{'cassette_library_dir': 'x'}", "override the fixture vcr_cassette_dir"),
        ("['x']", "gives ['x'], no dict of options"),
    ],
)
def test_options_in_the_wrong_place_are_refused_with_the_place(
    project: pytest.Pytester, options: str, told: str
) -> None:
    printed = run(project, CONFIG.format(options=options), errors=1)
    assert told in printed
    assert "vcr_config (test_it.py:" in printed


def test_known_options_of_the_config_are_heard(project: pytest.Pytester) -> None:
    test = CONFIG.format(options="{'record_mode': 'once', 'secrets': ['a-secret-of-mine']}")
    run(project, test, passed=1)
    assert paths_of(project) == {"test_it/test_a.yaml": ["/a"]}
    rewriting = CONFIG.format(options="{'record_mode': 'rewrite'}").replace("/a", "/b")
    run(project, rewriting, passed=1)
    assert paths_of(project) == {"test_it/test_a.yaml": ["/b"]}
    failing = rewriting.replace("/b", "/c") + "    assert False\n"
    run(project, failing, failed=1)
    assert paths_of(project) == {"test_it/test_a.yaml": ["/b"]}


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite"])
@pytest.mark.parametrize("place", ["config", "marker"])
def test_no_mode_without_a_key_asks_the_live_host(
    project: pytest.Pytester, mode: str, place: str
) -> None:
    test = CONFIG.format(options=f"{{'record_mode': {mode!r}}}" if place == "config" else "{}")
    if place == "marker":
        test = test.replace("mark.vcr", f"mark.vcr(record_mode={mode!r})")
    asking = """def test_a(aimlapi_endpoint):
    assert aimlapi_endpoint.base_url.startswith("http://127.0.0.1:")
    httpx.post("https://api.aimlapi.com/v1/chat/completions", json={})
"""
    printed = run(project, test.partition("def test_a")[0] + asking, failed=1)
    assert "AIMLAPI_API_KEY is not set" in printed


IGNORING = """
@pytest.mark.vcr({options})
def test_a(server):
    assert httpx.get(server.replace("127.0.0.1", {host!r}) + "/health").json() == "/health"
"""


@pytest.mark.parametrize(
    ("options", "host"),
    [
        ("ignore_localhost=True", "127.0.0.1"),
        ("ignore_localhost=True", "localhost"),
        ("ignore_hosts=['localhost']", "localhost"),
    ],
)
def test_ignored_hosts_are_let_through_the_block(
    project: pytest.Pytester, options: str, host: str
) -> None:
    test = IGNORING.format(options=options, host=host)
    run(project, test, passed=1)
    assert not paths_of(project)


def test_traces_are_let_through_the_block(project: pytest.Pytester) -> None:
    test = """
@pytest.mark.vcr
def test_a(server, monkeypatch):
    monkeypatch.setenv("LANGSMITH_ENDPOINT", server)
    assert httpx.get(server + "/info").json() == "/info"
"""
    run(project, test, passed=1)


def test_threads_that_send_traces_are_blocked_at_no_moment(project: pytest.Pytester) -> None:
    test = """
import os, socket, sys, threading

@pytest.fixture(scope="session", autouse=True)
def traces():
    over, blocked, interval = threading.Event(), [], sys.getswitchinterval()
    os.environ["LANGSMITH_ENDPOINT"] = "http://127.0.0.1:9"
    sys.setswitchinterval(1e-5)

    def send():
        while not over.is_set():
            with socket.socket(type=socket.SOCK_DGRAM) as client:
                try:
                    client.connect(("127.0.0.1", 9))
                except RuntimeError as error:
                    blocked.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    yield
    over.set()
    thread.join()
    sys.setswitchinterval(interval)
    del os.environ["LANGSMITH_ENDPOINT"]
    assert not blocked

@pytest.mark.vcr
@pytest.mark.parametrize("number", range(20))
def test_a(number):
    with socket.socket() as client, pytest.raises(RuntimeError, match="Network is disabled"):
        client.connect(("192.0.2.1", 80))
"""
    run(project, test, passed=20)


def test_block_stays_for_all_others(project: pytest.Pytester) -> None:
    test = """
import socket
@pytest.mark.vcr(ignore_hosts=["nobody.invalid"])
def test_a():
    with socket.socket() as client, pytest.raises(RuntimeError, match="Network is disabled"):
        client.connect(("192.0.2.1", 80))
"""
    run(project, test, passed=1)


SHARING = """
@pytest.mark.vcr
@pytest.mark.parametrize("path", ["/a", "?a"])
def test_a(path, get):
    pass

@pytest.mark.default_cassette("own.yaml")
@pytest.mark.vcr
def test_b():
    pass
"""


def test_tests_that_share_a_cassette_are_told_at_collection(project: pytest.Pytester) -> None:
    printed = run(project, SHARING)
    assert "test_it.py::test_a[/a] and test_it.py::test_a[?a] share the cassette test_a[-a]" in (
        printed
    )


def test_tests_that_share_a_cassette_fail_in_workers(project: pytest.Pytester) -> None:
    project.makepyfile(test_it=f"import os, httpx, pytest\n{SHARING}")
    result = project.runpytest_subprocess(*RECORDING, "-p", "xdist.plugin", "-n", "1")
    result.assert_outcomes(errors=2, passed=1)
    result.stdout.fnmatch_lines(["*share the cassette*"])


def test_mark_needs_pytest_recording(project: pytest.Pytester) -> None:
    project.makepyfile("import pytest\n@pytest.mark.vcr\ndef test_a(): pass\ndef test_b(): pass\n")
    result = project.runpytest_inprocess("-p", "no:cacheprovider", "--strict-markers")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*pip install pytest-recording*"])


IN_OTHER_PLACES = """
from concurrent.futures import ThreadPoolExecutor

async def lines(server):
    headers = {"Api-Key": "0123456789abcdef", "Api-Username": "me"}
    async with httpx.AsyncClient(headers=headers) as client:
        async with client.stream("GET", server + "/a") as response:
            return [line async for line in response.aiter_lines()]

@pytest.mark.asyncio
@pytest.mark.vcr
async def test_a(server):
    assert await lines(server) == ['"/a"']

@pytest.mark.vcr
def test_b(server):
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(httpx.get, server + "/b").result().json() == "/b"
"""


def test_streams_of_async_tests_and_calls_of_threads_are_recorded(project: pytest.Pytester) -> None:
    """kiwicom/pytest-recording#187, kevin1024/vcrpy#597, #817, #941 (async streams), #628 (threads
    of test clients), canonical/ubuntu.com#16555 (a key in a header that nobody filtered).
    """
    asynchronous = ("-p", "pytest_asyncio.plugin", "-o", "asyncio_mode=strict")
    run(project, IN_OTHER_PLACES, *asynchronous, "--record-mode=once", passed=2)
    assert paths_of(project) == {"test_it/test_a.yaml": ["/a"], "test_it/test_b.yaml": ["/b"]}
    run(project, IN_OTHER_PLACES, *asynchronous, "--record-mode=none", passed=2)
    written = "".join(path.read_text("utf-8") for path in project.path.rglob("*.yaml"))
    assert "0123456789abcdef" not in written


AT_IMPORT = """
KEY, BASE = os.environ["AIMLAPI_API_KEY"], os.environ["AIMLAPI_API_BASE"]

@pytest.fixture(scope="session")
def app(aimlapi_endpoint):
    assert os.environ["AIMLAPI_API_KEY"]
    return lambda: httpx.post(
        aimlapi_endpoint.base_url + "/chat/completions",
        headers={"Authorization": "Bearer " + aimlapi_endpoint.api_key},
        json={"model": "google/gemini-3-pro-preview",
              "messages": [{"role": "user", "content": "Hi"}]},
    ).json()["id"]

@pytest.mark.vcr
def test_a(app):
    assert app().startswith("standin-")
    assert (KEY, BASE) == (os.environ["AIMLAPI_API_KEY"], os.environ["AIMLAPI_API_BASE"])

@pytest.mark.vcr(error_statuses=[429])
def test_fault(app, aimlapi_standin):
    aimlapi_standin.fail_next("status=429")
    with pytest.raises(KeyError):
        app()
    assert app()

def test_unmarked():
    assert ("AIMLAPI_API_KEY" in os.environ) is (KEY == "no-key-needed")
"""


def test_apps_find_a_key_on_import_and_later_and_one_fixture_serves_all(
    project: pytest.Pytester,
) -> None:
    run(project, AT_IMPORT, "--record-mode=once", passed=3)
    run(project, AT_IMPORT, passed=3)
    assert "AIMLAPI_API_KEY" not in os.environ


def test_workers_start_their_own_stand_in(project: pytest.Pytester) -> None:
    project.makepyfile(test_it=f"import os, httpx, pytest\n{AT_IMPORT}")
    result = project.runpytest_subprocess(
        *RECORDING, "-p", "xdist.plugin", "-n", "1", "--record-mode=once"
    )
    result.assert_outcomes(passed=3)


def test_given_key_is_used_while_recording(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIMLAPI_API_KEY", " a-real-key ")
    test = """
@pytest.fixture(scope="session")
def seen(aimlapi_endpoint):
    return tuple(aimlapi_endpoint)

@pytest.mark.vcr
def test_a(seen, aimlapi_endpoint):
    assert seen == ("https://api.aimlapi.com/v1", "a-real-key") == aimlapi_endpoint
    assert os.environ["AIMLAPI_API_BASE"] == "https://api.aimlapi.com/v1"
"""
    run(project, test, "--record-mode=once", passed=1)


def test_current_endpoint_is_read_anew_each_time() -> None:
    found = [Endpoint("a", "b")]
    endpoint = CurrentEndpoint.asking(lambda: found[0])
    assert endpoint == ("a", "b")
    found[0] = Endpoint("c", "d")
    assert [*endpoint] == ["c", "d"] == [endpoint[0], endpoint.api_key]
    assert endpoint._asdict() == {"base_url": "c", "api_key": "d"}
    assert repr(endpoint) == repr(found[0])
    assert hash(endpoint) == hash(found[0])


def test_placeholders_are_no_keys() -> None:
    assert given_endpoint({"AIMLAPI_API_KEY": "no key is needed on replay"}) == ("", "")
    assert given_endpoint({"AIMLAPI_API_KEY": "k", "AIMLAPI_API_BASE": "b "}) == ("b", "k")
    assert Path(__file__).is_file()


LEFT = """
from langchain_aimlapi import ChatAIMLGemini

left = []

def model(endpoint):
    return ChatAIMLGemini(
        model="google/gemini-3-flash-preview", base_url=endpoint.base_url, api_key=endpoint.api_key
    )

@pytest.mark.vcr
def test_a(aimlapi_endpoint):
    left.append(model(aimlapi_endpoint).stream("Tell me a long story."))
    next(left[0])

@pytest.mark.vcr
def test_b(aimlapi_endpoint):
    assert model(aimlapi_endpoint).invoke("Hi").content
    left.pop().close()  # not left to whoever collects garbage
"""


def test_a_stream_left_open_leaks_into_no_other_cassette(project: pytest.Pytester) -> None:
    """DataDog/dd-trace-py#19019: the request of the next test went to the cassette before it."""
    run(project, LEFT, "--record-mode=once", passed=2)
    run(project, LEFT, passed=2)
    kept = deserialize((project.path / "cassettes/test_it/test_b.yaml").read_text("utf-8"))
    assert len(kept["interactions"]) == 1
