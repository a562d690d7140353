"""What is documented of each model id, and how spellings of an id are resolved."""

import warnings
from collections.abc import Iterator
from typing import get_type_hints

import pytest
from langchain_core.language_models.model_profile import ModelProfile
from langchain_core.messages import HumanMessage

from langchain_aimlapi import ChatAIMLGemini
from langchain_aimlapi._settings import model_warnings
from langchain_aimlapi._settings.model_warnings import warn_if_deprecated, warn_undocumented_part
from langchain_aimlapi.data import _profiles
from langchain_aimlapi.data._profiles import (
    deprecation_text,
    documented_parts,
    facts_of,
    full_model_id,
    profile_of,
    successor_of,
)
from langchain_aimlapi.testing.standin.server import StandIn

PRO = "google/gemini-3-pro-preview"
FLASH = "google/gemini-3-flash-preview"
LITE = "google/gemini-3-1-flash-lite"
UNKNOWN = "google/gemini-9-ultra"
GONE = "google/gemini-2.5-pro-preview"
SERVED = sorted(_profiles._PROFILES)
EVERY_ID = sorted(_profiles._DOCUMENTED)
CAPABILITIES = (
    *(f"{kind}_inputs" for kind in ("text", "image", "image_url", "pdf", "audio", "video")),
    *(f"{kind}_outputs" for kind in ("text", "image", "audio", "video")),
    "image_tool_message",
    "pdf_tool_message",
    "tool_calling",
    "tool_choice",
    "structured_output",
)


@pytest.fixture(autouse=True)
def _nothing_was_said() -> Iterator[None]:
    model_warnings._warn_once.cache_clear()
    yield
    model_warnings._warn_once.cache_clear()


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        (FLASH, FLASH),
        ("gemini-3-flash-preview", FLASH),
        ("gemini-3.1-pro-preview", "google/gemini-3-1-pro-preview"),
        ("google/gemini-3.1-pro-preview", "google/gemini-3-1-pro-preview"),
        ("gemini-3-1-pro-preview-customtools", "google/gemini-3.1-pro-preview-customtools"),
        ("gemini-2-5-pro", "google/gemini-2.5-pro"),
        ("gemini-3.5-flash-lite", "google/gemini-3.5-flash-lite"),
        ("gemini-3-5-flash-lite", "google/gemini-3-5-flash-lite"),
        ("gemini-9.1-ultra", "google/gemini-9.1-ultra"),
        ("models/gemini-2.5-pro", "google/gemini-2.5-pro"),
        (" gemini-3-flash-preview\n", FLASH),
        ("openai/gpt-4.1", "openai/gpt-4.1"),
    ],
)
def test_an_id_is_sent_with_its_prefix_in_the_documented_spelling(written: str, sent: str) -> None:
    assert full_model_id(written) == sent


@pytest.mark.parametrize("model", EVERY_ID)
def test_documented_ids_are_sent_as_they_are(model: str) -> None:
    assert full_model_id(model) == model
    assert full_model_id(model.removeprefix("google/")) == model


@pytest.mark.parametrize("model", EVERY_ID)
def test_profiles_have_only_keys_that_langchain_declares(model: str) -> None:
    profile = profile_of(model)
    assert profile is not None
    assert set(profile) <= set(get_type_hints(ModelProfile))


@pytest.mark.parametrize("model", SERVED)
def test_a_profile_says_of_inputs_what_the_schema_says_of_parts(model: str) -> None:
    profile = profile_of(model) or {}
    parts = documented_parts(model) or frozenset()
    for part, key in {
        "text": "text_inputs",
        "image_url": "image_inputs",
        "file": "pdf_inputs",
        "video_url": "video_inputs",
        "input_audio": "audio_inputs",
    }.items():
        assert (profile.get(key) is True) == (part in parts)


@pytest.mark.parametrize("model", [*EVERY_ID, UNKNOWN])
def test_a_profile_says_yes_or_no_to_every_capability(model: str) -> None:
    profile = profile_of(model) or {}
    assert {type(profile.get(key)) for key in CAPABILITIES} == {bool}
    assert profile["max_input_tokens"] >= 32_768


@pytest.mark.parametrize("model", SERVED)
def test_a_served_id_has_a_name_a_limit_of_output_and_structured_output(model: str) -> None:
    profile = profile_of(model) or {}
    assert profile["structured_output"] is True  # every served schema lists `json_schema`
    assert profile["name"]
    assert 32_768 <= profile["max_output_tokens"] <= 65_536


