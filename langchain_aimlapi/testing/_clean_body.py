"""HTTP bodies in readable form, without secrets, account ids or private members."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from langchain_aimlapi.testing._body import Body, encode_text, event_tree
from langchain_aimlapi.testing._json_text import json_text
from langchain_aimlapi.testing._secrets import (
    REDACTED,
    Secrets,
    is_private_name,
    without_private_members,
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
