"""`models`, `balance`, `usage`, `logs`: readable tables, exact JSON, the usual exit statuses."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi import AIMLAPIInvalidRequestError, ChatAIMLGemini
from langchain_aimlapi._cli import tables
from langchain_aimlapi._cli.main import main
from langchain_aimlapi.account import Account
from tests.http_client import httpx
from tests.unit_tests.cli.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from langchain_aimlapi.testing.standin import StandIn

FLASH = "google/gemini-3-flash-preview"


@pytest.fixture
def run(
    live: StandIn,  # noqa: ARG001  the environment that it sets
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[..., str]:
    """Return what runs a command line and gives back its output."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ChatAIMLGemini(model=FLASH).invoke("Hello", client_request_id="order-1")

    def output(*words: str) -> str:
        assert main(words) == 0
        return capsys.readouterr().out

    return output


def test_balance(run: Callable[..., str], live: StandIn) -> None:
    spent = Decimal(live.ledger[0]["cost"]["credits"]) / 2_000_000
    assert run("balance") == f"{100 - spent} USD\n"
    assert json.loads(run("balance", "--json")) == {
        "current_balance": float(100 - spent),
        "currency": "USD",
    }


def test_usage(run: Callable[..., str]) -> None:
    assert "in 1 charged requests" in run("usage")
    lines = run("usage", "--period", "7d", "--by", "model", "--by", "day").splitlines()
    assert lines[0].split()[:3] == ["model", "day", "requests"]
    assert lines[1].startswith(FLASH)
    assert json.loads(run("usage", "--json"))["requests"] == 1


def test_logs(run: Callable[..., str], live: StandIn) -> None:
    live.fail_next("status=400")
    with pytest.raises(AIMLAPIInvalidRequestError):
        ChatAIMLGemini(model=FLASH).invoke("Hello")
    lines = run("logs").splitlines()
    assert [line.split()[2] for line in lines[1:]] == ["failed", "succeeded"]
    assert lines[2].endswith("order-1")
    assert len(json.loads(run("logs", "--json", "--limit", "1"))) == 1
    (entry,) = json.loads(run("logs", "--json", "--status", "succeeded", "--model", FLASH))
    assert entry["client_request_id"] == "order-1"
    assert entry["cost"]["credits"] == live.ledger[1]["cost"]["credits"]
    assert run("logs", "--limit", "0").count("\n") == 1


def test_models_of_this_release(run: Callable[..., str], live: StandIn) -> None:
    asked = len(live.requests)
    lines = run("models").splitlines()
    row = next(line for line in lines if line.startswith(FLASH))
    assert "1000000" in row
    assert "text image" in row
    known = json.loads(run("models", "--json"))
    assert FLASH in {model["id"] for model in known}
    assert len(live.requests) == asked


def test_models_of_today_with_their_prices(run: Callable[..., str]) -> None:
    lines = run("models", "--live").splitlines()
    row = next(line for line in lines if line.startswith(FLASH)).split()
    assert row[-2:] == ["0.5", "3"]
    listed = json.loads(run("models", "--live", "--all", "--json"))
    assert next(model for model in listed if model["id"] == FLASH)["pricing"]["kind"] == "fixed"


def test_a_catalogue_without_sections_is_shown_as_far_as_it_goes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from langchain_aimlapi.account import Account

    plain = {"id": "google/gemini-x", "type": "t", "info": {"name": "X"}, "tags": []}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"data": [plain]}))
    client = httpx.Client(transport=transport)
    monkeypatch.setattr(tables, "account", lambda **_: Account(api_key="k", http_client=client))
    assert main(["models", "--live"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "google/gemini-x"


@pytest.mark.parametrize("command", ["balance", "usage", "logs"])
def test_without_a_key_it_says_what_is_missing(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIMLAPI_API_KEY", raising=False)
    assert main([command]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "AIMLAPI_API_KEY" in err
    assert "python -m langchain_aimlapi.testing serve" in err


def test_an_error_of_the_api_is_status_1(
    run: Callable[..., str],  # noqa: ARG001  the environment that it sets
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["usage", "--period", "soon"]) == 1
    assert "soon" in capsys.readouterr().err


def test_a_zone_that_is_none_is_bad_usage(
    run: Callable[..., str],  # noqa: ARG001  the environment that it sets
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["usage", "--tz", "Mars"]) == 2
    assert capsys.readouterr().err.startswith("error: --tz='Mars' is no IANA name")


@pytest.mark.parametrize("number", ["-1", "x"])
def test_a_limit_of_rows_is_a_whole_number(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["logs", "--limit", number])
    assert f"{number!r} is not a whole number of 0 or more" in capsys.readouterr().err


def test_a_narrow_terminal_gets_cell_below_cell_and_nothing_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    tables.print_table(["id", "inputs"], [[FLASH, ("text", "image")], ["x", None]])
    assert terminal.getvalue() == f"id      {FLASH}\ninputs  text image\n\nid      x\n"


def test_columns_stand_below_each_other_with_wide_characters_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tables.print_table(["id", "in"], [["\u4f60\u597d", 1], ["abcd", 2]])
    assert capsys.readouterr().out == "id    in\n\u4f60\u597d  1\nabcd  2\n"


def test_a_terminal_gets_a_rich_table_if_rich_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [["a\x1b[2J", Decimal("1.50"), ("x", "y"), None]]
    columns = ["name", "price", "kinds", "none"]
    for _ in range(2):
        terminal = Terminal()
        monkeypatch.setattr(sys, "stdout", terminal)
        tables.print_table(columns, rows)
        shown = terminal.getvalue()
        assert "1.5" in shown
        assert "x y" in shown
        assert "\x1b[2J" not in shown
        monkeypatch.setitem(sys.modules, "rich.console", None)  # as where rich is not installed


def test_json_has_numbers_where_they_are_exact(capsys: pytest.CaptureFixture[str]) -> None:
    amounts: Any = {"a": Decimal(5), "b": Decimal("0.1"), "c": Decimal("0.10000000000000000001")}
    tables.print_json(amounts)
    assert json.loads(capsys.readouterr().out) == {
        "a": 5,
        "b": 0.1,
        "c": "0.10000000000000000001",
    }


def test_amounts_have_no_exponent_and_times_are_utc(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bodies: dict[str, Any] = {
        "/v2/billing": {"current_balance": "1E+2", "currency": "USD"},
        "/v2/usage": {
            "start": "2026-01-01T00:00:00Z",
            "end": "2026-01-02T00:00:00Z",
            "spend": 1.2e-7,
            "currency": "U\x1bSD",
            "requests": 1,
        },
        "/v2/logs": {
            "data": [
                {
                    "created": "2026-01-01T01:30:00+02:00",
                    "status": "succeeded",
                    "origin": "api",
                    "model": FLASH,
                    "cost": {"usd": 0, "credits": 0},
                    "tokens": {},
                    "request_id": None,
                    "inference_id": "i",
                    "client_request_id": None,
                }
            ],
            "pagination": {"limit": 100, "offset": 0, "total": 1, "has_more": False},
        },
    }

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=bodies[request.url.path])

    client = httpx.Client(transport=httpx.MockTransport(answer))
    monkeypatch.setattr(
        tables, "account", lambda **_: Account(api_key="a-key-0000", http_client=client)
    )
    assert main(["balance"]) == main(["usage"]) == main(["logs"]) == 0
    balance, usage, _, row = capsys.readouterr().out.splitlines()
    assert balance == "100 USD"
    assert usage == "0.00000012 U\N{REPLACEMENT CHARACTER}SD in 1 charged requests"
    assert row.startswith("2025-12-31 23:30:00")
