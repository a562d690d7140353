"""A response that sends given bytes one by one: it can pause, be cut, go silent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence

    from starlette.types import Message, Receive, Scope, Send

    from langchain_aimlapi.testing.standin._events import Step
    from langchain_aimlapi.testing.standin._faults import Fault

_GLANCE = 0.05


class SteppedResponse(Response):
    """A response of steps: bytes to send, or `cut`, or `stall`.

    Args:
        steps: What to do, in order.
        status_code: The status.
        headers: The headers.
        fault: Its latency comes before all, its pace before each step but the first; seconds.
        stopping: Set when the server stops; pauses and silence end then.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        *,
        status_code: int,
        headers: Mapping[str, str],
        fault: Fault,
        stopping: threading.Event,
    ) -> None:
        self._steps = steps
        self._fault = fault
        self._stopping = stopping
        self.status_code = status_code
        self.background = None
        self.init_headers(headers)

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send the steps; leave early when the client is gone."""
        gone = asyncio.ensure_future(receive())
        try:
            await self._send(gone, send)
        finally:
            gone.cancel()

    async def _send(self, gone: asyncio.Future[Message], send: Send) -> None:
        await self._pause(gone, self._fault.latency)
        head = {"type": "http.response.start", "status": self.status_code}
        await send({**head, "headers": self.raw_headers})
        for position, step in enumerate(self._steps):
            await self._pause(gone, self._fault.pace if position else 0)
            if step == "stall":
                await self._pause(gone, float("inf"))
            if gone.done() or isinstance(step, str):
                return  # The server closes a connection whose response is left unfinished.
            await send({"type": "http.response.body", "body": step, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pause(self, gone: asyncio.Future[Message], seconds: float) -> None:
        clock = asyncio.get_running_loop().time
        end = clock() + seconds
        while (left := end - clock()) > 0 and not self._stopping.is_set() and not gone.done():
            await asyncio.wait({gone}, timeout=min(left, _GLANCE))
