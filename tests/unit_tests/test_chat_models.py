"""The model as LangChain sees it."""

from __future__ import annotations

import copy
import inspect
import pickle
import types
import uuid
from typing import Any, cast, get_type_hints

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.exceptions import OutputParserException
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import ConfigurableField, RunnableBinding

from langchain_aimlapi import AIMLAPIError, ChatAIMLGemini
from langchain_aimlapi._binding.binding import BindsTools
from langchain_aimlapi._http.client_pool import ClosesClients
from tests.answers import KEY, MODEL, Json, Served, model_of, served

ANSWER: Json = {
    "id": "gen-1",
    "model": "google/gemini-3-flash-preview-20251217",
    "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "cost": 0.5},
}
EVENTS: list[Json] = [
    {"id": "gen-1", "choices": [{"delta": {"content": one}}]} for one in ("H", "i")
] + [{"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": ANSWER["usage"]}]


def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return city


@pytest.fixture
def there() -> Served:
    return served(ANSWER, EVENTS)


class Tokens(BaseCallbackHandler):
    """Notes what a run is told."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def on_llm_new_token(self, token: Any, **_: Any) -> None:
        self.texts.append(token)


class AsyncTokens(AsyncCallbackHandler):
    """Notes what a run is told."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def on_llm_new_token(self, token: Any, **_: Any) -> None:
        self.texts.append(token)


class Options(BaseCallbackHandler):
    """Notes the parameters that a run is traced with."""

    def __init__(self) -> None:
        self.told: list[Json] = []

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        del serialized, messages
        self.told.append({**kwargs["invocation_params"], "options": kwargs["options"]})


async def test_every_way_of_asking_answers(there: Served) -> None:
    model = model_of(there)
    assert model.invoke("a").content == "Hi"
    assert (await model.ainvoke("a")).content == "Hi"
    assert [one.content for one in model.batch(["a", "b"])] == ["Hi", "Hi"]
    assert [one.content for one in await model.abatch(["a", "b"])] == ["Hi", "Hi"]
    assert [one.content for one in model.stream("a")] == ["H", "i", ""]
    assert [one.content async for one in model.astream("a")] == ["H", "i", ""]
    assert [body.get("stream", False) for body in there.bodies] == [False] * 6 + [True] * 2


@pytest.mark.parametrize("streaming", [True, False])
async def test_streaming_inside_invoke_gives_tokens(streaming: bool) -> None:  # noqa: FBT001  a table
    model = model_of(served(ANSWER, EVENTS), streaming=streaming)
    sync, twin = Tokens(), AsyncTokens()
    assert model.invoke("a", config={"callbacks": [sync]}).content == "Hi"
    assert (await model.ainvoke("a", config={"callbacks": [twin]})).content == "Hi"
    assert sync.texts == twin.texts == (["H", "i", ""] if streaming else [])


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
async def test_the_events_of_a_run_give_tokens_and_the_runs_id(there: Served) -> None:
    model = model_of(there)
    sync, twin = Tokens(), AsyncTokens()
    stream = model.stream_events("a", version="v3", config={"callbacks": [sync]})
    message = stream.output
    events = await model.astream_events("a", version="v3", config={"callbacks": [twin]})
    assert message.text == (await events.output).text == "Hi"
    assert sync.texts == twin.texts == ["H", "i", ""]
    sent = there.requests[0].headers["x-client-request-id"]
    assert message.response_metadata["client_request_id"] == sent
    assert message.id == f"lc_run--{sent}"


async def test_the_runs_id_is_the_requests_id(there: Served) -> None:
    run_id = uuid.uuid4()
    model = model_of(there)
    for message in (
        model.invoke("a", config={"run_id": run_id}),
        await model.ainvoke("a", config={"run_id": run_id}),
    ):
        assert message.response_metadata["client_request_id"] == str(run_id)
    sent = [request.headers["x-client-request-id"] for request in there.requests]
    assert sent == [str(run_id)] * 2


def test_several_prompts_are_added_up(there: Served) -> None:
    result = model_of(there).generate([[HumanMessage("a")], [HumanMessage("b")]])
    assert result.llm_output == {
        "token_usage": {"prompt_tokens": 2, "completion_tokens": 4, "total_tokens": 6},
        "model_name": MODEL,
    }
    assert model_of(there)._combine_llm_outputs([None, {}]) == {
        "token_usage": {},
        "model_name": MODEL,
    }


def test_several_answers_are_several_generations() -> None:
    several = {**ANSWER, "choices": ANSWER["choices"] * 3}
    there = served(several)
    [generations] = model_of(there, n=3).generate([[HumanMessage("a")]]).generations
    assert len(generations) == 3
    assert there.bodies[0]["n"] == 3


def test_a_call_may_say_otherwise(there: Served) -> None:
    model = model_of(there, temperature=1.0)
    model.invoke("a", temperature=0, stop=["x"], model="gemini-3-1-pro-preview")
    assert there.bodies[0]["temperature"] == 0
    assert there.bodies[0]["stop"] == ["x"]
    assert there.bodies[0]["model"] == "google/gemini-3-1-pro-preview"
    model.temperature = 0.25
    model.bind(seed=3).invoke("a")
    assert there.bodies[1]["temperature"] == 0.25
    assert there.bodies[1]["seed"] == 3


