"""Laws of recorded tests under pytest and pytest-recording, each in a project of its own.

Runs under vcrpy 8 and 9 alike.
"""

import http.server
import os
import subprocess
import sys
from pathlib import Path

import httpcore
import pytest
import vcr

from langchain_aimlapi.testing import standin
from langchain_aimlapi.testing.serializer import deserialize
from tests.http_client import httpx

pytest_plugins = ["pytester"]

# Loaded before the inner runs, which would load them again each time.
PRELOADED = (httpx, httpcore, http.server, standin, vcr)

CONFTEST = """
pytest_plugins = ["langchain_aimlapi.testing"]
"""

SERVER = """
import json, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import httpx, pytest

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answer = json.dumps({"said": asked["text"]}).encode()
        self.send_response(asked.get("status", 200))
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *args):
        pass

@pytest.fixture
def ask(record_mode):
    if record_mode == "none":
        url = "http://other.host/v1/chat/completions"
        yield lambda **body: httpx.post(url, json=body).json()["said"]
        return
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/v1/chat/completions"
        yield lambda **body: httpx.post(url, json=body).json()["said"]
        server.shutdown()
        thread.join()
"""

RECORDING = ("-p", "pytest_recording.plugin", "-p", "no:cacheprovider")
INI = "[pytest]\n"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # two seconds less for each run
    # Tests change within a second, which Python's cache of compiled files would not notice.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    pytester.makeini(INI)
    pytester.makeconftest(CONFTEST + SERVER)
    return pytester


def run(project: pytest.Pytester, test: str, *arguments: str, **outcomes: int) -> str:
    """Run one test module; hold its outcome against `outcomes`; return what was printed."""
    project.makepyfile(test_it=f"import httpx, pytest\n{test}")
    result = project.runpytest_inprocess(*RECORDING, *arguments)
    found = result.parseoutcomes()
    found.pop("warning", None)
    found.pop("warnings", None)
    assert found == outcomes, result.stdout.str()
    return result.stdout.str()


def tape(project: pytest.Pytester) -> Path:
    return project.path / "cassettes" / "test_it" / "test_a.yaml"


ONE = "@pytest.mark.vcr\ndef test_a(ask):\n    assert ask(text='hi') == 'hi'\n"


def test_three_lines_record_and_replay_and_a_changed_prompt_is_named(
    project: pytest.Pytester,
) -> None:
    run(project, ONE, "--record-mode=once", passed=1)
    [played] = deserialize(tape(project).read_text("utf-8"))["interactions"]
    assert played["response"]["provenance"]["kind"] == "other"
    run(project, ONE, passed=1)
    printed = run(project, ONE.replace("text='hi'", "text='ho'"), failed=1)
    assert "-text: hi" in printed
    assert "+text: ho" in printed


def test_workers_of_xdist_record_while_their_controller_starts_no_server(
    project: pytest.Pytester,
) -> None:
    run(project, ONE, "--record-mode=once", "-p", "xdist.plugin", "-n", "1", passed=1)
    run(project, ONE, passed=1)


def test_unplayed_interactions_fail_the_test_unless_allowed(project: pytest.Pytester) -> None:
    two = ONE + "    ask(text='ho')\n"
    run(project, two, "--record-mode=once", passed=1)
    assert "were not played: 2 of 2" in run(project, ONE, failed=1)
    run(project, ONE.replace("mark.vcr", "mark.vcr(allow_unused=True)"), passed=1)


def test_error_status_needs_saying_so(project: pytest.Pytester) -> None:
    error = ONE.replace("text='hi'", "text='hi', status=429")
    assert "error_statuses=[429]" in run(project, error, "--record-mode=once", failed=1)
    assert not tape(project).exists()
    named = error.replace("mark.vcr", "mark.vcr(error_statuses=[429])")
    run(project, named, "--record-mode=once", passed=1)
    run(project, named, passed=1)


@pytest.mark.parametrize("fault", ["assert False", "raise KeyboardInterrupt", "pytest.skip('x')"])
def test_what_a_bad_test_recorded_is_not_written(project: pytest.Pytester, fault: str) -> None:
    project.makepyfile(test_it=f"import pytest\n{ONE}    {fault}\n")
    project.runpytest_inprocess(*RECORDING, "--record-mode=once", no_reraise_ctrlc=True)
    assert not tape(project).exists()


