"""What counts as a secret in a text, however it is spelled.

A secret is known by its value (the environment, credentials in headers, what the user names), by
the form of well-known keys, or by the name of the field that holds it. In go texts, out come
where the secrets stand or the texts without them. Every search is linear in the text: recordings
hold pictures of many megabytes, and what others wrote may be odd.
"""

import base64
import html
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from urllib.parse import unquote

from langchain_aimlapi._json import JsonMapping
from langchain_aimlapi.testing._key_shapes import Span, shaped_spans
from langchain_aimlapi.testing._spellings import (
    ESCAPE,
    ESCAPE_AND_CONTROLS,
    lower_case,
    plain_of,
    plain_texts,
    without_blanks,
)

REDACTED = "REDACTED"
"""What stands in a cassette where a secret stood."""

SHORTEST = 8
"""Shorter values are words ("test", "key") that would be cut out of innocent text."""

SHORTEST_NAMED = 4
"""Characters of a secret that the user names, who knows best."""

_LONG = 16
"""Characters from which a random value counts as a secret under a vague name (`token`)."""

_VARIABLES = ("AIMLAPI_API_KEY", "AIML_API_KEY", "AIMLAPI_KEY")
_SECRET_VARIABLE = re.compile("key(?!board|map)|token(?!iz)|secret|passw|passphrase", re.IGNORECASE)

PLACEHOLDERS = frozenset(
    {
        "changeme123",
        "dummy-api-key",
        "dummy-key",
        "fake-api-key",
        "fake-key",
        "mock-api-key",
        "no key is needed on replay",
        "no-key-needed",
        "no-key-required",
        "not-needed",
        "not-required",
        "sk-no-key-required",
        "stand-in-needs-no-real-key",
        "test-api-key",
        "test-key",
        "test-token",
        "your-api-key",
        "your_api_key",
    }
)
"""Values that people write where a key is asked for and none is needed, in lower case."""


class Secrets:
    """The secrets in force, and a way to take them out of any text.

    Args:
        values: Secrets known by value: the key, tokens, cookies. Values of fewer than eight
            characters are ignored, and so are placeholders.
        named: Secrets that the user named: they count from four characters on.
    """

    def __init__(self, values: Iterable[str] = (), *, named: Iterable[str] = ()) -> None:
        known = {value for value in values if len(value) >= SHORTEST and not _is_placeholder(value)}
        # Those of requests come this way too: an empty or a short one is no secret.
        known |= {value for value in named if len(value) >= SHORTEST_NAMED}
        self.longest = max(map(len, known), default=0)
        self._needles = sorted({needle for value in known for needle in _needles(value)})
        self._encoded = sorted({needle for value in known for needle in _encoded_needles(value)})

    def hidden(self, text: str, *, accounts: bool = True) -> str:
        """Return `text` with each secret in it replaced by `REDACTED`.

        Args:
            text: Any text.
            accounts: Whether what looks like the id of an account is a secret.
        """
        parts: list[str] = []
        position = 0
        for start, end in self.spans(text, accounts=accounts):
            parts += [text[position:start], REDACTED]
            position = end
        return "".join([*parts, text[position:]]) if parts else text

    def hidden_after(self, start: str, text: str, *, accounts: bool = True) -> str:
        """Return `text` as it is hidden where it follows `start`, which itself stays as it is."""
        hidden, position = [], len(start)
        whole = start + text
        for first, end in self.spans(whole, accounts=accounts):
            if end > len(start):
                hidden += [whole[position : max(first, position)], REDACTED]
                position = end
        return "".join([*hidden, whole[position:]])

    def spans(self, text: str, *, accounts: bool = True) -> list[Span]:
        """Return where `text` holds secrets: pairs of start and end, in order, apart."""
        found = [*self._known_spans(text), *shaped_spans(text, accounts=accounts)]
        # What stands before a key decides whether it is one: here it is the escape's last
        # character, `n` of a line feed or a digit of a percent sign.
        for plain in plain_texts(text, (ESCAPE_AND_CONTROLS,)):
            spans = shaped_spans(plain.text, accounts=accounts)
            found += [(plain.origin(start), plain.origin(end)) for start, end in spans]
        return _join(text, found)

    def known_in(self, text: str) -> bool:
        """Return whether a secret known by value is in `text`, in any spelling."""
        return next(self._known_spans(text), None) is not None

    def _known_spans(self, text: str) -> Iterator[Span]:
        if not self._needles:
            return
        lower = lower_case(text)
        yield from self._needles_in(lower)
        # Both: a key may hold `n` after a backslash of its own, or be broken by a line feed that
        # was escaped.
        for plain in plain_texts(lower, (ESCAPE, ESCAPE_AND_CONTROLS)):
            spans = self._needles_in(lower_case(plain.text))
            yield from ((plain.origin(start), plain.origin(end)) for start, end in spans)

    def _needles_in(self, text: str) -> Iterator[Span]:
        """Yield where needles are, also where lines were broken within them."""
        yield from self._needles_unbroken_in(text)
        has_lines = "\n" in text or "\r" in text
        if has_lines and next(self._needles_unbroken_in("".join(text.split())), None):
            plain = without_blanks(text)
            spans = self._needles_unbroken_in(plain.text)
            yield from ((plain.origin(start), plain.end_of(end)) for start, end in spans)

    def _needles_unbroken_in(self, text: str) -> Iterator[Span]:
        yield from _find(self._needles, text)
        yield from _find(self._encoded, text.replace("-", "+").replace("_", "/"))


