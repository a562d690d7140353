"""Histories that an earlier version stored still go back as they did, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit_tests.codec.stored_messages import ANSWERS, messages_of, restored, sent

STORED = Path(__file__).parent / "stored"
ROWS: dict[str, dict[str, Any]] = {
    f"{file.stem} {file.parent.name}: {row['answer']}, {row['got']}": row
    for file in sorted(STORED.rglob("*.json"))
    for row in json.loads(file.read_text(encoding="utf-8"))
}


def test_there_are_stored_messages() -> None:
    dialects = {file.stem for file in STORED.rglob("*.json")}
    assert dialects == set(ANSWERS)
    assert len(ROWS) >= 48


@pytest.mark.filterwarnings("ignore:The function `loads` is in beta")
@pytest.mark.parametrize("name", ROWS)
def test_a_stored_message_goes_back_byte_for_byte(name: str) -> None:
    row = ROWS[name]
    assert set(row["stored"]) == {"pickle", "dumps", "msgpack"}
    for form, text in row["stored"].items():
        assert sent(restored(form, text)) == row["sent"]


@pytest.mark.parametrize("dialect", ANSWERS)
def test_messages_of_today_are_sent_as_those_of_then(dialect: str) -> None:
    rows = [row for name, row in ROWS.items() if name.startswith(dialect)]
    then = {(row["answer"], row["got"]): row["sent"] for row in rows}
    for name, answer in ANSWERS[dialect]().items():
        for how, message in messages_of(answer):
            assert sent(message) == then[name, how]
