"""What README and documentation show of the program is made by it: tables, figures, pictures.

`make pages` (`python -m tests.docs.made`) renews it. On a page it stands between the comments
`<!-- made: NAME -->` and `<!-- end -->`; `test_made.py` holds that nothing is out of date.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from langchain_aimlapi._cli.doctor import assumptions_page
from langchain_aimlapi.data._profiles import _PROFILES, successor_of
from tests.docs import figures, reference
from tests.docs.house import house_svg
from tests.docs.notebook import notebook_text
from tests.docs.pages import PAGES, ROOT
from tests.docs.terminal import terminal_svg

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PART = re.compile(r"(<!-- made: (\w+) -->)(.*?)(<!-- end -->)", re.DOTALL)
_INPUTS = {"image": "images", "pdf": "PDF", "audio": "audio", "video": "video"}


def models_table() -> str:
    """Return a row for each model that has a profile."""
    rows = [
        "",
        "| model | context | output | takes beside text | `reasoning_effort` | notes |",
        "|---|---|---|---|---|---|",
    ]
    for model, profile in _PROFILES.items():
        limits = f"{profile['max_input_tokens']:,} | {profile['max_output_tokens']:,}"
        kinds = f"{_inputs(profile)} | {_levels(profile)} | {_notes(model, profile)}"
        rows.append(f"| `{model}` | {limits} | {kinds} |")
    return "\n".join([*rows, ""])


def models_in_short() -> str:
    """Return the same in a few rows: models that differ in nothing but their name share one."""
    groups: dict[str, list[str]] = {}
    for model, profile in _PROFILES.items():
        size = profile["max_input_tokens"]
        context = f"{size / 1e6:.0f}M" if size > 1e6 - 1 else f"{size / 1e3:.0f}K"
        facts = f"{context} | {_inputs(profile)} | {_levels(profile)} | {_notes(model, profile)}"
        groups.setdefault(facts, []).append(f"`{model.removeprefix('google/')}`")
    rows = [
        "",
        "| `google/...` | context | takes | `reasoning_effort` | |",
        "|---|---|---|---|---|",
    ]
    rows += [f"| {', '.join(models)} | {facts} |" for facts, models in groups.items()]
    return "\n".join([*rows, ""])


def _inputs(profile: dict[str, Any]) -> str:
    return ", ".join(word for kind, word in _INPUTS.items() if profile[f"{kind}_inputs"])


def _levels(profile: dict[str, Any]) -> str:
    return ", ".join(profile.get("reasoning_effort_levels", ["not documented"]))


def _notes(model: str, profile: dict[str, Any]) -> str:
    if successor := successor_of(model):
        return f"deprecated: use `{successor.removeprefix('google/')}`"
    return "makes images, calls no tools" if profile["image_outputs"] else ""


def standard_tests() -> str:
    """Return how many tests of LangChain's own suite replay."""
    return str(len([*(ROOT / "cassettes" / "integration").glob("Test*.yaml")]))


PARTS: dict[str, Callable[[], str]] = {
    "models": models_table,
    "models_in_short": models_in_short,
    "standard_tests": standard_tests,
    **figures.PARTS,
    **reference.PARTS,
}
FILES: dict[Path, Callable[[], str]] = {
    ROOT / "docs" / "assumptions.md": assumptions_page,
    ROOT / "docs" / "images" / "rooms.svg": house_svg,
    ROOT / "docs" / "images" / "terminal.svg": terminal_svg,
    ROOT / "docs" / "quickstart.ipynb": notebook_text,
}


def renewed(text: str) -> str:
    """Return a page's text with its made parts as they are today."""
    return _PART.sub(lambda part: f"{part[1]}{PARTS[part[2]]()}{part[4]}", text)


def main() -> None:
    """Renew all of it."""
    for path, make in FILES.items():
        path.write_text(make(), encoding="utf-8")
    for path in PAGES:
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
