"""Signatures of an answer, read from the wire: a whole message, or the deltas of a stream.

Fragments of `reasoning_details` are put together by `(type, index, id)`: text and encrypted entries
share `index` 0, so no single key of them tells two details apart.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from langchain_aimlapi._codec.reasoning import (
    DETAIL_TEXTS,
    EXTRA_CONTENT,
    REASONING_DETAILS,
    WIRE_TEXTS,
    Signatures,
    dicts,
    id_of,
)
from langchain_aimlapi._json import is_nothing, overlay, sendable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_aimlapi._json import JsonObject

# Texts of a detail that come in pieces; then all of reasoning that does.
_RUNNING = frozenset({*DETAIL_TEXTS, "data"})
RUNNING_TEXTS = frozenset({*_RUNNING, *WIRE_TEXTS})


def reasoning_text(message: JsonObject) -> str:
    """Return the reasoning text of a message or delta.

    The same words come up to twice, as `reasoning` (or `reasoning_content`) plus inside
    `reasoning_details`: one of them is shown.
    """
    for key in WIRE_TEXTS:
        if isinstance(text := message.get(key), str) and text:
            return text
    details = message.get(REASONING_DETAILS)
    if not details or not isinstance(details, list):
        return ""
    return "".join(
        value
        for detail in dicts(details)
        for key in DETAIL_TEXTS
        if isinstance(value := detail.get(key), str)
    )


class Call(Protocol):
    """A tool call of an answer, as far as signatures are concerned.

    Attributes:
        id: The id that LangChain sees; unique in the answer.
        wire_id: The id that the server sent, `""` if none.
        ordinal: How many earlier calls of the answer have the same `wire_id`.
        extra_content: What the server asks to be echoed with this call, or `{}`.
    """

    id: str
    wire_id: str
    ordinal: int
    extra_content: JsonObject


class SignatureReader:
    """Puts the signatures of one answer together, from its message or the deltas of a stream."""

    def __init__(self) -> None:
        self._details: list[_Detail] = []
        self._current: dict[tuple[object, ...], _Detail] = {}
        self._by_id: dict[str, list[_Detail]] = {}
        self._extra: JsonObject = {}

    def feed(self, message: JsonObject) -> None:
        """Take what a message or delta of the wire carries."""
        details = message.get(REASONING_DETAILS)
        if details and isinstance(details, list):
            self._take(details)
        extra = message.get(EXTRA_CONTENT)
        if extra and isinstance(extra, dict):
            overlay(self._extra, sendable(extra))

    def signatures(self, *, calls: Sequence[Call], text: str = "") -> Signatures:
        """Return what has arrived so far.

        Args:
            calls: The tool calls of the answer.
            text: Its reasoning text.
        """
        details, signed = _bound([detail.value() for detail in self._details], calls)
        return Signatures(
            text=text,
            details=details,
            extra_content=self._extra,
            by_call={call.id: call.extra_content for call in calls if call.extra_content},
            signed_calls=signed,
        )

    def call_extras(self, call: Call) -> JsonObject:
        """Return what is known by now of the `extras` of a tool call's block."""
        its = self._by_id.get(call.wire_id, [])
        # Of several calls with one id the first is given all details until the next one comes.
        known = its[call.ordinal : call.ordinal + 1] if call.ordinal else its
        details = [{**detail.value(), "id": call.id} for detail in known]
        return Signatures(details=details, extra_content=call.extra_content).block_extras()

    def _take(self, details: list[Any]) -> None:
        seen = set()
        for fragment in dicts(details):
            key = _key(fragment)
            detail = self._current.get(key)
            if detail is None or key in seen:  # twice in one delta: two details
                detail = self._current[key] = _Detail(fragment)
                self._details.append(detail)
                if wire_id := id_of(fragment):
                    self._by_id.setdefault(wire_id, []).append(detail)
            else:
                detail.add(fragment)
            seen.add(key)


class _Detail:
    """One entry of `reasoning_details`, growing."""

    def __init__(self, fragment: JsonObject) -> None:
        self._fields: JsonObject = {}
        self._pieces: dict[str, list[str]] = {}
        self._length = 0  # of encrypted data
        # Taken apart with the second fragment: most details come whole.
        self._first: JsonObject | None = fragment

    def add(self, fragment: JsonObject) -> None:
        if self._first is not None:
            first, self._first = self._first, None
            self.add(first)
        fields = self._fields
        for key, value in fragment.items():
            if key in _RUNNING and isinstance(value, str):
                self._append(key, value)
            # Most are said again, by the same object.
            elif key not in fields or not (value is fields[key] or is_nothing(value)):
                fields[key] = sendable(value)

    def _append(self, key: str, value: str) -> None:
        pieces = self._pieces.setdefault(key, [])
        if key == "data" and len(value) == self._length > 0 and value == "".join(pieces):
            return  # encrypted data that comes whole a second time is the same data
        pieces.append(value)
        self._length += len(value) if key == "data" else 0
        self._fields[key] = None  # holds the key's place in the order of arrival

    def value(self) -> JsonObject:
        if self._first is not None:
            whole: JsonObject = sendable(self._first)
            return whole
        joined = {key: "".join(pieces) for key, pieces in self._pieces.items()}
        return {**self._fields, **joined}


def _key(fragment: JsonObject) -> tuple[object, ...]:
    """Return by what a detail is known again."""
    key = fragment.get("type"), fragment.get("index"), fragment.get("id")
    try:
        hash(key)
    except TypeError:  # lists and objects
        return tuple(map(repr, key))
    return key


def _bound(details: list[JsonObject], calls: Sequence[Call]) -> tuple[list[JsonObject], list[str]]:
    """Return the details with the ids that LangChain sees, plus the ids of the calls they sign.

    A server may use one id for two calls; the second call then has an id of our making, which its
    detail must share. The n-th detail of an id belongs to the n-th call of that id.
    """
    if not details or not calls:
        return details, []
    waiting: dict[str, deque[str]] = {}
    for call in calls:
        if call.wire_id:
            waiting.setdefault(call.wire_id, deque()).append(call.id)
    bound: list[JsonObject] = []
    signed: dict[str, None] = {}
    for detail in details:
        wire_id = id_of(detail)
        ids = waiting.get(wire_id)
        if not ids:
            bound.append(detail)
            continue
        call_id = ids.popleft() if len(ids) > 1 else ids[0]
        signed[call_id] = None
        bound.append(detail if call_id == wire_id else {**detail, "id": call_id})
    return bound, list(signed)
