"""Laws of with_structured_output: what is bound, what comes back, whole and streamed alike."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, message_chunk_to_message
from langchain_core.messages.tool import invalid_tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.utils.function_calling import convert_to_json_schema
from pydantic import BaseModel, Field, PrivateAttr, model_validator
from pydantic.v1 import BaseModel as BaseModelV1
from typing_extensions import override

from langchain_aimlapi import ChatAIMLGemini
from langchain_aimlapi._binding.structured_output import structured_output
from langchain_aimlapi._codec.tools import encode_tool_choice, encode_tools
from langchain_aimlapi.errors import AIMLAPIEmptyResponseError, ModelRefusalError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_core.runnables import Runnable

METHODS = ["json_schema", "function_calling", "json_mode"]


class Joke(BaseModel):
    """Joke to tell."""

    setup: str = Field(description="its question")
    punchline: str


class JokeV1(BaseModelV1):
    """Joke to tell."""

    setup: str
    punchline: str


@dataclasses.dataclass
class JokeData:
    """Joke to tell."""

    setup: str
    punchline: str


class JokeDict(TypedDict):
    """Joke to tell."""

    setup: Annotated[str, ..., "its question"]
    punchline: str


class Scripted(BaseChatModel):
    """A model whose answer is written beforehand, in pieces; it keeps what it was asked with."""

    pieces: list[AIMessageChunk] = Field(default_factory=list)
    failure: AIMLAPIEmptyResponseError | None = None
    _asked: list[dict[str, Any]] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    @override
    def _generate(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        chunks = [chunk.message for chunk in self._stream(messages, stop, **kwargs)]
        whole = chunks[0]
        for chunk in chunks[1:]:
            whole += chunk
        return ChatResult(generations=[ChatGeneration(message=message_chunk_to_message(whole))])

    @override
    def _stream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        self._asked.append(kwargs)
        for piece in self.pieces:
            yield ChatGenerationChunk(message=piece.model_copy())
        if self.failure:
            raise self.failure

    def bind_tools(
        self, tools: Any, *, tool_choice: Any = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        encoded = encode_tools(tools)
        choice = encode_tool_choice(tool_choice, tools=encoded)
        return self.bind(tools=encoded, tool_choice=choice, **kwargs)


def text_model(*pieces: str, **metadata: Any) -> Scripted:
    last = AIMessageChunk(content="", response_metadata={"finish_reason": "stop", **metadata})
    return Scripted(pieces=[*(AIMessageChunk(content=piece) for piece in pieces), last])


def tool_model(*pieces: str, name: str = "Joke", **metadata: Any) -> Scripted:
    def chunk(name: str | None, args: str, call_id: str | None) -> AIMessageChunk:
        call = tool_call_chunk(name=name, args=args, id=call_id, index=0)
        return AIMessageChunk(content="", tool_call_chunks=[call])

    finish = {"finish_reason": "tool_calls", **metadata}
    last = AIMessageChunk(content="", response_metadata=finish)
    return Scripted(
        pieces=[chunk(name, "", "1"), *(chunk(None, piece, None) for piece in pieces), last]
    )


PIECES = ('{"setup": "Wh', 'y?", "punch', 'line": "S', 'o."}')
WHOLE = {"setup": "Why?", "punchline": "So."}


def model_for(method: str, *pieces: str, name: str = "Joke", **metadata: Any) -> Scripted:
    if method == "function_calling":
        return tool_model(*pieces, name=name, **metadata)
    return text_model(*pieces, **metadata)


def structured(model: BaseChatModel, schema: Any = Joke, **settings: Any) -> Runnable[Any, Any]:
    given = {"method": "json_schema", "include_raw": False, "strict": None, **settings}
    return structured_output(model, schema, **given)


async def every_way(chain: Runnable[Any, Any]) -> list[Any]:
    """Return the result of each way to run a chain; of a stream its last item."""
    return [
        chain.invoke("Go."),
        await chain.ainvoke("Go."),
        list(chain.stream("Go."))[-1],
        [one async for one in chain.astream("Go.")][-1],
        chain.batch(["Go."])[0],
    ]


every_method = pytest.mark.parametrize("method", METHODS)


@every_method
@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (Joke, Joke(**WHOLE)),
        (JokeV1, JokeV1(**WHOLE)),
        (JokeData, JokeData(**WHOLE)),
        (JokeDict, WHOLE),
        (Joke.model_json_schema(), WHOLE),
    ],
)
async def test_each_schema_gives_its_object_by_each_method_whole_and_streamed(
    method: str, schema: Any, expected: Any
) -> None:
    name = schema["title"] if isinstance(schema, dict) else schema.__name__
    chain = structured(model_for(method, *PIECES, name=name), schema, method=method)
    for result in await every_way(chain):
        assert result == expected
        assert type(result) is type(expected)


@every_method
def test_a_dict_streams_as_it_grows_without_repeating_itself(method: str) -> None:
    model = model_for(method, *PIECES, name="JokeDict")
    grown = list(structured(model, JokeDict, method=method).stream("Go."))
    assert [one for one in grown if one] == [
        {"setup": "Wh"},
        {"setup": "Why?"},
        {"setup": "Why?", "punchline": "S"},
        WHOLE,
    ]


@every_method
def test_a_class_streams_once_it_is_valid(method: str) -> None:
    grown = list(structured(model_for(method, *PIECES), method=method).stream("Go."))
    assert grown == [Joke(setup="Why?", punchline="S"), Joke(**WHOLE)]


def test_a_stream_that_can_only_be_read_whole_gives_the_whole() -> None:
    # A raw newline in a string is no JSON; only the whole answer is read with indulgence.
    model = text_model('{"setup": "Why\n', 'not?", "punchline": "So."}')
    assert list(structured(model).stream("Go.")) == [Joke(setup="Why\nnot?", punchline="So.")]


JOKE_SCHEMA = {
    "type": "object",
    "properties": {
        "setup": {"description": "its question", "type": "string"},
        "punchline": {"type": "string"},
    },
    "required": ["setup", "punchline"],
}


def asked(method: str, schema: Any = Joke, **settings: Any) -> dict[str, Any]:
    model = model_for(method, *PIECES)
    structured(model, schema, method=method, **settings).invoke("Go.")
    return model._asked[-1]


def test_json_schema_is_a_response_format() -> None:
    named = {"name": "Joke", "schema": {"description": "Joke to tell.", **JOKE_SCHEMA}}
    assert asked("json_schema") == {
        "response_format": {"type": "json_schema", "json_schema": named}
    }
    assert asked("json_schema", strict=True) == {
        "response_format": {"type": "json_schema", "json_schema": {**named, "strict": True}}
    }


def test_function_calling_forces_the_one_tool() -> None:
    function = {"name": "Joke", "description": "Joke to tell.", "parameters": JOKE_SCHEMA}
    assert asked("function_calling", strict=False) == {
        "tools": [{"type": "function", "function": {**function, "strict": False}}],
        "tool_choice": {"type": "function", "function": {"name": "Joke"}},
    }


def test_json_mode_adds_nothing_to_the_prompt() -> None:
    assert asked("json_mode") == {"response_format": {"type": "json_object"}}


def test_json_mode_takes_what_cannot_be_sent_as_a_schema() -> None:
    class Node(BaseModel):
        kids: list[Node] = []

    chain = structured(text_model('{"kids": [{}]}'), Node, method="json_mode")
    assert chain.invoke("Go.") == Node(kids=[Node()])
    assert structured(text_model("{}"), None, method="json_mode").invoke("Go.") == {}


def test_further_settings_are_bound_too() -> None:
    assert asked("json_schema", temperature=0.5)["temperature"] == 0.5
    assert asked("function_calling", parallel_tool_calls=False)["parallel_tool_calls"] is False


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "json_schema", "json_schema": {"name": "Joke", "schema": JOKE_SCHEMA}},
        {"name": "Joke", "schema": JOKE_SCHEMA},
        {"name": "Joke", "parameters": JOKE_SCHEMA},
        {"type": "function", "function": {"name": "Joke", "parameters": JOKE_SCHEMA}},
        {"title": "Joke", **JOKE_SCHEMA},
    ],
)
def test_every_dict_that_holds_a_named_schema_is_taken(schema: dict[str, Any]) -> None:
    named = {"name": "Joke", "schema": JOKE_SCHEMA}
    assert asked("json_schema", schema)["response_format"]["json_schema"] == named


def test_a_class_named_like_a_choice_is_forced_all_the_same() -> None:
    model = tool_model("{}", name="any")
    structured(model, {"title": "any", "type": "object"}, method="function_calling").invoke("Go.")
    choice = {"type": "function", "function": {"name": "any"}}
    assert model._asked[-1]["tool_choice"] == choice


class Options(BaseCallbackHandler):
    """Keeps what a tracer is told of the call."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    @override
    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.seen.append(kwargs["options"]["ls_structured_output_format"])


