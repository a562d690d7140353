"""Tool calls of an assistant message, back to the wire.

Whatever a server once sent can go back: a call that was cut off, or that has no name, is no
executable call in LangChain, but agents answer it with an error, and Gemini refuses a step whose
calls and results do not match, or whose signed call is missing (400, for good). So it goes back in
its place, with its id and signature, and with arguments that are the text of a JSON object. A call
that nobody ran, because the user went on after an interrupt, goes back with a result that says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_core.messages import AIMessage, FunctionMessage, ToolMessage

from langchain_aimlapi._codec.metadata import PROVIDER
from langchain_aimlapi._codec.tool_calls import CALL_ORDER, model_arguments
from langchain_aimlapi._json import decode_arguments, encode_json

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from langchain_core.messages import BaseMessage, InvalidToolCall

    from langchain_aimlapi._json import JsonObject

    WireObject = JsonObject

# What langchain's agents call it, too.
_UNKNOWN = "unknown"
_BROKEN_BLOCKS = ("invalid_tool_call", "tool_call_chunk")
_CALL_KEYS = frozenset({"args", "id", "name"})
_CALL_BLOCKS = ("tool_call", "tool_use")
_NOT_RUN = "Error: the call was not run, because it came incomplete."
_NO_RESULT = "Error: the call has no result, because the conversation went on without it."


class SentCalls(NamedTuple):
    """What a request says of a message's tool calls.

    Attributes:
        calls: The wire's `tool_calls`.
        results: Results of our making, for calls that nobody answered.
    """

    calls: list[WireObject]
    results: list[WireObject]


def encode_calls(
    message: AIMessage, *, answered: Callable[[], Mapping[str, str]], signed: Collection[str]
) -> SentCalls:
    """Return the calls that a message sends: the good ones, broken ones answered or signed.

    Args:
        message: The assistant message.
        answered: Gives the names of the results of its turn, see `names_of_results`.
        signed: Ids of calls that something of the message's signatures belongs to.

    Raises:
        ValueError: A call that the user wrote has no id, or no name, or is no call.
    """
    _check_calls(message.tool_calls)
    is_ours = message.response_metadata.get("model_provider") == PROVIDER
    # An earlier version kept a nameless call of ours as a good one; those of others are errors.
    good = [call for call in message.tool_calls if call["name"] or not is_ours]
    broken = _invalid(message)
    if len(good) < len(message.tool_calls):
        broken += [call for call in message.tool_calls if call not in good]
    # Nearly all messages: no look at the results behind it, which costs their number.
    if not broken and isinstance(message.content, str):
        good = good or [*_older_call(message)]
        return SentCalls([_encoded(call["id"], call["name"], _text(call)) for call in good], [])
    names = answered()
    good = [*good, *_calls_of_blocks(message, names)]
    calls = [_encoded(call["id"], call["name"], _text(call)) for call in good]
    results: list[WireObject] = []
    for call in broken:
        call_id = call.get("id")
        if not isinstance(call_id, str) or not (call_id in names or call_id in signed):
            continue  # nobody asks for it
        name = call.get("name") or names.get(call_id) or _UNKNOWN
        calls.append(_encoded(call_id, name, _broken_text(call)))
        # Gemini counts results against calls: one that nobody ran gets one that says so.
        if call_id not in names:
            results.append(_result(call_id, name, _NOT_RUN))
    is_mixed = len(calls) > len(good)
    return SentCalls(_in_order(calls, message, signed) if is_mixed else calls, results)


def _check_calls(calls: Sequence[object]) -> None:
    """Refuse what is no call: langchain-core checks the constructor's, not those set in place.

    Raises:
        ValueError: It lacks a key of a call's.
    """
    for call in calls:
        if not isinstance(call, dict) or not call.keys() >= _CALL_KEYS:
            raise ValueError(
                f"{call!r:.200} is no tool call: it takes a dict with 'id', 'name' and 'args'."
            )


def names_of_results(messages: Sequence[BaseMessage], *, begin: int) -> dict[str, str]:
    """Return the names of the results that stand together from a place on, by the id of their call.

    Only results of a message's own turn count: a server may use an id again in a later one.

    Args:
        messages: A conversation.
        begin: The place behind the message that calls.
    """
    names: dict[str, str] = {}
    for place in range(begin, len(messages)):
        result = messages[place]
        if not isinstance(result, ToolMessage):
            break
        names[result.tool_call_id] = result.name or ""
    return names


def missing_results(messages: Sequence[BaseMessage], *, begin: int) -> list[WireObject]:
    """Return a result for each good call that has none although the conversation goes on.

    One that comes late, before the model's next message, is left where it is. Where nothing but
    results follows, others may still come: what was sent then stays the beginning of what is next.

    Args:
        messages: A conversation.
        begin: The place behind the message that calls.
    """
    message = messages[begin - 1]
    good = message.tool_calls if isinstance(message, AIMessage) else ()
    waiting = {call["id"]: call["name"] for call in good if call["name"]}
    if not waiting:
        return []
    goes_on = False
    for place in range(begin, len(messages)):  # no slice, which walks or copies a long history
        later = messages[place]
        if isinstance(later, ToolMessage):
            waiting.pop(later.tool_call_id, None)
            if not waiting:
                return []
            continue
        goes_on = True
        if isinstance(later, AIMessage):
            break
        if isinstance(later, FunctionMessage):
            return []  # of OpenAI's oldest form: it names the function, not the call
    if not goes_on:
        return []
    return [_result(str(call_id), name, _NO_RESULT) for call_id, name in waiting.items()]


def _result(call_id: str, name: str, words: str) -> WireObject:
    return {"role": "tool", "content": words, "tool_call_id": call_id, "name": name}


def _invalid(message: AIMessage) -> list[Any]:
    """Return the broken calls, also those that only the content blocks know of."""
    if isinstance(message.content, str):
        return [*message.invalid_tool_calls]
    known = [call["id"] for call in (*message.tool_calls, *message.invalid_tool_calls)]
    blocks = _blocks(message, _BROKEN_BLOCKS)
    return [
        *message.invalid_tool_calls,
        *(block for block in blocks if block.get("id") not in known),
    ]


def _older_call(message: AIMessage) -> Iterator[Any]:
    """Yield the call of OpenAI's oldest form, where nobody translated it."""
    older = message.additional_kwargs.get("function_call")
    if message.response_metadata.get("model_provider") not in (None, PROVIDER):
        return
    if isinstance(older, dict):
        name = older.get("name")
        # The oldest form has no ids; FunctionMessage finds the call by its name.
        yield {"id": f"call-{name}", "name": name, "text": older.get("arguments") or "{}"}


