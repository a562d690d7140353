"""Promises 50 and 51: what drips beside the body ends, and a refused upload is told as refused."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
import time
from contextlib import suppress
from typing import Any

import pytest

from langchain_aimlapi import errors
from langchain_aimlapi._http import new_clients
from tests.wire_tests.asking import (
    ask,
    at_once,
    every_streamed_way_at_once,
    every_way,
    every_way_at_once,
    every_whole_way_at_once,
    failure_of,
    model_at,
)
from tests.wire_tests.loopback import (
    Loopback,
    Request,
    Steps,
    answer_to,
    chunk,
    completion,
    event,
    head,
    hello,
    piece,
    stream_head,
    whole,
)

# ---------------------------------------------------------------- 50: what drips beside the body

FOR_LONG = 60


def drip(*start: bytes, step: bytes, every: float = 0.05) -> Steps:
    return [*start, *[thing for _ in range(FOR_LONG) for thing in (step, every)]]


DRIPPING: dict[str, Steps] = {
    "a status line": drip(b"HTTP/1.1 200 ", step=b"O"),
    "headers": drip(b"HTTP/1.1 200 OK\r\n", step=b"x-a: b\r\n"),
    "one header": drip(b"HTTP/1.1 200 OK\r\nx-a: ", step=b"b"),
    "interim answers": drip(step=b"HTTP/1.1 102 Processing\r\n\r\n"),
    "interim answers without end": [b"HTTP/1.1 100 Continue\r\n\r\n" * 200_000] * 20,
    "a chunk's extension": drip(head(transfer_encoding="chunked"), b"5;", step=b"a"),
    "a chunk's size": drip(head(transfer_encoding="chunked"), step=b"0"),
    "a trailer": drip(
        head(transfer_encoding="chunked"), chunk(b'{"a'), b"0\r\n", step=b"x-a: b\r\n"
    ),
    "the head of an error": drip(b"HTTP/1.1 503 No\r\n", step=b"x-a: b\r\n"),
}


@every_way
def test_50_what_drips_beside_the_body_ends_with_the_limit(way: str) -> None:
    def check(name: str) -> None:
        with Loopback(DRIPPING[name]) as server:
            started = time.monotonic()
            failure = failure_of(model_at(server, timeout=0.4), way)
            assert time.monotonic() - started < 1.2, name
            assert server.wait_open(0), name
        assert isinstance(failure, errors.AIMLAPITimeoutError), name
        assert failure.is_retryable, name
        assert "timeout" in str(failure), name

    at_once(check, DRIPPING)


@every_streamed_way_at_once
def test_50_nor_does_a_stream_that_drips_between_its_events(way: str) -> None:
    steps = drip(stream_head(), chunk(event(piece("He"))), b"5;", step=b"a")
    with Loopback(steps) as server:
        started = time.monotonic()
        failure = failure_of(model_at(server, timeout=0.4), way)
        assert time.monotonic() - started < 1.2
    assert isinstance(failure, errors.AIMLAPITimeoutError)
    assert failure.partial is not None
    assert failure.partial.content == "He"


@every_way_at_once
def test_50_a_head_in_pieces_within_the_limit_is_fine(way: str) -> None:
    def pieces(request: Request) -> Steps:
        answer = answer_to(request)
        return [b"HTTP/1.1 102 Processing\r\n\r\n", 0.05, answer[:20], 0.05, answer[20:]]

    with Loopback(by=pieces) as server:
        model = model_at(server)
        for _ in range(3):
            assert ask(model, way).content == "Hello"


@every_streamed_way_at_once
def test_50_a_slow_reader_is_still_no_silence(way: str) -> None:
    async def aread() -> list[Any]:
        told = []
        async for part in model.astream("Hello"):
            told.append(part.content)
            await asyncio.sleep(0.3)
        return told

    def read() -> list[Any]:
        told = []
        for part in model.stream("Hello"):
            told.append(part.content)
            time.sleep(0.3)
        return told

    first = [chunk(event(piece(text))) for text in "abc"]
    last = chunk(event(piece("", finish="stop")) + b"data: [DONE]\n\n") + chunk(b"")
    with Loopback([stream_head(), *first, 0.1, last]) as server:
        model = model_at(server, timeout=0.5)
        told = read() if way == "stream" else asyncio.run(aread())
    assert "".join(told) == "abc"


@every_whole_way_at_once
def test_50_an_upload_that_is_taken_in_drips_ends_too(way: str) -> None:
    with Refusing(answer=b"", taken_by_the_second=400_000) as url:
        started = time.monotonic()
        failure = failure_of(model_at(url, timeout=0.5), way, LARGE)
        assert time.monotonic() - started < 2.0
    assert isinstance(failure, errors.AIMLAPITimeoutError)


# ---------------------------------------------------------------- 51: a refused upload

LARGE = "a" * 12_000_000
REFUSED = whole({"error": {"message": "Too large by far", "code": 413}}, status=413)


class Refusing:
    """A server that answers as soon as it saw the head of a request, and resets the connection."""

    def __init__(
        self,
        *,
        answer: bytes = REFUSED,
        after: int = 0,
        taken_by_the_second: int = 0,
        context: ssl.SSLContext | None = None,
        says_goodbye: bool = False,
    ) -> None:
        self.requests = 0
        self._answer = answer
        self._after = after
        self._pace = taken_by_the_second
        self._context = context
        self._says_goodbye = says_goodbye
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._is_over = False

    def __enter__(self) -> str:
        threading.Thread(target=self._accept, daemon=True).start()
        host = "http://127.0.0.1" if self._context is None else "https://localhost"
        return f"{host}:{self._listener.getsockname()[1]}/v1"

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                accepted, _ = self._listener.accept()
                with suppress(OSError):
                    self._serve(accepted)

    def _serve(self, accepted: socket.socket) -> None:
        line = accepted
        if self._context is not None:
            line = self._context.wrap_socket(accepted, server_side=True)
        read = b""
        while b"\r\n\r\n" not in read:
            read += line.recv(1024)
        self.requests += 1
        taken = 0
        while taken < self._after:
            taken += len(line.recv(65536))
        while self._pace and not self._is_over:
            line.recv(self._pace // 20)
            time.sleep(0.05)
        line.sendall(self._answer)
        if self._says_goodbye and isinstance(line, ssl.SSLSocket):
            with suppress(OSError):  # it goes on to send
                line.unwrap()
        time.sleep(0.05)  # a reset takes back what the system has not sent yet
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.close()


@every_way
@pytest.mark.parametrize("after", [0, 100_000, 3_000_000])
def test_51_an_upload_that_is_refused_is_told_as_refused(way: str, after: int) -> None:
    server = Refusing(after=after)
    with server as url:
        for _ in range(5):
            failure = failure_of(model_at(url, max_retries=2), way, LARGE)
            assert failure.status_code == 413
            assert isinstance(failure, errors.AIMLAPIInvalidRequestError)
            assert "Too large by far" in str(failure)
            assert not failure.is_retryable
    assert server.requests == 5


@every_way
@pytest.mark.parametrize("says_goodbye", [False, True])
def test_51_so_is_one_over_tls(
    way: str, *, says_goodbye: bool, authority: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    monkeypatch.setattr(new_clients._TLS, "_context", ours)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(theirs)
    server = Refusing(context=theirs, after=100_000, says_goodbye=says_goodbye)
    with server as url:
        failure = failure_of(model_at(url), way, LARGE)
    assert failure.status_code == 413
    assert server.requests == 1


@every_way
@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_51_nor_does_another_refusal_get_lost(way: str, status: int) -> None:
    refused = whole({"message": "No such thing", "statusCode": status}, status=status)
    with Refusing(answer=refused, after=2_000_000) as url:
        assert failure_of(model_at(url), way, LARGE).status_code == status


@every_way
def test_51_a_refusal_that_may_be_repeated_counts_as_an_attempt(way: str) -> None:
    busy = whole({"message": "Busy"}, status=503, retry_after=0)
    server = Refusing(answer=busy, after=1_000_000)
    with server as url:
        failure = failure_of(model_at(url, max_retries=1), way, LARGE)
    assert failure.status_code == 503
    assert server.requests == 2


@every_way
def test_51_a_reset_without_an_answer_stays_a_connection_error(way: str) -> None:
    server = Refusing(answer=b"", after=1_000_000)
    with server as url:
        failure = failure_of(model_at(url), way, LARGE)
    assert type(failure) is errors.AIMLAPIConnectionError
    assert "MB: the server may have refused it as too large" in str(failure)
    assert server.requests == 1


@every_way
def test_51_a_large_upload_that_is_taken_is_answered(way: str) -> None:
    def answer(request: Request) -> Steps:
        assert len(request.prompt) == len(LARGE)
        return [hello("Read") if request.json.get("stream") else whole(completion("Read"))]

    with Loopback(by=answer) as server:
        model = model_at(server, timeout=20)
        assert [ask(model, way, LARGE).content for _ in range(2)] == ["Read", "Read"]
