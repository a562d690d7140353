"""A process that measures one subject's first use, or a long stream's memory, and ends.

Nothing but the standard library is imported before the clock starts.
"""

import asyncio
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.subjects import SUBJECTS, Subject

_CPU = time.process_time
_MS = 1e3
_MB = float(1 << 20 if sys.platform == "darwin" else 1 << 10)  # bytes there, KB elsewhere


def _imported(subject: Subject) -> dict[str, float]:
    start = _CPU()
    subject.imported()
    return {
        "import": (_CPU() - start) * _MS,
        "modules": len(sys.modules),
        "import-rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MB,
    }


def _first_use(subject: Subject, url: str) -> tuple[float, float]:
    """Return the CPU milliseconds of construction alone, and with the first call."""
    start = _CPU()
    chat = subject.chat(url)
    constructed = _CPU()
    chat.invoke("hello")
    return (constructed - start) * _MS, (_CPU() - start) * _MS


async def _first_use_async(subject: Subject, url: str) -> float:
    start = _CPU()
    await subject.chat(url).ainvoke("hello")
    return (_CPU() - start) * _MS


def _started(subject: Subject, server: str) -> dict[str, float]:
    costs = _imported(subject)
    if subject.name == "core":
        return costs
    costs["construct"], costs["first"] = _first_use(subject, f"{server}/whole")
    costs["answer"] = costs["import"] + costs["first"]
    _, costs["second"] = _first_use(subject, f"{server}/whole/2")
    return costs


async def _started_async(subject: Subject, server: str) -> dict[str, float]:
    _imported(subject)
    first = await _first_use_async(subject, f"{server}/whole")
    second = await _first_use_async(subject, f"{server}/whole/2")
    return {"afirst": first, "asecond": second}


def _resident() -> float:
    """Return the MB in use now (the peak so far where there is no `/proc`)."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * resource.getpagesize() / (1 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MB


async def _read(chat: Any, *, is_async: bool, most: int = sys.maxsize) -> None:
    count = 0
    if is_async:
        async for _ in chat.astream("hello"):
            count += 1
            if count >= most:
                return
    for _ in () if is_async else chat.stream("hello"):
        count += 1
        if count >= most:
            return


async def _grown(subject: Subject, server: str, *, is_async: bool) -> float:
    """Return the MB by which the process grew while 22 000 chunks went by, one at a time."""
    await _read(subject.chat(f"{server}/split"), is_async=is_async)
    chat = subject.chat(f"{server}/long")
    await _read(chat, is_async=is_async, most=1)  # what is in memory for good is there now
    before = _resident()
    await _read(chat, is_async=is_async)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MB - before


def _measured(kind: str, subject: Subject, server: str) -> dict[str, float]:
    if kind == "start":
        return _started(subject, server)
    if kind == "astart":
        return asyncio.run(_started_async(subject, server))
    return {kind: asyncio.run(_grown(subject, server, is_async=kind == "amemory"))}


if __name__ == "__main__":
    print(json.dumps(_measured(sys.argv[1], SUBJECTS[sys.argv[2]], sys.argv[3])))
