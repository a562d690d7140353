"""A server on loopback that answers byte by byte as it is told, however wrong that is.

An answer is a list of steps: bytes are sent, a number is a pause in seconds, `HANG` waits until the
client goes away, `CLOSE` and `RESET` end the connection at once. Plain bytes are one step. After an
answer the connection stays open for the next request.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

HANG: Final = "hang"
CLOSE: Final = "close"
RESET: Final = "reset"

Step = bytes | float | str
Steps = list[Step]


@dataclass
class Request:
    """What one request looked like.

    Attributes:
        line: Request line.
        headers: By lower-cased name.
        body: Bytes.
        connection: Number of the connection that it came over, from 0.
        at: When it was read, on the monotonic clock.
    """

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int
    at: float = field(default_factory=time.monotonic)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def prompt(self) -> str:
        return str(self.json["messages"][-1]["content"])


class Loopback:
    """Serves answers in turn, the last one again and again; or what a function makes of each."""

    def __init__(
        self,
        *answers: bytes | Steps,
        by: Callable[[Request], Iterable[bytes | float | str]] | None = None,
    ) -> None:
        self.requests: list[Request] = []
        self.closed: list[float] = []  # when connections ended, on the monotonic clock
        self.connections = 0
        self.answer = by or self._next_of([*answers])
        self._changed = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._sockets: set[socket.socket] = set()
        self._is_over = False
        self._threads: list[threading.Thread] = []

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def open(self) -> int:
        """How many connections are open now."""
        with self._changed:
            return len(self._sockets)

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        for thread in self._threads:
            thread.join(timeout=5)

    def hang_up(self) -> None:
        """End every connection now, as a server does with idle ones."""
        with self._changed:
            for one in self._sockets:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def wait_open(self, number: int, *, seconds: float = 1.0) -> bool:
        """Wait until no more than `number` connections are open; tell whether that came true."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._sockets) <= number, timeout=seconds)

    def wait_requests(self, number: int, *, seconds: float = 5.0) -> bool:
        """Wait for `number` requests."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.requests) >= number, timeout=seconds)

    def _next_of(self, answers: Sequence[bytes | Steps]) -> Callable[..., Steps]:
        def answer(_: Request) -> Steps:
            chosen = answers[min(len(self.requests), len(answers)) - 1]
            return [chosen] if isinstance(chosen, bytes) else chosen

        return answer

    def _start(self, run: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=run, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._is_over:
            try:
                one, _ = self._listener.accept()
            except OSError:
                return
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._changed:
                self._sockets.add(one)
                number, self.connections = self.connections, self.connections + 1
            self._start(self._serve, one, number)

    def _serve(self, one: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), one.makefile("rb") as lines:
            while (request := _read_request(lines, number)) is not None:
                with self._changed:
                    self.requests.append(request)
                    answer = self.answer(request)
                    self._changed.notify_all()
                if not _play(one, answer):
                    break
        one.close()
        with self._changed:
            self._sockets.discard(one)
            self.closed.append(time.monotonic())
            self._changed.notify_all()


def _read_request(lines: Any, number: int) -> Request | None:
    line = lines.readline().decode("latin-1").strip()
    if not line:
        return None
    headers: dict[str, str] = {}
    while header := lines.readline().decode("latin-1").strip():
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    length = int(headers.get("content-length", 0))
    body = lines.read(length)
    return Request(line, headers, body, number) if len(body) == length else None


def _play(one: socket.socket, steps: Iterable[Step]) -> bool:
    """Tell whether the connection stays open."""
    for step in steps:
        if isinstance(step, bytes):
            one.sendall(step)
        elif step == HANG:
            one.settimeout(20)
            one.recv(1)
            return False
        elif step == RESET:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        elif step == CLOSE:
            return False
        elif isinstance(step, int | float):
            time.sleep(step)
    return True


# ---------------------------------------------------------------- answers


def head(status: int = 200, **headers: str | float) -> bytes:
    """Return status line and headers; `retry_after=1` is `retry-after: 1`."""
    headers = {"content_type": "application/json", **headers}
    lines = [f"HTTP/1.1 {status} Whatever"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def whole(body: Any, *, status: int = 200, **headers: Any) -> bytes:
    """Return an answer with a content length; a body that is no bytes goes as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return head(status, content_length=len(data), **headers) + data


def chunk(data: bytes) -> bytes:
    """Return a piece of chunked transfer coding."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def stream_head(**headers: Any) -> bytes:
    kind = "text/event-stream; charset=utf-8"
    return head(**{"content_type": kind, "transfer_encoding": "chunked", **headers})


END: Final = chunk(b"")


def event(value: Any) -> bytes:
    """Return one server-sent event; a value that is no bytes goes as JSON."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return b"data: " + data + b"\n\n"


def sse(*pieces: bytes, **headers: Any) -> bytes:
    """Return a whole stream with these bytes as its body."""
    return stream_head(**headers) + b"".join(chunk(piece) for piece in pieces if piece) + END


USAGE: Final = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
MODEL: Final = "google/gemini-3-flash-preview"


def completion(text: Any = "Hello", **changes: Any) -> dict[str, Any]:
    """Return a whole answer; changes go into the message, or the body where they name its keys."""
    message = {"role": "assistant", "content": text, "refusal": None}
    body: dict[str, Any] = {
        "id": "gen-1",
        "object": "chat.completion",
        "created": 1765999996,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": USAGE,
        "meta": {"usage": {"credits_used": 8846}},
    }
    for key, value in changes.items():
        if key == "finish_reason":
            body["choices"][0][key] = value
        else:
            (body if key in body else message)[key] = value
    return body


def piece(text: str | None = None, *, finish: str | None = None, **changes: Any) -> dict[str, Any]:
    """Return one event of a stream; changes go into the delta, or into the body."""
    delta: dict[str, Any] = {"role": "assistant", "content": text}
    body: dict[str, Any] = {
        "id": "gen-1",
        "object": "chat.completion.chunk",
        "created": 1765999996,
        "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    for key, value in changes.items():
        (body if key in {"usage", "choices", "error", "meta", "id"} else delta)[key] = value
    return body


DONE: Final = event(b"[DONE]")


def hello(text: str = "Hello", **headers: Any) -> bytes:
    """Return a good stream that says `text` in two pieces."""
    half = len(text) // 2
    return sse(
        event(piece(text[:half])),
        event(piece(text[half:])),
        event(piece("", finish="stop", usage=USAGE)),
        DONE,
        **headers,
    )


def answer_to(request: Request) -> bytes:
    """Return a good answer of the kind that was asked for; it repeats the prompt."""
    if request.json.get("stream"):
        return hello(request.prompt)
    return whole(completion(request.prompt))


def error_body(status: int, message: str = "Bad luck") -> dict[str, Any]:
    """Return the gateway's own form of an error."""
    return {
        "message": message,
        "path": "/v1/chat/completions",
        "requestId": "req-7",
        "statusCode": str(status),
        "timestamp": "2026-11-21T00:00:00.000Z",
    }
