"""The two answers that the documentation prints, replayed: every field as documented."""

from __future__ import annotations

import hashlib
import json
from functools import reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage

from langchain_aimlapi import ChatAIMLGemini
from langchain_aimlapi._codec.request import encode_messages
from langchain_aimlapi.testing import serializer, use_cassette
from tests.answers import KEY, Json, events_of, model_of, served
from tests.examples import examples

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = [
    pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning"),
    pytest.mark.filterwarnings("ignore:.*deprecated"),  # the pro model is, by its own page
]

CASSETTES = Path(__file__).parents[2] / "cassettes" / "documented"
PRO = "google/gemini-3-pro-preview"
FLASH = "google/gemini-3-flash-preview"
PROMPTS = {PRO: "Hello", FLASH: "What do you think about mankind?"}
OPTIONS: dict[str, Json] = {PRO: {}, FLASH: {"max_tokens": 15000}}


def cassette_of(model: str) -> Path:
    return CASSETTES / f"{model.removeprefix('google/')}.yaml"


def documented(model: str) -> tuple[Json, Json, bytes]:
    """Return the documented request body, the documented answer, the answer's bytes."""
    cassette = serializer.deserialize(cassette_of(model).read_text(encoding="utf-8"))
    [interaction] = cassette["interactions"]
    data = interaction["response"]["body"]["string"]
    data = data.encode() if isinstance(data, str) else data
    return json.loads(interaction["request"]["body"]), json.loads(data), data


def folded(chunks: Iterable[BaseMessage]) -> AIMessageChunk:
    return cast("AIMessageChunk", reduce(add, chunks))


