"""What a model or an agent does, piece by piece: thoughts, text, tool calls, results, costs.

    for part in stream_parts(agent.stream(inputs, stream_mode="messages")):
        match part.kind:
            case "thought" | "text":
                print(part.text, end="")
            case "tool_call":
                print("calls", part.tool_call["name"], part.tool_call["args"])
            case "tool_result":
                print("got", part.text)
            case "cost":
                print("cost", part.cost)

In goes what `stream` or `astream` of a chat model or of a LangGraph graph yields, in any mode that
holds messages ("messages", "updates", "values", several at once, with subgraphs or without); all
else in it is passed over. A message that comes twice, whole after its pieces say, is told once; of
the state that a run begins with, only what follows the user's last message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    ToolMessage,
)

from langchain_aimlapi._codec.reasoning import REASONING_TEXT
from langchain_aimlapi.spend import Cost, cost_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable, Iterator

    from langchain_core.messages import ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPart:
    """One piece of what a model or an agent does.

    Attributes:
        kind: `thought` and `text` come in pieces; `tool_call`, `tool_result` and `cost` whole.
        text: Of a thought, of the answer, of a tool's result.
        tool_call: The call, with `name`, `args` and `id`.
        tool_result: The tool's message.
        cost: What one answer cost.
        metadata: What LangGraph tells of the place (`langgraph_node`, ...).
    """

    kind: Literal["thought", "text", "tool_call", "tool_result", "cost"]
    text: str = ""
    tool_call: ToolCall | None = None
    tool_result: ToolMessage | None = None
    cost: Cost | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


def stream_parts(stream: Iterable[Any]) -> Generator[StreamPart]:
    """Yield the parts of a stream as they come; leaving the loop closes the stream.

    Args:
        stream: What `model.stream(...)` or `agent.stream(...)` returned.
    """
    parts = _Parts()
    try:
        for event in stream:
            yield from parts.take(event)
        yield from parts.finish()
    finally:
        # Iterators that are no generators, such as a list's, have none.
        if close := getattr(stream, "close", None):
            close()


async def astream_parts(stream: AsyncIterable[Any]) -> AsyncGenerator[StreamPart]:
    """Yield the parts of a stream as they come; see `stream_parts`.

    Args:
        stream: What `model.astream(...)` or `agent.astream(...)` returned.
    """
    parts = _Parts()
    try:
        async for event in stream:
            for part in parts.take(event):
                yield part
        for part in parts.finish():
            yield part
    finally:
        if close := getattr(stream, "aclose", None):
            await close()


class _Parts:
    """Takes a stream apart; keeps the pieces of calls until they are whole."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._calls: dict[str, list[AIMessageChunk]] = {}
        self._places: dict[str, Mapping[str, Any]] = {}

    def take(self, event: object) -> Iterator[StreamPart]:
        # Once something was told, a state repeats it, and telling it again is kept off by its key.
        past = () if self._told else _past_of(event)
        self._told.update(_key_of(message) for message in past if message.id)
        for message, metadata in _messages_of(event):
            match message:
                case AIMessageChunk():
                    yield from self._piece(message, metadata)
                case AIMessage() if self._is_new(message.id):
                    yield from _said(message, metadata)
                    yield from _calls_of(message, metadata)
                    yield from _cost_of(message, metadata)
                case ToolMessage() if self._is_new(_key_of(message)):
                    yield StreamPart(
                        kind="tool_result",
                        text=str(message.text),
                        tool_result=message,
                        metadata=metadata,
                    )
                case _:
                    pass

    def finish(self) -> Iterator[StreamPart]:
        for key in [*self._calls]:
            yield from self._whole_calls(key)

    def _piece(self, chunk: AIMessageChunk, metadata: Mapping[str, Any]) -> Iterator[StreamPart]:
        key = chunk.id or ""
        if chunk.id:
            # So that the same message, whole in a later "updates" or "values", is not told again.
            self._told.add(chunk.id)
        yield from _said(chunk, metadata)
        if chunk.tool_call_chunks:
            self._calls.setdefault(key, []).append(chunk)
            self._places[key] = metadata
        if chunk.chunk_position == "last":
            yield from self._whole_calls(key)
        yield from _cost_of(chunk, metadata)

    def _whole_calls(self, key: str) -> Iterator[StreamPart]:
        pieces = self._calls.pop(key, [])
        if pieces:
            # Added up at once: one by one each `+` copies all that came before.
            whole = pieces[0] + pieces[1:]
            yield from _calls_of(whole, self._places.pop(key))

    def _is_new(self, key: str | None) -> bool:
        """Tell whether a message comes for the first time; one without an id always does."""
        if key is None:
            return True
        is_new = key not in self._told
        self._told.add(key)
        return is_new


def _key_of(message: BaseMessage) -> str:
    """Return what a message is known by once it was told."""
    if isinstance(message, ToolMessage):
        return f"result of {message.tool_call_id}"
    return str(message.id)


def _past_of(event: object) -> list[BaseMessage]:
    """Return what stands before the user's last word in the state that a run begins with.

    Mode "values" begins with the whole thread, of which earlier turns were told in their time.
    """
    state = [message for message, _ in _messages_of(event)]
    asked = [place for place, each in enumerate(state) if isinstance(each, HumanMessage)]
    return state[: asked[-1]] if asked else []


def _messages_of(event: object) -> Iterator[tuple[BaseMessage, Mapping[str, Any]]]:
    """Yield the messages of an event, whichever of LangGraph's shapes it has."""
    match event:
        case BaseMessage():
            yield event, {}
        case (BaseMessage() as message, Mapping() as metadata):
            yield message, metadata
        case (tuple(), str(), payload) | (tuple() | str(), payload):  # of a subgraph, of a mode
            yield from _messages_of(payload)
        case {"type": str(), "data": payload, "ns": _}:  # LangGraph's second form
            yield from _messages_of(payload)
        case Mapping():  # of node to update, or of a state's channels
            for value in event.values():
                yield from _messages_of(value)
        case list():
            for value in event:
                yield from _messages_of(value)
        case _:
            pass


def _said(message: AIMessage, metadata: Mapping[str, Any]) -> Iterator[StreamPart]:
    """Yield thought and text of a message or a piece of one."""
    known = message.additional_kwargs.get(REASONING_TEXT)
    texts: list[str] = []
    thoughts = [known] if isinstance(known, str) else []
    content = [message.content] if isinstance(message.content, str) else message.content
    for block in content:
        match block:
            case str():
                texts.append(block)
            case {"type": "text", "text": str(words)}:
                texts.append(words)
            # With `output_version="v1"` the thought stands in the content; never in both places
            # twice.
            case {"type": "reasoning", "reasoning": str(words)} if known is None:
                thoughts.append(words)
            case _:
                pass
    if thought := "".join(thoughts):
        yield StreamPart(kind="thought", text=thought, metadata=metadata)
    if text := "".join(texts):
        yield StreamPart(kind="text", text=text, metadata=metadata)


def _calls_of(message: AIMessage, metadata: Mapping[str, Any]) -> Iterator[StreamPart]:
    for call in message.tool_calls:
        yield StreamPart(kind="tool_call", tool_call=call, metadata=metadata)


def _cost_of(message: AIMessage, metadata: Mapping[str, Any]) -> Iterator[StreamPart]:
    # Only whole answers and last chunks have it, so that each answer has one cost.
    if message.usage_metadata:
        yield StreamPart(kind="cost", cost=cost_of(message), metadata=metadata)
