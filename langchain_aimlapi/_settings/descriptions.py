"""The descriptions of settings: the docstrings that stand below them in the source.

Pydantic can read them too (`use_attribute_docstrings`), but looks for the class in its source so
widely that it takes a third of our import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel

_QUOTES = '\n    """'
_HEADING = "    Settings:\n"


def describe(cls: type[BaseModel], source: str) -> None:
    """Give each setting the docstring below it as its description.

    Args:
        cls: The only class of its module that has such docstrings.
        source: The module's source; `""`, where it was left out, gives no descriptions.
    """
    for paragraph in source.split("\n\n"):
        setting, _, words = paragraph.partition(_QUOTES)
        name = setting.partition(":")[0].strip()
        if words and name in cls.model_fields:
            cls.model_fields[name].description = " ".join(words.partition('"""')[0].split())


def list_settings(cls: type[BaseModel], names: frozenset[str]) -> None:
    """Add the settings to a class's docstring, where `help()` shows them.

    Args:
        cls: A class with or without a docstring; without one it stays so.
        names: The fields to be listed.
    """
    if not cls.__doc__ or _HEADING in cls.__doc__:
        return
    listed = "\n".join(
        f"        {field.alias or name}: {field.description or ''}"
        for name, field in cls.model_fields.items()
        if name in names
    )
    cls.__doc__ = f"{cls.__doc__.rstrip()}\n\n{_HEADING}{listed}\n    "
