"""What the key was charged: `langchain-aimlapi usage`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_aimlapi._cli import tables

if TYPE_CHECKING:
    import argparse


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--period", default="24h", help="hours or days back, such as 7d (24h)")
    parser.add_argument(
        "--by", action="append", choices=("day", "model"), default=[], help="may be repeated"
    )
    parser.add_argument("--tz", metavar="ZONE", help="whose days, such as Europe/Berlin (UTC)")
    tables.add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print the usage of a window, in all or by day or model.

    Raises:
        AIMLAPIError: The account cannot be asked.
        ValueError: There is no key.
    """
    with tables.account() as account:
        usage = account.usage(period=options.period, group_by=options.by, tz=options.tz)
    if options.json:
        tables.print_json(usage)
        return 0
    if usage.groups:
        tables.print_table(
            [*options.by, "requests", "failed", "tokens in", "tokens out", usage.currency],
            [
                [
                    *(getattr(group, name) for name in options.by),
                    group.requests.total,
                    group.requests.failed,
                    group.tokens.input,
                    group.tokens.output,
                    group.spend,
                ]
                for group in usage.groups
            ],
        )
    spent = f"{tables.text(usage.spend)} {tables.text(usage.currency)}"
    print(f"{spent} in {usage.requests} charged requests")
    return 0
