"""Errors without the frames that hold the key."""

from __future__ import annotations

import traceback
from typing import Any

import httpx
import pytest

from langchain_aimlapi._http.exceptions import drop_http_frames

SECRET = "sk-secret"


def ours(transport: httpx.BaseTransport) -> None:
    request = httpx.Request("POST", "https://a", headers={"authorization": SECRET})
    httpx.Client(transport=transport).send(request)


class Interrupted(httpx.BaseTransport):
    """Is interrupted, with an error that it was just handling."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            self.read(request)
        except ValueError as error:
            raise KeyboardInterrupt from error
        raise AssertionError

    def read(self, request: httpx.Request) -> None:
        raise ValueError(request.method)


def caught(work: Any) -> BaseException:
    with pytest.raises(BaseException) as found:  # noqa: PT011  whatever it is
        work()
    return found.value


def frames(error: BaseException | None) -> list[str]:
    assert error is not None
    return [frame.name for frame in traceback.extract_tb(error.__traceback__)]


def test_frames_of_the_http_client_and_below_are_dropped() -> None:
    error = caught(lambda: ours(Interrupted()))
    assert "handle_request" in frames(error)
    drop_http_frames(error)
    assert frames(error)[-1] == "ours"
    assert isinstance(error, KeyboardInterrupt)


def test_an_error_that_began_there_keeps_none() -> None:
    error = caught(lambda: ours(Interrupted()))
    cause = error.__cause__
    assert cause is not None
    trace = error.__traceback__
    while trace is not None and "httpx" not in trace.tb_frame.f_globals["__name__"]:
        trace = trace.tb_next
    cause.__traceback__ = trace
    drop_http_frames(error)
    assert frames(cause) == []


def test_other_frames_stay() -> None:
    def outer() -> None:
        raise RuntimeError

    error = caught(outer)
    before = frames(error)
    drop_http_frames(error)
    assert frames(error) == before
    drop_http_frames(RuntimeError("never raised"))
