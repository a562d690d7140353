"""Promises 38 to 46, but 41: what a hostile or odd server does costs nobody more than one call."""

from __future__ import annotations

import asyncio
import functools
import gc
import gzip
import json
import socket
import ssl
import subprocess
import sys
import time
import tracemalloc
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.runnables import ConfigurableField

from langchain_aimlapi import errors
from langchain_aimlapi._http import new_clients
from tests.wire_tests.asking import (
    KEY,
    aask,
    ask,
    every_streamed_way_at_once,
    every_way,
    every_way_at_once,
    every_whole_way,
    failure_of,
    model_at,
)
from tests.wire_tests.loopback import (
    CLOSE,
    DONE,
    END,
    HANG,
    MODEL,
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
    sse,
    stream_head,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from langchain_aimlapi import ChatAIMLGemini

MEGABYTES = 1024 * 1024


# ---------------------------------------------------------------- 38: bombs


def zeros(number: int) -> bytes:
    """Return a gzip of so many megabytes of blanks, made without having them."""
    packer = zlib.compressobj(1, wbits=zlib.MAX_WBITS | 16)
    block = b"\n" * MEGABYTES
    return b"".join([*(packer.compress(block) for _ in range(number)), packer.flush()])


@functools.cache  # made when the first test asks: not in each process that collects this module
def bomb(layers: int) -> bytes:
    """Return more than a quarter of a gigabyte, packed so many times."""
    return gzip.compress(bomb(layers - 1)) if layers > 1 else zeros(300)


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "gzip": (lambda: bomb(1), "gzip"),
    "twice": (lambda: bomb(2), "gzip, gzip"),
    "thrice": (lambda: bomb(3), "gzip, gzip, gzip"),
    "br": (lambda: b"\x00" * 100, "br"),
    "zstd": (lambda: b"\x28\xb5\x2f\xfd" + b"\x00" * 100, "zstd, zstd"),
    "unknown": (lambda: b"words", "compress"),
}


@every_way
@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("status", [200, 500])
def test_38_a_bomb_is_not_unpacked(way: str, name: str, status: int) -> None:
    made, encoding = BOMBS[name]
    kind = "text/event-stream" if "stream" in way else "application/json"
    answer = whole(made(), status=status, content_encoding=encoding, content_type=kind)
    with Loopback(answer) as server:
        model = model_at(server, timeout=20)
        tracemalloc.start()
        failure = failure_of(model, way)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 250 * MEGABYTES
    kinds = {200: errors.AIMLAPIResponseError, 500: errors.AIMLAPIServerError}
    assert type(failure) is kinds[status]
    if name != "gzip":
        assert repr(encoding) in str(failure)


