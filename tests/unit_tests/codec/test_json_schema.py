"""Laws of rewritten JSON schemas: the same meaning, in words that the endpoint takes."""

from __future__ import annotations

import copy
from array import array
from types import MappingProxyType
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_aimlapi._codec.json_schema import _rewritten, _rewritten_once, encoded_schema
from langchain_aimlapi._codec.schema_merge import merge_schemas
from langchain_aimlapi.testing.standin._declarations import declaration_problem
from tests.unit_tests.codec.schema_judge import TYPES, accepts

Kind = Literal["function", "response"]
WHERE = "tool 'search': parameters"


def encoded(schema: dict[str, Any], kind: Kind = "response", *, made: bool = False) -> Any:
    before = copy.deepcopy(schema)
    result = encoded_schema(schema, where=WHERE, kind=kind, drop_made_titles=made)
    assert schema == before, "the user's schema was changed"
    return result


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
            "additionalProperties": st.booleans(),
            "allOf": several,
        },
    )
    return composed | structured | structured.map(with_all_required)


def with_object_type(schema: Any) -> Any:
    """Return the schema saying of what has properties that it is an object: declarations do."""
    if isinstance(schema, list):
        return [with_object_type(member) for member in schema]
    if not isinstance(schema, dict):
        return schema
    typed = {key: with_object_type(value) for key, value in schema.items()}
    implied = {"properties": "object", "items": "array"}
    kinds = [kind for key, kind in implied.items() if key in typed]
    return {"type": kinds[0], **typed} if kinds else typed


def with_all_required(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "required": [*schema["properties"]]}


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
def test_a_schema_that_was_rewritten_before_is_rewritten_the_same(root: dict[str, Any]) -> None:
    kinds: list[Literal["function", "response"]] = ["function", "response"]
    for kind in kinds:
        options: dict[str, Any] = {"where": "tool 'f'", "drop_made_titles": True}
        first = encoded_schema(root, kind=kind, **options)
        again = encoded_schema(copy.deepcopy(root), kind=kind, **options)
        assert repr(again) == repr(first) == repr(_rewritten((root, "tool 'f'", kind, True)))


def test_a_schema_that_is_changed_in_place_is_another_one_and_no_result_is_shared() -> None:
    root: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}}}
    first = encoded(root)
    root["properties"]["a"]["minimum"] = 1
    assert encoded(root)["properties"]["a"] == {"type": "integer", "minimum": 1}
    root["properties"]["a"]["minimum"] = True
    first["properties"]["a"]["type"] = "string"
    del root["properties"]["a"]["minimum"]
    assert encoded(root)["properties"]["a"] == {"type": "integer"}


def test_a_schema_of_a_mapping_that_json_has_not_is_rewritten_too() -> None:
    properties = {"a": {"type": "integer"}}
    schema = MappingProxyType({"type": "object", "properties": properties})
    assert encoded_schema(schema, where="x", kind="response")["properties"] == properties
    odd = {"type": "object", "properties": {"a": {"default": object()}}}
    with pytest.raises(ValueError, match="which JSON cannot say"):
        encoded_schema(odd, where="x", kind="response")


def test_numbers_and_texts_of_numpy_are_those_of_json() -> None:
    numpy: Any = pytest.importorskip("numpy")
    number = {"type": "number", "minimum": numpy.float64(0.5), "default": numpy.float64(1)}
    names = {"type": "string", "enum": [*numpy.array(["a", "b"])]}
    root = {
        "type": "object",
        "properties": {"x": number, "y": names},
        "required": [*numpy.array(["x"])],
    }
    for _ in range(2):
        assert encoded(root) == root
    with pytest.raises(ValueError, match=r"default is array\('d'"):
        encoded({"properties": {"x": {"type": "number", "default": array("d", [1.0])}}})


@pytest.mark.parametrize("words", ["short", "long" * 20_000])
@pytest.mark.parametrize("made_by", [dict, MappingProxyType])
def test_what_comes_out_shares_nothing_with_the_schema_however_long_it_is(
    words: str, made_by: Any
) -> None:
    values: list[Any] = ["x", words]
    held = {"type": "object", "default": {"k": [1]}}
    schema = made_by({"type": "object", "properties": {"a": {"enum": values}, "b": held}})
    result = encoded_schema(schema, where=WHERE, kind="response")
    before = copy.deepcopy(result)
    values.append("late")
    held["default"]["k"].append(2)  # type: ignore[index]
    assert result == before
    result["properties"]["b"]["default"]["k"].clear()
    assert held["default"] == {"k": [1, 2]}


