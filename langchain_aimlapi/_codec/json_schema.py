"""JSON schemas, rewritten into the subset that Gemini's endpoints take.

Every schema that leaves goes through `encoded_schema`, whoever set it. There are two kinds: the
parameters of a function declaration, and the schema of a structured answer (`response_format`).
All steps of the first table say the same in other words; those of the second allow more than the
schema did, and tell the rest in the description. What comes back is validated by the user's own
class, which knows it all.

In both kinds (why: W and G are the sources below):

| keyword | what happens | why |
|---|---|---|
| `$ref` | replaced by what it points to; recursion is refused | W: refused in declarations |
| `$defs`, `definitions`, `$schema`, `$id`, `$anchor`, `$comment` | go | say nothing of a value |
| `const` | an `enum` of one | G: no such field |
| `enum` | gets its `type`; values of several types: an `anyOf` | W: "only allowed for STRING" |
| list of types, `nullable`, null in an `enum` | an `anyOf`, one branch a type | G: one word |
| `oneOf` | `anyOf`; `discriminator` goes, the tags are enums of one | G: no such field |
| `allOf` | folded into the schema around it where one schema says it | G: no such field |
| all beside `anyOf` | rules go into each branch; description and title into the first that is not
  null; a default into the branch that it fits (null: nowhere) | W: refused |
| a keyword that is null (but `const`, `default`), `properties: []` | goes | dumps, PHP |
| `STRING`, `Object` as a type | in lower case | Google's own schemas have them |
| list of `items` (older drafts) | `prefixItems` | one spelling |
| array without `items` | `items: {}` | W: "items: missing field" |
| `required` | only names that `properties` has, each once | W: "property is not defined" |
| keywords about another type than the node's | go: they say nothing | W: some are refused |
| `exclusiveMinimum: true` (older drafts) | the number | one spelling |
| all others | as given | the API decides |

In function declarations besides:

| keyword | what happens | why |
|---|---|---|
| `enum` of other values than strings | told: `one of 1, 2` | W: "only allowed for STRING" |
| `exclusiveMinimum`, `-Maximum` | integers: moved by one; numbers: told | W: unknown name |
| `uniqueItems`, `multipleOf` | told | G: no such field |
| `prefixItems` | `items` of any of them, the order is told | G: no such field |
| `format` | told, but for `date-time`, `enum` of a string, `int32`, `int64` of an integer, `float`,
  `double` of a number | W: refused |
| a `type` that JSON Schema has not | told | G: no such value |
| `not`, `if`, `patternProperties` and other JSON Schema | told as JSON | G: no such field |
| `examples`, `deprecated` | told | G: no such field |
| any other name | goes | W: "Unknown name: Cannot find field" |
| `properties`, `items` without `type` | `object`, `array` | W: only allowed for that type |
| `true`, `false` as a schema | `{}`, `{}` with a word | G: a schema is an object |
| a union of objects as the whole | one object with the properties of all; the sets are told
  | G: parameters are of type OBJECT |

Sources:
    W: wire facts, sections 8 and 13.2 of 2026-11-26, from public reports of refused requests.
    G: Google's reference of the `Schema` object (ai.google.dev/api/caching#Schema; Vertex AI adds
        `additionalProperties`), read 2026-11-26 in the clients that are generated from it. Numeric
        enums and `prefixItems` are documented for structured output alone.
    That AI/ML API passes schemas on unchanged is assumed.
"""

from __future__ import annotations

import marshal
import re
from collections.abc import Mapping
from copy import deepcopy
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote

from langchain_aimlapi._codec.schema_merge import ANNOTATIONS, is_same, merge_schemas
from langchain_aimlapi._codec.schema_unions import (
    TYPES,
    alternatives,
    as_object,
    members_of,
    with_implied_type,
    without_strangers,
)
from langchain_aimlapi._codec.schema_words import declare, tell_keyword
from langchain_aimlapi._json import JsonMapping, JsonObject, require_json

# Beyond these a schema is refused: Gemini answers "too many states" long before.
MAX_DEPTH = 64
MAX_NODES = 10_000
# Longer ones are rewritten each time, so that what is kept stays below 32 MB.
_LONGEST_KEPT = 64 * 1024
_MARSHAL = 2  # the format: later ones write one value in several ways

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


_Kind = Literal["function", "response"]
# As `encoded_schema` takes them, in its order.
_Asked = tuple[JsonMapping, str, _Kind, bool]


