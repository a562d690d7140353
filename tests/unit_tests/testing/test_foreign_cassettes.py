"""Cassettes of others: read, cleaned into a form that their recorders replay, never dangerous."""

import gzip
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import vcr
import yaml

from langchain_aimlapi.testing import use_cassette
from langchain_aimlapi.testing._body_format import read_yaml
from langchain_aimlapi.testing._cli.main import main
from langchain_aimlapi.testing.serializer import cleaned_text, deserialize, serialize
from tests.http_client import httpx

KEY = "sk-proj-abcdefgh12345678"


class Server(BaseHTTPRequestHandler):
    """Answers any request with what a test put here."""

    status: ClassVar[int] = 200
    headers_sent: ClassVar[dict[str, str]] = {}
    body: ClassVar[bytes] = b"{}"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(self.status)
        for name, value in self.headers_sent.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Server, "body", b"{}")
    monkeypatch.setattr(Server, "headers_sent", {})
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def ask(url: str, text: str = "hi") -> httpx.Response:
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    return httpx.post(url, json=body, headers={"Authorization": f"Bearer {KEY}"})


@pytest.mark.parametrize("path", ["/v1/chat/completions", f"/tool?api_key={KEY}"])
@pytest.mark.parametrize(
    "body",
    [
        b'{"said": "for %s"}' % KEY.encode(),
        gzip.compress(b'{"said": "for %s"}' % KEY.encode(), mtime=0),
        b"data: {}\n\ndata: [DONE]\n\n",
        b"\xff\x00" * 3000,
    ],
)
def test_plain_vcrpy_replays_what_scrub_wrote(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch, path: str, body: bytes
) -> None:
    monkeypatch.setattr(Server, "body", body)
    if body.startswith(b"\x1f\x8b"):
        monkeypatch.setattr(Server, "headers_sent", {"content-encoding": "gzip"})
    tape = tmp_path / "plain.yaml"
    with vcr.VCR(record_mode="once").use_cassette(str(tape)):
        recorded = ask(server + path)
    assert KEY in tape.read_text("utf-8")
    assert main(["scrub", str(tape)]) == 0
    assert KEY not in tape.read_text("utf-8")
    assert main(["scrub", "--check", str(tape)]) == 0
    player = vcr.VCR(record_mode="none", match_on=["method", "host", "port", "path", "body"])
    with player.use_cassette(str(tape)):
        played = ask(server + path)
    assert played.content == recorded.content.replace(KEY.encode(), b"REDACTED")
    with use_cassette(tape):  # and so does the kit
        assert ask(server + path).content == played.content


def test_scrub_leaves_the_kits_own_form(tmp_path: Path, server: str) -> None:
    tape = tmp_path / "own.yaml"
    with use_cassette(tape, record_mode="once"):
        ask(server)
    before = tape.read_text("utf-8")
    assert main(["scrub", str(tape)]) == 0
    assert tape.read_text("utf-8") == before
    assert "style: compact" in before


PARSED = """\
interactions:
- request:
    headers:
      content-length: ['99']
      content-type: [application/json]
      host: [api.openai.com]
    method: POST
    parsed_body:
      messages:
      - {content: 'Say hi, 2026-01-01', role: user}
      model: m
    uri: https://api.openai.com/v1/chat/completions
  response:
    headers:
      content-length: ['99']
      content-type: [application/json]
      openai-organization: [fjord]
    parsed_body:
      choices:
      - {message: {content: hi, role: assistant}}
      created: 2026-01-01
    status: {code: 200, message: OK}
- request:
    body: ''
    headers: {}
    method: GET
    uri: https://api.openai.com/v1/models
  response:
    body: {string: listed}
    headers: {}
    status: {code: 200, message: OK}
version: 1
"""


def test_parsed_bodies_are_read_replayed_and_cleaned(tmp_path: Path) -> None:
    tape = tmp_path / "parsed.yaml"
    tape.write_text(PARSED, "utf-8")
    for _ in range(2):
        with use_cassette(tape):
            answer = ask("https://api.openai.com/v1/chat/completions", "Say hi, 2026-01-01")
            assert httpx.get("https://api.openai.com/v1/models").text == "listed"
        assert answer.json()["choices"][0]["message"]["content"] == "hi"
        assert answer.json()["created"] == "2026-01-01"
        assert main(["scrub", str(tape)]) == 0
    clean = yaml.safe_load(tape.read_text("utf-8"))
    assert "fjord" not in str(clean)
    assert json.loads(clean["interactions"][0]["request"]["body"])["model"] == "m"
    assert "parsed_body" not in str(clean)


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join([*lines, f"interactions: [*a{levels - 1}]"])


