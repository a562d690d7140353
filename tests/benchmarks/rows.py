"""What is measured: one row for each goal, with the goal."""

from typing import NamedTuple

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
    stretch: float | None = None
    warmups: int = 1
    rounds: int = 1000  # at most
    without: tuple[str, ...] = ("core",)

    @property
    def is_fresh(self) -> bool:
        """Tell whether each measurement is a process of its own."""
        return self.operation in {"start", "memory"}


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
_STARTING = (
    _START._replace(
        name="import",
        title="import",
        reference=("core", "import"),
        must=1.08,
        stretch=1.04,
        without=("raw_httpx",),
    ),
    _START._replace(
        name="modules",
        title="modules imported",
        unit="modules",
        reference=("core", "modules"),
        stretch=1.057,
        without=("raw_httpx",),
    ),
    _START._replace(
        name="import-rss",
        title="memory after import",
        unit="MB",
        reference=("core", "import-rss"),
        stretch=1.05,
        without=("raw_httpx",),
    ),
    _START._replace(
        name="construct",
        title="construct (by the reference's construct + first call)",
        reference=_least("first"),
        must=0.02,
        stretch=0.01,
    ),
    _START._replace(
        name="answer",
        title="import + construct + first call",
        reference=_least("answer"),
        must=1.1,
        stretch=1.0,
    ),
    # No goal: an import that comes later only moves from the row before to this one.
    *_pair(
        _START._replace(name="first", title="construct + first call", reference=_least("first"))
    ),
    *_pair(
        _START._replace(
            name="second",
            title="2nd model, construct + first call (by the reference's first)",
            reference=_least("first"),
            must=0.09,
            stretch=0.045,
        )
    ),
)


def _stream(name: str, title: str, units: int, *, must: float, stretch: float) -> tuple[Row, Row]:
    row = Row(
        f"stream-{name}",
        f"stream, {title}",
        "us/event",
        "stream",
        name,
        units,
        reference=_least(f"stream-{name}"),
        must=must,
        stretch=stretch,
    )
    return _pair(row)


_CALLING = (
    *_pair(
        Row(
            "invoke",
            "invoke",
            "us",
            "invoke",
            reference=_least("invoke"),
            must=1.10,
            stretch=0.90,
            warmups=20,
        ),
        title="ainvoke",
    ),
    *_stream("event", "an event per packet", _STREAM, must=1.10, stretch=0.85),
    *_stream("split", "events cut across packets", _STREAM, must=1.10, stretch=0.85),
    *_stream("paced", "an event per 2 ms", 200, must=1.10, stretch=1.0),
    *_stream("tools", "10 tool calls x 50 fragments", 500, must=1.10, stretch=0.95),
    *_pair(
        Row(
            "first-chunk",
            "time to first chunk (wall clock)",
            "ms",
            "first_chunk",
            "first",
            reference=_least("first-chunk"),
            must=1.2,
            stretch=1.0,
            warmups=5,
        )
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
        must=1.0,
        stretch=0.7,
        warmups=4,
    ),
    _CROWD._replace(
        name="gather-cold",
        title="gather, 64 in flight, cold",
        operation="gather_cold",
        is_async=True,
        reference=_least("gather-cold"),
        must=0.40,
        stretch=0.25,
        warmups=0,
    ),
    _CROWD._replace(
        name="batch",
        title="batch, 64 threads",
        operation="batch",
        reference=_least("batch"),
        must=1.10,
        stretch=1.0,
    ),
)

_MERGE = Row("", "", "us/chunk", "merge", "merge", without=("core", "raw_httpx"))
_GROWING = (
    *_pair(
        Row(
            "memory",
            "memory growth, 22k-chunk stream",
            "MB",
            "memory",
            "long",
            reference=_least("memory"),
            must=1.10,
            stretch=1.02,
            warmups=0,
            rounds=3,
        )
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
        stretch=1.0,
    ),
    _MERGE._replace(
        name="merge-growth",
        title="`+` per chunk, 8k by our own 2k",
        unit="x",
        operation="merge_growth",
        must=2.0,
        stretch=1.0,
    ),
)

_LONG = (
    *_pair(
        Row(
            "history",
            "history of 1000",
            "us",
            "history",
            reference=_least("history"),
            must=2.0,
            stretch=1.3,
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
            # 4 before each message was looked at for results without names, sets of details and
            # values that JSON cannot say. What a message costs could be paid once: not built yet.
            must=8.0,
            stretch=2.0,
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
            stretch=0.45,
        )
    ),
)

ROWS = (*_STARTING, *_CALLING, *_TOGETHER, *_GROWING, *_LONG)
