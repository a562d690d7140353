"""Laws of declarations: whatever a tool is made of, Gemini's documented subset holds it."""

from __future__ import annotations

import enum
import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, HttpUrl, create_model

from langchain_aimlapi._codec.json_schema import MAX_DEPTH, MAX_NODES
from langchain_aimlapi._codec.response_format import encode_response_format
from langchain_aimlapi._codec.tools import encode_tools
from langchain_aimlapi.testing.standin._declarations import declaration_problem
from tests.unit_tests.codec.schema_judge import accepts
from tests.unit_tests.codec.tool_corpus import CORPUS

if TYPE_CHECKING:
    from collections.abc import Iterator


def declared(source: Any) -> dict[str, Any]:
    (tool,) = encode_tools([source])
    function: dict[str, Any] = tool["function"]
    return function


def entry(annotation: Any, default: Any = ...) -> dict[str, Any]:
    """Return what a field of this annotation looks like in a declaration."""
    model = create_model("Model", x=(annotation, default))
    properties: dict[str, Any] = declared(model)["parameters"]["properties"]
    return dict(properties["x"])


def names(tools: list[Any]) -> Iterator[str]:
    for tool in tools:
        yield encode_tools([tool])[0]["function"]["name"]


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 40
    assert len(set(names(CORPUS))) == len(CORPUS)


@pytest.mark.parametrize("source", CORPUS, ids=names(CORPUS))
def test_every_tool_of_the_corpus_passes_the_judge(source: Any) -> None:
    (tool,) = encode_tools([source])
    assert declaration_problem(tool["function"]) is None
    assert tool.keys() == {"type", "function"}


class Colour(enum.IntEnum):
    RED = 1
    BLUE = 2


@pytest.mark.parametrize(
    ("annotation", "default", "expected"),
    [
        (Literal[1, 2], ..., {"type": "integer", "description": "one of 1, 2"}),
        (Colour, ..., {"type": "integer", "description": "one of 1, 2"}),
        (Literal[1.5, 2], ..., {"type": "number", "description": "one of 1.5, 2"}),
        (Literal[True], ..., {"type": "boolean", "description": "always true"}),
        (Literal[True, False], ..., {"type": "boolean"}),
        (Literal["a"], ..., {"type": "string", "enum": ["a"]}),
        (Annotated[int, Field(gt=0, lt=9)], ..., {"type": "integer", "minimum": 1, "maximum": 8}),
        (
            Annotated[float, Field(gt=0, lt=1, description="A share.")],
            ...,
            {"type": "number", "description": "A share. (greater than 0; less than 1)"},
        ),
        (Annotated[int, Field(multiple_of=5)], 5, {"default": 5, "description": "a multiple of 5"}),
        (set[str], ..., {"items": {"type": "string"}, "description": "no item twice"}),
        (HttpUrl, ..., {"type": "string", "description": "a URL"}),
        (
            Annotated[int | None, Field(description="How many")],
            None,
            {"anyOf": [{"type": "integer", "description": "How many"}, {"type": "null"}]},
        ),
        (
            Annotated[int | str, Field(description="Either")],
            "x",
            {
                "anyOf": [
                    {"type": "integer", "description": "Either"},
                    {"type": "string", "default": "x"},
                ]
            },
        ),
        (
            tuple[int, str],
            ...,
            {
                "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
                "description": "in this order: integer, string",
                "minItems": 2,
                "maxItems": 2,
            },
        ),
        (list, ..., {"type": "array", "items": {}}),
        (dict[str, int], ..., {"additionalProperties": {"type": "integer"}}),
    ],
)
def test_what_pydantic_says_as_a_declaration_says_it(
    annotation: Any, default: Any, expected: dict[str, Any]
) -> None:
    found = entry(annotation, default)
    assert {key: found.get(key) for key in expected} == expected
    assert not found.keys() & {"exclusiveMinimum", "multipleOf", "uniqueItems", "prefixItems"}


