"""Reasoning with its signatures: from the wire, into messages, back to the wire unchanged.

Gemini 3 refuses the next step of an agent (HTTP 400) when a function call comes back without its
thought signature, so what the server signed must survive the whole way of a message. Two dialects
carry signatures, by the provider behind the gateway:

* O (OpenRouter): `reasoning_details`, a list of `reasoning.text`, `reasoning.summary` and
  `reasoning.encrypted` entries. Text and encrypted entries share `index` 0, so langchain-core's
  merge by index would fuse them: they are gathered here by `(type, index, id)` and leave a stream
  once, in its last chunk.
* V (Vertex): `extra_content.google.thought_signature` on the message, or on a tool call.

`Signatures` is one message's share of that. It is read from a message or delta of the wire
(`signature_reader`), from `additional_kwargs`, from content blocks (LangChain v1), or, by
`interop`, from what other packages keep; it writes the same places. Their keys stand in this file
alone.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from langchain_aimlapi.errors.caller_warnings import warn_caller

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from langchain_aimlapi._json import JsonObject

    Block = JsonObject

# Of the wire, but also of `additional_kwargs`.
REASONING_DETAILS = "reasoning_details"
EXTRA_CONTENT = "extra_content"
REASONING_TEXT = "reasoning_content"
# Of `additional_kwargs` alone.
_BY_CALL = "tool_call_extra_content"
_SIGNED = "signed_tool_calls"

# Of the wire, read by `signature_reader`: the first of them that says something is shown.
WIRE_TEXTS = ("reasoning", REASONING_TEXT)
DETAIL_TEXTS = ("text", "summary")
_GOOGLE, _GOOGLE_SIGNATURE = "google", "thought_signature"
# Where a signature stands: in an encrypted detail, a text detail, Google's own form.
_SIGNATURE_KEYS = ("data", "signature", _GOOGLE_SIGNATURE)
# No set: the type of a block may be any JSON value, hashable or not.
CALL_BLOCKS = ("tool_call", "tool_call_chunk", "invalid_tool_call")

# How an answer ends that calls tools; where it is not told, its calls are taken to have ended it.
_CALLS_ENDED = ("tool_calls", "function_call", None)
_ADDED_UP = "(stop|length|tool_calls|content_filter|function_call|error){2,}"
_FORMAT = "google-gemini-v1"  # nearly always, and cheaper to compare than to search
# Google's documented way past the check for a turn that never had a signature
# (ai.google.dev/gemini-api/docs/thought-signatures, read 2026-11-21); unproven on this gateway.
_BYPASS = "skip_thought_signature_validator"
# Shared by all that have none: nothing in a `Signatures` is ever changed.
_NO_LIST: list[Any] = []
_NO_OBJECT: JsonObject = {}


class Signatures(NamedTuple):
    """What carries the thought signatures of one message; nothing in it is ever changed.

    Attributes:
        text: Reasoning text, for people; `""` if none.
        details: The wire's `reasoning_details`, verbatim but for ids that had to be made unique.
        extra_content: The message's own (dialect V), `{}` if none.
        by_call: `extra_content` of tool calls (dialect V), by call id.
        signed_calls: Ids of the calls that a detail belongs to, so that a detail can leave the
            history together with its call.
    """

    text: str = ""
    details: list[Any] = _NO_LIST
    extra_content: JsonObject = _NO_OBJECT
    by_call: JsonObject = _NO_OBJECT
    signed_calls: list[str] = _NO_LIST

    @classmethod
    def from_kwargs(cls, kwargs: JsonObject) -> Self:
        """Read `additional_kwargs` of a message; what is of another JSON type there is nothing."""
        text, details = kwargs.get(REASONING_TEXT), kwargs.get(REASONING_DETAILS)
        # Read from stores, edited by users: any JSON type may stand here.
        extra = kwargs.get(EXTRA_CONTENT)
        by_call, signed = kwargs.get(_BY_CALL), kwargs.get(_SIGNED)
        return cls(
            text=text if isinstance(text, str) else "",
            details=details if isinstance(details, list) else [],
            extra_content=extra if isinstance(extra, dict) else {},
            by_call={
                call_id: extra
                for call_id, extra in by_call.items()
                if extra and isinstance(extra, dict)
            }
            if by_call and isinstance(by_call, dict)
            else {},
            signed_calls=[call_id for call_id in signed if isinstance(call_id, str)]
            if signed and isinstance(signed, list)
            else [],
        )

    @classmethod
    def from_blocks(cls, content: list[Any]) -> Self:
        """Read the content blocks of a message: ours, or google-genai's.

        google-genai's tool calls hold Google's own signature in `extras["signature"]`. Reasoning
        blocks that other providers signed hold nothing for us.
        """
        late = nothing = cls()
        extra_content: JsonObject = {}
        details: list[tuple[object, JsonObject]] = []
        by_call: JsonObject = {}
        signed: list[str] = []
        for block in dicts(content):
            extras, call_id = block.get("extras"), block.get("id")
            if not isinstance(extras, dict):
                continue
            own = cls._from_extras(extras, text=block.get("reasoning"))
            if block.get("type") == "reasoning":
                details += [(None, detail) for detail in own.details]
                extra_content = own.extra_content or extra_content
                late = own if own.signed_calls or own.by_call else late
            elif block.get("type") in CALL_BLOCKS and isinstance(call_id, str):
                details += [(call_id, detail) for detail in own.details]
                # No details, no mark: dialect V's part is known by its call's id alone.
                signed += [call_id] if own.details else []
                # google-genai's form: the bare signature, with nothing of ours beside it.
                if own == nothing and isinstance(signature := extras.get("signature"), str):
                    own = own._replace(extra_content=google_extra(signature))
                if own.extra_content:
                    by_call[call_id] = own.extra_content
        # A stream's block had its first share; the reasoning block has all of it, told at the end.
        told_late = frozenset(late.signed_calls)
        return cls(
            details=[detail for owner, detail in details if owner not in told_late],
            extra_content=extra_content,
            by_call={**by_call, **late.by_call},
            signed_calls=[*dict.fromkeys([*signed, *late.signed_calls])],
        )

    @classmethod
    def _from_extras(cls, extras: Block, *, text: object) -> Self:
        """Read the `extras` of one block, as `_extras` wrote them."""
        signature = extras.get("signature")
        folded = cls.from_kwargs(extras)
        unfold = _Unfold(signature if isinstance(signature, str) else "", text)
        return cls(
            details=[unfold(detail) for detail in dicts(folded.details)],
            extra_content=unfold(folded.extra_content),
            by_call=unfold(folded.by_call),
            signed_calls=folded.signed_calls,
        )

    def to_kwargs(self) -> JsonObject:
        """Return the entries of `additional_kwargs`; nothing that did not arrive."""
        entries = {
            REASONING_TEXT: self.text,
            REASONING_DETAILS: self.details,
            EXTRA_CONTENT: self.extra_content,
            _BY_CALL: self.by_call,
            _SIGNED: self.signed_calls,
        }
        return {key: value for key, value in entries.items() if value}

    def to_wire(self, *, call_ids: Sequence[str]) -> tuple[JsonObject, dict[str, JsonObject]]:
        """Return what an assistant message sends back.

        What arrived goes back as it arrived, whole or not at all: with a tool call that is no
        longer in the message all details leave if one of them was the call's, as Gemini takes no
        part of a set. Reasoning text goes back only where no details came, or it would count twice.
        A carrier whose signature is empty stays behind: Gemini refuses it as a corrupted one
        (NousResearch/hermes-agent#111559, read 2026-11-27).

        Args:
            call_ids: Ids of the tool calls that the message sends.

        Returns:
            Fields of the wire's message, then further fields of its tool calls by id.
        """
        fields: JsonObject = {}
        # Text is part of the details already; sent twice it is billed twice.
        if self.details:
            if details := self._details_of(call_ids):
                fields[REASONING_DETAILS] = details
        elif self.text:
            fields[WIRE_TEXTS[0]] = self.text
        if self.extra_content and not _has_empty_signature(self.extra_content):
            fields[EXTRA_CONTENT] = self.extra_content
        sent = [
            call_id
            for call_id in call_ids
            if call_id in self.by_call and not _has_empty_signature(self.by_call[call_id])
        ]
        return fields, {call_id: {EXTRA_CONTENT: self.by_call[call_id]} for call_id in sent}

    def _details_of(self, call_ids: Collection[str]) -> list[Any]:
        gone = frozenset(self.signed_calls).difference(call_ids)
        is_half = any(id_of(detail) in gone for detail in dicts(self.details)) if gone else False
        if is_half:
            return []
        if not any(map(_is_empty_detail, self.details)):  # nearly always: nothing is copied
            return self.details
        return [detail for detail in self.details if not _is_empty_detail(detail)]

    def is_any_call_signed(self, call_ids: Collection[str], *, finish_reason: object) -> bool:
        """Tell whether one of the calls that a message sends has a signature.

        A detail signs a call if it has the call's id, or none in an answer that ended in calls:
        else it is the signature of a text.

        Args:
            call_ids: Ids of the tool calls that the message sends.
            finish_reason: Of the message's `response_metadata`, `None` if unknown.
        """
        sent = [self.by_call[call_id] for call_id in call_ids if call_id in self.by_call]
        ended_in_calls = finish_reason in _CALLS_ENDED
        signing = [
            detail
            for detail in dicts(self._details_of(call_ids))
            if id_of(detail) in call_ids or (ended_in_calls and not id_of(detail))
        ]
        return bool(first_signature([signing, sent]))

    def carrying_calls(self) -> frozenset[str]:
        """Return the ids of the calls that something here belongs to."""
        return frozenset([*self.signed_calls, *self.by_call])

    def call_extras(self) -> dict[str, Block]:
        """Return by call id the `extras` of a tool call's block: its signature, with its bearer."""
        own: dict[str, list[JsonObject]] = {call_id: [] for call_id in self.signed_calls}
        for detail in dicts(self.details) if own else ():
            if (call_id := id_of(detail)) in own:
                own[call_id].append(detail)
        extras = {
            call_id: Signatures(
                details=own.get(call_id, []), extra_content=self.by_call.get(call_id, {})
            ).block_extras()
            for call_id in dict.fromkeys([*own, *self.by_call])
        }
        return {call_id: told for call_id, told in extras.items() if told}

    def reasoning_extras(self, *, late: Collection[str | None]) -> Block:
        """Return the `extras` of the reasoning block: all that no tool call's block tells.

        Args:
            late: Ids of calls whose blocks cannot tell it any more.
        """
        elsewhere = frozenset(call_id for call_id in self.signed_calls if call_id not in late)
        rest = Signatures(
            details=[detail for detail in dicts(self.details) if id_of(detail) not in elsewhere],
            extra_content=self.extra_content,
            by_call={call_id: extra for call_id, extra in self.by_call.items() if call_id in late},
            signed_calls=[call_id for call_id in self.signed_calls if call_id in late],
        )
        return rest.block_extras(is_signed_elsewhere=bool(elsewhere))

    def block_extras(self, *, is_signed_elsewhere: bool = False) -> Block:
        """Return the `extras` of a block that holds all of this, each key only if it says anything.

        The signature stands once, in the place that langchain-core documents; `$signature` names
        the key that it was taken from, as `$text` does for the block's own text.

        Args:
            is_signed_elsewhere: Whether another block of the message has details.
        """
        signature = first_signature([self.details, self.extra_content, self.by_call])
        extras: Block = {"signature": signature} if signature else {}
        details = self.details
        # With one text the block's own `reasoning` is that text; of several it is the sum.
        texts = sum(1 for detail in details for key in DETAIL_TEXTS if detail.get(key))
        if texts == len(details) == 1 and not signature and not is_signed_elsewhere:
            details = []  # plain text alone: the block says it all
        folded = Signatures(
            details=[_folded(detail, signature, with_text=texts == 1) for detail in details],
            extra_content=_folded(self.extra_content, signature),
            by_call=_folded(self.by_call, signature),
            signed_calls=self.signed_calls,
        )
        return {**extras, **folded.to_kwargs()}

    def without_concatenated(self, *, finish_reason: object) -> Signatures:
        """Return the same without signatures that were fused when answers were added up.

        `merge_message_runs` and `+` concatenate the texts of equal keys, and of details of equal
        index: a signature made of two is refused as corrupted, and nothing tells where to cut. Left
        out with a warning are details whose format stands there twice, and an `extra_content` whose
        finish reason does, or whose base64 goes on behind its padding; two without padding are not
        seen. The reasoning text, which is the same sum, leaves with them.

        Args:
            finish_reason: Of the message's `response_metadata`.
        """
        fused = [detail for detail in self.details if _is_concatenated(detail)]
        is_extra_concatenated = bool(self.extra_content) and (
            (isinstance(finish_reason, str) and bool(re.fullmatch(_ADDED_UP, finish_reason)))
            or "=" in first_signature(self.extra_content).rstrip("=")
        )
        # Nearly always: the same object, so that nothing is copied.
        if not fused and not is_extra_concatenated:
            return self
        if first_signature([*fused, self.extra_content if is_extra_concatenated else None]):
            _warn_of_concatenated()
        return self._replace(
            text="",
            details=[detail for detail in self.details if not _is_concatenated(detail)],
            extra_content={} if is_extra_concatenated else self.extra_content,
        )


def first_signature(value: object) -> str:
    """Return the first signature that a carrier holds at any depth, `""` if none.

    Args:
        value: Any JSON value: details, extra content, or objects and lists of them.
    """
    if isinstance(value, list):
        return next(filter(None, map(first_signature, value)), "")
    if not isinstance(value, dict):
        return ""
    for key in _SIGNATURE_KEYS:
        if isinstance(found := value.get(key), str) and found:
            return found
    return first_signature([*value.values()])


def _has_empty_signature(extra: JsonObject) -> bool:
    """Tell whether an `extra_content` has a place for a signature, with none in it."""
    holder = google_fields({EXTRA_CONTENT: extra}) or extra
    if _GOOGLE_SIGNATURE not in holder:
        return False
    signature = holder[_GOOGLE_SIGNATURE]
    return not isinstance(signature, str) or not signature


def _is_empty_detail(detail: object) -> bool:
    if not isinstance(detail, dict) or detail.get("type") != "reasoning.encrypted":
        return False
    return not detail.get("data")


def google_extra(signature: str) -> JsonObject:
    """Return a signature in the form of dialect V, `{}` for none."""
    return {_GOOGLE: {_GOOGLE_SIGNATURE: signature}} if signature else {}


def google_fields(holder: JsonObject) -> JsonObject:
    """Return what Google's own part of a wire object's `extra_content` says, `{}` if nothing."""
    extra = holder.get(EXTRA_CONTENT)
    google = extra.get(_GOOGLE) if isinstance(extra, dict) else None
    return google if isinstance(google, dict) else {}


def add_bypass(call: JsonObject) -> None:
    """Write Google's bypass value into a tool call of a request, beside what it carries."""
    call[EXTRA_CONTENT] = {**call.get(EXTRA_CONTENT, {}), **google_extra(_BYPASS)}


# ---------------------------------------------------------------- the extras of content blocks


def _folded(value: Any, signature: str, *, with_text: bool = False) -> Any:
    """Return `value` without what stands elsewhere in the block."""
    if not isinstance(value, dict):
        return value
    folded: JsonObject = {}
    for key, inner in value.items():
        if inner and key in _SIGNATURE_KEYS and inner == signature and "$signature" not in folded:
            folded["$signature"] = key
        elif inner and with_text and key in DETAIL_TEXTS:
            folded["$text"] = key
        else:
            folded[key] = _folded(inner, signature)
    return folded


class _Unfold:
    """Puts back what `_folded` took out."""

    def __init__(self, signature: str, text: object) -> None:
        self._known = {"$signature": signature, "$text": text if isinstance(text, str) else ""}

    def __call__(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return dict(
            (inner, self._known[key])
            if key in self._known and isinstance(inner, str)
            else (key, self(inner))
            for key, inner in value.items()
        )


# ---------------------------------------------------------------- fused by adding messages up


def _is_concatenated(detail: object) -> bool:
    form = detail.get("format") if isinstance(detail, dict) else None
    if not isinstance(form, str) or not form or form == _FORMAT:
        return False
    # `google-gemini-v1google-gemini-v1`: `+` joined the formats as it did the signatures.
    return form in (form + form)[1:-1]  # holds for what is a shorter text several times, only


@cache  # what was said is the only state: a warning that is turned into an error is not kept
def _warn_of_concatenated() -> None:
    warn_caller(
        "A message is several answers added up, which fused their thought signatures: those are "
        "left out, and Gemini may refuse the tool calls that they signed. Keep AI messages apart "
        "(merge_message_runs adds up neighbours).",
    )


def dicts(values: object) -> list[JsonObject]:
    return (
        [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
    )


def id_of(detail: JsonObject) -> str:
    return found if isinstance(found := detail.get("id"), str) else ""
