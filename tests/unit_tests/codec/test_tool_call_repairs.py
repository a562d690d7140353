"""Laws of tool calls: however a server sends them, LangChain sees each one once and whole."""

from __future__ import annotations

import json
from functools import reduce
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage

from tests.answers import TEXTS, model_of, served
from tests.examples import examples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.answers import Json

    Call = tuple[str, str, str]  # id, name, arguments
    Draw = Callable[[st.SearchStrategy[Any]], Any]
    Habit = Callable[[list[Call], Draw], list[list[Json]]]

ARGUMENTS = st.dictionaries(TEXTS, st.integers() | TEXTS, max_size=2).map(json.dumps)
CALLS = st.lists(st.tuples(st.sampled_from(["get", "put"]), ARGUMENTS), min_size=1, max_size=4)


# ---------------------------------------------------------------- servers' habits


def _pieces(text: str, draw: Draw) -> list[str]:
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=3)))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def _fragment(arguments: str | None, name: str = "", **keys: Any) -> Json:
    function = {"name": name} if name else {}
    if arguments is not None:
        function["arguments"] = arguments
    return {"function": function, **keys}


def by_index(calls: list[Call], draw: Draw) -> list[list[Json]]:
    """Id and name once, then arguments by index, calls mixed: OpenAI's way."""
    tracks = []
    for index, (call_id, name, arguments) in enumerate(calls):
        first, *rest = _pieces(arguments, draw)
        opening = _fragment(first, name, id=call_id, index=index, type="function")
        tracks.append([opening, *(_fragment(piece, index=index) for piece in rest)])
    return _in_turns(tracks, draw)


def repeated(calls: list[Call], draw: Draw) -> list[list[Json]]:
    """Id and name in every fragment."""
    tracks = [
        [
            _fragment(piece, name, id=call_id, index=index, type="function")
            for piece in _pieces(arguments, draw)
        ]
        for index, (call_id, name, arguments) in enumerate(calls)
    ]
    return _in_turns(tracks, draw)


def with_wrong_indexes(calls: list[Call], draw: Draw) -> list[list[Json]]:
    """Id and name in every fragment, indexes at random: Vertex' way."""
    return [
        [_fragment(piece, name, id=call_id, index=draw(st.integers(0, 2)), type="function")]
        for call_id, name, arguments in calls
        for piece in _pieces(arguments, draw)
    ]


def without_indexes(calls: list[Call], draw: Draw) -> list[list[Json]]:
    """Whole calls: AI Studio's way; or in pieces that bear the id."""
    is_whole = draw(st.booleans())
    return [
        [_fragment(piece, name, id=call_id)]
        for call_id, name, arguments in calls
        for piece in ([arguments] if is_whole else _pieces(arguments, draw))
    ]


def all_of_index_zero(calls: list[Call], _draw: Draw) -> list[list[Json]]:
    return [[_fragment(arguments, name, id=call_id, index=0)] for call_id, name, arguments in calls]


def at_once(calls: list[Call], draw: Draw) -> list[list[Json]]:
    """All calls in one delta, with or without indexes."""
    keys = [{"index": n} if draw(st.booleans()) else {} for n in range(len(calls))]
    return [
        [
            _fragment(arguments, name, id=call_id, **more)
            for (call_id, name, arguments), more in zip(calls, keys, strict=True)
        ]
    ]


def _in_turns(tracks: list[list[Json]], draw: Draw) -> list[list[Json]]:
    """Begin the calls in their order; what follows comes as it comes."""
    deltas: list[list[Json]] = []
    open_: list[list[Json]] = []
    for opening, *rest in tracks:
        deltas.append([opening])
        open_ = [one for one in [*open_, rest] if one]
        while open_ and draw(st.booleans()):
            deltas.append([open_[draw(st.integers(0, len(open_) - 1))].pop(0)])
            open_ = [one for one in open_ if one]
    return deltas + [[fragment] for rest in open_ for fragment in rest]


HABITS: tuple[Habit, ...] = (
    by_index,
    repeated,
    with_wrong_indexes,
    without_indexes,
    all_of_index_zero,
    at_once,
)


# ---------------------------------------------------------------- what LangChain is given


