"""A process that measures one subject's first use, or a long stream's memory, and ends.

Nothing but the standard library is imported before the clock starts.
"""

import json
import resource
import sys
import time
from pathlib import Path

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


def _started(subject: Subject, server: str) -> dict[str, float]:
    costs = _imported(subject)
    if subject.name == "core":
        return costs
    costs["construct"], costs["first"] = _first_use(subject, f"{server}/whole")
    _, costs["second"] = _first_use(subject, f"{server}/whole/2")
    return costs


def _answered(subject: Subject, url: str) -> dict[str, float]:
    """Return the CPU milliseconds from the start of the process to its first answer.

    Everything that the process has done counts: the interpreter's own start, imports, the TLS
    context, the handshake. Nothing is imported before the subject, as in a program that uses it.
    Of langchain-core alone there is no answer: how much of it its import takes.
    """
    if subject.name == "core":
        subject.imported()
    else:
        subject.chat(f"{url}/whole").invoke("hello")
    return {"cold": _CPU() * _MS}


def resident() -> float:
    """Return the MB in use now (the peak so far where there is no `/proc`)."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * resource.getpagesize() / (1 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MB


def _grown(subject: Subject, server: str) -> dict[str, float]:
    """Return the MB by which the process grew while 22 000 chunks went by, one at a time."""
    for _ in subject.chat(f"{server}/split").stream("hello"):
        pass
    chat = subject.chat(f"{server}/long")
    next(iter(chat.stream("hello")))  # what is in memory for good is there now
    before = resident()
    for _ in chat.stream("hello"):
        pass
    return {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MB - before}


_KINDS = {"start": _started, "cold": _answered, "memory": _grown}


if __name__ == "__main__":
    print(json.dumps(_KINDS[sys.argv[1]](SUBJECTS[sys.argv[2]], sys.argv[3])))
