"""Rounds: each subject visited in turn, row after row, and what it answered."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from tests.benchmarks.rows import ROWS, Row
from tests.benchmarks.server import Server
from tests.benchmarks.subjects import OURS, STARTERS, SUBJECTS

_ENOUGH = 3  # rounds

# values[row name][subject name] = one value per round
Values = dict[str, dict[str, list[float]]]
# Bytecode is cached, tracing is off: both would be measured instead of the subjects.
_ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("LANGSMITH_", "LANGCHAIN_", "PYTHONDONTWRITE"))
}


class Plan(NamedTuple):
    """How much is measured."""

    rows: tuple[Row, ...]
    subjects: tuple[str, ...]
    rounds: int
    budget: float  # seconds per visit of a running process
    is_short: bool  # only this package and the subjects it is compared with
    patience: float  # seconds per row and subject; after it three rounds, after 3 x it any, do


class _Worker:
    """A running process of one subject."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def values(self, row: Row, budget: float) -> dict[str, float]:
        """Return what the process measures of a row."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"row": row.name, "budget": budget}), file=self._process.stdin, flush=True)
        answer: dict[str, float] = json.loads(self._process.stdout.readline())
        return answer


@contextmanager
def _running(subject: str, server: str) -> Iterator[_Worker]:
    command = [sys.executable, "-m", "tests.benchmarks.worker", subject, server]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=_ENVIRONMENT) as process:
        yield _Worker(process)


def fresh_costs(kind: str, subject: str, server: Server) -> dict[str, float]:
    """Return what a new process of one subject measures."""
    url, environment = server.url, _ENVIRONMENT
    if kind == "cold":
        url, environment = server.tls_url, {**environment, "SSL_CERT_FILE": server.authorities}
    command = [sys.executable, "-m", "tests.benchmarks.fresh", kind, subject, url]
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    answer: dict[str, float] = json.loads(ended.stdout)
    return answer


class _Station(NamedTuple):
    """What one visit measures: the rows it fills, and the kind of process (`""`: the running)."""

    kind: str
    rows: tuple[Row, ...]

    def subjects(self, plan: Plan) -> tuple[str, ...]:
        able = {
            name
            for row in self.rows
            for name in SUBJECTS
            if name not in row.without and (name not in STARTERS or name in row.also)
        }
        if plan.is_short:
            able &= {OURS, *(row.reference[0] for row in self.rows if row.reference)} | (
                {"raw_httpx"} if any(row.of_plain for row in self.rows) else set()
            )
        return tuple(name for name in plan.subjects if name in able)

    def rounds(self, plan: Plan) -> int:
        if plan.is_short and self.kind == "memory":
            return 1  # it hardly varies
        return min(plan.rounds, *(row.rounds for row in self.rows))


def stations(rows: Iterable[Row]) -> list[_Station]:
    """Return the visits of a round: rows that one fresh process measures share theirs."""
    shared: dict[str, list[Row]] = {}
    for row in rows:
        kind = row.operation if row.is_fresh else ""
        shared.setdefault(kind or f"warm {row.name}", []).append(row)
    return [
        _Station("" if kind.startswith("warm") else kind, tuple(rows))
        for kind, rows in shared.items()
    ]


class _Bar:
    """A progress bar on the terminal's error stream."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._start = total, 0, time.monotonic()

    def step(self, text: str) -> None:
        self._done += 1
        full = 24 * self._done // self._total
        seconds = time.monotonic() - self._start
        line = f"[{'#' * full:24}] {self._done}/{self._total} {seconds:4.0f} s  {text}"
        print(f"\r{line:78.78}", end="", file=sys.stderr, flush=True)


class _Measurement(NamedTuple):
    """Everything a visit needs."""

    plan: Plan
    server: Server
    workers: dict[str, _Worker]
    values: Values
    bar: _Bar

    def visit(self, station: _Station) -> None:
        """Fill the values of a station's rows, round after round."""
        subjects, spent = station.subjects(self.plan), dict.fromkeys(self.plan.subjects, 0.0)
        for number in range(station.rounds(self.plan)):
            # By chance, the same each time: what a process costs depends on who ran before it.
            for subject in random.Random(number).sample(subjects, len(subjects)):
                self.bar.step(f"{station.rows[0].title} ({subject})")
                if spent[subject] > self.plan.patience * (1 if number >= _ENOUGH else 3):
                    continue
                start = time.monotonic()
                for name, value in self._answer(station, subject).items():
                    self.values[name].setdefault(subject, []).append(value)
                spent[subject] += time.monotonic() - start

    def _answer(self, station: _Station, subject: str) -> dict[str, float]:
        if station.kind:
            return fresh_costs(station.kind, subject, self.server)
        return self.workers[subject].values(station.rows[0], self.plan.budget)


def measured(plan: Plan, server: Server) -> Values:
    """Return the values of every row and subject, in the order of their rounds.

    A round visits the subjects one after the other, so that what slows this machine for some
    seconds slows all of them; a ratio is taken inside a round only.
    """
    values: Values = {row.name: {} for row in ROWS}
    visits = stations(plan.rows)
    bar = _Bar(sum(one.rounds(plan) * len(one.subjects(plan)) for one in visits))
    warm = {one for visit in visits if not visit.kind for one in visit.subjects(plan)}
    with ExitStack() as stack:
        workers = {one: stack.enter_context(_running(one, server.url)) for one in sorted(warm)}
        measurement = _Measurement(plan, server, workers, values, bar)
        for visit in visits:
            measurement.visit(visit)
    print(file=sys.stderr)
    return values


def ratios(row: Row, values: Values, subject: str) -> list[float]:
    """Return a subject's in-round ratios of a row."""
    mine = values.get(row.name, {}).get(subject, [])
    if row.reference is None:
        return mine
    reference, of_row = row.reference
    return _by(mine, values.get(of_row, {}).get(reference, []))


def of_plain(row: Row, values: Values, subject: str) -> list[float]:
    """Return a subject's in-round ratios to plain httpx, where the row has a goal for it."""
    if row.of_plain is None:
        return []
    found = values.get(row.name, {})
    return _by(found.get(subject, []), found.get("raw_httpx", []))


def _by(mine: list[float], theirs: list[float]) -> list[float]:
    return [one / other for one, other in zip(mine, theirs, strict=False) if other]
