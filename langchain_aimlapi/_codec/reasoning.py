"""Reasoning with its signatures: from the wire, into messages, back to the wire unchanged.

Gemini 3 refuses the next step of an agent (HTTP 400) when a function call comes back without its
thought signature, so what the server signed must survive the whole way of a message. Two dialects
carry signatures, by the provider behind the gateway:

* O (OpenRouter): `reasoning_details`, a list of `reasoning.text`, `reasoning.summary` and
  `reasoning.encrypted` entries. Text and encrypted entries share `index` 0, so langchain-core's
  merge by index would fuse them: they are gathered here by `(type, index, id)` and leave a stream
  once, in its last chunk.
* V (Vertex): `extra_content.google.thought_signature` on the message, or on a tool call.

A message of ours keeps them in `additional_kwargs`:

* `reasoning_content`: the text, for people;
* `reasoning_details`: the wire's list, verbatim;
* `extra_content`, plus `tool_call_extra_content` by tool call id;
* `signed_tool_calls`: ids of the calls that a detail belongs to, so that a detail can leave the
  history together with its call.

Where only content blocks are left (LangChain v1), `_blocks` reads the same from their `extras`.
"""

from __future__ import annotations

import re
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

from langchain_aimlapi._json import is_nothing, overlaid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_aimlapi._codec.tool_calls import WireCall

# Where a signature stands: in an encrypted detail, a text detail, Google's own form.
SIGNATURE_KEYS = ("data", "signature", "thought_signature")
_RUNNING = frozenset({"text", "summary", "data"})
_ADDED_UP = re.compile("(stop|length|tool_calls|content_filter|function_call|error){2,}")
_FORMAT = "google-gemini-v1"  # nearly always, and cheaper to compare than to search
_REPEATED = re.compile(r"(.+)\1+")


def read_reasoning(message: dict[str, Any], *, calls: Sequence[WireCall]) -> dict[str, Any]:
    """Return what `additional_kwargs` keeps of a whole answer's reasoning.

    Args:
        message: The wire's message.
        calls: Its tool calls, their ids made unique.

    Returns:
        The keys listed at the top of this module, each only if something arrived.
    """
    details = message.get("reasoning_details")
    extra = message.get("extra_content")
    return _kept(
        text=reasoning_text(message),
        details=[one for one in details if isinstance(one, dict)]
        if isinstance(details, list)
        else [],
        extra=dict(extra) if isinstance(extra, dict) else {},
        calls=calls,
    )


def reasoning_text(message: dict[str, Any]) -> str:
    """Return the reasoning text of a message or delta.

    The same words come up to twice, as `reasoning` (or `reasoning_content`) plus inside
    `reasoning_details`: one of them is shown.
    """
    for key in ("reasoning", "reasoning_content"):
        if isinstance(text := message.get(key), str) and text:
            return text
    details = message.get("reasoning_details")
    if not details or not isinstance(details, list):
        return ""
    return "".join(
        value
        for detail in details
        if isinstance(detail, dict)
        for key in ("text", "summary")
        if isinstance(value := detail.get(key), str)
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
    for key in SIGNATURE_KEYS:
        if isinstance(found := value.get(key), str) and found:
            return found
    return first_signature([*value.values()])


class StreamedReasoning:
    """Reasoning details of one streamed answer, put together from fragments."""

    def __init__(self) -> None:
        self._details: list[_Detail] = []
        self._current: dict[tuple[object, ...], _Detail] = {}
        self._extra: dict[str, Any] = {}

    def feed(self, delta: dict[str, Any]) -> None:
        """Take the details of one delta, plus its `extra_content`."""
        details = delta.get("reasoning_details")
        if details and isinstance(details, list):
            self._take(details)
        extra = delta.get("extra_content")
        if extra and isinstance(extra, dict):
            self._extra = overlaid(self._extra, extra)

    def finish(self, *, text: str, calls: Sequence[WireCall]) -> dict[str, Any]:
        """Return what `additional_kwargs` of the last chunk keeps.

        Args:
            text: Reasoning text that was not handed out yet, or `""`.
            calls: The tool calls of the answer.
        """
        details = [detail.value() for detail in self._details]
        return _kept(text=text, details=details, extra=self._extra, calls=calls)

    def _take(self, details: list[Any]) -> None:
        seen = set()
        for fragment in details:
            if not isinstance(fragment, dict):
                continue
            key = tuple(_hashable(fragment.get(name)) for name in ("type", "index", "id"))
            detail = self._current.get(key)
            if detail is None or key in seen:  # twice in one delta: two details
                detail = self._current[key] = _Detail()
                self._details.append(detail)
            seen.add(key)
            detail.add(fragment)


class _Detail:
    """One entry of `reasoning_details`, growing."""

    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}
        self._pieces: dict[str, list[str]] = {}

    def add(self, fragment: dict[str, Any]) -> None:
        for key, value in fragment.items():
            if key in _RUNNING and isinstance(value, str):
                self._append(key, value)
            elif key not in self._fields or not is_nothing(value):
                self._fields[key] = value

    def _append(self, key: str, value: str) -> None:
        pieces = self._pieces.setdefault(key, [])
        if key == "data" and pieces and value == "".join(pieces):
            return  # encrypted data that comes whole a second time is the same data
        pieces.append(value)
        self._fields[key] = None  # holds the key's place in the order of arrival

    def value(self) -> dict[str, Any]:
        joined = {key: "".join(pieces) for key, pieces in self._pieces.items()}
        return {**self._fields, **joined}


