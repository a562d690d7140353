"""Where a recorded answer comes from, kept inside its `response` in the cassette."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from langchain_aimlapi._version import __version__

LIVE_HOST = "api.aimlapi.com"
"""The one host whose answers are called live."""

KINDS = ("documented", "live", "stand-in", "other")
"""Printed in the documentation; from AI/ML API; from the stand-in server; from elsewhere."""


def new_provenance(
    uri: str, *, headers: dict[str, Any], now: datetime | None, by: str = ""
) -> dict[str, Any]:
    """Return the provenance of an answer that was just recorded.

    Args:
        uri: The address that was asked.
        headers: The headers of the answer: name to value or values, names in any case.
        now: The time of recording, when the answer has no `Date` of its own.
        by: Who recorded it, when that was not this package.

    Returns:
        `kind`, `origin` (scheme and host), `recorded_at` (UTC, ISO 8601; missing when nobody
        knows) and `by`.
    """
    answer = {name.lower(): values for name, values in headers.items()}
    recorded_at = _instant(answer.get("date") or "") or now
    return {
        "kind": recorded_kind(uri, is_standin="x-standin" in answer),
        "origin": f"{urlsplit(uri).scheme}://{urlsplit(uri).hostname}",
        **({"recorded_at": recorded_at.isoformat(timespec="seconds")} if recorded_at else {}),
        "by": by or f"langchain-aimlapi {__version__}",
    }


def recorded_kind(uri: str, *, is_standin: bool) -> str:
    """Return the kind of an answer from `uri`: `stand-in` by its header, else by the host."""
    if is_standin:
        return "stand-in"
    return "live" if urlsplit(uri).hostname == LIVE_HOST else "other"


def age_in_days(provenance: dict[str, Any], *, now: datetime) -> int | None:
    """Return how old a recording is in whole days, or None where it does not say."""
    try:
        recorded_at = datetime.fromisoformat(str(provenance.get("recorded_at")))
    except ValueError:
        return None
    if recorded_at.tzinfo is None:
        recorded_at = recorded_at.replace(tzinfo=UTC)
    return (now - recorded_at).days


def _instant(date: str | list[str]) -> datetime | None:
    try:
        return parsedate_to_datetime(date if isinstance(date, str) else date[0])
    except ValueError:
        return None
