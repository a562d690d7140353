"""The requests of the key, newest first: `langchain-aimlapi logs`."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from langchain_aimlapi._cli import ask, tables

if TYPE_CHECKING:
    import argparse


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--period", default="24h", help="hours or days back, such as 7d (24h)")
    parser.add_argument("--model", action="append", default=[], help="may be repeated")
    parser.add_argument("--status", choices=("succeeded", "failed"), help="only these")
    parser.add_argument(
        "--limit", type=ask.whole_number(0), default=50, metavar="N", help="most rows (50)"
    )
    tables.add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print the rows of the log.

    Raises:
        AIMLAPIError: The account cannot be asked.
        ValueError: There is no key.
    """
    with tables.account() as account:
        rows = account.logs(period=options.period, model=options.model, status=options.status or ())
        entries = [*islice(rows, options.limit)]
    if options.json:
        tables.print_json(entries)
        return 0
    tables.print_table(
        ["created (UTC)", "status", "model", "in", "out", "credits", "client_request_id"],
        [
            [
                entry.created,
                entry.status,
                entry.model,
                entry.tokens.input,
                entry.tokens.output,
                entry.cost.credits,
                entry.client_request_id,
            ]
            for entry in entries
        ],
    )
    return 0
