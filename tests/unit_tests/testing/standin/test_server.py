"""The server itself: running, keys, headers, the journal, scripted answers, repeatability."""

from __future__ import annotations

import asyncio
import concurrent.futures
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi.testing.standin import StandIn, serve
from tests.http_client import httpx
from tests.unit_tests.testing.standin.standin_client import (
    FLASH,
    USAGE,
    ask,
    chunks_of,
    message_of,
    tool,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    with StandIn() as running:
        yield running


def test_starts_fast_and_leaves_nothing_behind() -> None:
    started = time.monotonic()
    with StandIn() as server:
        assert time.monotonic() - started < 1
        port = int(server.base_url.rsplit(":", 1)[1].removesuffix("/v1"))
        assert ask(server, "hi").status_code == 200
    assert not [one for one in threading.enumerate() if one.name == "stand-in"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    with StandIn(port=port) as again:
        assert again.base_url == f"http://127.0.0.1:{port}/v1"


def test_it_ends_as_soon_as_it_is_told_to() -> None:
    def seconds_to_end() -> float:
        server = StandIn().start()
        assert ask(server, "hi").status_code == 200
        begun = time.monotonic()
        server.stop()
        return time.monotonic() - begun

    assert min(seconds_to_end() for _ in range(5)) < 0.05


def test_it_may_be_told_to_end_twice_or_while_it_starts() -> None:
    server = StandIn().start()
    running = server._server
    server.stop()
    server.stop()
    assert running is not None
    running.end()  # its loop is closed
    with StandIn() as again:
        assert ask(again, "hi").status_code == 200


def test_calls_on_one_connection_wait_for_no_acknowledgement() -> None:
    def seconds_of_a_call() -> float:
        begun = time.monotonic()
        client.post(f"{server.base_url}/chat/completions", json=body).raise_for_status()
        return time.monotonic() - begun

    body = {"model": FLASH, "messages": [user("hi")]}
    with StandIn() as server, httpx.Client(headers={"authorization": "Bearer any"}) as client:
        # Linux acknowledges the first packets of a connection at once.
        assert min([seconds_of_a_call() for _ in range(40)][20:]) < 0.03


def test_several_run_side_by_side() -> None:
    with StandIn() as one, StandIn(keys=["only"]) as other:
        assert one.base_url != other.base_url
        assert ask(one, "hi").status_code == 200
        assert ask(other, "hi").status_code == 401
        assert (len(one.requests), len(other.requests)) == (1, 1)


def test_is_used_the_right_way_round() -> None:
    server = StandIn()
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.base_url
    server.stop()
    with server, pytest.raises(RuntimeError, match="running already"):
        server.start()
    with server:
        assert ask(server, "hi").status_code == 200


def test_a_taken_port_is_an_os_error() -> None:
    with StandIn() as server:
        port = int(server.base_url.rsplit(":", 1)[1].removesuffix("/v1"))
        with pytest.raises(OSError, match="ddress"):
            StandIn(port=port).start()


def test_a_server_that_cannot_run_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("langchain_aimlapi.testing.standin.server._run", lambda *_: None)
    with pytest.raises(RuntimeError, match="did not start"):
        StandIn().start()


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_listens_on_ipv6() -> None:
    with StandIn(host="::1") as server:
        assert server.base_url.startswith("http://[::1]:")
        assert ask(server, "hi").status_code == 200


@pytest.mark.parametrize("key", [None, "", "Bearer", "Basic any"])
def test_wants_a_bearer_key(server: StandIn, key: str | None) -> None:
    response = httpx.post(
        f"{server.base_url}/chat/completions",
        json={},
        headers={} if key is None else {"authorization": key},
        trust_env=False,
    )
    assert response.status_code == 401
    assert response.json()["statusCode"] == "401"


def test_takes_listed_keys_only() -> None:
    with StandIn(keys=["good"]) as server:
        assert ask(server, "hi", headers={"authorization": "Bearer bad"}).status_code == 401
        assert ask(server, "hi", headers={"authorization": "Bearer good"}).status_code == 200


def test_says_that_it_is_the_stand_in(server: StandIn) -> None:
    for response in (ask(server, "hi"), ask(server, "hi", temperature=9)):
        assert response.headers["x-standin"] == "1"
        assert response.headers["x-inference-id"].startswith("standin-")
    body = ask(server, "hi").json()
    assert body["id"].startswith("standin-")
    assert "stand-in" in body["choices"][0]["message"]["content"]
    assert body["model"] == FLASH


@pytest.mark.parametrize(("sent", "echoed"), [("a-1:B._", "a-1:B._"), ("no spaces", None)])
def test_echoes_a_valid_client_request_id(server: StandIn, sent: str, echoed: str | None) -> None:
    for stream in (False, True):
        response = ask(server, "hi", headers={"x-client-request-id": sent}, stream=stream)
        assert response.headers.get("x-client-request-id") == echoed


def test_cost_stands_in_headers_of_whole_answers_and_in_the_last_chunk_of_streams(
    server: StandIn,
) -> None:
    whole = ask(server, "hi")
    spent = whole.json()["meta"]["usage"]
    assert whole.headers["x-aimlapi-credits-used"] == str(spent["credits_used"])
    assert float(whole.headers["x-aimlapi-usd-spent"]) == spent["usd_spent"] > 0
    plain: dict[str, Any] = {"stream": True}
    for options in (plain, USAGE):
        streamed = ask(server, "hi", **options)
        assert "x-aimlapi-credits-used" not in streamed.headers
        *others, last = chunks_of(streamed)
        assert last["meta"]["usage"] == spent
        assert not [chunk for chunk in others if "meta" in chunk]
    assert "x-aimlapi-credits-used" not in ask(server, "hi", temperature=9).headers


def test_both_paths_answer_and_no_other(server: StandIn) -> None:
    root = server.base_url.removesuffix("/v1")
    headers = {"authorization": "Bearer any"}
    body = {"model": FLASH, "messages": [user("hi")]}
    with httpx.Client(base_url=root, headers=headers, trust_env=False) as client:
        assert client.post("/chat/completions", json=body).status_code == 200
        lost = client.post("/v2/chat/completions", json=body)
        assert (lost.status_code, lost.json()["path"]) == (404, "/v2/chat/completions")
        assert client.get("/v1/chat/completions").status_code == 405


def test_lists_its_models_without_a_key(server: StandIn) -> None:
    listed = httpx.get(f"{server.base_url}/models", trust_env=False).json()["data"]
    assert FLASH in [model["id"] for model in listed]


def test_keeps_a_journal_without_keys() -> None:
    with StandIn() as server:
        ask(server, "hi", headers={"x-api-key": "secret", "cookie": "a=secret", "x-own": "kept"})
        ask(server, "hi", temperature=9)
        first, second = server.requests
    assert (first.method, first.path) == ("POST", "/v1/chat/completions")
    assert first.body["messages"] == [user("hi")]
    assert first.headers["x-own"] == "kept"
    assert "authorization" not in first.headers
    assert "secret" not in repr(first)
    assert second.body["temperature"] == 9


def test_scripted_answers_come_in_order_and_only_to_requests_in_order() -> None:
    with StandIn() as server:
        server.answer_next("Oslo", reasoning="Thought.", finish_reason="length")
        server.answer_next(
            tool_calls=[{"name": "f", "args": {"a": "é"}}, {"name": "g", "args": '{"broken'}],
            native_finish_reason="OTHER",
        )
        server.answer_next("no", extra={"refusal": "No."})
        assert ask(server, "hi", temperature=9).status_code == 400
        first, second = ask(server, "hi").json(), ask(server, "hi").json()
        refused = message_of(ask(server, "hi"))
        assert "stand-in" in message_of(ask(server, "hi"))["content"]
    assert first["choices"][0]["message"]["content"] == "Oslo"
    assert first["choices"][0]["message"]["reasoning"] == "Thought."
    assert first["choices"][0]["finish_reason"] == "length"
    calls = second["choices"][0]["message"]["tool_calls"]
    assert [call["function"]["arguments"] for call in calls] == ['{"a": "é"}', '{"broken']
    assert second["choices"][0]["finish_reason"] == "tool_calls"
    assert second["choices"][0]["native_finish_reason"] == "OTHER"
    assert refused["refusal"] == "No."


def test_scripted_calls_keep_their_ids() -> None:
    with StandIn() as server:
        server.answer_next(tool_calls=[{"name": "f", "id": "mine"}])
        assert message_of(ask(server, "hi"))["tool_calls"][0]["id"] == "mine"
        with pytest.raises(ValueError, match="each of the tool calls or to none"):
            server.answer_next(tool_calls=[{"name": "f", "id": "mine"}, {"name": "g"}])


def _bodies(seed: str | None, prompts: list[str]) -> dict[str, bytes]:
    with StandIn(seed=seed) as server:
        offered = [tool("f", a={"type": "integer"})]
        return {prompt: ask(server, prompt, tools=offered).content for prompt in prompts}


def test_with_a_seed_equal_requests_get_equal_bytes_in_any_order() -> None:
    prompts = ["one", "two", "three"]
    assert _bodies("s", prompts) == _bodies("s", prompts[::-1])
    assert _bodies("s", prompts) != _bodies("other", prompts)
    assert _bodies(None, prompts) != _bodies(None, prompts)


def test_with_a_seed_foreign_call_ids_and_streaming_change_nothing() -> None:
    def history(call_id: str) -> list[Any]:
        call = {"id": call_id, "type": "function", "function": {"name": "f", "arguments": "{}"}}
        result = {"role": "tool", "tool_call_id": call_id, "content": "ok"}
        return [user("go"), {"role": "assistant", "content": "", "tool_calls": [call]}, result]

    with StandIn(seed="s") as server:
        whole = ask(server, history("one")).json()
        assert ask(server, history("two")).json() == whole
        streamed = chunks_of(ask(server, history("three"), **USAGE))
        assert {chunk["id"] for chunk in streamed} == {whole["id"]}
        assert streamed[-1]["usage"] == whole["usage"]
        odd = {"role": "assistant", "content": "", "tool_calls": [{"id": 1}]}
        refusals = [ask(server, [user("go"), odd]).json() for _ in range(2)]
        assert refusals[0] == refusals[1]
        assert "date" not in ask(server, "hi").headers
        broken = httpx.post(
            f"{server.base_url}/chat/completions",
            content=b"[1",
            headers={"authorization": "Bearer any"},
            trust_env=False,
        )
    assert broken.status_code == 400
    assert broken.json()["timestamp"] == "2026-01-01T00:00:00.000Z"


def test_without_a_seed_every_answer_is_its_own(server: StandIn) -> None:
    offered = [tool("f", a={"type": "integer"})]
    answers = [ask(server, "same", tools=offered).json() for _ in range(3)]
    messages = [answer["choices"][0]["message"] for answer in answers]
    assert len({answer["id"] for answer in answers}) == 3
    assert len({message["tool_calls"][0]["id"] for message in messages}) == 3
    assert len({message["reasoning_details"][-1]["data"] for message in messages}) == 3


def test_many_at_once_get_their_own_answers(server: StandIn) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: message_of(ask(server, f"number-{one}")), range(24)))
    for one, answer in enumerate(answers):
        assert answer["content"].endswith(f"number-{one}")


async def test_async_clients_may_call_it(server: StandIn) -> None:
    async with httpx.AsyncClient(
        base_url=server.base_url, headers={"authorization": "Bearer any"}, trust_env=False
    ) as client:
        bodies = [{"model": FLASH, "messages": [user(f"number-{one}")]} for one in range(8)]
        sent = (client.post("/chat/completions", json=body) for body in bodies)
        answers = await asyncio.gather(*sent)
    said = [message_of(answer)["content"] for answer in answers]
    assert all(text.endswith(f"number-{one}") for one, text in enumerate(said))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_serve_says_its_address_first_and_ends_cleanly(kind: signal.Signals) -> None:
    code = "from langchain_aimlapi.testing.standin import serve; serve()"
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[4],
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", address)
        assert httpx.get(f"{address}/models", trust_env=False).status_code == 200
        process.send_signal(kind)
        _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "")


def test_serve_gives_the_signals_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    killer = threading.Timer(0.5, signal.raise_signal, [signal.SIGTERM])
    killer.start()
    serve(host="127.0.0.1", port=0)
    killer.join()
    assert signal.getsignal(signal.SIGTERM) is before
    assert capsys.readouterr().out.startswith("http://127.0.0.1:")
