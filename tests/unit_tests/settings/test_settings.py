"""Settings: their names, their checks, what of them is sent."""

from __future__ import annotations

import ast
import copy
import inspect
import pickle
import re
from decimal import Decimal
from functools import partial
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Self, cast

import pytest
from langchain_core.load import dumps
from pydantic import (
    AfterValidator,
    BaseModel,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from langchain_aimlapi import ChatAIMLGemini
from langchain_aimlapi._http.setting_types import ApiKey
from langchain_aimlapi._settings.call_options import setting_names
from langchain_aimlapi._settings.descriptions import describe
from langchain_aimlapi._settings.fields import GeminiSettings
from langchain_aimlapi.errors import AIMLAPIError
from tests.answers import KEY, MODEL, Json, model_of, served
from tests.http_client import httpx

if TYPE_CHECKING:
    from collections.abc import Callable


def settings_of(asked: ChatAIMLGemini, /, stop: list[str] | None = None, **overrides: Any) -> Json:
    return asked.call_options(overrides, stop=stop).wire


def made(**settings: Any) -> ChatAIMLGemini:
    return ChatAIMLGemini(**{"model": MODEL, "api_key": KEY, **settings})


ANSWER: Json = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
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
    assert given.aimlapi_api_key == SecretStr("another")
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
        ({"api_key": "**********"}, "api_key is a row of asterisks"),
        ({"api_key": "clé"}, "api_key is empty or holds"),
        ({"api_key": "a\nb"}, "api_key is empty or holds"),
        ({"api_key": ""}, "AIMLAPI_API_KEY"),
        ({"api_key": "  "}, "AIMLAPI_API_KEY"),
        ({"model": " "}, "model is empty"),
        ({"base_url": "example.com"}, "must start with https://"),
        ({"base_url": "https://a/v1/chat/completions/"}, "leave out /chat/completions"),
        ({"api_key": 7}, "api_key takes a str, a SecretStr or a function"),
        ({"base_url": "https://"}, "is not an address"),
        ({"base_url": "https://a:99999999"}, "is not an address"),
        ({"base_url": "https://[::1"}, "is not an address"),
        ({"timeout": 0}, "timeout=0 is not a limit"),
        ({"timeout": "long"}, "timeout='long' is not a limit"),
        ({"max_retries": -1}, "max_retries"),
        ({"empty_response_retries": -1}, "empty_response_retries"),
        ({"missing_signatures": "drop"}, "missing_signatures"),
        ({"http_client": "a"}, "takes an httpx.Client or httpx2.Client, not an object of type str"),
        (
            {"http_client": httpx.AsyncClient()},
            "takes an httpx.Client or httpx2.Client, not an object of type AsyncClient",
        ),
        (
            {"http_async_client": httpx.Client()},
            "takes an httpx.AsyncClient or httpx2.AsyncClient, not an object of type Client",
        ),
        ({"default_headers": {"x": "é"}}, r"default_headers\['x'\]"),
        ({"default_headers": {"x\n": "a"}}, "default_headers"),
        ({"temperature": "hot"}, "temperature='hot' is not a number from 0 to 2"),
        ({"temperature": True}, "temperature=True is not a number"),
        ({"temperature": [1]}, r"temperature=\[1\] is not a number"),
        ({"max_tokens": 1.5}, "max_tokens=1.5 is not a whole number of 1 or more"),
        ({"max_tokens": ""}, "max_tokens='' is not a whole number"),
        ({"n": True}, "n=True is not a whole number"),
        ({"max_retries": True}, "max_retries=True is not a number of attempts"),
        ({"stream_timeout": 0}, "stream_timeout=0 is not a limit"),
        ({"stream_timeout": 10**400}, "stream_timeout=1000"),
        ({"stop": 3}, "stop=3 is not a text or a list of texts"),
        ({"streaming": "maybe"}, "streaming='maybe' is not a switch: pass True or False"),
        ({"reasoning": "low"}, "reasoning='low' is not a dict such as"),
        ({"reasoning_effort": 3}, "reasoning_effort=3 is not a level: pass one of minimal"),
        ({"model": 3}, "model=3 is not a model id: pass text, such as"),
        ({"model": None}, "model=None is not a model id"),
        ({"base_url": 3}, "base_url=3 is not an address: pass text"),
        ({"tool_choice": 3}, "tool_choice=3 is not a choice: pass 'auto'"),
        ({"default_headers": {"x": 3}}, "default_headers is not a dict of names to texts"),
        ({"model_kwargs": [KEY]}, "model_kwargs is not a mapping of names to values"),
    ],
)
def test_what_cannot_be_is_an_error_without_the_key(given: Json, words: str) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        made(**given)
    assert KEY not in str(caught.value)
    assert {detail["type"] for detail in caught.value.errors()} == {"value_error"}  # our own words


