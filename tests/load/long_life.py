"""Fifty thousand calls on one model object: whole and streamed, sync and async, with faults.

    python tests/load/long_life.py [calls]

Memory and sockets are read ten times on the way; they must stay flat after the first tenth. Ends
with exit code 1 otherwise.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from langchain_aimlapi import ChatAIMLGemini
from langchain_aimlapi.errors import AIMLAPIError
from tests.load.faulty_server import faulty_server
from tests.load.vitals import open_sockets, resident_megabytes

MOST_GROWTH = 8.0  # MB
READINGS = 10
AT_ONCE = 4


def prompt_of(number: int) -> str:
    """Return a prompt; one in a hundred asks for a fault that goes away at once."""
    return f"{number} fine" if number % 100 else f"{number} {(429, 503)[number // 100 % 2]} once"


def _ask(model: ChatAIMLGemini, number: int) -> bool:
    prompt = prompt_of(number)
    if number % 2:
        return model.invoke(prompt).content == prompt
    return "".join(str(one.content) for one in model.stream(prompt)) == prompt


async def _aask(model: ChatAIMLGemini, number: int) -> bool:
    prompt = prompt_of(number)
    if number % 4:
        return (await model.ainvoke(prompt)).content == prompt
    text = ""
    async for one in model.astream(prompt):
        text += str(one.content)
        if number % 20 == 0:
            return True  # abandoned
    return text == prompt


async def _async_part(model: ChatAIMLGemini, numbers: range) -> int:
    waiting = iter(numbers)

    async def one_after_the_other() -> int:
        right = 0
        for number in waiting:
            try:
                right += await _aask(model, number)
            except AIMLAPIError:
                continue
        return right

    return sum(await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE))))


def _sync_part(model: ChatAIMLGemini, numbers: range) -> int:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(lambda number: _ask(model, number), numbers))


def life_figures(*, calls: int) -> dict[str, Any]:
    """Run the calls; return what was read on the way."""
    readings: list[dict[str, Any]] = []
    part = calls // READINGS
    right = 0
    sockets = open_sockets()
    with faulty_server() as url:
        model = ChatAIMLGemini(
            model="google/gemini-3-flash-preview", api_key="k", base_url=url, timeout=20
        )
        started = time.perf_counter()
        for first in range(0, part * READINGS, part):
            middle = first + part * 3 // 4
            right += asyncio.run(_async_part(model, range(first, middle)))
            right += _sync_part(model, range(middle, first + part))
            reading = {
                "calls": first + part,
                "memory_mb": round(resident_megabytes(), 1),
                "sockets": open_sockets() - sockets,
            }
            readings.append(reading)
        seconds = time.perf_counter() - started
        model.close()
    return {
        "calls": part * READINGS,
        "right": right,
        "seconds": round(seconds),
        "calls_per_second": round(part * READINGS / seconds),
        "readings": readings,
        "memory_growth_mb": round(readings[-1]["memory_mb"] - readings[0]["memory_mb"], 1),
        "sockets_left": open_sockets() - sockets,
    }


def faults_of(figures: dict[str, Any]) -> list[str]:
    """Return what broke a promise."""
    found = []
    if figures["right"] != figures["calls"]:
        found.append(f"right={figures['right']}")
    if figures["sockets_left"] > 0 or any(one["sockets"] > AT_ONCE for one in figures["readings"]):
        found.append(f"sockets_left={figures['sockets_left']}")
    if figures["memory_growth_mb"] > MOST_GROWTH:
        found.append(f"memory_growth_mb={figures['memory_growth_mb']}")
    return found


def main() -> int:
    """Print the figures; return the exit code."""
    figures = life_figures(calls=int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
    found = faults_of(figures)
    print(json.dumps({**figures, "broken_promises": found}, indent=2))
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
