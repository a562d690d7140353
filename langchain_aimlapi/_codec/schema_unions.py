"""Unions in JSON schemas: the alternatives of a schema, each said whole, with nothing beside them.

In goes one level of a schema without references; out come the schemas of which a value fits at
least one.
"""

from __future__ import annotations

from langchain_aimlapi._codec.schema_merge import ANNOTATIONS, is_same, merge_schemas
from langchain_aimlapi._codec.schema_words import join_descriptions, tell_keyword
from langchain_aimlapi._json import JsonObject

Schema = JsonObject

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
TYPES = frozenset(_PYTHON_TYPES)
_ABOUT_NUMBERS = frozenset(
    {"exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"}
)
_ABOUT_ONE_TYPE: dict[str, frozenset[str]] = {
    "array": frozenset(
        {
            *("additionalItems", "contains", "items", "maxContains", "maxItems", "minContains"),
            *("minItems", "prefixItems", "unevaluatedItems", "uniqueItems"),
        }
    ),
    "integer": _ABOUT_NUMBERS,
    "number": _ABOUT_NUMBERS,
    "object": frozenset(
        {
            *("additionalProperties", "dependentRequired", "dependentSchemas", "maxProperties"),
            *("minProperties", "patternProperties", "properties", "propertyNames"),
            *("required", "unevaluatedProperties"),
        }
    ),
    "string": frozenset(
        {"contentEncoding", "contentMediaType", "maxLength", "minLength", "pattern"}
    ),
}
_ABOUT_SOME_TYPE = frozenset().union(*_ABOUT_ONE_TYPE.values())


def alternatives(node: Schema, *, in_function: bool) -> list[Schema]:
    """Return the schemas whose union this one is.

    Args:
        node: A schema without references.
        in_function: Whether what no branch can say is told in words, rather than by `allOf`.

    Returns:
        Schemas of one type each, or of none, with the words and rules of `node` inside; the
        first that is not null has its description. `[node]`, or its only branch, if it is no
        union.
    """
    # Both may stand in one node: the other becomes a rule of each branch, and is spread next.
    keyword = "anyOf" if "anyOf" in node else "oneOf"
    members = node.get(keyword)
    if isinstance(members, list) and members:
        rest = {key: value for key, value in node.items() if key != keyword}
        return _spread(rest, members, in_function=in_function)
    words = {key: value for key, value in node.items() if key in ANNOTATIONS}
    rules = {key: value for key, value in node.items() if key not in ANNOTATIONS}
    branches = _by_type(rules)
    return [node] if branches == [rules] else _with_words(branches, words)


def members_of(schema: Schema) -> list[Schema]:
    """Return the branches of a schema that is nothing but a union, else the schema as the only one.

    Args:
        schema: A schema.
    """
    members = schema.get("anyOf")
    return members if isinstance(members, list) and len(schema) == 1 else [schema]


def with_implied_type(node: Schema) -> Schema:
    """Return a schema of structure with the type that it speaks of: elsewhere that is refused.

    Args:
        node: A schema without unions.
    """
    if "type" in node:
        return node
    if "properties" in node:
        return {**node, "type": "object"}
    return {**node, "type": "array"} if "items" in node or "prefixItems" in node else node


def without_strangers(node: Schema) -> Schema:
    """Return the schema without keywords of other types than its own: they say nothing.

    Args:
        node: A schema.
    """
    kind = node.get("type")
    if not isinstance(kind, str) or kind not in TYPES:
        return node
    own = _ABOUT_ONE_TYPE.get(kind, frozenset())
    return {key: value for key, value in node.items() if key in own or key not in _ABOUT_SOME_TYPE}


def as_object(schema: Schema) -> Schema:
    """Return the parameters of a function as one object, where they are a union of objects.

    Args:
        schema: Parameters as they leave.

    Returns:
        An object with the properties of all branches; a property that is not the same in all is a
        union. Only what all branches require is required; the sets are told. Anything else than a
        union of objects comes back as it is.
    """
    members = [branch for branch in schema.get("anyOf", ()) if branch != {"type": "null"}]
    if not members or any(branch.get("type", "object") != "object" for branch in members):
        return schema
    if len(members) == 1:
        return dict(members[0])
    properties: dict[str, Schema] = {}
    for branch in members:
        for name, entry in branch.get("properties", {}).items():
            properties[name] = _either(properties[name], entry) if name in properties else entry
    required = [branch.get("required", []) for branch in members]
    common = [name for name in required[0] if all(name in names for names in required)]
    result: Schema = {"type": "object", "properties": properties}
    others = [branch.get("additionalProperties", True) for branch in members]
    if others[0] is not True and all(is_same(other, others[0]) for other in others):
        result["additionalProperties"] = others[0]
    if common:
        result["required"] = common
    descriptions = [branch["description"] for branch in members if "description" in branch]
    return {"description": " ".join([*descriptions, *_set_words(members, required)]), **result}


