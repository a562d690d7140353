"""The bytes of an answer and, between them, where the connection is cut or goes silent."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from langchain_aimlapi.testing.standin import _openrouter, _vertex

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_aimlapi.testing.standin._answer import Answer
    from langchain_aimlapi.testing.standin._faults import Fault
    from langchain_aimlapi.testing.standin._reply import Reply

    # The words are `cut` and `stall`.
    Step = bytes | str

_COMMENT = b": STAND-IN PROCESSING\n\n"
_DONE = b"data: [DONE]\n\n"
_SAYING = frozenset({"", "stop", "length", "tool_calls"})


def json_bytes(value: object) -> bytes:
    """Return a value as JSON, characters unescaped where UTF-8 can hold them."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half a surrogate pair, repeated from the request
        return json.dumps(value, separators=(",", ":")).encode()


def faulty_answer(answer: Answer, *, fault: Fault) -> Answer:
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
    reply: Reply, *, dialect: str, include_usage: bool, fault: Fault, error: Mapping[str, Any]
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
    return [*comments, *comments, *events[:3], *comments, *events[3:], *done]


def _event(chunk: object) -> bytes:
    return b"data: " + json_bytes(chunk) + b"\n\n"


def _is_last(chunk: Mapping[str, Any]) -> bool:
    return "usage" in chunk or "meta" in chunk


def _faulty_events(
    events: list[bytes], reply: Reply, fault: Fault, error: Mapping[str, Any]
) -> list[Step]:
    first, rest = events[: fault.after], events[fault.after :]
    if fault.kind in {"cut", "stall"}:
        return [*first, fault.kind]
    if fault.kind == "malformed":
        return [*first, b'data: {"id": "standin-\n\n', *rest]
    if fault.kind == "error-event":
        return [*first, _event(_error_chunk(reply, fault, error))]
    return [*events]


def _error_chunk(reply: Reply, fault: Fault, error: Mapping[str, Any]) -> dict[str, Any]:
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


def upstream_error(fault: Fault) -> dict[str, Any]:
    """Return an error in OpenRouter's form."""
    return {"error": {"code": fault.code, "message": fault.message}}
