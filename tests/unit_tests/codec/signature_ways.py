"""Ways that an answer may go before it is sent back, with what must arrive there."""

from __future__ import annotations

import copy
import json
import pickle
import re
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from hypothesis import strategies as st
from langchain_core.load import dumps, loads
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    filter_messages,
    message_chunk_to_message,
    messages_from_dict,
    messages_to_dict,
    trim_messages,
)
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from langchain_aimlapi._codec.request import encode_messages

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from langchain_aimlapi import ChatAIMLGemini
    from tests.answers import Json

    Draw = Callable[[st.SearchStrategy[Any]], Any]
    Way = Callable[[AIMessage], AIMessage]

QUESTION = HumanMessage("Look for it.")
_SERIALIZER = JsonPlusSerializer()
_OVER_64_BITS = re.compile(r"\d{19}")


# ---------------------------------------------------------------- getting an answer


def _chunks(model: ChatAIMLGemini) -> list[AIMessageChunk]:
    return list(model.stream([QUESTION]))


def _invoked(model: ChatAIMLGemini, _draw: Draw) -> AIMessage:
    return model.invoke([QUESTION])


def _added_from_the_left(model: ChatAIMLGemini, _draw: Draw) -> AIMessage:
    return reduce(lambda sum_, chunk: sum_ + chunk, _chunks(model))


def _added_from_the_right(model: ChatAIMLGemini, _draw: Draw) -> AIMessage:
    return reduce(lambda sum_, chunk: chunk + sum_, reversed(_chunks(model)))


def _added_at_once(model: ChatAIMLGemini, _draw: Draw) -> AIMessage:
    first, *rest = _chunks(model)
    return cast("AIMessage", first + rest)


def _added_as_a_tree(model: ChatAIMLGemini, draw: Draw) -> AIMessage:
    chunks = _chunks(model)
    while len(chunks) > 1:
        at = draw(st.integers(0, len(chunks) - 2))
        chunks[at : at + 2] = [chunks[at] + chunks[at + 1]]
    return chunks[0]


def _events_v3(model: ChatAIMLGemini, _draw: Draw) -> AIMessage:
    return model.stream_events([QUESTION], version="v3").output


SOURCES = (
    _invoked,
    _added_from_the_left,
    _added_from_the_right,
    _added_at_once,
    _added_as_a_tree,
    _events_v3,
)


# ---------------------------------------------------------------- what becomes of it


def _as_message(message: AIMessage) -> AIMessage:
    if isinstance(message, AIMessageChunk):
        return cast("AIMessage", message_chunk_to_message(message))
    return message


def _dumped(message: AIMessage) -> AIMessage:
    return cast("AIMessage", loads(dumps(message), allowed_objects="messages"))


def _as_dicts(message: AIMessage) -> AIMessage:
    told = json.loads(json.dumps(messages_to_dict([message])))
    return cast("AIMessage", messages_from_dict(told)[0])


def _validated(message: AIMessage) -> AIMessage:
    return type(message).model_validate(message.model_dump())


def _validated_json(message: AIMessage) -> AIMessage:
    return type(message).model_validate_json(message.model_dump_json())


def _pickled(message: AIMessage) -> AIMessage:
    return cast("AIMessage", pickle.loads(pickle.dumps(message)))


def _checkpointed(message: AIMessage) -> AIMessage:
    if _OVER_64_BITS.search(repr(message)):
        return message  # msgpack has no such integers: LangGraph refuses them in any message
    return cast("AIMessage", _SERIALIZER.loads_typed(_SERIALIZER.dumps_typed(message)))


def _trimmed(message: AIMessage) -> AIMessage:
    history: list[BaseMessage] = [HumanMessage("Earlier."), QUESTION, message]
    kept = trim_messages(
        history, max_tokens=2, token_counter=len, strategy="last", start_on="human"
    )
    return cast("AIMessage", kept[-1])


def _filtered(message: AIMessage) -> AIMessage:
    kept = filter_messages(
        [QUESTION, message], include_types=[AIMessage, AIMessageChunk], exclude_tool_calls=["none"]
    )
    return cast("AIMessage", kept[-1])


