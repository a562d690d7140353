"""What is asked of the account's endpoints, and how an answer becomes a record."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import urlencode
from zoneinfo import available_timezones

from pydantic import TypeAdapter, ValidationError

from langchain_aimlapi import errors
from langchain_aimlapi.account import records

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from langchain_aimlapi.account.catalogue import Kept

_RecordT = TypeVar("_RecordT")

# The most rows that a page may have, as documented: the log takes 200 questions a minute.
_PAGE = 100
_LONGEST_WINDOW = timedelta(days=92)


class Question(Generic[_RecordT]):
    """What is asked: an endpoint with its parameters, the record that it answers with."""

    def __init__(
        self,
        path: str,
        record: type[_RecordT],
        parameters: Iterable[tuple[str, str]] = (),
        *,
        needs_key: bool = True,
        etag: str = "",
    ) -> None:
        query = urlencode([*parameters])
        self.path = f"{path}?{query}" if query else path
        self.record = record
        self.needs_key = needs_key
        self.headers = {"if-none-match": etag} if etag else {}


def read(body: bytes, record: type[_RecordT]) -> _RecordT:
    """Return a body as the record that it is documented to be.

    Raises:
        AIMLAPIResponseError: It is another; the first place that differs is named.
    """
    try:
        # Not by pydantic alone, which reads an amount of more than 17 digits as a float.
        value: _RecordT = TypeAdapter(record).validate_python(json.loads(body, parse_float=Decimal))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, problem["loc"])) or "body"
        raise errors.AIMLAPIResponseError(
            f"The answer is not a {record.__name__} as documented: {place}: {problem['msg']}."
        ) from None
    except (ValueError, RecursionError):
        raise errors.AIMLAPIResponseError(
            f"The answer is not a {record.__name__} as documented: body: it is not JSON."
        ) from None
    return value


class Pages:
    """Follows the pages of the log."""

    def __init__(self) -> None:
        self.has_more = True
        self.offset = 0
        self._seen: set[tuple[str | None, str]] = set()

    def take(self, page: records.LogPage) -> list[records.LogEntry]:
        """Return the rows of a page that were not seen before."""
        fresh = [entry for entry in page.data if _name(entry) not in self._seen]
        self._seen.update(map(_name, fresh))
        self.offset += len(page.data)
        # An empty page that says there is more would be asked for without end.
        self.has_more = page.pagination.has_more and bool(page.data)
        return fresh


def _name(entry: records.LogEntry) -> tuple[str | None, str]:
    return entry.request_id, entry.inference_id


def window(
    period: str | None, start: datetime | None, end: datetime | None
) -> list[tuple[str, str]]:
    """Return the parameters of a window of time."""
    if start is None:
        if end is not None:
            raise ValueError("end needs a start; or pass a period such as '24h' alone.")
        return [("period", period or "24h")]
    end = end or datetime.now(start.tzinfo)
    if period is not None:
        raise ValueError(f"Pass period={period!r} or start and end, not both.")
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("start and end must be aware: give them a tzinfo, such as timezone.utc.")
    # Times of one zone are subtracted as its clocks show them, which go back once a year.
    length = end.astimezone(UTC) - start.astimezone(UTC)
    if not timedelta(0) <= length <= _LONGEST_WINDOW:
        raise ValueError(f"A window has 0 to 92 days, not {length} ({start} to {end}).")
    return [("start", start.isoformat()), ("end", end.isoformat())]


def usage(
    period: str | None,
    start: datetime | None,
    end: datetime | None,
    group_by: Sequence[str],
    tz: str | None,
) -> Question[records.Usage]:
    """Return the question for usage: with a breakdown, if one is asked for.

    Raises:
        ValueError: The window is none, or the groups or the zone are not known.
    """
    span = window(period, start, end)
    groups = [group_by] if isinstance(group_by, str) else [*group_by]
    if unknown := {*groups} - {"day", "model"}:
        raise ValueError(f"group_by takes 'day' and 'model', not {sorted(unknown)}.")
    # Only the detailed endpoint knows zones, though a sum alone is wanted.
    if not groups and tz is None:
        return Question("/v2/usage", records.Usage, span)
    zones = available_timezones()  # none on a system without tzdata: the endpoint decides then
    if tz and zones and tz.casefold() not in map(str.casefold, zones):
        raise ValueError(
            f"tz={tz!r} is no IANA name of a zone: give one such as 'Europe/Berlin', or leave tz "
            "out for UTC."
        )
    detail = [("group_by", ",".join(sorted(groups)))] if groups else []
    zone = [("tz", tz)] if tz else []
    return Question("/v2/usage/detail", records.Usage, [*span, *detail, *zone])


def log_page(
    span: list[tuple[str, str]],
    model: str | Sequence[str],
    status: str | Sequence[str],
    skip: int,
) -> Question[records.LogPage]:
    """Return the question for the log's page behind `skip` rows."""

    def repeat(name: str, values: str | Sequence[str]) -> list[tuple[str, str]]:
        return [(name, value) for value in ([values] if isinstance(values, str) else values)]

    # Repeated names, as documented: a list with commas matches nothing.
    kept = [*repeat("model", model), *repeat("status", status)]
    place = [("limit", str(_PAGE)), ("offset", str(skip))]
    return Question("/v2/logs", records.LogPage, [*span, *kept, *place])


def models(kept: Kept | None) -> Question[records.ModelList]:
    """Return the question for the catalogue, which is answered shortly if what is kept is true."""
    return Question(
        "/v1/models",
        records.ModelList,
        [("include", "pricing,modalities,capabilities")],
        needs_key=False,
        etag=kept.etag if kept else "",
    )


def metrics(aliases: Sequence[str]) -> Question[records.MetricsAnswer]:
    """Return the question for latencies."""
    named = [("aliases", alias) for alias in aliases]
    return Question("/models/metrics", records.MetricsAnswer, named, needs_key=False)


def choose(body: bytes, name: str | None) -> tuple[records.Model, ...]:
    """Return the models of a catalogue, or those of one id or alias."""
    served = read(body, records.ModelList).data
    return tuple(model for model in served if name is None or model.has_name(name))
