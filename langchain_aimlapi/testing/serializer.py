"""The cassette file: what vcrpy hands over, as YAML that people can read, can diff.

vcrpy asks two functions of a serializer, `serialize` and `deserialize`. Both work on the same
dict, `{"version": 1, "interactions": [{"request": ..., "response": ...}, ...]}`:

    request     method, uri, headers {name: [value]}, body
    response    status {code, message}, headers {name: [value]}, body {"string": bytes},
                provenance {kind, origin, ...}

In the file a JSON body is a YAML tree, a stream is a list of events; either gives the recorded
bytes back to the last one. Long data stands once, under `files`. Secrets and the account of the
model's endpoint never get into the text: options of vcrpy that would hide them are ignored
silently when one of them is misspelled, a serializer is not. Needs PyYAML only.
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from langchain_aimlapi._json import JsonObject
from langchain_aimlapi.data.version import __version__
from langchain_aimlapi.testing._body_format import decode_body, read_yaml, write_yaml
from langchain_aimlapi.testing._long_texts import LongTexts
from langchain_aimlapi.testing._secrets import Secrets
from langchain_aimlapi.testing.matchers import canonical_request
from langchain_aimlapi.testing.scrub import clean_request, clean_response, clean_uri, secrets_of


def serialize(
    cassette_dict: JsonObject,
    *,
    known: Iterable[str] = (),
    named: Iterable[str] = (),
    before: str = "",
) -> str:
    """Return a cassette as text, scrubbed, each answer with its provenance.

    Args:
        cassette_dict: `version` and `interactions`, as vcrpy or `deserialize` gives them.
            An answer without `provenance` gets that of a new recording.
        known: Secrets besides those in the headers and in the environment.
        named: Those that the user named.
        before: The cassette that this one is to replace. Where nothing but dates differ, its
            interactions stay, but those with the live endpoint, whose age is to be known.

    Raises:
        ValueError: a body is compressed so that it cannot be searched for secrets, or a
            secret would reach the file all the same. Nothing is to be written then.
    """
    interactions = cassette_dict["interactions"]
    secrets = secrets_of(interactions, known=known, named=named)
    long_texts = LongTexts(secrets.hidden)
    clean = [_clean(interaction, secrets, long_texts) for interaction in interactions]
    # Some conversation spoke of a reference: nothing is taken out then, so that none is read as
    # one.
    if long_texts.is_ambiguous:
        long_texts = LongTexts(secrets.hidden)
        clean = [_clean(interaction, secrets, None) for interaction in interactions]
    if any(secrets.known_in(text) for interaction in clean for text in _foreign_texts(interaction)):
        raise ValueError("a key in force would reach the cassette; look into its provenance")
    if before:
        clean = _keep_unchanged(clean, before, long_texts.texts)
    return write_yaml({"version": 1, "interactions": clean}) + _write_long_texts(long_texts.texts)


def deserialize(cassette_string: str) -> JsonObject:
    """Return the cassette that a text holds: the inverse of `serialize`.

    Also reads what vcrpy's own YAML serializer writes, and a file's old provenance stays.

    Args:
        cassette_string: The content of a cassette file.

    Returns:
        The dict described at the top of this module; bodies are bytes or None.

    Raises:
        ValueError: the text is no YAML, or no cassette.
    """
    return {"version": 1, "interactions": _interactions(read_yaml(cassette_string))}


def cleaned_text(cassette_string: str) -> str:
    """Return a cassette scrubbed and readable, in the form in which it came.

    What this kit wrote stays in its form. Cassettes of others come out in vcrpy's own, so that
    vcrpy replays them without this kit.

    Args:
        cassette_string: The content of a cassette file, of this kit, of vcrpy or of pydantic-ai.

    Raises:
        ValueError: it is no cassette, or holds what cannot be searched for secrets.
    """
    tree = read_yaml(cassette_string)
    interactions = _interactions(tree)
    for interaction in interactions:
        response = interaction["response"]
        response["provenance"] = response.get("provenance") or new_provenance(
            interaction["request"]["uri"],
            headers=response["headers"],
            now=None,
            by="another recorder; cleaned by langchain-aimlapi",
        )
    text = serialize({"version": 1, "interactions": interactions})
    if not any(_is_foreign(interaction["response"]) for interaction in tree["interactions"]):
        return text
    addresses = [interaction["request"]["uri"] for interaction in interactions]
    secrets = secrets_of(interactions)
    plain = [
        _plain(one, clean_uri(address, secrets=secrets))
        for one, address in zip(deserialize(text)["interactions"], addresses, strict=True)
    ]
    return write_yaml({"interactions": plain, "version": 1})


def _is_foreign(response: JsonObject) -> bool:
    return "parsed_body" in response or (
        isinstance(response.get("body"), dict) and "string" in response["body"]
    )


def _plain(interaction: JsonObject, uri: str) -> JsonObject:
    """Return an interaction as vcrpy's own serializer reads it, the address with its port."""
    request, response = interaction["request"], interaction["response"]
    return {
        "request": {**request, "uri": uri, "body": _text_or_bytes(request["body"])},
        "response": {**response, "body": {"string": _text_or_bytes(response["body"]["string"])}},
    }


