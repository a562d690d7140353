"""Measure what calls, chunks and first uses cost, beside the floors and the peers."""

import argparse
import sys
from pathlib import Path

from tests.benchmarks import growth, kit, measure, plot, report, results, sampler
from tests.benchmarks.rows import ROWS, Row
from tests.benchmarks.server import running_server
from tests.benchmarks.subjects import FLOORS, OURS, PEERS, STARTERS, SUBJECTS

_RESULTS = Path(__file__).parent / "results"
_PLOT = Path(__file__).parents[2] / "docs" / "images" / "cost.svg"
_SHORT = ("core", "lc_memory", "raw_httpx", "lc_httpx", OURS)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/benchmarks/run.py", description=__doc__)
    names = [row.name for row in ROWS]
    parser.add_argument("--short", action="store_true", help="five rounds, no peers, few minutes")
    parser.add_argument(
        "--gate", action="store_true", help="exit 1 when a ratio is over must x 1.25, twice"
    )
    parser.add_argument(
        "--only", action="append", choices=names, metavar="ROW", help="; ".join(names)
    )
    parser.add_argument("--rounds", type=int, help="how often each subject is visited")
    parser.add_argument("--tests", type=int, default=1_000, help="in the suite of recorded tests")
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
    wanted = _SHORT if options.short else (*FLOORS, OURS, *PEERS, *STARTERS)
    if options.subjects:
        wanted = tuple(options.subjects.split(","))
    return measure.Plan(
        rows=_rows(options.only),
        subjects=tuple(name for name in wanted if SUBJECTS[name].is_installed()),
        rounds=options.rounds or (5 if options.short else 7),
        budget=0.1 if options.short else 0.3,
        is_short=options.short,
        patience=4.0 if options.short else 8.0,
    )


def _run(options: argparse.Namespace) -> int:
    plan = _plan(options)
    with running_server() as server:
        values = measure.measured(plan, server)
    print(report.table(plan.rows, plan.subjects, values))
    is_whole = not options.only
    grown = growth.measured(is_short=options.short) if is_whole else []
    print(growth.table(grown) if grown else "")
    out = options.out or (None if options.short or options.only else _RESULTS)
    if out:
        figures = kit.measured(options.tests) if is_whole else []
        known = report.facts(plan)
        results.write(out, results.Results(known, plan.subjects, values, grown, figures))
        if plot.is_possible():
            plot.write(_PLOT if out == _RESULTS else out / "cost.svg", values)
    return _is_over(plan, values, grown) if options.gate else 0


def _is_over(plan: measure.Plan, values: measure.Values, grown: list[growth.Grown]) -> bool:
    """Tell whether a goal is missed twice: what is over it once is measured again, alone."""
    most = growth.MOST_WHEN_SHORT if plan.is_short else growth.MOST
    rows = report.missed(plan.rows, values)
    families = [family for family in grown if family.excess(most)]
    if not rows and not families:
        return False
    excesses = [family.excess(most) for family in families]
    print("\n".join([*rows.values(), *excesses, "asked again:"]), file=sys.stderr)
    over: list[str] = []
    if rows:
        wanted = plan._replace(rows=_rows([*rows]))
        with running_server() as server:
            values = measure.measured(wanted, server)
        over += report.missed([row for row in wanted.rows if row.name in rows], values).values()
    for family in families:
        again_grown = growth.measured(is_short=plan.is_short, only=family.title)
        over += [excess for again in again_grown if (excess := again.excess(most))]
    print("\n".join(over or ["all is well"]), file=sys.stderr)
    return bool(over)


def _main() -> int:
    options = _arguments()
    if not options.profile:
        return _run(options)
    row = next(row for row in ROWS if row.name == options.profile)
    with running_server() as server:
        print(sampler.profile(row, SUBJECTS[options.of], server.url))
    return 0


if __name__ == "__main__":
    sys.exit(_main())
