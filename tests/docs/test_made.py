"""Made parts of README and documentation are as the program makes them today."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from langchain_aimlapi.data._profiles import served_models
from tests.docs.made import FILES, PARTS, models_table, renewed
from tests.docs.pages import PAGES, ROOT

if TYPE_CHECKING:
    from pathlib import Path

SIGNATURES = (ROOT / "tests" / "benchmarks" / "results" / "signatures.md").read_text("utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_is_up_to_date(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == renewed(text), "run `make pages`"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == FILES[path](), "run `make pages`"


def test_every_made_part_stands_on_a_page() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert set(re.findall(r"<!-- made: (\w+) -->", text)) == PARTS.keys()


def test_the_table_of_models_has_every_served_model() -> None:
    assert set(re.findall(r"^\| `([^`]+)`", models_table(), re.MULTILINE)) == {*served_models()}


def test_what_the_readme_says_of_signatures_was_measured() -> None:
    rows = [line.split(" | ") for line in SIGNATURES.splitlines() if re.match(r"\| .*\d/\d", line)]
    assert f"all [{len(rows)} measured stories]" in README
    assert all(sent == all_of for sent, all_of in (row[1].split("/") for row in rows))
    agent = next(row for row in rows if row[0] == "| `create_agent`, five steps, stream")
    assert [agent[1], agent[2][:3], agent[4][:3]] == ["5/5", "0/5", "0/5"]
    assert "5 of 5 signatures go back (ChatOpenRouter and ChatOpenAI: 0 of 5)" in README
