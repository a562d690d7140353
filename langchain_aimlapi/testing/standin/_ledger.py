"""The account's endpoints, served from what the stand-in really answered.

Every chat request leaves a row; a failed one costs nothing, an answered one what its `meta` said,
also when its reader went away. Nothing is added by hand, so that a bill can be held against it.

Source: aimlapi/api-docs of 2026-08-21, service endpoints, read 2026-11-26. How the units of a price
are named is not documented: assumed.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import statistics
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from langchain_aimlapi.data import CREDITS_PER_USD
from langchain_aimlapi.data._profiles import profile_of
from langchain_aimlapi.testing.standin._response import json_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from langchain_aimlapi._json import JsonObject
    from langchain_aimlapi.data._profiles import ModelFacts
    from langchain_aimlapi.testing.standin._answer import Counts
    from langchain_aimlapi.testing.standin._exchange import Exchange

    Parameters = list[tuple[str, str]]
    Answer = tuple[int, bytes, dict[str, str]]

ACCOUNT_PATHS = (
    "/v1/models",
    "/model/{name:path}",
    "/models/metrics",
    "/v1/key",
    "/v2/billing",
    "/v2/billing/transactions",
    "/v2/usage",
    "/v2/usage/detail",
    "/v2/logs",
)
_PERIOD = re.compile(r"([1-9]\d*)([hd])")
_LONGEST = timedelta(days=92)
_MOST_HOURS = 100_000  # over the longest window, under what a date can hold
_KINDS = {
    "text": "text",
    "image_url": "image",
    "video_url": "video",
    "file": "file",
    "input_audio": "audio",
}


@dataclass(slots=True)
class Row:
    """One chat request; `seconds` is how long its answer took to decide."""

    owner: str
    created: datetime
    model: str
    request_id: str
    inference_id: str
    client_request_id: str | None
    begun: float
    status: str = "failed"
    credits: int = 0
    input: int = 0
    output: int = 0
    seconds: float = 0.0

    def shown(self) -> JsonObject:
        """Return the row as the log shows it."""
        return {
            "created": _moment(self.created),
            "status": self.status,
            "origin": "api",
            "model": self.model,
            "cost": {"usd": self.credits / CREDITS_PER_USD, "credits": self.credits},
            "tokens": {
                "input": self.input,
                "output": self.output,
                "total": self.input + self.output,
            },
            "request_id": self.request_id,
            "inference_id": self.inference_id,
            "client_request_id": self.client_request_id,
        }


class Ledger:
    """What was asked and charged.

    Attributes:
        topped_up: What was on the account to begin with, in USD.
    """

    topped_up = 100.0

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def open(self, exchange: Exchange) -> None:
        """Begin the row of a request: failed, until it is charged."""
        headers = exchange.answer_headers
        body = exchange.body if isinstance(exchange.body, dict) else {}
        row = Row(
            owner=owner_of(exchange.headers),
            created=datetime.now(UTC),
            model=str(body.get("model")),
            request_id=f"standin-request-{next(self._numbers)}",
            inference_id=headers["x-inference-id"],
            client_request_id=headers.get("x-client-request-id"),
            begun=time.perf_counter(),
        )
        with self._lock:
            self._rows.append(row)

    def charge(self, exchange: Exchange, counts: Counts) -> None:
        """Charge a request that was answered."""
        inference_id = exchange.answer_headers["x-inference-id"]
        with self._lock:
            # From the end: the row is among the last, however long the log is.
            row = next(row for row in reversed(self._rows) if row.inference_id == inference_id)
            row.status = "succeeded"
            row.credits = counts.credits
            row.input = counts.prompt
            row.output = counts.visible + counts.reasoning
            row.seconds = time.perf_counter() - row.begun

    def rows(self, owner: str | None = None) -> list[Row]:
        """Return the rows of one key, or of all, newest first."""
        with self._lock:
            return [row for row in reversed(self._rows) if owner in (None, row.owner)]


class AccountEndpoints:
    """Answers the account's requests; every method takes headers, a path's rest and parameters."""

    def __init__(self, ledger: Ledger, facts: Mapping[str, ModelFacts]) -> None:
        self._ledger = ledger
        self._facts = facts

    def answer(
        self, path: str, query: str, headers: Mapping[str, str], *, is_known: bool
    ) -> Answer | str:
        """Return status, body and headers of an answer, or what is wrong with the parameters.

        Args:
            path: The path.
            query: What stands behind its question mark.
            headers: The request's headers.
            is_known: Whether the key is accepted.
        """
        parameters = parse_qsl(query, keep_blank_values=True)
        if "/model" in path:
            return self._catalogue(path, parameters, headers)
        if not is_known:
            return 401, b"", {}
        shown: dict[str, Callable[[list[Row], Parameters], JsonObject]] = {
            "/v2/billing": self._billing,
            "/v2/usage": _usage,
            "/v2/usage/detail": _usage_detail,
            "/v2/logs": _logs,
            "/v2/billing/transactions": _transactions,
        }
        if path == "/v1/key":
            return _answer(self._key(headers))
        try:
            return _answer(shown[path](self._ledger.rows(owner_of(headers)), parameters))
        except ValueError as problem:
            return str(problem)

    # --- catalogue

    def _catalogue(self, path: str, parameters: Parameters, headers: Mapping[str, str]) -> Answer:
        if path == "/v1/models":
            return self._models(parameters, headers)
        if path == "/models/metrics":
            return _answer(self._metrics(parameters))
        return self._model(path.removeprefix("/model/"))

    def _models(self, parameters: Parameters, headers: Mapping[str, str]) -> Answer:
        wanted = {name: _split(parameters, name) for name, _ in parameters}
        sections = wanted.get("include", set())
        if "all" in sections or wanted.get("details", set()) & {"true", "1"}:
            sections = {"pricing", "modalities", "capabilities"}
        listed = [self._shown_model(model, sections) for model in self._facts]
        if wanted.get("id"):
            listed = [model for model in listed if {model["id"], *model["aliases"]} & wanted["id"]]
        body = json_bytes({"object": "list", "data": listed})
        # Weak: what stands before a server may compress the body on its way.
        etag = f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'
        if headers.get("if-none-match") == etag:
            return 304, b"", {"etag": etag}
        return 200, body, {"etag": etag}

    def _model(self, name: str) -> Answer:
        if name not in self._facts:
            return 404, b"", {}
        every = {"pricing", "modalities", "capabilities"}
        return _answer({"object": "model", "data": self._shown_model(name, every)})

    def _shown_model(self, name: str, sections: set[str]) -> JsonObject:
        profile = profile_of(name) or {}
        info = {
            "name": name.removeprefix("google/"),
            "developer": "Google",
            "contextLength": profile.get("max_input_tokens", 1_048_576),
            "outputMax": profile.get("max_output_tokens", 65_536),
        }
        model: JsonObject = {
            "id": name,
            "aliases": [name.removeprefix("google/")],
            "type": "openai/chat-completions",
            "info": info,
            "tags": ["playground:chat"],
        }
        parts = self._facts[name].parts
        kinds = sorted(_KINDS[part] for part in parts if part in _KINDS)
        extra = {
            "modalities": {"input": kinds, "output": ["text"]},
            "capabilities": ["streaming", "structured_output", "tools", "vision"],
            "pricing": {
                "kind": "fixed",
                "currency": "USD",
                "units": [
                    {"unit": "input_token", "price": 0.5, "per": 1_000_000},
                    {"unit": "output_token", "price": 3.0, "per": 1_000_000},
                ],
            },
        }
        return model | {section: extra[section] for section in extra if section in sections}

    def _metrics(self, parameters: Parameters) -> JsonObject:
        wanted = [value for name, value in parameters if name == "aliases"]
        since = datetime.now(UTC) - timedelta(seconds=300)
        fresh = [
            row for row in self._ledger.rows() if row.created >= since and row.status != "failed"
        ]
        return {
            "window_seconds": 300,
            "generated_at": _moment(datetime.now(UTC)),
            "models": [
                {
                    "alias": model,
                    "endpoint": "/v1/chat/completions",
                    "metrics": _latencies([row for row in fresh if row.model == model]),
                }
                for model in dict.fromkeys(row.model for row in fresh)
                if not wanted or model in wanted
            ],
        }

    # --- the account

    def _billing(self, rows: list[Row], _: Parameters) -> JsonObject:
        return {"current_balance": self._ledger.topped_up - _usd(rows), "currency": "USD"}

    def _key(self, headers: Mapping[str, str]) -> JsonObject:
        rows = self._ledger.rows(owner_of(headers))
        return {
            "data": {
                "name": "stand-in",
                "disabled": False,
                "prefix": _key_of(headers)[:8],
                "scopes": ["model:chat"],
                "limit": None,
                "created_at": "2026-01-01T00:00:00.000Z",
                "updated_at": "2026-01-01T00:00:00.000Z",
                "monthly_usage": _usd(rows),
            }
        }


def owner_of(headers: Mapping[str, str]) -> str:
    """Return what tells one key from another, without the key."""
    return hashlib.sha256(_key_of(headers).encode(errors="replace")).hexdigest()


def _key_of(headers: Mapping[str, str]) -> str:
    return headers.get("authorization", "").partition(" ")[2].strip()


def _answer(body: JsonObject) -> Answer:
    return 200, json_bytes(body), {}


def _split(parameters: Parameters, name: str) -> set[str]:
    values = [value for key, value in parameters if key == name]
    return {part.strip() for value in values for part in value.split(",")}


def _latencies(rows: Sequence[Row]) -> JsonObject:
    # A clock of little resolution may say that no time went by.
    durations = [max(row.seconds, 1e-6) for row in rows]
    speeds = [row.output / seconds for row, seconds in zip(rows, durations, strict=True)]
    milliseconds = [seconds * 1000 for seconds in durations]
    return {
        "ttft_ms": _percentiles(milliseconds),
        "tps": _percentiles(speeds),
        "duration_ms": _percentiles(milliseconds),
    }


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    # One value alone has no quantiles, two equal ones have.
    cuts = statistics.quantiles([*values, values[-1]], n=100, method="inclusive")
    return {f"p{percent}": cuts[percent - 1] for percent in (50, 75, 90, 99)}


def _usd(rows: Iterable[Row]) -> float:
    return sum(row.credits for row in rows) / CREDITS_PER_USD


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _window(parameters: Parameters) -> tuple[datetime, datetime]:
    """Return the window that is asked for.

    Raises:
        ValueError: None is, or two are, or it cannot be read.
    """
    given = dict(parameters)
    now = datetime.now(UTC)
    if ("period" in given) == ("start" in given or "end" in given):
        raise ValueError("Provide either period or both start and end")
    if "period" in given:
        match = _PERIOD.fullmatch(given["period"])
        if match is None:
            raise ValueError(f"period: {given['period']!r} is not hours or days, such as 24h")
        hours = int(match[1]) * (24 if match[2] == "d" else 1)
        start, end = now - timedelta(hours=min(hours, _MOST_HOURS)), now
    else:
        start, end = (_read_moment(given.get(name, "")) for name in ("start", "end"))
    if not timedelta(0) <= end - start <= _LONGEST:
        raise ValueError("end must not be earlier than start, and the window not over 92 days")
    return start, end


def _read_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _within(rows: list[Row], parameters: Parameters) -> tuple[list[Row], datetime, datetime]:
    start, end = _window(parameters)
    # To the millisecond, as the rows are shown.
    return [row for row in rows if start <= row.created <= end], start, end


def _usage(rows: list[Row], parameters: Parameters) -> JsonObject:
    if any(name == "group_by" for name, _ in parameters):
        raise ValueError("group_by: only with /v2/usage/detail")
    kept, start, end = _within(rows, parameters)
    # Failed requests are billed nothing, and are absent, as documented.
    charged = [row for row in kept if row.credits]
    return {
        "api_key_prefix": None,
        "start": _moment(start),
        "end": _moment(end),
        "spend": _usd(charged),
        "currency": "USD",
        "requests": len(charged),
    }


def _usage_detail(rows: list[Row], parameters: Parameters) -> JsonObject:
    given = dict(parameters)
    by = given.pop("group_by", "")
    body = _usage(rows, [*given.items()])
    kept, _, _ = _within(rows, parameters)
    body["models"] = [
        {"model": model, "spend": group["spend"], "requests": group["requests"]["charged"]}
        for (model,), group in _groups(kept, ["model"]).items()
        if group["requests"]["charged"]
    ]
    names = by.split(",") if by else []
    if {*names} - {"day", "model"}:
        raise ValueError(f"group_by: {by!r} is neither day nor model nor both")
    if names:
        grouped = _groups(kept, names)
        body["groups"] = [
            dict(zip(names, key, strict=True)) | group for key, group in grouped.items()
        ]
    return body


def _groups(rows: list[Row], names: Sequence[str]) -> dict[tuple[str, ...], JsonObject]:
    members: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        facts = {"day": row.created.date().isoformat(), "model": row.model}
        members.setdefault(tuple(facts[name] for name in names), []).append(row)
    return {key: _group(kept) for key, kept in members.items()}


def _group(rows: list[Row]) -> JsonObject:
    failed = sum(row.status == "failed" for row in rows)
    inputs, outputs = sum(row.input for row in rows), sum(row.output for row in rows)
    return {
        "spend": _usd(rows),
        "tokens": {"input": inputs, "output": outputs, "total": inputs + outputs},
        "requests": {
            "total": len(rows),
            "charged": sum(row.credits > 0 for row in rows),
            "succeeded": len(rows) - failed,
            "failed": failed,
        },
    }


def _logs(rows: list[Row], parameters: Parameters) -> JsonObject:
    kept, _, _ = _within(rows, parameters)
    models = {value for name, value in parameters if name == "model"}
    statuses = {value for name, value in parameters if name == "status"}
    if statuses - {"succeeded", "failed"}:
        raise ValueError(f"status: {', '.join(sorted(statuses))} is none")
    kept = [
        row
        for row in kept
        if (not models or {row.model, row.model.rpartition("/")[2]} & models)
        and (not statuses or row.status in statuses)
    ]
    limit, offset = _place(parameters)
    return {
        "data": [row.shown() for row in kept[offset : offset + limit]],
        "pagination": {
            "limit": limit,
            "offset": offset,
            "total": len(kept),
            "has_more": offset + limit < len(kept),
        },
    }


def _place(parameters: Parameters) -> tuple[int, int]:
    given = dict(parameters)
    limit, offset = int(given.get("limit", "50")), int(given.get("offset", "0"))
    if not 1 <= limit <= 100 or offset < 0:  # noqa: PLR2004  the documented limits
        raise ValueError(f"limit={limit}, offset={offset}: 1 to 100, and 0 or more")
    return limit, offset


def _transactions(rows: list[Row], parameters: Parameters) -> JsonObject:
    limit, _ = _place(parameters)
    skip = int(dict(parameters).get("cursor", "0"))
    charged = [row for row in rows if row.credits]
    has_more = skip + limit < len(charged)
    return {
        "data": [
            {
                "created_at": _moment(row.created),
                "direction": "CHARGE",
                "type": "MODEL_USAGE",
                "amount": row.shown()["cost"],
                "model": row.model,
                "reference_id": row.inference_id,
            }
            for row in charged[skip : skip + limit]
        ],
        "pagination": {
            "next_cursor": str(skip + limit) if has_more else None,
            "has_more": has_more,
        },
    }
