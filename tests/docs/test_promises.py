"""Each promise of the page has tests of its number, and the other way round."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
# Measured by commands of their own, whose short forms `tests/load` runs.
MEASURED = {36, 37}


def test_the_promises_are_numbered_one_after_the_other() -> None:
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", PAGE, re.MULTILINE)]
    assert numbers == [*range(1, len(numbers) + 1)]


def test_every_promise_is_held_by_a_test_of_its_number() -> None:
    promised = {int(number) for number in re.findall(r"^(\d+)\. ", PAGE, re.MULTILINE)}
    files = (ROOT / "tests" / "wire_tests").glob("test_*.py")
    found = {
        int(number)
        for path in files
        for number in re.findall(r"def test_(\d\d)_", path.read_text(encoding="utf-8"))
    }
    assert found | MEASURED == promised
