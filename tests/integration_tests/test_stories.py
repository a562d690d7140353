"""What one does with Gemini 3, each as a recorded story that may be recorded live any day.

So nothing is pinned that a model words differently tomorrow: shapes, counts, what went back.
Each story is told in both dialects of the endpoint's answers.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import (
    AIMessage,
    HumanMessage,
    ToolMessage,
    messages_from_dict,
    messages_to_dict,
)
from pydantic import BaseModel, Field

from langchain_aimlapi import ChatAIMLGemini

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage
    from vcr.cassette import Cassette

CASSETTES = "chat"
pytestmark = pytest.mark.vcr

DIALECT_O = "google/gemini-3-flash-preview"
DIALECT_V = "google/gemini-3-7-flash"
both = pytest.mark.parametrize("model_id", [DIALECT_O, DIALECT_V], ids=["O", "V"])


class Country(BaseModel):
    """A country of the world."""

    name: str
    capital: str = Field(description="its seat of government")
    languages: list[str]


def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"21 degrees and sunny in {city}"


def _sent(cassette: Cassette, position: int) -> list[dict[str, Any]]:
    """Return the messages of a recorded request."""
    messages: list[dict[str, Any]] = json.loads(cassette.requests[position].body)["messages"]
    return messages


def _carriers(message: dict[str, Any]) -> list[Any]:
    """Return what a wire message carries of signatures, as it stands there."""
    calls = message.get("tool_calls") or []
    found = [message.get("reasoning_details"), message.get("extra_content")]
    found += [call.get("extra_content") for call in calls]
    return [carrier for carrier in found if carrier]


def _answered(cassette: Cassette, position: int) -> dict[str, Any]:
    """Return the message of a recorded whole answer."""
    body = json.loads(cassette.responses[position]["body"]["string"])
    message: dict[str, Any] = body["choices"][0]["message"]
    return message


@both
def test_an_answer_with_its_reasoning_its_usage_and_its_cost(model_id: str) -> None:
    model = ChatAIMLGemini(model=model_id, max_tokens=4000, reasoning_effort="high")

    message = model.invoke("Which is larger, 9.11 or 9.9?")

    assert message.text
    usage, facts = message.usage_metadata, message.response_metadata
    assert usage is not None
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert 0 < usage["output_token_details"]["reasoning"] < usage["output_tokens"]
    assert facts["finish_reason"] == "stop"
    assert facts["model_provider"] == "aimlapi"
    assert facts["credits_used"] > 0
    assert facts["usd_spent"] > 0
    kinds = [block["type"] for block in message.content_blocks]
    assert kinds == (["reasoning", "text"] if model_id == DIALECT_O else ["text", "reasoning"])


@both
async def test_a_stream_adds_up_to_what_came(model_id: str) -> None:
    model = ChatAIMLGemini(model=model_id, max_tokens=4000)

    chunks = [chunk async for chunk in model.astream("Count from one to twenty, in words.")]

    message = chunks[0] + chunks[1:]
    assert "".join(chunk.text for chunk in chunks) == message.text
    assert sum(bool(chunk.text) for chunk in chunks) > 2
    assert [chunk.usage_metadata is not None for chunk in chunks].count(True) == 1
    assert chunks[-1].chunk_position == "last"
    assert message.response_metadata["finish_reason"] == "stop"
    assert message.response_metadata["credits_used"] > 0


@both
def test_a_tool_is_called_and_its_signature_goes_back_as_it_came(
    model_id: str, vcr: Cassette
) -> None:
    model = ChatAIMLGemini(model=model_id).bind_tools([get_weather])
    messages: list[BaseMessage] = [HumanMessage("What is the weather in Oslo? Use the tool.")]

    asked = model.invoke(messages)
    (call,) = asked.tool_calls
    result = ToolMessage(get_weather(**call["args"]), tool_call_id=call["id"])
    answer = model.invoke([*messages, asked, result])

    assert call["args"] == {"city": "Oslo"}
    assert "21" in answer.text
    wire = _answered(vcr, 0)
    assert _carriers(wire)
    assert _carriers(_sent(vcr, 1)[1]) == _carriers(wire)


@both
def test_a_streamed_conversation_goes_on_after_it_was_stored(model_id: str, vcr: Cassette) -> None:
    model = ChatAIMLGemini(model=model_id).bind_tools([get_weather])
    question = HumanMessage("What is the weather in Oslo? Use the tool.")
    first, *rest = model.stream([question])
    asked = AIMessage(**(first + rest).model_dump(exclude={"type", "tool_call_chunks"}))
    (call,) = asked.tool_calls
    result = ToolMessage(get_weather(**call["args"]), tool_call_id=call["id"])

    stored = json.dumps(messages_to_dict([question, asked, result]))
    messages = messages_from_dict(json.loads(stored))
    told = model.invoke(messages)
    thanks = HumanMessage("Thank you. Say goodbye.")
    ending = model.invoke([*messages, told, thanks], tool_choice="none")

    assert ending.text
    in_the_turn, later = _sent(vcr, 1)[1], _sent(vcr, 2)[1]
    assert _carriers(in_the_turn)
    assert in_the_turn == later  # what was said stays as it was said


@both
def test_an_object_of_the_schema_is_the_answer(model_id: str) -> None:
    model = ChatAIMLGemini(model=model_id).with_structured_output(Country, method="json_schema")

    country = model.invoke("Norway, please.")

    assert isinstance(country, Country)
    assert country.languages is not None


@both
def test_an_object_grows_while_it_is_streamed(model_id: str) -> None:
    schema = Country.model_json_schema()
    model = ChatAIMLGemini(model=model_id).with_structured_output(schema, method="json_schema")

    objects = list(model.stream("Norway, please."))

    assert len(objects) > 1
    sizes = [len(json.dumps(one)) for one in objects]
    assert sizes == sorted(sizes)
    assert set(objects[-1]) == {"name", "capital", "languages"}


@both
def test_a_picture_is_looked_at(model_id: str) -> None:
    path = Path(__file__).with_name("assets") / "disc.png"
    picture = {
        "type": "image",
        "base64": base64.b64encode(path.read_bytes()).decode(),
        "mime_type": "image/png",
    }

    message = ChatAIMLGemini(model=model_id).invoke(
        [HumanMessage(["What shape is in this picture?", picture])]
    )

    assert message.text
    assert message.usage_metadata is not None
    assert message.usage_metadata["input_tokens"] > 100  # a picture costs more than its question
