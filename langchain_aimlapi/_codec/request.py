"""LangChain messages with settings, as the request body.

The body is a plain dict: it can be compared with a snapshot, logged, checked against a schema, and
it holds no key. Encoding the first messages of a history gives the same beginning whatever follows,
so that the provider's prompt cache is hit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

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
from langchain_aimlapi._codec.encoded_messages import (
    ASSISTANT,
    NOTHING,
    TOOL,
    EncodedMessage,
    EncodedMessages,
    copy_of,
)
from langchain_aimlapi._codec.interop import signatures_of
from langchain_aimlapi._codec.metadata import PROVIDER
from langchain_aimlapi._codec.reasoning import EXTRA_CONTENT, REASONING_DETAILS, add_bypass
from langchain_aimlapi._codec.sent_calls import encode_calls, missing_results, names_of_results
from langchain_aimlapi._json import encode_message

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from langchain_aimlapi._codec.encoded_messages import Beginning
    from langchain_aimlapi._json import JsonObject
    from langchain_aimlapi.errors.refusals import Remedy

    MissingSignatures = Literal["auto", "send", "skip"]

# One of these fields an assistant message needs; reasoning text alone is nothing to Gemini.
_SUBSTANCE = ("content", "tool_calls", "refusal", REASONING_DETAILS, EXTRA_CONTENT)
_NOT_IN_A_NAME = r"[^A-Za-z0-9_-]"
# A key of JSON: inside a string its quotes would be escaped.
_REFERENCE = r'"(?:\$|\\u0024)ref"(\s*:)'
_AS_THEY_ARE = ASSISTANT | TOOL
_ROLES: dict[str, type[BaseMessage]] = {
    "user": HumanMessage,
    "human": HumanMessage,
    "system": SystemMessage,
    "developer": SystemMessage,  # not a role of the endpoint's requests; system is its older name
    "assistant": AIMessage,
    "ai": AIMessage,
}


def encode_parameters(settings: JsonObject) -> JsonObject:
    """Return the request body but for its messages.

    Args:
        settings: Parameters of the wire by name, `model` first; those that are `None` or an empty
            list are left out, because only what the user set is sent.
    """
    parameters: JsonObject = {"model": str(settings["model"])}
    parameters.update(
        (key, value)
        for key, value in settings.items()
        if key != "model" and value is not None and not (isinstance(value, list) and not value)
    )
    return parameters


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
        missing_signatures: `"skip"` adds Google's bypass value to the first tool call of each
            assistant message whose calls have no signature at all.
        remedies: How the request is to be written so that it is taken: `"bypass_signatures"` adds
            that value in the current turn alone, that is since the last human message;
            `"rename_references"` writes `$ref` as another key in what tools gave;
            `"rename_calls"` gives earlier calls whose names are not allowed another name.

    Raises:
        ValueError: A message or block cannot be sent; it is named.
    """
    history = _History(messages, missing_signatures, remedies, behind=NOTHING)
    return [wire for encoded in history.encoded() for wire in encoded.wire]


class WrittenMessages(NamedTuple):
    """The messages of a request as JSON.

    Attributes:
        texts: Each of the wire's messages, or several with commas between them.
        kinds: Types of the parts of user messages, each once, in their order.
    """

    texts: list[bytes]
    kinds: list[str]

    @property
    def text(self) -> bytes:
        """The list of the wire's messages."""
        return b"[%b]" % b",".join(self.texts)


