"""Public reports (see `test_public_reports`) of gateways, read 2026-11-27: signatures, arguments,
counts, refusals.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import (
    AIMessage,
    HumanMessage,
    ToolMessage,
    message_to_dict,
    messages_from_dict,
)
from pydantic import BaseModel

from langchain_aimlapi import AIMLAPIEmptyResponseError, AIMLAPIInvalidRequestError
from langchain_aimlapi.testing.standin import StandIn
from langchain_aimlapi.testing.standin._declarations import declaration_problem
from tests.http_client import httpx
from tests.integration_tests.report_kit import (
    COUNTS,
    END,
    HEAD,
    OK,
    USAGE,
    answered,
    both_ways,
    call,
    event,
    look,
    model_at,
    model_over,
    sent,
    streamed,
    whole,
)
from tests.serving import model_of, served

if TYPE_CHECKING:
    from tests.wholes import Json

RESULT = ToolMessage("it", tool_call_id="one")


def sent_back(answer: AIMessage, **settings: Any) -> Json:
    """Return the assistant's message of the request that goes on from an answer."""
    return sent([HumanMessage("Go"), answer, RESULT], **settings)[1]


def both_calls(wire_call: Json, **message: Any) -> list[AIMessage]:
    """Return an answer with one call, whole and streamed."""
    told = {"tool_calls": [wire_call], **message}
    return [*both_ways({"content": None, **told}, [told], "tool_calls")]


# --- signatures


@pytest.mark.parametrize("empty", ["", None, ["S"]])
@pytest.mark.parametrize("holder", [None, "google"])
def test_a_carrier_without_a_signature_stays_behind(empty: Any, holder: str | None) -> None:
    """NousResearch/hermes-agent#111559: an empty sidecar came back as 'Corrupted thought
    signature'. The call then counts as unsigned, and real signatures go back unchanged.
    """
    for value, is_sent in ((empty, False), ("S", True)):
        extra: Json = {"thought_signature": value, "more": 1}
        extra = {holder: extra} if holder else extra
        for answer in both_calls(call("{}", extra_content=extra)):
            wire = sent_back(answer)["tool_calls"][0]
            assert wire.get("extra_content") == (extra if is_sent else None)
            bypassed = sent_back(answer, missing_signatures="skip")["tool_calls"][0]
            assert ("skip_thought_signature_validator" in json.dumps(bypassed)) is not is_sent
        for answer in both_ways({"content": "a", "extra_content": extra}, [{"content": "a"}]):
            answer.additional_kwargs["extra_content"] = extra
            wire = sent([HumanMessage("Go"), answer, HumanMessage("On")])[1]
            assert wire.get("extra_content") == (extra if is_sent else None)


def test_an_encrypted_detail_of_nothing_stays_behind() -> None:
    """The neighbour of the one above: the same emptiness in the other dialect."""
    kept: Json = {"type": "reasoning.text", "text": "Hm.", "signature": None, "index": 0}
    for data in ("", None):
        details = [kept, {"type": "reasoning.encrypted", "data": data, "id": "one", "index": 1}]
        for answer in both_calls(call("{}"), reasoning_details=details):
            assert sent_back(answer)["reasoning_details"] == [kept]


def test_a_signature_on_a_thought_of_its_own_goes_back() -> None:
    """BerriAI/litellm#25322, UKGovernmentBEIS/inspect_ai#4979: signed thoughts apart from the call,
    with text and without; thoughts never become text of the answer.
    """
    signed: Json = {"type": "reasoning.text", "text": "Hm.", "signature": "S", "index": 0}
    sealed: Json = {"type": "reasoning.encrypted", "data": "T", "index": 1}
    for details in ([signed], [sealed], [signed, sealed]):
        for answer in both_calls(call("{}"), reasoning_details=details):
            wire = sent_back(answer)
            assert wire["reasoning_details"] == details
            assert "Hm." not in wire["content"]


@pytest.mark.parametrize("dialect", ["O", "V"])
def test_a_tool_that_fails_ends_no_thread(dialect: Any) -> None:
    """robocurve/inspect-robots#229, langchain-ai/langchain#37347, rekursiv-ai/sagent#211,
    mpfaffenberger/code_puppy#165: the request after a refused call ends in tool results, where
    signatures are checked; histories pass through JSON between the steps.
    """

    with StandIn(strict=True, dialect=dialect) as server:
        agent = create_agent(model_at(server), [look])
        state = agent.invoke({"messages": [HumanMessage("Use look in 2 steps.")]})
        said = messages_from_dict(
            json.loads(json.dumps([message_to_dict(message) for message in state["messages"]]))
        )
        model = model_at(server).bind_tools([look])
        first = model.invoke("Use look.")
        assert isinstance(first, AIMessage)
        failed = [
            ToolMessage("outside [0.03, 0.4]", tool_call_id=found["id"] or "", status="error")
            for found in first.tool_calls
        ]
        model.invoke(["Use look.", first, *failed])
        model.invoke([*said, HumanMessage("And now?")])
        assert {entry["status"] for entry in server.ledger} == {"succeeded"}


# --- arguments


@pytest.mark.parametrize("empty", ["", None, {}, "{}"])
def test_a_call_without_arguments_is_executable(empty: Any) -> None:
    """cheshire-cat-ai/core#1140, vercel/ai#6687, deepset-ai/haystack#9408."""
    for answer in both_calls(call(empty)):
        assert [(found["name"], found["args"]) for found in answer.tool_calls] == [("look", {})]


def test_arguments_as_an_object_are_read() -> None:
    """ggml-org/llama.cpp#20198."""
    for answer in both_calls(call({"at": "it"})):
        assert answer.tool_calls[0]["args"] == {"at": "it"}


