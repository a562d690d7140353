"""Messages of other models: their thoughts stay out, Gemini's own signatures stay in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessage

from langchain_aimlapi._codec.interop import signatures_of

if TYPE_CHECKING:
    from tests.answers import Json

GEMINI: Json = {
    "type": "reasoning.encrypted",
    "data": "Eq0",
    "format": "google-gemini-v1",
    "index": 0,
}
EXTRA: Json = {"google": {"thought_signature": "sig"}}


def details(*formats: str | None) -> list[Json]:
    return [{**GEMINI, "format": one} for one in formats]


def kept(provider: str | None, content: Any = "", **kwargs: Any) -> Json:
    metadata = {"model_provider": provider} if provider else {}
    message = AIMessage(content, additional_kwargs=kwargs, response_metadata=metadata)
    return signatures_of(message).to_kwargs()


@pytest.mark.parametrize("provider", ["anthropic", "openai", "deepseek", "xai", "nobody"])
def test_other_vendors_leave_nothing(provider: str) -> None:
    content = [{"type": "tool_call", "id": "a", "extras": {"signature": "s"}}]
    carriers = {"reasoning_details": [GEMINI], "extra_content": EXTRA, "reasoning_content": "t"}
    assert kept(provider, content, **carriers) == {}


def test_of_openrouter_only_gemini_stays() -> None:
    given = details("google-gemini-v1", "anthropic-claude-v1", None, "unknown")
    assert kept("openrouter", reasoning_details=given) == {"reasoning_details": [GEMINI]}
    assert kept("openrouter", reasoning_details=details("openai-responses-v1")) == {}
    assert kept("openrouter", reasoning_details="odd") == {}


def test_details_that_a_merge_fused_are_taken_apart() -> None:
    fused = {
        "type": "reasoning.text",
        "text": "thought",
        "data": "Eq0",
        "id": "a",
        "format": "google-gemini-v1google-gemini-v1",
        "index": 0,
    }
    text = {"type": "reasoning.text", "text": "thought", "format": "google-gemini-v1", "index": 0}
    data = {**GEMINI, "id": "a"}
    assert kept("openrouter", reasoning_details=[fused]) == {"reasoning_details": [text, data]}
    odd = {**fused, "format": None}
    [first, second] = kept(None, reasoning_details=[odd, 3])["reasoning_details"]
    assert (first["format"], second["format"]) == (None, None)


def test_pieces_of_a_streamed_thought_go_back_as_one() -> None:
    text = {"type": "reasoning.text", "format": "google-gemini-v1", "index": 0.0}
    data = {**GEMINI, "index": 0.0}
    pieces = [{**text, "text": "Let "}, {**text, "text": "us "}, {**text, "text": "see."}, data]
    whole = [{**text, "text": "Let us see."}, data]
    assert kept("openrouter", reasoning_details=pieces) == {"reasoning_details": whole}
    apart = [{**text, "text": "a"}, {**text, "text": "b", "index": 1.0}, {**text, "text": 3}]
    assert kept("openrouter", reasoning_details=apart) == {"reasoning_details": apart}
    listed = [{**text, "text": "a", "index": None}, {**text, "text": "b", "index": None}]
    assert kept("openrouter", reasoning_details=listed) == {"reasoning_details": listed}


def test_a_doubled_format_is_written_once() -> None:
    text = {"type": "reasoning.text", "text": "thought", "format": "google-gemini-v1", "index": 0}
    doubled = {**text, "format": "google-gemini-v1google-gemini-v1"}
    assert kept("openrouter", reasoning_details=[doubled]) == {"reasoning_details": [text]}
    later = {**text, "format": "google-gemini-v1.5"}
    assert kept("openrouter", reasoning_details=[later]) == {"reasoning_details": [later]}


@pytest.mark.parametrize("provider", ["google_genai", "google_vertexai"])
def test_googles_signatures_become_extra_content(provider: str) -> None:
    content = [
        {"type": "reasoning", "reasoning": "thought", "extras": {"signature": "text"}},
        {"type": "tool_call", "id": "a", "name": "get", "args": {}, "extras": {"signature": "sig"}},
        {"type": "tool_call", "id": "b", "name": "get", "args": {}},
    ]
    older = {"a": "older", "c": "sig", "d": "", "e": 3}
    map_name = "__gemini_function_call_thought_signatures__"
    assert kept(provider, content, **{map_name: older}) == {
        "tool_call_extra_content": {"a": EXTRA, "c": EXTRA}
    }
    assert kept(provider, "text", **{map_name: "odd"}) == {}


def test_googles_signature_of_a_text_is_the_messages() -> None:
    texts = [
        {"type": "text", "text": "a", "extras": {"signature": "sig"}},
        {"type": "text", "text": "b", "extras": {"signature": ""}},
        {"type": "text", "text": "c", "extras": "odd"},
        {"type": "text", "text": "d"},
        "e",
    ]
    assert kept("google_genai", texts) == {"extra_content": EXTRA}
    assert kept("google_genai", texts[1:]) == {}


def test_a_message_without_a_label_keeps_what_is_ours() -> None:
    carriers: Json = {
        "reasoning_details": [GEMINI],
        "extra_content": EXTRA,
        "tool_call_extra_content": {"a": EXTRA},
        "signed_tool_calls": ["a"],
    }
    assert kept(None, **carriers, reasoning_content="text", other=1) == carriers


def test_a_message_without_a_label_may_have_google_ones() -> None:
    content = [{"type": "tool_call", "id": "a", "name": "get", "extras": {"signature": "sig"}}]
    assert kept(None, content) == {"tool_call_extra_content": {"a": EXTRA}}
    foreign = details("anthropic-claude-v1", "xai-responses-v1", "azure-openai-responses-v1")
    assert kept(None, content, reasoning_details=foreign) == {
        "tool_call_extra_content": {"a": EXTRA}
    }
    assert kept(None, "text", reasoning_details=foreign, extra_content=EXTRA) == {
        "extra_content": EXTRA
    }
    assert kept(None, "text") == {}
