"""Facts per model id: limits, modalities, effort levels, deprecation.

`_PROFILES` is the table, in the layout that LangChain's partner packages and tools use: a row per
served id, its keys those of `ModelProfile`. What this package knows besides (which schema an id
has, what replaces a deprecated one) stands beside it. A new id is one row of `_PROFILES`: the
newest schema is assumed for it, and the stand-in server of `testing` serves it by itself.

A row says `True` or `False` for every kind of input, for tools and for structured output, because
middleware drops an unsupported part only where `False` stands: an input is `True` where the id's
schema lists its part. An id that no page lists has the profile that is safe for the family.

Sources, read 2026-11-21, of aimlapi/api-docs at commit f14fa72 (2026-08-21):
    list: docs/api-references/model-database.md (ids, context windows, the deprecated ones).
    schema: the OpenAPI document of each id, docs/api-references/text-models-llm/Google/*.json
        (the parts that a user message may hold, tools, `response_format`, `reasoning_effort`).
        That a model obeys a JSON schema is assumed; no page says so.
    page: the page of each id, docs/api-references/text-models-llm/google/*.md (its answer shows
        reasoning tokens).
Names and output limits are those of models.dev (as of langchain-google-genai 4.4.3 and
langchain-openrouter 0.2.9, read 2026-11-26), where those two differ the smaller limit; so are the
windows of the two `-latest` ids, which the list lacks, and that image models call no tools.
"""

from functools import lru_cache
from typing import Any, NamedTuple

_FAMILY = "google/gemini-"

# What all have in common, and what is safe to claim of an id of the family that no page lists.
_ANY: dict[str, Any] = {
    "text_inputs": True,
    "image_inputs": True,
    "image_url_inputs": True,
    "image_tool_message": True,
    "pdf_inputs": False,
    "pdf_tool_message": False,
    "audio_inputs": False,
    "video_inputs": False,
    "text_outputs": True,
    "image_outputs": False,
    "audio_outputs": False,
    "video_outputs": False,
    "reasoning_output": True,
    "tool_calling": True,
    "tool_choice": True,
    "tool_call_streaming": True,
    "structured_output": False,
    "temperature": True,
    "max_input_tokens": 200_000,  # the smallest window of a documented chat model
}
_CHAT = {**_ANY, "status": "active", "structured_output": True, "max_output_tokens": 65_536}
_LEVELS = {"reasoning_effort_levels": ["low", "medium", "high"]}
_PDF = {"pdf_inputs": True, "pdf_tool_message": True}
_MEDIA = {**_PDF, "audio_inputs": True, "video_inputs": True}
_MAKES_IMAGES = {
    **_CHAT,
    **_PDF,
    **_LEVELS,
    "image_outputs": True,
    "tool_calling": False,
    "tool_choice": False,
    "tool_call_streaming": False,
    "max_output_tokens": 32_768,
}

