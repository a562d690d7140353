"""Watching a run costs the same however many others wait beside it."""

from __future__ import annotations

from contextvars import copy_context
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from langchain_aimlapi._http.watch import begin_watched, note_retry, watch, watched_run


class Watcher:
    looks = 0

    def __init__(self) -> None:
        self.run_id: UUID = uuid4()
        self.call: Any = None
        self.failures: list[BaseException] = []
        self._is_over = False

    @property
    def is_over(self) -> bool:
        Watcher.looks += 1
        return self._is_over

    @is_over.setter
    def is_over(self, is_over: bool) -> None:
        self._is_over = is_over

    def begin(self, call: Any) -> None:
        self.call = call

    def retry(self, failure: Exception) -> None:
        self.failures.append(failure)

    def fail(self, error: BaseException) -> None:
        self.failures.append(error)
        self.is_over = True


@pytest.mark.parametrize("runs", [10, 1000])
def test_runs_that_all_begin_before_the_first_call_are_not_searched_for(runs: int) -> None:
    def batch() -> None:
        watchers = [Watcher() for _ in range(runs)]
        for watcher in watchers:
            watch(watcher)
        for watcher in watchers:
            call: Any = SimpleNamespace()
            (told,) = begin_watched(call, watcher.run_id)
            assert told is watcher
            note_retry(call, failure := ValueError())
            assert watcher.failures == [failure]
            watcher.fail(failure)
            note_retry(call, failure)
            assert watcher.failures == [failure, failure]
        assert watched_run() is None

    Watcher.looks = 0
    copy_context().run(batch)
    assert Watcher.looks <= 7 * runs


def test_below_a_run_that_is_over_the_one_before_still_waits() -> None:
    def nested() -> None:
        outer, inner = Watcher(), Watcher()
        watch(outer)
        watch(inner)
        assert watched_run() == inner.run_id
        inner.fail(ValueError())
        assert watched_run() == outer.run_id
        watch(after := Watcher())
        after.call = object()
        assert watched_run() == outer.run_id
        unknown: Any = SimpleNamespace()
        note_retry(unknown, ValueError())
        assert not outer.failures

    copy_context().run(nested)