def _hashable(value: object) -> object:
    return value if isinstance(value, str | int | float | None) else repr(value)


def _kept(
    *, text: str, details: list[Any], extra: dict[str, Any], calls: Sequence[WireCall]
) -> dict[str, Any]:
    """Return the entries of `additional_kwargs`; nothing that did not arrive."""
    details, signed = _bound(details, calls)
    by_call = {call.id: call.extra_content for call in calls if call.extra_content}
    entries = {
        "reasoning_content": text,
        "reasoning_details": details,
        "extra_content": extra,
        "tool_call_extra_content": by_call,
        "signed_tool_calls": signed,
    }
    return {key: value for key, value in entries.items() if value}


def _bound(details: list[Any], calls: Sequence[WireCall]) -> tuple[list[Any], list[str]]:
    """Return the details with the ids that LangChain sees, plus the ids of the calls they sign.

    A server may use one id for two calls; the second call then has an id of our making, which its
    detail must share. The n-th detail of an id belongs to the n-th call of that id.
    """
    if not details or not calls:
        return details, []
    waiting: dict[str, list[str]] = {}
    for call in calls:
        if call.wire_id:
            waiting.setdefault(call.wire_id, []).append(call.id)
    bound: list[Any] = []
    signed: dict[str, None] = {}
    for detail in details:
        wire_id = detail.get("id") if isinstance(detail, dict) else None
        ids = waiting.get(wire_id) if isinstance(wire_id, str) else None
        if not ids:
            bound.append(detail)
            continue
        call_id = ids.pop(0) if len(ids) > 1 else ids[0]
        signed[call_id] = None
        bound.append(detail if call_id == wire_id else {**detail, "id": call_id})
    return bound, list(signed)


def write_reasoning(
    kept: dict[str, Any], *, call_ids: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what an assistant message sends back of its reasoning.

    What arrived goes back as it arrived; the detail of a tool call that is no longer in the
    message leaves with it. Reasoning text goes back only where no details came, or it would count
    twice.

    Args:
        kept: `additional_kwargs` of a message of ours, or the same shape read from elsewhere.
        call_ids: Ids of the tool calls that the message sends.

    Returns:
        Fields of the wire's message (`reasoning_details`, `extra_content`, `reasoning`), then
        `extra_content` by tool call id.
    """
    fields: dict[str, Any] = {}
    details = kept.get("reasoning_details")
    if details and isinstance(details, list):
        if kept_details := _still_bound(details, kept.get("signed_tool_calls"), call_ids):
            fields["reasoning_details"] = kept_details
    elif text := kept.get("reasoning_content"):
        fields["reasoning"] = text
    if extra := kept.get("extra_content"):
        fields["extra_content"] = extra
    by_call = kept.get("tool_call_extra_content")
    if not by_call or not isinstance(by_call, dict):
        return fields, {}
    return fields, {call_id: by_call[call_id] for call_id in call_ids if call_id in by_call}


def _still_bound(details: list[Any], signed: object, call_ids: Sequence[str]) -> list[Any]:
    if not signed or not isinstance(signed, list):
        return details
    gone = {call_id for call_id in signed if isinstance(call_id, str)}.difference(call_ids)
    return [
        detail
        for detail in details
        if not (
            isinstance(detail, dict) and isinstance(detail.get("id"), str) and detail["id"] in gone
        )
    ]


def unfused(kept: dict[str, Any], *, finish_reason: object) -> dict[str, Any]:
    """Return the carriers without signatures that were fused when answers were added up.

    `merge_message_runs` and `+` concatenate the texts of equal keys, and of details of equal index:
    a signature made of two is refused as corrupted, and nothing tells where to cut. Left out with
    a warning are details whose format stands there twice, and an `extra_content` whose finish
    reason does, or whose base64 goes on behind its padding; two without padding are not seen.

    Args:
        kept: `additional_kwargs` of a message of ours.
        finish_reason: Of its `response_metadata`.
    """
    found, extra = kept.get("reasoning_details"), kept.get("extra_content")
    details = found if isinstance(found, list) else []
    fused = [one for one in details if _is_fused(one)]
    is_extra_fused = bool(extra) and (
        (isinstance(finish_reason, str) and bool(_ADDED_UP.fullmatch(finish_reason)))
        or "=" in first_signature(extra).rstrip("=")
    )
    if not fused and not is_extra_fused:
        return kept
    rest = {key: value for key, value in kept.items() if key != "reasoning_content"}
    if is_extra_fused:
        del rest["extra_content"]
    if fused:
        rest["reasoning_details"] = [one for one in details if one not in fused]
    if first_signature([*fused, extra if is_extra_fused else None]):
        _warn_of_fused()
    return rest


def _is_fused(detail: object) -> bool:
    form = detail.get("format") if isinstance(detail, dict) else None
    if form == _FORMAT or not isinstance(form, str):
        return False
    return bool(_REPEATED.fullmatch(form))


@cache  # what was said is the only state: a warning that is turned into an error is not kept
def _warn_of_fused() -> None:
    warnings.warn(
        "A message is several answers added up, which fused their thought signatures: those are "
        "left out, and Gemini may refuse the tool calls that they signed. Keep AI messages apart "
        "(merge_message_runs adds up neighbours).",
        UserWarning,
        stacklevel=3,
    )
