"""Tool calls of the model, from the wire to LangChain.

Servers behind the gateway are seen to repeat ids and names in every fragment, to leave out ids,
names, indexes or arguments, to give wrong indexes, to use one id twice, to change an id between two
fragments, to say a call twice (wire facts 5.12, 5.13, 10.1, 11 and 13 of 2026-11-26). All of that
is put right here, whole and streamed alike: LangChain sees each call once, with a unique id, and
never an executable call without a name, or one made from arguments that were cut off.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk
from langchain_core.utils.json import parse_partial_json

from langchain_aimlapi._codec.arguments import Arguments, fault_of
from langchain_aimlapi._codec.reasoning import EXTRA_CONTENT
from langchain_aimlapi._json import decode_arguments, json_text, overlay, sendable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from langchain_core.messages import InvalidToolCall, ToolCall, ToolCallChunk

    from langchain_aimlapi._json import JsonObject

# In `additional_kwargs`: ids of the calls in the order of the wire, where LangChain, which keeps
# invalid calls apart, would lose it.
CALL_ORDER = "tool_call_order"
# One of these makes any cut-off JSON text unparsable for langchain-core's partial parser, which
# gives up at a mismatched closing bracket (run on langchain-core 1.7.2 and 1.8.3).
_SPOILERS = ("]", "}", '"]', '"}', '""]', '""}')
_CUT = "The answer was cut off (max_tokens) before the arguments were whole."
_NAMELESS = "The call has no name, so there is nothing to call."
_OUR_WORDS = ("The call ", "The answer ", "The arguments ")
_FAILED = "The answer did not come to a good end, so none of its calls may be run."


class WireCall:
    """One function call of the model, as it arrived.

    Attributes:
        position: 0-based position among the calls of the answer.
        id: The id that LangChain sees; unique in the answer.
        wire_id: The id that the server sent, `""` if none.
        ordinal: How many earlier calls of the answer have the same `wire_id`.
        name: Function name.
        arguments: The text of its arguments.
        extra_content: What the server asks to be echoed with this call (dialect V), or `{}`.
        is_double: Whether it is another call said again.
        repeats: Key and name of a whole call that this may say again in pieces; LangChain sees it
            when it is known to be another one.
        behind: The call before it that LangChain has not seen when this one begins, so that the
            order of the calls is that of the wire.
    """

    def __init__(self, position: int, call_id: str) -> None:
        self.position = position
        self.id = call_id
        self.wire_id = ""
        self.ordinal = 0
        self.name = ""
        self.arguments = Arguments()
        self.extra_content: JsonObject = {}
        self.is_double = False
        self.repeats: tuple[object, str] | None = None
        self.behind: WireCall | None = None

    def waits(self) -> bool:
        """Tell whether a call that may repeat another, or is behind one, is not to be seen yet."""
        # Other text may still replace an empty object.
        if self.is_double or not self.arguments.is_whole() or self.arguments.is_empty_object():
            return True
        return self.behind is not None and self.behind.is_unseen()

    def is_unseen(self) -> bool:
        """Tell whether LangChain has not seen the call, though it is no other one said again."""
        return self.repeats is not None and not self.is_double

    def decoded(self, *, is_truncated: bool) -> JsonObject | None:
        """Return the arguments if the call is executable, else `None`."""
        if not self.name or self.is_double or (is_truncated and not self.arguments.text):
            return None
        return self.arguments.decoded()

    def goes_on(self, name: str, arguments: str) -> bool:
        """Tell whether a fragment of this call's index, but with another id, may be its next."""
        if name or not arguments.strip():
            return False
        return self.arguments.is_empty_object() or not self.arguments.is_whole()

    def is_followed(self, name: str, arguments: str, *, has_id: bool) -> bool:
        """Tell whether a fragment that matches this call begins a second one all the same."""
        if name and self.name and name != self.name and not has_id:
            return True
        # Text behind a whole object can only be another call's; blanks may trail.
        if not arguments.strip() or not self.arguments.is_whole():
            return False
        return bool(name) or not self.arguments.is_empty_object()

    def fault(self, *, is_truncated: bool) -> str:
        """Say why the call is not executable."""
        if not self.name:
            return _NAMELESS
        return _CUT if is_truncated else fault_of(self.arguments.text)


