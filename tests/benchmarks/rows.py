"""What is measured: one row for each goal, with the goal."""

from typing import NamedTuple

from tests.benchmarks.subjects import STARTERS

_STREAM = 1100  # events that carry text or reasoning


class Row(NamedTuple):
    """One line of the result.

    A row's ratio is its value by the value of `reference` (a subject and a row) in the same round;
    without a reference the value is a ratio already.
    """

    name: str
    title: str
    unit: str
    operation: str
    scenario: str = "whole"
    units: int = 1  # by which one repetition's cost is divided
    is_async: bool = False
    reference: tuple[str, str] | None = None
    must: float | None = None
    goal: float | None = None
    of_plain: float | None = None  # the goal beside plain httpx
    is_shown: bool = True  # otherwise it is only what others are compared with
    warmups: int = 1
    rounds: int = 1000  # at most
    without: tuple[str, ...] = ("core",)
    also: tuple[str, ...] = ()  # subjects that only such rows have

    @property
    def is_fresh(self) -> bool:
        """Tell whether each measurement is a process of its own."""
        return self.operation in {"start", "cold", "memory"}


def _pair(row: Row, *, title: str | None = None) -> tuple[Row, Row]:
    """Return a row with its asynchronous twin, each against the reference's own."""
    name = f"a{row.name}"
    reference = row.reference and (row.reference[0], f"a{row.reference[1]}")
    twin = row._replace(
        name=name, title=title or f"{row.title}, async", is_async=True, reference=reference
    )
    return row, twin


def _least(name: str) -> tuple[str, str]:
    return ("lc_httpx", name)


_START = Row("", "", "ms", "start", warmups=0, without=("core", "raw_httpx"))
_COLD = Row("cold", "process start to first answer, over TLS", "ms", "cold", warmups=0)
_STARTING = (
    _COLD._replace(reference=_least("cold"), must=1.05, goal=1.0, also=STARTERS, without=()),
    _START._replace(
        name="import",
        title="import",
        reference=("core", "import"),
        must=1.08,
        goal=1.04,
        without=("raw_httpx",),
    ),
    _START._replace(
        name="modules",
        title="modules imported",
        unit="modules",
        reference=("core", "modules"),
        goal=1.057,
        without=("raw_httpx",),
    ),
    _START._replace(
        name="import-rss",
        title="memory after import",
        unit="MB",
        reference=("core", "import-rss"),
        goal=1.05,
        without=("raw_httpx",),
    ),
    _START._replace(
        name="construct",
        title="construct (by the reference's construct + first call)",
        reference=_least("first"),
        must=0.02,
        goal=0.01,
    ),
    # Alone it says nothing: an import that comes later only moves to it. The row "cold" counts.
    _START._replace(
        name="first", title="construct + first call", reference=_least("first"), is_shown=False
    ),
    _START._replace(
        name="second",
        title="2nd model, construct + first call (by the reference's first)",
        reference=_least("first"),
        must=0.09,
        goal=0.045,
    ),
)


def _stream(name: str, title: str, units: int, *, must: float, goal: float) -> tuple[Row, ...]:
    row = Row(
        f"stream-{name}",
        f"stream, {title}",
        "us/event",
        "stream",
        name,
        units,
        reference=_least(f"stream-{name}"),
        must=must,
        goal=goal,
    )
    return _pair(row)


def _beside_plain(goal: float, rows: tuple[Row, ...]) -> tuple[Row, ...]:
    return tuple(row._replace(of_plain=goal) for row in rows)


_INVOKE = Row("invoke", "invoke", "us", "invoke", reference=_least("invoke"), warmups=20)
_CALLING = (
    _INVOKE._replace(must=0.90, goal=0.75, of_plain=1.15),
    _INVOKE._replace(
        name="ainvoke",
        title="ainvoke",
        is_async=True,
        reference=_least("ainvoke"),
        must=1.0,
        goal=0.85,
        of_plain=1.2,
    ),
    *_beside_plain(1.5, _stream("event", "an event per packet", _STREAM, must=0.85, goal=0.75)),
    *_beside_plain(
        1.5, _stream("split", "events cut across packets", _STREAM, must=0.85, goal=0.75)
    ),
    *_beside_plain(1.2, _stream("paced", "an event per 2 ms", 200, must=1.0, goal=0.75)),
    *_stream("tools", "10 tool calls x 50 fragments", 500, must=0.70, goal=0.6),
    *_pair(
        Row(
            "first-chunk",
            "time to first chunk (wall clock)",
            "ms",
            "first_chunk",
            "first",
            reference=_least("first-chunk"),
            must=1.2,
            goal=1.0,
            warmups=5,
        )
    ),
)

