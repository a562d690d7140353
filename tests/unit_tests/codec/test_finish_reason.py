"""How an answer ended, in one vocabulary, whatever the dialect."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from langchain_aimlapi import errors
from langchain_aimlapi._codec.finish_reason import Ending, ending_message, is_withheld
from tests.answers import JSON

EMPTY, RESPONSE = errors.AIMLAPIEmptyResponseError, errors.AIMLAPIResponseError


def ending(finish: Any, native: Any = None) -> Ending:
    return Ending.read({"finish_reason": finish, "native_finish_reason": native})


@pytest.mark.parametrize(
    ("finish", "native", "reason", "google"),
    [
        ("stop", "STOP", "stop", "STOP"),
        ("tool_calls", "STOP", "tool_calls", "STOP"),
        ("function_call", None, "tool_calls", ""),
        ("STOP", None, "stop", "STOP"),
        ("MAX_TOKENS", None, "length", "MAX_TOKENS"),
        ("max_tokens", None, "length", "MAX_TOKENS"),
        ("FinishReason.MAX_TOKENS", None, "length", "MAX_TOKENS"),
        ("FINISH_REASON_SAFETY", None, "content_filter", "SAFETY"),
        ("SAFETY", None, "content_filter", "SAFETY"),
        ("RECITATION", None, "content_filter", "RECITATION"),
        ("content_filter: PROHIBITED_CONTENT", None, "content_filter", "PROHIBITED_CONTENT"),
        ("content_filter: SAFETY", None, "content_filter", "SAFETY"),
        ("content_filter:recitation", None, "content_filter", "RECITATION"),
        ("content_filter: OTHER", None, "content_filter", "OTHER"),
        ("content_filter", None, "content_filter", ""),
        ("Content_Filter", None, "content_filter", ""),
        ("function_call_filter: MALFORMED_FUNCTION_CALL", None, "error", "MALFORMED_FUNCTION_CALL"),
        ("function_call_filter: NEW", None, "error", "NEW"),
        ("function_call_filter", None, "error", ""),
        ("MALFORMED_FUNCTION_CALL", None, "error", "MALFORMED_FUNCTION_CALL"),
        ("stop", "SAFETY", "content_filter", "SAFETY"),
        ("error", "RECITATION", "content_filter", "RECITATION"),
        ("stop", "MALFORMED_FUNCTION_CALL", "error", "MALFORMED_FUNCTION_CALL"),
        ("tool_calls", "MAX_TOKENS", "length", "MAX_TOKENS"),
        ("content_filter", "MAX_TOKENS", "content_filter", "MAX_TOKENS"),
        ("content_filter: SAFETY", "STOP", "content_filter", "STOP"),
        ("length", "STOP", "length", "STOP"),
        (None, "MAX_TOKENS", "length", "MAX_TOKENS"),
        (None, "stop", "stop", "stop"),
        (None, "NEW", "", "NEW"),
        ("OTHER", None, "OTHER", ""),
        ("something: new", "NEW", "something: new", "NEW"),
        (None, None, "", ""),
        (3, ["odd"], "", ""),
    ],
)
def test_every_word_is_read(finish: Any, native: Any, reason: str, google: str) -> None:
    read = ending(finish, native)
    assert (read.reason, read.native) == (reason, google)
    told = ending(read.reason, read.native)  # as a stored message has it
    assert told == Ending(read.reason, read.native, is_malformed=told.is_malformed)


@pytest.mark.parametrize(
    ("finish", "calls", "refusal", "word"),
    [
        ("stop", False, False, "stop"),
        ("STOP", True, False, "tool_call"),
        ("stop", True, True, "refusal"),
        ("MAX_TOKENS", True, False, "length"),
        ("tool_calls", True, False, "tool_call"),
        ("content_filter: SAFETY", False, True, "content_filter"),
        ("error", False, False, "error"),
        ("something new", True, False, "other"),
        (None, True, False, ""),
    ],
)
def test_the_ending_is_told_in_the_vocabulary_of_langchain(
    finish: Any,
    calls: bool,  # noqa: FBT001  a table
    refusal: bool,  # noqa: FBT001  a table
    word: str,
) -> None:
    assert ending(finish).normalized(has_calls=calls, has_refusal=refusal) == word


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


@pytest.mark.parametrize(
    ("finish", "native", "is_empty", "kind"),
    [
        ("stop", "STOP", False, None),
        ("stop", "STOP", True, EMPTY),
        (None, None, True, EMPTY),
        ("tool_calls", "STOP", True, EMPTY),
        ("length", "MAX_TOKENS", True, None),
        ("MAX_TOKENS", None, True, None),
        ("content_filter", None, True, None),
        ("content_filter: PROHIBITED_CONTENT", None, True, None),
        ("stop", "SAFETY", True, None),
        ("error", "RECITATION", True, None),
        ("error", None, False, RESPONSE),
        ("error", None, True, RESPONSE),
        ("error", "MALFORMED_FUNCTION_CALL", True, EMPTY),
        ("stop", "MALFORMED_FUNCTION_CALL", False, EMPTY),
        ("function_call_filter: MALFORMED_FUNCTION_CALL", None, False, EMPTY),
        ("function_call_filter: NEW", None, False, EMPTY),
        ("stop", "UNEXPECTED_TOOL_CALL", True, EMPTY),
        ("TOO_MANY_TOOL_CALLS", None, False, RESPONSE),
        ("something new", "NEW", False, None),
    ],
)
def test_an_ending_is_a_failure_or_not(
    finish: str | None,
    native: str | None,
    is_empty: bool,  # noqa: FBT001  a table
    kind: type[Exception] | None,
) -> None:
    assert ending(finish, native).failure(is_empty=is_empty) is kind


def test_the_error_names_what_is_known() -> None:
    metadata = {"model_name": "m", "id": "gen-1", "finish_reason": "error"}
    assert "'m' ended without a usable answer (finish_reason='error')" in ending_message(metadata)
    assert "'gen-1'" in ending_message(metadata)


@given(JSON, JSON)
def test_any_words_are_read(finish: Any, native: Any) -> None:
    read = ending(finish, native)
    assert isinstance(read.normalized(has_calls=False, has_refusal=False), str)
    assert isinstance(is_withheld({"finish_reason": finish}), bool)


def test_a_word_as_long_as_a_page_is_read_as_any_other() -> None:
    assert Ending.read({"finish_reason": "a" * 5_000}).reason == "a" * 5_000
