"""One request: as it is shown to tests, and on its way to an answer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from langchain_aimlapi._json import JsonObject

# The documented alphabet and length; any other id is not given back.
_CLIENT_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
# Python's parser would take thousands of levels, its writer would then fail on them.
_DEEPEST = 200
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


def public_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that may be shown, names in lower case."""
    return {name.lower(): value for name, value in headers.items() if name.lower() not in _SECRET}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request.

    Attributes:
        path: The path it came to.
        headers: Its headers, names in lower case, the key among them.
        body: The parsed body; `None` where it was no JSON.
        nonce: What its answer's ids are made of.
        timestamp: When, as the gateway's errors write it.
    """

    path: str
    headers: Mapping[str, str]
    body: Any
    nonce: str
    timestamp: str

    @property
    def answer_headers(self) -> dict[str, str]:
        """The headers of each answer: whose it is, and the ids that trace it."""
        headers = {"x-standin": "1", "x-inference-id": f"standin-{self.nonce}"}
        client_id = self.headers.get("x-client-request-id", "")
        if _CLIENT_ID.fullmatch(client_id):
            headers["x-client-request-id"] = client_id
        return headers

    def error(self, status: int, message: str) -> JsonObject:
        """Return the gateway's error object; its status is a string, as documented."""
        return {
            "message": message,
            "path": self.path,
            "requestId": f"standin-{self.nonce}",
            "statusCode": str(status),
            "timestamp": self.timestamp,
        }


def parse_body(raw: bytes) -> object:
    """Return a body as JSON; `None` where it is none, or nested deeper than can be handled."""
    try:
        # Python reads NaN, which is no JSON: a strict server says 400.
        value = json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return value if _depth(value) <= _DEEPEST else None


def _depth(value: object) -> int:
    depth, level = 0, [value]
    while level := [member for holder in level for member in _members(holder)]:
        depth += 1
    return depth


def _members(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")
