"""The cassette file: what vcrpy hands over, as YAML that people can read, can diff.

vcrpy asks two functions of a serializer, `serialize` and `deserialize`. Both work on the same
dict, `{"version": 1, "interactions": [{"request": ..., "response": ...}, ...]}`:

    request     method, uri, headers {name: [value]}, body
    response    status {code, message}, headers {name: [value]}, body {"string": bytes},
                provenance {kind, origin, ...}

In the file a JSON body is a YAML tree, a stream is a list of events; either gives the recorded
bytes back to the last one. Secrets, account ids and unlisted headers never get into the text:
options of vcrpy that would hide them are ignored silently when one of them is misspelled, a
serializer is not. Needs PyYAML only.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from langchain_aimlapi._version import __version__
from langchain_aimlapi.testing._body_format import decode_body, read_yaml, write_yaml
from langchain_aimlapi.testing.scrub import clean_request, clean_response, secrets_of


def serialize(cassette_dict: dict[str, Any], *, known: Iterable[str] = ()) -> str:
    """Return a cassette as text, scrubbed, each answer with its provenance.

    Args:
        cassette_dict: `version` and `interactions`, as vcrpy or `deserialize` gives them.
            An answer without `provenance` gets that of a new recording.
        known: Secrets besides those in the headers and in the environment.

    Raises:
        ValueError: a body is compressed so that it cannot be searched for secrets, or a
            secret would reach the file all the same. Nothing is to be written then.
    """
    interactions = cassette_dict["interactions"]
    secrets = secrets_of(interactions, known=known)
    clean = [
        {
            "request": clean_request(interaction["request"], secrets=secrets),
            "response": {
                "provenance": _provenance(interaction),
                **clean_response(
                    interaction["response"], uri=interaction["request"]["uri"], secrets=secrets
                ),
            },
        }
        for interaction in interactions
    ]
    if any(secrets.known_in(text) for one in clean for text in _foreign_texts(one)):
        raise ValueError("a key in force would reach the cassette; look into its provenance")
    return write_yaml({"version": 1, "interactions": clean})


def deserialize(cassette_string: str) -> dict[str, Any]:
    """Return the cassette that a text holds: the inverse of `serialize`.

    Also reads what vcrpy's own YAML serializer writes, and a file's old provenance stays.

    Args:
        cassette_string: The content of a cassette file.

    Returns:
        The dict described at the top of this module; bodies are bytes or None.

    Raises:
        ValueError: the text is no YAML, or no cassette.
    """
    cassette = read_yaml(cassette_string)
    try:
        interactions = [
            {
                "request": _read_request(interaction["request"]),
                "response": _read_response(interaction["response"]),
            }
            for interaction in cassette["interactions"]
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a cassette of this version: {error!r}") from error
    return {"version": 1, "interactions": interactions}


def cleaned_text(cassette_string: str) -> str:
    """Return somebody else's cassette as this kit would have written it: scrubbed, readable.

    Args:
        cassette_string: The content of a cassette file, of this kit or of vcrpy.

    Raises:
        ValueError: it is no cassette, or holds what cannot be searched for secrets.
    """
    cassette = deserialize(cassette_string)
    for interaction in cassette["interactions"]:
        response = interaction["response"]
        response["provenance"] = response.get("provenance") or new_provenance(
            interaction["request"]["uri"],
            headers=response["headers"],
            now=None,
            by="another recorder; cleaned by langchain-aimlapi",
        )
    return serialize(cassette)


def _foreign_texts(interaction: dict[str, Any]) -> Iterator[str]:
    """Yield what others said: a key may well be a word of this kit's own, such as `stand-in`."""
    request, response = interaction["request"], interaction["response"]
    own = ("kind", "by")
    provenance = [value for name, value in response["provenance"].items() if name not in own]
    yield from (request["method"], request["uri"], response["status"]["message"])
    for part in (request["headers"], response["headers"]):
        yield from (value for values in part.values() for value in values)
    bodies = [
        [body.get("json"), body.get("events"), body.get("tail")] if isinstance(body, dict) else body
        for body in (request["body"], response["body"])
    ]
    yield json.dumps(
        [provenance, bodies],
        ensure_ascii=False,
        default=lambda value: value.decode("latin-1") if isinstance(value, bytes) else str(value),
    )


def _provenance(interaction: dict[str, Any]) -> dict[str, Any]:
    response = interaction["response"]
    given: dict[str, Any] | None = response.get("provenance")
    return given or new_provenance(
        interaction["request"]["uri"], headers=response["headers"], now=datetime.now(UTC)
    )


def _read_request(request: dict[str, Any]) -> dict[str, Any]:
    return {
        "method": request["method"],
        "uri": request["uri"],
        "headers": dict(request["headers"]),
        "body": decode_body(request["body"]),
    }


def _read_response(response: dict[str, Any]) -> dict[str, Any]:
    body = response["body"]
    if isinstance(body, dict) and "string" in body:  # as vcrpy's own serializer has it
        body = body["string"]
    return {
        **({"provenance": response["provenance"]} if "provenance" in response else {}),
        "status": {
            "code": int(response["status"]["code"]),
            "message": response["status"]["message"],
        },
        "headers": dict(response["headers"]),
        "body": {"string": decode_body(body) or b""},
    }


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
