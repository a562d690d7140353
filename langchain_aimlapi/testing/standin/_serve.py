"""The stand-in on the command line: until Ctrl-C or SIGTERM, with a line for each request."""

from __future__ import annotations

import json
import signal
import threading
import time
from typing import TYPE_CHECKING, Literal

from langchain_aimlapi.testing._endpoint import BASE, KEY, STANDIN_KEY
from langchain_aimlapi.testing.standin._faults import fault as parsed_fault
from langchain_aimlapi.testing.standin.server import StandIn

if TYPE_CHECKING:
    from types import FrameType

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FAULT = b"x-standin-fault"


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    strict: bool = False,
    dialect: Literal["O", "V"] | None = None,
    fault: str = "",
) -> None:
    """Run a stand-in until the process is asked to end.

    The first line printed is its base URL, once it takes requests; the next ones are commands
    that point an app to it. Each request gets a line: method, path, status, milliseconds, model.

    Args:
        host: The address to listen on.
        port: The port; 0 takes a free one.
        strict: Whether histories are judged strictly, as `StandIn` has it.
        dialect: `O` (OpenRouter's) or `V` (Vertex').
        fault: How to misbehave at each request that asks for nothing else itself.

    Raises:
        OSError: The address is taken or unknown.
        ValueError: The fault is not understood.
    """
    # Refused before anything listens.
    parsed_fault(fault)
    asked_to_end = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        asked_to_end.set()

    server = StandIn(host=host, port=port, strict=strict, dialect=dialect)
    server.wrap(lambda app: _Talking(app, fault=fault.encode()))
    before = {kind: signal.signal(kind, end) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        with server:
            print(server.base_url, flush=True)
            print(f"export {KEY}={STANDIN_KEY}\nexport {BASE}={server.base_url}", flush=True)
            # In short waits: on Windows a signal does not interrupt a long one.
            while not asked_to_end.wait(0.2):
                pass
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


class _Talking:
    """An ASGI app around another that prints a line for each request.

    Args:
        app: The other.
        fault: Given to requests that have no such header of their own.
    """

    def __init__(self, app: ASGIApp, *, fault: bytes) -> None:
        self._app = app
        self._fault = fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, and look at what goes by."""
        began = time.monotonic()
        body, status = bytearray(), 0

        async def received() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        async def sent(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        headers = scope["headers"]
        if self._fault and _FAULT not in dict(headers):
            headers = [*headers, (_FAULT, self._fault)]
        try:
            await self._app({**scope, "headers": headers}, received, sent)
        finally:
            # Anybody on the network may ask for a path that holds a terminal's escapes.
            path = ascii(scope["path"]).strip("'")
            spent = f"{1000 * (time.monotonic() - began):.0f} ms"
            line = f"{scope['method']} {path} {status or 'cut'} {spent} {_request_text(body)}"
            print(line.rstrip(), flush=True)


def _request_text(body: bytearray) -> str:
    """Return what a request asked for: the model, and whether as a stream."""
    try:
        asked = json.loads(body)
    except ValueError:
        return ""
    asked = asked if isinstance(asked, dict) else {}
    return ascii(asked.get("model", "")).strip("'") + (" (stream)" if asked.get("stream") else "")
