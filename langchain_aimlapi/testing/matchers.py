"""When two requests are the same, with the difference shown when none is."""

import difflib
import hashlib
import inspect
import re
from collections.abc import Iterable
from typing import Any, Protocol
from urllib.parse import urlsplit

from langchain_aimlapi.testing._body_format import Number, decode_body, read_json, write_yaml
from langchain_aimlapi.testing.scrub import clean_request, secrets_of

_LONG_WORD = re.compile(r"\S{200,}")
"""Images and signatures: nobody reads them, their length and digest tell them apart."""


class _Request(Protocol):
    """What is read of vcrpy's `Request`."""

    method: str
    uri: str
    body: Any
    headers: Any


class RequestMatcher:
    """Matches requests by method, path with query, and parsed body, for vcrpy's `match_on`.

    The order of keys, the host, the headers, the generated ids of tool calls and the indentation
    of descriptions do not matter; Python 3.13 took the latter out of the docstrings of tools.
    vcrpy calls a matcher with two requests and takes the text of its `AssertionError` into the
    message of a miss; the first recorded request of the same method gets the unified diff
    against the nearest one, since vcrpy lists it first.
    """

    def __init__(self) -> None:
        self.__name__ = "aimlapi_request"  # vcrpy names a matcher so in its messages
        self._recorded: list[str] = []
        self._canonical: dict[tuple[str, ...], str] = {}

    def remember(self, requests: Iterable[_Request]) -> None:
        """Take the requests of a cassette, among which the nearest is looked for.

        Args:
            requests: vcrpy's requests, in the order of the cassette.
        """
        self._recorded = [self.canonical(request) for request in requests]

    def canonical(self, request: _Request) -> str:
        """Return what two equal requests have in common, as a text of many lines."""
        headers = dict(request.headers)
        key = (request.method, request.uri, repr(request.body), repr(headers))
        if key not in self._canonical:
            self._canonical[key] = canonical_request(
                {
                    "method": request.method,
                    "uri": request.uri,
                    "headers": headers,
                    "body": request.body,
                }
            )
        return self._canonical[key]

    def __call__(self, asked: _Request, recorded: _Request) -> None:
        """Say nothing when the two are the same.

        Raises:
            AssertionError: they are not; its text says in what.
        """
        now, then = self.canonical(asked), self.canonical(recorded)
        if now == then:
            return
        candidates = self._recorded or [then]
        if now in candidates:
            raise AssertionError("another recorded request is the one that is asked for")
        first = next((text for text in candidates if _method(text) == _method(now)), then)
        if then != first:
            raise AssertionError("differs too; the difference to the nearest one is shown above")
        raise AssertionError(request_difference(now, candidates=candidates))


def canonical_request(request: dict[str, Any]) -> str:
    """Return a request as lines of text that are equal for requests that count as equal.

    Args:
        request: `method`, `uri`, `headers` and `body`.

    Returns:
        The method and the path with its query, then the body as YAML with sorted keys; ids of
        tool calls are numbered in the order in which they first appear, descriptions are dedented,
        long words (pictures) are told by their length and digest, secrets are hidden.
    """
    secrets = secrets_of([{"request": request, "response": {"headers": {}}}])
    clean = clean_request(request, secrets=secrets)
    parts = urlsplit(clean["uri"])
    query = f"?{parts.query}" if parts.query else ""
    data = decode_body(clean["body"]) or b""
    text = data.decode(errors="backslashreplace")
    try:
        tree = read_json(text)
    except ValueError:
        body = _abridged(text)
    else:
        body = write_yaml(_sorted(tree, _call_numbers(tree)))
    return f"{clean['method']} {parts.path}{query}\n{body}"


def request_difference(asked: str, *, candidates: list[str]) -> str:
    """Return a unified diff from the nearest of some canonical requests to one.

    Args:
        asked: The canonical text of the request that was not found.
        candidates: Those of the recorded ones, at least one.
    """
    nearest = max(range(len(candidates)), key=lambda index: _likeness(asked, candidates[index]))
    return "\n".join(
        difflib.unified_diff(
            _lines(candidates[nearest]),
            _lines(asked),
            f"recorded: interaction {nearest + 1} of {len(candidates)}",
            "asked for now",
            lineterm="",
        )
    )


def _method(canonical: str) -> str:
    return canonical.partition(" ")[0]


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, _lines(one), _lines(other), autojunk=False).ratio()


def _lines(canonical: str) -> list[str]:
    return _abridged(canonical).splitlines()


def _abridged(text: str) -> str:
    return _LONG_WORD.sub(_told, text)


def _told(word: re.Match[str]) -> str:
    text = word.group()
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]
    return f"{text[:40]}... ({len(text)} characters, sha256 {digest})"


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
