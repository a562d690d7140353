"""The result as a table, and the goals that were missed."""

import datetime as dt
import importlib.metadata
import os
import platform
import statistics
from collections.abc import Iterable, Iterator

from tests.benchmarks.measure import Plan, Values, of_plain, ratios
from tests.benchmarks.rows import ROWS, Row
from tests.benchmarks.subjects import OURS, PEERS, STARTERS

SLACK = 1.25
_PACKAGES = (
    "langchain-core",
    "httpx",
    "pydantic",
    "langchain-openai",
    "langchain-openrouter",
    "langgraph",
)


def facts(plan: Plan) -> dict[str, str]:
    """Return what the figures depend on."""
    versions = {name: _version(name) for name in _PACKAGES}
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "rounds": str(plan.rounds),
        **{name: version for name, version in versions.items() if version},
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def _spread(values: list[float]) -> str:
    if not values:
        return ""
    middle = _number(statistics.median(values))
    return f"{middle} ({_number(min(values))}-{_number(max(values))})"


def _goal(goal: float | None, plain: float | None = None) -> str:
    told = "" if goal is None else f"{goal:g}"
    return told if plain is None else f"{told} [{plain:g}]"


def _mark(row: Row, values: list[float]) -> str:
    """Return a word for where the median stands."""
    if not values or row.must is None:
        return ""
    middle = statistics.median(values)
    if row.goal is not None and middle <= row.goal:
        return "goal"
    return "must" if middle <= row.must else "**missed**"


def cell(row: Row, values: Values, subject: str) -> str:
    """Return a subject's ratio with its spread and, in square brackets, that to plain httpx."""
    told, plain = _spread(ratios(row, values, subject)), of_plain(row, values, subject)
    return f"{told} [{_number(statistics.median(plain))}]" if plain else told


def _line(row: Row, values: Values, subjects: Iterable[str]) -> Iterator[str]:
    reference = row.reference and row.reference[0]
    found = values.get(row.name, {})
    absolute = found.get(reference or "lc_httpx", [])
    own = ratios(row, values, OURS)
    yield row.title
    yield f"{_number(statistics.median(absolute))} {row.unit}" if absolute else ""
    yield _goal(row.must)
    yield _goal(row.goal, row.of_plain)
    yield _mark(row, own)
    for subject in subjects:
        yield cell(row, values, subject) if subject != reference else "1"


def table(rows: Iterable[Row], subjects: Iterable[str], values: Values) -> str:
    """Return the rows as Markdown: medians of in-round ratios, least and greatest in brackets."""
    floors = [one for one in subjects if one not in {OURS, "core", "lc_httpx", *PEERS, *STARTERS}]
    shown = [OURS, *(one for one in PEERS if one in subjects), *floors]
    head = ["", "least", "must", "goal", "reached", *shown]
    lines = [_line(row, values, shown) for row in rows if row.is_shown]
    return markdown([head, *(list(line) for line in lines)]) + _starters(values)


def markdown(lines: list[list[str]]) -> str:
    """Return a table whose first line is its head."""
    head, *body = lines
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *body))


def _starters(values: Values) -> str:
    """Return a line of the subjects that were only started, and of langchain-core's import."""
    row = next(row for row in ROWS if row.name == "cold")
    names = {name: name for name in STARTERS}
    names["core"] = "of it the interpreter and the import of langchain-core alone"
    found = {told: ratios(row, values, name) for name, told in names.items()}
    told = ", ".join(f"{name} {_spread(some)}" for name, some in found.items() if some)
    return told and f"\n\n{row.title}, others: {told}"


def missed(rows: Iterable[Row], values: Values) -> dict[str, str]:
    """Return what to say of each row whose ratio is over its goal and the slack, by its name."""
    lines = {}
    for row in rows:
        own = ratios(row, values, OURS)
        if row.must is None:
            continue
        if not own:
            lines[row.name] = f"{row.title}: not measured"
        elif statistics.median(own) > row.must * SLACK:
            lines[row.name] = f"{row.title}: {_spread(own)}, must be <= {row.must:g} x {SLACK}"
    return lines
