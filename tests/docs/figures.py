"""What pages show of the last whole run of the benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks import growth, kit, results
from tests.benchmarks.subjects import OURS

if TYPE_CHECKING:
    from collections.abc import Callable

_LATER = "Not in the last run."


def invoke_cost() -> str:
    """Return the CPU time of a call by that of the least possible integration."""
    return results.median("invoke", OURS, results.read())


def peers_cost() -> str:
    """Return the same of ChatOpenAI and ChatOpenRouter."""
    run = results.read()
    openai, openrouter = (results.median("invoke", peer, run) for peer in ("openai", "openrouter"))
    return f"ChatOpenAI {openai}, ChatOpenRouter {openrouter}"


def measured_on() -> str:
    """Return when and on what the last run was made."""
    return ", ".join(f"{name} {value}" for name, value in results.read().facts.items())


def cost_table() -> str:
    """Return every row of the last run."""
    return f"\n{results.page_table(results.read())}\n"


def other_starts() -> str:
    """Return the first answers of the packages that are not in the table."""
    return results.other_starts(results.read()) or _LATER


def growth_table() -> str:
    """Return what grows, and how."""
    grown = results.read().grown
    return f"\n{growth.table(grown) if grown else _LATER}\n"


def kit_table() -> str:
    """Return what the kit and the stand-in cost."""
    figures = results.read().kit
    return f"\n{kit.table(figures) if figures else _LATER}\n"


PARTS: dict[str, Callable[[], str]] = {
    function.__name__: function
    for function in (
        invoke_cost,
        peers_cost,
        measured_on,
        cost_table,
        other_starts,
        growth_table,
        kit_table,
    )
}