@every_method
@pytest.mark.parametrize("schema", [Joke, JokeDict, Joke.model_json_schema()])
def test_tracers_are_told_the_schema_as_langchain_writes_it(method: str, schema: Any) -> None:
    name = schema["title"] if isinstance(schema, dict) else schema.__name__
    options = Options()
    chain = structured(model_for(method, *PIECES, name=name), schema, method=method)
    chain.invoke("Go.", config={"callbacks": [options]})
    list(chain.stream("Go.", config={"callbacks": [options]}))
    told = {"kwargs": {"method": method}, "schema": convert_to_json_schema(schema)}
    assert options.seen == [told, told]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "xml"}, "method='xml' is unknown"),
        ({"schema": None}, "schema=None.*json_mode"),
        ({"schema": None, "method": "function_calling"}, "schema=None.*json_mode"),
        ({"method": "json_mode", "strict": True}, "json_mode sends none"),
        ({"method": "json_mode", "strict": False}, "json_mode sends none"),
        ({"schema": {"type": "openrouter:web_search"}}, "provider's tool, not a schema"),
        ({"schema": {"type": "object"}}, "needs a top-level 'title'"),
        ({"schema": list[int]}, r"not a class with fields.*\n.*\n        items: list\[int\]\n"),
        ({"schema": list[Joke], "method": "function_calling"}, r"items: list\[Joke\]\n"),
        ({"schema": int | str}, r"value: int \| str\n"),
        ({"schema": int}, r"value: int\n"),
        ({"schema": "Joke"}, r"'Joke' is text\. Pass the class itself"),
    ],
)
def test_what_does_not_go_together_is_an_error(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"(?s){message}"):
        structured(text_model("{}"), **settings)


