"""Troubles that others reported in public, rebuilt here: what is right then, report by report.

Each test names the reports whose trouble it rebuilds (read 2026-11-26); none was seen on this
gateway. What the package leaves to the server, on purpose, is held here too: the refusal and the
way out that the error names.
"""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import (
    HumanMessage,
    ToolMessage,
)

from langchain_aimlapi import (
    AIMLAPIError,
    AIMLAPIRateLimitError,
    AIMLAPIResponseError,
)
from langchain_aimlapi.testing.standin import StandIn
from tests.http_client import httpx
from tests.integration_tests.report_kit import (
    COUNTS,
    END,
    HEAD,
    OK,
    USAGE,
    answered,
    both_ways,
    call,
    event,
    lines,
    model_at,
    model_over,
    sent,
    streamed,
    whole,
)
from tests.serving import model_of, served
from tests.wire_tests.asking import at_once

if TYPE_CHECKING:
    from tests.wholes import Json


# --- events of streams


@pytest.mark.parametrize("odd", [b"null", b"", b"{}"])
@pytest.mark.parametrize("is_first", [False, True])
def test_an_event_of_nothing_is_passed_over(odd: bytes, *, is_first: bool) -> None:
    """Kilo-Org/kilocode#3083: `data: null` between the thoughts and the text ended the stream."""
    nothing = b"data: " + odd + b"\n\n"
    data = lines(event({"content": "a"})), nothing, lines(event({"content": "b"}), *END)

    answer = streamed(b"".join((nothing, *data) if is_first else data))

    assert (answer.content, answer.usage_metadata) == ("ab", COUNTS)


@pytest.mark.parametrize(
    "odd",
    [
        {**HEAD, "choices": None},
        {**HEAD, "choices": [None]},
        {**HEAD, "choices": [{"index": 0, "delta": None, "finish_reason": None}]},
    ],
)
def test_a_chunk_whose_parts_are_null_adds_nothing(odd: Json) -> None:
    """pydantic/pydantic-ai#5165: `choices: null` in the middle of a stream was a TypeError."""
    answer = streamed([event({"content": "a"}), odd, event({"content": "b"}), *END])

    assert (answer.content, answer.usage_metadata) == ("ab", COUNTS)


@pytest.mark.parametrize("between", ["", " ", "\n", "data: ", "\ndata: ", "\r\n"])
def test_events_without_their_separator_are_read_one_by_one(between: str) -> None:
    """1jehuang/jcode#609, first form: a proxy lost the blank line between two events."""
    texts = [json.dumps(one) for one in (event({"content": "a"}), event({"content": "b"}), *END)]
    data = f"data: {between.join(texts)}{between}[DONE]\n\n"

    answer = streamed(data.encode())

    assert (answer.content, answer.usage_metadata) == ("ab", COUNTS)
    assert answer.response_metadata["finish_reason"] == "stop"


@pytest.mark.parametrize("rest", ["[1]", '{"id":', "{}x", '"text"'])
def test_what_is_not_only_objects_is_still_an_error(rest: str) -> None:
    """1jehuang/jcode#609, neighbour: nothing of a damaged event may be taken for the whole."""
    data = lines(event({"content": "a"})) + f"data: {json.dumps(event())}{rest}\n\n".encode()

    with pytest.raises(AIMLAPIResponseError, match="is not JSON") as caught:
        streamed(data)

    assert caught.value.partial is not None
    assert caught.value.partial.content == "a"


def test_an_object_cut_over_two_events_is_a_typed_error() -> None:
    """1jehuang/jcode#609, second form: two halves of one object, each an event of its own."""
    first, second = json.dumps(event({"content": "Hello world"})).split("world")
    data = f"data: {first}\n\ndata: world{second}\n\n".encode()

    with pytest.raises(AIMLAPIResponseError, match="is not JSON"):
        streamed(data + lines(*END))


