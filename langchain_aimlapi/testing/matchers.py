"""When two requests are the same, with the difference shown when none is."""

import difflib
import hashlib
import inspect
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Protocol
from urllib.parse import urlsplit

from langchain_aimlapi._json import JsonObject
from langchain_aimlapi.testing._body_format import Number, read_json, write_yaml
from langchain_aimlapi.testing._content_encoding import plain_body
from langchain_aimlapi.testing._long_texts import LONGEST, is_long_data
from langchain_aimlapi.testing._secrets import REDACTED
from langchain_aimlapi.testing.scrub import (
    BOUNDARY,
    clean_data,
    clean_uri,
    header_lists,
    is_model_endpoint,
    secrets_of,
    with_fixed_boundary,
    without_loopback_port,
)

_LONG = 200
_LONG_WORD = re.compile(rf"\S{{{_LONG},}}")
"""Images and signatures: nobody reads them, their length and digest tell them apart."""

_PIECE = re.compile(r"[^\s,{}\[\]\\\"]+")
# Some clients write the usual port out.
_PORTS = {"http": ":80", "https": ":443"}
_CONTEXT = 3
_MOST_COMPARED = 1_000_000
"""Pairs of lines up to which two texts are compared line by line."""

_MOST_SHOWN = 100


class _Request(Protocol):
    """What is read of vcrpy's `Request`."""

    method: str
    uri: str
    body: Any
    headers: Any


class RequestMatcher:
    """Matches requests by method, address and parsed body, for vcrpy's `match_on`.

    The order of keys, the model's host, a loopback port, the headers, the generated ids of tool
    calls, the boundary of an upload and the indentation of descriptions do not matter; Python
    3.13 took the latter out of the docstrings of tools. The host of others does.
    What was hidden in the recorded request may be anything in the one that is asked.

    Args:
        known: The secrets that the requests so far carried, and those that the user named.
    """

    def __init__(self, known: Callable[[], Iterable[str]] = tuple) -> None:
        self._known = known
        self.__name__ = "aimlapi_request"  # vcrpy names a matcher so in its messages
        self._recorded: frozenset[str] = frozenset()
        self._canonical: dict[tuple[object, ...], str] = {}
        self._fold = True

    def remember(self, requests: Iterable[_Request]) -> frozenset[str]:
        """Take the requests of a cassette, and return their canonical texts.

        Args:
            requests: vcrpy's requests, in the order of the cassette.
        """
        recorded = list(requests)
        self._fold = not any(has_hidden_blob(_bytes_of(request.body)) for request in recorded)
        self._recorded = frozenset(map(self.canonical, recorded))
        return self._recorded

    def canonical(self, request: _Request) -> str:
        """Return what two equal requests have in common: what `canonical_request` returns."""
        headers = dict(request.headers)
        body = _bytes_of(request.body)
        # Python keeps the hash of bytes, so only the first look at a long body costs something.
        key = (request.method, request.uri, body, repr(headers))
        if key not in self._canonical:
            self._canonical[key] = canonical_request(
                {"method": request.method, "uri": request.uri, "headers": headers, "body": body},
                known=self._known(),
                fold=self._fold,
            )
        return self._canonical[key]

    def __call__(self, asked: _Request, recorded: _Request) -> bool:
        """Return whether the two are the same.

        Nothing is raised to say in what they differ: vcrpy would ask for that text, which costs
        more than the comparison, for each recorded request before the right one.
        """
        return self.is_same(self.canonical(asked), self.canonical(recorded))

    def is_same(self, now: str, then: str) -> bool:
        """Return whether the canonical text of a request is that of a recorded one, or fits it."""
        return now == then or (now not in self._recorded and _fits(then, now))


