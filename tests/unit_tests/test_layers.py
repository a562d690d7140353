"""The map of the house: which module may know which."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = "langchain_aimlapi"
ROOT = Path(__file__).parents[2] / PACKAGE


class Room(NamedTuple):
    """What one module may import besides the standard library."""

    ours: frozenset[str] | set[str] = frozenset()
    theirs: frozenset[str] | set[str] = frozenset()


CORE = {"langchain_core"}

# Arrows go down only: a module may import those that stand below it. `testing` is one room.
ROOMS = {
    # The doors.
    "__init__": Room({"_version", "chat_models", "errors", "spend"}),
    "__main__": Room({"_demo", "_version", "chat_models", "errors"}, CORE),
    "_demo": Room({"testing"}),
    # The one module that knows LangChain and both sides.
    "chat_models": Room(
        {
            "_blocks",
            "_call",
            "_clients",
            "_prepare",
            "_response",
            "_settings",
            "_stream",
            "_structured",
            "_telemetry",
            "_tokens",
            "_tools",
            "_transport",
            "errors",
        },
        CORE | {"pydantic"},
    ),
    # A call made of the model's fields: between the class and both sides.
    "_prepare": Room(
        {
            "_call",
            "_clients",
            "_json",
            "_profiles",
            "_request",
            "_settings",
            "_tools",
            "_version",
        },
        CORE,
    ),
    "_settings": Room(
        {"_answer", "_call", "_checks", "_profiles", "_version"}, CORE | {"pydantic"}
    ),
    "_checks": Room(frozenset(), {"pydantic"}),
    # The left side, pure: messages and settings to a body, bytes already read to messages.
    "_request": Room(
        {
            "_answer",
            "_blocks",
            "_content",
            "_foreign",
            "_json",
            "_reasoning",
            "_tool_calls",
        },
        CORE,
    ),
    "_foreign": Room({"_blocks"}, CORE),
    "_response": Room(
        {
            "_answer",
            "_content",
            "_failures",
            "_json",
            "_reasoning",
            "_tool_calls",
            "_usage",
            "errors",
        },
        CORE,
    ),
    "_stream": Room(
        {
            "_answer",
            "_blocks",
            "_construct",
            "_content",
            "_failures",
            "_json",
            "_reasoning",
            "_tool_calls",
            "_usage",
            "errors",
        },
        CORE,
    ),
    "_structured": Room({"_structured_parser", "_tools"}, CORE),
    "_structured_parser": Room({"_structured_answer", "errors"}, CORE | {"pydantic"}),
    "_structured_answer": Room(
        {"_answer", "_json", "errors"}, CORE | {"pydantic", "pydantic_core"}
    ),
    "_blocks": Room({"_answer", "_content", "_media", "_reasoning"}, CORE),
    "_construct": Room({"_answer"}, CORE),
    "_tokens": Room({"_content"}, CORE),
    "_answer": Room({"_usage", "errors"}, CORE),
    "_content": Room({"_media", "_profiles"}, CORE),
    "_media": Room(),
    "_reasoning": Room({"_json", "_tool_calls"}, CORE),
    "_tools": Room({"_declarations", "_json_check", "_schema"}, CORE),
    "_declarations": Room({"_schema"}, CORE | {"pydantic", "typing_extensions"}),
    "_tool_calls": Room({"_json"}, CORE),
    "_schema": Room(),
    "_usage": Room({"_wire"}, CORE),
    # The right side: bytes, time, failures.
    "_transport": Room(
        {
            "_body",
            "_call",
            "_clients",
            "_failures",
            "_feeds",
            "_http_failures",
            "_new_clients",
            "_tries",
            "errors",
        },
        CORE | {"httpx", "pydantic"},
    ),
    "_http_failures": Room({"_call", "errors"}, {"httpx", "pydantic"}),
    "_feeds": Room({"_body", "_call", "_sse", "_tries", "errors"}, CORE),
    "_body": Room({"_call", "errors"}),
    "_tries": Room({"_call", "_retry", "errors"}),
    "_call": Room({"_clients"}, {"pydantic"}),
    "_new_clients": Room(set(), {"httpx"}),
    "_clients": Room({"errors"}, {"httpx"}),
    "_failures": Room({"_json", "errors"}),
    "_retry": Room({"errors"}),
    "_sse": Room({"errors"}),
    # Beside the call: what is told of it.
    "_telemetry": Room({"_answer", "_call", "_version"}, CORE | {"opentelemetry"}),
    "spend": Room({"_cost", "errors"}, CORE),
    "tracing": Room({"_cost"}, CORE),
    # The leaves.
    "errors": Room(set(), CORE),
    "_cost": Room(),
    "_json": Room({"_json_check"}, {"pydantic_core"}),
    "_json_check": Room(),
    "_profiles": Room(),
    "_version": Room(),
    # The recorded-response kit: useful with any client, so it knows nothing of this one.
    "testing": Room(
        {"testing", "_version"}, {"httpx", "pytest", "starlette", "uvicorn", "vcr", "yaml"}
    ),
}

LEFT = {
    "_answer",
    "_blocks",
    "_construct",
    "_content",
    "_cost",
    "_declarations",
    "_foreign",
    "_json",
    "_json_check",
    "_media",
    "_profiles",
    "_reasoning",
    "_request",
    "_response",
    "_schema",
    "_stream",
    "_structured",
    "_structured_answer",
    "_structured_parser",
    "_tokens",
    "_tool_calls",
    "_tools",
    "_usage",
}
RIGHT = {
    "_new_clients",
    "_body",
    "_call",
    "_clients",
    "_failures",
    "_feeds",
    "_http_failures",
    "_retry",
    "_sse",
    "_transport",
    "_tries",
}

FILES = sorted(ROOT.rglob("*.py"))


def room_of(path: Path) -> str:
    """Return the module's name; every file of a subpackage lives in the subpackage's room."""
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> set[str]:
    """Return the full names that a file imports, wherever in the file, for types too."""
    names: set[str] = set()
    for node in ast.walk(tree_of(path)):
        match node:
            case ast.Import():
                names |= {alias.name for alias in node.names}
            case ast.ImportFrom(module=str() as module):
                names |= {f"{module}.{alias.name}" for alias in node.names}
            case _:
                pass
    return names


def ours_in(names: set[str]) -> set[str]:
    return {parts[1] for name in names if (parts := name.split("."))[0] == PACKAGE}


def theirs_in(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names} - {PACKAGE} - sys.stdlib_module_names


def functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


every_file = pytest.mark.parametrize("path", FILES, ids=name_of)


def test_the_map_shows_every_room_and_no_other() -> None:
    assert set(ROOMS) == {room_of(path) for path in FILES}


def test_arrows_go_down_only() -> None:
    left, order = dict(ROOMS), []
    while free := [name for name, room in left.items() if not (room.ours - {name}) & set(left)]:
        order += free
        for name in free:
            del left[name]
    assert not left, f"these rooms know each other in a circle: {sorted(left)}"
    assert order[-1] in {"__init__", "__main__"}


@every_file
def test_a_module_imports_only_what_the_map_allows(path: Path) -> None:
    room = ROOMS[room_of(path)]
    names = imported(path)
    assert ours_in(names) <= room.ours
    assert theirs_in(names) <= room.theirs


@pytest.mark.parametrize("path", [path for path in FILES if room_of(path) in LEFT], ids=name_of)
def test_the_left_side_knows_neither_network_nor_clock_nor_chance(path: Path) -> None:
    roots = {name.partition(".")[0] for name in imported(path)}
    assert not roots & {"asyncio", "httpx", "random", "socket", "time"}


@pytest.mark.parametrize("path", [path for path in FILES if room_of(path) in RIGHT], ids=name_of)
def test_the_right_side_knows_no_messages(path: Path) -> None:
    assert not {name for name in imported(path) if name.startswith("langchain_core.messages")}


@every_file
def test_imports_are_absolute(path: Path) -> None:
    relative = [
        node.lineno
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative


@every_file
def test_a_module_has_one_job_and_says_it_in_one_sentence(path: Path) -> None:
    if not (docstring := ast.get_docstring(tree_of(path))):
        assert not path.read_text(encoding="utf-8"), "only an empty file says nothing"
        return
    first = docstring.splitlines()[0]
    assert " and " not in first
    assert first.endswith(".")


@every_file
def test_a_module_has_at_most_400_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@every_file
def test_a_function_has_at_most_40_lines_under_its_docstring(path: Path) -> None:
    lengths = {node.name: body_length(node) for node in functions(tree_of(path))}
    assert not {name: length for name, length in lengths.items() if length > 40}


def body_length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@every_file
def test_a_module_has_at_most_one_public_class_with_behaviour(path: Path) -> None:
    if path.stem == "errors":  # a tree of errors
        return
    classes = [
        node.name
        for node in tree_of(path).body
        if isinstance(node, ast.ClassDef) and not is_value_or_type(node)
    ]
    assert len([name for name in classes if not name.startswith("_")]) <= 1


def is_value_or_type(node: ast.ClassDef) -> bool:
    """Tell a plain record, an exception or a protocol from a class that does something."""
    bases = {ast.unparse(base) for base in node.bases}
    decorators = {ast.unparse(one).partition("(")[0] for one in node.decorator_list}
    return bool(
        bases & {"NamedTuple", "Protocol", "TypedDict", "Exception", "ValueError"}
        or decorators & {"dataclass"}
    )
