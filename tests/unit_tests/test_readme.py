"""The README's own lines, run against the stand-in server."""

from __future__ import annotations

import ast
import inspect
import re
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi import ChatAIMLGemini
from langchain_aimlapi._settings import GeminiSettings
from langchain_aimlapi.testing.standin import StandIn

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
# The smallest PNG: one grey pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)
ASKING = re.compile(r"\.a?(?:invoke|stream|batch)\(")
TARGET = re.compile(r"\bmake ([a-z_]+)")


def titled_blocks(text: str, language: str) -> list[Any]:
    """Return the code blocks of a language, each with the heading that it stands under."""
    blocks = []
    for found in BLOCK.finditer(text):
        if found[1] == language:
            title = re.findall(r"^#+ (.*)", text[: found.start()], re.MULTILINE)[-1]
            blocks.append(pytest.param(inspect.cleandoc("\n" + found[2]), id=title))
    return blocks


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    (tmp_path / "cat.png").write_bytes(PNG)
    with StandIn() as server:
        monkeypatch.setenv("AIMLAPI_API_KEY", "any")
        monkeypatch.setenv("AIMLAPI_API_BASE", server.base_url)
        monkeypatch.chdir(tmp_path)
        yield server


async def run(code: str, namespace: dict[str, Any]) -> None:
    """Run a block as a notebook would: `await` is allowed at its top level."""
    compiled = compile(code, "README", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    made = types.FunctionType(compiled, namespace)
    result = made()
    if inspect.iscoroutine(result):
        await result


# This block needs Ray, which has an environment of its own: tests/scale runs it.
RECIPE = (ROOT / "tests" / "scale" / "recipe.py").read_text(encoding="utf-8").strip()


def test_the_block_on_ray_is_the_recipe_that_make_scale_runs() -> None:
    assert RECIPE in README


@pytest.mark.parametrize(
    "code", [one for one in titled_blocks(README, "python") if one.values[0] != RECIPE]
)
async def test_a_block_of_the_readme_runs(code: str, server: StandIn) -> None:
    if "deepagents" in code:
        pytest.importorskip("deepagents", reason="needs newer versions than the lowest")
    await run(code, {"__name__": "readme"})
    assert server.requests or "testing" in code, "the block asked nothing"


async def test_the_blocks_of_the_class_docstring_run(server: StandIn) -> None:
    blocks = titled_blocks("# docstring\n" + (ChatAIMLGemini.__doc__ or ""), "python")
    namespace: dict[str, Any] = {"__name__": "docstring"}
    for block in blocks:
        code, before = str(block.values[0]), len(server.requests)
        await run(code, namespace)
        assert len(server.requests) > before or not ASKING.search(code), code


def test_every_make_target_that_the_readme_names_is_there() -> None:
    targets = re.findall(r"^([a-z_]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert set(TARGET.findall(README)) <= set(targets)


def test_the_table_of_settings_names_every_setting_of_ours() -> None:
    table = README.split("<!-- settings -->")[1].split("\n\n", 2)[1]
    named = set(re.findall(r"`(\w+)`", table))
    ours = GeminiSettings.model_fields.keys() - ChatAIMLGemini.__base__.__base__.model_fields.keys()  # type: ignore[union-attr] # BaseChatModel
    renamed = {"aimlapi_api_key": "api_key", "aimlapi_api_base": "base_url"}
    not_to_be_set = {"connections"}
    assert {renamed.get(name, name) for name in ours - not_to_be_set} <= named


def test_every_link_within_the_readme_leads_somewhere() -> None:
    headings = re.findall(r"^#+ (.*)", README, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}
    for name, target in re.findall(r"\[([^\]]+)\]\(([^)]+)\)", README):
        if target.startswith("#"):
            assert target[1:] in anchors, name
        elif not target.startswith("http"):
            assert (ROOT / target).exists(), name
