"""Pictures and other long data in bodies: each stands once in a cassette, at its end.

In a conversation every request repeats all that was sent before. In a body there is a reference,
`{{sha256-...}}`, in its place; the cassette's `files` hold what it stands for.
"""

import hashlib
import re
from collections.abc import Callable

# Most signatures are shorter, and are to be read where they stand.
LONGEST = 2000
"""Characters from which a word of the alphabet of base64 is long data."""

MARK = "{{sha256-"

# Between dots it may be a part of a token, which is known by its form as a whole.
_LONG = re.compile(rf"(?<![A-Za-z0-9+/=_.-])[A-Za-z0-9+/=_-]{{{LONGEST},}}(?![A-Za-z0-9+/=_.-])")
_REFERENCE = re.compile(r"\{\{(sha256-[0-9a-f]{32})\}\}")
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-"
_DATA_ADDRESS = re.compile(rb"data:[\w/+.;=-]{0,100},")


class LongTexts:
    """Takes long data out of texts and keeps it under its digest.

    Args:
        hide: What takes secrets out of a text.
    """

    def __init__(self, hide: Callable[[str], str]) -> None:
        self.texts: dict[str, str] = {}
        self.is_ambiguous = False
        """Whether a text held what looks like a reference, so that none can be told from it."""
        self._hide = hide
        self._names: dict[str, str] = {}

    def extracted(self, text: str) -> str:
        """Return `text` with references in place of long data."""
        if MARK in text:
            self.is_ambiguous = True
        return _LONG.sub(self._reference, text) if len(text) >= LONGEST else text

    def _reference(self, match: re.Match[str]) -> str:
        word = match.group()
        if "-----" in word:  # a key between its BEGIN and END, in one line
            return word
        if word not in self._names:
            text = self._hide(word)
            # Of the text as it is hidden: a digest of a secret would be a way to check a guess.
            digest = hashlib.sha256(text.encode()).hexdigest()[:32]
            self._names[word] = name = f"sha256-{digest}"
            self.texts[name] = text
        return f"{{{{{self._names[word]}}}}}"


def expanded(text: str, texts: dict[str, str]) -> str:
    """Return `text` with long data in place of its references, the inverse of `extracted`.

    Args:
        text: A text of a cassette.
        texts: The cassette's `files`; references to what is not among them stay.
    """
    if MARK not in text:
        return text
    return _REFERENCE.sub(lambda match: texts.get(match[1], match.group()), text)


def is_long_data(piece: bytes) -> bool:
    """Return whether a piece of a body is one long word of base64, an address `data:` perhaps."""
    if len(piece) < LONGEST:
        return False
    rest = piece.translate(None, _ALPHABET)
    return not rest or (_DATA_ADDRESS.match(piece) is not None and not rest.strip(b":;,."))
