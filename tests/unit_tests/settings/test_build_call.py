"""What LangChain hands over, made into a call."""

from __future__ import annotations

import json
import uuid
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_aimlapi import ChatAIMLGemini, __version__
from langchain_aimlapi._codec.encoded_messages import EncodedMessages
from langchain_aimlapi._codec.tools import encode_tools
from langchain_aimlapi._http.client_pool import Clients
from langchain_aimlapi._settings import model_warnings
from langchain_aimlapi._settings.build_call import build_call
from langchain_aimlapi.errors.refusals import Remedies
from tests.answers import KEY, MODEL, model_of, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_aimlapi._http.call import Call


ANSWER = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
RUN = uuid.UUID(int=7)


def call_of(
    asked: ChatAIMLGemini | None = None,
    /,
    *,
    stop: list[str] | None = None,
    run_id: uuid.UUID | None = RUN,
    is_stream: bool = False,
    **keywords: Any,
) -> Call:
    model = asked or ChatAIMLGemini(model=MODEL, api_key=KEY)
    return build_call(
        model,
        model.call_options(keywords, stop=stop),
        messages=[HumanMessage("hi")],
        run_id=run_id,
        is_stream=is_stream,
        clients=Clients(),
        remedies=Remedies(),
        known=EncodedMessages(),
    )


def body_of(*args: Any, **keywords: Any) -> Any:
    return json.loads(call_of(*args, **keywords).body)


def test_a_call_is_a_plain_value_without_the_key() -> None:
    call = call_of()
    assert call.url == "https://api.aimlapi.com/v1/chat/completions"
    assert call.model == MODEL
    assert call.client_request_id == call.headers["x-client-request-id"] == str(RUN)
    assert call.headers["user-agent"].startswith(f"langchain-aimlapi/{__version__} python/3.")
    assert call.headers["accept"] == call.headers["content-type"] == "application/json"
    assert KEY not in repr(call)
    assert KEY.encode() not in call.body
    assert (call.max_retries, call.empty_response_retries, call.advice) == (2, 0, "")
    assert call.limits.total == 600


def test_a_stream_is_asked_for_with_its_usage() -> None:
    call = call_of(is_stream=True)
    body = json.loads(call.body)
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
    assert call.headers["accept"] == "text/event-stream"
    assert call.headers["accept-encoding"] == "identity"
    assert call.limits.silence == 120
    assert "stream_options" not in body_of(is_stream=True, stream_usage=False)
    quiet = ChatAIMLGemini(model=MODEL, api_key=KEY, stream_usage=False)
    assert "stream_options" not in body_of(quiet, is_stream=True)
    own = {"include_usage": False}
    assert body_of(is_stream=True, stream_options=own)["stream_options"] == own
    assert "stream" not in body_of(stream=False)


@pytest.mark.parametrize("n", [2, 3])
def test_several_answers_cannot_be_streamed(n: int) -> None:
    with pytest.raises(ValueError, match=f"n={n} cannot be streamed"):
        call_of(is_stream=True, n=n)
    assert body_of(n=n)["n"] == n
    assert body_of(is_stream=True, n=1)["n"] == 1


def test_every_call_has_an_id_of_its_own() -> None:
    first, second = call_of(run_id=None), call_of(run_id=None)
    assert uuid.UUID(first.client_request_id) != uuid.UUID(second.client_request_id)
    assert call_of(client_request_id="mine").client_request_id == "mine"
    given = uuid.uuid4()
    assert call_of(client_request_id=given).headers["x-client-request-id"] == str(given)


@pytest.mark.parametrize("given", [3, True, b"a", 0])
def test_an_id_is_text(given: object) -> None:
    with pytest.raises(ValueError, match=r"client_request_id=.* pass a UUID, or a text"):
        call_of(client_request_id=given)


@pytest.mark.parametrize("given", ["order 4711", "Zoë", "a" * 129, "a\n", "a/b", ""])
def test_an_id_that_the_gateway_would_drop_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"client_request_id=.* would be dropped"):
        call_of(client_request_id=given)
    assert call_of(client_request_id="A-z.0_9:" * 16).client_request_id == "A-z.0_9:" * 16


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_retries", "2"),
        ("max_retries", -1),
        ("empty_response_retries", 0.5),
        ("missing_signatures", "drop"),
    ],
)
def test_a_keyword_of_a_wrong_kind_is_named_at_once(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name}={value!r}"):
        call_of(**{name: value})


def test_none_takes_back_what_a_call_says_of_itself() -> None:
    names = ("max_retries", "empty_response_retries", "missing_signatures", "stream_usage")
    same: dict[str, Any] = {"clients": Clients(), "remedy": None}
    said = call_of(**dict.fromkeys(names), is_stream=True)._replace(**same)
    assert said == call_of(is_stream=True)._replace(**same)