@pytest.mark.parametrize("levels", range(100, 1000, 100))
@pytest.mark.parametrize("words", ["short", "x" * 70_000])
@pytest.mark.parametrize("made_by", [dict, MappingProxyType])
def test_a_schema_with_a_deep_default_is_written_or_refused_in_our_words(
    made_by: Any, words: str, levels: int
) -> None:
    deep: Any = words
    for _ in range(levels):
        deep = [deep]
    schema = made_by({"type": "array", "default": deep})
    refused = ""
    try:
        written = encoded_schema(schema, where=WHERE, kind="response")["default"]
    except ValueError as error:
        refused, written = str(error), deep
    assert written == deep
    assert not refused or ("nested too deep" in refused and levels > 300)


def test_how_many_rewritten_schemas_are_kept_is_bounded_and_long_ones_are_not() -> None:
    kept = _rewritten_once.cache_info
    for number in range(300):
        encoded({"type": "object", "title": f"T{number}", "properties": {}})
    assert kept().currsize == 256
    before = kept().misses
    long = {"type": "object", "properties": {}, "description": "x" * 70_000}
    assert encoded(long)["description"] == long["description"]
    assert kept().misses == before


@given(root=roots, value=values)
def test_a_declaration_accepts_all_that_the_schema_accepts(
    root: dict[str, Any], value: Any
) -> None:
    root = with_object_type(root)
    declared = encoded({"properties": {"x": root}, "$defs": root["$defs"]}, "function")
    if accepts(root, value, root):
        assert accepts(declared["properties"]["x"], value, {})


@given(root=roots)
def test_a_declaration_has_only_what_is_documented(root: dict[str, Any]) -> None:
    parameters = {"type": "object", "properties": {"x": root}, "$defs": root["$defs"]}
    function = {"name": "f", "parameters": encoded(parameters, "function")}
    assert declaration_problem(function) is None


@given(root=roots, kind=st.sampled_from(["function", "response"]))
def test_the_rewritten_schema_needs_no_more_rewriting(root: dict[str, Any], kind: Kind) -> None:
    once = encoded(root, kind)
    assert not words(once) & {"$ref", "$defs", "const", "nullable"}
    if "allOf" not in words(once):  # what could not be folded before may be after
        assert encoded(once, kind) == once


@given(root=roots)
def test_no_keyword_is_added_but_those_that_replace_one(root: dict[str, Any]) -> None:
    added = words(encoded(root)) - words(root)
    assert added <= {"anyOf", "enum", "type", "allOf", "items", "not"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, {}),
        ({"const": "a", "type": "string"}, {"type": "string", "enum": ["a"]}),
        ({"const": None}, {"type": "null"}),
        ({"const": 1, "enum": [1, 2]}, {"type": "integer", "enum": [1]}),
        ({"type": ["string", "null"], "enum": ["a"]}, {"type": "string", "enum": ["a"]}),
        ({"type": "string", "enum": ["a", None]}, {"type": "string", "enum": ["a"]}),
        ({"const": 1, "enum": [True]}, {"enum": []}),
        (
            {"const": None, "not": {"type": "null"}},
            {"type": "null", "not": {"type": "null"}},
        ),
        (
            {"type": ["string", "null"], "description": "d", "minLength": 1},
            {"anyOf": [{"type": "string", "minLength": 1, "description": "d"}, {"type": "null"}]},
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
                    {"type": "array", "enum": [[1]], "items": {}},
                    {"type": "object", "enum": [{}]},
                ]
            },
        ),
        (
            {"type": ["string", "null"], "anyOf": [{"minLength": 2}]},
            {"anyOf": [{"type": "string", "minLength": 2}, {"type": "null"}]},
        ),
        ({"enum": ["a", None]}, {"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]}),
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
            {"type": "array", "prefixItems": [{"type": "integer"}], "items": {}},
        ),
        (
            {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        ),
        (
            {"oneOf": [{"type": "string"}], "anyOf": [{"minLength": 1}]},
            {"type": "string", "minLength": 1},
        ),
        ({"pattern": "a+", "format": "email"}, {"pattern": "a+", "format": "email"}),
        ({"not": {"const": 1}}, {"not": {"type": "integer", "enum": [1]}}),
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
    result = encoded(schema, made=True)
    assert result == {**schema, "type": "object"}


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([{"$ref": "#/$defs/P"}], {"properties": {"x": {"type": "integer"}}, "required": ["x"]}),
        (
            [{"$ref": "#/$defs/P"}, {"properties": {"y": {}}, "required": ["y"]}],
            {"properties": {"x": {"type": "integer"}, "y": {}}, "required": ["x", "y"]},
        ),
        ([{"minimum": 1}, {"minimum": 2}], {"minimum": 2}),
        (
            [{"properties": {"x": {"maximum": 1}}}, {"properties": {"x": {"maximum": 2}}}],
            {"properties": {"x": {"maximum": 1}}},
        ),
        ([{"type": ["integer", "null"]}, {"type": "number"}], {"type": "integer"}),
        ([{"enum": ["a", "b"]}, {"enum": ["b", "c"]}], {"type": "string", "enum": ["b"]}),
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
        [{"minimum": 1}, {"minimum": True}],
        [{"pattern": "a"}, {"pattern": "b"}],
        [{"properties": {"x": {"pattern": "a"}}}, {"properties": {"x": {"pattern": "b"}}}],
        [{"type": "string"}, {"type": "integer"}],
        [{"type": 1}, {"type": 2}],
        [{"required": ["a"]}, {"required": "b"}],
        [{"properties": "odd"}, {"properties": {}}],
        [{"properties": {"x": {}}, "additionalProperties": False}, {"properties": {"y": {}}}],
        [{"if": {"minimum": 1}}, {"then": {"maximum": 3}}],
        [{"minimum": 1}, True],
    ],
)
def test_all_of_is_left_where_no_one_schema_says_it(members: list[Any]) -> None:
    assert encoded({"allOf": members}) == {"allOf": members}


