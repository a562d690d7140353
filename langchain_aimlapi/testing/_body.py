"""HTTP bodies as something a person can read in a YAML file, byte for byte recoverable.

A body is kept in the first of these forms that gives the exact bytes back:

    None                                  no body
    {"style": ..., "json": tree}          one JSON text
    {"style": ..., "sep": ..., "events": [{"data": tree} | "raw event", ...]}
                                          server-sent events
    "text"                                any other UTF-8
    b"..."                                any other bytes

`tail` in the two dicts holds what follows the JSON text or the last separator.
"""

from collections import Counter
from typing import Any

from langchain_aimlapi.testing._json_text import json_text, read_json, styles_of

Body = dict[str, Any] | str | bytes | None

_DATA = "data: "
_SEPARATORS = ("\r\n\r\n", "\n\n")
_FIELDS = ("data:", "event:", "id:", "retry:", ":")


def encode_body(body: bytes) -> dict[str, Any] | str | bytes:
    """Return the readable form of a body.

    Args:
        body: The bytes on the wire.

    Returns:
        One of the forms listed at the top of this module.
    """
    try:
        return encode_text(body.decode())
    except UnicodeDecodeError:
        return body


def encode_text(text: str) -> dict[str, Any] | str:
    """Return the readable form of a body that is text: a dict, or the text as it is."""
    return _encode_json(text) or _encode_events(text) or text


def decode_body(body: Body) -> bytes | None:
    """Return the bytes of a body in readable form: the inverse of `encode_body`.

    Raises:
        ValueError: `body` is a dict of another shape.
    """
    if body is None or isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    tail: str = body.get("tail", "")
    if "json" in body:
        return (json_text(body["json"], style=body["style"]) + tail).encode()
    if "events" in body:
        texts = [_event_text(event, body.get("style", "")) for event in body["events"]]
        return ("".join(text + body["sep"] for text in texts) + tail).encode()
    raise ValueError(f"a body with the keys {sorted(body)} is none that this kit writes")


def _encode_json(text: str) -> dict[str, Any] | None:
    core = text.rstrip(" \t\r\n")
    if core[:1] not in ("{", "["):
        return None  # A bare word or number is as readable as it is.
    styles = styles_of(*_parsed(core))
    if not styles:
        return None
    return {"style": styles[0], **_tail(text[len(core) :]), "json": read_json(core)}


def _encode_events(text: str) -> dict[str, Any] | None:
    if not text.startswith(_FIELDS):
        return None
    sep = next((sep for sep in _SEPARATORS if sep in text), None)
    if sep is None:
        return None
    *texts, tail = text.split(sep)
    style = _commonest_style(texts)
    events = [_encode_event(event, style) for event in texts]
    return {**({"style": style} if style else {}), "sep": sep, "events": events, **_tail(tail)}


def event_tree(event: dict[str, Any] | str) -> Any:  # noqa: ANN401  # any JSON value
    """Return the JSON value of one event of a readable body, None when it holds none."""
    if isinstance(event, dict):
        return event["data"]
    return _parsed(event.removeprefix(_DATA))[1] if event.startswith(_DATA) else None


def _commonest_style(texts: list[str]) -> str | None:
    styles = Counter(
        style
        for text in texts
        if text.startswith(_DATA)
        for style in styles_of(*_parsed(text.removeprefix(_DATA)))
    )
    return max(styles, key=lambda style: styles[style], default=None)


def _encode_event(text: str, style: str | None) -> dict[str, Any] | str:
    if not text.startswith(_DATA):
        return text
    core, tree = _parsed(text.removeprefix(_DATA))
    return {"data": tree} if style in styles_of(core, tree) else text


def _event_text(event: dict[str, Any] | str, style: str) -> str:
    return event if isinstance(event, str) else _DATA + json_text(event["data"], style=style)


def _parsed(text: str) -> tuple[str, Any]:
    try:
        return text, read_json(text)
    except ValueError:
        return text, None


def _tail(text: str) -> dict[str, str]:
    return {"tail": text} if text else {}
