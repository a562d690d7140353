"""What counts as a secret in a text, however it is spelled."""

import base64
import os
import re
from collections.abc import Iterable, Iterator
from typing import Any

REDACTED = "REDACTED"
"""What stands in a cassette where a secret stood."""

_SHORTEST = 8
"""Shorter values are words ("test", "key") that would be cut out of innocent text."""

_VARIABLES = ("AIMLAPI_API_KEY", "AIML_API_KEY", "AIMLAPI_KEY")

_NOT_WITHIN = r"(?<![A-Za-z0-9+/=_-])"
"""Not in the middle of base64, where any four letters turn up sooner or later."""

_TOKENS = "|".join(
    _NOT_WITHIN + token
    for token in (
        r"sk-[A-Za-z0-9_-]{16,}",  # OpenAI, OpenRouter, Anthropic, many gateways
        r"AIza[A-Za-z0-9_-]{35}",  # Google
        r"AKIA[A-Z0-9]{16}",  # AWS
        r"gh[pousr]_[A-Za-z0-9]{30,}",  # GitHub
        r"hf_[A-Za-z0-9]{30,}",  # Hugging Face
        r"xox[abprs]-[A-Za-z0-9-]{10,}",  # Slack
        r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",  # JSON web tokens
        # Account ids as OpenRouter and OpenAI write them into errors and headers.
        r"(?:user|org|proj|acct)[-_](?=[A-Za-z0-9]*[0-9])[A-Za-z0-9]{16,}",
    )
)
# A digit tells a token from the next word: "the bearer understands" is no credential.
_SCHEMES = r"(?i:\b(?P<scheme>bearer|basic)\s+)(?=[^\s\"]*[0-9])[A-Za-z0-9._~+/=-]{16,}"
_GENERAL = f"{_SCHEMES}|{_TOKENS}"

# Names that hold a credential or say whose account it is, whatever their value.
_PRIVATE_NAMES = (
    r"x?[-_]?api[-_]?key|access[-_]?token|refresh[-_]?token|auth[-_]?token|id[-_]?token"
    r"|(?:client[-_]?)?secret|password|authorization|(?:set[-_]?)?cookie"
    r"|(?:user|account|organi[sz]ation|org|team|customer|workspace)[-_]?id|organization"
)
_PRIVATE_NAME = re.compile(_PRIVATE_NAMES, re.IGNORECASE)
_PRIVATE_MEMBER = re.compile(
    rf"""((\\*["'])(?:{_PRIVATE_NAMES})\2\s*:\s*)(?:\2.*?\2|-?[0-9]+)""", re.IGNORECASE
)
_PRIVATE_PARAMETER = re.compile(
    rf"((?:(?:^|[?&;\s])(?:{_PRIVATE_NAMES})|[?&](?:key|token|sig|signature))=)[^&#\s\"]+",
    re.IGNORECASE,
)
# The two characters in which the alphabets of base64 differ, escaped for JSON or an address.
_BASE64 = {"+": r"(?:\+|-|\\+u002b|%(?:25)*2b)", "/": r"(?:\\*/|_|%(?:25)*2f)"}
_CREDENTIAL_HEADER = re.compile(
    r"(.*[-_])?[a-z]*(auth|authorization|authentication|key|token|secret|password)([-_].*)?",
    re.IGNORECASE,
)
_COOKIE = re.compile(r"=\s*\"?([^;\"\s]+)")
# Attributes (Domain, Path, Max-Age) follow a semicolon; some clients join several with commas.
_NEW_COOKIE = re.compile(r"(?:^|,)\s*[^;,=\s]+=\s*\"?([^;\"\s]+)")
_NUMBER = re.compile(r"[0-9.]+")
_USER_INFO = re.compile(r"(?<=://)[^/?#@\s]+(?=@)")


