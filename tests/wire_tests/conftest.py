"""Which of the promises' tests run again with a client of httpx2, and in which lane."""

from __future__ import annotations

from typing import Any

import pytest

_AGAIN = "test_httpx2"
# Two of the four ways, one of each client, are enough for what another library may change.
_LEFT_OUT = {"ainvoke", "stream"}


@pytest.fixture(scope="session")
def authority() -> Any:
    """Return who signs certificates for servers of these tests."""
    return pytest.importorskip("trustme").CA()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    again = [item for item in items if isinstance(item, pytest.Function) and is_again(item)]
    left_out = {id(item) for item in again if way_of(item) in _LEFT_OUT}
    for item in again:
        item.add_marker(pytest.mark.slow)
    if left_out:
        config.hook.pytest_deselected(items=[item for item in items if id(item) in left_out])
        items[:] = [item for item in items if id(item) not in left_out]


def is_again(item: pytest.Function) -> bool:
    """Tell whether it is another module's test, run here with another client."""
    return item.path.stem == _AGAIN and not item.function.__module__.endswith(_AGAIN)


def way_of(item: pytest.Function) -> object:
    return item.callspec.params.get("way") if hasattr(item, "callspec") else None
