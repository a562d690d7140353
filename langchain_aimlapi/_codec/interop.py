"""Signatures in messages, whichever package made them, as far as they are Gemini's own.

A signature of another vendor is refused by Gemini with a 400, so the thoughts of other models are
left out; text and tool calls stay. Genuine Gemini signatures are kept in the dialect that they were
made for: google-genai's as `extra_content` (V), OpenRouter's as `reasoning_details` (O).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_aimlapi._codec.metadata import PROVIDER
from langchain_aimlapi._codec.reasoning import Signatures, google_extra

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import AIMessage

    from langchain_aimlapi._json import JsonObject

_GOOGLE = frozenset({"google_genai", "google_vertexai"})
_GEMINI_FORMAT = "google-gemini-v1"
# Formats of OpenRouter's reasoning details that other vendors signed (openrouter.ai/docs, reasoning
# tokens, read 2026-11-21).
_FOREIGN_FORMATS = ("anthropic-", "openai-", "azure-openai-", "xai-")
# langchain-google-genai's older place for signatures: tool call id -> base64 text.
_GOOGLE_MAP = "__gemini_function_call_thought_signatures__"


def signatures_of(message: AIMessage) -> Signatures:
    """Return what may go back to Gemini of a message's signatures, wherever they stand.

    Args:
        message: A message of a history: ours, of another package, made by hand, or without its
            metadata.
    """
    provider = message.response_metadata.get("model_provider")
    own = Signatures.from_kwargs(message.additional_kwargs)
    if provider == PROVIDER:
        if isinstance(message.content, list) and own == Signatures():
            own = Signatures.from_blocks(message.content)
        return own.without_concatenated(
            finish_reason=message.response_metadata.get("finish_reason")
        )
    if provider is None:
        return _unlabelled(message, own)
    if provider == "openrouter":
        details = [detail for detail in _details(own) if _format(detail).startswith(_GEMINI_FORMAT)]
        return Signatures(details=_joined(details))
    if provider in _GOOGLE:
        return _google(message)
    return Signatures()


def _unlabelled(message: AIMessage, own: Signatures) -> Signatures:
    details = [
        detail for detail in _details(own) if not _format(detail).startswith(_FOREIGN_FORMATS)
    ]
    kept = own._replace(text="", details=details)  # whose words they are is not known
    return kept if details or kept.extra_content or kept.by_call else _google(message)


def _google(message: AIMessage) -> Signatures:
    content = message.content if isinstance(message.content, list) else []
    kept = Signatures.from_blocks(content)
    older = message.additional_kwargs.get(_GOOGLE_MAP)
    if isinstance(older, dict):
        by_call = {
            call_id: google_extra(signature)
            for call_id, signature in older.items()
            if isinstance(signature, str) and signature
        }
        kept = kept._replace(by_call={**by_call, **kept.by_call})
    signature = _text_signature(content)
    return kept._replace(extra_content=google_extra(signature)) if signature else kept


def _text_signature(content: Sequence[object]) -> str:
    """Return the signature that google-genai hangs on the block of a text."""
    found = ""
    for block in content:
        if isinstance(block, dict) and block.get("type") == "text":
            extras = block.get("extras")
            signature = extras.get("signature") if isinstance(extras, dict) else None
            found = signature if isinstance(signature, str) and signature else found
    return found


def _details(own: Signatures) -> list[JsonObject]:
    """Return the details, those taken apart that langchain-core's merge by index had fused."""
    return [part for detail in own.details if isinstance(detail, dict) for part in _parts(detail)]


def _parts(detail: JsonObject) -> list[JsonObject]:
    if not _format(detail).replace(_GEMINI_FORMAT, "") and _format(detail):
        detail = {**detail, "format": _GEMINI_FORMAT}  # was "google-gemini-v1google-gemini-v1..."
    if not (detail.get("text") and detail.get("data")):
        return [detail]
    rest = {key: value for key, value in detail.items() if key not in ("type", "text", "data")}
    text = {key: value for key, value in rest.items() if key != "id"}
    return [
        {"type": "reasoning.text", "text": detail["text"], **text},
        {"type": "reasoning.encrypted", "data": detail["data"], **rest},
    ]


def _joined(details: list[JsonObject]) -> list[JsonObject]:
    """Return the details with the pieces of a text as one.

    ChatOpenRouter's streams number them `0.0`, so that langchain-core lists the pieces.
    """
    joined: list[JsonObject] = []
    for detail in details:
        before = joined[-1] if joined else {}
        if (
            detail.get("index") is not None
            and isinstance(text := detail.get("text"), str)
            and isinstance(text_before := before.get("text"), str)
            and all(detail.get(key) == before.get(key) for key in ("type", "index", "id"))
        ):
            joined[-1] = {**before, **detail, "text": text_before + text}
        else:
            joined.append(detail)
    return joined


def _format(detail: JsonObject) -> str:
    value = detail.get("format")
    return value if isinstance(value, str) else ""
