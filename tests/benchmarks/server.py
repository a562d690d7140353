"""A loopback server in its own process that sends ready-made answers.

The first segment of the path names the answer. A thread per connection reads a request without
looking at its body; nothing is made, parsed or encoded between request and answer, so that
the client is what a measurement sees.

It listens twice: plainly, and over TLS with a certificate of its own, made when it starts.
"""

import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.answers import Answer, answers

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_BLOCK = 1 << 20
_ROOT = Path(__file__).parents[2]


class Server(NamedTuple):
    """Where the server listens, and the file of authorities by which its certificate is good."""

    url: str
    tls_url: str
    authorities: str


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


def _accept(
    listener: socket.socket, ready: dict[str, Answer], context: ssl.SSLContext | None = None
) -> None:
    while True:
        connection, _ = listener.accept()
        arguments = (connection, ready, context)
        threading.Thread(target=_greet, args=arguments, daemon=True).start()


def _greet(
    connection: socket.socket, ready: dict[str, Answer], context: ssl.SSLContext | None
) -> None:
    _converse(context.wrap_socket(connection, server_side=True) if context else connection, ready)


def _certified(authorities: Path) -> ssl.SSLContext:
    """Return a context with a new certificate; write its authority beside those of `certifi`.

    A client that reads the file pays for a list as long as the one it would read in the field.
    """
    import certifi
    import trustme

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    known = Path(certifi.where()).read_bytes()
    authorities.write_bytes(known + authority.cert_pem.bytes())
    return context


def _serve(authorities: Path) -> None:
    ready, context = answers(), _certified(authorities)
    plain, tls = (socket.create_server(("127.0.0.1", 0), backlog=1024) for _ in range(2))
    threading.Thread(target=_accept, args=(tls, ready, context), daemon=True).start()
    print(plain.getsockname()[1], tls.getsockname()[1], flush=True)
    _accept(plain, ready)


def _leave_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


@contextmanager
def running_server() -> Iterator[Server]:
    """Yield the addresses of a server that lives as long as the block."""
    with tempfile.TemporaryDirectory() as folder:
        authorities = Path(folder, "authorities.pem")
        command = [sys.executable, "-m", "tests.benchmarks.server", str(authorities)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=_ROOT) as process:
            assert process.stdout is not None
            plain, tls = (int(port) for port in process.stdout.readline().split())
            address = "127.0.0.1"
            yield Server(f"http://{address}:{plain}", f"https://{address}:{tls}", str(authorities))
            process.terminate()


if __name__ == "__main__":
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    _serve(Path(sys.argv[1]))
