"""What a tool's own HTTP sees on replay is what it saw while recording, credentials aside."""

import asyncio
import gzip
import json
import os
import sys
import threading
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from vcr.request import Request

from langchain_aimlapi.testing import use_cassette
from langchain_aimlapi.testing._cli.verify import cassette_findings
from langchain_aimlapi.testing._misses import UnrecordedRequestError
from langchain_aimlapi.testing.matchers import RequestMatcher
from langchain_aimlapi.testing.serializer import deserialize
from tests.http_client import httpx

NOW = datetime.now(UTC)
Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Tool:
    """A server of somebody else: what it answers by path, what it was asked."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, bytes]] = field(default_factory=list)
    offers: list[str | None] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def tool() -> Iterator[Tool]:
    state = Tool()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"] or 0))
            state.asked.append((self.path, body))
            state.offers.append(self.headers["accept-encoding"])
            status, headers, content = state.answers[self.path.partition("?")[0]]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value.replace("PORT", str(state.port)))
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_POST = do_HEAD = do_GET  # noqa: N815  # http.server's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield state
        server.shutdown()
        thread.join()


@pytest.fixture
def replayed(tmp_path: Path, tool: Tool) -> Callable[[Callable[[], Any]], Any]:
    """Return what runs a function while recording and on replay, and gives what it gave twice."""

    def run(ask: Callable[[], Any]) -> Any:
        path = tmp_path / "tool.yaml"
        with use_cassette(path, record_mode="once"):
            recorded = ask()
        asked = len(tool.asked)
        with use_cassette(path):
            again = ask()
        assert len(tool.asked) == asked
        assert again == recorded
        return again

    return run


def seen(response: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in response.headers.items() if name != "connection"}
    return response.status_code, headers, response.content


def test_status_headers_and_values_replay_as_they_came(
    tool: Tool, replayed: Callable[[Callable[[], Any]], Any]
) -> None:
    body = {
        "customer_id": 4711,
        "organization": "Fjord AS",
        "account_id": "acct_0123456789abcdef01",
        "next_page_token": "CAUQAA12345678abcdefgh",
        "key": "photos/2026/IMG0001.jpg",
    }
    tool.answers["/orders"] = (
        203,
        {
            "content-type": "application/json; charset=utf-8",
            "etag": '"33a64df551425fcc55e4d42a148795d9f25f89d4"',
            "x-total-count": "41",
            "x-request-id": "req-8f14e45fceea167a5a36dedd4bea2543",
            "openai-organization": "fjord",
            "link": '<http://127.0.0.1:PORT/orders?page=2>; rel="next"',
            "set-cookie": "locale=norwegian; Path=/",
            "x-cache-key": "/cachekey?city=Oslo",
        },
        json.dumps(body).encode(),
    )
    status, headers, content = replayed(lambda: seen(httpx.get(f"{tool.url}/orders")))
    assert status == 203
    assert json.loads(content) == body
    assert headers["x-total-count"] == "41"
    assert headers["set-cookie"] == "locale=norwegian; Path=/"


def test_redirects_and_paging_replay(
    tool: Tool, replayed: Callable[[Callable[[], Any]], Any]
) -> None:
    tool.answers = {
        "/old": (307, {"location": "http://127.0.0.1:PORT/new"}, b""),
        "/new": (302, {"location": "/items?page=1"}, b""),
        "/items": (200, {"link": '<http://127.0.0.1:PORT/last>; rel="next"'}, b"one"),
        "/last": (200, {}, b"two"),
    }

    def pages() -> list[bytes]:
        with httpx.Client(follow_redirects=True) as client:
            first = client.get(f"{tool.url}/old")
            return [first.content, client.get(first.links["next"]["url"]).content]

    assert replayed(pages) == [b"one", b"two"]


def test_an_answer_to_head_keeps_its_length(
    tool: Tool, replayed: Callable[[Callable[[], Any]], Any]
) -> None:
    tool.answers["/file"] = (200, {}, b"x" * 1234)
    assert replayed(lambda: httpx.head(f"{tool.url}/file").headers["content-length"]) == "1234"


def test_a_compressed_answer_replays_unpacked(
    tool: Tool, replayed: Callable[[Callable[[], Any]], Any]
) -> None:
    zstandard = pytest.importorskip("zstandard", reason="the decoder of one of the encodings")
    brotli = pytest.importorskip("brotli", reason="the decoder of one of the encodings")
    packed = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "br": brotli.compress,
        "zstd": zstandard.ZstdCompressor().compress,
    }
    for name, pack in packed.items():
        tool.answers[f"/{name}"] = (200, {"content-encoding": name}, pack(b'{"a": 1}'))
    assert replayed(lambda: [httpx.get(f"{tool.url}/{name}").json() for name in packed]) == [
        {"a": 1}
    ] * len(packed)


def by_httpx(url: str, offers: str) -> bytes:
    return httpx.get(url, headers={"Accept-Encoding": offers}).content


def by_async_httpx(url: str, offers: str) -> bytes:
    async def get() -> bytes:
        async with httpx.AsyncClient() as client:
            return (await client.get(url, headers={"Accept-Encoding": offers})).content

    return asyncio.run(get())


def by_urllib(url: str, offers: str) -> bytes:
    request = urllib.request.Request(url, headers={"Accept-Encoding": offers})
    with urllib.request.urlopen(request) as response:
        return bytes(response.read())


@pytest.mark.parametrize("get", [by_httpx, by_async_httpx, by_urllib])
def test_what_cannot_be_unpacked_is_not_asked_for(
    tool: Tool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    get: Callable[[str, str], bytes],
) -> None:
    for module in ("brotli", "brotlicffi"):
        monkeypatch.setitem(sys.modules, module, None)
    tool.answers["/a"] = (200, {}, b"as it is")
    with use_cassette(tmp_path / "a.yaml", record_mode="once"):
        for offers in ("br, gzip;q=0.5", "br", "gzip, deflate"):
            assert get(f"{tool.url}/a", offers) == b"as it is"
    assert tool.offers == ["gzip;q=0.5", "identity", "gzip, deflate"]


def test_an_answer_that_cannot_be_unpacked_is_told(
    tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("brotli", "brotlicffi"):
        monkeypatch.setitem(sys.modules, module, None)
    tool.answers["/a"] = (200, {"content-encoding": "br"}, b"all the same")
    with (
        pytest.raises(ValueError, match=r"'br' cannot be searched .* pip install brotli"),
        use_cassette(tmp_path / "a.yaml", record_mode="once"),
        httpx.stream("GET", f"{tool.url}/a"),
    ):
        pass


def test_only_the_credentials_of_an_answer_go(tool: Tool, tmp_path: Path) -> None:
    tool.answers["/login"] = (
        200,
        {"set-cookie": "session=AbC123xyz987; HttpOnly; Path=/", "x-auth-token": "f00ba4f00ba4"},
        b'{"access_token": "one-two-three", "expires_in": 3600, "session": "AbC123xyz987"}',
    )
    path = tmp_path / "login.yaml"
    with use_cassette(path, record_mode="once"):
        httpx.post(f"{tool.url}/login", json={"user": "ada", "password": "enchantress"})
    text = path.read_text("utf-8")
    for secret in ("AbC123xyz987", "f00ba4f00ba4", "one-two-three", "enchantress"):
        assert secret not in text
    with use_cassette(path):
        answer = httpx.post(f"{tool.url}/login", json={"user": "ada", "password": "another one"})
    assert answer.json() == {"access_token": "REDACTED", "expires_in": 3600, "session": "REDACTED"}
    assert answer.headers["set-cookie"] == "session=REDACTED; HttpOnly; Path=/"
    assert [finding.sort for finding in cassette_findings(path, now=NOW)] == []


def test_hosts_do_not_answer_for_each_other(tool: Tool, tmp_path: Path) -> None:
    path = tmp_path / "hosts.yaml"
    tool.answers["/who"] = (200, {}, b"numbers")
    with use_cassette(path, record_mode="once"):
        httpx.get(f"http://127.0.0.1:{tool.port}/who")
        tool.answers["/who"] = (200, {}, b"name")
        httpx.get(f"http://localhost:{tool.port}/who")
    with use_cassette(path):
        # Another run, another port.
        assert httpx.get("http://localhost:1/who").text == "name"
        assert httpx.get("http://127.0.0.1:1/who").text == "numbers"


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"x-cache-key": "/cachekey?city=Oslo"}, "city=Oslo"),
        ({"idempotency-key": "order-4711"}, "order=order-4711"),
        ({"idempotency-key": "3f2a9c0d-4e5b-6a79-8877-665544332211"}, "n=3f2a9c0d-4e5b-6a79"),
        ({"cookie": "tz=Europe%2FOslo; theme=dark-mode-2"}, "tz=Europe%2FOslo"),
        ({"x-partition-key": "cachekey"}, "token=page2"),
        ({"surrogate-key": "127.0.0.1"}, "key=user-4711"),
        ({"x-page-token": "cachekey-0123456789"}, "page_token=cachekey-0123456789"),
    ],
)
def test_ordinary_headers_do_no_damage(
    tool: Tool,
    replayed: Callable[[Callable[[], Any]], Any],
    headers: dict[str, str],
    query: str,
) -> None:
    body = json.dumps({"said": [*headers.values(), query, "cachekey"]}).encode()
    tool.answers["/cachekey"] = (200, {"set-cookie": "locale=norwegian", **headers}, body)
    address = f"{tool.url}/cachekey?{query}"
    replayed(lambda: seen(httpx.get(address, headers=headers)))


@pytest.mark.parametrize("content", [b"plain text", b"\x89PNG\r\n\x1a\n\xff\x00" * 400])
def test_an_upload_is_found_again_whatever_its_boundary(
    tool: Tool, replayed: Callable[[Callable[[], Any]], Any], content: bytes, tmp_path: Path
) -> None:
    tool.answers["/upload"] = (200, {}, b"kept")

    def upload(data: bytes = content) -> bytes:
        files = {"file": ("a.bin", data, "application/octet-stream")}
        return httpx.post(f"{tool.url}/upload", data={"name": "Ada"}, files=files).content

    assert replayed(upload) == b"kept"
    [played] = deserialize((tmp_path / "tool.yaml").read_text("utf-8"))["interactions"]
    head = f"Content-Type: {played['request']['headers']['content-type'][0]}\r\n\r\n".encode()
    parts = BytesParser().parsebytes(head + played["request"]["body"]).get_payload()
    assert [part.get_payload(decode=True) for part in parts] == [b"Ada", content]  # type: ignore[union-attr]  # a list of parts
    with (
        pytest.raises(UnrecordedRequestError, match=r"\+plain text!|\+binary.* \(4003 bytes"),
        use_cassette(tmp_path / "tool.yaml", allow_unused=True),
    ):
        upload(content + b"!")


@pytest.mark.parametrize("value", ["another-value-of-it", "short", None])
def test_a_replay_passes_with_another_value_of_a_secret(
    tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    tool.answers = {path: (200, {}, path.encode()) for path in ("/k", "/k/3f2a9c0d4e5b", "/other")}
    path = tmp_path / "tape.yaml"

    def ask() -> list[str]:
        key, pin = os.environ.get("WEATHER_KEY", ""), os.environ.get("PIN", "")
        body = {"auth": {"k": f"<{key}>"}, "pin": [pin], "n": 1}
        return [
            httpx.post(f"{tool.url}/k?appid={key}&city=Oslo", json=body).text,
            httpx.post(f"{tool.url}/k/3f2a9c0d4e5b", content=f"my pin {pin}").text,
            httpx.post(f"{tool.url}/other", json={**body, "n": 2}).text,
        ]

    monkeypatch.setenv("WEATHER_KEY", "3f2a9c0d4e5b")
    monkeypatch.setenv("PIN", "pin-77")
    with use_cassette(path, record_mode="once", secrets=["pin-77"]):
        recorded = ask()
    text = path.read_text("utf-8")
    assert "3f2a9c0d4e5b" not in text
    assert "pin-77" not in text
    assert text.count("REDACTED") == 8
    for name in ("WEATHER_KEY", "PIN"):
        monkeypatch.delenv(name)
        if value is not None:
            monkeypatch.setenv(name, value)
    with use_cassette(path):
        assert ask() == [answer.replace("3f2a9c0d4e5b", "REDACTED") for answer in recorded]


@pytest.mark.parametrize(
    ("recorded", "asked", "fits"),
    [
        ({"a": "REDACTED"}, {"a": "x"}, True),
        ({"a": "REDACTED"}, {"a": "x", "b": 1}, False),
        ({"a": "REDACTED", "b": [1, "REDACTED!"]}, {"a": "", "b": [1, "x!"]}, True),
        ({"a": "REDACTED", "b": [1, 2]}, {"a": "x", "b": [1]}, False),
        ({"a": "REDACTED", "b": [1, 2]}, {"a": "x", "b": [1, 3]}, False),
        ({"a": "REDACTED"}, {"a": 1}, False),
        ("<REDACTED, REDACTED>", "<a, b>", True),
        ("<REDACTED, REDACTED>", "<a; b>", False),
        ("<REDACTED>", "<>", True),
        ("<REDACTED<REDACTED>", "<<", False),
        ("x REDACTED y", "x y", False),
        ("REDACTED", {"a": "any"}, True),
        ("plain", "other", False),
    ],
)
def test_what_was_hidden_may_be_anything(recorded: Any, asked: Any, *, fits: bool) -> None:
    def request(body: Any, path: str) -> Request:
        text = body if isinstance(body, str) else json.dumps(body)
        return Request("POST", f"https://h/{path}", text, {})

    matcher = RequestMatcher()
    assert matcher(request(asked, "a"), request(recorded, "a")) is fits
    assert not matcher(request(asked, "b"), request(recorded, "a"))


def test_the_request_that_is_the_same_goes_before_one_with_something_hidden() -> None:
    hidden, same = (Request("POST", "https://h/", text, {}) for text in ("my REDACTED", "my own"))
    matcher = RequestMatcher()
    matcher.remember([hidden, same])
    assert not matcher(same, hidden)
    assert matcher(same, same)
