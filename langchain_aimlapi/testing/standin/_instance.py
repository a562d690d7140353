"""The smallest JSON value that a JSON schema allows, with what the prompt offers for it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_aimlapi._json import JsonMapping, JsonObject

    Schema = JsonMapping

# A recursive schema has no end of its own.
_DEEPEST = 12
_MOST_VALUES = 10_000
_FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT1S",
    "email": "stand-in@example.com",
    "uri": "https://example.com/stand-in",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
}
_QUOTED = re.compile(r"(?<!\w)(?:'([^'\n]{1,200})'|\"([^\"\n]{1,200})\"|`([^`\n]{1,200})`)(?!\w)")
# As graders are asked: "Is it relevant, 'yes' or 'no'?"
_ALTERNATIVES = re.compile(r"(['\"`])(\w+)\1,? or (['\"`])(\w+)\3")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.]*\w)")
_PLACE = re.compile(r"\b[Ii]n ([A-Z][\w'-]*(?:,? [A-Z][\w'-]*)*)")
_PLACE_NAMES = ("city", "location", "place", "town", "country", "address", "region")


class Hints:
    """The usable parts of one prompt; each is handed out once, in the prompt's order.

    It also counts what is made for one answer: absurd schemas are refused, not followed.

    Args:
        prompt: The text of the user's message.
    """

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt
        self._left = _MOST_VALUES
        self._numbers = [json.loads(_plain(found)) for found in _NUMBER.findall(prompt)]
        self._quoted = ["".join(groups) for groups in _QUOTED.findall(prompt)]
        self._places = _PLACE.findall(prompt)

    def count(self, values: int) -> None:
        """Count values, or the characters that fill a text up.

        Raises:
            ValueError: The answer would hold more than 10,000 of them.
        """
        self._left -= values
        if self._left < 0:
            raise ValueError(f"its answer would hold more than {_MOST_VALUES:,} values")

    def text_for(self, name: str) -> str:
        """Return a text for the argument `name`: a place, a quotation, or one that says so."""
        if self._places and any(word in name.lower() for word in _PLACE_NAMES):
            return str(self._places.pop(0))
        return self._quoted.pop(0) if self._quoted else f"stand-in {name}".rstrip()

    def next_number(self, *, whole: bool) -> float | None:
        """Return the prompt's next number, or `None`; a whole one when `whole`."""
        for position, value in enumerate(self._numbers):
            if not whole or isinstance(value, int):
                del self._numbers[position]
                return value if whole else float(value)
        return None

    def mentioned(self, values: list[object]) -> object:
        """Return the first of `values` that the prompt mentions, else the first of all."""
        for value in values:
            if isinstance(value, str) and mentions(self._prompt, value):
                return value
        return values[0]


def _plain(number: str) -> str:
    """Return a number as JSON writes it: no leading zeros."""
    return re.sub(r"^(-?)0+(?=\d)", r"\1", number)


def mentions(prompt: str, word: str) -> bool:
    """Return whether `word` stands in the prompt as a word of its own, in any case."""
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", prompt, re.IGNORECASE) is not None


def calls_written(prompt: str, name: str) -> list[tuple[list[object], dict[str, object]]]:
    """Return the positional and named arguments of each `name(...)` that the prompt writes."""
    written = re.findall(rf"(?<!\w){re.escape(name)}\(([^()\n]*)\)", prompt)
    return [_arguments(text) for text in written]


def _arguments(text: str) -> tuple[list[object], dict[str, object]]:
    positional: list[object] = []
    named: dict[str, object] = {}
    for piece in filter(None, (piece.strip() for piece in text.split(","))):
        key, equals, value = piece.partition("=")
        if equals:
            named[key.strip()] = _value(value.strip())
        else:
            positional.append(_value(piece))
    return positional, named


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text.strip("'\"")


def keys_named(prompt: str) -> list[str]:
    """Return the keys that a prompt asking for JSON names, in quotes; `answer` if none."""
    quoted = ("".join(groups) for groups in _QUOTED.findall(prompt))
    return list(dict.fromkeys(key for key in quoted if key.isidentifier())) or ["answer"]


def instance(schema: Schema, *, hints: Hints | None = None) -> object:
    """Return a value of a schema: only what is required, in the order of its properties.

    Known are `$ref`, `const`, `enum`, `anyOf`, `oneOf`, `allOf`, `type`, `properties`,
    `required`, `items`, `prefixItems`, the limits of numbers, lengths and items, `format`
    and `default`; of a text, two quoted alternatives in its description. A `pattern` is not
    met: a real model's answer is needed for that.

    Args:
        schema: The JSON schema, such as a tool's `parameters`.
        hints: What the prompt offers: numbers, quoted texts, places.

    Raises:
        ValueError: It is no JSON schema, or its value would hold more than 10,000 values.
    """
    try:
        return _Walk(schema, hints or Hints("")).value(schema, "value", 0)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as failure:
        raise ValueError(f"not a JSON schema that can be answered: {failure}") from failure


