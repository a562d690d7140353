"""The comparison is fair, and the gate closes: what the benchmark's figures rest on."""

import functools
import operator
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from langchain_aimlapi import ChatAIMLGemini
from tests.benchmarks import growth, kit, report, results
from tests.benchmarks.lc_httpx import LcHttpx
from tests.benchmarks.measure import Plan, Values, fresh_costs, of_plain, ratios, stations
from tests.benchmarks.rows import ROWS
from tests.benchmarks.server import running_server
from tests.benchmarks.subjects import FLOORS, OURS, SUBJECTS


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running_server() as address:
        yield address.url


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


@pytest.mark.parametrize(("ratio", "is_missed"), [(1.12, False), (1.13, True)])
def test_the_gate_closes_at_the_goal_and_its_slack(ratio: float, *, is_missed: bool) -> None:
    rows = tuple(row for row in ROWS if row.name == "invoke")
    values: Values = {"invoke": {OURS: [ratio], "lc_httpx": [1.0]}}
    assert bool(report.missed(rows, values)) == is_missed


def test_the_gate_closes_when_nothing_was_measured() -> None:
    rows = tuple(row for row in ROWS if row.name == "invoke")
    assert report.missed(rows, {"invoke": {}})


def test_plain_httpx_stands_in_square_brackets() -> None:
    row = next(row for row in ROWS if row.name == "invoke")
    values: Values = {"invoke": {OURS: [3.0], "lc_httpx": [4.0], "raw_httpx": [2.0]}}
    assert of_plain(row, values, OURS) == [1.5]
    assert report.cell(row, values, OURS) == "0.75 (0.75-0.75) [1.50]"


def test_a_goal_beside_plain_httpx_has_it_in_the_gate() -> None:
    rows = [row for row in ROWS if row.of_plain is not None]
    station = next(one for one in stations(rows) if one.rows[0].name == "invoke")
    plan = Plan(ROWS, (*FLOORS, OURS), 1, 0.1, is_short=True, patience=1.0)
    assert set(station.subjects(plan)) == {"raw_httpx", "lc_httpx", OURS}


@pytest.mark.parametrize("subject", [OURS, "raw_httpx"])
def test_the_first_answer_comes_over_tls(subject: str) -> None:
    (station,) = stations(row for row in ROWS if row.operation == "cold")
    with running_server() as server:
        costs = fresh_costs(station.kind, subject, server)
    assert costs["cold"] > 0


def test_the_import_of_langchain_core_is_told_beside_the_first_answer() -> None:
    values: Values = {"cold": {"lc_httpx": [4.0], OURS: [3.0], "core": [2.0], "xai": [8.0]}}
    told = report.table(ROWS, (*FLOORS, OURS), values)
    assert "others: xai 2.00 (2.00-2.00), of it the interpreter and the import of lang" in told
    found = results.Results({}, ("lc_httpx", OURS), values, [], [])
    assert results.other_starts(found).endswith("the import of langchain-core alone 0.50")


def test_the_gate_holds_what_users_feel() -> None:
    held = {row.name for row in ROWS if row.must is not None}
    assert held >= {"cold", "invoke", "agent-messages", "agent-events", "agent-step", "bind-again"}
    in_flight = [family for family in growth.families("") if family.in_flight]
    assert {family.in_flight for family in in_flight} == {"call", "stream"}
    for family in in_flight:
        walked = growth.Grown(
            family.title, {64: 0.1, 1_024: 0.1 * 16**2}, {64: 0.0, 1_024: 0.1}, {}
        )
        assert walked.excess(growth.MOST_WHEN_SHORT)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    grown = [growth.Grown("calls in flight", {64: 0.1, 256: 0.4}, {64: 0.0, 256: 0.1}, {64: 20.0})]
    figures = [kit.Figure("a replay", 10, 0.002)]
    values: Values = {"invoke": {OURS: [1.5], "lc_httpx": [2.0]}}
    written = results.Results({"python": "3.12"}, ("lc_httpx", OURS), values, grown, figures)
    results.write(tmp_path, written)
    assert results.read(tmp_path) == written
    table = (tmp_path / "results.md").read_text(encoding="utf-8")
    for line in ("| invoke | 2.00 us |", "| calls in flight | 64: 100.00 ms", "| a replay | 10 |"):
        assert line in table


def test_every_row_is_visited_once_a_round() -> None:
    visited = [row.name for station in stations(ROWS) for row in station.rows]
    assert sorted(visited) == sorted(row.name for row in ROWS)
