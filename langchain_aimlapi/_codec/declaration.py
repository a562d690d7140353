"""A tool as it declares itself, whatever it is made of."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_aimlapi._json import JsonObject

if TYPE_CHECKING:
    from langchain_aimlapi._json import JsonMapping


class Rewritten(JsonObject):
    """A tool or response format whose schema is rewritten: it passes through again untouched."""


class Declaration(NamedTuple):
    """A tool or an answer as it declares itself; the schema is not yet rewritten.

    Attributes:
        name: The tool's name; whether the endpoint takes it is not checked.
        description: What it is for; may be empty.
        schema: JSON schema of its arguments, with definitions and titles.
        is_made: Whether pydantic made the schema; else the user wrote it as it is.
        function: What else stands in the wire's `function`, such as `strict`.
        extras: What else stands on the wire's tool, such as `cache_control`.
    """

    name: Any
    description: str
    schema: Any
    is_made: bool = True
    function: JsonMapping = MappingProxyType({})
    extras: JsonMapping = MappingProxyType({})