@pytest.mark.parametrize(
    "given",
    [
        {"reasoning": 5},
        {"reasoning": "low"},
        {"stream_usage": "x"},
        {"parallel_tool_calls": "maybe"},
        {"provider": 5},
        {"prediction": "text"},
        {"temperature": "hot"},
        {"n": 2.5},
    ],
)
def test_a_call_refuses_what_the_constructor_refuses_in_the_same_words(given: Json) -> None:
    with pytest.raises(ValidationError) as caught:
        made(**given)
    words = caught.value.errors()[0]["msg"].removeprefix("Value error, ")
    there = served({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]})
    model = model_of(there)
    calls: list[Callable[[], object]] = [
        lambda: model.invoke("Hi", **given),
        lambda: model.bind(**given).invoke("Hi"),
        lambda: [*model.stream("Hi", **given)],
    ]
    for call in calls:
        with pytest.raises(ValueError, match=re.escape(words)):
            call()
    assert there.bodies == []


def test_a_model_without_an_id_is_told_what_is_missing() -> None:
    with pytest.raises(ValidationError, match="model is missing: pass an id such as 'google/"):
        ChatAIMLGemini.model_validate({"api_key": KEY})

    class Fixed(ChatAIMLGemini):
        model: str = "google/gemini-3-flash-preview"

    assert Fixed(api_key=KEY).model == "google/gemini-3-flash-preview"


@pytest.mark.parametrize("value", ["0.5", 0.5, Decimal("0.5")])
def test_a_number_may_come_as_text_too(value: Any) -> None:
    assert made(temperature=value).temperature == 0.5


def test_both_names_of_one_limit_are_never_sent_together() -> None:
    model = made(max_tokens=5)
    for names in ({"max_tokens": 5, "max_completion_tokens": 6}, {"n": 1, "candidate_count": 2}):
        with pytest.raises(ValueError, match="is given twice, also as"):
            made(**names)
        with pytest.raises(ValueError, match="is given twice, also as"):
            model.call_options(names)
    copied = model.model_copy(update={"max_completion_tokens": 6})
    assert (copied.max_tokens, copied.max_completion_tokens) == (None, 6)
    copied.max_tokens = 7
    assert (copied.max_tokens, copied.max_completion_tokens) == (7, None)
    assert made(max_tokens=None, max_completion_tokens=6).max_completion_tokens == 6


@pytest.mark.parametrize("where", ["model_kwargs", "extra_body"])
@pytest.mark.parametrize(
    "name",
    [
        *("apiToken", "accessToken", "authToken", "bearer", "secretKey", "x_api_token", "passwd"),
        *("private_key", "aws_access_key_id", "auth", "AIMLAPI_API_KEY", "credentials", "Token"),
    ],
)
def test_a_credential_is_no_parameter_under_any_of_its_names(name: str, where: str) -> None:
    with pytest.raises(ValidationError, match=f"{where} holds {name!r}") as told:
        made(**{where: {name: "sk-secret"}})
    assert "sk-secret" not in str(told.value)


@pytest.mark.parametrize("name", ["top_k", "stop_token_ids", "prompt_cache_key", "key_frames"])
def test_other_words_of_a_parameter_are_none_of_a_credential(name: str) -> None:
    assert made(model_kwargs={name: 1}).model_kwargs == {name: 1}


