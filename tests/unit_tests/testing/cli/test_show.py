"""Laws of what is shown of cassettes: on a terminal, in a pipe, as a page."""

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from langchain_aimlapi.testing._cli.main import main
from langchain_aimlapi.testing._cli.page import conversation_page, total_text
from langchain_aimlapi.testing._cli.show import conversation_text
from langchain_aimlapi.testing._cli.steps import Step, printable, steps_of
from langchain_aimlapi.testing.serializer import serialize

ROOT = Path(__file__).parents[4]
CHAT = ROOT / "cassettes" / "chat"
STORED = "test_a_streamed_conversation_goes_on_after_it_was_stored"
PIXEL = "data:image/png;base64,iVBORw0KGgo="
EVIL = "<script>alert(1)</script>\"'&\x1b]52;c;AAAA\x07\u202e\x00"


def exchange(
    messages: list[Any] | None, answer: Any, *, status: int = 200, uri: str = "/chat/completions"
) -> dict[str, Any]:
    asked = b"q=1" if messages is None else json.dumps({"messages": messages}).encode()
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return {
        "request": {"method": "POST", "uri": f"http://h/v1{uri}", "headers": {}, "body": asked},
        "response": {
            "status": {"code": status, "message": ""},
            "headers": {"x-aimlapi-credits-used": ["7"]},
            "body": {"string": body},
        },
    }


def said(**message: Any) -> dict[str, Any]:
    return {
        "choices": [{"message": {"role": "assistant", **message}}],
        "usage": {"prompt_tokens": 1200, "completion_tokens": 34},
        "meta": {"usage": {"credits_used": 9, "usd_spent": "0.25"}},
    }


CALL = {"id": "c1", "function": {"name": "look", "arguments": '{"q":"x"}'}}
DETAIL = {"type": "reasoning.encrypted", "data": "signed-1"}
FIRST = [{"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image_url"}]}]
SECOND = [
    *FIRST,
    {"role": "assistant", "tool_calls": [CALL], "reasoning_details": [DETAIL]},
    {"role": "tool", "tool_call_id": "c1", "content": "42 found"},
]
STORY = {
    "interactions": [
        exchange(FIRST, said(reasoning="Hm.", tool_calls=[CALL], reasoning_details=[DETAIL])),
        exchange(SECOND, said(content="It is 42.", extra_content={"thought_signature": "new"})),
        exchange(None, b"plain", uri="/search?q=1"),
    ]
}


def page_of(cassette: dict[str, Any], name: str = "a.yaml") -> str:
    return conversation_page([(name, list(steps_of(cassette)))])


@pytest.mark.parametrize("amount", ["1e999999", "1e-999999", "1" * 5000, "NaN", "-Infinity", "x"])
def test_page_adds_up_no_amount_that_would_fill_it(amount: str) -> None:
    answer = said(content="Hi")
    answer["meta"]["usage"] = {"credits_used": amount, "usd_spent": amount}
    interactions = [exchange(FIRST, answer), exchange(FIRST, said(content="Hi"))]
    page = page_of({"interactions": interactions})
    assert len(page) < 60_000
    assert "9 credits · USD 0.25" in page


