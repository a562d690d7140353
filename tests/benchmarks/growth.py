"""How cost grows with size: fragments, calls, details, history, tools, schema nodes, calls at once.

    make growth        # or: python -m tests.benchmarks.growth [--gate] [--only NAME]

Each family is measured at three sizes or more in one process, the least CPU time of several runs
each; the exponent between two sizes is `log(cost ratio) / log(size ratio)`: 1 is linear, 2 is
quadratic, below 1 a fixed part is spread over more. `--gate` fails over 1.15 at the largest step.
"""

import argparse
import asyncio
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from langchain_aimlapi import ChatAIMLGemini

_MOST = 1.15
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
    model, tool = _model(_whole), _tool(1, size)
    return lambda: model.bind_tools([tool])


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


def _at_once(server: str, kind: str) -> Callable[[int], Callable[[], object]]:
    def prepare(size: int) -> Callable[[], object]:
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

        async def ask_all() -> None:
            await asyncio.gather(*(ask() for _ in range(size)))

        return lambda: asyncio.run(ask_all())

    return prepare


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
        Family("messages of a history", (10, 100, 1_000, 10_000), _history),
        Family("tools bound", (1, 10, 100), _binding),
        Family("tools of a call, bound before", (1, 10, 100), _bound),
        Family("fields of a tool", (10, 100, 1_000), _nodes),
        Family("calls in flight, one loop", (64, 256, 1_024, 4_096), _at_once(server, "call")),
        Family("streams in flight, one loop", (64, 256, 1_024, 4_096), _at_once(server, "stream")),
        Family("threads", (8, 64), _threads(server)),
    ]


def cost(family: Family, size: int) -> float:
    run = family.prepare(size)
    run()
    costs = []
    for _ in range(family.runs):
        start = time.process_time()
        run()
        costs.append(time.process_time() - start)
    return max(min(costs), 1e-6)


def exponents(sizes: tuple[int, ...], costs: list[float]) -> list[float]:
    pairs = zip(
        zip(sizes, costs, strict=True), zip(sizes[1:], costs[1:], strict=True), strict=False
    )
    return [
        math.log(after / before) / math.log(more / less) for (less, before), (more, after) in pairs
    ]


def _line(family: Family, costs: list[float], powers: list[float]) -> str:
    shown = ", ".join(
        f"{size:,}: {cost * 1e3:.2f} ms" for size, cost in zip(family.sizes, costs, strict=True)
    )
    told = ", ".join(f"{power:.2f}" for power in powers)
    return f"| {family.title} | {shown} | {told} |"


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--gate", action="store_true", help=f"exit 1 over {_MOST}")
    parser.add_argument("--only", help="families whose title holds this")
    options = parser.parse_args()
    _allow_many_files()
    if options.serve:
        _server()
        return 0
    over = []
    print("| what grows | CPU time by size | exponents |\n|---|---|---|")
    with _running_server() as server:
        for family in families(server):
            if options.only and options.only not in family.title:
                continue
            costs = [cost(family, size) for size in family.sizes]
            powers = exponents(family.sizes, costs)
            print(_line(family, costs, powers), flush=True)
            if powers[-1] > _MOST:
                over.append(f"{family.title}: {powers[-1]:.2f}, allowed {_MOST}")
    print("\n".join(over), file=sys.stderr)
    return bool(over and options.gate)


def _allow_many_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    sys.exit(_main())
