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
    StreamedToolCalls,
    decode_tool_calls,
    read_tool_calls,
)
from tests.answers import JSON


def call(call_id: Any, name: str = "get", arguments: Any = "{}", **more: Any) -> Any:
    given = {} if call_id is None else {"id": call_id}
    return {**given, "function": {"name": name, "arguments": arguments}, **more}


def whole(*calls: Any, finish_reason: str = "tool_calls") -> tuple[list[Any], list[Any]]:
    read = read_tool_calls({"tool_calls": list(calls)}, completion_id="gen-1")
    return decode_tool_calls(read, finish_reason=finish_reason)


def streamed(
    *deltas: list[Any], finish_reason: str = "tool_calls"
) -> tuple[list[Any], list[Any], StreamedToolCalls]:
    """Feed deltas, add up what LangChain sees of them."""
    calls = StreamedToolCalls(completion_id="gen-1")
    chunks = [AIMessageChunk(content="")]
    for delta in deltas:
        fragments = calls.feed({"tool_calls": delta})
        chunks.append(AIMessageChunk(content="", tool_call_chunks=fragments))
    ends = calls.finish(finish_reason=finish_reason, late=frozenset())
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
        ([call("a"), call("a"), call("a")], ["a", "gen-1-1", "gen-1-2"]),
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
CUT += ['["a"]', "1", "null", "nonsense", '{"a": NaN}', '{"a": "x\ny"}', '"', '{"a": "\\u00']
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
    assert "max_tokens" in bad[0]["error"]
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


@pytest.mark.parametrize("name", STREAMS)
def test_fragments_find_their_call(name: str) -> None:
    deltas, expected = STREAMS[name]
    if "pair" in name:  # the decoder joins halves before LangChain sees them
        _, _, calls = streamed(*deltas)
        assert simple(decode_tool_calls(calls.calls, finish_reason="stop")[0]) == expected
        return
    assert simple(streamed(*deltas)[0]) == expected


def test_each_name_and_id_leaves_once() -> None:
    calls = StreamedToolCalls(completion_id="gen-1")
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
    assert (read.id, read.name, read.arguments) == ("gen-1-0", "get", '{"x": 1}')
    calls = StreamedToolCalls(completion_id="gen-1")
    calls.feed({"function_call": {"name": "get", "arguments": '{"x"'}})
    calls.feed({"function_call": {"arguments": ": 1}"}})
    assert [(one.name, one.arguments) for one in calls.calls] == [("get", '{"x": 1}')]


def test_what_is_to_be_echoed_is_kept_with_its_call() -> None:
    extra = {"google": {"thought_signature": "sig"}}
    calls = StreamedToolCalls()
    calls.feed({"tool_calls": [call("a", extra_content=extra), call("b", extra_content="odd")]})
    calls.feed({"tool_calls": [call("a", arguments="", extra_content={"other": 1})]})
    assert [one.extra_content for one in calls.calls] == [{**extra, "other": 1}, {}]


def test_late_signatures_are_marked_in_the_last_chunk() -> None:
    calls = StreamedToolCalls()
    calls.feed({"tool_calls": [call("a"), call("b"), call("c", arguments='{"x')]})
    ends = calls.finish(finish_reason="stop", late=frozenset({"b"}))
    assert [(one["id"], one["index"], one["name"]) for one in ends] == [
        ("b", 1, None),
        ("c", 2, None),
    ]
    assert ends[0]["args"] == ""


def test_what_has_arrived_of_a_failed_stream_is_not_executable() -> None:
    calls = StreamedToolCalls()
    calls.feed(
        {"tool_calls": [call("a", arguments='{"x": 1}'), call("b", arguments='{"city": "Os')]}
    )
    calls.feed({"tool_calls": [call("c", arguments=""), {"index": 9}]})
    partial = AIMessageChunk(content="", tool_call_chunks=calls.partial())
    assert simple(partial.tool_calls) == [("a", "get", {"x": 1})]
    assert [one["id"] for one in partial.invalid_tool_calls] == ["b", "c", "call-3"]


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
        good, bad = decode_tool_calls(read, finish_reason="stop")
        assert len(good) + len(bad) == len(read)
        streamed([one for one in fragments if isinstance(one, dict)])