def test_a_call_told_in_odd_pieces_is_one_call() -> None:
    """shiaho777/web-to-app#395 (`arguments: null` first), vercel/ai#5350 (the type comes last)."""
    pieces = [
        {"index": 0, "id": "one", "function": {"name": "look", "arguments": None}},
        {"index": 0, "id": None, "function": {"name": "", "arguments": '{"at":'}},
        {"index": 0, "id": "", "function": {"name": None, "arguments": '"it"}'}},
        {"index": 0, "type": "function"},
    ]
    answer = streamed([*(event({"tool_calls": [piece]}) for piece in pieces), *END])

    assert answer.tool_calls == [
        {"name": "look", "args": {"at": "it"}, "id": "one", "type": "tool_call"}
    ]
    assert answer.invalid_tool_calls == []


# --- counts


def test_counts_told_more_than_once_are_counted_once() -> None:
    """databricks/databricks-ai-bridge#638 (with the text and again), langfuse/langfuse#8808 (a
    growing sum in each chunk).
    """
    growing = [
        event({"content": text}, usage={**USAGE, "completion_tokens": sum_so_far})
        for sum_so_far, text in enumerate("abcd", start=1)
    ]
    for events in (
        [event({"content": "a"}, usage=USAGE), event({}, "stop"), END[1]],
        [*growing, event({}, "stop", usage=USAGE)],
    ):
        assert streamed(events).usage_metadata == COUNTS


def test_thoughts_beside_the_completion_are_output() -> None:
    """langchain-ai/langchainjs#8266: streamed, they were added at every chunk."""
    usage = {
        "prompt_tokens": 17,
        "completion_tokens": 1698,
        "total_tokens": 3100,
        "completion_tokens_details": {"reasoning_tokens": 1385},
    }
    whole_answer = answered(whole({"content": "a"}, usage=usage))
    in_chunks = streamed([event({"content": "a"}), END[0], {**HEAD, "choices": [], "usage": usage}])

    for answer in (whole_answer, in_chunks):
        assert answer.usage_metadata == {
            "input_tokens": 17,
            "output_tokens": 3083,
            "total_tokens": 3100,
            "output_token_details": {"reasoning": 1385},
        }


# --- refusals and empty answers


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (  # 0xsline/OpenChatCut#6, FuzzAnything/PromptFuzz#42: the error is in a list
            [{"error": {"message": "Function call is missing a thought_signature", "code": 400}}],
            "keep AI messages whole",
        ),
        (  # massgen/MassGen#624, LibreChat-AI/agents#37, microsoft/agent-framework#2947
            {
                "error": {
                    "message": "Provider returned error",
                    "code": 400,
                    "metadata": {
                        "raw": 'Upstream error: {"error": {"message": "Function call is missing a '
                        'thought_signature in functionCall parts."}}',
                        "provider_name": "Google AI Studio",
                    },
                }
            },
            "keep AI messages whole",
        ),
        (  # RooCodeInc/Roo-Code#10640: another model's signatures in the history
            {"error": {"message": "Unable to submit: Thought signature is not valid"}},
            "went back altered",
        ),
    ],
)
def test_a_refusal_says_what_to_do_wherever_it_stands(body: Any, words: str) -> None:
    model = model_over(lambda _request: httpx.Response(400, json=body))

    with pytest.raises(AIMLAPIInvalidRequestError, match=words):
        model.invoke("Hello")


def test_a_call_that_google_could_not_form_is_asked_for_again() -> None:
    """OpenRouterTeam/openrouter-examples#67, langchain-ai/deepagents#417: an answer of nothing."""
    nothing = whole({"content": None}, "error")
    nothing["choices"][0]["native_finish_reason"] = "MALFORMED_FUNCTION_CALL"

    with pytest.raises(AIMLAPIEmptyResponseError, match="MALFORMED_FUNCTION_CALL"):
        answered(nothing)


def test_an_answer_of_nothing_lets_a_fallback_speak() -> None:
    """livekit/agents#4066, google/adk-js#344, BerriAI/litellm#24442: `stop` without a word."""
    silent, speaking = model_of(served(whole({"content": ""}))), model_of(served(OK))

    assert silent.with_fallbacks([speaking]).invoke("Hello").text == "ok"


# --- schemas


def test_schemas_of_other_generators_are_rewritten() -> None:
    """http4k/http4k#1421 (`int64` beside `additionalProperties`), receptron/mulmocast-app#934
    (constants in `oneOf` behind properties).
    """
    parameters = {
        "type": "object",
        "properties": {
            "id": {"type": "integer", "format": "int64"},
            "kind": {
                "oneOf": [
                    {"type": "object", "properties": {"type": {"type": "string", "const": name}}}
                    for name in ("image", "text")
                ]
            },
        },
        "required": ["id"],
        "additionalProperties": False,
    }
    server = served(OK)
    model_of(server).bind_tools([{"name": "look", "parameters": parameters}]).invoke("Go")

    function = server.bodies[0]["tools"][0]["function"]
    assert declaration_problem(function) is None
    options = function["parameters"]["properties"]["kind"]["anyOf"]
    assert [option["properties"]["type"]["enum"] for option in options] == [["image"], ["text"]]


class Verdict(BaseModel):
    """A verdict."""

    is_good: bool


@pytest.mark.parametrize(
    "text",
    ['```json\n{"is_good": true}\n```', '```\n{"is_good": true}\n```'],
)
def test_json_in_a_fence_is_read(text: str) -> None:
    """JusticeRage/Gepetto#65, getzep/graphiti#1281, martymcenroe/AssemblyZero#1843."""
    model = model_of(served(whole({"content": text})))

    assert model.with_structured_output(Verdict).invoke("Go") == Verdict(is_good=True)
