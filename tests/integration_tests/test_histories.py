"""Rows of the table of features that no other test is named for: what messages hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import (
    AIMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_aimlapi import ChatAIMLGemini
from langchain_aimlapi.testing import StandIn
from tests.http_client import httpx

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

FLASH = "google/gemini-3-flash-preview"
NEWER = "google/gemini-3-7-flash"
PNG = "iVBORw0KGgo="
CALL = {"name": "look", "args": {"at": "it"}, "id": "one", "type": "tool_call"}
SIGNATURE = "c2lnbmF0dXJl"  # base64, as every signature is

SEED = "histories"


def _model(server: StandIn, **settings: Any) -> ChatAIMLGemini:
    given = {"model": FLASH, "base_url": server.base_url, "api_key": "any", **settings}
    return ChatAIMLGemini(**given)


def _sent(messages: list[BaseMessage], **settings: Any) -> list[dict[str, Any]]:
    """Return the messages as they are sent, to a server that answers anything."""
    bodies: list[Any] = []

    def respond(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        message = {"role": "assistant", "content": "Yes."}
        return httpx.Response(200, json={"choices": [{"message": message}]})

    client = httpx.Client(transport=httpx.MockTransport(respond))
    ChatAIMLGemini(**{"model": FLASH, "http_client": client, **settings}).invoke(messages)
    sent: list[dict[str, Any]] = bodies[0]["messages"]
    return sent


# --- roles


def test_names_of_speakers_are_sent(server: StandIn) -> None:
    messages = [
        SystemMessage("Be brief.", name="rules"),
        HumanMessage("Hello", name="Ada"),
        AIMessage("Hi", name="bot"),
        HumanMessage("Bye", name="Bo"),
    ]

    _model(server).invoke(messages)

    sent = server.requests[0].body["messages"]
    assert [message["name"] for message in sent] == ["rules", "Ada", "bot", "Bo"]


@pytest.mark.parametrize(
    ("role", "wire"),
    [
        ("user", "user"),
        ("human", "user"),
        ("system", "system"),
        ("developer", "system"),
        ("assistant", "assistant"),
        ("ai", "assistant"),
    ],
)
def test_roles_given_as_text_are_understood(server: StandIn, role: str, wire: str) -> None:
    said = ChatMessage(content="One", role=role)
    _model(server).invoke([HumanMessage("Zero"), said, HumanMessage("Two")])

    assert server.requests[0].body["messages"][1] == {"role": wire, "content": "One"}


def test_a_role_that_nobody_knows_is_an_error_that_names_it(server: StandIn) -> None:
    with pytest.raises(ValueError, match="narrator"):
        _model(server).invoke([ChatMessage(content="One", role="narrator")])

    assert server.requests == []


def test_old_function_messages_answer_their_calls(server: StandIn) -> None:
    asked = AIMessage(
        "", additional_kwargs={"function_call": {"name": "look", "arguments": '{"at": "it"}'}}
    )

    _model(server).invoke(
        [HumanMessage("Look."), asked, FunctionMessage(content="Red.", name="look")]
    )

    _, request, result = server.requests[0].body["messages"]
    assert result["tool_call_id"] == request["tool_calls"][0]["id"]
    assert request["tool_calls"][0]["function"] == {"name": "look", "arguments": '{"at": "it"}'}


# --- results of tools


def test_a_tool_s_failure_is_said(server: StandIn) -> None:
    asked = AIMessage("", tool_calls=[CALL])
    result = ToolMessage("no such thing", tool_call_id="one", status="error")

    _model(server).invoke([HumanMessage("Look."), asked, result])

    assert server.requests[0].body["messages"][-1]["content"] == "Error: no such thing"


@pytest.mark.parametrize("model_id", [FLASH, NEWER])
def test_pictures_of_results_follow_after_all_results(server: StandIn, model_id: str) -> None:
    asked = AIMessage("", tool_calls=[CALL, {**CALL, "id": "two"}])
    picture = {"type": "image", "base64": PNG, "mime_type": "image/png"}
    results = [
        ToolMessage(["Here:", picture], tool_call_id="one", artifact={"kept": "here"}),
        ToolMessage("Nothing.", tool_call_id="two"),
    ]

    _model(server, model=model_id).invoke([HumanMessage("Look."), asked, *results])

    sent = server.requests[0].body["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "tool", "user"]
    assert all(isinstance(message["content"], str) for message in sent[2:4])
    url = f"data:image/png;base64,{PNG}"
    assert sent[-1]["content"] == [{"type": "image_url", "image_url": {"url": url}}]
    assert "kept" not in json.dumps(sent)


# --- histories that began elsewhere

_THOUGHT = {"type": "thinking", "thinking": "Hmm.", "signature": "of Anthropic"}
_ITEM = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "of OpenAI"}
_CLAUDE = [{"type": "reasoning.encrypted", "data": "of Claude", "format": "anthropic-claude-v1"}]
_FOREIGN = {
    "anthropic": AIMessage(
        [_THOUGHT, {"type": "text", "text": "Let me look."}, {**CALL, "type": "tool_use"}],
        tool_calls=[CALL],
        response_metadata={"model_provider": "anthropic"},
    ),
    "openai": AIMessage(
        [_ITEM, {"type": "text", "text": "Let me look.", "annotations": []}],
        tool_calls=[CALL],
        response_metadata={"model_provider": "openai"},
    ),
    "v1": AIMessage(
        [
            {"type": "reasoning", "reasoning": "Hmm.", "extras": {"signature": "of somebody"}},
            {"type": "text", "text": "Let me look."},
            CALL,
        ],
        tool_calls=[CALL],
        response_metadata={"model_provider": "anthropic", "output_version": "v1"},
    ),
    "openrouter": AIMessage(
        "Let me look.",
        tool_calls=[CALL],
        additional_kwargs={"reasoning_details": _CLAUDE, "reasoning_content": "Hmm."},
        response_metadata={"model_provider": "openrouter"},
    ),
}


@pytest.mark.parametrize("origin", _FOREIGN)
def test_what_another_vendor_signed_stays_behind(server: StandIn, origin: str) -> None:
    result = ToolMessage("Red.", tool_call_id="one")

    _model(server).invoke([HumanMessage("Look."), _FOREIGN[origin], result])

    (call,) = server.requests[0].body["messages"][1].pop("tool_calls")
    assert call["function"] == {"name": "look", "arguments": '{"at":"it"}'}
    assert server.requests[0].body["messages"][1] == {
        "role": "assistant",
        "content": "Let me look.",
    }


def _gemini_by_openrouter() -> AIMessage:
    details = [
        {"type": "reasoning.text", "text": "Hmm.", "format": "google-gemini-v1", "index": 0},
        {
            "type": "reasoning.encrypted",
            "data": SIGNATURE,
            "format": "google-gemini-v1",
            "id": "one",
            "index": 0,
        },
    ]
    return AIMessage(
        "",
        tool_calls=[CALL],
        additional_kwargs={"reasoning_details": details},
        response_metadata={"model_provider": "openrouter"},
    )


def _gemini_by_google(*, older: bool) -> AIMessage:
    block = {**CALL, "extras": {"signature": SIGNATURE}}
    signed = {"__gemini_function_call_thought_signatures__": {"one": SIGNATURE}}
    return AIMessage(
        "" if older else [block],
        tool_calls=[CALL],
        additional_kwargs=signed if older else {},
        response_metadata={"model_provider": "google_genai"},
    )


def test_a_signature_that_openrouter_brought_from_gemini_goes_on() -> None:
    asked = _gemini_by_openrouter()
    result = ToolMessage("Red.", tool_call_id="one")

    sent = _sent([HumanMessage("Look."), asked, result])

    assert sent[1]["reasoning_details"] == asked.additional_kwargs["reasoning_details"]


@pytest.mark.parametrize("older", [False, True], ids=["blocks", "older map"])
def test_a_signature_that_google_genai_brought_goes_on(*, older: bool) -> None:
    result = ToolMessage("Red.", tool_call_id="one")

    sent = _sent([HumanMessage("Look."), _gemini_by_google(older=older), result])

    (call,) = sent[1]["tool_calls"]
    assert call["extra_content"] == {"google": {"thought_signature": SIGNATURE}}


def test_details_that_langchain_core_fused_are_taken_apart() -> None:
    """One dict of two details is what core's merge by index makes of an OpenRouter stream."""
    fused = {
        "type": "reasoning.text",
        "text": "Hmm.",
        "data": SIGNATURE,
        "format": "google-gemini-v1google-gemini-v1",
        "id": "one",
        "index": 0,
    }
    asked = _gemini_by_openrouter()
    whole = asked.additional_kwargs["reasoning_details"]
    asked.additional_kwargs["reasoning_details"] = [fused]

    sent = _sent([HumanMessage("Look."), asked, ToolMessage("Red.", tool_call_id="one")])

    assert sent[1]["reasoning_details"] == whole


