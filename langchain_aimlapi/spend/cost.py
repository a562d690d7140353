"""What answers cost: tokens, credits, USD, added up exactly."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Self

from langchain_aimlapi.data import CREDITS_PER_USD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.messages import AIMessage


_ZERO = Decimal(0)
# Sums stay exact, and can be printed, below this.
_MOST = Decimal(10) ** 18
# Written out, `1e-999999` would be a million digits.
MOST_PLACES = 40
_CENTS, _FINEST = Decimal("0.01"), Decimal("0.00001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What some answers cost together; costs are added with `+`, subtracted with `-`.

    Attributes:
        answers: Answers that came, from the endpoint or from LangChain's cache; the alternatives
            of one call (`n > 1`) are one answer.
        cached: Of these, answers out of LangChain's cache; they count no tokens, cost nothing.
        unpriced: Of these, answers that came with neither credits nor USD: what they cost is not
            known here, thus not in the sums.
        input_tokens: Tokens of the prompts, as reported.
        output_tokens: Tokens of the answers, reasoning included, as reported.
        credits: AI/ML API credits, as reported: exact, also fractions.
        usd_reported: USD that the endpoint reported, in body, header or log.
        usd_derived: USD that we worked out from credits where the endpoint reported none.
        open: Calls whose cost is not known yet.
        credits_open: Credits that these may have cost at most; not in `credits`.
    """

    answers: int = 0
    cached: int = 0
    unpriced: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    credits: Decimal = _ZERO
    usd_reported: Decimal = _ZERO
    usd_derived: Decimal = _ZERO
    open: int = 0
    credits_open: Decimal = _ZERO

    @property
    def usd(self) -> Decimal:
        """USD in all, reported plus derived; without what is open."""
        return self.usd_reported + self.usd_derived

    @property
    def usd_open(self) -> Decimal:
        """USD that the open calls may have cost at most."""
        return self.credits_open / CREDITS_PER_USD

    def __add__(self, other: Self) -> Self:
        if not isinstance(other, Cost):
            return NotImplemented
        return type(self)(
            **{
                field.name: getattr(self, field.name) + getattr(other, field.name)
                for field in fields(self)
            }
        )

    def __sub__(self, other: Self) -> Self:
        if not isinstance(other, Cost):
            return NotImplemented
        return type(self)(
            **{
                field.name: getattr(self, field.name) - getattr(other, field.name)
                for field in fields(self)
            }
        )

    def __str__(self) -> str:
        text = f"{plain(self.credits)} credits (${_rounded(self.usd)})"
        if self.open:
            return f"{text}, {self.open} open (at most {plain(self.credits_open)} credits)"
        return text

    def _repr_html_(self) -> str:
        """Return the figures for a notebook."""
        figures = {
            "tokens in": str(self.input_tokens),
            "tokens out": str(self.output_tokens),
            "credits": plain(self.credits),
            "USD": _rounded(self.usd),
        }
        if self.unpriced:
            figures["answers without a cost"] = str(self.unpriced)
        if self.open:
            figures["open credits, at most"] = plain(self.credits_open)
        rows = "".join(f"<tr><th>{name}</th><td>{text}</td></tr>" for name, text in figures.items())
        return f"<table>{rows}</table>"

    @classmethod
    def read(
        cls, response_metadata: Mapping[str, Any], *, usage_metadata: Mapping[str, Any]
    ) -> Self:
        """Return the cost of one answer; anything unreadable counts as not there.

        Args:
            response_metadata: Of the answer: `credits_used` (number or text), `usd_spent` (number
                or text), `usd_spent_source` (`"body"`, `"header"` or `"derived"`).
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
            credits=credits_used or _ZERO,
            usd_derived=(usd if is_derived else None) or _ZERO,
            usd_reported=(None if is_derived else usd) or _ZERO,
        )


def cost_of(message: AIMessage) -> Cost:
    """Return what one answer cost; in a notebook it shows as a table.

    Args:
        message: An answer of any model, whole or the sum of its chunks. One that says nothing of
            its cost is `unpriced`.
    """
    usage: Mapping[str, Any] = message.usage_metadata or {}
    return Cost.read(message.response_metadata, usage_metadata=usage)


def decode_amount(value: object) -> Decimal | None:
    """Return an amount of 0 or 10**-40 to 10**18, exactly; for anything else `None`."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        amount = Decimal(value if isinstance(value, int) else str(value))
    except (InvalidOperation, ValueError):
        return None
    if not amount.is_finite() or (amount and amount.adjusted() < -MOST_PLACES):
        return None
    return amount if 0 <= amount <= _MOST else None


def plain(amount: Decimal) -> str:
    """Return all digits of an amount, without an exponent or zeros that say nothing."""
    return f"{Decimal(amount).normalize() + 0:f}"


_WIDE = Context(prec=100)  # an amount that is no good still prints


def _rounded(usd: Decimal) -> str:
    """Return USD to five decimals, two digits of less than that, at least cents."""
    usd = Decimal(usd)
    finest = min(_FINEST, Decimal(1).scaleb(usd.adjusted() - 1)) if usd else _CENTS
    text = plain(usd.quantize(finest, context=_WIDE))
    return text if len(text.partition(".")[2]) > 1 else f"{usd:.2f}"
