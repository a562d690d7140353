"""Calls of the model, put right: each once, with an id of its own, never from half an answer."""

from __future__ import annotations

import json
from functools import reduce
from operator import add
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessageChunk

from langchain_aimlapi._codec.tool_calls import (
    ToolCalls,
    WireCall,
    decode_tool_calls,
    failed_calls,
    model_arguments,
)
from tests.answers import JSON


def call(call_id: Any, name: str = "get", arguments: Any = "{}", **more: Any) -> Any:
    given = {} if call_id is None else {"id": call_id}
    return {**given, "function": {"name": name, "arguments": arguments}, **more}


def read_tool_calls(message: Any, *, completion_id: str) -> list[WireCall]:
    calls = ToolCalls(completion_id=completion_id)
    calls.read(message)
    return calls.calls


def whole(*calls: Any, finish_reason: str = "tool_calls") -> tuple[list[Any], list[Any]]:
    read = read_tool_calls({"tool_calls": list(calls)}, completion_id="gen-1")
    return decode_tool_calls(read, is_truncated=finish_reason == "length")


def streamed(
    *deltas: list[Any], finish_reason: str = "tool_calls"
) -> tuple[list[Any], list[Any], ToolCalls]:
    """Feed deltas, add up what LangChain sees of them."""
    calls = ToolCalls(completion_id="gen-1")
    chunks = [AIMessageChunk(content="")]
    for delta in deltas:
        fragments = calls.feed({"tool_calls": delta})
        chunks.append(AIMessageChunk(content="", tool_call_chunks=fragments))
    chunks.append(AIMessageChunk(content="", tool_call_chunks=calls.held_back()))
    ends = calls.finish(is_truncated=finish_reason == "length", late=frozenset(), rests={})
    chunks.append(AIMessageChunk(content="", tool_call_chunks=ends, chunk_position="last"))
    total = reduce(add, chunks)
    return total.tool_calls, total.invalid_tool_calls, calls


def simple(calls: list[Any]) -> list[tuple[Any, Any, Any]]:
    return [(one["id"], one["name"], one["args"]) for one in calls]


def test_a_whole_call_is_read() -> None:
    good, bad = whole(call("c-1", "get", '{"city": "Oslo"}'))
    assert good == [{"name": "get", "args": {"city": "Oslo"}, "id": "c-1", "type": "tool_call"}]
    assert bad == []


@pytest.mark.parametrize(
    ("calls", "ids"),
    [
        ([call("a"), call("b")], ["a", "b"]),
        ([call(""), call(None)], ["gen-1-0", "gen-1-1"]),
        (
            [call("a"), call("a", arguments='{"x":1}'), call("a", arguments='{"x":2}')],
            ["a", "gen-1-1", "gen-1-2"],
        ),
        ([call("gen-1-1"), call("")], ["gen-1-1", "gen-1-1x"]),
        ([call(3), call([])], ["gen-1-0", "gen-1-1"]),
    ],
)
def test_every_call_has_an_id_of_its_own(calls: list[Any], ids: list[str]) -> None:
    assert [one["id"] for one in whole(*calls)[0]] == ids
    assert [one["id"] for one in streamed(calls)[0]] == ids


def test_without_an_id_of_the_answer_ids_are_made_all_the_same() -> None:
    [read] = read_tool_calls({"tool_calls": [call(None)]}, completion_id="")
    assert read.id == "call-0"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", {}),
        (None, {}),
        (" \n", {}),
        ("{}", {}),
        (' {"a": 1}', {"a": 1}),
        ({"a": 1}, {"a": 1}),
        ('{"a": "é"}', {"a": "é"}),
    ],
)
def test_arguments_are_read_in_every_form(arguments: Any, expected: Any) -> None:
    one = call("c", "get", arguments)
    assert whole(one)[0][0]["args"] == streamed([one])[0][0]["args"] == expected


