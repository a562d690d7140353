"""Two thousand calls, sixty-four in flight, one in ten failing; then streams, half abandoned.

    make load            or: python tests/load/load.py [calls] [streams]

Every call must end in its own right answer or in one of our errors; no socket, no task may be left;
memory must stay flat. Ends with exit code 1 otherwise.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from langchain_aimlapi import ChatAIMLGemini
from langchain_aimlapi.errors import AIMLAPIError
from tests.load.faulty_server import FAULTS, faulty_server
from tests.load.vitals import open_sockets, resident_megabytes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

IN_FLIGHT = 64
MOST_GROWTH = 8.0  # MB


def prompt_of(number: int) -> str:
    """Return a prompt; one in ten asks for a fault, one in four of these for good."""
    if number % 10:
        return f"{number} fine"
    fault = FAULTS[number // 10 % len(FAULTS)]
    return f"{number} {fault}" if number // 40 % 4 == 0 else f"{number} {fault} once"


async def _all(numbers: range, ask: Callable[[int], Awaitable[str]]) -> Counter[str]:
    """Ask for each number, so many at a time; count the outcomes."""
    outcomes: Counter[str] = Counter()
    waiting = iter(numbers)

    async def one_after_the_other() -> None:
        for number in waiting:
            try:
                outcomes[await ask(number)] += 1
            except AIMLAPIError as failure:
                outcomes[type(failure).__name__] += 1
            except Exception as failure:  # noqa: BLE001  what must not happen is counted
                outcomes[f"UNTYPED {failure!r}"] += 1

    await asyncio.gather(*(one_after_the_other() for _ in range(IN_FLIGHT)))
    return outcomes


async def _figures(url: str, calls: int, streams: int) -> dict[str, Any]:
    model = ChatAIMLGemini(
        model="google/gemini-3-flash-preview", api_key="k", base_url=url, timeout=2, max_retries=2
    )

    async def call(number: int) -> str:
        answer = await model.ainvoke(prompt_of(number))
        return "right" if answer.content == prompt_of(number) else f"WRONG {answer.content!r}"

    async def stream(number: int) -> str:
        text = ""
        async for chunk in model.astream(prompt_of(number)):
            text += str(chunk.content)
            if number % 2:
                return "abandoned"
        return "right" if text == prompt_of(number) else f"WRONG {text!r}"

    sockets = open_sockets()
    await _all(range(1, 10), call)  # imports, first connections
    await _all(range(1, max(calls // 4, 64)), call)
    await _all(range(1, max(streams // 4, 64)), stream)
    memory = resident_megabytes()
    figures: dict[str, Any] = {}
    for name, ask, many in (("calls", call, calls), ("streams", stream, streams)):
        started = time.perf_counter()
        outcomes = await _all(range(10_000, 10_000 + many), ask)
        figures[name] = {
            "number": many,
            "in_flight": IN_FLIGHT,
            "seconds": round(time.perf_counter() - started, 1),
            "outcomes": dict(sorted(outcomes.items())),
        }
    gc.collect()
    await asyncio.sleep(0.2)
    figures["memory_growth_mb"] = round(resident_megabytes() - memory, 1)
    figures["tasks_left"] = len(asyncio.all_tasks()) - 1
    figures["sockets_in_pool"] = open_sockets() - sockets
    await model.aclose()
    figures["sockets_left"] = open_sockets() - sockets
    return figures


def load_figures(*, calls: int, streams: int) -> dict[str, Any]:
    """Run the load; return what happened."""
    with faulty_server() as url:
        return asyncio.run(_figures(url, calls, streams))


def faults_of(figures: dict[str, Any]) -> list[str]:
    """Return what broke a promise."""
    outcomes = {**figures["calls"]["outcomes"], **figures["streams"]["outcomes"]}
    found = [name for name in outcomes if name.startswith(("WRONG", "UNTYPED"))]
    found += [f"{key}={figures[key]}" for key in ("tasks_left", "sockets_left") if figures[key] > 0]
    if figures["sockets_in_pool"] > IN_FLIGHT:
        found.append(f"sockets_in_pool={figures['sockets_in_pool']}")
    if figures["memory_growth_mb"] > MOST_GROWTH:
        found.append(f"memory_growth_mb={figures['memory_growth_mb']}")
    return found


def main() -> int:
    """Print the figures; return the exit code."""
    calls, streams = [*map(int, sys.argv[1:]), *(2000, 500)[len(sys.argv) - 1 :]]
    figures = load_figures(calls=calls, streams=streams)
    found = faults_of(figures)
    print(json.dumps({**figures, "broken_promises": found}, indent=2))
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
