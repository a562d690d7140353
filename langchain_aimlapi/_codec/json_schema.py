"""JSON schemas, rewritten into the subset that Gemini's endpoints take.

What is rewritten says the same thing in other words:

* `$ref` is replaced by what it points to; `$defs`, `definitions`, `$schema`, `$id`, `$anchor` and
  `$comment` then say nothing about a value and go.
* `const` becomes an `enum` of one.
* What may be null (`"type": ["string", "null"]`, OpenAPI's `nullable`, a null in an `enum`) becomes
  an `anyOf` with a branch `{"type": "null"}`; so do other lists of types.
* A list of `items` (drafts before 2020-12, pydantic v1) becomes `prefixItems`.
* `allOf` is folded into the schema around it where one schema can say it; else it is sent as given.
* `oneOf` becomes `anyOf`, as Gemini documents no `oneOf`. That "exactly one" becomes "at least one"
  loses nothing for tagged unions, the usual case; for others the answer may fit two branches.
  OpenAPI's `discriminator` points into the definitions that are gone, so it goes with them: the
  tags themselves are enums of one.

All other keywords are sent as given, and none is added. A schema that contains itself cannot be
written out and is refused.

Source:
    Keywords: wire facts of 2026-11-21, section 8, from secondary pages on Gemini's structured
    output. That AI/ML API passes schemas on unchanged is assumed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

_ONE = frozenset(
    {
        "additionalItems",
        "additionalProperties",
        "contains",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
_SEVERAL = frozenset({"allOf", "anyOf", "items", "oneOf", "prefixItems"})
_NAMED = frozenset({"dependentSchemas", "patternProperties", "properties"})
_NOT_ABOUT_VALUES = frozenset({"$anchor", "$comment", "$defs", "$id", "$schema", "definitions"})
# Keywords that describe and do not restrict: the outer word wins over the inner one.
_ANNOTATIONS = frozenset(
    {"default", "deprecated", "description", "examples", "readOnly", "title", "writeOnly"}
)
# Keywords that mean something else once their neighbours change.
_SPEAK_OF_EACH_OTHER = (
    frozenset({"additionalProperties", "patternProperties", "properties"}),
    frozenset({"items", "prefixItems"}),
    frozenset({"else", "if", "then"}),
    frozenset({"contains", "maxContains", "minContains"}),
)
_ABOUT_ANY_VALUE = frozenset({"allOf", "anyOf", "else", "if", "not", "oneOf", "then"})
_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "array": list,
    "boolean": bool,
    "integer": (int, float),  # 1.0 is an integer in JSON
    "null": type(None),
    "number": (int, float),
    "object": dict,
    "string": str,
}


def encoded_schema(
    schema: Mapping[str, Any], *, where: str, drop_made_titles: bool = False
) -> dict[str, Any]:
    """Return a schema of the same meaning that Gemini's endpoints take.

    Args:
        schema: A JSON schema of any draft; it is not changed.
        where: What the schema belongs to, for errors, such as `tool 'search': parameters`.
        drop_made_titles: Leave out titles that only repeat the name of a property or a definition,
            as pydantic makes them.

    Raises:
        ValueError: The schema contains itself, points to what is not there, or is not a schema.
    """
    rewriter = _Rewriter(schema, where=where, drop_made_titles=drop_made_titles)
    encoded = rewriter.schema(schema, path="", trail=())
    # A root that refers to `true` or `false` comes back as that boolean.
    return encoded if isinstance(encoded, dict) else {"allOf": [encoded]}


def recursion_failure(where: str, *, name: str) -> ValueError:
    """Return the error for a schema that contains itself.

    Args:
        where: What the schema belongs to.
        name: The definition that contains itself.
    """
    return ValueError(
        f"{where} is recursive: {name} contains itself, and Gemini's endpoints take no schema that "
        "refers to itself. Describe a fixed depth (one class per level), a flat list whose items "
        "name their parent, or a string that holds JSON; with_structured_output also takes "
        "method='json_mode', which sends no schema."
    )


class _Rewriter:
    """One schema being rewritten: its root, for references, and its name, for errors."""

    def __init__(self, root: Mapping[str, Any], *, where: str, drop_made_titles: bool) -> None:
        self._root = root
        self._where = where
        self._drop_made_titles = drop_made_titles

    def schema(self, node: object, *, path: str, trail: tuple[str, ...], name: str = "") -> Any:  # noqa: ANN401  a schema is an object or a boolean
        """Return a schema rewritten.

        Args:
            node: The schema, or `true` or `false`.
            path: Where it stands under the root, for errors, such as `.properties.city`.
            trail: The references that led here; meeting one again is a recursion.
            name: The property or definition that it describes, if any.
        """
        match node:
            case bool():
                return node
            case Mapping():
                return self._object(node, path=path, trail=trail, name=name)
            case _:
                raise ValueError(f"{self._where}{path} must be a JSON schema, not {node!r}.")

    def _object(
        self, node: Mapping[str, Any], *, path: str, trail: tuple[str, ...], name: str
    ) -> Any:  # noqa: ANN401  a schema is an object or a boolean
        kept = {key: value for key, value in node.items() if key not in _NOT_ABOUT_VALUES}
        if self._drop_made_titles and name and _letters(kept.get("title")) == _letters(name):
            del kept["title"]
        reference = kept.pop("$ref", None)
        encoded = _rewritten(
            {key: self._value(key, value, path, trail) for key, value in kept.items()}
        )
        if reference is None:
            return encoded
        return _both(self._target(reference, path=path, trail=trail), encoded)

    def _value(self, key: str, value: object, path: str, trail: tuple[str, ...]) -> Any:  # noqa: ANN401  any JSON value
        path = f"{path}.{key}"
        if key in _NAMED and isinstance(value, Mapping):
            return {
                name: self.schema(one, path=f"{path}.{name}", trail=trail, name=str(name))
                for name, one in value.items()
            }
        if key in _SEVERAL and isinstance(value, list):
            return [
                self.schema(one, path=f"{path}[{position}]", trail=trail)
                for position, one in enumerate(value)
            ]
        if key in _ONE:
            return self.schema(value, path=path, trail=trail)
        return value

    def _target(self, reference: object, *, path: str, trail: tuple[str, ...]) -> Any:  # noqa: ANN401  a schema is an object or a boolean
        if not isinstance(reference, str) or not re.match(r"#(/|$)", reference):
            raise ValueError(
                f"{self._where}{path} refers to {reference!r}, outside of the schema. Write it out."
            )
        if reference in trail:
            raise recursion_failure(f"{self._where}{path}", name=repr(reference))
        node: Any = self._root
        for step in reference.split("/")[1:]:
            step_name = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(node, list) and step_name.isdecimal():
                node = dict(enumerate(node)).get(int(step_name))
            else:
                node = node.get(step_name) if isinstance(node, Mapping) else None
        if node is None:
            raise ValueError(
                f"{self._where}{path} refers to {reference!r}, which is not in the schema."
            )
        name = reference.rpartition("/")[2]
        return self.schema(node, path=path, trail=(*trail, reference), name=name)


def _letters(name: object) -> str | None:
    """Return what is left of a name when pydantic has made a title of it."""
    return re.sub(r"[\W_]+", "", name).lower() if isinstance(name, str) else None


def _rewritten(node: dict[str, Any]) -> dict[str, Any]:
    """Rewrite one level, whose inner schemas are rewritten already."""
    if isinstance(node.get("items"), list):
        node["prefixItems"] = node.pop("items")
        if "additionalItems" in node:
            node["items"] = node.pop("additionalItems")
    if "const" in node:
        value = node.pop("const")
        node["enum"] = [one for one in node.get("enum", [value]) if _is_same(one, value)]
    if "oneOf" in node and "anyOf" not in node:
        node = {("anyOf" if key == "oneOf" else key): value for key, value in node.items()}
    if "anyOf" in node or "oneOf" in node:
        node.pop("discriminator", None)
    return _with_null_apart(_folded(node))


def _folded(node: dict[str, Any]) -> dict[str, Any]:
    """Fold `allOf` into the schema around it, or leave all as it is."""
    members = node.get("allOf")
    if not isinstance(members, list):
        return node
    folded: dict[str, Any] | None = {}
    rest = {key: value for key, value in node.items() if key != "allOf"}
    for member in (*members, rest):
        folded = _merged(folded, member)
        if folded is None:
            return node
    return folded or {}


def _both(target: Any, around: dict[str, Any]) -> Any:  # noqa: ANN401  a schema is an object or a boolean
    """Return the schema that says what a reference's target and the words beside it say."""
    if not around:
        return target
    merged = _merged(target, around)
    return {"allOf": [target, around]} if merged is None else merged


