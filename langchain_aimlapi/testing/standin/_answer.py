"""One answer as decided, and what both dialects write out of it: ids, counts, cost.

Prices are the stand-in's own: 1 credit a prompt token, 6 an output token. That 2,000,000
credits are one USD is inferred from AI/ML API's pages (read 2026-11-21).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from langchain_aimlapi.data import CREDITS_PER_USD

if TYPE_CHECKING:
    from langchain_aimlapi._json import JsonMapping, JsonObject


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
    extra: JsonMapping = field(default_factory=dict)
    call_ids: tuple[str, ...] = ()
    signature: str = ""


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
        # Whole credits and a rate that is easy to work out: a test's author can check a bill by
        # hand.
        return self.prompt + 6 * (self.visible + self.reasoning)

    @property
    def usd(self) -> Decimal:
        """What it costs, in USD."""
        return Decimal(self.credits) / CREDITS_PER_USD

    @property
    def meta(self) -> JsonObject:
        """The `meta` of an answer's body or of a stream's last chunk."""
        return {"usage": {"credits_used": self.credits, "usd_spent": float(self.usd)}}

    @property
    def headers(self) -> dict[str, str]:
        """The cost headers of a whole answer."""
        return {
            "x-aimlapi-credits-used": str(self.credits),
            "x-aimlapi-usd-spent": f"{self.usd:.9f}",
        }


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent back.

    Attributes:
        id: The answer's id.
        created: Seconds since 1970.
        model: The request's model.
        answers: One per choice, each signed.
        counts: Tokens and cost.
        shows_reasoning: Whether dialect O shows the reasoning's text.
    """

    id: str
    created: int
    model: str
    answers: tuple[Answer, ...]
    counts: Counts
    shows_reasoning: bool = True