UNITTEST = """
import unittest
class TestCase(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def asks(self, ask):
        self.ask = ask
    @pytest.mark.vcr
    def test_a(self):
        self.ask(text="hi")
        {fault}
"""

LATE = {
    "a TestCase": (UNITTEST.format(fault="self.fail('x')"), {"failed": 1}),
    "a TestCase skipped": (UNITTEST.format(fault="self.skipTest('x')"), {"skipped": 1}),
    "an unexpected pass": (
        f"@pytest.mark.xfail(strict=True)\n{ONE}",
        {"failed": 1},
    ),
    "an expected failure": (
        f"@pytest.mark.xfail\n{ONE}    assert False\n",
        {"xfailed": 1},
    ),
}


@pytest.mark.parametrize("fault", LATE)
@pytest.mark.parametrize("mode", ["once", "rewrite"])
def test_what_only_the_report_calls_bad_is_not_written(
    project: pytest.Pytester, fault: str, mode: str
) -> None:
    test, outcomes = LATE[fault]
    run(project, test, f"--record-mode={mode}", **outcomes)
    assert not list(project.path.rglob("*.yaml"))


def test_failed_subtests_keep_the_cassette_from_being_written(project: pytest.Pytester) -> None:
    test = UNITTEST.format(fault="with self.subTest(): self.fail('x')")
    project.makepyfile(test_it=f"import pytest\n{test}")
    project.runpytest_inprocess(*RECORDING, "--record-mode=once")
    assert not list(project.path.rglob("*.yaml"))
    test = UNITTEST.format(fault="with self.subTest(): self.ask(text='ho')")
    run(project, test, "--record-mode=once", passed=1)
    assert list(project.path.rglob("*.yaml"))


def test_miss_without_a_cassette_says_how_to_record_it(project: pytest.Pytester) -> None:
    printed = run(project, ONE, failed=1)
    assert "There is no cassette" in printed
    assert "python -m langchain_aimlapi.testing record test_it.py::test_a" in printed


def test_rewriting_that_fails_leaves_the_old_cassette(project: pytest.Pytester) -> None:
    run(project, ONE, "--record-mode=once", passed=1)
    before = tape(project).read_bytes()
    run(project, ONE + "    assert False\n", "--record-mode=rewrite", failed=1)
    assert tape(project).read_bytes() == before
    run(project, ONE.replace("hi", "ho"), "--record-mode=rewrite", passed=1)
    assert tape(project).read_bytes() != before


def test_network_is_blocked_on_replay_and_open_while_recording(project: pytest.Pytester) -> None:
    direct = (
        "import socket\n"
        "@pytest.mark.vcr\n"
        "def test_a(ask):\n"
        "    ask(text='hi')\n"
        "    with socket.create_server(('127.0.0.1', 0)) as server, socket.socket() as client:\n"
        "        client.connect(server.getsockname())\n"
    )
    run(project, direct, "--record-mode=once", passed=1)
    assert "Network is disabled" in run(project, direct, failed=1)
    allowed = (
        "@pytest.mark.block_network(allowed_hosts=['127.0.0.1'])\n" + direct.partition("\n")[2]
    )
    run(project, f"import socket\n{allowed}", passed=1)


def test_options_that_nobody_knows_are_refused(project: pytest.Pytester) -> None:
    misspelled = ONE.replace("mark.vcr", "mark.vcr(filter_header=['x'])")
    assert "knows no option filter_header" in run(project, misspelled, errors=1)


def test_documented_cassettes_are_played_in_every_mode_and_stay(project: pytest.Pytester) -> None:
    run(project, ONE, "--record-mode=once", passed=1)
    frozen = project.path / "documented" / "test_a.yaml"
    frozen.parent.mkdir()
    tape(project).rename(frozen)
    before = frozen.read_bytes()
    fixture = (
        "@pytest.fixture(scope='module')\n"
        f"def vcr_cassette_dir():\n    return {str(frozen.parent)!r}\n"
    )
    for mode in ("none", "once", "rewrite", "new_episodes"):
        run(project, fixture + ONE, f"--record-mode={mode}", passed=1)
    assert frozen.read_bytes() == before


def test_shared_cassettes_are_read_beside_the_own(project: pytest.Pytester) -> None:
    run(project, ONE, "--record-mode=once", passed=1)
    tape(project).rename(tape(project).with_name("shared.yaml"))
    run(project, ONE.replace("mark.vcr", "mark.vcr('shared.yaml')"), passed=1)


