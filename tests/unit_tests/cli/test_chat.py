"""A conversation on the command line."""

from __future__ import annotations

import builtins
import io
import sys
from typing import TYPE_CHECKING

from langchain_aimlapi._cli.main import main
from tests.unit_tests.cli.terminal import Terminal

if TYPE_CHECKING:
    import pytest

    from langchain_aimlapi.testing.standin import StandIn


def type_lines(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def roles_and_texts(server: StandIn) -> list[list[tuple[str, str]]]:
    return [
        [(message["role"], message["content"]) for message in request.body["messages"]]
        for request in server.requests
    ]


def test_each_question_goes_with_what_was_said_before(
    live: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    live.answer_next("Oslo.", reasoning="Asked for a capital.")
    live.answer_next("Bergen.")
    type_lines(monkeypatch, "Capital?", "", "/thoughts", "And the next?", "/exit", "Unasked")
    assert main(["chat", "-s", "Be brief."]) == 0
    out, err = capsys.readouterr()
    assert out == "Oslo.\nBergen.\n"
    assert "[4 words of thoughts: /thoughts shows them]\nAsked for a capital." in err
    system, first = ("system", "Be brief."), ("user", "Capital?")
    assert roles_and_texts(live) == [
        [system, first],
        [system, first, ("assistant", "Oslo."), ("user", "And the next?")],
    ]


def test_a_failed_question_leaves_the_conversation_as_it_was(
    live: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    live.fail_next("status=401")
    type_lines(monkeypatch, "Lost?", "Kept?")
    assert main(["chat"]) == 0
    assert capsys.readouterr().err.startswith("error: 401")
    assert roles_and_texts(live)[-1] == [("user", "Kept?")]


def test_the_commands(
    live: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        "/thoughts",
        "/model",
        "/model gemini-3-7-flash",
        "/cost",
        "Hi",
        "/cost",
        "/help",
        "/nonsense",
    ]
    type_lines(monkeypatch, *lines)
    assert main(["chat", "-m", "google/gemini-3-flash-preview"]) == 0
    err = capsys.readouterr().err
    assert "no thoughts" in err
    assert "The model is google/gemini-3-flash-preview." in err
    assert "The model is google/gemini-3-7-flash." in err
    assert "Nothing so far." in err
    assert "google/gemini-3-7-flash: 427 credits ($0.00021), 1 tokens in, 71 out" in err
    assert err.count("Commands:") == 2
    assert "There is no /nonsense." in err
    assert live.requests[0].body["model"] == "google/gemini-3-7-flash"


def test_without_a_key_there_is_no_conversation(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat"]) == 2
    assert "AIMLAPI_API_KEY" in capsys.readouterr().err


def test_on_a_terminal_lines_are_asked_for_until_ctrl_d(
    live: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = iter(["", "Capital?"])

    def read(prompt: str) -> str:
        assert prompt == "> "
        try:
            return next(typed)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(builtins, "input", read)
    live.answer_next("Oslo.")
    assert main(["chat"]) == 0
    out, err = capsys.readouterr()
    assert out == "Oslo.\n"
    assert "/help" in err


def test_a_closed_input_is_an_empty_conversation(
    live: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["chat"]) == 0
    assert not live.requests


def test_a_terminal_whose_python_has_no_readline_does_without(
    live: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "readline", None)
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(builtins, "input", lambda _: "/exit")
    assert main(["chat"]) == 0
    assert not live.requests
