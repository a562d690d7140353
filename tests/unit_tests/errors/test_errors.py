"""The tree of errors: its classes, what they carry, what they hide."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core import exceptions as core
from langchain_core.messages import AIMessage, AIMessageChunk

from langchain_aimlapi import errors
from tests.answers import JSON, KEY

if TYPE_CHECKING:
    from collections.abc import Callable

TREE: dict[type[errors.AIMLAPIError], tuple[type[Exception], bool]] = {
    errors.AIMLAPIError: (core.ModelError, False),
    errors.AIMLAPIAuthenticationError: (core.ModelAuthenticationError, False),
    errors.AIMLAPIPermissionError: (core.ModelPermissionDeniedError, False),
    errors.AIMLAPICreditsError: (errors.AIMLAPIPermissionError, False),
    errors.AIMLAPINotFoundError: (core.ModelNotFoundError, False),
    errors.AIMLAPIContextOverflowError: (core.ContextOverflowError, False),
    errors.AIMLAPIInvalidRequestError: (core.ModelInvalidRequestError, False),
    errors.AIMLAPIRateLimitError: (core.ModelRateLimitError, True),
    errors.AIMLAPIServerError: (core.ModelAPIError, True),
    errors.AIMLAPIConnectionError: (core.ModelConnectionError, True),
    errors.AIMLAPITimeoutError: (core.ModelTimeoutError, True),
    errors.AIMLAPIResponseError: (core.ModelAPIError, True),
    errors.AIMLAPIEmptyResponseError: (errors.AIMLAPIResponseError, True),
    errors.AIMLAPIBudgetError: (errors.AIMLAPIError, False),
}


@pytest.mark.parametrize(
    ("kind", "facts"), TREE.items(), ids=lambda one: getattr(one, "__name__", "")
)
def test_each_error_is_the_standard_one_too(
    kind: type[errors.AIMLAPIError], facts: tuple[type[Exception], bool]
) -> None:
    parent, is_retryable = facts
    assert issubclass(kind, parent)
    assert issubclass(kind, errors.AIMLAPIError)
    assert kind("x").is_retryable is is_retryable
    assert kind("x", is_retryable=not is_retryable).is_retryable is not is_retryable


def test_the_tree_is_whole() -> None:
    found = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.AIMLAPIError)
    }
    assert found == TREE.keys()


def full_error(kind: type[errors.AIMLAPIError]) -> errors.AIMLAPIError:
    error = kind(
        "no",
        status_code=429,
        request_id="req-1",
        body={"message": "no"},
        response_headers={"x-inference-id": "inf-1", "set-cookie": "secret"},
        retry_after=3.0,
        partial=AIMessageChunk(content="so far"),
        is_retryable=False,
    )
    error.client_request_id = "mine"
    return error


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_an_error_travels_whole(kind: type[errors.AIMLAPIError]) -> None:
    error = full_error(kind)
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is kind
        assert str(twin) == "no"
        assert twin.__dict__ == error.__dict__
        assert twin.inference_id == "inf-1"


def test_the_facts_are_where_they_are_looked_for() -> None:
    error = full_error(errors.AIMLAPIRateLimitError)
    assert error.response_headers == {"x-inference-id": "inf-1"}
    assert errors.AIMLAPIError("x").inference_id is None
    assert not hasattr(error, "response")  # langchain-core would put its request into traces


@given(JSON, st.text(max_size=20))
def test_the_key_is_taken_out_of_everything(body: Any, text: str) -> None:
    error = errors.AIMLAPIError(
        f"{text}{KEY}{text}",
        body=[body, KEY, {KEY: f"a{KEY}b"}],
        request_id=KEY,
        response_headers={"x-echo": KEY, "x-inference-id": KEY},
    )
    assert error.redact(KEY) is error
    assert KEY not in repr(error)
    assert KEY not in repr(error.__dict__)
    assert KEY not in str(error.inference_id)


def test_a_key_that_was_cut_off_is_taken_out() -> None:
    error = errors.AIMLAPIError(f"echo: {KEY[:20]}").redact(KEY)
    assert KEY[:9] not in str(error)


def test_without_a_key_nothing_is_taken_out() -> None:
    assert str(errors.AIMLAPIError("text").redact("")) == "text"
    assert str(errors.AIMLAPIError("text").redact(KEY)) == "text"


def test_a_huge_body_is_kept_as_its_beginning() -> None:
    error = errors.AIMLAPIError("x", body={"a": "b" * 100_000}).redact(KEY)
    assert error.body == repr({"a": "b" * 100_000})[:500]
    small = errors.AIMLAPIError("x", body={"a": "b"}).redact(KEY)
    assert small.body == {"a": "b"}


def test_an_unreadable_response_is_marked() -> None:
    assert not errors.unreadable_response("x", status_code=200).is_readable
    assert errors.AIMLAPIResponseError("x").is_readable


def test_a_refusal_keeps_the_answer() -> None:
    message = AIMessage("no")
    kinds: list[Any] = [errors.ModelRefusalError, errors._ModelRefusalError]
    for kind in kinds:
        error = kind(raw_message=message)
        assert isinstance(error, core.ModelError)
        assert vars(error)["raw_message"] is message
        assert not error.is_retryable


@pytest.mark.parametrize(
    ("kind", "code", "of_kind"),
    [
        (errors.AIMLAPIContextOverflowError, "context_length_exceeded", "invalid_request_error"),
        (errors.AIMLAPIRateLimitError, "rate_limit_exceeded", "rate_limit_error"),
        (errors.AIMLAPICreditsError, "insufficient_quota", "insufficient_quota"),
        (errors.AIMLAPIAuthenticationError, "invalid_api_key", "authentication_error"),
        (errors.AIMLAPINotFoundError, "model_not_found", "invalid_request_error"),
        (errors.AIMLAPIInvalidRequestError, None, "invalid_request_error"),
        (errors.AIMLAPIServerError, "server_error", "server_error"),
        (errors.AIMLAPIResponseError, None, None),
    ],
)
def test_an_error_has_the_words_that_apps_look_for(
    kind: type[errors.AIMLAPIError], code: str | None, of_kind: str | None
) -> None:
    bodies: list[Any] = [None, "text", [], {"error": {"code": "400", "type": 7}}, {"error": "w"}]
    for body in bodies:
        error = kind("words", body=body)
        assert (error.code, error.type) == (code, of_kind)


@pytest.mark.parametrize("shape", [lambda e: {"error": e}, lambda e: [{"error": e}], lambda e: e])
def test_the_servers_own_words_win(shape: Callable[[Any], Any]) -> None:
    body = shape({"code": "invalid_prompt", "type": "image_error", "message": "m"})
    error = errors.AIMLAPIInvalidRequestError("m", body=body)
    assert (error.code, error.type) == ("invalid_prompt", "image_error")
    overflow = errors.AIMLAPIContextOverflowError("m", body=body)
    assert overflow.code == "context_length_exceeded"


def test_pythons_own_errors_catch_ours() -> None:
    with pytest.raises(TimeoutError, match="slow"):
        raise errors.AIMLAPITimeoutError("slow", status_code=408)
    with pytest.raises(ConnectionError, match="gone"):
        raise errors.AIMLAPIConnectionError("gone")
