"""The map of the house: which room may know which. A room is a folder or a module at the root."""

from __future__ import annotations

import ast
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = "langchain_aimlapi"
ROOT = Path(__file__).parents[2] / PACKAGE

# Arrows go down only: a room may import those that stand below it.
ROOMS = {
    "__init__": {
        "chat_models",
        "data",
        "errors",
        "media_blocks",
        "parts",
        "registration",
        "spend",
    },
    "__main__": {"_cli"},
    # A user of the public names, as any other program.
    "_cli": {"__init__", "account", "data", "errors", "testing"},
    "chat_models": {"_binding", "_codec", "_http", "_settings", "account", "tracing"},
    "account": {"_codec", "_http", "_settings", "data", "errors"},
    "_binding": {"_codec", "_json", "errors"},
    "_settings": {"_codec", "_http", "_json", "data", "errors"},
    "tracing": {"_codec", "_http", "data", "spend"},
    "parts": {"_codec", "spend"},
    "middleware": {"errors", "spend"},
    "spend": {"_http", "data", "errors"},
    "_codec": {"_json", "data", "errors"},
    "_http": {"errors"},
    "errors": {"_json"},
    # Useful with any client, so it knows nothing of this one.
    "testing": {"_json", "data"},
    "_json": set(),
    "data": set(),
    "media_blocks": set(),
    "registration": set(),
}

# What a room may import that every user has installed; `pydantic` brings `pydantic_core`.
INSTALLED = {"langchain_core", "pydantic", "pydantic_core", "typing_extensions"}
# What only some rooms may import besides.
THEIRS = {
    "_cli": {"httpx"},  # the demo plays the documentation through its mock transport
    "_http": {"httpx", "httpx2"},
    "middleware": {"langchain", "langgraph"},
    "tracing": {"opentelemetry"},
    "testing": {"httpx", "pytest", "pytest_recording", "starlette", "uvicorn", "vcr", "yaml"},
}

FILES = sorted(ROOT.rglob("*.py"))


def room_of(path: Path) -> str:
    """Return the name of the folder or module at the root in which a file lives."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def module_of(path: Path) -> str:
    """Return a file's name as it is imported."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
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


@pytest.fixture(scope="module", autouse=True)
def _trees_for_this_module_only() -> Iterator[None]:
    """Each file is read once, and nothing of it slows the search for garbage later on."""
    yield
    tree_of.cache_clear()


def ours_in(names: set[str]) -> set[str]:
    """Return the rooms of names; a public name that the package itself hands out is of its own."""
    first = {parts[1] for name in names if (parts := name.split("."))[0] == PACKAGE}
    return {name if name in ROOMS else "__init__" for name in first}


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


def circle_in(known: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(known).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_arrows_between_rooms_go_down_only() -> None:
    assert not circle_in(ROOMS)


def test_every_arrow_of_the_map_is_used() -> None:
    known: dict[str, set[str]] = {room: set() for room in ROOMS}
    for path in FILES:
        known[room_of(path)] |= ours_in(imported(path)) - {room_of(path)}
    assert known == ROOMS


def test_the_map_stays_small() -> None:
    assert len(ROOMS) <= 20
    assert sum(map(len, ROOMS.values())) <= 50


def test_no_modules_know_each_other_in_a_circle() -> None:
    modules = {module_of(path): path for path in FILES}
    known = {
        name: {
            target if target in modules else target.rpartition(".")[0] for target in imported(path)
        }
        & (modules.keys() - {name})
        for name, path in modules.items()
    }
    assert not circle_in(known)


@every_file
def test_a_module_imports_only_what_the_map_allows(path: Path) -> None:
    room, names = room_of(path), imported(path)
    assert ours_in(names) - {room} <= ROOMS[room]
    assert theirs_in(names) <= INSTALLED | THEIRS.get(room, set())


@pytest.mark.parametrize("path", [path for path in FILES if room_of(path) == "_codec"], ids=name_of)
def test_the_codec_knows_neither_network_nor_clock_nor_chance(path: Path) -> None:
    roots = {name.partition(".")[0] for name in imported(path)}
    assert not roots & {"asyncio", "httpx", "random", "socket", "time"}


@pytest.mark.parametrize("path", [path for path in FILES if room_of(path) == "_http"], ids=name_of)
def test_the_transport_knows_no_messages(path: Path) -> None:
    assert not {name for name in imported(path) if name.startswith("langchain_core.messages")}


def test_a_folder_says_what_lives_there_and_which_names_are_its_door() -> None:
    for folder in {path.parent for path in FILES} - {ROOT}:
        assert ast.get_docstring(tree_of(folder / "__init__.py")), folder


@every_file
def test_imports_are_absolute(path: Path) -> None:
    relative = [
        node.lineno
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative


@every_file
def test_a_module_says_what_lives_there_in_one_sentence(path: Path) -> None:
    docstring = ast.get_docstring(tree_of(path)) or ""
    assert docstring.partition("\n\n")[0].endswith((".", ":"))


@every_file
def test_a_module_has_at_most_500_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


@every_file
def test_a_function_has_at_most_40_lines_under_its_docstring(path: Path) -> None:
    lengths = {node.name: body_length(node) for node in functions(tree_of(path))}
    assert not {name: length for name, length in lengths.items() if length > 40}


def body_length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_the_tests_name_the_http_client_in_one_place() -> None:
    tests = ROOT.parent / "tests"
    free = {tests / "http_client.py", *(tests / "unit_tests" / "http").iterdir()}
    free |= {*(tests / "benchmarks").iterdir()}
    free |= {*(tests / "stranger").rglob("*.py")}  # theirs
    naming = [
        path
        for path in tests.rglob("*.py")
        if "httpx" in path.read_text("utf-8") and "httpx" in imported(path) and path not in free
    ]
    assert not naming


def test_names_of_what_carries_signatures_stand_in_one_module() -> None:
    """The tool's demo prints reasoning as any user would; the testing kit knows only the wire."""
    names = {"reasoning_details", "extra_content", "tool_call_extra_content", "signed_tool_calls"}
    names |= {"reasoning_content", "thought_signature"}
    found = {
        str(path.relative_to(ROOT))
        for path in FILES
        if room_of(path) not in {"_cli", "testing"}
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant) and node.value in names
    }
    assert found == {"_codec/reasoning.py"}
