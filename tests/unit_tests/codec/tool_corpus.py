"""Tools as well-known MCP servers and LangChain toolkits declare them, rebuilt in small.

What matters is the spelling: each server's generator (zod, pydantic, hand-written OpenAPI, Go's
jsonschema) has turns of its own, and each of them was refused somewhere.
"""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from langchain_core.tools import StructuredTool, tool
from pydantic import AnyUrl, BaseModel, ConfigDict, Field, HttpUrl

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
STRING = {"type": "string"}


def mcp(name: str, properties: dict[str, Any], *required: str, **rest: Any) -> dict[str, Any]:
    """Return a tool as `tools/list` of an MCP server gives it."""
    schema = {"type": "object", "properties": properties, "required": [*required], **rest}
    hints = {"readOnlyHint": True, "title": name}
    return {
        "name": name,
        "description": f"Tool {name}.",
        "inputSchema": schema,
        "annotations": hints,
    }


FILESYSTEM = [
    mcp(
        "read_file", {"path": STRING}, "path", **{"$schema": DRAFT_7, "additionalProperties": False}
    ),
    mcp(
        "read_text_file",
        {
            "path": STRING,
            "head": {"type": "number", "description": "If provided, returns first N lines"},
            "tail": {"type": ["number", "null"], "description": "Last N lines"},
        },
        "path",
    ),
    mcp(
        "read_multiple_files", {"paths": {"type": "array", "items": STRING, "minItems": 1}}, "paths"
    ),
    mcp(
        "edit_file",
        {
            "path": STRING,
            "edits": {"type": "array", "items": {"$ref": "#/$defs/edit"}},
            "dryRun": {"type": "boolean", "default": False},
        },
        "path",
        "edits",
        **{
            "$defs": {
                "edit": {
                    "type": "object",
                    "properties": {"oldText": STRING, "newText": STRING},
                    "required": ["oldText", "newText"],
                    "additionalProperties": False,
                }
            }
        },
    ),
    mcp(
        "search_files",
        {
            "pattern": STRING,
            "excludePatterns": {"type": "array", "default": [], "uniqueItems": True},
        },
        "pattern",
    ),
    mcp("list_allowed_directories", {}),
    {"name": "directory_tree", "description": "Tree.", "inputSchema": {"type": "object"}},
]

GIT = [
    mcp(
        "create_issue",
        {
            "owner": STRING,
            "labels": {"type": "array", "items": STRING, "uniqueItems": True},
            "milestone": {"type": "integer", "exclusiveMinimum": 0},
            "state": {"const": "open"},
            "state_reason": {"enum": ["completed", "not_planned", None]},
        },
        "owner",
        "title",  # which no property defines
    ),
    mcp(
        "list_commits",
        {
            "page": {"type": "number", "minimum": 1, "multipleOf": 1},
            "perPage": {"type": "integer", "enum": [10, 30, 100], "default": 30},
            "since": {"type": "string", "format": "date-time"},
            "until": {"type": "string", "format": "date"},
        },
    ),
    mcp(
        "git_diff",
        {"target": {"oneOf": [STRING, {"type": "object", "properties": {"sha": STRING}}]}},
        "target",
    ),
    mcp(
        "git_log", {"max_count": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": 10}}
    ),
    mcp(
        "merge",
        {"method": {"type": "string", "enum": ["merge", "squash"]}, "pr": {"type": ["integer"]}},
        anyOf=[{"required": ["method"]}, {"required": ["pr"]}],
    ),
    mcp("push_files", {"files": {"type": "array"}, "force": {"enum": [True]}}, "files"),
]

SEARCH = [
    mcp(
        "brave_web_search",
        {
            "query": {**STRING, "maxLength": 400, "description": "Search query"},
            "count": {"type": "number", "minimum": 1, "maximum": 20, "default": 10},
        },
        "query",
    ),
    mcp("fetch", {"url": {"type": "string", "format": "uri", "minLength": 1}}, "url"),
    mcp(
        "tavily_search",
        {
            "topic": {"anyOf": [{"const": "general"}, {"const": "news"}], "description": "Topic"},
            "days": {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 366},
            "include_domains": {"anyOf": [{"type": "array", "items": STRING}, {"type": "null"}]},
        },
    ),
    mcp(
        "exa", {"filter": {"not": {"type": "null"}}, "live": {"type": "string", "const": "always"}}
    ),
]

DATABASE = [
    mcp("query", {"sql": STRING, "params": {"type": "array", "items": {}}}, "sql"),
    mcp(
        "find",
        {
            "filter": {"type": "object", "additionalProperties": {}, "properties": {}},
            "sort": {"type": "object", "patternProperties": {"^.*$": {"enum": [1, -1]}}},
            "limit": {"type": "integer", "default": 10, "x-order": 3},
            "projection": True,
        },
        "collection",
    ),
    mcp(
        "insert_many",
        {
            "documents": {
                "type": "array",
                "items": {"type": "object"},
                "contains": {"minProperties": 1},
            }
        },
    ),
    mcp(
        "upsert_points",
        {
            "vector": {"type": "array", "items": {"type": "number", "format": "float"}},
            "id": {
                "oneOf": [{"type": "string", "format": "uuid"}, {"type": "integer", "minimum": 0}]
            },
            "wait": {"type": "boolean", "nullable": True, "description": "Wait for it"},
        },
    ),
    mcp(
        "range", {"bounds": {"type": "array", "items": [{"type": "integer"}, {"type": "integer"}]}}
    ),
]

CALENDAR = [
    mcp(
        "create_event",
        {
            "start": {"$ref": "#/definitions/when"},
            "end": {"$ref": "#/definitions/when", "description": "When it ends"},
            "attendees": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"email": {"type": "string", "format": "email"}},
                },
            },
            "recurrence": {"type": ["array", "null"], "items": STRING, "description": "RRULEs"},
            "colorId": {"type": "string", "enum": ["1", "2"], "examples": ["1"]},
        },
        "start",
        definitions={
            "when": {
                "allOf": [
                    {
                        "type": "object",
                        "properties": {"dateTime": {"type": "string", "format": "time"}},
                    },
                    {"required": ["dateTime"]},
                ]
            }
        },
    ),
    mcp("free_busy", {"span": {"type": "string", "format": "duration", "deprecated": True}}),
    mcp("respond", {"status": {"type": "string", "enum": ["yes", "no", None]}}, "status"),
]