def write_messages(
    messages: Sequence[BaseMessage],
    *,
    known: EncodedMessages,
    missing_signatures: MissingSignatures = "auto",
    remedies: Collection[Remedy] = (),
) -> WrittenMessages:
    """Return what `encode_messages` returns as JSON, each message that is known unwritten.

    Args:
        messages: The conversation, oldest first.
        known: What was written before; what is written now joins it.
        missing_signatures: See `encode_messages`.
        remedies: See `encode_messages`.

    Raises:
        ValueError: A message, block or value cannot be sent; it is named.
    """
    known.begin_request()
    settings = missing_signatures, frozenset(remedies)
    # Which turn is the current one, and gets that value, is known at the end of the history only.
    is_settled = "bypass_signatures" not in remedies
    found, texts = known.find_beginning(messages if is_settled else (), settings)
    history = _History(messages[len(found.kept) :], missing_signatures, remedies, behind=found)
    written = [*history.encoded(known)]
    if is_settled and history.settled:
        known.keep_beginning(
            messages, settings, found=found, settled=history.settled, written=written
        )
    texts += [encoded.text for encoded in written if encoded.text]
    kinds = [*found.kinds, *(kind for encoded in written for kind in encoded.kinds)]
    return WrittenMessages(texts, [*dict.fromkeys(kinds)])


