"""The recording of all cassettes anew: into a stage first, into the project when all is well."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from langchain_aimlapi.testing._cli.index import index_text
from langchain_aimlapi.testing._cli.pytest_run import pytest_status
from langchain_aimlapi.testing._cli.verify import cassette_findings, cassette_paths
from langchain_aimlapi.testing._stage import cassette_folders, is_documented, opened_paths


class Outcome(NamedTuple):
    """What became of a recording: `problem` is empty when the new cassettes are in place."""

    problem: str
    written: list[Path]
    left: list[Path]


def recording(arguments: Sequence[str], *, root: Path, folder: Path | None, prune: bool) -> Outcome:
    """Record the project's tests anew and put the new cassettes in the place of the old.

    With `AIMLAPI_API_KEY` set the live endpoint answers, else a stand-in that is started here.
    The new cassettes are verified and replayed with the network blocked before the old ones
    are touched; documented ones never are.

    Args:
        arguments: Arguments of pytest: paths, `-m vcr`, ...
        root: The project's root.
        folder: The folder with all cassettes, for its index; None for all that there are.
        prune: Whether to delete cassettes in `folder` that no test opened.

    Returns:
        The outcome, with the cassettes written and those that no test opened.

    Raises:
        KeyboardInterrupt: interrupted; nothing was touched.
    """
    # Beside the old ones, so that each can be put in place by renaming it.
    with tempfile.TemporaryDirectory(prefix=".cassettes-", dir=root) as name, _answering() as env:
        stage = Path(name)
        problem = _recorded_problem(arguments, root=root, stage=stage, environment=env)
        if problem:
            return Outcome(problem, [], [])
        opened = opened_paths(stage)
        fresh = [path.relative_to(stage) for path in cassette_paths([stage])]
        before = [folder] if folder else cassette_folders(root)
        left = [path for path in _recorded(before, root) if path not in opened]
        with _undisturbed():
            _swap_in(fresh, stage=stage, root=root, backup=stage / ".old")
            for path in left if prune else []:
                (root / path).unlink()
            for place in [folder] if folder else cassette_folders(root):
                if place.is_dir():
                    (place / "README.md").write_text(index_text(place), "utf-8", newline="\n")
    return Outcome("", fresh, left)


def _recorded_problem(
    arguments: Sequence[str], *, root: Path, stage: Path, environment: dict[str, str]
) -> str:
    """Record, verify and replay in the stage; return what went wrong, or nothing."""
    for now_recording, step in ((True, "recording"), (False, "replaying what was recorded")):
        status = pytest_status(
            arguments, root=root, stage=stage, recording=now_recording, environment=environment
        )
        if status:
            return f"{step}: pytest ended with status {status}"
        findings = [
            str(finding)
            for path in cassette_paths([stage])
            for finding in cassette_findings(path, now=datetime.now(UTC))
        ]
        if findings:
            return "\n".join(["the new cassettes are not in order:", *findings])
    if not cassette_paths([stage]):
        return (
            "no test recorded anything; conftest.py needs "
            'pytest_plugins = ["langchain_aimlapi.testing"], tests need @pytest.mark.vcr'
        )
    return ""


@contextmanager
def _answering() -> Iterator[dict[str, str]]:
    """Yield the variables that tell the tests who answers: the live endpoint or a stand-in."""
    if os.environ.get("AIMLAPI_API_KEY"):
        yield {}
        return
    from langchain_aimlapi.testing.standin import StandIn  # noqa: PLC0415  # starlette, uvicorn

    with StandIn(seed="cassettes") as server:
        yield {
            "AIMLAPI_API_KEY": "stand-in-needs-no-real-key",
            "AIMLAPI_API_BASE": server.base_url,
        }


def _recorded(folders: list[Path], root: Path) -> list[Path]:
    paths = cassette_paths(folder for folder in folders if folder.is_dir())
    return [path.absolute().relative_to(root) for path in paths if not is_documented(path)]


def _swap_in(paths: list[Path], *, stage: Path, root: Path, backup: Path) -> None:
    done: list[Path] = []
    try:
        for path in paths:
            for folder in (root, backup):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
            if (root / path).exists():
                shutil.copy2(root / path, backup / path)
            done.append(path)
            (stage / path).replace(root / path)
    except OSError:
        for path in done:
            (root / path).unlink(missing_ok=True)
            if (backup / path).exists():
                (backup / path).replace(root / path)
        raise


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold back Ctrl-C and SIGTERM for the moment in which old and new would be mixed."""
    caught: list[int] = []
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.signal(kind, lambda number, _: caught.append(number)) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
        for number in caught:
            signal.raise_signal(signal.Signals(number))
