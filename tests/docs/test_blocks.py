"""Every code block of README and documentation runs, page by page, as a reader would run it.

A page is a notebook: its Python blocks share their names, `await` is allowed. The endpoint is the
stand-in. What a page shows as output must be what the block prints; `...` stands for anything.
A block with a title is saved under that name, for the blocks that come after it. A block that
imports a package which not every environment has (`OUTSIDE`) runs by itself, where it is there.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from packaging.requirements import Requirement

from tests.docs.pages import PAGES, ROOT, Block, blocks_of
from tests.docs.running import is_as_shown, readers_place, run_python

if TYPE_CHECKING:
    from collections.abc import Iterator

READ_ONLY = {"text", "", "diff"}
# What a reader does before the page's own commands; the test's environment has done it.
_PREPARING = re.compile(r"(?:pip install|git clone|cd|export AIMLAPI_\w+=|python -m venv)\b.*")
_MAKE = re.compile(r"make ([a-z_]+)(?: .*)?")
# Ray has an environment of its own: `make scale` runs this block.
RECIPE = (ROOT / "tests" / "scale" / "recipe.py").read_text(encoding="utf-8").strip()
OUTSIDE = ("deepagents", "fastapi")
_IMPORT = re.compile(rf"^(?:from|import) ({'|'.join(OUTSIDE)})\b", re.MULTILINE)


@pytest.fixture(autouse=True)
def place(tmp_path: Path) -> Iterator[None]:
    with readers_place(tmp_path):
        yield


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
async def test_the_blocks_of_a_page_run(page: Path) -> None:
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks_of(page):
        if not outside_of(block):
            await check(block, names)


def outside_of(block: Block) -> list[str]:
    """Return the packages that not every environment has, of those that a block imports."""
    return _IMPORT.findall(block.code) if block.language == "python" else []


@pytest.mark.parametrize(
    "block",
    [block for page in PAGES for block in blocks_of(page) if outside_of(block)],
    ids=lambda block: f"{block.page}-{block.line}",
)
async def test_a_block_that_needs_another_package_runs(block: Block) -> None:
    for package in outside_of(block):
        pytest.importorskip(package, reason="needs newer versions than the lowest")
    await check(block, {"__name__": "page"})


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pip_understands_what_a_page_installs(page: Path) -> None:
    for line in re.findall(r"pip install ([^`\n]+)", page.read_text(encoding="utf-8")):
        for word in shlex.split(line, comments=True):
            if not re.fullmatch(r"-\w+|\.(\[\w+\])?", word):  # an option, or the clone itself
                Requirement(word)


def test_the_recipe_for_ray_is_on_a_page() -> None:
    assert RECIPE in [block.code for page in PAGES for block in blocks_of(page)]


async def check(block: Block, names: dict[str, Any]) -> None:
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
