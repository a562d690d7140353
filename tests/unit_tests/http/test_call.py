"""Limits of time, as a setting means them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from langchain_aimlapi._http.call import Limits, read_limits

NONE = Limits(None, None, None, None, None, None)


@pytest.mark.parametrize(("is_stream", "longest"), [(True, 120.0), (False, 600.0)])
def test_without_a_setting_every_limit_is_finite(
    is_stream: bool,  # noqa: FBT001  a table
    longest: float,
) -> None:
    limits = read_limits("default", is_stream=is_stream)
    assert limits == Limits(10.0, longest, longest, 600.0, longest, longest, is_default=True)


def test_an_explicit_none_is_no_limit() -> None:
    assert read_limits(None, is_stream=True) == NONE


@pytest.mark.parametrize("seconds", [3, 0.5])
def test_a_number_is_each_limit(seconds: float) -> None:
    limits = read_limits(seconds, is_stream=False)
    assert limits == Limits(seconds, seconds, seconds, seconds, seconds, seconds)
    assert limits.as_extension() == dict.fromkeys(("connect", "read", "write", "pool"), seconds)


@pytest.mark.parametrize("seconds", [1e9, float("inf")])
def test_a_limit_that_no_socket_takes_is_none(seconds: float) -> None:
    assert read_limits(seconds, is_stream=False) == NONE


def test_a_timeout_of_httpx_keeps_its_parts() -> None:
    timeout = httpx.Timeout(connect=1.0, read=2.0, write=3.0, pool=None)
    limits = read_limits(timeout, is_stream=True)
    assert limits == Limits(1.0, 2.0, 3.0, None, 2.0, 2.0)


@pytest.mark.parametrize("timeout", [0, -1, True, "3", float("nan"), (1, 2)])
def test_what_is_no_limit_is_an_error_that_names_it(timeout: Any) -> None:
    with pytest.raises(ValueError, match=r"timeout=.* is not a limit"):
        read_limits(timeout, is_stream=True)
