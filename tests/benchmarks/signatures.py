"""What becomes of thought signatures: the same stories told to this package and to its peers.

A loopback server answers with signed tool calls and keeps the requests. Each story brings a
message back to the model on its own way; then the last request is searched for every signature
that had been given. The table has a column for each package and counts `sent back / given`.

    python tests/benchmarks/run.py --signatures [--out FILE]
"""

import argparse
import collections
import json
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from langchain.agents import create_agent
from langchain_core.load import dumps, loads
from langchain_core.messages import (
    AIMessage,
    HumanMessage,
    ToolMessage,
    messages_from_dict,
    messages_to_dict,
)
from langchain_core.tools import tool
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from tests.benchmarks.signature_answers import Dialect, Step, fate, script
from tests.benchmarks.subjects import OURS, SUBJECTS

_QUESTION = HumanMessage("Look for it.")


class Endpoint:
    """The server's side of one story: the answers to give, the requests that came."""

    def __init__(self, dialect: Dialect, steps: list[Step], added: dict[str, Any]) -> None:
        self.dialect, self.steps, self.added = dialect, steps, added
        self.requests: list[dict[str, Any]] = []

    def answer(self, request: dict[str, Any]) -> tuple[str, bytes]:
        """Return the content type and the body of the next answer."""
        step = self.steps[min(len(self.requests), len(self.steps) - 1)]
        self.requests.append(request)
        if not request.get("stream"):
            body = {**step.completion(self.dialect), **self.added}
            return "application/json", json.dumps(body).encode()
        events = [json.dumps({**one, **self.added}) for one in step.events(self.dialect)]
        return "text/event-stream", "".join(f"data: {e}\n\n" for e in (*events, "[DONE]")).encode()


@contextmanager
def _served(endpoint: Endpoint) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            kind, body = endpoint.answer(json.loads(self.rfile.read(length)))
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


Make = Callable[..., Any]  # settings -> chat model


def _invoked(make: Make) -> Any:
    return make().invoke([_QUESTION])


def _streamed(make: Make) -> Any:
    chunks = iter(make().stream([_QUESTION]))
    full = next(chunks)
    for chunk in chunks:
        full += chunk
    return full


def _invoked_v1(make: Make) -> Any:
    return make(output_version="v1").invoke([_QUESTION])


def _streamed_v1(make: Make) -> Any:
    return _streamed(lambda: make(output_version="v1"))


def _events_v3(make: Make) -> Any:
    return make().stream_events([_QUESTION], version="v3").output


def _same(message: Any) -> Any:
    return message


def _dumped(message: Any) -> Any:
    return loads(dumps(message), allowed_objects="messages")


def _as_dicts(message: Any) -> Any:
    return messages_from_dict(json.loads(json.dumps(messages_to_dict([message]))))[0]


def _checkpointed(message: Any) -> Any:
    serializer = JsonPlusSerializer()
    return serializer.loads_typed(serializer.dumps_typed(message))


def _from_blocks(message: Any) -> Any:
    return AIMessage(content=message.content_blocks)


@dataclass(frozen=True)
class Way:
    """How an answer is got, and what is done to it before it is sent back."""

    get: Callable[[Make], Any]
    change: Callable[[Any], Any] = _same

    def __call__(self, make: Make) -> None:
        """Get one answer, answer its calls, ask again."""
        message = self.change(self.get(make))
        calls = [call["id"] for call in message.tool_calls]
        results = [ToolMessage("found", tool_call_id=identifier) for identifier in calls]
        # Streamed, so that a peer that cannot read whole answers still sends this request.
        list(make().stream([_QUESTION, message, *results]))


@tool
def look(query: str) -> str:
    """Look for something."""
    return f"found {query}"


def _agent_invoked(make: Make) -> None:
    create_agent(make(), [look]).invoke({"messages": [_QUESTION]})


def _agent_streamed(make: Make) -> None:
    agent = create_agent(make(), [look])
    list(agent.stream({"messages": [_QUESTION]}, stream_mode="messages"))


class Story(NamedTuple):
    """A title, the answers, and how they come back."""

    title: str
    steps: list[Step]
    tell: Callable[[Make], None]


