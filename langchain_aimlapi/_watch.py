"""Tells whoever watches a run what becomes of its call: that it begins, is tried again, fails.

A callback of LangChain knows a run, but not the call that is made for it: a stream is handed no
run, and a cancelled call ends without a word to the callbacks. So a handler that has to know asks
here, at the start of the run, to be told by the model in whose context the run goes on.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID


class Call(Protocol):
    """What is told of a call; see `_http.call.Call`."""

    @property
    def body(self) -> bytes:
        """The request as JSON bytes."""
        ...

    @property
    def client_request_id(self) -> str:
        """The id that all attempts carry."""
        ...

    @property
    def model(self) -> str:
        """The model's id."""
        ...

    @property
    def request(self) -> Mapping[str, Any]:
        """The request body."""
        ...


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


_watchers: ContextVar[tuple[Watcher, ...]] = ContextVar("aimlapi_watchers", default=())


def watch(watcher: Watcher) -> None:
    """Have the watcher told of the next call of its run in this context."""
    known = (*_watchers.get(), watcher)
    _watchers.set(tuple(other for other in known if not other.is_over))


def watched_run() -> UUID | None:
    """Return the run whose call is still to begin in this context, `None` if nobody watches."""
    waiting = (watcher.run_id for watcher in reversed(_watchers.get()) if _is_waiting(watcher))
    return next(waiting, None)


def begin_watched(call: Call, run_id: UUID | None) -> list[Watcher]:
    """Tell that a call begins; return who is to be told of its failure.

    Args:
        call: The call.
        run_id: The run that it is made for.
    """
    told = [
        watcher for watcher in _watchers.get() if watcher.run_id == run_id and _is_waiting(watcher)
    ]
    for watcher in told:
        watcher.begin(call)
    return told


def note_retry(call: Call, failure: Exception) -> None:
    """Tell that an attempt of the call failed and is made again."""
    for watcher in _watchers.get():
        if watcher.call is call and not watcher.is_over:
            watcher.retry(failure)


def _is_waiting(watcher: Watcher) -> bool:
    return watcher.call is None and not watcher.is_over
