"""Where a row's CPU time goes: the main thread's stack, looked at every millisecond of CPU time."""

import asyncio
import collections
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from types import CodeType, FrameType

from tests.benchmarks.operations import Bench, repetition, timed
from tests.benchmarks.rows import Row
from tests.benchmarks.subjects import Subject

_SECONDS = 12.0
_INTERVAL = 0.001
_WHOLE = 0.99  # functions that are always on the stack say nothing
_OURS = "langchain_aimlapi"


def _name(code: CodeType) -> str:
    path = PurePath(code.co_filename)
    return f"{'/'.join(path.parts[-2:])}:{code.co_qualname}"


def _package(code: CodeType) -> str:
    parts = PurePath(code.co_filename).parts
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1]
    return _OURS if _OURS in parts else "the rest (standard library, benchmark)"


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


class Sampler:
    """Counts of lines running themselves, and of functions anywhere on the stack."""

    def __init__(self) -> None:
        self._own: collections.Counter[tuple[CodeType, int | None]] = collections.Counter()
        self._below: collections.Counter[CodeType] = collections.Counter()

    def _look(self, _signal: int, frame: FrameType | None) -> None:
        if frame is not None:  # names are made in the end, not on the subject's time
            self._own[frame.f_code, frame.f_lineno] += 1
            self._below.update({one.f_code for one in _stack(frame)})

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Sample while the block runs; only the main thread's stack is seen."""
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, _INTERVAL, _INTERVAL)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0.0)

    def table(self) -> str:
        """Return the shares of packages, of lines, and of functions with all they call."""
        total = self._own.total() or 1
        packages: collections.Counter[str] = collections.Counter()
        lines: collections.Counter[str] = collections.Counter()
        functions: collections.Counter[str] = collections.Counter()
        for (code, line), count in self._own.items():
            packages[_package(code)] += count
            lines[f"{_name(code)}:{line}"] += count
        for code, count in self._below.items():
            functions[_name(code)] += count
        return "\n".join(
            (
                *_shares("package, itself", packages, 12, total),
                *_shares("line, itself", lines, 25, total),
                *_shares("function, with what it calls", functions, 50, total),
            )
        )


def _shares(title: str, counts: "collections.Counter[str]", most: int, total: int) -> Iterator[str]:
    yield f"\n{title}"
    partly = [one for one in counts.most_common() if one[1] < _WHOLE * total]
    yield from (f"{count / total:6.1%}  {name}" for name, count in partly[:most])


def profile(row: Row, subject: Subject, server: str) -> str:
    """Return the table of a row, sampled for some seconds; of a first use, sampled once."""
    sampler = Sampler()
    if row.is_fresh:
        if row.name != "import":
            subject.imported()
        with sampler.looking():
            subject.chat(f"{server}/whole").invoke("hello")
        return sampler.table()
    once = repetition(row, Bench(subject, server, asyncio.new_event_loop()))
    for _ in range(max(1, row.warmups)):
        once()
    start, cpu = time.perf_counter(), time.process_time()
    with sampler.looking():
        costs = list(timed(once, budget=_SECONDS))
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    mean = sum(costs) / len(costs)
    return f"{mean:.1f} {row.unit}, {cpu:.1f} s of CPU in {wall:.1f} s\n{sampler.table()}"
