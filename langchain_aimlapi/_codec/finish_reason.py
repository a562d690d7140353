"""How an answer ended: the wire's words in both dialects, told in one vocabulary.

Dialect O says `finish_reason` in OpenAI's words and keeps Google's in `native_finish_reason`.
Dialect V says Google's alone: bare (`MAX_TOKENS`), or behind the filter that stopped the answer
(`content_filter: PROHIBITED_CONTENT`, `function_call_filter: MALFORMED_FUNCTION_CALL`), as seen in
public bug reports, read 2026-11-26. Agents branch on `finish_reason`, so it is normalised here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Self

from langchain_aimlapi import errors

if TYPE_CHECKING:
    from langchain_aimlapi._json import JsonMapping

# Google's words (`FinishReason` of its API, read 2026-11-26) in OpenAI's. What is not here (OTHER,
# NO_IMAGE, ...) says nothing that an agent could act on, and stays as it is.
_GOOGLE = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    **dict.fromkeys(
        (
            "SAFETY",
            "RECITATION",
            "LANGUAGE",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "MODEL_ARMOR",
            "IMAGE_SAFETY",
            "IMAGE_RECITATION",
            "IMAGE_PROHIBITED_CONTENT",
        ),
        "content_filter",
    ),
    **dict.fromkeys(
        (
            "MALFORMED_FUNCTION_CALL",
            "UNEXPECTED_TOOL_CALL",
            "TOO_MANY_TOOL_CALLS",
            "MISSING_THOUGHT_SIGNATURE",
            "MALFORMED_RESPONSE",
        ),
        "error",
    ),
}
# The model formed no valid call: asking again may help.
_MALFORMED = frozenset({"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE"})
_FILTERS = {"content_filter": "content_filter", "function_call_filter": "error"}
_OPENAI = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "error": "error",
}
# langchain-core's vocabulary (`_finish_reason.py` of 1.8.4); all else is `other`.
_NORMALIZED = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_call",
    "content_filter": "content_filter",
    "error": "error",
}


class Ending(NamedTuple):
    """How an answer ended.

    Attributes:
        reason: `stop`, `length`, `tool_calls`, `content_filter`, `error`, another word of the
            wire's, or `""` if it told none.
        native: Google's word, or another upstream's; `""` if none came.
        is_malformed: Whether the model failed to form a function call.
    """

    reason: str = ""
    native: str = ""
    is_malformed: bool = False

    @classmethod
    def read(cls, known: JsonMapping) -> Ending:
        """Read the ending of a choice, or of `response_metadata`, written by whichever version.

        Args:
            known: `finish_reason`, `native_finish_reason`, of any JSON type.
        """
        said, native = known.get("finish_reason"), known.get("native_finish_reason")
        said = said if isinstance(said, str) else ""
        native = native if isinstance(native, str) else ""
        if len(said) + len(native) > _LONGEST_KEPT:
            return cls._of(said, native)
        return _kept_ending(said, native)

    @classmethod
    def _of(cls, finish_reason: str, native_finish_reason: str) -> Self:
        said, native = _Word.read(finish_reason), _Word.read(native_finish_reason)
        google = native.google or native.said or said.google
        # Google knows best why an answer is not whole; how a whole one ended tells the gateway.
        overrules = native.meaning in {"content_filter", "error"} or (
            native.meaning == "length" and said.meaning not in {"content_filter", "error"}
        )
        return cls(
            reason=native.meaning if overrules or not said.said else said.meaning or said.said,
            native=google,
            is_malformed=said.is_of_call_filter or google in _MALFORMED,
        )

    @property
    def is_withheld(self) -> bool:
        """Whether the provider withheld the answer (safety, copyright)."""
        return self.reason == "content_filter"

    @property
    def is_truncated(self) -> bool:
        """Whether the limit of output tokens was reached."""
        return self.reason == "length"

    def normalized(self, *, has_calls: bool, has_refusal: bool) -> str:
        """Return the ending in langchain-core's vocabulary, `""` if none came.

        Args:
            has_calls: Whether the answer has executable tool calls.
            has_refusal: Whether the model refused in words.
        """
        word = _NORMALIZED.get(self.reason, "other") if self.reason else ""
        if word == "stop":
            # Gemini says STOP also where it calls a tool: what the answer holds decides.
            return "refusal" if has_refusal else "tool_call" if has_calls else word
        return word

    def failure(self, *, is_empty: bool) -> type[errors.AIMLAPIResponseError] | None:
        """Return the class of error that this ending amounts to, or `None` for a good one.

        Args:
            is_empty: Whether the answer has no text, tool call, refusal, image or audio.
        """
        if self.is_malformed:
            return errors.AIMLAPIEmptyResponseError
        if self.reason == "error":
            return errors.AIMLAPIResponseError
        if is_empty and not self.is_truncated and not self.is_withheld:
            return errors.AIMLAPIEmptyResponseError
        return None


# Each answer asks several times, and there are few endings.
_LONGEST_KEPT = 100


@lru_cache(maxsize=64)
def _kept_ending(finish_reason: str, native_finish_reason: str) -> Ending:
    return Ending._of(finish_reason, native_finish_reason)  # noqa: SLF001  of this module


class _Word(NamedTuple):
    """One word of the wire: as it came, in OpenAI's words, in Google's; `""` where it has none."""

    said: str = ""
    meaning: str = ""
    google: str = ""
    is_of_call_filter: bool = False

    @classmethod
    def read(cls, said: str) -> Self:
        if not said:
            return cls()
        if meaning := _OPENAI.get(said):  # as nearly always
            return cls(said, meaning)
        # Such as `function_call_filter: MALFORMED_FUNCTION_CALL`; Google's enums may come as
        # `FinishReason.STOP`.
        prefix, colon, rest = said.partition(":")
        gate = prefix.strip().lower()
        word = (rest if colon or gate in _FILTERS else said).strip().upper().rpartition(".")[2]
        word = word.removeprefix("FINISH_REASON_")
        meaning = _GOOGLE.get(word) or _FILTERS.get(gate, "")
        if not meaning:
            return cls(said, _OPENAI.get(said.strip().lower(), ""))
        return cls(said, meaning, word, gate == "function_call_filter")


def is_withheld(metadata: JsonMapping) -> bool:
    """Tell whether the provider withheld an answer, by its `response_metadata`."""
    return Ending.read(metadata).is_withheld


def ending_message(metadata: JsonMapping) -> str:
    """Return the words of the error that an answer with this `response_metadata` ended in."""
    reasons = [
        f"{key}={metadata[key]!r}"
        for key in ("finish_reason", "native_finish_reason")
        if key in metadata
    ]
    named = f" ({', '.join(reasons)})" if reasons else ""
    return (
        f"The model {metadata.get('model_name', '')!r} ended without a usable answer{named}; "
        f"id {metadata.get('id')!r}. Ask again, or set empty_response_retries to have that done."
    )
