"""Streams, event by event: what leaves at once, what leaves once, what is no answer."""

from __future__ import annotations

import json
import math
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any, cast

import pytest

from langchain_aimlapi import errors
from langchain_aimlapi._codec.completion import decode_completion
from langchain_aimlapi._codec.stream import StreamDecoder
from langchain_aimlapi._codec.tool_calls import model_arguments
from langchain_aimlapi._http.sse import NamedEvent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import AIMessageChunk
    from langchain_core.outputs import ChatGenerationChunk

    from tests.answers import Json

END: Json = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


def delta_of(content: Any = "", **more: Any) -> Json:
    return {
        "id": "gen-1",
        "model": "m",
        "choices": [{"index": 0, "delta": {"content": content, **more}}],
    }


def decoded(
    *events: Any, is_done: bool = True, headers: dict[str, str] | None = None
) -> list[ChatGenerationChunk]:
    decoder = StreamDecoder(headers or {}, client_request_id="mine")
    return read(decoder, *events, is_done=is_done)


def read(decoder: StreamDecoder, *events: Any, is_done: bool = True) -> list[ChatGenerationChunk]:
    datas = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in events]
    chunks = [*decoder.feed([*datas, *([b"[DONE]"] if is_done else [])])]
    return [*chunks, *decoder.finish()]


def total_of(chunks: Sequence[ChatGenerationChunk]) -> AIMessageChunk:
    return cast("AIMessageChunk", reduce(add, chunks).message)


def failed(*events: Any, is_done: bool = True) -> errors.AIMLAPIError:
    decoder = StreamDecoder({"x-inference-id": "inf-1"}, client_request_id="mine")
    with pytest.raises(errors.AIMLAPIError) as caught:
        read(decoder, *events, is_done=is_done)
    if caught.value.partial is None:  # as an attempt does
        caught.value.partial = decoder.partial()
    assert caught.value.inference_id == "inf-1"
    return caught.value


def test_running_text_leaves_at_once_and_all_else_once() -> None:
    usage = {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}
    meta = {"usage": {"credits_used": 7}}
    chunks = decoded(
        delta_of("", role="assistant"),
        delta_of(
            "",
            reasoning="think",
            reasoning_details=[{"type": "reasoning.text", "text": "think", "index": 0}],
        ),
        delta_of("Hel"),
        delta_of("lo", finish_reason=None),
        delta_of("", refusal="no"),
        {**END, "service_tier": "x"},
        {"choices": [], "usage": usage},
        {"meta": meta},
    )
    assert [chunk.text for chunk in chunks] == ["", "Hel", "lo", "", ""]
    *running, last = [cast("AIMessageChunk", chunk.message) for chunk in chunks]
    assert [message.additional_kwargs for message in running] == [
        {"reasoning_content": "think"},
        {},
        {},
        {"refusal": "no"},
    ]
    for message in running:
        assert message.response_metadata == {"model_provider": "aimlapi"}
        assert message.usage_metadata is None
        assert message.chunk_position is None
    assert last.chunk_position == "last"
    assert set(last.additional_kwargs) == {"reasoning_details"}
    assert last.usage_metadata == {"input_tokens": 2, "output_tokens": 3, "total_tokens": 5}
    assert last.response_metadata["finish_reason"] == "stop"
    assert last.response_metadata["service_tier"] == "x"
    assert last.response_metadata["credits_used"] == 7
    assert last.response_metadata["client_request_id"] == "mine"
    assert chunks[-1].generation_info == {"finish_reason": "stop"}
    assert {chunk.message.id for chunk in chunks} == {None}


def test_only_the_last_usage_counts() -> None:
    usages = [{"prompt_tokens": 2, "completion_tokens": n} for n in (1, 2, 3)]
    events = [{**delta_of("a"), "usage": usage} for usage in usages]
    usage = total_of(decoded(*events, {**END, "usage": None})).usage_metadata
    assert usage == {"input_tokens": 2, "output_tokens": 3, "total_tokens": 5}


