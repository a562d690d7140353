"""The constructor calls of the three classes that people come from: taken, or refused by name.

The calls are those of the documentation of langchain-google-genai 4.4.3, langchain-openai
1.7.4 and langchain-openrouter 0.2.9, with ours in the place of the class.
"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from langchain_aimlapi import ChatAIMLGemini
from langchain_aimlapi._settings.names import REPLACEMENTS, SYNONYMS

MODEL = "google/gemini-3-flash-preview"
KEY = "sk-a-key-that-nobody-may-see"


def migrated(**settings: Any) -> ChatAIMLGemini:
    return ChatAIMLGemini(**{"api_key": KEY, "model": MODEL, **settings})


def test_the_call_of_chat_google_generative_ai() -> None:
    model = migrated(
        model="models/gemini-3-pro-preview",
        temperature=1.0,
        max_tokens=None,
        timeout=None,
        max_retries=2,
        stop=None,
        safety_settings=None,
    )
    assert model.call_options({}).wire == {
        "model": "google/gemini-3-pro-preview",
        "temperature": 1.0,
    }
    assert model.timeout is None


def test_the_call_of_chat_openai() -> None:
    model = migrated(
        model=" gemini-3-flash-preview ",
        stream_usage=True,
        temperature=None,
        max_tokens=None,
        timeout=None,
        reasoning_effort="low",
        max_retries=2,
        base_url="https://example.com/v1",
        organization=None,
    )
    assert model.call_options({}).wire == {"model": MODEL, "reasoning_effort": "low"}
    assert model.base_url == "https://example.com/v1"


def test_the_call_of_chat_openrouter() -> None:
    model = migrated(
        model="google/gemini-3-flash-preview",
        temperature=0,
        max_tokens=1024,
        max_retries=2,
        reasoning={"effort": "high"},
        streaming=False,
        stop_sequences=["END"],
    )
    assert model.call_options({}).wire == {
        "model": MODEL,
        "temperature": 0,
        "max_tokens": 1024,
        "reasoning": {"effort": "high"},
        "stop": ["END"],
    }


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ({"max_output_tokens": 100}, "max_tokens", 100),
        ({"candidate_count": 2}, "n", 2),
        ({"retries": 5}, "max_retries", 5),
        ({"request_timeout": 3.5}, "timeout", 3.5),
        ({"thinking_level": "high"}, "reasoning_effort", "high"),
        ({"additional_headers": {"x-a": "b"}}, "default_headers", {"x-a": "b"}),
        ({"openai_api_base": "https://b/v1"}, "base_url", "https://b/v1"),
        ({"openrouter_api_base": "https://b/v1"}, "base_url", "https://b/v1"),
        ({"api_base": "https://b/v1"}, "base_url", "https://b/v1"),
        ({"stop_sequences": ["a"]}, "stop", ["a"]),
        ({"stream": True}, "streaming", True),
        ({"api_key": SecretStr(KEY)}, "api_key", SecretStr(KEY)),
    ],
)
def test_a_name_with_an_equivalent_is_taken(given: dict[str, Any], name: str, value: Any) -> None:
    assert getattr(migrated(**given), name) == value
    assert getattr(migrated().model_copy(update=given), name) == value


def test_an_id_under_its_other_names() -> None:
    for name in ("model_name", "model_id"):
        given: dict[str, Any] = {name: "gemini-3-flash-preview"}
        assert ChatAIMLGemini(api_key=KEY, **given).model == MODEL


@pytest.mark.parametrize("name", sorted(REPLACEMENTS))
def test_a_name_without_an_equivalent_is_refused_with_what_to_use(name: str) -> None:
    value = "sk-of-another-service"
    with pytest.raises(ValidationError) as told:
        migrated(**{name: value})
    assert f"{name} is not a setting of ChatAIMLGemini: {REPLACEMENTS[name]}." in str(told.value)
    assert value not in str(told.value)
    assert migrated(**{name: None}).model == MODEL  # unset there, unset here


@pytest.mark.parametrize("name", sorted(REPLACEMENTS.keys() - {"extra_headers"}))
def test_a_call_refuses_them_alike(name: str) -> None:
    with pytest.raises(ValueError, match="is not a setting of ChatAIMLGemini"):
        migrated().invoke("Hello", **{name: 1})  # type: ignore[arg-type]


def test_no_name_is_both_taken_and_refused() -> None:
    own = {*ChatAIMLGemini.model_fields, "api_key", "base_url"}
    assert not SYNONYMS.keys() & REPLACEMENTS.keys()
    assert not own & (SYNONYMS.keys() | REPLACEMENTS.keys())
    assert set(SYNONYMS.values()) <= own


def test_a_count_of_tokens_is_no_credential() -> None:
    for name, near in (
        ("maxOutputTokens", "did you mean max_output_tokens"),
        ("token_x", "api_key"),
    ):
        with pytest.raises(ValidationError, match=near) as told:
            migrated(**{name: 1})
        assert ("The key is passed as api_key" in str(told.value)) == (name == "token_x")