def canonical_request(request: JsonObject, *, known: Iterable[str] = (), fold: bool = True) -> str:
    """Return a request as a text that is equal for requests that count as equal.

    Args:
        request: `method`, `uri`, `headers` and `body`.
        known: Secrets to hide besides those of the environment and of the request's headers.
        fold: Whether long words are told by their digest before secrets are looked for, which
            takes milliseconds for a picture; False where a recorded one holds a hidden secret.

    Returns:
        The method and the address, then the body as JSON with sorted keys on one line. Of the
        model's endpoint the address is the path with its query, of others it has scheme and host.
        Ids of tool calls are numbered in the order in which they first appear, descriptions are
        dedented, long words (pictures) are told by their length and digest, secrets are hidden.
    """
    secrets = secrets_of([{"request": request, "response": {"headers": {}}}], named=known)
    headers = header_lists(request["headers"])
    body = _bytes_of(plain_body(request["body"], headers))
    if fold and secrets.longest < LONGEST:
        body = _folded(body)
    headers.pop("content-encoding", None)
    _, fixed = with_fixed_boundary(headers, body)
    uri = without_loopback_port(clean_uri(request["uri"], secrets=secrets))
    accounts = is_model_endpoint(request["uri"])
    clean = clean_data(_bytes_of(fixed), secrets=secrets, accounts=accounts)
    return f"{request['method']} {_place(uri)}\n{_canonical_body(clean)}"


def has_hidden_blob(body: bytes) -> bool:
    """Return whether a recorded body holds long data out of which a secret was cut."""
    hidden = REDACTED.encode()
    return hidden in body and any(
        hidden in piece and is_long_data(piece) for piece in body.split(b'"')
    )


def _fits(then: str, now: str) -> bool:
    """Return whether a request is the recorded one but for what was hidden in that."""
    if REDACTED not in then:
        return False
    (head, _, body), (now_head, _, now_body) = then.partition("\n"), now.partition("\n")
    if not _fits_text(head, now_head) or not _fits_text(body, now_body):
        return False
    try:
        return _fits_tree(json.loads(body), json.loads(now_body))
    except ValueError:
        return True


def _fits_tree(then: object, now: object) -> bool:
    if isinstance(then, dict) and isinstance(now, dict):
        return then.keys() == now.keys() and all(_fits_tree(then[key], now[key]) for key in then)
    if isinstance(then, list) and isinstance(now, list):
        return len(then) == len(now) and all(map(_fits_tree, then, now))
    if isinstance(then, str) and isinstance(now, str):
        return _fits_text(then, now)
    return then == now


def _fits_text(then: str, now: str) -> bool:
    """Return whether a text is another one with something else where that says `REDACTED`.

    In an address that something ends with its parameter or its part of the path.
    """
    first, *parts = then.split(REDACTED)
    if not parts:
        return then == now
    if not now.startswith(first) or len(now) < len(first) + len(parts[-1]):
        return False
    position = len(first)
    for part in parts[:-1]:
        position = now.find(part, position)
        if position < 0:
            return False
        position += len(part)
    return now.endswith(parts[-1]) and position <= len(now) - len(parts[-1])


def readable(canonical: str) -> str:
    """Return a canonical request as lines that people can read: the body as YAML.

    Args:
        canonical: What `canonical_request` returns.
    """
    head, _, body = canonical.partition("\n")
    try:
        tree = read_json(body)
    except ValueError:
        return canonical
    return f"{head}\n{write_yaml(tree)}"


def request_difference(asked: str, *, candidates: list[str]) -> str:
    """Return a unified diff from the nearest of some canonical requests to one.

    Its cost grows with the size of the requests, not with its square.

    Args:
        asked: The canonical text of the request that was not found.
        candidates: Those of the recorded ones, at least one.
    """
    now = _pieces(asked)
    nearest = max(range(len(candidates)), key=lambda index: _likeness(now, candidates[index]))
    return "\n".join(
        [
            f"--- recorded: interaction {nearest + 1} of {len(candidates)}",
            "+++ asked for now",
            *_changes(_lines(candidates[nearest]), _lines(asked)),
        ]
    )


def _place(uri: str) -> str:
    """Return what of an address tells requests apart."""
    if is_model_endpoint(uri):
        parts = urlsplit(uri)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path
    parts = urlsplit(uri)
    place = parts.netloc.removesuffix(_PORTS.get(parts.scheme, "-"))
    return parts._replace(netloc=place, fragment="").geturl()


def _bytes_of(body: Any) -> bytes:
    plain = plain_body(body, {})
    return plain.encode() if isinstance(plain, str) else plain or b""


def _folded(body: bytes) -> bytes:
    """Return a JSON text with long data told by its digest, without reading it as a whole.

    Between two quotes there is nothing but the string, as it is, where it has no escape.
    """
    if len(body) < LONGEST or body.lstrip()[:1] not in (b"{", b"["):
        return body
    pieces = body.split(b'"')
    for index, piece in enumerate(pieces):
        if is_long_data(piece):
            pieces[index] = _told(piece).encode()
    return b'"'.join(pieces)


