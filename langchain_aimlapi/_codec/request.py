"""LangChain messages with settings, as the request body.

The body is a plain dict: it can be compared with a snapshot, logged, checked against a schema, and
it holds no key. Encoding the first messages of a history gives the same beginning whatever follows,
so that the provider's prompt cache is hit.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_aimlapi._codec.content import (
    encode_assistant_content,
    encode_system_content,
    encode_tool_content,
    encode_user_content,
    split_tool_results,
    warn_of_media_left_out,
)
from langchain_aimlapi._codec.interop import signatures_of
from langchain_aimlapi._codec.metadata import PROVIDER
from langchain_aimlapi._codec.reasoning import EXTRA_CONTENT, REASONING_DETAILS, add_bypass
from langchain_aimlapi._codec.sent_calls import encode_calls

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from langchain_aimlapi._json import JsonObject
    from langchain_aimlapi.errors.refusals import Remedy

    MissingSignatures = Literal["auto", "send", "skip"]

# One of these fields an assistant message needs; reasoning text alone is nothing to Gemini.
_SUBSTANCE = ("content", "tool_calls", "refusal", REASONING_DETAILS, EXTRA_CONTENT)
# A key of JSON: inside a string its quotes would be escaped.
_REFERENCE = re.compile(r'"(?:\$|\\u0024)ref"(\s*:)')
_ROLES: dict[str, type[BaseMessage]] = {
    "user": HumanMessage,
    "human": HumanMessage,
    "system": SystemMessage,
    "developer": SystemMessage,  # not a role of the endpoint's requests; system is its older name
    "assistant": AIMessage,
    "ai": AIMessage,
}


def encode_request(
    messages: Sequence[BaseMessage],
    *,
    settings: JsonObject,
    missing_signatures: MissingSignatures = "auto",
    remedies: Collection[Remedy] = (),
) -> JsonObject:
    """Return the request body.

    Args:
        messages: The conversation, oldest first.
        settings: Parameters of the wire by name, `model` first; those that are `None` or an empty
            list are left out, because only what the user set is sent.
        missing_signatures: `"skip"` adds Google's bypass value to the first tool call of each
            assistant message whose calls have no signature at all.
        remedies: How the request is to be written so that it is taken: `"bypass_signatures"` adds
            that value in the current turn alone, that is since the last human message;
            `"rename_references"` writes `$ref` as another key in what tools gave.

    Returns:
        `model`, `messages`, then the other settings.

    Raises:
        ValueError: A message, block or value cannot be sent; it is named.
    """
    model = str(settings["model"])
    encoded = encode_messages(messages, missing_signatures=missing_signatures, remedies=remedies)
    request: JsonObject = {"model": model, "messages": encoded}
    request.update(
        (key, value)
        for key, value in settings.items()
        if key != "model" and value is not None and value != []
    )
    return request


def encode_messages(
    messages: Sequence[BaseMessage],
    *,
    missing_signatures: MissingSignatures = "auto",
    remedies: Collection[Remedy] = (),
) -> list[JsonObject]:
    """Return the wire's messages.

    Pictures or files in tool results, which the wire's tool messages cannot hold, follow in a user
    message right after the results of their turn. Left out are assistant messages with nothing in
    them, which Gemini refuses: neither text nor call nor what may carry a signature.

    Args:
        messages: The conversation, oldest first.
        missing_signatures: See `encode_request`.
        remedies: See `encode_request`.

    Raises:
        ValueError: A message or block cannot be sent; it is named.
    """
    messages = _plain(messages)
    bypassed_from = _bypassed_from(messages, missing_signatures, remedies)
    encoded: list[JsonObject] = []
    media: list[JsonObject] = []
    names: dict[str, str] = {}  # of the functions, by the id of the latest call
    for number, message in enumerate(messages):
        if media and not isinstance(message, ToolMessage | FunctionMessage):
            encoded.append({"role": "user", "content": media})
            media = []
        match message:
            case HumanMessage():
                encoded.append(_user(message))
            case AIMessage():
                following = islice(messages, number + 1, None)
                is_bypassed = number >= bypassed_from
                request, results = _assistant(message, following, is_bypassed=is_bypassed)
                calls = request.get("tool_calls", ())
                names |= {call["id"]: call["function"]["name"] for call in calls}
                encoded += [request] if any(request.get(key) for key in _SUBSTANCE) else []
                encoded += results
            case ToolMessage():
                encoded.append(_tool(message, message.tool_call_id, names, media))
            case SystemMessage():
                encoded.append(_system(message))
            case FunctionMessage():
                call_id = _call_id(message, encoded)
                encoded.append(_tool(message, call_id, names, media))
            case _:
                msg = (
                    f"A message of type {type(message).__name__} cannot be sent. Send human, "
                    "system, AI, tool, function or chat messages. (A pydantic state declared as "
                    "list[BaseMessage] loses the types where it is stored: declare AnyMessage.)"
                )
                raise ValueError(msg)
    if media:
        encoded.append({"role": "user", "content": media})
    if "rename_references" in remedies:
        _rename_references(encoded)
    return encoded


def _bypassed_from(
    messages: Sequence[BaseMessage],
    missing_signatures: MissingSignatures,
    remedies: Collection[Remedy],
) -> int:
    """Return the position from which on steps without a signature get the bypass value."""
    if missing_signatures == "skip":
        return 0
    if missing_signatures == "send" or "bypass_signatures" not in remedies:
        return len(messages)
    humans = (n for n, message in enumerate(messages) if isinstance(message, HumanMessage))
    return max(humans, default=0)


def _rename_references(encoded: list[JsonObject]) -> None:
    """Write `$ref` as another key in tool results: Gemini 3 takes it for an attached file."""
    for message in encoded:
        if message["role"] == "tool":
            message["content"] = _REFERENCE.sub(r'"_$ref"\1', message["content"])


def _plain(messages: Sequence[BaseMessage]) -> Sequence[BaseMessage]:
    """Return the messages with roles for types, each result of a tool in a message of its own."""
    plain: list[BaseMessage] = []
    for one in messages:
        message = _with_role(one) if isinstance(one, ChatMessage) else one
        if isinstance(message.content, str) or not isinstance(message, HumanMessage):
            plain.append(message)
        else:
            plain += _without_tool_results(message)
    return plain


def _without_tool_results(message: HumanMessage) -> Iterator[BaseMessage]:
    """Yield Anthropic's tool results of a user message as tool messages, then what else it says."""
    results, rest = split_tool_results(message.content)
    if not results:
        yield message
        return
    for result in results:
        call_id = result.get("tool_use_id")
        if not call_id or not isinstance(call_id, str):
            msg = f"tool_use_id={call_id!r} of a tool_result block is not the id of a tool call."
            raise ValueError(msg)
        status: Literal["error", "success"] = "error" if result.get("is_error") else "success"
        yield ToolMessage(result.get("content") or "", tool_call_id=call_id, status=status)
    if rest:
        yield HumanMessage(rest, name=message.name)


