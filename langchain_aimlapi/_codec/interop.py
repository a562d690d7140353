"""Signatures in messages that another package made, as far as they are Gemini's own.

A signature of another vendor is refused by Gemini with a 400, so the thoughts of other models are
left out; text and tool calls stay. Genuine Gemini signatures are kept in the dialect that they were
made for: google-genai's as `extra_content` (V), OpenRouter's as `reasoning_details` (O).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_aimlapi._codec.content_blocks import read_blocks

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage

_GOOGLE = frozenset({"google_genai", "google_vertexai"})
_GEMINI_FORMAT = "google-gemini-v1"
# Formats of OpenRouter's reasoning details that other vendors signed (openrouter.ai/docs, reasoning
# tokens, read 2026-11-21).
_FOREIGN_FORMATS = ("anthropic-", "openai-", "azure-openai-", "xai-")
# langchain-google-genai's older place for signatures: tool call id -> base64 text.
_GOOGLE_MAP = "__gemini_function_call_thought_signatures__"
_OUR_CARRIERS = ("reasoning_details", "extra_content", "tool_call_extra_content")


def foreign_carriers(message: AIMessage, *, provider: str | None) -> dict[str, Any]:
    """Return, in the shape of our `additional_kwargs`, what may go back to Gemini.

    Args:
        message: A message that this package did not make, or that lost its metadata.
        provider: Its `model_provider`, `None` for a message made by hand.
    """
    if provider is None:
        return _unlabelled(message)
    if provider == "openrouter":
        details = _details(message.additional_kwargs.get("reasoning_details"))
        genuine = [one for one in details if _format(one).startswith(_GEMINI_FORMAT)]
        return {"reasoning_details": genuine} if genuine else {}
    if provider in _GOOGLE:
        return _google_carriers(message)
    return {}


def _unlabelled(message: AIMessage) -> dict[str, Any]:
    kwargs = message.additional_kwargs
    details = [
        one
        for one in _details(kwargs.get("reasoning_details"))
        if not _format(one).startswith(_FOREIGN_FORMATS)
    ]
    kept = {key: kwargs[key] for key in (*_OUR_CARRIERS, "signed_tool_calls") if kwargs.get(key)}
    if details:
        kept["reasoning_details"] = details
    else:
        kept.pop("reasoning_details", None)
    if any(key in kept for key in _OUR_CARRIERS):
        return kept
    return _google_carriers(message)


def _google_carriers(message: AIMessage) -> dict[str, Any]:
    content = message.content if isinstance(message.content, list) else []
    kept = read_blocks(content)
    for block in content:  # google-genai hangs the signature of a text on its block
        if isinstance(block, dict) and block.get("type") == "text":
            extras = block.get("extras")
            signature = extras.get("signature") if isinstance(extras, dict) else None
            if isinstance(signature, str) and signature:
                kept["extra_content"] = _google_extra(signature)
    older = message.additional_kwargs.get(_GOOGLE_MAP)
    if isinstance(older, dict):
        by_call = kept.setdefault("tool_call_extra_content", {})
        for call_id, signature in older.items():
            if isinstance(signature, str) and signature:
                by_call.setdefault(call_id, _google_extra(signature))
    return kept


def _google_extra(signature: str) -> dict[str, Any]:
    return {"google": {"thought_signature": signature}}


def _details(value: object) -> list[dict[str, Any]]:
    """Return the details, those taken apart that langchain-core's merge by index had fused."""
    details: list[dict[str, Any]] = []
    for detail in value if isinstance(value, list) else ():
        if isinstance(detail, dict):
            details += _taken_apart(detail)
    return details


def _taken_apart(detail: dict[str, Any]) -> list[dict[str, Any]]:
    if not (detail.get("text") and detail.get("data")):
        return [detail]
    rest = {key: value for key, value in detail.items() if key not in ("type", "text", "data")}
    if _format(detail).startswith(_GEMINI_FORMAT):
        rest["format"] = _GEMINI_FORMAT  # fused as "google-gemini-v1google-gemini-v1..."
    text = {key: value for key, value in rest.items() if key != "id"}
    return [
        {"type": "reasoning.text", "text": detail["text"], **text},
        {"type": "reasoning.encrypted", "data": detail["data"], **rest},
    ]


def _format(detail: dict[str, Any]) -> str:
    value = detail.get("format")
    return value if isinstance(value, str) else ""
