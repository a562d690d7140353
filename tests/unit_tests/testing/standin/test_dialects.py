"""Both dialects, whole and streamed: the same answer, in the documented keys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from langchain_aimlapi.testing.standin import StandIn
from tests.unit_tests.testing.standin.standin_client import (
    FLASH,
    NEWER,
    USAGE,
    ask,
    chunks_of,
    folded,
    message_of,
    tool,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = {"type": "string", "minLength": 60}
OFFERED = [tool("first", text=LONG), tool("second", count={"type": "integer"})]
PROMPTS = [("hi", {}), ("Use first and second", {"tools": OFFERED}), ("hi", {"n": 2})]


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    with StandIn(seed="dialects") as running:
        yield running


def without_index(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in call.items() if name != "index"} for call in calls]


@pytest.mark.parametrize("dialect", ["O", "V"])
@pytest.mark.parametrize(("prompt", "options"), PROMPTS[:2])
def test_a_stream_adds_up_to_the_whole_answer(
    server: StandIn, dialect: str, prompt: str, options: dict[str, Any]
) -> None:
    headers = {"x-standin-dialect": dialect}
    body = ask(server, prompt, headers=headers, **options).json()
    chunks = chunks_of(ask(server, prompt, headers=headers, **options, **USAGE))
    message, sum_ = body["choices"][0]["message"], folded(chunks)
    assert sum_["content"] == (message["content"] or "")
    assert sum_["reasoning"] == message.get("reasoning", "")
    assert sum_["reasoning_details"] == message.get("reasoning_details", [])
    assert sum_.get("extra_content") == message.get("extra_content")
    assert without_index(sum_["tool_calls"]) == without_index(message.get("tool_calls", []))
    assert chunks[-1]["usage"] == body["usage"]
    assert chunks[-1]["meta"] == body["meta"]
    assert {chunk["id"] for chunk in chunks} == {body["id"]}


def test_the_dialect_is_the_models_unless_asked_for() -> None:
    with StandIn() as server, StandIn(dialect="V") as vertex:
        assert "provider" in ask(server, "hi").json()
        assert "provider" not in ask(server, "hi", model=NEWER).json()
        assert "provider" not in ask(vertex, "hi").json()
        assert "provider" in ask(vertex, "hi", headers={"x-standin-dialect": "o"}).json()
        wrong = ask(server, "hi", headers={"x-standin-dialect": "X"})
        assert (wrong.status_code, "x-standin-dialect" in wrong.text) == (400, True)


def test_dialect_o_whole(server: StandIn) -> None:
    body = ask(server, "Use first and second", tools=OFFERED).json()
    keys = ["id", "provider", "model", "object", "created", "choices", "usage", "meta"]
    assert list(body) == keys
    choice = body["choices"][0]
    assert (choice["finish_reason"], choice["native_finish_reason"]) == ("tool_calls", "STOP")
    message = choice["message"]
    text, encrypted = message["reasoning_details"]
    assert text == {
        "type": "reasoning.text",
        "text": message["reasoning"],
        "format": "google-gemini-v1",
        "index": 0,
    }
    assert (encrypted["type"], encrypted["index"]) == ("reasoning.encrypted", 0)
    assert encrypted["id"] == message["tool_calls"][0]["id"]
    assert [call["index"] for call in message["tool_calls"]] == [0, 1]
    assert message_of(ask(server, "hi"))["reasoning_details"][1]["id"] is None


def test_dialect_o_counts_reasoning_into_the_completion(server: StandIn) -> None:
    usage = ask(server, "hi").json()["usage"]
    assert 0 < usage["completion_tokens_details"]["reasoning_tokens"] < usage["completion_tokens"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_dialect_o_streamed(server: StandIn) -> None:
    response = ask(server, "hi", **USAGE)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.text.count(": STAND-IN PROCESSING\n\n") == 3
    chunks = chunks_of(response)
    choices = [chunk["choices"][0] for chunk in chunks]
    assert all(choice["delta"]["role"] == "assistant" for choice in choices)
    kinds = [
        detail["type"]
        for choice in choices
        for detail in choice["delta"].get("reasoning_details", [])
    ]
    assert kinds == ["reasoning.text", "reasoning.text", "reasoning.encrypted"]
    assert len([one for one in choices if one["delta"]["content"]]) >= 3
    assert [one["finish_reason"] for one in choices[-3:]] == [None, "stop", "stop"]
    assert [("usage" in chunk) for chunk in chunks[-2:]] == [False, True]


def test_long_arguments_come_in_fragments_and_short_ones_whole(server: StandIn) -> None:
    chunks = chunks_of(ask(server, "Use first and second", tools=OFFERED, stream=True))
    fragments = [
        call["index"]
        for chunk in chunks
        for call in chunk["choices"][0]["delta"].get("tool_calls", [])
    ]
    assert fragments == [0, 0, 1]


def test_usage_is_streamed_only_when_asked_for(server: StandIn) -> None:
    for dialect in ("O", "V"):
        headers = {"x-standin-dialect": dialect}
        silent: list[dict[str, Any]] = [{}, {"stream_options": {"include_usage": False}}]
        for options in silent:
            chunks = chunks_of(ask(server, "hi", headers=headers, stream=True, **options))
            assert not [chunk for chunk in chunks if "usage" in chunk]
            assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_reasoning_can_be_excluded(server: StandIn) -> None:
    hidden: dict[str, Any] = {"reasoning": {"exclude": True}}
    message = message_of(ask(server, "hi", **hidden))
    assert message["reasoning"] is None
    assert [one["type"] for one in message["reasoning_details"]] == ["reasoning.encrypted"]
    chunks = chunks_of(ask(server, "hi", stream=True, **hidden))
    assert folded(chunks)["reasoning"] == ""


def test_dialect_v_whole(server: StandIn) -> None:
    body = ask(server, "Use first and second", tools=OFFERED, model=NEWER).json()
    assert list(body) == [
        *("choices", "created", "id", "model", "object", "system_fingerprint", "usage", "meta")
    ]
    message = body["choices"][0]["message"]
    first, second = message["tool_calls"]
    assert first["extra_content"]["google"]["thought_signature"]
    assert "extra_content" not in second
    assert "extra_content" not in message
    assert "reasoning" not in message
    text = message_of(ask(server, "hi", model=NEWER))
    assert text["extra_content"]["google"]["thought_signature"]


def test_dialect_v_counts_reasoning_beside_the_completion(server: StandIn) -> None:
    usage = ask(server, "hi", model=NEWER).json()["usage"]
    reasoning = usage["completion_tokens_details"]["reasoning_tokens"]
    completion = usage["completion_tokens"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + completion + reasoning
    other = ask(server, "hi").json()["usage"]
    assert other["completion_tokens"] == completion + reasoning


def test_dialect_v_streamed(server: StandIn) -> None:
    chunks = chunks_of(ask(server, "Use first and second", tools=OFFERED, model=NEWER, **USAGE))
    calls = [
        call for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls", [])
    ]
    assert len(calls) == 2
    assert not [call for call in calls if "index" in call]
    assert all(json.loads(call["function"]["arguments"]) for call in calls)
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert "usage" in chunks[-1]
    assert "finish_reason" not in chunks[0]["choices"][0]
    first = chunks_of(ask(server, "hi", model=NEWER, **USAGE))[0]["choices"][0]["delta"]
    assert first["extra_content"]["google"]["thought_signature"]


@pytest.mark.parametrize("dialect", ["O", "V"])
def test_several_choices_are_streamed_one_after_the_other(server: StandIn, dialect: str) -> None:
    headers = {"x-standin-dialect": dialect}
    choices = [
        choice
        for chunk in chunks_of(ask(server, "hi", headers=headers, n=2, stream=True))
        for choice in chunk["choices"]
    ]
    order = [choice["index"] for choice in choices]
    assert order == sorted(order)
    finished = [choice["index"] for choice in choices if choice.get("finish_reason")]
    assert finished == [0, 1]


@pytest.mark.parametrize("dialect", ["O", "V"])
def test_scripted_extras_and_texts_beside_calls_arrive(dialect: str) -> None:
    script: dict[str, Any] = {
        "tool_calls": [{"name": "f", "args": {}}],
        "extra": {"annotations": [{"type": "file"}]},
    }
    headers = {"x-standin-dialect": dialect}
    with StandIn() as server:
        server.answer_next("Look:", **script)
        server.answer_next("Look:", **script)
        server.answer_next("")
        whole = message_of(ask(server, "hi", headers=headers))
        chunks = chunks_of(ask(server, "hi", headers=headers, stream=True))
        silent = chunks_of(ask(server, "hi", headers=headers, stream=True))
    assert (whole["content"], folded(chunks)["content"]) == ("Look:", "Look:")
    assert whole["annotations"] == [{"type": "file"}]
    extras = [chunk["choices"][0]["delta"].get("annotations") for chunk in chunks]
    assert [one for one in extras if one] == [[{"type": "file"}]]
    assert folded(silent)["content"] == ""


@pytest.mark.parametrize("model", [FLASH, NEWER])
@pytest.mark.parametrize(("prompt", "options"), PROMPTS)
def test_the_official_openai_client_reads_every_form(
    server: StandIn, model: str, prompt: str, options: dict[str, Any]
) -> None:
    messages = [user(prompt)]
    client: Any = OpenAI(base_url=server.base_url, api_key="any", max_retries=0)
    with client:
        whole = client.chat.completions.create(model=model, messages=messages, **options)
        chunks = list(
            client.chat.completions.create(model=model, messages=messages, **options, **USAGE)
        )
    assert isinstance(whole, ChatCompletion)
    assert whole.choices[0].message.content or whole.choices[0].message.tool_calls
    assert chunks
    for chunk in chunks:
        assert isinstance(chunk, ChatCompletionChunk)
    assert chunks[-1].usage == whole.usage
