"""The stand-in server in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import deque
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
            address = process.stdout.readline().strip()
            # It writes a line for each call: a pipe that nobody reads would hold it up for good.
            threading.Thread(target=deque, args=(process.stdout, 0), daemon=True).start()
            yield address
        finally:
            process.terminate()