class _History:
    """The messages of one request, encoded one after the other."""

    def __init__(
        self,
        messages: Sequence[BaseMessage],
        missing_signatures: MissingSignatures,
        remedies: Collection[Remedy],
        *,
        behind: Beginning,
    ) -> None:
        self._messages = _plain(messages)
        self._bypassed_from = _bypassed_from(self._messages, missing_signatures, remedies)
        self._is_renaming = "rename_references" in remedies
        self._has_plain_names = "rename_calls" in remedies
        self._plain_names = "plain" if self._has_plain_names else None
        self._names: dict[str, str] = {}  # of the functions, by the id of the latest call
        self._called: list[Mapping[str, str]] = []  # the same of each message
        self._called_before = behind.called
        self._count = behind.on_wire  # of messages on the wire
        self._is_known = True  # whether all so far is a message that is kept, and nothing besides
        self._settled = 0
        self._goes_on = any(isinstance(message, AIMessage) for message in self._messages)

    @property
    def settled(self) -> Sequence[BaseMessage]:
        """The first messages, as far as they were written as they will be, whatever follows."""
        return self._messages[: self._settled]

    def encoded(self, known: EncodedMessages | None = None) -> Iterator[EncodedMessage]:
        """Yield what each message is on the wire, its parts for a user's message after it.

        Args:
            known: What was written before; without it no JSON is written.

        Raises:
            ValueError: A message cannot be sent.
        """
        media: list[JsonObject] = []
        count = self._count
        for number, message in enumerate(self._messages):
            if media and not isinstance(message, ToolMessage | FunctionMessage):
                # Not between results of one turn: Gemini wants those together.
                yield _written(_of_parts(media), count, known)
                media, count = [], count + 1
            if self._is_known and isinstance(message, AIMessage):
                self._settled = number
            # In order: names of calls are known to the results behind them, and to no other.
            encoded = self._one(number, message, count, known)
            media += encoded.media
            count += encoded.count
            if encoded.names:
                self._names.update(encoded.names)
                self._called.append(encoded.names)
            yield encoded
            if encoded.names and (results := missing_results(self._messages, begin=number + 1)):
                for result in results:
                    result["name"] = self._name(result["name"])
                yield _written(EncodedMessage(results), count, known)
                count += len(results)
                self._is_known = False
        if media:
            yield _written(_of_parts(media), count, known)

    def _one(
        self, number: int, message: BaseMessage, count: int, known: EncodedMessages | None
    ) -> EncodedMessage:
        if known is None:
            return self._encode(number, message)
        about = self._about(number, message)
        found = known.find(message, about)
        if found is not None and (
            # What an assistant message sends may depend on the results behind it, which may differ.
            found.answered is None
            or found.answered == names_of_results(self._messages, begin=number + 1)
        ):
            return found
        # Before it is encoded: whoever changes the message meanwhile gets another look.
        fields = copy_of(message)
        is_plain = fields is not None
        self._is_known &= is_plain
        encoded = _written(self._encode(number, message), count, known, is_plain=is_plain)
        if fields is not None:
            known.keep(message, about, fields, encoded, goes_on=self._goes_on)
        return encoded

    def _about(self, number: int, message: BaseMessage) -> tuple[object, ...]:
        """Return what the encoding of a message depends on besides itself and what is behind it."""
        kind = type(message)
        if kind not in _AS_THEY_ARE:
            return ()
        if kind in ASSISTANT:
            is_bypassed = number >= self._bypassed_from
            return "bypassed" if is_bypassed else None, self._plain_names
        call_id = message.tool_call_id  # type: ignore[attr-defined]  # of a result
        is_renaming = "renamed" if self._is_renaming else None
        return self._called_name(call_id), is_renaming, self._plain_names

    def _encode(self, number: int, message: BaseMessage) -> EncodedMessage:
        match message:
            case HumanMessage():
                return _user(message)
            case AIMessage():
                return self._assistant(number, message)
            case ToolMessage():
                return self._tool(message, message.tool_call_id)
            case SystemMessage():
                return _system(message)
            case FunctionMessage():
                return self._tool(message, self._call_id(message))
            case _:
                msg = (
                    f"A message of type {type(message).__name__} cannot be sent. Send human, "
                    "system, AI, tool, function or chat messages. (A pydantic state declared as "
                    "list[BaseMessage] loses the types where it is stored: declare AnyMessage.)"
                )
                raise ValueError(msg)

    def _tool(self, message: ToolMessage | FunctionMessage, call_id: str) -> EncodedMessage:
        """Return a tool message, and what it cannot hold.

        It has the name of the call that it answers, which Google's endpoints want and compare: also
        where the message has none, or that of a tool that a human replaced.
        """
        # Anything but text is told in words here, while media follow for the model to see.
        content: Any = message.content
        media: list[JsonObject] = []
        if not isinstance(content, str):
            content, media = encode_tool_content(content)
        if getattr(message, "status", None) == "error" and not content.lower().startswith("error"):
            content = (
                "Error: " + content
            )  # the wire has no field for it; an enum's text is its value
        if self._is_renaming:  # Gemini 3 takes it for an attached file
            content = re.sub(_REFERENCE, r'"_$ref"\1', content)
        request = {"role": "tool", "content": content, "tool_call_id": call_id}
        if name := self._called_name(call_id) or message.name:
            request["name"] = self._name(name)
        return EncodedMessage([request], media=media)

    def _called_name(self, call_id: str) -> str | None:
        """Return the name of the function that the latest call of this id calls."""
        if call_id not in self._names and self._called_before:
            self._called, self._called_before = [*self._called_before, *self._called], []
            self._names = {call: name for names in self._called for call, name in names.items()}
        return self._names.get(call_id)

    def _name(self, name: str) -> str:
        """Return a function's name as it may be sent: models make names up."""
        if not self._has_plain_names:
            return name
        plain = re.sub(_NOT_IN_A_NAME, "_", name)
        return (plain if plain[0].isalpha() or plain[0] == "_" else f"_{plain}")[:64]

    def _call_id(self, message: FunctionMessage) -> str:
        """Find the call that an old-style function result answers, by the function's name."""
        # The latest call of that name: older ones have their results already.
        for names in reversed([*self._called_before, *self._called]):
            for call_id, name in names.items():
                if message.name and name == self._name(message.name):
                    return call_id
        msg = (
            f"FunctionMessage {message.name!r} answers no earlier call of that function. "
            "Use ToolMessage with a tool_call_id."
        )
        raise ValueError(msg)

    def _assistant(self, number: int, message: AIMessage) -> EncodedMessage:
        """Return the message, then results of our making for calls of it that nobody answered."""
        looked: list[dict[str, str]] = []

        def answered() -> dict[str, str]:
            looked.append(names_of_results(self._messages, begin=number + 1))
            return looked[-1]

        is_bypassed = number >= self._bypassed_from
        request, results = _assistant(message, answered, is_bypassed=is_bypassed)
        if self._has_plain_names:
            for named in (*(call["function"] for call in request.get("tool_calls", ())), *results):
                named["name"] = self._name(named["name"])
        is_sent = any(request.get(key) for key in _SUBSTANCE)
        wire = [request, *results] if is_sent else results
        return EncodedMessage(
            wire,
            names={call["id"]: call["function"]["name"] for call in request.get("tool_calls", ())},
            answered=looked[-1] if looked else None,
        )


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
    # Gemini checks the turn that runs; what is behind the last user message is history.
    humans = (n for n, message in enumerate(messages) if isinstance(message, HumanMessage))
    return max(humans, default=0)


