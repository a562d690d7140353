"""The page on other packages: each yes of ours is held by tests that are there and assert."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path

import langchain_tests
import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
# By feature, the names of its tests; `Test...` are classes of LangChain's own suites.
TESTS: dict[str, list[str]] = json.loads(
    (ROOT / "tests" / "docs" / "comparison.json").read_text(encoding="utf-8")
)
_ROW = re.compile(r"^\| (?P<feature>[^|]+) \| (?P<ours>yes[^|]*) \|(?:[^|]*\|){4}$", re.MULTILINE)
ROWS = [row["feature"] for row in _ROW.finditer(PAGE)]


@cache
def _asserting() -> dict[str, bool]:
    """Return the tests and classes of tests by name: whether one of that name asserts something.

    Helpers of the same file count: a test may leave its assertions to one.
    """
    suites = Path(langchain_tests.__file__).parent
    found: dict[str, bool] = {}
    for path in [*(ROOT / "tests").rglob("test_*.py"), *suites.rglob("chat_models.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        helpers = {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _asserts(node, set())
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[node.name] = found.get(node.name, False) or _asserts(node, helpers)
            elif isinstance(node, ast.ClassDef):  # its tests are LangChain's
                found[node.name] = True
    return found


def _asserts(node: ast.AST, helpers: set[str]) -> bool:
    for inner in ast.walk(node):
        match inner:
            case ast.Assert():
                return True
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                if name in helpers or name in {"raises", "warns", "approx"}:
                    return True
            case _:
                pass
    return False


def test_the_page_has_its_tables() -> None:
    assert len(ROWS) > 50
    assert len(ROWS) == len(set(ROWS))


def test_no_test_stands_on_the_page() -> None:
    assert not re.findall(r"\btest_\w+|\bTest[A-Z]\w+", PAGE)


def test_every_test_belongs_to_a_row() -> None:
    assert set(TESTS) == set(ROWS)


@pytest.mark.parametrize("feature", ROWS)
def test_a_yes_of_ours_is_held_by_tests_that_assert(feature: str) -> None:
    named = TESTS.get(feature, [])
    assert named
    assert [name for name in named if not _asserting().get(name)] == []
