"""What answers cost: tokens, credits, USD, added up exactly."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What some answers cost together; costs add up with `+`.

    Attributes:
        answers: Answers that came, from the endpoint or from LangChain's cache; the alternatives
            of one call (`n > 1`) are one answer.
        cached: Of these, answers out of LangChain's cache; they count no tokens, cost nothing.
        unpriced: Of these, answers that came with neither credits nor USD: what they cost is not
            known here, thus not in the sums.
        input_tokens: Tokens of the prompts, as reported.
        output_tokens: Tokens of the answers, reasoning included, as reported.
        credits: AI/ML API credits, as reported: exact.
        usd_reported: USD that the endpoint reported, in body or header.
        usd_derived: USD that we worked out from credits where the endpoint reported none.
    """

    answers: int = 0
    cached: int = 0
    unpriced: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    credits: int = 0
    usd_reported: Decimal = Decimal(0)
    usd_derived: Decimal = Decimal(0)

    @property
    def usd(self) -> Decimal:
        """USD in all, reported plus derived."""
        return self.usd_reported + self.usd_derived

    def __add__(self, other: Self) -> Self:
        if not isinstance(other, Cost):
            return NotImplemented
        return type(self)(
            **{
                field.name: getattr(self, field.name) + getattr(other, field.name)
                for field in fields(self)
            }
        )

    @classmethod
    def read(
        cls, response_metadata: Mapping[str, Any], *, usage_metadata: Mapping[str, Any]
    ) -> Self:
        """Return the cost of one answer; anything unreadable counts as not there.

        Args:
            response_metadata: Of the answer: `credits_used` (int), `usd_spent` (number or text),
                `usd_spent_source` (`"body"`, `"header"` or `"derived"`).
            usage_metadata: Of the answer: `input_tokens`, `output_tokens`. Its `total_cost` of 0
                is langchain-core's mark of an answer out of the cache.
        """
        if decode_amount(usage_metadata.get("total_cost")) == 0:
            return cls(answers=1, cached=1)
        credits_used = decode_amount(response_metadata.get("credits_used"))
        usd = decode_amount(response_metadata.get("usd_spent"))
        is_derived = response_metadata.get("usd_spent_source") == "derived"
        return cls(
            answers=1,
            unpriced=int(credits_used is None and usd is None),
            input_tokens=int(decode_amount(usage_metadata.get("input_tokens")) or 0),
            output_tokens=int(decode_amount(usage_metadata.get("output_tokens")) or 0),
            credits=int(credits_used or 0),
            usd_derived=(usd if is_derived else None) or Decimal(0),
            usd_reported=(None if is_derived else usd) or Decimal(0),
        )


def decode_amount(value: object) -> Decimal | None:
    """Return a finite amount of 0 or more, exactly as written; for anything else `None`."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None