@pytest.mark.parametrize("model_id", [FLASH, NEWER])
def test_calls_of_others_can_pass_a_strict_check(model_id: str) -> None:
    messages = [HumanMessage("Look."), _FOREIGN["openai"], ToolMessage("Red.", tool_call_id="one")]
    with StandIn(seed="strict", strict=True) as server:
        model = _model(server, model=model_id, max_retries=0)

        with pytest.raises(Exception, match="thought_signature"):
            model.invoke(messages, missing_signatures="send")
        for missing, asked in (("skip", 1), ("auto", 2), ("auto", 1)):
            before = len(server.requests)
            assert "Red." in model.invoke(messages, missing_signatures=missing).text
            assert len(server.requests) == before + asked


# --- content of answers


def _shown(server: StandIn, **extra: Any) -> list[dict[str, Any]]:
    """Return the blocks of an answer with these fields, which are the same streamed."""
    server.answer_next("Look at this.", extra=extra)
    server.answer_next("Look at this.", extra=extra)
    model = _model(server)
    first, *rest = model.stream("Hello")
    kinds = ("citation", "image", "refusal", "text")
    whole: list[Any] = [one for one in model.invoke("Hello").content_blocks if one["type"] in kinds]
    summed: list[Any] = [one for one in (first + rest).content_blocks if one["type"] in kinds]
    assert summed == whole
    return [{key: value for key, value in one.items() if key != "index"} for one in whole]


