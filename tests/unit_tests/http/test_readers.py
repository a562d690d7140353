"""Bytes become events, chunks or a body within the limits of the call, whatever their label."""

from __future__ import annotations

import gzip
import time
import zlib
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi import errors
from langchain_aimlapi._codec.stream import StreamDecoder
from langchain_aimlapi._http.call import Limits
from langchain_aimlapi._http.readers import (
    Body,
    ErrorBody,
    Feed,
    Reader,
    Unpacker,
    unpacker_of,
)
from tests.answers import sse
from tests.unit_tests.http.calls import call_of

if TYPE_CHECKING:
    from langchain_aimlapi._http.call import Call

TEXT: Any = {"choices": [{"delta": {"content": "a"}}]}
END: Any = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
NO_LIMITS = Limits(None, None, None, None, None, None)


def reader_of(call: Call, **headers: str) -> Reader:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reader(call, headers=given, started=time.monotonic())


def fed(content_type: str = "text/event-stream", **more: Any) -> Feed:
    call = call_of(is_stream=True, **more)
    decoder = StreamDecoder({}, client_request_id="mine")
    return Feed(reader_of(call, content_type=content_type), decoder, show=lambda _: None)


def body_of(call: Call, **headers: str) -> Body:
    return Body(reader_of(call, **headers))


def texts(chunks: Any) -> list[str]:
    return [chunk.text for chunk in chunks]


def test_chunks_come_as_their_events_end() -> None:
    feed = fed()
    data = sse([TEXT, TEXT], is_done=False)
    assert texts(feed.take(data[:5])) == []
    assert texts(feed.take(data[5:])) == ["a", "a"]
    assert feed.has_handed_out
    assert texts(feed.take(sse([END]))) == [""]
    assert feed.is_over
    assert texts(feed.finish()) == []


def test_the_end_of_the_bytes_ends_the_last_event() -> None:
    feed = fed()
    assert texts(feed.take(sse([TEXT, END], is_done=False)[:-2])) == ["a"]
    assert texts(feed.finish()) == [""]
    assert feed.is_over


def test_an_event_that_only_the_end_ends_is_a_chunk() -> None:
    feed = fed()
    [*_] = feed.take(sse([END], is_done=False))
    assert texts(feed.take(sse([TEXT], is_done=False)[:-2])) == []
    assert not feed.has_handed_out
    assert texts(feed.finish()) == ["a", ""]
    assert feed.has_handed_out


def test_what_has_arrived_can_be_told() -> None:
    feed = fed()
    [*_] = feed.take(sse([TEXT], is_done=False))
    assert feed.partial().content == "a"


def test_an_event_over_the_limit_is_our_error() -> None:
    feed = fed(max_event_bytes=100)
    with pytest.raises(errors.AIMLAPIResponseError, match="over 100 bytes") as caught:
        list(feed.take(b"data: " + b"x" * 100))
    assert caught.value.is_readable


def test_comments_do_not_break_the_silence() -> None:
    feed = fed(limits=NO_LIMITS._replace(silence=0.02))
    assert texts(feed.take(b": comment\n\n")) == []
    time.sleep(0.03)
    with pytest.raises(errors.AIMLAPITimeoutError, match=r"no data for \d\.\d s \(limit 0\.02 s"):
        list(feed.take(b": comment\n\n"))


def test_a_slow_consumer_is_no_silent_server() -> None:
    feed = fed(limits=NO_LIMITS._replace(silence=0.02))
    for _ in feed.take(sse([TEXT, TEXT], is_done=False)):
        time.sleep(0.03)
    assert texts(feed.take(b": comment\n\n")) == []
    assert texts(feed.take(sse([TEXT], is_done=False))) == ["a"]


def test_without_a_limit_silence_is_fine() -> None:
    feed = fed(limits=NO_LIMITS)
    time.sleep(0.01)
    assert texts(feed.take(b": comment\n\n")) == []


def test_a_limit_of_another_kind_of_answer_is_none() -> None:
    limits = NO_LIMITS._replace(total=1e-9, silence=1e-9)
    feed = fed(limits=limits)
    assert texts(feed.take(sse([TEXT], is_done=False))) == ["a"]  # data broke the silence
    whole = reader_of(call_of(is_stream=False, limits=NO_LIMITS._replace(stream=1e-9)))
    assert whole.take(b"{}") == []


def test_data_without_a_word_do_not_break_the_silence() -> None:
    feed = fed(limits=NO_LIMITS._replace(silence=0.02))
    assert texts(feed.take(b"data:\n\n")) == []
    time.sleep(0.03)
    with pytest.raises(errors.AIMLAPITimeoutError, match="no data"):
        list(feed.take(b"data:\n\n"))