def secrets_in_force(environment: Mapping[str, str] | None = None) -> set[str]:
    """Return the secrets that the environment holds.

    Those are the values of all variables whose names say key, token, secret or password, of eight
    characters and more, that are no common words; the keys for AI/ML API in any case.

    Args:
        environment: Names to values; None for those of this process.
    """
    variables = os.environ if environment is None else environment
    found = set()
    for name in filter(_is_secret_variable, variables):  # os.environ decodes each value anew
        text = variables.get(name, "").strip()
        if name in _VARIABLES or not is_common_word(text):
            found.add(_password_of(text) if "://" in text else text)
    return {value for value in found if len(value) >= SHORTEST and not _is_placeholder(value)}


@lru_cache(maxsize=1_024)
def _is_secret_variable(name: str) -> bool:
    return name in _VARIABLES or _SECRET_VARIABLE.search(name) is not None


def is_common_word(value: str) -> bool:
    """Return whether a value is a word rather than a secret: lower-case letters only, or listed."""
    is_word = value.isascii() and value.isalpha() and value.islower()
    return is_word or _is_placeholder(value)


def credentials(headers: JsonMapping) -> Iterator[str]:
    """Return the credentials that HTTP headers carry: keys, bearer tokens, cookie values.

    Numbers and words outside of `authorization` are none: they are limits, times, languages,
    and hiding them would cut them out of the bodies.

    Args:
        headers: Name to value or list of values, names in any case.
    """
    for name, values in headers.items():
        for value in [values] if isinstance(values, str) else values:
            yield from _credentials_in(name.lower(), value)


def clean_header(name: str, value: str) -> str:
    """Return the value of a header without the credential that its name says it holds.

    Args:
        name: In lower case.
        value: Its text.
    """
    if "cookie" in name:
        return _COOKIE_VALUE.sub(_clean_cookie, value)
    scheme, blank, rest = value.strip().partition(" ")
    has_scheme = "authorization" in name and blank and rest
    credential = rest if has_scheme else value.strip()
    is_secret = is_credential_header(name, value) and len(credential) >= SHORTEST
    if not is_secret or is_common_word(credential) or _NUMBER.fullmatch(credential):
        return value
    return f"{scheme} {REDACTED}" if has_scheme else REDACTED


def is_account_header(name: str) -> bool:
    """Return whether a header says whose account it is: `openai-organization`, `x-user-id`."""
    words = _words(name)
    return words[-2:] == ["user", "id"] or not _ACCOUNT_WORDS.isdisjoint(words)


