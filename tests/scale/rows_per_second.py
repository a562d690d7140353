"""How many rows per second one, two and four actors ask about.

    .venv-scale/bin/python -m tests.scale.rows_per_second [--rows 1280] [--latency 0.2]

The stand-in waits before each answer, as a model does; without that wait it would itself be what
is measured. Counted are the batches that end while all actors are at work, so that the start of
the processes, which is shown beside, does not blur the rate.
"""

import argparse
import importlib.metadata
import os
import platform
import time
from pathlib import Path
from typing import Any

import ray

from tests.scale.local_ray import local_ray
from tests.scale.stand_in_process import stand_in_process

_MODEL = "google/gemini-3-flash-preview"
_RECIPE = Path(__file__).with_name("recipe.py")
_AT_A_TIME = 16  # calls in flight of an actor of the recipe
_BATCH = 4 * _AT_A_TIME


def _timed(ask: Any) -> type:
    """Return the recipe's actor, noting when it asked."""

    class Timed(ask):  # type: ignore[misc] # a class made at run time
        def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
            begin = time.time()
            answered = super().__call__(batch)
            size = len(batch["id"])
            notes = {"actor": os.getpid(), "begin": begin, "end": time.time()}
            return {**answered, **{name: [value] * size for name, value in notes.items()}}

    return Timed


def _rows(ask: Any, *, actors: int, rows: int, latency: float, url: str) -> list[dict[str, Any]]:
    """Return the answered rows of one run, `rows` for each actor."""
    questions = [{"id": number, "prompt": f"Row {number}"} for number in range(actors * rows)]
    settings = {
        "model": _MODEL,
        "base_url": url,
        "default_headers": {"x-standin-fault": f"latency={latency}"},
    }
    data = ray.data.from_items(questions, override_num_blocks=len(questions) // _BATCH)
    data = data.map_batches(
        _timed(ask),
        fn_constructor_kwargs=settings,
        batch_size=_BATCH,
        num_cpus=0.25,
        compute=ray.data.ActorPoolStrategy(size=actors),
    )
    answered: list[dict[str, Any]] = data.take_all()
    failed = [row["error"] for row in answered if row["error"]]
    if failed or len(answered) != len(questions):
        raise RuntimeError(f"{len(answered)} rows of {len(questions)}, failures: {failed[:3]}")
    return answered


def _rate(rows: list[dict[str, Any]], *, actors: int) -> float:
    """Return rows per second while all actors were at work."""
    by_actor: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        by_actor.setdefault(row["actor"], []).append(row)
    if len(by_actor) != actors:
        raise RuntimeError(f"{len(by_actor)} actors worked, not {actors}: give it more --rows")
    start: float = max(min(row["begin"] for row in own) for own in by_actor.values())
    stop: float = min(max(row["end"] for row in own) for own in by_actor.values())
    return len([row for row in rows if start < row["end"] <= stop]) / (stop - start)


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1280, help="of each actor")
    parser.add_argument("--latency", type=float, default=0.2, help="seconds of each answer")
    options = parser.parse_args()
    with (
        stand_in_process() as url,
        local_ray({"AIMLAPI_API_KEY": "any", "AIMLAPI_API_BASE": url}),
    ):
        names: dict[str, Any] = {"__name__": "recipe"}
        exec(compile(_RECIPE.read_text("utf-8"), str(_RECIPE), "exec"), names)  # warms Ray up, too
        print("| actors | rows per second | of what the waiting allows | whole run, s | rows |")
        print("|---|---|---|---|---|")
        for actors in (1, 2, 4):
            start = time.monotonic()
            rows = _rows(
                names["Ask"], actors=actors, rows=options.rows, latency=options.latency, url=url
            )
            seconds = time.monotonic() - start
            rate, most = _rate(rows, actors=actors), actors * _AT_A_TIME / options.latency
            print(
                f"| {actors} | {rate:.0f} | {rate / most:.0%} | {seconds:.1f} | {len(rows):,} |",
                flush=True,
            )
    print(
        f"\nRay {importlib.metadata.version('ray')}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores for stand-in, Ray and actors together; "
        f"load at the end {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    _main()