class _Place(NamedTuple):
    """Where a schema stands: its path for errors, how deep, by which references."""

    path: str = ""
    depth: int = 0
    trail: tuple[str, ...] = ()

    def into(self, step: str) -> _Place:
        return _Place(self.path + step, self.depth + 1, self.trail)

    def through(self, reference: str) -> _Place:
        return _Place(self.path, self.depth + 1, (*self.trail, reference))


class _Budget:
    """How many schemas may still be written, so that small schemas cannot grow without end."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._left = MAX_NODES

    def spend(self, place: _Place) -> None:
        self._left -= 1
        if place.depth > MAX_DEPTH:
            raise _too_deep(f"{self._where}{place.path[:200]}")
        if self._left < 0:
            raise ValueError(
                f"{self._where} grows to more than {MAX_NODES} schemas when its references are "
                "written out, which Gemini's endpoints ask for. Refer less often to what itself "
                "refers, or send a smaller schema."
            )


def encoded_schema(
    schema: JsonMapping,
    *,
    where: str,
    kind: _Kind,
    drop_made_titles: bool = False,
) -> JsonObject:
    """Return a schema of the same meaning that Gemini's endpoints take.

    Args:
        schema: A JSON schema of any draft; it is not changed.
        where: What the schema belongs to, for errors, such as `tool 'search': parameters`.
        kind: `"function"` for the parameters of a function declaration, which are of type object;
            `"response"` for the schema of an answer.
        drop_made_titles: Leave out titles that only repeat the name of a property or a definition,
            as pydantic makes them.

    Raises:
        ValueError: The schema contains itself, points to what is not there, is not a schema, holds
            what JSON cannot say, or is deeper or larger than `MAX_DEPTH` and `MAX_NODES`.
    """
    asked: Any = (schema, where, kind, drop_made_titles)
    try:
        key = marshal.dumps(asked, _MARSHAL)
    except ValueError:  # holds what JSON has not: seldom, and mostly refused
        key = b""
    rewrite = _rewritten_once if len(key) <= _LONGEST_KEPT else _rewritten_anew
    written = rewrite(key) if key else b""
    if not written:
        return _rewritten_apart(asked)
    encoded: JsonObject = marshal.loads(written)  # noqa: S302  our own bytes
    return encoded


def _rewritten_anew(asked: bytes) -> bytes:
    """Rewrite a schema.

    Bytes go in and out, so that a schema which is changed in place is another one, and what is
    returned is the caller's own. None come out where the schema is no longer what it was.
    """
    read: _Asked = marshal.loads(asked)  # noqa: S302  our own bytes
    return b"" if _holds_bytes(read) else marshal.dumps(_rewritten(read), _MARSHAL)


def _holds_bytes(read: object) -> bool:
    """Tell whether bytes are in it, as `marshal` makes them of numpy's numbers and texts."""
    left = [read]
    while left:
        value = left.pop()
        if isinstance(value, bytes):
            return True
        if isinstance(value, dict):
            left += [*value, *value.values()]
        elif isinstance(value, list | tuple):
            left += value
    return False


_rewritten_once = lru_cache(maxsize=256)(_rewritten_anew)  # an agent binds the same at each step


def _rewritten_apart(asked: _Asked) -> JsonObject:
    """Rewrite a schema, whose defaults and enums stay the caller's own, to be changed at will."""
    try:
        return deepcopy(_rewritten(asked))
    except RecursionError:  # which takes more levels than writing
        raise _too_deep(asked[1]) from None


def _rewritten(asked: _Asked) -> JsonObject:
    schema, where, kind, drop_made_titles = asked
    try:
        resolver = _Resolver(schema, where=where, drop_made_titles=drop_made_titles)
        plain = resolver.schema(schema, _Place())
        require_json(plain, where=where)
        # A root that refers to `true` or `false` comes back as that boolean.
        root = plain if isinstance(plain, dict) else {} if plain else {"not": {}}
        encoded = _Fitter(where, in_function=kind == "function").schema(root, _Place())
    except RecursionError:  # in a default, an enum, or where the caller's own stack is deep
        raise _too_deep(where) from None
    return as_object(encoded) if kind == "function" else encoded


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


def _too_deep(where: str) -> ValueError:
    return ValueError(
        f"{where} is nested too deep: more than {MAX_DEPTH} schemas inside one another. Describe "
        "fewer levels, or take the inner ones as a string that holds JSON."
    )