@pytest.mark.parametrize(
    "extra",
    [
        {"annotations": [{"type": "url_citation", "n": 1}]},
        {"images": [{"image_url": {"url": "https://a"}}]},
        {"audio": {"data": "UklG"}},
    ],
)
def test_media_and_citations_are_gathered(extra: Json) -> None:
    [(key, value)] = extra.items()
    message = total_of(decoded(delta_of("a", **extra), delta_of("b", **extra), END))
    doubled = value * 2 if isinstance(value, list) else {"data": "UklGUklG"}
    assert message.additional_kwargs == {key: doubled}


def test_the_same_logprobs_count_as_often_as_they_come() -> None:
    same: Any = {"choices": [{"delta": {"content": "ha"}, "logprobs": {"content": [1]}}]}
    message = total_of(read(StreamDecoder({}, client_request_id="mine"), same, same, same))
    assert message.content == "hahaha"
    assert message.response_metadata["logprobs"] == {"content": [1, 1, 1]}


def test_a_one_that_comes_behind_true_counts() -> None:
    # In Python they are equal, and what equals the event before it is passed over.
    def told(one: Any) -> Json:
        usage = {"prompt_tokens": one, "completion_tokens": 1, "total_tokens": 2}
        return {**delta_of("a"), "created": one, "usage": usage}

    message = total_of(decoded(told(True), told(1), END))
    assert message.usage_metadata == {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    assert message.response_metadata["created"] == 1
    assert repr(message.response_metadata["token_usage"]["prompt_tokens"]) == "1"


def test_choices_are_told_apart_by_an_index_with_a_point_too() -> None:
    def of(index: float, text: str) -> Json:
        return {"choices": [{"index": index, "delta": {"content": text}}]}

    events = [of(0.0, "a"), of(1.0, "x"), of(0, "b"), of(1, "y")]
    assert total_of(decoded(*events, END)).content == "ab"


def test_logprobs_are_gathered() -> None:
    events = [
        {"choices": [{"delta": {"content": one}, "logprobs": {"content": [one], "refusal": None}}]}
        for one in "ab"
    ]
    message = total_of(decoded(*events, END))
    assert message.response_metadata["logprobs"] == {"content": ["a", "b"], "refusal": None}


@pytest.mark.parametrize(
    "event",
    [
        {"choices": [{"index": 0}]},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": "odd"}]},
        {"choices": [None]},
        {"choices": ["odd"]},
        {"choices": "odd"},
        {"choices": {"0": {}}},
        {"id": "", "choices": []},
        {},
        {"choices": [{"delta": {"content": None, "refusal": 3, "tool_calls": "odd"}}]},
        {"choices": [{"delta": {"content": 3, "reasoning": [], "audio": None, "images": 3}}]},
        {"choices": [{"delta": {}, "logprobs": "odd", "error": None}]},
        b"",
    ],
)
def test_events_that_say_nothing_add_nothing(event: Any) -> None:
    chunks = decoded(delta_of("a"), event, END)
    assert [chunk.text for chunk in chunks] == ["a", ""]


def test_content_may_be_parts() -> None:
    message = total_of(decoded(delta_of([{"type": "text", "text": "a"}, "b"]), END))
    assert message.content == "ab"


def test_a_whole_completion_is_one_event() -> None:
    body = {"id": "g", "choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}
    message = total_of(decoded(body, is_done=False))
    assert message.content == "a"
    assert message.response_metadata["id"] == "g"


def test_nothing_counts_after_the_end() -> None:
    decoder = StreamDecoder({}, client_request_id="mine")
    end = json.dumps(END).encode()
    first = [
        *decoder.feed([b'{"choices": [{"delta": {"content": "a"}}]}', end, b"[DONE]", b"junk"])
    ]
    assert decoder.is_done
    assert [*decoder.feed([b"junk", end])] == [*decoder.finish()] == []
    assert [chunk.text for chunk in first] == ["a", ""]


@pytest.mark.parametrize("is_done", [True, False])
def test_a_finish_reason_or_a_mark_ends_a_stream(is_done: bool) -> None:  # noqa: FBT001  a table
    assert total_of(decoded(delta_of("a"), END, is_done=is_done)).content == "a"
    assert total_of(decoded(delta_of("a"), is_done=True)).content == "a"


def test_a_stream_without_an_end_is_cut_off() -> None:
    error = failed(delta_of("so "), delta_of("far"), is_done=False)
    assert type(error) is errors.AIMLAPIResponseError
    assert "cut off" in str(error)
    assert error.is_readable
    assert error.partial is not None
    assert error.partial.content == "so far"


@pytest.mark.parametrize("is_done", [True, False])
def test_an_empty_stream_may_be_asked_for_again(is_done: bool) -> None:  # noqa: FBT001  a table
    error = failed(is_done=is_done)
    assert isinstance(error, errors.AIMLAPIResponseError)
    assert not error.is_readable
    assert error.partial is None


def test_events_without_choices_are_no_answer() -> None:
    error = failed({"id": "gen-1", "choices": []})
    assert isinstance(error, errors.AIMLAPIResponseError)
    assert error.is_readable


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (
            {"error": {"code": 400, "message": "bad"}, "choices": [{"delta": {}}]},
            errors.AIMLAPIInvalidRequestError,
        ),
        ({"error": {"code": "server_error", "message": "bad"}}, errors.AIMLAPIServerError),
        ({"message": "slow", "statusCode": "429"}, errors.AIMLAPIRateLimitError),
        ({"object": "error", "message": "bad"}, errors.AIMLAPIResponseError),
        ({"choices": [{"delta": {}, "error": {"code": 502}}]}, errors.AIMLAPIServerError),
        ([{"error": {"code": 503, "message": "busy"}}], errors.AIMLAPIServerError),
        ([1], errors.AIMLAPIResponseError),
        ("odd", errors.AIMLAPIResponseError),
        (b"{broken", errors.AIMLAPIResponseError),
        (b"<html>", errors.AIMLAPIResponseError),
    ],
)
def test_a_failure_in_the_middle_is_an_error_with_what_came_before(event: Any, kind: Any) -> None:
    call = {"index": 0, "id": "c", "function": {"name": "get", "arguments": '{"city": "Os'}}
    before = [
        delta_of("so far", reasoning="thought", tool_calls=[call]),
        {"choices": [{"delta": {}, "finish_reason": "length"}]},
    ]
    error = failed(*before, event)
    assert type(error) is kind
    partial = error.partial
    assert partial is not None
    assert partial.content == "so far"
    assert partial.additional_kwargs == {"reasoning_content": "thought"}
    assert not partial.tool_calls
    assert partial.invalid_tool_calls[0]["id"] == "c"
    assert partial.response_metadata["id"] == "gen-1"


