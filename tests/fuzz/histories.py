"""Histories made of bytes: any that LangChain can hold is a request, or a `ValueError`.

Messages are built by langchain-core's own classes, so what those refuse is no history. The values
in them are what other packages, people who edit threads, and broken stores leave there.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_aimlapi._codec.request import encode_messages
from langchain_aimlapi._json import encode_request_body

if TYPE_CHECKING:
    from collections.abc import Sequence

IDS = ["c1", "c2", "", None]
NAMES = ["pay", "look", "", " "]
PROVIDERS = ["aimlapi", None, "openai", "google_genai", "openrouter", 3]
LEAVES = [
    "",
    "x",
    "c1",
    "pay",
    '{"a": 1}',
    '{"a"',
    0,
    -1,
    1.5,
    math.nan,
    math.inf,
    True,
    None,
    "\ud83d",
]
KEYS = [
    "type", "text", "id", "name", "args", "input", "index", "extras", "signature", "reasoning",
    "data", "format", "google", "thought_signature", "content", "tool_use_id", "image_url", "url",
    "base64", "mime_type", "c1", "function", "arguments", "source_type",
]  # fmt: skip
TYPES = [
    "text", "reasoning", "tool_call", "tool_use", "invalid_tool_call", "tool_call_chunk",
    "tool_result", "image_url", "image", "file", "audio", "refusal", "thinking", "non_standard",
    "reasoning.text", "reasoning.encrypted",
]  # fmt: skip
KWARGS = [
    "reasoning_details", "reasoning_content", "extra_content", "tool_call_extra_content",
    "signed_tool_calls", "tool_call_order", "refusal", "function_call", "tool_calls", "audio",
    "images", "__gemini_function_call_thought_signatures__",
]  # fmt: skip
METADATA = ["finish_reason", "output_version", "native_finish_reason"]
ENDINGS = ["stop", "tool_calls", "length", "v1", "v0", "stopstop"]


class Choices:
    """Reads decisions off bytes; when they have run out, the first choice is taken."""

    def __init__(self, data: bytes) -> None:
        self._data = iter(data)

    def number(self, limit: int) -> int:
        """Return a number from 0 to below `limit`."""
        return next(self._data, 0) % limit

    def of(self, values: Sequence[Any]) -> Any:
        """Return one of the values."""
        return values[self.number(len(values))]

    def some(self, limit: int) -> range:
        """Return a range of up to `limit` items."""
        return range(self.number(limit + 1))

    def value(self, depth: int = 3) -> Any:
        """Return any value that JSON, or a checkpointer, could hold."""
        kind = self.number(8) if depth else 0
        if kind == 1:
            return [self.value(depth - 1) for _ in self.some(3)]
        if kind == 2:
            return {self.of(KEYS): self.value(depth - 1) for _ in self.some(4)}
        if kind == 3:
            return self.block()
        return self.of(LEAVES)

    def block(self) -> dict[str, Any]:
        """Return a content block, or what looks like one."""
        return {
            "type": self.of(TYPES),
            **{self.of(KEYS): self.value(2) for _ in self.some(4)},
        }

    def content(self) -> Any:
        """Return the content of a message."""
        if self.number(2):
            return [
                self.of(["x", ""]) if self.number(5) == 0 else self.block() for _ in self.some(3)
            ]
        return self.of(["x", "", '{"$ref": "a"}', "\ud83d"])

    def message(self) -> BaseMessage:
        """Return a message of any kind."""
        kind = self.of([AIMessage, ToolMessage, HumanMessage, AIMessageChunk, None])
        content = self.content()
        if kind is ToolMessage:
            return ToolMessage(content, tool_call_id=self.of(IDS[:3]), name=self.of([None, *NAMES]))
        if kind is HumanMessage:
            return HumanMessage(content)
        if kind is None:
            other = self.of([SystemMessage, FunctionMessage, ChatMessage])
            if other is FunctionMessage:
                return FunctionMessage(content=content, name=self.of(NAMES))
            if other is ChatMessage:
                return ChatMessage(
                    content=content, role=self.of(["user", "assistant", "tool", "x"])
                )
            return SystemMessage(content)
        return self._assistant(kind, content)

    def _assistant(self, kind: type[AIMessage], content: Any) -> AIMessage:
        calls = [
            {
                "name": self.of(NAMES),
                "args": self.of([{}, {"a": 1}, {"a": self.value()}]),
                "id": self.of(IDS),
            }
            for _ in self.some(2)
        ]
        invalid = [
            {
                "name": self.of([None, *NAMES]),
                "args": self.of([None, "", '{"a"', "{}]"]),
                "id": self.of(IDS),
                "error": None,
            }
            for _ in self.some(2)
        ]
        return kind(
            content=content,
            tool_calls=calls,
            invalid_tool_calls=invalid,
            additional_kwargs={self.of(KWARGS): self.value() for _ in self.some(3)},
            response_metadata={
                "model_provider": self.of(PROVIDERS),
                **{self.of(METADATA): self.of([*ENDINGS, self.value()]) for _ in self.some(2)},
            },
        )


def history_of(data: bytes) -> list[BaseMessage] | None:
    """Return the history that the bytes tell, `None` if langchain-core refuses to hold it."""
    choices = Choices(data)
    try:
        return [choices.message() for _ in range(1 + choices.number(5))]
    except (ValueError, TypeError, AttributeError, KeyError):
        return None


def check_history(data: bytes) -> None:
    """Hold the request side to its law: JSON or a `ValueError`, and the history stays as it was."""
    history = history_of(data)
    if history is None:
        return
    before = repr(history)
    remedies: list[Any] = [(), ("bypass_signatures", "rename_references")]
    for applied in remedies:
        try:
            messages = encode_messages(history, remedies=applied)
            body = encode_request_body({"model": "m", "messages": messages})
        except ValueError as error:
            if type(error) is not ValueError:  # of a parser or a codec: nobody worded it for users
                raise
            continue
        json.loads(body)
    if repr(history) != before:
        msg = f"the history was changed: {before}"
        raise AssertionError(msg)