@pytest.mark.parametrize(
    "text",
    [
        bomb(9),
        "interactions:\n- &one {request: {}}\n- *one\n",
        "a: &x [1]\ninteractions: {<<: *x}\n",
        "&root\ninteractions: [*root]\n",
    ],
)
def test_aliases_are_refused_at_once(tmp_path: Path, text: str) -> None:
    start = time.thread_time()
    with pytest.raises(ValueError, match="YAML aliases are refused"):
        deserialize(text)
    tape = tmp_path / "bomb.yaml"
    tape.write_text(text, "utf-8")
    assert main(["show", str(tape)]) == 1
    assert main(["verify", str(tape)]) == 1
    assert main(["scrub", str(tape)]) == 1
    assert time.thread_time() - start < 5


def test_what_only_looks_like_an_alias_is_read() -> None:
    text = "a: &name x\nb: |\n  *name and &name *emphasis*\nc: 'R &D *x'\n"
    assert read_yaml(text) == {"a": "x", "b": "*name and &name *emphasis*\n", "c": "R &D *x"}


def recorded(**response: Any) -> dict[str, Any]:
    return {
        "request": {
            "method": "POST",
            "uri": "http://127.0.0.1:4711/tool",
            "headers": {},
            "body": '{"id": "call-1"}',
        },
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {
                "Date": ["Thu, 26 Nov 2026 20:00:00 GMT"],
                "Link": ["<http://127.0.0.1:4711/2>"],
            },
            "body": {"string": b'{"a": 1}'},
            **response,
        },
    }


def recorded_again(**response: Any) -> dict[str, Any]:
    again = recorded(**response)
    again["request"]["uri"] = "http://127.0.0.1:4712/tool"
    again["response"]["headers"] = {
        "Date": ["Fri, 27 Nov 2026 20:00:00 GMT"],
        "X-Client-Request-Id": ["another"],
        "Link": ["<http://127.0.0.1:4712/2>"],
    }
    return again


def serialized(*interactions: dict[str, Any], before: str = "") -> str:
    return serialize({"interactions": list(interactions)}, before=before)


def test_what_did_not_change_stays_as_it_was() -> None:
    before = serialized(recorded())
    assert serialized(recorded_again(), before=before) == before
    assert serialized(recorded_again()) != before
    twice = serialized(recorded_again(), recorded_again(), before=before)
    assert [one["response"] for one in deserialize(twice)["interactions"]] == [
        deserialize(before)["interactions"][0]["response"]
    ] * 2


@pytest.mark.parametrize(
    "change",
    [
        {"status": {"code": 201, "message": "OK"}},
        {"body": {"string": b'{"a": 2}'}},
        {"body": {"string": b'{"a":1}'}},
        {"provenance": {"kind": "live", "recorded_at": "2026-11-27T20:00:00+00:00"}},
    ],
)
def test_what_changed_is_new(change: dict[str, Any]) -> None:
    before = serialized(recorded())
    after = serialized(recorded_again(**change), before=before)
    assert after == serialized(recorded_again(**change))


def test_a_live_answer_is_as_old_as_its_recording() -> None:
    old, new = ({"kind": "live", "recorded_at": f"2026-11-2{day}T20:00:00+00:00"} for day in (6, 7))
    before = serialized(recorded(provenance=old))
    assert "2026-11-27" in serialized(recorded_again(provenance=new), before=before)


@pytest.mark.parametrize(
    "before", ["nothing", "interactions: [1]", "interactions: 1", "a: [", "[]"]
)
def test_what_was_no_cassette_is_replaced(before: str) -> None:
    assert serialized(recorded(), before=before) == serialized(recorded())


def test_recording_again_changes_no_byte(tmp_path: Path, server: str) -> None:
    tape = tmp_path / "again.yaml"
    for _ in range(2):
        with use_cassette(tape, record_mode="all"):
            ask(f"{server}/tool")
            ask(f"{server}/v1/chat/completions")
        again = tape.read_text("utf-8")
        tape.write_text(again.replace("'2026-", "'1999-").replace(" 2026 ", " 1999 "), "utf-8")
    assert again.count("1999") == 4
    assert "2026-" not in again


def test_cleaning_twice_changes_nothing_more() -> None:
    once = cleaned_text(PARSED)
    assert cleaned_text(once) == once