def test_values_that_are_no_list_are_not_compared() -> None:
    assert merge_schemas({"enum": "odd"}, {"enum": ["a"]}) is None


def test_words_beside_a_reference_that_clash_with_it_hold_as_well() -> None:
    schema = {"x": {"$ref": "#/$defs/A", "pattern": "b"}}
    result = encoded({"properties": schema, "$defs": {"A": {"pattern": "a"}}})
    assert result == {"properties": {"x": {"allOf": [{"pattern": "a"}, {"pattern": "b"}]}}}


def test_a_tagged_union_keeps_its_tags_and_loses_the_pointers() -> None:
    schema = {
        "discriminator": {"mapping": {"cat": "#/$defs/Cat"}, "propertyName": "kind"},
        "oneOf": [{"$ref": "#/$defs/Cat"}],
        "$defs": {"Cat": {"properties": {"kind": {"const": "cat"}}}},
    }
    assert encoded(schema) == {"properties": {"kind": {"type": "string", "enum": ["cat"]}}}


@pytest.mark.parametrize(
    ("root", "expected"),
    [(True, {}), (False, {"not": {}}), ({"type": "object"}, {"type": "object"})],
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
    assert encoded(schema, made=True) == {
        "properties": {
            "zip_code": {"type": "string"},
            "title": {"type": "string"},
            "home": {"title": "Where they live", "type": "object"},
            "box": {"type": "object"},
        }
    }
    assert encoded(schema)["properties"]["zip_code"]["title"] == "Zip Code"


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (
            {"type": "OBJECT", "properties": {"a": {"type": ["STRING", "Null"]}}},
            {
                "type": "object",
                "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
            },
        ),
        ({"type": "object", "properties": None, "required": None}, {"type": "object"}),
        ({"type": "object", "properties": []}, {"type": "object"}),
        ({"type": "array", "items": None}, {"type": "array", "items": {}}),
        ({"type": "array", "items": []}, {"type": "array", "items": {}}),
        (
            {"type": "string", "enum": None, "format": None, "anyOf": None, "nullable": None},
            {"type": "string"},
        ),
        ({"const": None, "default": None}, {"type": "null"}),
        ({"type": "any", "properties": {}}, {"type": "any", "properties": {}}),
        ({"type": "string", "description": 7}, {"type": "string", "description": "7"}),
    ],
)
def test_dumps_of_other_libraries_say_the_same(
    schema: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert encoded(schema) == expected


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "any"}, 'JSON Schema type "any"'),
        ({"type": "file", "properties": {}, "description": "A"}, 'A (JSON Schema type "file")'),
        ({"type": "string", "format": "int32"}, "in the format int32"),
        ({"type": "integer", "format": "date-time"}, "a date and time as YYYY-MM-DDTHH:MM:SSZ"),
        ({"format": "double"}, "in the format double"),
        ({"type": "string", "description": ["b"]}, "['b']"),
    ],
)
def test_what_google_knows_in_another_place_only_is_told_in_a_declaration(
    schema: dict[str, Any], words: str
) -> None:
    root = {"type": "object", "properties": {"a": schema}}
    parameters = encoded_schema(root, where="tool 'f'", kind="function")
    assert parameters["properties"]["a"]["description"] == words
    assert declaration_problem({"name": "f", "parameters": parameters}) is None


def test_alternatives_that_one_schema_cannot_say_are_not_taken_for_impossible() -> None:
    alone = {"oneOf": [{"properties": {}, "additionalProperties": False}]}
    result = encoded({"const": None, "anyOf": [{"properties": {}}], **alone})

    assert result == {
        "allOf": [{"type": "null"}, {"properties": {}, "additionalProperties": False}]
    }
