"""The command line's exit status, and its one line per error."""

from __future__ import annotations

import io
import logging
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from langchain_aimlapi import __main__ as door
from langchain_aimlapi._cli import main as command_line
from langchain_aimlapi._cli.main import main
from tests.unit_tests.cli.terminal import Terminal
from tests.unit_tests.cli.test_ask import CAPITAL, DOCUMENTED_ANSWER

if TYPE_CHECKING:
    from langchain_aimlapi.testing.standin import StandIn


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["What is it?", "--image", "nowhere.png"], "nowhere.png"),
        (["What is it?", "--image", "."], "Is a directory: ."),
        ([CAPITAL, "--base-url", "nonsense"], "nonsense"),
    ],
)
def test_what_cannot_be_asked_is_one_line_and_status_2(
    live: StandIn, capsys: pytest.CaptureFixture[str], arguments: list[str], named: str
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert named in line
    for word in ("pydantic", "validation error", "Value error", "usage:"):
        assert word not in line
    assert not live.requests


@pytest.mark.parametrize("command", [[], ["chat"]])
@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])  # of UTF-8 and of C locales
def test_piped_bytes_that_are_no_text_are_told_not_sent(
    live: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    errors: str,
) -> None:
    piped = io.TextIOWrapper(io.BytesIO(b"caf\xe9\n"), encoding="utf-8", errors=errors)
    monkeypatch.setattr(sys, "stdin", piped)
    assert main(command) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: standard input is not utf-8 text (byte 0xe9): convert it first")
    assert len(err.splitlines()) == 1
    assert not live.requests


def test_an_error_of_the_api_is_one_line_and_status_1(
    live: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    live.fail_next("status=401")
    assert main(["Hello"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: 401")
    assert "AIMLAPI_API_KEY" in line


def test_an_error_within_an_answer_stands_on_a_line_of_its_own(
    live: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    live.answer_next("Oslo is the capital of Norway.")
    live.fail_next("error-event;after=8")
    assert main([CAPITAL]) == 1
    out, err = capsys.readouterr()
    assert out.endswith("\n")
    assert err.splitlines()[-1].startswith("error: ")


def test_retries_are_told(live: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("langchain_aimlapi")
    before = (logger.level, list(logger.handlers))
    live.fail_next("status=503; retry-after=0")
    live.answer_next("Oslo.")
    assert main([CAPITAL]) == 0
    out, err = capsys.readouterr()
    assert out == "Oslo.\n"
    assert err.startswith("retrying in 0.00 s after AIMLAPIServerError (status 503)")
    assert (logger.level, list(logger.handlers)) == before


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(["--nonsense"], "--nonsense"), (["a", "b"], "b"), (["chat", "--image", "x"], "--image")],
)
def test_bad_usage_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], named: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert named in line
    assert "--help" in line


@pytest.mark.parametrize("command", [[], *([name] for name in command_line.COMMANDS)])
def test_every_command_has_a_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith(" ".join(["usage: langchain-aimlapi", *command]))
    assert command or set(command_line.COMMANDS) <= set(shown.split())


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert re.fullmatch(r"langchain-aimlapi \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)


class Broken(io.StringIO):
    """Standard output on which writing the answer fails."""

    def __init__(self, failure: BaseException) -> None:
        super().__init__()
        self.failure = failure

    def write(self, text: str) -> int:
        if "Oslo" in text:
            raise self.failure
        return super().write(text)


@pytest.mark.parametrize(
    ("failure", "status"),
    [(KeyboardInterrupt(), 130), (OSError(28, "No space left on device"), 1)],
)
def test_ctrl_c_and_a_full_output_end_without_a_traceback(
    live: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    failure: BaseException,
    status: int,
) -> None:
    live.answer_next("Oslo.")
    monkeypatch.setattr(sys, "stdout", Broken(failure))
    assert main([CAPITAL, "--quiet"]) == status
    assert len(capsys.readouterr().err.splitlines()) == (status == 1)


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


def test_closed_streams_are_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", None)
        assert main(["Hello"]) == 0
    assert DOCUMENTED_ANSWER in capsys.readouterr().out
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["Hello"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "standard output is closed" in line


def test_ctrl_c_while_it_is_being_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "main", interrupted)
    assert door.main() == 130


def run(arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f'exec "$0" -m langchain_aimlapi {arguments}', sys.executable],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **more},
    )


def test_it_runs_as_a_module() -> None:
    done = run("Hello", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout) == (0, f"{DOCUMENTED_ANSWER}\n"), done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_a_full_output_is_one_line() -> None:
    done = run("Hello --quiet >/dev/full")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: cannot write the answer")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([CAPITAL, "--base-url", "nonsense"], "--base-url='nonsense' must start with"),
        ([CAPITAL], "AIMLAPI_API_BASE='nonsense' must start"),
        (["balance"], "AIMLAPI_API_BASE='nonsense' must start"),
        ([CAPITAL], "AIMLAPI_API_KEY begins with a scheme"),
        ([CAPITAL, "-m", ""], "--model is empty"),
        (["chat", "-m", ""], "--model is empty"),
        ([CAPITAL, "--reasoning-effort", "hihg"], "--reasoning-effort='hihg' is not a known"),
    ],
)
def test_an_error_names_what_the_command_line_takes(
    live: StandIn,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    variable = re.match("(AIMLAPI_[A-Z_]*)(?:='(.*?)')?", said)
    if variable is not None:
        monkeypatch.setenv(variable[1], variable[2] or "Bearer x")
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith(f"error: {said}")
    assert not live.requests


@pytest.mark.parametrize("number", ["0", "-5", "x", "1.5"])
def test_a_limit_is_a_whole_number(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([CAPITAL, "--max-tokens", number])
    assert f"--max-tokens: {number!r} is not a whole number of 1 or more" in capsys.readouterr().err


def test_a_question_without_quotes_is_told_how_it_is_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["What", "is", "it?", "-q"])
    assert "put it in quotes: langchain-aimlapi 'What is it?'" in capsys.readouterr().err


def test_a_warning_is_a_line_of_its_own(live: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    live.answer_next("Oslo.")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert main([CAPITAL, "--reasoning-effort", "ultra", "-q"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: reasoning_effort='ultra' is not one of")


def test_help_fits_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = capsys.readouterr().out.partition("\n  chat  ")[0]
    assert max(map(len, listed.splitlines())) <= 60


def test_ctrl_c_ends_the_line_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "_run", interrupted)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    assert main(["chat"]) == 130
    assert terminal.getvalue() == "\n"
