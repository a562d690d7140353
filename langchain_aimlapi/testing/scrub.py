"""Recorded interactions without what must not be in a file."""

import gzip
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from langchain_aimlapi.testing._body_format import Body, encode_text, event_tree, json_text
from langchain_aimlapi.testing._secrets import (
    REDACTED,
    Secrets,
    credentials,
    is_private_name,
    secrets_in_force,
    without_private_members,
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


_CONVERSATION = frozenset(
    {"arguments", "content", "data", "reasoning", "reasoning_content", "signature", "text"}
)
"""Members whose text is the conversation: an argument `user_id` in it is the app's own."""


class _Leaf(NamedTuple):
    """A string within a tree, by its place, so that it can be replaced there."""

    path: tuple[str | int, ...]
    holder: Any
    key: str | int


def clean_body(body: str | bytes | None, *, secrets: Secrets) -> Body:
    """Return a body in readable form, with nothing in it that must not be in a file.

    Private members (`user_id`, `api_key`, ...) lose their value, secrets are hidden wherever
    they stand, in any escaping, and also where a stream cut them into several events.

    Args:
        body: The bytes on the wire, not compressed, or their text.
        secrets: What to hide besides private members.

    Returns:
        What `encode_body` returns; a body without anything private keeps its exact bytes.
    """
    if body is None:
        return None
    data = body.encode() if isinstance(body, str) else body
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return secrets.hidden(data.decode("latin-1")).encode("latin-1")
    readable = encode_text(secrets.hidden(text))
    if isinstance(readable, str):
        return without_private_members(readable)
    if "events" in readable:
        return {**readable, "events": _clean_events(readable["events"], secrets)}
    return {**readable, "json": _cleaned(readable["json"], "")}


def _clean_events(events: list[Any], secrets: Secrets) -> list[Any]:
    trees = [event_tree(event) for event in events]
    cleaned = [_cleaned(tree, "") for tree in trees]
    running: defaultdict[tuple[str | int, ...], list[_Leaf]] = defaultdict(list)
    for tree in cleaned:
        for leaf in _leaves(tree, ()):
            running[leaf.path].append(leaf)
    for leaves in running.values():
        _hide_across(leaves, secrets)
    return [
        _clean_event(event, was=was, now=now)
        for event, was, now in zip(events, trees, cleaned, strict=True)
    ]


def _clean_event(event: dict[str, Any] | str, *, was: object, now: object) -> object:
    if isinstance(event, dict):
        return {"data": now}
    if was is None:
        return without_private_members(event)
    # An event written unlike the others: its own words, unless they had to change.
    return event if was == now else "data: " + json_text(now, style="compact-ascii")


def _cleaned(tree: object, name: str) -> object:
    if isinstance(tree, dict):
        return {key: _cleaned(value, key) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_cleaned(value, name) for value in tree]
    if is_private_name(name) and tree and not isinstance(tree, bool):
        return REDACTED if isinstance(tree, str) else 0
    if isinstance(tree, str) and name not in _CONVERSATION:
        return without_private_members(tree)
    return tree


def _leaves(tree: object, path: tuple[str | int, ...]) -> Iterator[_Leaf]:
    if not isinstance(tree, dict | list):
        return
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if isinstance(value, str):
            yield _Leaf((*path, key), tree, key)
        yield from _leaves(value, (*path, _place(value, key)))


def _place(value: object, key: str | int) -> str | int:
    """Return what tells an item from its neighbours in all events: its `index`, if it has one."""
    index = value.get("index") if isinstance(value, dict) and isinstance(key, int) else None
    return index if isinstance(index, int) else key


def _hide_across(leaves: list[_Leaf], secrets: Secrets) -> None:
    texts = [leaf.holder[leaf.key] for leaf in leaves]
    characters = list("".join(texts))
    for start, end in secrets.spans("".join(texts)):
        characters[start:end] = [REDACTED, *[""] * (end - start - 1)]
    start = 0
    for leaf, text in zip(leaves, texts, strict=True):
        leaf.holder[leaf.key] = "".join(characters[start : start + len(text)])
        start += len(text)