def answers_of(deltas: list[list[Json]], finish_reason: str) -> Iterator[AIMessage]:
    """Yield the message that LangChain is given, got in each of the ways."""
    head = {"id": "gen-1", "model": "m", "created": 1}
    said = [{"tool_calls": fragments} for fragments in deltas]
    events: list[Json] = [{**head, "choices": [{"index": 0, "delta": delta}]} for delta in said]
    ending = {"index": 0, "delta": {}, "finish_reason": finish_reason}
    there = served(b"", [*events, {**head, "choices": [ending]}])
    model, model_v1 = model_of(there), model_of(there, output_version="v1")
    for one in (model, model_v1):
        chunks = cast("list[AIMessageChunk]", list(one.stream("Go.")))
        yield reduce(lambda sum_, chunk: sum_ + chunk, chunks)
        yield reduce(lambda sum_, chunk: chunk + sum_, reversed(chunks))
        yield cast("AIMessage", chunks[0] + chunks[1:])
    yield model.stream_events("Go.", version="v3").output


def whole_answers_of(calls: list[Json], finish_reason: str) -> Iterator[AIMessage]:
    message = {"role": "assistant", "content": "", "tool_calls": calls}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    there = served({"id": "gen-1", "model": "m", "created": 1, "choices": [choice]})
    yield model_of(there).invoke("Go.")
    yield model_of(there, output_version="v1").invoke("Go.")


def seen(message: AIMessage) -> list[tuple[str | None, str, Any]]:
    assert message.invalid_tool_calls == []
    blocks = [block for block in message.content_blocks if "tool_call" in block["type"]]
    told = [(block.get("id"), block.get("name"), block.get("args")) for block in blocks]
    calls = [(call["id"], call["name"], call["args"]) for call in message.tool_calls]
    assert told == calls
    return calls


# ---------------------------------------------------------------- laws


@given(calls=CALLS, habit=st.sampled_from(HABITS), data=st.data())
@examples(40)
def test_calls_arrive_once_and_whole(
    calls: list[tuple[str, str]], habit: Habit, data: st.DataObject
) -> None:
    named = [(f"call_{n}", name, arguments) for n, (name, arguments) in enumerate(calls)]
    expected = [(call_id, name, json.loads(arguments)) for call_id, name, arguments in named]
    for message in answers_of(habit(named, data.draw), "tool_calls"):
        assert seen(message) == expected


def test_the_indexes_of_vertex_are_wrong() -> None:
    """As in Google's own example: the first fragment bears the other call's index."""
    indexes = {"call_0": (1, 0, 0), "call_1": (0, 1, 1)}
    deltas = [
        [_fragment(piece, "get", id=call_id, index=index, type="function")]
        for call_id, its in indexes.items()
        for piece, index in zip(('{"city":', '"Par', 'is"}'), its, strict=True)
    ]
    for message in answers_of(deltas, "tool_calls"):
        assert seen(message) == [(call_id, "get", {"city": "Paris"}) for call_id in indexes]


@given(calls=CALLS, data=st.data())
@examples(25)
def test_missing_or_duplicate_ids_become_unique_ones(
    calls: list[tuple[str, str]], data: st.DataObject
) -> None:
    # Equal in all: the same call said again.
    calls = [*{(name, json.dumps(json.loads(args))): (name, args) for name, args in calls}.values()]
    ids = [data.draw(st.sampled_from(["call", "other", "", None])) for _ in calls]
    fragments = [
        _fragment(arguments, name, index=n, **({} if one is None else {"id": one}))
        for n, ((name, arguments), one) in enumerate(zip(calls, ids, strict=True))
    ]
    expected = [(name, json.loads(arguments)) for name, arguments in calls]
    given_ids = set()
    messages = [*answers_of([[one] for one in fragments], "stop")]
    for message in [*messages, *whole_answers_of(fragments, "stop")]:
        found = seen(message)
        assert [(name, args) for _, name, args in found] == expected
        given_ids.add(tuple(call_id for call_id, _, _ in found))
    (same,) = given_ids  # streamed or whole, at every replay
    assert len(set(same)) == len(calls)
    assert all(same)
    first = {one: n for n, one in reversed([*enumerate(ids)]) if one}
    assert all(same[n] == one for one, n in first.items())


def test_calls_stay_in_the_order_of_the_wire_where_one_is_held_back() -> None:
    """The second might say the first again, until the end; what comes behind it waits for it."""
    said = [("put", '{"a": 0}'), ("put", "{}"), ("get", '{"b": 1}'), ("put", '{"c": 2}')]
    fragments = [
        _fragment(arguments, name, index=n, id="call") for n, (name, arguments) in enumerate(said)
    ]
    expected = [(name, json.loads(arguments)) for name, arguments in said]
    in_pieces = [[one] for one in fragments]
    replaced = [*in_pieces[:3], [_fragment('{"d": 3}', index=1)], in_pieces[3]]
    for message in answers_of(in_pieces, "stop"):
        assert [call[1:] for call in seen(message)] == expected
    expected[1] = ("put", {"d": 3})
    for message in answers_of(replaced, "stop"):
        assert [call[1:] for call in seen(message)] == expected


