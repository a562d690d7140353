"""The stand-in, judged by a client that we did not write: the `openai` SDK."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel, ValidationError

from langchain_aimlapi.testing.standin import StandIn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

MODEL = "google/gemini-3-flash-preview"
KEY = "sk-only-this"
TWO_CITIES = "get_weather(city='Oslo') and get_weather(city='Rome')"
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tell the weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}

# What each dialect says beyond OpenAI's types; the SDK keeps it in `model_extra`.
BEYOND = {
    "O": {
        "choices.message.reasoning",
        "choices.message.reasoning_details",
        "choices.message.tool_calls.index",
        "choices.native_finish_reason",
        "meta",
        "provider",
        "usage.completion_tokens_details.image_tokens",
        "usage.prompt_tokens_details.video_tokens",
    },
    "V": {
        "choices.message.extra_content",
        "choices.message.tool_calls.extra_content",
        "meta",
        "usage.extra_properties",
    },
}
# What OpenAI's types demand and the dialect leaves out: dialect V sends each call in one piece,
# without the number that tells fragments apart, as Google's own endpoint was seen to do.
MISSING: dict[str, set[str]] = {"O": set(), "V": {"choices.delta.tool_calls.index"}}

both_dialects = pytest.mark.parametrize("dialect", ["O", "V"])


class Joke(BaseModel):
    """A joke to tell."""

    setup: str
    punchline: str


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    with StandIn(keys={KEY}) as server:
        yield server


@pytest.fixture
def client(server: StandIn) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.base_url, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
async def async_client(server: StandIn) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=server.base_url, api_key=KEY, max_retries=0) as client:
        yield client


def user(text: str) -> Any:
    return {"role": "user", "content": text}


def in_dialect(dialect: str) -> dict[str, str]:
    return {"x-standin-dialect": dialect}


def beyond(value: Any, path: str = "") -> set[str]:
    """Return the paths of everything that the SDK's types do not know."""
    if isinstance(value, list):
        return {found for one in value for found in beyond(one, path)}
    if not isinstance(value, BaseModel):
        return set()
    named = {name: getattr(value, name) for name in type(value).model_fields}
    known = {found for name, one in named.items() for found in beyond(one, f"{path}{name}.")}
    return known | {f"{path}{name}" for name in value.model_extra or {}}


def missing(chunk: dict[str, Any]) -> set[str]:
    """Return the paths at which OpenAI's type of a chunk is broken."""
    try:
        ChatCompletionChunk.model_validate_json(json.dumps(chunk), strict=True)
    except ValidationError as failure:
        paths = ((part for part in one["loc"] if isinstance(part, str)) for one in failure.errors())
        return {".".join(path) for path in paths}
    return set()


@both_dialects
def test_a_whole_answer_is_a_chat_completion(client: openai.OpenAI, dialect: str) -> None:
    found: set[str] = set()
    for tools in ([], [WEATHER]):
        response = client.chat.completions.with_raw_response.create(
            model=MODEL,
            messages=[user(TWO_CITIES)],
            tools=tools or openai.omit,
            extra_headers=in_dialect(dialect),
        )
        completion = ChatCompletion.model_validate_json(response.content, strict=True)
        found |= beyond(completion)
        usage = completion.usage
        assert usage is not None
        assert usage.total_tokens >= usage.prompt_tokens + usage.completion_tokens > 0
        assert completion.id.startswith("standin-")
    assert found == BEYOND[dialect]


@both_dialects
def test_streamed_chunks_are_chat_completion_chunks(client: openai.OpenAI, dialect: str) -> None:
    unknown: set[str] = set()
    absent: set[str] = set()
    for tools in ([], [WEATHER]):
        chunks = client.chat.completions.create(
            model=MODEL,
            messages=[user(TWO_CITIES)],
            tools=tools or openai.omit,
            stream=True,
            stream_options={"include_usage": True},
            extra_headers=in_dialect(dialect),
        )
        for chunk in chunks:
            unknown |= beyond(chunk)
            absent |= missing(json.loads(chunk.model_dump_json(exclude_unset=True)))
    assert {path.replace("delta", "message") for path in unknown} <= BEYOND[dialect]
    assert absent == MISSING[dialect]


@both_dialects
def test_a_stream_says_what_the_whole_answer_says(client: openai.OpenAI, dialect: str) -> None:
    asked: Any = {
        "model": MODEL,
        "messages": [user("Say it twice.")],
        "extra_headers": in_dialect(dialect),
    }
    whole = client.chat.completions.create(**asked)
    chunks = list(
        client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    )
    text = "".join(one.choices[0].delta.content or "" for one in chunks if one.choices)
    assert text == whole.choices[0].message.content
    assert [one.choices[0].finish_reason for one in chunks if one.choices][-1] == "stop"
    assert [one.usage for one in chunks if one.usage] == [whole.usage]


