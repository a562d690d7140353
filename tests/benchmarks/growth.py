"""How cost grows with size: fragments, calls, details, history, tools, schema nodes, calls at once.

    make growth        # or: python -m tests.benchmarks.growth [--gate] [--only NAME]

Each family is measured at three sizes or more in one process, the least CPU time of several runs
each; the exponent between two sizes is `log(cost ratio) / log(size ratio)`: 1 is linear, 2 is
quadratic, below 1 a fixed part is spread over more. The goal is 1.05; `--gate` fails over 1.15 at
the largest step. `make benchmark` measures it too, with the memory of a call in flight (each in a
new process: how much more it holds when all calls wait for their answers).
"""

import argparse
import asyncio
import gc
import json
import math
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from langchain_aimlapi import ChatAIMLGemini
from tests.benchmarks.fresh import resident
from tests.benchmarks.report import markdown

MOST, GOAL = 1.15, 1.05
MOST_WHEN_SHORT = 1.3  # two sizes on a shared machine; a walk over all calls would be near 2
_ROOT = Path(__file__).parents[2]
_MODEL = "google/gemini-3-flash-preview"
_SIGNATURE = "Q2VydGFpbmx5IG5vdCBhIHJlYWwgc2lnbmF0dXJl" * 8


class Family(NamedTuple):
    """What grows.

    `prepare(size)` does what must not be timed, and returns what is: a function that returns its
    CPU seconds, or seconds of the wall clock where it says so.
    """

    title: str
    sizes: tuple[int, ...]
    prepare: Callable[[int], Callable[[], object]]
    runs: int = 3
    in_flight: str = ""  # `call` or `stream`: its memory is measured too


# ---------------------------------------------------------------- answers


