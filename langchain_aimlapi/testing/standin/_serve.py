"""The stand-in on the command line: until Ctrl-C or SIGTERM."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

from langchain_aimlapi.testing.standin.server import StandIn

if TYPE_CHECKING:
    from types import FrameType


def serve(*, host: str = "127.0.0.1", port: int = 0) -> None:
    """Run a stand-in until the process is asked to end.

    The first line printed is its base URL, once it takes requests.

    Args:
        host: The address to listen on.
        port: The port; 0 takes a free one.

    Raises:
        OSError: The address is taken or unknown.
    """
    asked_to_end = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        asked_to_end.set()

    before = {kind: signal.signal(kind, end) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        with StandIn(host=host, port=port) as server:
            print(server.base_url, flush=True)
            # In short waits: on Windows a signal does not interrupt a long one.
            while not asked_to_end.wait(0.2):
                pass
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
