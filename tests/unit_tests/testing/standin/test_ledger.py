"""The stand-in's account endpoints: the documented parameters, shapes and refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi.testing.standin import StandIn
from tests.http_client import httpx
from tests.unit_tests.testing.standin.standin_client import FLASH, ask

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    with StandIn() as server:
        for text in ("Hello", "Hello again"):
            ask(server, text)
        ask(server, "Hello", headers={"x-standin-fault": "status=503"})
        ask(server, "Hello", headers={"x-standin-fault": "error-event"}, stream=True)
        ask(server, "Hello", headers={"authorization": "nobody"})
        yield server


def get(server: StandIn, path: str, **headers: str) -> httpx.Response:
    return httpx.get(
        server.base_url.removesuffix("/v1") + path,
        headers={"authorization": "Bearer any", **headers},
        timeout=5,
        verify=False,
        trust_env=False,
    )


def body(server: StandIn, path: str) -> Any:
    response = get(server, path)
    assert response.status_code == 200, response.text
    return response.json()


def test_every_request_with_a_key_has_a_row_and_only_answers_cost(server: StandIn) -> None:
    assert [row["status"] for row in server.ledger] == [
        "failed",
        "failed",
        "succeeded",
        "succeeded",
    ]
    assert [row["cost"]["credits"] > 0 for row in server.ledger] == [False, False, True, True]
    assert all(row["tokens"]["total"] for row in server.ledger[2:])


def test_the_ledger_pages_by_a_cursor_and_leaves_out_what_failed(server: StandIn) -> None:
    first = body(server, "/v2/billing/transactions?limit=1")
    second = body(server, f"/v2/billing/transactions?cursor={first['pagination']['next_cursor']}")
    found = [entry["reference_id"] for page in (first, second) for entry in page["data"]]
    assert found == [row["inference_id"] for row in server.ledger[2:]]
    assert second["pagination"] == {"next_cursor": None, "has_more": False}


@pytest.mark.parametrize(
    "path",
    [
        "/v2/logs",
        "/v2/logs?period=1d&start=2026-01-01",
        "/v2/logs?period=soon",
        "/v2/usage?period=9999999999999d",
        "/v2/logs?start=2026-01-02&end=2026-01-01",
        "/v2/logs?start=2025-01-01&end=2026-01-01",
        "/v2/logs?start=yesterday&end=today",
        "/v2/logs?period=1d&status=succeeded,failed",
        "/v2/logs?period=1d&limit=101",
        "/v2/usage?period=1d&group_by=day",
        "/v2/usage/detail?period=1d&group_by=week",
    ],
)
def test_a_parameter_that_is_documented_as_wrong_is_a_400(server: StandIn, path: str) -> None:
    response = get(server, path)
    assert response.status_code == 400
    assert "Body validation error" in response.json()["message"]


def test_usage_counts_what_was_charged(server: StandIn) -> None:
    charged = sum(row["cost"]["credits"] for row in server.ledger)
    assert body(server, "/v2/usage?period=1h")["spend"] == charged / 2_000_000
    detail = body(server, "/v2/usage/detail?period=1h")
    assert [(model["model"], model["requests"]) for model in detail["models"]] == [(FLASH, 2)]
    assert "groups" not in detail


def test_the_catalogue_has_sections_filters_and_a_mark(server: StandIn) -> None:
    plain = body(server, "/v1/models?id=gemini-3-flash-preview")
    assert [model["id"] for model in plain["data"]] == [FLASH]
    assert "pricing" not in plain["data"][0]
    every = get(server, "/v1/models?include=all")
    assert {"pricing", "modalities", "capabilities"} <= every.json()["data"][0].keys()
    unchanged = get(server, "/v1/models?details=true", **{"if-none-match": every.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert body(server, f"/model/{FLASH}")["data"]["id"] == FLASH
    assert get(server, "/model/google/none").status_code == 404


def test_the_account_needs_a_key_and_the_catalogue_none(server: StandIn) -> None:
    assert get(server, "/v2/billing", authorization="").status_code == 401
    assert get(server, "/models/metrics", authorization="").status_code == 200