@pytest.mark.parametrize(
    "name", ["api_key", "base_url", "default_headers", "http_client", "cache", "output_version"]
)
async def test_a_setting_of_the_model_is_none_of_a_call_nor_traced(
    there: Served, name: str
) -> None:
    model, seen = model_of(there), Options()
    with pytest.raises(ValueError, match=f"{name}: a setting of the model") as told:
        model.bind(**{name: "secret"}).invoke("a", config={"callbacks": [seen]})
    with pytest.raises(ValueError, match="model_copy"):
        [one async for one in model.bind(**{name: "secret"}).astream("a", {"callbacks": [seen]})]
    assert "secret" not in str(told.value)
    assert not seen.told
    assert not there.bodies


def test_headers_of_a_call_are_not_traced(there: Served) -> None:
    seen = Options()
    model_of(there).invoke("a", {"callbacks": [seen]}, extra_headers={"X-Secret": "secret"}, n=1)
    assert seen.told[0]["n"] == 1
    assert "secret" not in repr(seen.told)


async def test_configurable_fields_leave_limits_and_tokens_as_they_are(there: Served) -> None:
    model = model_of(there)
    field = ConfigurableField(id="temperature")
    configurable: Any = model.configurable_fields(temperature=field)
    config: Any = {"configurable": {"temperature": 0.5}}
    made = configurable.prepare(config)[0]
    assert isinstance(made, ChatAIMLGemini)
    assert made.timeout == model.timeout == "default"
    heard = [
        event["event"]
        async for event in configurable.astream_events("a", config, version="v2")
        if event["event"] == "on_chat_model_stream"
    ]
    assert heard
    tokens = Tokens()
    configurable.invoke("a", config | {"callbacks": [tokens]})
    assert there.bodies[-1]["temperature"] == 0.5


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
def test_a_timeout_of_none_survives_serialization(there: Served) -> None:
    model = ChatAIMLGemini(model=MODEL, api_key=KEY, timeout=None)
    again = loads(
        dumps(model),
        secrets_map={"AIMLAPI_API_KEY": KEY},
        valid_namespaces=["langchain_aimlapi"],
        allowed_objects=[ChatAIMLGemini],
    )
    assert again.timeout is None
    assert model_of(there).timeout == "default"


def test_a_fallback_is_bound_as_the_model_is(there: Served) -> None:
    model = model_of(there).with_fallbacks([model_of(there)])
    bound: Any = model.bind_tools([get_weather])
    bound.invoke("a")
    assert there.bodies[-1]["tools"][0]["function"]["name"] == "get_weather"
    asked: Any = model.with_structured_output({"title": "any", "type": "object"})
    with pytest.raises(OutputParserException):
        asked.invoke("a")
    assert "response_format" in there.bodies[-1]


def test_annotations_of_public_methods_can_be_resolved() -> None:
    public = [
        method
        for kind in (ChatAIMLGemini, BindsTools, ClosesClients)
        for name, method in vars(kind).items()
        if callable(method)
        and not name.startswith("_")
        # pydantic 2.9 puts a function of its own there
        and method.__module__ == kind.__module__
    ]
    assert len(public) > 7
    for method in public:
        assert get_type_hints(method)


def test_tools_are_bound(there: Served) -> None:
    bound = model_of(there).bind_tools(
        [get_weather], tool_choice="any", strict=True, parallel_tool_calls=False, seed=3
    )
    assert isinstance(bound, RunnableBinding)
    bound.invoke("a")
    [body] = there.bodies
    assert body["tools"][0]["function"]["name"] == "get_weather"
    assert body["tools"][0]["function"]["strict"] is True
    assert body["tool_choice"] == "required"
    assert body["parallel_tool_calls"] is False
    assert body["seed"] == 3


def test_no_tools_send_nothing(there: Served) -> None:
    kept = {"type": "text"}
    model_of(there).bind_tools([], parallel_tool_calls=True, response_format=kept).invoke("a")
    assert there.bodies[0].keys() == {"model", "messages", "response_format"}


SCHEMA: Json = {
    "title": "Joke",
    "description": "A joke.",
    "type": "object",
    "properties": {"setup": {"type": "string"}},
    "required": ["setup"],
}


@pytest.mark.parametrize(
    ("model_id", "key"),
    [("google/gemini-3-flash-preview", "response_format"), ("somebody/else", "tools")],
)
def test_the_method_of_structured_output_follows_the_documentation(model_id: str, key: str) -> None:
    there = served({**ANSWER, "choices": [{"message": {"content": '{"setup": "a"}'}}]})
    model_of(there, model=model_id).with_structured_output(SCHEMA, include_raw=True).invoke("a")
    assert key in there.bodies[0]