def _canonical_body(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _abridged_parts(data)
    try:
        tree = read_json(text)
    except ValueError:
        return _abridged(text)
    return json.dumps(_sorted(tree, _call_numbers(tree)), ensure_ascii=False)


def _abridged_parts(data: bytes) -> str:
    """Return a body that is no text, with the parts of an upload that are none by their digests."""
    parts = []
    for part in re.split(rf"(--{BOUNDARY}(?:--)?\r\n)".encode(), data):
        head, blank, content = part.partition(b"\r\n\r\n")
        try:
            parts.append(_abridged(part.decode()))
        except UnicodeDecodeError:
            parts.append((head + blank).decode("latin-1") if blank else "")
            parts.append(f"{_told(content if blank else part)}\n")
    return "".join(parts)


def _likeness(now: Counter[str], candidate: str) -> float:
    then = _pieces(candidate)
    shared = sum((now & then).values())
    return 2 * shared / (sum(now.values()) + sum(then.values()))


def _pieces(canonical: str) -> Counter[str]:
    return Counter(_PIECE.findall(canonical))


def _changes(then: list[str], now: list[str]) -> Iterator[str]:
    """Yield the lines of a diff, without the common start and end: they cost nothing so."""
    start = _common(then, now)
    end = _common(then[start:][::-1], now[start:][::-1])
    first = max(0, start - _CONTEXT)
    then = then[first : len(then) - max(0, end - _CONTEXT)]
    now = now[first : len(now) - max(0, end - _CONTEXT)]
    if len(then) * len(now) <= _MOST_COMPARED:
        diff = difflib.unified_diff(then, now, lineterm="", n=_CONTEXT)
        # Less its head; the numbers of the lines would be those of what was left.
        yield from (line for line in islice(diff, 2, None) if not line.startswith("@@"))
        return
    for sign, lines in (("-", then), ("+", now)):
        yield from (sign + line for line in lines[:_MOST_SHOWN])
        if len(lines) > _MOST_SHOWN:
            yield f"{sign}... ({len(lines) - _MOST_SHOWN} more lines)"


def _common(one: list[str], other: list[str]) -> int:
    pairs = zip(one, other, strict=False)
    return next(
        (index for index, (left, right) in enumerate(pairs) if left != right),
        min(len(one), len(other)),
    )


def _lines(canonical: str) -> list[str]:
    return _abridged(readable(canonical)).splitlines()


def _abridged(text: str) -> str:
    return _LONG_WORD.sub(lambda word: _told(word.group()), text)


def _told(word: str | bytes) -> str:
    """Return a long word, or bytes, by its start, its length and its digest."""
    data = word.encode(errors="surrogatepass") if isinstance(word, str) else word
    digest = hashlib.sha256(data).hexdigest()[:12]
    start = data[:40].decode(errors="replace") if data.isascii() else "binary"
    unit = "characters" if data.isascii() or isinstance(word, str) else "bytes"
    return f"{start}... ({len(word)} {unit}, sha256 {digest})"


def _call_numbers(tree: object) -> dict[str, str]:
    """Return for each tool call's id its stand-in, numbered by first appearance."""
    numbers: dict[str, str] = {}
    messages = tree.get("messages") if isinstance(tree, dict) else None
    for message in messages if isinstance(messages, list) else []:
        if not isinstance(message, dict):
            continue
        calls = message.get("tool_calls")
        ids = [call.get("id") for call in calls or [] if isinstance(call, dict)]
        for call_id in [*ids, message.get("tool_call_id")]:
            if isinstance(call_id, str):
                numbers.setdefault(call_id, f"call {len(numbers) + 1}")
    return numbers


def _sorted(tree: object, numbers: dict[str, str], name: str = "") -> object:
    if isinstance(tree, dict):
        return {key: _sorted(tree[key], numbers, key) for key in sorted(tree)}
    if isinstance(tree, list):
        return [_sorted(value, numbers, name) for value in tree]
    if isinstance(tree, Number):
        return int(tree) if tree.is_integer() else float(tree)
    if isinstance(tree, str) and name in ("id", "tool_call_id", "call_id"):
        return numbers.get(tree, tree)
    if isinstance(tree, str) and name == "description":
        return _abridged(inspect.cleandoc(tree))
    # Before YAML is made of it: PyYAML takes seconds for a megabyte without a blank.
    return _abridged(tree) if isinstance(tree, str) else tree
