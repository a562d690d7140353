"""One answered request: what both dialects write out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_aimlapi.testing.standin._answer import Answer
    from langchain_aimlapi.testing.standin._usage import Counts


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


def pieces(text: str, *, units: list[str]) -> list[str]:
    """Return a text as at least three pieces where it has as many units, of at most four."""
    size = max(1, min(4, len(units) // 3))
    return ["".join(units[start : start + size]) for start in range(0, len(units), size)] or [text]
