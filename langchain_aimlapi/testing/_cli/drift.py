"""What changed in the shape of the model endpoint's answers between two recordings."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from langchain_aimlapi._json import JsonObject
from langchain_aimlapi.testing._cli.recorded_answer import (
    answer_chunks,
    json_value,
    readable_interactions,
)

_FINISH = ("finish_reason", "native_finish_reason")
# Told apart, since a lost cost field leaves every later bill unknown.
_COST_PREFIXES = ("meta", "usage.cost", "header x-aimlapi")


@dataclass
class Shape:
    """What answers are made of: no text of theirs, only which fields of which type there are."""

    fields: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Types by path, such as `{"choices[].message.content": {"string"}}`; streams apart."""

    reasons: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The values of `finish_reason` and `native_finish_reason`."""

    latest: str = ""
    """The day of the latest answer, such as `2026-11-22`."""

    def add(self, tree: object, path: str) -> None:
        """Take in a JSON value that stands at a path."""
        name = path.rpartition(".")[2]
        self.fields[path].add(_type_of(tree))
        if isinstance(tree, dict):
            for key, value in tree.items():
                self.add(value, f"{path}.{key}" if path else key)
        elif isinstance(tree, list):
            for value in tree:
                self.add(value, f"{path}[]")
        elif name in _FINISH and isinstance(tree, str):
            self.reasons[name].add(tree)


def shape_of(paths: Iterable[Path]) -> Shape:
    """Return the shape of all good answers of the model endpoint in some cassettes.

    Args:
        paths: The files; those that are missing or no cassettes are passed over.
    """
    shape = Shape()
    for interaction in readable_interactions(paths):
        if _is_answer(interaction):
            _add_answer(shape, interaction["response"])
    return shape


def drift_report(before: Shape, now: Shape) -> list[str]:
    """Return what changed from one recording to the next, a line each; nothing without a first.

    Args:
        before: The last recording.
        now: The new one.
    """
    # A first recording has nothing to be held against, and would list every field as new.
    if not before.fields or not now.fields:
        return []
    lines = [f"  {line}" for line in _changes(before, now)]
    since = f"since the last recording ({before.latest or 'of an unknown day'})"
    if not lines:
        return [f"Drift: none, the answers have the shape that they had {since}."]
    return [f"Drift: the shape of the answers changed {since}:", *lines]


def _changes(before: Shape, now: Shape) -> Iterator[str]:
    for title, is_cost in (("field", False), ("cost field", True)):
        for sign, here, there in (("new", now, before), ("missing", before, now)):
            for path in _roots(here.fields.keys() - there.fields.keys()):
                if path.startswith(_COST_PREFIXES) is is_cost:
                    yield f"{sign} {title}: {path} ({_join_sorted(here.fields[path])})"
    for path in sorted(before.fields.keys() & now.fields.keys()):
        old, new = before.fields[path], now.fields[path]
        if old != new:
            yield f"other type: {path} was {_join_sorted(old)}, is {_join_sorted(new)}"
    for name in _FINISH:
        for sign, reasons in (
            ("new", now.reasons[name] - before.reasons[name]),
            ("missing", before.reasons[name] - now.reasons[name]),
        ):
            if reasons:
                yield f"{sign} {name}: {_join_sorted(reasons)}"


def _roots(paths: Iterable[str]) -> list[str]:
    """Return the paths that are below no other: what came with a new field needs no line."""
    found: list[str] = []
    for path in sorted(paths):
        if not any(path.startswith((f"{root}.", f"{root}[")) for root in found):
            found.append(path)
    return found


def _is_answer(interaction: JsonObject) -> bool:
    path = urlsplit(interaction["request"]["uri"]).path
    status: int = interaction["response"]["status"]["code"]
    return path.endswith("/chat/completions") and status == HTTPStatus.OK


def _add_answer(shape: Shape, response: JsonObject) -> None:
    body = response["body"]["string"]
    chunks = answer_chunks(body)
    for chunk in chunks or []:
        for key, value in chunk.items():
            # Chunks have their own paths: a field that streams alone have is no drift of whole
            # answers.
            shape.add(value, f"{'' if key in _WHOLE else 'chunk '}{key}")
    tree = json_value(body) if chunks is None else None
    for key, value in tree.items() if isinstance(tree, dict) else ():
        shape.add(value, key)
    for name in response["headers"]:
        # The other headers are those of the web server and of what stands before it.
        if name.lower().startswith("x-"):
            shape.fields[f"header {name.lower()}"].add("string")
    provenance = response.get("provenance") or {}
    shape.latest = max(shape.latest, str(provenance.get("recorded_at", ""))[:10])


_WHOLE = frozenset({"usage", "meta"})
"""What a stream has in the shape of whole answers."""


def _type_of(tree: object) -> str:
    # Numbers are one type: whether 1 or 1.0 is written depends on the value.
    names = {bool: "boolean", str: "string", list: "list", dict: "object", type(None): "null"}
    return names.get(type(tree), "number")


def _join_sorted(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))
