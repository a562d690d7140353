"""The stand-in server in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def stand_in_process() -> Iterator[str]:
    """Yield the address of a stand-in server that runs until the end of the block."""
    command = [sys.executable, "-m", "langchain_aimlapi.testing", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
