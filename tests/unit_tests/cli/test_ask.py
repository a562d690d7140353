"""One question: the answer alone on standard output, all else on standard error."""

from __future__ import annotations

import io
import json
import re
import sys
from typing import TYPE_CHECKING

import pytest
from langchain_core.messages import AIMessage

from langchain_aimlapi._cli import demo
from langchain_aimlapi._cli.main import main
from langchain_aimlapi._cli.screen import figures
from tests.unit_tests.cli.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from langchain_aimlapi.testing.standin import StandIn

DOCUMENTED_ANSWER = "Hello! How can I help you today?"
# The smallest PNG: signature and header of one grey pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)
CAPITAL = "What is the capital of Norway?"


def test_without_a_key_the_documented_request_is_answered_from_the_documentation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["Hello"]) == 0
    out, err = capsys.readouterr()
    assert out == f"{DOCUMENTED_ANSWER}\n"
    first, rest = err.split("\n", 1)
    assert "documented answer" in first
    assert "not a live one" in first
    assert "AIMLAPI_API_KEY" in first
    assert "**Greeting Initial Response**" in rest
    assert "2 in, 158 out (149 reasoning), 0 cached" in rest
    assert "4211 credits ($0.0021055, derived" in rest
    assert "gen-1763566638-cisWU4XUfAZASsAfmDrg" in rest
    assert "client_request_id" in rest


@pytest.mark.parametrize(
    "arguments",
    [
        ["Hello there"],
        ["Hello", "--system", "Be brief."],
        ["Hello", "--image", "https://example.com/cat.png"],
        ["Hello", "--reasoning-effort", "low"],
        ["Hello", "--max-tokens", "5"],
        ["Hello", "--model", "google/gemini-3-flash-preview"],
        ["Hello", "--base-url", "http://127.0.0.1:9/v1"],
    ],
)
def test_without_a_key_no_other_request_is_answered(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert "no API key" in line
    assert "AIMLAPI_API_KEY" in line
    assert "langchain_aimlapi.testing serve" in line


def test_without_a_key_options_that_do_not_change_the_request_are_fine(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["Hello", "--no-stream", "--quiet", "--model", demo.DOCUMENTED_MODEL]) == 0
    assert capsys.readouterr() == (f"{DOCUMENTED_ANSWER}\n", "")


def test_json_prints_the_whole_message_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["Hello", "--json"]) == 0
    out, err = capsys.readouterr()
    message = json.loads(out)
    assert message["content"] == DOCUMENTED_ANSWER
    assert message["usage_metadata"]["output_token_details"]["reasoning"] == 149
    assert len(message["additional_kwargs"]["reasoning_details"]) == 2
    assert "documented answer" in err


def test_the_endpoint_of_the_demo_answers_the_documented_request_only() -> None:
    with demo.documented_client() as client:
        answer = client.post("https://api.aimlapi.com/v1/chat/completions", json={"model": "other"})
    assert answer.status_code == 404


def test_a_missing_cassette_is_an_error_that_names_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(demo, "_FOLDERS", (tmp_path,))
    with pytest.raises(FileNotFoundError, match=r"gemini-3-pro-preview\.yaml"):
        demo.documented_client()