class _Resolver:
    """First pass: references are written out, older spellings become the newer ones."""

    def __init__(self, root: JsonMapping, *, where: str, drop_made_titles: bool) -> None:
        self._root = root
        self._where = where
        self._budget = _Budget(where)
        self._drop_made_titles = drop_made_titles

    def schema(self, node: object, place: _Place, *, name: str = "") -> Any:
        """Return a schema without references.

        Args:
            node: The schema, or `true` or `false`.
            place: Where it stands.
            name: The property or definition that it describes, if any.
        """
        self._budget.spend(place)
        match node:
            case bool():
                return node
            case Mapping():
                return self._object(node, place, name)
            case _:
                raise ValueError(f"{self._where}{place.path} must be a JSON schema, not {node!r}.")

    def _object(self, node: JsonMapping, place: _Place, name: str) -> Any:
        kept = {key: value for key, value in node.items() if _is_said(key, value)}
        # A title that only repeats the name costs tokens at each call and says nothing.
        if self._drop_made_titles and name and _letters(kept.get("title")) == _letters(name):
            del kept["title"]
        # Google's fields are strings, whatever a schema has there.
        kept.update((key, str(kept[key])) for key in ("title", "description") if key in kept)
        reference = kept.pop("$ref", None)
        may_be_null = kept.pop("nullable", False) is True
        own = _in_one_spelling({key: self._value(key, kept[key], place) for key in kept})
        if reference is not None:
            own = _with_target(self._target(reference, place), own)
        return _or_null(own) if may_be_null else own

    def _value(self, key: str, value: object, place: _Place) -> Any:
        if key == "type":
            return _lower_type(value)
        if key in _NAMED and isinstance(value, Mapping):
            return {
                name: self.schema(member, place.into(f".{key}.{name}"), name=str(name))
                for name, member in value.items()
            }
        if key in _SEVERAL and isinstance(value, list):
            return [
                self.schema(member, place.into(f".{key}[{position}]"))
                for position, member in enumerate(value)
            ]
        return self.schema(value, place.into(f".{key}")) if key in _ONE else value

    def _target(self, reference: object, place: _Place) -> Any:
        if not isinstance(reference, str) or not re.match(r"#(/|$)", reference):
            raise ValueError(
                f"{self._where}{place.path} refers to {reference!r}, outside of the schema. "
                "Write it out."
            )
        # By the way that led here: a definition used twice side by side is no recursion.
        if reference in place.trail:
            raise recursion_failure(f"{self._where}{place.path}", name=repr(reference))
        node: Any = self._root
        for step in reference.split("/")[1:]:
            # In this order: `~01` is `~1` and no slash.
            step_name = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(node, list) and step_name.isdecimal():
                node = dict(enumerate(node)).get(int(step_name))
            else:
                node = node.get(step_name) if isinstance(node, Mapping) else None
        if node is None:
            raise ValueError(
                f"{self._where}{place.path} refers to {reference!r}, which is not in the schema."
            )
        return self.schema(node, place.through(reference), name=reference.rpartition("/")[2])


def _is_said(key: str, value: object) -> bool:
    """Tell whether a keyword says something of a value.

    A model's dump and some MCP servers write null for what they do not say, PHP `[]` for `{}`.
    """
    if value is None:
        return key in ("const", "default")
    return key not in _NOT_ABOUT_VALUES and not (key == "properties" and value == [])


def _letters(name: object) -> str | None:
    """Return what is left of a name when pydantic has made a title of it."""
    return re.sub(r"[\W_]+", "", name).lower() if isinstance(name, str) else None


def _in_one_spelling(node: JsonObject) -> JsonObject:
    """Rewrite older spellings on one level, whose inner schemas are rewritten already."""
    if isinstance(node.get("items"), list):
        if positions := node.pop("items"):
            node["prefixItems"] = positions
        if "additionalItems" in node:
            node["items"] = node.pop("additionalItems")
    if "const" in node:
        value = node.pop("const")
        known = node.get("enum")
        values = known if isinstance(known, list) else [value]
        node["enum"] = [member for member in values if is_same(member, value)]
    for exclusive, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if node.get(exclusive) is True and limit in node:
            node[exclusive] = node.pop(limit)
        elif isinstance(node.get(exclusive), bool):
            del node[exclusive]
    if "oneOf" in node and "anyOf" not in node:
        node = {("anyOf" if key == "oneOf" else key): value for key, value in node.items()}
    if "anyOf" in node or "oneOf" in node:
        node.pop("discriminator", None)
    return _folded(node)


