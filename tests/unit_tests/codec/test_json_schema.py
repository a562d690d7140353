"""Laws of rewritten JSON schemas: the same meaning, in words that the endpoint takes."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_aimlapi._codec.json_schema import encoded_schema

if TYPE_CHECKING:
    from collections.abc import Callable

WHERE = "tool 'search': parameters"


def encoded(schema: dict[str, Any], **settings: bool) -> dict[str, Any]:
    before = copy.deepcopy(schema)
    result = encoded_schema(schema, where=WHERE, **settings)
    assert schema == before, "the user's schema was changed"
    return result


# A judge of its own: the meaning of the keywords, as JSON Schema 2020-12 (and OpenAPI) define them.

TYPES: dict[str, Any] = {
    "array": list,
    "boolean": bool,
    "integer": int,
    "null": type(None),
    "object": dict,
    "string": str,
}


def is_type(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, TYPES[kind])


def accepts(schema: Any, value: Any, root: dict[str, Any]) -> bool:
    if isinstance(schema, bool):
        return schema
    if schema.get("nullable") and value is None:
        return True
    return all(RULES[word](rule, value, schema, root) for word, rule in schema.items())


def has_type(rule: Any, value: Any, _schema: Any, _root: Any) -> bool:
    return any(is_type(value, kind) for kind in ([rule] if isinstance(rule, str) else rule))


def fits_reference(rule: Any, value: Any, _schema: Any, root: dict[str, Any]) -> bool:
    return accepts(root["$defs"][rule.rpartition("/")[2]], value, root)


def fits_one(rule: Any, value: Any, _schema: Any, root: dict[str, Any]) -> bool:
    return any(accepts(one, value, root) for one in rule)


def has_fitting_properties(rule: Any, value: Any, schema: Any, root: dict[str, Any]) -> bool:
    if not isinstance(value, dict):
        return True
    others = schema.get("additionalProperties", True)
    return all(accepts(rule.get(key, others), one, root) for key, one in value.items())


RULES: dict[str, Callable[[Any, Any, Any, dict[str, Any]], bool]] = {
    "$defs": lambda *_: True,
    "$ref": fits_reference,
    "additionalProperties": lambda _, value, schema, root: has_fitting_properties(
        schema.get("properties", {}), value, schema, root
    ),
    "allOf": lambda rule, value, _, root: all(accepts(one, value, root) for one in rule),
    "anyOf": fits_one,
    "const": lambda rule, value, *_: repr(rule) == repr(value),
    "description": lambda *_: True,
    "enum": lambda rule, value, *_: repr(value) in map(repr, rule),
    "items": lambda rule, value, _, root: (
        not isinstance(value, list) or all(accepts(rule, one, root) for one in value)
    ),
    "minLength": lambda rule, value, *_: not isinstance(value, str) or len(value) >= rule,
    "nullable": lambda *_: True,
    "oneOf": fits_one,  # as rewritten: see the module's docstring
    "properties": has_fitting_properties,
    "required": lambda rule, value, *_: not isinstance(value, dict) or set(rule) <= value.keys(),
    "type": has_type,
}


scalars = st.sampled_from([None, True, 0, 1, "", "a", "bb"])
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3)
    ),
    max_leaves=5,
)


def with_references(names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return schemas that may refer to the definitions of these one-letter names."""
    leaf: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
        {}, optional={"type": kinds | st.lists(kinds, min_size=1, unique=True), **plain}
    )
    if names:
        references = st.sampled_from([f"#/$defs/{name}" for name in names])
        leaf |= st.fixed_dictionaries(
            {"$ref": references}, optional={"description": st.just("b"), "minLength": st.just(1)}
        )
    return st.recursive(leaf, keywords, max_leaves=4)


kinds = st.sampled_from(list(TYPES))
plain: dict[str, st.SearchStrategy[Any]] = {
    "enum": st.lists(scalars, min_size=1, max_size=3, unique_by=repr),
    "const": scalars,
    "nullable": st.booleans(),
    "minLength": st.integers(0, 2),
    "description": st.just("a"),
}


