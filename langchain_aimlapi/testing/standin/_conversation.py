"""What the messages of a request say: where the turn began, its prompt, results, media."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_aimlapi._json import JsonMapping

    Message = JsonMapping

_MEDIA = {
    "image_url": ("image", "url"),
    "video_url": ("video", "url"),
    "file": ("file", "file_data"),
    "input_audio": ("audio clip", "data"),
}


def text_of(message: Message) -> str:
    """Return the text of a message, its text parts joined."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content if part["type"] == "text")


def media_of(message: Message) -> list[Message]:
    """Return the parts of a message that are not text."""
    content = message.get("content")
    return [part for part in content if part["type"] in _MEDIA] if isinstance(content, list) else []


def turn_start(messages: Sequence[Message]) -> int:
    """Return the position of the last real user message (0 if there is none).

    A user message with media right after tool results is not one: clients of this endpoint
    send the images of tool results that way, as tool messages take text only.
    """
    for position in range(len(messages) - 1, -1, -1):
        message = messages[position]
        carries = position > 0 and messages[position - 1]["role"] == "tool" and media_of(message)
        if message["role"] == "user" and not carries:
            return position
    return 0


def results_of(messages: Sequence[Message]) -> list[str]:
    """Return the tool results that the request ends with, as texts; empty if it does not."""
    position = len(messages) - 1
    # The pictures of the results, which stand behind them.
    if turn_start(messages) < position and messages[position]["role"] == "user":
        position -= 1
    results: list[str] = []
    while position >= 0 and messages[position]["role"] == "tool":
        results.insert(0, text_of(messages[position]))
        position -= 1
    return results


def calls_of(messages: Sequence[Message]) -> list[list[str]]:
    """Return the names called so far in this turn, a list per step."""
    turn = messages[turn_start(messages) :]
    steps = [message["tool_calls"] for message in turn if message.get("tool_calls")]
    return [[str(call.get("function", {}).get("name")) for call in step] for step in steps]


def description(part: Message) -> str:
    """Return what arrived in a media part: kind, type, bytes or address."""
    kind, key = _MEDIA[part["type"]]
    value = part[part["type"]]
    source = str(value.get(key, ""))
    if source.startswith(("http://", "https://")):
        return f"{kind} at {source}"
    if not source:
        return f"{kind} with the id {value.get('file_id')}"
    head, _, encoded = source.rpartition(",")
    media_type = head.removeprefix("data:").partition(";")[0] or value.get("format", "base64")
    return f"{kind} ({media_type}, {len(base64.b64decode(encoded))} bytes)"