def test_arguments_may_be_missing() -> None:
    one = {"id": "c", "function": {"name": "get"}}
    assert simple(whole(one)[0]) == simple(streamed([one])[0]) == [("c", "get", {})]


CUT = [
    '{"city": "Os',
    '{"city": "Oslo"',
    '{"city": ',
    '{"a": [1, 2',
    '{"a": "\\',
    "{",
    '{"a": {"b":',
]
CUT += ['["a"]', '{"a": 1e999}', "1", "null", "nonsense", '{"a": NaN}', '"', '{"a": "\\u00']
CUT += ['{"a": tru', '{"a": 1}]', '{"a"', '{"a": "b",', '{"a": "b", "c', '{"a": [{"b": "c"}', "[{"]


@pytest.mark.parametrize("arguments", CUT)
@pytest.mark.parametrize("finish_reason", ["length", "tool_calls"])
def test_no_call_is_made_of_arguments_that_are_not_whole(
    arguments: str, finish_reason: str
) -> None:
    one = call("c", "get", arguments)
    good, bad = whole(one, finish_reason=finish_reason)
    assert good == []
    assert (bad[0]["id"], bad[0]["name"], bad[0]["args"]) == ("c", "get", arguments)
    assert ("max_tokens" in bad[0]["error"]) is (finish_reason == "length")
    pieces = [call("c", "get", arguments[:3], index=0), call("c", "get", arguments[3:], index=0)]
    for deltas in ([[one]], [[piece] for piece in pieces]):
        good, bad, _ = streamed(*deltas, finish_reason=finish_reason)
        assert good == []
        assert [(one["id"], one["name"]) for one in bad] == [("c", "get")]


@given(st.dictionaries(st.text(), JSON, min_size=1), st.data())
def test_no_beginning_of_arguments_makes_a_call(args: dict[str, Any], data: st.DataObject) -> None:
    text = json.dumps(args)
    begun = text[: data.draw(st.integers(1, len(text) - 1))]
    assert streamed([call("c", "get", begun)])[0] == []
    assert whole(call("c", "get", begun))[0] == []


def test_empty_arguments_at_the_length_limit_are_cut_off() -> None:
    one = call("c", "get", "")
    assert whole(one, finish_reason="length")[0] == []
    assert streamed([one], finish_reason="length")[0] == []
    assert whole(one, finish_reason="stop")[0] != []


def fragment(index: int | None, arguments: str, call_id: str = "", name: str = "") -> Any:
    made: dict[str, Any] = {"function": {"arguments": arguments}}
    if index is not None:
        made["index"] = index
    if call_id:
        made["id"] = call_id
    if name:
        made["function"]["name"] = name
    return made


