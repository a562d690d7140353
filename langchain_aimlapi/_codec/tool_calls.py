"""Tool calls of the model, from the wire to LangChain.

Servers behind the gateway are seen to repeat ids and names in every fragment, to leave out ids,
indexes or arguments, to give wrong indexes, or to use one id twice (wire facts 5.12, 5.13, 10.1 and
11 of 2026-11-21). All of that is put right here, whole and streamed alike: LangChain sees each call
once, with a unique id, and never an executable call made from arguments that were cut off.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk
from langchain_core.utils.json import parse_partial_json

from langchain_aimlapi._codec.reasoning import EXTRA_CONTENT
from langchain_aimlapi._json import decode_arguments, json_text, mended, overlaid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_core.messages import InvalidToolCall, ToolCall, ToolCallChunk

# One of these makes any cut-off JSON text unparsable for langchain-core's partial parser, which
# gives up at a mismatched closing bracket (run on langchain-core 1.7.2 and 1.8.2).
_SPOILERS = ("]", "}", '"]', '"}', '""]', '""}')
_CUT = "The arguments are not a whole JSON object; the answer was probably cut off (max_tokens)."


@dataclass(slots=True)
class WireCall:
    """One function call of the model, as it arrived.

    Attributes:
        position: 0-based position among the calls of the answer.
        id: The id that LangChain sees; unique in the answer.
        wire_id: The id that the server sent, `""` if none.
        ordinal: How many earlier calls of the answer have the same `wire_id`.
        name: Function name.
        pieces: The `arguments` text, in the pieces that arrived.
        extra_content: What the server asks to be echoed with this call (dialect V), or `{}`.
    """

    position: int
    id: str
    wire_id: str = ""
    ordinal: int = 0
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    extra_content: dict[str, Any] = field(default_factory=dict)

    @property
    def arguments(self) -> str:
        """The arguments' text so far."""
        return str(mended("".join(self.pieces)))

    def is_complete(self) -> bool:
        """Tell whether the arguments are a whole JSON object already."""
        return bool(self.pieces) and (
            self.pieces[-1].rstrip().endswith("}") and decode_arguments(self.arguments) is not None
        )


def read_tool_calls(message: dict[str, Any], *, completion_id: str) -> list[WireCall]:
    """Return the calls of a whole answer's message.

    Args:
        message: The wire's message; `tool_calls`, or the older `function_call`.
        completion_id: Id of the answer, from which missing ids are made.
    """
    calls = StreamedToolCalls(completion_id=completion_id)
    for fragment in _fragments(message):
        calls.open(fragment)
    return calls.calls


def decode_tool_calls(
    calls: Iterable[WireCall], *, finish_reason: object
) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """Return the executable calls, then the invalid ones.

    Args:
        calls: Calls of one answer.
        finish_reason: The wire's word; `"length"` makes empty arguments a cut-off call.
    """
    good: list[ToolCall] = []
    bad: list[InvalidToolCall] = []
    for call in calls:
        arguments = _whole_arguments(call, finish_reason=finish_reason)
        if arguments is None:
            bad.append(
                invalid_tool_call(name=call.name, args=call.arguments, id=call.id, error=_CUT)
            )
        else:
            good.append(tool_call(name=call.name, args=arguments, id=call.id))
    return good, bad


def _whole_arguments(call: WireCall, *, finish_reason: object) -> dict[str, Any] | None:
    text = call.arguments
    if not text and finish_reason == "length":
        return None
    return decode_arguments(text)


