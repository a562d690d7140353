"""Misbehaviour on demand, by header and by queue."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi.testing.standin import StandIn
from tests.http_client import httpx
from tests.unit_tests.testing.standin.standin_client import FLASH, ask, chunks_of, message_of, user

if TYPE_CHECKING:
    from collections.abc import Iterator

BOTH = pytest.mark.parametrize("stream", [False, True])


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    with StandIn() as running:
        yield running


def faulty(server: StandIn, fault: str, **options: Any) -> httpx.Response:
    return ask(server, "hi", headers={"x-standin-fault": fault}, **options)


@BOTH
def test_a_status_with_its_headers(server: StandIn, *, stream: bool) -> None:
    fault = "status=429; retry-after=1; retry-after-ms=50; x-should-retry=false; message=Slow down"
    response = faulty(server, fault, stream=stream)
    assert response.status_code == 429
    assert response.headers["retry-after"] == "1"
    assert response.headers["retry-after-ms"] == "50"
    assert response.headers["x-should-retry"] == "false"
    assert response.json()["message"] == "Slow down"
    assert response.json()["statusCode"] == "429"


def test_queued_faults_meet_the_next_valid_requests_and_then_it_is_over() -> None:
    with StandIn() as server:
        server.fail_next("status=503", times=2)
        server.fail_next("html")
        assert ask(server, "hi", temperature=9).status_code == 400
        statuses = [ask(server, "hi").status_code for _ in range(4)]
    assert statuses == [503, 503, 502, 200]


def test_a_fault_that_is_not_understood_is_refused(server: StandIn) -> None:
    assert faulty(server, "explode").status_code == 400
    assert faulty(server, "status=soon").status_code == 400
    with pytest.raises(ValueError, match="explode"):
        server.fail_next("explode")
    with pytest.raises(ValueError, match="one kind at a time"):
        server.fail_next("cut;stall")
    assert ask(server, "hi").status_code == 200


@pytest.mark.parametrize(
    "fault",
    [
        *(
            "status=199",
            "status=600",
            "status=-1",
            "status=99999999999999999999",
            "status=" + "9" * 5000,
        ),
        *("latency=-1", "latency=3601", "latency=nan", "latency=inf", "pace=1e9", "pace=nan"),
        *("after=-1", "code=-5", "code=99999", "status=5e2", "retry-after=\x7f"),
    ],
)
def test_a_fault_beyond_the_limits_is_refused(server: StandIn, fault: str) -> None:
    assert faulty(server, fault).status_code == 400
    with pytest.raises(ValueError, match=r"fault|limit|invalid"):
        server.fail_next(fault)
    assert ask(server, "hi").status_code == 200


@BOTH
@pytest.mark.parametrize("status", [200, 204, 304, 599])
def test_every_status_within_the_limits_is_sent(
    server: StandIn, status: int, *, stream: bool
) -> None:
    response = faulty(server, f"status={status}", stream=stream)
    assert response.status_code == status
    assert bool(response.content) is (status not in {204, 304})
    assert ask(server, "hi").status_code == 200


@BOTH
def test_a_page_instead_of_json(server: StandIn, *, stream: bool) -> None:
    response = faulty(server, "html;status=520", stream=stream)
    assert response.status_code == 520
    assert response.headers["content-type"].startswith("text/html")
    assert response.text.startswith("<html>")


@BOTH
def test_latency_comes_before_the_answer(server: StandIn, *, stream: bool) -> None:
    started = time.monotonic()
    assert faulty(server, "latency=0.2", stream=stream).status_code == 200
    assert time.monotonic() - started >= 0.2


def test_a_pace_comes_between_the_events(server: StandIn) -> None:
    headers = {"authorization": "Bearer any", "x-standin-fault": "pace=0.03"}
    body = {"model": FLASH, "messages": [user("hi")], "stream": True}
    times = []
    with (
        httpx.Client(trust_env=False) as client,
        client.stream(
            "POST", f"{server.base_url}/chat/completions", json=body, headers=headers
        ) as response,
    ):
        times = [time.monotonic() for _ in response.iter_raw()]
    assert len(times) > 5
    assert times[-1] - times[0] > 0.03 * 5


@BOTH
def test_a_cut_connection(server: StandIn, *, stream: bool) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        faulty(server, "cut;after=3", stream=stream)


@BOTH
def test_silence(server: StandIn, *, stream: bool) -> None:
    headers = {"authorization": "Bearer any", "x-standin-fault": "stall"}
    body = {"model": FLASH, "messages": [user("hi")], "stream": stream}
    received: list[bytes] = []
    with (
        httpx.Client(trust_env=False, timeout=0.3) as client,
        client.stream(
            "POST", f"{server.base_url}/chat/completions", json=body, headers=headers
        ) as response,
        pytest.raises(httpx.ReadTimeout),
    ):
        received.extend(response.iter_raw())
    assert b"".join(received)


def test_a_stop_ends_silence_at_once() -> None:
    headers = {"authorization": "Bearer any", "x-standin-fault": "stall"}
    body = {"model": FLASH, "messages": [user("hi")], "stream": True}
    with httpx.Client(trust_env=False) as client, StandIn() as server:
        request = client.build_request(
            "POST", f"{server.base_url}/chat/completions", json=body, headers=headers
        )
        response = client.send(request, stream=True)
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 1.5
        response.close()


def test_malformed(server: StandIn) -> None:
    response = faulty(server, "malformed")
    assert response.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        response.json()
    streamed = faulty(server, "malformed", stream=True)
    with pytest.raises(json.JSONDecodeError):
        chunks_of(streamed)
    assert streamed.text.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("variant", "keys"),
    [("", {"error", "choices"}), ("=bare", {"error"}), ("=gateway", {"statusCode", "message"})],
)
def test_an_error_in_the_middle_of_a_stream(server: StandIn, variant: str, keys: set[str]) -> None:
    response = faulty(server, f"error-event{variant};code=429;after=4;message=Busy", stream=True)
    assert response.status_code == 200
    chunks = chunks_of(response)
    assert len(chunks) == 5
    assert keys <= set(chunks[-1])
    assert "429" in json.dumps(chunks[-1])
    assert "Busy" in json.dumps(chunks[-1])
    assert ("choices" in chunks[-1]) is ("choices" in keys)
    late = chunks_of(faulty(server, "error-event;after=99", stream=True))
    assert late[-2]["choices"][0]["finish_reason"] == "stop"
    assert "error" in late[-1]


@BOTH
def test_an_error_inside_a_200(server: StandIn, *, stream: bool) -> None:
    response = faulty(server, "error-in-200;code=429", stream=stream)
    assert response.status_code == 200
    assert response.json()["error"]["code"] == 429
    gateway = faulty(server, "error-in-200=gateway;code=403", stream=stream)
    assert gateway.json()["statusCode"] == "403"
    assert "error" in faulty(server, "error-event").json()


@BOTH
def test_nothing_at_all(server: StandIn, *, stream: bool) -> None:
    response = faulty(server, "empty", stream=stream)
    assert (response.status_code, response.content) == (200, b"")
    kind = "text/event-stream" if stream else "application/json"
    assert response.headers["content-type"].startswith(kind)


def test_no_choices(server: StandIn) -> None:
    assert faulty(server, "no-choices").json()["choices"] == []
    for dialect in ("O", "V"):
        headers = {"x-standin-fault": "no-choices", "x-standin-dialect": dialect}
        chunks = chunks_of(ask(server, "hi", headers=headers, stream=True))
        assert not [chunk for chunk in chunks if chunk.get("choices")]


@pytest.mark.parametrize("dialect", ["O", "V"])
def test_streams_that_end_too_early(server: StandIn, dialect: str) -> None:
    headers = {"x-standin-dialect": dialect, "x-standin-fault": "no-finish"}
    unfinished = ask(server, "hi", headers=headers, stream=True).text
    assert "[DONE]" not in unfinished
    assert '"finish_reason":"stop"' not in unfinished
    assert "hi" in unfinished
    headers["x-standin-fault"] = "no-done"
    undone = ask(server, "hi", headers=headers, stream=True).text
    assert "[DONE]" not in undone
    assert '"finish_reason":"stop"' in undone
    headers["x-standin-fault"] = "no-finish"
    whole = ask(server, "hi", headers=headers).json()
    assert whole["choices"][0]["finish_reason"] is None


@pytest.mark.parametrize(
    ("finish", "reasons", "said"),
    [
        ("content_filter", ("content_filter", "SAFETY"), False),
        ("MALFORMED_FUNCTION_CALL", ("error", "MALFORMED_FUNCTION_CALL"), False),
        ("error", ("error", "ERROR"), False),
        ("length", ("length", "MAX_TOKENS"), True),
        ("stop", ("stop", "STOP"), True),
        ("odd", ("odd", "ODD"), False),
    ],
)
def test_finish_reasons(
    server: StandIn, finish: str, reasons: tuple[str, str], *, said: bool
) -> None:
    response = faulty(server, f"finish={finish}")
    choice = response.json()["choices"][0]
    assert (choice["finish_reason"], choice["native_finish_reason"]) == reasons
    assert bool(message_of(response)["content"]) is said
    chunks = chunks_of(faulty(server, f"finish={finish}", stream=True))
    assert chunks[-1]["choices"][0]["finish_reason"] == reasons[0]