STREAMS: dict[str, tuple[list[list[Any]], list[tuple[str, str, Any]]]] = {
    "by index": (
        [
            [fragment(0, "", "a", "get")],
            [fragment(1, '{"x"', "b", "put")],
            [fragment(0, '{"y": 1}'), fragment(1, ": 2}")],
        ],
        [("a", "get", {"y": 1}), ("b", "put", {"x": 2})],
    ),
    "id and name repeated, wrong indexes (Vertex)": (
        [
            [fragment(1, '{"x"', "a", "get")],
            [fragment(0, ": 1}", "a", "get")],
            [fragment(0, '{"x"', "b", "get")],
            [fragment(1, ": 2}", "b", "get")],
        ],
        [("a", "get", {"x": 1}), ("b", "get", {"x": 2})],
    ),
    "all with index 0": (
        [[fragment(0, '{"x": 1}', "a", "get")], [fragment(0, '{"x": 2}', "b", "get")]],
        [("a", "get", {"x": 1}), ("b", "get", {"x": 2})],
    ),
    "without index": (
        [[call("a", "get", '{"x": 1}')], [call("b", "put", '{"x": 2}')]],
        [("a", "get", {"x": 1}), ("b", "put", {"x": 2})],
    ),
    "without id or index, one at a time": (
        [[call(None, "get", '{"x": 1}')], [call(None, "get", '{"x": 2}')]],
        [("gen-1-0", "get", {"x": 1}), ("gen-1-1", "get", {"x": 2})],
    ),
    "without id or index, in fragments": (
        [[fragment(None, '{"x"', name="get")], [fragment(None, ": 1}")]],
        [("gen-1-0", "get", {"x": 1})],
    ),
    "without id or index, by place": (
        [
            [fragment(None, '{"x"', name="get"), fragment(None, '{"y"', name="put")],
            [fragment(None, ": 1}"), fragment(None, ": 2}")],
        ],
        [("gen-1-0", "get", {"x": 1}), ("gen-1-1", "put", {"y": 2})],
    ),
    "id and index, the same id again for a second call": (
        [[fragment(0, '{"x": 1}', "a", "get")], [fragment(1, '{"x": 2}', "a", "get")]],
        [("a", "get", {"x": 1}), ("gen-1-1", "get", {"x": 2})],
    ),
    "same index, another name": (
        [[fragment(0, "", name="get")], [fragment(0, "{}", name="put")]],
        [("gen-1-0", "get", {}), ("gen-1-1", "put", {})],
    ),
    "the id comes late": (
        [
            [fragment(0, '{"x"', name="get")],
            [fragment(0, ": 1", "late")],
            [fragment(None, "}", "late")],
        ],
        [("gen-1-0", "get", {"x": 1})],
    ),
    "the name comes late": (
        [[fragment(0, "", "a")], [fragment(0, '{"x": 1}', name="get")]],
        [("a", "get", {"x": 1})],
    ),
    "whitespace after the end": (
        [[fragment(0, '{"x": 1}', "a", "get")], [fragment(0, "\n")]],
        [("a", "get", {"x": 1})],
    ),
    "an id of its own at an index that is taken": (
        [[fragment(0, '{"x"', "a", "get")], [fragment(0, '{"y": 1}', "b", "put")]],
        [("b", "put", {"y": 1})],
    ),
    "half a pair at the end of a piece": (
        [[fragment(0, '{"x": "\ud83d', "a", "get")], [fragment(0, '\ude00"}')]],
        [("a", "get", {"x": "😀"})],
    ),
}