FAILURES = [
    ("json_schema", text_model('{"setup": "Wh', finish_reason="length"), OutputParserException),
    ("json_schema", text_model("Why?"), OutputParserException),
    ("json_schema", text_model('{"setup": "Why?"}'), OutputParserException),
    ("json_schema", text_model("", native_finish_reason="SAFETY"), ModelRefusalError),
    ("json_schema", Scripted(pieces=[AIMessageChunk(content="")]), OutputParserException),
    ("function_calling", text_model("Why?"), OutputParserException),
    ("function_calling", tool_model('{"setup": "Why?"}'), OutputParserException),
    (
        "function_calling",
        Scripted(
            pieces=[
                AIMessageChunk(
                    content="",
                    invalid_tool_calls=[
                        invalid_tool_call(name="Joke", args="{]", id="1", error=None)
                    ],
                )
            ]
        ),
        OutputParserException,
    ),
]


@pytest.mark.parametrize(("method", "model", "kind"), FAILURES)
async def test_a_bad_answer_is_an_error_in_every_way_to_run(
    method: str, model: Scripted, kind: type[Exception]
) -> None:
    chain = structured(model, method=method)
    with pytest.raises(kind):
        chain.invoke("Go.")
    with pytest.raises(kind):
        await chain.ainvoke("Go.")
    with pytest.raises(kind):
        list(chain.stream("Go."))
    with pytest.raises(kind):
        [one async for one in chain.astream("Go.")]


async def every_sum(chain: Runnable[Any, Any]) -> list[dict[str, Any]]:
    """Return the result of each way to run a chain; of a stream the sum of its items."""
    streams = [list(chain.stream("Go.")), [one async for one in chain.astream("Go.")]]
    results = [chain.invoke("Go."), await chain.ainvoke("Go.")]
    for items in streams:
        whole = items[0]
        for item in items[1:]:
            whole += item
        results.append(whole)
    return results


