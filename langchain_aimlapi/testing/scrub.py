"""Recorded interactions without what must not be in a file.

The model's endpoint, any `.../chat/completions`, loses what says whose account it was: its headers
come from a list, its account ids are taken out. Other hosts answered a tool or an app, which must
see on replay what it saw: only credentials go.
"""

import base64
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from langchain_aimlapi._json import JsonMapping, JsonObject
from langchain_aimlapi.testing._body_format import (
    Body,
    decode_body,
    encode_text,
    fitting_styles,
    json_text,
    read_json,
    read_json_at,
)
from langchain_aimlapi.testing._content_encoding import plain_body
from langchain_aimlapi.testing._long_texts import LONGEST, LongTexts, is_long_data
from langchain_aimlapi.testing._private_elements import (
    without_private_elements,
    without_private_values,
)
from langchain_aimlapi.testing._secrets import (
    REDACTED,
    Secrets,
    clean_header,
    credentials,
    is_account_header,
    is_private_field,
    is_private_name,
    secrets_in_force,
    without_private_parameters,
)

REQUEST_HEADERS = frozenset({"accept", "content-type"})
"""Request headers that a cassette keeps; all others are dropped."""

RESPONSE_HEADERS = frozenset(
    {
        "content-type",
        "date",
        "location",
        "retry-after",
        "server",
        "x-aimlapi-credits-used",
        "x-aimlapi-usd-spent",
        "x-client-request-id",
        "x-inference-id",
        "x-standin",
    }
)
"""Response headers of the model's endpoint that are kept: what a client reads, no account."""

