"""The picture of the rooms shows each of them, and arrows that say all that the map says."""

from __future__ import annotations

import re
from fnmatch import fnmatch

from tests.docs.house import direct, house_svg
from tests.docs.pages import ROOT
from tests.unit_tests.test_layers import ROOMS


def test_every_room_and_every_arrow_that_does_not_follow_is_drawn() -> None:
    picture = house_svg()
    assert all(f">{room}</text>" in picture for room in ROOMS)
    assert picture.count('<path class="a"') == sum(len(direct(room)) for room in ROOMS)


def test_whom_a_room_knows_can_be_followed_along_the_arrows() -> None:
    def followed(room: str) -> set[str]:
        return {far for near in direct(room) for far in {near, *followed(near)}}

    for room, known in ROOMS.items():
        assert known <= followed(room)


def test_the_map_for_contributors_names_every_module_of_the_layered_rooms() -> None:
    table = re.findall(r"^\|.*", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)
    patterns = {name.rpartition("/")[2] for row in table for name in re.findall(r"`([^`]+)`", row)}
    modules = {
        path.stem
        for room in ("_settings", "_binding", "_codec", "_http", "errors")
        for path in (ROOT / "langchain_aimlapi" / room).glob("[a-z]*.py")
    }
    unnamed = {name for name in modules if not any(fnmatch(name, known) for known in patterns)}
    assert modules
    assert not unnamed
