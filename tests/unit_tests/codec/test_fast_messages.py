"""What is made cheaply is what langchain-core's constructors make: chunks, whole answers."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.load import dumps
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import ToolCallChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from langchain_aimlapi._codec import fast_messages as _construct
from langchain_aimlapi._codec.fast_messages import chunk_maker, result_maker
from tests.answers import TEXTS

if TYPE_CHECKING:
    from collections.abc import Callable

PIECES = TEXTS | st.sampled_from(["", "{}", '{"a"', ' {"a": 1}', "[1]", '": 1}', "null", " "])


@st.composite
def fragments(draw: st.DrawFn) -> list[ToolCallChunk]:
    return [
        ToolCallChunk(
            name=draw(st.none() | st.sampled_from(["get", ""])),
            args=draw(PIECES),
            id=draw(st.none() | st.just("c-1")),
            index=number,
            type="tool_call_chunk",
        )
        for number in range(draw(st.integers(0, 3)))
    ]


KWARGS = st.sampled_from(
    [{}, {"reasoning_content": "t"}, {"refusal": "no", "reasoning_content": ""}]
)


@given(TEXTS, KWARGS, fragments())
def test_a_fast_chunk_is_the_constructors_chunk(
    text: str, kwargs: dict[str, Any], chunks: list[ToolCallChunk]
) -> None:
    fast = chunk_maker()(text, dict(kwargs), [*chunks])
    given: dict[str, Any] = {"tool_call_chunks": chunks} if chunks else {}
    slow = ChatGenerationChunk(
        message=AIMessageChunk(
            content=text,
            additional_kwargs=dict(kwargs),
            response_metadata={"model_provider": "aimlapi"},
            **given,
        )
    )
    assert fast == slow
    assert fast.text == slow.text == text
    assert fast.message.__dict__ == slow.message.__dict__
    assert fast.message.model_fields_set == slow.message.model_fields_set
    assert dumps(fast) == dumps(slow)
    assert fast + fast == slow + slow
    for twin in (copy.deepcopy(fast), pickle.loads(pickle.dumps(fast)), fast.model_copy()):
        assert twin == slow


def test_arguments_nested_too_deep_are_no_call_either_way() -> None:
    chunk = ToolCallChunk(
        name="get", args='{"a":' + "[" * 100_000, id="c-1", index=0, type="tool_call_chunk"
    )
    fast = chunk_maker()("", {}, [chunk]).message
    slow = AIMessageChunk(content="", tool_call_chunks=[chunk])
    assert isinstance(fast, AIMessageChunk)
    assert fast.invalid_tool_calls == slow.invalid_tool_calls != []
    assert fast.tool_calls == slow.tool_calls == []


def test_the_fast_way_is_proven_on_the_installed_versions() -> None:
    assert chunk_maker() is _construct._made_directly


@pytest.mark.parametrize("error", [AttributeError, TypeError, KeyError])
def test_a_way_that_fails_is_not_proven(error: type[Exception]) -> None:
    def failing(*_: object) -> ChatGenerationChunk:
        raise error

    assert not _construct._is_proven(failing)


def _without_provider(text: str, kwargs: dict[str, Any], chunks: list[Any]) -> ChatGenerationChunk:
    made = _construct._made_by_constructors(text, kwargs, chunks)
    made.message.response_metadata.clear()
    return made


def _with_another_set(text: str, kwargs: dict[str, Any], chunks: list[Any]) -> ChatGenerationChunk:
    made = _construct._made_by_constructors(text, kwargs, chunks)
    made.message.model_fields_set.add("id")
    return made


@pytest.mark.parametrize("make", [_without_provider, _with_another_set])
def test_a_way_that_differs_is_not_proven(make: Callable[..., ChatGenerationChunk]) -> None:
    assert not _construct._is_proven(make)
    assert _construct._is_proven(_construct._made_by_constructors)


CALLS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["get", "look"]),
            "args": st.dictionaries(TEXTS, TEXTS | st.integers(), max_size=2),
            "id": st.just("call-0"),
            "type": st.just("tool_call"),
        }
    ),
    max_size=2,
)
INVALID = st.lists(
    st.builds(
        lambda args: {
            "name": None,
            "args": args,
            "id": "call-1",
            "error": "cut off",
            "type": "invalid_tool_call",
        },
        TEXTS,
    ),
    max_size=1,
)
USAGE = st.none() | st.just(
    {
        "input_tokens": 1,
        "output_tokens": 2,
        "total_tokens": 3,
        "output_token_details": {"reasoning": 1},
    }
)
MESSAGES = st.fixed_dictionaries(
    {
        "content": TEXTS,
        "name": st.none() | TEXTS,
        "additional_kwargs": KWARGS,
        "usage_metadata": USAGE,
        "response_metadata": st.just({"model_provider": "aimlapi", "id": "gen-1"}),
        "tool_calls": CALLS,
        "invalid_tool_calls": INVALID,
    }
)


@given(st.lists(MESSAGES, min_size=1, max_size=2), st.none() | st.just({"finish_reason": "stop"}))
def test_a_fast_answer_is_the_constructors_answer(
    messages: list[dict[str, Any]], info: dict[str, Any] | None
) -> None:
    fast = result_maker()(copy.deepcopy(messages), [info] * len(messages), {"id": "gen-1"})
    slow = ChatResult(
        generations=[
            ChatGeneration(message=AIMessage(**message), generation_info=info)
            for message in messages
        ],
        llm_output={"id": "gen-1"},
    )
    assert fast == slow
    for ours, theirs in zip(fast.generations, slow.generations, strict=True):
        assert ours.text == theirs.text
        assert ours.model_fields_set == theirs.model_fields_set
        assert ours.message.__dict__ == theirs.message.__dict__
        assert ours.message.model_fields_set == theirs.message.model_fields_set
        assert json.loads(dumps(ours)) == json.loads(dumps(theirs))
    for twin in (copy.deepcopy(fast), pickle.loads(pickle.dumps(fast)), fast.model_copy()):
        assert twin == slow


def test_the_fast_answer_is_proven_on_the_installed_versions() -> None:
    assert result_maker() is _construct._result_directly


@pytest.mark.parametrize("error", [AttributeError, TypeError, KeyError])
def test_an_answer_that_fails_is_not_proven(error: type[Exception]) -> None:
    def failing(*_: object) -> ChatResult:
        raise error

    assert not _construct._is_result_proven(failing)


def _without_output(*given: Any) -> ChatResult:
    made = _construct._result_by_constructors(*given)
    made.llm_output = None
    return made


def _with_another_name(*given: Any) -> ChatResult:
    made = _construct._result_by_constructors(*given)
    made.generations[1].message.name = "other"
    return made


@pytest.mark.parametrize("make", [_without_output, _with_another_name])
def test_an_answer_that_differs_is_not_proven(make: Callable[..., ChatResult]) -> None:
    assert not _construct._is_result_proven(make)
    assert _construct._is_result_proven(_construct._result_by_constructors)
