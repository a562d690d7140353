"""What a whole run wrote, and the tables made of it: the results' own and the documentation's."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.benchmarks import growth, kit, report
from tests.benchmarks.measure import of_plain, ratios
from tests.benchmarks.rows import ROWS, Row
from tests.benchmarks.subjects import OURS, PEERS, STARTERS

if TYPE_CHECKING:
    from tests.benchmarks.measure import Values

FOLDER = Path(__file__).parent / "results"


class Results(NamedTuple):
    """What was measured, and on what."""

    facts: dict[str, str]
    subjects: tuple[str, ...]
    values: Values
    grown: list[growth.Grown]
    kit: list[kit.Figure]


def write(folder: Path, results: Results) -> None:
    """Write all values as JSON, and the tables as Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = results._asdict() | {
        "grown": [family._asdict() for family in results.grown],
        "kit": [figure._asdict() for figure in results.kit],
    }
    (folder / "results.json").write_text(json.dumps(parts, indent=1) + "\n")
    note = ", ".join(f"{name} {value}" for name, value in results.facts.items())
    tables = [report.table(ROWS, results.subjects, results.values)]
    tables += [growth.table(results.grown)] if results.grown else []
    tables += [kit.table(results.kit)] if results.kit else []
    (folder / "results.md").write_text("\n\n".join([*tables, note]) + "\n")


def read(folder: Path = FOLDER) -> Results:
    """Read what was written; what an older run did not measure is not there."""
    text = (folder / "results.json").read_text(encoding="utf-8")
    parts: dict[str, Any] = json.loads(text)
    grown = [
        growth.Grown(
            family["title"], *(_by_size(family[name]) for name in growth.Grown._fields[1:])
        )
        for family in parts.get("grown", ())
    ]
    return Results(
        parts["facts"],
        tuple(parts.get("subjects", (OURS, *PEERS))),
        parts["values"],
        grown,
        [kit.Figure(**figure) for figure in parts.get("kit", ())],
    )


def _by_size(values: dict[str, float]) -> dict[int, float]:
    return {int(size): value for size, value in values.items()}


def median(row: str, subject: str, results: Results) -> str:
    """Return a subject's ratio in a row, or nothing where it was not measured."""
    found = next(one for one in ROWS if one.name == row)
    return _median(ratios(found, results.values, subject))


def _median(values: list[float]) -> str:
    return f"{statistics.median(values):.2f}" if values else ""


def _page_line(row: Row, results: Results) -> list[str]:
    own, plain = (measure(row, results.values, OURS) for measure in (ratios, of_plain))
    goal = "" if row.goal is None else f"{row.goal:g}"
    told = f"{_median(own)} [{_median(plain)}]" if plain else _median(own)
    spread = f"{min(own):.2f} to {max(own):.2f}"
    peers = (_median(ratios(row, results.values, peer)) for peer in PEERS)
    return [row.title, goal, told, spread, *peers]


def page_table(results: Results) -> str:
    """Return the rows in short: the goal, our median, its spread, the peers' medians."""
    rows = [row for row in ROWS if row.is_shown and ratios(row, results.values, OURS)]
    head = ["", "goal", "ours", "rounds", *PEERS]
    return report.markdown([head, *(_page_line(row, results) for row in rows)])


def other_starts(results: Results) -> str:
    """Return what the first answer of the packages costs that only it was measured of."""
    names = {peer: f"langchain-{peer}" for peer in STARTERS}
    names["core"] = "of it the interpreter and the import of langchain-core alone"
    found = {told: median("cold", peer, results) for peer, told in names.items()}
    return ", ".join(f"{name} {told}" for name, told in found.items() if told)
