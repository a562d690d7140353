"""What is left on the account: `langchain-aimlapi balance`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_aimlapi._cli import tables

if TYPE_CHECKING:
    import argparse


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    tables.add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print the balance.

    Raises:
        AIMLAPIError: The account cannot be asked.
        ValueError: There is no key.
    """
    with tables.account() as account:
        balance = account.balance()
    if options.json:
        tables.print_json(balance)
    else:
        print(f"{tables.text(balance.current_balance)} {tables.text(balance.currency)}")
    return 0
