"""The arguments of one tool call, as their text arrives.

What is asked again and again while a stream runs (is this a whole JSON object by now?) is answered
from brackets and quotes counted once, so that many fragments cost no more than one long text.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pydantic_core import from_json

from langchain_aimlapi._json import decode_arguments, replace_surrogates

if TYPE_CHECKING:
    from langchain_aimlapi._json import JsonObject

_CONTROL = re.compile("[\x00-\x1f]")
# One escape of a JSON string, or a pair of escapes that say one character; at the end of a piece,
# perhaps the first part of one.
_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPE = (
    rf"(?P<open>(?:{_HIGH})?\\(?:u[0-9a-fA-F]{{0,3}})?\Z|{_HIGH}\Z)"
    rf"|{_HIGH}{_LOW}|(?P<half>{_HIGH}|{_LOW})|\\."
)
# Neither escapes nor what must be escaped; its end, but for spaces, is no bracket.
_MIDDLE = re.compile(r"[^\\\x00-\x1f]*[^\\\x00-\x1f}\s] *")
_TOKEN = re.compile('[\\\\"{}\\[\\]\x00-\x1f]')
_EMPTY = ("", "{", "{}")
_KINDS = {list: "array", str: "string", bool: "boolean", type(None): "null"}


class Arguments:
    """Text of arguments, growing.

    Raw control characters inside strings, which models write and JSON forbids, are escaped: read
    as they are meant, they break nobody who reads strictly. An escaped half of a surrogate pair,
    which no strict parser reads and no UTF-8 text can hold, is U+FFFD. An object that was encoded
    twice, to the text of a JSON string, is read as the object.
    """

    def __init__(self, text: str = "") -> None:
        """Begin with a piece, or with nothing."""
        self._clear()
        self.add(text)

    def _clear(self) -> None:
        self._pieces: list[str] = []
        self._open = ""  # the beginning of an escape, which waits for its end
        self._counted = 0  # pieces whose brackets are counted
        self._depth = 0
        self._is_in_string = False
        self._is_escaped = False
        self._is_broken = False
        self._decoded: JsonObject | None = None
        self._shown = 0  # pieces that LangChain has seen

    @property
    def text(self) -> str:
        """The text so far."""
        return str(replace_surrogates("".join([*self._pieces, self._open])))

    def add(self, piece: str) -> None:
        """Take the next piece of the text."""
        if self._decoded is not None:
            if not piece.strip():
                return
            self._clear()  # an empty object that stood for "not known yet": this replaces it
        if not self._pieces:  # blanks alone are no arguments, which langchain-core would not know
            piece = piece.lstrip()
        if self._open or "\\u" in piece or piece.endswith("\\"):
            piece = self._paired(self._open + piece)
        if not piece:
            return
        self._pieces.append(piece)
        if _CONTROL.search(piece):
            self._count()

    def add_middle(self, piece: str) -> bool:
        """Take a piece that can be shown as it is and ends nothing; tell whether it is one."""
        is_open = self._shown == len(self._pieces) > 0 and not self._open
        if not is_open or self._decoded is not None or not _MIDDLE.fullmatch(piece):
            return False
        self._pieces.append(piece)
        self._shown += 1
        return True

    def decoded(self) -> JsonObject | None:
        """Return the arguments, or `None` if the text is not one whole JSON object."""
        if self._decoded is None and not self._is_broken:
            self._decoded = decode_arguments(self._inner() or self.text)
        return self._decoded

    def is_whole(self) -> bool:
        """Tell whether the text is a whole JSON object already; nothing at all is none."""
        if self._decoded is None and self._may_be_whole():
            self._is_broken = self.decoded() is None  # and stays so, whatever follows
        return bool(self._pieces) and self._decoded is not None

    def is_cut(self) -> bool:
        """Tell whether a part of the text came, but not all of it."""
        return bool(self._pieces) and not self.is_whole()

    def is_empty_object(self) -> bool:
        """Tell whether the text is `{}`."""
        return self.is_whole() and not self._decoded

    def canonical(self) -> str:
        """Return the arguments as text that is the same for equal ones."""
        return json.dumps(self.decoded(), sort_keys=True)

    def showable(self) -> str:
        """Return what LangChain may see now; `{}` waits, because other text may replace it."""
        if not self._shown and len(self._pieces) <= len(_EMPTY) and self._is_blank():
            return ""
        return "" if self._is_quoted() else self._show()

    def held(self) -> str:
        """Return what is left to show at the end; LangChain reads no arguments at all as `{}`."""
        if self._is_quoted():
            return self._inner() or self.text
        if self._open:
            self._pieces.append(self._open)
            self._open = ""
        return "" if not self._shown and self.is_empty_object() else self._show()

    def _is_quoted(self) -> bool:
        return bool(self._pieces) and self._pieces[0].startswith('"')

    def _inner(self) -> str:
        """Return the text inside a JSON string that holds the text of an object, else `""`."""
        if not self._is_quoted():
            return ""
        try:
            value = from_json(self.text)
        except ValueError:
            return ""
        is_object = isinstance(value, str) and decode_arguments(value or "-") is not None
        return value if is_object else ""

    def _paired(self, piece: str) -> str:
        """Keep back an escape that has only begun; make U+FFFD of halves without their others."""
        self._open = ""
        kept: list[str] = []
        begun = 0
        for match in re.finditer(_ESCAPE, piece, re.DOTALL):
            if match.lastgroup:
                kept.append(piece[begun : match.start()])
                begun = match.end()
                if match.lastgroup == "open":
                    self._open = match[0]
                else:
                    kept.append("\\ufffd")
        return "".join([*kept, piece[begun:]])

    def _show(self) -> str:
        shown = "".join(self._pieces[self._shown :])  # may end in half a surrogate pair
        self._shown = len(self._pieces)
        return shown

    def _is_blank(self) -> bool:
        return "".join("".join(self._pieces).split()) in _EMPTY

    def _may_be_whole(self) -> bool:
        end = '"' if self._is_quoted() else "}"
        if self._is_broken or not self._pieces or not self._pieces[-1].rstrip().endswith(end):
            return False
        self._count()
        return self._depth == 0 and not self._is_in_string

    def _count(self) -> None:
        for number in range(self._counted, len(self._pieces)):
            self._pieces[number] = self._escape(self._pieces[number])
        self._counted = len(self._pieces)

    def _escape(self, piece: str) -> str:
        """Follow quotes and brackets through a piece; escape its control characters."""
        kept: list[str] = []
        begun, read = 0, int(self._is_escaped)
        for match in _TOKEN.finditer(piece):
            at, char = match.start(), match[0]
            if at < read:
                continue
            if char == '"':
                self._is_in_string = not self._is_in_string
            elif not self._is_in_string:
                self._depth += (char in "{[") - (char in "}]")
            elif char == "\\":
                read = at + 2
            elif char < " ":
                kept += [piece[begun:at], f"\\u{ord(char):04x}"]
                begun = at + 1
        self._is_escaped = read > len(piece)
        return "".join([*kept, piece[begun:]])


def fault_of(text: str) -> str:
    """Say why a text is no arguments.

    Args:
        text: What is not the text of a JSON object.
    """
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        return f"The arguments are not valid JSON: {error}."
    if isinstance(value, dict):
        return "The arguments hold a number that is too large."
    kind = _KINDS.get(type(value), "number")
    return f"The arguments are a JSON {kind}, not an object."
