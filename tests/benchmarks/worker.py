"""A process that holds one subject and measures a row whenever it is asked.

It reads one JSON object per line (`{"row": ..., "budget": seconds}`) and answers with one
(`{row: value}`), so that subjects take turns without sharing an interpreter, its heap or its
garbage collector's work.
"""

import asyncio
import gc
import json
import os
import statistics
import sys
import time
import traceback

from tests.benchmarks.operations import Bench, Repetition, repetition, timed
from tests.benchmarks.rows import ROWS, Row
from tests.benchmarks.subjects import SUBJECTS

_LONGEST_WARMUP = 5.0  # seconds


def _warm(row: Row, bench: Bench) -> Repetition:
    once, end = repetition(row, bench), time.perf_counter() + _LONGEST_WARMUP
    for _ in range(row.warmups):
        once()
        if time.perf_counter() > end:
            break
    return once


def _value(row: Row, once: Repetition, budget: float) -> float:
    gc.collect()
    costs = list(timed(once, budget=budget))
    # The clock on the wall counts what others do on this machine; its median does so less.
    return statistics.median(costs) if row.operation == "first_chunk" else statistics.mean(costs)


def _answer_forever(bench: Bench) -> None:
    protocol = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    rows = {row.name: row for row in ROWS}
    warm: dict[str, Repetition] = {}
    for line in sys.stdin:
        order = json.loads(line)
        row = rows[order["row"]]
        try:
            if row.name not in warm:
                warm.clear()  # one row's models and messages at a time
                warm[row.name] = _warm(row, bench)
            answer = {row.name: _value(row, warm[row.name], order["budget"])}
        except Exception:  # noqa: BLE001 - one subject's failure is a gap in the table
            traceback.print_exc()
            answer = {}
        print(json.dumps(answer), file=protocol, flush=True)


if __name__ == "__main__":
    _answer_forever(Bench(SUBJECTS[sys.argv[1]], sys.argv[2], asyncio.new_event_loop()))
