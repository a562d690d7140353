"""Measure what calls, chunks and first uses cost, beside the floors and the peers."""

import argparse
import sys
from pathlib import Path

from tests.benchmarks import measure, plot, report, sampler
from tests.benchmarks.rows import ROWS, Row
from tests.benchmarks.server import running_server
from tests.benchmarks.subjects import FLOORS, OURS, PEERS, SUBJECTS

_RESULTS = Path(__file__).parent / "results"
_PLOT = Path(__file__).parents[2] / "docs" / "images" / "cost.svg"
_SHORT = ("core", "lc_memory", "lc_httpx", OURS)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/benchmarks/run.py", description=__doc__)
    names = [row.name for row in ROWS]
    parser.add_argument("--short", action="store_true", help="five rounds, no peers, few minutes")
    parser.add_argument(
        "--gate", action="store_true", help="exit 1 when a ratio is over must x 1.25"
    )
    parser.add_argument(
        "--only", action="append", choices=names, metavar="ROW", help="; ".join(names)
    )
    parser.add_argument("--rounds", type=int, help="how often each subject is visited")
    parser.add_argument("--subjects", help="names, separated by commas")
    parser.add_argument("--profile", choices=names, metavar="ROW", help="where a row's time goes")
    parser.add_argument("--of", default=OURS, choices=list(SUBJECTS), help="whose profile")
    parser.add_argument(
        "--out",
        type=Path,
        help="directory of the results; by default `results` here, for a full run only",
    )
    return parser.parse_args()


def _rows(only: list[str] | None) -> tuple[Row, ...]:
    """Return the rows of these names, with those that their ratios need."""
    if not only:
        return ROWS
    needed = {row.reference[1] for row in ROWS if row.name in only and row.reference}
    return tuple(row for row in ROWS if row.name in needed | {*only})


def _plan(options: argparse.Namespace) -> measure.Plan:
    wanted = _SHORT if options.short else (*FLOORS, OURS, *PEERS)
    if options.subjects:
        wanted = tuple(options.subjects.split(","))
    return measure.Plan(
        rows=_rows(options.only),
        subjects=tuple(name for name in wanted if SUBJECTS[name].is_installed()),
        rounds=options.rounds or (5 if options.short else 7),
        budget=0.1 if options.short else 0.3,
        is_short=options.short,
        patience=8.0,
    )


def _write(out: Path, plan: measure.Plan, values: measure.Values) -> None:
    known = report.facts(plan)
    out.mkdir(parents=True, exist_ok=True)
    note = ", ".join(f"{name} {value}" for name, value in known.items())
    (out / "results.md").write_text(f"{report.table(plan, values)}\n\n{note}\n")
    (out / "results.json").write_text(measure.as_json(values, known) + "\n")
    if plot.is_possible():
        plot.write(_PLOT if out == _RESULTS else out / "cost.svg", values)


def _run(options: argparse.Namespace) -> int:
    plan = _plan(options)
    with running_server() as server:
        values = measure.measured(plan, server)
    print(report.table(plan, values))
    if out := options.out or (None if options.short or options.only else _RESULTS):
        _write(out, plan, values)
    over = report.missed(plan, values) if options.gate else []
    print("\n".join(over), file=sys.stderr)
    return bool(over)


def _main() -> int:
    options = _arguments()
    if not options.profile:
        return _run(options)
    row = next(row for row in ROWS if row.name == options.profile)
    with running_server() as server:
        print(sampler.profile(row, SUBJECTS[options.of], server))
    return 0


if __name__ == "__main__":
    sys.exit(_main())
