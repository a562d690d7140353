"""Facts per model id: limits, modalities, effort levels, deprecation.

Every figure is one that a public page gives; what no page gives is absent, and an id that no
page lists has no facts at all: it is sent as it is, and the API decides.

Sources, read 2026-11-21, of aimlapi/api-docs at commit f14fa72 (2026-08-21):
    list: docs/api-references/model-database.md (ids, context windows, the deprecated ones).
    schema: the OpenAPI document of each id, docs/api-references/text-models-llm/Google/*.json
        (the parts that a user message may hold, tools, `response_format`, `reasoning_effort`).
    page: the page of each id, docs/api-references/text-models-llm/google/*.md (its answer shows
        reasoning tokens).
"""

import warnings
from functools import cache
from typing import Any, NamedTuple

_GEMINI = "google/gemini-"
_IMAGE = ("text", "image_url")
_IMAGE_FILE = (*_IMAGE, "file")
_EVERY_PART = (*_IMAGE_FILE, "video_url", "input_audio")
_EFFORTS = ("low", "medium", "high")

_INPUT_OF_PART = {
    "text": ("text_inputs",),
    "image_url": ("image_inputs", "image_url_inputs", "image_tool_message"),
    "file": ("pdf_inputs", "pdf_tool_message"),
    "video_url": ("video_inputs",),
    "input_audio": ("audio_inputs",),
}


class _Facts(NamedTuple):
    """What is documented of one model id."""

    parts: tuple[str, ...] = ()
    """Types of content parts in the schema of a user message; empty: no schema any more."""
    context: int | None = None
    """Context window in tokens, from the list."""
    efforts: tuple[str, ...] = ()
    """Values of `reasoning_effort`, weakest first."""
    extra: dict[str, Any] = {}  # noqa: RUF012 - never written to: `profile_of` makes a new dict
    """Further keys of the profile, as they are."""
    deprecated: bool = False
    successor: str | None = None


_TOOLS = {"tool_calling": True, "tool_choice": True, "tool_call_streaming": True}
_ACTIVE = {"status": "active", "text_outputs": True, **_TOOLS}
_REASONS = {**_ACTIVE, "reasoning_output": True}
# The schemas of these ids were read in full: `response_format` takes a JSON schema, `temperature`
# goes from 0 to 2. That the model obeys the schema is assumed; no page says so.
_WHOLE_SCHEMA_READ = {"structured_output": True, "temperature": True}

_FACTS: dict[str, _Facts] = {
    # list (deprecated table), schema, page. Levels: not in the schema; Google's own for this
    # model, which cannot switch thinking off (Google's Gemini 3 guide, quoted in big-AGI#893).
    "google/gemini-3-pro-preview": _Facts(
        parts=_IMAGE,
        context=200_000,
        efforts=("low", "high"),
        extra={**_REASONS, **_WHOLE_SCHEMA_READ, "reasoning_effort_default": "high"},
        deprecated=True,
        successor="google/gemini-3-1-pro-preview",
    ),
    # list, schema, page. Levels: as above, Google's own.
    "google/gemini-3-flash-preview": _Facts(
        parts=_IMAGE,
        context=1_000_000,
        efforts=("minimal", "low", "medium", "high"),
        extra={**_REASONS, **_WHOLE_SCHEMA_READ},
    ),
    # list, schema.
    "google/gemini-2.5-pro": _Facts(parts=_IMAGE, context=1_000_000, extra=_ACTIVE),
    "google/gemini-2.5-flash": _Facts(parts=_IMAGE, context=1_000_000, extra=_ACTIVE),
    # list, schema (effort included).
    "google/gemini-2.5-flash-lite-preview": _Facts(_IMAGE, 1_000_000, _EFFORTS, _REASONS),
    # list, schema, page (its answer shows 946 reasoning tokens).
    "google/gemini-3-1-pro-preview": _Facts(parts=_IMAGE, context=1_000_000, extra=_REASONS),
    # list, schema, page.
    "google/gemini-3-1-flash-lite-preview": _Facts(_IMAGE, 1_048_576, _EFFORTS, _REASONS),
    "google/gemini-3-1-flash-lite": _Facts(_EVERY_PART, 1_050_000, _EFFORTS, _REASONS),
    "google/gemini-3-5-flash": _Facts(_EVERY_PART, 1_000_000, _EFFORTS, _REASONS),
    # list, schema. Both spellings of the first are listed.
    "google/gemini-3-5-flash-lite": _Facts(_EVERY_PART, 1_048_576, _EFFORTS, _REASONS),
    "google/gemini-3.5-flash-lite": _Facts(_EVERY_PART, 1_048_576, _EFFORTS, _REASONS),
    "google/gemini-3-6-flash": _Facts(_IMAGE, 1_048_576, _EFFORTS, _REASONS),
    "google/gemini-3-7-flash": _Facts(
        _IMAGE, 1_048_576, _EFFORTS, {**_REASONS, **_WHOLE_SCHEMA_READ}
    ),
    "google/gemini-3.1-pro-preview-customtools": _Facts(_IMAGE_FILE, 1_048_756, _EFFORTS, _REASONS),
    # schema; not in the list, so neither a window nor a status.
    "google/gemini-pro-latest": _Facts(
        parts=_IMAGE_FILE, efforts=_EFFORTS, extra={"reasoning_output": True, **_TOOLS}
    ),
    "google/gemini-flash-latest": _Facts(
        parts=_IMAGE_FILE, efforts=_EFFORTS, extra={"reasoning_output": True, **_TOOLS}
    ),
    # list, schema. Whether tools work is not documented: absent.
    "google/gemini-3-pro-image": _Facts(
        _IMAGE_FILE,
        65_536,
        _EFFORTS,
        {"status": "active", "text_outputs": True, "image_outputs": True, "reasoning_output": True},
    ),
    "google/gemini-3.1-flash-image": _Facts(
        _IMAGE_FILE,
        131_072,
        _EFFORTS,
        {"status": "active", "text_outputs": True, "image_outputs": True, "reasoning_output": True},
    ),
    # list (deprecated table). No page names a successor of these: the served id of the same
    # line is assumed to be it.
    **{
        _GEMINI + name: _Facts(deprecated=True, successor=_GEMINI + successor)
        for name, successor in (
            ("2.5-pro-preview", "2.5-pro"),
            ("2.5-pro-preview-05-06", "2.5-pro"),
            ("2.5-flash-preview", "2.5-flash"),
            ("2.0-flash", "2.5-flash"),
            ("2.0-flash-exp", "2.5-flash"),
            ("2.0-flash-thinking-exp-01", "2.5-flash"),
            ("1.5-pro", "2.5-pro"),
            ("1.5-flash", "2.5-flash"),
            ("pro", "2.5-pro"),
        )
    },
}
# schema: ids whose tools may carry `cache_control`. Elsewhere the schema of a tool forbids further
# keys, so that the mark, which only says how to bill, would cost the whole call.
_TOOL_CACHE_MARKS = frozenset(
    _GEMINI + name
    for name in (
        "3-5-flash-lite",
        "3.5-flash-lite",
        "3-6-flash",
        "3-7-flash",
        "3.1-pro-preview-customtools",
        "pro-latest",
        "flash-latest",
        "3-pro-image",
        "3.1-flash-image",
    )
)
# Ids mix `3-1` and `3.1`, and upstreams spell them the other way (`google/gemini-3.1-pro-preview`
# answers `google/gemini-3-1-pro-preview`): one key for both spellings.
_SPELLING = {model.replace(".", "-"): model for model in _FACTS}