@pytest.mark.parametrize("value", [5, None, b"text"])
def test_a_header_that_is_no_text_is_named(value: object) -> None:
    with pytest.raises(ValueError, match=r"header 'X-One' is of type \w+; pass text"):
        call_of(extra_headers={"X-One": value})


def test_keywords_about_the_call_are_not_sent() -> None:
    call = call_of(
        timeout=3,
        max_retries=5,
        empty_response_retries=1,
        missing_signatures="skip",
        client_request_id="mine",
        stream_usage=True,
        stream=True,
        extra_headers={"X-One": "1", "Accept": "x"},
        extra_body={"temperature": 0.5, "new": 1},
        temperature=0.1,
        stop_sequences=["a"],
        model_name="gemini-3-1-pro-preview",
    )
    assert json.loads(call.body) == {
        "model": "google/gemini-3-1-pro-preview",
        "messages": [{"role": "user", "content": "hi"}],
        "temperature": 0.5,
        "stop": ["a"],
        "new": 1,
    }
    assert (call.limits.total, call.max_retries, call.empty_response_retries) == (3, 5, 1)
    assert call.headers["x-one"] == "1"
    assert call.headers["accept"] == "x"


def test_the_models_own_extras_are_laid_under_those_of_the_call() -> None:
    model = ChatAIMLGemini(
        model=MODEL,
        api_key=KEY,
        extra_body={"a": 1, "b": 1},
        default_headers={"X-One": "1", "X-Two": "1"},
        timeout=None,
    )
    call = call_of(model, extra_body={"b": 2}, extra_headers={"x-two": "2"}, stop=["a"])
    body = json.loads(call.body)
    assert (body["a"], body["b"], body["stop"]) == (1, 2, ["a"])
    assert (call.headers["x-one"], call.headers["x-two"]) == ("1", "2")
    assert call.limits.total is None


def test_a_deprecated_model_is_told_of_once_and_in_errors() -> None:
    with pytest.warns(UserWarning, match="deprecated"):
        first = call_of(model="google/gemini-2.0-flash")
    assert "deprecated" in first.advice.lower()
    assert call_of(model="google/gemini-2.0-flash").advice == first.advice


def test_marks_of_caching_stay_on_tools_only_where_they_are_known() -> None:
    function = {"name": "get", "parameters": {"type": "object", "properties": {}}}
    tool = {"type": "function", "function": function, "cache_control": {"type": "ephemeral"}}
    assert "cache_control" not in body_of(tools=[tool])["tools"][0]
    kept = body_of(tools=[tool], model="google/gemini-3-7-flash")
    assert kept["tools"] == [tool]
    assert "cache_control" in tool


def test_tools_may_be_handed_to_a_call_as_they_are() -> None:
    def get_weather(city: str) -> str:
        """Tell the weather."""
        return city

    [tool] = body_of(tools=[get_weather])["tools"]
    assert tool["function"]["name"] == "get_weather"


def test_what_cannot_be_sent_is_an_error_before_anything_is() -> None:
    with pytest.raises(ValueError, match="The request cannot be written as JSON"):
        call_of(extra_body={"min_p": float("nan")})
    with pytest.raises(ValueError, match="timeout='x'"):
        call_of(timeout="x")


PICTURE = {"type": "image", "url": "https://example.com/a.png"}
PDF = {"type": "file", "base64": "JVBERi0xLjQ=", "mime_type": "application/pdf"}
WITH_PDF = [
    HumanMessage([PICTURE, PDF]),
    AIMessage("", tool_calls=[{"name": "f", "args": {}, "id": "c"}]),
    ToolMessage([PDF], tool_call_id="c"),
]


@pytest.fixture
def _nothing_was_said() -> Iterator[None]:
    model_warnings._warn_once.cache_clear()
    yield
    model_warnings._warn_once.cache_clear()


@pytest.mark.usefixtures("_nothing_was_said")
@pytest.mark.parametrize("given", [{}, {"model": "gemini-3-flash-preview"}])
def test_what_the_schema_does_not_list_is_sent_with_one_warning(
    given: dict[str, Any],
) -> None:
    there = served(ANSWER)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(2):
            model_of(there).invoke(WITH_PDF, **given)
    assert len(said) == 1
    assert f"'file' is sent to '{MODEL}'" in str(said[0].message)
    assert said[0].filename == __file__
    assert [part["type"] for part in there.bodies[0]["messages"][0]["content"]] == [
        "image_url",
        "file",
    ]


@pytest.mark.usefixtures("_nothing_was_said")
@pytest.mark.parametrize("model", ["google/gemini-3-1-flash-lite", "google/gemini-9-ultra"])
def test_documented_parts_and_unknown_models_do_not_warn(model: str) -> None:
    model_of(served(ANSWER), model=model).invoke(WITH_PDF)  # warnings are errors here


