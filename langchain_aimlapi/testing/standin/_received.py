"""One request as the stand-in received it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECRET = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key"})


@dataclass(frozen=True, slots=True)
class Received:
    """One request.

    Attributes:
        method: Such as `POST`.
        path: Such as `/v1/chat/completions`.
        headers: The headers, names in lower case, without those that hold keys or cookies.
        body: The parsed JSON body, or `None` where it was no JSON.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


def shown_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that may be shown, names in lower case."""
    return {name.lower(): value for name, value in headers.items() if name.lower() not in _SECRET}