def keywords(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    several = st.lists(inner, min_size=1, max_size=2)
    composed = st.fixed_dictionaries(
        {}, optional={"anyOf": several, "oneOf": several, "allOf": several, **plain}
    )
    structured = st.fixed_dictionaries(
        {"properties": st.dictionaries(st.sampled_from("xyz"), inner, max_size=2)},
        optional={
            "type": st.sampled_from(["object", ["object", "null"], ["array", "object"]]),
            "items": inner,
            "required": st.lists(st.sampled_from("xyz"), max_size=2, unique=True),
            "additionalProperties": st.booleans(),
            "allOf": several,
        },
    )
    return composed | structured


# Definitions refer only to later ones, so none is recursive.
roots = st.builds(
    lambda root, a, b: {**root, "$defs": {"A": a, "B": b}},
    with_references("AB"),
    with_references("B"),
    with_references(""),
)


def words(schema: Any) -> set[str]:
    """Return the keywords of a schema, at all depths (names of properties are `x`, `y`, `z`)."""
    if isinstance(schema, dict):
        return set(schema).union(*map(words, schema.values()))
    return set().union(*map(words, schema)) if isinstance(schema, list) else set()


@given(root=roots, value=values)
def test_the_rewritten_schema_accepts_the_same_values(root: dict[str, Any], value: Any) -> None:
    assert accepts(root, value, root) == accepts(encoded(root), value, {})


@given(root=roots)
def test_the_rewritten_schema_needs_no_more_rewriting(root: dict[str, Any]) -> None:
    once = encoded(root)
    assert encoded(once) == once
    assert not words(once) & {"$ref", "$defs", "const", "nullable"}


@given(root=roots)
def test_no_keyword_is_added_but_those_that_replace_one(root: dict[str, Any]) -> None:
    assert words(encoded(root)) - words(root) <= {"anyOf", "enum", "type", "allOf"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, {}),
        ({"const": "a", "type": "string"}, {"type": "string", "enum": ["a"]}),
        ({"const": None}, {"type": "null"}),
        ({"const": 1, "enum": [1, 2]}, {"enum": [1]}),
        ({"type": ["string", "null"], "enum": ["a"]}, {"type": "string", "enum": ["a"]}),
        ({"type": "string", "enum": ["a", None]}, {"type": "string", "enum": ["a", None]}),
        ({"const": 1, "enum": [True]}, {"enum": []}),
        (
            {"const": None, "not": {"type": "null"}},
            {"type": "null", "not": {"type": "null"}},
        ),
        (
            {"type": ["string", "null"], "description": "d", "minLength": 1},
            {"description": "d", "anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}]},
        ),
        ({"type": ["string"]}, {"type": "string"}),
        ({"type": [], "title": "t"}, {"type": [], "title": "t"}),
        (
            {"type": ["integer", "string"], "enum": [1, "a"]},
            {"anyOf": [{"type": "integer", "enum": [1]}, {"type": "string", "enum": ["a"]}]},
        ),
        (
            {"type": ["boolean", "number", "array", "object"], "enum": [True, 1.5, [1], {}]},
            {
                "anyOf": [
                    {"type": "boolean", "enum": [True]},
                    {"type": "number", "enum": [1.5]},
                    {"type": "array", "enum": [[1]]},
                    {"type": "object", "enum": [{}]},
                ]
            },
        ),
        (
            {"type": ["string", "null"], "anyOf": [{"minLength": 2}]},
            {"type": ["string", "null"], "anyOf": [{"minLength": 2}]},
        ),
        ({"enum": ["a", None]}, {"anyOf": [{"enum": ["a"]}, {"type": "null"}]}),
        (
            {"type": "string", "nullable": True},
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "integer"}], "nullable": True},
            {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
        ),
        ({"type": ["null", "string"], "nullable": True}, None),
        ({"type": "string", "nullable": False}, {"type": "string"}),
        (
            {"type": "array", "items": [{"type": "integer"}], "additionalItems": False},
            {"type": "array", "prefixItems": [{"type": "integer"}], "items": False},
        ),
        (
            {"type": "array", "items": [{"type": "integer"}]},
            {"type": "array", "prefixItems": [{"type": "integer"}]},
        ),
        (
            {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        ),
        (
            {"oneOf": [{"type": "string"}], "anyOf": [{"minLength": 1}]},
            {"oneOf": [{"type": "string"}], "anyOf": [{"minLength": 1}]},
        ),
        ({"pattern": "a+", "format": "email"}, {"pattern": "a+", "format": "email"}),
        ({"not": {"const": 1}}, {"not": {"enum": [1]}}),
        ({"allOf": "odd"}, {"allOf": "odd"}),
        ({"properties": "odd"}, {"properties": "odd"}),
        ({"nullable": True, "anyOf": "odd"}, {"anyOf": [{"anyOf": "odd"}, {"type": "null"}]}),
    ],
)
def test_one_rewriting(schema: dict[str, Any], expected: dict[str, Any] | None) -> None:
    wanted = {"anyOf": [{"type": "null"}, {"type": "string"}]} if expected is None else expected
    assert encoded(schema) == wanted


def test_definitions_are_written_out_where_they_are_used_and_the_outer_words_win() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:x",
        "$comment": "c",
        "properties": {
            "home": {"$ref": "#/$defs/a~1b%20c", "description": "where they live"},
            "definitions": {"type": "string"},
        },
        "$defs": {"a/b c": {"type": "object", "description": "an address"}},
    }
    assert encoded(schema) == {
        "properties": {
            "home": {"type": "object", "description": "where they live"},
            "definitions": {"type": "string"},
        }
    }


