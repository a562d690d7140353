"""One answer as decided, before either dialect writes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered.

    Attributes:
        text: The visible text.
        reasoning: The reasoning text that dialect O shows and both count.
        calls: The tool calls: name, arguments as JSON text (of a scripted call any text).
        finish_reason: `stop`, `length`, `tool_calls`, `content_filter`, `error` or `None`.
        native_finish_reason: The upstream's word for it, such as `MAX_TOKENS`.
        extra: Keys to stand beside the content, such as `refusal`, `annotations`, `images`.
        call_ids: An id per call, once it is signed.
        signature: The thought signature, once it is signed.
    """

    text: str = ""
    reasoning: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    finish_reason: str | None = "stop"
    native_finish_reason: str = "STOP"
    extra: Mapping[str, Any] = field(default_factory=dict)
    call_ids: tuple[str, ...] = ()
    signature: str = ""
