"""Promises 18 to 22: any lawful stream is read, however it is cut; any answer is tolerated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessageChunk

from langchain_aimlapi import errors
from tests.wire_tests.asking import (
    ask,
    every_streamed_way,
    every_way,
    failure_of,
    folded,
    model_at,
)
from tests.wire_tests.loopback import (
    CLOSE,
    DONE,
    USAGE,
    Loopback,
    Request,
    Steps,
    chunk,
    completion,
    error_body,
    event,
    head,
    hello,
    piece,
    sse,
    stream_head,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# What U+2028, U+2029 and U+0085 are in UTF-8, raw inside JSON.
SEPARATORS = "a\u2028b\u2029c\u0085d\x1ce\x0bf\x0cg"
TEXT = f"Gr\u00fc\u00dfe, \U0001f600 {SEPARATORS} \u65e5\u672c\u8a9e"


def raw(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def good(text: str = TEXT) -> bytes:
    """Return the bytes of a good stream whose text is not escaped."""
    halves = (text[: len(text) // 2], text[len(text) // 2 :])
    parts = [*(piece(one) for one in halves), piece("", finish="stop", usage=USAGE)]
    return b"".join(b"data: " + raw(one) + b"\n\n" for one in parts) + DONE


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda data: data,
    "CRLF": lambda data: data.replace(b"\n", b"\r\n"),
    "CR": lambda data: data.replace(b"\n", b"\r"),
    "mixed ends": lambda data: data.replace(b"\n\n", b"\r\n\r", 2),
    "BOM": lambda data: b"\xef\xbb\xbf" + data,
    "no space": lambda data: data.replace(b"data: ", b"data:"),
    "comments": lambda data: (
        b": OPENROUTER PROCESSING\n\n" * 17
        + data.replace(b"\n\n", b"\n\n: OPENROUTER PROCESSING\n\n:\n\n")
    ),
    "comments within events": lambda data: data.replace(b"data:", b": still here\ndata:"),
    "several data lines": lambda data: data.replace(b', "choices"', b',\ndata: "choices"'),
    "event names": lambda data: data.replace(b"data:", b"event: chunk\nid: 7\nretry: 10\ndata:"),
    "unknown fields": lambda data: data.replace(b"data:", b"foo: bar\nbaz\ndata:"),
    "empty data": lambda data: b"data:\n\ndata\n\ndata: \n\n" + data,
    "more empty lines": lambda data: b"\n\n\n" + data.replace(b"\n\n", b"\n\n\n\n"),
    "no DONE": lambda data: data.removesuffix(DONE),
    "no last empty line": lambda data: data.removesuffix(DONE).removesuffix(b"\n\n"),
    "no last end of line after DONE": lambda data: data.removesuffix(b"\n\n"),
    "garbage after DONE": lambda data: data + b"data: {nonsense\n\n\xff\xff\xffdata: [DONE]\n\n",
    "an error after DONE": lambda data: data + event(error_body(500)),
    "unknown keys": lambda data: data.replace(b'{"id"', b'{"obfuscation": {"a": [1]}, "id"'),
}


@every_streamed_way
@pytest.mark.parametrize("form", FORMS)
def test_18_every_form_of_a_stream_gives_one_answer(way: str, form: str) -> None:
    body = FORMS[form](good())

    def answer(request: Request) -> Steps:
        size = int(request.prompt)
        blocks = [body[at : at + size] for at in range(0, len(body), size)]
        return [sse(*blocks)]

    with Loopback(by=answer) as server:
        model = model_at(server)
        for size in (1, 7, 100_000):
            message = ask(model, way, str(size))
            assert message.content == TEXT
            assert message.usage_metadata is not None
            assert message.usage_metadata["total_tokens"] == 12
            assert message.response_metadata["finish_reason"] == "stop"


@every_streamed_way
def test_18_bytes_may_come_one_at_a_time(way: str) -> None:
    body = sse(FORMS["CRLF"](good("\U0001f600\u2028")))
    with Loopback([step for byte in body for step in (bytes([byte]), 0.0005)]) as server:
        assert ask(model_at(server), way).content == "\U0001f600\u2028"


@every_streamed_way
def test_18_other_framings_will_do(way: str) -> None:
    close_delimited = head(content_type="text/event-stream") + good()
    with_length = head(content_type="text/event-stream", content_length=len(good())) + good()
    old = close_delimited.replace(b"HTTP/1.1", b"HTTP/1.0")
    no_type = stream_head(content_type="application/octet-stream") + chunk(good()) + chunk(b"")
    answers: list[Steps] = [[close_delimited, CLOSE], [with_length], [old, CLOSE], [no_type]]
    for answer in answers:
        with Loopback(answer) as server:
            assert ask(model_at(server), way).content == TEXT


@every_streamed_way
def test_18_surrogate_halves_are_joined_over_deltas(way: str) -> None:
    deltas: list[bytes] = [
        json.dumps(piece("a")).encode(),
        json.dumps(piece("b\ud83d")).encode(),
        json.dumps(piece("\ude00c")).encode(),
        json.dumps(piece("d\ud83d")).encode(),
        json.dumps(piece("e\ude00")).encode(),
        json.dumps(piece("\ud83d", finish="stop")).encode(),
    ]
    with Loopback(sse(*(event(one) for one in deltas), DONE)) as server:
        text = str(ask(model_at(server), way).content)
    assert text == "ab\U0001f600cd\ufffde\ufffd\ufffd"
    text.encode()


@every_way
def test_18_lone_surrogates_do_no_harm(way: str) -> None:
    text = "a\ud83d\ude00b\ud83dc"
    answer = sse(event(piece(text, finish="stop")), DONE)
    with Loopback(answer if "stream" in way else whole(completion(text))) as server:
        message = ask(model_at(server), way)
    assert message.content == "a\U0001f600b\ufffdc"


@every_streamed_way
def test_19_a_stream_that_ends_without_a_finish_is_an_error(way: str) -> None:
    with Loopback(sse(event(piece("Hel")), event(piece("lo")))) as server:
        failure = failure_of(model_at(server), way)
    assert type(failure) is errors.AIMLAPIResponseError
    assert failure.partial is not None
    assert failure.partial.content == "Hello"


@every_streamed_way
def test_19_a_finish_without_done_is_an_answer(way: str) -> None:
    with Loopback(sse(event(piece("Hello", finish="stop")))) as server:
        assert ask(model_at(server), way).content == "Hello"


@every_streamed_way
def test_19_plain_json_in_place_of_a_stream(way: str) -> None:
    with Loopback(whole(completion("Whole"))) as server:
        message = ask(model_at(server), way)
    assert message.content == "Whole"
    assert message.usage_metadata is not None
    assert message.response_metadata["credits_used"] == 8846
    with Loopback(whole(error_body(429))) as server:
        failure = failure_of(model_at(server), way)
    assert type(failure) is errors.AIMLAPIRateLimitError


@every_streamed_way
@pytest.mark.parametrize("place", ["each", "finish", "after", "no choices", "twice"])
def test_20_the_last_usage_counts_wherever_it_stands(way: str, place: str) -> None:
    less = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
    events = {
        "each": [
            *(piece(text, usage=less) for text in "ab"),
            piece("", finish="stop", usage=USAGE),
        ],
        "finish": [piece("ab"), piece("", finish="stop", usage=USAGE)],
        "after": [piece("ab"), piece("", finish="stop"), piece("", usage=USAGE)],
        "no choices": [piece("ab", finish="stop"), piece(choices=[], usage=USAGE)],
        "twice": [
            piece("ab", finish="stop"),
            piece("", finish="stop", usage=less),
            piece(choices=None, usage=USAGE),
            piece(choices=[], usage=None),
        ],
    }[place]
    meta = {"meta": {"usage": {"credits_used": 3814, "usd_spent": 0.0019}}}
    with Loopback(sse(*map(event, events), event(meta), DONE)) as server:
        message = ask(model_at(server), way)
    assert message.content == "ab"
    assert message.usage_metadata is not None
    assert message.usage_metadata["total_tokens"] == 12
    assert message.response_metadata["finish_reason"] == "stop"
    assert message.response_metadata["credits_used"] == 3814
    assert message.response_metadata["usd_spent"] == 0.0019


def call(
    index: int | None, call_id: str | None, name: str | None, arguments: str
) -> dict[str, Any]:
    fields = {"index": index, "id": call_id, "type": "function"}
    function = {"name": name, "arguments": arguments}
    return {
        **{key: value for key, value in fields.items() if value is not None},
        "function": {key: value for key, value in function.items() if value is not None},
    }


@every_streamed_way
def test_20_two_calls_with_one_index_are_two_calls(way: str) -> None:
    deltas = [
        piece("", tool_calls=[call(0, "c1", "weather", '{"city": "Oslo"}')]),
        piece("", tool_calls=[call(0, "c2", "weather", '{"city":')]),
        piece("", tool_calls=[call(0, None, None, ' "Rome"}')]),
        piece("", finish="tool_calls"),
    ]
    with Loopback(sse(*map(event, deltas), DONE)) as server:
        message = ask(model_at(server), way)
    found = [(one["id"], one["name"], one["args"]) for one in message.tool_calls]
    assert found == [("c1", "weather", {"city": "Oslo"}), ("c2", "weather", {"city": "Rome"})]


CUT = ('{"city": "Os', '{"city": "Oslo", "n', "{", '{"a": [1, 2', '{"a": {"b": "c\\', "[", "tru")


@every_way
def test_21_arguments_that_were_cut_off_are_never_executable(way: str) -> None:
    def answer(request: Request) -> Steps:
        calls = [call(0, "c1", "weather", CUT[int(request.prompt)])]
        if request.json.get("stream"):
            return [
                sse(
                    event(piece("", tool_calls=calls)),
                    event(piece("", finish="length")),
                    DONE,
                )
            ]
        return [whole(completion("", tool_calls=calls, finish_reason="length"))]

    with Loopback(by=answer) as server:
        model = model_at(server)
        for number in range(len(CUT)):
            message = ask(model, way, str(number))
            assert message.tool_calls == []
            assert [one["name"] for one in message.invalid_tool_calls] == ["weather"]


ODD_MESSAGES: dict[str, dict[str, Any]] = {
    # Changes to a message or delta of a good answer.
    "extra fields": {"foo": {"bar": [None]}, "obfuscation": "x"},
    "null details": {"reasoning_details": None},
    "text for details": {"reasoning_details": "text"},
    "odd details": {"reasoning_details": [None, 7, "a", {}, {"type": None, "index": [], "id": {}}]},
    "number for reasoning": {"reasoning": 7},
    "list for reasoning": {"reasoning": ["a"]},
    "text for extra content": {"extra_content": "a"},
    "null calls": {"tool_calls": None},
    "empty calls": {"tool_calls": []},
    "odd calls": {"tool_calls": [None, "a"]},
    "number for refusal": {"refusal": 7},
    "odd annotations": {"annotations": {"a": 1}, "images": "a", "audio": []},
    "odd role": {"role": ["assistant"]},
}
ODD_BODIES: dict[str, dict[str, Any]] = {
    "null metadata": {"id": None, "model": None, "created": None, "object": None},
    "numbers for text": {"id": 7, "model": 7.5, "created": "now", "provider": {"a": 1}},
    "text for numbers": {"created": "1765999996"},
    "null meta": {"meta": None},
    "odd meta": {"meta": [1]},
    "odd meta usage": {"meta": {"usage": "x"}},
    "odd credits": {"meta": {"usage": {"credits_used": "many", "usd_spent": {}}}},
}
USAGES: list[tuple[Any, int | None]] = [
    # Usage, total of the counts or None where they are dropped.
    (None, None),
    ({}, None),
    ([], None),
    ("12", None),
    (12, None),
    ({"prompt_tokens": None, "completion_tokens": None, "total_tokens": None}, None),
    ({"prompt_tokens": -1, "completion_tokens": -2, "total_tokens": -3}, None),
    ({"prompt_tokens": "x", "completion_tokens": [], "total_tokens": {}}, None),
    ({"prompt_tokens": 5.0, "completion_tokens": 7.0, "total_tokens": 12.0}, 12),
    ({"prompt_tokens": "5", "completion_tokens": "7", "total_tokens": "12"}, 12),
    ({"prompt_tokens": 5, "completion_tokens": 7}, 12),
    ({"prompt_tokens": 5, "total_tokens": 12}, 12),
    ({**USAGE, "prompt_tokens_details": None, "completion_tokens_details": []}, 12),
    ({**USAGE, "prompt_tokens_details": {"cached_tokens": None, "x": {}}}, 12),
    ({**USAGE, "completion_tokens_details": {"reasoning_tokens": "3"}, "cost": None}, 12),
]


@every_way
def test_22_an_odd_field_never_fails_a_good_answer(way: str) -> None:
    odd = [*ODD_MESSAGES, *ODD_BODIES]

    def answer(request: Request) -> Steps:
        within = ODD_MESSAGES.get(request.prompt, {})
        beside = ODD_BODIES.get(request.prompt, {})
        if not request.json.get("stream"):
            return [whole(completion("Hello", **within) | beside)]
        first, last = piece("Hel", **within), piece("lo", finish="stop") | beside
        return [sse(event(first), event(last), DONE)]

    with Loopback(by=answer) as server:
        model = model_at(server)
        for name in odd:
            assert ask(model, way, name).content == "Hello", name


@every_way
def test_22_odd_usage_is_counted_or_dropped(way: str) -> None:
    def answer(request: Request) -> Steps:
        usage, _ = USAGES[int(request.prompt)]
        if request.json.get("stream"):
            return [sse(event(piece("Hello", finish="stop", usage=usage)), DONE)]
        return [whole(completion(usage=usage))]

    with Loopback(by=answer) as server:
        model = model_at(server)
        for number, (_, total) in enumerate(USAGES):
            message = ask(model, way, str(number))
            assert message.content == "Hello"
            counts = message.usage_metadata
            assert (counts and counts["total_tokens"]) == total
            assert counts is None or type(counts["input_tokens"]) is int


@every_way
def test_22_content_may_be_a_list(way: str) -> None:
    parts: Any = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}, None, {"x": 1}]
    answer = sse(event(piece(parts, finish="stop")), DONE)
    with Loopback(answer if "stream" in way else whole(completion(parts))) as server:
        assert ask(model_at(server), way).content == "Hello"


@every_way
@pytest.mark.parametrize("reason", ["eos", "MAX_TOKENS", "", 7, None, ["stop"]])
def test_22_any_finish_reason_will_do(way: str, reason: Any) -> None:
    answer = sse(event(piece("Hello", finish=reason)), DONE)
    if "stream" not in way:
        answer = whole(completion(finish_reason=reason))
    with Loopback(answer) as server:
        assert ask(model_at(server), way).content == "Hello"


@every_streamed_way
def test_22_choices_and_deltas_may_be_missing(way: str) -> None:
    odd = [
        {},
        {"choices": None},
        {"choices": []},
        {"choices": [None]},
        {"choices": [{}]},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": {}}]},
        {"choices": [{"delta": "x"}]},
        {"id": ""},
    ]
    with Loopback(sse(*map(event, odd), hello_events(), *map(event, odd), DONE)) as server:
        assert ask(model_at(server), way).content == "Hello"


def hello_events() -> bytes:
    return event(piece("Hel")) + event(piece("lo", finish="stop", usage=USAGE))


def test_22_chunks_add_up_whole() -> None:
    with Loopback(hello("Hello")) as server:
        chunks = [*model_at(server).stream("Hi")]
    full = folded(chunks)
    assert isinstance(full, AIMessageChunk)
    assert full.chunk_position == "last"
    assert full.content == "Hello"
    assert full.usage_metadata is not None
    assert full.usage_metadata["output_tokens"] == 7