_PROFILES: dict[str, dict[str, Any]] = {
    # Levels of the first two: not in the schema; Google's own for the model, which cannot switch
    # thinking off (Google's Gemini 3 guide, quoted in big-AGI#893).
    "google/gemini-3-pro-preview": {
        **_CHAT,
        "name": "Gemini 3 Pro Preview",
        "status": "deprecated",
        "max_input_tokens": 200_000,
        "reasoning_effort_levels": ["low", "high"],
        "reasoning_effort_default": "high",
    },
    "google/gemini-3-flash-preview": {
        **_CHAT,
        "name": "Gemini 3 Flash Preview",
        "max_input_tokens": 1_000_000,
        "reasoning_effort_levels": ["minimal", "low", "medium", "high"],
    },
    "google/gemini-2.5-pro": {
        **_CHAT,
        "name": "Gemini 2.5 Pro",
        "max_input_tokens": 1_000_000,
    },
    "google/gemini-2.5-flash": {
        **_CHAT,
        "name": "Gemini 2.5 Flash",
        "max_input_tokens": 1_000_000,
        "max_output_tokens": 65_535,
    },
    "google/gemini-2.5-flash-lite-preview": {
        **_CHAT,
        **_LEVELS,
        "name": "Gemini 2.5 Flash-Lite Preview",
        "max_input_tokens": 1_000_000,
        "max_output_tokens": 65_535,
    },
    "google/gemini-3-1-pro-preview": {
        **_CHAT,
        "name": "Gemini 3.1 Pro Preview",
        "max_input_tokens": 1_000_000,
    },
    "google/gemini-3-1-flash-lite-preview": {
        **_CHAT,
        **_LEVELS,
        "name": "Gemini 3.1 Flash Lite Preview",
        "max_input_tokens": 1_048_576,
    },
    "google/gemini-3-1-flash-lite": {
        **_CHAT,
        **_MEDIA,
        **_LEVELS,
        "name": "Gemini 3.1 Flash Lite",
        "max_input_tokens": 1_050_000,
    },
    "google/gemini-3-5-flash": {
        **_CHAT,
        **_MEDIA,
        **_LEVELS,
        "name": "Gemini 3.5 Flash",
        "max_input_tokens": 1_000_000,
    },
    # Both spellings are listed.
    "google/gemini-3-5-flash-lite": {
        **_CHAT,
        **_MEDIA,
        **_LEVELS,
        "name": "Gemini 3.5 Flash Lite",
        "max_input_tokens": 1_048_576,
    },
    "google/gemini-3.5-flash-lite": {
        **_CHAT,
        **_MEDIA,
        **_LEVELS,
        "name": "Gemini 3.5 Flash Lite",
        "max_input_tokens": 1_048_576,
    },
    "google/gemini-3-6-flash": {
        **_CHAT,
        **_LEVELS,
        "name": "Gemini 3.6 Flash",
        "max_input_tokens": 1_048_576,
    },
    "google/gemini-3-7-flash": {
        **_CHAT,
        **_LEVELS,
        "name": "Gemini 3.7 Flash",
        "max_input_tokens": 1_048_576,
    },
    "google/gemini-3.1-pro-preview-customtools": {
        **_CHAT,
        **_PDF,
        **_LEVELS,
        "name": "Gemini 3.1 Pro Preview Custom Tools",
        "max_input_tokens": 1_048_756,
    },
    "google/gemini-pro-latest": {
        **_CHAT,
        **_PDF,
        **_LEVELS,
        "name": "Gemini Pro Latest",
        "max_input_tokens": 1_048_576,
    },
    "google/gemini-flash-latest": {
        **_CHAT,
        **_PDF,
        **_LEVELS,
        "name": "Gemini Flash Latest",
        "max_input_tokens": 1_048_576,
    },
    "google/gemini-3-pro-image": {
        **_MAKES_IMAGES,
        "name": "Nano Banana Pro",
        "max_input_tokens": 65_536,
    },
    "google/gemini-3.1-flash-image": {
        **_MAKES_IMAGES,
        "name": "Nano Banana 2",
        "max_input_tokens": 131_072,
    },
}

_PART_OF_INPUT = {
    "text_inputs": "text",
    "image_inputs": "image_url",
    "pdf_inputs": "file",
    "video_inputs": "video_url",
    "audio_inputs": "input_audio",
}


class ModelFacts(NamedTuple):
    """What the schema and the page of a served id document of its requests and answers.

    Attributes:
        parts: Types of content parts in a user message: some of `text`, `image_url`, `file`,
            `video_url`, `input_audio`.
        dialect: Of its answers: `O` (OpenRouter's) or `V` (Vertex'); where its page shows no
            answer, assumed from its neighbours.
        newer: Whether its schema is the newest one: `extra_content`, `cache_control`, null
            content, tool results as parts, tools without parameters, custom tools.
        reasoning: Which of `reasoning_effort` and `reasoning` it takes.
    """

    parts: frozenset[str] = frozenset()
    dialect: str = "V"
    newer: bool = True
    reasoning: frozenset[str] = frozenset({"reasoning_effort"})


_NEWEST = ModelFacts()
_EFFORT_OR_BUDGET = ModelFacts(reasoning=frozenset({"reasoning_effort", "reasoning"}))
_OLDER_WITH_EFFORT = ModelFacts(newer=False)
_OLDER = ModelFacts(newer=False, reasoning=frozenset())
_OLDEST = ModelFacts(dialect="O", newer=False, reasoning=frozenset())
_FACTS = {
    "google/gemini-3-pro-preview": _OLDEST,
    "google/gemini-3-flash-preview": _OLDEST,
    "google/gemini-2.5-pro": _OLDEST,
    "google/gemini-2.5-flash": _OLDEST,
    "google/gemini-2.5-flash-lite-preview": ModelFacts(dialect="O", newer=False),
    "google/gemini-3-1-pro-preview": _OLDER,
    "google/gemini-3-1-flash-lite-preview": _OLDER_WITH_EFFORT,
    "google/gemini-3-1-flash-lite": _OLDER_WITH_EFFORT,
    "google/gemini-3-5-flash": _OLDER_WITH_EFFORT,
    "google/gemini-3.1-pro-preview-customtools": _EFFORT_OR_BUDGET,
    "google/gemini-pro-latest": _EFFORT_OR_BUDGET,
    "google/gemini-flash-latest": _EFFORT_OR_BUDGET,
    "google/gemini-3-pro-image": _EFFORT_OR_BUDGET,
    "google/gemini-3.1-flash-image": _EFFORT_OR_BUDGET,
}