def _calls_of_blocks(message: AIMessage, answered: Collection[str]) -> Iterator[Any]:
    """Yield calls that only the content blocks know of.

    A message that another package or langchain-core (v1 form) made has its calls in `tool_calls`:
    one that is missing there was removed, unless a result asks for it.
    """
    metadata = message.response_metadata
    is_plain = metadata.get("model_provider") in (None, PROVIDER)
    is_all = is_plain and metadata.get("output_version") != "v1" and not message.tool_calls
    if is_all:
        yield from _older_call(message)
    known = [call["id"] for call in message.tool_calls]
    for block in _blocks(message, _CALL_BLOCKS):
        call_id = block.get("id")
        if is_all or (call_id not in known and isinstance(call_id, str) and call_id in answered):
            args = block.get("args", block.get("input", {}))
            yield {"id": call_id, "name": block.get("name"), "args": args}


def _blocks(message: AIMessage, types: tuple[str, ...]) -> list[WireObject]:
    content = message.content if isinstance(message.content, list) else []
    return [block for block in content if isinstance(block, dict) and block.get("type") in types]


def _text(call: Any) -> str:
    if "text" in call:
        return str(call["text"])
    args = call["args"]
    return encode_json(args, where=f"The arguments of tool call {call['name']!r}") if args else "{}"


def _broken_text(call: InvalidToolCall) -> str:
    """Return arguments for a broken call: its own if they are an object, else none."""
    args = call.get("args")
    if not isinstance(args, str):  # of a nameless call that an earlier version took for a good one
        return encode_json(args, where="The arguments of a tool call") if args else "{}"
    text = model_arguments(call)
    return text if text and decode_arguments(text) is not None else "{}"


def _encoded(call_id: object, name: object, arguments: str) -> WireObject:
    if not (call_id and name and isinstance(call_id, str) and isinstance(name, str)):
        msg = f"A tool call has the id {call_id!r} and the name {name!r}: both must be text."
        raise ValueError(msg)
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def _in_order(
    calls: list[WireObject], message: AIMessage, signed: Collection[str]
) -> list[WireObject]:
    """Return the calls with broken ones in their places.

    LangChain keeps broken calls apart from the good ones. Where nothing tells their places, signed
    ones go first: Gemini signs the first call of several and wants it first again.
    """
    told = message.additional_kwargs.get(CALL_ORDER)
    blocks = _blocks(message, (*_CALL_BLOCKS, *_BROKEN_BLOCKS))
    order = told if isinstance(told, list) else [block.get("id") for block in blocks]
    places = {call_id: place for place, call_id in enumerate(order) if isinstance(call_id, str)}
    good = [places.get(str(call["id"]), -1) for call in message.tool_calls]
    # An order that the user changed since is the user's: then the mark is of no use.
    if good == sorted(good) and all(call["id"] in places for call in calls):
        return sorted(calls, key=lambda call: places[call["id"]])
    return sorted(calls, key=lambda call: call["id"] not in signed)
