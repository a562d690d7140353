"""The documented answer, for a first look without a key.

It answers the documented request alone: to any other it says 404, never somebody else's answer.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_aimlapi.testing.serializer import deserialize

if TYPE_CHECKING:
    import httpx


DOCUMENTED_MODEL = "google/gemini-3-pro-preview"
DOCUMENTED_PROMPT = "Hello"

_NAME = "gemini-3-pro-preview.yaml"
_PACKAGE = Path(__file__).parents[1]
# In a wheel the cassette lies in the package, in a checkout beside it.
_FOLDERS = (_PACKAGE / "documented", _PACKAGE.parent / "cassettes" / "documented")


def documented_client() -> httpx.Client:
    """Return an HTTP client that plays the documented answer.

    Raises:
        FileNotFoundError: The cassette is not there.
    """
    import httpx

    interaction = _interaction()
    documented = json.loads(interaction["request"]["body"])
    answer: bytes = interaction["response"]["body"]["string"]

    def play(request: httpx.Request) -> httpx.Response:
        if json.loads(request.content) == documented:
            return httpx.Response(200, content=answer, headers={"content-type": "application/json"})
        return httpx.Response(404, json={"message": "not the documented request"})

    return httpx.Client(transport=httpx.MockTransport(play))


def _interaction() -> dict[str, Any]:
    for folder in _FOLDERS:
        if (path := folder / _NAME).is_file():
            cassette = deserialize(path.read_text(encoding="utf-8"))
            return dict(cassette["interactions"][0])
    folders = [str(folder) for folder in _FOLDERS]
    raise FileNotFoundError(f"The documented answer {_NAME} is in none of {folders}.")
