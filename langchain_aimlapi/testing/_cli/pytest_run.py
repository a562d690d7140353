"""The project's recorded tests, run in a process of their own."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from langchain_aimlapi.testing._stage import RECORDING, ROOT, STAGE


def pytest_status(
    arguments: Sequence[str],
    *,
    root: Path,
    stage: Path,
    recording: bool,
    environment: Mapping[str, str],
) -> int:
    """Run pytest on recorded tests whose cassettes are in a stage; return its exit status.

    Args:
        arguments: Further arguments of pytest: paths, `-m`, ...
        root: The project's root, where pytest runs.
        stage: The folder that takes the place of the root for cassettes.
        recording: Whether to record into the stage; else to replay from it with the network
            blocked.
        environment: Variables to set besides those of this process.
    """
    mode = ["--record-mode=once"] if recording else ["--record-mode=none", "--block-network"]
    command = [
        *(sys.executable, "-m", "pytest", *arguments),
        *(mode if importlib.util.find_spec("pytest_recording") else []),
        *(["--force-enable-socket"] if importlib.util.find_spec("pytest_socket") else []),
    ]
    variables = {**os.environ, **environment, STAGE: str(stage), ROOT: str(root)}
    variables.pop(RECORDING, None)
    variables |= {RECORDING: "1"} if recording else {}
    child = subprocess.Popen(command, cwd=root, env=variables)  # noqa: S603  # our own interpreter
    try:
        return child.wait()
    except BaseException:  # Ctrl-C above all: the stage goes, so nobody may write to it any more
        child.kill()
        child.wait()
        raise
