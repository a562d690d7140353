"""Thought signatures: what comes back as it was sent is taken, everything else refused."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi.testing.standin import StandIn
from tests.unit_tests.testing.standin.standin_client import (
    NEWER,
    ask,
    chunks_of,
    folded,
    message_of,
    tool,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Change = Callable[[dict[str, Any]], None]

TOOLS = [tool("first", a={"type": "integer"}), tool("second", b={"type": "integer"})]
SKIP = {"google": {"thought_signature": "skip_thought_signature_validator"}}
DIALECTS = ["O", "V"]


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    with StandIn() as running:
        yield running


@pytest.fixture(scope="module")
def strict() -> Iterator[StandIn]:
    with StandIn(strict=True) as running:
        yield running


def results(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "role": "tool",
            "tool_call_id": call["id"],
            "content": "ok",
            "name": call["function"]["name"],
        }
        for call in message["tool_calls"]
    ]


def step(
    server: StandIn, history: list[Any], dialect: str = "O", *, stream: bool = False
) -> dict[str, Any]:
    """Return the assistant message of the next step, as a careful client keeps it."""
    headers = {"x-standin-dialect": dialect}
    response = ask(server, history, headers=headers, tools=TOOLS, stream=stream)
    if not stream:
        return message_of(response)
    message = folded(chunks_of(response))
    kept = {name: value for name, value in message.items() if name != "reasoning"}
    return {name: value for name, value in kept.items() if value not in ([], None)}


def refused(server: StandIn, message: dict[str, Any], prompt: str = "go") -> str:
    """Return why the server refuses the message with its results; empty if it does not."""
    history = [user(prompt), {**message, "content": message.get("content") or ""}]
    response = ask(server, [*history, *results(message)], tools=TOOLS)
    if response.status_code == 200:
        return ""
    assert response.status_code == 400
    return str(response.json()["message"])


def carrier(message: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the object that holds the signature of a message's first call, and its key."""
    if "reasoning_details" in message:
        return message["reasoning_details"][-1], "data"
    return message["tool_calls"][0]["extra_content"]["google"], "thought_signature"


def drop(message: dict[str, Any]) -> None:
    message.pop("reasoning_details", None)
    for call in message["tool_calls"]:
        call.pop("extra_content", None)


def alter(message: dict[str, Any]) -> None:
    holder, key = carrier(message)
    holder[key] = "A" + holder[key]


def move(message: dict[str, Any]) -> None:
    first, second = message["tool_calls"]
    if "extra_content" in first:
        second["extra_content"] = first.pop("extra_content")
    else:
        message["reasoning_details"][-1]["id"] = second["id"]


def duplicate(message: dict[str, Any]) -> None:
    first, second = message["tool_calls"]
    if "extra_content" in first:
        second["extra_content"] = first["extra_content"]
    else:
        detail = message["reasoning_details"][-1]
        message["reasoning_details"].append({**detail, "id": second["id"]})


def unlink(message: dict[str, Any]) -> None:
    """Lose what says which call a signature belongs to."""
    if "reasoning_details" in message:
        message["reasoning_details"][-1]["id"] = None
    else:
        message["extra_content"] = message["tool_calls"][0].pop("extra_content")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_was_issued_is_told_by_call_id(server: StandIn, dialect: str) -> None:
    message = step(server, [user("call first(1) and second(2)")], dialect)
    holder, key = carrier(message)
    signed, unsigned = (call["id"] for call in message["tool_calls"])
    assert server.issued_signatures[signed] == holder[key]
    assert server.issued_signatures[unsigned] is None


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [False, True])
def test_five_steps_returned_verbatim_are_taken(
    server: StandIn, dialect: str, *, stream: bool
) -> None:
    history: list[Any] = [user("call first in 5 steps")]
    for _ in range(5):
        message = step(server, history, dialect, stream=stream)
        assert len(message["tool_calls"]) == 1
        history += [{**message, "content": message["content"] or ""}, *results(message)]
    assert "tool_calls" not in step(server, history, dialect)
    first = copy.deepcopy(history)
    drop(first[1])
    response = ask(server, first, tools=TOOLS)
    assert response.status_code == 400
    assert "Function call `first` in the `2`. content block" in response.json()["message"]
    last = copy.deepcopy(history)
    drop(last[9])
    assert "`first` in the `10`. content block" in ask(server, last, tools=TOOLS).text


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (drop, "Function call `first` in the `2`. content block is missing a `thought_signature`"),
        (alter, "Corrupted thought signature."),
        (move, "missing a `thought_signature`"),
        (duplicate, "Corrupted thought signature."),
        (unlink, "missing a `thought_signature`"),
    ],
)
def test_what_does_not_come_back_as_it_was_is_refused(
    server: StandIn, dialect: str, change: Change, reason: str
) -> None:
    message = step(server, [user("first and second")], dialect)
    assert refused(server, message) == ""
    change(message)
    assert reason in refused(server, message)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_signature_of_another_step_is_corrupted(server: StandIn, dialect: str) -> None:
    one, other = (step(server, [user("first")], dialect) for _ in range(2))
    holder, key = carrier(one)
    other_holder, other_key = carrier(other)
    holder[key] = other_holder[other_key]
    assert "Corrupted" in refused(server, one)


