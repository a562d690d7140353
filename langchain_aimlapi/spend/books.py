"""The books of a spend: what was charged by model, what is open or under way, the limits.

Every change is written down if there is a journal: `begin` and `fail` with an item, `end` with an
item's id, model and cost.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID, uuid4

from langchain_aimlapi.errors import AIMLAPIBudgetError
from langchain_aimlapi.spend.cost import Cost, plain
from langchain_aimlapi.spend.open_items import (
    OpenItem,
    dump_cost,
    dump_item,
    load_cost,
    load_item,
    may_be_billed,
    was_left_open,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from decimal import Decimal

    from langchain_aimlapi._http.call import Call
    from langchain_aimlapi.spend.open_items import Journal

# Clocks differ: how much earlier than an item began its row may say.
_MARGIN = timedelta(minutes=5)
_LONGEST_WINDOW = timedelta(days=91)
# What a line of a journal may raise that is none of ours.
_ODD = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)


class Charge(Protocol):
    """What a row was charged; see `account.LogCost`."""

    @property
    def usd(self) -> Decimal:
        """In USD."""
        ...

    @property
    def credits(self) -> Decimal:
        """In credits."""
        ...


class Tokens(Protocol):
    """What a row took; see `account.LogTokens`."""

    @property
    def input(self) -> int:
        """Of the prompt."""
        ...

    @property
    def output(self) -> int:
        """Of the answer."""
        ...


class Row(Protocol):
    """A row of the account's log; see `account.LogEntry`."""

    @property
    def client_request_id(self) -> str | None:
        """What the request was sent with."""
        ...

    @property
    def inference_id(self) -> str:
        """What its answer was sent with."""
        ...

    @property
    def cost(self) -> Charge:
        """What it was charged."""
        ...

    @property
    def tokens(self) -> Tokens:
        """What it took."""
        ...

    @property
    def created(self) -> datetime:
        """When it was made."""
        ...


class Running:
    """One run of a chat model, whose call tells what becomes of it; see `_watch.Watcher`.

    Attributes:
        run_id: LangChain's id of the run.
        call: Its call, once it has begun.
        is_over: Whether it has ended.
        item: What it may cost, once it has begun.
        has_retried: Whether an attempt was left open.
    """

    def __init__(self, books: Books, run_id: UUID) -> None:
        self.run_id = run_id
        self.call: Call | None = None
        self.is_over = False
        self.item: OpenItem | None = None
        self.has_retried = False
        self._books = books

    def begin(self, call: Call) -> None:
        """Let the call begin, if the limits allow it."""
        self.call = call
        self.item = self._books.begin(call, self)

    def retry(self, failure: Exception) -> None:
        """Keep an attempt that may be billed as an item of its own."""
        # Another id, the same client_request_id: the account's log has a row for each attempt.
        if self.item and was_left_open(failure):
            self.has_retried = True
            self._books.leave(replace(self.item, id=uuid4().hex), failure)

    def fail(self, error: BaseException) -> None:
        """Keep the call as an open item, if it may be billed."""
        self._books.fail(self.run_id, error)