def test_what_is_not_a_schema_is_not_rewritten() -> None:
    opaque = {"$ref": "#/x", "const": 1, "title": "t", "$defs": {}}
    schema = {"default": opaque, "examples": [opaque], "enum": [opaque]}
    assert encoded(schema, drop_made_titles=True) == schema


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([{"$ref": "#/$defs/P"}], {"properties": {"x": {"type": "integer"}}, "required": ["x"]}),
        (
            [{"$ref": "#/$defs/P"}, {"properties": {"y": {}}, "required": ["y"]}],
            {"properties": {"x": {"type": "integer"}, "y": {}}, "required": ["x", "y"]},
        ),
        (
            [{"properties": {"x": {"minimum": 1}}}, {"properties": {"x": {"maximum": 2}}}],
            {"properties": {"x": {"minimum": 1, "maximum": 2}}},
        ),
    ],
)
def test_all_of_is_folded_where_one_schema_says_it(
    members: list[dict[str, Any]], expected: dict[str, Any]
) -> None:
    definitions = {"P": {"properties": {"x": {"type": "integer"}}, "required": ["x"]}}
    result = encoded({"allOf": members, "description": "d", "$defs": definitions})
    assert result == {**expected, "description": "d"}


@pytest.mark.parametrize(
    "members",
    [
        [{"minimum": 1}, {"minimum": 2}],
        [{"properties": {"x": {"minimum": 1}}}, {"properties": {"x": {"minimum": 2}}}],
        [{"properties": {"x": {}}, "additionalProperties": False}, {"properties": {"y": {}}}],
        [{"if": {"minimum": 1}}, {"then": {"maximum": 3}}],
        [{"minimum": 1}, True],
    ],
)
def test_all_of_is_left_where_no_one_schema_says_it(members: list[Any]) -> None:
    assert encoded({"allOf": members}) == {"allOf": members}


def test_words_beside_a_reference_that_clash_with_it_hold_as_well() -> None:
    schema = {"x": {"$ref": "#/$defs/A", "minimum": 2}}
    result = encoded({"properties": schema, "$defs": {"A": {"minimum": 1}}})
    assert result == {"properties": {"x": {"allOf": [{"minimum": 1}, {"minimum": 2}]}}}


def test_a_tagged_union_keeps_its_tags_and_loses_the_pointers() -> None:
    schema = {
        "discriminator": {"mapping": {"cat": "#/$defs/Cat"}, "propertyName": "kind"},
        "oneOf": [{"$ref": "#/$defs/Cat"}],
        "$defs": {"Cat": {"properties": {"kind": {"const": "cat"}}}},
    }
    assert encoded(schema) == {"anyOf": [{"properties": {"kind": {"enum": ["cat"]}}}]}


@pytest.mark.parametrize(
    ("root", "expected"), [(True, {"allOf": [True]}), ({"type": "object"}, {"type": "object"})]
)
def test_the_root_may_be_a_reference(root: Any, expected: dict[str, Any]) -> None:
    assert encoded({"$ref": "#/$defs/A", "$defs": {"A": root}}) == expected


def test_a_reference_may_lead_into_a_list() -> None:
    schema = {"anyOf": [{"type": "string"}, {"items": {"$ref": "#/anyOf/0"}}]}
    assert encoded(schema) == {"anyOf": [{"type": "string"}, {"items": {"type": "string"}}]}


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"kids": {"items": {"$ref": "#"}}}},
        {"$ref": "#/$defs/Node", "$defs": {"Node": {"items": {"$ref": "#/$defs/Node"}}}},
        {
            "properties": {"a": {"$ref": "#/$defs/A"}},
            "$defs": {"A": {"not": {"$ref": "#/$defs/B"}}, "B": {"anyOf": [{"$ref": "#/$defs/A"}]}},
        },
    ],
)
def test_a_recursive_schema_is_refused_with_its_name_and_a_way_out(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"tool 'search': parameters.*recursive.*json_mode"):
        encoded(schema)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"$ref": "https://example.org/a.json"}, "outside of the schema"),
        ({"$ref": "#anchor"}, "outside of the schema"),
        ({"$ref": 7}, "outside of the schema"),
        ({"properties": {"a": {"$ref": "#/$defs/Gone"}}}, r"\.properties\.a refers.*not in the"),
        ({"$ref": "#/anyOf/9", "anyOf": [{}]}, "not in the schema"),
        ({"anyOf": [{}, {"items": 7}]}, r"\.anyOf\[1\]\.items must be a JSON schema, not 7"),
    ],
)
def test_what_cannot_be_written_out_is_an_error_that_names_the_place(
    schema: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        encoded(schema)


def test_titles_that_pydantic_made_go_and_titles_that_say_something_stay() -> None:
    schema = {
        "properties": {
            "zip_code": {"title": "Zip Code", "type": "string"},
            "title": {"title": "Title", "type": "string"},
            "home": {"title": "Where they live", "$ref": "#/$defs/Address"},
            "box": {"$ref": "#/$defs/Box_int_"},
        },
        "$defs": {
            "Address": {"title": "Address", "type": "object"},
            "Box_int_": {"title": "Box[int]", "type": "object"},
        },
    }
    assert encoded(schema, drop_made_titles=True) == {
        "properties": {
            "zip_code": {"type": "string"},
            "title": {"type": "string"},
            "home": {"title": "Where they live", "type": "object"},
            "box": {"type": "object"},
        }
    }
    assert encoded(schema)["properties"]["zip_code"]["title"] == "Zip Code"