@pytest.mark.parametrize("data", [b"", b"data: [DONE]\n\n", b": OPENROUTER PROCESSING\n\n"])
def test_a_stream_of_nothing_is_a_typed_error(data: bytes) -> None:
    """deepset-ai/haystack#12721, DataDog/dd-trace-py#14985: no chunk at all was an IndexError."""
    with pytest.raises(AIMLAPIResponseError, match="without a single choice") as caught:
        streamed(data)

    assert caught.value.is_retryable


def test_counts_told_again_and_again_are_counted_once() -> None:
    """langchain-ai/langchainjs#10159, langchain-ai/langchain#30429: every chunk had the totals.

    So did each of two last chunks in langchain-ai/langchainjs#11457.
    """
    growing = [{**USAGE, "completion_tokens": n, "total_tokens": 10 + n} for n in (1, 3, 5)]
    last = event({}, "stop", usage=USAGE)
    texts = [
        event({"content": text}, usage=usage) for text, usage in zip("abc", growing, strict=True)
    ]

    answer = streamed([*texts, last, last])

    assert answer.usage_metadata == COUNTS
    assert answer.response_metadata["token_usage"] == USAGE
    assert (answer.response_metadata["finish_reason"], answer.response_metadata["model_name"]) == (
        "stop",
        "m",
    )


def test_counts_beside_the_last_text_lose_neither() -> None:
    """Routstr/routstr-core#543: usage in the chunk of the last text lost the text."""
    answer = streamed([event({"content": "a"}), event({"content": "b"}, "stop", usage=USAGE)])

    assert (answer.content, answer.usage_metadata) == ("ab", COUNTS)


@pytest.mark.parametrize("details", [{"cached_tokens": 8}, {"cached_tokens": 8, "audio_tokens": 0}])
def test_cached_tokens_are_a_part_of_the_input(details: Json) -> None:
    """headroomlabs-ai/headroom#2230, langchain-ai/langchain-litellm#52.

    Cached tokens were added to the prompt's, or were not told in streams.
    """
    usage = {**USAGE, "prompt_tokens_details": details}
    for answer in (
        answered({**OK, "usage": usage}),
        streamed([event({"content": "ok"}), event({}, "stop", usage=usage)]),
    ):
        counted = answer.usage_metadata
        assert counted is not None
        assert (counted["input_tokens"], counted["total_tokens"]) == (10, 15)
        assert counted["input_token_details"]["cache_read"] == 8


def test_thoughts_told_in_three_fields_are_one() -> None:
    """BerriAI/litellm#14137: one delta has `reasoning`, `reasoning_content` and details."""

    def thought(text: str) -> Json:
        detail = {"type": "reasoning.text", "text": text, "index": 0}
        return {"reasoning": text, "reasoning_content": text, "reasoning_details": [detail]}

    deltas = [thought("Count"), thought("ing"), {"content": "3"}]
    for answer in both_ways({**thought("Counting"), "content": "3"}, deltas):
        thoughts = [one for one in answer.content_blocks if one["type"] == "reasoning"]
        assert [one["reasoning"] for one in thoughts] == ["Counting"]


# --- tool calls


