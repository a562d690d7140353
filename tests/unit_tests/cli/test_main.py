from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest
from langchain_core.messages import AIMessage

from langchain_aimlapi._cli import demo as _demo
from langchain_aimlapi._cli.main import _figures, main
from langchain_aimlapi.testing.standin import StandIn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENTED_ANSWER = "Hello! How can I help you today?"
# The smallest PNG: signature and header of one grey pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A command line with a key, whose endpoint is the stand-in."""
    with StandIn() as server:
        monkeypatch.setenv("AIMLAPI_API_KEY", "key")
        monkeypatch.setenv("AIMLAPI_API_BASE", server.base_url)
        yield server


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_without_a_key_the_documented_request_is_answered_from_the_documentation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["Hello"]) == 0
    shown = capsys.readouterr().out
    first, rest = shown.split("\n", 1)
    assert "documented answer" in first
    assert "not a live one" in first
    assert "AIMLAPI_API_KEY" in first
    assert "**Greeting Initial Response**" in rest
    assert DOCUMENTED_ANSWER in rest
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
    ],
)
def test_without_a_key_no_other_request_is_answered(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "no API key" in err
    assert "AIMLAPI_API_KEY" in err


def test_without_a_key_options_that_do_not_change_the_request_are_fine(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["Hello", "--no-stream", "--model", _demo.DOCUMENTED_MODEL]) == 0
    assert DOCUMENTED_ANSWER in capsys.readouterr().out


def test_json_prints_the_whole_message_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["Hello", "--json"]) == 0
    out, err = capsys.readouterr()
    message = json.loads(out)
    assert message["content"] == DOCUMENTED_ANSWER
    assert message["usage_metadata"]["output_token_details"]["reasoning"] == 149
    assert len(message["additional_kwargs"]["reasoning_details"]) == 2
    assert "documented answer" in err


def test_the_endpoint_of_the_demo_answers_the_documented_request_only() -> None:
    with _demo.documented_endpoint() as base_url:
        request = urllib.request.Request(
            f"{base_url}/chat/completions", data=b'{"model": "other", "messages": []}'
        )
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request)
    with caught.value as answer:
        assert answer.code == 404


def test_a_missing_cassette_is_an_error_that_names_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(_demo, "_FOLDERS", (tmp_path,))
    with (
        pytest.raises(FileNotFoundError, match=r"gemini-3-pro-preview\.yaml"),
        _demo.documented_endpoint(),
    ):
        pass


def test_with_a_key_the_answer_is_streamed_from_the_endpoint(
    live: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    live.answer_next("Oslo.", reasoning="Asked for a capital.")
    assert main(["What is the capital of Norway?", "--system", "Be brief."]) == 0
    shown = capsys.readouterr().out
    assert shown.index("Asked for a capital.") < shown.index("Oslo.")
    assert "\x1b" not in shown
    assert re.search(r"tokens: \d+ in, \d+ out \(\d+ reasoning\)", shown)
    assert re.search(r"cost: \d+ credits \(\$[\d.]+\)", shown)
    assert "inference_id" in shown
    (request,) = live.requests
    assert request.body["stream"] is True
    assert request.body["model"] == "google/gemini-3-flash-preview"
    assert [message["role"] for message in request.body["messages"]] == ["system", "user"]


def test_options_reach_the_request(live: StandIn, tmp_path: Path) -> None:
    picture = tmp_path / "dot.png"
    picture.write_bytes(PNG)
    images = ["--image", str(picture), "--image", "https://example.com/cat.png"]
    options = ["--model", "gemini-3-7-flash", "--reasoning-effort", "low", "--max-tokens", "64"]
    assert main(["What is it?", *images, *options, "--no-stream"]) == 0
    (request,) = live.requests
    assert "stream" not in request.body
    assert request.body["model"] == "google/gemini-3-7-flash"
    assert request.body["reasoning_effort"] == "low"
    assert request.body["max_tokens"] == 64
    kinds = [part["type"] for part in request.body["messages"][0]["content"]]
    assert kinds == ["text", "image_url", "image_url"]


def test_on_a_terminal_reasoning_is_dimmed_and_nothing_stays_so(
    live: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    live.answer_next("Oslo.", reasoning="Asked for a capital.")
    assert main(["What is the capital of Norway?"]) == 0
    shown = terminal.getvalue()
    assert shown.index("\x1b[2m") < shown.index("Asked")
    assert shown.index("\x1b[0m") < shown.index("Oslo.")


def test_the_prompt_comes_from_standard_input(
    live: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("What is the capital of Norway?\n"))
    assert main([]) == 0
    assert live.requests[0].body["messages"][0]["content"] == "What is the capital of Norway?"


@pytest.mark.parametrize("stdin", [io.StringIO("  \n"), Terminal()])
def test_no_prompt_at_all_is_bad_usage(
    stdin: io.StringIO, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    assert main([]) == 2
    assert "no prompt" in capsys.readouterr().err


def test_a_picture_that_is_not_there_is_bad_usage(
    live: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["What is it?", "--image", "nowhere.png"]) == 2
    assert "nowhere.png" in capsys.readouterr().err
    assert not live.requests


def test_an_error_of_the_api_is_one_line_and_status_1(
    live: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    live.fail_next("status=401")
    assert main(["Hello"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: 401")
    assert "AIMLAPI_API_KEY" in line


def test_nothing_is_told_of_tokens_or_cost_that_did_not_arrive() -> None:
    assert list(_figures(AIMessage("Oslo.", response_metadata={"id": "gen-1"}))) == [
        "ids: id gen-1"
    ]


def test_unknown_options_are_bad_usage() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--nonsense"])
    assert caught.value.code == 2


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert re.fullmatch(r"langchain-aimlapi \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)


def test_ctrl_c_ends_with_130(live: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(io.StringIO):
        def write(self, text: str) -> int:
            if "Oslo" in text:
                raise KeyboardInterrupt
            return super().write(text)

    live.answer_next("Oslo.")
    monkeypatch.setattr(sys, "stdout", Interrupted())
    assert main(["What is the capital of Norway?"]) == 130


@pytest.mark.parametrize("options", [["--json"], []])
def test_a_reader_that_leaves_early_is_no_error(
    options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        assert main(["Hello", *options]) == 0
    assert "BrokenPipe" not in capsys.readouterr().err


def test_it_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "langchain_aimlapi", "Hello"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert DOCUMENTED_ANSWER in done.stdout