def test_citations_of_an_answer_are_standard_annotations(server: StandIn) -> None:
    page = {"url": "https://example.com", "title": "A page", "start_index": 0, "end_index": 4}
    annotation = {"type": "url_citation", "url_citation": page}

    (text,) = _shown(server, annotations=[annotation])

    assert text["annotations"] == [{"type": "citation", **page}]


def test_pictures_of_an_answer_are_standard_blocks(server: StandIn) -> None:
    url = f"data:image/png;base64,{PNG}"

    _, picture = _shown(server, images=[{"type": "image_url", "image_url": {"url": url}}])

    assert picture == {"type": "image", "base64": PNG, "mime_type": "image/png"}


def test_a_refusal_is_a_standard_block(server: StandIn) -> None:
    _, refusal = _shown(server, refusal="I will not.")

    assert refusal == {"type": "refusal", "refusal": "I will not."}


def test_a_summary_of_reasoning_is_shown_though_nothing_else_is() -> None:
    detail = {"type": "reasoning.summary", "summary": "I thought.", "format": "google-gemini-v1"}
    message = {"role": "assistant", "content": "Yes.", "reasoning_details": [detail]}
    client = httpx.Client(
        transport=httpx.MockTransport(
            lambda _: httpx.Response(200, json={"choices": [{"message": message}]})
        )
    )

    answer = ChatAIMLGemini(model=FLASH, http_client=client).invoke("Hello")

    blocks = [(block["type"], block.get("reasoning")) for block in answer.content_blocks]
    assert blocks[0] == ("reasoning", "I thought.")
