"""Every code block of README and documentation runs, page by page, as a reader would run it.

A page is a notebook: its Python blocks share their names, `await` is allowed. The endpoint is the
stand-in. What a page shows as output must be what the block prints; `...` stands for anything.
A block with a title is saved under that name, for the blocks that come after it.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import inspect
import io
import json
import os
import re
import subprocess
import sys
import tomllib
import types
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from langchain_aimlapi.testing.standin import StandIn
from tests.docs.pages import PAGES, ROOT, Block, blocks_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# The smallest PNG: one grey pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)
READ_ONLY = {"text", "mermaid", "", "diff"}
# What a reader does before the page's own commands; the test's environment has done it.
_PREPARING = re.compile(r"(?:pip install|git clone|cd|export AIMLAPI_\w+=|python -m venv)\b.*")
_MAKE = re.compile(r"make ([a-z_]+)(?: .*)?")
# Ray has an environment of its own: `make scale` runs this block.
RECIPE = (ROOT / "tests" / "scale" / "recipe.py").read_text(encoding="utf-8").strip()
_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@pytest.fixture(autouse=True)
def endpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    (tmp_path / "cat.png").write_bytes(PNG)
    (tmp_path / "report.pdf").write_bytes(_PDF)
    with StandIn() as server:
        monkeypatch.setenv("AIMLAPI_API_KEY", "key-of-the-documentation")
        monkeypatch.setenv("AIMLAPI_API_BASE", server.base_url)
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.chdir(tmp_path)
        yield


# tests/unit_tests/test_readme.py runs the README's.
DOCS = [page for page in PAGES if page.parent != ROOT]


@pytest.mark.parametrize("page", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
async def test_the_blocks_of_a_page_run(page: Path) -> None:
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks_of(page):
        where = f"{block.page}:{block.line}"
        try:
            printed = await run_block(block, names)
        except Exception as failure:
            failure.add_note(f"in the block at {where}")
            raise
        if block.output is not None:
            assert is_as_shown(block.output, printed), f"{where} prints:\n{printed}"


async def run_block(block: Block, names: dict[str, Any]) -> str:
    """Run one block; return what it prints."""
    if block.title:
        save(block)
        return ""
    if block.code == RECIPE:
        return ""
    match block.language:
        case "python":
            return await run_python(block.code, names)
        case "bash":
            return run_commands(block.code)
        case "json":
            json.loads(block.code)
        case "toml":
            tomllib.loads(block.code)
        case "yaml":
            yaml.safe_load(block.code)
        case language:
            assert language in READ_ONLY, f"nothing checks a block of {language}"
    return ""


def save(block: Block) -> None:
    Path(block.title).parent.mkdir(parents=True, exist_ok=True)
    Path(block.title).write_text(f"{block.code}\n", encoding="utf-8")


async def run_python(code: str, names: dict[str, Any]) -> str:
    printed = io.StringIO()
    compiled = compile(code, "page", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    # A reader's interpreter shows warnings, it does not stop at them.
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = types.FunctionType(compiled, names)()
        if inspect.iscoroutine(result):
            await result
    return printed.getvalue()


def run_commands(text: str) -> str:
    lines = [line for line in text.splitlines() if not _PREPARING.fullmatch(line.strip())]
    targets = set(re.findall(r"^([a-z_]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    commands = []
    for line in lines:
        if made := _MAKE.fullmatch(line.partition("#")[0].strip()):
            assert made[1] in targets, f"there is no `make {made[1]}`"
        else:
            commands.append(line)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(commands)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def is_as_shown(shown: str, printed: str) -> bool:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(f"{shown}\n", printed, flags)
