"""Tokens of both dialects, cost from body or headers; nothing that was not said."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_aimlapi._codec.usage import read_cost, read_usage
from tests.answers import JSON

COUNTS = st.integers(0, 10**9)


@given(COUNTS, COUNTS, COUNTS)
def test_both_dialects_give_the_same_output(prompt: int, said: int, thought: int) -> None:
    openrouter = read_usage(
        {
            "prompt_tokens": prompt,
            "completion_tokens": said + thought,
            "total_tokens": prompt + said + thought,
        }
    )
    vertex = read_usage(
        {
            "prompt_tokens": prompt,
            "completion_tokens": said,
            "total_tokens": prompt + said + thought,
        }
    )
    assert openrouter == vertex
    assert openrouter == {
        "input_tokens": prompt,
        "output_tokens": said + thought,
        "total_tokens": prompt + said + thought,
    }


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 4}, (3, 4, 7)),
        ({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 5}, (3, 4, 7)),
        ({"prompt_tokens": "3", "completion_tokens": 4.0, "total_tokens": None}, (3, 4, 7)),
        ({"prompt_tokens": None, "completion_tokens": 4, "total_tokens": 9}, (5, 4, 9)),
        ({"prompt_tokens": -1, "completion_tokens": 4}, (0, 4, 4)),
        ({"prompt_tokens": 3, "completion_tokens": None, "total_tokens": 9}, (3, 6, 9)),
        ({"prompt_tokens": 0, "completion_tokens": 180, "total_tokens": 180}, (0, 180, 180)),
        ({"prompt_tokens": 2.9, "completion_tokens": 1}, (2, 1, 3)),
        ({"prompt_tokens": 10**400, "completion_tokens": 1}, (0, 1, 1)),
    ],
)
def test_odd_counts_are_read_as_far_as_they_are_counts(
    usage: dict[str, Any], expected: tuple[int, int, int]
) -> None:
    counts = read_usage(usage)
    assert counts is not None
    assert (counts["input_tokens"], counts["output_tokens"], counts["total_tokens"]) == expected


@pytest.mark.parametrize(
    "usage",
    [
        None,
        [],
        "12",
        {},
        {"total_tokens": 5},
        {"prompt_tokens": True, "completion_tokens": -3},
        {"prompt_tokens": math.nan, "completion_tokens": "many"},
    ],
)
def test_no_usable_count_is_no_usage(usage: Any) -> None:
    assert read_usage(usage) is None


def test_details_are_named_as_langchain_names_them() -> None:
    counts = read_usage(
        {
            "prompt_tokens": 2168,
            "completion_tokens": 40,
            "total_tokens": 2208,
            "prompt_tokens_details": {
                "cached_tokens": 2161,
                "cache_write_tokens": 2161,
                "audio_tokens": 0,
                "video_tokens": 258,
                "image_tokens": None,
                "unheard_of": 1,
            },
            "completion_tokens_details": {
                "reasoning_tokens": 30,
                "audio_tokens": "1",
                "image_tokens": -1,
                "accepted_prediction_tokens": 3,
            },
        }
    )
    assert counts is not None
    assert counts["input_token_details"] == {
        "cache_read": 2161,
        "cache_creation": 2161,
        "audio": 0,
        "video": 258,
    }
    assert counts["output_token_details"] == {"reasoning": 30, "audio": 1}


@pytest.mark.parametrize("details", [None, [], {}, {"cached_tokens": None}, 3])
def test_details_that_say_nothing_are_left_out(details: Any) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": details}
    assert set(read_usage(usage) or {}) == {"input_tokens", "output_tokens", "total_tokens"}


CREDITS, USD = "x-aimlapi-credits-used", "x-aimlapi-usd-spent"


@pytest.mark.parametrize(
    ("usage", "headers", "expected"),
    [
        (None, {}, {}),
        ({"credits_used": 2480}, {}, (2480, 0.00124, "derived")),
        ({"tokens_used": 4211}, {}, (4211, 0.0021055, "derived")),
        ({"credits_used": 5, "tokens_used": 7}, {}, (5, 0.0000025, "derived")),
        ({"credits_used": 2480, "usd_spent": 0.001}, {}, (2480, 0.001, "body")),
        ({"credits_used": 2480, "usd_spent": "0.001"}, {USD: "0.2"}, (2480, 0.001, "body")),
        ({"credits_used": 0}, {CREDITS: "3"}, (0, 0.0, "derived")),
        (None, {CREDITS: "2480", USD: "0.001240000"}, (2480, 0.00124, "header")),
        (None, {CREDITS: "120000"}, (120000, 0.06, "derived")),
        ({"credits_used": "many"}, {CREDITS: "no number", USD: "NaN"}, {}),
        (None, {USD: "0.25"}, (None, 0.25, "header")),
    ],
)
def test_cost_comes_from_the_body_then_the_headers_then_the_rate(
    usage: Any, headers: dict[str, str], expected: Any
) -> None:
    meta = {"usage": usage} if usage else None
    cost = read_cost(meta, headers=headers)
    if meta:
        assert cost.pop("meta") == meta
    names = ("credits_used", "usd_spent", "usd_spent_source")
    wanted = dict(zip(names, expected, strict=True)) if expected else {}
    assert cost == {name: value for name, value in wanted.items() if value is not None}


@given(JSON, JSON)
def test_any_value_is_read_without_an_error(usage: Any, meta: Any) -> None:
    assert read_usage(usage) is None or isinstance(usage, dict)
    assert "usd_spent" not in read_cost(meta, headers={}) or isinstance(meta, dict)
    assert read_cost({"usage": meta}, headers={})["meta"] == {"usage": meta}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (2480, 2480),
        ("2480", 2480),
        (2480.0, 2480),
        (2480.9, 2480.9),
        ("0.4", 0.4),
        (0.4, 0.4),
        ("9007199254740993", 9007199254740993),
        (9007199254740993, 9007199254740993),
        ("0.1000000000000000000001", "0.1000000000000000000001"),
    ],
)
def test_credits_are_read_exactly_in_types_that_json_has(written: Any, read: Any) -> None:
    for meta, headers in (
        ({"usage": {"credits_used": written}}, {}),
        ({"usage": {"tokens_used": written}}, {}),
        (None, {"x-aimlapi-credits-used": str(written)}),
    ):
        cost = read_cost(meta, headers=headers)
        assert cost["credits_used"] == read
        assert type(cost["credits_used"]) is type(read)
        assert cost["usd_spent"] == pytest.approx(float(read) / 2_000_000)
        assert json.loads(json.dumps(cost)) == cost


@pytest.mark.parametrize(
    "written", [True, None, -1, -0.1, "much", "NaN", 10**30, 1e300, [], "1e99"]
)
def test_credits_that_are_none_are_not_there(written: Any) -> None:
    assert "credits_used" not in read_cost({"usage": {"credits_used": written}}, headers={})
