"""Coverage-guided fuzzing of what reads bytes of the server, and of what writes histories.

    make fuzz            or: .venv-fuzz/bin/python tests/fuzz/run.py [seconds [target]]

Targets, each fuzzed for so many seconds: `stream` and `body` (any bytes give an answer or one of
our errors, however they are cut), `history` (any history that LangChain can hold gives a request
or a `ValueError`, see `histories.py`). What libFuzzer finds is written to `build/fuzz/`; each
finding becomes a case of `tests/wire_tests/test_total.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import atheris  # type: ignore[import-untyped,unused-ignore]  # lives in .venv-fuzz alone

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

with atheris.instrument_imports(include=["langchain_aimlapi", "langchain_core.utils.json"]):
    from langchain_aimlapi._codec.completion import decode_completion
    from langchain_aimlapi._codec.stream import StreamDecoder
    from langchain_aimlapi._http.sse import EventSplitter, EventTooLongError
    from langchain_aimlapi.errors import AIMLAPIError
    from langchain_aimlapi.errors.mapping import response_failure
    from tests.fuzz.histories import check_history

from tests.fuzz.seeds import seeds  # noqa: E402  the path was set above

if TYPE_CHECKING:
    from collections.abc import Iterable

HEADERS = {"x-inference-id": "i", "retry-after": "1"}
MOST_BYTES = 1 << 20


def _answered(blocks: Iterable[bytes]) -> Any:
    """Return what a stream gives: its chunks, or the class of its error."""
    splitter = EventSplitter(max_bytes=MOST_BYTES)
    decoder = StreamDecoder(HEADERS, client_request_id="c")
    chunks: list[Any] = []
    try:
        for block in blocks:
            chunks += decoder.feed(splitter.feed(block))
        chunks += decoder.feed(splitter.finish())
        chunks += decoder.finish()
    except (AIMLAPIError, EventTooLongError) as error:
        decoder.partial()
        return type(error)
    full = chunks[0]
    for one in chunks[1:]:
        full += one
    json.dumps(full.message.response_metadata)
    return full.message


def _check_stream(data: bytes, *, step: int) -> None:
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    whole, cut = _answered([data]), _answered(pieces)
    if whole != cut:
        msg = f"cut into pieces of {step} the stream says {cut!r}, not {whole!r}"
        raise AssertionError(msg)


def _check_body(data: bytes) -> None:
    failure = response_failure(429, body=data, headers=HEADERS)
    str(failure.redact("sk-secret-key"))
    try:
        result = decode_completion(data, HEADERS, client_request_id="c")
    except AIMLAPIError as error:
        error.redact("sk-secret-key")
        return
    for generation in result.generations:
        json.dumps(generation.message.response_metadata)
        str(generation.message.content_blocks)


def _check_cut_stream(data: bytes) -> None:
    if data:
        _check_stream(data[1:], step=1 + data[0] % 16)


TARGETS = {"stream": _check_cut_stream, "body": _check_body, "history": check_history}


def main(seconds: str = "120", target: str = "") -> int:
    """Fuzz for so many seconds, starting from good answers; return the exit code."""
    if not target:  # libFuzzer ends its process: each target has one of its own
        runs = [
            subprocess.run([sys.executable, __file__, seconds, name], check=False)
            for name in TARGETS
        ]
        return max(run.returncode for run in runs)
    found = ROOT / "build" / "fuzz"
    found.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds()[target]):
            (Path(corpus) / str(number)).write_bytes(seed)
        options = [
            sys.argv[0],
            f"-max_total_time={seconds}",
            "-max_len=6000",
            "-timeout=10",
            f"-dict={Path(__file__).parent / 'wire.dict'}",
            f"-artifact_prefix={found}/{target}-",
            "-print_final_stats=1",
            corpus,
        ]
        atheris.Setup(options, TARGETS[target])
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