def _chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", "content": "", **delta}}
    chunk = {
        "id": "gen-1",
        "object": "chat.completion.chunk",
        "created": 1763566638,
        "model": _MODEL,
        "choices": [{**choice, "finish_reason": finish, "native_finish_reason": None}],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _call(index: int, arguments: str, **more: Any) -> dict[str, Any]:
    return {"index": index, "function": {"arguments": arguments, **more}}


def _end(finish: str) -> bytes:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    last = {"id": "gen-1", "choices": [], "usage": usage}
    return _chunk({}, finish) + b"data: " + json.dumps(last).encode() + b"\n\ndata: [DONE]\n\n"


def _rows(size: int) -> bytes:
    """Return a stream whose one call has a table as arguments, a fragment per row."""
    first = {"id": "call-1", "type": "function", **_call(0, '{"rows": [', name="save")}
    rows = [
        f'{{"id": {number}, "name": "row {number}", "note": "a row"}}' for number in range(size)
    ]
    pieces = [rows[0], *(f", {row}" for row in rows[1:]), "]}"]
    deltas = [first, *(_call(0, piece) for piece in pieces)]
    return b"".join(_chunk({"tool_calls": [delta]}) for delta in deltas) + _end("tool_calls")


def _signed_calls(size: int) -> bytes:
    """Return a stream of parallel calls, each with a signature of its own."""
    signature = {"google": {"thought_signature": _SIGNATURE}}
    calls = (
        {
            "id": f"call-{number}",
            "type": "function",
            "extra_content": signature,
            **_call(number, f'{{"row": {number}}}', name="save"),
        }
        for number in range(size)
    )
    return b"".join(_chunk({"tool_calls": [call]}) for call in calls) + _end("tool_calls")


def _details(size: int) -> bytes:
    """Return a stream of encrypted details, each with an id of its own."""
    details = (
        {
            "type": "reasoning.encrypted",
            "data": _SIGNATURE,
            "format": "google-gemini-v1",
            "id": f"detail-{number}",
            "index": 0,
        }
        for number in range(size)
    )
    texts = b"".join(_chunk({"reasoning_details": [detail]}) for detail in details)
    return texts + _chunk({"content": "Done."}) + _end("stop")


def _model(answer: Callable[[httpx.Request], httpx.Response]) -> ChatAIMLGemini:
    client = httpx.Client(transport=httpx.MockTransport(answer))
    return ChatAIMLGemini(model=_MODEL, api_key="key-of-the-benchmark", http_client=client)


def _streaming(make: Callable[[int], bytes]) -> Callable[[int], Callable[[], object]]:
    def prepare(size: int) -> Callable[[], object]:
        body, headers = make(size), {"content-type": "text/event-stream"}
        model = _model(lambda _: httpx.Response(200, content=body, headers=headers))

        # Not `model.stream`: langchain-core then adds the chunks up, and its search for the place
        # of a call among the others is quadratic in their number (0.2 s for 1,000, core 1.8.3).
        return lambda: list(model._stream([HumanMessage("Go.")]))

    return prepare


_WHOLE = {
    "id": "gen-1",
    "object": "chat.completion",
    "created": 1763566638,
    "model": _MODEL,
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Done."}}
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


def _whole(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=_WHOLE)


# ---------------------------------------------------------------- requests


def _history(size: int) -> Callable[[], object]:
    """Return a call after many steps of an agent: question, signed call, result."""
    messages: list[BaseMessage] = [HumanMessage("Go.")]
    for number in range(size // 2):
        call_id = f"call-{number}"
        extra = {call_id: {"google": {"thought_signature": _SIGNATURE}}}
        call = {"name": "look", "args": {"row": number}, "id": call_id, "type": "tool_call"}
        kept = {"tool_call_extra_content": extra}
        facts = {"model_provider": "aimlapi"}
        messages += [
            AIMessage("", tool_calls=[call], additional_kwargs=kept, response_metadata=facts),
            ToolMessage(f"Row {number}.", tool_call_id=call_id, name="look"),
        ]
    model = _model(_whole)
    return lambda: model.invoke(messages)


def _tool(number: int, fields: int) -> dict[str, Any]:
    properties = {
        f"field_{position}": {
            "type": "object",
            "description": "A field.",
            "properties": {"value": {"type": "integer", "exclusiveMinimum": 0}},
            "required": ["value"],
        }
        for position in range(fields)
    }
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    function = {"name": f"tool_{number}", "description": "A tool.", "parameters": schema}
    return {"type": "function", "function": function}


def _binding(size: int) -> Callable[[], object]:
    model, tools = _model(_whole), [_tool(number, 4) for number in range(size)]
    return lambda: model.bind_tools(tools)


def _bound(size: int) -> Callable[[], object]:
    model = _model(_whole).bind_tools([_tool(number, 4) for number in range(size)])
    return lambda: model.invoke("Go.")


def _nodes(size: int) -> Callable[[], object]:
    model, tool, numbers = _model(_whole), _tool(1, size), count()
    first = tool["function"]["parameters"]["properties"]["field_0"]

    def bind() -> object:
        first["description"] = f"Another schema than {next(numbers)} before."  # rewritten anew
        return model.bind_tools([tool])

    return bind


# ---------------------------------------------------------------- at once


def _server() -> None:
    """Answer each request when as many are waiting as its path asks for: `/COUNT/KIND/...`."""
    whole = json.dumps(_WHOLE).encode()
    events = b"".join(_chunk({"content": "word "}) for _ in range(5)) + _end("stop")
    bodies = {"call": ("application/json", whole), "stream": ("text/event-stream", events)}
    waiting: list[asyncio.Future[None]] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.split(b"\r\n")
                lengths = [line for line in lines if line.lower().startswith(b"content-length:")]
                await reader.readexactly(int(lengths[0].split(b":")[1]))
                _, count, kind, *_ = lines[0].split(b" ")[1].decode().split("/")
                turn = asyncio.get_running_loop().create_future()
                waiting.append(turn)
                if len(waiting) >= int(count):
                    for other in waiting:
                        other.set_result(None)
                    waiting.clear()
                await turn
                label, body = bodies[kind]
                framing = f"content-type: {label}\r\ncontent-length: {len(body)}\r\n\r\n"
                writer.write(b"HTTP/1.1 200 OK\r\n" + framing.encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(converse, "127.0.0.1", 0, backlog=8192)
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

    asyncio.run(serve())


@contextmanager
def _running_server() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.benchmarks.growth", "--serve"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=_ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


def _crowd(server: str, kind: str, size: int) -> Callable[[int], Awaitable[object]]:
    """Return a function that has so many calls or streams in flight at once."""
    base_url = f"{server}/{size}/{kind}"
    model = ChatAIMLGemini(
        model=_MODEL, api_key="key-of-the-benchmark", base_url=base_url, timeout=120
    )

    async def ask() -> None:
        if kind == "call":
            await model.ainvoke("Go.")
        else:
            async for _ in model.astream("Go."):
                pass

    return lambda count: asyncio.gather(*(ask() for _ in range(count)))


def _at_once(server: str, kind: str) -> Callable[[int], Callable[[], object]]:
    def prepare(size: int) -> Callable[[], object]:
        crowd = _crowd(server, kind, size)

        async def ask_all() -> None:
            await crowd(size)

        return lambda: asyncio.run(ask_all())

    return prepare


async def _held(server: str, kind: str, size: int) -> float:
    """Return the KB that each of so many calls in flight holds."""
    await _crowd(server, kind, 1)(1)  # what is in memory for good is there now
    before, most = resident(), 0.0
    crowd = asyncio.ensure_future(_crowd(server, kind, size)(size))
    while not crowd.done():
        await asyncio.sleep(0.02)
        most = max(most, resident())
    await crowd
    return (most - before) * 1024 / size


def _held_afresh(server: str, kind: str, size: int) -> float:
    command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.growth", "--held"]
    command += [server, kind, str(size)]
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=_ROOT)
    return float(ended.stdout)


def _threads(server: str) -> Callable[[int], Callable[[], object]]:
    def prepare(size: int) -> Callable[[], object]:
        base_url = f"{server}/{size}/call"
        model = ChatAIMLGemini(
            model=_MODEL, api_key="key-of-the-benchmark", base_url=base_url, timeout=120
        )

        def ask_all() -> None:
            with ThreadPoolExecutor(size) as pool:
                list(pool.map(model.invoke, ["Go."] * size * 4))

        return ask_all

    return prepare


# ---------------------------------------------------------------- the table


def families(server: str) -> list[Family]:
    return [
        Family("fragments of one call's arguments", (100, 1_000, 10_000), _streaming(_rows)),
        Family("signed parallel calls", (10, 100, 1_000), _streaming(_signed_calls)),
        Family("details of an answer", (10, 100, 1_000), _streaming(_details)),
        Family("messages of a history, sent before", (10, 100, 1_000, 10_000), _history),
        Family("tools bound again", (1, 8, 32, 128), _binding),
        Family("tools of a call, bound before", (1, 8, 32, 128), _bound),
        Family("fields of a new tool", (10, 100, 1_000), _nodes),
        *(
            Family(
                f"{kind}s in flight, one loop",
                (64, 256, 1_024, 4_096),
                _at_once(server, kind),
                runs=2,
                in_flight=kind,
            )
            for kind in ("call", "stream")
        ),
        Family("threads", (8, 64), _threads(server)),
    ]


def cost(family: Family, size: int) -> tuple[float, float]:
    """Return the CPU seconds of the cheapest run, and what of them the garbage collector took."""
    run = family.prepare(size)
    if not family.in_flight:  # its thousands of calls warm themselves
        run()
    costs = []
    for _ in range(family.runs):
        with _collecting() as collected:
            start = time.process_time()
            run()
            costs.append((time.process_time() - start, sum(collected)))
    total, collector = min(costs)
    return max(total, 1e-6), collector


@contextmanager
def _collecting() -> Iterator[list[float]]:
    """Yield the CPU seconds of each walk of the garbage collector in the block."""
    walks: list[float] = []
    started = [0.0]

    def note(phase: str, _: object) -> None:
        if phase == "start":
            started[0] = time.process_time()
        else:
            walks.append(time.process_time() - started[0])

    gc.callbacks.append(note)
    try:
        yield walks
    finally:
        gc.callbacks.remove(note)


def exponents(sizes: tuple[int, ...], costs: list[float]) -> list[float]:
    pairs = zip(
        zip(sizes, costs, strict=True), zip(sizes[1:], costs[1:], strict=True), strict=False
    )
    return [
        math.log(after / before) / math.log(more / less) for (less, before), (more, after) in pairs
    ]


class Grown(NamedTuple):
    """What was measured of a family: CPU seconds by size, and KB by calls in flight.

    What the garbage collector took of the CPU time is told apart: it walks all that lives in the
    process, however little of it the calls hold. The exponents leave it out.
    """

    title: str
    costs: dict[int, float]
    collector: dict[int, float]
    memory: dict[int, float]

    @property
    def powers(self) -> list[float]:
        own = [max(cost - self.collector[size], 1e-6) for size, cost in self.costs.items()]
        return exponents((*self.costs,), own)

    def excess(self, most: float = MOST) -> str:
        """Say that it grows too fast, if it does."""
        is_over = self.powers[-1] > most
        return f"{self.title}: exponent {self.powers[-1]:.2f}, allowed {most}" if is_over else ""

    def line(self) -> list[str]:
        """Return its line of the table."""
        return [
            self.title,
            ", ".join(f"{size:,}: {cost * 1e3:.2f} ms" for size, cost in self.costs.items()),
            ", ".join(f"{self.collector[size] / cost:.0%}" for size, cost in self.costs.items()),
            ", ".join(f"{power:.2f}" for power in self.powers),
            ", ".join(f"{size:,}: {held:.0f} KB" for size, held in self.memory.items()),
        ]


HEAD = ["what grows", "CPU time by size", "of it the collector", "exponents without it"]
HEAD += ["memory of a call in flight"]


def measured(*, is_short: bool = False, only: str = "") -> list[Grown]:
    """Measure every family; a short run leaves the largest sizes and the memory out."""
    allow_many_files()
    grown = []
    with _running_server() as server, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for family in families(server):
            if only not in family.title:
                continue
            sizes = [size for size in family.sizes if size <= 1_024 or not is_short]
            found = {size: cost(family, size) for size in sizes}
            costs = {size: total for size, (total, _) in found.items()}
            collector = {size: collected for size, (_, collected) in found.items()}
            kind = "" if is_short else family.in_flight
            memory = {size: _held_afresh(server, kind, size) for size in sizes if kind}
            grown.append(Grown(family.title, costs, collector, memory))
            print(" | ".join(grown[-1].line()), file=sys.stderr, flush=True)
    return grown


def table(grown: Iterable[Grown]) -> str:
    """Return the families as Markdown."""
    return markdown([HEAD, *(family.line() for family in grown)])


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--held", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--gate", action="store_true", help=f"exit 1 over {MOST}")
    parser.add_argument("--only", default="", help="families whose title holds this")
    options = parser.parse_args()
    allow_many_files()
    if options.serve:
        _server()
        return 0
    if options.held:
        server, kind, size = options.held
        print(asyncio.run(_held(server, kind, int(size))))
        return 0
    grown = measured(only=options.only)
    print(table(grown))
    over = [excess for family in grown if (excess := family.excess())]
    print("\n".join(over), file=sys.stderr)
    return bool(over and options.gate)


def allow_many_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    sys.exit(_main())
