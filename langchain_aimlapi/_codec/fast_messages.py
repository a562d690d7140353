"""Chunks and whole answers for LangChain, made cheaply.

The constructors of langchain-core validate every field of every message, which costs more than
reading it from the wire. Where the result is known beforehand, the objects are filled
directly. Pydantic keeps no promise about its internals, so the first use proves, against the
installed versions, that such objects equal the constructors'; if not, the constructors are used.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import ToolCallChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.utils.json import parse_partial_json
from pydantic import BaseModel

from langchain_aimlapi._codec.metadata import PROVIDER
from langchain_aimlapi._codec.reasoning import REASONING_TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from langchain_aimlapi._json import JsonObject

_ModelT = TypeVar("_ModelT", bound=BaseModel)
_new = object.__new__


def _setter(slot: str) -> Callable[[object, object], None]:
    """Return what fills a slot of any model: half of what going by its name costs."""
    # A pydantic without the slot gives `None`, which proves nothing below.
    return cast(
        "Callable[[object, object], None]", getattr(vars(BaseModel).get(slot), "__set__", None)
    )


_set_fields = _setter("__dict__")
_set_fields_set = _setter("__pydantic_fields_set__")
_set_extra = _setter("__pydantic_extra__")
_set_private = _setter("__pydantic_private__")


class ChunkMaker(Protocol):
    """Makes one chunk of running text, reasoning or tool calls."""

    def __call__(
        self, content: str, additional_kwargs: JsonObject, tool_call_chunks: list[ToolCallChunk]
    ) -> ChatGenerationChunk:
        """Return the chunk.

        Args:
            content: Text, `""` for none.
            additional_kwargs: `reasoning_content` or `refusal`, or nothing.
            tool_call_chunks: Fragments of tool calls.
        """
        ...


@cache
def chunk_maker() -> ChunkMaker:
    """Return the fast maker if it proves equal to the constructors, else the constructors."""
    return _made_directly if _is_proven(_made_directly) else _made_by_constructors


def _made_by_constructors(
    content: str, additional_kwargs: JsonObject, tool_call_chunks: list[ToolCallChunk]
) -> ChatGenerationChunk:
    given: JsonObject = {"tool_call_chunks": tool_call_chunks} if tool_call_chunks else {}
    return ChatGenerationChunk(
        message=AIMessageChunk(
            content=content,
            additional_kwargs=additional_kwargs,
            response_metadata={"model_provider": PROVIDER},
            **given,
        )
    )


def _made_directly(
    content: str, additional_kwargs: JsonObject, tool_call_chunks: list[ToolCallChunk]
) -> ChatGenerationChunk:
    calls: list[JsonObject] = []
    invalid: list[JsonObject] = []
    fields_set = {"content", "additional_kwargs", "response_metadata"}
    if tool_call_chunks:
        _parse(tool_call_chunks, calls, invalid)
        fields_set |= {"tool_call_chunks", "tool_calls", "invalid_tool_calls"}
    message = {
        "content": content,
        "additional_kwargs": additional_kwargs,
        "response_metadata": {"model_provider": PROVIDER},
        "type": "AIMessageChunk",
        "name": None,
        "id": None,
        "tool_calls": calls,
        "invalid_tool_calls": invalid,
        "usage_metadata": None,
        "tool_call_chunks": tool_call_chunks,
        "chunk_position": None,
    }
    chunk = _new(AIMessageChunk)
    _set_fields(chunk, message)
    _set_fields_set(chunk, fields_set)
    _set_extra(chunk, {})
    _set_private(chunk, None)
    generation = {
        "text": content,
        "generation_info": None,
        "type": "ChatGenerationChunk",
        "message": chunk,
    }
    made = _new(ChatGenerationChunk)
    _set_fields(made, generation)
    _set_fields_set(made, {"message", "text"})
    _set_extra(made, None)
    _set_private(made, None)
    return made


def _parse(chunks: list[ToolCallChunk], calls: list[JsonObject], invalid: list[JsonObject]) -> None:
    """Add what langchain-core makes of fragments: calls, as far as they can be read."""
    for chunk in chunks:
        name, text, call_id = chunk["name"], chunk["args"], chunk["id"]
        arguments = _arguments(text) if text else {}
        if isinstance(arguments, dict):
            calls.append(
                {"name": name or "", "args": arguments, "id": call_id, "type": "tool_call"}
            )
        else:
            invalid.append(
                {
                    "name": name,
                    "args": text,
                    "id": call_id,
                    "error": None,
                    "type": "invalid_tool_call",
                }
            )


def _arguments(text: str) -> object:
    # Only an object counts, so that of most fragments the parser need not be asked.
    if text.lstrip()[:1] != "{":
        return None
    try:
        return parse_partial_json(text)
    except (ValueError, RecursionError):
        return None


class ResultMaker(Protocol):
    """Makes a whole answer."""

    def __call__(
        self,
        messages: Sequence[JsonObject],
        infos: Sequence[JsonObject | None],
        llm_output: JsonObject,
    ) -> ChatResult:
        """Return the answer.

        Args:
            messages: Of each choice the fields of its `AIMessage`: `content`, `name`,
                `additional_kwargs`, `usage_metadata`, `response_metadata`, `tool_calls`,
                `invalid_tool_calls`.
            infos: Of each choice its `generation_info`.
            llm_output: What is told of all choices together.
        """
        ...


@cache
def result_maker() -> ResultMaker:
    """Return the fast maker if it proves equal to the constructors, else the constructors."""
    return _result_directly if _is_result_proven(_result_directly) else _result_by_constructors


def _result_by_constructors(
    messages: Sequence[JsonObject], infos: Sequence[JsonObject | None], llm_output: JsonObject
) -> ChatResult:
    generations = [
        ChatGeneration(message=AIMessage(**message), generation_info=info)
        for message, info in zip(messages, infos, strict=True)
    ]
    return ChatResult(generations=generations, llm_output=llm_output)


def _result_directly(
    messages: Sequence[JsonObject], infos: Sequence[JsonObject | None], llm_output: JsonObject
) -> ChatResult:
    generations = [
        _generation(message, info) for message, info in zip(messages, infos, strict=True)
    ]
    values: JsonObject = {"generations": generations, "llm_output": llm_output}
    return _filled(ChatResult, values, {*values})


def _generation(message: JsonObject, info: JsonObject | None) -> ChatGeneration:
    fields = {
        "content": message["content"],
        "additional_kwargs": message["additional_kwargs"],
        "response_metadata": message["response_metadata"],
        "type": "ai",
        "name": message["name"],
        "id": None,
        "tool_calls": message["tool_calls"],
        "invalid_tool_calls": message["invalid_tool_calls"],
        "usage_metadata": message["usage_metadata"],
    }
    values = {
        "text": message["content"],
        "generation_info": info,
        "type": "ChatGeneration",
        "message": _filled(AIMessage, fields, {*message}, extra={}),
    }
    return _filled(ChatGeneration, values, {"message", "generation_info", "text"})


def _filled(
    kind: type[_ModelT], values: JsonObject, given: set[str], *, extra: JsonObject | None = None
) -> _ModelT:
    """Return an object of pydantic's, filled past its validation."""
    made = _new(kind)
    _set_fields(made, values)
    _set_fields_set(made, given)
    _set_extra(made, extra)
    _set_private(made, None)
    return made