def look(query: str) -> str:
    """Look something up."""
    return query


LOOK = {"type": "function", "function": {"name": "look"}}
SHAPE = {"type": "json_schema", "json_schema": {"name": "Reply", "schema": {"type": "object"}}}


@pytest.mark.parametrize("route", ["constructor", "model_kwargs", "keyword", "bind", "bind_tools"])
@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("any", "required"),
        (True, "required"),
        ("look", LOOK),
        ({"type": "tool", "name": "look"}, LOOK),
        ("auto", "auto"),
        ({"type": "none"}, "none"),
        (False, None),
    ],
)
def test_a_tool_choice_is_translated_on_every_route(route: str, choice: Any, sent: Any) -> None:
    given = {"tool_choice": choice}
    settings = {"constructor": given, "model_kwargs": {"model_kwargs": given}}.get(route, {})
    model = ChatAIMLGemini(model=MODEL, api_key=KEY, **settings)
    keywords: dict[str, Any] = {"tools": encode_tools([look])}
    match route:
        case "bind":
            keywords |= model.bind(**given).kwargs
        case "bind_tools":
            keywords = dict(model.bind_tools([look], **given).kwargs)
        case "keyword":
            keywords |= given
    assert body_of(model, **keywords).get("tool_choice") == sent


@pytest.mark.parametrize("choice", ["auto", "none", None, False])
@pytest.mark.parametrize("tools", [None, []])
def test_without_tools_nothing_is_said_of_their_choice(choice: Any, tools: Any) -> None:
    model = ChatAIMLGemini(model=MODEL, api_key=KEY, parallel_tool_calls=True)
    body = body_of(model, tools=tools, tool_choice=choice)
    assert not body.keys() & {"tools", "tool_choice", "parallel_tool_calls"}
    extra = {"tool_choice": choice, "parallel_tool_calls": True, "top_a": None}
    body = body_of(model, tools=tools, extra_body=extra)
    assert not body.keys() & {"tools", "tool_choice", "parallel_tool_calls"}
    assert "top_a" in body
    assert body_of(model, tools=encode_tools([look]))["parallel_tool_calls"] is True


@pytest.mark.parametrize("choice", ["any", "required", True, "look", LOOK, {"type": "any"}])
@pytest.mark.parametrize("shape", [None, {"type": "text"}])
def test_a_forced_choice_without_tools_is_refused_on_every_route(choice: Any, shape: Any) -> None:
    model = ChatAIMLGemini(model=MODEL, api_key=KEY, response_format=shape)
    forced = ChatAIMLGemini(model=MODEL, api_key=KEY, tool_choice=choice)
    for call in (
        lambda: call_of(model, tool_choice=choice),
        lambda: call_of(forced),
        lambda: call_of(model, extra_body={"tool_choice": choice}),
        lambda: model.bind_tools([], tool_choice=choice),
    ):
        with pytest.raises(ValueError, match="forces a tool call, but no tools are bound"):
            call()


@pytest.mark.parametrize("shape", [SHAPE, {"type": "json_object"}])
@pytest.mark.parametrize(
    "choice", ["any", "Reply", {"type": "function", "function": {"name": "Reply"}}]
)
def test_a_forced_choice_is_left_out_where_the_shape_is_forced_already(
    choice: Any, shape: Any
) -> None:
    model = ChatAIMLGemini(model=MODEL, api_key=KEY)
    shaped = ChatAIMLGemini(model=MODEL, api_key=KEY, response_format=shape)
    for body in (
        body_of(model, tool_choice=choice, response_format=shape),
        body_of(shaped, tool_choice=choice),
        body_of(
            model, **model.bind(response_format=shape).bind_tools([], tool_choice=choice).kwargs
        ),
        body_of(shaped, **shaped.bind_tools([], tool_choice=choice).kwargs),
    ):
        assert "tool_choice" not in body
        assert body["response_format"] == shape


def test_the_name_of_the_schema_is_no_tool_to_choose() -> None:
    tools = encode_tools([look])
    body = body_of(tools=tools, tool_choice="Reply", response_format=SHAPE)
    assert "tool_choice" not in body
    assert body["tools"] == tools
    for wrong in ({"tool_choice": "other"}, {"tool_choice": 5}, {"tool_choice": {"type": "tool"}}):
        with pytest.raises(ValueError, match="tool_choice"):
            call_of(tools=tools, response_format=SHAPE, **wrong)


def test_messages_of_the_extra_body_win_and_must_be_some() -> None:
    parts = [{"type": "text", "text": "hello"}]
    given = [{"role": "user", "content": parts}, {"role": "user", "content": "hi"}]
    assert body_of(extra_body={"messages": given})["messages"] == given
    with pytest.raises(ValueError, match="nothing to send"):
        call_of(extra_body={"messages": []})
