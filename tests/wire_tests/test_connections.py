"""Promises 23 to 30: connections are kept, shared, closed as they should be."""

from __future__ import annotations

import asyncio
import gc
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import HumanMessage

from langchain_aimlapi import errors
from langchain_aimlapi._codec.stream import StreamDecoder
from langchain_aimlapi._http import transport as _transport
from tests.http_client import httpx
from tests.wire_tests.asking import (
    KEY,
    WAYS,
    aask,
    ask,
    every_streamed_way_at_once,
    every_way,
    every_way_at_once,
    failure_of,
    model_at,
)
from tests.wire_tests.loopback import (
    CLOSE,
    DONE,
    HANG,
    RESET,
    Loopback,
    Request,
    Steps,
    answer_to,
    chunk,
    completion,
    error_body,
    event,
    head,
    piece,
    stream_head,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from langchain_aimlapi import ChatAIMLGemini

ROOT = Path(__file__).parents[2]


def echo(request: Request) -> Steps:
    return [answer_to(request)]


@every_way
def test_23_connections_are_reused(way: str) -> None:
    async def three_times() -> None:
        for _ in range(3):
            await aask(model, way)

    with Loopback(by=echo) as server:
        model = model_at(server)
        if way.startswith("a"):
            asyncio.run(three_times())
        else:
            for _ in range(3):
                ask(model, way)
        assert server.connections == 1
        model.close()
        assert server.wait_open(0)


@every_way
def test_23_a_connection_is_used_again_after_an_error(way: str) -> None:
    async def three_times() -> None:
        for _ in range(3):
            with pytest.raises(errors.AIMLAPIError):
                await aask(model, way)

    with Loopback(whole(error_body(400), status=400)) as server:
        model = model_at(server)
        if way.startswith("a"):
            asyncio.run(three_times())
        else:
            for _ in range(3):
                failure_of(model, way)
        assert server.connections == 1
        assert len(server.requests) == 3


@pytest.mark.parametrize("way", ["ainvoke", "astream"])
def test_24_one_model_serves_loop_after_loop(way: str) -> None:
    with Loopback(by=echo) as server:
        model = model_at(server)
        for number in range(3):
            assert asyncio.run(aask(model, way, f"n{number}")).content == f"n{number}"
            assert server.wait_open(0)
        gc.collect()
        assert len(model.connections._loops) <= 1


@pytest.mark.parametrize("way", ["ainvoke", "astream"])
def test_24_a_loop_that_was_closed_the_hard_way_leaves_nothing(way: str) -> None:
    with Loopback(by=echo) as server:
        model = model_at(server)
        for _ in range(2):
            loop = asyncio.new_event_loop()
            loop.run_until_complete(aask(model, way))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()
            assert server.wait_open(0)


def run_script(script: str, url: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a script, which is told the address of the server, in an interpreter of its own."""
    return subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(script), url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


BY_HAND = """
    import asyncio, gc, os, sys
    from tests.wire_tests.asking import aask, model_at
    model = model_at(sys.argv[1])
    def count():
        gc.collect()
        loops = sum(isinstance(one, asyncio.AbstractEventLoop) for one in gc.get_objects())
        return loops, len(os.listdir("/proc/self/fd"))
    def ask():
        loop = asyncio.new_event_loop()
        loop.run_until_complete(aask(model, "ainvoke"))
        loop.close()
    ask()
    before = count()
    for _ in range(20):
        ask()
    assert count() == before, (before, count())
    print("fine")
"""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files by /proc")
@pytest.mark.parametrize("has_collector", [True, False])
def test_24_loops_that_were_closed_by_hand_do_not_gather(*, has_collector: bool) -> None:
    script = BY_HAND
    if not has_collector:
        script = script.replace("gc.collect()\n        loops = sum", "loops = 0 and sum")
        script = script.replace("model = ", "gc.disable()\n    model = ", 1)
    with Loopback(by=echo) as server:
        done = run_script(script, server.url)
        assert (done.stdout, done.returncode) == ("fine\n", 0), done.stderr


FORGOTTEN = """
import asyncio, sys
from tests.wire_tests.asking import aask, model_at

async def main():
    model = model_at(sys.argv[1])
    await asyncio.gather(*(aask(model, "ainvoke", str(n)) for n in range(8)))

asyncio.run(main())
"""


def test_24_a_model_that_ends_with_its_loop_leaves_no_socket_to_warn_of() -> None:
    with Loopback(by=echo) as server:
        done = run_script(FORGOTTEN, server.url, "-W", "always::ResourceWarning")
        assert (done.returncode, done.stderr) == (0, "")
        assert server.wait_open(0)


async def test_27_a_model_that_is_forgotten_closes_its_sockets() -> None:
    with Loopback(by=echo) as server:
        model = model_at(server)
        await aask(model, "ainvoke", "1")
        assert server.open == 1
        del model
        gc.collect()
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert server.wait_open(0)


def test_24_loops_in_threads_do_not_meet() -> None:
    async def some(name: str) -> list[Any]:
        calls = (aask(model, WAYS[1 + 2 * (n % 2)], f"{name}-{n}") for n in range(8))
        return [one.content for one in await asyncio.gather(*calls)]

    with Loopback(by=echo) as server:
        model = model_at(server, timeout=10)
        with ThreadPoolExecutor(8) as pool:
            found = [*pool.map(lambda name: asyncio.run(some(name)), "abcdefgh")]
        assert found == [[f"{name}-{n}" for n in range(8)] for name in "abcdefgh"]
        assert server.wait_open(0)


def test_25_eight_threads_share_one_model() -> None:
    with Loopback(by=echo) as server:
        model = model_at(server, timeout=10)
        with ThreadPoolExecutor(8) as pool:
            ways = [WAYS[2 * (n % 2)] for n in range(80)]
            found = [*pool.map(lambda n: ask(model, ways[n], f"p{n}").content, range(80))]
        assert found == [f"p{n}" for n in range(80)]
        assert server.connections <= 8
        model.close()
        assert server.wait_open(0)


def test_25_calls_of_threads_that_overlap_do_not_share_a_client() -> None:
    """A forgotten stream ends inside whatever lock its thread holds: never that of its own pool."""
    with Loopback(ENDLESS) as server:
        model = model_at(server, timeout=10)
        streams: list[Any] = [model.stream("Hi") for _ in range(20)]
        for one in streams:
            next(one)
        assert not model.connections._idle.leases
        for one in streams:
            one.close()
        assert len({id(lease.client) for lease in model.connections._idle.leases}) == 20
        model.close()
        assert server.wait_open(0)


def test_25_closing_in_one_thread_does_no_harm_in_another() -> None:
    with Loopback(by=echo) as server:
        model = model_at(server, timeout=10)
        stop = threading.Event()

        def close_again_and_again() -> None:
            while not stop.wait(0.005):
                model.close()

        closer = threading.Thread(target=close_again_and_again)
        closer.start()
        try:
            with ThreadPoolExecutor(4) as pool:
                ways = [WAYS[2 * (n % 2)] for n in range(60)]
                found = [*pool.map(lambda n: ask(model, ways[n], f"p{n}").content, range(60))]
        finally:
            stop.set()
            closer.join()
        assert found == [f"p{n}" for n in range(60)]
        model.close()
        assert server.wait_open(0)


async def test_25_closing_in_one_task_does_no_harm_in_another() -> None:
    async def close_again_and_again() -> None:
        while True:
            await asyncio.sleep(0.005)
            await model.aclose()

    with Loopback(by=lambda request: [0.02, answer_to(request)]) as server:
        model = model_at(server, timeout=10)
        closer = asyncio.create_task(close_again_and_again())
        calls = (aask(model, WAYS[1 + 2 * (n % 2)], f"p{n}") for n in range(60))
        found = [one.content for one in await asyncio.gather(*calls)]
        closer.cancel()
        assert found == [f"p{n}" for n in range(60)]
        await model.aclose()
        assert await asyncio.to_thread(server.wait_open, 0)


def test_25_eighty_calls_at_once() -> None:
    def answer(request: Request) -> Steps:
        return [0.2, answer_to(request)]

    async def many() -> list[Any]:
        calls = (aask(model, WAYS[1 + 2 * (n % 2)], f"p{n}") for n in range(80))
        started = time.monotonic()
        found = [one.content for one in await asyncio.gather(*calls)]
        assert time.monotonic() - started < 5  # one after the other: 16 s
        return found

    with Loopback(by=answer) as server:
        model = model_at(server, timeout=10)
        assert asyncio.run(many()) == [f"p{n}" for n in range(80)]
        assert server.wait_open(0)


FORKED = """
    import asyncio, os, sys
    from tests.wire_tests.asking import ask, model_at
    url = sys.argv[1]
    model = model_at(url, timeout=10)
    def ask_all(name):
        ways = ("invoke", "stream", "ainvoke", "astream") * 5
        prompts = [f"{name}{n}" for n in range(len(ways))]
        found = [ask(model, way, prompt).content for way, prompt in zip(ways, prompts)]
        return found == prompts
    assert ask_all("before")
    child = os.fork()
    good = ask_all("child" if child == 0 else "parent")
    if child == 0:
        os._exit(0 if good else 1)
    _, status = os.waitpid(child, 0)
    assert good
    assert os.waitstatus_to_exitcode(status) == 0
    assert ask_all("after")
    print("fine")
"""


def test_26_parent_and_child_of_a_fork_get_their_own_answers() -> None:
    with Loopback(by=echo) as server:
        done = run_script(FORKED, server.url, "-W", "error")
    assert (done.stdout, done.returncode) == ("fine\n", 0), done.stderr


def test_26_a_child_forked_from_a_loop_opens_its_own() -> None:
    with Loopback(by=echo) as server:
        script = """
            import asyncio, os, sys, threading
            from tests.wire_tests.asking import aask, ask, model_at
            model = model_at(sys.argv[1], timeout=10)
            async def main():
                await aask(model, "ainvoke", "a")
                child = os.fork()
                if child == 0:
                    found = []
                    def run():
                        found.append(ask(model, "ainvoke", "child").content)
                    thread = threading.Thread(target=run)
                    thread.start()
                    thread.join()
                    os._exit(0 if found == ["child"] else 1)
                assert (await aask(model, "ainvoke", "parent")).content == "parent"
                _, status = os.waitpid(child, 0)
                assert status == 0
                assert (await aask(model, "astream", "after")).content == "after"
            asyncio.run(main())
            print("fine")
        """
        done = run_script(script, server.url)
    assert (done.stdout, done.returncode) == ("fine\n", 0), done.stderr


MID_WORK = """
    import os, signal, sys, threading
    from tests.wire_tests.asking import ask, model_at
    model = model_at(sys.argv[1], timeout=10)
    held, over = threading.Event(), threading.Event()
    def work():
        with model.connections._lock:
            held.set()
            over.wait(30)
    thread = threading.Thread(target=work)
    thread.start()
    held.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        os._exit(0 if ask(model, "invoke", "child").content == "child" else 1)
    over.set()
    thread.join()
    _, status = os.waitpid(child, 0)
    assert status == 0, status
    print("fine")
"""


MID_TLS = """
    import os, signal, sys, threading, time
    import httpx
    from tests.wire_tests.asking import ask, model_at
    begun, busy, make = threading.Event(), False, httpx.create_ssl_context
    def create():
        global busy
        busy = True
        begun.set()
        time.sleep(0.2)
        try:
            return make()
        finally:
            busy = False
    httpx.create_ssl_context = create
    thread = threading.Thread(target=ask, args=(model_at(sys.argv[1], timeout=10), "invoke"))
    thread.start()
    begun.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        answer = ask(model_at(sys.argv[1], timeout=10), "invoke", "child")
        os._exit(0 if (answer.content, busy) == ("child", False) else 1)
    thread.join()
    _, status = os.waitpid(child, 0)
    assert status == 0, status
    print("fine")
"""


@pytest.mark.parametrize("script", [MID_WORK, MID_TLS])
def test_26_a_child_forked_in_the_middle_of_another_threads_work_does_its_own(script: str) -> None:
    with Loopback(by=echo) as server:
        done = run_script(script, server.url)
    assert (done.stdout, done.returncode) == ("fine\n", 0), done.stderr


def test_26_in_another_process_the_parents_connections_are_left_alone() -> None:
    async def use() -> None:
        await aask(model, "ainvoke")
        parents = [*model.connections._idle.leases, *model.connections._loops[loop()].idle.leases]
        model.connections.lay_aside()  # as a child does
        assert (await asyncio.to_thread(ask, model, "invoke", "child")).content == "child"
        assert (await aask(model, "ainvoke", "child")).content == "child"
        assert server.connections == 4
        assert not any(lease.client.is_closed for lease in parents)
        parents[0].client.close()
        await parents[1].client.aclose()

    def loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    with Loopback(by=echo) as server:
        model = model_at(server)
        ask(model, "invoke")
        asyncio.run(use())
        model.close()
        unused = model_at(server)
        unused.connections.lay_aside()
        assert ask(unused, "invoke", "child").content == "child"
        unused.close()
        assert server.wait_open(0)


# ---------------------------------------------------------------- what is given up is closed

ENDLESS: Steps = [stream_head(), chunk(event(piece("He"))) + chunk(event(piece("llo"))), HANG]


def test_27_a_stream_that_is_broken_off_is_closed() -> None:
    with Loopback(ENDLESS) as server:
        for _ in model_at(server).stream("Hi"):
            break
        assert server.wait_open(0)


def test_27_a_stream_that_is_closed_or_forgotten_is_closed() -> None:
    with Loopback(ENDLESS) as server:
        model = model_at(server)
        chunks: Any = model.stream("Hi")
        next(chunks)
        chunks.close()
        assert server.wait_open(0)
        chunks = model.stream("Hi")
        next(chunks)
        assert server.open == 1
        del chunks
        gc.collect()
        assert server.wait_open(0)


async def test_27_an_async_stream_that_is_broken_off_is_closed() -> None:
    with Loopback(ENDLESS) as server:
        async for _ in model_at(server).astream("Hi"):
            break
        assert await asyncio.to_thread(server.wait_open, 0)


async def test_27_an_async_stream_that_is_closed_or_forgotten_is_closed() -> None:
    with Loopback(ENDLESS) as server:
        model = model_at(server)
        chunks: Any = model.astream("Hi")
        await anext(chunks)
        await chunks.aclose()
        assert await asyncio.to_thread(server.wait_open, 0)
        chunks = model.astream("Hi")
        await anext(chunks)
        assert server.open == 1
        del chunks
        gc.collect()
        assert await asyncio.to_thread(server.wait_open, 0)


@pytest.mark.parametrize("steps", [[HANG], [stream_head(), HANG], ENDLESS, [head(), HANG]])
@pytest.mark.parametrize("way", ["ainvoke", "astream"])
async def test_27_a_cancelled_call_is_closed(way: str, steps: Steps) -> None:
    with Loopback(steps) as server:
        task = asyncio.create_task(aask(model_at(server, timeout=20, max_retries=2), way))
        assert await asyncio.to_thread(server.wait_requests, 1)
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.wait_open, 0)
        assert len(server.requests) == 1


@pytest.mark.parametrize("way", ["ainvoke", "astream"])
async def test_27_the_callers_own_timeout_is_the_callers(way: str) -> None:
    with Loopback([HANG]) as server:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await aask(model_at(server, timeout=20, max_retries=2), way)
        assert await asyncio.to_thread(server.wait_open, 0)
        assert len(server.requests) == 1


async def test_27_a_consumer_that_raises_closes_the_stream() -> None:
    async def consume() -> None:
        async for _ in model.astream("Hi"):
            msg = "the consumer's own"
            raise KeyError(msg)

    with Loopback(ENDLESS) as server:
        model = model_at(server)
        with pytest.raises(KeyError, match="own"):
            await consume()
        gc.collect()
        assert await asyncio.to_thread(server.wait_open, 0)


def transported(model: ChatAIMLGemini) -> Any:
    """Return a prepared stream: the call, plus what makes its decoder."""
    call = model._call([HumanMessage("Hi")], None, None, {}, is_stream=True)
    return call, lambda headers: StreamDecoder(headers, client_request_id="c")


async def test_27_what_a_consumer_throws_in_comes_out_as_it_is() -> None:
    with Loopback(ENDLESS) as server:
        chunks: Any = _transport.stream(*transported(model_at(server)))
        await asyncio.to_thread(next, chunks)
        with pytest.raises(ValueError, match="mine"):
            chunks.throw(ValueError("mine"))
        chunks = _transport.astream(*transported(model_at(server)))
        await anext(chunks)
        with pytest.raises(ValueError, match="mine"):
            await chunks.athrow(ValueError("mine"))
        assert await asyncio.to_thread(server.wait_open, 0)


async def test_27_no_task_is_left() -> None:
    with Loopback(ENDLESS) as server:
        model = model_at(server)
        async for _ in model.astream("Hi"):
            break
        await model.aclose()
        gc.collect()
        await asyncio.sleep(0.1)
        assert asyncio.all_tasks() == {asyncio.current_task()}


@every_way
def test_27_a_model_that_is_forgotten_closes_its_connections(way: str) -> None:
    async def use() -> None:
        model = model_at(server)
        await aask(model, way)
        assert server.open == 1
        del model
        gc.collect()
        assert await asyncio.to_thread(server.wait_open, 0)

    with Loopback(by=echo) as server:
        if way.startswith("a"):
            asyncio.run(use())
        else:
            model = model_at(server)
            ask(model, way)
            assert server.open == 1
            del model
            gc.collect()
            assert server.wait_open(0)


# ---------------------------------------------------------------- stale connections


def once_warm(then: Callable[[int], Steps]) -> Callable[[Request], Steps]:
    """Return an answerer that is good once, then does `then(0)`, `then(1)`, ..."""
    seen = -1

    def answer(request: Request) -> Steps:
        nonlocal seen
        seen += 1
        return [answer_to(request)] if seen == 0 else then(seen - 1) or [answer_to(request)]

    return answer


async def twice(model: Any, way: str) -> Any:
    """Ask twice over one client, in the running loop where there is one."""
    if way.startswith("a"):
        await aask(model, way)
        return (await aask(model, way, "Hi!")).content
    ask(model, way)
    return ask(model, way, "Hi!").content


@every_way
def test_28_a_stale_connection_is_replaced_in_silence(way: str) -> None:
    # The server hangs up at the moment at which the next request arrives.
    with Loopback(by=once_warm(lambda n: [CLOSE] if n == 0 else [])) as server:
        started = time.monotonic()
        assert asyncio.run(twice(model_at(server, max_retries=0), way)) == "Hi!"
        assert time.monotonic() - started < 0.35
        assert len(server.requests) == 3
        assert server.connections == 2


@every_way
def test_28_so_is_one_that_was_reset(way: str) -> None:
    with Loopback(by=once_warm(lambda n: [RESET] if n == 0 else [])) as server:
        assert asyncio.run(twice(model_at(server, max_retries=0), way)) == "Hi!"
        assert len(server.requests) == 3


@every_way
def test_28_a_connection_that_was_closed_while_idle_is_replaced(way: str) -> None:
    async def use() -> Any:
        model = model_at(server)
        await twice(model, way)
        server.hang_up()
        assert await asyncio.to_thread(server.wait_open, 0)
        return await twice(model, way)

    with Loopback(by=echo) as server:
        assert asyncio.run(use()) == "Hi!"
        assert len(server.requests) == 4


@every_way_at_once
def test_28_only_once_only_for_that_only_where_a_connection_waited(way: str) -> None:
    with Loopback(by=once_warm(lambda _: [CLOSE])) as server:
        with pytest.raises(errors.AIMLAPIConnectionError):
            asyncio.run(twice(model_at(server, max_retries=0), way))
        assert len(server.requests) == 3
    for wrong in ([HANG], [b"HTTP/1.1 abc\r\n\r\n", CLOSE], [head(content_length=9), CLOSE]):
        steps: Steps = wrong  # type: ignore[assignment]  # lists of one kind of step each
        with Loopback(by=once_warm(lambda _, steps=steps: steps)) as server:  # type: ignore[misc]
            with pytest.raises(errors.AIMLAPIError):
                asyncio.run(twice(model_at(server, max_retries=0, timeout=0.3), way))
            assert len(server.requests) == 2, wrong
    closing = whole(completion(), connection="close")
    with Loopback([closing, CLOSE], [CLOSE]) as server:
        model = model_at(server, max_retries=0)
        if "stream" not in way:
            with pytest.raises(errors.AIMLAPIConnectionError):
                asyncio.run(twice(model, way))
            assert len(server.requests) == 2


# ---------------------------------------------------------------- redirects, closing, given clients


@every_way
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_29_the_key_follows_no_redirect(way: str, status: int) -> None:
    with Loopback(by=echo) as other:
        target = f"{other.url}/chat/completions"
        with Loopback(whole(b"", status=status, location=target)) as server:
            failure = failure_of(model_at(server, max_retries=2), way)
            assert len(server.requests) == 1
        assert other.requests == []
        assert not failure.is_retryable
        assert target in str(failure)
        assert failure.status_code == status


@every_way
@pytest.mark.parametrize("location", ["http://[::1", "//", "\xff\xfe", "http://\xe9:x/", ""])
def test_29_a_redirect_to_nowhere_is_an_error(way: str, location: str) -> None:
    with Loopback(whole(b"", status=302, location=location)) as server:
        failure_of(model_at(server), way)
        assert len(server.requests) == 1


@every_way
def test_29_a_users_client_that_follows_redirects_does_not_here(way: str) -> None:
    with Loopback(by=echo) as other:
        answer = whole(b"", status=307, location=f"{other.url}/chat/completions")

        async def use() -> None:
            async with httpx.AsyncClient(follow_redirects=True) as given:
                with pytest.raises(errors.AIMLAPIError):
                    await aask(model_at(server, http_async_client=given), way)

        with Loopback(answer) as server, httpx.Client(follow_redirects=True) as given:
            if way.startswith("a"):
                asyncio.run(use())
            else:
                failure_of(model_at(server, http_client=given), way)
            assert len(server.requests) == 1
        assert other.requests == []


def test_30_close_closes_and_the_next_call_opens() -> None:
    with Loopback(by=echo) as server:
        model = model_at(server)
        for _ in range(2):
            ask(model, "invoke")
            ask(model, "stream")
            assert server.open == 1
            model.close()
            assert server.wait_open(0)
        with model as same:
            assert same is model
            ask(model, "invoke")
        assert server.wait_open(0)
        model.close()


async def test_30_aclose_closes_both_kinds() -> None:
    with Loopback(by=echo) as server:
        model = model_at(server)
        for _ in range(2):
            await aask(model, "ainvoke")
            await aask(model, "astream")
            await asyncio.to_thread(ask, model, "invoke")
            assert server.open == 2
            await model.aclose()
            assert await asyncio.to_thread(server.wait_open, 0)
        async with model as same:
            assert same is model
            await aask(model, "ainvoke")
        assert await asyncio.to_thread(server.wait_open, 0)


async def test_30_given_clients_are_never_closed() -> None:
    with Loopback(by=echo) as server, httpx.Client() as given:
        async with httpx.AsyncClient() as agiven:
            model = model_at(server, http_client=given, http_async_client=agiven)
            for way in WAYS:
                if way.startswith("a"):
                    assert (await aask(model, way, way)).content == way
                else:
                    assert (await asyncio.to_thread(ask, model, way, way)).content == way
            assert server.connections == 2
            model.close()
            await model.aclose()
            del model
            gc.collect()
            assert not given.is_closed
            assert not agiven.is_closed
            assert all(one.headers["authorization"] == f"Bearer {KEY}" for one in server.requests)


@every_streamed_way_at_once
def test_30_a_given_client_is_not_kept_by_a_server_that_stays_after_the_end(way: str) -> None:
    events = event(piece("Hello")) + event(piece("", finish="stop")) + DONE
    with Loopback([stream_head(), chunk(events), HANG]) as server, httpx.Client() as given:
        model = model_at(server, timeout=20.0, http_client=given)
        started = time.monotonic()
        assert ask(model, way).content == "Hello"
        assert time.monotonic() - started < 10.0


class Unclosable(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A stream that fails where it is closed."""

    def __iter__(self) -> Iterator[bytes]:
        yield event(piece("Hello"))
        yield event(piece("", finish="stop"))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for block in self:
            yield block

    def close(self) -> None:
        raise httpx.ReadError("gone")

    async def aclose(self) -> None:
        self.close()


async def test_a_connection_that_fails_where_a_stream_is_left_costs_nothing() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Unclosable()))
    with httpx.Client(transport=transport) as given:
        async with httpx.AsyncClient(transport=transport) as agiven:
            model = model_at("http://x/v1", http_client=given, http_async_client=agiven)
            chunks = model.stream("Hi")
            assert next(chunks).content == "Hello"
            chunks.close()  # type: ignore[attr-defined]  # a generator
            achunks = model.astream("Hi")
            assert (await anext(achunks)).content == "Hello"
            await achunks.aclose()  # type: ignore[attr-defined]  # a generator


