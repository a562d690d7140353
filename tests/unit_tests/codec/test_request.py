"""Messages become the request body that the endpoint documents; nothing is lost, none invented."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    merge_message_runs,
)

from langchain_aimlapi._codec import content as _content
from langchain_aimlapi._codec import reasoning as _reasoning
from langchain_aimlapi._codec.request import encode_messages, encode_parameters
from tests.answers import MODEL, Json

OURS = {"model_provider": "aimlapi"}
CALL = {"name": "get", "args": {"city": "Zürich"}, "id": "c-1", "type": "tool_call"}
WIRE_CALL = {
    "id": "c-1",
    "type": "function",
    "function": {"name": "get", "arguments": '{"city":"Zürich"}'},
}
SIGNED = {"google": {"thought_signature": "sig"}}
BYPASS = {"google": {"thought_signature": "skip_thought_signature_validator"}}
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


def encoded(*messages: BaseMessage, **options: Any) -> list[Json]:
    return encode_messages(messages, **options)


def assistant(**fields: Any) -> AIMessage:
    return AIMessage(**{"content": "", "response_metadata": OURS, **fields})


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (SystemMessage("be brief"), {"role": "system", "content": "be brief"}),
        (SystemMessage("s", name="boss"), {"role": "system", "content": "s", "name": "boss"}),
        (HumanMessage("hi"), {"role": "user", "content": "hi"}),
        (HumanMessage("hi", name="ann"), {"role": "user", "content": "hi", "name": "ann"}),
        (AIMessage("yes"), {"role": "assistant", "content": "yes"}),
        (AIMessage("yes", name="bot"), {"role": "assistant", "content": "yes", "name": "bot"}),
        (
            ToolMessage("3", tool_call_id="c", name="get", artifact={"a": 1}),
            {"role": "tool", "content": "3", "tool_call_id": "c", "name": "get"},
        ),
        (ChatMessage(content="hi", role="user"), {"role": "user", "content": "hi"}),
        (ChatMessage(content="hi", role="human"), {"role": "user", "content": "hi"}),
        (ChatMessage(content="s", role="developer"), {"role": "system", "content": "s"}),
        (
            ChatMessage(content="a", role="assistant", name="b"),
            {"role": "assistant", "content": "a", "name": "b"},
        ),
        (
            HumanMessage([{"type": "text", "text": "a"}, PICTURE]),
            {"role": "user", "content": [{"type": "text", "text": "a"}, PICTURE]},
        ),
        (
            SystemMessage([{"type": "text", "text": "s"}]),
            {"role": "system", "content": [{"type": "text", "text": "s"}]},
        ),
        (
            AIMessage([{"type": "text", "text": "a", "index": 0}, "b"]),
            {"role": "assistant", "content": "ab"},
        ),
    ],
)
def test_each_message_has_its_form(message: BaseMessage, expected: Json) -> None:
    assert encoded(message) == [expected]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (RemoveMessage(id="x"), "type RemoveMessage cannot be sent"),
        (ChatMessage(content="x", role="wizard"), "role 'wizard' cannot be sent"),
        (FunctionMessage(content="3", name="get"), "FunctionMessage 'get' answers no earlier call"),
        (assistant(tool_calls=[{**CALL, "args": {"at": datetime.now(tz=UTC)}}]), "tool call 'get'"),
    ],
)
def test_what_cannot_be_sent_is_named(message: BaseMessage, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        encoded(message)


def test_a_call_goes_with_its_arguments_as_they_are_now() -> None:
    empty = {**CALL, "id": "c-2", "args": {}}
    [message] = encoded(AIMessage("", tool_calls=[CALL, empty]))
    assert message["tool_calls"][0] == WIRE_CALL
    assert message["tool_calls"][1]["function"]["arguments"] == "{}"
    assert set(message) == {"role", "content", "tool_calls"}


@pytest.mark.parametrize(
    ("content", "status", "text"),
    [
        ("it broke", "error", "Error: it broke"),
        ("ERROR: it broke", "error", "ERROR: it broke"),
        ("fine", "success", "fine"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "success", "a\nb"),
    ],
)
def test_a_tool_result_is_text(content: Any, status: Any, text: str) -> None:
    message = ToolMessage(content, tool_call_id="c", status=status)
    assert encoded(message) == [{"role": "tool", "content": text, "tool_call_id": "c"}]


@pytest.mark.parametrize("last", [[], [HumanMessage("and?")], [AIMessage("done")]])
def test_pictures_of_tool_results_follow_the_results_of_the_turn(last: list[BaseMessage]) -> None:
    results = [
        ToolMessage([PICTURE], tool_call_id="a"),
        ToolMessage("text", tool_call_id="b"),
        ToolMessage([PICTURE], tool_call_id="c"),
    ]
    messages = encoded(*results, *last)
    roles = [message["role"] for message in messages]
    assert roles[:4] == ["tool", "tool", "tool", "user"]
    assert messages[3]["content"] == [PICTURE, PICTURE]
    assert len(roles) == 4 + len(last)


def test_tool_results_of_a_user_message_are_messages_of_their_own() -> None:
    results: list[str | Json] = [
        {"type": "tool_result", "tool_use_id": "c-1", "content": [{"type": "text", "text": "3"}]},
        {"type": "tool_result", "tool_use_id": "c-2", "content": [PICTURE], "is_error": True},
        {"type": "tool_result", "tool_use_id": "c-3"},
    ]
    question: Json = {"type": "text", "text": "and?"}
    sent = encoded(HumanMessage([*results, question], name="ann"))
    assert sent == [
        {"role": "tool", "content": "3", "tool_call_id": "c-1"},
        {
            "role": "tool",
            "content": "Error: [image_url: in the next user message]",
            "tool_call_id": "c-2",
        },
        {"role": "tool", "content": "", "tool_call_id": "c-3"},
        {"role": "user", "content": [PICTURE]},
        {"role": "user", "content": [question], "name": "ann"},
    ]
    tools = [
        ToolMessage("3", tool_call_id="c-1"),
        ToolMessage([PICTURE], tool_call_id="c-2", status="error"),
        ToolMessage("", tool_call_id="c-3"),
    ]
    assert sent == encoded(*tools, HumanMessage([question], name="ann"))
    assert sent[:4] == encoded(HumanMessage(results[:2]), HumanMessage(results[2:]))


@pytest.mark.parametrize("call_id", [None, 7, ""])
def test_a_tool_result_of_no_call_is_named(call_id: object) -> None:
    result = {"type": "tool_result", "tool_use_id": call_id, "content": "3"}
    with pytest.raises(ValueError, match=f"tool_use_id={call_id!r}"):
        encoded(HumanMessage([result]))


def test_an_older_function_result_finds_its_call() -> None:
    older = AIMessage("", additional_kwargs={"function_call": {"name": "get", "arguments": "{}"}})
    other = AIMessage("", tool_calls=[{**CALL, "name": "put"}])
    messages = encoded(older, other, FunctionMessage(content="3", name="get"), HumanMessage("x"))
    assert messages[0]["tool_calls"][0]["id"] == "call-get"
    assert messages[2] == {
        "role": "tool",
        "content": "3",
        "tool_call_id": "call-get",
        "name": "get",
    }
    without = AIMessage("", additional_kwargs={"function_call": {"name": "get"}})
    assert encoded(without)[0]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_calls_that_only_blocks_know_of_are_sent() -> None:
    content: list[Any] = [
        "thinking",
        {"type": "tool_use", "id": "c-1", "name": "get", "input": {"city": "Zürich"}},
        {"type": "tool_call", "id": "c-2", "name": "get", "args": {}},
        {"type": "thinking", "thinking": "secret", "signature": "foreign"},
    ]
    [message] = encoded(AIMessage(content))
    assert message["content"] == "thinking"
    assert [call["id"] for call in message["tool_calls"]] == ["c-1", "c-2"]
    assert message["tool_calls"][0] == WIRE_CALL


@pytest.mark.parametrize(
    "metadata", [{**OURS, "output_version": "v1"}, {"model_provider": "anthropic"}]
)
def test_calls_that_were_removed_are_not_sent(metadata: Json) -> None:
    content: list[Any] = ["a", {"type": "tool_call", "id": "c-2", "name": "get", "args": {}}]
    removed = AIMessage(content, response_metadata=metadata)
    assert encoded(removed) == [{"role": "assistant", "content": "a"}]


def test_carriers_of_ours_go_back() -> None:
    kwargs = {
        "reasoning_details": [{"type": "reasoning.encrypted", "data": "d", "id": "c-1"}],
        "tool_call_extra_content": {"c-1": SIGNED, "gone": SIGNED},
        "extra_content": SIGNED,
        "reasoning_content": "shown",
        "signed_tool_calls": ["c-1"],
        "refusal": "no",
    }
    [message] = encoded(assistant(tool_calls=[CALL], additional_kwargs=kwargs))
    assert message == {
        "role": "assistant",
        "content": "",
        "tool_calls": [{**WIRE_CALL, "extra_content": SIGNED}],
        "reasoning_details": kwargs["reasoning_details"],
        "extra_content": SIGNED,
        "refusal": "no",
    }


def test_reasoning_alone_goes_back_as_text_if_it_is_ours() -> None:
    kwargs = {"reasoning_content": "thought", "refusal": "no"}
    ours = {"role": "assistant", "content": "a", "reasoning": "thought", "refusal": "no"}
    assert encoded(assistant(content="a", additional_kwargs=kwargs)) == [ours]
    theirs = AIMessage("a", additional_kwargs=kwargs, response_metadata={"model_provider": "x"})
    assert encoded(theirs) == [{"role": "assistant", "content": "a"}]


def test_blocks_alone_are_enough() -> None:
    blocks = assistant(
        content=[
            {"type": "reasoning", "reasoning": "t", "extras": {"extra_content": SIGNED}},
            {"type": "text", "text": "a"},
            {**CALL, "extras": {"signature": "sig"}},
        ],
        tool_calls=[CALL],
    )
    [message] = encoded(blocks)
    assert message["content"] == "a"
    assert message["extra_content"] == SIGNED
    assert message["tool_calls"] == [{**WIRE_CALL, "extra_content": SIGNED}]


def test_a_refusal_is_not_said_twice() -> None:
    content: list[Any] = [
        {"type": "text", "text": "a"},
        {"type": "refusal", "refusal": "no", "index": "lc_rf_0"},
    ]
    ours = assistant(content=content, additional_kwargs={"refusal": "no"})
    assert encoded(ours) == [{"role": "assistant", "content": "a", "refusal": "no"}]
    assert encoded(assistant(content=content)) == [{"role": "assistant", "content": "ano"}]


INVALID = {
    "name": "get",
    "args": '{"city": "Os',
    "id": "bad",
    "error": "cut",
    "type": "invalid_tool_call",
}


def test_a_cut_off_call_is_sent_only_if_it_is_answered_in_its_turn() -> None:
    message = assistant(tool_calls=[CALL], invalid_tool_calls=[INVALID, {**INVALID, "id": None}])
    good, bad = ToolMessage("3", tool_call_id="c-1"), ToolMessage("broken", tool_call_id="bad")
    alone = encoded(message, good)
    assert [call["id"] for call in alone[0]["tool_calls"]] == ["c-1"]
    answered = encoded(message, good, bad, HumanMessage("x"))
    assert [call["id"] for call in answered[0]["tool_calls"]] == ["c-1", "bad"]
    assert answered[0]["tool_calls"][1]["function"]["arguments"] == "{}"
    # A server may use an id again: the result of a later turn is not this turn's.
    later = encoded(message, good, assistant(tool_calls=[{**CALL, "id": "bad"}]), bad)
    assert later[0] == alone[0]
    empty = assistant(invalid_tool_calls=[{**INVALID, "args": None}])
    assert encoded(empty, bad)[0]["tool_calls"][0]["function"]["arguments"] == "{}"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (AIMessage("", tool_calls=[CALL, {**CALL, "id": "c-2"}]), [BYPASS, None]),
        (assistant(tool_calls=[CALL]), [BYPASS]),
        (
            assistant(
                tool_calls=[{**CALL, "id": "c-2"}, CALL],
                additional_kwargs={"tool_call_extra_content": {"c-1": SIGNED}},
            ),
            [None, SIGNED],
        ),
        (
            assistant(tool_calls=[CALL], additional_kwargs={"reasoning_details": [{"data": "d"}]}),
            [None],
        ),
        (
            assistant(tool_calls=[CALL], additional_kwargs={"reasoning_content": "only text"}),
            [BYPASS],
        ),
    ],
)
def test_a_missing_signature_is_bypassed_on_request(
    message: AIMessage, expected: list[Any]
) -> None:
    [skipped] = encoded(message, missing_signatures="skip")
    assert [call.get("extra_content") for call in skipped["tool_calls"]] == expected
    [sent] = encoded(message)
    assert BYPASS not in [call.get("extra_content") for call in sent["tool_calls"]]
    assert "tool_calls" not in encoded(AIMessage("a"), missing_signatures="skip")[0]


@pytest.mark.parametrize("kind", ["image", "audio"])
def test_media_that_a_model_made_are_left_out_with_one_warning_in_every_form(kind: str) -> None:
    kept = {"image": {"images": [PICTURE]}, "audio": {"audio": {"data": "QQ=="}}}[kind]
    _content._warn_left_out.cache_clear()
    forms = [
        assistant(content="Here.", additional_kwargs=kept),
        assistant(content=[{"type": "text", "text": "Here."}, {"type": kind}]),
    ]
    with pytest.warns(UserWarning, match=f"'{kind}' of an assistant message is left out") as said:
        assert encoded(*forms) == [{"role": "assistant", "content": "Here."}] * 2
    assert len(said) == 1


def test_a_request_holds_what_the_user_set_and_nothing_else() -> None:
    settings = {"temperature": 0, "model": MODEL, "stop": [], "seed": None, "tools": [{"a": 1}]}
    request = encode_parameters(settings)
    assert request == {"model": MODEL, "temperature": 0, "tools": [{"a": 1}]}
    assert next(iter(request)) == "model"


def test_a_messages_own_objects_are_not_changed() -> None:
    message = assistant(
        content=[{"type": "text", "text": "a"}],
        tool_calls=[CALL],
        additional_kwargs={"tool_call_extra_content": {"c-1": SIGNED}},
    )
    before = message.model_dump()
    encoded(message, missing_signatures="skip")
    assert message.model_dump() == before


ENCRYPTED = {"type": "reasoning.encrypted", "data": "sig", "format": "google-gemini-v1", "index": 0}


def chunk(message: AIMessage) -> Any:
    return AIMessageChunk(**message.model_dump(exclude={"type"}))


def answered(**fields: Any) -> AIMessage:
    finish = {**OURS, "finish_reason": "tool_calls" if "tool_calls" in fields else "stop"}
    return assistant(response_metadata=finish, **fields)


PADDED = {"google": {"thought_signature": "c2ln=="}}


@pytest.mark.parametrize(
    ("kept", "later"),
    [
        (
            {"reasoning_details": [ENCRYPTED]},
            {"reasoning_details": [{**ENCRYPTED, "data": "2", "id": "c-1"}]},
        ),
        ({"extra_content": PADDED}, {"extra_content": PADDED}),
    ],
)
def test_fused_signatures_are_left_out_and_said(kept: Json, later: Json) -> None:
    first = answered(content="Let me see.", additional_kwargs=kept)
    second = answered(tool_calls=[CALL], additional_kwargs=later)
    merged = [*merge_message_runs([first, second]), chunk(first) + chunk(second)]
    _reasoning._warn_of_concatenated.cache_clear()
    with pytest.warns(UserWarning, match="Keep AI messages apart") as said:
        wire = encoded(*merged)
    sent = [one.keys() for one in wire if one["role"] == "assistant"]
    assert sent == [{"role", "content", "tool_calls"}] * 2
    assert len(said) == 1


def test_a_signature_without_padding_is_known_to_be_fused_by_the_finish_reasons() -> None:
    first = answered(content="a", additional_kwargs={"extra_content": SIGNED})
    _reasoning._warn_of_concatenated.cache_clear()
    with pytest.warns(UserWarning, match="Keep AI messages apart"):
        (wire,) = encoded(chunk(first) + chunk(first))
    assert "extra_content" not in wire


def test_what_was_not_fused_stays() -> None:
    details = [{**ENCRYPTED, "index": 1, "id": "c-1"}]
    kept = {"reasoning_details": details, "signed_tool_calls": ["c-1"]}
    text = {"type": "reasoning.text", "text": "Hm.", "format": "google-gemini-v1", "index": 0}
    first = answered(content="Let me see.", additional_kwargs={"reasoning_details": [text]})
    second = answered(tool_calls=[CALL], additional_kwargs=kept)
    (wire,) = encoded(*merge_message_runs([first, second]))
    assert wire["reasoning_details"] == [text, *details]
    (wire,) = encoded(*merge_message_runs([first, first, second]))
    assert wire["reasoning_details"] == details


def test_a_signed_call_that_was_cut_off_comes_first_again() -> None:
    cut = {"name": "get", "args": '{"a', "id": "c-0", "error": None, "type": "invalid_tool_call"}
    message = assistant(
        tool_calls=[CALL],
        invalid_tool_calls=[cut],
        additional_kwargs={"tool_call_extra_content": {"c-0": SIGNED}},
    )
    results = [ToolMessage("3", tool_call_id=one) for one in ("c-0", "c-1")]
    wire = encoded(message, *results)[0]
    assert [call["id"] for call in wire["tool_calls"]] == ["c-0", "c-1"]
    assert wire["tool_calls"][0]["extra_content"] == SIGNED
    # Without it the step would go back unsigned: it is answered for those who did not.
    request, ours, theirs = encoded(message, results[1])
    assert request == wire
    assert (ours["role"], ours["tool_call_id"], ours["name"]) == ("tool", "c-0", "get")
    assert ours["content"].startswith("Error: ")
    assert theirs["tool_call_id"] == "c-1"


@pytest.mark.parametrize("kind", ["invalid_tool_call", "tool_call_chunk"])
def test_a_cut_off_call_that_only_the_blocks_know_of_is_sent_if_it_is_answered(kind: str) -> None:
    block = {"type": kind, "id": "c-0", "name": "get", "args": '{"a', "index": 0}
    message = AIMessage(content=[{"type": "text", "text": "Hm."}, block])
    result = ToolMessage("3", tool_call_id="c-0")
    (wire, _), (alone,) = encoded(message, result), encoded(message)
    assert wire["tool_calls"] == [
        {"id": "c-0", "type": "function", "function": {"name": "get", "arguments": "{}"}}
    ]
    assert "tool_calls" not in alone


@pytest.mark.parametrize(
    ("call", "words"),
    [({"id": None}, "has the id None and the name 'get'"), ({"name": ""}, "the name ''")],
)
def test_a_call_that_the_endpoint_cannot_take_is_named(call: Json, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        encoded(AIMessage("", tool_calls=[{**CALL, **call}]))


def test_a_chat_message_of_an_assistant_keeps_its_calls() -> None:
    kwargs = {"tool_calls": [WIRE_CALL], "extra_content": SIGNED}
    message = ChatMessage(content="", role="assistant", additional_kwargs=kwargs)
    assert encoded(message, ToolMessage("3", tool_call_id="c-1"))[0] == {
        "role": "assistant",
        "content": "",
        "tool_calls": [WIRE_CALL],
        "extra_content": SIGNED,
    }


@pytest.mark.parametrize("given", [None, "get", "other"])
def test_a_tool_message_has_the_name_of_the_call_that_it_answers(given: str | None) -> None:
    history = [
        assistant(tool_calls=[CALL]),
        ToolMessage("3", tool_call_id="c-1", name=given),
        assistant(tool_calls=[{**CALL, "name": "put"}]),  # an id may come again
        ToolMessage("4", tool_call_id="c-1", name=given),
    ]
    assert [message.get("name") for message in encoded(*history)] == [None, "get", None, "put"]


def test_a_result_in_a_user_message_has_the_name_of_its_call_too() -> None:
    result = {"type": "tool_result", "tool_use_id": "c-1", "content": "3"}
    sent = encoded(assistant(tool_calls=[CALL]), HumanMessage([result]))
    assert sent[1] == {"role": "tool", "content": "3", "tool_call_id": "c-1", "name": "get"}


def test_after_a_human_edited_the_call_its_new_name_wins() -> None:
    asked = assistant(tool_calls=[CALL])
    result = ToolMessage("3", tool_call_id="c-1", name="get")
    edited = asked.model_copy(update={"tool_calls": [{**CALL, "name": "look"}]})
    assert encoded(edited, result)[1]["name"] == "look"


DETAIL = {"type": "reasoning.encrypted", "data": "sig", "index": 0}


@pytest.mark.parametrize(
    ("fields", "is_sent"),
    [
        ({}, False),
        ({"content": []}, False),
        ({"content": [{"type": "text", "text": ""}]}, False),
        ({"content": [{"type": "reasoning", "reasoning": "Hm."}]}, False),
        ({"additional_kwargs": {"reasoning_content": "Hm."}}, False),
        ({"additional_kwargs": {"reasoning_details": []}}, False),
        ({"name": "agent"}, False),
        (
            {
                "additional_kwargs": {
                    "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}]
                }
            },
            True,
        ),
        ({"additional_kwargs": {"reasoning_details": [DETAIL]}}, True),
        ({"additional_kwargs": {"extra_content": SIGNED}}, True),
        ({"additional_kwargs": {"refusal": "No."}}, True),
        ({"tool_calls": [CALL]}, True),
        ({"content": " "}, True),
    ],
)
def test_an_answer_with_nothing_in_it_is_left_out(fields: Json, *, is_sent: bool) -> None:
    sent = encoded(HumanMessage("Hi"), assistant(**fields), HumanMessage("And?"))
    roles = [message["role"] for message in sent if message["role"] != "tool"]
    assert roles == ["user", *["assistant"] * is_sent, "user"]


def test_an_empty_text_beside_other_parts_is_left_out() -> None:
    empty, text = {"type": "text", "text": ""}, {"type": "text", "text": "x"}
    assert encoded(HumanMessage([empty, PICTURE, text, empty])) == [
        {"role": "user", "content": [PICTURE, text]}
    ]
    assert encoded(SystemMessage([text, empty])) == [{"role": "system", "content": [text]}]


@pytest.mark.parametrize("content", [None, 5, b"x", {"type": "text", "text": "x"}])
@pytest.mark.parametrize(
    "message",
    [
        HumanMessage("x"),
        SystemMessage("x"),
        AIMessage("x"),
        ToolMessage("x", tool_call_id="c-1"),
    ],
    ids=lambda message: message.type,
)
def test_a_content_that_was_set_to_what_is_none_is_refused_in_words(
    message: Any, content: Any
) -> None:
    changed = message.model_copy()
    changed.content = content
    with pytest.raises(ValueError, match="must be text or a list of blocks"):
        encode_messages([changed])


@pytest.mark.parametrize("key", ["id", "name", "args"])
def test_a_call_that_lost_a_key_is_refused_in_words(key: str) -> None:
    message = AIMessage("", tool_calls=[CALL])
    del message.tool_calls[0][key]  # type: ignore[misc]  # as a user may
    with pytest.raises(ValueError, match="is no tool call"):
        encode_messages([message, ToolMessage("x", tool_call_id="c-1")])


def test_what_was_put_among_calls_and_is_none_is_refused_in_words() -> None:
    message = AIMessage("", tool_calls=[CALL])
    message.tool_calls.append("get")  # type: ignore[arg-type]  # as a user may
    with pytest.raises(ValueError, match="'get' is no tool call"):
        encode_messages([message, ToolMessage("x", tool_call_id="c-1")])


def test_a_number_of_numpy_is_a_parameter_like_others() -> None:
    numpy: Any = pytest.importorskip("numpy")
    given = {"model": MODEL, "temperature": numpy.float64(0.5), "stop": [], "seed": None}
    assert encode_parameters(given) == {"model": MODEL, "temperature": 0.5}
