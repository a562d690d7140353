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
from langchain_aimlapi._codec.media import audio_block, image_blocks
from langchain_aimlapi._codec.metadata import PROVIDER, is_withheld
from langchain_aimlapi._codec.reasoning import SIGNATURE_KEYS, first_signature

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

    Block = dict[str, Any]

_TEXT_KEYS = ("text", "summary")
# No set: the type of a block may be any JSON value, hashable or not.
_CALL_TYPES = ("tool_call", "tool_call_chunk", "invalid_tool_call")


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
    chunks = message.tool_call_chunks
    added_up = message.chunk_position == "last" and all(chunk["name"] for chunk in chunks)
    if isinstance(message.content, list) or (chunks and added_up):
        return content_blocks(message)
    # In the last chunk of a stream are only calls with something to tell at the end. Those that
    # say no more than their id have no block: langchain-core would make a nameless call of it.
    late = [chunk["id"] for chunk in chunks] if message.chunk_position == "last" else []
    calls = [_call_chunk_block(one) for one in chunks if not late or one["name"] or one["args"]]
    running, carried = _message_blocks(message, late=late)
    return cast("list[ContentBlock]", [*running, *calls, *carried])


def _message_blocks(
    message: AIMessage, *, late: Sequence[str | None] = ()
) -> tuple[list[Block], list[Block]]:
    """Return the blocks but for tool calls; second, those that stand behind the calls."""
    kwargs = message.additional_kwargs
    text = kwargs.get("reasoning_content")
    reasoning = _reasoning_blocks(text if isinstance(text, str) else "", kwargs, late)
    # Plain: core merges v1 chunks only of equal types, and the sum of two of its texts is a `str`.
    words = _text_blocks(str(message.text), kwargs.get("annotations"))
    rest = _refusal_blocks(message) + _media_blocks(kwargs)
    return (reasoning + words + rest, []) if text else (words + rest, reasoning)


def _reasoning_blocks(text: str, kwargs: dict[str, Any], late: Sequence[str | None]) -> list[Block]:
    signed = kwargs.get("signed_tool_calls")
    signed = signed if isinstance(signed, list) else []
    by_call = kwargs.get("tool_call_extra_content")
    by_call = by_call if isinstance(by_call, dict) else {}
    elsewhere = [call_id for call_id in signed if call_id not in late]
    details = _dicts(kwargs.get("reasoning_details"))
    extras = _folded_carriers(
        {
            "reasoning_details": [one for one in details if one.get("id") not in elsewhere],
            "extra_content": kwargs.get("extra_content"),
            "tool_call_extra_content": {key: by_call[key] for key in late if key in by_call},
            "signed_tool_calls": [call_id for call_id in signed if call_id in late],
        },
        is_signed_elsewhere=bool(elsewhere),
    )
    if not text and not extras:
        return []
    block: Block = {"type": "reasoning", "reasoning": text, "index": "lc_rs_0"}
    return [{**block, "extras": extras} if extras else block]


def _text_blocks(text: str, annotations: object) -> list[Block]:
    cited = citations(annotations)
    if not text and not cited:
        return []
    block: Block = {"type": "text", "text": text, "index": "lc_txt_0"}
    return [{**block, "annotations": cited} if cited else block]


def _refusal_blocks(message: AIMessage) -> list[Block]:
    refusal = message.additional_kwargs.get("refusal")
    withheld = is_withheld(message.response_metadata)
    if not withheld and not isinstance(refusal, str):
        return []
    words = refusal if isinstance(refusal, str) else ""
    block: Block = {"type": "refusal", "refusal": words, "index": "lc_rf_0"}
    if withheld:
        native = message.response_metadata.get("native_finish_reason")
        block["extras"] = {"category": native or "content_filter"}
    return [block]


def _media_blocks(kwargs: dict[str, Any]) -> list[Block]:
    media = image_blocks(kwargs.get("images"))
    if block := audio_block(kwargs.get("audio")):
        media = [*media, block]
    return [{**block, "index": f"lc_md_{n}"} for n, block in enumerate(media)]


def _call_blocks(message: AIMessage) -> list[Block]:
    kwargs = message.additional_kwargs
    return [
        *(_call_block(call, "tool_call", kwargs) for call in message.tool_calls),
        *(_call_block(call, "invalid_tool_call", kwargs) for call in message.invalid_tool_calls),
    ]


def _call_block(call: ToolCall | InvalidToolCall, kind: str, kwargs: dict[str, Any]) -> Block:
    block: Block = {
        "type": kind,
        "id": call["id"],
        "name": call["name"],
        "args": call["args"],
    }
    if kind == "invalid_tool_call":
        block["error"] = call.get("error")
    extras = call_extras(call["id"], kwargs)
    return {**block, "extras": extras} if extras else block


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