ENDPOINT = """
@pytest.mark.vcr
def test_a(aimlapi_endpoint):
    print("endpoint", *aimlapi_endpoint)
    body = {"model": "google/gemini-3-pro-preview", "messages": [{"role": "user", "content": "Hi"}]}
    headers = {"Authorization": f"Bearer {aimlapi_endpoint.api_key}"}
    url = f"{aimlapi_endpoint.base_url}/chat/completions"
    assert httpx.post(url, json=body, headers=headers).json()["id"].startswith("standin-")
"""


def test_endpoint_is_a_stand_in_while_recording_and_live_on_replay(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIMLAPI_API_KEY", raising=False)
    printed = run(project, ENDPOINT, "-s", "--record-mode=once", passed=1)
    assert "endpoint http://127.0.0.1:" in printed
    [played] = deserialize(tape(project).read_text("utf-8"))["interactions"]
    assert played["response"]["provenance"]["kind"] == "stand-in"
    printed = run(project, ENDPOINT, "-s", passed=1)
    assert "endpoint https://api.aimlapi.com/v1 no key is needed on replay" in printed


@pytest.mark.parametrize("base", ["", "https://gateway.example/v1"])
def test_endpoint_is_the_live_one_while_recording_with_a_key(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    monkeypatch.setenv("AIMLAPI_API_KEY", "key-0123456789")
    monkeypatch.setenv("AIMLAPI_API_BASE", base)
    test = (
        "@pytest.fixture(autouse=True)\n"
        "def clean(monkeypatch):\n"
        "    monkeypatch.delenv('AIMLAPI_API_KEY')\n"
        "@pytest.mark.vcr(record_mode='once')\n"
        "def test_a(clean, aimlapi_endpoint):\n"
        f"    assert aimlapi_endpoint.base_url == {base or 'https://api.aimlapi.com/v1'!r}\n"
        "    assert aimlapi_endpoint.api_key == 'key-0123456789'\n"
    )
    run(project, test, passed=1)


def test_plugin_works_without_pytest_recording(project: pytest.Pytester) -> None:
    project.makeconftest(CONFTEST)
    project.makepyfile(
        "def test_a(aimlapi_endpoint):\n"
        "    assert aimlapi_endpoint.base_url == 'https://api.aimlapi.com/v1'\n"
    )
    assert project.runpytest_inprocess("-p", "no:cacheprovider").parseoutcomes() == {"passed": 1}


def test_pytest_starts_without_loading_the_server() -> None:
    code = (
        "import sys, pytest\n"
        "class After:\n"
        "    def pytest_sessionfinish(self):\n"
        "        print([m for m in ('vcr', 'starlette', 'uvicorn') if m in sys.modules])\n"
        "pytest.main(['-p', 'langchain_aimlapi.testing', '-q',\n"
        "             '-c', sys.argv[1], '--collect-only', sys.argv[1]], [After()])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, os.devnull],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    assert "[]" in done.stdout


def test_what_is_secret_for_the_project_or_a_marker_is_so_for_the_test(
    project: pytest.Pytester,
) -> None:
    test = (
        "from langchain_aimlapi.testing import aimlapi_vcr_config\n"
        "@pytest.fixture\n"
        "def vcr_config():\n"
        "    return {**aimlapi_vcr_config(), 'secrets': ['pin-77']}\n"
        "@pytest.mark.vcr(secrets=['ada-1815'])\n"
        "class TestIt:\n"
        "    @pytest.mark.vcr(secrets=['door-4'])\n"
        "    def test_a(self, ask):\n"
        "        said = ask(text='pin-77, ada-1815, door-4, 5')\n"
        "        assert said.endswith(', 5')\n"
    )
    run(project, test, "--record-mode=once", passed=1)
    text = (project.path / "cassettes" / "test_it" / "TestIt.test_a.yaml").read_text("utf-8")
    assert text.count("REDACTED, REDACTED, REDACTED, 5") == 2
    run(project, test, passed=1)
    run(project, test.replace("pin-77", "pin-78"), passed=1)
    for wrong, told in (("'pin-77'", "is a list of texts"), ("['abc']", "of 3 characters")):
        assert told in run(project, test.replace("['pin-77']", wrong), errors=1)
