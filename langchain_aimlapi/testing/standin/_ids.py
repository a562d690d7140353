"""Where ids, signatures, times come from: from the request itself, so that they can repeat."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import secrets
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_aimlapi._json import JsonMapping
    from langchain_aimlapi.testing.standin._answer import Answer

# The first second of 2026, in UTC.
_SEEDED_TIME = 1767225600
# As long as short genuine ones are: clients that cut at 100 characters are to be found out.
_SIGNATURE_BYTES = 180
_UNHASHED = frozenset({"stream", "stream_options"})


class Ids:
    """Makes the ids, signatures and times of one server.

    With a seed equal requests get equal ones, in whatever order they come, streamed or not,
    whatever tool-call ids somebody else put in the history; without one nothing repeats.

    Args:
        seed: Any text, or `None`.
    """

    def __init__(self, seed: str | None) -> None:
        self._seed = seed
        self._salt = secrets.token_hex(8) if seed is None else seed
        self._count = itertools.count()

    @property
    def created(self) -> int:
        """The time in seconds; the first of 2026 when seeded."""
        return int(time.time()) if self._seed is None else _SEEDED_TIME

    @property
    def timestamp(self) -> str:
        """The time as the gateway's errors write it."""
        now = datetime.now(UTC) if self._seed is None else datetime.fromtimestamp(_SEEDED_TIME, UTC)
        return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def nonce(self, body: object) -> str:
        """Return what tells a request from others: 20 hexadecimal digits."""
        label = _canonical(body) if self._seed is not None else str(next(self._count))
        return self._hash(label).hexdigest()[:20]

    def sign(self, answer: Answer, *, nonce: str) -> Answer:
        """Return the answer with an id for each call that has none and its fresh signature."""
        label = json.dumps([nonce, answer.text, answer.calls])
        ids = answer.call_ids or tuple(
            f"standin-call-{self._hash(f'{label}{position}').hexdigest()[:16]}"
            for position in range(len(answer.calls))
        )
        raw = hashlib.shake_256(f"{self._salt}{label}{ids}".encode()).digest(_SIGNATURE_BYTES)
        return replace(answer, call_ids=ids, signature=base64.b64encode(raw).decode())

    def _hash(self, label: str) -> hashlib._Hash:
        return hashlib.sha256(f"{self._salt}\n{label}".encode(errors="surrogatepass"))


def _canonical(body: object) -> str:
    """Return a body as text without what may differ between two equal requests."""
    if not isinstance(body, dict):
        return repr(body)
    kept = {name: value for name, value in body.items() if name not in _UNHASHED}
    text = json.dumps(kept, sort_keys=True)
    # An app that draws ids itself would else get another answer at each replay.
    for position, call_id in enumerate(_call_ids(body)):
        text = text.replace(json.dumps(call_id), f'"#{position}"')
    return text


def _call_ids(body: JsonMapping) -> dict[str, None]:
    """Return the ids of the history's tool calls, each once, in order."""
    messages = body.get("messages")
    ids: dict[str, None] = {}
    for message in messages if isinstance(messages, list) else []:
        calls = message.get("tool_calls") if isinstance(message, dict) else None
        for call in calls if isinstance(calls, list) else []:
            if isinstance(call, dict) and isinstance(call.get("id"), str):
                ids[call["id"]] = None
    return ids