_FRAMING = frozenset(
    {
        "connection",
        "content-encoding",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Response headers of other hosts that are not kept: how the bytes travelled, which is over."""

BOUNDARY = "boundary-of-this-request"
"""What stands for the boundary of a multipart request, which clients draw anew each time."""

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_BOUNDARY = re.compile(r"(boundary=\"?)([^\";,\s]+)", re.IGNORECASE)
_LINE = re.compile(r"([^\r\n]*)(?:\r\n|\r|\n|\Z)")
_STREAM = re.compile(r"\ufeff?[\r\n]*(?:data|event|id|retry)?:")
_DATA = re.compile(r"\ufeff?data: ?")
_FRAME = re.compile(r"[\s\x1e,;]*(?:([0-9A-Za-z]{1,16})(?::[^\S\n]*|\r?\n))?(?:(?=[{\[\"])|\Z)")
_CONVERSATION = frozenset(
    {"arguments", "content", "data", "reasoning", "reasoning_content", "signature", "text"}
)
"""Members whose text is the conversation: an argument `user_id` in it is the app's own."""


def is_model_endpoint(uri: str) -> bool:
    """Return whether an address is a chat model's: any `.../chat/completions`."""
    return uri.partition("?")[0].endswith("/chat/completions")


def secrets_of(
    interactions: list[JsonObject], *, known: Iterable[str] = (), named: Iterable[str] = ()
) -> Secrets:
    """Return the secrets to keep out of a cassette: those in force and those it was sent.

    Args:
        interactions: As vcrpy gives them to a serializer.
        known: Further secrets, such as those of headers that a filter has taken out.
        named: Those that the user named.
    """
    values = {*secrets_in_force(), *known}
    for interaction in interactions:
        values.update(credentials(interaction["request"]["headers"]))
        values.update(credentials(interaction["response"]["headers"]))
    return Secrets(values, named=named)


def clean_request(
    request: JsonObject, *, secrets: Secrets, long_texts: LongTexts | None = None
) -> JsonObject:
    """Return a request as a cassette may hold it, its body in readable form.

    The port of a loopback address goes too, and the boundary of a multipart body: the system drew
    them, so they would differ in each recording.

    Args:
        request: `method`, `uri`, `headers` and `body`, as vcrpy has them.
        secrets: What to hide besides private members.
        long_texts: What takes long data out; None leaves it where it stands.

    Raises:
        ValueError: the body is compressed in a way that cannot be looked into.
    """
    headers = header_lists(request["headers"])
    headers, body = with_fixed_boundary(headers, plain_body(request["body"], headers))
    return {
        "method": request["method"],
        "uri": without_loopback_port(clean_uri(request["uri"], secrets=secrets)),
        "headers": {
            name: [secrets.hidden(value) for value in values]
            for name, values in headers.items()
            if name in REQUEST_HEADERS
        },
        "body": clean_body(
            body,
            secrets=secrets,
            accounts=is_model_endpoint(request["uri"]),
            long_texts=long_texts,
        ),
    }


def clean_response(
    response: JsonObject,
    *,
    uri: str,
    secrets: Secrets,
    long_texts: LongTexts | None = None,
) -> JsonObject:
    """Return a response as a cassette may hold it, its body in readable form.

    Args:
        response: `status`, `headers` and `body` (`{"string": ...}`), as vcrpy has them.
        uri: The address that was asked.
        secrets: What to hide besides private members.
        long_texts: What takes long data out; None leaves it where it stands.

    Raises:
        ValueError: the body is compressed in a way that cannot be looked into.
    """
    status = response["status"]
    is_model = is_model_endpoint(uri)
    headers = header_lists(response["headers"])
    body = plain_body(response["body"]["string"], headers)
    readable = clean_body(body, secrets=secrets, accounts=is_model, long_texts=long_texts)
    kept = _kept_headers(headers, is_model=is_model)
    if body and "content-length" in kept:  # an answer to HEAD has none, and says its length
        texts = long_texts.texts if long_texts else {}
        kept["content-length"] = [str(len(decode_body(readable, texts) or b""))]
    return {
        "status": {"code": status["code"], "message": secrets.hidden(status["message"] or "")},
        "headers": clean_response_headers(kept, secrets=secrets, is_model=is_model),
        "body": readable,
    }


def clean_response_headers(
    headers: Mapping[str, list[str]], *, secrets: Secrets, is_model: bool
) -> dict[str, list[str]]:
    """Return headers of a response without the credentials in them.

    Args:
        headers: Lower-cased names to values.
        secrets: What to hide besides what the headers' names give away.
        is_model: Whether they are of the model's endpoint.
    """
    return {
        name: [
            secrets.hidden(
                without_private_parameters(clean_header(name, value), accounts=False),
                accounts=is_model,
            )
            for value in values
        ]
        for name, values in headers.items()
    }


def secret_headers(
    headers: Mapping[str, list[str]], *, secrets: Secrets, is_model: bool
) -> list[str]:
    """Return the names of headers that must not be in a file, in order.

    Args:
        headers: Lower-cased names to values, of a request or a response.
        secrets: What to hide besides what the headers' names give away.
        is_model: Whether they belong to the model's endpoint, whose account is private.
    """
    clean = clean_response_headers(headers, secrets=secrets, is_model=is_model)
    return [
        name
        for name, values in headers.items()
        if clean[name] != values
        or (is_model and values != [REDACTED] and ("cookie" in name or is_account_header(name)))
    ]


def clean_uri(uri: str, *, secrets: Secrets) -> str:
    """Return an address without user, password, private parameters and secrets.

    Scheme, host and port stay: what only looks like a secret there is none.
    """
    parts = urlsplit(uri)
    user, _, place = parts.netloc.rpartition("@")
    if secrets.known_in(place):
        place = secrets.hidden(place)
    start = f"{parts.scheme}://" if parts.netloc else ""
    end = uri[len(start) + len(parts.netloc) :] if start else uri
    accounts = is_model_endpoint(uri)
    hidden = secrets.hidden_after(f"{start}{place}", end, accounts=accounts)
    shown = without_private_parameters(hidden, accounts=accounts)
    return f"{start}{f'{REDACTED}@' if user else ''}{place}{shown}"


def without_loopback_port(uri: str) -> str:
    """Return an address without its port where that is a loopback one, drawn by the system."""
    parts = urlsplit(uri)
    if parts.hostname in _LOOPBACK and parts.port:
        parts = parts._replace(netloc=parts.netloc.rpartition(":")[0])
        return parts.geturl()
    return uri


def header_lists(headers: JsonMapping) -> dict[str, list[str]]:
    """Return headers with lower-cased names and lists of values, names in order."""
    lists: dict[str, list[str]] = {}
    for name, values in sorted(headers.items()):
        texts = [values] if isinstance(values, str | bytes) else values
        lists.setdefault(name.lower(), []).extend(
            text.decode("latin-1") if isinstance(text, bytes) else str(text) for text in texts
        )
    return lists


def _kept_headers(headers: dict[str, list[str]], *, is_model: bool) -> dict[str, list[str]]:
    if is_model:
        return {name: values for name, values in headers.items() if name in RESPONSE_HEADERS}
    return {name: values for name, values in headers.items() if name not in _FRAMING}


def with_fixed_boundary(
    headers: dict[str, list[str]], body: str | bytes | None
) -> tuple[dict[str, list[str]], str | bytes | None]:
    """Return a multipart request with a boundary that is the same each time; others as they are."""
    kind = "".join(headers.get("content-type", []))
    match = _BOUNDARY.search(kind)
    if match is None or not kind.lower().startswith("multipart/") or not body:
        return headers, body
    data = body.encode() if isinstance(body, str) else body
    old, new = f"--{match[2]}".encode(), f"--{BOUNDARY}".encode()
    fixed = _BOUNDARY.sub(rf"\g<1>{BOUNDARY}", kind)
    return {**headers, "content-type": [fixed]}, data.replace(old, new)


class _Leaf(NamedTuple):
    """A string within a tree, by its place, so that it can be replaced there."""

    path: tuple[str | int, ...]
    holder: Any
    key: str | int


class _Payload(NamedTuple):
    """A part of a body that is read by itself: where it stands, and what it says."""

    start: int
    end: int
    tree: object


def clean_body(
    body: str | bytes | None,
    *,
    secrets: Secrets,
    accounts: bool = True,
    long_texts: LongTexts | None = None,
) -> Body:
    """Return a body in readable form, with nothing in it that must not be in a file.

    Private members (`user_id`, `api_key`, ...) lose their value, secrets are hidden wherever
    they stand, in any escaping, and also where a stream cut them into several events.

    Args:
        body: The bytes on the wire, not compressed, or their text.
        secrets: What to hide besides private members.
        accounts: Whether ids of accounts are private.
        long_texts: What takes long data out; None leaves it where it stands.

    Returns:
        What `encode_body` returns; a body without anything private keeps its exact bytes.
    """
    if body is None:
        return None
    data = body.encode() if isinstance(body, str) else body
    try:
        text = data.decode()
    except UnicodeDecodeError:
        hidden = clean_data(data, secrets=secrets, accounts=accounts)
        if long_texts is None or len(hidden) < LONGEST:
            return hidden
        return {"bytes": long_texts.extracted(base64.b64encode(hidden).decode())}
    if long_texts is not None and secrets.longest < LONGEST:
        text = long_texts.extracted(text)
    return encode_text(clean_text(text, secrets=secrets, accounts=accounts))


def clean_data(data: bytes, *, secrets: Secrets, accounts: bool = True) -> bytes:
    """Return the bytes of a body without what must not be in a file; see `clean_body`."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        shown = without_private_elements(data.decode("latin-1"), accounts=accounts)
        return secrets.hidden(shown, accounts=accounts).encode("latin-1")
    return clean_text(text, secrets=secrets, accounts=accounts).encode()


def clean_text(text: str, *, secrets: Secrets, accounts: bool = True) -> str:
    """Return the text of a body without what must not be in a file; see `clean_body`."""
    text = secrets.hidden(text, accounts=accounts)
    payloads = _payloads(text)
    if not payloads:
        return without_private_values(text, accounts=accounts)
    # In lists, so that a payload that is a mere text can be replaced as well.
    cleaned: list[list[Any]] = [
        [_clean(payload.tree, "", accounts=accounts)] for payload in payloads
    ]
    running: defaultdict[tuple[str | int, ...], list[_Leaf]] = defaultdict(list)
    for tree in _items(cleaned):
        for leaf in _leaves(tree, ()):
            running[leaf.path].append(leaf)
    for leaves in running.values():
        _hide_across(leaves, secrets, accounts=accounts)
    parts: list[str] = []
    position = 0
    for payload, [tree] in zip(payloads, cleaned, strict=True):
        if tree != payload.tree:
            parts += [text[position : payload.start], _rewrite(text, payload, tree)]
            position = payload.end
    return "".join([*parts, text[position:]])


def _items(cleaned: list[list[Any]]) -> list[list[Any]]:
    """Return what may hold a piece of a running text: payloads, or the items of the only one."""
    [first, *others] = cleaned
    if not others and isinstance(first[0], list):
        return [[item] for item in first[0] if isinstance(item, dict)] or cleaned
    return cleaned


def _payloads(text: str) -> list[_Payload]:
    """Return what is to be read by itself: one JSON text, the data of events, lines of JSON."""
    if _STREAM.match(text):
        return list(_event_payloads(text))
    return list(_value_payloads(text))


def _value_payloads(text: str) -> Iterator[_Payload]:
    """Yield the JSON values of a text that has nothing else but what frames them.

    One value, lines of JSON, values after each other, after a record separator (RFC 7464), after
    their length, or after a name (`0:"..."`, of the Vercel AI SDK); none in any other text.
    """
    values: list[_Payload] = []
    position = 0
    while (opening := _FRAME.match(text, position)) and opening.end() < len(text):
        try:
            tree, position = read_json_at(text, opening.end())
        except ValueError:
            return
        if opening[1] and isinstance(tree, str) and is_private_field(opening[1], tree):
            return  # `password: "x"` is YAML
        values.append(_Payload(opening.end(), position, tree))
    if opening:
        yield from values


def _event_payloads(text: str) -> Iterator[_Payload]:
    """Yield the data of server-sent events, whatever ends their lines."""
    data: list[_Payload] = []
    for match in _LINE.finditer(text):
        field = _DATA.match(match[1])
        if field:
            start = match.start() + field.end()
            data.append(_Payload(start, match.end(1), text[start : match.end(1)]))
        elif data and not match[1]:  # the blank line that ends an event, or the text's end
            yield _payload_of(data)
            data = []


def _payload_of(data: list[_Payload]) -> _Payload:
    """Return the data of one event, of several lines perhaps, as one payload."""
    start, end = data[0].start, data[-1].end
    tree = _parse("\n".join(str(line.tree) for line in data))
    return _Payload(start, end, tree)


def _rewrite(text: str, payload: _Payload, tree: object) -> str:
    """Return a payload that had to change, written as it was written where that is known."""
    given = text[payload.start : payload.end]
    if isinstance(tree, str) and _parse(given) == given:
        return tree  # which never was JSON
    style = next(fitting_styles(given, payload.tree), "compact-ascii")
    return json_text(tree, style=style)


def _parse(text: str) -> object:
    try:
        return read_json(text)
    except ValueError:
        return text


def _clean(tree: object, name: str, *, accounts: bool) -> object:
    if isinstance(tree, dict):
        return {key: _clean(value, key, accounts=accounts) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_clean(value, name, accounts=accounts) for value in tree]
    if isinstance(tree, str):
        return _clean_string(tree, name, accounts=accounts)
    is_number = isinstance(tree, int | float) and not isinstance(tree, bool)
    return 0 if is_number and tree and is_private_name(name, accounts=accounts) else tree


def _clean_string(text: str, name: str, *, accounts: bool) -> str:
    if text and is_private_field(name, text, accounts=accounts):
        return REDACTED
    if name in _CONVERSATION or is_long_data(text.encode()):
        return text
    return without_private_values(text, accounts=accounts)


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


def _hide_across(leaves: list[_Leaf], secrets: Secrets, *, accounts: bool) -> None:
    if len(leaves) == 1:
        [leaf] = leaves
        leaf.holder[leaf.key] = secrets.hidden(leaf.holder[leaf.key], accounts=accounts)
        return
    texts = [leaf.holder[leaf.key] for leaf in leaves]
    characters = list("".join(texts))
    for start, end in secrets.spans("".join(texts), accounts=accounts):
        characters[start:end] = [REDACTED, *[""] * (end - start - 1)]
    start = 0
    for leaf, text in zip(leaves, texts, strict=True):
        leaf.holder[leaf.key] = "".join(characters[start : start + len(text)])
        start += len(text)
