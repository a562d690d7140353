"""What the documentation says of each Gemini id that the stand-in serves.

Source: AI/ML API's model pages and OpenAPI documents (aimlapi/api-docs of 2026-08-21), read
2026-11-21. The dialect of an id is what its page showed; for the ids whose page shows no
answer it is assumed from their neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a served id documents.

    Attributes:
        dialect: `O` (OpenRouter's) or `V` (Vertex').
        parts: Content parts beyond text and images.
        newer: Whether its schema is the newer one: `extra_content`, cache control, null
            content, tool results as parts, tools without parameters, custom tools.
        reasoning: Whether it documents `reasoning_effort`, `reasoning` or neither.
    """

    dialect: str = "V"
    parts: frozenset[str] = frozenset()
    newer: bool = False
    reasoning: frozenset[str] = frozenset()


def facts_by_model() -> dict[str, ModelFacts]:
    """Return the facts of every served id."""
    media = frozenset({"video_url", "file", "input_audio"})
    file = frozenset({"file"})
    effort = frozenset({"reasoning_effort"})
    both = frozenset({"reasoning_effort", "reasoning"})
    first = ModelFacts(dialect="O")
    newest = ModelFacts(newer=True, reasoning=effort)
    router = ModelFacts(parts=file, newer=True, reasoning=both)
    lite = ModelFacts(parts=media, newer=True, reasoning=effort)
    return {
        "google/gemini-3-flash-preview": first,
        "google/gemini-3-pro-preview": first,
        "google/gemini-2.5-pro": first,
        "google/gemini-2.5-flash": first,
        "google/gemini-2.5-flash-lite-preview": ModelFacts(dialect="O", reasoning=effort),
        "google/gemini-3-1-pro-preview": ModelFacts(),
        "google/gemini-3-1-flash-lite-preview": ModelFacts(reasoning=effort),
        "google/gemini-3-1-flash-lite": ModelFacts(parts=media, reasoning=effort),
        "google/gemini-3-5-flash": ModelFacts(parts=media, reasoning=effort),
        "google/gemini-3-5-flash-lite": lite,
        "google/gemini-3.5-flash-lite": lite,
        "google/gemini-3-6-flash": newest,
        "google/gemini-3-7-flash": newest,
        "google/gemini-3.1-pro-preview-customtools": router,
        "google/gemini-pro-latest": router,
        "google/gemini-flash-latest": router,
        "google/gemini-3-pro-image": router,
        "google/gemini-3.1-flash-image": router,
    }
