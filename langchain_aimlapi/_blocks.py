"""Messages of ours as LangChain's standard content blocks, there and back.

langchain-core merges blocks of a stream by their `index`, whatever their type, so each kind has a
range of its own (`lc_rs_`, `lc_txt_`, ...). Signatures ride in `extras["signature"]`, the place
that langchain-core documents; what else a carrier held stands beside it with the signature taken
out (`$signature` names the key that it came from), so that no kilobytes are there twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages.block_translators import register_translator

from langchain_aimlapi._answer import PROVIDER, is_withheld
from langchain_aimlapi._content import citations
from langchain_aimlapi._media import audio_block, image_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import AIMessage, AIMessageChunk
    from langchain_core.messages.content import ContentBlock

    Block = dict[str, Any]

_SIGNATURE_KEYS = ("data", "signature", "thought_signature")
_TEXT_KEYS = ("text", "summary")
_CALL_TYPES = frozenset({"tool_call", "tool_call_chunk", "invalid_tool_call"})


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
    calls = [
        _call_block("tool_call", call, call["args"], message.additional_kwargs)
        for call in message.tool_calls
    ]
    return cast("list[ContentBlock]", [*running, *calls, *carried])


def content_block_chunks(message: AIMessageChunk) -> list[ContentBlock]:
    """Return the standard blocks of a chunk, or of chunks added up; never raises."""
    chunks = message.tool_call_chunks
    added_up = message.chunk_position == "last" and all(chunk["name"] for chunk in chunks)
    if isinstance(message.content, list) or (chunks and added_up):
        return content_blocks(message)
    running, carried = _message_blocks(message)
    calls = [
        {
            **_call_block("tool_call_chunk", chunk, chunk["args"], message.additional_kwargs),
            "index": f"lc_tc_{chunk['index']}",
        }
        for chunk in chunks
    ]
    return cast("list[ContentBlock]", [*running, *calls, *carried])


def _message_blocks(message: AIMessage) -> tuple[list[Block], list[Block]]:
    """Return the blocks but for tool calls; second, those that stand behind the calls."""
    kwargs = message.additional_kwargs
    text = kwargs.get("reasoning_content")
    reasoning = _reasoning_blocks(text if isinstance(text, str) else "", kwargs)
    words = _text_blocks(message.text, kwargs.get("annotations"))
    rest = _refusal_blocks(message) + _media_blocks(kwargs)
    return (reasoning + words + rest, []) if text else (words + rest, reasoning)


def _reasoning_blocks(text: str, kwargs: dict[str, Any]) -> list[Block]:
    signed = kwargs.get("signed_tool_calls")
    details = _dicts(kwargs.get("reasoning_details"))
    if isinstance(signed, list):
        details = [detail for detail in details if detail.get("id") not in signed]
    extras = _folded_carriers(details, kwargs.get("extra_content"))
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


def _call_block(kind: str, call: Any, args: Any, kwargs: dict[str, Any]) -> Block:  # noqa: ANN401  a tool call, or a chunk of one
    call_id = call["id"]
    block: Block = {"type": kind, "id": call_id, "name": call["name"], "args": args}
    signed, by_call = kwargs.get("signed_tool_calls"), kwargs.get("tool_call_extra_content")
    details: list[dict[str, Any]] = []
    if isinstance(signed, list) and call_id in signed:
        details = [
            one for one in _dicts(kwargs.get("reasoning_details")) if one.get("id") == call_id
        ]
    extra = by_call.get(call_id) if isinstance(by_call, dict) else None
    extras = _folded_carriers(details, extra)
    return {**block, "extras": extras} if extras else block


def _passed_through(message: AIMessage) -> list[Block]:
    """Return content that is blocks already, completed by tool calls that it lacks."""
    blocks: list[Block] = [
        {"type": "text", "text": block} if isinstance(block, str) else block
        for block in cast("list[Any]", message.content)
    ]
    present = {block.get("id") for block in blocks if block.get("type") in _CALL_TYPES}
    return blocks + [
        _call_block("tool_call", call, call["args"], message.additional_kwargs)
        for call in message.tool_calls
        if call["id"] not in present
    ]


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _folded_carriers(details: list[dict[str, Any]], extra: object) -> dict[str, Any]:
    """Return the `extras` that hold these carriers of a signature."""
    extras: dict[str, Any] = {}
    signature = _signature([*details, extra])
    if signature:
        extras["signature"] = signature
    if details:
        texts = sum(1 for detail in details for key in _TEXT_KEYS if detail.get(key))
        extras["reasoning_details"] = [
            _folded(detail, signature, with_text=texts == 1) for detail in details
        ]
        if not signature and texts == len(details) == 1:
            del extras["reasoning_details"]  # plain text: the block says it all
    if extra:
        extras["extra_content"] = _folded(extra, signature, with_text=False)
    return extras


def _signature(values: Sequence[object]) -> str:
    """Return the first signature found, at any depth."""
    for value in values:
        if not isinstance(value, dict):
            continue
        for key in _SIGNATURE_KEYS:
            if isinstance(found := value.get(key), str) and found:
                return found
        if found := _signature(list(value.values())):
            return found
    return ""


def _folded(value: Any, signature: str, *, with_text: bool) -> Any:  # noqa: ANN401  any JSON value
    """Return `value` without what stands elsewhere in the block."""
    if not isinstance(value, dict):
        return value
    folded: dict[str, Any] = {}
    for key, one in value.items():
        if key in _SIGNATURE_KEYS and one == signature and "$signature" not in folded and one:
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
    details: list[Any] = []
    kept: dict[str, Any] = {}
    by_call: dict[str, Any] = {}
    signed: list[str] = []
    for block in _dicts(content):
        extras = block.get("extras")
        if not isinstance(extras, dict):
            continue
        own = _unfolded_carriers(extras, block.get("reasoning"))
        details += own.get("reasoning_details", ())
        extra, call_id = own.get("extra_content"), block.get("id")
        if block.get("type") == "reasoning" and extra:
            kept["extra_content"] = extra
        if block.get("type") in _CALL_TYPES and isinstance(call_id, str):
            signed += [call_id] if "reasoning_details" in own else []
            if extra := extra or _google_signature(extras, own):
                by_call[call_id] = extra
    kept.update(
        reasoning_details=details, tool_call_extra_content=by_call, signed_tool_calls=signed
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
    if isinstance(extra := extras.get("extra_content"), dict) and extra:
        own["extra_content"] = _unfolded(extra, **known)
    return own


def _google_signature(extras: dict[str, Any], own: dict[str, Any]) -> dict[str, Any] | None:
    signature = extras.get("signature")
    if own or not isinstance(signature, str) or not signature:
        return None
    return {"google": {"thought_signature": signature}}