def test_a_stop_with_calls_is_an_ending_in_calls() -> None:
    """googleapis/python-genai#2868, envoyproxy/ai-gateway#2399, BerriAI/litellm#21577.

    Streams say `stop` in a chunk of its own behind the call; whole answers say `tool_calls`.
    """
    asked = {"content": "", "tool_calls": [call("{}")]}
    for answer in both_ways(asked, [asked, {"content": ""}], "stop"):
        assert answer.response_metadata["normalized_finish_reason"] == "tool_call"
        assert [one["id"] for one in answer.tool_calls] == ["one"]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (r'{"path": "a\ud800b"}', {"path": "a\ufffdb"}),
        (r'{"path": "\udc00"}', {"path": "\ufffd"}),
        (r'{"path": "\ud83d\ud83d\ude00"}', {"path": "\ufffd\U0001f600"}),
        (r'{"path": "\ud83d\ude00", "\ud83d": 1}', {"path": "\U0001f600", "\ufffd": 1}),
        (r'{"path": "C:\\ud800"}', {"path": "C:\\ud800"}),
        (r'{"path": "\\\ud800\n"}', {"path": "\\\ufffd\n"}),
        ('{"path": "\\ud83d\\ude00\n"}', {"path": "\U0001f600\n"}),
    ],
)
def test_halves_of_pairs_in_arguments_are_replaced(text: str, read: Json) -> None:
    """NousResearch/hermes-agent#102757: an escaped half in arguments killed every later request."""
    for size in (1, 2, 3, 5, 7, len(text)):
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        deltas = [{"tool_calls": [call(pieces[0])]}]
        deltas += [
            {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces[1:]
        ]
        for answer in both_ways({"tool_calls": [call(text)]}, deltas, "tool_calls"):
            assert (answer.tool_calls[0]["args"], answer.invalid_tool_calls) == (read, [])
            _, asked, _ = sent([HumanMessage("Go"), answer, ToolMessage("r", tool_call_id="one")])
            assert json.loads(asked["tool_calls"][0]["function"]["arguments"]) == read


@pytest.mark.parametrize("end", ["\\", "\\u", "\\ud8", "\\ud83d", "\\ud83d\\", "\\ud83d\\ude"])
def test_an_escape_that_is_cut_off_makes_no_call(end: str) -> None:
    """NousResearch/hermes-agent#102757, neighbour: the limit of tokens came inside an escape."""
    text = '{"path": "a' + end
    for answer in both_ways({"tool_calls": [call(text)]}, [{"tool_calls": [call(text)]}], "length"):
        assert answer.tool_calls == []
        assert str(answer.invalid_tool_calls[0]["args"]).startswith(text)


@pytest.mark.parametrize("inner", ['{"at": "it"}', "{}", ' {"at": "\\"it\\""} '])
def test_arguments_encoded_twice_are_read(inner: str) -> None:
    """huggingface/smolagents#1003: the arguments are a JSON string that holds the object's text."""
    text = json.dumps(inner)
    for size in (1, 4, len(text)):
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        deltas = [{"tool_calls": [call(pieces[0])]}]
        deltas += [
            {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces[1:]
        ]
        said_again = {"tool_calls": [call(text)]}
        message = {"tool_calls": [call(text), call(text)]}
        for answer in both_ways(message, [*deltas, said_again], "tool_calls"):
            assert [one["args"] for one in answer.tool_calls] == [json.loads(inner)]


@pytest.mark.parametrize("text", ['"look"', '"[1]"', '"{"', '"\\"{}\\""', '"{}" "{}"', '""'])
def test_other_strings_are_no_arguments(text: str) -> None:
    """huggingface/smolagents#1003, neighbour: only the text of an object is unwrapped, once."""
    asked = {"tool_calls": [call(text)]}
    for answer in both_ways(asked, [asked], "tool_calls"):
        assert (answer.tool_calls, len(answer.invalid_tool_calls)) == ([], 1)


def test_texts_inside_arguments_stay_texts() -> None:
    """MoonshotAI/kimi-cli#2513: a list inside arguments came as text; the tool decides, not we."""
    asked = {"tool_calls": [call('{"todos": "[1, 2]", "n": "42"}')]}
    for answer in both_ways(asked, [asked], "tool_calls"):
        assert answer.tool_calls[0]["args"] == {"todos": "[1, 2]", "n": "42"}


def test_arguments_that_are_an_object_already_are_read() -> None:
    """mozilla-ai/any-llm#1324: `arguments` as an object where its text is documented."""
    asked = {"tool_calls": [call({"at": "it"})]}
    for answer in both_ways(asked, [asked], "tool_calls"):
        assert answer.tool_calls[0]["args"] == {"at": "it"}


def test_large_numbers_in_arguments_stay_exact() -> None:
    """Beyond 2**53 an id that goes through a float is another id (neighbour of the above)."""
    asked = {"tool_calls": [call('{"n": 12345678901234567890123, "m": 9007199254740993}')]}
    for answer in both_ways(asked, [asked], "tool_calls"):
        assert answer.tool_calls[0]["args"] == {"n": 12345678901234567890123, "m": 9007199254740993}


def test_a_call_without_an_id_gets_one_that_all_see() -> None:
    """langchain-ai/langgraph#2729: calls in a stream of messages had no id."""
    asked = {"tool_calls": [call("{}", id=None)]}
    server = served(whole(asked, "tool_calls"), [event(asked), *END])
    model = model_of(server)
    chunks = list(model.stream("Hello"))
    seen = {fragment["id"] for chunk in chunks for fragment in chunk.tool_call_chunks} - {None}

    assert [one["id"] for one in model.invoke("Hello").tool_calls] == [*seen]
    assert len(seen) == 1


# --- failures


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null",
        b"[]",
        b'{"choices": []}',
        b'{"choices": null}',
        b'{"choices": ["x"]}',
        b'{"choices": [{}]}',
        b'{"choices": [{"message": null}]}',
        b'{"error": null}',
        b"<html>502</html>",
    ],
)
def test_a_good_status_without_an_answer_is_a_typed_error(body: bytes) -> None:
    """langchain-ai/openwiki#866: a 200 with `{}` or nothing was a TypeError, and never retried."""
    with pytest.raises(AIMLAPIResponseError) as caught:
        answered(body)

    assert caught.value.is_retryable