def _set_words(members: list[Schema], required: list[list[str]]) -> list[str]:
    """Say which fields go together."""
    names = [list(branch.get("properties", {})) for branch in members]
    words = [] if all(fields == names[0] for fields in names) else [f"Give {_sets(names)}."]
    if any(fields != required[0] for fields in required):
        words.append(f"Required are {_sets(required)}.")
    return words


def _sets(names: list[list[str]]) -> str:
    return " or ".join(f"{{{', '.join(fields)}}}" for fields in names)


def _either(left: Schema, right: Schema) -> Schema:
    # Tags of a union, most of the time: one enum reads better than an `anyOf` of enums.
    if "enum" in left and "enum" in right and {**left, "enum": None} == {**right, "enum": None}:
        return {**left, "enum": list(dict.fromkeys([*left["enum"], *right["enum"]]))}
    members: list[Schema] = []
    for entry in (left, right):
        for branch in members_of(entry):
            if not any(is_same(branch, member) for member in members):
                members.append(branch)
    return members[0] if len(members) == 1 else {"anyOf": members}


def _spread(rest: Schema, members: list[object], *, in_function: bool) -> list[Schema]:
    """Return the branches of an `anyOf`, each with the rules that stood beside it."""
    words = {key: value for key, value in rest.items() if key in ANNOTATIONS}
    rules = {key: value for key, value in rest.items() if key not in ANNOTATIONS}
    both = [
        merge_schemas({} if member is True else member, rules)
        for member in members
        if member is not False
    ]
    branches = [branch for branch in both if isinstance(branch, dict)]
    # `False` members hold for no value: the union is the same without them.
    if branches and None not in both:
        return _with_words(branches, words)
    if in_function:
        return [tell_keyword({**words, **rules}, "anyOf", members)]
    if None not in both:  # none of them can be
        return [{**words, "not": {}}]
    return [{**words, "allOf": [rules, {"anyOf": members}]}]


def _with_words(branches: list[Schema], words: Schema) -> list[Schema]:
    """Return the branches with the words that were said of all of them."""
    branches = [dict(branch) for branch in branches]
    target = next((branch for branch in branches if branch.get("type") != "null"), branches[0])
    for key, value in words.items():
        if key == "description":
            target[key] = join_descriptions(value, target.get(key))
        elif key != "default":
            target.setdefault(key, value)
        elif value is not None:  # a default of null says that it may be left out
            next((branch for branch in branches if _fits(value, branch)), target)[key] = value
    return branches


def _fits(value: object, branch: Schema) -> bool:
    """Tell whether a default is of a branch's type, and among its values."""
    kind, values = branch.get("type"), branch.get("enum")
    is_listed = not isinstance(values, list) or any(is_same(value, member) for member in values)
    return isinstance(kind, str) and _is_kind(value, kind) and is_listed


def _by_type(rules: Schema) -> list[Schema]:
    """Return a branch for each type that the rules allow."""
    kinds, values = rules.get("type"), rules.get("enum")
    if isinstance(kinds, list) and kinds:
        branches = [_of_kind(rules, str(kind)) for kind in kinds]
        fitting = [branch for branch in branches if branch is not None]
        return fitting or [{**rules, "type": str(kinds[0])}]  # no value is of any of the types
    if not isinstance(values, list) or not values:
        return [rules]
    if isinstance(kinds, str):
        return [branch] if (branch := _of_kind(rules, kind=kinds)) else [rules]
    return [branch for kind in _kinds_of(values) if (branch := _of_kind(rules, kind)) is not None]


def _kinds_of(values: list[object]) -> list[str]:
    """Return the JSON types of values, in their order; all numbers are of one."""
    kinds = [_kind_of(value) for value in values]
    # One branch for 1 and 1.5: an integer is a number.
    if "number" in kinds:
        kinds = ["number" if kind == "integer" else kind for kind in kinds]
    return list(dict.fromkeys(kinds))


def _kind_of(value: object) -> str:
    if isinstance(value, float):
        return "number"
    return next(kind for kind in _KINDS if _is_kind(value, kind))


_KINDS = ("boolean", "integer", "null", "string", "array", "object")


def _of_kind(rules: Schema, kind: str) -> Schema | None:
    """Return the rules for one type, or `None` if its `enum` has no value of it."""
    branch = without_strangers({**rules, "type": kind})
    if isinstance(values := rules.get("enum"), list):
        branch["enum"] = [value for value in values if _is_kind(value, kind)]
        if not branch["enum"]:
            return None
    if kind == "null":
        return {"type": "null", **{key: rules[key] for key in rules if key in _ABOUT_ANY_VALUE}}
    return branch


def _is_kind(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _PYTHON_TYPES.get(kind, object))
