"""Warnings that point at the line of the user's own code, however deep in LangChain they arise."""

from __future__ import annotations

import inspect
import warnings

# Frames of these lie between what a user wrote and what we warn of.
_BETWEEN = frozenset(
    {
        "asyncio",
        "concurrent",
        "contextlib",
        "deepagents",
        "functools",
        "langchain",
        "langchain_aimlapi",
        "langchain_core",
        "langgraph",
        "pydantic",
        "tenacity",
        "threading",
    }
)


def warn_caller(message: str) -> None:
    """Warn at the nearest line outside this package and LangChain's.

    (`skip_file_prefixes` does this from Python 3.12 on, but knows files, not packages.)

    Args:
        message: What the warning says.
    """
    # A warning that points into a library is filtered out by default, and tells nobody which line
    # to change.
    level, frame = 1, inspect.currentframe()
    while frame and _package_of(frame.f_globals) in _BETWEEN:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)


def _package_of(module_globals: dict[str, object]) -> str:
    return str(module_globals.get("__name__", "")).partition(".")[0]