@pytest.fixture(params=[PRO, FLASH])
def model_id(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def replayed(model_id: str) -> tuple[AIMessage, AIMessage]:
    """Ask the cassette, sync then async; a request that it does not hold is an error."""
    model = ChatAIMLGemini(model=model_id, api_key=KEY, **OPTIONS[model_id])
    with use_cassette(cassette_of(model_id)):
        sync = model.invoke(PROMPTS[model_id])
    with use_cassette(cassette_of(model_id)):
        twin = await model.ainvoke(PROMPTS[model_id])
    await model.aclose()
    return sync, twin


async def test_the_pro_answer_reads_as_documented() -> None:
    sync, twin = await replayed(PRO)
    for message in (sync, twin):
        assert message.content == "Hello! How can I help you today?"
        reasoning = message.additional_kwargs["reasoning_content"]
        assert reasoning.startswith("**Greeting Initial Response**\n\nI've analyzed")
        assert reasoning.endswith("I'm focusing on the best output!\n\n\n")
        assert len(reasoning) == 681
        text, encrypted = message.additional_kwargs["reasoning_details"]
        assert text == {
            "type": "reasoning.text",
            "text": reasoning,
            "format": "google-gemini-v1",
            "index": 0,
        }
        data = encrypted.pop("data")
        assert encrypted == {
            "type": "reasoning.encrypted",
            "format": "google-gemini-v1",
            "index": 0,
        }
        assert (len(data), data[:12], data[-8:]) == (920, "Eq0FCqoFAdHt", "xv5/1w==")
        assert set(message.additional_kwargs) == {"reasoning_content", "reasoning_details"}
        assert message.usage_metadata == {
            "input_tokens": 2,
            "output_tokens": 158,
            "total_tokens": 160,
            "input_token_details": {"cache_read": 0},
            "output_token_details": {"reasoning": 149, "image": 0},
        }
        metadata = dict(message.response_metadata)
        assert metadata.pop("client_request_id")
        assert metadata == {
            "model_provider": "aimlapi",
            "model_name": PRO,
            "id": "gen-1763566638-cisWU4XUfAZASsAfmDrg",
            "created": 1763566638,
            "provider": "Google AI Studio",
            "finish_reason": "stop",
            "native_finish_reason": "STOP",
            "normalized_finish_reason": "stop",
            "credits_used": 4211,
            "usd_spent": 0.0021055,
            "usd_spent_source": "derived",
            "meta": {"usage": {"tokens_used": 4211}},
            "token_usage": {
                "prompt_tokens": 2,
                "completion_tokens": 158,
                "total_tokens": 160,
                "prompt_tokens_details": {"cached_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 149, "image_tokens": 0},
            },
        }
        assert not message.tool_calls
    assert (
        sync.response_metadata["client_request_id"] != twin.response_metadata["client_request_id"]
    )


async def test_the_flash_answer_reads_as_documented() -> None:
    for message in await replayed(FLASH):
        assert isinstance(message.content, str)
        assert message.content.startswith("Learning Python is one of the best decisions")
        assert message.content.endswith("That is when the real learning happens.")
        assert "is real—where you watch" in message.content
        assert message.additional_kwargs == {}
        assert [block["type"] for block in message.content_blocks] == ["text"]
        assert message.usage_metadata == {
            "input_tokens": 5,
            "output_tokens": 1330,
            "total_tokens": 1335,
            "input_token_details": {"cache_read": 0, "audio": 0, "video": 0},
            "output_token_details": {"reasoning": 371, "image": 0},
        }
        metadata = dict(message.response_metadata)
        assert metadata.pop("client_request_id")
        assert metadata.pop("token_usage")["completion_tokens"] == 1330
        assert metadata == {
            "model_provider": "aimlapi",
            "model_name": FLASH,
            "id": "gen-1765999996-ACx5YQHD6LKvBVhtfuIA",
            "created": 1765999996,
            "finish_reason": "stop",
            "native_finish_reason": "STOP",
            "normalized_finish_reason": "stop",
            "credits_used": 8846,
            "usd_spent": 0.004423,
            "usd_spent_source": "derived",
            "meta": {"usage": {"credits_used": 8846}},
        }


def test_the_documented_request_is_sent_to_the_letter(model_id: str) -> None:
    request, completion, _ = documented(model_id)
    there = served(completion)
    model_of(there, model=model_id, **OPTIONS[model_id]).invoke(PROMPTS[model_id])
    assert there.bodies == [request]
    assert there.requests[0].url == "https://api.aimlapi.com/v1/chat/completions"
    assert there.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_the_flash_request_is_that_of_the_page() -> None:
    assert documented(FLASH)[0] == {
        "model": "google/gemini-3-flash-preview",
        "messages": [{"role": "user", "content": "What do you think about mankind?"}],
        "max_tokens": 15000,
    }


def test_the_cassettes_hold_the_bytes_of_the_pages(model_id: str) -> None:
    hashes = {
        PRO: "390acda8f54780f82f156a514776f25a5b24768f82a4a8ac652b10d535762c6a",
        FLASH: "c32b9d114cab71187da98c86e2ee9fc59361b434189d2664f0c27b4414da6aeb",
    }
    assert hashlib.sha256(documented(model_id)[2]).hexdigest() == hashes[model_id]


async def test_the_reasoning_is_a_block_with_its_signature() -> None:
    for message in await replayed(PRO):
        reasoning, text = message.content_blocks
        assert reasoning["type"] == "reasoning"
        assert reasoning["reasoning"] == message.additional_kwargs["reasoning_content"]
        assert reasoning["extras"]["signature"].startswith("Eq0FCqoFAdHt")
        assert text["type"] == "text"
        assert text["text"] == "Hello! How can I help you today?"


@pytest.mark.parametrize("model_id", [PRO, FLASH])
@examples(20)
@given(st.data())
async def test_all_ways_of_asking_agree(model_id: str, data: st.DataObject) -> None:
    completion = documented(model_id)[1]
    draw = cast("st.DrawFn", data.draw)
    there = served(completion, events_of(completion, draw))
    asked: dict[str, Any] = {"client_request_id": "the-same-for-all"}
    plain = model_of(there, model=model_id, **OPTIONS[model_id])
    blocks = plain.model_copy(update={"output_version": "v1"})
    prompt = PROMPTS[model_id]
    first = plain.invoke(prompt, **asked)
    events = await plain.astream_events(prompt, version="v3", **asked)
    for message in (
        await plain.ainvoke(prompt, **asked),
        folded(plain.stream(prompt, **asked)),
        folded([chunk async for chunk in plain.astream(prompt, **asked)]),
        plain.stream_events(prompt, version="v3", **asked).output,
        await events.output,
        blocks.invoke(prompt, **asked),
        await blocks.ainvoke(prompt, **asked),
        folded(blocks.stream(prompt, **asked)),
        folded([chunk async for chunk in blocks.astream(prompt, **asked)]),
    ):
        assert facts(message) == facts(first)
    assert_documented_bodies(there.bodies, documented(model_id)[0])


def facts(message: BaseMessage) -> Json:
    assert isinstance(message, AIMessage)
    metadata = {k: v for k, v in message.response_metadata.items() if k != "output_version"}
    blocks = [{k: v for k, v in b.items() if k != "index"} for b in message.content_blocks]
    return {
        "text": message.text,
        "blocks": blocks,
        "kwargs": message.additional_kwargs,
        "usage": message.usage_metadata,
        "metadata": metadata,
        "sent back": encode_messages([HumanMessage("Hello"), message])[1],
    }


def assert_documented_bodies(bodies: list[Json], request: Json) -> None:
    streamed = {**request, "stream": True, "stream_options": {"include_usage": True}}
    assert all(body in (request, streamed) for body in bodies)