class Books:
    """What a spend holds; safe to share between threads.

    Attributes:
        limits: The most that may be spent, by name of the setting.
        dearest: The dearest call so far: what a call under way is reckoned at.
    """

    def __init__(self, journal: Journal | None) -> None:
        self.limits: dict[str, Decimal | None] = {}
        self._by_model: dict[str, Cost] = {}
        self._items: dict[str, OpenItem] = {}
        self._running: dict[UUID, Running] = {}
        # Rows that are settled already, by inference id: two reconciliations must not charge one
        # row twice.
        self._counted: set[str] = set()
        self.dearest = Cost()
        # Kept beside the tables, so that a call costs the same however many were made.
        self._total = Cost()
        self._begun = 0
        self._lock = threading.Lock()
        self._journal: Journal | None = None
        # Before the journal is set: what is read is not to be written once more.
        for event in journal.events() if journal else ():
            with suppress(*_ODD):  # a line that somebody else wrote into the journal
                self._replay(event)
        self._journal = journal
        _alive.add(self)

    # ------------------------------------------------------------ figures

    def by_model(self) -> dict[str, Cost]:
        """Return costs by model, what is open under the id that was asked for."""
        with self._lock:
            by_model = dict(self._by_model)
            for item in self._items.values():
                by_model[item.model] = by_model.get(item.model, Cost()) + item.cost
        return by_model

    def open_items(self) -> list[OpenItem]:
        """Return the calls that ended without telling what they cost."""
        with self._lock:
            return [*self._items.values()]

    # ------------------------------------------------------------ one call

    def start(self, run_id: UUID) -> Running:
        """Return what the call of a run is to tell."""
        with self._lock:
            started = self._running[run_id] = Running(self, run_id)
        return started

    def begin(self, call: Call, started: Running) -> OpenItem:
        """Let a call begin, and write it down before it is sent.

        Raises:
            AIMLAPIBudgetError: A limit is reached.
        """
        with self._lock:
            self._check()
            # Set here, so that a call that is checked next to it sees this one.
            started.item = OpenItem.of(call)
            self._begun += 1
            # Before the request leaves: a process that is killed has been billed, and its journal
            # says for what.
            self._write("begin", partial(dump_item, started.item))
            return started.item

    def end(self, run_id: UUID | None, model: str, cost: Cost, inference_id: str | None) -> None:
        """Count what a call cost; one of this endpoint that did not say stays open."""
        started = self._pop(run_id)
        item = started.item if started else None
        with self._lock:
            # So that settling does not take the row of this answer for that of an earlier attempt.
            if started and started.has_retried and inference_id:
                self._counted.add(inference_id)
            # It came from this endpoint, so that it was charged: the log will tell how much.
            if item and cost.unpriced:
                self._keep(replace(item, reason="no cost", unpriced=1, inference_id=inference_id))
                item = None
            self._close(item.id if item else None, model, cost)

    def fail(self, run_id: UUID | None, error: BaseException) -> None:
        """Keep the call of a run as an open item if it may be billed, else forget it."""
        started = self._pop(run_id)
        if started is None or started.item is None:
            return
        if may_be_billed(error):
            self.leave(started.item, error)
        else:
            with self._lock:
                self._close(started.item.id)

    def leave(self, item: OpenItem, error: BaseException) -> None:
        """Keep an item that ended in an error."""
        inference_id = getattr(error, "inference_id", None)
        with self._lock:
            self._keep(replace(item, reason=type(error).__name__, inference_id=inference_id))

    def check(self) -> None:
        """Refuse a further call where a limit is reached.

        Raises:
            AIMLAPIBudgetError: One is.
        """
        with self._lock:
            self._check()

    def _check(self) -> None:
        # What is under way is not known: each is reckoned at the dearest that was seen.
        total, beside = self._total, self._begun
        spent = {
            "max_credits": total.credits + total.credits_open + beside * self.dearest.credits,
            "max_usd": total.usd + total.usd_open + beside * self.dearest.usd,
        }
        for name, limit in self.limits.items():
            if limit is not None and spent[name] >= limit:
                unit = "USD" if name == "max_usd" else "credits"
                also = f", with {total.open} open calls at most" if total.open else ""
                also += f", with {beside} calls under way" if beside else ""
                raise AIMLAPIBudgetError(
                    f"No further call may start: {plain(spent[name])} of at most {plain(limit)} "
                    f"{unit} are spent in {total.answers} answers{also}. "
                    f"Raise `{name}`, or start with a new handler."
                )

    def _pop(self, run_id: UUID | None) -> Running | None:
        with self._lock:
            started = self._running.pop(run_id, None) if run_id else None
            if started and started.item:
                self._begun -= 1
        if started:
            started.is_over = True
            started.call = None  # its body need not live as long as the context it was made in
        return started

    # ------------------------------------------------------------ events

    def _keep(self, item: OpenItem) -> None:
        """Take an item into the books, in the place of an earlier state of it."""
        self._forget(item.id)
        self._items[item.id] = item
        self._total += item.cost
        self._write("fail", lambda: dump_item(item))

    def _close(self, item_id: str | None, model: str = "", cost: Cost | None = None) -> None:
        """Charge what a call cost, if anything, and let its item go."""
        self._forget(item_id)
        if cost is not None:
            self._charge(model, cost)
            if (cost.credits, cost.usd) > (self.dearest.credits, self.dearest.usd):
                self.dearest = cost
        self._write("end", lambda: [item_id, model, None if cost is None else dump_cost(cost)])

    def _forget(self, item_id: str | None) -> None:
        if item_id and (before := self._items.pop(item_id, None)):
            self._total -= before.cost

    def _charge(self, model: str, cost: Cost) -> None:
        self._by_model[model] = self._by_model.get(model, Cost()) + cost
        self._total += cost

    # A function and not the event: most books have no journal, and writing decimals out costs time.
    def _write(self, kind: str, dump: Callable[[], object]) -> None:
        if self._journal:
            self._journal.write({kind: dump()})

    def _replay(self, event: dict[str, Any]) -> None:
        """Take in what another process wrote: a call that had begun is an item that is open."""
        if facts := event.get("begin") or event.get("fail"):
            self._keep(load_item(facts))
        else:
            item_id, model, cost = event["end"]
            charged = None if cost is None else load_cost(cost)
            self._close(None if item_id is None else str(item_id), str(model), charged)

    # ------------------------------------------------------------ the bill

    def window(self) -> tuple[datetime, datetime] | None:
        """Return begin and end of the time in which the open calls were made, if there are any."""
        now, items = datetime.now(UTC), self.open_items()
        if not items:
            return None
        # The clock may have been set back since one of them began.
        begun = min(now, *(item.started_at for item in items))
        # The log takes no longer window; what is older can no longer be settled.
        return max(begun - _MARGIN, now - _LONGEST_WINDOW), now

    def settle(self, rows: Iterable[Row], *, give_up_after: timedelta | None = None) -> None:
        """Replace open items by what the rows of their calls were charged.

        Each attempt that was left open takes one row; the last one of a call takes what is left.

        Args:
            rows: The log of the window.
            give_up_after: How long before the newest row an item that has none must have begun to
                be let go: it was not charged. `None` keeps it.
        """
        rows = [*rows]
        newest = max((row.created for row in rows), default=None)
        settled_until: datetime | None = None
        if newest is not None and give_up_after is not None:
            settled_until = newest - give_up_after
        places: dict[str | None, set[int]] = {}
        for place, row in enumerate(rows):
            for name in (row.client_request_id, row.inference_id):
                places.setdefault(name, set()).add(place)
        with self._lock:
            items = [*self._items.values()]
            attempts = Counter(item.client_request_id for item in items)
            for item in items:
                names = (item.client_request_id, item.inference_id)
                meant = sorted(set().union(*(places.get(name, ()) for name in names)))
                found = [rows[place] for place in meant if self._is_of(rows[place], item)]
                attempts[item.client_request_id] -= 1
                # More attempts of this call follow in the list: their rows are left to them.
                if attempts[item.client_request_id]:
                    found = found[:1]
                if found:
                    self._counted.update(row.inference_id for row in found)
                    cost = sum(map(_charge_of, found), start=Cost(unpriced=-item.unpriced))
                    self._close(item.id, item.model, cost)
                elif settled_until is not None and self._is_told(item, settled_until):
                    self._close(item.id)

    @staticmethod
    def _is_told(item: OpenItem, settled_until: datetime) -> bool:
        """Tell whether the log would have a row of an item if it had been charged."""
        is_in_window = item.started_at >= datetime.now(UTC) - _LONGEST_WINDOW
        return is_in_window and item.started_at < settled_until

    def _is_of(self, row: Row, item: OpenItem) -> bool:
        if row.inference_id in self._counted:
            return False
        is_answer = item.inference_id is not None and row.inference_id == item.inference_id
        if item.unpriced and item.inference_id:
            return is_answer
        return is_answer or row.client_request_id == item.client_request_id

    # ------------------------------------------------------------ copies

    def add(self, other: Books) -> None:
        """Take over what other books hold; what still runs is theirs to count."""
        held = other.__getstate__()
        with self._lock:
            for model, cost in held["_by_model"].items():
                self._charge(model, cost)
            for item in held["_items"].values():
                self._keep(item)
            self._counted |= held["_counted"]

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:  # what still runs is the original's to count, as is its journal
            return {
                "limits": dict(self.limits),
                "_by_model": dict(self._by_model),
                "_items": dict(self._items),
                "_counted": set(self._counted),
                "_total": self._total,
                "dearest": self.dearest,
            }

    def __setstate__(self, state: dict[str, Any]) -> None:
        fresh = {"_running": {}, "_begun": 0, "_journal": None, "_lock": threading.Lock()}
        self.__dict__.update(state | fresh)
        _alive.add(self)

    def free(self) -> None:
        """Make the lock anew, in the child of a fork: the thread that holds it is not here."""
        self._lock = threading.Lock()


_alive: weakref.WeakSet[Books] = weakref.WeakSet()


def _free_all() -> None:
    for books in [*_alive]:
        books.free()


if hasattr(os, "register_at_fork"):  # pragma: no branch  Windows does not fork
    os.register_at_fork(after_in_child=_free_all)


def _charge_of(row: Row) -> Cost:
    return Cost(
        input_tokens=row.tokens.input,
        output_tokens=row.tokens.output,
        credits=row.cost.credits,
        usd_reported=row.cost.usd,
    )