class Secrets:
    """The secrets in force, and a way to take them out of any text.

    Args:
        values: Secrets known by value: the key, tokens, cookies. Values of fewer than eight
            characters are ignored, and so is the placeholder itself.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        known = {value for value in values if len(value) >= _SHORTEST and value != REDACTED}
        # Longest first: a key that begins another must not leave the other's end behind.
        ordered = sorted(known, key=lambda value: (-len(value), value))
        self._known = "|".join(spelling for value in ordered for spelling in _spellings(value))
        self._pattern = re.compile(f"(?i:{self._known})|{_GENERAL}" if known else _GENERAL)

    def hidden(self, text: str) -> str:
        """Return `text` with each secret in it replaced by `REDACTED`."""
        return self._pattern.sub(_replacement, text)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where `text` holds secrets: pairs of start and end, in order."""
        return [match.span() for match in self._pattern.finditer(text)]

    def known_in(self, text: str) -> bool:
        """Return whether a secret known by value is in `text`, in any spelling."""
        return bool(self._known) and re.search(f"(?i:{self._known})", text) is not None


def secrets_in_force() -> list[str]:
    """Return the keys that the environment holds for AI/ML API, under any of their names."""
    return [value for name in _VARIABLES if (value := os.environ.get(name, "").strip())]


def credentials(headers: dict[str, Any]) -> Iterator[str]:
    """Return the credentials that HTTP headers carry: keys, bearer tokens, cookie values.

    Numbers outside of `authorization` are none: they are limits and times, and hiding them
    would cut them out of the bodies.

    Args:
        headers: Name to value or list of values, names in any case.
    """
    for name, values in headers.items():
        for value in [values] if isinstance(values, str) else values:
            for found in _credentials_in(name.lower(), value):
                if "authorization" in name.lower() or not _NUMBER.fullmatch(found):
                    yield found


def is_private_name(name: str) -> bool:
    """Return whether a field of that name holds a credential or an account id."""
    return _PRIVATE_NAME.fullmatch(name) is not None


def without_private_members(text: str) -> str:
    """Return `text` with the values of private names hidden, in JSON pieces and in forms."""
    text = _PRIVATE_MEMBER.sub(rf"\1\2{REDACTED}\2", text)
    return _PRIVATE_PARAMETER.sub(rf"\1{REDACTED}", text)


def without_private_parameters(uri: str) -> str:
    """Return an address with its user, password and private query parameters hidden."""
    return _PRIVATE_PARAMETER.sub(rf"\1{REDACTED}", _USER_INFO.sub(REDACTED, uri))


def _credentials_in(name: str, value: str) -> list[str]:
    if "set-cookie" in name:
        return _NEW_COOKIE.findall(value)
    if "cookie" in name:
        return _COOKIE.findall(value)
    if _CREDENTIAL_HEADER.fullmatch(name):
        return [value, value.strip().partition(" ")[2]]  # with and without "Bearer"
    return []


def _replacement(match: re.Match[str]) -> str:
    scheme = match.group("scheme")
    return f"{scheme} {REDACTED}" if scheme else REDACTED


def _spellings(secret: str) -> Iterator[str]:
    """Return patterns of what a secret looks like, as it is and encoded."""
    data = secret.encode()
    yield "".join(map(_escapable, secret))
    yield data.hex()
    for offset in range(3):
        # Only the characters that depend on no neighbour: the secret may stand anywhere in
        # what was encoded ("user:key" of basic authentication).
        first, last = -(-offset * 8 // 6), (offset + len(data)) * 8 // 6
        core = base64.b64encode(b"\0" * offset + data)[first:last].decode()
        yield "".join(_BASE64.get(character, character) for character in core)


def _escapable(character: str) -> str:
    # As it is, escaped in JSON (also within JSON within JSON), or percent-encoded (also twice).
    percent = "".join(f"%(?:25)*{byte:02x}" for byte in character.encode())
    bare = rf"\\*{re.escape(character)}" if character in "/\"'\\" else re.escape(character)
    return rf"(?:{bare}|\\+u{ord(character):04x}|{percent})"
