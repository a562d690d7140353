"""Chunks made cheaply are the chunks that langchain-core's constructors make."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.load import dumps
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import ToolCallChunk
from langchain_core.outputs import ChatGenerationChunk

from langchain_aimlapi._codec import fast_chunks as _construct
from langchain_aimlapi._codec.fast_chunks import chunk_maker
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
