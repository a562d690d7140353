"""The laws of the house, stated over random answers in both dialects."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from contextlib import aclosing, contextmanager, suppress
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from langchain_core.load import dumps, loads
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    messages_from_dict,
    messages_to_dict,
)
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from langchain_aimlapi import AIMLAPIError, ChatAIMLGemini
from langchain_aimlapi._codec.request import encode_messages
from langchain_aimlapi._codec.tool_calls import ToolCalls
from langchain_aimlapi.data._profiles import served_models
from langchain_aimlapi.testing.standin._gemini import request_refusal
from langchain_aimlapi.testing.standin._schema import request_problem
from tests.answers import (
    COST_HEADERS,
    KEY,
    MODEL,
    TEXTS,
    Served,
    Streamed,
    answers,
    cuts,
    model_of,
    served,
    sse,
    streamed_answers,
)
from tests.examples import examples
from tests.fuzz.histories import check_history
from tests.http_client import httpx
from tests.unit_tests.codec.signature_ways import is_left_out, sent_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Sequence

    from hypothesis.strategies import SearchStrategy

    from tests.answers import Json

pytestmark = [
    pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning"),
    # Pictures of a model cannot go back, which is said once.
    pytest.mark.filterwarnings("ignore:A content block of type 'image'"),
]

PROMPT = "Hello"
ID: dict[str, Any] = {"client_request_id": "the-same-for-all"}


def folded(chunks: Iterable[BaseMessage]) -> AIMessageChunk:
    return cast("AIMessageChunk", reduce(add, chunks))


async def gathered(chunks: AsyncIterable[BaseMessage]) -> list[BaseMessage]:
    return [chunk async for chunk in chunks]


def blocks_of(message: BaseMessage, *, lost: tuple[str, ...] = ()) -> list[Json]:
    """Return the content blocks by type, without their index, without what core's paths lose."""
    hidden = ("invalid_tool_call", "tool_call_chunk", *lost)  # compared by name and id
    blocks = [
        {key: value for key, value in block.items() if key != "index"}
        for block in message.content_blocks
        if block["type"] not in hidden
    ]
    return sorted(blocks, key=lambda block: str(block["type"]))


def shown(message: BaseMessage, *, lost: tuple[str, ...] = ()) -> list[Json]:
    """Return the content blocks without their extras, thus without bearers of nothing else.

    Where a signature stands differs between whole answers and the events of a stream; that it is
    there is seen in what goes back.
    """
    blocks = [
        {key: value for key, value in block.items() if key != "extras"}
        for block in blocks_of(message, lost=lost)
    ]
    return [block for block in blocks if block != {"type": "reasoning", "reasoning": ""}]


def seen(message: BaseMessage) -> Json:
    """Return all that a user can see of an answer, in whatever form it was asked for."""
    assert isinstance(message, AIMessage)
    metadata = {k: v for k, v in message.response_metadata.items() if k != "output_version"}
    return {
        "text": message.text,
        "kwargs": message.additional_kwargs,
        "calls": message.tool_calls,
        "invalid": [(call["name"], call["id"]) for call in message.invalid_tool_calls],
        "usage": message.usage_metadata,
        "metadata": metadata,
    }


def seen_but_the_word(message: BaseMessage) -> Json:
    """Return the same without the normalized ending.

    langchain-core 1.8.4 puts that right by the blocks that its assembly of events sees.
    """
    told = seen(message)
    told["metadata"].pop("normalized_finish_reason", None)
    return told


def sent_back(message: BaseMessage) -> Json:
    """Return the assistant message that a next request would hold."""
    return sent_of([HumanMessage("Hello"), message])


# Parity.


@examples(100)
@given(streamed_answers(is_mixed=True))
async def test_the_sum_of_a_stream_is_the_whole_answer(answer: Streamed) -> None:
    model = model_of(served(*answer))
    whole = model.invoke(PROMPT, **ID)
    assert isinstance(whole.content, str)
    for message in (
        folded(model.stream(PROMPT, **ID)),
        folded(await gathered(model.astream(PROMPT, **ID))),
        await model.ainvoke(PROMPT, **ID),
    ):
        assert seen(message) == seen(whole)
        assert blocks_of(message) == blocks_of(whole)


