"""What the endpoint refuses, recorded: each refusal is the error of ours that it should be.

The stand-in is asked by a header to refuse a key or to be busy; the live endpoint knows no such
header, and finds the key wrong by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi import (
    AIMLAPIAuthenticationError,
    AIMLAPIInvalidRequestError,
    AIMLAPINotFoundError,
    AIMLAPIRateLimitError,
    ChatAIMLGemini,
)

if TYPE_CHECKING:
    from vcr.cassette import Cassette

    from langchain_aimlapi.testing import Endpoint

CASSETTES = "errors"
pytestmark = pytest.mark.vcr

FLASH = "google/gemini-3-flash-preview"


def _faulty(fault: str, **settings: Any) -> ChatAIMLGemini:
    headers = {"x-standin-fault": fault}
    return ChatAIMLGemini(model=FLASH, default_headers=headers, max_retries=0, **settings)


@pytest.mark.vcr(error_statuses=[401])
def test_a_wrong_key(vcr: Cassette) -> None:
    model = _faulty("status=401", api_key="a-key-that-nobody-has")

    with pytest.raises(AIMLAPIAuthenticationError, match="AIMLAPI_API_KEY") as caught:
        model.invoke("Hello")

    assert caught.value.status_code == 401
    assert not caught.value.is_retryable
    assert "a-key-that-nobody-has" not in f"{caught.value!r} {caught.value.__dict__}"
    assert len(vcr.requests) == 1


@pytest.mark.vcr(error_statuses=[400])
def test_a_setting_out_of_its_range() -> None:
    model = ChatAIMLGemini(model=FLASH, model_kwargs={"temperature": 3})

    with pytest.raises(AIMLAPIInvalidRequestError, match="temperature") as caught:
        model.invoke("Hello")

    assert caught.value.status_code == 400
    assert caught.value.body


@pytest.mark.vcr(error_statuses=[404])
def test_a_model_that_is_not_there() -> None:
    model = ChatAIMLGemini(model="google/gemini-0-nowhere")

    with pytest.raises(AIMLAPINotFoundError, match="model") as caught:
        model.invoke("Hello")

    assert caught.value.status_code == 404


@pytest.mark.vcr(error_statuses=[429])
def test_too_many_requests(vcr: Cassette, aimlapi_endpoint: Endpoint) -> None:
    if vcr.record_mode != "none" and "127.0.0.1" not in aimlapi_endpoint.base_url:
        pytest.skip("the live endpoint cannot be asked to be busy; the old recording stays")
    model = _faulty("status=429;retry-after=7")

    with pytest.raises(AIMLAPIRateLimitError) as caught:
        model.invoke("Hello")

    assert caught.value.status_code == 429
    assert caught.value.retry_after == 7
    assert caught.value.is_retryable
