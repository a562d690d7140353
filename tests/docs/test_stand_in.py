"""The page on the stand-in names every way in which it misbehaves, and no other."""

from __future__ import annotations

import re

import pytest

from langchain_aimlapi.testing.standin._faults import _WORDS, fault
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "testing" / "stand-in.md").read_text(encoding="utf-8")
TABLE = "\n".join(line for line in PAGE.splitlines() if line.startswith("|"))
QUOTED = [words for words in re.findall(r"`([^`]+)`", TABLE) if words != "[DONE]"]


@pytest.mark.parametrize("words", QUOTED)
def test_a_fault_of_the_page_is_understood(words: str) -> None:
    assert fault(words if "=" in words or words not in {"status", "code"} else f"{words}=500")


def test_every_fault_is_on_the_page() -> None:
    assert {words.partition("=")[0] for words in QUOTED} == _WORDS