def test_a_whole_answer_comes_at_its_end() -> None:
    feed = fed("application/json; charset=utf-8")
    body = b'{"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}'
    assert texts(feed.take(body[:9])) == texts(feed.take(body[9:])) == []
    assert not feed.is_over
    assert texts(feed.finish()) == ["a", ""]
    assert feed.has_handed_out
    assert feed.is_over


def test_an_error_in_place_of_a_stream_is_the_error() -> None:
    feed = fed("application/json; charset=utf-8")
    list(feed.take(b'{"error": {"code": 429, "message": "slow"}}'))
    with pytest.raises(errors.AIMLAPIRateLimitError):
        list(feed.finish())
    assert not feed.has_handed_out


COMPLETION = b'{"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}'
LABELS = ["", "text/event-stream", "text/plain", "application/json", "Text/HTML; charset=utf-8"]


@pytest.mark.parametrize("content_type", LABELS)
@pytest.mark.parametrize("size", [1, 4, 10_000])
@pytest.mark.parametrize(
    "start",
    [b"", b"\n\n", b"\xef\xbb\xbf", b": hi\n\n", b"event: chunk\n", b"id: 1\r\n", b"data\n"],
)
def test_a_stream_is_told_by_its_first_bytes(content_type: str, size: int, start: bytes) -> None:
    feed = fed(content_type)
    data = start + sse([TEXT, END])
    found = [
        chunk.text for at in range(0, len(data), size) for chunk in feed.take(data[at : at + size])
    ]
    assert found == ["a", ""]


@pytest.mark.parametrize("content_type", LABELS)
@pytest.mark.parametrize("size", [1, 10_000])
@pytest.mark.parametrize("start", [b"", b" \n\n ", b"\xef\xbb\xbf"])
def test_so_is_a_body(content_type: str, size: int, start: bytes) -> None:
    feed, data = fed(content_type), start + COMPLETION
    for at in range(0, len(data), size):
        assert texts(feed.take(data[at : at + size])) == []
    assert texts(feed.finish()) == ["a", ""]


@pytest.mark.parametrize(
    ("content_type", "data", "is_stream"),
    [
        ("text/event-stream", b"x-field: 1\ndata: 1\n\n", True),
        ("text/event-stream", b"dat", True),
        ("text/event-stream", b"", False),
        ("", b"data", False),
        ("", b"", False),
        ("text/plain", b"disconnect", False),
        ("text/html", b"error", False),
        ("text/event-stream", b"<html>", False),
        ("text/plain", b'{"error": 1}\ndata: [DONE]\n\n', True),
    ],
)
def test_where_the_first_bytes_say_nothing_the_label_decides(
    content_type: str,
    data: bytes,
    is_stream: bool,  # noqa: FBT001  a table
) -> None:
    body = body_of(call_of(), content_type=content_type)
    body.take(data)
    assert isinstance(body.data(), list) is is_stream


def test_an_object_before_the_first_event_is_an_event() -> None:
    body = body_of(call_of())
    body.take(b'{"error": 1}\ndata: [DONE]\n\n')
    assert body.data() == [b'{"error": 1}', b"[DONE]"]


def test_a_body_is_the_sum_of_its_blocks() -> None:
    assert body_of(call_of()).data() == b""
    body = body_of(call_of())
    body.take(b"a")
    body.take(b"b")
    assert body.data() == b"ab"


def test_a_stream_in_place_of_a_body_is_the_data_of_its_events() -> None:
    body = body_of(call_of(), content_type="application/json")
    for block in (b"data: 1\n\nda", b"ta: 2\n\n", b"data: 3"):
        body.take(block)
    assert body.data() == [b"1", b"2", b"3"]


def test_a_body_has_limits_of_size_and_time() -> None:
    big = body_of(call_of(max_body_bytes=3))
    big.take(b"{bc")
    with pytest.raises(errors.AIMLAPIResponseError, match="over 3 bytes"):
        big.take(b"d")
    slow = body_of(call_of(limits=NO_LIMITS._replace(total=0.01)))
    time.sleep(0.02)
    with pytest.raises(errors.AIMLAPITimeoutError, match=r"limit 0\.01 s; see `timeout`"):
        slow.take(b"a")
    endless = body_of(call_of(limits=NO_LIMITS))
    endless.take(b"a")
    assert endless.data() == b"a"


def test_a_stream_has_a_limit_in_all_however_much_it_sends() -> None:
    feed = fed(limits=NO_LIMITS._replace(stream=0.05))
    assert texts(feed.take(sse([TEXT], is_done=False))) == ["a"]
    time.sleep(0.06)
    with pytest.raises(errors.AIMLAPITimeoutError, match=r"limit 0\.05 s; see `stream_timeout`"):
        list(feed.take(sse([TEXT], is_done=False)))