# All of the message survives these.
WAYS: tuple[Way, ...] = (
    _as_message,
    _dumped,
    _as_dicts,
    _validated,
    _validated_json,
    copy.deepcopy,
    _pickled,
    _checkpointed,
    _trimmed,
    _filtered,
)


def _blocks_as_content(message: AIMessage) -> AIMessage:
    return AIMessage(content=cast("Any", message.content_blocks))


def _blocks_as_blocks(message: AIMessage) -> AIMessage:
    return AIMessage(content_blocks=message.content_blocks)


def _blocks_through_json(message: AIMessage) -> AIMessage:
    return AIMessage(content=json.loads(json.dumps(message.content_blocks)))


# Only the content blocks survive these.
BLOCK_WAYS: tuple[Way, ...] = (_blocks_as_content, _blocks_as_blocks, _blocks_through_json)


# ---------------------------------------------------------------- what must arrive


def sent_of(messages: Sequence[BaseMessage]) -> Json:
    """Return what is sent of the last message; of an answer with nothing in it, nothing is."""
    encoded, earlier = encode_messages(messages), encode_messages(messages[:-1])
    # Behind it may stand our results of its broken calls.
    return encoded[len(earlier)] if encoded != earlier else {"role": "assistant", "content": ""}


class Carried(NamedTuple):
    """What a wire message carries of signatures.

    Attributes:
        calls: Of each call its name, its arguments as canonical JSON, the reasoning details that
            bear its id, its extra content.
        loose: Reasoning details that belong to no call.
        extra: Extra content of the message.
    """

    calls: list[tuple[str, str, list[Json], Json]]
    loose: list[Json]
    extra: Json


def carried(message: Json, *, is_answer: bool = False) -> Carried:
    """Return what a message carries; of an answer, without unsigned calls that were cut off."""
    calls = message.get("tool_calls", [])
    details = message.get("reasoning_details", [])
    names = {call["id"] for call in calls if call["id"]}
    kept = [call for call in calls if not (is_answer and is_left_out(call, message))]
    return Carried(
        calls=[
            (
                call["function"]["name"],
                "{}"
                if is_answer and _is_cut(call, message)
                else json.dumps(json.loads(_arguments(call) or "{}"), sort_keys=True),
                [one for one in details if call["id"] and one.get("id") == call["id"]],
                call.get("extra_content", {}),
            )
            for call in kept
        ],
        loose=[one for one in details if one.get("id") not in names],
        extra=message.get("extra_content", {}),
    )


def details_to_send(message: Json, *, without: Collection[str] = ()) -> list[Json]:
    """Return the reasoning details of an answer; none where one was of a call that is gone.

    Args:
        message: The answer.
        without: Ids of calls that were taken out of it.
    """
    gone = {*without} - {""}
    details: list[Json] = message.get("reasoning_details", [])
    return [] if any(detail.get("id") in gone for detail in details) else details


def only_signed(found: Carried) -> Carried:
    """Return the same without details that hold no signature: thoughts in plain text."""
    return Carried(
        calls=[(name, args, _signed(details), extra) for name, args, details, extra in found.calls],
        loose=_signed(found.loose),
        extra=found.extra,
    )


def _signed(details: list[Json]) -> list[Json]:
    return [one for one in details if one.get("data") or one.get("signature")]


def in_any_order(found: Carried) -> Carried:
    """Return the same with the details that belong to no call in an order of their own."""
    return found._replace(
        loose=sorted(found.loose, key=lambda one: json.dumps(one, sort_keys=True))
    )


def is_left_out(call: Json, message: Json) -> bool:
    """Tell whether a call of an answer, unanswered, does not go back: broken and unsigned."""
    details = message.get("reasoning_details", [])
    is_signed = any(call["id"] and one.get("id") == call["id"] for one in details)
    return _is_cut(call, message) and not is_signed and not call.get("extra_content")


def _arguments(call: Json) -> str:
    return str(call["function"].get("arguments") or "")


def _is_cut(call: Json, message: Json) -> bool:
    text = _arguments(call)
    if not text.strip():
        return message.get("finish_reason") == "length"
    try:
        return not isinstance(json.loads(text), dict)
    except ValueError:
        return True