def _is_result_proven(make: Callable[..., ChatResult]) -> bool:
    """Compare a fast answer with the constructors', internals included."""
    call = {"name": "get", "args": {"city": "Oslo"}, "id": "call-0", "type": "tool_call"}
    fields: JsonObject = {
        "content": "text",
        "name": None,
        "additional_kwargs": {REASONING_TEXT: "thought"},
        "usage_metadata": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        "response_metadata": {"model_provider": PROVIDER},
        "tool_calls": [],
        "invalid_tool_calls": [],
    }
    messages = [fields, {**fields, "name": "n", "usage_metadata": None, "tool_calls": [call]}]
    given = (messages, [{"finish_reason": "stop"}, None], {"id": "gen-1"})
    try:
        fast, slow = make(*given), _result_by_constructors(*given)
        return _inside_of(fast, but="generations") == _inside_of(slow, but="generations") and [
            _inside(generation) for generation in fast.generations
        ] == [_inside(generation) for generation in slow.generations]
    except (AttributeError, TypeError, KeyError):  # internals of another pydantic
        return False


def _is_proven(make: Callable[..., ChatGenerationChunk]) -> bool:
    """Compare the fast objects with the constructors', internals included."""
    samples: list[tuple[str, JsonObject, list[ToolCallChunk]]] = [
        ("text", {}, []),
        ("", {REASONING_TEXT: "thought"}, []),
        ("", {}, [_fragment("get", "", "call-0")]),
        ("", {}, [_fragment(None, 'ty": 1}', None), _fragment(None, "", None)]),
    ]
    try:
        return all(
            _inside(make(text, dict(kwargs), [*chunks]))
            == _inside(_made_by_constructors(text, dict(kwargs), [*chunks]))
            for text, kwargs, chunks in samples
        )
    except (AttributeError, TypeError, KeyError):  # internals of another pydantic
        return False


def _fragment(name: str | None, args: str, call_id: str | None) -> ToolCallChunk:
    return ToolCallChunk(name=name, args=args, id=call_id, index=0, type="tool_call_chunk")


def _inside(generation: ChatGeneration) -> list[object]:
    return [*_inside_of(generation, but="message"), *_inside_of(generation.message)]


def _inside_of(model: BaseModel, *, but: str = "") -> list[object]:
    return [
        type(model),
        {key: value for key, value in model.__dict__.items() if key != but},
        list(model.__dict__),
        model.__pydantic_fields_set__,
        model.__pydantic_extra__,
        model.__pydantic_private__,
    ]
