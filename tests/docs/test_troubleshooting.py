"""The page on messages quotes words that the package says, or that it knows of servers."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from langchain_aimlapi.errors.refusals import _REFUSALS, find_refusal
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
_REFUSED = PAGE.partition("What Gemini was seen to refuse")[2].partition("\n## ")[0]
# Of answers and errors rather than of messages.
_NAMES = re.compile(r"content|finish_reason|length|message\.\w+|\w+Error|content_filter|\d{3}")


def _quoted(text: str) -> list[str]:
    cells = re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE)
    return [words for cell in cells for words in re.findall(r"`([^`]+)`", cell)]


OURS = [
    words
    for words in _quoted(PAGE.replace(_REFUSED, ""))
    if not _NAMES.fullmatch(words.removeprefix("... "))
]


@cache
def _said() -> list[str]:
    """Return the texts of the package, those of f-strings in their pieces."""
    return [
        node.value
        for path in (ROOT / "langchain_aimlapi").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


@pytest.mark.parametrize("words", OURS)
def test_the_package_says_these_words(words: str) -> None:
    pieces = [piece.strip(" ;:") for piece in words.split("...")]
    for piece in pieces:
        if piece and not piece.isdecimal():
            assert any(piece in text for text in _said()), piece


@pytest.mark.parametrize("words", _quoted(_REFUSED))
def test_the_refusal_is_known(words: str) -> None:
    assert find_refusal(words.replace("...", "is"))


def test_every_known_refusal_is_on_the_page() -> None:
    known = {find_refusal(words.replace("...", "is")) for words in _quoted(_REFUSED)}
    assert known == set(_REFUSALS)
