"""Whole answers: what is an answer, what is none, and several at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest

from langchain_aimlapi import errors
from langchain_aimlapi._codec.completion import decode_completion
from tests.answers import model_of, served

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage
    from langchain_core.outputs import ChatResult

    from tests.answers import Json


def decoded(body: Any, headers: dict[str, str] | None = None) -> ChatResult:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decode_completion(data, headers or {}, client_request_id="mine")


def choice_of(content: Any = "Hi", **more: Any) -> Json:
    message = {"role": "assistant", "content": content, **more.pop("message", {})}
    return {"index": 0, "finish_reason": "stop", "message": message, **more}


def completion_of(*choices: Any, **more: Any) -> Json:
    return {"id": "gen-1", "model": "m", "choices": list(choices), **more}


def message_of(body: Any) -> AIMessage:
    return cast("AIMessage", decoded(body).generations[0].message)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("text", "text"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}, "c"], "abc"),
        ([{"type": "text", "text": None}, {"type": "image"}, {"type": "text", "text": "b"}], "b"),
    ],
)
def test_content_is_plain_text(content: Any, text: str) -> None:
    assert message_of(completion_of(choice_of(content))).content == text


@pytest.mark.parametrize("content", [None, "", [], {}])
def test_without_content_a_call_is_an_answer(content: Any) -> None:
    call = {"id": "c", "function": {"name": "get", "arguments": "{}"}}
    message = message_of(completion_of(choice_of(content, message={"tool_calls": [call]})))
    assert message.content == ""
    assert [one["id"] for one in message.tool_calls] == ["c"]


@pytest.mark.parametrize(
    "extra",
    [
        {"refusal": "no"},
        {"images": [{"image_url": {"url": "https://x"}}]},
        {"audio": {"data": "UklG"}},
    ],
)
def test_without_content_something_else_is_an_answer(extra: Json) -> None:
    assert message_of(completion_of(choice_of("", message=extra))).additional_kwargs == extra


@pytest.mark.parametrize(
    "body",
    [
        [],
        None,
        3,
        "text",
        {},
        {"choices": None},
        {"choices": []},
        {"choices": {}},
        {"choices": "odd"},
        {"choices": [None]},
        {"choices": ["odd"]},
        {"choices": [{}]},
        {"choices": [{"message": None}]},
        {"choices": [{"message": "odd"}]},
        {"provider": {"choices": []}},
    ],
)
def test_a_body_without_an_answer_is_our_error(body: Any) -> None:
    with pytest.raises(errors.AIMLAPIResponseError) as caught:
        decoded(body, {"x-inference-id": "inf-1"})
    assert caught.value.is_readable
    assert caught.value.inference_id == "inf-1"


@pytest.mark.parametrize("data", [b"", b"<html><title>Sign in</title>", b"\xff", b'{"choices": ['])
def test_a_body_that_is_not_json_may_be_asked_for_again(data: bytes) -> None:
    with pytest.raises(errors.AIMLAPIResponseError, match="The answer is not JSON") as caught:
        decoded(data)
    assert not caught.value.is_readable


def test_errors_inside_a_200_are_errors() -> None:
    with pytest.raises(errors.AIMLAPIRateLimitError):
        decoded({"error": {"code": 429, "message": "slow"}})
    with pytest.raises(errors.AIMLAPIServerError):
        decoded(completion_of(choice_of(error={"code": 502, "message": "bad"})))
    with pytest.raises(errors.AIMLAPIRateLimitError):
        decoded({"message": "m", "statusCode": "429"})


def test_a_completion_under_provider_is_taken_out() -> None:
    inner = completion_of(choice_of("inner"))
    assert message_of({"id": None, "choices": None, "provider": inner}).content == "inner"


@pytest.mark.parametrize(
    ("choice", "kind"),
    [
        (choice_of(""), errors.AIMLAPIEmptyResponseError),
        (choice_of(None, message={"reasoning": "thought"}), errors.AIMLAPIEmptyResponseError),
        (choice_of("so far", finish_reason="error"), errors.AIMLAPIResponseError),
        (
            choice_of(None, native_finish_reason="MALFORMED_FUNCTION_CALL"),
            errors.AIMLAPIEmptyResponseError,
        ),
    ],
)
def test_a_bad_ending_is_an_error_that_keeps_what_came(choice: Json, kind: Any) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    with pytest.raises(errors.AIMLAPIResponseError) as caught:
        decoded(completion_of(choice, usage=usage), {"x-inference-id": "inf-1"})
    assert type(caught.value) is kind
    assert caught.value.request_id == "inf-1"
    partial = caught.value.partial
    assert partial is not None
    assert partial.content == (choice["message"]["content"] or "")
    assert partial.usage_metadata is not None
    assert caught.value.body["id"] == "gen-1"


def test_an_answer_cut_off_before_its_first_word_is_an_answer() -> None:
    message = message_of(completion_of(choice_of("", finish_reason="length")))
    assert message.response_metadata["finish_reason"] == "length"


def test_several_choices_are_several_generations_counted_once() -> None:
    body = completion_of(
        choice_of("one"),
        choice_of("two", finish_reason="length", logprobs={"content": [1]}),
        usage={"prompt_tokens": 1, "completion_tokens": 2},
        meta={"usage": {"credits_used": 3, "usd_spent": 0.1}},
    )
    result = decoded(body)
    first, second = (cast("AIMessage", one.message) for one in result.generations)
    assert [first.content, second.content] == ["one", "two"]
    assert first.usage_metadata is not None
    assert second.usage_metadata is None
    only_once = {"token_usage", "meta", "credits_used", "usd_spent", "usd_spent_source"}
    assert only_once <= first.response_metadata.keys()
    assert not only_once & second.response_metadata.keys()
    assert second.response_metadata["id"] == "gen-1"
    assert [one.generation_info for one in result.generations] == [
        {"finish_reason": "stop"},
        {"finish_reason": "length", "logprobs": {"content": [1]}},
    ]
    assert result.llm_output == {"model_name": "m", "token_usage": body["usage"], "id": "gen-1"}


def test_nothing_known_is_nothing_told() -> None:
    [generation] = decoded({"choices": [{"message": {"content": "a"}}]}).generations
    assert generation.generation_info is None
    assert generation.message.response_metadata == {
        "model_provider": "aimlapi",
        "client_request_id": "mine",
    }


@pytest.mark.parametrize(
    "reason", ["content_filter: PROHIBITED_CONTENT", "SAFETY", "RECITATION", "content_filter"]
)
@pytest.mark.parametrize("message", [{}, {"message": None}])
async def test_a_choice_with_a_filter_s_reason_alone_is_a_withheld_answer(
    reason: str, message: Json
) -> None:
    body = {"id": "gen-1", "model": "m", "choices": [{"finish_reason": reason, **message}]}
    there = served(body, [{**body, "choices": [{"index": 0, "finish_reason": reason}]}])
    model = model_of(there, max_retries=2)
    answers = [model.invoke("x"), await model.ainvoke("x")]
    answers += [*model.stream("x"), *[chunk async for chunk in model.astream("x")]]
    for answer in answers:
        assert answer.content == ""
        assert answer.response_metadata["finish_reason"] == "content_filter"
        assert answer.response_metadata["normalized_finish_reason"] == "content_filter"
        assert [block["type"] for block in answer.content_blocks] == ["refusal"]
    assert len(there.requests) == 4
    for method in ("function_calling", "json_schema"):
        asked: Any = model.with_structured_output(
            {"title": "Joke", "type": "object"}, method=method
        )
        with pytest.raises(errors.ModelRefusalError):
            asked.invoke("x")
    assert len(there.requests) == 6


@pytest.mark.parametrize("reason", ["function_call_filter: MALFORMED_FUNCTION_CALL", "error"])
def test_a_malformed_call_is_none_even_beside_text(reason: str) -> None:
    call = {"id": "a", "function": {"name": "get", "arguments": "{}"}}
    choice = choice_of("print(default_api)", message={"tool_calls": [call]}, finish_reason=reason)
    with pytest.raises(errors.AIMLAPIResponseError) as caught:
        decoded(completion_of(choice))
    is_malformed = isinstance(caught.value, errors.AIMLAPIEmptyResponseError)
    assert is_malformed is (reason != "error")
    assert caught.value.partial is not None
    assert caught.value.partial.tool_calls == []
    assert [block["type"] for block in caught.value.partial.content_blocks].count("tool_call") == 0
