"""The table of growth tells linear from quadratic."""

import pytest

from tests.benchmarks import growth

SIZES = (10, 100, 1_000)


@pytest.mark.parametrize("power", [0.5, 1, 2])
def test_the_exponent_is_that_of_the_cost(power: float) -> None:
    costs = [0.001 * size**power for size in SIZES]
    assert growth.exponents(SIZES, costs) == pytest.approx([power, power])


def test_the_collector_is_told_apart() -> None:
    grown = growth.Grown("calls", {10: 1.0, 100: 20.0}, {10: 0.0, 100: 10.0}, {})
    assert grown.powers == pytest.approx([1])
    assert "0%, 50%" in grown.line()


@pytest.mark.parametrize(
    "family",
    # Those in flight and the threads ask a server, which only the command starts.
    [
        family
        for family in growth.families("")
        if family.title.split()[-1] not in {"loop", "threads"}
    ],
    ids=lambda family: family.title,
)
def test_every_family_can_be_measured(family: growth.Family) -> None:
    total, collector = growth.cost(family._replace(runs=1), 2)
    assert total > collector >= 0
