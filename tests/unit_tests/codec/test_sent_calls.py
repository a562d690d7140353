"""Calls on their way back: whatever a server once sent can be sent again, and is taken."""

from __future__ import annotations

import json
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    FunctionMessage,
    HumanMessage,
    ToolMessage,
    message_chunk_to_message,
)
from langchain_core.tools import tool

from langchain_aimlapi import AIMLAPIError, ChatAIMLGemini
from langchain_aimlapi._codec.request import encode_messages
from langchain_aimlapi.testing.standin import StandIn
from tests.answers import TEXTS, model_of, served, streamed_answers
from tests.examples import examples
from tests.wire_tests.asking import ask

if TYPE_CHECKING:
    from random import Random

    from tests.answers import Json

OURS = {"model_provider": "aimlapi"}
SIGNED: Json = {"google": {"thought_signature": "sig"}}


def problem_of(messages: list[Json]) -> str | None:
    """Say what Gemini would refuse of calls, arguments or results (wire facts 13.1, 13.3, 13.9)."""
    waiting: dict[str, str] = {}
    for message in messages:
        if message["role"] != "tool" and waiting:
            return f"no result for {sorted(waiting)}"
        for call in message.get("tool_calls", ()):
            function = call["function"]
            if not function["name"] or call["id"] in waiting:
                return f"a call without a name, or twice: {call}"
            if not isinstance(json.loads(function["arguments"]), dict):
                return f"arguments are no object: {call}"
            waiting[call["id"]] = function["name"]
        is_result = message["role"] == "tool"
        if is_result and waiting.pop(message["tool_call_id"], None) != message.get("name"):
            return f"a result of no call: {message}"
    return f"no result for {sorted(waiting)}" if waiting else None


def results_of(message: AIMessage, *, with_broken: bool) -> list[BaseMessage]:
    """Return results as an agent gives them: errors first, as langchain 1.5 does."""
    calls = [*(message.invalid_tool_calls if with_broken else ()), *message.tool_calls]
    return [
        ToolMessage("Done.", tool_call_id=call["id"] or "", name=call["name"] or "unknown")
        for call in calls
    ]


class Given(NamedTuple):
    """An answer in one form, with the message that tells its calls to an agent."""

    message: AIMessage
    told: AIMessage

    def results(self, *, with_broken: bool) -> list[BaseMessage]:
        return results_of(self.told, with_broken=with_broken)


def forms_of(model: Any) -> list[Given]:
    """Return the answer that a model gives, in each form that a history may hold."""
    chunks = cast("list[AIMessageChunk]", list(model.stream("Go.")))
    total = reduce(lambda a, b: a + b, chunks)
    whole = model.invoke("Go.")
    folded = cast("AIMessage", message_chunk_to_message(total))
    own = [whole, total, folded, model.stream_events("Go.", version="v3").output]
    blocks = cast("Any", whole.content_blocks)
    metadata = {**whole.response_metadata, "output_version": "v1"}
    of_blocks = [AIMessage(blocks, response_metadata=metadata), AIMessage(blocks)]
    return [
        *(Given(message, message) for message in own),
        *(Given(message, whole) for message in of_blocks),
    ]


def check(given_: Given, *, with_broken: bool) -> None:
    history = [HumanMessage("Go."), given_.message, *given_.results(with_broken=with_broken)]
    encoded = encode_messages([*history, HumanMessage("And then?")])
    assert problem_of(encoded) is None, (given_.message, encoded)


# ---------------------------------------------------------------- the law


_DAMAGE: tuple[Any, ...] = (None, "", "x", '{"a": "b\nc"}', "[1]", '{"a": "b', "{}", 3, [], [1], {})
_KEYS = {"id", "index", "function", "name", "arguments", "extra_content", "tool_calls", "content"}
_KEYS |= {"reasoning_details", "finish_reason", "native_finish_reason", "type", "choices"}


def damaged(value: Any, random: Random) -> Any:
    """Replace or repeat parts of a JSON value at random."""
    match value:
        case dict():
            kept = {key: damaged(inner, random) for key, inner in value.items()}
            odd = [key for key in kept if key in _KEYS and random.random() < 0.04]
            return kept | {key: random.choice(_DAMAGE) for key in odd}
        case list():
            kept_items = [damaged(inner, random) for inner in value]
            if kept_items and random.random() < 0.1:
                kept_items.append(random.choice(kept_items))
            return kept_items
        case _:
            return value