@pytest.mark.parametrize(
    ("given_entry", "expected"),
    [
        ({"const": "x"}, {"type": "string", "enum": ["x"]}),
        (
            {"type": ["number", "null"], "description": "d"},
            {"anyOf": [{"type": "number", "description": "d"}, {"type": "null"}]},
        ),
        (
            {"type": "string", "format": "email"},
            {"type": "string", "description": "an e-mail address"},
        ),
        (
            {"type": "string", "format": "odd"},
            {"type": "string", "description": "in the format odd"},
        ),
        ({"type": "string", "enum": [1, 2]}, {"type": "string", "description": "one of 1, 2"}),
        (
            {"type": "integer", "enum": "odd"},
            {"type": "integer", "description": 'JSON Schema enum "odd"'},
        ),
        ({"enum": []}, {"description": "no value is allowed"}),
        ({"type": [], "description": None}, {"description": "JSON Schema type []"}),
        (
            {"type": "integer", "exclusiveMinimum": True, "minimum": 1},
            {"type": "integer", "minimum": 2},
        ),
        ({"type": "integer", "exclusiveMaximum": False}, {"type": "integer"}),
        ({"type": "integer", "exclusiveMinimum": "1"}, {"type": "integer"}),
        (
            {"type": "integer", "minimum": 5, "exclusiveMinimum": 0.5},
            {"type": "integer", "minimum": 5},
        ),
        ({"anyOf": "odd"}, {"description": 'JSON Schema anyOf "odd"'}),
        ({"examples": ["a"], "deprecated": True}, {"description": 'for example "a"; deprecated'}),
        ({"x-order": 1, "type": "string"}, {"type": "string"}),
        (False, {"description": "leave this out"}),
        ({"type": "array", "items": False}, {"type": "array", "items": {}, "maxItems": 0}),
        (
            {"type": "array", "prefixItems": [], "items": False},
            {"type": "array", "items": {}, "maxItems": 0, "description": "in this order: "},
        ),
        (
            {"prefixItems": [{"title": "A"}, {}, {"enum": [1]}, True], "items": False},
            {
                "type": "array",
                "items": {
                    "anyOf": [{"title": "A"}, {}, {"type": "integer", "description": "always 1"}]
                },
                "maxItems": 4,
                "description": "in this order: A, anything, [1], anything",
            },
        ),
        (
            {"type": "string", "anyOf": [{"pattern": "a"}, {"pattern": "b"}], "pattern": "c"},
            {
                "type": "string",
                "pattern": "c",
                "description": 'JSON Schema anyOf [{"pattern": "a"}, {"pattern": "b"}]',
            },
        ),
        (
            {"anyOf": [{"type": "string"}, False], "description": "Outer", "type": "string"},
            {"type": "string", "description": "Outer"},
        ),
        (
            {"anyOf": [{"type": "object", "description": "Inner."}, True], "description": "Outer"},
            {"anyOf": [{"type": "object", "description": "Outer. Inner."}, {}]},
        ),
        (
            {"type": ["integer", "string"], "default": 1.5},
            {"anyOf": [{"type": "integer", "default": 1.5}, {"type": "string"}]},
        ),
    ],
)
def test_what_servers_say_as_a_declaration_says_it(given_entry: Any, expected: Any) -> None:
    parameters = {"type": "object", "properties": {"x": given_entry}}
    function = declared({"name": "f", "parameters": parameters})
    assert function["parameters"]["properties"]["x"] == expected
    assert declaration_problem(function) is None


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (
            {"type": "object", "properties": {"a": {}}, "required": ["b", "a", "a"]},
            {"type": "object", "properties": {"a": {}}, "required": ["a"]},
        ),
        ({"type": "object", "required": ["b"]}, {"type": "object", "properties": {}}),
        ({"type": ["object", "null"]}, {"type": "object", "properties": {}}),
        (
            {
                "properties": {"a": {}, "b": {}},
                "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
            },
            {
                "description": "Required are {a} or {b}.",
                "type": "object",
                "properties": {"a": {}, "b": {}},
            },
        ),
        (
            {
                "anyOf": [
                    {"properties": {"k": {"const": "a"}, "x": {}}, "required": ["k"]},
                    {
                        "properties": {"k": {"const": "b"}, "y": {"type": "string"}},
                        "required": ["k"],
                    },
                    {
                        "properties": {"k": {"type": "null"}, "y": {"type": "null"}},
                        "required": ["k"],
                    },
                ],
                "additionalProperties": False,
            },
            {
                "description": "Give {k, x} or {k, y} or {k, y}.",
                "type": "object",
                "properties": {
                    "k": {"anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "null"}]},
                    "x": {},
                    "y": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                },
                "additionalProperties": False,
                "required": ["k"],
            },
        ),
    ],
)
def test_the_parameters_are_one_object(parameters: Any, expected: Any) -> None:
    parameters = {
        key: value for key, value in parameters.items() if key != "additionalProperties"
    } | ({"additionalProperties": False} if "additionalProperties" in parameters else {})
    if "additionalProperties" in expected:  # beside `properties` of a branch it means another thing
        closed = [{**branch, "additionalProperties": False} for branch in parameters.pop("anyOf")]
        parameters = {"anyOf": closed}
    assert declared({"name": "f", "parameters": parameters})["parameters"] == expected


