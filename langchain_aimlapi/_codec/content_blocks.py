"""Messages of ours as LangChain's standard content blocks, both ways.

langchain-core merges blocks of a stream by their `index`, whatever their type, so each kind has a
range of its own (`lc_rs_`, `lc_txt_`, ...). Signatures ride in `extras["signature"]`, the place
that langchain-core documents; what else a carrier held stands beside it with the signature taken
out (`$signature` names the key that it came from), so that no kilobytes are there twice.

The signature of a tool call stands on its block. langchain-core's assembly of v3 events takes the
`extras` of a call from its first chunk alone, so what a stream brings after that stands on the
reasoning block of the last chunk, by tool call id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages.block_translators import register_translator

from langchain_aimlapi._codec.content import citations
from langchain_aimlapi._codec.finish_reason import Ending
from langchain_aimlapi._codec.media import audio_block, image_blocks
from langchain_aimlapi._codec.metadata import PROVIDER
from langchain_aimlapi._codec.reasoning import CALL_BLOCKS, REASONING_TEXT, Signatures
from langchain_aimlapi._codec.tool_calls import CALL_ORDER, model_arguments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import (
        AIMessage,
        AIMessageChunk,
        InvalidToolCall,
        ToolCall,
        ToolCallChunk,
    )
    from langchain_core.messages.content import ContentBlock

    from langchain_aimlapi._json import JsonObject

    Block = JsonObject

# What stands on a chunk in the middle of a stream.
_MIDDLE = {"model_provider": PROVIDER}


def register_blocks() -> None:
    """Tell langchain-core how to read messages whose `model_provider` is ours; idempotent."""
    register_translator(PROVIDER, content_blocks, content_block_chunks)


def content_blocks(message: AIMessage) -> list[ContentBlock]:
    """Return the standard blocks of a whole message; never raises.

    Order: reasoning, text with citations, refusal, images, audio, tool calls; a signature without
    any reasoning text comes last, as it does in a stream.
    """
    if isinstance(message.content, list):
        return cast("list[ContentBlock]", _passed_through(message))
    running, carried = _message_blocks(message)
    return cast("list[ContentBlock]", [*running, *_call_blocks(message), *carried])


def content_block_chunks(message: AIMessageChunk) -> list[ContentBlock]:
    """Return the standard blocks of a chunk, or of chunks added up; never raises."""
    running = _running_blocks(message)
    if running is not None:
        return cast("list[ContentBlock]", running)
    chunks = message.tool_call_chunks
    added_up = message.chunk_position == "last" and any(chunk["name"] for chunk in chunks)
    is_partial = bool(message.invalid_tool_calls) and not chunks  # of a failure: nothing is running
    if isinstance(message.content, list) or added_up or is_partial:
        return content_blocks(message)
    # In the last chunk of a stream are only calls with something to tell at the end. Those that
    # say no more than their id have no block: langchain-core would make a nameless call of it.
    late = [chunk["id"] for chunk in chunks] if message.chunk_position == "last" else []
    calls = [
        _call_chunk_block(chunk) for chunk in chunks if not late or chunk["name"] or chunk["args"]
    ]
    running, carried = _message_blocks(message, late=late)
    return cast("list[ContentBlock]", [*running, *calls, *carried])


def _running_blocks(message: AIMessageChunk) -> list[Block] | None:
    """Return the blocks of a chunk in the middle of a stream, as nearly all are; else `None`."""
    text, kwargs, calls = message.content, message.additional_kwargs, message.tool_call_chunks
    thought = kwargs.get(REASONING_TEXT, "")
    is_more = len(kwargs) > (REASONING_TEXT in kwargs) or message.response_metadata != _MIDDLE
    if is_more or message.chunk_position == "last" or (message.invalid_tool_calls and not calls):
        return None
    if type(text) is not str or type(thought) is not str:
        return None
    blocks: list[Block] = []
    if thought:
        blocks.append({"type": "reasoning", "reasoning": thought, "index": "lc_rs_0"})
    if text:
        blocks.append({"type": "text", "text": text, "index": "lc_txt_0"})
    return blocks + [_call_chunk_block(chunk) for chunk in calls] if calls else blocks


def _message_blocks(
    message: AIMessage, *, late: Sequence[str | None] = ()
) -> tuple[list[Block], list[Block]]:
    """Return the blocks but for tool calls; second, those that stand behind the calls."""
    kwargs = message.additional_kwargs
    signatures = Signatures.from_kwargs(kwargs)
    reasoning = _reasoning_blocks(signatures, late)
    # Plain: core merges v1 chunks only of equal types, and the sum of two of its texts is a `str`.
    words = _text_blocks(str(message.text), kwargs.get("annotations"))
    rest = _refusal_blocks(message) + _media_blocks(kwargs)
    return (reasoning + words + rest, []) if signatures.text else (words + rest, reasoning)


def _reasoning_blocks(signatures: Signatures, late: Sequence[str | None]) -> list[Block]:
    extras = signatures.reasoning_extras(late=late)
    if not signatures.text and not extras:
        return []
    block: Block = {"type": "reasoning", "reasoning": signatures.text, "index": "lc_rs_0"}
    return [{**block, "extras": extras} if extras else block]


def _text_blocks(text: str, annotations: object) -> list[Block]:
    cited = citations(annotations)
    if not text and not cited:
        return []
    block: Block = {"type": "text", "text": text, "index": "lc_txt_0"}
    return [{**block, "annotations": cited} if cited else block]


def _refusal_blocks(message: AIMessage) -> list[Block]:
    refusal = message.additional_kwargs.get("refusal")
    ending = Ending.read(message.response_metadata)
    if not ending.is_withheld and not isinstance(refusal, str):
        return []
    words = refusal if isinstance(refusal, str) else ""
    block: Block = {"type": "refusal", "refusal": words, "index": "lc_rf_0"}
    if ending.is_withheld:
        block["extras"] = {"category": ending.native or ending.reason}
    return [block]


def _media_blocks(kwargs: JsonObject) -> list[Block]:
    media = image_blocks(kwargs.get("images"))
    if block := audio_block(kwargs.get("audio")):
        media = [*media, block]
    return [{**block, "index": f"lc_md_{n}"} for n, block in enumerate(media)]


def _call_blocks(message: AIMessage) -> list[Block]:
    if not (message.tool_calls or message.invalid_tool_calls):
        return []
    extras = Signatures.from_kwargs(message.additional_kwargs).call_extras()
    blocks = [
        *(_call_block(call, "tool_call", extras) for call in message.tool_calls),
        *(_call_block(call, "invalid_tool_call", extras) for call in message.invalid_tool_calls),
    ]
    order = message.additional_kwargs.get(CALL_ORDER)
    places = {str(call_id): place for place, call_id in enumerate(order or ())}
    return sorted(blocks, key=lambda block: places.get(block["id"], -1)) if places else blocks


def _call_block(call: ToolCall | InvalidToolCall, kind: str, extras: dict[str, Block]) -> Block:
    block: Block = {
        "type": kind,
        "id": call["id"],
        "name": call["name"],
        "args": call["args"],
    }
    if kind == "invalid_tool_call":
        block["args"] = model_arguments(cast("InvalidToolCall", call))
        block["error"] = call.get("error")
    its = extras.get(call["id"] or "")
    return {**block, "extras": its} if its else block


def _call_chunk_block(chunk: ToolCallChunk) -> Block:
    block: Block = {
        "type": "tool_call_chunk",
        "id": chunk["id"],
        "name": chunk["name"],
        "args": chunk["args"],
        "index": f"lc_tc_{chunk['index']}",
    }
    extras = cast("Block", chunk).get("extras")
    return {**block, "extras": extras} if extras else block


def _passed_through(message: AIMessage) -> list[Block]:
    """Return content that is blocks already, completed by tool calls that it lacks."""
    blocks: list[Block] = [
        {"type": "text", "text": block} if isinstance(block, str) else block
        for block in cast("list[Any]", message.content)
    ]
    ids = (block.get("id") for block in blocks if block.get("type") in CALL_BLOCKS)
    present = {call_id for call_id in ids if isinstance(call_id, str)}
    return blocks + [call for call in _call_blocks(message) if call["id"] not in present]
