"""What stands beside the words of an answer, and which endings are failures."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given

from langchain_aimlapi._codec.answer import Answer
from langchain_aimlapi._codec.finish_reason import ending_message, is_withheld
from tests.answers import JSON

BODY = {
    "id": "gen-1",
    "model": "google/gemini-3-flash-preview-20251217",
    "created": 1766063158,
    "provider": "Google AI Studio",
    "system_fingerprint": "fp",
    "service_tier": "provisioned",
    "object": "chat.completion",
    "usage": {"prompt_tokens": 1},
    "meta": {"usage": {"credits_used": 2}},
}
CHOICE = {
    "finish_reason": "stop",
    "native_finish_reason": "STOP",
    "logprobs": {"content": []},
    "index": 0,
}


def metadata_of(
    body: dict[str, Any], choice: dict[str, Any], headers: dict[str, str] | None = None
) -> dict[str, Any]:
    answer = Answer(headers or {}, client_request_id="mine")
    answer.read_completion(body)
    answer.read_choice(choice)
    return answer.metadata()


def answer_of(*messages: dict[str, Any]) -> Answer:
    answer = Answer({}, client_request_id="mine")
    for message in copy.deepcopy(messages):
        answer.read_message(message)
    return answer


def test_everything_has_its_name() -> None:
    headers = {"x-inference-id": "inf-1", "x-client-request-id": "echoed", "server": "x"}
    assert metadata_of(BODY, CHOICE, headers) == {
        "model_provider": "aimlapi",
        "model_name": "google/gemini-3-flash-preview-20251217",
        "id": "gen-1",
        "created": 1766063158,
        "provider": "Google AI Studio",
        "system_fingerprint": "fp",
        "service_tier": "provisioned",
        "finish_reason": "stop",
        "native_finish_reason": "STOP",
        "normalized_finish_reason": "stop",
        "logprobs": {"content": []},
        "token_usage": {"prompt_tokens": 1},
        "meta": {"usage": {"credits_used": 2}},
        "credits_used": 2,
        "usd_spent": 0.000001,
        "usd_spent_source": "derived",
        "inference_id": "inf-1",
        "client_request_id": "echoed",
    }


@pytest.mark.parametrize("empty", [None, "", 0, [], {}, False])
def test_what_is_not_known_is_not_there(empty: Any) -> None:
    nothing = {"model_provider": "aimlapi", "client_request_id": "mine"}
    assert metadata_of({}, {}) == nothing
    assert metadata_of(dict.fromkeys(BODY, empty), dict.fromkeys(CHOICE, empty)) == nothing


@given(JSON, JSON)
def test_any_value_leaves_json_that_can_be_written(value: Any, other: Any) -> None:
    metadata = metadata_of(dict.fromkeys(BODY, value), dict.fromkeys(CHOICE, other))
    assert json.loads(json.dumps(metadata)) == metadata
    assert isinstance(is_withheld(metadata), bool)
    assert ending_message(metadata)


def test_extras_are_kept_as_they_came() -> None:
    message = {
        "content": "text",
        "refusal": "no",
        "annotations": [{"type": "url_citation"}],
        "images": [{"type": "image_url"}],
        "audio": {"data": "UklG"},
        "reasoning": "thought",
        "name": "Gem",
    }
    kept = {key: message[key] for key in ("refusal", "annotations", "images", "audio")}
    assert answer_of(message).extras() == kept
    assert answer_of(message).name == "Gem"
    assert answer_of(dict.fromkeys(message)).extras() == {}
    odd = {"refusal": [], "annotations": "a", "images": {}, "audio": []}
    assert answer_of(odd).extras() == {}
    twice = answer_of(message, message)
    assert twice.extras()["refusal"] == "nono"
    assert twice.extras()["images"] == [{"type": "image_url"}] * 2
    assert twice.extras()["audio"] == {"data": "UklGUklG"}


@pytest.mark.parametrize(
    ("created", "told"),
    [(1700000000.0, 1700000000), (1700000000, 1700000000), (1.5, None), (True, None), ("1", None)],
)
def test_a_time_is_whole_seconds(created: Any, told: int | None) -> None:
    assert metadata_of({"created": created}, {}).get("created") == told


def test_usage_is_told_with_sums_that_are_right_beside_the_raw_one() -> None:
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 566,
        "total_tokens": 1521,
        "completion_tokens_details": {"reasoning_tokens": 2000, "note": "odd"},
        "extra_properties": {"google": {"traffic_type": "ON_DEMAND"}},
    }
    metadata = metadata_of({"usage": usage}, {})
    assert metadata["native_usage"] == usage
    assert metadata["token_usage"] == {
        **usage,
        "completion_tokens": 1512,
        "completion_tokens_details": {"reasoning_tokens": 1512, "note": "odd"},
    }
    fine = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "cost": 0.1}
    assert metadata_of({"usage": fine}, {})["token_usage"] == fine
    assert "native_usage" not in metadata_of({"usage": fine}, {})
    assert metadata_of({"usage": {"odd": 1}}, {})["token_usage"] == {"odd": 1}
