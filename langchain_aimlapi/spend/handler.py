"""Counts what the calls of a run spend, and stops the next one at a limit."""

from __future__ import annotations

import copy
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration
from langchain_core.tracers.context import register_configure_hook

from langchain_aimlapi._http.watch import watch
from langchain_aimlapi.spend.books import Books
from langchain_aimlapi.spend.cost import Cost, decode_amount, plain
from langchain_aimlapi.spend.open_items import Journal
from langchain_aimlapi.spend.tables import html_table, text_table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator
    from datetime import datetime
    from decimal import Decimal

    from langchain_core.messages import BaseMessage
    from langchain_core.outputs import LLMResult

    from langchain_aimlapi.spend.books import Row
    from langchain_aimlapi.spend.open_items import OpenItem

_UNKNOWN_MODEL = "unknown"
# Of `ChatAIMLGemini`, which asks for leave itself when its call begins.
_OUR_TYPE = "aimlapi-gemini-chat"
_A_DAY = timedelta(days=1)


class Account(Protocol):
    """What tells what was charged; see `langchain_aimlapi.account.Account`."""

    def logs(self, *, start: datetime, end: datetime) -> Iterable[Row]:
        """Yield the requests of a window."""
        ...

    def alogs(self, *, start: datetime, end: datetime) -> AsyncIterator[Row]:
        """Yield the requests of a window."""
        ...


class SpendCallbackHandler(BaseCallbackHandler):
    """Add up what the calls spend that it is a callback of.

    Pass it as a callback (`config={"callbacks": [spend]}`, or to a model's constructor), or let
    `get_spend_callback` do so for a whole block. Safe to share between threads; `print(spend)`
    shows a table; `spend + other` and `sum(spends)` make a handler, without limits, that holds
    both; a pickle or copy goes its own way from then on.

    A limit is checked where a call begins: it may begin while less than the limit is spent, what
    runs beside it counted at the price of the dearest call so far, what is open at its upper
    estimate. What has begun is never cut, so the last call may go over. Answers out of LangChain's
    cache are free and always given. Answers of other models that came without a cost (`unpriced`)
    cannot count toward a limit.
    """

    raise_error = True  # or langchain-core would log the limit's error instead of stopping the call
    run_inline = True  # async runs need no thread for a few additions

    def __init__(
        self,
        *,
        max_credits: Decimal | float | str | None = None,
        max_usd: Decimal | float | str | None = None,
        journal: str | Path | None = None,
    ) -> None:
        """Start at nothing, or at what the journal says.

        Args:
            max_credits: Credits at which no further call may start.
            max_usd: USD at which no further call may start; text is taken exactly as written.
            journal: A file that each call is written into when it begins and when it ends. A
                process that goes on with the file of one that was killed has its sums, and its
                unfinished calls as open items. One process at a time.

        Raises:
            ValueError: A limit is not a number of 0 or more.
        """
        super().__init__()
        self._books = Books(None if journal is None else Journal(Path(journal)))
        self.max_credits, self.max_usd = max_credits, max_usd

    @property
    def max_credits(self) -> Decimal | None:
        """Limit in AI/ML API credits, or `None`; may be set at any time."""
        return self._books.limits["max_credits"]

    @max_credits.setter
    def max_credits(self, limit: Decimal | float | str | None) -> None:
        self._books.limits["max_credits"] = _limit(limit, name="max_credits")

    @property
    def max_usd(self) -> Decimal | None:
        """Limit in USD, or `None`; may be set at any time."""
        return self._books.limits["max_usd"]

    @max_usd.setter
    def max_usd(self, limit: Decimal | float | str | None) -> None:
        self._books.limits["max_usd"] = _limit(limit, name="max_usd")

    @property
    def by_model(self) -> dict[str, Cost]:
        """What was spent so far by model name (`response_metadata["model_name"]`), a snapshot.

        Open items stand under the id that was asked for.
        """
        return self._books.by_model()

    @property
    def total(self) -> Cost:
        """What was spent so far in all."""
        return sum(self.by_model.values(), start=Cost())

    @property
    def open_items(self) -> list[OpenItem]:
        """The calls that ended without telling what they cost, a snapshot."""
        return self._books.open_items()

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002  langchain-core's signature
        messages: list[list[BaseMessage]],  # noqa: ARG002  as above
        **kwargs: Any,
    ) -> None:
        """Let a call of a chat model start while the limits allow it.

        `ChatAIMLGemini` asks when its call begins, so that langchain-core does not log the refusal
        as an error of this handler.

        Raises:
            AIMLAPIBudgetError: A limit is reached; not retryable.
        """
        if (kwargs.get("invocation_params") or {}).get("_type") != _OUR_TYPE:
            self._books.check()
        if run_id := kwargs.get("run_id"):
            watch(self._books.start(run_id))

    def on_llm_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002  langchain-core's signature
        prompts: list[str],  # noqa: ARG002  as above
        **kwargs: Any,  # noqa: ARG002  as above
    ) -> None:
        """Let a call of a text model start while the limits allow it.

        Raises:
            AIMLAPIBudgetError: A limit is reached; not retryable.
        """
        self._books.check()

    def on_llm_end(
        self,
        response: LLMResult,
        **kwargs: Any,
    ) -> None:
        """Count what one call spent, however many alternatives it gave."""
        self._books.end(kwargs.get("run_id"), *_spent(response))

    def on_llm_error(
        self,
        error: BaseException,
        **kwargs: Any,
    ) -> None:
        """Keep a call that failed, or was broken off, as an open item, if it may be billed."""
        self._books.fail(kwargs.get("run_id"), error)

    def reconcile(
        self, account: Account, *, give_up_after: timedelta | None = _A_DAY
    ) -> list[OpenItem]:
        """Replace open items by what the account's log says was charged.

        The log lags behind the answers: an item without a row stays open; ask again later. Where
        the log has rows of so much later that this one would be there, it was not charged, and is
        let go. The log goes back 91 days: what is older stays open.

        Args:
            account: `langchain_aimlapi.account.Account` of the key that made the calls.
            give_up_after: How much later than an item the newest row must be for that. `None`
                keeps items open until they have a row.

        Returns:
            The items that are still open.

        Raises:
            AIMLAPIError: The log cannot be read; nothing has changed.
        """
        if window := self._books.window():
            rows = account.logs(start=window[0], end=window[1])
            self._books.settle(rows, give_up_after=give_up_after)
        return self.open_items

    async def areconcile(
        self, account: Account, *, give_up_after: timedelta | None = _A_DAY
    ) -> list[OpenItem]:
        """Replace open items by what the account's log says was charged; see `reconcile`."""
        if window := self._books.window():
            rows = account.alogs(start=window[0], end=window[1])
            self._books.settle([row async for row in rows], give_up_after=give_up_after)
        return self.open_items

    def __add__(self, other: SpendCallbackHandler) -> SpendCallbackHandler:
        if not isinstance(other, SpendCallbackHandler):
            return NotImplemented
        both = SpendCallbackHandler()
        for spend in (self, other):
            both._books.add(spend._books)
        return both

    def __radd__(self, other: int) -> SpendCallbackHandler:
        """Make `sum(spends)` work, which starts from 0."""
        return self + SpendCallbackHandler() if other == 0 else NotImplemented

    def __copy__(self) -> SpendCallbackHandler:
        return copy.deepcopy(self)

    def __repr__(self) -> str:
        total = self.total
        opened = f", open={total.open}" if total.open else ""
        return (
            f"{type(self).__name__}(answers={total.answers}, "
            f"credits={plain(total.credits)}, usd={plain(total.usd)}{opened})"
        )

    def __str__(self) -> str:
        return text_table(self.by_model)

    def _repr_html_(self) -> str:
        """Return the table for a notebook."""
        return html_table(self.by_model)


