"""A loopback server in its own process that sends ready-made answers.

The first segment of the path names the answer. A thread per connection reads a request without
looking at its body; nothing is made, parsed or encoded between request and answer, so that
the client is what a measurement sees.
"""

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.answers import Answer, answers

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_BLOCK = 1 << 20
_ROOT = Path(__file__).parents[2]


def _request_path(connection: socket.socket) -> str | None:
    """Read one request to its end; return its path, or `None` when the client has gone."""
    head = b""
    while b"\r\n\r\n" not in head:
        block = connection.recv(_BLOCK)
        if not block:
            return None
        head += block
    head, _, body = head.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    missing = int(length[1]) - len(body) if length else 0
    while missing > 0:
        missing -= len(connection.recv(min(_BLOCK, missing))) or missing
    return head.split(b" ", 2)[1].decode()


def _send(connection: socket.socket, answer: Answer) -> None:
    if answer.thought:
        time.sleep(answer.thought)
    for packet in answer.packets:
        connection.sendall(packet)
        if answer.pace:
            time.sleep(answer.pace)


def _converse(connection: socket.socket, ready: dict[str, Answer]) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection:
        try:
            while path := _request_path(connection):
                _send(connection, ready[path.split("/")[1]])
        except ConnectionError:  # a client may leave in the middle of an answer
            return


def _serve() -> None:
    ready = answers()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_converse, args=(connection, ready), daemon=True).start()


def _leave_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


@contextmanager
def running_server() -> Iterator[str]:
    """Yield the address of a server that lives as long as the block."""
    command = [sys.executable, "-m", "tests.benchmarks.server"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT
    ) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.terminate()


if __name__ == "__main__":
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    _serve()