@pytest.mark.parametrize(("method", "model", "kind"), FAILURES)
async def test_with_the_raw_answer_an_error_is_told_not_raised(
    method: str, model: Scripted, kind: type[Exception]
) -> None:
    for result in await every_sum(structured(model, method=method, include_raw=True)):
        assert result.keys() == {"raw", "parsed", "parsing_error"}
        assert isinstance(result["raw"], AIMessage)
        assert result["parsed"] is None
        assert isinstance(result["parsing_error"], kind)


@every_method
async def test_with_the_raw_answer_a_good_object_comes_beside_it(method: str) -> None:
    chain = structured(model_for(method, *PIECES), method=method, include_raw=True)
    for result in await every_sum(chain):
        assert result["parsed"] == Joke(**WHOLE)
        assert result["parsing_error"] is None
        assert result["raw"].response_metadata["finish_reason"]


def test_with_the_raw_answer_its_pieces_stream_as_they_come() -> None:
    items = list(structured(text_model(*PIECES), include_raw=True).stream("Go."))
    assert [item["raw"].text for item in items[: len(PIECES)]] == list(PIECES)
    assert items[-1] == {"parsed": Joke(**WHOLE), "parsing_error": None}


MALFORMED = AIMLAPIEmptyResponseError(
    "MALFORMED_FUNCTION_CALL", partial=AIMessageChunk(content="I was")
)


async def test_an_answer_that_the_model_itself_calls_broken_is_told_with_what_had_come() -> None:
    model = Scripted(failure=MALFORMED)
    for result in await every_sum(structured(model, include_raw=True)):
        assert result["parsing_error"] is MALFORMED
        assert result["raw"].text == "I was"
        assert result["parsed"] is None


async def test_what_had_been_streamed_before_such_a_break_is_not_told_twice() -> None:
    failure = AIMLAPIEmptyResponseError("STOP with nothing")
    model = Scripted(pieces=[AIMessageChunk(content="I was")], failure=failure)
    whole, awhole, streamed, astreamed = await every_sum(structured(model, include_raw=True))
    assert streamed["raw"].text == astreamed["raw"].text == "I was"
    assert whole["raw"].text == awhole["raw"].text == ""
    assert {id(one["parsing_error"]) for one in (whole, awhole, streamed, astreamed)} == {
        id(failure)
    }


async def test_without_the_raw_answer_such_a_break_is_raised() -> None:
    chain = structured(Scripted(failure=MALFORMED))
    with pytest.raises(AIMLAPIEmptyResponseError):
        chain.invoke("Go.")
    with pytest.raises(AIMLAPIEmptyResponseError):
        [one async for one in chain.astream("Go.")]


def test_with_the_raw_answer_even_a_validator_s_own_error_is_told() -> None:
    class Odd(BaseModel):
        @model_validator(mode="after")
        def _fail(self) -> Odd:
            raise KeyError("odd")

    result = structured(text_model("{}"), Odd, include_raw=True).invoke("Go.")
    assert isinstance(result["parsing_error"], KeyError)


@every_method
def test_a_validator_that_needs_the_whole_object_waits_for_it(method: str) -> None:
    class Joke(BaseModel):
        setup: str
        punchline: str

        @model_validator(mode="before")
        @classmethod
        def _trim(cls, values: Any) -> Any:
            return {**values, "punchline": values["punchline"].strip()}

    chain = structured(model_for(method, *PIECES, name="Joke"), Joke, method=method)
    assert list(chain.stream("Go."))[-1] == chain.invoke("Go.")


def test_the_chain_shows_what_its_model_takes() -> None:
    model = text_model("{}")
    plain, raw = structured(model), structured(model, include_raw=True)
    assert raw.InputType == plain.InputType
    assert raw.config_specs == plain.config_specs


@every_method
@pytest.mark.parametrize("schema", [Joke, JokeV1, JokeData, JokeDict, Joke.model_json_schema()])
@pytest.mark.parametrize("strict", [None, True, False])
def test_the_model_s_own_method_takes_all_of_these(method: Any, schema: Any, strict: Any) -> None:
    model = ChatAIMLGemini(model="google/gemini-3-flash-preview", api_key="test")
    if method == "json_mode" and strict is not None:
        with pytest.raises(ValueError, match="json_mode"):
            model.with_structured_output(schema, method=method, strict=strict)
    else:
        assert model.with_structured_output(schema, method=method, strict=strict).steps  # type: ignore[attr-defined]  # a sequence
