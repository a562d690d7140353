"""The pytest that `record` starts: it is ended with the command, willing or not."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from langchain_aimlapi.testing._cli import pytest_run

if TYPE_CHECKING:
    import pytest

STUBBORN = """\
import signal, time
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""


def test_a_pytest_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytest_run, "_SECONDS_TO_END", 0.05)
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stdout.readline().strip() == b"ready"
        pytest_run._end(child)
        assert child.returncode not in (None, 0)
