"""Calls as the tests of `_http` need them."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from langchain_aimlapi._http.call import Call, read_limits
from langchain_aimlapi._http.client_pool import Clients
from tests.answers import KEY


def call_of(**more: Any) -> Call:
    """Return a call; what is given wins."""
    given: dict[str, Any] = {
        "body": b"{}",
        "url": "https://example.com/v1/chat/completions",
        "headers": {},
        "api_key": SecretStr(KEY),
        "model": "m",
        "is_stream": False,
        "limits": read_limits("default", is_stream=False),
        "max_retries": 2,
        "empty_response_retries": 0,
        "client_request_id": "mine",
        "advice": "",
        "clients": Clients(),
    }
    return Call(**{**given, **more})
