"""What an answer costs grows with its length, however it is cut: ten times as much, no more."""

from __future__ import annotations

import gc
import json
import time
from typing import TYPE_CHECKING

import pytest

from langchain_aimlapi._codec.reasoning import Signatures
from langchain_aimlapi._codec.stream import StreamDecoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.answers import Json

ROW = ',{"name":"abcdefghijklmnopqrstuvwxyz","n":123456789012345}'


def fragment_of(call_id: str, arguments: str) -> Json:
    function = {"name": "put", "arguments": arguments}
    return {"tool_calls": [{"index": 0, "id": call_id, "function": function}]}


def detail_of(call_id: str, index: int = 0) -> Json:
    return {"type": "reasoning.encrypted", "data": f"Eq0{index}", "id": call_id, "index": index}


def rows(number: int) -> list[Json]:
    return [fragment_of("a", text) for text in ('{"rows":[{}', *[ROW] * number, "]}")]


def broken_objects(number: int) -> list[Json]:
    return [fragment_of("a", "{x}")] * number


def signed_calls(number: int) -> list[Json]:
    details = [{"reasoning_details": [detail_of(f"c{n}", n)]} for n in range(number)]
    return [*details, *(fragment_of(f"c{n}", f'{{"a":{n}}}') for n in range(number))]


def calls_of_one_id(number: int) -> list[Json]:
    details = [detail_of("c", n) for n in range(number)]
    calls = (fragment_of("c", f'{{"a":{n}}}') for n in range(number))
    return [{"reasoning_details": details}, *calls]


def one_detail_in_pieces(number: int) -> list[Json]:
    return [{"content": "a", "reasoning_details": [detail_of("c")]}] * number


def refusal(number: int) -> list[Json]:
    return [{"refusal": "x" * 60}] * number


@pytest.fixture(autouse=True)
def _without_collector() -> Iterator[None]:
    """Its runs cost what the whole process holds, not what is measured."""
    gc.disable()
    yield
    gc.enable()


def seconds_of(deltas: list[Json]) -> float:
    choices = [{"index": 0, "delta": delta} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "tool_calls"})
    events = [json.dumps({"id": "g", "choices": [choice]}).encode() for choice in choices]
    begun = time.process_time()
    assert [*StreamDecoder({}, client_request_id="mine").feed([*events, b"[DONE]"])]
    return time.process_time() - begun


@pytest.mark.slow
@pytest.mark.parametrize(
    "deltas",
    [rows, broken_objects, signed_calls, calls_of_one_id, one_detail_in_pieces, refusal],
)
def test_a_stream_costs_no_more_than_its_length(deltas: Callable[[int], list[Json]]) -> None:
    few = min(seconds_of(deltas(200)) for _ in range(4))
    many = min(seconds_of(deltas(2_000)) for _ in range(2))
    assert many < 20 * few


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:A message is several answers added up")
def test_fused_details_are_found_in_one_go() -> None:
    def seconds(number: int) -> float:
        form = "google-gemini-v1" * 2
        details = [{"format": form, "data": f"Eq0{n}"} for n in range(number)]
        details.append({"format": "a" * number * 20 + "b"})
        begun = time.process_time()
        assert (
            len(Signatures(details=[*details]).without_concatenated(finish_reason="stop").details)
            == 1
        )
        return time.process_time() - begun

    assert min(seconds(5_000) for _ in range(3)) < 20 * min(seconds(500) for _ in range(5))
