"""The documented answer, served over real HTTP on loopback, for a first look without a key.

It answers the documented request alone: to any other it says 404, never somebody else's answer.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_aimlapi.testing.serializer import deserialize

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENTED_MODEL = "google/gemini-3-pro-preview"
DOCUMENTED_PROMPT = "Hello"

_NAME = "gemini-3-pro-preview.yaml"
_PACKAGE = Path(__file__).parents[1]
# In a wheel the cassette lies in the package, in a checkout beside it.
_FOLDERS = (_PACKAGE / "documented", _PACKAGE.parent / "cassettes" / "documented")


@contextmanager
def documented_endpoint() -> Iterator[str]:
    """Serve the documented answer; yield the base URL.

    Raises:
        FileNotFoundError: The cassette is not there.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(_interaction()))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _interaction() -> dict[str, Any]:
    for folder in _FOLDERS:
        if (path := folder / _NAME).is_file():
            cassette = deserialize(path.read_text(encoding="utf-8"))
            return dict(cassette["interactions"][0])
    msg = f"The documented answer {_NAME} is in none of {[str(one) for one in _FOLDERS]}."
    raise FileNotFoundError(msg)


def _handler(interaction: dict[str, Any]) -> type[BaseHTTPRequestHandler]:
    documented = json.loads(interaction["request"]["body"])
    answer: bytes = interaction["response"]["body"]["string"]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if json.loads(body) == documented:
                self._answer(200, answer)
            else:
                self._answer(404, b'{"message": "not the documented request"}')

        def _answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Keep the terminal clean."""

    return Handler