def is_credential_header(name: str, value: str) -> bool:
    """Return whether a header holds a credential.

    `x-cache-key`, `idempotency-key` and the like hold none; of a name that only ends in `key` the
    value must look random.
    """
    words = _words(name)
    compact = "".join(words)
    if "authorization" in compact or "authentication" in compact:
        return True
    if _NO_CREDENTIAL & set(words):
        return False
    if any(part in compact for part in (*_CREDENTIAL_ENDS, "secret", "password")):
        return True
    return compact.endswith("token") or (compact.endswith("key") and is_random(value))


def is_private_name(name: str, *, accounts: bool = True) -> bool:
    """Return whether a field of that name holds a credential or, with `accounts`, an account id."""
    if accounts and _ACCOUNT_NAME.fullmatch(name):
        return True
    words = _words(name)
    if _NO_CREDENTIAL & set(words):
        return False
    return "".join(words).endswith(_CREDENTIAL_ENDS)


def is_private_field(name: str, value: str, *, accounts: bool = True) -> bool:
    """Return whether a field is private by its name, or by a vaguer name and a random value."""
    if _FILLED_IN.fullmatch(value):
        return False
    if is_private_name(name, accounts=accounts):
        return True
    words = _words(name)
    if words == ["pwd"]:
        return "/" not in value and not is_common_word(value)
    if words and words[-1] in _WORDY_ENDS:
        return not is_common_word(value) and (" " in value or "=" in value or is_random(value))
    is_vague = bool(words) and words[-1] in _VAGUE_ENDS and not _NO_CREDENTIAL & set(words)
    return is_vague and len(value) >= _LONG and is_random(value)


def is_random(value: str) -> bool:
    """Return whether a value of eight and more characters looks drawn rather than written."""
    text = unquote(value)
    if len(text) < SHORTEST or re.search(r"\s", text):
        return False
    has_both = re.search("[0-9]", text) and re.search("[A-Za-z]", text)
    return bool(has_both) and not _WORDS_AND_NUMBER.fullmatch(text)


def without_private_members(text: str, *, accounts: bool = True) -> str:
    """Return `text` with the values of private names hidden, in JSON pieces and in forms."""
    text = "".join(_without_members(text, accounts=accounts))
    return without_private_parameters(text, accounts=accounts)


def without_private_parameters(text: str, *, accounts: bool = True) -> str:
    """Return a query, a form or a text with addresses in it, with private parameters hidden."""

    def replacement(match: re.Match[str]) -> str:
        start, name, value = match.groups()
        is_query = start in ("?", "&") or (not start and match.start() == 0)
        if CODE.fullmatch(value):
            return match.group()
        names = unquote(name)
        is_private = is_private_field(names, value, accounts=accounts) or (
            is_query and _is_private_parameter("".join(_words(names)), value)
        )
        return f"{start}{name}={REDACTED}" if is_private else match.group()

    return _PARAMETER.sub(replacement, text)