def _merged(inner: Any, outer: Any) -> dict[str, Any] | None:  # noqa: ANN401  a schema is an object or a boolean
    """Return one schema for two that hold together, or `None` where that takes an `allOf`."""
    if not isinstance(inner, dict) or not isinstance(outer, dict) or _would_mix(inner, outer):
        return None
    merged: dict[str, Any] = dict(inner)
    for key, value in outer.items():
        match key, merged.get(key, value), value:
            case _, known, _ if key in _ANNOTATIONS or _is_same(known, value):
                merged[key] = value
            case "required", list() as known, list():
                merged[key] = [*known, *(name for name in value if name not in known)]
            case "properties", dict() as known, dict():
                both = {name: _merged(known[name], value[name]) for name in known if name in value}
                if None in both.values():
                    return None
                merged[key] = {**known, **value, **both}
            case _:
                return None
    return merged


def _is_same(one: object, other: object) -> bool:
    """Tell whether two JSON values are the same; to Python `1 == True`."""
    return one == other and repr(one) == repr(other)


def _would_mix(inner: dict[str, Any], outer: dict[str, Any]) -> bool:
    """Tell whether a keyword of one schema would come to speak of neighbours in the other."""
    for group in _SPEAK_OF_EACH_OTHER:
        ours, theirs = ({key: one[key] for key in group & one.keys()} for one in (inner, outer))
        if ours and theirs and ours != theirs and {*ours, *theirs} != {"properties"}:
            return True
    return False