BOMBED = """
import resource, sys
from langchain_aimlapi.errors import AIMLAPIResponseError, AIMLAPIServerError
from tests.wire_tests.asking import WAYS, failure_of, model_at

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

start = peak()
for way in WAYS:
    failure = failure_of(model_at(sys.argv[1], timeout=60), way)
    assert type(failure) in (AIMLAPIResponseError, AIMLAPIServerError), failure
print(peak() - start)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is in other units elsewhere")
@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("times", [1, 2])
def test_38_a_bomb_of_gigabytes_costs_no_more_than_the_limit(status: int, times: int) -> None:
    bomb = zeros(1500)  # megabytes; once more packed they are a few kilobytes
    if times > 1:
        bomb = gzip.compress(bomb)
    encoding = ", ".join(["gzip"] * times)
    with Loopback(whole(bomb, status=status, content_encoding=encoding)) as server:
        done = subprocess.run(
            [sys.executable, "-c", BOMBED, server.url],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 300  # megabytes over the start


@every_way
def test_38_a_header_without_end_is_not_gathered(way: str) -> None:
    endless = b"\x1f\x8b\x08\x08" + b"\x00" * 6 + b"n" * (3 * MEGABYTES)  # the name of a file
    answer = whole(endless, content_encoding="gzip")
    with Loopback(answer) as server:
        model = model_at(server)
        failure = failure_of(model, way)
        assert type(failure) is errors.AIMLAPIResponseError


@every_way
def test_38_a_single_gzip_is_read_whether_asked_for_or_not(way: str) -> None:
    good = hello("Hello") if "stream" in way else b""
    body = good.partition(b"\r\n\r\n")[2] if good else json.dumps(completion("Hello")).encode()
    if good:  # the events alone, without the chunked coding
        body = b"".join(
            (event(piece("Hello")), event(piece("", finish="stop")), DONE),
        )
    kind = "text/event-stream" if good else "application/json"
    answer = whole(gzip.compress(body), content_encoding="gzip", content_type=kind)
    with Loopback(answer) as server:
        assert ask(model_at(server), way).content == "Hello"


# ---------------------------------------------------------------- 39: another request's answer


def surplus(request: Request) -> Steps:
    """Answer, and put a second answer behind it."""
    other = Request(request.line, {}, request.body.replace(b"Hello", b"Other"), 0)
    return [answer_to(request) + answer_to(other)]


@every_way
def test_39_bytes_behind_an_answer_answer_no_other_request(way: str) -> None:
    async def use() -> None:
        model = model_at(server)
        for _ in range(3):
            answer = await aask(model, way) if way.startswith("a") else ask(model, way)
            assert answer.content == "Hello"

    with Loopback(by=surplus) as server:
        asyncio.run(use())
        assert len(server.requests) == 3
        assert server.connections == 3


@every_way
@pytest.mark.parametrize("status", [200, 429])
def test_39_an_answer_that_says_it_is_anothers_is_an_error(way: str, status: int) -> None:
    def answer(request: Request) -> Steps:
        if len(server.requests) > 1:
            return [answer_to(request)]
        good = answer_to(request).replace(
            b"HTTP/1.1 200 Whatever\r\n", b"HTTP/1.1 200 Whatever\r\nx-client-request-id: other\r\n"
        )
        return [good if status == 200 else whole({}, status=429, x_client_request_id="other")]

    async def use() -> None:
        model = model_at(server)
        with pytest.raises(errors.AIMLAPIConnectionError, match="another request") as caught:
            await aask(model, way) if way.startswith("a") else ask(model, way)
        assert caught.value.client_request_id == server.requests[0].headers["x-client-request-id"]
        assert (await aask(model, way) if way.startswith("a") else ask(model, way)).content

    with Loopback(by=answer) as server:
        asyncio.run(use())
        assert server.connections == 2


class TlsLoopback(Loopback):
    """Serves over TLS."""

    def __init__(self, authority: Any, *, by: Any) -> None:
        super().__init__(by=by)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(self._context)
        self._listener = self._context.wrap_socket(self._listener, server_side=True)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/v1"


def surplus_record(request: Request) -> Steps:
    """Answer with just the bytes of a TLS record, and put a second answer into the next one."""
    other = Request(request.line, {}, request.body.replace(b"Hello", b"Other"), 0)
    answer = answer_to(request)
    head, _, body = answer.partition(b"\r\n")
    room = 16_384 - len(answer) - len(b"x-pad: \r\n")
    return [head + b"\r\nx-pad: " + b"x" * room + b"\r\n" + body + answer_to(other)]


@every_way_at_once
def test_39_nor_do_those_in_a_tls_record_of_their_own(
    way: str, authority: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    monkeypatch.setattr(new_clients._TLS, "_context", context)

    async def use() -> None:
        model = model_at(server)
        for _ in range(5):
            answer = await aask(model, way) if way.startswith("a") else ask(model, way)
            assert answer.content == "Hello"
            await asyncio.sleep(0.05)

    with TlsLoopback(authority, by=surplus_record) as server:
        asyncio.run(use())
        assert len(server.requests) == 5


@every_way
def test_39_an_echo_of_our_own_id_is_fine(way: str) -> None:
    def answer(request: Request) -> Steps:
        echo = f"X-Client-Request-Id: {request.headers['x-client-request-id']}\r\n".encode()
        return [answer_to(request).replace(b"Whatever\r\n", b"Whatever\r\n" + echo, 1)]

    with Loopback(by=answer) as server:
        assert ask(model_at(server), way).content == "Hello"


# ---------------------------------------------------------------- 40: what came, by its first bytes

LABELS = [None, "text/plain", "text/event-stream", "application/json", "text/html"]


def labelled(body: bytes, label: str | None, *, blanks: bytes = b"") -> bytes:
    answer = whole(blanks + body, content_type=label or "x")
    return answer if label else answer.replace(b"content-type: x\r\n", b"")


EVENTS = b"".join((event(piece("Hel")), event(piece("lo")), event(piece("", finish="stop")), DONE))


@every_way
@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("blanks", [b"", b" \r\n\n", b"\xef\xbb\xbf"])
def test_40_a_completion_and_a_stream_are_read_whatever_was_asked_for(
    way: str, label: str | None, blanks: bytes
) -> None:
    for body in (json.dumps(completion("Hello")).encode(), EVENTS, b": hi\n\n" + EVENTS):
        with Loopback(labelled(body, label, blanks=blanks)) as server:
            answer = ask(model_at(server, max_retries=2), way)
            assert answer.content == "Hello"
            assert answer.response_metadata["finish_reason"] == "stop"
            assert answer.response_metadata["model_name"] == MODEL
            assert len(server.requests) == 1


@every_way
@pytest.mark.parametrize("label", LABELS)
def test_40_a_failure_in_another_form_than_asked_for_is_told(way: str, label: str | None) -> None:
    told = json.dumps({"error": {"code": 402, "message": "no credits"}}).encode()
    for body in (told, event(told), told + b"\n" + DONE, b": hi\n\n" + told + b"\n\n"):
        with Loopback(labelled(body, label)) as server:
            failure = failure_of(model_at(server, max_retries=2), way)
            assert type(failure) is errors.AIMLAPICreditsError
            assert "no credits" in str(failure)
            assert len(server.requests) == 1


# ---------------------------------------------------------------- 42: the limit of a whole stream


def heartbeats(_: Request) -> Steps:
    beats: Steps = [stream_head()]
    for _beat in range(100):
        beats += [chunk(event(piece(""))), 0.02]
    return beats


@every_streamed_way_at_once
def test_42_heartbeats_do_not_keep_a_stream_alive(way: str) -> None:
    with Loopback(by=heartbeats) as server:
        started = time.monotonic()
        failure = failure_of(model_at(server, stream_timeout=0.3), way)
        assert type(failure) is errors.AIMLAPITimeoutError
        assert "stream_timeout" in str(failure)
        assert time.monotonic() - started < 1.5
        assert type(failure_of(model_at(server), way, stream_timeout=0.3)) is type(failure)


@every_streamed_way_at_once
def test_42_nor_is_silence_waited_for_past_it(way: str) -> None:
    with Loopback([stream_head(), chunk(event(piece("He"))), HANG]) as server:
        started = time.monotonic()
        failure = failure_of(model_at(server, timeout=9, stream_timeout=0.3), way)
        assert type(failure) is errors.AIMLAPITimeoutError
        assert time.monotonic() - started < 3


@every_way_at_once
def test_42_none_is_no_limit_and_a_whole_answer_has_none(way: str) -> None:
    slow: Steps = [
        chunk(event(piece("Hello"))),
        0.4,
        chunk(event(piece("", finish="stop")) + DONE),
        END,
    ]
    answers: dict[bool, Steps] = {
        True: [stream_head(), *slow],
        False: [
            head(content_length=len(json.dumps(completion()))),
            0.4,
            json.dumps(completion()).encode(),
        ],
    }
    with Loopback(answers["stream" in way]) as server:
        limit = None if "stream" in way else 0.1
        assert ask(model_at(server, stream_timeout=limit), way).content == "Hello"


def test_42_the_limit_is_an_hour_and_checked() -> None:
    assert model_at("https://a").stream_timeout == 3600.0
    for wrong in (0, -1, "long"):
        with pytest.raises(ValueError, match="stream_timeout"):
            model_at("https://a", stream_timeout=wrong)
        with pytest.raises(ValueError, match="stream_timeout"):
            model_at("https://a").invoke("Hi", stream_timeout=wrong)


# ---------------------------------------------------------------- 43: what the server worked on


@every_way_at_once
def test_43_a_request_that_was_worked_on_is_not_sent_twice_in_silence(way: str) -> None:
    def answer(request: Request) -> Steps:
        return [answer_to(request)] if len(server.requests) == 1 else [1.3, CLOSE]

    async def use() -> None:
        model = model_at(server, max_retries=0, timeout=5)
        await aask(model, way) if way.startswith("a") else ask(model, way)
        with pytest.raises(errors.AIMLAPIConnectionError):
            await aask(model, way) if way.startswith("a") else ask(model, way)

    with Loopback(by=answer) as server:
        asyncio.run(use())
        assert len(server.requests) == 2


@every_way
def test_43_nor_one_of_whose_answer_anything_came(way: str) -> None:
    def answer(request: Request) -> Steps:
        return [answer_to(request)] if len(server.requests) == 1 else [b"HTTP/1.1 2", CLOSE]

    async def use() -> None:
        model = model_at(server, max_retries=0, timeout=5)
        await aask(model, way) if way.startswith("a") else ask(model, way)
        with pytest.raises(errors.AIMLAPIConnectionError):
            await aask(model, way) if way.startswith("a") else ask(model, way)

    with Loopback(by=answer) as server:
        asyncio.run(use())
        assert len(server.requests) == 2


# ---------------------------------------------------------------- 44: headers


@pytest.mark.parametrize(
    "name",
    ["host", "Content-Length", "transfer-encoding", "Connection", "authorization", " HOST ", "TE"],
)
def test_44_headers_that_the_client_writes_are_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name.strip()}.*not to be set") as caught:
        model_at("https://a", default_headers={name: "secret-value"})
    assert "secret-value" not in str(caught.value)
    model = model_at("https://a")
    with pytest.raises(ValueError, match=f"{name.strip()}.*not to be set") as caught:
        model.invoke("Hi", extra_headers={name: "secret-value"})
    assert "secret-value" not in str(caught.value)


# ---------------------------------------------------------------- 45: the key in foreign frames


def holds_the_key(error: BaseException) -> Iterator[str]:
    """Yield the frames of an error, its causes included, in whose locals the key stands."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        linked = waiting.pop()
        if linked is None or id(linked) in seen:
            continue
        seen.add(id(linked))
        waiting += [linked.__cause__, linked.__context__]
        trace = linked.__traceback__
        while trace is not None:
            frame, trace = trace.tb_frame, trace.tb_next
            if Path(frame.f_code.co_filename).name in (
                "test_adversary.py",
                "loopback.py",
                "<string>",
            ):
                continue
            for name, value in frame.f_locals.items():
                if KEY in f"{value!r} {getattr(value, '__dict__', '')!r}" or _is_raw(value):
                    yield f"{frame.f_code.co_qualname} {name}"


