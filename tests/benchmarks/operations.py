"""How each row is measured: functions that make one repetition's stopwatch.

Each takes the row and a `Bench` (the subject and where the server is), prepares what must not be
timed, and returns a function without arguments that does the work once and returns its cost.
Costs are CPU time of the process (all threads, user and system), except for time to first chunk.
"""

import asyncio
import copy
import functools
import itertools
import operator
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from langchain_core.messages import BaseMessage

from tests.benchmarks.messages import (
    agent_history,
    agent_steps,
    image_message,
    plain_history,
    question,
    tool,
)
from tests.benchmarks.rows import Row
from tests.benchmarks.subjects import SUBJECTS, Subject

_IN_FLIGHT = 64
_CPU = time.process_time
_US = 1e6
_MS = 1e3


class Bench(NamedTuple):
    """One subject, the server's address, and the event loop of the async rows."""

    subject: Subject
    server: str
    loop: asyncio.AbstractEventLoop

    def chat(self, scenario: str) -> Any:
        """Return a chat model whose every call gets the answer of that name."""
        return self.subject.chat(f"{self.server}/{scenario}")


Repetition = Callable[[], float]


def _ready(chat: Any, messages: Any) -> Any:
    return chat.ready(messages) if hasattr(chat, "ready") else messages


def _asked(chat: Any) -> Any:
    """Return a question of which no message was sent before: what was is written already."""
    return _ready(chat, question())


def _invoking(row: Row, bench: Bench, ask: Callable[[], list[BaseMessage]]) -> Repetition:
    """Time calls with what `ask` returns for each."""
    chat = bench.chat(row.scenario)

    def once() -> float:
        ready = _ready(chat, ask())
        start = _CPU()
        chat.invoke(ready)
        return (_CPU() - start) * _US

    async def aonce() -> float:
        ready = _ready(chat, ask())
        start = _CPU()
        await chat.ainvoke(ready)
        return (_CPU() - start) * _US

    return _either(row, bench, once, aonce)


def _again(row: Row, bench: Bench, messages: list[BaseMessage]) -> Repetition:
    """Time calls with messages that all were sent before."""
    return _invoking(row, bench, lambda: messages)


def _either(row: Row, bench: Bench, once: Repetition, aonce: Callable[[], Any]) -> Repetition:
    if row.is_async:
        return lambda: float(bench.loop.run_until_complete(aonce()))
    return once


def invoke(row: Row, bench: Bench) -> Repetition:
    """One whole answer to a short question."""
    return _invoking(row, bench, question)


def history(row: Row, bench: Bench) -> Repetition:
    """One whole answer after 1000 messages of text."""
    return _again(row, bench, plain_history(1000))


def image(row: Row, bench: Bench) -> Repetition:
    """One whole answer about a picture of 4 MB, in a message of its own."""
    message = image_message()
    return _invoking(row, bench, lambda: [copy.copy(one) for one in message])


def image_again(row: Row, bench: Bench) -> Repetition:
    """One whole answer about the same message with a picture of 4 MB."""
    return _again(row, bench, image_message())


def marginal(row: Row, bench: Bench) -> Repetition:
    """What 1000 messages of an agent cost more than 10, by their number."""
    histories = (agent_history(n, provider=bench.subject.provider) for n in (1000, 10))
    long, short = (_again(row, bench, one) for one in histories)
    return lambda: (long() - short()) / row.units


def stream(row: Row, bench: Bench) -> Repetition:
    """A whole stream, by the number of its events."""
    chat = bench.chat(row.scenario)

    def once() -> float:
        ready = _asked(chat)
        start, count = _CPU(), 0
        for _ in chat.stream(ready):
            count += 1
        return (_CPU() - start) * _US / _enough(count, row)

    async def aonce() -> float:
        ready = _asked(chat)
        start, count = _CPU(), 0
        async for _ in chat.astream(ready):
            count += 1
        return (_CPU() - start) * _US / _enough(count, row)

    return _either(row, bench, once, aonce)


def _enough(count: int, row: Row) -> int:
    """Return the units of a stream, after a check that none of its chunks was held back."""
    assert count >= row.units, f"{row.name}: {count} chunks for {row.units} events"
    return row.units


def first_chunk(row: Row, bench: Bench) -> Repetition:
    """Wall clock from the call to the first chunk; the rest is read, and not timed."""
    chat = bench.chat(row.scenario)

    def once() -> float:
        ready = _asked(chat)
        start = time.perf_counter()
        chunks = iter(chat.stream(ready))
        next(chunks)
        cost = time.perf_counter() - start
        assert sum(1 for _ in chunks)
        return cost * _MS

    async def aonce() -> float:
        ready = _asked(chat)
        start = time.perf_counter()
        chunks = aiter(chat.astream(ready))
        await anext(chunks)
        cost = time.perf_counter() - start
        assert [_ async for _ in chunks]
        return cost * _MS

    return _either(row, bench, once, aonce)


async def _burst(chat: Any, calls: int) -> float:
    """Return the CPU seconds of `calls` calls, 64 of them in flight."""
    waiting = iter([_asked(chat) for _ in range(calls)])

    async def one_after_another() -> None:
        for ready in waiting:
            await chat.ainvoke(ready)

    start = _CPU()
    await asyncio.gather(*(one_after_another() for _ in range(_IN_FLIGHT)))
    return _CPU() - start


