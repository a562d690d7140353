"""Warnings, once per process, of what a model id makes likely to be refused."""

from __future__ import annotations

from functools import cache

from langchain_aimlapi.data._profiles import deprecation_text, documented_parts, full_model_id
from langchain_aimlapi.errors.caller_warnings import warn_caller


def warn_if_deprecated(model: str) -> None:
    """Warn, once per process and id, that the model is deprecated; meant for its first call.

    Args:
        model: A model id, in any spelling that `full_model_id` resolves.
    """
    text = deprecation_text(model)
    if text is not None:
        _warn_once(text)


def warn_undocumented_part(part: str, *, model: str) -> None:
    """Warn, once per process, model and part, that the model's schema does not list a part.

    Args:
        part: Type of a content part that is sent all the same.
        model: A model id, in any spelling that `full_model_id` resolves.
    """
    documented = documented_parts(model)
    if documented is not None and part not in documented:
        _warn_once(
            f"A content part of type {part!r} is sent to {full_model_id(model)!r}, whose "
            f"documented schema lists only {', '.join(sorted(documented))}: the API may refuse it."
        )


@cache  # what was said is the only state: a warning that is turned into an error is not kept
def _warn_once(text: str) -> None:
    warn_caller(text)
