"""Standard content blocks of our messages, and the way back from them."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.block_translators import get_translator

from langchain_aimlapi._codec.content_blocks import (
    content_block_chunks,
    content_blocks,
    register_blocks,
)
from langchain_aimlapi._codec.reasoning import Signatures
from tests.answers import JSON, Json

OURS = {"model_provider": "aimlapi"}


def read_blocks(content: list[Any]) -> Json:
    return Signatures.from_blocks(content).to_kwargs()


TEXT: Json = {"type": "reasoning.text", "text": "thought", "format": "google-gemini-v1", "index": 0}
DATA: Json = {
    "type": "reasoning.encrypted",
    "data": "Eq0",
    "format": "google-gemini-v1",
    "index": 0,
}
EXTRA: Json = {"google": {"thought_signature": "sig"}}
CALL: Json = {"name": "get", "args": {"x": 1}, "id": "c-1", "type": "tool_call"}


def message_of(content: Any = "", **kwargs: Any) -> AIMessage:
    calls = kwargs.pop("tool_calls", [])
    metadata = {**OURS, **kwargs.pop("metadata", {})}
    return AIMessage(
        content, additional_kwargs=kwargs, tool_calls=calls, response_metadata=metadata
    )


def blocks_of(message: AIMessage) -> list[Any]:
    return [{k: v for k, v in one.items() if k != "index"} for one in content_blocks(message)]


def test_langchain_asks_us_for_the_blocks_of_our_messages() -> None:
    register_blocks()
    register_blocks()
    translator = get_translator("aimlapi")
    assert translator is not None
    assert translator["translate_content"] is content_blocks
    assert translator["translate_content_chunk"] is content_block_chunks
    message = message_of("text")
    assert message.content_blocks == content_blocks(message)


def test_every_kind_of_content_has_its_block_and_its_range() -> None:
    message = message_of(
        "text",
        reasoning_content="thought",
        annotations=[{"type": "url_citation", "url_citation": {"url": "https://a"}}],
        refusal="no",
        images=[{"image_url": {"url": "https://b"}}],
        audio={"data": "UklG", "format": "wav"},
        tool_calls=[CALL],
    )
    blocks = content_blocks(message)
    assert [block["type"] for block in blocks] == [
        "reasoning",
        "text",
        "refusal",
        "image",
        "audio",
        "tool_call",
    ]
    indexes = [block["index"] for block in blocks if "index" in block]
    assert len(set(indexes)) == len(indexes) == 5
    assert all(str(index).startswith("lc_") for index in indexes)
    assert blocks_of(message)[1]["annotations"] == [{"type": "citation", "url": "https://a"}]


def test_nothing_is_no_block() -> None:
    assert blocks_of(message_of("")) == []
    assert blocks_of(message_of("", annotations=[], images=None, audio=3)) == []


def test_the_extras_hold_the_signature_once() -> None:
    [block] = blocks_of(message_of("", reasoning_content="thought", reasoning_details=[TEXT, DATA]))
    assert block == {
        "type": "reasoning",
        "reasoning": "thought",
        "extras": {
            "signature": "Eq0",
            "reasoning_details": [
                {**{k: v for k, v in TEXT.items() if k != "text"}, "$text": "text"},
                {**{k: v for k, v in DATA.items() if k != "data"}, "$signature": "data"},
            ],
        },
    }


def test_plain_reasoning_has_no_extras() -> None:
    [block] = blocks_of(message_of("", reasoning_content="thought", reasoning_details=[TEXT]))
    assert block == {"type": "reasoning", "reasoning": "thought"}


def test_a_signature_without_words_stands_last() -> None:
    message = message_of("text", extra_content=EXTRA, tool_calls=[CALL])
    assert [block["type"] for block in blocks_of(message)] == ["text", "tool_call", "reasoning"]


def test_a_call_holds_its_own_signature() -> None:
    other = {**CALL, "id": "c-2"}
    message = message_of(
        "",
        reasoning_details=[TEXT, {**DATA, "id": "c-1"}],
        signed_tool_calls=["c-1"],
        tool_call_extra_content={"c-2": EXTRA},
        tool_calls=[CALL, other],
    )
    first, second = (block for block in blocks_of(message) if block["type"] == "tool_call")
    assert first["extras"]["signature"] == "Eq0"
    assert second["extras"] == {
        "signature": "sig",
        "extra_content": {"google": {"$signature": "thought_signature"}},
    }
    assert "c-3" not in Signatures.from_kwargs(message.additional_kwargs).call_extras()


@pytest.mark.parametrize(
    ("kwargs", "metadata", "blocks"),
    [
        ({"refusal": "no"}, {}, [{"type": "refusal", "refusal": "no"}]),
        ({"refusal": ""}, {}, [{"type": "refusal", "refusal": ""}]),
        ({"refusal": 3}, {}, []),
        (
            {},
            {"finish_reason": "content_filter"},
            [{"type": "refusal", "refusal": "", "extras": {"category": "content_filter"}}],
        ),
        (
            {"refusal": "no"},
            {"native_finish_reason": "SAFETY"},
            [{"type": "refusal", "refusal": "no", "extras": {"category": "SAFETY"}}],
        ),
    ],
)
def test_a_refusal_is_a_block_with_its_reason(
    kwargs: Json, metadata: Json, blocks: list[Any]
) -> None:
    assert blocks_of(message_of("", metadata=metadata, **kwargs)) == blocks


def test_blocks_are_passed_through_completed_by_calls_that_they_lack() -> None:
    block = {"type": "text", "text": "b"}
    message = message_of(
        ["a", block, {**CALL, "id": "c-2"}], tool_calls=[CALL, {**CALL, "id": "c-2"}]
    )
    blocks = content_blocks(message)
    assert [one.get("text", one.get("id")) for one in blocks] == ["a", "b", "c-2", "c-1"]
    assert content_block_chunks(AIMessageChunk(content=["a"])) == [{"type": "text", "text": "a"}]


@pytest.mark.parametrize(
    "kwargs",
    [
        {"reasoning_content": "thought", "reasoning_details": [TEXT, DATA]},
        {"reasoning_details": [DATA], "extra_content": EXTRA},
        {"reasoning_details": [{**TEXT, "signature": "Eq1", "text": ""}, DATA]},
        {"reasoning_content": "ab", "reasoning_details": [TEXT, {**TEXT, "index": 1}, DATA]},
        {"reasoning_details": [{"type": "reasoning.new", "x": {"data": "Eq0"}, "n": None}, DATA]},
        {"reasoning_details": [DATA, DATA]},
        {"extra_content": {"google": {"thought_signature": "sig", "a": [1]}, "b": {}}},
        {
            "reasoning_details": [{**DATA, "id": "c-1"}],
            "signed_tool_calls": ["c-1"],
            "tool_call_extra_content": {"c-1": {"vertex": {"thought_signature": "other"}}},
        },
    ],
)
def test_blocks_alone_give_the_carriers_back(kwargs: Json) -> None:
    blocks: list[Any] = content_blocks(message_of("text", tool_calls=[CALL], **kwargs))
    wanted = {key: value for key, value in kwargs.items() if key != "reasoning_content"}
    assert read_blocks(blocks) == wanted


def test_plain_thoughts_beside_a_signed_call_are_kept() -> None:
    signed = {**DATA, "id": "c-1"}
    kwargs: Json = {
        "reasoning_content": "thought",
        "reasoning_details": [TEXT, signed],
        "signed_tool_calls": ["c-1"],
    }
    message = message_of("", tool_calls=[CALL], **kwargs)
    kept = read_blocks(cast("list[Any]", content_blocks(message)))
    assert kept == {"reasoning_details": [TEXT, signed], "signed_tool_calls": ["c-1"]}


@pytest.mark.parametrize("content", ["text", [{"type": "text", "text": "text"}]])
def test_a_cut_off_call_is_a_block_with_its_signature(content: Any) -> None:
    cut = {"name": "get", "args": '{"a', "id": "c-0", "error": "cut", "type": "invalid_tool_call"}
    message = AIMessage(
        content,
        invalid_tool_calls=[cut],
        additional_kwargs={"tool_call_extra_content": {"c-0": EXTRA}},
        response_metadata=OURS,
    )
    block = blocks_of(message)[-1]
    assert {key: block[key] for key in cut} == cut
    assert read_blocks([block]) == {"tool_call_extra_content": {"c-0": EXTRA}}


def test_other_blocks_hold_nothing_for_us() -> None:
    blocks = [
        "text",
        {"type": "reasoning", "reasoning": "t", "extras": {"signature": "foreign"}},
        {"type": "reasoning", "reasoning": "t", "extras": "odd"},
        {"type": "text", "text": "a", "extras": {"reasoning_details": [DATA]}},
        {"type": "tool_call", "id": "a", "extras": {"signature": ""}},
        {"type": "tool_call", "id": None, "extras": {"signature": "s"}},
        {"type": "tool_call", "id": "b", "extras": {"signature": 3, "extra_content": []}},
    ]
    assert read_blocks(blocks) == {}


def test_a_signature_of_google_genai_is_read() -> None:
    block = {"type": "tool_call", "id": "a", "name": "get", "extras": {"signature": "sig"}}
    assert read_blocks([block]) == {"tool_call_extra_content": {"a": EXTRA}}


def chunk_of(content: str = "", *, last: bool = False, **kwargs: Any) -> AIMessageChunk:
    chunks = kwargs.pop("tool_call_chunks", [])
    return AIMessageChunk(
        content=content,
        additional_kwargs=kwargs,
        tool_call_chunks=chunks,
        response_metadata=OURS,
        chunk_position="last" if last else None,
    )


def piece(call_id: str | None, name: str | None, args: str, index: int = 0) -> Json:
    return {"id": call_id, "name": name, "args": args, "index": index, "type": "tool_call_chunk"}


def test_a_chunk_shows_its_pieces_of_calls() -> None:
    chunk = chunk_of(tool_call_chunks=[piece("c-1", "get", '{"x"'), piece(None, None, "1", 1)])
    assert content_block_chunks(chunk) == [
        {"type": "tool_call_chunk", "id": "c-1", "name": "get", "args": '{"x"', "index": "lc_tc_0"},
        {"type": "tool_call_chunk", "id": None, "name": None, "args": "1", "index": "lc_tc_1"},
    ]


@pytest.mark.parametrize("content", ["", "text", [], ["text"]])
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"reasoning_content": "thought"},
        {"reasoning_content": ""},
        {"reasoning_content": 1},
        {"refusal": "no"},
        {"reasoning_content": "thought", "reasoning_details": [TEXT, DATA]},
    ],
)
@pytest.mark.parametrize("reason", [{}, {"finish_reason": "content_filter"}])
def test_a_chunk_of_text_shows_what_a_message_of_it_shows(
    content: Any, kwargs: Json, reason: Json
) -> None:
    fields: Any = {"content": content, "additional_kwargs": kwargs}
    metadata = {**OURS, **reason}
    chunk = AIMessageChunk(**fields, response_metadata=metadata)
    assert content_block_chunks(chunk) == content_blocks(
        AIMessage(**fields, response_metadata=metadata)
    )


def test_added_up_chunks_show_whole_calls() -> None:
    chunks = [
        chunk_of("text", tool_call_chunks=[piece("c-1", "get", '{"x"')]),
        chunk_of(tool_call_chunks=[piece(None, None, ": 1}")]),
        chunk_of(last=True),
    ]
    total = reduce(add, chunks)
    assert [block["type"] for block in content_block_chunks(total)] == ["text", "tool_call"]


KWARGS = st.dictionaries(
    st.sampled_from(
        [
            "reasoning_content",
            "reasoning_details",
            "extra_content",
            "tool_call_extra_content",
            "signed_tool_calls",
            "annotations",
            "refusal",
            "images",
            "audio",
        ]
    ),
    JSON | st.lists(JSON, max_size=2) | st.dictionaries(st.just("c-1"), JSON),
)


@given(KWARGS, JSON)
def test_no_message_breaks_the_translator(kwargs: Json, reason: Any) -> None:
    metadata = {"finish_reason": reason, "native_finish_reason": reason}
    message = message_of("text", metadata=metadata, tool_calls=[CALL], **kwargs)
    blocks: list[Any] = content_blocks(message)
    assert isinstance(read_blocks(blocks), dict)
    for last in (True, False):
        chunk = chunk_of("text", last=last, tool_call_chunks=[piece("c-1", None, "")], **kwargs)
        assert isinstance(content_block_chunks(chunk), list)


@given(
    st.lists(
        JSON
        | st.fixed_dictionaries(
            {},
            optional={
                "type": st.sampled_from(["reasoning", "tool_call", "text"]) | JSON,
                "id": JSON,
                "reasoning": JSON,
                "extras": JSON
                | st.fixed_dictionaries(
                    {},
                    optional={
                        "signature": JSON,
                        "reasoning_details": JSON | st.lists(JSON),
                        "extra_content": JSON,
                        "tool_call_extra_content": JSON,
                        "signed_tool_calls": JSON | st.lists(JSON),
                    },
                ),
            },
        )
    )
)
def test_no_blocks_break_the_reading(blocks: list[Any]) -> None:
    assert isinstance(read_blocks(blocks), dict)
    content = [block for block in blocks if isinstance(block, str | dict)]
    assert isinstance(content_blocks(message_of(content, tool_calls=[CALL])), list)