def gather(row: Row, bench: Bench) -> Repetition:
    """A burst on a model that has had several before."""
    burst = functools.partial(_burst, bench.chat(row.scenario), row.units)
    return lambda: bench.loop.run_until_complete(burst()) * _US / row.units


def gather_cold(row: Row, bench: Bench) -> Repetition:
    """A burst as the first use of a new model on a new event loop."""
    addresses = itertools.count()  # a peer shares clients, and their dead loops, by address

    def once() -> float:
        chat = bench.chat(f"{row.scenario}/{next(addresses)}")
        return asyncio.run(_burst(chat, row.units)) * _US / row.units

    return once


def batch(row: Row, bench: Bench) -> Repetition:
    """Two hundred calls in 64 threads, on a model that has had them before."""
    chat = bench.chat(row.scenario)

    def once() -> float:
        inputs = [_asked(chat) for _ in range(row.units)]
        start = _CPU()
        chat.batch(inputs, config={"max_concurrency": _IN_FLIGHT})
        return (_CPU() - start) * _US / row.units

    return once


def agent_messages(row: Row, bench: Bench) -> Repetition:
    """A token's way through an agent: `create_agent(...).astream(stream_mode="messages")`."""
    agent = _agent(row, bench)

    async def once() -> float:
        start, count = _CPU(), 0
        async for _ in agent.astream({"messages": question()}, stream_mode="messages"):
            count += 1
        return (_CPU() - start) * _US / _enough(count, row)

    return lambda: bench.loop.run_until_complete(once())


def agent_events(row: Row, bench: Bench) -> Repetition:
    """The same with `astream_events(version="v3")`, whose messages are read as text."""
    agent = _agent(row, bench)

    async def once() -> float:
        start, count = _CPU(), 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "experimental"
            run = await agent.astream_events({"messages": question()}, version="v3")
        async for message in run.messages:
            async for _ in message.text:
                count += 1
        return (_CPU() - start) * _US / _enough(count, row)

    return lambda: bench.loop.run_until_complete(once())


def _agent(row: Row, bench: Bench) -> Any:
    from langchain.agents import create_agent  # the gate's rows need no langchain

    return create_agent(bench.chat(row.scenario), tools=[])


_STEPS = 200


def agent_step(row: Row, bench: Bench) -> Repetition:
    """The last of an agent's 200 calls by its first, without LangChain's own part.

    As in an agent, all messages but the last two were sent by the call before. LangChain's part
    is what a model that answers from memory costs with the same messages.
    """
    chats = (bench.chat(row.scenario), SUBJECTS["lc_memory"].chat("memory/whole"))
    provider = bench.subject.provider

    def cost(sent: list[BaseMessage], added: list[BaseMessage]) -> float:
        costs = []
        for chat in chats:
            if sent:
                chat.invoke(sent)
            start = _CPU()
            chat.invoke(sent + added)
            costs.append(_CPU() - start)
        return costs[0] - costs[1]

    earlier = agent_steps(_STEPS - 1, provider=provider)

    def once() -> float:
        last = agent_steps(_STEPS, provider=provider)[len(earlier) :]
        first = statistics.median(cost([], agent_steps(0, provider=provider)) for _ in range(5))
        return cost(earlier, last) / first

    return once


def bind_again(row: Row, bench: Bench) -> Repetition:
    """Binding 32 tools that were bound before, by binding them for the first time."""
    chat, numbers = bench.chat(row.scenario), itertools.count()

    def cost(tools: list[Any]) -> float:
        start = _CPU()
        chat.bind_tools(tools)
        return _CPU() - start

    def once() -> float:
        tools = [tool(next(numbers)) for _ in range(row.units)]
        first = cost(tools)
        return statistics.median(cost(tools) for _ in range(3)) / first

    return once


def _chunks(bench: Bench) -> list[Any]:
    return list(bench.chat("merge").stream(question()))


def _merging(chunks: list[Any], count: int) -> float:
    """Return the CPU seconds that each of `count` chunks costs when it is added."""
    start = _CPU()
    functools.reduce(operator.add, itertools.islice(chunks, count))
    return (_CPU() - start) / count


def merge(row: Row, bench: Bench) -> Repetition:
    """`full = full + chunk`, by the number of chunks."""
    chunks = _chunks(bench)
    return lambda: _merging(chunks, row.units) * _US


def merge_growth(row: Row, bench: Bench) -> Repetition:
    """What a chunk costs among 8000, by what it costs among 2000."""
    assert row.operation == "merge_growth"
    chunks = _chunks(bench)
    return lambda: _merging(chunks, 8000) / _merging(chunks, 2000)


def repetition(row: Row, bench: Bench) -> Repetition:
    """Return the stopwatch of a row's repetition."""
    return _OPERATIONS[row.operation](row, bench)


_OPERATIONS: dict[str, Callable[[Row, Bench], Repetition]] = {
    function.__name__: function
    for function in (
        invoke,
        history,
        image,
        image_again,
        marginal,
        stream,
        first_chunk,
        gather,
        gather_cold,
        batch,
        agent_messages,
        agent_events,
        agent_step,
        bind_again,
        merge,
        merge_growth,
    )
}


def timed(once: Repetition, *, budget: float) -> Iterator[float]:
    """Yield the costs of repetitions, at least one, until `budget` seconds are over."""
    end = time.perf_counter() + budget
    yield once()
    while time.perf_counter() < end:
        yield once()