_CREDENTIAL_ENDS = (
    *("apikey", "apisecret", "accesskey", "secretkey", "privatekey", "signingkey"),
    *("encryptionkey", "subscriptionkey", "appkey", "applicationkey", "authkey", "masterkey"),
    *("accountkey", "functionskey", "licensekey", "sharedkey", "secretaccesskey"),
    *("accesstoken", "refreshtoken", "authtoken", "idtoken", "sessiontoken", "bearertoken"),
    *("securitytoken", "apitoken", "bottoken", "privatetoken", "deploytoken", "usertoken"),
    *("servicetoken", "secret", "password", "passwd", "passphrase"),
)
_VAGUE_ENDS = frozenset({"token", "auth", "credential"})
_WORDY_ENDS = frozenset({"authorization", "cookie", "credentials"})
_SIGNATURES = frozenset({"sig", "signature"})
_SIGNED = ("amzsignature", "amzcredential", "googsignature", "googcredential", "accesskeyid")
_NO_CREDENTIAL = frozenset(
    {
        *("cache", "continuation", "cancel", "cursor", "dedup", "deduplication", "foreign"),
        *("group", "idempotency", "limit", "max", "message", "next", "object", "page", "paging"),
        *("correlation", "partition", "primary", "public", "remaining", "request", "reset"),
        *("resume", "routing", "row", "storage", "trace"),
        *("sort", "surrogate", "sync", "websocket"),
    }
)
"""Words of names that end in `key` or `token` and hold neither."""
_ACCOUNT_NAME = re.compile(
    r"(?:user|account|organi[sz]ation|org|team|customer|workspace)[-_]?id|organization",
    re.IGNORECASE,
)
_ACCOUNT_WORDS = frozenset({"account", "customer", "organization", "org", "project", "team"})
_NAME_WORD = re.compile("[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
# A value ends before `;name=`: `Server=x;Password=y`.
_PARAMETER = re.compile(
    r"(^|[?&;\s])([A-Za-z0-9_.%-]{1,80})="
    r"((?:[^&#\s\"'<>;]|;(?![A-Za-z][A-Za-z0-9_. -]{0,79}=))+)"
)
# Without digits, in words that are no longer than words are: what is drawn looks otherwise.
_NAMED = "[A-Za-z]{1,15}(?:[_.][A-Za-z]{1,15}){0,8}"
# What stands where a secret is to be filled in: a variable, a description, dots, stars.
_FILLED_IN = re.compile(
    rf"\$?\{{{{1,2}}\s?{_NAMED}\s?\}}{{1,2}}|\$\(?{_NAMED}\)?|%{_NAMED}%"
    r"|<[A-Za-z]{1,15}(?:[ _.-][A-Za-z]{1,15}){0,8}>"
    r"|(?i:your|insert|enter)(?:[-_ ][A-Za-z]{1,15}){1,8}|(?:[a-z]{1,5}-)?[.*_xX-]+"
)
CODE = re.compile(
    rf"{_NAMED}(?:[\[(](?:[\"']?{_NAMED}[\"']?)?[\])]{{0,2}})?[,;)\]}}]+"
    rf"|{_NAMED}[\[(]|(?:None|Optional|SecretStr|String|string)[!?]?"
)
"""What stands after a name in a source text: a variable, a call, a type."""
_MEMBER = re.compile(r"(?<!\\)(\\*[\"'])([A-Za-z0-9_.-]{1,80})\1\s*:\s*(\1|-?[0-9]+)")
_BARE = re.compile(r"[^\s\"'\\]*")
_CLOSING = re.compile(r"(?<!\\)\\*[\"']")
_COOKIE_VALUE = re.compile(r"(?<![^;,=\s])([^;,=\s]+)=(\"?)([^;,\"\s]*)")
_COOKIE_ATTRIBUTES = frozenset(
    {"domain", "expires", "max-age", "partitioned", "path", "priority", "samesite", "version"}
)
_SESSION = re.compile("sess|sid|auth|token|csrf|xsrf|jwt|login|secret|key", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9.]+")
_WORDS_AND_NUMBER = re.compile(r"[A-Za-z]+(?:[-_./:,+][A-Za-z]+)*[-_./:]?[0-9]{0,4}")


def _is_private_parameter(name: str, value: str) -> bool:
    if name in _SIGNATURES or name.endswith(_SIGNED):
        return True
    if name in ("appid", "pwd"):
        return not is_common_word(value)
    return name in ("auth", "key", "token") and is_random(value)


def _words(name: str) -> list[str]:
    return [word.lower() for word in _NAME_WORD.findall(name)]


def _credentials_in(name: str, value: str) -> Iterator[str]:
    if "cookie" in name:
        for cookie, _, text in _COOKIE_VALUE.findall(value):
            if cookie.lower() not in _COOKIE_ATTRIBUTES and is_random(text):
                yield text
    elif "authorization" in name:
        scheme, _, rest = value.strip().partition(" ")
        yield rest or value.strip()
        if scheme.lower() == "basic":
            yield _basic_password(rest)
    elif is_credential_header(name, value):
        for text in (value, value.strip().partition(" ")[2]):  # with and without "Bearer"
            if text and not _NUMBER.fullmatch(text) and not is_common_word(text):
                yield text


def _basic_password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def _clean_cookie(match: re.Match[str]) -> str:
    name, quote, value = match.groups()
    is_harmless = (
        name.lower() in _COOKIE_ATTRIBUTES
        or len(value) < SHORTEST
        or is_common_word(value)
        or not (_SESSION.search(name) or is_random(value))
    )
    if is_harmless:
        return match.group()
    return f"{name}={quote}{REDACTED}"


def _password_of(address: str) -> str:
    """Return the password within an address; the address itself is no secret."""
    match = re.search(r"://[^/?#@\s]*:([^/?#@\s]+)@", address)
    return unquote(match.group(1)) if match else ""


def _is_placeholder(value: str) -> bool:
    return value == REDACTED or value.lower() in PLACEHOLDERS


def _without_members(text: str, *, accounts: bool) -> Iterator[str]:
    position = 0
    while match := _MEMBER.search(text, position):
        opening, name, start = match.groups()
        bare = _BARE.match(text, match.end())
        closing = opening
        end = match.end()
        is_private = is_private_field(name, bare.group() if bare else "", accounts=accounts)
        if is_private and start == opening:
            end = end_of_string(text, end, opening)
            closing = opening if text.startswith(opening, end) else ""
            # Where it is cut, a part too short to be told from a word stays.
            is_told = bool(closing) or end - match.end() >= SHORTEST
            is_private = is_told and not _FILLED_IN.fullmatch(text, match.end(), end)
        if is_private:
            yield text[position : match.start(3)] + opening + REDACTED + closing
            position = end + len(closing) * (start == opening)
        else:
            yield text[position : match.end()]
            position = match.end()
    yield text[position:]


def end_of_string(text: str, position: int, quote: str) -> int:
    """Return where a string ends that `quote` opened: at the same quote, or with the line."""
    line_end = text.find("\n", position)
    line_end = len(text) if line_end < 0 else line_end
    for match in _CLOSING.finditer(text, position - 1, line_end):
        if match.start() >= position and match.group() == quote:
            return match.start()
    return line_end


def _find(needles: list[str], text: str) -> Iterator[Span]:
    for needle in needles:
        start = text.find(needle)
        while start >= 0:
            yield start, start + len(needle)
            start = text.find(needle, start + len(needle))


def _join(text: str, spans: list[Span]) -> list[Span]:
    """Return spans in order, those that touch as one, without what is hidden already."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return [(start, end) for start, end in joined if text[start:end] != REDACTED]


def _needles(secret: str) -> Iterator[str]:
    """Yield what a secret looks like in lower case: as it is, and with its escapes undone."""
    spellings = {
        secret,
        secret.replace(" ", "+"),  # in a form
        secret.encode().decode("latin-1"),  # its bytes percent-encoded
        json.dumps(secret)[1:-1],  # half pairs, where it holds an emoji
        html.escape(secret),
        html.escape(secret, quote=False),
        secret.encode("utf-16-le").decode("latin-1"),
    }
    for spelling in spellings:
        lower = lower_case(spelling)
        yield lower
        yield lower_case(plain_of(lower, ESCAPE).text)
        yield lower_case(plain_of(lower, ESCAPE_AND_CONTROLS).text)


def _encoded_needles(secret: str) -> Iterator[str]:
    """Yield what a secret looks like in hexadecimal and in base64, in lower case."""
    data = secret.encode()
    yield data.hex()
    for offset in range(3):
        # Only the characters that depend on no neighbour: the secret may stand anywhere in
        # what was encoded ("user:key" of basic authentication).
        first, last = -(-offset * 8 // 6), (offset + len(data)) * 8 // 6
        yield base64.b64encode(b"\0" * offset + data)[first:last].decode().lower()