FIVE, SIX = '{"amount": 5}', '{"amount": 6}'
STREAMS |= {
    "nameless, after an empty object of its index": (
        [[fragment(0, "{}", "a", "pay")], [fragment(0, FIVE)]],
        [("a", "pay", {"amount": 5})],
    ),
    "nameless, after an empty object in pieces": (
        [
            [fragment(0, "{", "a", "pay")],
            [fragment(0, "}")],
            [fragment(0, FIVE[:4])],
            [fragment(0, FIVE[4:])],
        ],
        [("a", "pay", {"amount": 5})],
    ),
    "nameless, after an empty object, by position": (
        [[fragment(None, "{}", "a", "pay")], [fragment(None, FIVE)]],
        [("a", "pay", {"amount": 5})],
    ),
    "nameless, with the id, after an empty object": (
        [[fragment(0, "{}", "a", "pay")], [fragment(0, FIVE, "a")]],
        [("a", "pay", {"amount": 5})],
    ),
    "nameless, with an index that nobody has": (
        [[fragment(0, "", "a", "pay")], [fragment(1, FIVE)]],
        [("a", "pay", {"amount": 5})],
    ),
    "only an empty object": (
        [[fragment(0, "{", "a", "pay")], [fragment(0, " }")]],
        [("a", "pay", {})],
    ),
    "nameless, after whole arguments": (
        [[fragment(0, FIVE, "a", "pay")], [fragment(0, SIX)]],
        [("a", "pay", {"amount": 5})],
    ),
    "nameless and the same": (
        [[fragment(0, FIVE, "a", "pay")], [fragment(0, FIVE)], [fragment(0, FIVE, "a")]],
        [("a", "pay", {"amount": 5})],
    ),
    "never a name": ([[fragment(0, FIVE, "a")], [fragment(1, "", "b")]], []),
    "a name of blanks": ([[fragment(0, FIVE, "a", " ")]], []),
    "the id changes between two fragments": (
        [
            [fragment(0, FIVE[:4], "a", "pay")],
            [fragment(0, FIVE[4:9], "b")],
            [fragment(0, FIVE[9:], "b")],
        ],
        [("a", "pay", {"amount": 5})],
    ),
    "an id of its own comes before the name": (
        [[fragment(0, "{}", "a", "pay")], [fragment(0, "", "b")], [fragment(0, FIVE, "b", "pay")]],
        [("a", "pay", {}), ("b", "pay", {"amount": 5})],
    ),
    "two fragments of one call in one delta": (
        [[fragment(0, "", "a"), fragment(0, FIVE[:4], "a", "pay")], [fragment(0, FIVE[4:], "a")]],
        [("a", "pay", {"amount": 5})],
    ),
    "the same event twice": (
        [[fragment(0, FIVE, "a", "pay")], [fragment(0, FIVE, "a", "pay")]],
        [("a", "pay", {"amount": 5})],
    ),
    "the same call again, not adjacent, at another index, written otherwise": (
        [
            [fragment(0, '{"a": 1, "b": 2}', "a", "pay"), fragment(1, "{}", "b", "get")],
            [fragment(7, '{"b":2,"a":1}', "a", "pay"), fragment(9, "{}", "b", "get")],
        ],
        [("a", "pay", {"a": 1, "b": 2}), ("b", "get", {})],
    ),
    "a call in pieces, then whole once more": (
        [
            [fragment(0, FIVE[:4], "a", "pay")],
            [fragment(0, FIVE[4:])],
            [fragment(0, FIVE, "a", "pay")],
        ],
        [("a", "pay", {"amount": 5})],
    ),
    "a call in pieces, twice": (
        [[fragment(0, FIVE[:4], "a", "pay")], [fragment(0, FIVE[4:], "a")]] * 2,
        [("a", "pay", {"amount": 5})],
    ),
    "a call in pieces, three times, at other indexes, written otherwise": (
        [
            *([fragment(0, piece, "a", "pay")] for piece in (FIVE[:4], FIVE[4:])),
            *([fragment(1, piece, "a", "pay")] for piece in ("{", '"amount"', ":5", "}")),
            *([fragment(0, piece, "a", "pay")] for piece in ("", FIVE[:4], FIVE[4:], "\n")),
        ],
        [("a", "pay", {"amount": 5})],
    ),
    "pieces of a second call between those of a double": (
        [
            [fragment(0, FIVE, "a", "pay")],
            [fragment(0, FIVE[:4], "a", "pay")],
            [fragment(1, SIX[:4], "b", "pay")],
            [fragment(0, FIVE[4:])],
            [fragment(1, SIX[4:])],
        ],
        [("a", "pay", {"amount": 5}), ("b", "pay", {"amount": 6})],
    ),
    "in pieces, without an id, the same at the same index": (
        [[fragment(0, FIVE[:4], name="pay")], [fragment(0, FIVE[4:])]] * 2,
        [("gen-1-0", "pay", {"amount": 5})],
    ),
    "in pieces, nameless and the same": (
        [[fragment(0, FIVE, "a", "pay")], [fragment(0, FIVE[:4])], [fragment(0, FIVE[4:])]],
        [("a", "pay", {"amount": 5})],
    ),
    "in pieces, other arguments under one id": (
        [
            [fragment(0, FIVE, "a", "pay")],
            [fragment(0, SIX[:4], "a", "pay")],
            [fragment(0, SIX[4:])],
        ],
        [("a", "pay", {"amount": 5}), ("gen-1-1", "pay", {"amount": 6})],
    ),
    "in pieces, an empty object under one id": (
        [[fragment(0, FIVE, "a", "pay")], [fragment(0, "{", "a", "pay")], [fragment(0, "}")]],
        [("a", "pay", {"amount": 5}), ("gen-1-1", "pay", {})],
    ),
    "in pieces, an empty object before the same": (
        [[fragment(0, FIVE, "a", "pay")], [fragment(0, "{}", "a", "pay")], [fragment(0, FIVE)]],
        [("a", "pay", {"amount": 5})],
    ),
    "a piece that looks like the whole call": (
        [
            [fragment(0, FIVE, "a", "pay")],
            [fragment(0, '{"of": ', "a", "pay")],
            [fragment(0, FIVE)],
            [fragment(0, "}")],
        ],
        [("a", "pay", {"amount": 5}), ("gen-1-1", "pay", {"of": {"amount": 5}})],
    ),
    "without an id, the same at the same index": (
        [[fragment(0, FIVE, name="pay")]] * 2,
        [("gen-1-0", "pay", {"amount": 5})],
    ),
    "without an id, the same at another index": (
        [[fragment(0, FIVE, name="pay")], [fragment(1, FIVE, name="pay")]],
        [("gen-1-0", "pay", {"amount": 5}), ("gen-1-1", "pay", {"amount": 5})],
    ),
    "equal arguments of unequal types": (
        [[fragment(0, '{"a": 1}', "a", "pay")], [fragment(0, '{"a": true}', "a", "pay")]],
        [("a", "pay", {"a": 1}), ("gen-1-1", "pay", {"a": True})],
    ),
    "other arguments under one id": (
        [[fragment(0, FIVE, "a", "pay")], [fragment(0, SIX, "a", "pay")]],
        [("a", "pay", {"amount": 5}), ("gen-1-1", "pay", {"amount": 6})],
    ),
    "raw control characters in strings": (
        [
            [fragment(0, '{"a": "x\n', "a", "get")],
            [fragment(0, 'y\t\\"', "a"), fragment(0, '\x01"}')],
        ],
        [("a", "get", {"a": 'x\ny\t"\x01'})],
    ),
    "control characters between the values": (
        [[fragment(0, '{\n\t"a": 1', "a", "get")], [fragment(0, "\n}")]],
        [("a", "get", {"a": 1})],
    ),
    "an escape cut in two": (
        [[fragment(0, '{"a": "x\n\\', "a", "get")], [fragment(0, '"\n"}')]],
        [("a", "get", {"a": 'x\n"\n'})],
    ),
}


