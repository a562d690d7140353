"""Texts with what other formats made of their characters undone, and where each stood.

Escapes of JSON (also within JSON within JSON), of addresses (also twice), of HTML and XML by
number, and breaks of lines. Each is linear in the text.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from typing import NamedTuple

ESCAPE = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|([\"'/]))?|%(?:25)*([0-9a-fA-F]{2})")
"""Escapes of JSON and of addresses but for those of control characters."""

ESCAPE_AND_CONTROLS = re.compile(
    r"\\+(?:u([0-9a-fA-F]{4})|([\"'/nrtbf]))?|%(?:25)*([0-9a-fA-F]{2})"
)
"""Escapes of JSON and of addresses."""

_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_REFERENCE = re.compile(r"&(?:amp;)*#(?:0*([0-9]{1,7})|[xX]0*([0-9a-fA-F]{1,6}));?")
_BLANKS = re.compile(r"\s+")
_LAST = 0x10FFFF


class Plain(NamedTuple):
    """A text with its escapes undone, and where each part of it stood."""

    text: str
    starts: list[int]
    origins: list[int]

    def origin(self, position: int) -> int:
        """Return where in the original the character at `position` began."""
        index = bisect_right(self.starts, position) - 1
        return self.origins[index] + position - self.starts[index]

    def end_of(self, position: int) -> int:
        """Return where what ends before `position` ended: what was taken out after it stays."""
        index = bisect_left(self.starts, position) - 1
        return self.origins[index] + position - self.starts[index]


def plain_texts(text: str, escapes: tuple[re.Pattern[str], ...]) -> Iterator[Plain]:
    """Yield a text with each kind of escapes undone that it may hold.

    Args:
        text: Any text.
        escapes: How to undo what begins with a backslash or a percent sign.
    """
    if "\\" in text or "%" in text:
        for pattern in escapes:
            yield plain_of(text, pattern)
    if "#" in text and "&" in text:
        yield _undone(text, _REFERENCE, _referred)


def plain_of(text: str, pattern: re.Pattern[str]) -> Plain:
    """Return a text with the escapes undone that a pattern finds."""
    return _undone(text, pattern, _escaped)


def without_blanks(text: str) -> Plain:
    """Return a text without its blanks, tabs and line breaks."""
    return _undone(text, _BLANKS, lambda _: "")


def lower_case(text: str) -> str:
    """Return a text in lower case, each character in its place."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)


def _undone(
    text: str, pattern: re.Pattern[str], character_of: Callable[[re.Match[str]], str]
) -> Plain:
    parts: list[str] = []
    starts, origins = [0], [0]
    length = position = 0
    for match in pattern.finditer(text):
        undone = character_of(match)
        parts += [text[position : match.start()], undone]
        length += match.start() - position
        starts += [length, length + len(undone)]
        origins += [match.start(), match.end()]
        length += len(undone)
        position = match.end()
    return Plain("".join([*parts, text[position:]]), starts, origins)


def _escaped(match: re.Match[str]) -> str:
    code, character, percent = match.groups()
    if code or percent:
        return chr(int(code or percent, 16))
    return _CONTROLS.get(character, character) if character else "\\"


def _referred(match: re.Match[str]) -> str:
    number, digits = match.groups()
    code = int(number) if number else int(digits, 16)
    return chr(code) if code <= _LAST else "?"
