"""Rows of the table of features that no other test is named for: settings, calls, facts."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.load import dumpd, load
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import ConfigurableField
from pydantic import BaseModel, SecretStr, ValidationError

from langchain_aimlapi import (
    AIMLAPIResponseError,
    ChatAIMLGemini,
)
from tests.http_client import httpx

if TYPE_CHECKING:
    from langchain_aimlapi.testing import StandIn

FLASH = "google/gemini-3-flash-preview"
NEWER = "google/gemini-3-7-flash"

SEED = "features"


def _model(server: StandIn, **settings: Any) -> ChatAIMLGemini:
    given = {"model": FLASH, "base_url": server.base_url, "api_key": "any", **settings}
    return ChatAIMLGemini(**given)


async def _answered(model: Any, way: str, *, prompt: str = "Hello") -> AIMessage:
    """Return the answer by one of the four ways to ask."""
    message: AIMessage | None = None
    match way:
        case "invoke":
            message = model.invoke(prompt)
        case "ainvoke":
            message = await model.ainvoke(prompt)
        case "stream":
            for chunk in model.stream(prompt):
                message = chunk if message is None else message + chunk
        case _:
            async for chunk in model.astream(prompt):
                message = chunk if message is None else message + chunk
    assert message is not None
    return message


all_ways = pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])


# --- construction


def test_a_setting_goes_by_each_of_its_names() -> None:
    short = ChatAIMLGemini(
        model="gemini-3-flash-preview", api_key="k", base_url="http://x/v1/", stop_sequences=["a"]
    )
    names: dict[str, Any] = {"model_name": FLASH, "aimlapi_api_key": "k"}
    long = ChatAIMLGemini(**names, aimlapi_api_base="http://x/v1", stop=["a"])

    assert short.model_dump() == long.model_dump()
    assert short.model == short.model_name == FLASH
    assert short.stop == ["a"]


def test_key_and_address_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIMLAPI_API_KEY", "of the environment")
    monkeypatch.setenv("AIMLAPI_API_BASE", "http://of-the-environment/v1")

    model = ChatAIMLGemini(model=FLASH)

    assert model.aimlapi_api_key == SecretStr("of the environment")
    assert model.aimlapi_api_base == "http://of-the-environment/v1"


@pytest.mark.parametrize("key", [None, "", "  "])
def test_a_missing_key_is_an_error_at_once(
    key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIMLAPI_API_KEY")
    given: dict[str, Any] = {} if key is None else {"api_key": key}

    with pytest.raises((ValueError, ValidationError), match=r"(?i)key"):
        ChatAIMLGemini(model=FLASH, **given)


@all_ways
async def test_clients_of_the_user_carry_the_calls_and_stay_open(server: StandIn, way: str) -> None:
    mark = {"x-of": "the user's client"}
    with httpx.Client(headers=mark, trust_env=False) as client:
        async with httpx.AsyncClient(headers=mark, trust_env=False) as async_client:
            with _model(server, http_client=client, http_async_client=async_client) as model:
                await _answered(model, way)
            assert not client.is_closed
            assert not async_client.is_closed

    assert server.requests[0].headers["x-of"] == "the user's client"


def test_default_headers_win_whatever_their_case_and_show_nowhere(server: StandIn) -> None:
    model = _model(server, default_headers={"X-Title": "mine", "User-Agent": "my-app/1"})

    model.invoke("Hello", extra_headers={"X-TITLE": "this call's"})

    headers = server.requests[0].headers
    assert headers["x-title"] == "this call's"
    assert headers["user-agent"] == "my-app/1"
    assert "my-app" not in f"{model!r} {model.model_dump()} {dumpd(model)}"


def test_what_has_no_setting_is_sent_by_its_name(server: StandIn) -> None:
    model = _model(server, model_kwargs={"top_k": 3}, extra_body={"min_p": 0.1})

    model.invoke("Hello", extra_body={"logit_bias": {"7": 1}})

    body = server.requests[0].body
    assert (body["top_k"], body["min_p"], body["logit_bias"]) == (3, 0.1, {"7": 1})


def test_an_unknown_name_is_refused_before_anything_is_sent(server: StandIn) -> None:
    with pytest.raises(ValueError, match="top_k"):
        _model(server, top_k=3)
    with pytest.raises(ValueError, match=r"extra_body={'logit_bias'"):
        _model(server).invoke("Hello", logit_bias={"7": 1})

    assert not server.requests


def test_langchains_cache_answers_the_second_time(server: StandIn) -> None:
    model = _model(server, cache=InMemoryCache())

    first, second = model.invoke("Hello"), model.invoke("Hello")
    warmer = model.model_copy(update={"temperature": 0.9}).invoke("Hello")

    assert first.text == second.text
    assert warmer.text == first.text
    assert len(server.requests) == 2  # another setting is another key


def test_langchains_rate_limiter_is_asked_before_each_call(server: StandIn) -> None:
    limiter = InMemoryRateLimiter(requests_per_second=1_000, max_bucket_size=1)
    asked: list[bool] = []

    class _Counting(InMemoryRateLimiter):
        def acquire(self, *, blocking: bool = True) -> bool:
            asked.append(limiter.acquire(blocking=blocking))
            return asked[-1]

    model = _model(server, rate_limiter=_Counting(requests_per_second=1))
    model.invoke("Hello")
    list(model.stream("Hello"))

    assert asked == [True, True]


def test_settings_can_be_chosen_per_call(server: StandIn) -> None:
    field = ConfigurableField(id="chosen_model")
    model = _model(server).configurable_fields(model=field)

    model.with_config(configurable={"chosen_model": NEWER}).invoke("Hello")
    model.invoke("Hello")

    assert [request.body["model"] for request in server.requests] == [NEWER, FLASH]


@pytest.mark.filterwarnings("ignore:The function `load` is in beta")
@all_ways
@pytest.mark.parametrize(
    "travel", [pickle.dumps, copy.deepcopy, dumpd], ids=lambda one: one.__name__
)
async def test_a_model_travels(
    server: StandIn, way: str, travel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIMLAPI_API_KEY", "any")
    model = _model(server, temperature=0.5)
    model.invoke("Warm up")

    there = travel(model)
    if isinstance(there, bytes):
        there = pickle.loads(there)
    elif isinstance(there, dict):
        assert "any" not in json.dumps(there["kwargs"]["aimlapi_api_key"])
        there = load(
            there,
            allowed_objects=[ChatAIMLGemini],
            valid_namespaces=["langchain_aimlapi"],
            secrets_from_env=True,
        )

    assert there.model_dump() == model.model_dump()
    assert "Hello" in (await _answered(there, way)).text


# --- calls


def test_every_parameter_reaches_the_wire_under_its_own_name(server: StandIn) -> None:
    given: dict[str, Any] = {
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 500,
        "stop": ["END"],
        "seed": 7,
        "frequency_penalty": 0.1,
        "presence_penalty": -0.1,
        "reasoning_effort": "low",
        "prediction": {"type": "content", "content": "Hi"},
        "provider": "auto",
    }

    _model(server, **given).invoke("Hello")
    _model(server).invoke("Hello", **given, max_retries=1, timeout=9)
    _model(server).invoke("Hello")

    set_, called, bare = (request.body for request in server.requests)
    assert {name: set_[name] for name in given} == given
    assert called == set_
    assert set(bare) == {"model", "messages"}  # nothing is sent that nobody set


@pytest.mark.parametrize("model_id", [FLASH, NEWER])
async def test_alternatives_of_one_call(server: StandIn, model_id: str) -> None:
    model = _model(server, model=model_id, n=2)

    (whole,) = model.generate([[HumanMessage("Hello")]]).generations
    (awaited,) = (await model.agenerate([[HumanMessage("Hello")]])).generations

    for generations in (whole, awaited):
        assert len(generations) == 2
        assert all("Hello" in generation.text for generation in generations)


@all_ways
async def test_the_facts_of_an_answer(server: StandIn, way: str) -> None:
    message = await _answered(_model(server), way)

    facts = message.response_metadata
    assert facts["model_name"] == FLASH
    assert facts["id"].startswith("standin-")
    assert facts["provider"] == "stand-in"
    assert facts["finish_reason"] == "stop"
    assert facts["native_finish_reason"] == "STOP"
    assert facts["created"] > 0
    assert facts["inference_id"].startswith("standin-")
    assert facts["client_request_id"] == server.requests[0].headers["x-client-request-id"]
    assert facts["meta"]["usage"]["credits_used"] == facts["credits_used"] > 0
    assert facts["usd_spent"] > 0


def _playing(answer: dict[str, Any] | str) -> ChatAIMLGemini:
    """Return a model that is answered with this body, or this stream."""
    content = answer if isinstance(answer, str) else json.dumps(answer)
    kind = "text/event-stream" if isinstance(answer, str) else "application/json"

    def respond(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=content, headers={"content-type": kind})

    client = httpx.Client(transport=httpx.MockTransport(respond))
    return ChatAIMLGemini(model=FLASH, http_client=client)


def _completion(message: dict[str, Any], **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    return {"id": "1", "model": FLASH, "choices": [{**choice, **more}]}


def _events(*deltas: dict[str, Any]) -> str:
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def test_logprobs_are_kept_when_given() -> None:
    logprobs = {"content": [{"token": "Hi", "logprob": -0.1, "bytes": None, "top_logprobs": []}]}

    message = _playing(_completion({"content": "Hi"}, logprobs=logprobs)).invoke("Hello")

    assert message.response_metadata["logprobs"] == logprobs


# --- answers that are none


_ENDINGS = [("stop", "STOP"), ("error", "MALFORMED_FUNCTION_CALL"), ("error", "ERROR")]


@all_ways
@pytest.mark.parametrize(("finish", "native"), _ENDINGS)
async def test_an_answer_of_nothing_is_an_error(
    server: StandIn, way: str, finish: str, native: str
) -> None:
    server.answer_next(finish_reason=finish, native_finish_reason=native)

    with pytest.raises(AIMLAPIResponseError, match=native):
        await _answered(_model(server), way)

    assert len(server.requests) == 1


@all_ways
async def test_an_answer_of_nothing_is_asked_for_again_if_wished(server: StandIn, way: str) -> None:
    for finish, native in _ENDINGS[:2]:
        server.answer_next(finish_reason=finish, native_finish_reason=native)

    message = await _answered(_model(server, empty_response_retries=2), way)

    assert "Hello" in message.text
    assert len(server.requests) == 3


# --- tool calls


def _call(index: int | None, arguments: str, **head: str) -> dict[str, Any]:
    function = {key: head[key] for key in ("name",) if key in head} | {"arguments": arguments}
    call = {"function": function, "type": "function"}
    call |= {key: head[key] for key in ("id",) if key in head}
    return {"tool_calls": [call if index is None else {**call, "index": index}]}


def test_calls_without_an_index_are_calls() -> None:
    stream = _events(_call(None, "{}", id="one", name="f"), _call(None, "{}", id="two", name="g"))

    first, *rest = _playing(stream).stream("Hello")

    assert [call["name"] for call in (first + rest).tool_calls] == ["f", "g"]


def test_a_cache_mark_on_a_tool_goes_only_where_it_is_documented(server: StandIn) -> None:
    tool = {"name": "f", "input_schema": {"type": "object", "properties": {}}}
    marked = {**tool, "cache_control": {"type": "ephemeral"}}
    model = _model(server).bind_tools([marked])

    model.invoke("Hello")
    model.invoke("Hello", model=NEWER)

    tools = [request.body["tools"][0] for request in server.requests]
    assert ["cache_control" in tool for tool in tools] == [False, True]


class Reply(BaseModel):
    """A reply."""

    text: str


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_the_schemas_name_may_be_bound_as_the_choice_too(server: StandIn, method: Any) -> None:
    """executive-ai-assistant does so behind `with_structured_output`."""
    chain = _model(server).with_structured_output(Reply, method=method)
    choice = {"type": "function", "function": {"name": "Reply"}}
    bound: Any = chain.bind(tool_choice=choice)
    assert bound.invoke('Say it as JSON with the key "text".').text
    body = server.requests[-1].body
    assert body.get("tool_choice") == (choice if method == "function_calling" else None)