@examples(60)
@given(answer=streamed_answers(min_calls=1), data=st.data(), with_broken=st.booleans())
@pytest.mark.filterwarnings("ignore:A content block of type .image.")
def test_what_was_accepted_can_be_sent(
    answer: Any,
    data: st.DataObject,
    with_broken: bool,  # noqa: FBT001  drawn by name
) -> None:
    random = data.draw(st.randoms(use_true_random=True))
    completion, events = damaged(answer.completion, random), damaged(answer.events, random)
    version = data.draw(st.sampled_from(["v0", "v1"]))
    model = model_of(served(completion, events), output_version=version)
    try:
        forms = forms_of(model)
    except AIMLAPIError:
        reject()
    for form in forms:
        check(form, with_broken=with_broken)


def piece(call_id: str, arguments: str, *, index: int) -> Json:
    function = {"name": "get", "arguments": arguments}
    return {"tool_calls": [{"id": call_id, "index": index, "function": function}]}


def event(delta: Json, finish_reason: str | None = None) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {"id": "gen-1", "object": "chat.completion.chunk", "choices": [choice]}


@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("rest", ["{}", '{"a": 1', "3", "", '{"a": "\\ud83d', "[1]"])
@pytest.mark.parametrize("finish_reason", ["length", "stop"])
def test_a_call_that_might_repeat_another_to_the_end_is_alike_in_all_forms(
    finish_reason: str, rest: str, version: Any
) -> None:
    first, begun = piece("a", "{}", index=0), piece("b", "", index=1)
    again = piece("a", rest, index=0)
    events = [event(first), event(begun), event(again), event({}, finish_reason)]
    model = model_of(served({}, events), output_version=version)
    total = reduce(lambda a, b: a + b, cast("list[AIMessageChunk]", list(model.stream("Go."))))
    message = model.stream_events("Go.", version="v3").output
    told = [[(call["id"], call["args"]) for call in form.tool_calls] for form in (total, message)]
    assert told[0] == told[1]
    assert {call["id"] for call in message.invalid_tool_calls} == {
        call["id"] for call in total.invalid_tool_calls
    }
    # Without arguments a call is executable only where nothing was cut off.
    assert ("b" in dict(told[0])) == (finish_reason == "stop")
    for form in (total, message):
        check(Given(form, form), with_broken=True)


# ---------------------------------------------------------------- kinds


def call_of(call_id: str, arguments: str, name: str | None = "get", **more: Any) -> Json:
    function = {"arguments": arguments, **({} if name is None else {"name": name})}
    return {"id": call_id, "type": "function", "function": function, **more}


GOOD = call_of("b", '{"x": 1}')
SENT_GOOD = {"id": "b", "type": "function", "function": {"name": "get", "arguments": '{"x":1}'}}


def sent_of(message: AIMessage, *results: BaseMessage) -> list[Json]:
    encoded = encode_messages([HumanMessage("Go."), message, *results])
    assert problem_of(encoded) is None, encoded
    return encoded[1:]


def answers(*calls: Json, finish_reason: str = "tool_calls", **more: Any) -> list[Given]:
    head = {"id": "gen-1", "model": "m", "created": 1}
    message = {"role": "assistant", "content": "", "tool_calls": list(calls), **more}
    ending = {"index": 0, "finish_reason": finish_reason}
    whole = {**head, "choices": [{"message": message, **ending}]}
    deltas = [{"tool_calls": [{**call, "index": n}]} for n, call in enumerate(calls)]
    events = [{**head, "choices": [{"index": 0, "delta": delta}]} for delta in [more, *deltas]]
    events.append({**head, "choices": [{"delta": {}, **ending}]})
    there = served(whole, events)
    return [*forms_of(model_of(there)), *forms_of(model_of(there, output_version="v1"))]


BROKEN = ('{"city": "Os', "[1]", "null", "{'a': 1}", '{"a": NaN}', '{"a": "')


