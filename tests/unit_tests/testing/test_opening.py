"""Laws of several cassettes at once, and of traffic that belongs to none of them."""

import asyncio
import contextlib
import http.client
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
import vcr
from vcr import patch as vcr_patch
from vcr.request import Request

from langchain_aimlapi.testing import CassetteError, install, use_cassette
from langchain_aimlapi.testing._endpoint import GIVEN_KEY, KEY, REPLAY_KEY
from langchain_aimlapi.testing._ignored import IgnoredHosts, addresses_of, is_tracing
from langchain_aimlapi.testing._misses import UnrecordedRequestError
from langchain_aimlapi.testing._network import AllowedHosts
from langchain_aimlapi.testing._opening import OPEN
from langchain_aimlapi.testing.serializer import deserialize
from tests.http_client import httpx

LIVE = "https://api.aimlapi.com/v1"


class Echo(BaseHTTPRequestHandler):
    """Answers with the path that was asked."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/encodings":
            self.path = str(self.headers["accept-encoding"])
        answer = json.dumps({"path": self.path}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its own signature
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    Echo.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def paths_in(path: Path) -> list[str]:
    interactions = deserialize(path.read_text("utf-8"))["interactions"]
    return [interaction["request"]["uri"].partition("127.0.0.1")[2] for interaction in interactions]


def in_tasks(folder: Path, server: str, mode: str) -> None:
    async def user(name: str) -> None:
        with use_cassette(folder / f"{name}.yaml", record_mode=mode):
            async with httpx.AsyncClient() as client:
                for count in range(2):
                    await asyncio.sleep(0.01)
                    answer = await client.get(f"{server}/{name}/{count}")
                    assert answer.json() == {"path": f"/{name}/{count}"}

    async def users() -> None:
        await asyncio.gather(user("a"), user("b"), user("c"))

    asyncio.run(users())


def in_threads(folder: Path, server: str, mode: str) -> None:
    together = threading.Barrier(2, timeout=10)

    def user(name: str) -> None:
        with use_cassette(folder / f"{name}.yaml", record_mode=mode):
            together.wait()
            helper = threading.Thread(target=httpx.get, args=(f"{server}/{name}/0",))
            helper.start()
            helper.join()
            with ThreadPoolExecutor(1) as pool:
                pool.submit(httpx.get, f"{server}/{name}/1").result()
            together.wait()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(user, ("a", "b")))


@pytest.mark.parametrize("users", [in_tasks, in_threads])
def test_cassettes_open_at_once_get_their_own_requests(
    tmp_path: Path, server: str, users: Callable[[Path, str, str], None]
) -> None:
    users(tmp_path, server, "once")
    for path in tmp_path.iterdir():
        assert paths_in(path) == [f"/{path.stem}/0", f"/{path.stem}/1"]
    asked = len(Echo.asked)
    users(tmp_path, server, "none")
    assert len(Echo.asked) == asked


def test_pool_that_two_cassettes_share_works_for_who_submits(tmp_path: Path, server: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        for name in ("a", "b"):
            with use_cassette(tmp_path / f"{name}.yaml", record_mode="once"):
                pool.submit(httpx.get, f"{server}/{name}").result()
    assert [paths_in(tmp_path / f"{name}.yaml") for name in "ab"] == [["/a"], ["/b"]]


def test_inner_cassette_comes_first_and_the_outer_goes_on(tmp_path: Path, server: str) -> None:
    with use_cassette(tmp_path / "outer.yaml", record_mode="once"):
        httpx.get(f"{server}/1")
        with use_cassette(tmp_path / "inner.yaml", record_mode="once"):
            httpx.get(f"{server}/2")
        httpx.get(f"{server}/3")
    assert paths_in(tmp_path / "outer.yaml") == ["/1", "/3"]
    assert paths_in(tmp_path / "inner.yaml") == ["/2"]


def begun(server: str, path: str, *, go: threading.Event) -> threading.Thread:
    def ask() -> None:
        go.wait()
        with contextlib.suppress(Exception):
            httpx.get(f"{server}{path}")

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


def test_thread_begun_outside_belongs_to_the_only_one_open(tmp_path: Path, server: str) -> None:
    go = threading.Event()
    thread = begun(server, "/late", go=go)
    with use_cassette(tmp_path / "a.yaml", record_mode="once"):
        go.set()
        thread.join()
    assert paths_in(tmp_path / "a.yaml") == ["/late"]


def test_thread_that_belongs_to_none_of_two_is_told(tmp_path: Path) -> None:
    ready, go = threading.Barrier(3), threading.Event()

    def hold(name: str) -> None:
        with use_cassette(tmp_path / name):
            ready.wait(10)
            go.wait(10)

    holding = [threading.Thread(target=hold, args=(f"{name}.yaml",)) for name in "ab"]
    for thread in holding:
        thread.start()
    ready.wait(10)
    with ThreadPoolExecutor(1) as pool:  # not the pool's doing: it may not ask at all
        assert pool.submit(len, "abc").result() == 3
    try:
        with pytest.raises(CassetteError, match=r"belongs to none of .*\.yaml, .*\.yaml"):
            httpx.get("http://127.0.0.1/x")
    finally:
        go.set()
        for thread in holding:
            thread.join()


def test_outside_of_all_cassettes_nothing_is_open() -> None:
    request = Request("GET", "http://127.0.0.1/x", None, {})
    assert OPEN.can_play_response_for(request) is False
    with pytest.raises(AttributeError, match="record_mode"):
        OPEN.record_mode  # noqa: B018  # what vcrpy asks
    with pytest.raises(AttributeError):
        OPEN.__wrapped__  # noqa: B018  # what inspect asks


def test_request_that_vcrpy_made_itself_goes_to_the_open_cassette(tmp_path: Path) -> None:
    hop = Request("GET", "http://127.0.0.1/hop", None, {})
    answer = {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": b""}}
    path = tmp_path / "a.yaml"
    with use_cassette(path, record_mode="once"):
        OPEN.append(hop, answer)
    assert paths_in(path) == ["/hop"]


def test_what_one_thread_really_asks_opens_no_gap_for_others(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LangSmith's thread asks with `http.client` while the app asks with httpx."""
    monkeypatch.setenv("LANGSMITH_ENDPOINT", f"{server}/traces")
    host = server.partition("//")[2]
    before = http.client.HTTPConnection
    with use_cassette(tmp_path / "a.yaml", record_mode="once"):
        replaced = http.client.HTTPConnection

        def trace(_: int) -> None:
            connection = http.client.HTTPConnection(host)
            connection.request("GET", "/traces")
            connection.getresponse()
            connection.close()

        with ThreadPoolExecutor(4) as pool:
            traces = pool.map(trace, range(40))
            for number in range(20):
                httpx.get(f"{server}/{number}")
            list(traces)
        assert http.client.HTTPConnection is replaced
        late = OPEN._reset()
        late.__enter__()
    late.__exit__(None, None, None)
    assert http.client.HTTPConnection is before
    assert paths_in(tmp_path / "a.yaml") == [f"/{number}" for number in range(20)]


