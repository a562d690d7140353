"""The project's recorded tests, run in a process of their own."""

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from langchain_aimlapi.testing._endpoint import BASE, KEY_NAMES
from langchain_aimlapi.testing._stage import RECORDING, ROOT, STAGE

_SECONDS_TO_END = 10.0
_PLUGIN = "langchain_aimlapi.testing"
_MEANINGS = {
    2: "it was interrupted, or tests could not be collected",
    3: "pytest itself failed",
    4: "it did not understand its arguments, or refused what it collected",
    5: (
        "no test was collected: mark tests with @pytest.mark.vcr, or name one that uses a "
        "cassette: record FILE::TEST"
    ),
}


def pytest_status(arguments: Sequence[str], *, root: Path, stage: Path, recording: bool) -> int:
    """Run pytest on recorded tests whose cassettes are in a stage; return its exit status.

    Args:
        arguments: Further arguments of pytest: paths, `-m`, ...
        root: The project's root, where pytest runs.
        stage: The folder that takes the place of the root for cassettes.
        recording: Whether to record into the stage; else to replay from it with the network
            blocked and without a key, as CI does.
    """
    mode = ["--record-mode=once"] if recording else ["--record-mode=none", "--block-network"]
    command = [
        *(sys.executable, "-m", "pytest", *arguments),
        # Apps find their stand-in through the plugin, also where no conftest.py loads it.
        *(["-p", _PLUGIN] if recording else []),
        *(mode if importlib.util.find_spec("pytest_recording") else []),
        *(["--force-enable-socket"] if importlib.util.find_spec("pytest_socket") else []),
    ]
    # By the environment, which pytest-xdist hands on to its workers; options it would have to know.
    variables = {**os.environ, STAGE: str(stage), ROOT: str(root)}
    for name in (RECORDING, *(() if recording else (*KEY_NAMES, BASE))):
        variables.pop(name, None)
    variables |= {RECORDING: "1"} if recording else {}
    child = subprocess.Popen(command, cwd=root, env=variables)  # noqa: S603  # our own interpreter
    try:
        return child.wait()
    except BaseException:  # Ctrl-C above all: the stage goes, so nobody may write to it any more
        _end(child)
        raise


def status_text(status: int) -> str:
    """Return what an exit status of pytest means, as the end of a sentence."""
    meaning = _MEANINGS.get(status)
    return f"pytest ended with status {status}" + (f": {meaning}" if meaning else "")


def _end(child: subprocess.Popen[bytes]) -> None:
    """Let pytest end what its fixtures and workers started; kill it when it does not."""
    # Ctrl-C reaches the whole group on a terminal, but nobody else's signal does.
    child.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
    try:
        child.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
