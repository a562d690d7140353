"""What the kit and the stand-in cost: records, replays, a suite of recorded tests, answers.

    make kit_cost        # or: python -m tests.benchmarks.kit [--tests 1000]

All figures are CPU time. A recording and a replay are whole calls of a model, the call itself
(against a ready answer) told beside. pytest runs the suite four times, in processes of its own:
empty, with an answer from memory, replayed by vcrpy alone, and replayed by the kit; what the kit
adds to a test is the difference between the last two. The stand-in runs in a process of its own,
too.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from langchain_aimlapi import ChatAIMLGemini
from langchain_aimlapi.testing import use_cassette
from tests.benchmarks.raw_httpx import RawHttpx
from tests.benchmarks.report import markdown
from tests.benchmarks.server import running_server
from tests.scale.stand_in_process import stand_in_process

_ROOT = Path(__file__).parents[2]
_MODEL = "google/gemini-3-flash-preview"
_SUITE = """
import httpx, pytest
from langchain_aimlapi import ChatAIMLGemini

def model(**settings):
    return ChatAIMLGemini(
        model={model!r}, api_key="key-of-the-benchmark", base_url={url!r}, **settings
    )

{mark}
@pytest.mark.parametrize("number", range({tests}))
def test_call(number):
    {does}
"""
_ANSWER = """{
    "id": "gen-1", "object": "chat.completion", "created": 1763566638, "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Done."}}
    ], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
}"""


class Figure(NamedTuple):
    """What was counted, how many, and the CPU seconds of each."""

    title: str
    times: int
    seconds: float

    def line(self) -> list[str]:
        """Return its line of the table."""
        each = f"{self.seconds * 1e3:.2f} ms"
        return [self.title, f"{self.times:,}", each, f"{1 / max(self.seconds, 1e-9):,.0f}"]


HEAD = ["what", "how many", "CPU time of each", "per second of one core"]


def _chat(url: str) -> ChatAIMLGemini:
    return ChatAIMLGemini(model=_MODEL, api_key="key-of-the-benchmark", base_url=url)


def _asking(url: str, count: int, opened: AbstractContextManager[object]) -> float:
    """Return the CPU seconds of each of so many different calls, the cassette's own included."""
    start = time.process_time()
    with opened, _chat(url) as chat:
        for number in range(count):
            chat.invoke(f"Go to {number}.")
    return (time.process_time() - start) / count


def _cassettes(url: str, folder: Path, sizes: tuple[int, ...]) -> Iterator[Figure]:
    for size in sizes:
        path = folder / f"{size}.yaml"
        recording = use_cassette(path, record_mode="once")
        yield Figure(f"recorded, cassette of {size:,}", size, _asking(url, size, recording))
        yield Figure(
            f"replayed, cassette of {size:,}", size, _asking(url, size, use_cassette(path))
        )


@contextmanager
def _children() -> Iterator[Callable[[], float]]:
    """Yield what tells the CPU seconds of the processes that ended in the block."""

    def now() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    start = now()
    yield lambda: now() - start


def _suite(folder: Path, *options: str) -> float:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "."]
    with _children() as spent:
        ended = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(ended.stdout[-2000:])
    return spent()


def _written(
    folder: Path,
    url: str,
    *,
    tests: int,
    mark: str = "",
    does: str = 'assert model().invoke("Go.").text',
) -> Path:
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n")
    text = _SUITE.format(model=_MODEL, url=url, tests=tests, mark=mark, does=does)
    (folder / "test_suite.py").write_text(text)
    return folder


def _recorded(folder: Path, tests: int) -> None:
    """Record the first test's cassette, and give each of the others a copy."""
    _suite(folder, "--record-mode=once", "-k", "test_call[0]")
    first = folder / "cassettes" / "test_suite" / "test_call[0].yaml"
    for number in range(1, tests):
        shutil.copy(first, first.with_name(f"test_call[{number}].yaml"))


def _suites(url: str, folder: Path, tests: int) -> Iterator[Figure]:
    memory = (
        f"assert model(http_client=httpx.Client(transport=httpx.MockTransport("
        f'lambda _: httpx.Response(200, text={_ANSWER!r})))).invoke("Go.").text'
    )
    mark = "@pytest.mark.vcr"
    empty = _written(folder / "empty", url, tests=tests, does="pass")
    bare = _written(folder / "bare", url, tests=tests, does=memory)
    alone = _written(folder / "alone", url, tests=tests, mark=mark)
    kit = _written(folder / "kit", url, tests=tests, mark=mark)
    for suite in (empty, kit):
        (suite / "conftest.py").write_text('pytest_plugins = ["langchain_aimlapi.testing"]\n')
    for recorded in (alone, kit):
        _recorded(recorded, tests)
    costs = {}
    for suite in (empty, bare, alone, kit):
        nothing = _suite(suite, "--collect-only")  # imports and collection are no test's
        costs[suite.name] = max(_suite(suite) - nothing, 0.0) / tests
    yield Figure("test of a suite, empty: pytest with the kit's plugin", tests, costs["empty"])
    yield Figure("test of a suite, answered from memory", tests, costs["bare"])
    yield Figure("test of a suite, replayed by vcrpy alone", tests, costs["alone"])
    yield Figure("test of a suite, replayed by the kit", tests, costs["kit"])
    yield Figure("of it the kit's", tests, max(costs["kit"] - costs["alone"], 0.0))


def _stand_in(count: int) -> Figure:
    def spent_on(answers: int) -> float:
        with _children() as spent:
            with stand_in_process() as url:
                chat = RawHttpx(base_url=url)
                for number in range(answers):
                    chat.invoke([{"role": "user", "content": f"Go to {number}."}])
            return spent()

    return Figure("answer of the stand-in", count, (spent_on(count) - spent_on(0)) / count)


def measured(tests: int = 1_000) -> list[Figure]:
    """Measure all of it; `tests` tests in the suite, and as many answers."""
    with running_server() as server, tempfile.TemporaryDirectory() as folder:
        url = f"{server.url}/whole"
        start = time.process_time()
        with _chat(url) as chat:
            chat.invoke("Go.")
            start = time.process_time()
            for _ in range(tests):
                chat.invoke("Go.")
        call = Figure("call, without a cassette", tests, (time.process_time() - start) / tests)
        sizes = (max(tests // 10, 1), tests)
        return [
            call,
            *_cassettes(url, Path(folder), sizes),
            *_suites(url, Path(folder), tests),
            _stand_in(tests),
        ]


def table(figures: list[Figure]) -> str:
    """Return the figures as Markdown."""
    return markdown([HEAD, *(figure.line() for figure in figures)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", type=int, default=1_000, help="how many of each")
    print(table(measured(parser.parse_args().tests)))