@pytest.mark.parametrize(
    ("choice", "kind"),
    [
        ({"delta": {}, "finish_reason": "stop"}, errors.AIMLAPIEmptyResponseError),
        ({"delta": {"reasoning": "t"}, "finish_reason": "stop"}, errors.AIMLAPIEmptyResponseError),
        ({"delta": {"content": "a"}, "finish_reason": "error"}, errors.AIMLAPIResponseError),
        (
            {
                "delta": {},
                "finish_reason": "error",
                "native_finish_reason": "MALFORMED_FUNCTION_CALL",
            },
            errors.AIMLAPIEmptyResponseError,
        ),
    ],
)
def test_a_bad_ending_is_an_error(choice: Json, kind: Any) -> None:
    error = failed({"choices": [choice]})
    assert type(error) is kind
    assert error.request_id == "inf-1"
    assert error.partial is not None


class Named(bytes):
    """Data of an event that had a name, as the splitter hands it on."""

    name = "ping"


class NamedError(Named):
    name = "error"


@pytest.mark.parametrize("stray", [b"null", b"ping", b" keep-alive", Named(b"x"), Named(b"1")])
def test_what_is_none_of_an_answer_is_passed_over(stray: bytes) -> None:
    chunks = decoded(delta_of("a"), stray, delta_of("b"), END, b" [DONE] ", is_done=False)
    assert total_of(chunks).content == "ab"
    assert "It said 'ping'" in str(failed(b"ping"))


