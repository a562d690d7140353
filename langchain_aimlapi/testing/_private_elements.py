"""Private fields of bodies that are no JSON: parts of a multipart form, elements of XML.

In goes a text, out comes the text with their values hidden.
"""

import re

from langchain_aimlapi.testing._secrets import REDACTED, is_private_field

_ELEMENT = re.compile(
    r"(?P<start><(?:[\w.-]{1,40}:)?(?P<name>[\w.-]{1,80})(?:\s[^<>]*)?>)"
    r"(?P<value>[^<>]+)(?P<end></)"
)
_PART = re.compile(
    r"(?P<start>;\s*name=\"?(?P<name>[\w.-]{1,80})\"?[^\r\n]*(?:\r\n[^\r\n]+)*\r\n\r\n)"
    r"(?P<value>[^\r\n]+)(?P<end>\r\n--)"
)


def without_private_elements(text: str, *, accounts: bool = True) -> str:
    """Return `text` without the values of form parts and XML elements whose names are private.

    Args:
        text: A body; binary ones as Latin-1.
        accounts: Whether ids of accounts are private.
    """

    def replacement(match: re.Match[str]) -> str:
        name, value = match["name"], match["value"]
        is_private = is_private_field(name, value, accounts=accounts)
        return f"{match['start']}{REDACTED}{match['end']}" if is_private else match.group()

    for pattern in (_ELEMENT, _PART):
        text = pattern.sub(replacement, text)
    return text
