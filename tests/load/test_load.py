"""Promises 36 and 37, in a small form: under load, over a long life, nothing is lost or left."""

from __future__ import annotations

import pytest

from tests.load import load, long_life
from tests.load.vitals import IS_READABLE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not IS_READABLE, reason="memory and sockets are read from Linux's /proc"),
]


def test_36_under_load_with_faults_each_call_ends_rightly() -> None:
    figures = load.load_figures(calls=600, streams=200)
    assert load.faults_of(figures) == [], figures
    outcomes = figures["calls"]["outcomes"]
    assert sum(outcomes.values()) == 600
    assert outcomes["right"] > 570
    assert figures["streams"]["outcomes"]["abandoned"] >= 90


def test_37_a_long_life_leaves_no_trace() -> None:
    figures = long_life.life_figures(calls=4000)
    assert long_life.faults_of(figures) == [], figures
