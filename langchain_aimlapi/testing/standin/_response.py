"""The bytes of an answer, and the response that sends them: it can pause, be cut, go silent."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from starlette.responses import Response

from langchain_aimlapi.testing.standin import _openrouter, _vertex

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence

    from starlette.types import Message, Receive, Scope, Send

    from langchain_aimlapi._json import JsonMapping, JsonObject
    from langchain_aimlapi.testing.standin._answer import Answer, Reply
    from langchain_aimlapi.testing.standin._faults import Fault

    # The words are `cut` and `stall`.
    Step = bytes | str

# OpenRouter keeps a connection alive so while its upstream thinks (17 in a row were recorded).
_COMMENT = b": STAND-IN PROCESSING\n\n"
_DONE = b"data: [DONE]\n\n"
# How often a pause looks whether the server stops; it costs little, and stopping is prompt.
_GLANCE = 0.05
_SAYING = frozenset({"", "stop", "length", "tool_calls"})


def json_bytes(value: object) -> bytes:
    """Return a value as JSON, characters unescaped where UTF-8 can hold them."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half a surrogate pair, repeated from the request
        return json.dumps(value, separators=(",", ":")).encode()


def apply_fault(answer: Answer, *, fault: Fault) -> Answer:
    """Return the answer with the finish reason that a fault asks for."""
    if fault.kind == "no-finish":
        return replace(answer, finish_reason=None)
    if not fault.finish:
        return answer
    said = answer if fault.finish in _SAYING else replace(answer, text="", calls=(), call_ids=())
    finish_reason, native = fault.finish_reasons
    return replace(said, finish_reason=finish_reason, native_finish_reason=native)


def whole_steps(reply: Reply, *, dialect: str, fault: Fault) -> list[Step]:
    """Return the body of a whole answer."""
    body = json_bytes((_vertex if dialect == "V" else _openrouter).completion(reply))
    half = body[: len(body) // 2]
    if fault.kind in {"cut", "stall"}:
        return [half, fault.kind]
    return [half if fault.kind == "malformed" else body]


def stream_steps(
    reply: Reply, *, dialect: str, include_usage: bool, fault: Fault, error: JsonMapping
) -> list[Step]:
    """Return the events of a streamed answer.

    Args:
        reply: The answer.
        dialect: `O` or `V`; only O sends comments to keep the connection alive.
        include_usage: Whether a chunk carries the usage.
        fault: How to misbehave.
        error: The gateway's own error object, for `error-event=gateway`.
    """
    chunks = (_vertex if dialect == "V" else _openrouter).chunks(reply, include_usage=include_usage)
    if fault.kind == "no-finish":
        chunks = (chunk for chunk in chunks if not _is_last(chunk))
    events = _faulty_events([_event(chunk) for chunk in chunks], reply, fault, error)
    done = [] if fault.kind in {"cut", "stall", "no-finish", "no-done"} else [_DONE]
    comments = [_COMMENT] if dialect == "O" else []
    # Also in the middle: a reader that passes over the first lines alone is found out.
    return [*comments, *comments, *events[:3], *comments, *events[3:], *done]


def _event(chunk: object) -> bytes:
    return b"data: " + json_bytes(chunk) + b"\n\n"


def _is_last(chunk: JsonMapping) -> bool:
    return "usage" in chunk or "meta" in chunk


def _faulty_events(
    events: list[bytes], reply: Reply, fault: Fault, error: JsonMapping
) -> list[Step]:
    first, rest = events[: fault.after], events[fault.after :]
    if fault.kind in {"cut", "stall"}:
        return [*first, fault.kind]
    if fault.kind == "malformed":
        return [*first, b'data: {"id": "standin-\n\n', *rest]
    if fault.kind == "error-event":
        return [*first, _event(_error_chunk(reply, fault, error))]
    return [*events]


def _error_chunk(reply: Reply, fault: Fault, error: JsonMapping) -> JsonObject:
    """Return an error in the middle of a stream: among choices as recorded, bare, or AI/ML's."""
    if fault.variant == "gateway":
        return dict(error)
    body = upstream_error(fault)
    if fault.variant == "bare":
        return body
    choice = {
        "index": 0,
        "delta": {"content": "", "role": "assistant"},
        "finish_reason": "error",
        "native_finish_reason": "error",
    }
    head = {"id": reply.id, "model": reply.model, "object": "chat.completion.chunk"}
    return {**head, "created": reply.created, **body, "choices": [choice]}


def upstream_error(fault: Fault) -> JsonObject:
    """Return an error in OpenRouter's form."""
    return {"error": {"code": fault.code, "message": fault.message}}


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
        # The only message that may still come is that the client went away.
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
