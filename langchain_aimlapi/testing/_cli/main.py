"""The command line: record, verify, show, scrub, index, serve."""

import argparse
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Literal, NoReturn

from langchain_aimlapi.testing._cli.index import index_text, write_index
from langchain_aimlapi.testing._cli.page import conversation_page
from langchain_aimlapi.testing._cli.pytest_run import pytest_status, status_text
from langchain_aimlapi.testing._cli.record import Outcome, recording
from langchain_aimlapi.testing._cli.show import conversation_text
from langchain_aimlapi.testing._cli.steps import Step, printable, steps_of
from langchain_aimlapi.testing._cli.unused import unused_cassettes
from langchain_aimlapi.testing._cli.verify import (
    Finding,
    cassette_findings,
    cassette_paths,
    summary,
)
from langchain_aimlapi.testing._extra import name_missing_extra
from langchain_aimlapi.testing._stage import found_folders, is_documented
from langchain_aimlapi.testing.serializer import cleaned_text, deserialize

_DEFAULT = "default: cassettes, or else all folders of that name below"
_DIALECTS: dict[str, Literal["O", "V"]] = {"openrouter": "O", "vertex": "V"}
_LAST_PORT = 65535
_KILLED = 128
"""What shells add to the number of the signal that ended a command."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Tell what is wrong in one line."""
        _tell_error(f"{message} (see {self.prog} --help)")
        self.exit(2)


