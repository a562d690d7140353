"""What stands beside the words of an answer, and which endings are failures."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from langchain_aimlapi import errors
from langchain_aimlapi._codec.metadata import (
    answer_extras,
    answer_metadata,
    ending_failure,
    ending_message,
    is_withheld,
)
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
    return answer_metadata(body, choice=choice, headers=headers or {}, client_request_id="mine")


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
    }
    kept = {key: message[key] for key in ("refusal", "annotations", "images", "audio")}
    assert answer_extras(message) == kept
    assert answer_extras(dict.fromkeys(message)) == {}
    assert answer_extras({"refusal": [], "annotations": "a", "images": {}, "audio": []}) == {}


@pytest.mark.parametrize(
    ("finish", "native", "withheld"),
    [
        ("stop", "STOP", False),
        ("content_filter", None, True),
        ("stop", "SAFETY", True),
        ("stop", "PROHIBITED_CONTENT", True),
        ("error", "RECITATION", True),
        (None, None, False),
    ],
)
def test_a_withheld_answer_is_known_by_its_ending(
    finish: str | None,
    native: str | None,
    withheld: bool,  # noqa: FBT001  a table
) -> None:
    assert is_withheld({"finish_reason": finish, "native_finish_reason": native}) is withheld


EMPTY, RESPONSE = errors.AIMLAPIEmptyResponseError, errors.AIMLAPIResponseError


@pytest.mark.parametrize(
    ("finish", "native", "is_empty", "kind"),
    [
        ("stop", "STOP", False, None),
        ("stop", "STOP", True, EMPTY),
        (None, None, True, EMPTY),
        ("tool_calls", "STOP", True, EMPTY),
        ("length", "MAX_TOKENS", True, None),
        ("content_filter", None, True, None),
        ("stop", "SAFETY", True, None),
        ("error", None, False, RESPONSE),
        ("error", None, True, RESPONSE),
        ("error", "MALFORMED_FUNCTION_CALL", True, EMPTY),
        ("stop", "MALFORMED_FUNCTION_CALL", False, EMPTY),
        ("stop", "UNEXPECTED_TOOL_CALL", True, EMPTY),
        ("something new", "NEW", False, None),
    ],
)
def test_an_ending_is_a_failure_or_not(
    finish: str | None,
    native: str | None,
    is_empty: bool,  # noqa: FBT001  a table
    kind: type[errors.AIMLAPIError] | None,
) -> None:
    metadata = {"finish_reason": finish, "native_finish_reason": native}
    assert ending_failure(metadata, is_empty=is_empty) is kind


def test_the_message_names_the_reasons() -> None:
    metadata = {"finish_reason": "error", "native_finish_reason": "X", "model_name": "m", "id": "g"}
    text = ending_message(metadata)
    assert "finish_reason='error', native_finish_reason='X'" in text
    assert "'m'" in text
    assert "'g'" in text
    assert "()" not in ending_message({})
