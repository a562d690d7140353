"""A stranger's project, `tests/stranger`, recorded and replayed as its owner would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs

import pytest

from langchain_aimlapi.testing.serializer import deserialize

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
TOKEN, OTHER_TOKEN = "tok-8f3k2j1h0", "tok-another-1"
PLUGINS = "pytest_recording.plugin,xdist.plugin,pytest_socket"


class Shop(BaseHTTPRequestHandler):
    """The tool's server: redirects, pages, takes uploads, knows its customer by a token."""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        assert self.headers["x-shop"] == TOKEN
        if path == "/old/orders":
            self.answer(None, 307, location=f"/orders?t={TOKEN}&page=1")
            return
        page = int(parse_qs(query)["page"][0])
        following = {"link": f'</orders?t={TOKEN}&page={page + 1}>; rel="next"'} if page < 3 else {}
        self.answer({"page": page, "next_page_token": f"p{page}"}, 200, **following)

    def do_POST(self) -> None:
        size = int(self.headers.get("content-length", 0))
        body = self.rfile.read(size)
        if self.path.startswith("/upload"):
            kept = {"bytes": body.count(b"oars") * 4, "customer_id": 4711}
            self.answer({**kept, "organization": "Fjord AS"}, 200, etag='"v1"')
        else:
            self.answer("basket-1" if self.path.startswith("/basket") else ["boat", "oar"], 200)

    def do_DELETE(self) -> None:
        self.answer({}, 200)

    def answer(self, tree: Any, status: int, **headers: str) -> None:
        data = json.dumps(tree).encode()
        self.send_response(status)
        named = {"content-type": "application/json", "content-length": str(len(data)), **headers}
        for name, value in named.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its own signature
        """Say nothing."""


class Collector(Shop):
    """LangSmith's place: takes whatever comes."""

    taken: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.taken.append(self.path)
        self.answer({}, 200)

    def do_POST(self) -> None:
        self.taken.append(self.path)
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.answer({}, 202)


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    running = [ThreadingHTTPServer(("127.0.0.1", 0), kind) for kind in (Shop, Collector)]
    threads = [threading.Thread(target=one.serve_forever, args=(0.01,)) for one in running]
    for thread in threads:
        thread.start()
    urls = [f"http://127.0.0.1:{one.server_port}" for one in running]
    yield {"SHOP_URL": urls[0], "LANGSMITH_ENDPOINT": urls[1]}
    for one, thread in zip(running, threads, strict=True):
        one.shutdown()
        thread.join()
        one.server_close()


class Project:
    """The stranger's project in a folder of its own."""

    def __init__(self, folder: Path, servers: dict[str, str]) -> None:
        self.folder = folder
        self._servers = servers

    def run(self, *command: str, is_online: bool = False, **more: str) -> tuple[int, str]:
        """Run a module of Python there; return its exit status and all that it printed."""
        hidden = ("AIMLAPI_", "LANGSMITH_", "LANGCHAIN_", "PYTEST_", "COV_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        servers = (
            self._servers if is_online else {**self._servers, "SHOP_URL": "http://127.0.0.1:1"}
        )
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
            env={
                **kept,
                **servers,
                "LANGSMITH_TRACING": "true",
                "LANGSMITH_API_KEY": "lsv2_pt_0123456789abcdef_01234",
                "SHOP_TOKEN": TOKEN,
                "PYTHONPATH": str(ROOT),
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                "PYTEST_PLUGINS": PLUGINS,
                "PYTEST_ADDOPTS": "-q -p no:cacheprovider",
                **more,
            },
        )
        return done.returncode, done.stdout + done.stderr

    def cassettes(self) -> dict[str, list[dict[str, Any]]]:
        """Return the interactions of each cassette."""
        folder = self.folder / "tests" / "cassettes"
        return {
            path.relative_to(folder).as_posix(): deserialize(path.read_text("utf-8"))[
                "interactions"
            ]
            for path in sorted(folder.rglob("*.yaml"))
        }