def _user(message: HumanMessage) -> JsonObject:
    content: Any = message.content
    if not isinstance(content, str):
        content = encode_user_content(content)
    return _named({"role": "user", "content": content}, message)


def _system(message: SystemMessage) -> JsonObject:
    return _named({"role": "system", "content": encode_system_content(message.content)}, message)


def _named(request: JsonObject, message: BaseMessage) -> JsonObject:
    if message.name:
        request["name"] = message.name
    return request


def _with_role(message: ChatMessage) -> BaseMessage:
    kind = _ROLES.get(message.role)
    if kind is None:
        msg = f"ChatMessage role {message.role!r} cannot be sent. Use one of {sorted(_ROLES)}."
        raise ValueError(msg)
    return kind(
        content=message.content,
        name=message.name,
        additional_kwargs=message.additional_kwargs,
        response_metadata=message.response_metadata,
    )


def _tool(
    message: ToolMessage | FunctionMessage,
    call_id: str,
    names: Mapping[str, str],
    media: list[JsonObject],
) -> JsonObject:
    """Return a tool message; what it cannot hold is added to `media`.

    It has the name of the call that it answers, which Google's endpoints want and compare: also
    where the message has none, or that of a tool that a human replaced.
    """
    content: Any = message.content
    if not isinstance(content, str):
        content, parts = encode_tool_content(content)
        media += parts
    if getattr(message, "status", None) == "error" and not content.lower().startswith("error"):
        content = f"Error: {content}"  # the wire has no field for it
    request = {"role": "tool", "content": content, "tool_call_id": call_id}
    if name := names.get(call_id) or message.name:
        request["name"] = name
    return request


def _call_id(message: FunctionMessage, encoded: list[JsonObject]) -> str:
    """Find the call that an old-style function result answers, by the function's name."""
    for earlier in reversed(encoded):
        for call in earlier.get("tool_calls", ()):
            if call["function"]["name"] == message.name:
                return str(call["id"])
    msg = (
        f"FunctionMessage {message.name!r} answers no earlier call of that function. "
        "Use ToolMessage with a tool_call_id."
    )
    raise ValueError(msg)


def _assistant(
    message: AIMessage, following: Iterable[BaseMessage], *, is_bypassed: bool
) -> tuple[JsonObject, list[JsonObject]]:
    """Return the message, then results of our making for calls of it that nobody answered."""
    content, kwargs = message.content, message.additional_kwargs
    refusal = kwargs.get("refusal") if _is_ours(message) else None
    text = content if isinstance(content, str) else _block_text(content, refusal)
    request = _named({"role": "assistant", "content": text}, message)
    if kwargs:
        warn_of_media_left_out(kwargs)
    is_bare = not kwargs and not message.tool_calls and not message.invalid_tool_calls
    if is_bare and isinstance(content, str):
        return request, []
    signatures = signatures_of(message)
    sent = encode_calls(message, following=following, signed=signatures.carrying_calls())
    encoded = sent.calls
    call_ids = [call["id"] for call in encoded]
    fields, by_call = signatures.to_wire(call_ids=call_ids)
    for call in encoded:
        call.update(by_call.get(call["id"], {}))
    if encoded:
        request["tool_calls"] = encoded
        ended = message.response_metadata.get("finish_reason")
        if is_bypassed and not signatures.is_any_call_signed(call_ids, finish_reason=ended):
            add_bypass(encoded[0])
    request.update(fields)
    if isinstance(refusal, str):
        request["refusal"] = refusal
    return request, sent.results


def _block_text(content: list[Any], refusal: object) -> str:
    """Return the text of blocks, of which a refusal is none where it has a field of its own."""
    if isinstance(refusal, str):
        content = [
            one for one in content if not (isinstance(one, dict) and one.get("type") == "refusal")
        ]
    return encode_assistant_content(content)


def _is_ours(message: AIMessage) -> bool:
    return message.response_metadata.get("model_provider") == PROVIDER
