"""Promise 35: whatever bytes come, the call ends in an answer or in one of our errors."""

from __future__ import annotations

import asyncio
import json
import string
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from langchain_aimlapi.errors import AIMLAPIError
from tests.examples import examples
from tests.wire_tests.asking import aask, ask, model_at
from tests.wire_tests.loopback import (
    CLOSE,
    DONE,
    END,
    USAGE,
    Loopback,
    Steps,
    chunk,
    completion,
    event,
    head,
    piece,
    sse,
    stream_head,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_core.messages import AIMessage

DETAILS = [
    {"type": "reasoning.text", "text": "Hm\u2028", "format": "google-gemini-v1", "index": 0},
    {"type": "reasoning.encrypted", "data": "AbCd", "id": "c1", "index": 0},
]
CALLS = [
    {
        "index": 0,
        "id": "c1",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city": "Oslo", "days": [1, 2]}'},
        "extra_content": {"google": {"thought_signature": "sig"}},
    }
]
RICH: dict[str, Any] = {
    "reasoning": "Hm",
    "reasoning_details": DETAILS,
    "tool_calls": CALLS,
    "annotations": [{"type": "url_citation", "url_citation": {"url": "https://a.b"}}],
    "extra_content": {"google": {"thought_signature": "sig"}},
}
WHOLE = whole(completion("Hello \U0001f600", **RICH), x_inference_id="i", x_aimlapi_usd_spent="0.1")
EVENTS = [
    b": OPENROUTER PROCESSING\n\n",
    event(piece("Hel", reasoning="Hm", reasoning_details=DETAILS)),
    event(piece("lo \U0001f600", tool_calls=CALLS)),
    event(piece("", finish="tool_calls", usage=USAGE, extra_content=RICH["extra_content"])),
    event({"meta": {"usage": {"credits_used": 3814}}}),
    DONE,
]
STREAM = sse(*EVENTS)
BODY = b"".join(EVENTS)

SNIPPETS = [
    *(b"\r\n", b"\n\n", b"data: ", b"[DONE]", b"0\r\n\r\n", b"\xef\xbb\xbf", b"\xff", b"\x00"),
    *(b"\xf0\x9f", b"\\ud83d", b"null", b'"', b"{", b"}", b"[" * 300, b"1e999", b"-1", b"NaN"),
]
byte_soup = st.binary(max_size=40) | st.sampled_from(SNIPPETS)


@st.composite
def damaged(draw: st.DrawFn, *, answer: bytes) -> bytes:
    """Draw an answer with pieces of it lost, replaced, doubled or added."""
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(answer)))
        end = min(begin + draw(st.integers(0, 60)), len(answer))
        between = draw(byte_soup | st.just(answer[begin:end] * 2))
        answer = answer[:begin] + between + answer[end:]
    return answer


@st.composite
def blocks(draw: st.DrawFn, *, answer: bytes) -> list[bytes]:
    cuts = sorted(draw(st.lists(st.integers(0, len(answer)), max_size=4)))
    return [answer[a:b] for a, b in zip([0, *cuts], [*cuts, len(answer)], strict=True) if a < b]


class Asker:
    """Keeps a server, a model, a loop over many examples; holds every outcome to the law."""

    def __init__(self, server: Loopback) -> None:
        self._server = server
        self._model = model_at(server, timeout=5)
        self._runner = asyncio.Runner()

    def check(self, way: str, steps: Steps) -> None:
        self._server.answer = lambda _: steps
        try:
            if way.startswith("a"):
                message = self._runner.run(aask(self._model, way))
            else:
                message = ask(self._model, way)
        except AIMLAPIError as failure:
            _hold_failure(failure)
        else:
            _hold_answer(message)

    def close(self) -> None:
        self._runner.close()
        self._model.close()


def _hold_failure(failure: AIMLAPIError) -> None:
    assert str(failure)
    assert failure.client_request_id


def _hold_answer(message: AIMessage) -> None:
    assert isinstance(message.content, str)
    message.content.encode()
    json.dumps(message.response_metadata)


@contextmanager
def an_asker() -> Iterator[Asker]:
    with Loopback(b"") as server:
        asker = Asker(server)
        try:
            yield asker
        finally:
            asker.close()


@pytest.fixture(scope="module")
def asker() -> Iterator[Asker]:
    with an_asker() as one:
        yield one


some = settings(examples(60), suppress_health_check=list(HealthCheck))
whole_way = st.sampled_from(["invoke", "ainvoke"])
streamed_way = st.sampled_from(["stream", "astream"])
any_way = whole_way | streamed_way


@some
@given(way=whole_way, data=st.data())
def test_35_any_damage_to_a_whole_answer(asker: Asker, way: str, data: st.DataObject) -> None:
    answer = data.draw(damaged(answer=WHOLE).flatmap(lambda one: blocks(answer=one)))
    asker.check(way, [*answer, CLOSE])


@some
@given(way=streamed_way, data=st.data())
def test_35_any_damage_to_a_streamed_answer(asker: Asker, way: str, data: st.DataObject) -> None:
    answer = data.draw(damaged(answer=STREAM).flatmap(lambda one: blocks(answer=one)))
    asker.check(way, [*answer, CLOSE])


@some
@given(way=streamed_way, data=st.data())
def test_35_any_damage_to_the_events_alone(asker: Asker, way: str, data: st.DataObject) -> None:
    body = data.draw(damaged(answer=BODY).flatmap(lambda one: blocks(answer=one)))
    asker.check(way, [stream_head(), *map(chunk, body), END])


@some
@given(way=any_way, data=st.data())
def test_35_any_damage_to_the_body_alone(asker: Asker, way: str, data: st.DataObject) -> None:
    body = data.draw(damaged(answer=json.dumps(completion("Hello", **RICH)).encode()))
    asker.check(way, [whole(body)])


@some
@given(way=any_way, body=st.binary(max_size=200), status=st.integers(200, 599))
@example(way="invoke", body=b"[" * 100_000, status=500)
@example(way="stream", body=b"[" * 100_000, status=200)
def test_35_any_bytes_with_any_status(asker: Asker, way: str, body: bytes, status: int) -> None:
    asker.check(way, [whole(body, status=status), CLOSE])


KNOWN = """retry-after retry-after-ms location content-type content-encoding content-length
set-cookie transfer-encoding connection x-inference-id x-client-request-id x-should-retry
x-aimlapi-credits-used x-aimlapi-usd-spent"""
names = st.sampled_from(KNOWN.split()) | st.text(string.ascii_lowercase, min_size=1, max_size=9)
values = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\x00"), max_size=30)


@some
@given(way=any_way, name=names, value=values, status=st.sampled_from([200, 302, 400, 429, 503]))
def test_35_any_header(asker: Asker, way: str, name: str, value: str, status: int) -> None:
    line = f"{name}: {value}\r\n\r\n".encode("latin-1")
    body = BODY if "stream" in way else json.dumps(completion()).encode()
    kind = "text/event-stream" if "stream" in way else "application/json"
    asker.check(way, [head(status, content_type=kind)[:-2] + line + body, CLOSE])


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_35_a_whole_answer_cut_anywhere(asker: Asker, way: str) -> None:
    for end in range(0, len(WHOLE), 23):
        asker.check(way, [WHOLE[:end], CLOSE])


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_35_a_streamed_answer_cut_anywhere(asker: Asker, way: str) -> None:
    for end in range(0, len(STREAM), 23):
        asker.check(way, [STREAM[:end], CLOSE])
    for end in range(0, len(BODY), 23):
        asker.check(way, [stream_head() + chunk(BODY[:end] or b"\n") + END])
