"""The command line's parser and its exit status.

A first word that is a command runs it; anything else is a question. Exit status: 0; 1 on an error
of the API or of the output; 2 on bad usage; 130 on Ctrl-C.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: What stands behind the command's name; by default that of this process.

    Returns:
        The exit status.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if (sys.stdout or None) is None:
        screen.error("standard output is closed, so there is no place for the answer")
        return 1
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8
    try:
        status = _run(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
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
    name = words[0] if words and words[0] in COMMANDS else "ask"
    module = import_module(f"langchain_aimlapi._cli.{name}")
    parser = _parser(name)
    module.add_options(parser)
    options = parser.parse_args(words if name == "ask" else words[1:])
    from langchain_aimlapi.errors import AIMLAPIError

    try:
        with _retries_told():
            return int(module.run(options))
    except AIMLAPIError as failure:
        screen.error(str(failure))
        return 1
    except (FileNotFoundError, PermissionError, IsADirectoryError) as failure:
        screen.error(f"{failure.strerror}: {failure.filename}")
        return 2
    except ValueError as failure:
        screen.error(_words_of(failure))
        return 2


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
        description=_ABOUT,
        epilog=f"commands (`{_PROGRAM} COMMAND --help` tells more; a question that is one of these "
        f"words stands behind `--`):\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


@contextmanager
def _retries_told() -> Iterator[None]:
    """Show the log's lines about retries."""
    logger = logging.getLogger("langchain_aimlapi")
    handler, level = _ToScreen(logging.INFO), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


class _ToScreen(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        screen.line(record.getMessage())


def _words_of(failure: ValueError) -> str:
    """Return an error's own words; pydantic wraps them into its own."""
    if not callable(details := getattr(failure, "errors", None)):
        return str(failure)
    return "; ".join(
        f"{'.'.join(map(str, detail['loc']))}: {detail['msg'].removeprefix('Value error, ')}"
        for detail in details()
    )


def _silence() -> None:
    """Let nothing be written when the interpreter ends."""
    with suppress(AttributeError, OSError, io.UnsupportedOperation):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