def decode_tool_calls(
    calls: Iterable[WireCall], *, is_truncated: bool
) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """Return the executable calls, then the invalid ones.

    Args:
        calls: Calls of one answer.
        is_truncated: Whether the answer was cut off, so that empty arguments are none.
    """
    good: list[ToolCall] = []
    bad: list[InvalidToolCall] = []
    for call in calls:
        if call.is_double:
            continue
        arguments = call.decoded(is_truncated=is_truncated)
        if arguments is None:
            bad.append(_invalid(call, call.fault(is_truncated=is_truncated)))
        else:
            good.append(tool_call(name=call.name, args=arguments, id=call.id))
    return good, bad


def failed_calls(calls: Iterable[WireCall]) -> list[InvalidToolCall]:
    """Return the calls of an answer that failed: none of them is executable, whole or not."""
    return [_invalid(call, _FAILED) for call in calls if not call.is_double]


def _invalid(call: WireCall, error: str) -> InvalidToolCall:
    return invalid_tool_call(
        name=call.name or None, args=call.arguments.text, id=call.id, error=error
    )


class ToolCalls:
    """The calls of one answer, put together from the calls of a message or fragments of a stream.

    A fragment belongs to the call of the same id, else of the same index, else of the same
    position in its delta. One that says a whole call once more adds nothing; one without a name
    never begins an executable call.
    """

    def __init__(self, *, completion_id: str = "") -> None:
        self.calls: list[WireCall] = []
        self.completion_id = completion_id
        self._by_id: dict[str, WireCall] = {}
        self._by_index: dict[int, WireCall] = {}
        self._namesakes: Counter[str] = Counter()
        self._whole: dict[tuple[object, ...], WireCall] = {}
        self._unseen: WireCall | None = None  # the last call that was held back
        self._known: set[tuple[object, str]] = set()  # ids, else indexes, with names of whole calls

    def read(self, message: JsonObject) -> None:
        """Take the calls of a whole message: `tool_calls`, or the older `function_call`."""
        for fragment in _fragments(message):
            if not self._is_said_again(fragment):
                call = self._open(fragment)
                if call.arguments.decoded() is not None:
                    self._remember(call, fragment)

    def feed(self, delta: JsonObject) -> list[ToolCallChunk]:
        """Take the fragments of one delta; return what LangChain is to see of them now.

        Args:
            delta: The wire's delta; `tool_calls`, or the older `function_call`.

        Returns:
            Chunks whose id, name and index are each sent once per call, arguments as they came.
        """
        fragments = _fragments(delta)
        if len(fragments) == 1 and (middle := self._middle(fragments[0])):
            return [middle]
        chunks = (
            self._take(fragment, position if len(fragments) > 1 else len(self.calls) - 1)
            for position, fragment in enumerate(fragments)
        )
        # langchain-core adds chunks of one index up only over messages, never within one.
        merged: dict[object, ToolCallChunk] = {}
        for chunk in filter(None, chunks):
            before = merged.setdefault(chunk["index"], chunk)
            if before is not chunk:
                before["name"] = before["name"] or chunk["name"]
                before["args"] = f"{before['args']}{chunk['args']}"
        return [*merged.values()]

    def held_back(self) -> list[ToolCallChunk]:
        """Return the first chunks of calls that might have repeated another to the end.

        They come before those of `finish`: langchain-core tells the last chunk of a stream from
        chunks added up by its having no names.
        """
        chunks: list[ToolCallChunk] = []
        for call in self.calls:
            if call.is_unseen():
                call.repeats, args = None, call.arguments.showable()
                name = call.name or None
                chunks.append(
                    tool_call_chunk(name=name, args=args, id=call.id, index=call.position)
                )
        return chunks

    def finish(
        self, *, is_truncated: bool, late: frozenset[str], rests: Mapping[int, str]
    ) -> list[ToolCallChunk]:
        """Return the last chunks: ends of arguments, spoilers, marks for late signatures.

        Args:
            is_truncated: Whether the answer was cut off.
            late: Ids of calls whose signature, or more of it, came after their first chunk.
            rests: What stands for half a character at which arguments end, by position.
        """
        ends = [
            (
                call,
                rests.get(call.position, "")
                + call.arguments.held()
                + _spoiler(call, is_truncated=is_truncated),
            )
            for call in self.calls
            if not (call.repeats and call.is_double)
        ]
        return [
            tool_call_chunk(name=None, args=end, id=call.id, index=call.position)
            for call, end in ends
            if end or call.id in late
        ]

    def _middle(self, fragment: JsonObject) -> ToolCallChunk | None:
        """Take a fragment that can only go on with the arguments of its call, as most do."""
        index, function = fragment.get("index"), fragment.get("function")
        call = self._by_index.get(index) if type(index) is int else None
        if call is None or call.repeats or type(function) is not dict:
            return None
        if fragment.get("id") or fragment.get(EXTRA_CONTENT) or function.get("name"):
            return None
        piece = function.get("arguments")
        if type(piece) is not str or not call.arguments.add_middle(piece):
            return None
        return tool_call_chunk(name=None, args=piece, id=None, index=call.position)

    def _take(self, fragment: JsonObject, position: int) -> ToolCallChunk | None:
        if self._is_said_again(fragment):
            return None
        name, call_id = None, None
        if call := self._owner(fragment, position):
            was_named = bool(call.name)
            self._add(call, fragment)
            name = None if was_named else call.name or None
        else:
            known = self._key_and_name(fragment)
            call = self._open(fragment)
            call.behind = self._unseen if self._unseen and self._unseen.is_unseen() else None
            call.repeats = known if known in self._known or call.behind else None
            self._unseen = call if call.repeats else self._unseen
            name, call_id = call.name or None, call.id
        if call.arguments.is_whole():
            self._remember(call, fragment)
        if call.repeats is not None:
            if call.waits():
                return None
            call.repeats, name, call_id = None, call.name or None, call.id
        args = call.arguments.showable()
        return tool_call_chunk(name=name, args=args, id=call_id, index=call.position)

    def _open(self, fragment: JsonObject) -> WireCall:
        """Begin a new call with its first fragment."""
        position = len(self.calls)
        wire_id = _text(fragment.get("id"))
        # Results name their call by its id: those of two calls of one id could not be told apart.
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

    def _owner(self, fragment: JsonObject, position: int) -> WireCall | None:
        """Return the call that a fragment goes on, or `None` if it begins another."""
        wire_id, index = _text(fragment.get("id")), fragment.get("index")
        name, arguments = _name_and_arguments(fragment)
        call = self._by_id.get(wire_id) if wire_id else None
        if call is None and isinstance(index, int):
            call = self._by_index.get(index)
            if call is not None and wire_id and call.wire_id and not call.goes_on(name, arguments):
                return None  # two calls with one index: their ids differ
        if call is None and not wire_id and not (name and isinstance(index, int)):
            call = self.calls[position] if 0 <= position < len(self.calls) else None
        if call is None or call.is_followed(name, arguments, has_id=bool(wire_id)):
            return None
        # Some send the id with the second fragment only; LangChain has seen ours by then.
        if wire_id and not call.wire_id:
            self._set_wire_id(call, wire_id)
        elif wire_id:
            self._by_id.setdefault(wire_id, call)  # an id that changed between two fragments
        return call

    def _set_wire_id(self, call: WireCall, wire_id: str) -> None:
        if wire_id:
            call.wire_id, call.ordinal = wire_id, self._namesakes[wire_id]
            self._namesakes[wire_id] += 1
            self._by_id[wire_id] = call

    def _remember(self, call: WireCall, fragment: JsonObject) -> None:
        """Keep a whole call in mind; in a stream it may be another one, said again in pieces."""
        ids = dict.fromkeys(filter(None, (call.wire_id, _text(fragment.get("id")))))
        names = [(key, call.name) for key in ids or (fragment.get("index"),)]
        for key, name in (*names, call.repeats or (None, "")):
            if name and isinstance(key, str | int):
                first = self._whole.setdefault((key, name, call.arguments.canonical()), call)
                self._known.add((key, name))
                if first is not call:
                    call.is_double = True
                    overlay(first.extra_content, call.extra_content)

    def _is_said_again(self, fragment: JsonObject) -> bool:
        """Tell whether a fragment is a whole call that was said before; keep what it carries.

        Without an id two equal calls are one only where they have one index, too: a model may well
        want the same thing twice.
        """
        has_name, text = _name_and_arguments(fragment)
        # Cheap first: a fragment that cannot end an object is no whole call.
        if not self._whole or not (text.rstrip() or "}").endswith("}"):
            return False
        key, name = self._key_and_name(fragment)
        owner = self._owner_of(key)
        if owner is not None and (
            owner.arguments.is_cut() or (not has_name and owner.arguments.is_empty_object())
        ):
            return False  # a piece of its arguments, though it looks like all of them
        arguments = Arguments(text)
        if arguments.decoded() is None:
            return False
        call = self._whole.get((key, name, arguments.canonical()))
        if call is not None:
            _echo(call, fragment)
        return call is not None

    def _owner_of(self, key: object) -> WireCall | None:
        if isinstance(key, str):
            return self._by_id.get(key)
        return self._by_index.get(key) if isinstance(key, int) else None

    def _key_and_name(self, fragment: JsonObject) -> tuple[object, str]:
        """Return by what a call is known again: its id, else its index; and its name."""
        key: object = _text(fragment.get("id")) or fragment.get("index")
        name = _name_and_arguments(fragment)[0]
        owner = self._owner_of(key)
        if not name and owner is not None:
            key, name = owner.wire_id or key, owner.name
        return (key, name) if isinstance(key, str | int) else (None, "")

    @staticmethod
    def _add(call: WireCall, fragment: JsonObject) -> None:
        name, arguments = _name_and_arguments(fragment)
        call.name = call.name or name
        call.arguments.add(arguments)
        _echo(call, fragment)


