"""A graph that is stopped before each tool and resumed by another process, from SQLite."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from langchain_aimlapi.testing.standin import StandIn
from tests.integration_tests.agent_kit import EVERY_WAY, counted, model_at
from tests.integration_tests.resumed_graph import go_on

if TYPE_CHECKING:
    from tests.integration_tests.agent_kit import Way

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "integration_tests" / "resumed_graph.py"


def process(*arguments: str) -> str:
    """Run the script in a process of its own; return what it says at its end."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(SCRIPT), *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("way", EVERY_WAY)
async def test_a_graph_is_resumed_in_a_new_process(tmp_path: Path, way: Way) -> None:
    file = str(tmp_path / "checkpoints.sqlite")
    with StandIn(strict=True) as server:
        async with model_at(server, way) as model:
            assert not await go_on(model, way.mode, file, 'Look "it" up in 2 steps.')
        assert process(server.base_url, *way, file) == "waiting"
        async with model_at(server, way) as model:
            assert await go_on(model, way.mode, file)
        assert counted(server) == (1 + 2, 1 + 2, [])
