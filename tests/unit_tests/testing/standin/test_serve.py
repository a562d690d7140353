"""The stand-in of the command line tells of each request in a line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from langchain_aimlapi.testing.standin import StandIn
from langchain_aimlapi.testing.standin._serve import _Talking
from tests.http_client import httpx
from tests.unit_tests.testing.standin.standin_client import FLASH, user

if TYPE_CHECKING:
    from langchain_aimlapi._json import JsonObject


ASKED = {"model": FLASH, "messages": [user("Hi")]}


@pytest.mark.parametrize(
    ("fault", "content", "line"),
    [
        ("", {"model": FLASH, "messages": [user("Hi")]}, f"200 [0-9]+ ms {FLASH}"),
        (
            "",
            {"model": FLASH, "messages": [user("Hi")], "stream": True},
            f"200 .* {FLASH} \\(stream\\)",
        ),
        ("status=503", {"model": FLASH, "messages": [user("Hi")]}, f"503 .* {FLASH}"),
        ("", ["no object"], "400 [0-9]+ ms"),
        ("", None, "400 [0-9]+ ms"),
    ],
)
def test_a_request_is_told_in_a_line(
    capfd: pytest.CaptureFixture[str], fault: str, content: JsonObject | None, line: str
) -> None:
    server = StandIn()
    server.wrap(lambda app: _Talking(app, fault=fault.encode()))
    with server:
        url = f"{server.base_url}/chat/completions"
        headers = {"authorization": "Bearer key-of-a-test"}
        if content is None:
            httpx.post(url, content=b"no JSON", headers=headers, trust_env=False)
        else:
            httpx.post(url, json=content, headers=headers, trust_env=False)
    told = capfd.readouterr().out
    assert re.search(f"^POST /v1/chat/completions {line}$", told, re.MULTILINE), told