def test_a_key_in_the_place_of_the_address_is_not_shown() -> None:
    key = "sk-aiml-4d1f0c7b9e2a4f6d8c3b5a7e9f1d2c4b"
    with pytest.raises(ValidationError, match=r"base_url .not shown.* must start with") as told:
        made(base_url=key)
    assert key not in str(told.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"temprature": 1}, "temprature is not a setting of ChatAIMLGemini; did you mean temp"),
        ({"max_token": 1}, "max_token is not .* did you mean max_tokens"),
        ({"top_k": 3}, r"top_k is not a setting .*\. .* goes into model_kwargs={'top_k'"),
        ({"odd": 1, "even": 2}, "odd is not a setting.*even is not a setting"),
        ({"safety_settings": {}}, "safety_settings is not .*Google's defaults hold"),
        ({"tools": []}, "tools is not a setting of ChatAIMLGemini: use bind_tools"),
        ({"extra_headers": {"x": "sk-secret"}}, "extra_headers is not .*default_headers"),
        ({"apikey": "sk-secret"}, "apikey is not .* did you mean api_key"),
        ({"API_KEY": "sk-secret"}, "API_KEY is not .* did you mean api_key"),
        ({"token": "sk-secret"}, "token is not .*passed as api_key"),
        ({"my_client_secret": "sk-secret"}, "my_client_secret is not .*passed as api_key"),
        ({"model_kwargs": {"api-key": "sk-secret"}}, "model_kwargs holds 'api-key'"),
        ({"extra_body": {"Authorization": "sk-secret"}}, "extra_body holds 'Authorization'"),
        ({"model_name": "other"}, "model is given twice, also as model_name"),
        ({"aimlapi_api_key": "other"}, "api_key is given twice, also as aimlapi_api_key"),
        ({"timeout": 3, "request_timeout": None}, "timeout is given twice, also as request_timeo"),
        ({"timeout": None, "request_timeout": 3}, "timeout is given twice, also as request_timeo"),
        ({"azure_endpoint": "https://x"}, "azure_endpoint is not .* not Azure"),
        ({"azure_deployment": "x"}, "azure_deployment is not .* not Azure"),
        ({"endpoint": "https://x"}, "endpoint is not .* the address is base_url"),
        ({"custom_llm_provider": "x"}, "custom_llm_provider is not .* leave it out"),
        ({"http_options": {}}, "http_options is not .* use default_headers, timeout"),
        ({"safety_setting": {}}, "safety_setting is not .* nor is safety_settings: the gateway"),
        (
            {"thinking_level": "low", "reasoning_effort": "high"},
            "reasoning_effort is given twice, also as thinking_level",
        ),
    ],
)
def test_a_name_that_is_no_setting_is_refused_with_what_to_use(given: Json, words: str) -> None:
    with pytest.raises(ValidationError, match=words) as told:
        made(**given)
    assert "sk-secret" not in str(told.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"temprature": 1}, "did you mean temperature"),
        ({"top_k": 3}, r"extra_body={'top_k'"),
        ({"thinking_budget": 3}, "reasoning_effort"),
        ({"openai_api_base": "https://b"}, "base_url: a setting of the model, not of a call"),
        ({"api_key": "sk-secret"}, "api_key: a setting of the model"),
        ({"google_api_key": "sk-secret"}, "google_api_key is not a setting"),
        ({"extra_body": {"api_key": "sk-secret"}}, "extra_body holds 'api_key'"),
        ({"temperature": 3}, "temperature=3 is not a number from 0 to 2"),
        ({"thinking_level": "hihg"}, "did you mean 'high'"),
        ({"max_retries": True}, "max_retries=True is not a number of attempts"),
        ({"stream_timeout": 10**400}, "stream_timeout=1000"),
        ({"reasoning": {1: "low"}}, "reasoning={1: 'low'} is not a dict such as"),
        ({"reasoning": MappingProxyType({"effort": "lo"})}, "did you mean 'low'"),
        ({"prediction": {1: "a"}}, "prediction={1: 'a'} is not a dict such as"),
        ({"extra_body": {1: "sk-secret"}}, "extra_body of type dict is no mapping of names"),
        ({"extra_headers": ["sk-secret"]}, "extra_headers of type list is no mapping of names"),
    ],
)
def test_a_call_knows_the_same_names_and_ranges(given: Json, words: str) -> None:
    asked = model_of(served({}))
    for ask in (asked.invoke, asked.stream, asked.bind(**given).invoke):
        with pytest.raises(ValueError, match=words) as told:
            list(ask("hi", **given))
        assert "sk-secret" not in str(told.value)


@pytest.mark.parametrize("name", ["reasoning", "prediction"])
def test_any_mapping_is_sent_by_a_call_as_by_the_model(name: str) -> None:
    given: Json = {name: MappingProxyType({"effort": "low"})}
    there = served(ANSWER)
    model_of(there, **given).invoke("hi")
    model_of(there).invoke("hi", **given)
    model_of(there).bind(**given).invoke("hi")
    assert [body[name] for body in there.bodies] == [{"effort": "low"}] * 3


