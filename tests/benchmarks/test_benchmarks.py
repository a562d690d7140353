"""The comparison is fair, and the gate closes: what the benchmark's figures rest on."""

import functools
import operator
from collections.abc import Iterator
from typing import Any

import pytest

from langchain_aimlapi import ChatAIMLGemini
from tests.benchmarks import report
from tests.benchmarks.lc_httpx import LcHttpx
from tests.benchmarks.measure import Plan, Values, ratios, stations
from tests.benchmarks.rows import ROWS
from tests.benchmarks.server import running_server
from tests.benchmarks.subjects import OURS, SUBJECTS


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running_server() as address:
        yield address


def _folded(chat: Any) -> Any:
    return functools.reduce(operator.add, chat.stream("hello"))


def _invoked(chat: Any) -> Any:
    return chat.invoke("hello")


def _work(message: Any, credits_used: int) -> dict[str, Any]:
    """Return what the reference fills, which is what it is timed for."""
    return {
        "content": message.content,
        "reasoning": message.additional_kwargs.get("reasoning_content", ""),
        "tool_calls": message.tool_calls,
        "tokens": message.usage_metadata["total_tokens"],
        "credits": credits_used,
    }


@pytest.mark.parametrize(
    ("scenario", "get"),
    [("whole", _invoked), ("event", _folded), ("split", _folded), ("tools", _folded)],
)
def test_reference_and_package_do_the_same_work(server: str, scenario: str, get: Any) -> None:
    reference = LcHttpx(base_url=f"{server}/{scenario}")
    chat = SUBJECTS[OURS].chat(f"{server}/{scenario}")
    assert isinstance(chat, ChatAIMLGemini)
    theirs, ours = get(reference), get(chat)
    reference._sync_client().close()
    chat.close()
    credits_used = theirs.response_metadata["meta"]["usage"]["credits_used"]
    assert _work(ours, ours.response_metadata["credits_used"]) == _work(theirs, credits_used)


def test_a_ratio_is_taken_inside_a_round() -> None:
    row = next(row for row in ROWS if row.name == "invoke")
    values: Values = {"invoke": {OURS: [2.0, 8.0], "lc_httpx": [1.0, 8.0]}}
    assert ratios(row, values, OURS) == [2.0, 1.0]


@pytest.mark.parametrize(("ratio", "is_missed"), [(1.37, False), (1.38, True)])
def test_the_gate_closes_at_the_goal_and_its_slack(ratio: float, *, is_missed: bool) -> None:
    rows = tuple(row for row in ROWS if row.name == "invoke")
    plan = Plan(rows, ("lc_httpx", OURS), 1, 0.1, is_short=True, patience=1.0)
    values: Values = {"invoke": {OURS: [ratio], "lc_httpx": [1.0]}}
    assert bool(report.missed(plan, values)) == is_missed


def test_the_gate_closes_when_nothing_was_measured() -> None:
    rows = tuple(row for row in ROWS if row.name == "invoke")
    plan = Plan(rows, ("lc_httpx", OURS), 1, 0.1, is_short=True, patience=1.0)
    assert report.missed(plan, {"invoke": {}})


def test_every_row_is_visited_once_a_round() -> None:
    visited = [row.name for station in stations(ROWS) for row in station.rows]
    assert sorted(visited) == sorted(row.name for row in ROWS)