def test_patches_come_again_when_the_last_who_really_asks_is_done(tmp_path: Path) -> None:
    """vcrpy takes them back for each connection of its own; two threads may do so at once."""
    before = http.client.HTTPConnection
    with use_cassette(tmp_path / "a.yaml", record_mode="all"):
        replaced = http.client.HTTPConnection
        first, second = vcr_patch.force_reset(), vcr_patch.force_reset()
        first.__enter__()
        second.__enter__()
        assert http.client.HTTPConnection is before
        first.__exit__(None, None, None)
        assert http.client.HTTPConnection is before
        second.__exit__(None, None, None)
        assert http.client.HTTPConnection is replaced


class NoTornado:
    """Stands first among the finders of modules, and counts who looks for one that is nowhere."""

    times = 0

    def find_spec(self, name: str, *_: object) -> None:
        if name.partition(".")[0] == "tornado":
            self.times += 1
            raise ModuleNotFoundError(name)


def test_only_what_changed_makes_the_next_cassette_look_for_clients(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a dozen of them are installed nowhere, and each search reads every folder."""
    before = httpx.HTTPTransport.handle_request
    finder = NoTornado()
    for name in [name for name in sys.modules if name.partition(".")[0] == "tornado"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])

    def opened() -> bool:
        finder.times = 0
        with use_cassette(tmp_path / f"{len(list(tmp_path.iterdir()))}.yaml", record_mode="once"):
            httpx.get(f"{server}/a")
        assert httpx.HTTPTransport.handle_request is before
        return finder.times > 0

    opened()
    assert not opened()
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    assert opened()
    assert not opened()
    monkeypatch.setitem(sys.modules, "botocore", ModuleType("botocore"))
    assert opened()


def test_patches_of_ones_own_are_made_and_taken_back(tmp_path: Path) -> None:
    class Place:
        client = "theirs"

    recorder = vcr.VCR(record_mode="once", custom_patches=[(Place, "client", "patched")])
    install(recorder)
    with recorder.use_cassette(str(tmp_path / "a.yaml")):
        assert Place.client == "patched"
    assert Place.client == "theirs"


def test_cassette_is_a_decorator_too(tmp_path: Path, server: str) -> None:
    recorder = vcr.VCR(record_mode="once", cassette_library_dir=str(tmp_path))
    install(recorder)

    @recorder.use_cassette("named.yaml")  # type: ignore[untyped-decorator]
    def named() -> None:
        httpx.get(f"{server}/named")

    @recorder.use_cassette  # type: ignore[untyped-decorator]
    def bare() -> None:
        httpx.get(f"{server}/bare")

    named()
    bare()
    assert paths_in(tmp_path / "named.yaml") == ["/named"]
    assert paths_in(tmp_path / "bare") == ["/bare"]


def test_server_is_asked_for_no_encoding_that_cannot_be_read(tmp_path: Path, server: str) -> None:
    with use_cassette(tmp_path / "a.yaml", record_mode="once"):
        for sent, arrived in (("gzip, x-unknown", "gzip, x-unknown"), ("identity", "identity")):
            answer = httpx.get(f"{server}/encodings", headers={"accept-encoding": sent})
            assert answer.json() == {"path": arrived}
    no_decoder = pytest.MonkeyPatch()
    with no_decoder.context() as patch, use_cassette(tmp_path / "b.yaml", record_mode="once"):
        for name in ("brotli", "brotlicffi"):
            patch.setitem(sys.modules, name, None)
        answer = httpx.get(f"{server}/encodings", headers={"accept-encoding": "br;q=1, gzip"})
        assert answer.json() == {"path": "gzip"}


# ---------------------------------------------------------------- transports in this process


async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"asgi"})


def wsgi_app(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b"wsgi " + environ["PATH_INFO"].encode()]


def test_apps_in_this_process_run_each_time(tmp_path: Path) -> None:
    runs: list[str] = []

    def mocked(request: httpx.Request) -> httpx.Response:
        runs.append(request.url.path)
        return httpx.Response(200, text="mock")

    async def ask_app() -> str:
        transport = httpx.ASGITransport(app=asgi_app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return (await client.get("/")).text

    for mode in ("once", "none"):
        with use_cassette(tmp_path / "a.yaml", record_mode=mode):
            with httpx.Client(transport=httpx.MockTransport(mocked)) as client:
                assert client.get("http://app/x").text == "mock"
            with httpx.Client(transport=httpx.WSGITransport(app=wsgi_app)) as client:
                assert client.get("http://app/x").text == "wsgi /x"
            assert asyncio.run(ask_app()) == "asgi"
    assert runs == ["/x", "/x"]
    assert not (tmp_path / "a.yaml").exists()


# ---------------------------------------------------------------- traces, ignored hosts, no key


def traced(uri: str, **headers: str) -> bool:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return is_tracing(Request("POST", uri, None, named))


TRACING = [
    ("https://api.smith.langchain.com/runs/multipart", {}),
    ("https://eu.api.smith.langchain.com/info", {}),
    ("https://gateway/otel/v1/traces", {"content_type": "application/x-protobuf"}),
    ("https://x/y", {"user_agent": "langsmith-py/0.5.1"}),
    ("https://x/y", {"user_agent": "OTel-OTLP-Exporter-Python/1.40"}),
    ("http://127.0.0.1:1984/api/runs", {}),
    ("http://127.0.0.1:4318/v1/logs", {}),
    ("http://one.replica/runs", {}),
    ("http://two.replica/v1", {}),
]
NOT_TRACING = [
    ("https://smith.langchain.com.evil/runs", {}),
    ("https://gateway/v1/traces", {"content_type": "application/json"}),
    ("http://127.0.0.1:1984/apis", {}),
    ("http://127.0.0.1:1985/api", {}),
    ("https://x/v1/chat/completions", {"user_agent": "python-httpx/0.28"}),
]


@pytest.mark.parametrize(
    ("request_", "is_one"), [(one, True) for one in TRACING] + [(one, False) for one in NOT_TRACING]
)
def test_tracing_is_told_from_what_an_app_does(
    monkeypatch: pytest.MonkeyPatch, request_: tuple[str, dict[str, str]], *, is_one: bool
) -> None:
    monkeypatch.setenv("LANGSMITH_ENDPOINT", "http://127.0.0.1:1984/api/")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setenv("LANGSMITH_RUNS_ENDPOINTS", '{"http://one.replica": "key"}')
    replicas = [{"api_url": "http://two.replica/v1", "api_key": "key"}, "?"]
    monkeypatch.setenv("LANGCHAIN_RUNS_ENDPOINTS", json.dumps(replicas))
    assert traced(request_[0], **request_[1]) is is_one


def test_broken_list_of_replicas_names_no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGSMITH_RUNS_ENDPOINTS", "no JSON")
    assert not traced("http://no/JSON")


@pytest.mark.parametrize("mode", ["once", "none"])
def test_traces_reach_their_collector_and_no_cassette(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setenv("LANGSMITH_ENDPOINT", server)
    with use_cassette(tmp_path / "a.yaml", record_mode=mode):
        httpx.post(f"{server}/runs/multipart", json={})
    assert Echo.asked == ["/runs/multipart"]
    assert not (tmp_path / "a.yaml").exists()
    assert "127.0.0.1" in OPEN.let_through


def test_localhost_is_ignored_but_for_the_model_endpoint(tmp_path: Path, server: str) -> None:
    recorder = vcr.VCR(record_mode="once", ignore_localhost=True)
    install(recorder)
    path = tmp_path / "a.yaml"
    with recorder.use_cassette(str(path)):
        httpx.get(f"{server}/health")
        httpx.post(f"{server}/v1/chat/completions", json={})
    assert paths_in(path) == ["/v1/chat/completions"]
    for options in ({"ignore_hosts": ["127.0.0.1"]}, {"ignore_localhost": True}):
        player = vcr.VCR(record_mode="none")
        install(player)
        with player.use_cassette(str(path), **options):
            httpx.get(f"{server}/health")
            httpx.post(f"{LIVE}/chat/completions", json={})
    assert Echo.asked.count("/health") == 3


def test_unknown_hosts_keep_their_name() -> None:
    assert addresses_of("nobody.invalid") == ("nobody.invalid",)
    assert "127.0.0.1" in addresses_of("localhost")


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all"])
def test_live_host_is_not_asked_without_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(GIVEN_KEY, "is_given", False)
    monkeypatch.setenv(KEY, REPLAY_KEY)
    headers = {"Authorization": f"Bearer {REPLAY_KEY}"}
    with (
        pytest.raises(CassetteError, match="AIMLAPI_API_KEY is not set"),
        use_cassette(tmp_path / "a.yaml", record_mode=mode),
    ):
        httpx.post(f"{LIVE}/chat/completions", json={}, headers=headers)


def test_app_finds_a_key_while_a_cassette_is_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY, raising=False)
    with use_cassette(tmp_path / "a.yaml"), use_cassette(tmp_path / "b.yaml"):
        assert os.environ[KEY] == REPLAY_KEY
    assert KEY not in os.environ
    with use_cassette(tmp_path / "a.yaml", record_mode="once"):
        assert KEY not in os.environ
    monkeypatch.setenv(KEY, "a-real-key")
    with use_cassette(tmp_path / "a.yaml"):
        assert os.environ[KEY] == "a-real-key"


def test_identical_requests_of_many_threads_are_each_played_once(
    tmp_path: Path, server: str
) -> None:
    path = tmp_path / "a.yaml"
    with use_cassette(path, record_mode="once"):
        for _ in range(20):
            httpx.get(f"{server}/same")
    with use_cassette(path), ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: httpx.get(f"{server}/same"), range(20)))

    def asks_once_more() -> None:
        with use_cassette(path) as cassette:
            cassette.play_counts.update(range(20))
            httpx.get(f"{server}/same")

    with pytest.raises(UnrecordedRequestError, match="recorded 20 times"):
        asks_once_more()


def test_a_collector_of_traces_is_let_through_in_later_tests_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Elsewhere: looked up when something is sent there.
    monkeypatch.setenv("LANGSMITH_ENDPOINT", "http://127.example")
    traces = Request(
        "POST", "http://127.0.0.2:9/v1/traces", b"", {"content-type": "application/x-protobuf"}
    )
    page = Request("GET", "http://127.0.0.3:9/", b"", {})
    allowed = AllowedHosts(None, IgnoredHosts())
    try:
        OPEN.note_ignored(traces)
        OPEN.note_ignored(page)
        with use_cassette(tmp_path / "next.yaml", record_mode="once"):
            assert [each for each in allowed if "127" in each] == [r"127\.0\.0\.2$"]
    finally:
        OPEN.traced.discard("127.0.0.2")
