"""What stands beside the words of an answer: ids, cost, how it ended.

Shared by whole answers and by the last chunk of a stream, so that both say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_aimlapi import errors
from langchain_aimlapi._codec.usage import read_cost

if TYPE_CHECKING:
    from collections.abc import Mapping

PROVIDER = "aimlapi"

_BODY_NAMES = {
    "model": "model_name",
    "id": "id",
    "provider": "provider",
    "system_fingerprint": "system_fingerprint",
    "service_tier": "service_tier",
}
_EXTRAS: dict[str, type] = {"refusal": str, "annotations": list, "images": list, "audio": dict}
# Gemini's reasons for withholding an answer (`FinishReason` of Google's API). As
# `native_finish_reason` behind this gateway only STOP, MAX_TOKENS, MALFORMED_FUNCTION_CALL were
# seen: assumed.
_WITHHELD = frozenset(
    {"SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "RECITATION", "SPII", "IMAGE_SAFETY"}
)
_MALFORMED = frozenset({"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"})


def answer_metadata(
    body: dict[str, Any],
    *,
    choice: dict[str, Any],
    headers: Mapping[str, str],
    client_request_id: str,
) -> dict[str, Any]:
    """Return `response_metadata` of an answer: JSON types only, each key only if known.

    Args:
        body: The completion, or what its chunks said of `id`, `model`, `created`, `provider`,
            `system_fingerprint`, `service_tier`, `usage`, `meta`.
        choice: The choice, or what its chunks said of `finish_reason`, `native_finish_reason`,
            `logprobs`.
        headers: Response headers, names lower-cased.
        client_request_id: The id that the call was sent with.

    Returns:
        `model_provider`, `model_name`, `id`, `created`, `provider` (the upstream's name),
        `system_fingerprint`, `service_tier`, `finish_reason`, `native_finish_reason`, `logprobs`,
        `token_usage` (the wire's usage, verbatim), `meta`, `credits_used`, `usd_spent`,
        `usd_spent_source`, `inference_id`, `client_request_id`.
    """
    metadata: dict[str, Any] = {"model_provider": PROVIDER}
    for theirs, ours in _BODY_NAMES.items():
        if isinstance(value := body.get(theirs), str) and value:
            metadata[ours] = value
    if isinstance(created := body.get("created"), int) and created:
        metadata["created"] = created
    metadata.update(_ending(choice))
    if isinstance(body.get("usage"), dict) and body["usage"]:
        metadata["token_usage"] = body["usage"]
    metadata.update(read_cost(body.get("meta"), headers=headers))
    if inference_id := headers.get("x-inference-id"):
        metadata["inference_id"] = inference_id
    metadata["client_request_id"] = headers.get("x-client-request-id") or client_request_id
    return metadata


def _ending(choice: dict[str, Any]) -> dict[str, Any]:
    ending: dict[str, Any] = {
        key: value
        for key in ("finish_reason", "native_finish_reason")
        if isinstance(value := choice.get(key), str) and value
    }
    if isinstance(logprobs := choice.get("logprobs"), dict) and logprobs:
        ending["logprobs"] = logprobs
    return ending


def answer_extras(message: dict[str, Any]) -> dict[str, Any]:
    """Return what `additional_kwargs` keeps of a message beside reasoning, as it came.

    Args:
        message: The wire's message: `refusal` (text), `annotations` (list), `images` (list),
            `audio` (object).
    """
    return {
        key: value
        for key, kind in _EXTRAS.items()
        if isinstance(value := message.get(key), kind) and value
    }


def is_withheld(metadata: Mapping[str, Any]) -> bool:
    """Tell whether the provider withheld the answer (safety, copyright), by its finish reasons.

    Args:
        metadata: `response_metadata` of an answer.
    """
    if metadata.get("finish_reason") == "content_filter":
        return True
    native = metadata.get("native_finish_reason")
    return isinstance(native, str) and native in _WITHHELD


def ending_failure(
    metadata: Mapping[str, Any], *, is_empty: bool
) -> type[errors.AIMLAPIResponseError] | None:
    """Return the class of error that an answer's ending amounts to, or `None` for a good one.

    Args:
        metadata: `response_metadata` of the answer.
        is_empty: Whether it has no text, tool call, refusal, image or audio.
    """
    native = metadata.get("native_finish_reason")
    if isinstance(native, str) and native in _MALFORMED:
        return errors.AIMLAPIEmptyResponseError
    if metadata.get("finish_reason") == "error":
        return errors.AIMLAPIResponseError
    if is_empty and metadata.get("finish_reason") != "length" and not is_withheld(metadata):
        return errors.AIMLAPIEmptyResponseError
    return None


def ending_message(metadata: Mapping[str, Any]) -> str:
    """Return the words of the error that `ending_failure` named."""
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
