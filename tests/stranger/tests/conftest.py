"""What the stranger's tests share."""

import os
from collections.abc import Iterator

import httpx
import pytest

pytest_plugins = ["langchain_aimlapi.testing"]


def shop() -> httpx.Client:
    """Return the app's client of the shop."""
    from app import shop

    return shop()


@pytest.fixture(scope="session")
def catalogue() -> Iterator[list[str]]:
    """Log in at the shop for all tests, and log out at their end."""
    with shop() as client:
        names: list[str] = client.post("/login").json()
        yield names
        client.delete("/login").raise_for_status()


@pytest.fixture
def basket() -> Iterator[str]:
    """Open a basket for one test, and clear it behind it."""
    with shop() as client:
        name: str = client.post("/basket").json()
        yield name
        client.delete(f"/basket/{name}").raise_for_status()


@pytest.fixture
def question() -> str:
    """What the model is asked; the outside may change it."""
    return os.environ.get("QUESTION", "Which orders does Kari have?")
