"""The result as one small picture."""

import importlib
import importlib.util
import statistics
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import Values, ratios
from tests.benchmarks.rows import ROWS
from tests.benchmarks.subjects import OURS, PEERS

_SHOWN = (
    "cold",
    "import",
    "invoke",
    "ainvoke",
    "stream-event",
    "stream-split",
    "astream-split",
    "stream-paced",
    "stream-tools",
    "first-chunk",
    "agent-messages",
    "agent-events",
    "gather",
    "gather-cold",
    "batch",
    "memory",
    "history",
    "image",
)
_COLOURS = {OURS: "#0b6e4f", "openai": "#8d99ae", "openrouter": "#e07a5f"}
_LABELS = {OURS: "langchain-aimlapi", **{one: f"langchain-{one}" for one in PEERS}}


def is_possible() -> bool:
    """Tell whether the library that draws is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def write(path: Path, values: Values) -> None:
    """Write dots of every subject's median ratio, the floor at 1, on a logarithmic scale."""
    matplotlib = _library("matplotlib")
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "cost", "font.size": 9})
    figure, axes = _library("matplotlib.pyplot").subplots(figsize=(7.2, 5.2))
    rows = [row for row in ROWS if row.name in _SHOWN and values.get(row.name)]
    for subject, colour in _COLOURS.items():
        found = [(n, ratios(row, values, subject)) for n, row in enumerate(rows)]
        places = [n for n, some in found if some]
        middles = [statistics.median(some) for _, some in found if some]
        axes.plot(middles, places, "o", color=colour, label=_LABELS[subject], markersize=5)
    axes.axvline(1.0, color="#444444", linewidth=0.8)
    axes.set_xscale("log")
    ticks = (0.5, 1, 2, 5, 10, 20, 50)
    axes.set_xticks(ticks, [f"{tick:g} x" for tick in ticks])
    axes.set_xlabel("CPU time by the floor's, the least chat model over httpx; less is better")
    axes.set_yticks(range(len(rows)), [row.title for row in rows])
    axes.invert_yaxis()
    axes.grid(axis="x", linewidth=0.3)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(_COLOURS), frameon=False)
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})


def _library(name: str) -> Any:
    """Import what only the benchmark's environment has (the type checker's has it not)."""
    return importlib.import_module(name)
