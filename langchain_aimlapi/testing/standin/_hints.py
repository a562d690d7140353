"""What a prompt says that a made-up argument can use: call syntax, numbers, quotes, places."""

from __future__ import annotations

import json
import re

_QUOTED = re.compile(r"(?<!\w)(?:'([^'\n]{1,200})'|\"([^\"\n]{1,200})\"|`([^`\n]{1,200})`)(?!\w)")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.]*\w)")
_PLACE = re.compile(r"\b[Ii]n ([A-Z][\w'-]*(?:,? [A-Z][\w'-]*)*)")
_PLACE_NAMES = ("city", "location", "place", "town", "country", "address", "region")


class Hints:
    """The usable parts of one prompt; each is handed out once, in the prompt's order.

    Args:
        prompt: The text of the user's message.
    """

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt
        self._numbers = [json.loads(_plain(found)) for found in _NUMBER.findall(prompt)]
        self._quoted = ["".join(groups) for groups in _QUOTED.findall(prompt)]
        self._places = _PLACE.findall(prompt)

    def text_for(self, name: str) -> str:
        """Return a text for the argument `name`: a place, a quotation, or one that says so."""
        if self._places and any(word in name.lower() for word in _PLACE_NAMES):
            return str(self._places.pop(0))
        return self._quoted.pop(0) if self._quoted else f"stand-in {name}".rstrip()

    def next_number(self, *, whole: bool) -> float | None:
        """Return the prompt's next number, or `None`; a whole one when `whole`."""
        for position, value in enumerate(self._numbers):
            if not whole or isinstance(value, int):
                del self._numbers[position]
                return value if whole else float(value)
        return None

    def mentioned(self, values: list[object]) -> object:
        """Return the first of `values` that the prompt mentions, else the first of all."""
        for value in values:
            if isinstance(value, str) and mentions(self._prompt, value):
                return value
        return values[0]


def _plain(number: str) -> str:
    """Return a number as JSON writes it: no leading zeros."""
    return re.sub(r"^(-?)0+(?=\d)", r"\1", number)


def mentions(prompt: str, word: str) -> bool:
    """Return whether `word` stands in the prompt as a word of its own, in any case."""
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", prompt, re.IGNORECASE) is not None


def calls_written(prompt: str, name: str) -> list[tuple[list[object], dict[str, object]]]:
    """Return the positional and named arguments of each `name(...)` that the prompt writes."""
    written = re.findall(rf"(?<!\w){re.escape(name)}\(([^()\n]*)\)", prompt)
    return [_arguments(text) for text in written]


def _arguments(text: str) -> tuple[list[object], dict[str, object]]:
    positional: list[object] = []
    named: dict[str, object] = {}
    for piece in filter(None, (piece.strip() for piece in text.split(","))):
        key, equals, value = piece.partition("=")
        if equals:
            named[key.strip()] = _value(value.strip())
        else:
            positional.append(_value(piece))
    return positional, named


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text.strip("'\"")


def keys_named(prompt: str) -> list[str]:
    """Return the keys that a prompt asking for JSON names, in quotes; `answer` if none."""
    quoted = ("".join(groups) for groups in _QUOTED.findall(prompt))
    return list(dict.fromkeys(key for key in quoted if key.isidentifier())) or ["answer"]
