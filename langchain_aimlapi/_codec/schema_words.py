"""What Gemini's function declarations have no keyword for, told in the description instead.

In goes one level of a schema whose references are written out, out comes the same level in the
keywords that Google documents for declarations; what else it demanded stands in its description,
in words that a model obeys: `one of 1, 2`, `a URL`. The table in `json_schema` says why.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from langchain_aimlapi._codec.schema_merge import is_same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from langchain_aimlapi._json import JsonObject

    Schema = JsonObject

# The fields of Google's `Schema` object, as far as they may stand in a declaration.
DOCUMENTED = frozenset(
    {
        *("additionalProperties", "anyOf", "default", "description", "enum", "example", "format"),
        *("items", "maxItems", "maxLength", "maxProperties", "maximum", "minItems", "minLength"),
        *("minProperties", "minimum", "nullable", "pattern", "properties", "propertyOrdering"),
        *("required", "title", "type"),
    }
)
_FORMATS = {
    "integer": ("int32", "int64"),
    "number": ("double", "float"),
    "string": ("date-time", "enum"),
}
_FORMAT_WORDS = {
    "binary": "bytes",
    "byte": "bytes in base64",
    "date": "a date as YYYY-MM-DD",
    "date-time": "a date and time as YYYY-MM-DDTHH:MM:SSZ",
    "duration": "an ISO 8601 duration such as P1DT2H",
    "email": "an e-mail address",
    "hostname": "a host name",
    "idn-email": "an e-mail address",
    "ipv4": "an IPv4 address",
    "ipv6": "an IPv6 address",
    "json-pointer": "a JSON pointer",
    "json-string": "JSON as text",
    "regex": "a regular expression",
    "time": "a time as HH:MM:SS",
    "uri": "a URL",
    "url": "a URL",
    "uuid": "a UUID",
    "uuid4": "a UUID, version 4",
}
# Keywords of JSON Schema that no short phrase says: the model reads them as they are.
_AS_JSON = (
    *("allOf", "contains", "contentEncoding", "contentMediaType", "contentSchema"),
    *("dependencies", "dependentRequired", "dependentSchemas", "else", "if", "maxContains"),
    *("minContains", "not", "oneOf", "patternProperties", "propertyNames", "then"),
    *("unevaluatedItems", "unevaluatedProperties"),
)


def declare(node: Schema) -> Schema:
    """Return one level of a schema as a function declaration can hold it.

    Args:
        node: A schema without references, of one type or of none; inner schemas are left as they
            are.

    Returns:
        A new schema of documented keywords. It allows all that `node` allows.
    """
    result = dict(node)
    words = [word for change in _CHANGES for word in change(result)]
    for key in [key for key in result if key not in DOCUMENTED]:
        del result[key]
    if words:
        result["description"] = _told(result.get("description"), words)
    return result


def tell_keyword(node: Schema, keyword: str, value: object) -> Schema:
    """Return the schema with a keyword told in its description, as JSON.

    Args:
        node: A schema.
        keyword: A keyword of JSON Schema.
        value: Its value.
    """
    return {**node, "description": _told(node.get("description"), [_as_json(keyword, value)])}


def join_descriptions(outer: object, inner: object) -> str:
    """Return two descriptions of one value as one text.

    Args:
        outer: What is said of the place.
        inner: What is said of the type that stands there.
    """
    if not outer or not inner or is_same(outer, inner):
        return str(outer or inner)
    text = str(outer)
    return f"{text}{'' if text.endswith(('.', '!', '?', ':')) else '.'} {inner}"


def _told(description: object, words: list[str]) -> str:
    phrase = "; ".join(words)
    return f"{description} ({phrase})" if description else phrase


def _as_json(keyword: str, value: object) -> str:
    return f"JSON Schema {keyword} {_text(value)}"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _listed(values: list[object]) -> str:
    return ", ".join(map(_text, values))


def _enum(node: Schema) -> Iterator[str]:
    values = node.get("enum")
    is_text = isinstance(values, list) and all(isinstance(value, str) for value in values)
    if values is None or (values and is_text and node.get("type") == "string"):
        return
    del node["enum"]
    if not isinstance(values, list):
        yield _as_json("enum", values)
    elif not values:
        yield "no value is allowed"
    elif len(values) == 1:
        yield f"always {_text(values[0])}"
    elif node.get("type") != "boolean":  # both booleans restrict nothing
        yield f"one of {_listed(values)}"


def _bounds(node: Schema) -> Iterator[str]:
    for key, limit, words in (
        ("exclusiveMinimum", "minimum", "greater than"),
        ("exclusiveMaximum", "maximum", "less than"),
    ):
        bound = node.pop(key, None)
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            continue
        if node.get("type") != "integer":
            yield f"{words} {_text(bound)}"
        elif limit == "minimum":
            node[limit] = max(node.get(limit, -math.inf), math.floor(bound) + 1)
        else:
            node[limit] = min(node.get(limit, math.inf), math.ceil(bound) - 1)


def _tuple(node: Schema) -> Iterator[str]:
    """Let `items` allow what any position of a tuple allows; the positions are told."""
    first = node.pop("prefixItems", None)
    rest = node.get("items", True)
    if isinstance(first, list):
        kinds = [*first] if rest is False else [*first, {} if rest is True else rest]
        if "items" not in node and _most(node) <= len(first):
            kinds = [*first]  # nothing can follow them
        node["items"] = {"anyOf": kinds} if len(kinds) > 1 else kinds[0] if kinds else {}
        yield "in this order: " + ", ".join(map(_kind_words, first))
    if rest is False:
        limit = len(first) if isinstance(first, list) else 0
        node["maxItems"] = min(_most(node), limit)
        if node["items"] is False:
            node["items"] = {}


def _most(node: Schema) -> float:
    most = node.get("maxItems")
    return most if isinstance(most, int | float) else math.inf


def _kind_words(node: object) -> str:
    if isinstance(node, dict):
        for key in ("description", "title", "enum", "type"):
            if word := node.get(key):
                return word if isinstance(word, str) else _text(word)
    return "anything"


def _format(node: Schema) -> Iterator[str]:
    name = node.get("format")
    if name is None or name in _FORMATS.get(node.get("type", ""), ()):
        return
    del node["format"]
    yield _FORMAT_WORDS.get(str(name), f"in the format {name}")


def _short(node: Schema) -> Iterator[str]:
    if node.pop("uniqueItems", False) is True:
        yield "no item twice"
    if "multipleOf" in node:
        yield f"a multiple of {_text(node.pop('multipleOf'))}"
    if isinstance(node.get("examples"), list) and node["examples"]:
        yield f"for example {_listed(node.pop('examples'))}"
    if node.pop("deprecated", False) is True:
        yield "deprecated"


def _other(node: Schema) -> Iterator[str]:
    for key in _AS_JSON:
        if key in node:
            yield _as_json(key, node.pop(key))
    if "anyOf" in node:  # no list of branches, or an empty one
        yield _as_json("anyOf", node.pop("anyOf"))


_CHANGES: tuple[Callable[[Schema], Iterator[str]], ...] = (
    _enum,
    _bounds,
    _tuple,
    _format,
    _short,
    _other,
)