def test_the_two_main_models_are_described_as_documented() -> None:
    flash = profile_of("gemini-3-flash-preview")
    assert flash == {
        "name": "Gemini 3 Flash Preview",
        "status": "active",
        "max_input_tokens": 1_000_000,
        "max_output_tokens": 65_536,
        "text_inputs": True,
        "image_inputs": True,
        "image_url_inputs": True,
        "image_tool_message": True,
        "pdf_inputs": False,
        "pdf_tool_message": False,
        "audio_inputs": False,
        "video_inputs": False,
        "text_outputs": True,
        "image_outputs": False,
        "audio_outputs": False,
        "video_outputs": False,
        "reasoning_output": True,
        "reasoning_effort_levels": ["minimal", "low", "medium", "high"],
        "tool_calling": True,
        "tool_choice": True,
        "tool_call_streaming": True,
        "structured_output": True,
        "temperature": True,
    }
    assert profile_of(PRO) == flash | {
        "name": "Gemini 3 Pro Preview",
        "status": "deprecated",
        "max_input_tokens": 200_000,
        "reasoning_effort_levels": ["low", "high"],
        "reasoning_effort_default": "high",
    }


@pytest.fixture(scope="module")
def standin() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


@pytest.mark.parametrize("model", SERVED)
@pytest.mark.filterwarnings("ignore:.*deprecated")
def test_the_stand_in_serves_every_row(standin: StandIn, model: str) -> None:
    asked = ChatAIMLGemini(model=model, base_url=standin.base_url, api_key="sk-any-key-at-all")
    assert asked.invoke([HumanMessage("hi")]).text


def test_a_new_id_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {**_profiles._CHAT, "name": "Ultra", "max_input_tokens": 2_000_000}
    monkeypatch.setitem(_profiles._PROFILES, UNKNOWN, row)
    with StandIn() as server:
        asked = ChatAIMLGemini(model=UNKNOWN, base_url=server.base_url, api_key="sk-any-key")
        assert asked.invoke("hi").text
    assert (asked.profile or {})["max_input_tokens"] == 2_000_000
    assert (facts_of(UNKNOWN) or _profiles._OLDEST).newer


def test_a_profile_is_the_callers_own() -> None:
    first = profile_of(FLASH)
    assert first is not None
    first["reasoning_effort_levels"].append("extreme")
    first.clear()
    second = profile_of(FLASH)
    assert second is not None
    assert second["reasoning_effort_levels"] == ["minimal", "low", "medium", "high"]


def test_both_spellings_of_one_model_have_one_profile() -> None:
    dashed = profile_of("google/gemini-3-5-flash-lite")
    assert dashed == profile_of("gemini-3.5-flash-lite")


def test_only_what_is_safe_is_claimed_of_an_unknown_id_of_the_family() -> None:
    profile = profile_of("models/gemini-9-ultra") or {}
    assert profile["max_input_tokens"] == 200_000
    assert profile["tool_calling"] is profile["image_inputs"] is True
    for key in ("pdf_inputs", "audio_inputs", "video_inputs", "structured_output"):
        assert profile[key] is False
    assert "status" not in profile
    assert profile_of("openai/gpt-4.1") is None


def test_nothing_is_documented_of_an_unknown_id() -> None:
    assert facts_of(UNKNOWN) is None
    assert documented_parts(UNKNOWN) is None
    assert successor_of(UNKNOWN) is None
    assert deprecation_text(UNKNOWN) is None
    warn_if_deprecated(UNKNOWN)
    warn_undocumented_part("video_url", model=UNKNOWN)


@pytest.mark.parametrize("model", EVERY_ID)
def test_a_successor_is_a_served_id_and_belongs_to_a_deprecated_one(model: str) -> None:
    successor = successor_of(model)
    is_deprecated = (profile_of(model) or {}).get("status") == "deprecated"
    assert (successor is not None) == is_deprecated
    if successor is not None:
        assert (profile_of(successor) or {})["status"] == "active"


def test_a_deprecated_id_warns_once_and_names_its_successor() -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        warn_if_deprecated("gemini-3-pro-preview")
        warn_if_deprecated(PRO)
    assert [str(warning.message) for warning in said] == [deprecation_text(PRO)]
    assert "'google/gemini-3-1-pro-preview'" in str(deprecation_text(PRO))


def test_a_warning_that_is_turned_into_an_error_comes_again() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            with pytest.raises(UserWarning, match="deprecated"):
                warn_if_deprecated(PRO)


def test_a_part_that_the_schema_does_not_list_warns_once_per_model_and_part() -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(2):
            warn_undocumented_part("file", model=FLASH)
            warn_undocumented_part("file", model=PRO)
            warn_undocumented_part("video_url", model=FLASH)
    assert len(said) == 3
    assert all("lists only image_url, text" in str(warning.message) for warning in said)


@pytest.mark.parametrize("part", ["text", "image_url", "file", "video_url", "input_audio"])
def test_a_documented_part_does_not_warn(part: str) -> None:
    warn_undocumented_part(part, model=LITE)  # warnings are errors here


def test_a_deprecated_id_without_a_schema_does_not_warn_of_parts() -> None:
    warn_undocumented_part("file", model=GONE)
    assert (profile_of(GONE) or {})["status"] == "deprecated"
    assert facts_of(GONE) is None
