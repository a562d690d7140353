"""Dialect O: an answer as OpenRouter writes it, whole or as chunks.

The keys of whole answers are those of the two pages of the target models (2025-11 and
2025-12). How reasoning and tool calls are streamed is taken from recordings of OpenRouter,
and assumed for this endpoint: its own documents do not show it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_aimlapi.testing.standin._tokens import pieces, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_aimlapi._json import JsonObject
    from langchain_aimlapi.testing.standin._answer import Answer, Reply

_FORMAT = "google-gemini-v1"
# Long enough that a usual call stays whole, as recorded.
_LONG_ARGUMENTS = 40


def completion(reply: Reply) -> JsonObject:
    """Return a whole answer."""
    choices = [
        {
            "logprobs": None,
            "finish_reason": answer.finish_reason,
            "native_finish_reason": answer.native_finish_reason,
            "index": index,
            "message": _message(answer, shows_reasoning=reply.shows_reasoning),
        }
        for index, answer in enumerate(reply.answers)
    ]
    head = _head(reply, kind="chat.completion")
    return {**head, "choices": choices, "usage": usage(reply), "meta": reply.counts.meta}


def usage(reply: Reply) -> JsonObject:
    """Return the usage: the completion's tokens include the reasoning."""
    counts = reply.counts
    completion_tokens = counts.visible + counts.reasoning
    return {
        "prompt_tokens": counts.prompt,
        "completion_tokens": completion_tokens,
        "total_tokens": counts.prompt + completion_tokens,
        "prompt_tokens_details": {
            "cached_tokens": 0,
            "audio_tokens": counts.audio,
            "video_tokens": counts.video,
        },
        "completion_tokens_details": {
            "reasoning_tokens": counts.reasoning,
            "image_tokens": 0,
        },
    }


def reasoning_details(answer: Answer, *, shows_reasoning: bool) -> list[JsonObject]:
    """Return the details of a whole answer: text, encrypted; both of index 0, as recorded."""
    shown = shows_reasoning and answer.reasoning
    return [*([_text_detail(answer.reasoning)] if shown else []), _encrypted_detail(answer)]


def chunks(reply: Reply, *, include_usage: bool) -> Iterator[JsonObject]:
    """Return the chunks of a stream; its last one carries the cost."""
    head = _head(reply, kind="chat.completion.chunk")
    last: JsonObject = {**head, "choices": []}
    for index, answer in enumerate(reply.answers):
        if index:
            yield last
        for delta in _deltas(answer, shows_reasoning=reply.shows_reasoning):
            yield {**head, "choices": [_choice(index, delta)]}
        last = {**head, "choices": [_choice(index, {"content": ""}, answer)]}
    if include_usage:
        yield last
        last = {**last, "usage": usage(reply)}
    yield {**last, "meta": reply.counts.meta}


def _head(reply: Reply, *, kind: str) -> JsonObject:
    return {
        "id": reply.id,
        "provider": "stand-in",
        "model": reply.model,
        "object": kind,
        "created": reply.created,
    }


def _message(answer: Answer, *, shows_reasoning: bool) -> JsonObject:
    message: JsonObject = {
        "role": "assistant",
        "content": answer.text,
        "refusal": None,
        "reasoning": (shows_reasoning and answer.reasoning) or None,
        "reasoning_details": reasoning_details(answer, shows_reasoning=shows_reasoning),
    }
    if answer.calls:
        message["tool_calls"] = [
            {
                "index": position,
                "id": call_id,
                "type": "function",
                "function": {"name": name, "arguments": arguments},
            }
            for position, (call_id, (name, arguments)) in enumerate(_calls(answer))
        ]
    return {**message, **answer.extra}


def _calls(answer: Answer) -> list[tuple[str, tuple[str, str]]]:
    return list(zip(answer.call_ids, answer.calls, strict=True))


def _text_detail(text: str) -> JsonObject:
    return {"type": "reasoning.text", "text": text, "format": _FORMAT, "index": 0}


def _encrypted_detail(answer: Answer) -> JsonObject:
    return {
        "type": "reasoning.encrypted",
        "data": answer.signature,
        "format": _FORMAT,
        # OpenRouter ties a signature to its call by the id, and leaves it null for an answer in
        # text.
        "id": answer.call_ids[0] if answer.call_ids else None,
        "index": 0,
    }


def _choice(index: int, delta: JsonObject, finished: Answer | None = None) -> JsonObject:
    return {
        "index": index,
        "delta": {"role": "assistant", **delta},
        "finish_reason": finished.finish_reason if finished else None,
        "native_finish_reason": finished.native_finish_reason if finished else None,
        "logprobs": None,
    }


def _deltas(answer: Answer, *, shows_reasoning: bool) -> Iterator[JsonObject]:
    # Recordings of late 2025 begin with a delta that says the role alone.
    yield {"content": ""}
    paragraphs = answer.reasoning.split("\n\n\n") if shows_reasoning and answer.reasoning else []
    for position, paragraph in enumerate(paragraphs):
        text = paragraph + ("\n\n\n" if position < len(paragraphs) - 1 else "")
        yield {"content": "", "reasoning": text, "reasoning_details": [_text_detail(text)]}
    encrypted = [_encrypted_detail(answer)]
    yield {"content": "", "reasoning": None, "reasoning_details": encrypted}
    for piece in pieces(answer.text, units=tokens(answer.text)) if answer.text else []:
        yield {"content": piece}
    for position, (call_id, (name, arguments)) in enumerate(_calls(answer)):
        yield from _call_deltas(position, call_id, name, arguments)
    if answer.extra:
        yield {"content": "", **answer.extra}


def _call_deltas(index: int, call_id: str, name: str, arguments: str) -> Iterator[JsonObject]:
    # Recorded: a call whole in one delta. That long arguments come in two is assumed.
    half = len(arguments) // 2 if len(arguments) > _LONG_ARGUMENTS else len(arguments)
    function = {"name": name, "arguments": arguments[:half]}
    call = {"index": index, "id": call_id, "type": "function", "function": function}
    yield {"content": "", "tool_calls": [call]}
    if arguments[half:]:
        rest = {"index": index, "function": {"arguments": arguments[half:]}}
        yield {"content": "", "tool_calls": [rest]}