INTERRUPTED = """
import gc, random, signal
from tests.wire_tests.asking import ask, model_at
from tests.wire_tests.loopback import Loopback, answer_to

def interrupt(*_):
    raise kind

signal.signal(signal.SIGALRM, interrupt)
for kind in (TimeoutError, KeyboardInterrupt):
    moments = random.Random(7)
    with Loopback(by=lambda request: [answer_to(request)]) as server:
        model = model_at(server)
        for number in range(300):
            way = ("invoke", "stream")[number % 2]
            try:
                try:
                    signal.setitimer(signal.ITIMER_REAL, moments.uniform(1e-5, 3e-3))
                    ask(model, way, "interrupted")
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except BaseException:  # libraries make errors of their own of it, pydantic a refusal
                pass
            assert ask(model, way, "next").content == "next"
        model.close()
        gc.collect()
        assert server.wait_open(0)
    print("answered after", kind.__name__)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer that sends signals")
def test_52_a_call_that_was_interrupted_anywhere_holds_up_no_later_one() -> None:
    """An interrupt may come where httpcore has just taken a lock, which then nobody gives back."""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", INTERRUPTED],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
    )
    answered = "answered after TimeoutError\nanswered after KeyboardInterrupt\n"
    assert run.stdout == answered, run.stderr[-2000:]