@pytest.mark.parametrize("arguments", BROKEN)
@pytest.mark.parametrize("finish_reason", ["length", "tool_calls", "MAX_TOKENS"])
def test_a_broken_call_that_was_answered_goes_back_in_its_place(
    arguments: str, finish_reason: str
) -> None:
    first = call_of("a", arguments, extra_content=SIGNED)
    for form in answers(first, GOOD, finish_reason=finish_reason):
        request, *results = sent_of(form.message, *form.results(with_broken=True))
        function = {"name": "get", "arguments": "{}"}
        sent = {"id": "a", "type": "function", "function": function, "extra_content": SIGNED}
        assert request["tool_calls"] == [sent, SENT_GOOD]
        assert [one["content"] for one in results] == ["Done.", "Done."]


def test_an_unsigned_one_keeps_its_place_too() -> None:
    signed = {**GOOD, "extra_content": SIGNED}
    last = call_of("c", '{"x": 2}')
    for form in answers(signed, call_of("a", '{"x'), last):
        request, *_ = sent_of(form.message, *form.results(with_broken=True))
        assert [call["id"] for call in request["tool_calls"]] == ["b", "a", "c"]
        alone, *_ = sent_of(form.message, *form.results(with_broken=False))
        assert [call["id"] for call in alone["tool_calls"]] == ["b", "c"]


def test_a_broken_signed_call_is_answered_for_those_who_did_not() -> None:
    encrypted = {"type": "reasoning.encrypted", "data": "Eq0", "id": "a", "index": 0}
    in_o = answers(call_of("a", '{"x'), GOOD, reasoning_details=[encrypted])
    in_v = answers(call_of("a", '{"x', extra_content=SIGNED), GOOD)
    for form in [*in_o, *in_v]:
        request, ours, theirs = sent_of(form.message, *form.results(with_broken=False))
        assert [call["id"] for call in request["tool_calls"]] == ["a", "b"]
        assert (ours["tool_call_id"], ours["name"]) == ("a", "get")
        assert ours["content"] == "Error: the call was not run, because it came incomplete."
        assert theirs["tool_call_id"] == "b"


@pytest.mark.parametrize("name", [None, "", " "])
def test_a_nameless_call_goes_back_as_the_agent_called_it(name: str | None) -> None:
    for form in answers(call_of("a", '{"x": 2}', name), GOOD):
        assert [call["id"] for call in form.told.tool_calls] == ["b"]
        request, *_ = sent_of(form.message, *form.results(with_broken=True))
        broken = next(call for call in request["tool_calls"] if call["id"] == "a")
        assert broken["function"] == {"name": "unknown", "arguments": '{"x": 2}'}


def test_a_nameless_call_of_an_earlier_version_no_longer_kills_the_thread() -> None:
    call: Any = {"id": "a", "name": "", "args": {"x": 1}, "type": "tool_call"}
    message = AIMessage("", tool_calls=[call], response_metadata=OURS)
    request, _ = sent_of(message, ToolMessage("Error.", tool_call_id="a", name="unknown"))
    assert request["tool_calls"][0]["function"] == {"name": "unknown", "arguments": '{"x":1}'}
    empty: Any = {**call, "args": {}}
    message = AIMessage("", tool_calls=[empty], response_metadata=OURS)
    request, _ = sent_of(message, ToolMessage("Error.", tool_call_id="a", name="unknown"))
    assert request["tool_calls"][0]["function"]["arguments"] == "{}"
    with pytest.raises(ValueError, match="the name ''"):
        encode_messages([AIMessage("", tool_calls=[call])])


@pytest.mark.parametrize("provider", ["aimlapi", "openai", None])
def test_a_call_that_only_the_blocks_know_of_is_sent_if_it_is_answered(provider: Any) -> None:
    block = {"type": "tool_call", "id": "a", "name": "get", "args": {"x": 1}}
    metadata = {"output_version": "v1", **({"model_provider": provider} if provider else {})}
    message = AIMessage(content=[block], response_metadata=metadata)
    message.tool_calls = []
    request, _ = sent_of(message, ToolMessage("1", tool_call_id="a", name="get"))
    assert request["tool_calls"][0]["function"] == {"name": "get", "arguments": '{"x":1}'}
    assert all("tool_calls" not in one for one in encode_messages([message]))