def _tell_error(message: object) -> None:
    print(f"error: {message}", file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: As on the command line; None for those of this process.

    Returns:
        0 when all is well, 1 when something was found or failed, 2 on wrong use (raised as
        SystemExit by argparse, or returned for a path that does not exist), 130 on Ctrl-C,
        143 when it was told to end.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    # By hand: argparse's REMAINDER would take options of this command for pytest's.
    end = given.index("--") if "--" in given else len(given)
    parser = _parser()
    options, unknown = parser.parse_known_args(given[:end])
    if unknown:
        is_record = options.command is _record
        hint = " (what pytest is to get follows --: record tests -- -x)" if is_record else ""
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
    if vars(options).get("paths", ()) is None:
        parser.error("the following arguments are required: PATH")
    options.rest = given[end + 1 :]
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        with name_missing_extra(), _end_on_signals():
            status = command(options)
            # Here, where a closed pipe is still caught.
            sys.stdout.flush()
            return status
    except BrokenPipeError:
        # Whoever read along has seen enough; Python must not try to flush again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    # A path that is not there is a slip of the hand; other failures of the system are not.
    except FileNotFoundError as error:
        _tell_error(error)
        return 2
    except (ModuleNotFoundError, OSError, ValueError) as error:
        _tell_error(error)
        return 1
    except KeyboardInterrupt as interrupt:
        print("interrupted; the cassettes are as they were", file=sys.stderr)
        number = interrupt.args[0] if interrupt.args else signal.SIGINT
        return _KILLED + int(number)


@contextmanager
def _end_on_signals() -> Iterator[None]:
    """Let what ends a process end it as Ctrl-C does: tidied up, with nothing half done."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt(number)

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        names = []  # where no handler may be set
    before = {
        getattr(signal, name): signal.signal(getattr(signal, name), interrupt) for name in names
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _record(options: argparse.Namespace) -> int:
    tests = [str(test) for test in options.tests]
    # Whoever names a test means it, whether it is marked or opens its cassette itself.
    mark = options.mark or ("" if any("::" in test for test in tests) else "vcr")
    chosen = [*(["-m", mark] if mark else []), *(["-k", options.k] if options.k else [])]
    workers = ["-n", options.n] if options.n else []
    outcome = recording(
        [*tests, *chosen, *workers, *options.rest],
        root=Path.cwd(),
        folder=options.cassettes,
        prune=options.prune,
    )
    if outcome.problem:
        print(f"{outcome.problem}\nThe old cassettes are as they were.", file=sys.stderr)
        return 1
    for line in report(outcome, prune=options.prune):
        print(line)
    return 0


def report(outcome: Outcome, *, prune: bool) -> list[str]:
    """Return what is told of a recording that is in place, line by line.

    Args:
        outcome: The recording.
        prune: Whether cassettes that no test opened were deleted.
    """
    fate = "deleted" if prune else "unused"
    return [
        f"{len(outcome.written)} cassettes recorded, replayed and put in place.",
        *(f"{path}: {fate}: no test opened it" for path in outcome.unused),
        *(
            f"{page}: not touched: this command did not generate it"
            for page in outcome.foreign_pages
        ),
        *outcome.drift,
    ]


def _verify(options: argparse.Namespace) -> int:
    paths = cassette_paths(options.paths or found_folders(Path()))
    now = datetime.now(UTC)
    findings = [
        finding
        for path in paths
        for finding in cassette_findings(
            path, now=now, require_live=options.require_live, max_age=options.max_age
        )
    ]
    if options.tests:
        findings += _find_unused(paths, options.tests, options.mark)
    for finding in findings:
        print(finding)
    print(f"{len(paths)} cassettes, {len(findings)} findings; {summary(paths, now=now)}")
    return 1 if findings else 0


def _find_unused(paths: list[Path], tests: list[Path], mark: str) -> list[Finding]:
    """Replay the tests on copies of the cassettes; return those that none opened."""
    root = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        stage = Path(name)
        # Copies, since a test that goes on after a miss may write.
        inside = [path.absolute().relative_to(root) for path in paths if not is_documented(path)]
        for path in inside:
            (stage / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, stage / path)
        arguments = [*map(str, tests), "-m", mark]
        status = pytest_status(arguments, root=root, stage=stage, recording=False)
        unused = {*unused_cassettes(stage, root=root)}
    found = [Finding(path, "unused", "no test opened it") for path in inside if path in unused]
    if status:
        found.append(Finding(tests[0], "tests", status_text(status)))
    return found


def _show(options: argparse.Namespace) -> int:
    colour = options.color == "always" or (
        options.color == "auto" and sys.stdout.isatty() and "NO_COLOR" not in os.environ
    )

    pages: list[tuple[str, list[Step]]] = []

    def show(path: Path) -> bool:
        cassette = deserialize(path.read_text("utf-8"))
        if options.html:
            pages.append((str(path), list(steps_of(cassette))))
        else:
            text = conversation_text(cassette, colour=colour)
            _say(f"{printable(str(path))}\n{text}")
        return False

    status = _status_of_all(options.paths, show)
    if pages:
        page = conversation_page(pages)
        options.html.write_text(page, "utf-8", errors="backslashreplace", newline="\n")
        print(f"{options.html}: {len(pages)} cassettes, {len(page):,} characters")
    return status


def _say(text: str) -> None:
    """Print what a terminal of any encoding can show; the rest is written out."""
    encoding = sys.stdout.encoding or "ascii"
    print(text.encode(encoding, "backslashreplace").decode(encoding))


def _scrub(options: argparse.Namespace) -> int:
    def scrub_file(path: Path) -> bool:
        before = path.read_text("utf-8")
        after = cleaned_text(before)
        if before != after:
            print(f"{path}: {'would be rewritten' if options.check else 'rewritten'}")
        if before != after and not options.check:
            path.write_text(after, "utf-8", newline="\n")
        return bool(options.check) and before != after

    return _status_of_all(options.paths, scrub_file)


def _status_of_all(paths: list[Path], is_bad: Callable[[Path], bool]) -> int:
    """Go through all cassettes, also after one that is none; return 1 if one was bad."""
    bad = 0
    for path in cassette_paths(paths):
        try:
            bad += is_bad(path)
        except ValueError as error:
            print(f"{path}: {error}", file=sys.stderr)
            bad += 1
    return 1 if bad else 0


def _index(options: argparse.Namespace) -> int:
    stale = 0
    for folder in [options.folder] if options.folder else found_folders(Path()):
        page = folder / "README.md"
        if options.check:
            is_good = page.is_file() and page.read_text("utf-8") == index_text(folder)
        else:
            is_good = write_index(page)
        if not is_good:
            reason = "is not up to date" if options.check else "is not generated, so not touched"
            print(f"{page} {reason}")
        stale += not is_good
    return 1 if stale else 0


def _serve(options: argparse.Namespace) -> int:
    from langchain_aimlapi.testing.standin import serve

    try:
        serve(
            host=options.host,
            port=options.port,
            strict=options.strict,
            dialect=_DIALECTS.get(options.dialect),
            fault=options.fault,
        )
    except ValueError as error:  # the fault
        _tell_error(error)
        return 2
    except OSError as error:
        _tell_error(f"{options.host}:{options.port}: {error}")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m langchain_aimlapi.testing",
        description="Recorded-response testing: record, check and read cassettes.",
        epilog="Exit status: 0 all is well, 1 something was found or failed, 2 wrong use.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_record(commands.add_parser("record", help="record all cassettes anew, safely"))
    _add_verify(commands.add_parser("verify", help="look for secrets, gaps and stale answers"))
    show = commands.add_parser("show", help="print cassettes as conversations")
    _add_paths(show)
    show.add_argument("--html", type=Path, metavar="FILE", help="write one page to look at instead")
    show.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    show.set_defaults(command=_show)
    scrub = commands.add_parser("scrub", help="clean cassettes of another recorder, in place")
    _add_paths(scrub)
    scrub.add_argument("--check", action="store_true", help="write nothing; 1 if it would")
    scrub.set_defaults(command=_scrub)
    index = commands.add_parser("index", help="write the README.md that lists the cassettes")
    index.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help=_DEFAULT)
    index.add_argument("--check", action="store_true", help="write nothing; 1 if it is stale")
    index.set_defaults(command=_index)
    _add_serve(commands.add_parser("serve", help="run the stand-in server; prints its base URL"))
    return parser


def _add_paths(parser: argparse.ArgumentParser) -> None:
    paths = parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    # argparse would tell of missing paths before it tells of the misspelt option that ate them.
    paths.required = False


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Run the stand-in for AI/ML API until Ctrl-C. Prints its base URL, what to export for "
        "an app to find it, and a line for each request."
    )
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: 127.0.0.1)")
    parser.add_argument("--port", type=_port, default=0, help="0 to 65535 (default 0: a free one)")
    parser.add_argument(
        "--strict", action="store_true", help="refuse histories that Gemini would refuse"
    )
    parser.add_argument(
        "--dialect", choices=sorted(_DIALECTS), help="whose answers (default: the model's own)"
    )
    parser.add_argument(
        "--fault",
        default="",
        metavar="FAULT",
        help="misbehave at each request, as the header x-standin-fault says: "
        "'status=429;retry-after=1', cut, stall, html, latency=0.5, ...",
    )
    parser.set_defaults(command=_serve)


def _add_record(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Record the project's tests from the live endpoint (with AIMLAPI_API_KEY set) or from "
        "a stand-in (without), verify and replay the result, then put it in place. "
        "What follows -- goes to pytest."
    )
    parser.add_argument("tests", nargs="*", metavar="TEST", help="files, folders, FILE::TEST")
    parser.add_argument(
        "-k", metavar="EXPRESSION", help="only tests whose names match, as pytest's"
    )
    parser.add_argument("-n", metavar="WORKERS", help="in that many processes (pytest-xdist)")
    parser.add_argument("--mark", help="which tests (default: vcr, or those that are named)")
    parser.add_argument("--cassettes", type=Path, metavar="FOLDER", help=_DEFAULT)
    parser.add_argument("--prune", action="store_true", help="delete those that no test owns")
    parser.set_defaults(command=_record)


def _add_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help=_DEFAULT)
    parser.add_argument("--require-live", action="store_true", help="only live and documented")
    parser.add_argument(
        "--max-age", type=_days, metavar="DAYS", help="older live ones are stale: 90, 90d, 12w"
    )
    parser.add_argument("--tests", nargs="+", type=Path, help="replay these to find unused ones")
    parser.add_argument("--mark", default="vcr", help="which tests (default: vcr)")
    parser.set_defaults(command=_verify)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to {_LAST_PORT}")
    return int(text)


def _days(text: str) -> int:
    found = re.fullmatch(r"([0-9]+)\s*(d|days?|w|weeks?)?", text.strip())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no age: 90, 90d or 12w")
    return int(found[1]) * (7 if (found[2] or "").startswith("w") else 1)
