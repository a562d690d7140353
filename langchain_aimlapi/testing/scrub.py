"""Recorded interactions without what must not be in a file."""

import gzip
import zlib
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from langchain_aimlapi.testing._clean_body import clean_body
from langchain_aimlapi.testing._secrets import (
    Secrets,
    credentials,
    secrets_in_force,
    without_private_parameters,
)

REQUEST_HEADERS = frozenset({"accept", "content-type"})
"""Request headers that a cassette keeps; all others are dropped."""

RESPONSE_HEADERS = frozenset(
    {
        "content-type",
        "date",
        "retry-after",
        "server",
        "x-aimlapi-credits-used",
        "x-aimlapi-usd-spent",
        "x-client-request-id",
        "x-inference-id",
        "x-standin",
    }
)
"""Response headers that a cassette keeps: what a client reads, no cookies, no account."""

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def secrets_of(interactions: list[dict[str, Any]], *, known: Iterable[str] = ()) -> Secrets:
    """Return the secrets to keep out of a cassette: the keys in force and those it was sent.

    Args:
        interactions: As vcrpy gives them to a serializer.
        known: Further secrets, such as those of headers that a filter has taken out.
    """
    values = {*secrets_in_force(), *known}
    for interaction in interactions:
        values.update(credentials(interaction["request"]["headers"]))
        values.update(credentials(interaction["response"]["headers"]))
    return Secrets(values)


def clean_request(request: dict[str, Any], *, secrets: Secrets) -> dict[str, Any]:
    """Return a request as a cassette may hold it, its body in readable form.

    The port of a loopback address goes too: the system drew it, so it would differ in each
    recording.

    Args:
        request: `method`, `uri`, `headers` and `body`, as vcrpy has them.
        secrets: What to hide besides private members.

    Raises:
        ValueError: the body is compressed in a way that cannot be looked into.
    """
    headers = _lists(request["headers"])
    return {
        "method": request["method"],
        "uri": _clean_uri(request["uri"], secrets),
        "headers": _clean_headers(headers, REQUEST_HEADERS, secrets),
        "body": clean_body(_plain(request["body"], headers), secrets=secrets),
    }


def clean_response(response: dict[str, Any], *, secrets: Secrets) -> dict[str, Any]:
    """Return a response as a cassette may hold it, its body in readable form.

    Args:
        response: `status`, `headers` and `body` (`{"string": ...}`), as vcrpy has them.
        secrets: What to hide besides private members.

    Raises:
        ValueError: the body is compressed in a way that cannot be looked into.
    """
    status = response["status"]
    headers = _lists(response["headers"])
    body = _plain(response["body"]["string"], headers)
    return {
        "status": {"code": status["code"], "message": secrets.hidden(status["message"] or "")},
        "headers": _clean_headers(headers, RESPONSE_HEADERS, secrets),
        "body": clean_body(body, secrets=secrets),
    }


def _clean_uri(uri: str, secrets: Secrets) -> str:
    parts = urlsplit(secrets.hidden(without_private_parameters(uri)))
    if parts.hostname in _LOOPBACK and parts.port:
        parts = parts._replace(netloc=parts.netloc.rpartition(":")[0])
    return parts.geturl()


def _lists(headers: dict[str, Any]) -> dict[str, list[str]]:
    """Return headers with lower-cased names and lists of values, names in order."""
    lists: dict[str, list[str]] = {}
    for name, values in sorted(headers.items()):
        texts = [values] if isinstance(values, str) else values
        lists.setdefault(name.lower(), []).extend(texts)
    return lists


def _clean_headers(
    headers: dict[str, list[str]], allowed: frozenset[str], secrets: Secrets
) -> dict[str, list[str]]:
    return {
        name: [secrets.hidden(value) for value in values]
        for name, values in headers.items()
        if name in allowed
    }


def _plain(body: str | bytes | None, headers: dict[str, list[str]]) -> str | bytes | None:
    encodings = ",".join(headers.get("content-encoding", [])).lower().split(",")
    for encoding in reversed([encoding.strip() for encoding in encodings]):
        if isinstance(body, bytes) and encoding not in ("", "identity"):
            body = _decompressed(body, encoding)
    return body


def _decompressed(body: bytes, encoding: str) -> bytes:
    try:
        if encoding in ("gzip", "x-gzip"):
            return gzip.decompress(body)
        if encoding == "deflate":
            return zlib.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"a body said to be {encoding!r} is not: {error}") from error
    raise ValueError(
        f"a body with content-encoding {encoding!r} cannot be searched for secrets, so it is "
        f"not written; send 'Accept-Encoding: gzip' while recording"
    )
