"""Checks of single settings: each gives the value back, or an error that says what is wrong."""

from __future__ import annotations

import inspect
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr


def checked_key(key: SecretStr) -> SecretStr:
    """Return the key without blanks around it.

    Raises:
        ValueError: It is empty, or cannot stand in a header; it is not shown.
    """
    text = key.get_secret_value().strip()
    if not text or not text.isascii() or not text.isprintable():
        msg = "api_key is empty or holds characters that no HTTP header can carry."
        raise ValueError(msg)
    return SecretStr(text)


def checked_base_url(base_url: str) -> str:
    """Return the address without a slash at its end.

    Raises:
        ValueError: It is not an address of HTTP.
    """
    if not base_url.startswith(("https://", "http://")):
        msg = f"base_url={base_url!r} must start with https:// or http://."
        raise ValueError(msg)
    try:
        parts = urlsplit(base_url)
        is_address = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        msg = f"base_url={base_url!r} is not an address: check host and port."
        raise ValueError(msg)
    return base_url.rstrip("/")


def checked_headers(headers: dict[str, str] | None) -> dict[str, str] | None:
    """Return the headers.

    Raises:
        ValueError: One of them cannot be sent; its value is not shown.
    """
    for name, value in (headers or {}).items():
        if not (name + value).isascii() or not (name + value).isprintable():
            msg = f"default_headers[{name!r}] holds characters that no HTTP header can carry."
            raise ValueError(msg)
    return headers


def checked_client(client: Any, *, name: str) -> Any:  # noqa: ANN401  httpx's clients, without httpx
    """Return the HTTP client, or `None`.

    Args:
        client: What the user handed in.
        name: `http_client` or `http_async_client`.

    Raises:
        ValueError: It is no client, or one of the other kind.
    """
    is_async = name == "http_async_client"
    send = getattr(client, "send", None)
    if client is None or (callable(send) and inspect.iscoroutinefunction(send) == is_async):
        return client
    wanted = "httpx.AsyncClient" if is_async else "httpx.Client"
    msg = f"{name} takes an {wanted}, not an object of type {type(client).__name__}."
    raise ValueError(msg)
