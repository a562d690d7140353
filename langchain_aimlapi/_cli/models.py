"""The models: `langchain-aimlapi models`, those of this release or, `--live`, of today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_aimlapi._cli import tables

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from decimal import Decimal

    from langchain_aimlapi.account import Model


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--live", action="store_true", help="ask the catalogue; needs no key")
    parser.add_argument("--all", action="store_true", help="with --live: not only Gemini")
    tables.add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print ids with limits, inputs and prices.

    Raises:
        AIMLAPIError: The catalogue cannot be asked.
    """
    if options.live:
        _show_live(options)
    else:
        _show_known(options)
    return 0


def _show_live(options: argparse.Namespace) -> None:
    with tables.account(needs_key=False) as account:
        models = [
            model for model in account.models() if options.all or "gemini" in model.id.lower()
        ]
    if options.json:
        tables.print_json(models)
        return
    tables.print_table(
        ["id", "context", "output", "inputs", "capabilities", "$/M in", "$/M out"],
        [
            [
                model.id,
                model.info.context_length,
                model.info.output_max,
                model.modalities.input if model.modalities else None,
                model.capabilities,
                *_prices(model),
            ]
            for model in models
        ],
    )


def _prices(model: Model) -> list[Decimal | None]:
    if model.pricing is None:
        return [None, None]
    rates = model.pricing.rate("input"), model.pricing.rate("output")
    # Per million tokens, as every provider quotes it: a price per token is all zeros.
    return [None if rate is None else rate * 1_000_000 for rate in rates]


def _show_known(options: argparse.Namespace) -> None:
    from langchain_aimlapi.data._profiles import profile_of, served_models

    profiles = {name: profile_of(name) or {} for name in served_models()}
    if options.json:
        tables.print_json([{"id": name, **profile} for name, profile in profiles.items()])
        return
    tables.print_table(
        ["id", "context", "output", "inputs", "status"],
        [
            [
                name,
                profile.get("max_input_tokens"),
                profile.get("max_output_tokens"),
                _inputs(profile),
                profile.get("status"),
            ]
            for name, profile in profiles.items()
        ],
    )


def _inputs(profile: Mapping[str, object]) -> list[str]:
    kinds = ("text", "image", "pdf", "audio", "video")
    return [kind for kind in kinds if profile.get(f"{kind}_inputs")]
