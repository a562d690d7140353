"""The judge of function declarations refuses each form that Gemini was seen to refuse."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_aimlapi.testing.standin._declarations import declaration_problem
from langchain_aimlapi.testing.standin._gemini import request_refusal


def problem_with(entry: Any) -> str | None:
    parameters = {"type": "object", "properties": {"x": entry}}
    return declaration_problem({"name": "f", "parameters": parameters})


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"type": "string", "description": "d", "title": "t", "default": "a", "example": "a"},
        {"type": "string", "enum": ["a", "b"], "format": "enum"},
        {"type": "string", "format": "date-time", "pattern": "a", "minLength": 1, "maxLength": 2},
        {"type": "integer", "format": "int64", "minimum": 1, "maximum": 2},
        {"type": "number", "format": "double"},
        {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2},
        {"type": "object", "properties": {"y": {"type": "null"}}, "required": ["y"]},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object", "additionalProperties": False, "propertyOrdering": []},
        {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
    ],
)
def test_what_is_documented_passes(entry: dict[str, Any]) -> None:
    assert problem_with(entry) is None


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"$ref": "#/$defs/A"}, 'Unknown name "$ref": Cannot find field'),
        ({"type": "string", "const": "a"}, 'Unknown name "const"'),
        ({"type": "integer", "exclusiveMinimum": 0}, 'Unknown name "exclusiveMinimum"'),
        ({"type": "array", "items": {}, "uniqueItems": True}, 'Unknown name "uniqueItems"'),
        ({"type": "integer", "multipleOf": 2}, 'Unknown name "multipleOf"'),
        ({"type": "array", "items": {}, "prefixItems": []}, 'Unknown name "prefixItems"'),
        ({"oneOf": [{"type": "string"}]}, 'Unknown name "oneOf"'),
        ({"not": {}}, 'Unknown name "not"'),
        ({"type": ["string", "null"]}, "type: Invalid value"),
        ({"type": "text"}, "type: Invalid value"),
        ({"type": "integer", "enum": [1, 2]}, "enum: only allowed for STRING type"),
        ({"enum": ["a"]}, "enum: only allowed for STRING type"),
        ({"type": "string", "enum": ["a", 1]}, "enum[1]: Invalid value (TYPE_STRING), 1"),
        ({"type": "string", "enum": []}, "enum: should not be empty"),
        ({"type": "string", "format": "uri"}, "format: 'uri' is not supported, expected date-time"),
        ({"format": "uuid"}, "format: 'uuid' is not supported, expected none"),
        ({"anyOf": [{"type": "string"}], "description": "d"}, "found beside it: description"),
        ({"anyOf": [{"type": "string"}], "type": "string"}, "found beside it: type"),
        ({"anyOf": []}, "any_of: should not be empty"),
        ({"anyOf": "odd"}, "any_of: should not be empty"),
        ({"type": "array"}, "items: missing field."),
        ({"type": "string", "items": {}}, "items: only allowed for ARRAY type"),
        ({"properties": {}}, "properties: only allowed for OBJECT type"),
        ({"type": "object", "required": ["y"]}, "required[0]: property is not defined"),
        ({"type": "object", "required": "y"}, "required: Invalid value"),
        ({"type": "string", "description": None}, "description: Invalid value (TYPE_STRING)"),
        (True, "Invalid value (type.googleapis.com/google.ai.Schema), True"),
        ({"type": "array", "items": {"type": "array"}}, "[x].items.items: missing field."),
        ({"anyOf": [{"type": "array"}]}, "any_of[0].items: missing field."),
        (
            {"type": "object", "additionalProperties": {"type": "array"}},
            "additional_properties.items: missing field.",
        ),
        (
            {"type": "object", "properties": {"y": {"type": "array"}}},
            "properties[x].properties[y].items: missing field.",
        ),
    ],
)
def test_each_forbidden_form_is_refused_at_its_place(entry: Any, words: str) -> None:
    problem = problem_with(entry)
    assert problem is not None
    assert problem.startswith("function.parameters.properties[x]")
    assert words in problem


@pytest.mark.parametrize("name", ["1f", "-f", "", "f" * 65, "a b", None])
def test_a_name_begins_with_a_letter_or_an_underscore(name: Any) -> None:
    assert "Invalid function name" in (declaration_problem({"name": name}) or "")


@pytest.mark.parametrize("parameters", [None, [], {}, {"type": "array", "items": {}}])
def test_parameters_are_an_object(parameters: Any) -> None:
    function = {"name": "f", "parameters": parameters}
    assert "should be of type OBJECT" in (declaration_problem(function) or "")


def test_a_function_may_have_no_parameters() -> None:
    assert declaration_problem({"name": "f"}) is None


def test_a_strict_server_refuses_a_request_for_its_declarations() -> None:
    function = {"name": "f", "parameters": {"type": "object", "properties": {"x": {"const": 1}}}}
    body = {"messages": [], "tools": [{"type": "x:y"}, {"type": "function", "function": function}]}
    assert (
        'tools.1.function.parameters.properties[x]: Invalid JSON payload. Unknown name "const"'
        in (request_refusal(body, strict=True) or "")
    )
    assert request_refusal(body, strict=False) is None
