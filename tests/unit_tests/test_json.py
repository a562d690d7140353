"""JSON is read tolerantly from the wire, written strictly to it."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_aimlapi._json import (
    Halves,
    decode_arguments,
    decode_event,
    decode_json,
    encode_json,
    encode_message,
    encode_request_body,
    json_text,
    replace_surrogates,
)
from tests.answers import JSON

DEEP = b"[" * 5000 + b"]" * 5000
TOO_DEEP = b"[" * 260 + b'"\\ud83d"' + b"]" * 260

RUNNING = frozenset({"content", "text"})


@given(JSON, st.booleans())
def test_reading_takes_back_what_was_written(value: Any, ascii_only: bool) -> None:  # noqa: FBT001  drawn
    data = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert decode_json(data) == decode_json(data.decode()) == value
    assert decode_event(data, running=RUNNING) == (value, False)


def test_a_mark_of_byte_order_is_passed_over() -> None:
    assert decode_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@pytest.mark.parametrize("data", [b"", b"{", b"<html>", b'"\xff"', DEEP, TOO_DEEP, b"1" * 9000])
def test_what_is_not_json_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode_json(data)
    with pytest.raises(ValueError, match=r".+"):
        decode_event(data, running=RUNNING)


def test_escaped_pairs_are_joined_and_halves_replaced() -> None:
    data = rb'{"\ud83d": ["\ud83d\ude00", "a\ud83d", "\ude00b", 1, null]}'
    assert decode_json(data) == {"\ufffd": ["😀", "a\ufffd", "\ufffdb", 1, None]}
    assert decode_event(data, running=RUNNING) == (decode_json(data), True)


def test_halves_are_left_alone_in_running_text_only() -> None:
    data = (
        rb'{"a": {"content": "\ud83d", "id": "\ud83d"}, "text": ["\ud83d"], "data": "\ud83d\ude00"}'
    )
    expected = {"a": {"content": "\ud83d", "id": "\ufffd"}, "text": ["\ufffd"], "data": "😀"}
    assert decode_event(data, running=RUNNING) == (expected, True)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", {}),
        ("{}", {}),
        ('{"city": "Zürich"} \n', {"city": "Zürich"}),
        ('{"a": 12345678901234567890123}', {"a": 12345678901234567890123}),
        ('{"city": "Os', None),
        ('{"city": "Oslo"', None),
        ("{'city': 'Oslo'}", None),
        ('{"a": "line\nbreak"}', None),
        ('{"a": NaN}', None),
        ('{"a": Infinity}', None),
        ('{"a": [-1e999]}', None),
        ('{"a": 1' + 400 * "0" + ".5}", None),
        ('{"a": 1e-999}', {"a": 0.0}),
        ('{"a": "1e999"}', {"a": "1e999"}),
        ('{"a": 1' + 400 * "0" + "}", {"a": 10**400}),
        ("[1]", None),
        ("null", None),
        ("1", None),
        ('{"a": 1} {"b": 2}', None),
        ("  ", None),
    ],
)
def test_arguments_are_a_whole_object_or_nothing(text: str, arguments: Any) -> None:
    assert decode_arguments(text) == arguments


def test_small_values_are_written_compactly_in_their_order() -> None:
    assert encode_json({"b": "é", "a": [1, 1.0, None]}, where="x") == '{"b":"é","a":[1,1.0,null]}'


RECURSIVE: list[Any] = []
RECURSIVE.append(RECURSIVE)
UNSAYABLE = [math.nan, math.inf, datetime.now(tz=UTC), {1}, object(), b"x", RECURSIVE]


@pytest.mark.parametrize("value", UNSAYABLE, ids=lambda value: type(value).__name__)
def test_what_json_cannot_say_is_an_error_that_names_it(value: Any) -> None:
    with pytest.raises(ValueError, match="The answer cannot be written as JSON"):
        encode_json({"a": value}, where="The answer")
    with pytest.raises(ValueError, match="The request cannot be written as JSON"):
        encode_request_body({"model": "m", "messages": [], "a": value})


def test_text_of_any_value_never_fails() -> None:
    assert json_text({"a": "é"}) == '{"a":"é"}'
    assert json_text({"a": {1}}) == "{'a': {1}}"


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), JSON), st.lists(JSON))
def test_a_request_is_read_back_as_it_was(settings: dict[str, Any], messages: list[Any]) -> None:
    request = {**settings, "messages": messages}
    assert json.loads(encode_request_body(request)) == request


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        ([{"role": "user", "content": "a\ud83d"}], r": message 0 \(user\), '\\ud83d'"),
        (
            [
                {"role": "user", "content": "fine"},
                {"role": "user", "content": [{"type": "text", "text": "\ude00"}]},
            ],
            r": message 1 \(user\), '\\\\ude00'|: message 1 \(user\), '\\ude00'",
        ),
        (
            [{"role": "assistant", "tool_calls": [{"function": {"arguments": "\ud83d"}}]}],
            r": message 0 \(assistant\)",
        ),
    ],
)
def test_half_a_pair_in_a_message_is_an_error_that_tells_where(messages: Any, place: str) -> None:
    with pytest.raises(ValueError, match=place):
        encode_request_body({"messages": messages})


def test_half_a_pair_in_a_setting_is_an_error_too() -> None:
    with pytest.raises(ValueError, match="half a surrogate pair"):
        encode_request_body({"stop": ["\ud83d"], "messages": []})


@given(st.text(max_size=8), st.data())
def test_halves_are_joined_wherever_a_text_is_cut(text: str, data: st.DataObject) -> None:
    units = text.encode("utf-16-le", "surrogatepass")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(units) // 2), max_size=4)))
    pieces = [
        units[2 * a : 2 * b].decode("utf-16-le", "surrogatepass")
        for a, b in zip([0, *cuts], [*cuts, len(units) // 2], strict=True)
    ]
    halves = Halves()
    shown = "".join(halves.join("content", piece) for piece in pieces)
    assert shown + halves.rests("content", "refusal").get("content", "") == replace_surrogates(text)
    assert halves.rests("content") == {}


def test_halves_of_different_texts_never_meet() -> None:
    halves = Halves()
    assert halves.join("a", "\ud83d") == ""
    assert halves.join("b", "\ude00") == "\ufffd"
    assert halves.join("a", "\ude00") == "😀"


def test_keys_that_are_no_text_are_refused_where_they_stand() -> None:
    content = [{"type": "text", "text": "a", "cache_control": {1: "ephemeral"}}]
    place = r"message 2 \(user\)\.content\[0\]\.cache_control"
    with pytest.raises(ValueError, match=place):
        encode_message({"role": "user", "content": content}, 2, is_plain=False)


@pytest.mark.parametrize("odd", UNSAYABLE[:-1])
def test_nothing_odd_is_sent_and_its_place_is_named(odd: Any) -> None:
    part = {"type": "text", "text": "a", "cache_control": {"ttl": [odd]}}
    messages: list[Any] = [{"role": "user", "content": [part]}]
    with pytest.raises(ValueError, match=r"message 0 \(user\)\.content\[0\]\.cache_control"):
        encode_request_body({"messages": messages})
    details = [{"type": "reasoning.encrypted", "data": odd}]
    messages = [{"role": "user", "content": "x"}]
    messages.append({"role": "assistant", "content": "", "reasoning_details": details})
    with pytest.raises(ValueError, match=r"message 1 \(assistant\)\.reasoning_details\[0\]\.data"):
        encode_request_body({"messages": messages})


def test_what_is_nested_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="nested too deep"):
        encode_request_body({"messages": [{"role": "user", "content": [RECURSIVE]}]})


@pytest.mark.parametrize("levels", [260, 400, 5000])
@pytest.mark.parametrize("is_plain", [False, True])
def test_what_is_nested_too_deep_is_not_taken_for_odd_text(levels: int, is_plain: bool) -> None:  # noqa: FBT001  a case
    deep: Any = "text"
    for level in range(levels):
        deep = [deep] if level % 2 else {"inner": deep}
    with pytest.raises(ValueError, match=r"message 3 \(user\).*: JSON is nested too deep"):
        encode_message({"role": "user", "content": deep}, 3, is_plain=is_plain)


def test_what_the_encoder_alone_refuses_is_told_in_its_words() -> None:
    with pytest.raises(ValueError, match="It cannot be written as JSON: Exceeds the limit"):
        encode_json({"x": 10**5000}, where="It")
    deep: Any = []
    for _ in range(100_000):  # Python 3.13 writes 3,000 levels
        deep = [deep]
    with pytest.raises(ValueError, match="It cannot be written as JSON: JSON is nested too deep"):
        encode_json(deep, where="It")
