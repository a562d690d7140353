"""What a whole run wrote, and the tables made of it: the results' own and the documentation's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.benchmarks import growth, kit, report
from tests.benchmarks.rows import ROWS
from tests.benchmarks.subjects import OURS, PEERS

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
            family["title"],
            {int(size): cost for size, cost in family["costs"].items()},
            {int(size): held for size, held in family["memory"].items()},
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