# The list's deprecated ids. Only the first still has a page and a schema. No page names the
# successors: the served id of the same line is assumed to be it.
_SUCCESSORS = {
    "google/gemini-3-pro-preview": "google/gemini-3-1-pro-preview",
    **{
        _FAMILY + name: _FAMILY + successor
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
_DOCUMENTED = _PROFILES.keys() | _SUCCESSORS.keys()
# Ids mix `3-1` and `3.1`, and upstreams spell them the other way (`google/gemini-3.1-pro-preview`
# answers `google/gemini-3-1-pro-preview`): one key for both spellings.
_SPELLING = {model.replace(".", "-"): model for model in sorted(_DOCUMENTED)}


# Asked for at each call, and a program uses few ids.
@lru_cache(maxsize=64)
def full_model_id(model: str) -> str:
    """Return the id to send: with its `google/` prefix, in the documented spelling.

    Args:
        model: What the user wrote: `gemini-3-flash-preview`, `google/gemini-3.1-pro-preview`,
            `models/gemini-2.5-pro` (as Google's own packages have it), ...

    Returns:
        A bare `gemini-...` id with `google/` before it; without blanks around and without
        `models/`; dots and dashes as in the documented id; otherwise unchanged.
    """
    model = model.strip().removeprefix("models/")
    if model.startswith("gemini-"):
        model = f"google/{model}"
    return model if model in _DOCUMENTED else _SPELLING.get(model.replace(".", "-"), model)


def profile_of(model: str) -> dict[str, Any] | None:
    """Return what is known of a model, in the shape of LangChain's `ModelProfile`.

    `max_input_tokens` is the documented context window. Images and files in a tool message count
    as supported where a user message takes them, because that is where they are sent.

    Args:
        model: A model id, in any spelling that `full_model_id` resolves.

    Returns:
        A new dict; for a Gemini id that is not documented or no longer served what is safe to
        assume of the family, `None` for any other.
    """
    model = full_model_id(model)
    row = _PROFILES.get(model)
    if row is None:
        row = _ANY if model.startswith(_FAMILY) else None
        if model in _SUCCESSORS:
            row = {**_ANY, "status": "deprecated"}
    if row is None:
        return None
    # A copy to the bottom: users change the profile that a model holds.
    return {key: [*value] if isinstance(value, list) else value for key, value in row.items()}


def facts_of(model: str) -> ModelFacts | None:
    """Return what is documented of a served id's requests and answers, `None` for any other.

    Args:
        model: A model id, in any spelling that `full_model_id` resolves.
    """
    model = full_model_id(model)
    row = _PROFILES.get(model)
    if row is None:
        return None
    parts = frozenset(part for key, part in _PART_OF_INPUT.items() if row.get(key))
    return _FACTS.get(model, _NEWEST)._replace(parts=parts)


def served_models() -> dict[str, ModelFacts]:
    """Return the facts of every id that has a row; the stand-in server serves these."""
    return {model: facts for model in _PROFILES if (facts := facts_of(model))}


def documented_parts(model: str) -> frozenset[str] | None:
    """Return the types of content parts in the model's documented schema of a user message.

    Args:
        model: A model id, in any spelling that `full_model_id` resolves.

    Returns:
        Some of `text`, `image_url`, `file`, `video_url`, `input_audio`; `None` where no schema
        is documented.
    """
    facts = facts_of(model)
    return None if facts is None else facts.parts


def takes_tool_cache_marks(model: str) -> bool:
    """Return whether tools may carry `cache_control`; true also where no schema is documented.

    Elsewhere the schema of a tool forbids further keys, so that the mark, which only says how to
    bill, would cost the whole call.

    Args:
        model: A model id, in any spelling that `full_model_id` resolves.
    """
    facts = facts_of(model)
    return facts is None or facts.newer


def successor_of(model: str) -> str | None:
    """Return the id to use instead of a deprecated one; `None` for any other id.

    Args:
        model: A model id, in any spelling that `full_model_id` resolves.
    """
    return _SUCCESSORS.get(full_model_id(model))


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
