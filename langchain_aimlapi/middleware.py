"""Middleware for `langchain.agents.create_agent`: a limit on what an agent spends.

Needs `langchain`, and is imported only where it is used.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired

from langchain.agents.middleware import (
    AgentMiddleware,
    AgentState,
    ExtendedModelResponse,
    ModelResponse,
)
from langchain.agents.middleware.types import PrivateStateAttr
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.config import get_config
from langgraph.types import Command

from langchain_aimlapi.errors import AIMLAPIBudgetError
from langchain_aimlapi.spend.cost import Cost, decode_amount, plain
from langchain_aimlapi.spend.handler import SpendCallbackHandler, count_spend
from langchain_aimlapi.spend.open_items import dump_cost, load_cost

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from langchain.agents.middleware import ModelRequest
    from langchain.tools.tool_node import ToolCallRequest
    from langgraph.runtime import Runtime

    Tally = dict[str, str]
    Request = ModelRequest[Any]
    Response = ModelResponse[Any]
    Counted = ExtendedModelResponse[Any]
    ToolResult = ToolMessage | Command[Any]

_SPENT, _AT_START = "aimlapi_spend", "aimlapi_spend_at_start"
_DEAREST = ("dearest_credits", "dearest_usd")
# Steps whose tools may still be at work: far more than a server has at a time.
_MOST_STEPS = 4096
# Threads of which more is kept than their state holds: what the oldest failed ones spent is let go.
_MOST_THREADS = 65_536


def _add(old: Tally | None, new: Tally | None) -> Tally:
    """Add up two tallies, which hold JSON types only, so that any checkpointer can keep them."""
    old, new = old or {}, new or {}
    tally = dump_cost(_cost_of(old) + _cost_of(new))
    for name in _DEAREST:
        tally[name] = str(max(Decimal(old.get(name, 0)), Decimal(new.get(name, 0))))
    return tally


def _cost_of(tally: Mapping[str, str]) -> Cost:
    return load_cost({name: tally[name] for name in tally if name not in _DEAREST})


class SpendState(AgentState[Any]):
    """What an agent's state keeps of its spend: the tally of the thread, and that at its start."""

    # LangGraph takes the last word of an annotation for the reducer.
    aimlapi_spend: NotRequired[Annotated[dict[str, str], PrivateStateAttr, _add]]
    aimlapi_spend_at_start: NotRequired[Annotated[dict[str, str], PrivateStateAttr]]


