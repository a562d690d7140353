"""The agent, on its own and behind its web server."""

import asyncio

import app
import httpx
import pytest
from starlette.testclient import TestClient


@pytest.mark.vcr
def test_agent_calls_its_tool(question: str, catalogue: list[str], basket: str) -> None:
    assert "3 pages" in app.agent(question)
    assert catalogue == ["boat", "oar"]
    assert basket == "basket-1"


@pytest.mark.vcr
def test_app_runs_in_this_process(question: str) -> None:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app.APP)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return await client.post("/chat", json={"question": question})

    assert "3 pages" in asyncio.run(ask()).json()["answer"]


@pytest.mark.vcr
def test_app_runs_behind_its_test_client(question: str) -> None:
    with TestClient(app.APP) as client:
        assert "3 pages" in client.post("/chat", json={"question": question}).json()["answer"]


@pytest.mark.vcr
def test_fallback_is_not_needed(question: str) -> None:
    assert app.careful(question)
