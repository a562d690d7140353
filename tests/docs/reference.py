"""The tables of the reference, made from the program: settings, errors, commands, the map.

In go the package's own objects, out come parts of pages in Markdown; `made` puts them there.
"""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any

from langchain_core.language_models.chat_models import BaseChatModel
from pydantic_core import PydanticUndefined

from langchain_aimlapi import ChatAIMLGemini, errors
from langchain_aimlapi._cli import main as cli
from langchain_aimlapi._settings.call_options import _ABOUT_FIELDS, setting_names
from langchain_aimlapi._settings.names import REPLACEMENTS, SYNONYMS
from langchain_aimlapi.testing._cli import main as kit
from tests.docs.pages import ROOT

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable

    from pydantic.fields import FieldInfo

_IN_A_CALL = {*setting_names(ChatAIMLGemini).wire, *_ABOUT_FIELDS, "extra_body", "model"}
_DEFAULTS = {
    "api_key": "`AIMLAPI_API_KEY`",
    "base_url": "`AIMLAPI_API_BASE`, else the gateway",
    "model_kwargs": "",
}
# Not for users: see its docstring.
_INTERNAL = {"connections"}


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [tuple(heads), *map(tuple, rows)]
    shown = [f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in lines]
    return "\n".join(["", shown[0], "|" + "---|" * len(lines[0]), *shown[1:], ""])


def settings_table() -> str:
    """Return a row for each setting of ours, from its field and description."""
    fields = {
        field.alias or name: field
        for name, field in ChatAIMLGemini.model_fields.items()
        if name not in BaseChatModel.model_fields and name not in _INTERNAL
    }
    rows = (
        (
            f"`{name}`",
            _default(name, field),
            "call" if name in _IN_A_CALL else "",
            " ".join((field.description or "").split()).replace("|", "\\|"),
        )
        for name, field in fields.items()
    )
    return _table(("setting", "default", "where", "what it is"), rows)


def _default(name: str, field: FieldInfo) -> str:
    if name in _DEFAULTS:
        return _DEFAULTS[name]
    if field.is_required():
        return "required"
    if field.default in (None, PydanticUndefined):
        return ""
    return f"`{field.default!r}`".replace("'", '"')


def other_names() -> str:
    """Return a row for each setting that goes by names of other packages too."""
    names: dict[str, list[str]] = {}
    for name, setting in SYNONYMS.items():
        names.setdefault(setting, []).append(f"`{name}`")
    return _table(
        ("setting", "also taken"),
        ((f"`{setting}`", ", ".join(names[setting])) for setting in sorted(names)),
    )


def refused_names() -> str:
    """Return a row for each way out, with the names of other packages that lead to it."""
    names: dict[str, list[str]] = {}
    for name, instead in REPLACEMENTS.items():
        names.setdefault(instead, []).append(f"`{name}`")
    return _table(
        ("refused", "instead"), ((", ".join(named), instead) for instead, named in names.items())
    )


def errors_table() -> str:
    """Return a row for each error of the tree."""
    kinds = [
        kind
        for kind in vars(errors).values()
        if inspect.isclass(kind) and issubclass(kind, errors.AIMLAPIError)
    ]
    rows = (
        (
            f"`{kind.__name__}`",
            ", ".join(f"`{base.__name__}`" for base in _bases(kind)),
            (inspect.getdoc(kind) or "").partition("\n")[0],
            "yes" if kind.is_retryable else "no",
        )
        for kind in kinds
    )
    return _table(("error", "is also a", "raised for", "`is_retryable`"), rows)


def _bases(kind: type[errors.AIMLAPIError]) -> Iterable[type]:
    """Return what an error is besides: a class of ours, of langchain-core, of Python."""
    for base in kind.__bases__:
        if base is not errors.AIMLAPIError or kind.__bases__ == (errors.AIMLAPIError,):
            yield base


def commands() -> str:
    """Return the options of every command (the form of `--help` changes with Python's versions)."""
    parsers = {"langchain-aimlapi": _cli_parser("ask")}
    parsers |= {f"langchain-aimlapi {name}": _cli_parser(name) for name in cli.COMMANDS}
    actions: list[Any] = kit._parser()._actions
    subparsers = next(action for action in actions if action.choices)
    for told in subparsers._choices_actions:  # what the list of commands says of each
        parser = subparsers.choices[told.dest]
        parser.description = parser.description or f"{str(told.help).capitalize()}."
        parsers[f"python -m langchain_aimlapi.testing {told.dest}"] = parser
    return "\n" + "\n".join(_options(title, parser) for title, parser in parsers.items())


def _cli_parser(name: str) -> argparse.ArgumentParser:
    parser = cli._parser(name)
    import_module(f"langchain_aimlapi._cli.{name}").add_options(parser)
    return parser


def _options(title: str, parser: argparse.ArgumentParser) -> str:
    about = f"{' '.join(parser.description.split())}\n" if parser.description else ""
    formatter = parser._get_formatter()
    rows = (
        (_spelling(action), formatter._expand_help(action) if action.help else "")
        for action in parser._actions
        if action.dest not in {"help", "version"}
    )
    return f"### `{title}`\n\n{about}{_table(('option', 'what it does'), rows)}"


def _spelling(action: argparse.Action) -> str:
    names = ", ".join(f"`{name}`" for name in action.option_strings)
    if not names:
        return f"`{action.metavar or action.dest}`"
    if action.nargs == 0:
        return names
    value = action.metavar or (action.choices and "|".join(map(str, action.choices)))
    return f"{names} `{value or action.dest.upper()}`".replace("|", "\\|")


def signatures_tables() -> str:
    """Return what `run.py --signatures` measured last."""
    results = ROOT / "tests" / "benchmarks" / "results" / "signatures.md"
    return f"\n{results.read_text(encoding='utf-8').strip()}\n"


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "errors": errors_table,
    "other_names": other_names,
    "refused_names": refused_names,
    "settings": settings_table,
    "signatures": signatures_tables,
}