def _lower_type(kind: Any) -> Any:
    """Return the type as JSON Schema writes it; Google's own schemas have `STRING`."""
    if isinstance(kind, list):
        return [_lower_type(member) for member in kind]
    return kind.lower() if isinstance(kind, str) and kind.lower() in TYPES else kind


def _folded(node: JsonObject) -> JsonObject:
    """Fold `allOf` into the schema around it, or leave all as it is."""
    members = node.get("allOf")
    if not isinstance(members, list):
        return node
    folded: Any = {}
    rest = {key: value for key, value in node.items() if key != "allOf"}
    # What stands around goes last: its words win over those of the members.
    for member in (*members, rest):
        folded = merge_schemas(folded, member)
        if not isinstance(folded, dict):
            return node
    return folded if isinstance(folded, dict) else node


def _with_target(target: Any, around: JsonObject) -> Any:
    """Return the schema that says what a reference's target and the words beside it say."""
    if not around:
        return target
    both = merge_schemas(target, around)
    return both if isinstance(both, dict) else {"allOf": [target, around]}


def _or_null(node: Any) -> JsonObject:
    """Return the schema that also allows null, which OpenAPI says by `nullable`."""
    words = {key: node[key] for key in ANNOTATIONS & node.keys()} if isinstance(node, dict) else {}
    rules = {key: node[key] for key in node if key not in words} if words else node
    if isinstance(rules, dict) and rules.keys() == {"anyOf"} and isinstance(rules["anyOf"], list):
        branches = rules["anyOf"]
    else:
        branches = [rules]
    return {**words, "anyOf": [*branches, {"type": "null"}]}


class _Fitter:
    """Second pass: unions stand alone, each level says only what the kind of schema can hold."""

    def __init__(self, where: str, *, in_function: bool) -> None:
        self._budget = _Budget(where)
        self._in_function = in_function

    def schema(self, node: Any, place: _Place) -> Any:
        """Return a schema as it leaves.

        Args:
            node: A schema of the first pass, or `true` or `false`.
            place: Where it stands.
        """
        self._budget.spend(place)
        if isinstance(node, bool):
            return _of_boolean(allowed=node) if self._in_function else node
        branches = alternatives(node, in_function=self._in_function)
        # `alternatives` gives the very node back where there is no union.
        if branches[0] is node:
            return self._level(node, place)
        if len(branches) == 1:  # another union may have come in sight
            return self.schema(branches[0], place.into(""))
        fitted: JsonObject = {}  # by their text: each once, in order
        for position, branch in enumerate(branches):
            member = self.schema(branch, place.into(f".anyOf[{position}]"))
            fitted.update((repr(inner), inner) for inner in members_of(member))
        members = [*fitted.values()]
        return members[0] if len(members) == 1 else {"anyOf": members}

    def _level(self, node: JsonObject, place: _Place) -> JsonObject:
        if self._in_function:
            node = with_implied_type(_with_known_type(node))
        node = without_strangers(node)
        if self._in_function:
            node = declare(node)
        level = {key: self._value(key, value, place) for key, value in node.items()}
        if level.get("type") == "array":
            level.setdefault("items", {})
        # A bare `required` beside `anyOf` says which branch is meant: left where it may stand.
        if "required" in level and (self._in_function or "type" in level or "properties" in level):
            _keep_defined(level)
        return level

    def _value(self, key: str, value: Any, place: _Place) -> Any:
        if key in _NAMED and isinstance(value, dict):
            return {
                name: self.schema(member, place.into(f".{key}.{name}"))
                for name, member in value.items()
            }
        if key in _SEVERAL and isinstance(value, list):
            return [
                self.schema(member, place.into(f".{key}[{position}]"))
                for position, member in enumerate(value)
            ]
        if key in _ONE and not (key == "additionalProperties" and isinstance(value, bool)):
            return self.schema(value, place.into(f".{key}"))
        return value


def _with_known_type(node: JsonObject) -> JsonObject:
    kind = node.get("type", "string")
    if isinstance(kind, str) and kind in TYPES:
        return node
    return tell_keyword({key: node[key] for key in node if key != "type"}, "type", kind)


def _of_boolean(*, allowed: bool) -> JsonObject:
    return {} if allowed else {"description": "leave this out"}


def _keep_defined(level: JsonObject) -> None:
    """Leave in `required` only the names of properties; without any it goes."""
    defined = level.get("properties")
    names = level.pop("required")
    if not isinstance(defined, dict) or not isinstance(names, list):
        return
    if kept := [name for name in dict.fromkeys(map(str, names)) if name in defined]:
        level["required"] = kept
