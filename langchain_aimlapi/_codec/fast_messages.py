"""Chunks and whole answers for LangChain, made cheaply.

The constructors of langchain-core validate every field of every message, which costs more than
reading it from the wire. Where the result is known beforehand, the objects are filled
directly. Pydantic keeps no promise about its internals, so the first use proves, against the
installed versions, that such objects equal the constructors'; if not, the constructors are used.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Protocol, TypeVar

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import ToolCallChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from langchain_aimlapi._codec.metadata import PROVIDER
from langchain_aimlapi._codec.reasoning import REASONING_TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic import BaseModel

    from langchain_aimlapi._json import JsonObject

_ModelT = TypeVar("_ModelT", bound="BaseModel")
_new, _set = object.__new__, object.__setattr__


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
        if not _parse(tool_call_chunks, calls, invalid):
            return _made_by_constructors(content, additional_kwargs, tool_call_chunks)
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
    _set(chunk, "__dict__", message)
    _set(chunk, "__pydantic_fields_set__", fields_set)
    _set(chunk, "__pydantic_extra__", {})
    _set(chunk, "__pydantic_private__", None)
    generation = {
        "text": content,
        "generation_info": None,
        "type": "ChatGenerationChunk",
        "message": chunk,
    }
    made = _new(ChatGenerationChunk)
    _set(made, "__dict__", generation)
    _set(made, "__pydantic_fields_set__", {"message", "text"})
    _set(made, "__pydantic_extra__", None)
    _set(made, "__pydantic_private__", None)
    return made


def _parse(chunks: list[ToolCallChunk], calls: list[JsonObject], invalid: list[JsonObject]) -> bool:
    """Add what langchain-core makes of fragments; tell whether that can be told without it."""
    for chunk in chunks:
        arguments = chunk["args"]
        if not arguments:
            name = chunk["name"] or ""
            calls.append({"name": name, "args": {}, "id": chunk["id"], "type": "tool_call"})
        elif arguments.lstrip()[:1] == "{":  # only this may parse to an object
            return False
        else:
            invalid.append(_unparsable(chunk))
    return True


def _unparsable(chunk: ToolCallChunk) -> JsonObject:
    return {
        "name": chunk["name"],
        "args": chunk["args"],
        "id": chunk["id"],
        "error": None,
        "type": "invalid_tool_call",
    }


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
    _set(made, "__dict__", values)
    _set(made, "__pydantic_fields_set__", given)
    _set(made, "__pydantic_extra__", extra)
    _set(made, "__pydantic_private__", None)
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