_AGENT = Row(
    "",
    "",
    "us/token",
    "",
    "agent",
    units=300,
    is_async=True,
    without=("core", "raw_httpx"),
)
_AGENTS = (
    _AGENT._replace(
        name="agent-messages",
        title='agent, `astream(stream_mode="messages")`',
        operation="agent_messages",
        reference=_least("agent-messages"),
        must=1.0,
        goal=0.9,
    ),
    _AGENT._replace(
        name="agent-events",
        title='agent, `astream_events(version="v3")`',
        operation="agent_events",
        reference=_least("agent-events"),
        must=1.0,
        goal=0.9,
    ),
    Row(
        "agent-step",
        "step 200 of an agent by its step 1, without LangChain's part",
        "x",
        "agent_step",
        must=3.0,
        goal=2.0,
        rounds=5,
        without=("core", "raw_httpx", "lc_memory"),
    ),
    Row(
        "bind-again",
        "32 tools bound again, by bound first",
        "x",
        "bind_again",
        units=32,
        must=0.25,
        goal=0.1,
        rounds=5,
        without=("core", "raw_httpx", "lc_memory", "lc_httpx"),
    ),
)

_CROWD = Row("", "", "us/call", "", "thought", units=200, without=("core",))
_TOGETHER = (
    _CROWD._replace(
        name="gather",
        title="gather, 64 in flight, warm",
        operation="gather",
        is_async=True,
        reference=_least("gather"),
        must=0.7,
        goal=0.5,
        warmups=4,
    ),
    _CROWD._replace(
        name="gather-cold",
        title="gather, 64 in flight, cold",
        operation="gather_cold",
        is_async=True,
        reference=_least("gather-cold"),
        must=0.40,  # 0.13 on a quiet machine; on a busy one the reference's pool shrinks sooner
        goal=0.13,
        warmups=0,
    ),
    _CROWD._replace(
        name="batch",
        title="batch, 64 threads",
        operation="batch",
        reference=_least("batch"),
        must=1.0,
        goal=0.8,
    ),
)

_MERGE = Row("", "", "us/chunk", "merge", "merge", without=("core", "raw_httpx"))
_GROWING = (
    Row(
        "memory",
        "memory growth, 22k-chunk stream",
        "MB",
        "memory",
        "long",
        reference=_least("memory"),
        must=1.02,
        goal=0.95,
        warmups=0,
        rounds=3,
    ),
    _MERGE._replace(
        name="merge-2k", title="`+` per chunk, 2k", units=2000, reference=("lc_memory", "merge-2k")
    ),
    _MERGE._replace(
        name="merge-8k",
        title="`+` per chunk, 8k",
        units=8000,
        reference=("lc_memory", "merge-8k"),
        must=1.3,
        goal=1.0,
    ),
    _MERGE._replace(
        name="merge-growth",
        title="`+` per chunk, 8k by our own 2k",
        unit="x",
        operation="merge_growth",
        must=2.0,
        goal=1.0,
    ),
)

_LONG = (
    *_pair(
        Row(
            "history",
            "history of 1,000, its beginning sent before",
            "us",
            "history",
            reference=_least("history"),
            must=1.3,
            goal=1.0,
        )
    ),
    *_pair(
        Row(
            "marginal",
            "each message more, with tool calls and reasoning",
            "us/message",
            "marginal",
            units=990,
            reference=_least("marginal"),
            must=4.0,
            goal=2.0,
        )
    ),
    *_pair(
        Row(
            "image",
            "4 MB image",
            "us",
            "image",
            reference=_least("image"),
            must=0.6,
            goal=0.45,
        )
    ),
    *_pair(
        Row(
            "image-again",
            "the same 4 MB image again, as an agent sends it",
            "us",
            "image_again",
            reference=_least("image-again"),
            must=0.6,
            goal=0.45,
        )
    ),
)

ROWS = (*_STARTING, *_CALLING, *_AGENTS, *_TOGETHER, *_GROWING, *_LONG)