# ---------------------------------------------------------------- content encodings

ASKED = {"accept-encoding": "gzip, deflate"}


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("X-GZIP ", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("identity", bytes),
        ("", bytes),
    ],
)
def test_what_was_asked_for_is_unpacked(encoding: str, pack: Any, size: int) -> None:
    body = body_of(call_of(headers=ASKED), content_encoding=encoding)
    text = b"{" + b"abc" * 300_000
    data = pack(text)
    for at in range(0, len(data), max(size, len(data) // 1000)):
        body.take(data[at : at + max(size, len(data) // 1000)])
    assert body.data() == text


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd", "deflate, gzip", "GZIP,identity"])
def test_any_other_encoding_is_an_error_that_names_it(encoding: str) -> None:
    with pytest.raises(errors.AIMLAPIResponseError, match="not asked for"):
        body_of(call_of(headers=ASKED), content_encoding=encoding)


def test_deflate_has_to_be_asked_for_but_gzip_is_always_read() -> None:
    call = call_of(headers={"accept-encoding": "identity"})
    assert unpacker_of({"content-encoding": "gzip"}, call=call) is not None
    with pytest.raises(errors.AIMLAPIResponseError, match="'deflate'"):
        unpacker_of({"content-encoding": "deflate"}, call=call)


@pytest.mark.parametrize("kind", ["body", "stream"])
def test_a_bomb_is_not_unpacked_beyond_the_limit(kind: str) -> None:
    start = b": comment\n" if kind == "stream" else b"{"
    bomb = gzip.compress(start + b"\n" * 50_000_000)
    body = body_of(call_of(max_body_bytes=1_000_000), content_encoding="gzip")
    with pytest.raises(errors.AIMLAPIResponseError, match=r"over 1000000 bytes"):
        body.take(bomb)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_what_is_not_packed_as_it_says_is_unreadable(encoding: str) -> None:
    body = body_of(call_of(headers=ASKED), content_encoding=encoding)
    with pytest.raises(errors.AIMLAPIResponseError, match="content-encoding") as caught:
        body.take(b"plain text, not packed")
    assert not caught.value.is_readable
    broken = body_of(call_of(headers=ASKED), content_encoding=encoding)
    data = (gzip.compress if encoding == "gzip" else zlib.compress)(bytes(range(256)) * 99)
    broken.take(data[:50])
    with pytest.raises(errors.AIMLAPIResponseError, match="content-encoding"):
        broken.take(b"\xff" * 400)


def error_body(call: Call, data: bytes, encoding: str = "", *, size: int = 10_000) -> bytes:
    body = ErrorBody(
        call,
        headers={"content-encoding": encoding},
        started=time.monotonic(),
        is_unpacked=False,
    )
    for at in range(0, len(data), size):
        if body.take(data[at : at + size]):
            break
    return body.data()


def test_of_an_errors_body_the_beginning_is_enough() -> None:
    call = call_of(headers=ASKED)
    assert error_body(call, b"abc") == b"abc"
    assert 1_000_000 < len(error_body(call, b"x" * 9_000_000)) < 1_200_000
    assert 1_000_000 < len(error_body(call, gzip.compress(b"x" * 90_000_000), "gzip")) < 2_000_000
    assert b"'gzip, gzip'" in error_body(call, b"x", "gzip, gzip")
    assert b"content-encoding" in error_body(call, b"x" * 99, "gzip")
    late = call_of(limits=NO_LIMITS._replace(total=1e-9))
    assert error_body(late, b"abc", size=1) == b"a"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_header_without_end_is_bounded(encoding: str) -> None:
    unpacker = Unpacker(encoding, most=1000)
    starts = {"gzip": b"\x1f\x8b\x08\x08" + b"\x00" * 6, "deflate": b"\x78\x9c"}
    blocks = {"gzip": b"n" * 100, "deflate": b"\x00\x00\x00\xff\xff" * 20}  # empty blocks
    assert [*unpacker.take(starts[encoding])] == []
    with pytest.raises(errors.AIMLAPIResponseError, match="nothing in its first 1000 bytes"):
        [*chain.from_iterable(map(unpacker.take, [blocks[encoding]] * 20))]


def test_what_is_neither_kind_of_deflate_is_an_error() -> None:
    unpacker = Unpacker("deflate", most=1000)
    with pytest.raises(errors.AIMLAPIResponseError, match="not what its content-encoding says"):
        [*unpacker.take(b"\xff\xff\xff")]
