"""A fast server in a process of its own that fails one request in ten, on purpose.

The prompt says what happens: `"17 fine"` is answered with `"17 fine"`, `"17 cut once"` is cut at
the first attempt, `"17 cut"` at each. Faults: `429`, `503`, `cut`, `stall`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.wire_tests.loopback import (
    DONE,
    END,
    USAGE,
    chunk,
    completion,
    error_body,
    event,
    piece,
    stream_head,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

FAULTS = ("429", "503", "cut", "stall")
STALL_SECONDS = 30.0


class _Server:
    def __init__(self) -> None:
        self._attempts: Counter[str] = Counter()
        self._open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            while await self._answer(reader, writer):
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; tell whether the connection stays open."""
        top = (await reader.readuntil(b"\r\n\r\n")).lower()
        if top.startswith(b"get /open"):
            writer.write(whole({"open": self._open - 1}))
            return True
        length = int(top.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        request = json.loads(await reader.readexactly(length))
        prompt = request["messages"][-1]["content"]
        number, fault, *rest = prompt.split()
        self._attempts[prompt] += 1
        if fault == "fine" or (rest and self._attempts[prompt] > 1):
            writer.write(_stream(prompt) if request.get("stream") else whole(completion(prompt)))
            return True
        if fault in {"429", "503"}:
            writer.write(whole(error_body(int(fault)), status=int(fault), retry_after_ms=5))
            return True
        good = _stream(prompt) if request.get("stream") else whole(completion(prompt))
        if fault == "cut":
            writer.write(good[: 20 if int(number) % 2 else len(good) * 2 // 3])
            return False
        writer.write(good[: len(good) // 2])
        await writer.drain()
        with contextlib.suppress(TimeoutError):  # until the client hangs up
            await asyncio.wait_for(reader.read(1), STALL_SECONDS)
        return False


def _stream(text: str) -> bytes:
    words = [word + " " for word in text.split()]
    words[-1] = words[-1].rstrip()
    events = [*(piece(word) for word in words), piece("", finish="stop", usage=USAGE)]
    return stream_head() + b"".join(chunk(event(one)) for one in events) + chunk(DONE) + END


async def _main() -> None:
    server = await asyncio.start_server(_Server().serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


@contextmanager
def faulty_server() -> Iterator[str]:
    """Run the server in a process of its own; give its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.load.faulty_server"],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


if __name__ == "__main__":
    asyncio.run(_main())
