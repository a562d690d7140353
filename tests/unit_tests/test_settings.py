"""Settings: their names, their checks, what of them is sent."""

from __future__ import annotations

import copy
import pickle
from typing import Any, cast

import pytest
from pydantic import SecretStr, ValidationError

from langchain_aimlapi import ChatAIMLGemini
from tests.answers import KEY, MODEL, Json, model_of, served
from tests.http_client import httpx


def settings_of(asked: ChatAIMLGemini, /, stop: list[str] | None = None, **overrides: Any) -> Json:
    return asked.wire_settings(overrides, stop=stop)


def made(**settings: Any) -> ChatAIMLGemini:
    return ChatAIMLGemini(**{"model": MODEL, "api_key": KEY, **settings})


WIRE: Json = {
    "temperature": 0.0,
    "top_p": 0.5,
    "max_tokens": 100,
    "stop": ["END"],
    "seed": 7,
    "n": 2,
    "frequency_penalty": -1.0,
    "presence_penalty": 1.0,
    "reasoning_effort": "low",
    "reasoning": {"effort": "low"},
    "response_format": {"type": "text"},
    "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": "a"},
    "provider": "openrouter",
}


def test_only_what_is_set_is_sent() -> None:
    assert settings_of(made()) == {"model": MODEL}
    assert settings_of(made(**WIRE)) == {"model": MODEL, **WIRE}
    assert settings_of(made(max_completion_tokens=5)) == {
        "model": MODEL,
        "max_completion_tokens": 5,
    }


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ({"model_name": "gemini-3-flash-preview"}, "model", MODEL),
        ({"model": "gemini-3-flash-preview"}, "model", MODEL),
        ({"model": "somebody/else"}, "model", "somebody/else"),
        ({"stop_sequences": ["a"]}, "stop", ["a"]),
        ({"stop": "a"}, "stop", "a"),
        ({"base_url": "https://example.com/v1/"}, "aimlapi_api_base", "https://example.com/v1"),
        ({"aimlapi_api_base": "http://localhost:1"}, "aimlapi_api_base", "http://localhost:1"),
    ],
)
def test_settings_have_their_other_names(given: Json, name: str, value: Any) -> None:
    named = {} if "model_name" in given else {"model": MODEL}
    model = ChatAIMLGemini(**{"api_key": KEY, **named, **given})
    assert getattr(model, name) == value
    assert model.model_name == model.model


@pytest.mark.parametrize("nothing", [{}, {"api_key": None, "base_url": None}])
def test_key_and_address_come_from_the_environment(
    nothing: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIMLAPI_API_KEY", f" {KEY}\n")
    monkeypatch.setenv("AIMLAPI_API_BASE", "https://example.com/v1/")
    model = ChatAIMLGemini(model=MODEL, **nothing)
    assert model.aimlapi_api_key == SecretStr(KEY)
    assert model.aimlapi_api_base == "https://example.com/v1"
    given = ChatAIMLGemini(model=MODEL, api_key="another", base_url="https://a")
    assert given.aimlapi_api_key.get_secret_value() == "another"
    assert given.aimlapi_api_base == "https://a"


@pytest.mark.parametrize("key", [None, "", "  "])
def test_a_missing_key_is_an_error_that_names_the_variable(
    key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if key is not None:
        monkeypatch.setenv("AIMLAPI_API_KEY", key)
    for nothing in ({}, {"api_key": None}):
        with pytest.raises(ValueError, match="AIMLAPI_API_KEY"):
            ChatAIMLGemini(model=MODEL, **cast("Json", nothing))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"api_key": ""}, "api_key is empty"),
        ({"api_key": "clé"}, "api_key is empty or holds"),
        ({"api_key": "a\nb"}, "api_key is empty or holds"),
        ({"model": " "}, "model is empty"),
        ({"base_url": "example.com"}, "must start with https://"),
        ({"base_url": "https://"}, "is not an address"),
        ({"base_url": "https://a:99999999"}, "is not an address"),
        ({"base_url": "https://[::1"}, "is not an address"),
        ({"timeout": 0}, "timeout=0 is not a limit"),
        ({"timeout": "long"}, "timeout='long' is not a limit"),
        ({"max_retries": -1}, "max_retries"),
        ({"empty_response_retries": -1}, "empty_response_retries"),
        ({"missing_signatures": "drop"}, "missing_signatures"),
        ({"http_client": "proxy"}, "http_client takes an httpx.Client, not an object of type str"),
        (
            {"http_client": httpx.AsyncClient()},
            "takes an httpx.Client, not an object of type AsyncClient",
        ),
        (
            {"http_async_client": httpx.Client()},
            "takes an httpx.AsyncClient, not an object of type Client",
        ),
        ({"default_headers": {"x": "é"}}, r"default_headers\['x'\]"),
        ({"default_headers": {"x\n": "a"}}, "default_headers"),
        ({"temperature": "hot"}, "temperature"),
    ],
)
def test_what_cannot_be_is_an_error_without_the_key(given: Json, words: str) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        made(**given)
    assert KEY not in str(caught.value)


