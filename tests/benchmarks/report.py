"""The result as a table, and the goals that were missed."""

import importlib.metadata
import os
import platform
import statistics
from collections.abc import Iterable, Iterator

from tests.benchmarks.measure import Plan, Values, ratios
from tests.benchmarks.rows import Row
from tests.benchmarks.subjects import OURS

SLACK = 1.25
_PACKAGES = (
    "langchain-core",
    "httpx",
    "pydantic",
    "langchain-openai",
    "langchain-openrouter",
)


def facts(plan: Plan) -> dict[str, str]:
    """Return what the figures depend on."""
    versions = {name: _version(name) for name in _PACKAGES}
    return {
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


def _goal(goal: float | None) -> str:
    return "" if goal is None else f"{goal:g}"


def _mark(row: Row, values: list[float]) -> str:
    """Return a word for where the median stands."""
    if not values or row.must is None:
        return ""
    middle = statistics.median(values)
    if row.stretch is not None and middle <= row.stretch:
        return "stretch"
    return "must" if middle <= row.must else "**missed**"


def _line(row: Row, values: Values, subjects: Iterable[str]) -> Iterator[str]:
    reference = row.reference and row.reference[0]
    absolute = values[row.name].get(reference or OURS, [])
    own = ratios(row, values, OURS)
    yield row.title
    yield f"{_number(statistics.median(absolute))} {row.unit}" if absolute else ""
    yield _goal(row.must)
    yield _goal(row.stretch)
    yield _mark(row, own)
    for subject in subjects:
        yield _spread(ratios(row, values, subject)) if subject != reference else "1"


def table(plan: Plan, values: Values) -> str:
    """Return the rows as Markdown: medians of in-round ratios, least and greatest in brackets."""
    rest = [one for one in plan.subjects if one not in {OURS, "core", "lc_httpx"}]
    subjects = [OURS, *sorted(rest, key=("openai", "openrouter").__contains__, reverse=True)]
    head = ["", "reference", "must", "stretch", "reached", *subjects]
    lines = [head, ["---"] * len(head), *(list(_line(row, values, subjects)) for row in plan.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def missed(plan: Plan, values: Values) -> list[str]:
    """Return a line for each row whose ratio is over its goal and the slack."""
    lines = []
    for row in plan.rows:
        own = ratios(row, values, OURS)
        if row.must is None:
            continue
        if not own:
            lines.append(f"{row.title}: not measured")
        elif statistics.median(own) > row.must * SLACK:
            lines.append(f"{row.title}: {_spread(own)}, must be <= {row.must:g} x {SLACK}")
    return lines
