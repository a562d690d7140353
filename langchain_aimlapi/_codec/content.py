"""Message content both ways: LangChain's blocks, the endpoint's parts.

What each role can say, by the endpoint's schemas (aimlapi/api-docs at f14fa72, 2026-08-21):

    user        text or parts: text, images, and what else `media` makes
    system      text or text parts
    assistant   text
    tool        text; media of a tool's result go into a user message after the turn's results

Nothing is dropped silently but the working steps of a model: its thoughts, its signatures, its
calls of tools (which travel in `tool_calls`), what its provider ran for it. Those are no content,
and another provider cannot read them; our own thoughts travel in `reasoning_details`.

The reading side takes any JSON value and never raises: what is not understood is left out here
and remains in the message's `additional_kwargs`. Media are `media`'s, both ways.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from langchain_aimlapi._codec.media import (
    audio_block,
    encode_media,
    holds_media,
    image_blocks,
    local_path,
)
from langchain_aimlapi._json import JsonMapping, JsonObject
from langchain_aimlapi.errors.caller_warnings import warn_caller

__all__ = [
    "audio_block",
    "citations",
    "encode_assistant_content",
    "encode_system_content",
    "encode_tool_content",
    "encode_user_content",
    "image_blocks",
    "read_text",
    "split_tool_results",
    "warn_of_media_left_out",
]

# As langchain-core has a message's content: text, or blocks of any provider.
Content = str | list[Any]

_THOUGHTS = frozenset({"reasoning", "thinking", "redacted_thinking", "function_call_signature"})
_STEPS = _THOUGHTS | {
    "non_standard",
    "input_json_delta",
    "executable_code",
    "code_execution_result",
}
# tool_call, invalid_tool_call, function_call, web_search_call, ...; tool_use, mcp_tool_use, ...
_STEP_ENDINGS = ("_call", "_call_chunk", "tool_use", "tool_result")
_TEXT_KEYS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
# Key of a wire annotation -> key and type in a standard citation.
_CITATION_FIELDS: dict[str, tuple[str, type]] = {
    "url": ("url", str),
    "title": ("title", str),
    "name": ("title", str),
    "content": ("cited_text", str),
    "cited_text": ("cited_text", str),
    "start_index": ("start_index", int),
    "end_index": ("end_index", int),
}


def encode_user_content(content: Content) -> str | list[JsonObject]:
    """Return the `content` of a user message.

    Of a text block only its text and `cache_control` are sent. Thoughts are dropped: they get
    here when one agent's answer is handed to another as a user message.

    Args:
        content: Text, or a list of strings and blocks in the forms that `media` names.

    Returns:
        The text as it is; parts in the order of the blocks, without empty texts beside
        others; `""` for no parts.

    Raises:
        ValueError: A block is of a type that a user message cannot hold, or lacks its data.
    """
    if isinstance(content, str):
        return content
    parts = [part for block in _blocks(content) for part in _user_parts(block)]
    return _without_empty_texts(parts) or ""


def encode_system_content(content: Content) -> str | list[JsonObject]:
    """Return the `content` of a system message: text only.

    Args:
        content: Text, or a list of strings and text blocks.

    Returns:
        The text as it is; text parts with their `cache_control`, without empty ones beside others;
        `""` for no parts.

    Raises:
        ValueError: A block is not text.
    """
    if isinstance(content, str):
        return content
    parts = []
    for block in _blocks(content):
        text = _text(block)
        if text is None:
            raise ValueError(
                f"{_name(block)} cannot be sent in a system message, which holds text only. "
                "Put it into a HumanMessage."
            )
        parts.append(_with_cache_control({"type": "text", "text": text}, block))
    return _without_empty_texts(parts) or ""


def _blocks(content: object) -> list[Any] | tuple[Any, ...]:
    """Return the blocks of a content, which may have been set to anything in place."""
    if isinstance(content, list | tuple):
        return content
    raise ValueError(
        f"A message has the content {content!r:.100}: it must be text or a list of blocks."
    )


def _without_empty_texts(parts: list[JsonObject]) -> list[JsonObject]:
    """Return the parts without the empty texts beside others, which Gemini refuses."""
    return [part for part in parts if part["type"] != "text" or part["text"]] or parts


def encode_assistant_content(content: Content) -> str:
    """Return the `content` of an assistant message: the text of its blocks, joined.

    Refusal blocks count as text. Images, audio and files that a model made are left out with a
    warning, once per process and type: an assistant message has no room for them. Unknown blocks
    likewise, so that a conversation begun with another model can go on.

    Args:
        content: Text, or a list of strings and blocks of any provider.

    Returns:
        The text; `""` where there is none.
    """
    if isinstance(content, str):
        return content
    texts = []
    for block in _blocks(content):
        text = _text(block)
        if text is not None:
            texts.append(text)
        elif not _is_step(block):
            _warn_left_out(_name(block))
    return "".join(texts)


def warn_of_media_left_out(kwargs: JsonMapping) -> None:
    """Warn of a model's images or audio outside its content, as `encode_assistant_content` does.

    Args:
        kwargs: `additional_kwargs` of an assistant message.
    """
    for key, kind in (("images", "image"), ("audio", "audio")):
        if kwargs.get(key):
            _warn_left_out(f"A content block of type {kind!r}")


def encode_tool_content(content: Content) -> tuple[str, list[JsonObject]]:
    """Return the `content` of a tool message, with the media that it cannot hold.

    Args:
        content: Text, or a list of strings and blocks. Blocks that are neither text nor media
            are sent as JSON; Anthropic's `tool_result` blocks are taken apart.

    Returns:
        The text, a line or more per block, with a note in the place of each medium; the parts
        of the media in their order, for a user message after the results of the turn.

    Raises:
        ValueError: A medium cannot be sent (see `encode_media`).
    """
    if isinstance(content, str):
        return content, []
    lines: list[str] = []
    media: list[JsonObject] = []
    for block in _blocks(content):
        for part in _result_parts(block):
            if part["type"] == "text":
                lines.append(part["text"])
                continue
            # The note keeps the place, so that a text that speaks of 'this image' makes sense.
            media.append(part)
            lines.append(f"[{part['type']}: in the next user message]")
    return "\n".join(lines), media


def split_tool_results(
    content: Content,
) -> tuple[list[JsonObject], Content]:
    """Return Anthropic's `tool_result` blocks of a user message, and what else it holds.

    The endpoint wants each result in a tool message of its own: `tool_use_id` is its
    `tool_call_id`, and `content` goes through `encode_tool_content`.

    Args:
        content: Content of a user message.

    Returns:
        The blocks `{"type": "tool_result", "tool_use_id": ..., "content": ..., "is_error": ...}`
        in their order; the rest of the content, which is all of it where there is no such block.
    """
    if isinstance(content, str):
        return [], content
    results = [block for block in _blocks(content) if _type(block) == "tool_result"]
    # The same list, not a copy: nearly no user message holds a result.
    if not results:
        return [], content
    return results, [block for block in content if _type(block) != "tool_result"]


def read_text(content: object) -> str:
    """Return the text of a wire `content`: `null`, text, or a list of parts.

    Args:
        content: Any JSON value.
    """
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = [
        _field(part, "text", part)
        for part in content
        if _field(part, "type", "text") in ("text", "output_text")
    ]
    return "".join(text for text in texts if isinstance(text, str))


def citations(annotations: object) -> list[JsonObject]:
    """Return the wire's `message.annotations` as standard annotations of a text block.

    Args:
        annotations: Any JSON value; a list of `{"type": "url_citation", "url_citation": {...}}`
            (or flat) and `{"type": "file", "file": {...}}`.

    Returns:
        `{"type": "citation", "url": ..., "title": ..., "start_index": ..., "end_index": ...,
        "cited_text": ..., "extras": {...}}`, each key where the wire gives it in its type; other
        objects as `{"type": "non_standard_annotation", "value": ...}`.
    """
    items = annotations if isinstance(annotations, list) else []
    return [_citation(item) for item in items if isinstance(item, dict)]


def _citation(annotation: JsonObject) -> JsonObject:
    kind = annotation.get("type")
    if kind not in ("url_citation", "file"):
        return {"type": "non_standard_annotation", "value": annotation}
    nested = annotation.get(kind)
    fields = nested if isinstance(nested, dict) else {**annotation, "type": None}
    citation: JsonObject = {"type": "citation"}
    extras = {}
    for key, value in fields.items():
        name, of_type = _CITATION_FIELDS.get(key, (key, None))
        if type(value) is of_type:
            citation[name] = value
        elif value is not None:
            extras[key] = value
    return citation | ({"extras": extras} if extras else {})


def _user_parts(block: object) -> Iterator[JsonObject]:
    text = _text(block)
    if text is not None:
        yield _with_cache_control({"type": "text", "text": text}, block)
    elif (nested := _nested(block)) is not None:
        for inner in nested:
            yield from _user_parts(inner)
    elif isinstance(block, Mapping) and holds_media(block):
        yield from _media_parts(block)
    elif _type(block) not in _THOUGHTS:
        raise ValueError(
            f"{_name(block)} cannot be sent in a user message: its type is not known here, or it "
            "lacks its data. Text, image, audio, video, file and text-plain blocks can be sent, "
            "with their data in `url`, or in `base64` with a `mime_type`; the result of a tool "
            f"belongs in a ToolMessage.{_file_hint(block)}"
        )


def _file_hint(block: object) -> str:
    """Return how a file is sent that a block names in a way of its own."""
    for value in block.values() if isinstance(block, Mapping) else ():
        if isinstance(value, str) and (path := local_path(value)) is not None:
            return f" To send the file {path!r}, use langchain_aimlapi.image_block or file_block."
    return ""


def _result_parts(block: object) -> Iterator[JsonObject]:
    text = _text(block)
    if text is not None:
        yield {"type": "text", "text": text}
    elif (nested := _nested(block) or _nested_result(block)) is not None:
        for inner in nested:
            yield from _result_parts(inner)
    elif isinstance(block, Mapping) and holds_media(block):
        yield from _media_parts(block)
    elif _type(block) not in _THOUGHTS:
        value = _field(block, "json", block) if _type(block) == "json" else block
        yield {"type": "text", "text": json.dumps(value, ensure_ascii=False, default=str)}


def _media_parts(block: JsonMapping) -> Iterator[JsonObject]:
    context = _field(block, "context")  # Anthropic: what the model shall know of a document
    if context and isinstance(context, str):
        yield {"type": "text", "text": context}
    yield _with_cache_control(encode_media(block), block)


def _nested(block: object) -> list[Any] | None:
    """Give what a block of Anthropic's that is made of blocks holds, with its headings."""
    if _type(block) == "search_result":
        return _listed(_field(block, "title"), _field(block, "source"), _field(block, "content"))
    source = _field(block, "source")
    if _type(block) == "document" and _type(source) == "content":
        headings = _field(block, "title"), _field(block, "context")
        return _listed(*headings, _field(source, "content"))
    return None


