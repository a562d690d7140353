"""Reasoning and signatures: gathered from fragments, kept verbatim, sent back unchanged."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_aimlapi._codec.reasoning import Signatures, first_signature
from langchain_aimlapi._codec.signature_reader import SignatureReader, reasoning_text
from langchain_aimlapi._codec.tool_calls import ToolCalls, WireCall
from tests.answers import JSON, Json

TEXT: Json = {"type": "reasoning.text", "text": "thought", "format": "google-gemini-v1", "index": 0}
DATA: Json = {
    "type": "reasoning.encrypted",
    "data": "Eq0",
    "format": "google-gemini-v1",
    "index": 0,
}
EXTRA: Json = {"google": {"thought_signature": "sig"}}


def read_tool_calls(message: Json, *, completion_id: str) -> list[WireCall]:
    calls = ToolCalls(completion_id=completion_id)
    calls.read(message)
    return calls.calls


def calls_of(*ids: str) -> list[WireCall]:
    fragments = [
        {"id": one, "function": {"name": "get", "arguments": {"n": number}}}
        for number, one in enumerate(ids)
    ]
    return read_tool_calls({"tool_calls": fragments}, completion_id="gen-1")


def read_reasoning(message: Json, *, calls: list[WireCall]) -> Json:
    reader = SignatureReader()
    reader.feed(message)
    return reader.signatures(calls=calls, text=reasoning_text(message)).to_kwargs()


def write_reasoning(kept: Json, *, call_ids: list[str]) -> tuple[Json, Json]:
    return Signatures.from_kwargs(kept).to_wire(call_ids=call_ids)


def gathered(*deltas: list[Any], calls: list[WireCall] | None = None) -> list[Json]:
    reader = SignatureReader()
    for fragments in deltas:
        reader.feed({"reasoning_details": fragments})
    return reader.signatures(calls=calls or []).details


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"reasoning": "a", "reasoning_content": "b", "reasoning_details": [TEXT]}, "a"),
        ({"reasoning": "", "reasoning_content": "b"}, "b"),
        ({"reasoning": None, "reasoning_details": [TEXT, DATA, {"summary": "!"}]}, "thought!"),
        ({"reasoning": 3, "reasoning_details": "odd"}, ""),
        ({"reasoning_details": ["odd", {"text": 3}, {"text": None}]}, ""),
        ({}, ""),
    ],
)
def test_the_same_words_are_shown_once(message: Json, text: str) -> None:
    assert reasoning_text(message) == text


def test_a_message_keeps_what_arrived_and_nothing_else() -> None:
    assert read_reasoning({"content": "a"}, calls=[]) == {}
    assert read_reasoning({"reasoning_details": [], "extra_content": {}}, calls=[]) == {}
    assert read_reasoning({"reasoning_details": "x", "extra_content": 1}, calls=[]) == {}
    message = {"reasoning": "thought", "reasoning_details": [TEXT, 7, DATA], "extra_content": EXTRA}
    assert read_reasoning(message, calls=[]) == {
        "reasoning_content": "thought",
        "reasoning_details": [TEXT, DATA],
        "extra_content": EXTRA,
    }


def test_a_detail_is_bound_to_its_call() -> None:
    signed = {**DATA, "id": "b"}
    kept = read_reasoning({"reasoning_details": [TEXT, signed]}, calls=calls_of("a", "b"))
    assert kept["signed_tool_calls"] == ["b"]
    assert kept["reasoning_details"] == [TEXT, signed]


def test_a_second_call_with_the_same_id_has_its_own_detail() -> None:
    details = [{**DATA, "id": "a", "data": data} for data in ("one", "two", "three")]
    kept = read_reasoning({"reasoning_details": details}, calls=calls_of("a", "a"))
    assert [one["id"] for one in kept["reasoning_details"]] == ["a", "gen-1-1", "gen-1-1"]
    assert kept["signed_tool_calls"] == ["a", "gen-1-1"]


def test_a_detail_without_a_call_of_its_id_is_bound_to_none() -> None:
    details = [{**DATA, "id": "a"}, {**DATA, "id": ""}, {**DATA, "id": ["odd"]}]
    kept = read_reasoning({"reasoning_details": details}, calls=calls_of("", "b"))
    assert kept == {"reasoning_details": details}


def test_a_call_keeps_its_extra_content() -> None:
    fragments = [{"id": "a", "extra_content": EXTRA}, {"id": "b"}]
    calls = read_tool_calls({"tool_calls": fragments}, completion_id="gen-1")
    assert read_reasoning({}, calls=calls) == {"tool_call_extra_content": {"a": EXTRA}}


STREAMS: list[tuple[list[list[Any]], list[Json]]] = [
    ([[TEXT], [{**TEXT, "text": "!"}], [DATA]], [{**TEXT, "text": "thought!"}, DATA]),
    ([[DATA], [TEXT]], [DATA, TEXT]),
    ([[DATA], [DATA]], [DATA]),
    ([[DATA], [{**DATA, "data": "Fr1"}]], [{**DATA, "data": "Eq0Fr1"}]),
    ([[DATA, DATA]], [DATA, DATA]),
    ([[{**DATA, "id": "a"}], [{**DATA, "id": "b"}]], [{**DATA, "id": "a"}, {**DATA, "id": "b"}]),
    ([[{**TEXT, "index": 1}], [TEXT]], [{**TEXT, "index": 1}, TEXT]),
    (
        [[{**TEXT, "text": "", "signature": ""}], [TEXT], [{**TEXT, "text": "", "signature": "s"}]],
        [{**TEXT, "signature": "s"}],
    ),
    (
        [[{**TEXT, "signature": "s"}], [{**TEXT, "text": "!", "signature": ""}]],
        [{**TEXT, "text": "thought!", "signature": "s"}],
    ),
    ([[{**TEXT, "signature": None}], [{**TEXT, "text": ""}]], [{**TEXT, "signature": None}]),
    (
        [[{"type": "reasoning.text", "signature": "s", "index": 0}]],
        [{"type": "reasoning.text", "signature": "s", "index": 0}],
    ),
    (
        [[{"type": "reasoning.new", "x": [1], "id": None}]],
        [{"type": "reasoning.new", "x": [1], "id": None}],
    ),
    (
        [
            [{"type": ["odd"], "index": {}, "text": "a"}],
            [{"type": ["odd"], "index": {}, "text": "b"}],
        ],
        [{"type": ["odd"], "index": {}, "text": "ab"}],
    ),
    ([["odd", 3, None, TEXT]], [TEXT]),
    ([[{**TEXT, "text": 3}]], [{**TEXT, "text": 3}]),
    ([[]], []),
]


@pytest.mark.parametrize(("deltas", "expected"), STREAMS)
def test_fragments_make_the_details_of_the_whole(deltas: list[Any], expected: list[Json]) -> None:
    assert gathered(*deltas) == expected


def test_the_order_of_keys_is_that_of_arrival() -> None:
    [detail] = gathered([TEXT], [{**TEXT, "text": "!"}])
    assert list(detail) == list(TEXT)


def test_extra_content_is_laid_over_what_came_before() -> None:
    reader = SignatureReader()
    for extra in (EXTRA, {"google": {"thought_signature": "", "more": 1}, "new": None}, "odd", {}):
        reader.feed({"extra_content": extra})
    kept = reader.signatures(text="thought", calls=[])
    assert kept.extra_content == {"google": {"thought_signature": "sig", "more": 1}, "new": None}
    assert kept.text == "thought"


@given(st.lists(st.lists(JSON, max_size=3), max_size=4))
def test_any_fragments_are_gathered_without_an_error(deltas: list[list[Any]]) -> None:
    details = gathered(*deltas, calls=calls_of("a"))
    assert all(isinstance(detail, dict) for detail in details)


def test_what_arrived_goes_back_as_it_came() -> None:
    kept = {
        "reasoning_content": "thought",
        "reasoning_details": [TEXT, DATA],
        "extra_content": EXTRA,
    }
    assert write_reasoning(kept, call_ids=[]) == (
        {"reasoning_details": [TEXT, DATA], "extra_content": EXTRA},
        {},
    )
    assert write_reasoning({}, call_ids=["a"]) == ({}, {})


def test_text_goes_back_only_without_details() -> None:
    assert write_reasoning({"reasoning_content": "t"}, call_ids=[]) == ({"reasoning": "t"}, {})
    odd: Any
    for odd in ("odd", {}, None):
        kept = {"reasoning_content": "t", "reasoning_details": odd}
        assert write_reasoning(kept, call_ids=[]) == ({"reasoning": "t"}, {})


def test_all_details_leave_with_a_call_that_had_one() -> None:
    kept = {
        "reasoning_details": [TEXT, {**DATA, "id": "a"}, {**DATA, "id": "b"}, {**DATA, "id": "x"}],
        "signed_tool_calls": ["a", "b", 3],
    }
    assert write_reasoning(kept, call_ids=["b"]) == ({}, {})
    # "x" was no call of the message: its detail binds nothing.
    fields, _ = write_reasoning(kept, call_ids=["b", "a"])
    assert fields == {"reasoning_details": kept["reasoning_details"]}
    only = {"reasoning_details": [{**DATA, "id": "a"}], "signed_tool_calls": ["a"]}
    assert write_reasoning(only, call_ids=[]) == ({}, {})


def test_without_bindings_all_details_stay() -> None:
    kept = {"reasoning_details": [{**DATA, "id": "a"}, "odd"], "signed_tool_calls": "odd"}
    assert write_reasoning(kept, call_ids=[])[0] == {"reasoning_details": kept["reasoning_details"]}
    kept["signed_tool_calls"] = ["z"]
    assert write_reasoning(kept, call_ids=[])[0] == {"reasoning_details": kept["reasoning_details"]}


def test_extra_content_goes_back_on_the_calls_that_are_left() -> None:
    kept = {"tool_call_extra_content": {"a": EXTRA, "b": {"x": 1}}}
    assert write_reasoning(kept, call_ids=["b", "c"]) == ({}, {"b": {"extra_content": {"x": 1}}})
    assert write_reasoning({"tool_call_extra_content": "odd"}, call_ids=["b"]) == ({}, {})


@pytest.mark.parametrize(
    ("value", "signature"),
    [
        (DATA, "Eq0"),
        (EXTRA, "sig"),
        ([TEXT, {"x": [{"y": {"signature": "deep"}}]}], "deep"),
        ({"signature": "", "data": None, "thought_signature": 3}, ""),
        ([], ""),
        ("text", ""),
        (None, ""),
    ],
)
def test_a_signature_is_found_at_any_depth(value: Any, signature: str) -> None:
    assert first_signature(value) == signature