def test_other_packages_names_are_taken_in_a_call() -> None:
    given: Json = {"max_output_tokens": 5, "thinking_level": "low", "stop_sequences": ["a"]}
    assert settings_of(made(), **given) == {
        "model": MODEL,
        "max_tokens": 5,
        "reasoning_effort": "low",
        "stop": ["a"],
    }
    assert made().call_options({"request_timeout": 3, "retries": 1}).timeout == 3


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("temperature", (-0.1, 2.1, float("nan"), True), (0, 2)),
        ("top_p", (0, 1.1), (0.01, 1)),
        ("frequency_penalty", (-2.1, 2.1, 10**400), (-2, 2)),
        ("presence_penalty", (-2.1, 2.1), (-2, 2)),
        ("max_tokens", (0, -1), (1, 10**400)),
        ("max_completion_tokens", (0,), (1,)),
        ("n", (0,), (1,)),
        ("seed", (0,), (1,)),
        ("reasoning_effort", ("hihg", "HIGH", "med"), ("minimal", "low", "medium", "high")),
        ("reasoning", ({"effort": "lo"},), ({"effort": "low"}, {"max_tokens": 9})),
    ],
)
def test_documented_ranges_hold_for_the_model_and_for_a_call(
    name: str, wrong: tuple[Any, ...], right: tuple[Any, ...]
) -> None:
    for value in wrong:
        with pytest.raises(ValueError, match=f"{name}.*{value!r}|did you mean"):
            settings_of(made(), **{name: value})
        if value is not True:  # pydantic takes it for 1
            with pytest.raises(ValidationError, match=name):
                made(**{name: value})
    for value in right:
        assert settings_of(made(), **{name: value}) == settings_of(made(**{name: value}))


def test_numbers_of_a_call_are_numbers() -> None:
    for odd in ({"max_tokens": 1.5}, {"temperature": "1"}, {"reasoning_effort": 3}):
        with pytest.raises(ValueError, match=next(iter(odd))):
            settings_of(made(), **odd)


def test_what_is_out_of_a_range_goes_past_it_on_purpose() -> None:
    model = made(model_kwargs={"temperature": 3})
    assert settings_of(model)["temperature"] == 3
    assert model.call_options({"extra_body": {"top_k": 1}}).extra_body == {"top_k": 1}


def test_an_unknown_level_is_sent_with_a_warning_at_the_callers_line() -> None:
    with pytest.warns(UserWarning, match="reasoning_effort='turbo' is not one of") as said:
        model = ChatAIMLGemini(model=MODEL, api_key=KEY, reasoning_effort="turbo")
    assert said[0].filename == __file__
    assert model.reasoning_effort == "turbo"
    there = served(ANSWER)
    with pytest.warns(UserWarning, match="turbo") as said:
        model_of(there).invoke("hi", reasoning_effort="turbo")
    assert said[0].filename == __file__
    assert there.bodies[0]["reasoning_effort"] == "turbo"