class SpendLimitMiddleware(AgentMiddleware[Any, Any]):
    """Stop an agent before a call of the model when it has spent as much as it may.

        agent = create_agent(model, tools, middleware=[SpendLimitMiddleware(run_usd="0.50")],
                             checkpointer=checkpointer)

    Counted are the model's answers, and what tools spend: sub-agents, parallel ones too, share
    what is left. The tally is part of the agent's state: with a checkpointer a resumed thread goes
    on from what it has spent. A call begins while less than the limit is spent, so the last one may
    go over; failed and broken-off calls count by an upper estimate (see `spend.OpenItem`).

    A sub-agent that reaches the limit inside a tool is stopped: the tool's result says so.
    """

    state_schema = SpendState

    def __init__(
        self,
        *,
        run_credits: Decimal | float | str | None = None,
        run_usd: Decimal | float | str | None = None,
        thread_credits: Decimal | float | str | None = None,
        thread_usd: Decimal | float | str | None = None,
        exit_behavior: Literal["end", "error"] = "end",
    ) -> None:
        """Set the limits.

        Args:
            run_credits: Credits that one run of the agent may spend, until it answers; a run that
                was interrupted and is resumed is the same run.
            run_usd: The same in USD.
            thread_credits: Credits that all runs of a thread may spend together.
            thread_usd: The same in USD.
            exit_behavior: `"end"`: the agent ends with a last message that says so; `"error"`:
                `AIMLAPIBudgetError`.

        Raises:
            ValueError: There is no limit, or one is not a number of 0 or more.
        """
        super().__init__()
        given = {
            "run_credits": run_credits,
            "run_usd": run_usd,
            "thread_credits": thread_credits,
            "thread_usd": thread_usd,
        }
        self._limits: dict[str, Decimal] = {}
        for name, value in given.items():
            if value is not None:
                if (limit := decode_amount(value)) is None:
                    raise ValueError(f"`{name}` must be a number of 0 or more, got {value!r}")
                self._limits[name] = limit
        if not self._limits:
            raise ValueError(f"Set a limit: one of {', '.join(given)}.")
        if exit_behavior not in ("end", "error"):
            raise ValueError(f"exit_behavior={exit_behavior!r} is neither 'end' nor 'error'.")
        self._ends = exit_behavior == "end"
        # LangGraph runs the tools of a step side by side, each in a call of its own: they share a
        # meter by the message that asked for them.
        self._steps: OrderedDict[tuple[str, str], _Meter] = OrderedDict()
        # What failed steps spent: LangGraph throws away the state of a step that raises.
        self._unwritten: OrderedDict[str, Tally] = OrderedDict()
        self._lock = threading.Lock()

    def before_agent(self, state: SpendState, runtime: Runtime[Any]) -> dict[str, Tally]:  # noqa: ARG002  langchain's signature
        """Remember what the thread had spent when the run began, failed steps included."""
        thread = _thread_id()
        with self._lock:
            if not thread:  # each run is a thread of its own: what another left is not this one's
                self._unwritten.pop(thread, None)
            unwritten = self._unwritten.get(thread)
        spent = state.get("aimlapi_spend", {})
        return {_AT_START: _add(spent, unwritten) if unwritten else dict(spent)}

    async def abefore_agent(self, state: SpendState, runtime: Runtime[Any]) -> dict[str, Tally]:
        """Remember what the thread had spent when the run began."""
        return self.before_agent(state, runtime)

    # ------------------------------------------------------------ the model

    def wrap_model_call(
        self,
        request: Request,
        handler: Callable[[Request], Response],
    ) -> Counted:
        """Make the call if the limits allow it, and count it."""
        meter = self._meter(request.state)
        try:
            with self._counting(meter):
                self._refuse(request.state)
                response = handler(request)
        except AIMLAPIBudgetError as error:
            response = ModelResponse(result=[AIMessage(self._last_words(error))])
        return self._with_tally(response, meter)

    async def awrap_model_call(
        self,
        request: Request,
        handler: Callable[[Request], Awaitable[Response]],
    ) -> Counted:
        """Make the call if the limits allow it, and count it."""
        meter = self._meter(request.state)
        try:
            with self._counting(meter):
                self._refuse(request.state)
                response = await handler(request)
        except AIMLAPIBudgetError as error:
            response = ModelResponse(result=[AIMessage(self._last_words(error))])
        return self._with_tally(response, meter)

    def _refuse(self, state: Mapping[str, Any]) -> None:
        """Raise where a limit is reached."""
        for name, limit in self._limits.items():
            spent = self._spent(state, name)
            if spent >= limit:
                scope, unit = name.split("_")
                unit = "USD" if unit == "usd" else unit
                raise AIMLAPIBudgetError(
                    f"Stopped: {plain(spent)} of at most {plain(limit)} {unit} "
                    f"of this {scope} are spent; raise `{name}` to go on."
                )

    def _last_words(self, error: AIMLAPIBudgetError) -> str:
        """Return what an agent ends with at its limit, unless it is to fail."""
        if not self._ends:
            raise error
        return str(error)

    def _with_tally(self, response: Response, meter: _Meter) -> Counted:
        tally = _add(self._take(), meter.tally())
        return ExtendedModelResponse(response, command=Command(update={_SPENT: tally}))

    # ------------------------------------------------------------ tools

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], ToolResult]
    ) -> ToolResult:
        """Run a tool, whose own calls of models share what is left, and count them."""
        own = _Meter({}, dearest={})
        try:
            with count_spend(self._shared_meter(request.state)), self._counting(own):
                result = handler(request)
        except AIMLAPIBudgetError as error:
            result = self._stop_tool(request, error)
        return self._with_tool_tally(result, own)

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolResult]],
    ) -> ToolResult:
        """Run a tool, whose own calls of models share what is left, and count them."""
        own = _Meter({}, dearest={})
        try:
            with count_spend(self._shared_meter(request.state)), self._counting(own):
                result = await handler(request)
        except AIMLAPIBudgetError as error:
            result = self._stop_tool(request, error)
        return self._with_tool_tally(result, own)

    def _stop_tool(self, request: ToolCallRequest, error: AIMLAPIBudgetError) -> ToolMessage:
        """Return the result of a tool whose sub-agent was stopped at the limit."""
        call = request.tool_call
        words = self._last_words(error)
        return ToolMessage(words, tool_call_id=call["id"], name=call["name"], status="error")

    def _with_tool_tally(self, result: ToolResult, own: _Meter) -> ToolResult:
        tally = own.tally()
        if own.total == Cost():
            return result
        if isinstance(result, ToolMessage):
            return Command(update={"messages": [result], _SPENT: tally})
        if result.graph is None and isinstance(result.update, dict):
            return replace(result, update={**result.update, _SPENT: tally})
        self._keep(tally)  # it leads out of this agent: written with the next call of the thread
        return result

    # ------------------------------------------------------------ tallies

    def _spent(self, state: Mapping[str, Any], limit: str) -> Decimal:
        """Return what a limit has to be held against."""
        scope, unit = limit.split("_")
        cost = _cost_of(_add(state.get(_SPENT), self._unwritten.get(_thread_id())))
        if scope == "run":
            cost -= _cost_of(state.get(_AT_START, {}))
        return cost.usd + cost.usd_open if unit == "usd" else cost.credits + cost.credits_open

    def _meter(self, state: Mapping[str, Any]) -> _Meter:
        """Return a meter that stops where the first of the limits is reached."""
        left: dict[str, Decimal] = {}
        for name, limit in self._limits.items():
            unit = f"max_{name.split('_')[1]}"
            rest = max(limit - self._spent(state, name), Decimal(0))
            left[unit] = min(rest, left.get(unit, rest))
        return _Meter(left, dearest=state.get(_SPENT, {}))

    def _shared_meter(self, state: Mapping[str, Any]) -> _Meter:
        """Return the one meter of all tools that the last message of the model called."""
        asked = next(m for m in reversed(state["messages"]) if isinstance(m, AIMessage))
        step = (_thread_id(), asked.id or "")
        with self._lock:
            meter = self._steps.setdefault(step, self._meter(state))
            if len(self._steps) > _MOST_STEPS:
                self._steps.popitem(last=False)
        return meter

    @contextmanager
    def _counting(self, meter: _Meter) -> Iterator[None]:
        """Count into a meter what the block spends; keep that where the block fails."""
        try:
            with count_spend(meter):
                yield
        except BaseException as error:
            # An agent that ends in words at its limit writes the tally along with them.
            is_written = self._ends and isinstance(error, AIMLAPIBudgetError)
            if not is_written and meter.total != Cost():
                self._keep(meter.tally())
            raise

    def _keep(self, tally: Tally) -> None:
        """Keep what a step spent that failed, and so cannot write it into the state."""
        with self._lock:
            thread = _thread_id()
            self._unwritten[thread] = _add(self._unwritten.get(thread), tally)
            self._unwritten.move_to_end(thread)
            if len(self._unwritten) > _MOST_THREADS:
                self._unwritten.popitem(last=False)

    def _take(self) -> Tally:
        with self._lock:
            return self._unwritten.pop(_thread_id(), {})


class _Meter(SpendCallbackHandler):
    """A handler that knows the dearest call of the thread, and tells its tally."""

    def __init__(self, left: Mapping[str, Decimal], *, dearest: Mapping[str, str]) -> None:
        super().__init__(max_credits=left.get("max_credits"), max_usd=left.get("max_usd"))
        self._books.dearest = Cost(
            credits=Decimal(dearest.get("dearest_credits", 0)),
            usd_reported=Decimal(dearest.get("dearest_usd", 0)),
        )

    def tally(self) -> Tally:
        """Return what was spent, as the state keeps it."""
        dearest = self._books.dearest
        tally = dump_cost(self.total)
        return tally | {"dearest_credits": str(dearest.credits), "dearest_usd": str(dearest.usd)}


def _thread_id() -> str:
    # From the context: middleware is handed no config, and one object serves many threads.
    return str(get_config().get("configurable", {}).get("thread_id", ""))