RECORD = ("langchain_aimlapi.testing", "record")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, servers: dict[str, str]) -> Project:
    """Record the stranger's tests, in two processes, from the stand-in."""
    folder = tmp_path_factory.mktemp("stranger") / "project"
    shutil.copytree(ROOT / "tests" / "stranger", folder)
    found = Project(folder, servers)
    status, printed = found.run(*RECORD, "-n", "2", is_online=True)
    assert status == 0, printed
    assert "7 cassettes recorded, replayed and put in place." in printed
    return found


def asked(interactions: list[dict[str, Any]]) -> list[str]:
    uris = [interaction["request"]["uri"] for interaction in interactions]
    return [uri.partition("127.0.0.1")[2].partition("?")[0] for uri in uris]


pytestmark = pytest.mark.slow


def test_cassettes_hold_what_left_the_process_and_nothing_else(project: Project) -> None:
    found = {name: asked(interactions) for name, interactions in project.cassettes().items()}
    chat, pages = "/v1/chat/completions", ["/old/orders", "/orders", "/orders", "/orders"]
    loop = [chat, *pages, chat]
    assert found == {
        "session/fixture.catalogue.yaml": ["/login", "/login"],
        "test_agent/test_agent_calls_its_tool.yaml": ["/basket", *loop, "/basket/basket-1"],
        "test_agent/test_app_runs_behind_its_test_client.yaml": loop,
        "test_agent/test_app_runs_in_this_process.yaml": loop,
        "test_agent/test_fallback_is_not_needed.yaml": [chat],
        "test_shop/test_model_is_asked_again.yaml": [chat, chat],
        "test_shop/test_upload.yaml": ["/upload"],
    }
    statuses = [
        interaction["response"]["status"]["code"]
        for interaction in project.cassettes()["test_shop/test_model_is_asked_again.yaml"]
    ]
    assert statuses == [429, 200]
    assert "/runs/multipart" in Collector.taken


def test_no_file_holds_a_secret(project: Project) -> None:
    texts = [path.read_text("utf-8") for path in (project.folder / "tests").rglob("*.yaml")]
    assert texts
    assert not [text for text in texts if TOKEN in text or "lsv2_" in text]
    status, printed = project.run("langchain_aimlapi.testing", "verify")
    assert (status, "0 findings" in printed) == (0, True), printed


@pytest.mark.parametrize("workers", ["0", "2"])
def test_replay_needs_no_server_no_key_and_not_the_same_token(
    project: Project, workers: str
) -> None:
    Collector.taken.clear()
    status, printed = project.run("pytest", "-n", workers, SHOP_TOKEN=OTHER_TOKEN)
    assert status == 0, printed
    assert "6 passed, 1 skipped" in printed
    assert Collector.taken  # traces are not blocked


def test_misses_are_told_also_those_that_a_fallback_swallowed(project: Project) -> None:
    question = "Which boats does Kari have?"
    status, printed = project.run("pytest", "tests/test_agent.py", QUESTION=question)
    assert status == 1
    for told in ("+++ asked for now", "Which orders does Kari have?", question):
        assert told in printed
    for name in ("test_agent_calls_its_tool", "test_fallback_is_not_needed"):
        assert f"python -m langchain_aimlapi.testing record tests/test_agent.py::{name}" in printed
    assert "something caught the error" in printed


def test_recording_a_part_prunes_nothing_of_the_rest(project: Project) -> None:
    folder = project.folder / "tests" / "cassettes"
    (folder / "settings.yaml").write_text("theirs: true\n", "utf-8")
    (folder / "README.md").write_text("# Ours\n", "utf-8")
    (folder / "test_shop" / "test_gone.yaml").write_bytes(
        (folder / "test_shop" / "test_upload.yaml").read_bytes()
    )
    (folder / "test_shop" / "test_skipped.yaml").write_bytes(
        (folder / "test_shop" / "test_upload.yaml").read_bytes()
    )
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    status, printed = project.run(*RECORD, "tests/test_shop.py", "--prune", is_online=True)
    assert status == 0, printed
    assert "README.md: not touched" in printed
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert before.keys() - after.keys() == {folder / "test_shop" / "test_gone.yaml"}
    changed = {path.name for path in after if after[path] != before[path]}
    assert changed <= {"test_model_is_asked_again.yaml"}  # its request ids are new each time