def _plain(messages: Sequence[BaseMessage]) -> Sequence[BaseMessage]:
    """Return the messages with roles for types, each result of a tool in a message of its own."""
    plain: list[BaseMessage] = []
    for given in messages:
        if type(given) in _AS_THEY_ARE or (
            type(given) is HumanMessage and type(given.content) is str
        ):
            plain.append(given)
            continue
        message = _with_role(given) if isinstance(given, ChatMessage) else given
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


def _user(message: HumanMessage) -> EncodedMessage:
    content: Any = message.content
    if isinstance(content, str):
        return EncodedMessage([_named({"role": "user", "content": content}, message)])
    encoded = _of_parts(encode_user_content(content))
    _named(encoded.wire[0], message)
    return encoded


def _of_parts(parts: str | list[JsonObject]) -> EncodedMessage:
    kinds = () if isinstance(parts, str) else tuple(part["type"] for part in parts)
    return EncodedMessage([{"role": "user", "content": parts}], kinds=kinds)


def _system(message: SystemMessage) -> EncodedMessage:
    content = encode_system_content(message.content)
    return EncodedMessage([_named({"role": "system", "content": content}, message)])


def _named(request: JsonObject, message: BaseMessage) -> JsonObject:
    if message.name:
        request["name"] = message.name
    return request


def _written(
    encoded: EncodedMessage,
    count: int,
    known: EncodedMessages | None,
    *,
    is_plain: bool = False,
) -> EncodedMessage:
    """Return the same with its JSON, if anything is to be known of it; see `encode_message`."""
    if known is not None:
        wire = enumerate(encoded.wire, count)
        texts = [encode_message(message, place, is_plain=is_plain) for place, message in wire]
        encoded.text = b",".join(texts)
    return encoded


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


def _assistant(
    message: AIMessage, answered: Callable[[], Mapping[str, str]], *, is_bypassed: bool
) -> tuple[JsonObject, list[JsonObject]]:
    """Return the message, then results of our making for calls of it that nobody answered."""
    content, kwargs = message.content, message.additional_kwargs
    refusal = kwargs.get("refusal") if kwargs and _is_ours(message) else None
    text = content if isinstance(content, str) else _block_text(content, refusal)
    request = _named({"role": "assistant", "content": text}, message)
    if kwargs:
        warn_of_media_left_out(kwargs)
    is_bare = not kwargs and not message.tool_calls and not message.invalid_tool_calls
    if is_bare and isinstance(content, str):
        return request, []
    signatures = signatures_of(message)
    sent = encode_calls(message, answered=answered, signed=signatures.carrying_calls())
    encoded = sent.calls
    call_ids = [call["id"] for call in encoded]
    fields, by_call = signatures.to_wire(call_ids=call_ids)
    for call in encoded:
        call.update(by_call.get(call["id"], {}))
    if encoded:
        request["tool_calls"] = encoded
        ended = message.response_metadata.get("finish_reason")
        if is_bypassed and not signatures.is_any_call_signed(call_ids, finish_reason=ended):
            # The first of parallel calls is the one that Gemini signs, and looks at.
            add_bypass(encoded[0])
    request.update(fields)
    if isinstance(refusal, str):
        request["refusal"] = refusal
    return request, sent.results


def _block_text(content: list[Any], refusal: object) -> str:
    """Return the text of blocks, of which a refusal is none where it has a field of its own."""
    if isinstance(refusal, str):
        content = [
            block
            for block in content
            if not (isinstance(block, dict) and block.get("type") == "refusal")
        ]
    return encode_assistant_content(content)


def _is_ours(message: AIMessage) -> bool:
    return message.response_metadata.get("model_provider") == PROVIDER
