"""Steps that a human or a trimmer changed: no signature ends up on a call that it was not made for.

What stays follows the rules of Google and OpenRouter: signatures stand on the call that had them,
are never copied or moved; the detail of a removed call leaves with it; all else goes back unedited.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    ToolMessage,
    filter_messages,
    trim_messages,
)

from tests.answers import model_of, served, streamed_answers
from tests.examples import examples
from tests.unit_tests.codec.signature_ways import (
    QUESTION,
    SOURCES,
    carried,
    details_to_send,
    only_signed,
    sent_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.answers import Json
    from tests.unit_tests.codec.signature_ways import Draw

    Edit = Callable[[list[Json], Draw], list[Json]]

pytestmark = pytest.mark.filterwarnings("ignore:A content block of type .image.")


def removed(calls: list[Json], draw: Draw) -> list[Json]:
    gone = draw(st.sets(st.integers(0, len(calls) - 1), min_size=1))
    return [call for n, call in enumerate(calls) if n not in gone]


def changed(calls: list[Json], draw: Draw) -> list[Json]:
    n = draw(st.integers(0, len(calls) - 1))
    return [*calls[:n], {**calls[n], "args": {"changed": True}}, *calls[n + 1 :]]


def reordered(calls: list[Json], draw: Draw) -> list[Json]:
    return list(draw(st.permutations(calls)))


EDITS: tuple[Edit, ...] = (removed, changed, reordered)


def draw_answer(data: st.DataObject) -> tuple[Json, AIMessage]:
    """Return an answer with tool calls as the wire said it, then as LangChain was given it."""
    answer = data.draw(streamed_answers(min_calls=1, is_mixed=data.draw(st.booleans())))
    there = served(*answer)
    version = data.draw(st.sampled_from(["v0", "v1"]))
    source = data.draw(st.sampled_from(SOURCES))
    choice = answer.completion["choices"][0]
    told = {**choice["message"], "finish_reason": choice["finish_reason"]}
    message = source(model_of(there, output_version=version), data.draw)
    assume(not message.invalid_tool_calls)  # broken calls: see test_sent_calls
    return told, message


def with_calls(message: AIMessage, calls: list[Json]) -> AIMessage:
    return message.model_copy(update={"tool_calls": calls})


@given(data=st.data())
@examples(100)
def test_each_call_keeps_its_own_signatures(data: st.DataObject) -> None:
    told, message = draw_answer(data)
    edit = data.draw(st.sampled_from(EDITS))
    if not message.tool_calls:
        return
    originals = carried(told, is_answer=True).calls
    by_id = {
        call["id"]: original for call, original in zip(message.tool_calls, originals, strict=True)
    }
    calls = edit(cast("list[Json]", message.tool_calls), data.draw)
    sent = sent_of([QUESTION, with_calls(message, calls)])
    assert [call["id"] for call in sent.get("tool_calls", [])] == [call["id"] for call in calls]
    gone = {str(call_id) for call_id in set(by_id) - {call["id"] for call in calls}}
    kept = details_to_send(told, without=gone)
    for call, (name, args, details, extra) in zip(calls, carried(sent).calls, strict=True):
        was_name, _, was_details, was_extra = by_id[call["id"]]
        assert (name, details, extra) == (was_name, was_details if kept else [], was_extra)
        assert json.loads(args) == call["args"]
    assert sent.get("reasoning_details", []) == kept
    assert sent.get("extra_content", {}) == told.get("extra_content", {})
    if not calls:
        return  # content blocks alone do not tell calls that were removed from calls of their own
    blocks = AIMessage(content_blocks=message.content_blocks)
    sent_of_blocks = sent_of([QUESTION, with_calls(blocks, calls)])
    assert only_signed(carried(sent_of_blocks)).calls == only_signed(carried(sent)).calls
    assert len(only_signed(carried(sent_of_blocks)).loose) == len(only_signed(carried(sent)).loose)


@given(data=st.data())
@examples(40)
def test_removed_blocks_take_their_signatures_along(data: st.DataObject) -> None:
    """Where only content blocks are left, a human removes a call by removing its block."""
    told, message = draw_answer(data)
    blocks = cast("list[Json]", message.content_blocks)
    ids = [block["id"] for block in blocks if block["type"] == "tool_call"]
    if not ids:
        return
    gone = data.draw(st.sampled_from(ids))
    left = AIMessage(content=cast("Any", [one for one in blocks if one.get("id") != gone]))
    sent = sent_of([QUESTION, left])
    assert [call["id"] for call in sent.get("tool_calls", [])] == [i for i in ids if i != gone]
    signed = [detail.get("id") for detail in told.get("reasoning_details", [])]
    if gone in signed and "reasoning_details" not in sent:
        return  # its signature came late, and stood on another block: half a set is refused
    expected = carried({**told, "reasoning_details": details_to_send(told)}, is_answer=True)
    calls = [call for call_id, call in zip(ids, expected.calls, strict=True) if call_id != gone]
    back = only_signed(carried(sent))
    assert back.calls == only_signed(expected._replace(calls=calls)).calls
    assert len(back.loose) == len(only_signed(expected).loose)


# ---------------------------------------------------------------- trimming


def parts_of(message: BaseMessage) -> int:
    return len(message.content) + len(getattr(message, "tool_calls", []))


@given(data=st.data())
@examples(40)
def test_trimming_leaves_whole_steps_or_none(data: st.DataObject) -> None:
    steps: list[BaseMessage] = []
    told: dict[str, Json] = {}
    for number in range(data.draw(st.integers(1, 3))):
        answer, message = draw_answer(data)
        message.id = f"step {number}"
        told[message.id] = answer
        steps += [HumanMessage(f"Question {number}."), message]
        steps += [ToolMessage("found", tool_call_id=call["id"]) for call in message.tool_calls]
    kept = trim_messages(
        steps,
        max_tokens=data.draw(st.integers(1, 200)),
        token_counter=lambda messages: sum(parts_of(one) for one in messages),
        strategy=data.draw(st.sampled_from(["first", "last"])),
        allow_partial=data.draw(st.booleans()),
    )
    kept = filter_messages(kept, exclude_types=data.draw(st.sampled_from([[], ["tool"]])))
    for position, one in enumerate(kept):
        if isinstance(one, AIMessage):
            sent = sent_of(kept[: position + 1])
            answer = told[str(one.id)]
            kept_details = details_to_send(answer)
            assert carried(sent) == carried(
                {**answer, "reasoning_details": kept_details}, is_answer=True
            )
            assert sent.get("reasoning_details", []) == kept_details


@given(data=st.data())
@examples(40)
def test_filtered_calls_take_their_details_along(data: st.DataObject) -> None:
    told, message = draw_answer(data)
    ids = [str(call["id"]) for call in message.tool_calls]
    gone = data.draw(st.sampled_from(ids)) if ids else "none"
    kept = filter_messages([QUESTION, message], exclude_tool_calls=[gone])
    if len(ids) <= 1:
        return
    sent = sent_of(kept)
    kept_details = details_to_send(told, without=[gone])
    expected = carried({**told, "reasoning_details": kept_details}, is_answer=True)
    calls = [call for call_id, call in zip(ids, expected.calls, strict=True) if call_id != gone]
    assert carried(sent).calls == calls