def full_model_id(model: str) -> str:
    """Return the id to send: with its `google/` prefix, in the documented spelling.

    Args:
        model: What the user wrote: `gemini-3-flash-preview`, `google/gemini-3.1-pro-preview`, ...

    Returns:
        A bare `gemini-...` id with `google/` before it; dots and dashes as in the documented id;
        an id that is not documented otherwise unchanged.
    """
    if model.startswith("gemini-"):
        model = f"google/{model}"
    return model if model in _FACTS else _SPELLING.get(model.replace(".", "-"), model)


def profile_of(model: str) -> dict[str, Any] | None:
    """Return what is documented of a model, in the shape of LangChain's `ModelProfile`.

    A modality that the model's schema does not list is absent, not `False`: the part is sent, and
    the API decides. `max_input_tokens` is the documented context window; maximum output lengths
    are not documented. Images and files in a tool message count as supported where a user message
    takes them, because that is where they are sent.

    Args:
        model: A model id, in any spelling that `full_model_id` resolves.

    Returns:
        A new dict, or `None` for an id that is not documented.
    """
    facts = _facts_of(model)
    if facts is None:
        return None
    profile = dict(facts.extra)
    if facts.deprecated:
        profile["status"] = "deprecated"
    if facts.context is not None:
        profile["max_input_tokens"] = facts.context
    for part in facts.parts:
        profile.update(dict.fromkeys(_INPUT_OF_PART[part], True))
    if facts.efforts:
        profile["reasoning_effort_levels"] = list(facts.efforts)
    return profile


def documented_parts(model: str) -> frozenset[str] | None:
    """Return the types of content parts in the model's documented schema of a user message.

    Args:
        model: A model id, in any spelling that `full_model_id` resolves.

    Returns:
        Some of `text`, `image_url`, `file`, `video_url`, `input_audio`; `None` where no schema
        is documented.
    """
    facts = _facts_of(model)
    return frozenset(facts.parts) if facts is not None and facts.parts else None


def takes_tool_cache_marks(model: str) -> bool:
    """Return whether tools may carry `cache_control`; true also where no schema is documented.

    Args:
        model: A model id, in any spelling that `full_model_id` resolves.
    """
    return documented_parts(model) is None or full_model_id(model) in _TOOL_CACHE_MARKS


def successor_of(model: str) -> str | None:
    """Return the id to use instead of a deprecated one; `None` for any other id.

    Args:
        model: A model id, in any spelling that `full_model_id` resolves.
    """
    facts = _facts_of(model)
    return facts.successor if facts is not None else None


def deprecation_text(model: str) -> str | None:
    """Return one sentence on a deprecated model and what to use instead, or `None`.

    Args:
        model: A model id, in any spelling that `full_model_id` resolves.
    """
    successor = successor_of(model)
    if successor is None:
        return None
    return (
        f"Model {full_model_id(model)!r} is listed as deprecated by AI/ML API (2026-08-21) and "
        f"may refuse calls; use {successor!r} instead."
    )


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


def _facts_of(model: str) -> _Facts | None:
    return _FACTS.get(full_model_id(model))


@cache  # what was said is the only state: a warning that is turned into an error is not kept
def _warn_once(text: str) -> None:
    warnings.warn(text, UserWarning, stacklevel=3)