@settings(max_examples=10)
@given(text=TEXTS)
def test_what_was_appended_to_arguments_does_not_go_back(text: str) -> None:
    arguments = json.dumps({"a": text})[:-1]
    for form in answers(call_of("a", arguments)):
        request, *_ = sent_of(form.message, *form.results(with_broken=True))
        assert request["tool_calls"][0]["function"]["arguments"] == "{}"


# ---------------------------------------------------------------- nobody answered


def called(*ids: str) -> AIMessage:
    calls = [{"name": f"do_{call_id}", "args": {}, "id": call_id} for call_id in ids]
    return AIMessage("", tool_calls=calls)


def turns(*messages: BaseMessage) -> list[Any]:
    """Return the roles, of results the ids of their calls."""
    sent = encode_messages([HumanMessage("Go."), *messages])
    return [one.get("tool_call_id", one["role"]) for one in sent[1:]]


SAID = HumanMessage("Leave it.")


@pytest.mark.parametrize(
    ("messages", "sent"),
    [
        ([called("a"), SAID], ["assistant", "a", "user"]),
        ([called("a", "b"), SAID], ["assistant", "a", "b", "user"]),
        (
            [called("a", "b"), ToolMessage("1", tool_call_id="b"), SAID],
            ["assistant", "a", "b", "user"],
        ),
        ([called("a", "b"), ToolMessage("1", tool_call_id="a")], ["assistant", "a"]),
        ([called("a"), AIMessage("Well.")], ["assistant", "a", "assistant"]),
        ([called("a"), SAID, called("a"), SAID], ["assistant", "a", "user"] * 2),
        # Nothing is known yet, or the result is only late.
        ([called("a")], ["assistant"]),
        ([called("a"), SAID, ToolMessage("1", tool_call_id="a")], ["assistant", "user", "a"]),
        ([called("a"), ToolMessage("1", tool_call_id="a"), SAID], ["assistant", "a", "user"]),
        ([called("a"), FunctionMessage(content="1", name="do_a")], ["assistant", "a"]),
    ],
)
def test_a_call_without_a_result_is_answered_where_the_conversation_goes_on(
    messages: list[BaseMessage], sent: list[str]
) -> None:
    assert turns(*messages) == sent


def test_our_result_says_that_there_is_none_and_names_the_call() -> None:
    history = [HumanMessage("Go."), called("a"), SAID]
    assert encode_messages(history)[2] == {
        "role": "tool",
        "content": "Error: the call has no result, because the conversation went on without it.",
        "tool_call_id": "a",
        "name": "do_a",
    }
    assert [type(message) for message in history] == [HumanMessage, AIMessage, HumanMessage]


@pytest.mark.parametrize("name", ["do.it", "9 lives", "é", "x" * 70])
def test_our_result_has_the_name_that_its_call_is_sent_with(name: str) -> None:
    good = AIMessage("", tool_calls=[{"name": name, "args": {}, "id": "a"}])
    broken = AIMessage(
        "",
        invalid_tool_calls=[{"name": name, "args": "{", "id": "b", "error": None}],
        additional_kwargs={"tool_call_extra_content": {"b": SIGNED}},
    )
    history = [HumanMessage("Go."), good, SAID, broken, SAID]
    for remedies, is_kept in (([], True), (["rename_calls"], False)):
        sent = encode_messages(history, remedies=cast("Any", remedies))
        called = [call["function"]["name"] for said in sent for call in said.get("tool_calls", ())]
        answered = [said["name"] for said in sent if said["role"] == "tool"]
        assert called == answered
        assert len(called) == 2
        assert (called == [name, name]) is is_kept


@tool
def look(city: str) -> str:
    """Look at the weather."""
    return city


@pytest.mark.parametrize("way", ["invoke", "stream"])
@pytest.mark.parametrize("dialect", ["O", "V"])
def test_a_thread_lives_on_after_an_interrupt(way: str, dialect: Any) -> None:
    with StandIn(strict=True, dialect=dialect) as server:
        model = ChatAIMLGemini(
            model="google/gemini-3-flash-preview",
            base_url=server.base_url,
            api_key="any",
            max_retries=0,
        )
        bound = model.bind_tools([look])
        first = bound.invoke("Weather in Oslo?", tool_choice="any")
        assert first.tool_calls
        history = [HumanMessage("Weather in Oslo?"), first, HumanMessage("No, say hello.")]
        assert ask(bound, way, history)
        model.close()