@pytest.mark.parametrize(
    ("event", "kind", "words"),
    [
        (NamedError(b"out of luck"), errors.AIMLAPIResponseError, "out of luck"),
        (NamedError(b'{"message": "no", "code": 402}'), errors.AIMLAPICreditsError, "no"),
        ({"message": "alone"}, errors.AIMLAPIResponseError, "alone"),
        ({"detail": "why"}, errors.AIMLAPIResponseError, "why"),
        ({"errors": [{"message": "two"}]}, errors.AIMLAPIResponseError, "two"),
    ],
)
def test_a_failure_is_told_in_its_words(event: Any, kind: Any, words: str) -> None:
    for before in ([], [delta_of("a")], [delta_of("a"), END]):
        error = failed(*before, event)
        assert type(error) is kind
        assert words in str(error)


@pytest.mark.parametrize("data", [b"", b"null", b"0", b"[]"])
def test_an_error_event_without_words_is_a_failure_too(data: bytes) -> None:
    failure = failed(delta_of("Hi"), NamedEvent.of(data, name="error"), END)
    assert type(failure) is errors.AIMLAPIResponseError
    assert failure.partial is not None
    assert failure.partial.content == "Hi"


@pytest.mark.parametrize("field", ["reasoning_details", "extra_content"])
def test_no_number_is_kept_that_cannot_go_back(field: str) -> None:
    carried = {"a": [math.nan, 1.5, -math.inf], "b": {"c": math.inf}}
    kept = {"a": [None, 1.5, None], "b": {"c": None}}
    value, expected = ([carried], [kept]) if field == "reasoning_details" else (carried, kept)
    full = total_of(decoded(delta_of("Hi", **{field: value}), END))
    assert full.additional_kwargs[field] == expected


def test_choices_never_mix() -> None:
    def of(index: int, text: str) -> Json:
        return {"choices": [{"index": index, "delta": {"content": text}}]}

    both = {"choices": [{"index": 1, "delta": {"content": "B"}}, {"index": 0, "delta": {}}]}
    chunks = decoded(of(0, "a"), of(1, "b"), of(0, "a"), both, END)
    assert total_of(chunks).content == "aa"


def test_the_name_of_an_assistant_is_on_the_chunk_that_brings_it() -> None:
    chunks = decoded(delta_of("a", name="Gem"), delta_of("b", name="Gem"), END)
    assert [chunk.message.name for chunk in chunks] == ["Gem", None, None]


def test_halves_of_pairs_are_joined_over_deltas() -> None:
    call = {"index": 0, "id": "c", "function": {"name": "get", "arguments": '{"a": "\ud83d'}}
    rest = {"index": 0, "function": {"arguments": '\ude00"}'}}
    text = {"type": "reasoning.text", "index": 0}
    message = total_of(
        decoded(
            delta_of(
                "a\ud83d",
                reasoning="t\ud83d",
                refusal="r\ud83d",
                tool_calls=[call],
                reasoning_details=[{**text, "text": "t\ud83d"}],
                annotations=[{"title": "x\ud83d"}],
            ),
            delta_of(
                "\ude00b",
                reasoning="\ude00",
                refusal="\ude00",
                tool_calls=[rest],
                reasoning_details=[{**text, "text": "\ude00"}],
            ),
            delta_of("c\ud83d", reasoning="\ud83d", refusal="\ud83d"),
            END,
        )
    )
    assert message.content == "a😀bc\ufffd"
    assert message.additional_kwargs == {
        "reasoning_content": "t😀\ufffd",
        "refusal": "r😀\ufffd",
        "reasoning_details": [{**text, "text": "t😀"}],
        "annotations": [{"title": "x\ufffd"}],
    }
    assert message.tool_calls[0]["args"] == {"a": "😀"}