def _echo(call: WireCall, fragment: JsonObject) -> None:
    """Keep what a fragment asks to be echoed with its call."""
    extra = fragment.get(EXTRA_CONTENT)
    if isinstance(extra, dict):
        overlay(call.extra_content, sendable(extra))


def _fragments(delta: JsonObject) -> list[JsonObject]:
    calls = delta.get("tool_calls")
    if isinstance(calls, list):
        return [fragment for fragment in calls if isinstance(fragment, dict)]
    older = delta.get("function_call")
    return [{"function": older}] if isinstance(older, dict) else []


def _name_and_arguments(fragment: JsonObject) -> tuple[str, str]:
    function = fragment.get("function")
    if not isinstance(function, dict):
        return "", ""
    arguments = function.get("arguments")
    if arguments is not None and not isinstance(arguments, str):
        arguments = json_text(arguments)  # an object where text is documented
    name = _text(function.get("name"))
    return name if name.strip() else "", arguments or ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _spoiler(call: WireCall, *, is_truncated: bool) -> str:
    """Return what to append so that langchain-core makes no executable call of an unusable one."""
    # Chunks that left cannot be taken back; what follows can only make them unparsable.
    text = call.arguments.text
    if call.decoded(is_truncated=is_truncated) is not None:
        return ""
    if text and not _is_taken(text):
        return ""
    return next((end for end in _SPOILERS if not _is_taken(text + end)), _SPOILERS[0])


def model_arguments(call: InvalidToolCall) -> str:
    """Return the arguments of an invalid call as the model wrote them, for people to read.

    langchain-core adds a streamed call up from what left, spoiler included; calls of whole answers,
    which have none, are known by our words of what is wrong.
    """
    text = call.get("args") or ""
    if (call.get("error") or "").startswith(_OUR_WORDS):
        return text
    # Longest first: a quote too few reads better than one that the model did not write.
    for end in reversed(_SPOILERS):
        rest = text.removesuffix(end)
        is_named_and_whole = bool(call.get("name")) and decode_arguments(rest or "-") is not None
        if rest != text and not is_named_and_whole and (not rest or _is_taken(rest)):
            return rest
    return text


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