def call_extras(call_id: str | None, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the `extras` of a tool call's block: its signature, with what carried it.

    Args:
        call_id: Id of the call.
        kwargs: `additional_kwargs` of its message.
    """
    signed, by_call = kwargs.get("signed_tool_calls"), kwargs.get("tool_call_extra_content")
    details: list[dict[str, Any]] = []
    if isinstance(signed, list) and call_id in signed:
        details = [
            one for one in _dicts(kwargs.get("reasoning_details")) if one.get("id") == call_id
        ]
    extra = by_call.get(call_id) if isinstance(by_call, dict) else None
    return _folded_carriers({"reasoning_details": details, "extra_content": extra})


def _passed_through(message: AIMessage) -> list[Block]:
    """Return content that is blocks already, completed by tool calls that it lacks."""
    blocks: list[Block] = [
        {"type": "text", "text": block} if isinstance(block, str) else block
        for block in cast("list[Any]", message.content)
    ]
    present = [block.get("id") for block in blocks if block.get("type") in _CALL_TYPES]
    return blocks + [call for call in _call_blocks(message) if call["id"] not in present]


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _folded_carriers(
    carriers: dict[str, Any], *, is_signed_elsewhere: bool = False
) -> dict[str, Any]:
    """Return the `extras` that hold these carriers of signatures, each only if it holds any."""
    extras: dict[str, Any] = {}
    details, rest = carriers["reasoning_details"], dict(carriers)
    if signature := first_signature(carriers):
        extras["signature"] = signature
    texts = sum(1 for detail in details for key in _TEXT_KEYS if detail.get(key))
    if texts == len(details) == 1 and not signature and not is_signed_elsewhere:
        del rest["reasoning_details"]  # plain text alone: the block says it all
    else:
        rest["reasoning_details"] = [
            _folded(detail, signature, with_text=texts == 1) for detail in details
        ]
    for key, value in rest.items():
        if value:
            extras[key] = _folded(value, signature, with_text=False)
    return extras


def _folded(value: Any, signature: str, *, with_text: bool) -> Any:  # noqa: ANN401  any JSON value
    """Return `value` without what stands elsewhere in the block."""
    if not isinstance(value, dict):
        return value
    folded: dict[str, Any] = {}
    for key, one in value.items():
        if key in SIGNATURE_KEYS and one == signature and "$signature" not in folded and one:
            folded["$signature"] = key
        elif with_text and key in _TEXT_KEYS and one:
            folded["$text"] = key
        else:
            folded[key] = _folded(one, signature, with_text=False)
    return folded


def _unfolded(value: Any, *, signature: str, text: str) -> Any:  # noqa: ANN401  any JSON value
    if not isinstance(value, dict):
        return value
    unfolded: dict[str, Any] = {}
    for key, one in value.items():
        if key == "$signature":
            unfolded[one] = signature
        elif key == "$text":
            unfolded[one] = text
        else:
            unfolded[key] = _unfolded(one, signature=signature, text=text)
    return unfolded


def read_blocks(content: list[Any]) -> dict[str, Any]:
    """Return, in the shape of our `additional_kwargs`, the carriers that content blocks hold.

    Args:
        content: Blocks of a message: ours, or google-genai's (whose tool calls hold Google's own
            signature in `extras["signature"]`). Reasoning blocks that other providers signed hold
            nothing for us.
    """
    details: list[tuple[object, dict[str, Any]]] = []
    kept: dict[str, Any] = {}
    by_call: dict[str, Any] = {}
    signed: list[Any] = []
    late: dict[str, Any] = {"signed_tool_calls": [], "tool_call_extra_content": {}}
    for block in _dicts(content):
        extras, call_id = block.get("extras"), block.get("id")
        if not isinstance(extras, dict):
            continue
        own = _unfolded_carriers(extras, block.get("reasoning"))
        if block.get("type") == "reasoning":
            details += [(None, one) for one in own.get("reasoning_details", ())]
            kept.update({"extra_content": own["extra_content"]} if "extra_content" in own else {})
            late.update((key, own[key]) for key in late if key in own)
        if block.get("type") in _CALL_TYPES and isinstance(call_id, str):
            details += [(call_id, one) for one in own.get("reasoning_details", ())]
            signed += [call_id] if "reasoning_details" in own else []
            if extra := own.get("extra_content") or _google_signature(extras, own):
                by_call[call_id] = extra
    kept.update(
        reasoning_details=[one for owner, one in details if owner not in late["signed_tool_calls"]],
        tool_call_extra_content={**by_call, **late["tool_call_extra_content"]},
        signed_tool_calls=[*dict.fromkeys([*signed, *late["signed_tool_calls"]])],
    )
    return {key: value for key, value in kept.items() if value}


def _unfolded_carriers(extras: dict[str, Any], text: object) -> dict[str, Any]:
    signature = extras.get("signature")
    known = {
        "signature": signature if isinstance(signature, str) else "",
        "text": text if isinstance(text, str) else "",
    }
    own: dict[str, Any] = {}
    if details := _dicts(extras.get("reasoning_details")):
        own["reasoning_details"] = [_unfolded(detail, **known) for detail in details]
    for key in ("extra_content", "tool_call_extra_content"):
        if isinstance(extra := extras.get(key), dict) and extra:
            own[key] = _unfolded(extra, **known)
    if isinstance(signed := extras.get("signed_tool_calls"), list):
        own["signed_tool_calls"] = [one for one in signed if isinstance(one, str)]
    return own


def _google_signature(extras: dict[str, Any], own: dict[str, Any]) -> dict[str, Any] | None:
    signature = extras.get("signature")
    if own or not isinstance(signature, str) or not signature:
        return None
    return {"google": {"thought_signature": signature}}
