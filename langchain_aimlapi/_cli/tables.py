"""Records on standard output: a table for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING

from langchain_aimlapi._cli import screen

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from langchain_aimlapi.account import Account


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option that all of these commands have."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def account() -> Account:
    """Return the account of the environment's key.

    Raises:
        ValueError: The environment's address or key cannot be used.
    """
    from langchain_aimlapi.account import Account

    return Account()


def print_json(value: object) -> None:
    """Print a record, or a list of them, as JSON; amounts are numbers where these are exact."""
    print(json.dumps(_plain(value), ensure_ascii=False, indent=2))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their columns, by rich where it is installed and a terminal looks."""
    texts = [[*map(text, row)] for row in rows]
    if sys.stdout.isatty() and _print_rich(columns, texts):
        return
    widths = [max(map(len, column)) for column in zip(columns, *texts, strict=True)]
    for row in (columns, *texts):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def _print_rich(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    try:
        console, table_class = import_module("rich.console"), import_module("rich.table").Table
    except ImportError:
        return False
    table = table_class(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    console.Console(markup=False, highlight=False, emoji=False).print(table)
    return True


def text(cell: object) -> str:
    """Return a value as people read it: amounts with all digits, times in UTC."""
    return screen.visible(_text(cell))


def _text(cell: object) -> str:
    match cell:
        case None:
            return ""
        case datetime():
            return cell.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        case Decimal():
            return f"{cell.normalize() + 0:f}"
        case tuple() | list():
            return " ".join(map(_text, cell))
        case _:
            return str(cell)


def _plain(value: object) -> object:
    match value:
        case Decimal():
            return _number(value)
        case datetime() | date():
            return value.isoformat()
        case tuple() | list():
            return [_plain(part) for part in value]
        case dict():
            return {key: _plain(part) for key, part in value.items()}
        case _ if is_dataclass(value):
            return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            return value


def _number(amount: Decimal) -> int | float | str:
    if amount == amount.to_integral_value():
        return int(amount)
    return float(amount) if Decimal(str(float(amount))) == amount else str(amount)
