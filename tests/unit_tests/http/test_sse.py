"""Server-sent events are cut from bytes as the standard says, wherever the bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_aimlapi._http.sse import EventSplitter, EventTooLongError

LINES = [
    "\ufeffdata: {}",
    "",
    ": OPENROUTER PROCESSING",
    "",
    "event: message",
    "id: 7",
    "retry: 10",
    "data: one",
    "data:two",
    "data:  three",
    "data",
    "",
    "",
    "data: a\u2028b\u0085c\x0bd\x1ce é 😀",
    "",
    "unknown: line",
    "datax: no data",
    "",
    "data: [DONE]",
    "",
    "data: without an end",
]
STREAM = "\n".join(LINES)
EVENTS = [
    "{}",
    "one\ntwo\n three\n",
    "a\u2028b\u0085c\x0bd\x1ce é 😀",
    "[DONE]",
    "without an end",
]


def events_of(blocks: list[bytes], *, max_bytes: int = 1000) -> list[str]:
    splitter = EventSplitter(max_bytes=max_bytes)
    events = [event for block in blocks for event in splitter.feed(block)]
    return [event.decode() for event in (*events, *splitter.finish())]


def named_events_of(blocks: list[bytes]) -> list[tuple[str, bytes]]:
    splitter = EventSplitter(max_bytes=1000)
    events = [*(event for block in blocks for event in splitter.feed(block)), *splitter.finish()]
    return [(getattr(event, "name", ""), event) for event in events]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_events_end_at_empty_lines_only(newline: str) -> None:
    assert events_of([STREAM.replace("\n", newline).encode()]) == EVENTS


@given(
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.lists(st.integers(0, 400), max_size=20).map(sorted),
)
def test_any_cut_gives_the_same_events(newline: str, cuts: list[int]) -> None:
    data = STREAM.replace("\n", newline).encode()
    blocks = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    assert events_of(blocks) == EVENTS


def test_every_single_byte_may_come_alone() -> None:
    data = STREAM.replace("\n", "\r\n").encode()
    assert events_of([data[n : n + 1] for n in range(len(data))]) == EVENTS


_BEFORE = [
    ": c\n",
    "event: e\n",
    "data: a\n",
    "dat",
    "data: a\r",
    "data: a\n\n",
    '{"a":\n',
    "\ufeff",
    "",
]
_PACKETS = [
    *("data: x\n\n", "data: \n\n", "data:  x\n\n", "data:x\n\n", "data: x\n\n\n", "data: x\n"),
    *("data: x\r\n\n", "data: x\r\n\r\n", "data: x\r\r", "data: x\ry\n\n", "data: x\n:"),
    "data: a\ndata: b\n\n",
]


@pytest.mark.parametrize("packet", _PACKETS)
@pytest.mark.parametrize("before", _BEFORE)
def test_a_packet_says_the_same_in_one_piece(before: str, packet: str) -> None:
    after = "\ufeffdata: y\n\ndata: z\n\n"
    whole = [text.encode() for text in (before, packet, after)]
    alone = [bytes([byte]) for block in whole for byte in block]
    assert named_events_of(whole) == named_events_of(alone)


def test_a_line_that_begins_at_the_end_of_a_packet_goes_on_in_the_next() -> None:
    assert events_of([b"data: x\nd", b"ata: y\n\n"]) == ["x\ny"]


def test_mixed_line_ends_are_line_ends() -> None:
    assert events_of([b"data: a\r\ndata: b\rdata: c\n\r\ndata: d\r\r"]) == ["a\nb\nc", "d"]


def test_a_mark_of_byte_order_is_dropped_at_the_beginning_only() -> None:
    assert events_of(["data: a\n\n\ufeffdata: b\n\ndata: c\n\n".encode()]) == ["a", "c"]


def test_nothing_is_no_event() -> None:
    assert events_of([]) == events_of([b""]) == events_of([b"\n\n\r\n\r\r", b""]) == []


@pytest.mark.parametrize(
    "blocks",
    [
        [b"data: " + b"x" * 30],
        [b"data: " + b"x" * 25 + b"\n\n"],
        [b"data: ", b"x" * 10, b"x" * 20],
        [b"data: 1234567890\n"] * 3,
        [b": " + b"x" * 30],
    ],
)
def test_an_event_over_the_limit_is_refused_before_it_ends(blocks: list[bytes]) -> None:
    splitter = EventSplitter(max_bytes=30)
    with pytest.raises(EventTooLongError):
        list(map(splitter.feed, blocks))


@given(st.lists(st.integers(1, 9), min_size=1))
def test_the_limit_is_for_one_event_not_for_the_stream(sizes: list[int]) -> None:
    data = b"data: 123456789012345\n\n" * 20
    blocks = [data[n : n + sizes[0]] for n in range(0, len(data), sizes[0])]
    assert events_of(blocks, max_bytes=24) == ["123456789012345"] * 20


def test_the_memory_of_a_split_line_is_that_of_the_line() -> None:
    assert events_of([b"data: 1234", b"567890", b"\n\n"] * 9, max_bytes=20) == ["1234567890"] * 9


def test_an_event_keeps_its_name() -> None:
    splitter = EventSplitter(max_bytes=1000)
    events = splitter.feed(b"event: error\ndata: a\n\nevent:ping\n\ndata: b\n\n")
    assert events == [b"a", b"b"]
    assert [getattr(event, "name", "") for event in events] == ["error", ""]


@pytest.mark.parametrize(
    ("lines", "events"),
    [
        (b'{"a": 1}\n', [(b'{"a": 1}', "bare")]),
        (b'data: 1\n\n{"a": 1}\r\ndata: 2\n\n', [(b"1", ""), (b'{"a": 1}', "bare"), (b"2", "")]),
        (b'{\n "a": {\n }\n}\ndata: 1\n\n', [(b'{\n "a": {\n }\n}', "bare"), (b"1", "")]),
        (b'{"a":\ndata: 1\n\n', [(b'{"a":', "bare"), (b"1", "")]),
        (b'{"a":\nevent: x\ndata: 1\n\n', [(b'{"a":', "bare"), (b"1", "x")]),
        (b'{"a":\ndata\n\n', [(b'{"a":', "bare"), (b"", "")]),
        (b'event: error\n{"a": 1}\n\n', [(b'{"a": 1}', "error")]),
        (b'data: 1\n{"a": 1}\n\n', [(b"1", "")]),
        (b'{"a": 1', [(b'{"a": 1', "bare")]),
        (b'  {"a": 1}\ndata: 1\n\n', [(b'  {"a": 1}', "bare"), (b"1", "")]),
        (b'[{"a": 1}]\ndata: 1\n\n', [(b'[{"a": 1}]', "bare"), (b"1", "")]),
        (b'[{\n "a": 1\n}\n]\ndata: 1\n\n', [(b'[{\n "a": 1\n}\n]', "bare"), (b"1", "")]),
        (b'x: 1\n[1]\n"a"\n\n', []),
    ],
)
def test_an_object_outside_of_events_is_one_of_another_kind(
    lines: bytes, events: list[tuple[bytes, str]]
) -> None:
    splitter = EventSplitter(max_bytes=1000)
    found = [*splitter.feed(lines), *splitter.finish()]
    assert [(bytes(event), getattr(event, "name", "")) for event in found] == events


@pytest.mark.parametrize("line", [b"data\n", b"data:\n", b'{"a": \n', b"data: x\n"])
def test_lines_of_every_kind_count_towards_the_limit(line: bytes) -> None:
    splitter = EventSplitter(max_bytes=1000)
    with pytest.raises(EventTooLongError):
        splitter.feed(line * 400)