def test_with_a_key_the_answer_is_streamed_from_the_endpoint(
    live: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    live.answer_next("Oslo.", reasoning="Asked for a capital.")
    assert main([CAPITAL, "-s", "Be brief."]) == 0
    out, err = capsys.readouterr()
    assert out == "Oslo.\n"
    assert "\x1b" not in err
    assert err.startswith("Asked for a capital.\n\n")
    assert re.search(r"tokens: \d+ in, \d+ out \(\d+ reasoning\)", err)
    assert re.search(r"cost: \d+ credits \(\$[\d.]+\)", err)
    assert "inference_id" in err
    (request,) = live.requests
    assert request.body["stream"] is True
    assert request.body["model"] == "google/gemini-3-flash-preview"
    assert [message["role"] for message in request.body["messages"]] == ["system", "user"]


@pytest.mark.parametrize(
    ("options", "has_thoughts", "has_figures"),
    [
        ([], True, True),
        (["--no-reasoning"], False, True),
        (["--quiet"], False, False),
        (["-q", "--usage"], False, True),
    ],
)
def test_what_is_shown_beside_the_answer(
    live: StandIn,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    *,
    has_thoughts: bool,
    has_figures: bool,
) -> None:
    live.answer_next("Oslo.\n", reasoning="Asked for a capital.\n\n")
    assert main([CAPITAL, *options]) == 0
    out, err = capsys.readouterr()
    assert out == "Oslo.\n"
    assert ("Asked for a capital.\n\ntokens" in err) is (has_thoughts and has_figures)
    assert ("tokens:" in err) is has_figures
    assert has_thoughts or "Asked" not in err


def test_options_reach_the_request(live: StandIn, tmp_path: Path) -> None:
    picture = tmp_path / "dot.png"
    picture.write_bytes(PNG)
    images = ["-i", str(picture), "--image", "https://example.com/cat.png"]
    options = ["-m", "gemini-3-7-flash", "--reasoning-effort", "low", "--max-tokens", "64"]
    assert main(["What is it?", *images, *options, "--no-stream"]) == 0
    (request,) = live.requests
    assert "stream" not in request.body
    assert request.body["model"] == "google/gemini-3-7-flash"
    assert request.body["reasoning_effort"] == "low"
    assert request.body["max_tokens"] == 64
    kinds = [part["type"] for part in request.body["messages"][0]["content"]]
    assert kinds == ["text", "image_url", "image_url"]


def test_another_address_can_be_named(live: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIMLAPI_API_BASE")
    assert main([CAPITAL, "--base-url", live.base_url]) == 0
    assert len(live.requests) == 1


@pytest.mark.parametrize(
    ("variables", "has_escapes"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_thoughts_are_dimmed_on_a_terminal_that_has_styles(
    live: StandIn, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], *, has_escapes: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    out, err = Terminal(), Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    live.answer_next("Oslo.", reasoning="Asked for a capital.")
    assert main([CAPITAL]) == 0
    assert out.getvalue() == "Oslo.\n"
    assert ("\x1b[2mAsked" in err.getvalue()) is has_escapes
    assert ("\x1b" in err.getvalue()) is has_escapes


def test_escapes_in_an_answer_do_not_reach_a_terminal(
    live: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        live.answer_next("\x1b]52;c;aGk=\x07Oslo")
    assert main([CAPITAL]) == 0
    assert capsys.readouterr().out == "\x1b]52;c;aGk=\x07Oslo\n"
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main([CAPITAL]) == 0
    assert "\x1b" not in terminal.getvalue()
    assert "Oslo" in terminal.getvalue()


@pytest.mark.parametrize(
    ("given", "piped", "asked"),
    [
        ([], f"{CAPITAL}\n", CAPITAL),
        (["Summarise"], "# Notes\nall of them\n", "Summarise\n\n# Notes\nall of them"),
        (["Summarise"], " \n", "Summarise"),
        ([""], "# Notes", "# Notes"),
        (["  "], "# Notes", "# Notes"),
        (["--", "chat"], "", "chat"),
    ],
)
def test_what_is_piped_in_is_joined_to_the_question(
    live: StandIn, monkeypatch: pytest.MonkeyPatch, given: list[str], piped: str, asked: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(piped))
    assert main(given) == 0
    assert live.requests[0].body["messages"][0]["content"] == asked


@pytest.mark.parametrize("given", [[], [""], [" \n "]])
@pytest.mark.parametrize("stdin", [io.StringIO("  \n"), Terminal(), None])
def test_no_question_at_all_is_bad_usage(
    stdin: io.StringIO | None,
    given: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    assert main(given) == 2
    assert capsys.readouterr().err.startswith("error: no question")


def test_an_answer_cut_by_the_limit_says_so(
    live: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    live.answer_next("Oslo is", finish_reason="length")
    assert main([CAPITAL]) == 0
    out, err = capsys.readouterr()
    assert out == "Oslo is\n"
    assert "cut off" in err
    assert "--max-tokens" in err


def test_nothing_is_told_of_tokens_or_cost_that_did_not_arrive() -> None:
    assert list(figures(AIMessage("Oslo.", response_metadata={"id": "gen-1"}))) == ["ids: id gen-1"]
