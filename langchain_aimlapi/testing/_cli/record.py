"""The recording of all cassettes anew: into a stage first, into the project when all is well."""

import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from langchain_aimlapi.testing._cli.drift import drift_report, shape_of
from langchain_aimlapi.testing._cli.index import write_index
from langchain_aimlapi.testing._cli.pytest_run import pytest_status, status_text
from langchain_aimlapi.testing._cli.unused import unused_cassettes
from langchain_aimlapi.testing._cli.verify import cassette_findings, cassette_paths
from langchain_aimlapi.testing._endpoint import given_endpoint
from langchain_aimlapi.testing._stage import cassette_folders


@dataclass
class Outcome:
    """What became of a recording: `problem` is empty when the new cassettes are in place."""

    problem: str = ""
    written: list[Path] = field(default_factory=list)
    unused: list[Path] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)
    foreign_pages: list[Path] = field(default_factory=list)


def recording(arguments: Sequence[str], *, root: Path, folder: Path | None, prune: bool) -> Outcome:
    """Record the project's tests anew and put the new cassettes in the place of the old.

    With `AIMLAPI_API_KEY` set the live endpoint answers, else a stand-in that the tests start.
    The new cassettes are verified and replayed with the network blocked, without a key, before
    the old ones are touched; documented ones never are.

    Args:
        arguments: Arguments of pytest: paths, `-m vcr`, ...
        root: The project's root.
        folder: The folder with all cassettes, for its index; None for all that there are.
        prune: Whether to delete cassettes that no test owns any more.

    Returns:
        The outcome: the cassettes written, those that no test owns, what changed in the shape
        of the live answers, and README.md files that are somebody else's.

    Raises:
        KeyboardInterrupt: interrupted; nothing was touched.
    """
    # Beside the old ones, so that each can be put in place by renaming it.
    with tempfile.TemporaryDirectory(prefix=".cassettes-", dir=root) as name:
        stage = Path(name)
        problem = _recording_problem(arguments, root=root, stage=stage)
        if problem:
            return Outcome(problem)
        fresh = [path.relative_to(stage) for path in cassette_paths([stage])]
        outcome = Outcome(written=fresh, unused=unused_cassettes(stage, root=root))
        # Only the live endpoint drifts: a stand-in's answers change with this package alone.
        if given_endpoint().api_key:
            before = shape_of(root / path for path in fresh)
            outcome.drift = drift_report(before, shape_of(stage / path for path in fresh))
        with _hold_signals_back():
            _swap_in(fresh, stage=stage, root=root, backup=stage / ".old")
            for path in outcome.unused if prune else []:
                (root / path).unlink()
            places = [folder] if folder else cassette_folders(root)
            pages = [place / "README.md" for place in places if place.is_dir()]
            outcome.foreign_pages = [page for page in pages if not write_index(page)]
    return outcome


def _recording_problem(arguments: Sequence[str], *, root: Path, stage: Path) -> str:
    """Record, verify and replay in the stage; return what went wrong, or nothing."""
    # Replayed at once: a test that sends something else each time would fail only in CI.
    for is_recording, step in ((True, "recording"), (False, "replaying what was recorded")):
        status = pytest_status(arguments, root=root, stage=stage, recording=is_recording)
        if status:
            return f"{step}: {status_text(status)}"
        findings = [
            str(finding)
            for path in cassette_paths([stage])
            for finding in cassette_findings(path, now=datetime.now(UTC))
        ]
        if findings:
            return "\n".join(["the new cassettes are not in order:", *findings])
    # Before anything is swapped in: green tests that recorded nothing would look like success.
    if not cassette_paths([stage]):
        return (
            "no test recorded anything; conftest.py needs "
            'pytest_plugins = ["langchain_aimlapi.testing"], tests need @pytest.mark.vcr'
        )
    return ""


def _swap_in(paths: list[Path], *, stage: Path, root: Path, backup: Path) -> None:
    done: list[Path] = []
    try:
        for path in paths:
            for folder in (root, backup):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
            if (root / path).exists():
                shutil.copy2(root / path, backup / path)
            # Before the replacing, so that a file which was half replaced is put back as well.
            done.append(path)
            (stage / path).replace(root / path)
    except OSError:
        for path in done:
            (root / path).unlink(missing_ok=True)
            if (backup / path).exists():
                (backup / path).replace(root / path)
        raise


@contextmanager
def _hold_signals_back() -> Iterator[None]:
    """Hold back Ctrl-C and SIGTERM for the moment in which old and new would be mixed."""
    caught: list[int] = []
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.signal(kind, lambda number, _: caught.append(number)) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
        # Raised after all: who pressed Ctrl-C wants the command to end, only not in the middle.
        for number in caught:
            signal.raise_signal(signal.Signals(number))
