"""A whole answer of the endpoint, told as LangChain's `ChatResult`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatResult

from langchain_aimlapi import errors
from langchain_aimlapi._codec.content import read_text
from langchain_aimlapi._codec.metadata import (
    answer_extras,
    answer_metadata,
    ending_failure,
    ending_message,
)
from langchain_aimlapi._codec.signature_reader import SignatureReader, reasoning_text
from langchain_aimlapi._codec.tool_calls import decode_tool_calls, read_tool_calls
from langchain_aimlapi._codec.usage import read_usage
from langchain_aimlapi._error_mapping import body_failure, unreadable_failure
from langchain_aimlapi._json import decode_json

if TYPE_CHECKING:
    from collections.abc import Mapping

# What belongs to the answer as a whole: with `n` choices it stands on the first alone, so that
# adding up generations counts nothing twice.
_ONCE = ("token_usage", "meta", "credits_used", "usd_spent", "usd_spent_source")


def decode_completion(
    data: bytes, headers: Mapping[str, str], *, client_request_id: str
) -> ChatResult:
    """Return the answer that a body holds: one generation for each choice.

    Args:
        data: The body of a 200, as it came.
        headers: Response headers, names lower-cased (cost and ids live there too).
        client_request_id: The id that the call was sent with.

    Returns:
        Generations of `AIMessage`s; content is a plain string.

    Raises:
        AIMLAPIError: The body tells of a failure, or is no answer.
    """
    try:
        body = decode_json(data)
    except ValueError as error:
        raise unreadable_failure(data, what="The answer", headers=headers) from error
    if failure := body_failure(body, headers=headers):
        raise failure
    body = _unnested(body)
    choices = _choices(body, headers=headers)
    generations = [
        _generation(
            body,
            choice=choice,
            metadata=answer_metadata(
                body, choice=choice, headers=headers, client_request_id=client_request_id
            ),
            is_first=number == 0,
            headers=headers,
        )
        for number, choice in enumerate(choices)
    ]
    return ChatResult(generations=generations, llm_output=_output(generations[0]))


def _unnested(body: Any) -> Any:  # noqa: ANN401  any JSON value
    """Return the completion itself where a gateway put it under `provider` (seen once)."""
    inner = body.get("provider") if isinstance(body, dict) and not body.get("choices") else None
    return inner if isinstance(inner, dict) and inner.get("choices") else body


def _choices(body: object, *, headers: Mapping[str, str]) -> list[dict[str, Any]]:
    choices = body.get("choices") if isinstance(body, dict) else None
    if not choices or not isinstance(choices, list):
        msg = f"The answer has no choices: {body!r:.500}"
        raise errors.AIMLAPIResponseError(msg, body=body, response_headers=headers)
    for choice in choices:
        if not isinstance(choice, dict):
            msg = f"A choice of the answer is no object: {choice!r:.500}"
            raise errors.AIMLAPIResponseError(msg, body=body, response_headers=headers)
        if failure := body_failure({"error": choice.get("error")}, headers=headers):
            raise failure
        if not isinstance(choice.get("message"), dict):
            msg = f"A choice of the answer has no message: {choice!r:.500}"
            raise errors.AIMLAPIResponseError(msg, body=body, response_headers=headers)
    return choices


def _generation(
    body: dict[str, Any],
    *,
    choice: dict[str, Any],
    metadata: dict[str, Any],
    is_first: bool,
    headers: Mapping[str, str],
) -> ChatGeneration:
    message = choice["message"]
    if not is_first:
        metadata = {key: value for key, value in metadata.items() if key not in _ONCE}
    calls = read_tool_calls(message, completion_id=str(metadata.get("id", "")))
    good, bad = decode_tool_calls(calls, finish_reason=choice.get("finish_reason"))
    reader = SignatureReader()
    reader.feed(message)
    signatures = reader.signatures(calls=calls, text=reasoning_text(message))
    text, extras = read_text(message.get("content")), answer_extras(message)
    fields: dict[str, Any] = {
        "content": text,
        "additional_kwargs": {**signatures.to_kwargs(), **extras},
        "tool_calls": good,
        "invalid_tool_calls": bad,
        "usage_metadata": read_usage(body.get("usage")) if is_first else None,
        "response_metadata": metadata,
    }
    if kind := ending_failure(metadata, is_empty=not (text or calls or extras)):
        raise kind(
            ending_message(metadata),
            request_id=metadata.get("inference_id"),
            body=body,
            response_headers=headers,
            partial=AIMessageChunk(**fields),
        )
    return ChatGeneration(message=AIMessage(**fields), generation_info=_info(metadata))


def _info(metadata: dict[str, Any]) -> dict[str, Any] | None:
    return {key: metadata[key] for key in ("finish_reason", "logprobs") if key in metadata} or None


def _output(generation: ChatGeneration) -> dict[str, Any]:
    """Return what `generate()` adds up over several prompts."""
    metadata = generation.message.response_metadata
    return {key: metadata[key] for key in ("model_name", "token_usage", "id") if key in metadata}
