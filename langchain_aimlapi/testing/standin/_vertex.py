"""Dialect V: an answer as Vertex' OpenAI-compatible form writes it, whole or as chunks.

The keys of whole answers are those of AI/ML API's page of `google/gemini-3-1-pro-preview`
(2026). Tool calls and streams follow Google's documents and recordings of its own endpoints,
and are assumed for this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_aimlapi.testing.standin._tokens import pieces, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_aimlapi._json import JsonObject
    from langchain_aimlapi.testing.standin._answer import Answer, Reply


def completion(reply: Reply) -> JsonObject:
    """Return a whole answer."""
    choices = [
        {
            "finish_reason": answer.finish_reason,
            "index": index,
            "logprobs": None,
            "message": _message(answer),
        }
        for index, answer in enumerate(reply.answers)
    ]
    head = _head(reply, kind="chat.completion")
    return {"choices": choices, **head, "usage": usage(reply), "meta": reply.counts.meta}


def usage(reply: Reply) -> JsonObject:
    """Return the usage: the reasoning is in the total, not in the completion's tokens."""
    counts = reply.counts
    return {
        "completion_tokens": counts.visible,
        "completion_tokens_details": {"reasoning_tokens": counts.reasoning},
        "extra_properties": {"google": {"traffic_type": "ON_DEMAND"}},
        "prompt_tokens": counts.prompt,
        "total_tokens": counts.prompt + counts.visible + counts.reasoning,
    }


def chunks(reply: Reply, *, include_usage: bool) -> Iterator[JsonObject]:
    """Return the chunks of a stream: usage and cost stand on the last one, with the finish."""
    head = _head(reply, kind="chat.completion.chunk")
    last: JsonObject = {"choices": [], **head}
    for index, answer in enumerate(reply.answers):
        if index:
            yield last
        for delta in _deltas(answer):
            yield {"choices": [_choice(index, delta)], **head}
        finished = {"finish_reason": answer.finish_reason}
        last = {"choices": [{**_choice(index, {"content": ""}), **finished}], **head}
    usage_chunk = {"usage": usage(reply)} if include_usage else {}
    yield {**last, **usage_chunk, "meta": reply.counts.meta}


def _choice(index: int, delta: JsonObject) -> JsonObject:
    return {"delta": {**delta, "role": "assistant"}, "index": index, "logprobs": None}


def _head(reply: Reply, *, kind: str) -> JsonObject:
    return {
        "created": reply.created,
        "id": reply.id,
        "model": reply.model,
        "object": kind,
        "system_fingerprint": "",
    }


def _signature(answer: Answer) -> JsonObject:
    return {"extra_content": {"google": {"thought_signature": answer.signature}}}


def _message(answer: Answer) -> JsonObject:
    """Return a message; beside tool calls its content is null (assumed)."""
    message: JsonObject = {"content": answer.text, "role": "assistant"}
    if answer.calls:
        message |= {"content": answer.text or None, "tool_calls": _calls(answer)}
    else:
        message |= _signature(answer)
    return {**message, **answer.extra}


def _calls(answer: Answer) -> list[JsonObject]:
    """Return the calls; only the first of a step is signed."""
    return [
        {
            **(_signature(answer) if position == 0 else {}),
            "function": {"arguments": arguments, "name": name},
            "id": answer.call_ids[position],
            "type": "function",
        }
        for position, (name, arguments) in enumerate(answer.calls)
    ]


def _deltas(answer: Answer) -> Iterator[JsonObject]:
    texts = pieces(answer.text, units=tokens(answer.text))
    # On the first delta of the text, as it was seen in a capture of Google's own endpoint.
    signed = {} if answer.calls else _signature(answer)
    if answer.text or not answer.calls:
        yield {"content": texts[0], **signed}
    for text in texts[1:]:
        yield {"content": text}
    for call in _calls(answer):
        yield {"tool_calls": [call]}
    if answer.extra:
        yield dict(answer.extra)
