"""The doctor: every assumption has its check, which tells when it is broken on purpose."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi import SpendCallbackHandler
from langchain_aimlapi._cli import checks, doctor
from langchain_aimlapi._cli.main import main
from langchain_aimlapi.testing.serializer import deserialize
from langchain_aimlapi.testing.standin import StandIn
from tests.http_client import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "sk-a-key-that-nobody-may-see"
FLASH = "google/gemini-3-flash-preview"
NAMES = [assumption.name for assumption in doctor.ASSUMPTIONS]

Change = Callable[[httpx.Request, httpx.Response], httpx.Response | None]


class Broken(httpx.BaseTransport):
    """Passes requests on, and answers as it is told where that is something."""

    def __init__(self, change: Change) -> None:
        self._change = change
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        answer = self._inner.handle_request(request)
        answer.read()
        headers = {k: v for k, v in answer.headers.items() if k != "content-length"}
        plain = httpx.Response(answer.status_code, headers=headers, content=answer.content)
        return self._change(request, plain) or plain

    def close(self) -> None:
        self._inner.close()


@contextmanager
def probing(
    change: Change, *, dialect: Any = "O", base_url: str = "", transport: Any = None
) -> Iterator[checks.Probe]:
    with (
        StandIn(keys=[KEY], dialect=dialect) as server,
        httpx.Client(transport=transport or Broken(change)) as client,
    ):
        yield checks.Probe(
            model_id=FLASH,
            base_url=base_url or server.base_url,
            api_key=KEY,
            client=client,
            spend=SpendCallbackHandler(),
        )


def unchanged(_: httpx.Request, __: httpx.Response) -> None:
    return None


def refused(request: httpx.Request) -> httpx.Response:
    body = {"message": "no", "path": "", "requestId": "r", "statusCode": "400", "timestamp": ""}
    return httpx.Response(400, json=body, request=request)


def answered(path: str, alter: Callable[[Any], object]) -> Change:
    """Return a change of the JSON that a path is answered with; of each event of a stream."""

    def change(request: httpx.Request, response: httpx.Response) -> httpx.Response | None:
        if not request.url.path.endswith(path) or response.status_code != 200:
            return None
        headers = dict(response.headers)
        lines = response.text.split("\n")
        if "event-stream" not in headers.get("content-type", ""):
            lines = [response.text]
        altered = [_altered(line, alter, headers) for line in lines]
        return httpx.Response(200, headers=headers, content="\n".join(altered).encode())

    return change


def _altered(line: str, alter: Callable[[Any], object], headers: dict[str, str]) -> str:
    head = "data: " if line.startswith("data: ") else ""
    text = line.removeprefix(head)
    if not text.startswith("{"):
        return line
    body = json.loads(text)
    alter(body)
    for name in body.pop("-headers", ()):
        headers.pop(name, None)
    return head + json.dumps(body)


def without_cost(body: Any) -> None:
    body.pop("meta", None)
    body["-headers"] = ["x-aimlapi-credits-used", "x-aimlapi-usd-spent"]


def without_calls(body: Any) -> None:
    for choice in body.get("choices") or []:
        message = choice.get("message", {})
        message.pop("tool_calls", None)
        message["content"] = "no"
        choice["finish_reason"] = "stop"


def with_another_row(body: Any) -> None:
    other = {"client_request_id": None, "request_id": "another"}
    body["data"].insert(0, body["data"][0] | other)


def dearer(body: Any) -> None:
    usage = body["meta"]["usage"]
    usage["usd_spent"] *= 2


def asked_with(words: bytes, *, is_stream: bool | None = None) -> Change:
    """Return a change that refuses requests whose body holds these words."""

    def change(request: httpx.Request, _: httpx.Response) -> httpx.Response | None:
        if words not in request.content:
            return None
        if is_stream is not None and (b'"stream":true' in request.content) != is_stream:
            return None
        return refused(request)

    return change


def without_header(name: str) -> Change:
    def change(_: httpx.Request, response: httpx.Response) -> httpx.Response:
        headers = {k: v for k, v in response.headers.items() if k != name}
        return httpx.Response(response.status_code, headers=headers, content=response.content)

    return change


def obliging(request: httpx.Request, response: httpx.Response) -> httpx.Response | None:
    """Answer whatever was refused."""
    if response.status_code == 200:
        return None
    message = {"role": "assistant", "content": "Well."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return httpx.Response(200, json={"id": "x", "choices": [choice]}, request=request)


def of_key(**facts: Any) -> Change:
    return answered("/v1/key", lambda body: body["data"].update(facts))


CHAT = "/chat/completions"
BROKEN: dict[str, Change] = {
    "catalogue": answered("/v1/models", lambda body: body.update(data=[])),
    "etag": without_header("etag"),
    "prices": answered("/v1/models", lambda body: [m.pop("pricing") for m in body["data"]]),
    "key": of_key(disabled=True),
    "scopes": of_key(scopes=["model:image"]),
    "limit": of_key(limit={"retention": "month", "threshold": 25}, monthly_usage=25),
    "balance": answered("/v2/billing", lambda body: body.update(current_balance=0)),
    "wrong_key": obliging,
    "wrong_parameter": obliging,
    "answer": answered(CHAT, lambda body: body.pop("usage")),
    "headers": without_header("x-client-request-id"),
    "cost": answered(CHAT, without_cost),
    "rate": answered(CHAT, dearer),
    "log": answered("/v2/logs", lambda body: body["data"][0]["cost"].update(credits=1)),
    "stream": asked_with(b"capital", is_stream=True),
    "stream_cost": answered(CHAT, without_cost),
    "round_trip": asked_with(b'"role":"tool"'),
    "streamed_round_trip": asked_with(b'"role":"tool"'),
    "forced_choice": answered(CHAT, without_calls),
    "json_schema": answered(CHAT, without_calls),
    "function_calling": answered(CHAT, without_calls),
    "json_mode": answered(CHAT, without_calls),
    "image": asked_with(b"image_url"),
    "effort": asked_with(b"reasoning_effort"),
    "bypass": asked_with(b"call_of_another"),
}
# What cannot be seen broken, only not seen.
UNSEEN = {"tls", "proxy", "reasoning"}


def found(name: str, probe: checks.Probe) -> checks.Verdict:
    return doctor._verdict(getattr(checks, f"check_{name}"), probe)


def test_each_assumption_has_its_check_and_each_check_its_assumption() -> None:
    known = {name.removeprefix("check_") for name in vars(checks) if name.startswith("check_")}
    assert known == set(NAMES) == set(BROKEN) | UNSEEN
    assert all(getattr(checks, f"check_{name}").__doc__ for name in NAMES)


@pytest.mark.parametrize("dialect", ["O", "V"])
def test_on_a_good_endpoint_everything_holds(dialect: str) -> None:
    with probing(unchanged, dialect=dialect) as probe:
        findings = [*doctor.examine(probe, may_spend=True)]
    unsure = {"tls"} if dialect == "O" else {"tls", "reasoning"}
    assert {finding.name for finding in findings if finding.status != "holds"} == unsure
    assert [finding.name for finding in findings] == NAMES


@pytest.mark.parametrize("dialect", ["O", "V"])
@pytest.mark.parametrize("name", [*BROKEN])
def test_what_is_broken_on_purpose_is_told(name: str, dialect: str) -> None:
    with probing(BROKEN[name], dialect=dialect) as probe:
        verdict = found(name, probe)
    assert verdict.status == "does not hold", verdict
    assert verdict.words


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("scopes", of_key(scopes=None), "nothing of scopes"),
        ("limit", of_key(limit={"retention": "day", "threshold": 5}), "5 USD per day"),
        ("rate", answered(CHAT, without_cost), "did not both come"),
        ("log", answered("/v2/logs", lambda body: body.update(data=[])), "no row yet"),
        ("round_trip", answered(CHAT, without_calls), "did not call"),
    ],
)
def test_what_was_not_seen_is_not_told(name: str, change: Change, words: str) -> None:
    with probing(change) as probe:
        verdict = found(name, probe)
    assert verdict.status == "not told"
    assert words in verdict.words


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("limit", of_key(limit={"retention": "month", "threshold": 25}), "below 25 USD"),
        (
            "cost",
            answered(CHAT, lambda body: body["meta"]["usage"].pop("usd_spent")),
            "credits and USD",
        ),
        ("prices", unchanged, "both rates"),
        ("log", answered("/v2/logs", with_another_row), "at the same cost"),
    ],
)
def test_what_was_seen_is_said(name: str, change: Change, words: str) -> None:
    with probing(change) as probe:
        verdict = found(name, probe)
    assert verdict.status == "holds"
    assert words in verdict.words


def test_prices_not_per_token_are_told() -> None:
    def by_request(body: Any) -> None:
        for model in body["data"]:
            model["pricing"] = {"kind": "variable", "currency": "USD"}

    with probing(answered("/v1/models", by_request)) as probe:
        assert "of kind variable" in found("prices", probe).words


def test_tls_and_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    def untrusted(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")

    def cut(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    def catalogue(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"data": []})

    def told(name: str, answer: Any) -> checks.Verdict:
        address, transport = "https://api.test/v1", httpx.MockTransport(answer)
        with probing(unchanged, base_url=address, transport=transport) as probe:
            return found(name, probe)

    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    assert told("tls", catalogue).status == "holds"
    assert told("tls", untrusted).status == "does not hold"
    assert told("tls", cut).status == "not told"
    assert told("proxy", catalogue).words == "proxy: none"
    assert told("proxy", cut).status == "not told"
    monkeypatch.setenv("https_proxy", "http://me:secret@proxy.test:3128")
    assert told("proxy", catalogue).words == "proxy: proxy.test"
    verdict = told("proxy", cut)
    assert (verdict.status, "secret" in verdict.words) == ("does not hold", False)


def test_no_more_is_spent_than_was_agreed() -> None:
    with probing(unchanged) as probe:
        probe.spend.max_credits = 1
        findings = {finding.name: finding for finding in doctor.examine(probe, may_spend=True)}
    assert findings["answer"].status == "holds"
    assert findings["stream"].words == "the credits that may be spent are spent"


# ---------------------------------------------------------------- the command


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    with StandIn(keys=[KEY]) as server:
        monkeypatch.setenv("AIMLAPI_API_KEY", KEY)
        monkeypatch.setenv("AIMLAPI_API_BASE", server.base_url)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        yield server


def test_it_announces_reports_and_scrubs(
    endpoint: StandIn, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "report"
    assert main(["doctor", "--yes", "--report", str(folder)]) == 0
    out, err = capsys.readouterr()
    assert "at most 200000 credits ($0.10)" in err
    assert len(out.splitlines()) == len(NAMES)
    report = json.loads((folder / "aimlapi-doctor.json").read_text(encoding="utf-8"))
    assert [finding["name"] for finding in report["findings"]] == NAMES
    page = (folder / "aimlapi-doctor.md").read_text(encoding="utf-8")
    assert "| holds | `stream_cost` |" in page
    assert KEY not in out + err + page + json.dumps(report)
    assert endpoint.ledger


def test_it_records_a_cassette_of_each_check_that_asks_the_model(
    endpoint: StandIn, tmp_path: Path
) -> None:
    folder = tmp_path / "cassettes"
    assert main(["doctor", "--yes", "--record", str(folder)]) == 0
    assert (folder / "wrong_parameter.yaml").exists()
    assert not (folder / "log.yaml").exists()
    text = (folder / "answer.yaml").read_text(encoding="utf-8")
    (interaction,) = deserialize(text)["interactions"]
    assert interaction["response"]["provenance"]["kind"] == "stand-in"
    assert KEY not in "".join(path.read_text(encoding="utf-8") for path in folder.iterdir())
    assert endpoint.requests


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "calls"),
    [(Terminal("y\n"), True), (Terminal("\n"), False), (io.StringIO(), False), (None, False)],
)
def test_it_asks_before_it_spends(
    endpoint: StandIn, monkeypatch: pytest.MonkeyPatch, typed: Any, calls: Any
) -> None:
    monkeypatch.setattr(sys, "stdin", typed)
    assert main(["doctor"]) == 0
    assert (len(endpoint.ledger) > 1) is calls


def test_without_a_key_it_runs_the_free_part_and_says_what_is_missing(
    endpoint: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AIMLAPI_API_KEY")
    assert main(["doctor", "--yes"]) == 0
    out, err = capsys.readouterr()
    *rows, rest = out.splitlines()
    assert [row.split()[0] for row in rows] == ["holds", "not", *["holds"] * 3]  # TLS: plain HTTP
    needing = sum(assumption.needs != "nothing" for assumption in doctor.ASSUMPTIONS)
    assert rest.split(maxsplit=4) == ["not", "told", str(needing), "more", "needs a key"]
    assert "set AIMLAPI_API_KEY" in err
    assert not endpoint.requests


def test_an_endpoint_that_is_not_reached_is_told_once_and_is_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delenv("AIMLAPI_API_KEY", raising=False)
    monkeypatch.setenv("AIMLAPI_API_BASE", "http://127.0.0.1:9/v1")
    assert main(["doctor", "--report", str(tmp_path)]) == 1
    reached, rest = capsys.readouterr().out.splitlines()
    assert "not reached: The connection to http://127.0.0.1:9" in reached
    assert rest.endswith(
        f"{len(NAMES) - 1} more               not asked: the endpoint is not reached"
    )
    report = json.loads((tmp_path / "aimlapi-doctor.json").read_text(encoding="utf-8"))
    assert [finding["name"] for finding in report["findings"]] == NAMES


def test_what_does_not_hold_is_status_1(
    endpoint: StandIn,  # noqa: ARG001  the environment that it sets
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["doctor", "--yes", "--model", "google/no-such-model"]) == 1
    assert "AIMLAPINotFoundError" in capsys.readouterr().out


def test_usd_of_zero_beside_credits_do_not_hold() -> None:
    with probing(answered(CHAT, lambda body: body["meta"]["usage"].update(usd_spent=0))) as probe:
        assert found("rate", probe) == checks.fails("credits, but no USD")


def test_what_would_fail_after_the_bill_is_told_before(
    endpoint: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    assert main(["doctor", "--yes", "--report", str(in_the_way)]) == 1
    monkeypatch.setenv("AIMLAPI_API_BASE", "nonsense")
    assert main(["doctor", "--yes"]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert "AIMLAPI_API_BASE='nonsense' must start with https://" in err
    assert not endpoint.requests


EVIL = "\x1b]52;c;AAAA\x07 <b> | \r\n\ud83d "
ODD_ANSWERS: list[Any] = [
    [],
    None,
    3,
    {"data": None},
    {"data": [None, {}, EVIL]},
    {"message": EVIL, "statusCode": "400"},
    {"data": [{"id": FLASH, "info": {"name": EVIL}, "pricing": EVIL}]},
    {"choices": [{"message": {"content": EVIL}, "finish_reason": EVIL}], "id": EVIL},
]


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("body", ODD_ANSWERS, ids=repr)
def test_odd_answers_end_in_verdicts_and_reach_no_terminal(
    body: Any, status: int, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def answer(request: httpx.Request, _: httpx.Response) -> httpx.Response:
        return httpx.Response(status, content=json.dumps(body), request=request)

    with probing(answer) as probe:
        findings = [*doctor.examine(probe, may_spend=False)]
    doctor._write_report(tmp_path, findings, key=KEY, model=FLASH)
    reported = (tmp_path / "aimlapi-doctor.md").read_text(encoding="utf-8")
    for text in (capsys.readouterr().out, reported):
        assert not [char for char in text if ord(char) < 32 and char != "\n"]
    assert {finding.status for finding in findings} <= {"holds", "does not hold", "not told"}


def test_the_assumptions_page_is_made_from_the_list() -> None:
    page = doctor.assumptions_page()
    assert all(f"| `{a.name}` | {a.claim} | {a.source} |" in page for a in doctor.ASSUMPTIONS)
    assert page.startswith("# What is assumed\n")