class StreamedToolCalls:
    """The calls of one streamed answer, put together from fragments.

    A fragment belongs to the call of the same id, else of the same index, else of the same
    position in its delta.
    """

    def __init__(self, *, completion_id: str = "") -> None:
        self.calls: list[WireCall] = []
        self.completion_id = completion_id
        self._by_id: dict[str, WireCall] = {}
        self._by_index: dict[int, WireCall] = {}
        self._namesakes: Counter[str] = Counter()

    def feed(self, delta: dict[str, Any]) -> list[ToolCallChunk]:
        """Take the fragments of one delta; return what LangChain is to see of them now.

        Args:
            delta: The wire's delta; `tool_calls`, or the older `function_call`.

        Returns:
            Chunks whose id, name and index are each sent once per call, arguments as they came.
        """
        fragments = _fragments(delta)
        return [
            self._take(fragment, position if len(fragments) > 1 else len(self.calls) - 1)
            for position, fragment in enumerate(fragments)
        ]

    def finish(self, *, finish_reason: object, late: frozenset[str]) -> list[ToolCallChunk]:
        """Return the last chunks: spoilers for cut-off calls, marks for late signatures.

        Args:
            finish_reason: The wire's word.
            late: Ids of calls whose signature, or more of it, came after their first chunk.
        """
        ends = ((call, _spoiler(call, finish_reason=finish_reason)) for call in self.calls)
        return [
            tool_call_chunk(name=None, args=spoiler, id=call.id, index=call.position)
            for call, spoiler in ends
            if spoiler or call.id in late
        ]

    def partial(self) -> list[ToolCallChunk]:
        """Return what has arrived of each call, spoiled so that none of it is executable."""
        return [
            tool_call_chunk(
                name=call.name or None,
                args=call.arguments + _spoiler(call, finish_reason="length"),
                id=call.id,
                index=call.position,
            )
            for call in self.calls
        ]

    def open(self, fragment: dict[str, Any]) -> WireCall:
        """Begin a new call with its first fragment."""
        position = len(self.calls)
        wire_id = _text(fragment.get("id"))
        taken = not wire_id or wire_id in self._by_id
        call = WireCall(position, self._invented_id(position) if taken else wire_id)
        self.calls.append(call)
        self._set_wire_id(call, wire_id)
        self._by_id.setdefault(call.id, call)
        if isinstance(index := fragment.get("index"), int):
            self._by_index[index] = call
        self._add(call, fragment)
        return call

    def _invented_id(self, position: int) -> str:
        """Make an id that is the same at every replay: parity and prompt caching need that."""
        invented = f"{self.completion_id or 'call'}-{position}"
        while invented in self._by_id:
            invented += "x"
        return invented

    def _take(self, fragment: dict[str, Any], position: int) -> ToolCallChunk:
        call = self._owner(fragment, position)
        if call is None:
            call = self.open(fragment)
            text = "".join(call.pieces)  # may end in half a surrogate pair
            return tool_call_chunk(
                name=call.name or None, args=text, id=call.id, index=call.position
            )
        named = bool(call.name)
        piece = self._add(call, fragment)
        name = None if named else call.name or None
        return tool_call_chunk(name=name, args=piece, id=None, index=call.position)

    def _owner(self, fragment: dict[str, Any], position: int) -> WireCall | None:
        wire_id, index = _text(fragment.get("id")), fragment.get("index")
        if wire_id:
            call = self._by_id.get(wire_id)
            if call is None and isinstance(index, int):
                call = self._by_index.get(index)
                if call is not None and call.wire_id:
                    return None  # two calls with one index: their ids differ
        elif isinstance(index, int):
            call = self._by_index.get(index)
        else:
            call = self.calls[position] if 0 <= position < len(self.calls) else None
        if call is None or self._begins_anew(call, fragment, has_id=bool(wire_id)):
            return None
        if not call.wire_id:
            self._set_wire_id(call, wire_id)
        return call

    def _set_wire_id(self, call: WireCall, wire_id: str) -> None:
        if wire_id:
            call.wire_id, call.ordinal = wire_id, self._namesakes[wire_id]
            self._namesakes[wire_id] += 1
            self._by_id[wire_id] = call

    @staticmethod
    def _begins_anew(call: WireCall, fragment: dict[str, Any], *, has_id: bool) -> bool:
        """Tell whether a fragment that matches a call is a second call all the same."""
        name, arguments = _name_and_arguments(fragment)
        if not has_id and name and call.name and name != call.name:
            return True
        return bool(arguments.strip()) and call.is_complete()

    @staticmethod
    def _add(call: WireCall, fragment: dict[str, Any]) -> str:
        name, arguments = _name_and_arguments(fragment)
        call.name = call.name or name
        if not call.pieces:  # blanks alone are no arguments, which langchain-core would not know
            arguments = arguments.lstrip()
        if arguments:
            call.pieces.append(arguments)
        extra = fragment.get(EXTRA_CONTENT)
        if isinstance(extra, dict):
            call.extra_content = overlaid(call.extra_content, extra)
        return arguments


def _fragments(delta: dict[str, Any]) -> list[dict[str, Any]]:
    calls = delta.get("tool_calls")
    if isinstance(calls, list):
        return [fragment for fragment in calls if isinstance(fragment, dict)]
    older = delta.get("function_call")
    return [{"function": older}] if isinstance(older, dict) else []


def _name_and_arguments(fragment: dict[str, Any]) -> tuple[str, str]:
    function = fragment.get("function")
    if not isinstance(function, dict):
        return "", ""
    arguments = function.get("arguments")
    if arguments is not None and not isinstance(arguments, str):
        arguments = json_text(arguments)  # an object where text is documented
    return _text(function.get("name")), arguments or ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _spoiler(call: WireCall, *, finish_reason: object) -> str:
    """Return what to append so that langchain-core makes no executable call of unusable text."""
    text = call.arguments
    if _whole_arguments(call, finish_reason=finish_reason) is not None:
        return ""
    if text and not _is_taken(text):
        return ""
    return next((end for end in _SPOILERS if not _is_taken(text + end)), _SPOILERS[0])


def _is_taken(text: str) -> bool:
    """Tell whether langchain-core would take this text for arguments.

    Its chunks mend what was cut off, its v3 events take any JSON value.
    """
    try:
        if isinstance(parse_partial_json(text), dict):
            return True
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