def test_none_means_unset_but_for_the_timeout() -> None:
    optional = set(ChatAIMLGemini.model_fields) - {"model", "timeout"}
    nothing = dict.fromkeys(optional - {"api_key", "aimlapi_api_key"})
    model = made(**nothing)
    assert model.max_retries == 2
    assert model.model_kwargs == {}
    assert made(timeout=None).timeout is None
    assert made(timeout=None, organization=None, safety_settings=None).timeout is None


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
    assert settings_of(model, stop=["b"], temperature=0, model="gemini-3-1-pro-preview") == {
        "model": "google/gemini-3-1-pro-preview",
        "temperature": 0,
        "max_tokens": 5,
        "stop": ["b"],
        "top_k": 1,
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
    assert loaded.aimlapi_api_key == SecretStr(KEY)


def test_constructing_touches_no_network() -> None:
    model = made(timeout=httpx.Timeout(3))
    assert not model.connections._idle.leases
    assert model.connections._loops == {}


def test_the_versions_are_noted() -> None:
    assert "langchain-aimlapi" in (made().metadata or {})["lc_versions"]


@pytest.mark.parametrize(
    "address",
    [
        "https://me:sk-secret@example.com/v1",
        "https://sk-secret@example.com/v1",
        "https://example.com/v1?key=sk-secret",
        "https://example.com/v1#sk-secret",
        "me:sk-secret@example.com",
    ],
)
def test_an_address_with_more_than_an_address_is_refused_unshown(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValidationError, match="not shown") as told:
        made(base_url=address)
    assert "sk-secret" not in str(told.value)
    with pytest.raises(ValidationError, match="not shown") as told:
        made().model_copy(update={"openai_api_base": address})
    assert "sk-secret" not in str(told.value)
    monkeypatch.setenv("AIMLAPI_API_BASE", address)
    with pytest.raises(ValidationError, match="not shown"):
        made()


@pytest.mark.parametrize("deep", [False, True])
def test_a_copy_takes_the_constructors_names_and_checks(*, deep: bool) -> None:
    first = made(temperature=1.0, base_url="https://a/v1", reasoning={"effort": "low"})
    update: Json = {
        "api_key": " sk-tenant-2 ",
        "base_url": "https://b/v1/",
        "max_output_tokens": 5,
        "temperature": None,
        "default_headers": {"x-a": "b"},
        "timeout": 3,
    }
    copied = first.model_copy(update=update, deep=deep)
    assert copied.api_key == SecretStr("sk-tenant-2")
    assert copied.base_url == copied.aimlapi_api_base == "https://b/v1"
    assert settings_of(copied) == {"model": MODEL, "max_tokens": 5, "reasoning": {"effort": "low"}}
    assert copied.call_options({}).timeout == 3
    assert "sk-tenant-2" not in repr(copied) + str(copied) + str(copied.model_dump())
    assert "https://b/v1" in str(copied._serialized)
    assert (first.api_key, first.base_url) == (SecretStr(KEY), "https://a/v1")
    assert (first.temperature, first.max_tokens) == (1.0, None)
    assert {"max_tokens", "timeout"} <= copied.model_fields_set


@pytest.mark.parametrize(
    ("update", "words"),
    [
        ({"temprature": 1}, "did you mean temperature"),
        ({"temperature": 3}, "temperature"),
        ({"api_key": ""}, "api_key is empty"),
        ({"token": "sk-secret"}, "token is not a setting"),
        ({"api_key": "a", "aimlapi_api_key": "b"}, "api_key is given twice"),
    ],
)
def test_a_copy_refuses_what_the_constructor_refuses(update: Json, words: str) -> None:
    with pytest.raises(ValueError, match=words) as told:
        made().model_copy(update=update)
    assert "sk-secret" not in str(told.value)


def test_the_profile_of_a_copy_follows_its_model_unless_it_was_chosen() -> None:
    other = "google/gemini-3-1-flash-lite"
    assert (made().model_copy(update={"model": other}).profile or {})["pdf_inputs"] is True
    model = made()
    model.model = "gemini-3-1-flash-lite"
    assert model.model == other
    assert (model.profile or {})["pdf_inputs"] is True
    chosen = made(profile={"max_input_tokens": 5})
    assert chosen.model_copy(update={"model": other}).profile == {"max_input_tokens": 5}


def test_assignment_checks_as_the_constructor_does_and_never_shows_the_key() -> None:
    model: Any = made(base_url="https://a/v1")
    assert "a/v1" in str(model._serialized)
    for name in ("api_key", "aimlapi_api_key"):
        setattr(model, name, "sk-plain-text")
        assert model.aimlapi_api_key == SecretStr("sk-plain-text")
    assert "sk-plain-text" not in repr(model) + str(model.model_dump()) + model.model_dump_json()
    model.base_url = "https://b/v1/"
    assert model.aimlapi_api_base == "https://b/v1"
    assert "b/v1" in str(model._serialized)
    model.max_tokens = 7
    model.cache = False
    assert settings_of(model) == {"model": MODEL, "max_tokens": 7}
    with pytest.raises(ValueError, match="temperature"):
        model.temperature = 3
    with pytest.raises(ValueError, match="temprature"):
        model.temprature = 1


def test_a_function_may_give_the_key_and_is_not_shown() -> None:
    def secret(key: str) -> str:
        return key

    give = partial(secret, "sk-rotating")
    model = made(api_key=give)
    assert model.api_key is give
    shown = repr(model) + str(model) + model.model_dump_json() + dumps(model)
    assert "sk-rotating" not in shown
    assert made().model_copy(update={"api_key": give}).api_key is give


def test_every_setting_is_described() -> None:
    own = [name for name in GeminiSettings.__annotations__ if not name.startswith("_")]
    assert not [name for name in own if not ChatAIMLGemini.model_fields[name].description]
    for name in own:
        assert f"{ChatAIMLGemini.model_fields[name].alias or name}:" in str(ChatAIMLGemini.__doc__)


def test_a_description_is_the_docstring_below_the_setting() -> None:
    (settings,) = ast.parse(inspect.getsource(GeminiSettings)).body
    assert isinstance(settings, ast.ClassDef)
    docstrings = {
        field.target.id: " ".join(below.value.value.split())
        for field, below in pairwise(settings.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if isinstance(below.value.value, str)
    }
    fields = {name: ChatAIMLGemini.model_fields[name] for name in docstrings}
    assert {name: field.description for name, field in fields.items()} == docstrings
    assert "temperature" in docstrings


def test_without_a_source_there_are_no_descriptions() -> None:
    class Undescribed(BaseModel):
        house: str

    describe(Undescribed, "")
    assert Undescribed.model_fields["house"].description is None


def test_a_subclass_keeps_its_own_words() -> None:
    class Ours(ChatAIMLGemini):
        """Words."""

        @classmethod
        def is_lc_serializable(cls) -> bool:
            return False

    assert str(Ours.__doc__).startswith("Words.\n\n    Settings:\n")
    assert Ours(model=MODEL, api_key=KEY).to_json()["type"] == "not_implemented"


def test_a_subclass_without_words_gets_none() -> None:
    bare = type("Bare", (ChatAIMLGemini,), {"__module__": __name__})
    assert not bare.__doc__


def test_a_subclass_is_made_without_reading_files() -> None:
    """Loops that refuse blocking calls, such as LangGraph's development server, make them too."""

    class Ours(ChatAIMLGemini):
        house: str = "ours"
        """Whose it is."""

    assert Ours(model=MODEL, api_key=KEY).house == "ours"
    assert Ours.model_fields["temperature"].description
    assert Ours.model_fields["house"].description is None  # its docstring was not looked for


def test_what_a_subclass_declares_anew_is_sent() -> None:
    class Ours(ChatAIMLGemini):
        model: str = "gemini-3-flash-preview"
        temperature: float = 0.5
        max_tokens: int | None = None

    assert settings_of(Ours(api_key=KEY)) == {
        "model": "google/gemini-3-flash-preview",
        "temperature": 0.5,
    }
    given = settings_of(Ours(api_key=KEY, temperature=0.7, max_tokens=7))
    assert (given["temperature"], given["max_tokens"]) == (0.7, 7)


def test_a_check_of_a_subclass_is_told_in_its_own_words() -> None:
    def refuse(value: float) -> float:
        msg = f"{value} is not our kind of temperature"
        raise ValueError(msg)

    class Ours(ChatAIMLGemini):
        temperature: Annotated[float | None, AfterValidator(refuse)] = None

    with pytest.raises(ValidationError, match=r"0\.7 is not our kind of temperature"):
        Ours(model=MODEL, api_key=KEY, temperature=0.7)


def test_a_default_of_a_subclass_is_checked_as_a_value_is() -> None:
    class Ours(ChatAIMLGemini):
        temperature: float = 9
        top_p: float = None  # type: ignore[assignment]  # as many write it

    class Theirs(Ours):
        """Inherits it."""

    for cls in (Ours, Theirs):
        with pytest.raises(ValidationError, match="temperature=9"):
            cls(model=MODEL, api_key=KEY)
        assert cls(model=MODEL, api_key=KEY, temperature=1).top_p is None


@pytest.mark.parametrize(
    ("name", "added"),
    [
        ("extra_body", {"api_key": "hidden"}),
        ("model_kwargs", {"api_key": "hidden"}),
        ("default_headers", {"Authorization": "hidden"}),
        ("default_headers", {"host": "hidden"}),
    ],
)
def test_what_is_put_into_a_setting_in_place_is_looked_at(name: str, added: dict[str, str]) -> None:
    model = made(**{name: {"x-mine": "1"}})
    getattr(model, name).update(added)
    with pytest.raises(ValueError, match=name) as caught:
        model.invoke("Hi")
    assert "hidden" not in str(caught.value)


class _SetsInInit(ChatAIMLGemini):
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.temperature = 0.5


class _SetsAfterInit(ChatAIMLGemini):
    def model_post_init(self, context: Any, /) -> None:
        super().model_post_init(context)
        self.temperature = 0.5


class _SetsInValidator(ChatAIMLGemini):
    @model_validator(mode="after")
    def _cool(self) -> Self:
        self.temperature = 0.5
        return self


class _NamesItsModel(ChatAIMLGemini):
    def __init__(self, answer: str, **settings: Any) -> None:
        super().__init__(model=MODEL, **settings)
        self.max_tokens = len(answer)


@pytest.mark.parametrize("subclass", [_SetsInInit, _SetsAfterInit, _SetsInValidator])
def test_a_subclass_sets_settings_while_it_is_made(subclass: type[ChatAIMLGemini]) -> None:
    model = subclass(model=MODEL, api_key=KEY, temperature=1.5)
    assert model.temperature == 0.5
    model.top_p = 0.25
    assert (model.temperature, model.top_p) == (0.5, 0.25)
    with pytest.raises(ValueError, match="temperature"):
        model.temperature = 7
    assert model.model_copy(update={"seed": 3}).seed == 3


def test_a_subclass_with_a_constructor_of_its_own_takes_changes() -> None:
    model = _NamesItsModel("four", api_key=KEY)
    model.temperature = 0.5
    copied = model.model_copy(update={"max_tokens": 9})
    assert (model.temperature, model.max_tokens, copied.max_tokens) == (0.5, 4, 9)


def _no_key() -> str:
    raise OSError("the vault is shut")


async def _late_key(key: str = KEY) -> str:
    return key


@pytest.mark.parametrize(
    ("source", "words"),
    [(lambda: None, "function api_key returned NoneType"), (_no_key, "the vault is shut")],
)
@pytest.mark.parametrize("way", ["invoke", "stream", "ainvoke", "astream"])
async def test_what_goes_wrong_with_a_function_for_the_key_is_told(
    source: Any, words: str, way: str
) -> None:
    there = served({"choices": [{"message": {"content": "hi"}}]}, [])
    model = model_of(there, api_key=source)
    with pytest.raises((ValueError, OSError), match=words) as caught:
        await _asked(model, way)
    assert not isinstance(caught.value, AIMLAPIError)
    assert not there.requests


@pytest.mark.parametrize("source", [_late_key, lambda: _late_key(KEY)])
async def test_an_async_function_for_the_key_is_for_async_calls(source: Any) -> None:
    there = served(ANSWER, [ANSWER])
    model = model_of(there, api_key=source)
    for way in ("invoke", "stream"):
        with pytest.raises(ValueError, match="api_key is an asynchronous function"):
            await _asked(model, way)
    assert not there.requests
    await _asked(model, "ainvoke")
    assert there.requests[0].headers["authorization"] == f"Bearer {KEY}"


async def _asked(model: ChatAIMLGemini, way: str) -> None:
    match way:
        case "invoke":
            model.invoke("Hello")
        case "stream":
            next(model.stream("Hello"))
        case "ainvoke":
            await model.ainvoke("Hello")
        case _:
            await anext(model.astream("Hello"))


def test_a_stop_under_another_name_reaches_the_wire_and_the_traces() -> None:
    there = served({"choices": [{"message": {"content": "hi"}}]})
    model = model_of(there, stop="a")
    model.invoke("Hello", stop_sequences=["b"])
    model.bind(stop_sequences=["b"]).invoke("Hello")
    model.bind(stop_sequences=["b"]).invoke("Hello", stop=["c"])
    assert [body["stop"] for body in there.bodies] == [["b"], ["b"], ["c"]]
    assert model._get_ls_params(stop_sequences=["b"])["ls_stop"] == ["b"]


def test_connections_are_not_to_be_set() -> None:
    with pytest.raises(ValueError, match="pass http_client or http_async_client"):
        ChatAIMLGemini(model=MODEL, api_key=KEY, connections="mine")


def test_settings_of_the_type_of_a_parameter_are_those_of_the_wire() -> None:
    assert setting_names(ChatAIMLGemini).wire == (
        *("temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "seed", "n"),
        *("frequency_penalty", "presence_penalty", "reasoning_effort", "reasoning"),
        *("response_format", "tool_choice", "parallel_tool_calls", "prediction", "provider"),
    )


def test_the_type_of_a_key_says_what_it_is_and_hides_it() -> None:
    key: TypeAdapter[Any] = TypeAdapter(ApiKey)
    assert key.json_schema() == {"type": "string", "format": "password", "writeOnly": True}
    assert key.dump_json(SecretStr(KEY)) == b'"**********"'
    assert key.dump_python(SecretStr(KEY)) == SecretStr(KEY)