@pytest.mark.parametrize("name", STREAMS)
def test_fragments_find_their_call(name: str) -> None:
    deltas, expected = STREAMS[name]
    if "pair" in name:  # the decoder joins halves before LangChain sees them
        _, _, calls = streamed(*deltas)
        assert simple(decode_tool_calls(calls.calls, is_truncated=False)[0]) == expected
        return
    good, bad, calls = streamed(*deltas)
    assert simple(good) == expected
    whole_good, whole_bad = decode_tool_calls(calls.calls, is_truncated=False)
    assert simple(whole_good) == expected
    assert [one["id"] for one in whole_bad] == [one["id"] for one in bad]


@pytest.mark.parametrize(
    ("deltas", "bad"),
    [
        ([[fragment(0, FIVE, "a", "pay")], [fragment(0, SIX)]], [("gen-1-1", None)]),
        ([[fragment(0, FIVE, "a", "pay")], [fragment(0, SIX, "a")]], [("gen-1-1", None)]),
        ([[fragment(0, FIVE, "a", "pay")], [fragment(0, SIX, "b")]], [("b", None)]),
        ([[fragment(0, FIVE, "a")], [fragment(1, "", "b")]], [("a", None), ("b", None)]),
        ([[fragment(0, "{}", "a")]], [("a", None)]),
        ([[fragment(0, "{", "a", "pay")]], [("a", "pay")]),
    ],
)
def test_a_call_without_a_name_is_invalid(deltas: list[Any], bad: list[Any]) -> None:
    good, found, calls = streamed(*deltas)
    assert [(one["id"], one["name"]) for one in found] == bad
    assert all(one["name"] == "pay" for one in good)
    _, whole = decode_tool_calls(calls.calls, is_truncated=False)
    assert [(one["id"], one["name"]) for one in whole] == bad


