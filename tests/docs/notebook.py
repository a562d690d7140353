"""The quickstart as a notebook, with the outputs that its blocks have today."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from pathlib import Path
from typing import Any

from tests.docs.pages import ROOT
from tests.docs.running import readers_place, run_python

QUICKSTART = ROOT / "docs" / "quickstart.md"
_FENCE = re.compile(r"^```(\w+)(.*)\n((?:.*\n)*?)```$\n?", re.MULTILINE)


def notebook_text() -> str:
    """Return the notebook, as JSON."""
    with tempfile.TemporaryDirectory() as folder, readers_place(Path(folder)):
        cells = asyncio.run(_cells(QUICKSTART.read_text(encoding="utf-8")))
    notebook = {
        "cells": [{"id": f"cell-{number}", **cell} for number, cell in enumerate(cells)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


async def _cells(text: str) -> list[dict[str, Any]]:
    """Return text and Python blocks as cells; commands and files stay within the text."""
    cells: list[dict[str, Any]] = []
    names: dict[str, Any] = {"__name__": "__main__"}
    end = 0
    for fence in _FENCE.finditer(text):
        code = fence[3].rstrip("\n")
        if fence[1] == "python" and not fence[2]:
            cells += _words(text[end : fence.start()])
            cells.append(await _code(code, names))
            end = fence.end()
        elif fence[1] == "text" and not text[end : fence.start()].strip():
            end = fence.end()  # the output of the cell above
    return [*cells, *_words(text[end:])]


def _words(text: str) -> list[dict[str, Any]]:
    if not text.strip():
        return []
    return [{"cell_type": "markdown", "metadata": {}, "source": _lines(text.strip())}]


async def _code(code: str, names: dict[str, Any]) -> dict[str, Any]:
    printed = await run_python(code, names)
    stream = {"name": "stdout", "output_type": "stream", "text": _lines(printed)}
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [stream] if printed else [],
        "source": _lines(code),
    }


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)