@examples(60)
@given(streamed_answers())
async def test_the_sum_of_a_stream_is_the_whole_answer_in_v1_form(answer: Streamed) -> None:
    there = served(*answer)
    whole = model_of(there).invoke(PROMPT, **ID)
    model = model_of(there, output_version="v1")
    for message in (
        model.invoke(PROMPT, **ID),
        await model.ainvoke(PROMPT, **ID),
        folded(model.stream(PROMPT, **ID)),
        folded(await gathered(model.astream(PROMPT, **ID))),
    ):
        assert isinstance(message.content, list)
        assert seen(message) == seen(whole)
        assert shown(message) == shown(whole)
        assert sent_back(message) == sent_back(whole)


@examples(60)
@given(streamed_answers())
async def test_the_events_of_a_stream_are_the_whole_answer_in_v3_form(answer: Streamed) -> None:
    model = model_of(served(*answer))
    whole = model.invoke(PROMPT, **ID)
    stream = await model.astream_events(PROMPT, version="v3", **ID)
    for message in (model.stream_events(PROMPT, version="v3", **ID).output, await stream.output):
        assert seen_but_the_word(message) == seen_but_the_word(whole)
        # langchain-core's assembly of events knows no refusal blocks.
        assert shown(message, lost=("refusal",)) == shown(whole, lost=("refusal",))
        assert sent_back(message) == sent_back(whole)


@examples(40)
@given(streamed_answers())
def test_chunks_add_up_alike_from_left_or_right(answer: Streamed) -> None:
    chunks = list(model_of(served(*answer)).stream(PROMPT, **ID))
    right = chunks[-1]
    for chunk in reversed(chunks[:-1]):
        right = chunk + right
    assert seen(right) == seen(folded(chunks))


@examples(40)
@given(answers())
def test_a_whole_answer_to_a_stream_is_the_same_answer(completion: Json) -> None:
    answer = httpx.MockTransport(lambda _: httpx.Response(200, json=completion))
    client = httpx.Client(transport=answer)
    model = ChatAIMLGemini(model=MODEL, api_key=KEY, http_client=client)
    assert seen(folded(model.stream(PROMPT, **ID))) == seen(model.invoke(PROMPT, **ID))


# Cut.


@examples(100)
@given(
    streamed_answers(is_mixed=True),
    st.data(),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["", "OPENROUTER PROCESSING"]),
)
def test_any_cut_of_the_bytes_gives_the_same_chunks(
    answer: Streamed, data: st.DataObject, newline: str, comment: str
) -> None:
    whole = list(model_of(served({}, sse(answer.events))).stream(PROMPT, **ID))
    blocks = data.draw(cuts(sse(answer.events, newline=newline, comment=comment)))
    cut = list(model_of(served({}, blocks)).stream(PROMPT, **ID))
    assert _without_ids(cut) == _without_ids(whole)


def _without_ids(chunks: Iterable[BaseMessage]) -> list[BaseMessage]:
    """Give the chunks without the id of their run, which LangChain makes anew."""
    return [chunk.model_copy(update={"id": None}) for chunk in chunks]


# Twins.


@examples(60)
@given(streamed_answers(is_mixed=True), st.data())
async def test_sync_and_async_give_equal_chunks(answer: Streamed, data: st.DataObject) -> None:
    blocks = data.draw(cuts(sse(answer.events)))
    model = model_of(served(answer.completion, blocks))
    chunks = _without_ids(model.stream(PROMPT, **ID))
    async with aclosing(cast("Any", model.astream(PROMPT, **ID))) as stream:
        assert _without_ids([chunk async for chunk in stream]) == chunks


@examples(40)
@given(st.binary(max_size=60), st.sampled_from([200, 400, 403, 429, 500]))
async def test_sync_and_async_give_equal_errors(body: bytes, status: int) -> None:
    model = model_of(served(body, [body], status=status))
    outcomes = []
    for whole, chunks in ((model.invoke, model.stream),):
        with pytest.raises(AIMLAPIError) as one:
            whole(PROMPT, **ID)
        with pytest.raises(AIMLAPIError) as two:
            list(chunks(PROMPT, **ID))
        outcomes = [_facts(one.value), _facts(two.value)]
    with pytest.raises(AIMLAPIError) as three:
        await model.ainvoke(PROMPT, **ID)
    with pytest.raises(AIMLAPIError) as four:
        await gathered(model.astream(PROMPT, **ID))
    assert outcomes == [_facts(three.value), _facts(four.value)]


