"""A whole answer of the endpoint, told as LangChain's `ChatResult`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_aimlapi import errors
from langchain_aimlapi._codec.answer import Answer
from langchain_aimlapi._codec.fast_messages import result_maker
from langchain_aimlapi._codec.finish_reason import Ending
from langchain_aimlapi._codec.reasoning import REASONING_TEXT
from langchain_aimlapi._json import decode_json
from langchain_aimlapi.errors.mapping import body_failure, unreadable_failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.outputs import ChatResult

    from langchain_aimlapi._json import JsonObject

# What belongs to the answer as a whole: with `n` choices it stands on the first alone, so that
# adding up generations counts nothing twice.
_ONCE = ("token_usage", "native_usage", "meta", "credits_used", "usd_spent", "usd_spent_source")


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
    answers = [Answer(headers, client_request_id=client_request_id, body=body) for _ in choices]
    for answer, choice in zip(answers, choices, strict=True):
        _read(answer, body, choice)
    return result_of(answers)


def _read(answer: Answer, body: JsonObject, choice: JsonObject) -> None:
    answer.read_completion(body)
    answer.read_choice(choice)
    message = choice.get("message") or {}
    text, running = answer.read_message(message)
    answer.texts.append(text)
    answer.thoughts.append(running.get(REASONING_TEXT, ""))
    answer.calls.read(message)


def result_of(answers: list[Answer]) -> ChatResult:
    """Return answers that were read to their end as LangChain's result.

    Args:
        answers: One for each choice.

    Raises:
        AIMLAPIResponseError: One of them ended without a usable answer.
    """
    messages = [answer.message_fields() for answer in answers]
    for message in messages[1:]:
        message["usage_metadata"] = None
        for key in _ONCE:
            message["response_metadata"].pop(key, None)
    infos = [_info(message["response_metadata"]) for message in messages]
    return result_maker()(messages, infos, _output(messages[0]["response_metadata"]))


def _unnested(body: Any) -> Any:
    """Return the completion itself where a gateway put it under `provider` (seen once)."""
    inner = body.get("provider") if isinstance(body, dict) and not body.get("choices") else None
    return inner if isinstance(inner, dict) and inner.get("choices") else body


def _choices(body: object, *, headers: Mapping[str, str]) -> list[JsonObject]:
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
        # Without a message a choice is what its ending makes of it, if it has one, as in a stream.
        is_missing = choice.get("message") is None and Ending.read(choice).reason
        if not is_missing and not isinstance(choice.get("message"), dict):
            msg = f"A choice of the answer has no message: {choice!r:.500}"
            raise errors.AIMLAPIResponseError(msg, body=body, response_headers=headers)
    return choices


def _info(metadata: JsonObject) -> JsonObject | None:
    return {key: metadata[key] for key in ("finish_reason", "logprobs") if key in metadata} or None


def _output(metadata: JsonObject) -> JsonObject:
    """Return what `generate()` adds up over several prompts."""
    return {key: metadata[key] for key in ("model_name", "token_usage", "id") if key in metadata}
