"""The command line's parser and its exit status.

A first word that is a command runs it; anything else is a question. Exit status: 0; 1 on an error
of the API or of the output; 2 on bad usage; 130 on Ctrl-C.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import re
import shlex
import shutil
import sys
import textwrap
import warnings
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

from langchain_aimlapi._cli import screen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Name: what the module of that name does. Each has `add_options(parser)` and `run(options)`, which
# returns the exit status.
COMMANDS = {
    "chat": "hold a conversation",
    "models": "list the models, with --live those of today and their prices",
    "balance": "tell what is left on the account",
    "usage": "tell what the key was charged",
    "logs": "list the requests of the key",
    "doctor": "check what this package assumes of the endpoint",
}
_PROGRAM = "langchain-aimlapi"
_ABOUT = (
    "Ask Gemini 3 through AI/ML API. The answer goes to standard output, all else to standard "
    "error. The key is read from AIMLAPI_API_KEY; without it, only the documented request `Hello` "
    "is answered, from the documentation."
)
_COMMANDS_HEAD = (
    f"commands (`{_PROGRAM} COMMAND --help` tells more; a question that is one of these words "
    "stands behind `--`):"
)
# How the command line spells settings that an error begins with.
_SPELLINGS = {
    "api_key": "AIMLAPI_API_KEY",
    "base_url": "AIMLAPI_API_BASE",
    "model": "--model",
    "reasoning_effort": "--reasoning-effort",
    "tz": "--tz",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: What stands behind the command's name; by default that of this process.

    Returns:
        The exit status.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    # Under pythonw, or with `>&-`, Python has no stream at all.
    if (sys.stdout or None) is None:
        screen.error("standard output is closed, so there is no place for the answer")
        return 1
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="strict")  # bytes that are no text are told, not sent
    try:
        status = _run(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        screen.interrupted()
        return 130
    except BrokenPipeError:  # the reader, `head` say, has what it wanted
        _silence()
        return 0
    except OSError as failure:
        screen.error(f"cannot write the answer: {failure}")
        _silence()
        return 1
    return status


def _run(words: list[str]) -> int:
    # By hand and not with subparsers, which would take each first word of a question for a command.
    name = words[0] if words and words[0] in COMMANDS else "ask"
    module = import_module(f"langchain_aimlapi._cli.{name}")
    parser = _parser(name)
    module.add_options(parser)
    options, rest = parser.parse_known_args(words if name == "ask" else words[1:])
    # Parsed leniently first, so that a question without quotes is told as such, not as
    # "unrecognized".
    if rest:
        parser.error(_words_left_over(options, rest))
    # After the arguments are read: a misspelt option is told without loading the package.
    from langchain_aimlapi.errors import AIMLAPIError

    try:
        with _log_retries(), _warnings_told():
            return int(module.run(options))
    except AIMLAPIError as failure:
        screen.error(str(failure))
        return 1
    except (FileNotFoundError, PermissionError, IsADirectoryError) as failure:
        screen.error(f"{failure.strerror}: {failure.filename}")
        return 2
    except UnicodeDecodeError as failure:
        byte = failure.object[failure.start]
        screen.error(
            f"standard input is not {failure.encoding} text (byte {byte:#x}): convert it first, "
            "for example with iconv; a picture goes with --image."
        )
        return 2
    except ValueError as failure:
        screen.error(_words_of(failure, options))
        return 2


def _words_left_over(options: argparse.Namespace, rest: list[str]) -> str:
    prompt = getattr(options, "prompt", None)
    if prompt is None or any(word.startswith("-") for word in rest):
        return f"unrecognized arguments: {' '.join(rest)}"
    question = shlex.quote(" ".join([prompt, *rest]))
    return f"the question is one argument, so put it in quotes: {_PROGRAM} {question}"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Tell what is wrong in one line."""
        screen.error(f"{message} (see {self.prog} --help)")
        self.exit(2)


def _parser(name: str) -> argparse.ArgumentParser:
    if name != "ask":
        return _Parser(prog=f"{_PROGRAM} {name}", description=f"{COMMANDS[name].capitalize()}.")
    listed = "\n".join(f"  {command:<10}{about}" for command, about in COMMANDS.items())
    return _Parser(
        prog=_PROGRAM,
        description=textwrap.fill(_ABOUT, width := shutil.get_terminal_size().columns - 2),
        epilog=f"{textwrap.fill(_COMMANDS_HEAD, width)}\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


@contextmanager
def _log_retries() -> Iterator[None]:
    """Show the log's lines about retries."""
    logger = logging.getLogger("langchain_aimlapi")
    handler, level = _ToScreen(logging.INFO), logger.level
    logger.addHandler(handler)
    # A wait of seconds without a word looks like a hang.
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@contextmanager
def _warnings_told() -> Iterator[None]:
    """Show warnings as lines of their own, without the place in our code that they come from."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        screen.line(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


class _ToScreen(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        screen.line(record.getMessage())


def _words_of(failure: ValueError, options: argparse.Namespace) -> str:
    """Return an error's own words, with the names of the command line; pydantic wraps them."""
    details = getattr(failure, "errors", None)
    said = [detail["msg"] for detail in details()] if callable(details) else [str(failure)]
    spellings = _SPELLINGS | ({"base_url": "--base-url"} if vars(options).get("base_url") else {})
    return "; ".join(
        re.sub(
            r"^(Value error, )?(\w*)",
            lambda found: spellings.get(found[2], found[2]),
            words,
        )
        for words in said
    )


def _silence() -> None:
    """Let nothing be written when the interpreter ends."""
    with suppress(AttributeError, OSError, io.UnsupportedOperation):
        # The interpreter flushes standard output at its end, and would report the closed pipe once
        # more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