def _facts(error: AIMLAPIError) -> tuple[object, ...]:
    return type(error), str(error), error.status_code, error.body, error.is_retryable


# Round trip.


def _by_json(message: AIMessage) -> AIMessage:
    return cast("AIMessage", loads(dumps(message), allowed_objects=[AIMessage, AIMessageChunk]))


def _by_dicts(message: AIMessage) -> AIMessage:
    return cast(
        "AIMessage", messages_from_dict(json.loads(json.dumps(messages_to_dict([message]))))[0]
    )


def _by_checkpoint(message: AIMessage) -> AIMessage:
    assume(all(-(2**63) <= number < 2**63 for number in _integers(message.model_dump())))
    serde = JsonPlusSerializer()  # its msgpack knows no longer integers
    return cast("AIMessage", serde.loads_typed(serde.dumps_typed(message)))


def _integers(value: object) -> Iterator[int]:
    if isinstance(value, int):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _integers(inner)


WAYS: list[Callable[[AIMessage], AIMessage]] = [
    lambda message: message,
    _by_json,
    _by_dicts,
    _by_checkpoint,
    copy.deepcopy,
    lambda message: cast("AIMessage", pickle.loads(pickle.dumps(message))),
    lambda message: type(message)(**message.model_dump()),
]


@examples(80)
@given(
    streamed_answers(),
    st.sampled_from(WAYS),
    st.sampled_from(["invoke", "stream"]),
    st.sampled_from(["v0", "v1"]),
)
def test_what_the_server_signed_goes_back_as_it_came(
    answer: Streamed, way: Callable[[AIMessage], AIMessage], asked: str, version: str
) -> None:
    model = model_of(served(*answer), output_version=version)
    message = folded(model.stream(PROMPT)) if asked == "stream" else model.invoke(PROMPT)
    back = sent_back(way(message))
    wire = answer.completion["choices"][0]["message"]
    # Broken calls that are signed go back as well, without their arguments.
    choice = {**wire, "finish_reason": answer.completion["choices"][0]["finish_reason"]}
    left_out = {n for n, c in enumerate(wire.get("tool_calls", [])) if is_left_out(c, choice)}
    assert back["role"] == "assistant"
    assert back["content"] == wire["content"]
    arrived = [
        _call_of(c, is_cut=mine not in {call["id"] for call in message.tool_calls})
        for n, (c, mine) in enumerate(
            zip(wire.get("tool_calls", []), _ids(answer.completion), strict=True)
        )
        if n not in left_out
    ]
    returned = back.get("tool_calls", [])
    assert [_call_of(call) for call in returned] == arrived
    assert back.get("extra_content") == wire.get("extra_content")
    assert back.get("reasoning_details", []) == wire.get("reasoning_details", [])


def _ids(completion: Json) -> list[str]:
    """Return the ids of all calls in the order of the wire, missing ones made up."""
    calls = ToolCalls(completion_id=completion["id"])
    calls.read(completion["choices"][0]["message"])
    return [call.id for call in calls.calls]


def _call_of(call: Json, *, is_cut: bool = False) -> Json:
    arguments = "{}" if is_cut else call["function"].get("arguments") or "{}"
    return {
        "name": call["function"]["name"],
        "arguments": json.loads(arguments),
        "extra_content": call.get("extra_content"),
    }


# Stable prefix.


@st.composite
def histories(draw: st.DrawFn) -> list[BaseMessage]:
    """Return a conversation with an agent, as it grows."""
    messages: list[BaseMessage] = [SystemMessage(draw(TEXTS))]
    for _ in range(draw(st.integers(1, 3))):
        messages.append(HumanMessage(draw(TEXTS)))
        message = model_of(served(draw(answers()))).invoke(PROMPT)
        messages.append(message)
        messages += [
            ToolMessage(draw(TEXTS), tool_call_id=call["id"]) for call in message.tool_calls
        ]
    return messages


@examples(40)
@given(histories(), st.sampled_from(["send", "skip"]))
def test_a_history_begins_alike_whatever_follows(messages: list[BaseMessage], missing: Any) -> None:
    whole = encode_messages(messages, missing_signatures=missing)
    for number in range(len(messages)):
        part = encode_messages(messages[:number], missing_signatures=missing)
        assert part == whole[: len(part)]