def test_a_failure_in_a_good_status_has_its_own_type() -> None:
    """langchain-ai/langchain#40364: a 429 told in the body of a 200 was a text."""
    failure = {"error": {"message": "Provider returned error", "code": 429}, "choices": None}

    with pytest.raises(AIMLAPIRateLimitError, match="Provider returned error") as caught:
        answered(failure)

    assert (caught.value.status_code, caught.value.is_retryable) == (429, True)


def test_a_wait_that_is_no_wait_is_none() -> None:
    """openai/openai-java#853, pydantic/pydantic-ai#7065: a past date or `-1` failed."""

    def check(wait: str) -> None:
        seen: list[int] = []

        def handle(_: Any) -> Any:
            seen.append(1)
            if len(seen) == 1:
                return httpx.Response(429, headers={"retry-after": wait}, json={"error": {}})
            return httpx.Response(200, json=OK)

        model = model_over(handle, max_retries=1)
        assert (model.invoke("Hello").content, len(seen)) == ("ok", 2)

    at_once(check, ["-1", "Wed, 21 Oct 2015 07:28:00 GMT", "nan", "inf", "1e400"])


def test_a_wait_of_half_an_hour_is_an_error_and_no_sleep() -> None:
    """openai/openai-node#1841: the SDK slept for whatever the server said."""
    seen: list[int] = []

    def handle(_: Any) -> Any:
        seen.append(1)
        return httpx.Response(429, headers={"retry-after": "1800"}, json={"error": {}})

    with pytest.raises(AIMLAPIRateLimitError) as caught:
        model_over(handle, max_retries=2).invoke("Hello")

    assert (caught.value.retry_after, len(seen)) == (1800, 1)


def _raised(ask: Any) -> AIMLAPIError:
    with pytest.raises(AIMLAPIError) as caught:
        ask()
    return caught.value


@pytest.mark.parametrize(
    "ask",
    [
        lambda: answered(b"{}"),
        lambda: answered({"error": {"message": "no", "code": 503}}),
        lambda: streamed([event({"content": "a"}), {"error": {"message": "no", "code": 503}}]),
    ],
)
def test_errors_can_be_copied_and_stored(ask: Any) -> None:
    """deepset-ai/haystack#10026: taking a snapshot of a failure failed on a lock inside it."""
    error = _raised(ask)

    for twin in (copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert (type(twin), str(twin), twin.__dict__.keys()) == (
            type(error),
            str(error),
            error.__dict__.keys(),
        )


def test_streams_read_to_their_end_give_their_connections_back() -> None:
    """openai/openai-python#763: with two connections the third stream waited for ever."""
    with StandIn() as server, httpx.Client(limits=httpx.Limits(max_connections=2)) as client:
        model = model_at(server, http_client=client, timeout=5)
        for _ in range(4):
            assert list(model.stream("Hello"))
