"""What is wrong with cassettes, found without running a test."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from langchain_aimlapi._json import JsonObject
from langchain_aimlapi.testing._body_format import read_yaml
from langchain_aimlapi.testing._cli.chat_schema import answer_faults, request_faults
from langchain_aimlapi.testing._cli.recorded_answer import readable_interactions, recorded_answer
from langchain_aimlapi.testing._content_encoding import plain_body
from langchain_aimlapi.testing._stage import is_documented
from langchain_aimlapi.testing.scrub import (
    clean_data,
    clean_uri,
    header_lists,
    is_model_endpoint,
    secret_headers,
    secrets_of,
)
from langchain_aimlapi.testing.serializer import KINDS, age_in_days, deserialize, recorded_kind

_FIRST_ERROR = 400


class Finding(NamedTuple):
    """Something to mend: where, of which sort, and what."""

    path: Path
    sort: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.sort}: {self.text}"


def cassette_paths(paths: Iterable[Path]) -> list[Path]:
    """Return the cassette files among `paths`, those in folders included, in order.

    YAML files of another kind that lie in a folder are somebody else's, and left out.

    Raises:
        FileNotFoundError: a path does not exist.
    """
    found: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"no such file or folder: {path}")
        inside = filter(_may_be_cassette, path.rglob("*.yaml")) if path.is_dir() else [path]
        found.update(inside)
    return sorted(found)


def _may_be_cassette(path: Path) -> bool:
    """Return False for a mapping without interactions, such as `settings.yaml`."""
    try:
        text = path.read_text("utf-8")
        return "interactions" in text or not isinstance(read_yaml(text), dict)
    except (OSError, ValueError):
        return True  # to be told as what cannot be read


def cassette_findings(
    path: Path, *, now: datetime, require_live: bool = False, max_age: int | None = None
) -> list[Finding]:
    """Return what is wrong with one cassette.

    Sorts of findings: `unreadable`, `empty`, `secret`, `schema`, `status`, `provenance`,
    `stale`, `not live`.

    Args:
        path: The file.
        now: For the age.
        require_live: Whether an answer that is not from the live API is a finding
            (documented cassettes are exempt).
        max_age: Age in days from which a live recording is stale; None for never.
    """
    try:
        interactions = deserialize(path.read_text("utf-8"))["interactions"]
    except (OSError, ValueError) as error:
        return [Finding(path, "unreadable", str(error))]
    if not interactions:
        return [Finding(path, "empty", "it has no interaction")]
    found: list[tuple[str, str]] = []
    for number, interaction in enumerate(interactions, start=1):
        provenance = interaction["response"].get("provenance") or {}
        faults = [
            *_secret_faults(interaction),
            *_schema_faults(interaction),
            *_status_faults(interaction, provenance),
            *_provenance_faults(interaction, provenance),
            *_stale_faults(provenance, now, max_age),
        ]
        if require_live and not is_documented(path) and provenance.get("kind") != "live":
            faults.append(("not live", f"its kind is {provenance.get('kind')}"))
        found += [(sort, f"interaction {number}: {text}") for sort, text in faults]
    return [Finding(path, sort, text) for sort, text in found]


def summary(paths: Iterable[Path], *, now: datetime) -> str:
    """Return how many answers of each kind there are and how old, such as `3 live (0-12 days)`.

    Args:
        paths: Cassette files; those that cannot be read are left out.
        now: For the ages.
    """
    ages: defaultdict[str, list[int | None]] = defaultdict(list)
    for interaction in readable_interactions(paths):
        provenance = interaction["response"].get("provenance") or {}
        ages[str(provenance.get("kind"))].append(age_in_days(provenance, now=now))
    parts = []
    for kind, all_days in sorted(ages.items()):
        days = [age for age in all_days if age is not None]
        parts.append(
            f"{len(all_days)} {kind}" + (f" ({min(days)}-{max(days)} days)" if days else "")
        )
    return "answers: " + (", ".join(parts) or "none")


_Faults = Iterator[tuple[str, str]]


def _secret_faults(interaction: JsonObject) -> _Faults:
    secrets = secrets_of([interaction])
    request, response = interaction["request"], interaction["response"]
    is_model = is_model_endpoint(request["uri"])
    if clean_uri(request["uri"], secrets=secrets) != request["uri"]:
        yield "secret", "the address holds what a scrubbed one does not"
    bodies = {"request": request["body"], "response": response["body"]["string"]}
    for side, given in (("request", request), ("response", response)):
        headers = header_lists(given["headers"])
        found = secret_headers(headers, secrets=secrets, is_model=is_model)
        if found:
            yield "secret", f"the {side} has secrets in headers: {', '.join(found)}"
        try:
            plain = plain_body(bodies[side], headers)
        except ValueError as error:
            yield "unreadable", str(error)
            continue
        data = plain.encode() if isinstance(plain, str) else plain or b""
        if clean_data(data, secrets=secrets, accounts=is_model) != data:
            yield "secret", f"the {side}'s body holds a secret or a private member"


def _schema_faults(interaction: JsonObject) -> _Faults:
    request, response = interaction["request"], interaction["response"]
    if not urlsplit(request["uri"]).path.endswith("/chat/completions"):
        return
    for text in request_faults(request["body"]):
        yield "schema", f"request: {text}"
    is_error = response["status"]["code"] >= _FIRST_ERROR
    for text in answer_faults(response["body"]["string"], is_error=is_error):
        yield "schema", f"response: {text}"


def _status_faults(interaction: JsonObject, provenance: JsonObject) -> _Faults:
    status = interaction["response"]["status"]["code"]
    # An error that slipped into a recording makes the test green for the wrong reason for ever.
    if status >= _FIRST_ERROR and provenance.get("expected_status") != status:
        yield "status", f"{status} was not asked for (error_statuses=[{status}])"


def _provenance_faults(interaction: JsonObject, provenance: JsonObject) -> _Faults:
    kind = provenance.get("kind")
    if kind not in KINDS:
        yield "provenance", f"kind {kind!r} is none of {', '.join(KINDS)}"
    elif kind == "documented":
        missing = [
            name for name in ("source", "sha256", "repairs", "assumed") if name not in provenance
        ]
        if missing:
            yield "provenance", f"a documented answer lacks {', '.join(missing)}"
        # What a page printed is evidence: nobody may tidy it up.
        digest = hashlib.sha256(interaction["response"]["body"]["string"]).hexdigest()
        if provenance.get("sha256") != digest:
            yield "provenance", "the body is not the documented one: its sha256 differs"
    else:
        yield from _recorded_faults(interaction, str(kind))


def _recorded_faults(interaction: JsonObject, kind: str) -> _Faults:
    response = interaction["response"]
    is_standin = "x-standin" in {name.lower() for name in response["headers"]}
    actual = recorded_kind(interaction["request"]["uri"], is_standin=is_standin)
    if kind != actual:
        yield "provenance", f"its kind is {kind}, but its address and headers say {actual}"
    answer_id = recorded_answer(response["body"]["string"]).get("id")
    # The kind decides what a recording proves, so it rests on more than its own word.
    if actual == "stand-in" and answer_id and not str(answer_id).startswith("standin-"):
        yield "provenance", f"a stand-in's answer has the id {answer_id}"


def _stale_faults(provenance: JsonObject, now: datetime, max_age: int | None) -> _Faults:
    age = age_in_days(provenance, now=now)
    if provenance.get("kind") == "live" and max_age is not None and (age is None or age > max_age):
        yield "stale", f"recorded {'at an unknown time' if age is None else f'{age} days ago'}"
