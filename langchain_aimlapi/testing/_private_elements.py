"""Private fields of texts that are no JSON, or hold other languages in their strings.

Parts of a multipart form, elements and attributes of XML, assignments (`API_KEY="x"`), YAML
(`password: x`), literals of GraphQL and JavaScript (`password: "x"`). In goes a text, out comes
the text with their values hidden.
"""

import re
from collections.abc import Iterator

from langchain_aimlapi.testing._secrets import (
    CODE,
    REDACTED,
    SHORTEST,
    end_of_string,
    is_private_field,
    is_random,
    without_private_members,
)

_ELEMENT = re.compile(
    r"(?P<start><(?:[\w.-]{1,40}:)?(?P<name>[\w.-]{1,80})(?:\s[^<>]*)?>)"
    r"(?P<value>[^<>]+)(?P<end></)"
)
_PART = re.compile(
    r"(?P<start>;\s*name=\"?(?P<name>[\w.-]{1,80})\"?[^\r\n]*(?:\r\n[^\r\n]+)*\r\n\r\n)"
    r"(?P<value>[^\r\n]+)(?P<end>\r\n--)"
)
# `<property name="password" value="x"/>`
_PAIR = re.compile(
    r"(?P<start>\b(?:name|key|id)=(?P<quote>[\"'])(?P<name>[\w.-]{1,80})(?P=quote)\s+value=[\"'])"
    r"(?P<value>[^\"'<>]+)(?P<end>[\"'])"
)
_LINE = re.compile(
    r"(?P<start>^[^\S\n]*(?:-[^\S\n]+|export[^\S\n]+)?(?P<name>[A-Za-z_][\w.-]{0,79})"
    r"(?:[^\S\n]*:[^\S\n]+))"
    r"(?P<value>[^\s\"'&*!|>{\[$%@`#<\\][^\s<]*)"
    r"(?P<end>[^\S\n]*(?:\s#[^\n]*)?$)",
    re.MULTILINE,
)
# `password = x` of INI files, where a mere name is one of a source text.
_SETTING = re.compile(
    r"(?P<start>^[^\S\n]*(?P<name>[A-Za-z_][\w.-]{0,79})[^\S\n]*=[^\S\n]*)"
    r"(?P<value>[^\s\"'`(){}\[\],;<>$]{8,})(?P<end>[^\S\n]*$)",
    re.MULTILINE,
)
# A name with `=` or `:`, in GraphQL a type between them, and a quoted value.
_QUOTED = re.compile(
    r"(?<![\w$.\"'-])[$@]?([A-Za-z_][\w.-]{0,79})"
    r"\s{0,20}(?:=>?|:=|:(?:\s{0,20}[\w!\[\]]{1,40}\s{0,20}=)?)\s{0,20}(\\*(?:\"\"\"|\"|'))"
)
# What pages write that show a field rather than hold its value: a word (as for variables), which
# is no longer than words are, an expression of a template, what is to be filled in.
_EXAMPLE = re.compile(
    r"[a-z]{1,15}|\$?\{\{(?:\s?[A-Za-z_.|]{1,15}){1,8}\s?\}\}"
    r"|(?i:my|some|example|sample)(?:[-_ ][A-Za-z]{1,15}){1,8}"
)
# In a name of each kind that `is_private_field` knows.
_STEMS = ("key", "token", "secret", "passw", "passphrase", "pwd", "auth", "cookie", "credential")
_ACCOUNT_STEMS = (
    *("accountid", "customerid", "organi", "orgid", "teamid", "userid", "workspaceid"),
    *("account_id", "customer_id", "org_id", "team_id", "user_id", "workspace_id"),
    *("account-id", "customer-id", "org-id", "team-id", "user-id", "workspace-id"),
)


def without_private_values(text: str, *, accounts: bool = True) -> str:
    """Return `text` without the values of private names, in whatever language it is written."""
    if "=" not in text and ":" not in text and ">" not in text:
        return text  # it names nothing
    text = without_private_elements(text, accounts=accounts)
    return without_private_members(text, accounts=accounts)


def without_private_elements(text: str, *, accounts: bool = True) -> str:
    """Return `text` without the values of private parts, elements, attributes and assignments.

    Args:
        text: A body; binary ones as Latin-1.
        accounts: Whether ids of accounts are private.
    """
    lower = text.lower()
    # Most texts name nothing private: looking for that costs next to nothing.
    if not any(stem in lower for stem in (*_STEMS, *(_ACCOUNT_STEMS if accounts else ()))):
        return text

    def replacement(match: re.Match[str]) -> str:
        name, value = match["name"], match["value"]
        is_private = is_private_field(name, value, accounts=accounts)
        if match.re in (_PAIR, _LINE):
            is_private = is_private and not _EXAMPLE.fullmatch(value) and not CODE.fullmatch(value)
        if match.re is _SETTING:
            is_private = is_private and is_random(value)
        return f"{match['start']}{REDACTED}{match['end']}" if is_private else match.group()

    for pattern in (_ELEMENT, _PART, _PAIR, _LINE, _SETTING):
        text = pattern.sub(replacement, text)
    return "".join(_without_quoted(text, accounts=accounts))


def _without_quoted(text: str, *, accounts: bool) -> Iterator[str]:
    position = 0
    while match := _QUOTED.search(text, position):
        name, quote = match.groups()
        end = _end_of(text, match.end(), quote)
        value = text[match.end() : end]
        is_whole = text.startswith(quote, end)
        # Where it is cut, a part too short to be told from a word stays.
        is_told = value and (is_whole or len(value) >= SHORTEST) and not _EXAMPLE.fullmatch(value)
        yield text[position : match.end()]
        position = match.end()
        if is_told and is_private_field(name, value, accounts=accounts):
            yield REDACTED
            position = end
    yield text[position:]


def _end_of(text: str, position: int, quote: str) -> int:
    if quote.endswith('"""'):
        end = text.find(quote, position)
        return len(text) if end < 0 else end
    end = end_of_string(text, position, quote)
    while quote == "'" and text.startswith("''", end):  # an apostrophe of YAML and SQL
        end = end_of_string(text, end + 2, quote)
    return end