def test_tracing_is_told_what_matters(there: Served) -> None:
    model = model_of(there, temperature=0.5, max_tokens=9, stop=["a"])
    assert model._get_ls_params(stop=["b"]) == {
        "ls_provider": "aimlapi",
        "ls_model_name": MODEL,
        "ls_model_type": "chat",
        "ls_temperature": 0.5,
        "ls_max_tokens": 9,
        "ls_stop": ["b"],
    }
    assert model._get_ls_params()["ls_stop"] == ["a"]
    params = model._get_ls_params(model="gemini-3-1-pro-preview")
    assert params["ls_model_name"] == "google/gemini-3-1-pro-preview"
    newer = model_of(there, stop="a", max_completion_tokens=7)._get_ls_params(temperature=0)
    assert (newer["ls_stop"], newer["ls_max_tokens"]) == (["a"], 7)
    assert newer["ls_temperature"] == 0
    assert model_of(there)._get_ls_params(max_output_tokens=3)["ls_max_tokens"] == 3
    assert model._llm_type == "aimlapi-gemini-chat"
    assert model._identifying_params == {
        "model": MODEL,
        "temperature": 0.5,
        "max_tokens": 9,
        "stop": ["a"],
        "base_url": "https://api.aimlapi.com/v1",
        "extra_body": None,
        "missing_signatures": "auto",
    }


def test_the_profile_is_that_of_the_model(there: Served) -> None:
    assert (model_of(there).profile or {})["max_input_tokens"] == 1_000_000
    assert not model_of(there, model="somebody/else").profile


def test_tokens_are_estimated_offline(there: Served) -> None:
    model = model_of(there)
    assert model.get_num_tokens("abcdefgh") == 2
    alone = model.get_num_tokens_from_messages([HumanMessage("a" * 40)])
    assert alone >= 10
    with_tools = model.get_num_tokens_from_messages([HumanMessage("a" * 40)], tools=[get_weather])
    assert with_tools > alone
    assert there.requests == []


def test_a_tokenizer_of_the_users_counts(there: Served) -> None:
    model = model_of(there, custom_get_token_ids=lambda text: [*range(len(text))])
    assert model.get_num_tokens("four") == 4


def test_the_cache_knows_the_settings_of_now(there: Served) -> None:
    model = model_of(there, cache=InMemoryCache(), temperature=0.0)
    model.invoke("a")
    model.invoke("a")
    assert len(there.requests) == 1
    model.temperature = 1.0
    model.invoke("a")
    model.model_copy(update={"seed": 3}).invoke("a")
    assert len(there.requests) == 3


def test_copies_answer(there: Served) -> None:
    model = model_of(there)
    model.invoke("a")
    for twin in (copy.deepcopy(model), model.model_copy(), copy.copy(model)):
        assert twin.invoke("a").content == "Hi"
    loaded = cast("ChatAIMLGemini", pickle.loads(pickle.dumps(model)))
    loaded.http_client = there.http_client
    assert loaded.invoke("a").content == "Hi"


async def test_closing_leaves_the_users_clients_open(there: Served) -> None:
    with model_of(there) as model:
        assert model.invoke("a").content == "Hi"
    async with model_of(there) as model:
        assert (await model.ainvoke("a")).content == "Hi"
    await model.aclose()
    model.close()
    assert not there.http_client.is_closed
    assert not there.http_async_client.is_closed
    assert model.invoke("a").content == "Hi"


async def test_an_error_keeps_what_came_before_it() -> None:
    broken = [*EVENTS[:2], {"error": {"code": 502, "message": "bad"}}]
    model = model_of(served(ANSWER, broken))
    with pytest.raises(AIMLAPIError) as caught:
        list(model.stream("a"))
    assert caught.value.partial is not None
    assert caught.value.partial.content == "Hi"
    with pytest.raises(AIMLAPIError):
        [chunk async for chunk in model.astream("a")]


def test_a_turn_with_tools_goes_back_and_forth() -> None:
    extra = {"google": {"thought_signature": "sig"}}
    call = {"id": "c-1", "function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'}}
    first = {"choices": [{"message": {"tool_calls": [{**call, "extra_content": extra}]}}]}
    there = served(first)
    question = HumanMessage("How is the weather?")
    message = model_of(there).bind_tools([get_weather]).invoke([question])
    assert isinstance(message, AIMessage)
    model_of(there).invoke([question, message, ToolMessage("Sunny.", tool_call_id="c-1")])
    assert there.bodies[1]["messages"][1:] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{**call, "type": "function", "extra_content": extra}],
        },
        {"role": "tool", "content": "Sunny.", "tool_call_id": "c-1", "name": "get_weather"},
    ]


def test_the_first_call_imports_the_transport_not_the_class() -> None:
    model = ChatAIMLGemini(model=MODEL, api_key=KEY)
    assert not model.connections._idle.leases


@pytest.mark.parametrize("name", ["_generate", "_agenerate"])
def test_the_signature_that_is_looked_up_at_every_call_is_the_methods_own(name: str) -> None:
    method = getattr(ChatAIMLGemini, name)
    told = inspect.signature(getattr(ChatAIMLGemini(model=MODEL, api_key=KEY), name))
    own = [*inspect.signature(types.FunctionType(method.__code__, {})).parameters]
    assert ["self", *told.parameters] == own
    assert "run_manager" in told.parameters
