"""Histories of other models: clean text with tool calls goes out, only Gemini's signatures with it.

The messages of Anthropic and google-genai are made by their own packages from the wire's own forms.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_aimlapi._codec.request import encode_messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.answers import Json

NEEDS_NEWER = "the packages of other models need newer versions than the lowest"

pytestmark = pytest.mark.filterwarnings("ignore:The function `loads` is in beta")

BYPASS = {"google": {"thought_signature": "skip_thought_signature_validator"}}
CALL: Json = {"name": "look", "args": {"query": "a"}, "id": "call_1", "type": "tool_call"}
SECOND: Json = {**CALL, "id": "call_2"}


def signature(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def google(text: str) -> Json:
    return {"google": {"thought_signature": signature(text)}}


def wire_call(call_id: str, extra: Json | None = None) -> Json:
    function = {"name": "look", "arguments": '{"query":"a"}'}
    call = {"id": call_id, "type": "function", "function": function}
    return {**call, "extra_content": extra} if extra else call


def sent(message: AIMessage, **settings: Any) -> Json:
    """Return the wire message that a foreign message becomes within a history."""
    results = [ToolMessage("found", tool_call_id=str(call["id"])) for call in message.tool_calls]
    history = [HumanMessage("Look."), message, *results, HumanMessage("Now you.")]
    return encode_messages(history, **settings)[1]


# ---------------------------------------------------------------- messages of others


def needed(name: str) -> Any:
    """Return a module of another model's package, imported by the tests that use it only."""
    return pytest.importorskip(name, reason=NEEDS_NEWER)


def from_anthropic() -> AIMessage:
    content = [
        {"type": "thinking", "thinking": "Hm.", "signature": "Ep-of-claude"},
        {"type": "redacted_thinking", "data": "Ep-hidden"},
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "call_1", "name": "look", "input": {"query": "a"}},
        {"type": "tool_use", "id": "call_2", "name": "look", "input": {"query": "a"}},
    ]
    usage = {"input_tokens": 1, "output_tokens": 1}
    told = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5"}
    answer = needed("anthropic.types").Message.model_validate(
        {**told, "content": content, "stop_reason": "tool_use", "usage": usage}
    )
    model = needed("langchain_anthropic").ChatAnthropic(
        model="claude-sonnet-4-5", api_key=cast("Any", "none")
    )
    result = model._format_output(answer)
    return cast("AIMessage", result.generations[0].message)


def from_google(*, is_signed: bool = True) -> AIMessage:
    def part(signed: str, **told: Any) -> Json:
        return {**told, **({"thoughtSignature": signature(signed)} if is_signed else {})}

    parts = [
        {"text": "Hm.", "thought": True},
        part("of the text", text="I look."),
        part("of the call", functionCall={"name": "look", "args": {"query": "a"}, "id": "call_1"}),
        {"functionCall": {"name": "look", "args": {"query": "a"}, "id": "call_2"}},
    ]
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}
    answer = needed("google.genai.types").GenerateContentResponse.model_validate(
        {"candidates": [candidate]}
    )
    return cast(
        "AIMessage",
        needed("langchain_google_genai.chat_models")
        ._response_to_result(answer)
        .generations[0]
        .message,
    )


def from_openai_chat() -> AIMessage:
    calls = [wire_call("call_1"), wire_call("call_2")]
    return AIMessage(
        content="I look.",
        tool_calls=cast("Any", [CALL, SECOND]),
        additional_kwargs={"tool_calls": calls, "refusal": None},
        response_metadata={"model_provider": "openai", "model_name": "gpt-5"},
    )


def from_openai_responses() -> AIMessage:
    reasoning = {"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAA-secret"}
    summary = [{"type": "summary_text", "text": "Hm."}]
    said = {"type": "function_call", "name": "look", "arguments": '{"query": "a"}'}
    return AIMessage(
        content=[
            {**reasoning, "summary": summary},
            {"type": "text", "text": "I look.", "annotations": [], "id": "msg_1"},
            {**said, "call_id": "call_1", "id": "fc_1"},
            {**said, "call_id": "call_2", "id": "fc_2"},
        ],
        tool_calls=cast("Any", [CALL, SECOND]),
        response_metadata={"model_provider": "openai", "model_name": "gpt-5", "id": "resp_1"},
    )


def from_deepseek() -> AIMessage:
    return AIMessage(
        content="I look.",
        tool_calls=cast("Any", [CALL, SECOND]),
        additional_kwargs={"reasoning_content": "Hm.", "refusal": None},
        response_metadata={"model_provider": "deepseek"},
    )


def from_openrouter(*details: Json) -> AIMessage:
    return AIMessage(
        content="I look.",
        tool_calls=cast("Any", [CALL, SECOND]),
        additional_kwargs={"reasoning_content": "Hm.", "reasoning_details": [*details]},
        response_metadata={"model_provider": "openrouter"},
    )


def from_claude_over_openrouter() -> AIMessage:
    text = {"type": "reasoning.text", "text": "Hm.", "signature": "Ep-of-claude", "index": 0}
    return from_openrouter({**text, "format": "anthropic-claude-v1"}, text)


def from_gpt_over_openrouter() -> AIMessage:
    hidden = {"type": "reasoning.encrypted", "data": "gAAA-secret", "id": "rs_1", "index": 0}
    return from_openrouter({**hidden, "format": "openai-responses-v1"})


def as_it_is(message: AIMessage) -> AIMessage:
    return message


