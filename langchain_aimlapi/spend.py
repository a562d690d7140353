"""What a whole run spends, held under a limit.

    with get_spend_callback(max_usd="0.50") as spend:
        agent.invoke(...)
    print(spend)

Counted is what the answers report, whoever called the model inside the block: chains, agents,
parallel branches, batches, tasks, streams. A call that failed or a stream that was broken off
reports nothing, so what it may have cost is only in the gateway's own ledger.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any, Self

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration
from langchain_core.tracers.context import register_configure_hook

from langchain_aimlapi.errors import AIMLAPIBudgetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from langchain_core.messages import BaseMessage
    from langchain_core.outputs import LLMResult

_UNKNOWN_MODEL = "unknown"
_COLUMNS = ("model", "answers", "cached", "tokens in", "tokens out", "credits", "USD")


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


class SpendCallbackHandler(BaseCallbackHandler):
    """Add up what the calls spend that it is a callback of.

    Pass it as a callback (`config={"callbacks": [spend]}`, or to a model's constructor), or let
    `get_spend_callback` do so for a whole block. Safe to share between threads; `print(spend)`
    shows a table; `spend + other` and `sum(spends)` make a handler, without limits, that holds
    both; a pickle or copy goes its own way from then on.

    A limit is checked before each call: a call starts while less than the limit is spent, and
    what has started is never cut. So the last call, as well as calls that run beside it, may go
    over. Answers that came without a cost (`unpriced`) cannot count toward a limit.

    Attributes:
        max_credits: Limit in AI/ML API credits, or `None`.
        max_usd: Limit in USD, or `None`.
    """

    raise_error = True  # or langchain-core would log the limit's error instead of stopping the call
    run_inline = True  # async runs need no thread for a few additions

    def __init__(
        self, *, max_credits: int | None = None, max_usd: Decimal | float | str | None = None
    ) -> None:
        """Start at nothing.

        Args:
            max_credits: Credits at which no further call may start.
            max_usd: USD at which no further call may start; text is taken exactly as written.

        Raises:
            ValueError: A limit is not a number of 0 or more.
        """
        super().__init__()
        self.max_credits = _limit(max_credits, name="max_credits")
        self.max_usd = _limit(max_usd, name="max_usd")
        self._by_model: dict[str, Cost] = {}
        self._lock = threading.Lock()

    @property
    def by_model(self) -> dict[str, Cost]:
        """What was spent so far by model name (`response_metadata["model_name"]`), a snapshot."""
        with self._lock:
            return dict(self._by_model)

    @property
    def total(self) -> Cost:
        """What was spent so far in all."""
        return sum(self.by_model.values(), start=Cost())

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002  langchain-core's signature
        messages: list[list[BaseMessage]],  # noqa: ARG002  as above
        **kwargs: Any,  # noqa: ANN401, ARG002  as above
    ) -> None:
        """Let a call of a chat model start while the limits allow it.

        Raises:
            AIMLAPIBudgetError: A limit is reached; not retryable.
        """
        self._check()

    def on_llm_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002  langchain-core's signature
        prompts: list[str],  # noqa: ARG002  as above
        **kwargs: Any,  # noqa: ANN401, ARG002  as above
    ) -> None:
        """Let a call of a text model start while the limits allow it.

        Raises:
            AIMLAPIBudgetError: A limit is reached; not retryable.
        """
        self._check()

    def on_llm_end(
        self,
        response: LLMResult,
        **kwargs: Any,  # noqa: ANN401, ARG002  langchain-core's signature
    ) -> None:
        """Count what one call spent, however many alternatives it gave."""
        model, cost = _spent(response)
        self._add(model, cost)

    def _add(self, model: str, cost: Cost) -> None:
        with self._lock:
            self._by_model[model] = self._by_model.get(model, Cost()) + cost

    def _check(self) -> None:
        total = self.total
        for name, unit, limit, spent in (
            ("max_credits", "credits", self.max_credits, Decimal(total.credits)),
            ("max_usd", "USD", self.max_usd, total.usd),
        ):
            if limit is not None and spent >= limit:
                raise AIMLAPIBudgetError(
                    f"No further call may start: {_plain(spent)} of at most {_plain(limit)} "
                    f"{unit} are spent in {total.answers} answers. "
                    f"Raise `{name}`, or start with a new handler."
                )

    def __add__(self, other: SpendCallbackHandler) -> SpendCallbackHandler:
        if not isinstance(other, SpendCallbackHandler):
            return NotImplemented
        both = SpendCallbackHandler()
        for spend in (self, other):
            for model, cost in spend.by_model.items():
                both._add(model, cost)
        return both

    def __radd__(self, other: int) -> SpendCallbackHandler:
        """Make `sum(spends)` work, which starts from 0."""
        return self + SpendCallbackHandler() if other == 0 else NotImplemented

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_by_model": self.by_model, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def __repr__(self) -> str:
        total = self.total
        return (
            f"{type(self).__name__}(answers={total.answers}, "
            f"credits={total.credits}, usd={_plain(total.usd)})"
        )

    def __str__(self) -> str:
        by_model = self.by_model
        total = sum(by_model.values(), start=Cost())
        rows = [_row(model, cost) for model, cost in sorted(by_model.items())]
        table = [_COLUMNS, *rows, *([_row("total", total)] if len(rows) != 1 else [])]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
            for row in table
        ]
        if total.usd_derived:
            lines.append(
                f"{_plain(total.usd_derived)} of the USD derived from credits, not reported"
            )
        if total.unpriced:
            lines.append(f"{total.unpriced} of the answers came without a cost")
        return "\n".join(lines)


@contextmanager
def get_spend_callback(
    *, max_credits: int | None = None, max_usd: Decimal | float | str | None = None
) -> Iterator[SpendCallbackHandler]:
    """Count what everything inside the `with` block spends.

    Blocks may be nested: the outer one counts what the inner one does. What LangChain runs for
    the block in threads and tasks belongs to it; a bare `threading.Thread` does not (it starts
    with an empty context), so pass the handler there as a callback.

    A generator may begin the block in one context and go on in others (a web server runs each step
    of a streamed answer so): calls that are made in another context are not counted, unless the
    handler is passed to them.

    Args:
        max_credits: Credits at which no further call may start.
        max_usd: USD at which no further call may start; text is taken exactly as written.

    Yields:
        The handler, which goes on holding its figures after the block.

    Raises:
        ValueError: A limit is not a number of 0 or more.
    """
    spend = SpendCallbackHandler(max_credits=max_credits, max_usd=max_usd)
    variable = next(free for depth in count() if (free := _hook(depth)).get() is None)
    token = variable.set(spend)
    try:
        yield spend
    finally:
        with suppress(ValueError):  # ends in another context than it began in
            variable.reset(token)


@cache
def _hook(depth: int) -> ContextVar[SpendCallbackHandler | None]:
    """Return the variable that hands a block's handler to every run inside it.

    langchain-core keeps registered variables for ever, so blocks share one for each depth of
    nesting instead of registering their own. Should two threads make the first one at the same
    time, both work.
    """
    variable: ContextVar[SpendCallbackHandler | None] = ContextVar(
        f"aimlapi_spend_{depth}", default=None
    )
    register_configure_hook(variable, inheritable=True)
    return variable


def _limit(value: object, *, name: str) -> Decimal | None:
    if value is None:
        return None
    if (limit := decode_amount(value)) is None:
        raise ValueError(f"`{name}` must be a number of 0 or more, got {value!r}")
    return limit


def _spent(response: LLMResult) -> tuple[str, Cost]:
    """Return the model of a call, with what the call cost: its first alternative says it."""
    metadata: dict[str, Any] = dict(response.llm_output or {})
    usage: dict[str, Any] = {}
    first = next((one for generations in response.generations for one in generations), None)
    if isinstance(first, ChatGeneration) and isinstance(first.message, AIMessage):
        metadata |= first.message.response_metadata
        usage = dict(first.message.usage_metadata or {})
    model = metadata.get("model_name")
    return (
        model if isinstance(model, str) and model else _UNKNOWN_MODEL,
        Cost.read(metadata, usage_metadata=usage),
    )


def _plain(amount: Decimal) -> str:
    """Return all digits of an amount, without an exponent or zeros that say nothing."""
    return f"{amount.normalize():f}"


def _row(name: str, cost: Cost) -> tuple[str, ...]:
    numbers = (cost.answers, cost.cached, cost.input_tokens, cost.output_tokens, cost.credits)
    return name, *(f"{number:,}" for number in numbers), _plain(cost.usd)
