"""What the app does at the shop without a model."""

import app
import pytest

from langchain_aimlapi.testing import StandIn


@pytest.mark.vcr
def test_upload(catalogue: list[str]) -> None:
    with app.shop() as client:
        answer = client.post("/upload", files={"file": ("a.txt", b"oars", "text/plain")})
    assert answer.json() == {"bytes": 4, "customer_id": 4711, "organization": "Fjord AS"}
    assert answer.headers["etag"] == '"v1"'
    assert catalogue


@pytest.mark.vcr(error_statuses=[429])
def test_model_is_asked_again(aimlapi_standin: StandIn, question: str) -> None:
    aimlapi_standin.fail_next("status=429;retry-after=0")
    assert app.MODEL.invoke(question).text


@pytest.mark.skip(reason="not today")
@pytest.mark.vcr
def test_skipped() -> None:
    raise AssertionError