def test_the_sdk_s_own_accumulator_folds_a_stream_with_parallel_calls(
    client: openai.OpenAI,
) -> None:
    with client.chat.completions.stream(
        model=MODEL,
        messages=[user(TWO_CITIES)],
        tools=[WEATHER],
        extra_headers=in_dialect("O"),
    ) as stream:
        completion = stream.get_final_completion()
    calls = completion.choices[0].message.tool_calls or []
    assert [json.loads(call.function.arguments) for call in calls] == [
        {"city": "Oslo"},
        {"city": "Rome"},
    ]
    assert completion.choices[0].finish_reason == "tool_calls"


@both_dialects
def test_two_turns_with_parallel_tools(client: openai.OpenAI, dialect: str) -> None:
    messages = [user(TWO_CITIES)]
    first = client.chat.completions.create(
        model=MODEL, messages=messages, tools=[WEATHER], extra_headers=in_dialect(dialect)
    )
    message = first.choices[0].message
    calls = message.tool_calls or []
    assert [call.type for call in calls] == ["function", "function"]
    messages.append(message.model_dump(exclude_none=True))
    messages += [
        {"role": "tool", "tool_call_id": call.id, "content": f"result {number}"}
        for number, call in enumerate(calls)
    ]
    second = client.chat.completions.create(
        model=MODEL, messages=messages, tools=[WEATHER], extra_headers=in_dialect(dialect)
    )
    assert second.choices[0].finish_reason == "stop"
    assert "result 0" in (second.choices[0].message.content or "")
    assert "result 1" in (second.choices[0].message.content or "")


def test_a_call_without_its_signature_is_refused(client: openai.OpenAI) -> None:
    first = client.chat.completions.create(
        model=MODEL, messages=[user("get_weather(city='Oslo')")], tools=[WEATHER]
    )
    calls = first.choices[0].message.tool_calls or []
    # OpenAI's own fields only, as clients send them that do not know signatures.
    bare: Any = {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'},
            }
            for call in calls
        ],
    }
    result: Any = {"role": "tool", "tool_call_id": calls[0].id, "content": "sunny"}
    history = [user("get_weather(city='Oslo')"), bare, result]
    with pytest.raises(openai.BadRequestError, match="signature"):
        client.chat.completions.create(model=MODEL, messages=history, tools=[WEATHER])


@both_dialects
def test_a_schema_is_answered_in_its_shape(client: openai.OpenAI, dialect: str) -> None:
    completion = client.chat.completions.parse(
        model=MODEL,
        messages=[user("Tell me a joke.")],
        response_format=Joke,
        extra_headers=in_dialect(dialect),
    )
    assert isinstance(completion.choices[0].message.parsed, Joke)


async def test_the_async_client_gets_whole_and_streamed_answers(
    async_client: openai.AsyncOpenAI,
) -> None:
    whole = await async_client.chat.completions.create(model=MODEL, messages=[user("Hello")])
    chunks = await async_client.chat.completions.create(
        model=MODEL, messages=[user("Hello")], stream=True
    )
    texts = [one.choices[0].delta.content or "" async for one in chunks if one.choices]
    assert "".join(texts) == whole.choices[0].message.content


def test_a_wrong_key_is_an_authentication_error(server: StandIn) -> None:
    with (
        openai.OpenAI(base_url=server.base_url, api_key="sk-another", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        client.chat.completions.create(model=MODEL, messages=[user("Hello")])
    assert caught.value.status_code == 401


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"temperature": 3}, openai.BadRequestError),
        ({"messages": []}, openai.BadRequestError),
        ({"model": "google/no-such-model"}, openai.NotFoundError),
    ],
)
def test_what_the_schema_forbids_is_the_caller_s_error(
    client: openai.OpenAI, changes: dict[str, Any], kind: type[openai.APIStatusError]
) -> None:
    asked: Any = {"model": MODEL, "messages": [user("Hello")], **changes}
    with pytest.raises(kind) as caught:
        client.chat.completions.create(**asked)
    # The gateway's shape is not OpenAI's `{"error": {...}}`: the SDK finds no code or type in it.
    assert isinstance(caught.value.body, dict)
    assert {"message", "path", "requestId", "statusCode", "timestamp"} == set(caught.value.body)
    assert (caught.value.code, caught.value.type) == (None, None)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("status=403", openai.PermissionDeniedError),
        ("status=429;retry-after=1", openai.RateLimitError),
        ("status=500", openai.InternalServerError),
        ("html", openai.InternalServerError),
        ("cut", openai.APIConnectionError),
    ],
)
def test_misbehaviour_is_the_sdk_s_error_of_that_name(
    client: openai.OpenAI, fault: str, kind: type[openai.APIError]
) -> None:
    with pytest.raises(kind):
        client.chat.completions.create(
            model=MODEL, messages=[user("Hello")], extra_headers={"x-standin-fault": fault}
        )


def test_the_sdk_s_own_retries_obey_the_server(server: StandIn) -> None:
    server.fail_next("status=429;retry-after-ms=20")
    before = len(server.requests)
    with openai.OpenAI(base_url=server.base_url, api_key=KEY, max_retries=1) as client:
        completion = client.chat.completions.create(model=MODEL, messages=[user("Hello")])
    assert completion.choices[0].message.content
    assert len(server.requests) == before + 2
