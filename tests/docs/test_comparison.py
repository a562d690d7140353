"""The table of features: each yes of ours is backed by a test that is there."""

from __future__ import annotations

import re
from pathlib import Path

import langchain_tests
import pytest

ROOT = Path(__file__).parents[2]
_ROW = re.compile(
    r"^\| (?P<feature>[^|]+) \| (?P<ours>yes[^|]*) \|(?:[^|]*\|){4} (?P<tests>[^|]*)\|$"
)
_NAME = re.compile(r"\b(?:test_\w+|Test[A-Z]\w+)")


def _rows() -> list[re.Match[str]]:
    lines = (ROOT / "docs" / "comparison.md").read_text("utf-8").splitlines()
    return [row for row in map(_ROW.match, lines) if row]


def _names() -> set[str]:
    """Return the tests and classes of tests of the project, with those of LangChain's suites."""
    suites = Path(langchain_tests.__file__).parent
    files = [*(ROOT / "tests").rglob("test_*.py"), *suites.rglob("chat_models.py")]
    found = (re.findall(r"(?:def|class) (\w+)", path.read_text("utf-8")) for path in files)
    return {name for names in found for name in names}


def test_the_table_is_there() -> None:
    assert len(_rows()) > 50


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row["feature"])
def test_a_yes_of_ours_is_backed_by_tests_that_are_there(row: re.Match[str]) -> None:
    named = set(_NAME.findall(row["tests"]))
    assert named
    assert named <= _names()