def test_unknown_arguments_are_sent_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="safety, top_k: not a setting of ChatAIMLGemini"):
        model = made(top_k=3, safety="x", model_kwargs={"min_p": 0.1})
    assert settings_of(model) == {"model": MODEL, "min_p": 0.1, "top_k": 3, "safety": "x"}


def test_the_warning_of_an_unknown_argument_points_at_its_caller() -> None:
    with pytest.warns(UserWarning, match="top_k") as said:
        ChatAIMLGemini(model=MODEL, api_key=KEY, top_k=3)
    assert said[0].filename == __file__


def test_the_key_of_another_service_is_refused_unseen() -> None:
    with pytest.raises(ValueError, match="openai_api_key is not a setting") as told:
        made(openai_api_key="sk-secret")
    assert "sk-secret" not in str(told.value)


def test_how_a_call_is_made_decides_whether_it_streams() -> None:
    assert made(stream=True).streaming is True
    assert made().streaming is None
    assert settings_of(made(model_kwargs={"stream": True})) == {"model": MODEL}


def test_something_else_than_settings_is_no_model() -> None:
    with pytest.raises(ValidationError):
        ChatAIMLGemini.model_validate("odd")


def test_a_call_overrides_the_settings() -> None:
    model = made(temperature=1.0, max_tokens=5, stop=["a"], model_kwargs={"top_k": 1})
    assert settings_of(
        model, stop=["b"], temperature=0, model="gemini-3-1-pro-preview", top_k=2
    ) == {
        "model": "google/gemini-3-1-pro-preview",
        "temperature": 0,
        "max_tokens": 5,
        "stop": ["b"],
        "top_k": 2,
    }
    assert settings_of(model, max_completion_tokens=9).keys() & {"max_tokens"} == set()
    newer = made(max_completion_tokens=5)
    assert settings_of(newer, max_tokens=9) == {"model": MODEL, "max_tokens": 9}
    assert settings_of(newer, max_tokens=None)["max_completion_tokens"] == 5
    assert settings_of(newer, model=None)["model"] == MODEL


def test_copies_share_the_users_clients_but_pickles_do_not() -> None:
    there = served({})
    model = model_of(there, temperature=0.5)
    deep = copy.deepcopy(model)
    assert deep.http_client is model.http_client
    assert deep.http_async_client is there.http_async_client
    assert deep.model_dump() == model.model_dump()
    assert copy.copy(model).http_client is there.http_client
    loaded = pickle.loads(pickle.dumps(model))
    assert loaded.http_client is None
    assert loaded.temperature == 0.5
    assert loaded.aimlapi_api_key.get_secret_value() == KEY


def test_constructing_touches_no_network() -> None:
    model = made(timeout=httpx.Timeout(3))
    assert model._clients._leases == []
    assert model._clients._loops == {}


def test_the_versions_are_noted() -> None:
    assert "langchain-aimlapi" in (made().metadata or {})["lc_versions"]
