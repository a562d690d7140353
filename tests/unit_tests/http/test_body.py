"""A whole body is gathered within the limits of size and time."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from langchain_aimlapi import errors
from langchain_aimlapi._http.call import Limits
from langchain_aimlapi._http.readers import Body
from tests.unit_tests.http.test_retry_attempts import call_of

if TYPE_CHECKING:
    from langchain_aimlapi._http.call import Call

NO_LIMITS = Limits(None, None, None, None, None, None)


def body_of(call: Call) -> Body:
    return Body(call, started=time.monotonic())


def test_a_body_is_the_sum_of_its_blocks() -> None:
    body = body_of(call_of())
    assert body.data() == b""
    body.take(b"a")
    assert body.data() == b"a"
    body.take(b"b")
    assert body.data() == b"ab"


def test_a_body_has_limits_of_size_and_time() -> None:
    big = body_of(call_of(max_body_bytes=3))
    big.take(b"abc")
    with pytest.raises(errors.AIMLAPIResponseError, match="over 3 bytes"):
        big.take(b"d")
    slow = body_of(call_of(limits=replace(NO_LIMITS, total=0.01)))
    time.sleep(0.02)
    with pytest.raises(errors.AIMLAPITimeoutError, match=r"limit 0\.01 s; see `timeout`"):
        slow.take(b"a")
    endless = body_of(call_of(limits=NO_LIMITS))
    endless.take(b"a")
    assert endless.data() == b"a"
