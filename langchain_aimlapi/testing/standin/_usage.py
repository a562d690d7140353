"""What an exchange counts as in tokens, in credits, by each dialect's arithmetic.

Prices are the stand-in's own: 1 credit a prompt token, 6 an output token. That 2,000,000
credits are one USD is inferred from AI/ML API's pages (read 2026-11-21).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from langchain_aimlapi.testing.standin import _conversation
from langchain_aimlapi.testing.standin._limits import tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from langchain_aimlapi.testing.standin._answer import Answer

_MEDIA_TOKENS = {"image_url": 258, "file": 258, "video_url": 263, "input_audio": 32}
_CREDITS_PER_USD = 2_000_000


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of one exchange, in tokens.

    Attributes:
        prompt: All of the prompt.
        audio: Of it, audio.
        video: Of it, video.
        visible: Text and tool calls of all choices, without the reasoning.
        reasoning: The reasoning of all choices.
    """

    prompt: int
    audio: int
    video: int
    visible: int
    reasoning: int

    @property
    def credits(self) -> int:
        """What it costs, in credits."""
        return self.prompt + 6 * (self.visible + self.reasoning)

    @property
    def usd(self) -> Decimal:
        """What it costs, in USD."""
        return Decimal(self.credits) / _CREDITS_PER_USD

    @property
    def meta(self) -> dict[str, Any]:
        """The `meta` of an answer's body or of a stream's last chunk."""
        return {"usage": {"credits_used": self.credits, "usd_spent": float(self.usd)}}

    @property
    def headers(self) -> dict[str, str]:
        """The cost headers of a whole answer."""
        return {
            "x-aimlapi-credits-used": str(self.credits),
            "x-aimlapi-usd-spent": f"{self.usd:.9f}",
        }


def counts(request: Mapping[str, Any], *, answers: Iterable[Answer]) -> Counts:
    """Return the counts of a request and its answers."""
    messages = request["messages"]
    kinds = [part["type"] for message in messages for part in _conversation.media_of(message)]
    text = "".join(_said(message) for message in messages) + json.dumps(request.get("tools") or "")
    answers = list(answers)
    visible = [
        "".join([one.text, *(part for call in one.calls for part in call)]) for one in answers
    ]
    return Counts(
        prompt=-(-len(text.encode(errors="replace")) // 4)
        + sum(_MEDIA_TOKENS[kind] for kind in kinds),
        audio=_MEDIA_TOKENS["input_audio"] * kinds.count("input_audio"),
        video=_MEDIA_TOKENS["video_url"] * kinds.count("video_url"),
        visible=sum(len(tokens(one)) for one in visible),
        reasoning=sum(len(tokens(one.reasoning)) for one in answers),
    )


def _said(message: Mapping[str, Any]) -> str:
    functions = [call.get("function", {}) for call in message.get("tool_calls") or []]
    calls = "".join(f"{one.get('name')}{one.get('arguments')}" for one in functions)
    return _conversation.text_of(message) + calls