@pytest.mark.parametrize("arguments", ["", None, " ", "{}"])
def test_no_arguments_mean_an_empty_object(arguments: str | None) -> None:
    call = _fragment(arguments, "get", id="call_0", index=0)
    for message in [*answers_of([[call]], "tool_calls"), *whole_answers_of([call], "stop")]:
        assert seen(message) == [("call_0", "get", {})]


@given(calls=CALLS, data=st.data())
@examples(25)
def test_signatures_stay_on_their_calls(calls: list[tuple[str, str]], data: st.DataObject) -> None:
    """In fragments that repeat all, whichever of them bears the signature, once or often."""
    deltas = []
    for number, (name, arguments) in enumerate(calls):
        pieces = _pieces(arguments, data.draw)
        bearer = data.draw(st.integers(0, len(pieces) - 1))
        signed = {"google": {"thought_signature": f"signature {number}"}}
        others = [{}, {"google": {}}, {"google": {"thought_signature": ""}}, {"other": 1}, signed]
        for n, piece in enumerate(pieces):
            extra = signed if n == bearer else data.draw(st.sampled_from(others))
            keys = {"extra_content": extra} if extra else {}
            deltas.append([_fragment(piece, name, id=f"call_{number}", **keys)])
    there = served({"choices": [{"message": {"content": "Yes."}}]})
    for message in answers_of(deltas, "tool_calls"):
        for sent_back in (message, AIMessage(content=cast("Any", message.content_blocks))):
            model_of(there).invoke([HumanMessage("Go."), sent_back])
            sent = there.bodies[-1]["messages"][1]["tool_calls"]
            found = [call["extra_content"]["google"]["thought_signature"] for call in sent]
            assert found == [f"signature {n}" for n in range(len(calls))]


# ---------------------------------------------------------------- cut off, or no JSON object


@st.composite
def unusable(draw: st.DrawFn) -> str:
    """Arguments that are no whole JSON object."""
    if draw(st.booleans()):
        whole = draw(ARGUMENTS)
        return whole[: draw(st.integers(1, len(whole) - 1))]
    return draw(st.sampled_from(["[1]", '"text"', "null", "7", "{'a': 1}", '{"a": NaN}', "x", "}"]))


@given(text=unusable(), habit=st.sampled_from(HABITS), data=st.data())
@example(text="[1]", habit=all_of_index_zero, data=None)
@example(text="{}{}", habit=all_of_index_zero, data=None)  # in fragments it is a second call
@example(text='{"a": 1}}', habit=all_of_index_zero, data=None)
@examples(25)
def test_unusable_arguments_never_make_an_executable_call(
    text: str, habit: Habit, data: st.DataObject | None
) -> None:
    draw = cast("Draw", data.draw if data else None)
    calls = [("call_0", "get", '{"a": 1}'), ("call_1", "put", text)]
    finish_reason = draw(st.sampled_from(["length", "tool_calls", "stop"])) if data else "stop"
    check_second_call_is_invalid(answers_of(habit(calls, draw), finish_reason))
    whole = [_fragment(arguments, name, id=call_id) for call_id, name, arguments in calls]
    check_second_call_is_invalid(whole_answers_of(whole, finish_reason))


@given(habit=st.sampled_from(HABITS), data=st.data())
@examples(12)
def test_an_answer_cut_off_before_the_arguments_makes_no_executable_call(
    habit: Habit, data: st.DataObject
) -> None:
    calls = [("call_0", "get", '{"a": 1}'), ("call_1", "put", "")]
    check_second_call_is_invalid(answers_of(habit(calls, data.draw), "length"))
    whole = [_fragment(arguments, name, id=call_id) for call_id, name, arguments in calls]
    check_second_call_is_invalid(whole_answers_of(whole, "length"))


def check_second_call_is_invalid(messages: Iterator[AIMessage]) -> None:
    for message in messages:
        assert [call["id"] for call in message.tool_calls] == ["call_0"]
        (bad,) = message.invalid_tool_calls
        assert (bad["id"], bad["name"]) == ("call_1", "put")
        blocks = cast("list[Json]", message.content_blocks)
        good = [block["id"] for block in blocks if block["type"] == "tool_call"]
        assert good == ["call_0"]
        back = AIMessage(content=cast("Any", blocks))
        there = served({"choices": [{"message": {"content": "Yes."}}]})
        for one in (message, back):
            result = ToolMessage("found", tool_call_id="call_0")
            model_of(there).invoke([HumanMessage("Go."), one, result])
            sent = there.bodies[-1]["messages"][1]["tool_calls"]
            assert [call["id"] for call in sent] == ["call_0"]