def test_the_bypass_value_is_taken(server: StandIn) -> None:
    message = step(server, [user("first and second")])
    drop(message)
    message["tool_calls"][0]["extra_content"] = SKIP
    assert refused(server, message) == ""


def test_once_the_signed_call_is_removed_the_step_is_unsigned(server: StandIn) -> None:
    message = step(server, [user("first and second")])
    del message["tool_calls"][0]
    del message["reasoning_details"][-1]
    assert "`second`" in refused(server, message)


def test_only_the_current_turn_is_judged(server: StandIn) -> None:
    message = step(server, [user("first")])
    turn = [user("first"), message, *results(message)]
    drop(message)
    again = [*turn, {"role": "assistant", "content": "done"}, user("thanks")]
    assert ask(server, again).status_code == 200


def foreign(call_id: str = "abc123") -> dict[str, Any]:
    call = {"id": call_id, "type": "function", "function": {"name": "first", "arguments": "{}"}}
    return {"role": "assistant", "content": "", "tool_calls": [call]}


def test_calls_of_others_are_tolerated_but_not_with_made_up_signatures(server: StandIn) -> None:
    assert refused(server, foreign()) == ""
    made_up = foreign()
    made_up["tool_calls"][0]["extra_content"] = {"google": {"thought_signature": "made up"}}
    assert "Corrupted" in refused(server, made_up)
    stolen = foreign()
    holder, key = carrier(step(server, [user("first")]))
    stolen["tool_calls"][0]["extra_content"] = {"google": {"thought_signature": holder[key]}}
    assert "Corrupted" in refused(server, stolen)


def test_details_that_are_none_are_overlooked(server: StandIn) -> None:
    for details in ("none", ["none", {}], [{"type": "reasoning.text", "signature": ""}]):
        assert refused(server, {**foreign(), "reasoning_details": details}) == ""


def test_a_strict_server_wants_the_bypass_value_on_calls_of_others(strict: StandIn) -> None:
    message = foreign()
    assert "missing a `thought_signature`" in refused(strict, message)
    message["tool_calls"][0]["extra_content"] = SKIP
    assert refused(strict, message) == ""
    custom = {"id": "x", "type": "custom", "custom": {"name": "g", "input": ""}}
    history = [user("go"), {**foreign(), "tool_calls": [custom]}]
    result = {"role": "tool", "tool_call_id": "x", "content": "ok", "name": "g"}
    assert "thought_signature" in ask(strict, [*history, result], model=NEWER).text


@pytest.mark.parametrize(
    ("edited", "taken"),
    [('{"a":  1}', True), ('{"a": 2}', False)],
)
def test_a_strict_server_refuses_edited_arguments(
    server: StandIn, strict: StandIn, edited: str, *, taken: bool
) -> None:
    for one, expected in ((server, True), (strict, taken)):
        message = step(one, [user("first(1)")])
        message["tool_calls"][0]["function"]["arguments"] = edited
        assert (refused(one, message) == "") is expected


def test_a_strict_server_takes_other_arguments_where_it_cut_its_own_off(strict: StandIn) -> None:
    strict.answer_next(tool_calls=[{"name": "first", "args": '{"a": 1'}], finish_reason="length")
    message = step(strict, [user("go")])
    assert "function_call.args" in refused(strict, message)
    message["tool_calls"][0]["function"]["arguments"] = "{}"
    assert refused(strict, message) == ""


def test_a_strict_server_knows_nothing_of_the_details_of_others(strict: StandIn) -> None:
    message = foreign()
    message["tool_calls"][0]["extra_content"] = SKIP
    message["reasoning_details"] = [{"type": "reasoning.text", "text": "Hm."}]
    assert refused(strict, message) == ""


def test_a_strict_server_wants_all_details_back_or_none_edited(
    server: StandIn, strict: StandIn
) -> None:
    for one, reason in ((server, ""), (strict, "preserved unmodified")):
        message = step(one, [user("first")])
        assert refused(one, message) == ""
        message["reasoning_details"][0]["text"] += "!"
        assert reason in refused(one, message)
        del message["reasoning_details"][0]
        assert reason in refused(one, message)
    last = message["reasoning_details"][-1]["data"]
    message["reasoning_details"][-1]["data"] = "skip_thought_signature_validator"
    assert "preserved unmodified" in refused(strict, message), "the bypass value does not excuse it"
    message["reasoning_details"][-1]["data"] = last
    assert refused(server, message) != "", "an id of the strict server is a stranger's here"


def test_a_strict_server_looks_at_earlier_turns(server: StandIn, strict: StandIn) -> None:
    for one, status in ((server, 200), (strict, 400)):
        answer = message_of(ask(one, "hi"))
        history = [user("hi"), answer, user("and?")]
        assert ask(one, history).status_code == 200
        answer["reasoning_details"][-1]["data"] = "altered"
        assert ask(one, history).status_code == status


def test_results_of_parallel_calls_count_as_one_content_block(server: StandIn) -> None:
    system = {"role": "system", "content": "Be."}
    history: list[Any] = [system, user("first and second in 2 steps")]
    parallel = step(server, [system, user("first and second")])
    history += [{**parallel}, *results(parallel)]
    nxt = step(server, history)
    history += [nxt, *results(nxt)]
    drop(nxt)
    assert "in the `4`. content block" in ask(server, history, tools=TOOLS).text
