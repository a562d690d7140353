"""Promises 47 to 49: nothing runs twice, no thread dies of what was left, the books stay right."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import ConfigurableField

from langchain_aimlapi import SpendCallbackHandler
from tests.wire_tests.asking import ask, every_streamed_way, every_way, model_at
from tests.wire_tests.loopback import (
    DONE,
    END,
    Loopback,
    Request,
    Steps,
    answer_to,
    chunk,
    event,
    piece,
    stream_head,
    whole,
)

if TYPE_CHECKING:
    from pathlib import Path

# ---------------------------------------------------------------- 47: a call that is said twice

FIVE = ('{"eur"', ": 5", "}")


def pieces_of(
    call_id: str | None, texts: tuple[str, ...], *, index: int = 0, names: bool = False
) -> list[dict[str, Any]]:
    """Return a call in pieces; id and name stand in the first, or in each."""
    fragments = []
    for number, text in enumerate(texts):
        opening = {"id": call_id, "type": "function"} if call_id else {}
        name = {"name": "pay"}
        is_opening = names or not number
        fragments.append(
            {
                "index": index,
                **(opening if is_opening else {}),
                "function": {**(name if is_opening else {}), "arguments": text},
            }
        )
    return fragments


TWICE: dict[str, list[dict[str, Any]]] = {
    "in the same pieces": pieces_of("c1", FIVE) * 2,
    "in other pieces": pieces_of("c1", FIVE) + pieces_of("c1", ("{", '"eur":', "5}", " ")),
    "at another index": pieces_of("c1", FIVE) + pieces_of("c1", FIVE, index=3),
    "with id and name in each": pieces_of("c1", FIVE, names=True) * 2,
    "whole, then in pieces": pieces_of("c1", ('{"eur":5}',)) + pieces_of("c1", FIVE),
    "in pieces, then whole": pieces_of("c1", FIVE) + pieces_of("c1", ('{"eur":5}',)),
    "three times": pieces_of("c1", FIVE) * 3,
    "without an id": pieces_of(None, FIVE) * 2,
}


@every_streamed_way
@pytest.mark.parametrize("name", TWICE)
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_47_a_call_that_is_said_twice_runs_once(way: str, name: str, step: int) -> None:
    events = [piece(None, tool_calls=[fragment]) for fragment in TWICE[name]]
    body = b"".join(map(event, [*events, piece(None, finish="tool_calls")])) + DONE
    cuts = [body[at : at + step] for at in range(0, len(body), step)]
    with Loopback([stream_head() + b"".join(map(chunk, cuts)) + END]) as server:
        answer = ask(model_at(server), way)
    assert [call["args"] for call in answer.tool_calls] == [{"eur": 5}]
    assert answer.invalid_tool_calls == []
    assert [call["name"] for call in answer.tool_call_chunks] == ["pay"]  # type: ignore[attr-defined]


@every_streamed_way
def test_47_other_arguments_under_one_id_are_another_call(way: str) -> None:
    fragments = pieces_of("c1", FIVE) + pieces_of("c1", ('{"eur"', ": 6", "}"))
    events = [piece(None, tool_calls=[fragment]) for fragment in fragments]
    body = b"".join(map(event, [*events, piece(None, finish="tool_calls")])) + DONE
    with Loopback([stream_head() + chunk(body) + END]) as server:
        answer = ask(model_at(server), way)
    assert [call["args"] for call in answer.tool_calls] == [{"eur": 5}, {"eur": 6}]


# ---------------------------------------------------------------- 48: a thread that was left

CALL = {"name": "pay", "args": {"eur": 5}, "id": "c1"}
OTHER = {"name": "look", "args": {}, "id": "c2"}
INTERRUPTED: dict[str, list[Any]] = {
    "no result": [AIMessage("", tool_calls=[CALL]), HumanMessage("No.")],
    "half of the results": [
        AIMessage("", tool_calls=[CALL, OTHER]),
        ToolMessage("seen", tool_call_id="c2"),
        HumanMessage("No."),
    ],
    "twice": [AIMessage("", tool_calls=[CALL]), HumanMessage("No.")] * 2,
}


def unmatched(messages: list[dict[str, Any]]) -> list[str]:
    """Return the ids of calls whose result does not follow at once, and of results without one."""
    waiting: list[str] = []
    wrong: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            known = message["tool_call_id"] in waiting
            (waiting if known else wrong).append(message["tool_call_id"])
            waiting = [name for name in waiting if name != message["tool_call_id"]]
            continue
        wrong += waiting
        waiting = [call["id"] for call in message.get("tool_calls", ())]
    return wrong


@every_way
@pytest.mark.parametrize("name", INTERRUPTED)
def test_48_each_call_goes_back_with_a_result(way: str, name: str) -> None:
    history = [HumanMessage("Pay."), *INTERRUPTED[name]]
    with Loopback(by=lambda request: [answer_to(request)]) as server:
        model = model_at(server)
        for _ in range(2):  # once more from what is kept of the messages
            ask(model, way, history)
            assert unmatched(server.requests[-1].json["messages"]) == []
    assert len(history) == 1 + len(INTERRUPTED[name])


@every_way
def test_48_what_helped_is_known_to_models_of_configurable_fields(way: str) -> None:
    def answer(request: Request) -> Steps:
        if "skip_thought_signature_validator" in request.body.decode():
            return [answer_to(request)]
        refusal = "Function call `pay` is missing a thought_signature."
        return [whole({"message": refusal, "statusCode": "400"}, status=400)]

    history = [HumanMessage("Pay."), AIMessage("", tool_calls=[CALL])]
    history += [ToolMessage("paid", tool_call_id="c1")]
    with Loopback(by=answer) as server:
        changed = model_at(server).configurable_fields(temperature=ConfigurableField(id="t"))
        for number in range(3):
            ask(changed.with_config(configurable={"t": number / 10}), way, history)
        assert len(server.requests) == 4


# ---------------------------------------------------------------- 49: the books


def test_49_an_odd_line_of_a_journal_costs_that_line_only(tmp_path: Path) -> None:
    journal = tmp_path / "spend.jsonl"
    with Loopback(by=lambda request: [answer_to(request)]) as server:
        spend = SpendCallbackHandler(journal=journal)
        model_at(server, callbacks=[spend]).invoke("Hi")
    lines = journal.read_bytes().splitlines()
    odd = [b"[]", b"null", b"\xff", b'{"end": 3}', b'{"begin": {"credits": "NaN"}}']
    journal.write_bytes(b"\n".join([odd[0], *lines, *odd[1:]]))
    again = SpendCallbackHandler(journal=journal)
    assert again.total == spend.total
    assert again.total.answers == 1
    assert [*map(json.loads, lines)]


# ---------------------------------------------------------------- 48: nor of what cannot be sent


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"extra_body": {"x": {"y": [float("nan")]}}}, r"value\.x\.y\[0\] is nan"),
        ({"model_kwargs": {"x": {"y": {1}}}}, r"value\.x\.y is \{1\}"),
    ],
)
def test_48_what_json_cannot_say_is_refused_by_its_place(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        model_at("http://127.0.0.1:9/v1", **settings).invoke("Hi")


def test_48_so_it_is_in_the_arguments_of_a_call() -> None:
    call = {"name": "pay", "args": {"eur": {"net": float("inf")}}, "id": "c1"}
    history = [HumanMessage("Pay."), AIMessage("", tool_calls=[call])]
    with pytest.raises(
        ValueError, match=r"'pay' cannot be written as JSON: value\.eur\.net is inf"
    ):
        model_at("http://127.0.0.1:9/v1").invoke(history)