def _nested_result(block: object) -> list[Any] | None:
    if _type(block) != "tool_result":
        return None
    return _listed("Error:" if _field(block, "is_error") else None, _field(block, "content"))


def _listed(*items: object) -> list[Any]:
    """Give one flat list of texts, blocks and lists of them, without what is empty."""
    lists = (item if isinstance(item, list) else [item] for item in items if item)
    return [inner for items in lists for inner in items]


def _text(block: object) -> str | None:
    """Give the text of a block that is nothing but text, else `None`."""
    if isinstance(block, str):
        return block
    kind = _type(block)
    headings: list[object] = []
    source = _field(block, "source")
    if kind in _TEXT_KEYS:
        text = _field(block, _TEXT_KEYS[kind])
    elif _field(block, "source_type") == "text":  # LangChain v0: the text is in `url`
        text = _field(block, "text") or _field(block, "url")
    elif kind == "text-plain" or (kind == "document" and _type(source) == "text"):
        headings = [_field(block, "title"), _field(block, "context")]
        text = _field(block, "text") or _field(source, "data")
    else:
        return None
    if not isinstance(text, str):
        return None
    return "\n\n".join([*(line for line in headings if line and isinstance(line, str)), text])


def _with_cache_control(part: JsonObject, block: object) -> JsonObject:
    mark = _field(block, "cache_control") or _field(_field(block, "extras"), "cache_control")
    if mark is not None:
        part["cache_control"] = mark
    return part


def _is_step(block: object) -> bool:
    kind = _type(block)
    return kind in _STEPS or kind.endswith(_STEP_ENDINGS)


def _field(value: object, key: str, default: object = None) -> Any:
    return value.get(key, default) if isinstance(value, Mapping) else default


def _type(block: object) -> str:
    """Give the type of a block; of a dict without one it is text, as in Bedrock's form."""
    kind = _field(block, "type", "text")
    return kind if isinstance(kind, str) else ""


def _name(block: object) -> str:
    if isinstance(block, Mapping):
        return f"A content block of type {block.get('type')!r}"
    return f"A content block of Python type {type(block).__name__!r}"


@cache  # what was said is the only state: a warning that is turned into an error is not kept
def _warn_left_out(name: str) -> None:
    warn_caller(
        f"{name} of an assistant message is left out: the endpoint takes only text there.",
    )