_ONE, _FIVE = script(steps=1), script(steps=5)
_TWO, _BOTH = script(steps=1, parallel=2), script(steps=1, parallel=2, all_signed=True)
STORIES = (
    Story("invoke", _ONE, Way(_invoked)),
    Story("stream, added up", _ONE, Way(_streamed)),
    Story('invoke, `output_version="v1"`', _ONE, Way(_invoked_v1)),
    Story('stream, `output_version="v1"`', _ONE, Way(_streamed_v1)),
    Story('`stream_events(version="v3")`', _ONE, Way(_events_v3)),
    Story("parallel calls, the first signed, invoke", _TWO, Way(_invoked)),
    Story("parallel calls, the first signed, stream", _TWO, Way(_streamed)),
    Story("parallel calls, each signed, invoke", _BOTH, Way(_invoked)),
    Story("parallel calls, each signed, stream", _BOTH, Way(_streamed)),
    Story("stream, then `dumps` / `loads`", _ONE, Way(_streamed, _dumped)),
    Story("stream, then dicts through JSON", _ONE, Way(_streamed, _as_dicts)),
    Story("stream, then LangGraph's msgpack", _ONE, Way(_streamed, _checkpointed)),
    Story("`AIMessage(content=ai.content_blocks)`, invoke", _ONE, Way(_invoked, _from_blocks)),
    Story("`AIMessage(content=ai.content_blocks)`, stream", _ONE, Way(_streamed, _from_blocks)),
    Story("`create_agent`, five steps, invoke", _FIVE, _agent_invoked),
    Story("`create_agent`, five steps, stream", _FIVE, _agent_streamed),
)
# The peer's SDK refuses a whole answer without this field, which AI/ML API's documented answers
# of this dialect do not have: the second column shows what it would do if they had it.
_SHIM = {"system_fingerprint": None}
_COLUMNS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (OURS, OURS, {}),
    ("openrouter", "openrouter", {}),
    ("openrouter", "openrouter, helped (`system_fingerprint` added)", _SHIM),
    ("openai", "openai", {}),
)


class Told(NamedTuple):
    """How a story ended: what became of each signature, or the error's name."""

    fates: collections.Counter[str]
    error: str = ""

    def __str__(self) -> str:
        """Return the cell of the table."""
        if self.error:
            return f"fails: {self.error}"
        bad = ", ".join(
            f"{self.fates[one]} {one}" for one in ("altered", "lost") if self.fates[one]
        )
        count = f"{self.fates['sent back']}/{self.fates.total()}"
        return f"{count} ({bad})" if bad else count


def told(story: Story, dialect: Dialect, subject: str, added: dict[str, Any]) -> Told:
    """Tell a story to a package and return how it ended."""
    endpoint = Endpoint(dialect, story.steps, added)
    chosen = SUBJECTS[subject]
    with _served(endpoint) as url:

        def make(**settings: Any) -> Any:
            return chosen._replace(settings={**chosen.settings, **settings}).chat(url)

        try:
            story.tell(make)
        except Exception as error:  # noqa: BLE001 - whatever it is, the table names it
            return Told(collections.Counter(), type(error).__name__)
    given = [call for step in story.steps for call in step.signed()]
    last = endpoint.requests[-1]
    return Told(collections.Counter(fate(call, dialect, last) for call in given))


def table(dialect: Dialect) -> Iterator[str]:
    """Yield the lines of a dialect's table."""
    columns = [one for one in _COLUMNS if SUBJECTS[one[0]].is_installed()]
    yield f"| {dialect} dialect | {' | '.join(title for _, title, _ in columns)} |"
    yield "|---" * (len(columns) + 1) + "|"
    for story in STORIES:
        cells = [str(told(story, dialect, subject, added)) for subject, _, added in columns]
        yield f"| {story.title} | {' | '.join(cells)} |"


def _main() -> None:
    warnings.simplefilter("ignore")  # the peers' and `loads`'s; the table is the output
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="write the tables to this file too")
    out = parser.parse_args().out
    text = "\n".join([*table("openrouter"), "", *table("vertex")])
    print(text)
    if out:
        out.write_text(text + "\n")


if __name__ == "__main__":
    _main()
