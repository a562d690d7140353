"""JSON texts as trees that remember how they were written."""

import json
import re
from typing import Any, NamedTuple, NoReturn, Self

_DEEPEST = 60
"""Levels of nesting that are still read as a tree; YAML readers recurse, and nobody reads more."""


class Number(float):
    """A JSON number with a fraction or an exponent, in the digits it was written in.

    `0.0000123` is `1.23e-05` to Python: a cassette that wrote the value instead of the
    digits would not replay the bytes that were recorded.
    """

    literal: str

    def __new__(cls, literal: str) -> Self:
        """Make one of the digits in `literal`."""
        number = super().__new__(cls, literal)
        number.literal = literal
        return number

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]  # float's own takes a float
        """Return what copies are made of, for `copy` and `pickle`."""
        return (self.literal,)


class _Style(NamedTuple):
    comma: str
    colon: str
    ascii: bool
    indent: int = 0


_STYLES = {
    "compact": _Style(",", ":", ascii=False),
    "compact-ascii": _Style(",", ":", ascii=True),
    "spaced": _Style(", ", ": ", ascii=False),
    "spaced-ascii": _Style(", ", ": ", ascii=True),
    "indent-2": _Style(",", ": ", ascii=False, indent=2),
    "indent-2-ascii": _Style(",", ": ", ascii=True, indent=2),
    "indent-4": _Style(",", ": ", ascii=False, indent=4),
    "indent-4-ascii": _Style(",", ": ", ascii=True, indent=4),
}


def read_json(text: str) -> Any:  # noqa: ANN401  # whatever the text holds
    """Return the tree of a JSON text; numbers with a fraction are `Number`.

    Args:
        text: One JSON value. `NaN` and the like are refused: they are not JSON.

    Returns:
        dict, list, str, int, `Number`, bool or None.

    Raises:
        ValueError: `text` is not JSON, or is nested too deeply to be read as a tree.
    """
    try:
        return json.loads(text, parse_float=Number, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None


def json_text(tree: object, *, style: str) -> str:
    """Return `tree` as JSON text.

    Args:
        tree: What `read_json` returns.
        style: `compact`, `spaced`, `indent-2` or `indent-4`, each also with `-ascii`.

    Raises:
        ValueError: the style is unknown, or the tree is nested deeper than 60 levels.
    """
    if style not in _STYLES:
        raise ValueError(f"unknown JSON style {style!r}; known: {', '.join(_STYLES)}")
    return _written(tree, _STYLES[style], 0)


def styles_of(text: str, tree: object) -> list[str]:
    """Return the styles in which `tree` gives exactly `text`, plainest first.

    Args:
        text: A JSON text.
        tree: What `read_json` made of it; None gives no style.
    """
    try:
        fitting = [name for name in _STYLES if json_text(tree, style=name) == text]
    except ValueError:
        return []
    return fitting if tree is not None and _is_storable(text, tree) else []


def _is_storable(text: str, tree: object) -> bool:
    # Half a surrogate pair is JSON when escaped, but no file in UTF-8 can hold it.
    if "\\u" not in text:
        return True
    return re.search("[\ud800-\udfff]", json_text(tree, style="compact")) is None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _written(tree: object, style: _Style, depth: int) -> str:
    if depth > _DEEPEST:
        raise ValueError(f"JSON nested deeper than {_DEEPEST} levels")
    if isinstance(tree, dict):
        members = [
            json.dumps(key, ensure_ascii=style.ascii)
            + style.colon
            + _written(value, style, depth + 1)
            for key, value in tree.items()
        ]
        return _bracketed("{", members, "}", style, depth)
    if isinstance(tree, list):
        items = [_written(value, style, depth + 1) for value in tree]
        return _bracketed("[", items, "]", style, depth)
    if isinstance(tree, Number):
        return tree.literal
    return json.dumps(tree, ensure_ascii=style.ascii)


def _bracketed(start: str, parts: list[str], end: str, style: _Style, depth: int) -> str:
    if not parts or not style.indent:
        return start + style.comma.join(parts) + end
    margin = "\n" + " " * style.indent * (depth + 1)
    return start + margin + (style.comma + margin).join(parts) + margin[: -style.indent] + end