@pytest.mark.parametrize("name", ["", None, " ", 3, "missing"])
def test_a_whole_call_without_a_name_is_invalid(name: Any) -> None:
    function = {"arguments": FIVE} | ({} if name == "missing" else {"name": name})
    good, bad = whole({"id": "a", "function": function}, call("b", "pay", FIVE))
    assert simple(good) == [("b", "pay", {"amount": 5})]
    assert (bad[0]["id"], bad[0]["name"], bad[0]["args"]) == ("a", None, FIVE)
    assert "no name" in bad[0]["error"]


def test_what_was_said_twice_in_pieces_is_left_out_of_a_whole_answer() -> None:
    pieces = [[fragment(0, FIVE[:4], "a", "pay")], [fragment(0, FIVE[4:], "a")]]
    _, _, calls = streamed(*pieces, *pieces)
    good, bad = decode_tool_calls(calls.calls, is_truncated=False)
    assert (simple(good), bad) == ([("a", "pay", {"amount": 5})], [])


def test_a_whole_answer_says_a_call_once() -> None:
    twice = [call("a", "pay", FIVE), call("a", "pay", '{"amount":5}'), call("a", "pay", SIX)]
    assert simple(whole(*twice)[0]) == [
        ("a", "pay", {"amount": 5}),
        ("gen-1-1", "pay", {"amount": 6}),
    ]
    assert simple(whole(call("a", arguments=""), call("a"))[0]) == [("a", "get", {})]
    signed = call("a", "pay", FIVE, extra_content={"google": {"thought_signature": "late"}})
    [read] = read_tool_calls(
        {"tool_calls": [call("a", "pay", FIVE), signed]}, completion_id="gen-1"
    )
    assert read.extra_content == {"google": {"thought_signature": "late"}}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ('{"a": tru', "not valid JSON: "),
        ('{"a": NaN}', "not valid JSON: "),
        ('{"a": 1e999}', "hold a number that is too large."),
        ("{'a': 1}", "not valid JSON: "),
        ("[1]", "a JSON array, not an object"),
        ('"a"', "a JSON string, not"),
        ("null", "a JSON null, not"),
        ("true", "a JSON boolean, not"),
        ("1.5", "a JSON number, not"),
    ],
)
def test_an_invalid_call_says_what_is_wrong_with_it(arguments: str, words: str) -> None:
    [bad] = whole(call("a", "get", arguments))[1]
    assert words in bad["error"]
    assert "cut off" not in bad["error"]
    [cut] = whole(call("a", "get", arguments), finish_reason="length")[1]
    assert "cut off (max_tokens)" in cut["error"]


@pytest.mark.parametrize("text", [one for one in CUT if one.strip()])
def test_what_was_appended_to_arguments_can_be_taken_off(text: str) -> None:
    _, [bad], _ = streamed([call("a", "get", text)])
    shown = model_arguments(bad)
    assert shown in (text, text.removesuffix('"'), text.removesuffix('""'))
    [bad] = whole(call("a", "get", text))[1]
    assert model_arguments(bad) == text


def test_of_a_nameless_call_too() -> None:
    for text in ("", "{}", FIVE):
        _, [bad], _ = streamed([call("a", "", text)])
        assert model_arguments(bad) == text.removesuffix("{}")
    bad["args"] = None
    assert model_arguments(bad) == ""