@contextmanager
def get_spend_callback(
    *,
    max_credits: Decimal | float | str | None = None,
    max_usd: Decimal | float | str | None = None,
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
    with count_spend(SpendCallbackHandler(max_credits=max_credits, max_usd=max_usd)) as spend:
        yield spend


@contextmanager
def count_spend(spend: SpendCallbackHandler) -> Iterator[SpendCallbackHandler]:
    """Let a handler count what everything inside the `with` block spends.

    Args:
        spend: The handler; it may be used in many blocks, one after the other or side by side.
    """
    # The first depth that is free here: contexts of other tasks have theirs.
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


def _spent(response: LLMResult) -> tuple[str, Cost, str | None]:
    """Return a call's model, cost and inference id: its first alternative says them."""
    metadata: dict[str, Any] = dict(response.llm_output or {})
    usage: dict[str, Any] = {}
    first = next((answer for answers in response.generations for answer in answers), None)
    if isinstance(first, ChatGeneration) and isinstance(first.message, AIMessage):
        metadata |= first.message.response_metadata
        usage = dict(first.message.usage_metadata or {})
    model, inference_id = metadata.get("model_name"), metadata.get("inference_id")
    return (
        model if isinstance(model, str) and model else _UNKNOWN_MODEL,
        Cost.read(metadata, usage_metadata=usage),
        inference_id if isinstance(inference_id, str) else None,
    )