class Tags(HTMLParser):
    """Collects what a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.opened: list[tuple[str, dict[str, str | None]]] = []
        self.closed: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.closed.append(tag)


def test_page_shows_a_conversation_in_two_columns_with_everything_in_its_place() -> None:
    page = page_of(STORY)
    assert page.count('<div class="sent">') == page.count('<div class="received">') == 3
    assert "<summary>thought</summary>" in page
    assert 'result, sent in <a href="#c0-s2">step 2</a></h4>' in page
    assert "result of look" in page
    assert page.count("42 found") == 2
    assert "[image_url]" not in page
    assert "image_url: " in page
    assert "3 requests · 2,400 tokens in, 68 out · 25 credits · USD 0.50" in page
    assert "<dt>USD</dt><dd>0.25</dd>" in page
    assert '<pre class="body">q=1</pre>' in page
    assert '<pre class="body">plain</pre>' in page


def test_line_is_drawn_from_each_signature_to_where_it_went_back() -> None:
    page = page_of(STORY)
    [came] = re.findall(r'data-from="([^"]+)" title="8 characters"', page)
    assert re.findall(r'data-to="([^"$]+)"', page) == [came]
    assert 'went back in step <a href="#c0-s2">2</a>' in page
    assert "did not go back" in page


def test_signature_of_somebody_else_has_no_line() -> None:
    page = page_of({"interactions": [exchange(SECOND, said(content="x"))]})
    assert not re.findall(r'data-to="[^"$]+"', page)


def evil_cassette() -> dict[str, Any]:
    call = {"id": EVIL, "function": {"name": EVIL, "arguments": "{" + EVIL}}
    message = {
        "role": EVIL,
        "content": [{"type": "text", "text": EVIL}, {"type": EVIL, EVIL: EVIL}],
        "tool_calls": [call],
        "reasoning": EVIL,
        "extra_content": {"thought_signature": EVIL},
    }
    result = {"role": "tool", "tool_call_id": EVIL, "content": EVIL}
    interactions = [
        exchange([message], {"id": EVIL, **said(**message)}, uri=f"/chat/completions?{EVIL}"),
        exchange([message, result], EVIL.encode(), status=500),
    ]
    interactions[0]["response"]["provenance"] = {"kind": EVIL, "source": EVIL}
    return {"interactions": interactions}


def test_everything_that_a_cassette_says_is_escaped() -> None:
    page = page_of(evil_cassette(), EVIL)
    tags = Tags(page)
    assert [tag for tag, _ in tags.opened].count("script") == 1
    assert "alert(1)</script>" not in page
    assert not [name for _, attrs in tags.opened for name in attrs if name.startswith("on")]
    assert not re.findall("[\x00-\x08\x0e-\x1f\x7f\u202e]", page)
    void = {"meta", "img"}
    opened = sorted(tag for tag, _ in tags.opened if tag not in void)
    assert opened == sorted(tags.closed)


def test_page_loads_nothing() -> None:
    pictures = [PIXEL, "https://example.com/x.png", "data:image/svg+xml;base64,PHN2Zz4="]
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in pictures]
    page = page_of({"interactions": [exchange([{"role": "user", "content": parts}], said())]})
    tags = Tags(page)
    assert [attrs.get("src") for _, attrs in tags.opened if "src" in attrs] == [PIXEL]
    assert all(str(attrs["href"]).startswith("#") for _, attrs in tags.opened if "href" in attrs)
    assert "default-src &#x27;none&#x27;" in page or "default-src 'none'" in page
    assert "https://example.com/x.png" in page
    assert "data:image/svg+xml;base64, 34 characters" in page


def test_several_cassettes_are_one_page_with_a_list() -> None:
    steps = list(steps_of(STORY))
    page = conversation_page([("a.yaml", steps), ("b.yaml", steps)])
    assert '<a href="#c1">b.yaml</a>' in page
    assert "<title>2 cassettes</title>" in page


def test_amounts_that_are_none_are_not_added() -> None:
    assert total_text([]) == "0 requests"
    odd = said()
    odd["meta"] = {"usage": {"credits_used": "many", "usd_spent": "Infinity"}}
    odd["usage"] = {"prompt_tokens": True, "completion_tokens": "x"}
    [step] = steps_of({"interactions": [exchange(FIRST, odd)]})
    assert total_text([step]) == "1 request"
    assert isinstance(step, Step)


def test_command_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "out.html"
    assert main(["show", str(CHAT), "--html", str(page)]) == 0
    assert str(page) in capsys.readouterr().out
    assert f"{STORED}[V].yaml" in page.read_text("utf-8")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert main(["show", str(empty), "--html", str(tmp_path / "none.html")]) == 0
    assert not (tmp_path / "none.html").exists()


def test_terminal_gets_no_control_characters() -> None:
    shown = conversation_text(evil_cassette())
    assert not re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown)
    assert "\\x1b]52;c;AAAA\\x07\\u202e\\x00" in shown
    assert printable("a\tb\nc\ud800") == "a\tb\nc\\ud800"


def run_show(
    *arguments: str, pipe: str = "", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "langchain_aimlapi.testing", "show", *arguments]
    whole = f"set -o pipefail; {' '.join(map(_quoted, command))} {pipe}"
    return subprocess.run(
        ["bash", "-c", whole],
        capture_output=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **environment},
    )


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell with pipes")
def test_show_ends_well_when_nobody_reads_on(tmp_path: Path) -> None:
    lines = "".join(f"{number} {'x' * 80}\n" for number in range(24))
    cassette = {"version": 1, "interactions": [exchange(FIRST, said(content=lines))] * 60}
    path = tmp_path / "a.yaml"
    path.write_text(serialize(cassette), "utf-8")
    done = run_show(str(path), pipe="| head -n 1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().strip() == str(path)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell with pipes")
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_show_works_on_terminals_of_few_characters(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.yaml"
    cassette = {"version": 1, "interactions": [exchange(FIRST, said(content="Grüße, 東京"))]}
    path.write_text(serialize(cassette), "utf-8")
    done = run_show(str(path), PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\u6771" in done.stdout


CHROMIUM = next(filter(shutil.which, ("chromium", "chromium-browser", "google-chrome")), None)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here to look at the page with")
def test_browser_draws_the_lines_and_refuses_nothing(tmp_path: Path) -> None:
    page, picture = tmp_path / "page.html", tmp_path / "page.png"
    page.write_text(page_of(STORY), "utf-8")
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
    command = [
        str(CHROMIUM),
        *options,
        f"--user-data-dir={tmp_path / 'profile'}",
        "--enable-logging=stderr",
    ]
    drawn = subprocess.run(
        [*command, "--virtual-time-budget=2000", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert drawn.stdout.count("<path ") == 1
    assert drawn.stdout.count("<circle ") == 2
    assert "Content Security Policy" not in drawn.stderr
    subprocess.run(
        [*command, "--window-size=1180,900", f"--screenshot={picture}", page.as_uri()],
        capture_output=True,
        check=True,
        timeout=120,
    )
    assert picture.read_bytes().startswith(b"\x89PNG")
