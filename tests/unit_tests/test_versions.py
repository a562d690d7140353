"""The versions that are promised are the ones that are tested, and the pages name this one."""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from langchain_aimlapi import __version__

ROOT = Path(__file__).parents[2]
# langchain-tests needs a newer one than the kit does.
NEWER_IN_TESTS = {"pytest"}


def lowest(needed: Requirement) -> Version:
    return Version(next(part.version for part in needed.specifier if part.operator == ">="))


def test_the_lowest_versions_are_those_of_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    promised = [Requirement(text) for text in chain(project["dependencies"], *extras.values())]
    floors = {
        needed.name: lowest(needed) for needed in promised if needed.name not in NEWER_IN_TESTS
    }
    lines = (ROOT / "tests" / "lowest.txt").read_text(encoding="utf-8").splitlines()
    tested = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert {name: Version(version) for name, version in tested.items()} == floors


@pytest.mark.parametrize(
    "page", ["README.md", "docs/index.md", "docs/migration.md", "CHANGELOG.md"]
)
def test_a_page_that_names_the_version_names_this_one(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert __version__ in text


def test_each_lane_runs_in_the_workflow_too() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    [lanes] = re.findall(r"^LANES=\((.*)\)$", script, flags=re.MULTILINE)
    [newest] = re.findall(r'^NEWEST_CORE="(.*)"$', script, flags=re.MULTILINE)
    [run_there] = re.findall(r"run: \.ci/run (.*)$", workflow, flags=re.MULTILINE)
    by_make = {"test": "make test", "check": "make check", "newest": f'core: "{newest}"'}
    assert all(words in workflow for words in by_make.values())
    assert set(lanes.split()) == {*run_there.split(), *by_make}