BROWSER = [
    mcp("navigate", {"url": STRING}, "url"),
    mcp(
        "click",
        {
            "button": {"enum": ["left", "right"], "description": "Button to click"},
            "modifiers": {"type": "array", "items": {"enum": ["Alt", "Shift"]}},
            "position": {"prefixItems": [{"type": "number"}, {"type": "number"}], "type": "array"},
        },
    ),
    mcp(
        "fill_form",
        {
            "fields": {
                "type": "array",
                "items": {
                    "oneOf": [
                        {
                            "properties": {"type": {"const": "textbox"}, "value": STRING},
                            "type": "object",
                        },
                        {
                            "properties": {
                                "type": {"const": "checkbox"},
                                "value": {"type": "boolean"},
                            }
                        },
                    ],
                    "discriminator": {"propertyName": "type"},
                },
            }
        },
        "fields",
    ),
    mcp("resize", {"width": {"type": "number", "exclusiveMinimum": True, "minimum": 0}}),
    mcp("wait", {"time": {"if": {"minimum": 1}, "then": {"maximum": 30}, "type": "number"}}),
    mcp("snapshot", {"region": {"allOf": [{"pattern": "a"}, {"pattern": "b"}], "type": "string"}}),
]

OTHERS = [
    {
        "name": "sequentialthinking",
        "input_schema": {"type": "object", "properties": {"n": {"minimum": 1}}},
    },
    {"type": "function", "function": {"name": "no_parameters", "description": "None."}},
    {
        "title": "by_title",
        "description": "A schema.",
        "type": "object",
        "properties": {"x": STRING},
    },
    {
        "toolSpec": {
            "name": "bedrock",
            "inputSchema": {"json": {"type": "object", "properties": {}}},
        }
    },
    mcp(
        "either",
        {},
        oneOf=[{"properties": {"a": STRING}, "required": ["a"]}, {"properties": {"b": {}}}],
    ),
]


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Kind(enum.Enum):
    A = "a"
    ONE = 1
    NONE = None


class Cell(BaseModel):
    """One cell of a sheet."""

    row: int = Field(ge=0, multiple_of=2)
    value: int | float | str | bool | None = Field(None, description="What stands there")


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: Annotated[int, Field(gt=0, le=9)] = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: set[str] = Field(default_factory=set)


class Everything(BaseModel):
    """All that pydantic says in ways of its own."""

    model_config = ConfigDict(extra="forbid")

    level: Level
    kind: Kind | None = Field(None, description="Which kind")
    one_or_two: Literal[1, 2]
    always: Literal[True]
    mixed: Literal["a", 1] | None
    url: HttpUrl
    any_url: AnyUrl | None = None
    mail: str | None = None
    ratio: float = Field(gt=0, lt=1, description="A share")
    count: int = Field(gt=0, lt=10)
    when: dt.datetime
    day: dt.date | None = None
    clock: dt.time | None = None
    span: dt.timedelta | None = None
    key: uuid.UUID
    price: Decimal
    address: IPv4Address | None = None
    data: bytes = b""
    where: Path | None = None
    pair: tuple[int, str]
    many: tuple[int, ...] = ()
    tags: frozenset[str] = frozenset()
    table: dict[str, dict[str, Cell]] = Field(default_factory=dict)
    anything: Any = None
    rows: list[list[Cell]] = Field(default_factory=list, min_length=0, max_length=5)
    pet: Cat | Dog = Field(discriminator="kind")
    pets: list[Annotated[Cat | Dog, Field(discriminator="kind")]] = Field(default_factory=list)
    cell: Cell | None = Field(None, description="A cell", examples=[{"row": 2}])


class Filter(TypedDict, total=False):
    """A filter of records."""

    field: Annotated[str, ..., "Which field"]
    level: Literal[1, 2]
    values: list[int | str]


@tool
def run_python(code: str, timeout: Annotated[float, Field(gt=0)] = 10.0) -> str:
    """Run Python code."""
    return f"{code} {timeout}"


def multiply(a: int, b: float | None = None, *, mode: Literal[0, 1] = 0) -> float:
    """Multiply.

    Args:
        a: The first number.
        b: The second number.
        mode: How to round.
    """
    return a * (b or 1) + mode


CODE = [
    run_python,
    multiply,
    Everything,
    Cell,
    Filter,
    StructuredTool.from_function(multiply, name="multiply_as_tool"),
    StructuredTool(
        name="by_schema",
        description="d",
        func=multiply,
        args_schema={"type": "object", "properties": {"x": {"type": ["integer", "null"]}}},
    ),
]

CORPUS: list[Any] = [*FILESYSTEM, *GIT, *SEARCH, *DATABASE, *CALENDAR, *BROWSER, *OTHERS, *CODE]
