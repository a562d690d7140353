"""Calls whose cost is not known yet: what they may have cost at most, how they are kept.

Prices are in no file of the documentation. The rates here are meant to be too high rather than too
low: Google's list prices of the dearest tier of the line (2026), with the gateway's inferred markup
of 1.3 on top, rounded up: assumed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from langchain_aimlapi.data import CREDITS_PER_USD
from langchain_aimlapi.data._profiles import profile_of
from langchain_aimlapi.errors import AIMLAPIBudgetError, AIMLAPIConnectionError, AIMLAPIError
from langchain_aimlapi.spend.cost import MOST_PLACES, Cost

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from langchain_aimlapi._http.call import Call

# USD per million tokens, in and out, at most.
_FLASH, _OTHER = (Decimal("2.5"), Decimal(15)), (Decimal("5.5"), Decimal(24))
_MOST_INPUT, _MOST_OUTPUT = 1_048_576, 65_536
# The densest that text gets: two bytes of the body to a token.
_BYTES_PER_TOKEN = 2
_COUNTS = frozenset({"answers", "cached", "unpriced", "input_tokens", "output_tokens", "open"})
# What says that a request never left: names of httpx's errors, which need not be imported here.
_NOT_SENT = frozenset(
    {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenItem:
    """A call that may have cost something.

    Attributes:
        client_request_id: What all its attempts carried; leads to its rows in the account's log.
        model: The model's id.
        started_at: When it began.
        credits: What it may have cost at most.
        reason: Why it is open, such as `GeneratorExit` (broken off by its reader),
            `CancelledError`, the name of an error, `no cost` or `unfinished`.
        inference_id: Header `x-inference-id`, where an error brought it.
        unpriced: 1 if its answer came, but without a cost.
        id: What tells it from other attempts of the same call.
    """

    client_request_id: str
    model: str
    started_at: datetime
    credits: Decimal
    reason: str = "unfinished"
    inference_id: str | None = None
    unpriced: int = 0
    id: str = field(default_factory=lambda: uuid4().hex)

    @classmethod
    def of(cls, call: Call) -> OpenItem:
        """Return the item of a call that begins now."""
        return cls(
            client_request_id=call.client_request_id,
            model=call.model,
            started_at=datetime.now(UTC),
            credits=_most_credits(call),
        )

    @property
    def cost(self) -> Cost:
        """The item as an open cost."""
        return Cost(open=1, credits_open=self.credits)


def _most_credits(call: Call) -> Decimal:
    """Return what a call may cost at most, in credits."""
    profile = profile_of(call.model) or {}
    most_input = profile.get("max_input_tokens") or _MOST_INPUT
    limits = (call.request.get(name) for name in ("max_tokens", "max_completion_tokens"))
    limit = next((limit for limit in limits if isinstance(limit, int) and limit > 0), None)
    answers = call.request.get("n")
    tokens_in = min(len(call.body) // _BYTES_PER_TOKEN + 1, most_input)
    tokens_out = limit or profile.get("max_output_tokens") or _MOST_OUTPUT
    # The one place that looks into an id: the wrong guess is only an upper limit that is less near.
    rate_in, rate_out = _FLASH if "flash" in call.model else _OTHER
    usd = tokens_in * rate_in + tokens_out * rate_out * (
        answers if isinstance(answers, int) and answers > 0 else 1
    )
    return usd * CREDITS_PER_USD / 1_000_000


def may_be_billed(error: BaseException) -> bool:
    """Tell whether a call that ended so may have cost something.

    A request that the server refused (4xx) is documented to cost nothing, one that never left
    cannot. What else ended early, a 5xx included, may have been worked on.
    """
    if not isinstance(error, AIMLAPIError):
        return True
    if isinstance(error, AIMLAPIBudgetError) or _is_refusal(error):
        return False
    if isinstance(error, AIMLAPIConnectionError) and not error.is_retryable:
        return False  # it could not be made
    return type(error.__cause__).__name__ not in _NOT_SENT


def was_left_open(failure: BaseException) -> bool:
    """Tell whether an attempt that is made again may have cost something: no status said no."""
    status = getattr(failure, "status_code", None)
    return status in (None, 200) and may_be_billed(failure)


def _is_refusal(error: AIMLAPIError) -> bool:
    status = error.status_code or 0
    return 400 <= status < 500 and status != 408 and error.partial is None  # noqa: PLR2004  HTTP's classes


class Journal:
    """A file to which each event is appended at once, so that a killed process leaves its items."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, event: Mapping[str, object]) -> None:
        """Append an event; opened anew each time, so that forks and threads may share the file."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event, default=str) + "\n")

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield what was written; a line that is none, such as a dying process leaves, is not."""
        if not self.path.exists():
            return
        text = self.path.read_bytes()
        for line in text.split(b"\n"):
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(event, dict):
                yield event
        if text and not text.endswith(b"\n"):
            with self.path.open("a", encoding="utf-8") as file:
                file.write("\n")  # or what is written next would be lost with the half line


def dump_item(item: OpenItem) -> dict[str, object]:
    """Return an item in JSON types."""
    facts = asdict(item)
    return {**facts, "started_at": item.started_at.isoformat(), "credits": str(item.credits)}


def load_item(facts: Mapping[str, Any]) -> OpenItem:
    """Return the item that was dumped.

    Raises:
        ValueError: These are the facts of none, or another error of Python's own.
    """
    inference_id = facts.get("inference_id")
    return OpenItem(
        client_request_id=str(facts["client_request_id"]),
        model=str(facts["model"]),
        started_at=_moment(facts["started_at"]),
        credits=_amount(facts["credits"]),
        reason=str(facts["reason"]),
        inference_id=None if inference_id is None else str(inference_id),
        unpriced=int(facts["unpriced"]),
        id=str(facts["id"]),
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _amount(text: str) -> Decimal:
    amount = Decimal(text)
    # Nothing could be held against NaN; `1e999999` written out is a million digits.
    if not amount.is_finite() or (amount and abs(amount.adjusted()) > MOST_PLACES):
        raise ValueError(text)
    return amount


def dump_cost(cost: Cost) -> dict[str, str]:
    """Return a cost in JSON types."""
    return {name: str(value) for name, value in asdict(cost).items()}


def load_cost(facts: Mapping[str, str]) -> Cost:
    """Return the cost that was dumped."""
    amounts: dict[str, Any] = {
        name: int(value) if name in _COUNTS else _amount(value) for name, value in facts.items()
    }
    return Cost(**amounts)
