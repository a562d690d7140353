"""Which thought signatures the server gave out, whether they came back as they must.

Google's rules (ai.google.dev/gemini-api/docs/thought-signatures, read 2026-11-21), held for
both carriers, `extra_content` and `reasoning_details`: each step of the current turn carries
its signature on its first call, unaltered; parallel calls have one. That this endpoint answers
with these texts, and takes either carrier whatever serves the request, is assumed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from langchain_aimlapi.testing.standin._conversation import turn_start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_aimlapi._json import JsonMapping
    from langchain_aimlapi.testing.standin._answer import Answer

    Message = JsonMapping

_BYPASSES = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
_CORRUPTED = "Corrupted thought signature."


@dataclass(frozen=True, slots=True)
class _Issued:
    signature: str | None
    name: str
    arguments: str


class SignatureBook:
    """Remembers the signatures of one server and judges what comes back.

    Args:
        strict: Also refuse: calls of others in the current turn without the bypass value,
            edited names and arguments, `reasoning_details` returned in part or altered, and
            signatures of earlier turns that were not issued here.
    """

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self._calls: dict[str, _Issued] = {}
        # The details of each answer by its signature; none in dialect V.
        self._details: dict[str, list[JsonMapping]] = {}

    @property
    def issued(self) -> dict[str, str | None]:
        """The signature of each call that was given out, by its id; `None` for an unsigned one."""
        return {call_id: issued.signature for call_id, issued in self._calls.items()}

    def remember(self, answer: Answer, *, details: Sequence[JsonMapping]) -> None:
        """Keep the signature of an answer and the call that it belongs to."""
        self._details[answer.signature] = [*details]
        for position, (name, arguments) in enumerate(answer.calls):
            signature = answer.signature if position == 0 else None
            self._calls[answer.call_ids[position]] = _Issued(signature, name, arguments)

    def problem(self, messages: Sequence[Message]) -> str | None:
        """Return the refusal's text for a history, or `None`."""
        start = turn_start(messages)
        problems = (
            self._message_problem(messages, position, current=position >= start)
            for position, message in enumerate(messages)
            if message["role"] == "assistant"
        )
        return next((problem for problem in problems if problem), None)

    def _message_problem(
        self, messages: Sequence[Message], position: int, *, current: bool
    ) -> str | None:
        message = messages[position]
        # Google documents the check for the current turn; of earlier turns reports differ.
        if not current and not self._strict:
            return None
        carried = _signatures_of(message)
        if not all(value in self._details or value in _BYPASSES for _, value in carried):
            return _CORRUPTED
        if not current:
            return None
        calls = message.get("tool_calls") or []
        for place, call in enumerate(calls):
            values = [value for call_id, value in carried if call_id == call["id"]]
            problem = self._call_problem(call, values, first=place == 0)
            if problem == "missing":
                return _missing(messages, position, call)
            if problem:
                return problem
        return self._details_problem(message) if self._strict else None

    def _call_problem(self, call: Message, values: list[str], *, first: bool) -> str | None:
        issued = self._calls.get(call["id"])
        # Google takes either in the place of any signature.
        if any(value in _BYPASSES for value in values):
            return None
        if issued is None:
            # A signature of ours on somebody else's call was moved there.
            return _CORRUPTED if values else "missing" if self._strict and first else None
        if not values:
            return "missing" if issued.signature or first else None
        if any(value != issued.signature for value in values):
            return _CORRUPTED
        return _CORRUPTED if self._strict and not _is_unedited(call, issued) else None

    def _details_problem(self, message: Message) -> str | None:
        sent = message.get("reasoning_details")
        if not isinstance(sent, list) or sent in self._details.values():
            return None
        calls = [call["id"] for call in message.get("tool_calls") or []]
        signatures: list[str | None] = [
            value for _, value in _signatures_of({"reasoning_details": sent})
        ]
        signatures += [
            self._calls[call_id].signature for call_id in calls if call_id in self._calls
        ]
        if not any(self._details.get(value) for value in signatures if value):
            return None
        return (
            "Gemini models require OpenRouter reasoning details to be preserved unmodified in each "
            "request"
        )


def _is_unedited(call: Message, issued: _Issued) -> bool:
    function = call.get("function", {})
    arguments = str(function.get("arguments"))
    return function.get("name") == issued.name and _same_json(arguments, issued.arguments)


def _same_json(text: str, issued: str) -> bool:
    try:
        return bool(json.loads(text) == json.loads(issued))
    except ValueError:
        return True  # arguments that were cut off cannot come back as they were


def _signatures_of(message: Message) -> list[tuple[str | None, str]]:
    """Return every signature that a message carries, with the id of its call if it has one."""
    found = [(None, _google(message))]
    found += [(call["id"], _google(call)) for call in message.get("tool_calls") or []]
    details = message.get("reasoning_details")
    for detail in details if isinstance(details, list) else []:
        if isinstance(detail, dict):
            encrypted = detail.get("type") == "reasoning.encrypted"
            value = detail.get("data") if encrypted else detail.get("signature")
            found.append((detail.get("id"), value))
    return [(call_id, value) for call_id, value in found if isinstance(value, str) and value]


def _google(holder: Message) -> object:
    extra = holder.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    return google.get("thought_signature") if isinstance(google, dict) else None


def _missing(messages: Sequence[Message], position: int, call: Message) -> str:
    # Counted as Google counts: results that follow each other are one block, the system is none.
    blocks = 1
    for message, following in pairwise(messages[: position + 1]):
        together = message["role"] == "tool" == following["role"]
        blocks += message["role"] != "system" and not together
    name = call.get("function", {}).get("name")
    return (
        f"Function call `{name}` in the `{blocks}`. content block is missing a "
        "`thought_signature`. Learn more: https://ai.google.dev/gemini-api/docs/thought-signatures"
    )