def _with_null_apart(node: dict[str, Any]) -> dict[str, Any]:
    """Give null, and each of several types, a branch of its own in an `anyOf`."""
    nullable = node.pop("nullable", False) is True
    words = {key: value for key, value in node.items() if key in _ANNOTATIONS}
    rules = {key: value for key, value in node.items() if key not in _ANNOTATIONS}
    branches = [_folded(branch) for branch in _branches(rules)]
    if nullable and rules.keys() == {"anyOf"} and isinstance(rules["anyOf"], list):
        branches = list(rules["anyOf"])
    if nullable and {"type": "null"} not in branches:
        branches.append({"type": "null"})
    if branches == [rules]:
        return node
    return {**words, **(branches[0] if len(branches) == 1 else {"anyOf": branches})}


def _branches(rules: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the branches whose union these rules are."""
    kinds, values = rules.get("type"), rules.get("enum")
    if isinstance(kinds, list) and "anyOf" not in rules:
        return [branch for kind in kinds if (branch := _branch(rules, str(kind)))] or [rules]
    if isinstance(values, list) and None in values and kinds in (None, "null"):
        others = [value for value in values if value is not None]
        some = [{**rules, "enum": others}] if others and kinds is None else []
        return [*some, _null_branch(rules)]
    return [rules]


def _branch(rules: dict[str, Any], kind: str) -> dict[str, Any] | None:
    """Return the rules for one of several types, or `None` if its `enum` has no value of it."""
    branch = {**rules, "type": kind}
    if isinstance(values := rules.get("enum"), list):
        branch["enum"] = [value for value in values if _is_kind(value, kind)]
        if not branch["enum"]:
            return None
    return _null_branch(rules) if kind == "null" else branch


def _null_branch(rules: dict[str, Any]) -> dict[str, Any]:
    """Return what the rules say of null: those about strings, numbers or objects say nothing."""
    kept = {key: rules[key] for key in rules if key in _ABOUT_ANY_VALUE}
    return {"type": "null", **kept}


def _is_kind(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _PYTHON_TYPES.get(kind, object))
