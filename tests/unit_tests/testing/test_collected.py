"""What is kept of the tests that were collected, for `record` to know which cassettes are owned."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi.testing._collected import collected_modules, note_collected
from langchain_aimlapi.testing._stage import STAGE

if TYPE_CHECKING:
    from pathlib import Path


def item(path: Path, name: str) -> Any:
    return SimpleNamespace(path=path, name=name, get_closest_marker=lambda _: None)


def config(folder: Path, *arguments: str, **options: Any) -> Any:
    return SimpleNamespace(
        args=[*arguments],
        invocation_params=SimpleNamespace(dir=folder),
        getoption=options.get,
    )


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(STAGE, str(tmp_path))
    return tmp_path


def noted(stage: Path) -> list[tuple[list[str], bool]]:
    return [(module["names"], module["is_whole"]) for module in collected_modules(stage)]


def test_each_file_is_noted_with_the_names_of_its_cassettes(stage: Path) -> None:
    items = [item(stage / "test_a.py", name) for name in ("test_x", "test_y[1/2]")]
    note_collected(config(stage), [*items, item(stage / "test_b.py", "test_z")])
    assert noted(stage) == [(["test_x", "test_y[1-2]"], True), (["test_z"], True)]


@pytest.mark.parametrize(
    ("arguments", "options", "is_whole"),
    [
        (["test_a.py"], {}, True),
        (["test_b.py::test_z"], {}, True),
        (["test_a.py::test_x"], {}, False),
        ([], {"lf": True}, False),
        ([], {"deselect": ["test_a.py::test_y"]}, False),
    ],
)
def test_a_file_of_which_tests_were_left_out_is_not_whole(
    stage: Path, arguments: list[str], options: dict[str, Any], is_whole: Any
) -> None:
    note_collected(config(stage, *arguments, **options), [item(stage / "test_a.py", "test_x")])
    assert noted(stage) == [(["test_x"], is_whole)]


def test_without_a_stage_nothing_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STAGE, raising=False)
    note_collected(config(tmp_path), [item(tmp_path / "test_a.py", "test_x")])
    assert noted(tmp_path) == []
