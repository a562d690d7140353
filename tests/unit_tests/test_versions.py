"""The lowest versions that are promised are the ones that are tested."""

from __future__ import annotations

import tomllib
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

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