class _Walk:
    def __init__(self, root: Schema, hints: Hints) -> None:
        self._root = root
        self._hints = hints

    def value(self, schema: object, name: str, depth: int) -> object:
        self._hints.count(1)
        if not isinstance(schema, dict) or depth > _DEEPEST:
            return None
        schema = self._flat(schema, depth)
        if "const" in schema or schema.get("enum"):
            allowed = [schema["const"]] if "const" in schema else [*schema["enum"]]
            chosen = self._hints.mentioned(allowed)
            self._hints.count(_size(chosen))
            return chosen
        makers = {
            "object": self._object,
            "array": self._array,
            "integer": self._number,
            "number": self._number,
            "boolean": lambda *_: True,
            "null": lambda *_: None,
        }
        return makers.get(_type(schema), self._string)(schema, name, depth)

    def _flat(self, schema: Schema, depth: int) -> Schema:
        """Return the schema without references or unions: the option that ends soonest."""
        for _ in range(_DEEPEST):
            if "$ref" in schema:
                schema = {**self._target(str(schema["$ref"])), **_without(schema, "$ref")}
            elif schema.get("allOf"):
                schema = _merge([_without(schema, "allOf"), *schema["allOf"]], self._target)
            elif options := schema.get("anyOf") or schema.get("oneOf"):
                chosen = _option(options, deep=depth > _DEEPEST // 2)
                schema = {**_without(schema, "anyOf", "oneOf"), **chosen}
            else:
                break
        return schema

    def _target(self, reference: str) -> Schema:
        target: Any = self._root
        for step in reference.lstrip("#").strip("/").split("/"):
            if step:
                key = step.replace("~1", "/").replace("~0", "~")
                target = target.get(key, {}) if isinstance(target, dict) else {}
        return target if isinstance(target, dict) else {}

    def _object(self, schema: Schema, _name: str, depth: int) -> JsonObject:
        properties = schema.get("properties") or {}
        required = schema.get("required") or []
        names = [name for name in properties if name in required]
        names += [name for name in required if name not in properties]
        return {name: self.value(properties.get(name, {}), name, depth + 1) for name in names}

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        firsts = schema.get("prefixItems") or []
        items = [self.value(first, name, depth + 1) for first in firsts]
        item = schema.get("items")
        least = schema.get("minItems", 0 if depth > _DEEPEST // 2 else 1)
        most = schema.get("maxItems", max(least, len(items)))
        if isinstance(item, dict):
            items += [self.value(item, name, depth + 1) for _ in range(least - len(items))]
        return items[:most]

    def _number(self, schema: Schema, _name: str, _depth: int) -> float:
        whole = _type(schema) == "integer"
        offered = self._hints.next_number(whole=whole)
        if offered is not None and _fits(offered, schema):
            return offered
        return _least(schema, whole=whole)

    def _string(self, schema: Schema, name: str, _depth: int) -> str:
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        named = _ALTERNATIVES.search(str(schema.get("description", "")))
        if named:
            return str(self._hints.mentioned([named[2], named[4]]))
        text = self._hints.text_for(name)
        least = schema.get("minLength", 0)
        self._hints.count(max(0, least - len(text)))
        text = text.ljust(least, ".")
        return text[: schema.get("maxLength")]


def _size(value: object) -> int:
    """Return how many values a JSON value holds."""
    if isinstance(value, dict):
        value = [*value.values()]
    return sum(1 + _size(member) for member in value) if isinstance(value, list) else 0


def _type(schema: Schema) -> str:
    declared = schema.get("type")
    if isinstance(declared, list):
        return str(next((kind for kind in declared if kind != "null"), "null"))
    if isinstance(declared, str):
        return declared
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def _without(schema: Schema, *names: str) -> JsonObject:
    return {name: value for name, value in schema.items() if name not in names}


def _option(options: list[Any], *, deep: bool) -> Schema:
    known = [option for option in options if isinstance(option, dict)] or [{}]
    nulls = [option for option in known if option.get("type") == "null"]
    others = [option for option in known if option.get("type") != "null"]
    # Deep down a null ends the recursion; near the top it would be no answer.
    return (nulls or known)[0] if deep else (others or known)[0]


def _merge(schemas: list[Any], target: Callable[[str], Schema]) -> JsonObject:
    merged: JsonObject = {}
    for schema in (option for option in schemas if isinstance(option, dict)):
        flat = {**target(str(schema["$ref"])), **schema} if "$ref" in schema else schema
        for name, value in _without(flat, "$ref").items():
            if name == "properties":
                merged[name] = {**merged.get(name, {}), **value}
            elif name == "required":
                merged[name] = [*merged.get(name, []), *value]
            else:
                merged[name] = value
    return merged


def _fits(value: float, schema: Schema) -> bool:
    multiple = schema.get("multipleOf")
    return (
        schema.get("minimum", value) <= value <= schema.get("maximum", value)
        and schema.get("exclusiveMinimum", value - 1) < value
        and value < schema.get("exclusiveMaximum", value + 1)
        and (not multiple or value % multiple == 0)
    )


def _least(schema: Schema, *, whole: bool) -> float:
    """Return 1, or the number nearest to the lower limit that the limits allow."""
    step = schema.get("multipleOf") or (1 if whole else 0.5)
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    start = low if low is not None else high if high is not None else 1
    multiple = -(-start // step) * step if schema.get("multipleOf") or whole else start
    # 1 where it is allowed: a count of zero makes many a program under test do nothing.
    around = (1, start, multiple, multiple + step, start - step, multiple - step)
    found = next((value for value in around if _fits(value, schema)), start)
    return int(found) if whole else float(found)
