"""A cost is a value: added, subtracted, printed, exact."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from langchain_aimlapi.spend import Cost
from tests.answers import model_of, served


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (Cost(credits=Decimal(877), usd_reported=Decimal("0.0004385")), "877 credits ($0.00044)"),
        (Cost(credits=Decimal(2480), usd_derived=Decimal("0.00124")), "2480 credits ($0.00124)"),
        (Cost(credits=Decimal(1), usd_derived=Decimal("0.0000005")), "1 credits ($0.0000005)"),
        (Cost(credits=Decimal("2480.9"), usd_reported=Decimal("1.5")), "2480.9 credits ($1.50)"),
        (Cost(credits=Decimal(10**7), usd_reported=Decimal(5)), "10000000 credits ($5.00)"),
        (Cost(), "0 credits ($0.00)"),
        (
            Cost(open=2, credits_open=Decimal(24000)),
            "0 credits ($0.00), 2 open (at most 24000 credits)",
        ),
    ],
)
def test_a_cost_prints_as_credits_and_usd(cost: Cost, text: str) -> None:
    assert str(cost) == text


def test_costs_are_subtracted_as_they_are_added() -> None:
    one = Cost(answers=1, credits=Decimal("0.1"), usd_reported=Decimal("0.2"), output_tokens=3)
    other = Cost(answers=2, credits=Decimal("0.2"), usd_derived=Decimal("0.1"), open=1)
    assert one + other - other == one
    assert (other - other) == Cost()
    anything: Any = 1
    with pytest.raises(TypeError):
        one - anything


@pytest.mark.parametrize(
    ("written", "credits_used"),
    [
        (2480.9, "2480.9"),
        (0.4, "0.4"),
        ("9007199254740993", "9007199254740993"),
        (9007199254740993, "9007199254740993"),
        ("0.1000000000000000000001", "0.1000000000000000000001"),
        pytest.param(10**5000, "0", id="huge"),
        ("1e999999", "0"),
    ],
)
def test_credits_are_read_exactly(written: Any, credits_used: str) -> None:
    cost = Cost.read({"credits_used": written}, usage_metadata={})
    assert cost.credits == Decimal(credits_used)
    assert (cost + cost - cost).credits == cost.credits


def test_an_amount_of_any_size_prints() -> None:
    assert str(Cost(credits=Decimal("2e30"), usd_reported=Decimal("1e24"))).endswith(".00)")


@pytest.mark.parametrize("written", ["1e-999999", "1E-41", "1e999999", "NaN", "-1"])
def test_amounts_that_could_not_be_written_out_are_none(written: str) -> None:
    cost = Cost.read({"credits_used": written, "usd_spent": written}, usage_metadata={})
    assert cost.unpriced == 1
    assert len(str(cost)) < 200
    completion: Any = {
        "id": "x",
        "meta": {"usage": {"credits_used": written, "usd_spent": written}},
    }
    completion["choices"] = [{"finish_reason": "stop", "message": {"content": "hi"}}]
    told = model_of(served(completion)).invoke("hi").response_metadata
    assert "credits_used" not in told


@pytest.mark.parametrize("written", ["0", "0E-999999", "1e-40"])
def test_the_smallest_amounts_are_read(written: str) -> None:
    cost = Cost.read({"credits_used": written}, usage_metadata={})
    assert (cost.unpriced, cost.credits) == (0, Decimal(written))
    assert len(str(cost)) < 200
