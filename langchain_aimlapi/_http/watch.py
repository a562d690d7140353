"""Tells whoever watches a run what becomes of its call: that it begins, is tried again, fails.

A callback of LangChain knows a run, but not the call that is made for it: a stream is handed no
run, and a cancelled call ends without a word to the callbacks. So a handler that has to know asks
here, at the start of the run, to be told by the model in whose context the run goes on.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from uuid import UUID

    from langchain_aimlapi._http.call import Call


class Watcher(Protocol):
    """Who wants to know of one run's call.

    Attributes:
        run_id: LangChain's id of the run.
        call: The call of the run, once it has begun.
        is_over: Whether nothing more is to be told.
    """

    run_id: UUID
    call: Call | None
    is_over: bool

    def begin(self, call: Call) -> None:
        """Take note of the call before anything is sent; what this raises stops the call."""
        ...

    def retry(self, failure: Exception) -> None:
        """Take note of an attempt that failed and is made again."""
        ...

    def fail(self, error: BaseException) -> None:
        """Take note of how the call failed, was cancelled or broken off."""
        ...


class _Watched:
    """A run with those who watch it, on top of what its context watched before."""

    __slots__ = ("__weakref__", "below", "run_id", "watchers")

    def __init__(self, run_id: UUID, below: _Watched | None) -> None:
        self.run_id = run_id
        self.below = below
        self.watchers: list[Watcher] = []


_top: ContextVar[_Watched | None] = ContextVar("aimlapi_watched", default=None)
# A batch begins all of its runs before its first call, so its calls are not searched for in turn.
_by_run: WeakValueDictionary[UUID | None, _Watched] = WeakValueDictionary()
_by_call: WeakValueDictionary[int, _Watched] = WeakValueDictionary()


def watch(watcher: Watcher) -> None:
    """Have the watcher told of the next call of its run in this context."""
    top = _top.get()
    while top is not None and all(other.is_over for other in top.watchers):
        top = top.below
    if top is None or top.run_id != watcher.run_id:
        top = _by_run[watcher.run_id] = _Watched(watcher.run_id, top)
    top.watchers.append(watcher)
    _top.set(top)


def watched_run() -> UUID | None:
    """Return the run whose call is still to begin in this context, `None` if nobody watches."""
    watched = _top.get()
    while watched is not None and not any(map(_is_waiting, watched.watchers)):
        watched = watched.below
    return None if watched is None else watched.run_id


def begin_watched(call: Call, run_id: UUID | None) -> list[Watcher]:
    """Tell that a call begins; return who is to be told of its failure.

    Args:
        call: The call.
        run_id: The run that it is made for.
    """
    watched = _by_run.get(run_id)
    if watched is None:
        return []
    _by_call[id(call)] = watched
    told = [*filter(_is_waiting, watched.watchers)]
    for watcher in told:
        watcher.begin(call)
    return told


def note_retry(call: Call, failure: Exception) -> None:
    """Tell that an attempt of the call failed and is made again."""
    watched = _by_call.get(id(call))
    for watcher in watched.watchers if watched else ():
        if watcher.call is call and not watcher.is_over:
            watcher.retry(failure)


def _is_waiting(watcher: Watcher) -> bool:
    return watcher.call is None and not watcher.is_over
