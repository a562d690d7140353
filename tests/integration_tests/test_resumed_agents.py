"""Graphs that are stopped before each tool and resumed by another process, from SQLite."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from langchain_aimlapi.testing.standin import StandIn
from tests.integration_tests.agent_kit import WAYS, counted, model_at
from tests.integration_tests.resumed_graph import go_on

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "integration_tests" / "resumed_graph.py"


def process(*arguments: str) -> list[str]:
    """Run the script in a process of its own; return what it says of each graph."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(SCRIPT), *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


async def test_graphs_are_resumed_in_a_new_process(tmp_path: Path) -> None:
    with ExitStack() as stack:
        servers = {way: stack.enter_context(StandIn(strict=True)) for way in WAYS}
        files = {way: str(tmp_path / f"{'-'.join(way)}.sqlite") for way in WAYS}
        for way, server in servers.items():
            async with model_at(server, way) as model:
                assert not await go_on(model, way.mode, files[way], 'Look "it" up in 2 steps.')
        arguments = [(server.base_url, *way, files[way]) for way, server in servers.items()]
        assert process(*itertools.chain(*arguments)) == ["waiting"] * len(WAYS)
        for way, server in servers.items():
            async with model_at(server, way) as model:
                assert await go_on(model, way.mode, files[way])
            assert counted(server) == (1 + 2, 1 + 2, []), way