# Annotations, each with JSON values that it accepts.
LEAVES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int, st.integers()),
    (Annotated[int, Field(gt=0, lt=100)], st.integers(1, 99)),
    (Annotated[int, Field(ge=0, multiple_of=3)], st.integers(0, 99).map(lambda number: 3 * number)),
    (Annotated[float, Field(gt=0, le=1)], st.sampled_from([0.5, 1])),
    (bool, st.booleans()),
    (Annotated[str, Field(min_length=1, max_length=3)], st.text("ab", min_size=1, max_size=3)),
    (Literal["a", "b"], st.sampled_from(["a", "b"])),
    (Literal[1, 2], st.sampled_from([1, 2])),
    (Literal["a", 1] | None, st.sampled_from(["a", 1, None])),
    (Literal[True], st.just(True)),
    (Colour, st.sampled_from([1, 2])),
    (HttpUrl, st.just("https://example.com/")),
    (None, st.none()),
    (tuple[int, str], st.tuples(st.integers(), st.text("ab")).map(list)),
]
Pair = tuple[Any, st.SearchStrategy[Any]]


def composed(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    return st.one_of(
        inner.map(lambda pair: (list.__class_getitem__(pair[0]), st.lists(pair[1], max_size=2))),
        inner.map(table_of),
        st.tuples(inner, inner).map(
            lambda two: (either(two[0][0], two[1][0]), two[0][1] | two[1][1])
        ),
        inner.map(lambda pair: (either(pair[0], None), pair[1] | st.none())),
        inner.map(lambda pair: (Annotated[pair[0], Field(description="Said of it")], pair[1])),
        st.lists(inner, min_size=1, max_size=2).map(model_of),
    )


def table_of(pair: Pair) -> Pair:
    keys = st.text("ab")
    return dict.__class_getitem__((str, pair[0])), st.dictionaries(keys, pair[1], max_size=2)


def either(left: Any, right: Any) -> Any:
    return (left or type(None)) | right


def model_of(fields: list[Pair]) -> Pair:
    """Return a class with fields of these annotations, every other one optional."""
    kinds = {f"f{number}": annotation for number, (annotation, _) in enumerate(fields)}
    defaults = {name: ... if int(name[1:]) % 2 else None for name in kinds}
    model = create_model("Model", **{name: (kinds[name], defaults[name]) for name in kinds})  # type: ignore[call-overload]
    values = {f"f{number}": value for number, (_, value) in enumerate(fields)}
    return model, st.fixed_dictionaries(values)


pairs: st.SearchStrategy[Pair] = st.recursive(st.sampled_from(LEAVES), composed, max_leaves=4)


@given(st.lists(pairs, min_size=1, max_size=3).map(model_of), st.data())
def test_any_class_gives_a_declaration_that_passes_and_takes_its_values(
    pair: Pair, data: st.DataObject
) -> None:
    model, values = pair
    value = data.draw(values)
    assert issubclass(model, BaseModel)
    model.model_validate(value)
    function = declared(model)
    assert declaration_problem(function) is None
    assert accepts(function["parameters"], value, {})


class Node(BaseModel):
    kids: list[Node] = []


def chain(levels: int, width: int) -> dict[str, Any]:
    """Return a schema in which each definition refers several times to the next."""
    definitions: dict[str, Any] = {
        f"D{level}": {
            "type": "object",
            "properties": {f"p{n}": {"$ref": f"#/$defs/D{level + 1}"} for n in range(width)},
        }
        for level in range(levels)
    }
    definitions[f"D{levels}"] = {"type": "string"}
    root = {"type": "object", "properties": {"x": {"$ref": "#/$defs/D0"}}}
    return {**root, "$defs": definitions}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"x": schema}}
    return schema


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (chain(18, 2), f"grows to more than {MAX_NODES} schemas"),
        (chain(250, 1), f"nested too deep: more than {MAX_DEPTH} schemas"),
        (chain(250, 2), "nested too deep"),
        (nested(250), "nested too deep"),
        (nested(5000), "nested too deep"),
        ({"properties": {"x": {"default": nested(5000)}}}, "nested too deep"),
        (Node.model_json_schema(), "is recursive"),
    ],
)
def test_what_cannot_be_written_out_is_refused_at_once_with_the_tool_s_name(
    schema: dict[str, Any], message: str
) -> None:
    started = time.process_time()
    with pytest.raises(ValueError, match=f"tool 'deep': parameters.*{message}"):
        encode_tools([{"name": "deep", "parameters": schema}])
    with pytest.raises(ValueError, match=f"'Deep'.*{message}"):
        encode_response_format({"title": "Deep", **schema})
    assert time.process_time() - started < 5


def test_small_graphs_of_references_and_moderate_depth_pass() -> None:
    assert declaration_problem(declared({"name": "f", "parameters": chain(8, 2)})) is None
    assert declaration_problem(declared({"name": "f", "parameters": nested(MAX_DEPTH)})) is None


def test_classes_nested_too_deep_are_refused_by_name() -> None:
    model: Any = int
    for level in range(260):
        model = create_model(f"Level{level}", x=(model, ...))
    with pytest.raises(ValueError, match=r"tool 'Level259'.*nested too deep"):
        encode_tools([model])