def _text_or_bytes(body: bytes | None) -> str | bytes | None:
    try:
        return body.decode() if body is not None else None
    except UnicodeDecodeError:
        return body


def _clean(interaction: JsonObject, secrets: Secrets, long_texts: LongTexts | None) -> JsonObject:
    request, response = interaction["request"], interaction["response"]
    return {
        "request": clean_request(request, secrets=secrets, long_texts=long_texts),
        "response": {
            "provenance": _provenance(interaction, secrets),
            **clean_response(response, uri=request["uri"], secrets=secrets, long_texts=long_texts),
        },
    }


def _write_long_texts(texts: dict[str, str]) -> str:
    """Return the part of the file that holds long data; PyYAML takes seconds for a megabyte."""
    lines = [f'  {name}: "{text}"\n' for name, text in texts.items()]
    return "".join(["files:\n", *lines]) if lines else ""


def _keep_unchanged(
    interactions: list[JsonObject], before: str, texts: dict[str, str]
) -> list[JsonObject]:
    """Return interactions, those of the cassette before in the place of their like."""
    try:
        tree = read_yaml(before)
        old = [dict(interaction) for interaction in tree["interactions"]]
        names = {
            _essence(interaction, tree.get("files") or {}): interaction
            for interaction in reversed(old)
        }
    except (KeyError, TypeError, AttributeError, ValueError):
        return interactions  # no cassette of ours: nothing of it can stay
    return [names.get(_essence(interaction, texts), interaction) for interaction in interactions]


def _essence(interaction: JsonObject, texts: dict[str, str]) -> str:
    """Return what of an interaction a person would miss: no dates, versions, drawn ports, ids."""
    request, response = interaction["request"], interaction["response"]
    kept = ("kind", "origin", "expected_status", "phase")
    provenance = {name: response["provenance"].get(name) for name in kept}
    if provenance["kind"] == "live":
        provenance["recorded_at"] = response["provenance"].get("recorded_at")
    headers = {
        name: response["headers"][name] for name in sorted(response["headers"].keys() - _DRAWN)
    }
    asked = canonical_request({**request, "body": decode_body(request["body"], texts)})
    essence = [asked, {**response, "provenance": provenance, "headers": headers}]
    text = json.dumps(essence, default=lambda value: value.decode("latin-1"))
    return _LOOPBACK_PORT.sub(r"\1", text)


def _foreign_texts(interaction: JsonObject) -> Iterator[str]:
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


def _provenance(interaction: JsonObject, secrets: Secrets) -> JsonObject:
    given: JsonObject = interaction["response"].get("provenance") or new_provenance(
        interaction["request"]["uri"],
        headers=interaction["response"]["headers"],
        now=datetime.now(UTC),
    )
    if secrets.known_in(str(given.get("origin", ""))):  # a host may have a key in its name
        return {**given, "origin": secrets.hidden(given["origin"])}
    return given


def _interactions(cassette: Any) -> list[JsonObject]:
    try:
        texts = cassette.get("files") or {}
        return [
            {
                "request": _read_request(interaction["request"], texts),
                "response": _read_response(interaction["response"], texts),
            }
            for interaction in cassette["interactions"]
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a cassette of this version: {error!r}") from error


def _read_request(request: JsonObject, texts: dict[str, str]) -> JsonObject:
    return {
        "method": request["method"],
        "uri": request["uri"],
        "headers": _read_headers(request),
        "body": _read_body(request, texts),
    }


def _read_response(response: JsonObject, texts: dict[str, str]) -> JsonObject:
    return {
        **({"provenance": response["provenance"]} if "provenance" in response else {}),
        "status": {
            "code": int(response["status"]["code"]),
            "message": response["status"]["message"],
        },
        "headers": _read_headers(response),
        "body": {"string": _read_body(response, texts) or b""},
    }


def _read_body(part: JsonObject, texts: dict[str, str]) -> bytes | None:
    if part.get("parsed_body") is not None:  # as pydantic-ai's serializer has it
        return json.dumps(part["parsed_body"], default=str).encode()
    body = part.get("body") if "parsed_body" in part else part["body"]
    if isinstance(body, dict) and "string" in body:  # as vcrpy's own serializer has it
        body = body["string"]
    return decode_body(body, texts)


def _read_headers(part: JsonObject) -> JsonObject:
    headers = dict(part["headers"])
    if part.get("parsed_body") is not None:  # the body is not written as it was on the wire
        return {name: headers[name] for name in headers if name.lower() != "content-length"}
    return headers


_DRAWN = frozenset({"date", "x-client-request-id", "x-request-id"})
"""Headers that are new each time and say nothing: the clock, and ids that somebody drew."""

_LOOPBACK_PORT = re.compile(r"(//(?:127\.0\.0\.1|localhost|\[::1\])):[0-9]{1,5}")

LIVE_HOST = "api.aimlapi.com"
"""The one host whose answers are called live."""

KINDS = ("documented", "live", "stand-in", "other")
"""Printed in the documentation; from AI/ML API; from the stand-in server; from elsewhere."""


def new_provenance(
    uri: str, *, headers: JsonObject, now: datetime | None, by: str = ""
) -> JsonObject:
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


def age_in_days(provenance: JsonObject, *, now: datetime) -> int | None:
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