def test_halves_of_pairs_are_joined_in_a_call_that_was_held_back_too() -> None:
    def piece(call_id: str, arguments: str, index: int) -> dict[str, Any]:
        return {
            "id": call_id,
            "index": index,
            "function": {"name": "get", "arguments": arguments},
        }

    message = total_of(
        decoded(
            delta_of("", tool_calls=[piece("a", "{}", 0)]),
            delta_of("", tool_calls=[piece("b", "{}", 1)]),
            # Perhaps the first call said again: nobody sees it before the end.
            delta_of("", tool_calls=[piece("a", '{"a": "\ud83d', 0)]),
            delta_of("", tool_calls=[{"index": 0, "function": {"arguments": "\ude00"}}]),
            END,
        )
    )
    assert [call["id"] for call in message.tool_calls] == ["a", "b"]
    assert message.model_dump_json()
    assert "😀" in str(message.invalid_tool_calls)


def test_everything_of_a_stream_can_be_written_as_utf8() -> None:
    half = "\ud83d"
    call = {
        "index": 0,
        "id": f"c{half}",
        "function": {"name": f"g{half}", "arguments": "{}"},
        "extra_content": {"a": half},
    }
    event = {
        "id": half,
        "model": half,
        "choices": [
            {
                "delta": {
                    "content": half,
                    "tool_calls": [call],
                    "extra_content": {"a": half},
                    "images": [{"image_url": {"url": half}}],
                },
                "finish_reason": half,
                "logprobs": {"content": [half]},
            }
        ],
        "meta": {"a": half},
        "usage": {"a": half},
    }
    chunks = decoded(event, END)
    for message in (total_of(chunks), *(chunk.message for chunk in chunks)):
        assert json.dumps(message.model_dump(), ensure_ascii=False).encode()


def test_signatures_leave_in_the_last_chunk_only() -> None:
    extra = {"google": {"thought_signature": "sig"}}
    call = {"id": "c", "function": {"name": "get", "arguments": "{}"}, "extra_content": extra}
    detail = {"type": "reasoning.encrypted", "data": "Eq0", "id": "c", "index": 0}
    chunks = decoded(delta_of("", reasoning_details=[detail]), delta_of("", tool_calls=[call]), END)
    *running, last = [cast("AIMessageChunk", chunk.message) for chunk in chunks]
    assert all(not message.additional_kwargs for message in running)
    assert last.additional_kwargs == {
        "reasoning_details": [detail],
        "tool_call_extra_content": {"c": extra},
        "signed_tool_calls": ["c"],
    }


@pytest.mark.parametrize(
    "pieces",
    [
        [rb'"{\"city\": \"Os\ud83c"'],
        [rb'"{\"city\": "', rb'"\"Os\ud83c"'],
        [rb'"{\"city\": \"Os\ud83c"', rb'""'],
        [rb'"\ud83c"'],
        [rb'"{\"city\": [\ud83c"'],
    ],
)
def test_half_a_character_at_which_a_call_was_cut_is_told_as_in_a_whole_answer(
    pieces: list[bytes],
) -> None:
    beginning = b'{"index":0,"id":"a","function":{"name":"f","arguments":'
    calls = [beginning + pieces[0] + b"}}"]
    calls += [b'{"index":0,"function":{"arguments":' + piece + b"}}" for piece in pieces[1:]]
    events = [b'{"choices":[{"index":0,"delta":{"tool_calls":[' + call + b"]}}]}" for call in calls]
    end = b'{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}'
    decoder = StreamDecoder({}, client_request_id="c")
    chunks = [*decoder.feed([*events, end, b"[DONE]"])]
    [streamed] = cast("AIMessageChunk", reduce(add, chunks).message).invalid_tool_calls
    text = "".join(json.loads(piece) for piece in pieces)
    function = {"name": "f", "arguments": text}
    message = {"role": "assistant", "tool_calls": [{"id": "a", "function": function}]}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "length"}]}
    answer = decode_completion(json.dumps(body).encode(), {}, client_request_id="c")
    [whole] = cast("AIMessageChunk", answer.generations[0].message).invalid_tool_calls
    assert model_arguments(streamed) == whole["args"] == text.replace("\ud83c", "\ufffd")