def test_raw_control_characters_are_the_only_thing_forgiven() -> None:
    assert whole(call("a", "get", '{"a": "x\ny"}'))[0][0]["args"] == {"a": "x\ny"}
    for text in ('{"a": "x\ny", "b": NaN}', '{"a": "x\ny"', '{"a": "x\ny"} 1', "{\n'a': 1}"):
        assert whole(call("a", "get", text))[0] == []
        assert streamed([call("a", "get", text)])[0] == []


def test_each_name_and_id_leaves_once() -> None:
    calls = ToolCalls(completion_id="gen-1")
    chunks = [
        chunk
        for piece in ('{"x"', ": ", "1}")
        for chunk in calls.feed({"tool_calls": [fragment(3, piece, "a", "get")]})
    ]
    assert [chunk["id"] for chunk in chunks] == ["a", None, None]
    assert [chunk["name"] for chunk in chunks] == ["get", None, None]
    assert [chunk["index"] for chunk in chunks] == [0, 0, 0]


def test_the_older_form_of_one_call_is_read() -> None:
    older = {"function_call": {"name": "get", "arguments": '{"x": 1}'}}
    [read] = read_tool_calls(older, completion_id="gen-1")
    assert (read.id, read.name, read.arguments.text) == ("gen-1-0", "get", '{"x": 1}')
    calls = ToolCalls(completion_id="gen-1")
    calls.feed({"function_call": {"name": "get", "arguments": '{"x"'}})
    calls.feed({"function_call": {"arguments": ": 1}"}})
    assert [(one.name, one.arguments.text) for one in calls.calls] == [("get", '{"x": 1}')]


def test_what_is_to_be_echoed_is_kept_with_its_call() -> None:
    extra = {"google": {"thought_signature": "sig"}}
    calls = ToolCalls()
    calls.feed({"tool_calls": [call("a", extra_content=extra), call("b", extra_content="odd")]})
    calls.feed({"tool_calls": [call("a", arguments="", extra_content={"other": 1})]})
    assert [one.extra_content for one in calls.calls] == [{**extra, "other": 1}, {}]


def test_late_signatures_are_marked_in_the_last_chunk() -> None:
    calls = ToolCalls()
    calls.feed({"tool_calls": [call("a"), call("b"), call("c", arguments='{"x')]})
    ends = calls.finish(is_truncated=False, late=frozenset({"b"}), rests={})
    assert [(one["id"], one["index"], one["name"]) for one in ends] == [
        ("b", 1, None),
        ("c", 2, None),
    ]
    assert ends[0]["args"] == ""


def test_what_has_arrived_of_a_failed_stream_is_not_executable() -> None:
    calls = ToolCalls()
    calls.feed(
        {"tool_calls": [call("a", arguments='{"x": 1}'), call("b", arguments='{"city": "Os')]}
    )
    calls.feed({"tool_calls": [call("c", arguments=""), {"index": 9, "id": "d"}]})
    failed = failed_calls(calls.calls)
    assert [(one["id"], one["name"], one["args"]) for one in failed] == [
        ("a", "get", '{"x": 1}'),
        ("b", "get", '{"city": "Os'),
        ("c", "get", ""),
        ("d", None, ""),
    ]
    assert all("none of its calls may be run" in str(one["error"]) for one in failed)


ODD: st.SearchStrategy[Any] = st.none() | JSON | st.just([]) | st.just({})


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={"id": ODD, "index": ODD, "function": ODD, "extra_content": ODD, "type": ODD},
        )
    )
)
def test_any_fragments_are_read_without_an_error(fragments: list[Any]) -> None:
    for calls in (fragments, {"a": 1}, None):
        message = {"tool_calls": calls, "function_call": fragments}
        read = read_tool_calls(message, completion_id="gen-1")
        ids = [one.id for one in read]
        assert len(set(ids)) == len(ids)
        good, bad = decode_tool_calls(read, is_truncated=False)
        assert len(good) + len(bad) == len(read)
        streamed([one for one in fragments if isinstance(one, dict)])