def _is_raw(value: object) -> bool:
    headers = getattr(value, "headers", None)
    return KEY in repr(getattr(headers, "raw", headers))


SLOW: dict[str, Steps] = {
    "silent": [HANG],
    "head": [head(content_length=9), HANG],
    "stream": [stream_head(), chunk(event(piece("He"))), HANG],
}


@pytest.mark.parametrize("way", ["ainvoke", "astream"])
@pytest.mark.parametrize("name", SLOW)
@pytest.mark.parametrize("how", ["cancel", "timeout"])
async def test_45_a_call_that_is_cancelled_leaves_no_key_in_any_frame(
    way: str, name: str, how: str
) -> None:
    async def use() -> None:
        async with asyncio.timeout(0.2 if how == "timeout" else None):
            await aask(model_at(server, timeout=9), way)

    with Loopback(SLOW[name]) as server:
        task = asyncio.create_task(use())
        await asyncio.to_thread(server.wait_requests, 1)
        await asyncio.sleep(0.05)
        if how == "cancel":
            task.cancel()
        with pytest.raises((asyncio.CancelledError, TimeoutError)) as caught:
            await task
        assert not [*holds_the_key(caught.value)]


INTERRUPTED = """
import signal, sys, threading, time
from tests.wire_tests.asking import KEY, ask, model_at
from tests.wire_tests.loopback import Loopback
from tests.wire_tests.test_adversary import SLOW, holds_the_key
signal.signal(signal.SIGINT, signal.default_int_handler)
for name in ("silent", "stream"):
    for way in ("invoke", "stream"):
        with Loopback(SLOW[name]) as server:
            def interrupt():
                server.wait_requests(1)
                time.sleep(0.1)
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            threading.Thread(target=interrupt, daemon=True).start()
            try:
                ask(model_at(server, timeout=9), way)
            except KeyboardInterrupt as error:
                print(name, way, [*holds_the_key(error)])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal to a thread")
def test_45_nor_does_one_that_is_interrupted() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines() == [
        "silent invoke []",
        "silent stream []",
        "stream invoke []",
        "stream stream []",
    ], done.stderr


@every_way
def test_45_an_echoed_key_is_in_no_part_of_an_answer_or_an_error(way: str) -> None:
    good = answer_to(Request("", {}, json.dumps({"messages": [{"content": "Hi"}]}).encode(), 0))
    if "stream" in way:
        good = hello("Hi")
    echo = good.replace(b"Whatever\r\n", f"Whatever\r\nx-inference-id: {KEY}\r\n".encode(), 1)
    with Loopback(echo) as server:
        assert KEY not in repr(ask(model_at(server), way))
    cut = sse(event(piece(f"said {KEY}")), event({"error": {"message": "m"}}))
    with Loopback(cut if "stream" in way else [CLOSE]) as server:
        assert KEY not in repr(failure_of(model_at(server), way).partial)


@every_way
def test_45_an_echoed_key_is_in_nothing_that_a_good_answer_tells_of_itself(way: str) -> None:
    fields = {
        "id": f"gen-{KEY}",
        "model": KEY,
        "system_fingerprint": KEY[:12],
        "provider": {"name": KEY},
        "service_tier": KEY,
    }
    body = {**completion(f"You said {KEY}"), **fields}
    events = [{**piece(f"You said {KEY}"), **fields}, {**piece("", finish="stop"), **fields}]
    streamed = sse(*(event(each) for each in events), DONE)
    with Loopback(streamed if "stream" in way else whole(body)) as server:
        answer = ask(model_at(server), way)
    assert KEY[:12] not in repr(answer.response_metadata)
    assert answer.content == f"You said {KEY}"  # what the model wrote is the answer


def keyed(server: Loopback, key: str) -> ChatAIMLGemini:
    return model_at(server).model_copy(update={"api_key": key})


@every_whole_way
@pytest.mark.parametrize("key", ["any", "error", "a", "message", "AIMLAPI_API_KEY", "base_url"])
def test_45_a_key_that_is_a_word_garbles_no_message(way: str, key: str) -> None:
    body = {"message": "Too many requests of any kind, error a."}
    for status, words in (
        (401, "Check the key: pass api_key=... or set AIMLAPI_API_KEY."),
        (429, ""),
    ):
        with Loopback(whole(body, status=status)) as server:
            failure = failure_of(keyed(server, key), way)
            assert str(failure) == f"{status} {body['message']} {words}".strip()


@every_whole_way
def test_45_a_longer_key_is_taken_out_of_what_the_server_said(way: str) -> None:
    with Loopback(whole({"message": "bad key base_url"}, status=404)) as server:
        failure = failure_of(keyed(server, "base_url"), way)
        assert "bad key **********" in str(failure)
        assert "`base_url`" in str(failure)


# ---------------------------------------------------------------- 46: connections


def half_closed(port: int) -> int:
    """Count our connections to a port that the server has closed and we have not."""
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    ends = [line.split() for line in lines]
    return sum(end[3] == "08" and end[2].endswith(f":{port:04X}") for end in ends)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@every_whole_way
def test_46_connections_that_the_server_closed_do_not_stay(way: str) -> None:
    async def burst(model: ChatAIMLGemini, number: int) -> None:
        if way == "ainvoke":
            await asyncio.gather(*(aask(model, way) for _ in range(number)))
        else:
            await asyncio.gather(*(asyncio.to_thread(ask, model, way) for _ in range(number)))

    async def use() -> None:
        from concurrent.futures import ThreadPoolExecutor

        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(150))
        model = model_at(server, timeout=20)
        await burst(model, 150)
        assert server.connections == 150
        server.hang_up()
        await asyncio.to_thread(server.wait_open, 0)
        await asyncio.sleep(0.15)
        for _ in range(3):
            await burst(model, 1)
        assert half_closed(server.port) <= 5

    def once_all_came(request: Request) -> Iterator[bytes]:
        server.wait_requests(150, seconds=15)
        yield answer_to(request)

    with Loopback(by=once_all_came) as server:
        asyncio.run(use())


@every_way
def test_46_our_own_connections_are_kept_alive(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[int] = []
    set_option = socket.socket.setsockopt

    class Noted(socket.socket):
        def setsockopt(self, *option: Any) -> None:
            found.append(option[1])
            set_option(self, *option)

    with Loopback(by=lambda request: [answer_to(request)]) as server:
        monkeypatch.setattr(socket, "socket", Noted)
        assert ask(model_at(server), way).content == "Hello"
        monkeypatch.undo()
    assert socket.SO_KEEPALIVE in found
    assert getattr(socket, "TCP_KEEPCNT", socket.SO_KEEPALIVE) in found


@every_whole_way
def test_46_configurable_fields_share_the_connections_of_their_model(way: str) -> None:
    async def use() -> None:
        model = model_at(server)
        changed = model.configurable_fields(temperature=ConfigurableField(id="t"))
        for number in range(10):
            bound: Any = changed.with_config(configurable={"t": number / 10})
            if way == "ainvoke":
                await aask(bound, way)
            else:
                ask(bound, way)
        temperatures = [request.json["temperature"] for request in server.requests]
        assert temperatures == [number / 10 for number in range(10)]
        assert server.connections <= 2
        del bound, changed, model
        gc.collect()
        assert await asyncio.to_thread(server.wait_open, 0)

    with Loopback(by=lambda request: [answer_to(request)]) as server:
        asyncio.run(use())


FORGOTTEN = """
import asyncio
import functools
from tests.wire_tests.asking import model_at
from tests.wire_tests.loopback import *

held = []

async def use(number):
    model = model_at(server, timeout=9)
    for _ in range(number):
        stream = model.astream("Hi")
        await anext(stream)
        held.append(stream)

def answer(request):
    return [stream_head(), chunk(event(piece("He"))), HANG]

for number in (1, 5):
    with Loopback(by=answer) as server:
        asyncio.run(use(number))
        print(number, server.wait_open(0))
"""


def test_46_a_stream_that_is_forgotten_at_the_end_of_its_loop_ends_in_silence() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", FORGOTTEN],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "1 True\n5 True\n", done.stderr
    assert "error occurred" not in done.stderr, done.stderr