def as_blocks(message: AIMessage) -> AIMessage:
    return AIMessage(content_blocks=message.content_blocks)


def as_content(message: AIMessage) -> AIMessage:
    return AIMessage(content=json.loads(json.dumps(message.content_blocks)))


def as_labelled_blocks(message: AIMessage) -> AIMessage:
    metadata = {**message.response_metadata, "output_version": "v1"}
    return AIMessage(content_blocks=message.content_blocks, response_metadata=metadata)


def through_json(message: AIMessage) -> AIMessage:
    return cast("AIMessage", loads(dumps(message), allowed_objects="messages"))


FORMS = [as_it_is, as_blocks, as_content, as_labelled_blocks, through_json]
OTHERS = [
    from_anthropic,
    from_openai_chat,
    from_openai_responses,
    from_deepseek,
    from_claude_over_openrouter,
    from_gpt_over_openrouter,
]


# ---------------------------------------------------------------- what goes out


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("make", OTHERS)
def test_text_and_tool_calls_of_others_go_out_clean(
    make: Callable[[], AIMessage], form: Callable[[AIMessage], AIMessage]
) -> None:
    assert sent(form(make())) == {
        "role": "assistant",
        "content": "I look.",
        "tool_calls": [wire_call("call_1"), wire_call("call_2")],
    }


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("make", OTHERS)
def test_the_bypass_value_is_opt_in_once_on_the_first_call(
    make: Callable[[], AIMessage], form: Callable[[AIMessage], AIMessage]
) -> None:
    message = form(make())
    calls = sent(message, missing_signatures="skip")["tool_calls"]
    assert calls == [wire_call("call_1", BYPASS), wire_call("call_2")]
    assert sent(AIMessage("Hello"), missing_signatures="skip") == sent(AIMessage("Hello"))


@pytest.mark.parametrize("missing", ["send", "skip"])
@pytest.mark.parametrize("form", [as_it_is, through_json])
def test_signatures_of_google_genai_are_kept(
    form: Callable[[AIMessage], AIMessage], missing: str
) -> None:
    assert sent(form(from_google()), missing_signatures=missing) == {
        "role": "assistant",
        "content": "I look.",
        "extra_content": google("of the text"),
        "tool_calls": [wire_call("call_1", google("of the call")), wire_call("call_2")],
    }


@pytest.mark.parametrize("provider", ["google_genai", "google_vertexai", None])
def test_signatures_of_google_genai_are_kept_from_content_blocks(provider: str | None) -> None:
    extras = {"signature": signature("of the call")}
    blocks: list[Any] = [
        {"type": "reasoning", "reasoning": "Hm.", "extras": {"signature": "of a thought"}},
        {"type": "text", "text": "I look.", "extras": {"signature": signature("of the text")}},
        {**CALL, "extras": extras},
        {**SECOND},
    ]
    metadata = {"model_provider": provider} if provider else {}
    assert sent(AIMessage(content_blocks=blocks, response_metadata=metadata)) == {
        "role": "assistant",
        "content": "I look.",
        "extra_content": google("of the text"),
        "tool_calls": [wire_call("call_1", google("of the call")), wire_call("call_2")],
    }


def test_unsigned_calls_of_google_genai_get_the_bypass_value_if_asked() -> None:
    calls = [wire_call("call_1"), wire_call("call_2")]
    message = from_google(is_signed=False)
    assert sent(message)["tool_calls"] == calls
    bypassed = sent(message, missing_signatures="skip")["tool_calls"]
    assert bypassed == [wire_call("call_1", BYPASS), wire_call("call_2")]


def test_claude_on_vertex_is_not_gemini() -> None:
    blocks: list[Any] = [{**CALL, "extras": {"signature": "Ep-of-claude"}}]
    metadata = {"model_provider": "google_anthropic_vertex"}
    message = AIMessage(content_blocks=blocks, response_metadata=metadata)
    assert sent(message)["tool_calls"] == [wire_call("call_1")]


GEMINI = {"format": "google-gemini-v1", "index": 0}
TEXT = {"type": "reasoning.text", "text": "Hm.", **GEMINI}
DATA = {"type": "reasoning.encrypted", "data": "Eq-of-gemini", "id": "call_1", **GEMINI}


@pytest.mark.parametrize("missing", ["send", "skip"])
def test_details_of_gemini_over_openrouter_are_kept(missing: str) -> None:
    claude = {"type": "reasoning.text", "text": "Hm.", "format": "anthropic-claude-v1", "index": 0}
    message = from_openrouter(TEXT, claude, DATA)
    request = sent(message, missing_signatures=missing)
    assert request["reasoning_details"] == [TEXT, DATA]
    assert request["tool_calls"] == [wire_call("call_1"), wire_call("call_2")]


def test_details_that_a_stream_fused_are_taken_apart() -> None:
    """langchain-core adds list items of one index up, whatever their type."""
    fused = {**TEXT, "data": "Eq-of-gemini", "format": "google-gemini-v1google-gemini-v1"}
    hidden = {key: value for key, value in DATA.items() if key != "id"}
    assert sent(from_openrouter(fused))["reasoning_details"] == [TEXT, hidden]


@pytest.mark.parametrize("make", [from_anthropic, from_google, from_openai_responses])
def test_calls_that_a_human_removed_stay_away(make: Callable[[], AIMessage]) -> None:
    """Their packages keep copies of them in the content, or beside it."""
    message = make().model_copy(update={"tool_calls": []})
    assert "tool_calls" not in sent(message)
