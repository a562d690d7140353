"""Bytes become chunks within the limits of the call; a slow consumer is no slow server."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi import errors
from langchain_aimlapi._codec.stream import StreamDecoder
from langchain_aimlapi._http.call import Limits
from langchain_aimlapi._http.readers import feed_of
from langchain_aimlapi._http.retry import Tries
from tests.answers import sse
from tests.unit_tests.http.test_retry_attempts import call_of

if TYPE_CHECKING:
    from langchain_aimlapi._http.readers import Feed

TEXT: Any = {"choices": [{"delta": {"content": "a"}}]}
END: Any = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
NO_LIMITS = Limits(None, None, None, None, None, None)


def fed(content_type: str = "text/event-stream", **more: Any) -> tuple[Feed, Tries]:
    call = call_of(**more)
    tries = Tries(call)
    decoder = StreamDecoder({}, client_request_id="mine")
    return feed_of(content_type, call=call, tries=tries, decoder=decoder), tries


def texts(chunks: Any) -> list[str]:
    return [chunk.text for chunk in chunks]


def test_chunks_come_as_their_events_end() -> None:
    feed, tries = fed()
    data = sse([TEXT, TEXT], is_done=False)
    assert texts(feed.take(data[:5])) == []
    assert texts(feed.take(data[5:])) == ["a", "a"]
    assert tries.has_handed_out
    assert texts(feed.take(sse([END]))) == [""]
    assert feed.is_over
    assert tries.is_answered
    assert texts(feed.finish()) == []


def test_the_end_of_the_bytes_ends_the_last_event() -> None:
    feed, tries = fed()
    assert texts(feed.take(sse([TEXT, END], is_done=False)[:-2])) == ["a"]
    assert texts(feed.finish()) == [""]
    assert tries.is_answered


def test_an_event_that_only_the_end_ends_is_a_chunk() -> None:
    feed, tries = fed()
    [*_] = feed.take(sse([END], is_done=False))
    assert texts(feed.take(sse([TEXT], is_done=False)[:-2])) == []
    assert not tries.has_handed_out
    assert texts(feed.finish()) == ["a", ""]
    assert tries.has_handed_out


def test_what_has_arrived_can_be_told() -> None:
    feed, tries = fed()
    [*_] = feed.take(sse([TEXT], is_done=False))
    assert tries.partial is not None
    assert tries.partial().content == "a"


def test_an_event_over_the_limit_is_our_error() -> None:
    feed, _ = fed(max_event_bytes=100)
    with pytest.raises(errors.AIMLAPIResponseError, match="over 100 bytes") as caught:
        list(feed.take(b"data: " + b"x" * 100))
    assert caught.value.is_readable


def test_comments_do_not_break_the_silence() -> None:
    feed, _ = fed(limits=replace(NO_LIMITS, silence=0.02))
    assert texts(feed.take(b": comment\n\n")) == []
    time.sleep(0.03)
    with pytest.raises(errors.AIMLAPITimeoutError, match=r"no data for 0\.0 s \(limit 0\.02 s"):
        list(feed.take(b": comment\n\n"))


def test_a_slow_consumer_is_no_silent_server() -> None:
    feed, _ = fed(limits=replace(NO_LIMITS, silence=0.02))
    for _ in feed.take(sse([TEXT, TEXT], is_done=False)):
        time.sleep(0.03)
    assert texts(feed.take(b": comment\n\n")) == []
    assert texts(feed.take(sse([TEXT], is_done=False))) == ["a"]


def test_without_a_limit_silence_is_fine() -> None:
    feed, _ = fed(limits=NO_LIMITS)
    time.sleep(0.01)
    assert texts(feed.take(b": comment\n\n")) == []


def test_a_whole_answer_comes_at_its_end() -> None:
    feed, tries = fed("application/json; charset=utf-8")
    body = b'{"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}'
    assert texts(feed.take(body[:9])) == texts(feed.take(body[9:])) == []
    assert not feed.is_over
    assert texts(feed.finish()) == ["a", ""]
    assert tries.has_handed_out
    assert tries.is_answered


def test_an_error_in_place_of_a_stream_is_the_error() -> None:
    feed, tries = fed("application/json; charset=utf-8")
    list(feed.take(b'{"error": {"code": 429, "message": "slow"}}'))
    with pytest.raises(errors.AIMLAPIRateLimitError):
        list(feed.finish())
    assert not tries.has_handed_out


@pytest.mark.parametrize(
    ("content_type", "is_stream"),
    [
        ("", True),
        ("text/event-stream", True),
        ("text/plain", True),
        ("application/json", False),
        ("Text/HTML", False),
    ],
)
def test_the_content_type_tells_a_stream_from_a_body(
    content_type: str,
    is_stream: bool,  # noqa: FBT001  a table
) -> None:
    feed, _ = fed(content_type)
    assert texts(feed.take(sse([TEXT], is_done=False))) == (["a"] if is_stream else [])