# No secret.


class _Listener(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__()
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(record.getMessage())


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Give every line that the package logs."""
    said: list[str] = []
    listener = _Listener(said)
    logger = logging.getLogger("langchain_aimlapi")
    logger.addHandler(listener)
    logger.setLevel(logging.DEBUG)
    try:
        yield said
    finally:
        logger.removeHandler(listener)
        logger.setLevel(logging.NOTSET)


@examples(30)
@given(st.sampled_from(["body", "header", "text"]), st.sampled_from([200, 400, 401, 500]))
async def test_a_key_that_the_server_echoes_is_taken_out(place: str, status: int) -> None:
    body: Any = {"error": {"code": 401, "message": f"bad {KEY}", KEY: [KEY]}, "requestId": KEY}
    data = f"<html>{KEY}</html>".encode() if place == "text" else json.dumps(body).encode()
    headers = {"x-inference-id": KEY} if place == "header" else {}
    model = model_of(served(data, [body], status=status, headers=headers))
    with _listening() as said:
        with pytest.raises(AIMLAPIError) as caught:
            model.invoke(PROMPT)
        with pytest.raises(AIMLAPIError) as streamed:
            await gathered(model.astream(PROMPT))
    assert said
    for error in (caught.value, streamed.value):
        said += [str(error), repr(error), repr(error.__dict__)]
    assert not [text for text in said if KEY in text]


def _answer_of(kind: str) -> httpx.Response:
    match kind:
        case "refused":
            raise httpx.ConnectError("refused")
        case "late":
            raise httpx.ReadTimeout("late")
        case "status":
            return httpx.Response(401, json={"message": "no"})
        case _:
            return httpx.Response(200, text="no answer")


@pytest.mark.parametrize("kind", ["refused", "late", "status", "unreadable"])
async def test_no_frame_of_a_failure_holds_the_key(kind: str) -> None:
    transport = httpx.MockTransport(lambda _: _answer_of(kind))
    model = ChatAIMLGemini(
        model=MODEL,
        api_key=KEY,
        max_retries=0,
        http_client=httpx.Client(transport=transport),
        http_async_client=httpx.AsyncClient(transport=transport),
    )
    for failing in (lambda: model.invoke(PROMPT), lambda: list(model.stream(PROMPT))):
        with pytest.raises(AIMLAPIError) as caught:
            failing()
        assert not [text for text in _locals(caught.value) if KEY in text]
    with pytest.raises(AIMLAPIError) as caught:
        await model.ainvoke(PROMPT)
    assert not [text for text in _locals(caught.value) if KEY in text]


def _locals(error: BaseException | None) -> list[str]:
    """Return the local variables of every frame that an error holds, its causes too."""
    found = []
    while error is not None:
        trace = error.__traceback__
        while trace is not None:
            found += [repr(value) for value in trace.tb_frame.f_locals.values()]
            trace = trace.tb_next
        error = error.__cause__ or error.__context__
    return found


def test_the_key_is_in_nothing_that_a_model_shows() -> None:
    model = model_of(served({}), default_headers={"x-secret": KEY})
    bound = model.bind(stop=["a"])
    shown = [
        repr(model),
        str(model),
        repr(model.model_dump()),
        model.model_dump_json(),
        dumps(model),
        repr(model._identifying_params),
        repr(model._get_ls_params()),
        repr(model._get_invocation_params()),
        repr(bound),
        repr(model.__repr_args__()),
    ]
    assert not [text for text in shown if KEY in text]
    with pytest.raises(ValueError, match="model") as caught:
        ChatAIMLGemini(model="", api_key=KEY)
    assert KEY not in str(caught.value)


# Total.

NAMES = [
    "error",
    "message",
    "delta",
    "content",
    "function",
    "arguments",
    "name",
    "id",
    "index",
    "type",
    "text",
    "google",
    "usage",
    "code",
    "metadata",
]
ANY: SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from([10**30, -1, 0, "", "stop", "error", "reasoning.text", "1e999", "\ud83d"]),
    lambda one: (
        st.lists(one, max_size=2)
        | st.dictionaries(st.text(max_size=2) | st.sampled_from(NAMES), one, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def mutations(draw: st.DrawFn, value: Any) -> Any:
    """Return a JSON value with any value in place of up to three of its fields."""
    value = json.loads(json.dumps(value))
    for _ in range(draw(st.integers(1, 3))):
        place: Any = value
        while True:
            keys: list[Any] = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = draw(st.sampled_from(keys))
            inner = place[key]
            if isinstance(inner, dict | list) and inner and draw(st.integers(0, 5)):
                place = inner
                continue
            place[key] = draw(ANY)
            break
        if not isinstance(value, dict | list) or not value:
            break
    return value


async def outcome(model: ChatAIMLGemini) -> list[BaseMessage]:
    """Ask in every way; return the answers, of which the errors of our tree are none."""
    messages: list[BaseMessage] = []
    with suppress(AIMLAPIError):
        messages.append(model.invoke(PROMPT))
    with suppress(AIMLAPIError):
        messages.append(folded(model.stream(PROMPT)))
    with suppress(AIMLAPIError):
        messages.append(await model.ainvoke(PROMPT))
    with suppress(AIMLAPIError):
        messages.append(folded(await gathered(model.astream(PROMPT))))
    return messages


@examples(150)
@given(st.data(), streamed_answers(is_mixed=True))
async def test_any_value_in_any_field_is_an_answer_or_our_error(
    data: st.DataObject, answer: Streamed
) -> None:
    completion = data.draw(mutations(answer.completion))
    events = data.draw(mutations(answer.events))
    for version in ("v0", "v1"):
        for message in await outcome(
            model_of(_served_ascii(completion, events), output_version=version)
        ):
            assert isinstance(message, AIMessage)
            assert isinstance(message.content_blocks, list)
            json.dumps(message.response_metadata, allow_nan=True)
            assert json.dumps(message.model_dump(), ensure_ascii=False).encode()
            assert sent_back(message)["role"] == "assistant"


def _served_ascii(completion: Any, events: Any) -> Served:
    """Serve with escapes, which alone can say half a surrogate pair."""
    stream = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    return served(json.dumps(completion).encode(), stream, headers=COST_HEADERS)


@examples(60)
@given(st.binary() | st.text().map(str.encode), st.sampled_from([200, 204, 302, 400, 404, 503]))
async def test_any_bytes_are_our_error(body: bytes, status: int) -> None:
    messages = await outcome(model_of(served(body, [body], status=status)))
    assert messages == []


# No thread dies of what it holds.


def refusal_of(history: Sequence[BaseMessage]) -> str | None:
    """Return why Gemini, or the gateway's schema, refuses the request of a history."""
    body: Json = {"model": MODEL, "messages": encode_messages(history)}
    json.dumps(body, allow_nan=False)
    facts = served_models()[MODEL]
    problem = request_problem(body, facts=facts, assume=True)
    return problem or request_refusal(body, strict=True)


@examples(150)
@given(st.data(), streamed_answers(is_mixed=True))
async def test_any_answer_that_we_take_can_be_sent_with_results_for_its_calls(
    data: st.DataObject, answer: Streamed
) -> None:
    completion, events = answer
    if data.draw(st.booleans()):
        completion, events = data.draw(mutations(completion)), data.draw(mutations(events))
    version = data.draw(st.sampled_from(["v0", "v1"]))
    way = data.draw(st.sampled_from([WAYS[0], _by_json, copy.deepcopy]))
    for message in await outcome(
        model_of(_served_ascii(completion, events), output_version=version)
    ):
        assert isinstance(message, AIMessage)
        # langchain's agents answer broken calls too; others leave them.
        broken = message.invalid_tool_calls if data.draw(st.booleans()) else []
        ids = [call["id"] for call in (*message.tool_calls, *broken)]
        results = [ToolMessage("It is so.", tool_call_id=str(call_id)) for call_id in ids]
        history = [HumanMessage("Look."), way(message), *results, HumanMessage("And now?")]
        assert refusal_of(history[:-1]) is None
        assert refusal_of(history) is None


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # of what is left out, in many words
@examples(300)
@given(st.binary(min_size=20, max_size=200))
def test_any_history_is_a_request_or_a_value_error(data: bytes) -> None:
    check_history(data)
