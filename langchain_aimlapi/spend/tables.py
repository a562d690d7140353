"""A spend shown: as text for a terminal, as HTML for a notebook."""

from __future__ import annotations

from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING

from langchain_aimlapi.spend.cost import Cost, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_COLUMNS = ("model", "answers", "cached", "tokens in", "tokens out", "credits", "USD")


def text_table(by_model: Mapping[str, Cost]) -> str:
    """Return costs by model as lines of text."""
    rows = [*_rows(by_model)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    ]
    return "\n".join([*lines, *_notes(by_model)])


def html_table(by_model: Mapping[str, Cost]) -> str:
    """Return costs by model as an HTML table."""
    head, *rows = (
        "<tr>" + "".join(f"<{cell}>{escape(text)}</{cell}>" for text in row) + "</tr>"
        for cell, row in zip(("th", *("td",) * (len(by_model) + 1)), _rows(by_model), strict=False)
    )
    notes = "".join(f"<p>{escape(note)}</p>" for note in _notes(by_model))
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>{notes}"


def _rows(by_model: Mapping[str, Cost]) -> Iterator[tuple[str, ...]]:
    yield _COLUMNS
    for model, cost in sorted(by_model.items()):
        yield _row(model, cost)
    if len(by_model) != 1:
        yield _row("total", sum(by_model.values(), start=Cost()))


def _row(name: str, cost: Cost) -> tuple[str, ...]:
    counts = (cost.answers, cost.cached, cost.input_tokens, cost.output_tokens)
    return (
        name,
        *(f"{count:,}" for count in counts),
        f"{Decimal(cost.credits).normalize() + 0:,f}",
        plain(cost.usd),
    )


def _notes(by_model: Mapping[str, Cost]) -> Iterator[str]:
    total = sum(by_model.values(), start=Cost())
    if total.usd_derived:
        yield f"{plain(total.usd_derived)} of the USD derived from credits, not reported"
    if total.unpriced:
        yield f"{total.unpriced} of the answers came without a cost"
    if total.open:
        yield (
            f"{total.open} calls open; USD: {plain(total.usd_reported)} reported, "
            f"{plain(total.usd_derived)} derived, {plain(total.usd_open)} open at most"
        )
