"""Records on standard output: a table for people, JSON for programs."""

from __future__ import annotations

import json
import shutil
import sys
import unicodedata
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING

from langchain_aimlapi._cli import ask, screen

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from langchain_aimlapi.account import Account


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option that all of these commands have."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def account(*, needs_key: bool = True) -> Account:
    """Return the account of the environment's key.

    Raises:
        ValueError: The environment's address or key cannot be used, or a needed key is missing.
    """
    from langchain_aimlapi.account import Account

    if needs_key and ask.is_keyless():
        raise ask.no_key_error("")
    return Account()


def print_json(value: object) -> None:
    """Print a record, or a list of them, as JSON; amounts are numbers where these are exact."""
    print(json.dumps(_plain(value), ensure_ascii=False, indent=2))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their columns; on a terminal too narrow for them, cell below cell.

    Where rich is installed it prints the table of a terminal. Nothing is ever cut off: ids are
    there to be copied.
    """
    texts = [[*map(text, row)] for row in rows]
    widths = [max(map(_width, column)) for column in zip(columns, *texts, strict=True)]
    if sys.stdout.isatty():
        # A row that wraps cannot be read, and one that is cut off has lost its id.
        if sum(widths) + 2 * (len(widths) - 1) > shutil.get_terminal_size().columns:
            print("\n\n".join("\n".join(_below(columns, row)) for row in texts))
            return
        if _print_rich(columns, texts):
            return
    for row in (columns, *texts):
        print(_line(row, widths))


def _below(columns: Sequence[str], row: Sequence[str]) -> Iterator[str]:
    """Yield a row as a line for each of its cells that is not empty."""
    width = max(map(_width, columns))
    yield from (_line(pair, [width, 0]) for pair in zip(columns, row, strict=True) if pair[1])


def _line(cells: Iterable[str], widths: Iterable[int]) -> str:
    padded = (
        cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)
    )
    return "  ".join(padded).rstrip()


def _width(cell: str) -> int:
    """Return the columns that a terminal gives to a text; Chinese and emoji take two each."""
    return sum(1 + (unicodedata.east_asian_width(character) in "WF") for character in cell)


def _print_rich(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    try:
        console, table_class = import_module("rich.console"), import_module("rich.table").Table
    except ImportError:
        return False
    table = table_class(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    # A model's id or an alias in brackets is no markup of ours.
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
            # `normalize` writes 100 as `1E+2`, and adding 0 takes the sign off a zero.
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
    # A bill that is off by a rounding is worse than one in quotes.
    return float(amount) if Decimal(str(float(amount))) == amount else str(amount)
