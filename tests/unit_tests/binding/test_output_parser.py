"""Laws of reading an object from an answer: the object, or why there is none."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
from typing import Any, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage
from langchain_core.messages.tool import invalid_tool_call, tool_call
from pydantic import BaseModel, ConfigDict
from pydantic.v1 import BaseModel as BaseModelV1

from langchain_aimlapi._binding.output_parser import ObjectReader
from langchain_aimlapi.errors import ModelRefusalError


class Joke(BaseModel):
    setup: str
    punchline: str | None = None


class JokeV1(BaseModelV1):
    setup: str
    punchline: str | None = None


@dataclasses.dataclass
class JokeData:
    setup: str
    punchline: str | None = None


class JokeDict(TypedDict):
    setup: str


TEXT = '{"setup": "Why?", "punchline": "So."}'
ARGS = {"setup": "Why?", "punchline": "So."}


def answer(text: Any = "", finish: str = "stop", **facts: Any) -> AIMessage:
    native = facts.pop("native", "STOP")
    metadata = {"finish_reason": finish, "native_finish_reason": native}
    return AIMessage(content=text, response_metadata=metadata, **facts)


def called(name: str = "Joke", args: dict[str, Any] | None = None) -> AIMessage:
    calls = [tool_call(name=name, args=ARGS if args is None else args, id="1")]
    return answer(finish="tool_calls", tool_calls=calls)


def from_text(schema: Any = Joke) -> ObjectReader:
    return ObjectReader(schema, tool_name=None)


def from_call(schema: Any = Joke) -> ObjectReader:
    return ObjectReader(schema, tool_name="Joke")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (Joke, Joke(setup="Why?", punchline="So.")),
        (JokeV1, JokeV1(setup="Why?", punchline="So.")),
        (JokeData, JokeData("Why?", "So.")),
        (JokeDict, ARGS),
        ({"title": "Joke", "type": "object"}, ARGS),
        (None, ARGS),
    ],
)
def test_each_kind_of_schema_gives_its_kind_of_object(schema: Any, expected: Any) -> None:
    for reader, message in ((from_text(schema), answer(TEXT)), (from_call(schema), called())):
        assert reader.read(message) == expected
        assert type(reader.read(message)) is type(expected)


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{TEXT}\n```",
        f"```\n{TEXT}```",
        f"```JSON {TEXT}",
        f"Here you are:\n\n```json\n{TEXT}\n```\nAnything else?",
        f"  \n{TEXT}\n\n",
        [{"type": "reasoning", "reasoning": "{}"}, {"type": "text", "text": TEXT}],
    ],
)
def test_json_is_found_in_its_fence(text: Any) -> None:
    assert from_text().read(answer(text)) == Joke(setup="Why?", punchline="So.")


def test_a_fence_inside_a_string_is_part_of_the_string() -> None:
    text = json.dumps({"setup": "```json\n{}\n```"})
    assert from_text().read(answer(text)).setup == "```json\n{}\n```"


def test_raw_newlines_in_strings_are_forgiven_and_lone_surrogates_replaced() -> None:
    assert from_text().read(answer('{"setup": "a\nb"}')).setup == "a\nb"
    assert from_text().read(answer('{"setup": "\\ud83d!"}')).setup == "\ufffd!"


def test_strict_models_take_what_json_writes_as_strings() -> None:
    class Colour(enum.Enum):
        RED = "red"

    class Event(BaseModel):
        model_config = ConfigDict(strict=True)
        day: dt.date
        colour: Colour

    text = '{"day": "2026-11-21", "colour": "red"}'
    expected = Event(day=dt.date(2026, 11, 21), colour=Colour.RED)
    assert from_text(Event).read(answer(text)) == expected


@given(value=st.dictionaries(st.text("ab"), st.integers() | st.text("xyz{[]}`\\\n\"'")))
def test_whatever_object_is_written_is_read(value: dict[str, Any]) -> None:
    text = json.dumps(value)
    assert from_text(None).read(answer(text)) == value
    assert from_text(None).read(answer(f"```json\n{text}\n```")) == value


@given(value=st.dictionaries(st.text("ab"), st.text('xy{"\\\u00e9')), cut=st.integers(0, 60))
def test_what_has_come_of_an_object_is_an_object_or_nothing(
    value: dict[str, Any], cut: int
) -> None:
    partial = from_text(None).read_partial(answer(json.dumps(value)[:cut]))
    assert partial is None or all(value[key].startswith(part) for key, part in partial.items())


@pytest.mark.parametrize(
    ("text", "partial"),
    [
        ("", None),
        ("```", None),
        ("```js", None),
        ("12 monkeys", None),
        ("Here you are", None),
        ("{", {}),
        ('```json\n{"setup": "Wh', {"setup": "Wh"}),
        ('```json\n{"setup": "Why?"}\n``', {"setup": "Why?"}),
    ],
)
def test_what_has_come_so_far(text: str, partial: Any) -> None:
    assert from_text(None).read_partial(answer(text)) == partial


def test_a_class_waits_for_its_required_fields() -> None:
    assert from_text().read_partial(answer('{"punchline": "So."')) is None
    assert from_text().read_partial(answer('{"setup": "W')) == Joke(setup="W")
    assert from_call().read_partial(called(args={})) is None
    assert from_call().read_partial(called(args={"setup": "W"})) == Joke(setup="W")
    assert from_call().read_partial(answer("")) is None


REFUSALS = [
    answer("", additional_kwargs={"refusal": "I will not."}),
    answer([{"type": "refusal", "refusal": "I will not."}]),
    answer(TEXT, finish="content_filter"),
    answer(TEXT, native="SAFETY"),
    answer("", native="PROHIBITED_CONTENT", finish="stop"),
]


@pytest.mark.parametrize("message", REFUSALS)
def test_a_refusal_is_raised_as_such_and_keeps_the_answer(message: AIMessage) -> None:
    for reader in (from_text(), from_call()):
        with pytest.raises(
            ModelRefusalError,
            match=r"refused to produce Joke: (I will not|the answer was withheld)",
        ) as caught:
            reader.read(message)
        assert caught.value.raw_message is message


def test_an_empty_refusal_refuses_nothing() -> None:
    message = answer(TEXT, additional_kwargs={"refusal": ""})
    assert from_text().read(message).setup == "Why?"


@pytest.mark.parametrize(
    ("reader", "message"),
    [
        (from_text(), answer(TEXT[:20], finish="length")),
        (from_text(), answer("", finish="length")),
        (from_text(), answer(TEXT[:20], native="MAX_TOKENS")),
        (
            from_call(),
            answer(
                finish="length",
                invalid_tool_calls=[
                    invalid_tool_call(name="Joke", args=TEXT[:20], id="1", error=None)
                ],
            ),
        ),
        (from_call(), answer("", finish="length")),
    ],
)
def test_a_truncated_answer_says_so_and_names_the_setting(
    reader: ObjectReader, message: AIMessage
) -> None:
    with pytest.raises(OutputParserException, match=r"truncated.*Raise max_tokens"):
        reader.read(message)


def test_an_object_that_was_complete_at_the_limit_is_taken() -> None:
    assert from_text().read(answer(TEXT + "\n\n\n", finish="length")).setup == "Why?"


BROKEN = invalid_tool_call(name="Joke", args='{"setup": ]', id="1", error=None)
NAMELESS = invalid_tool_call(name=None, args=None, id="1", error=None)


@pytest.mark.parametrize(
    ("reader", "message", "reason"),
    [
        (
            from_call(),
            answer(invalid_tool_calls=[BROKEN]),
            r"malformed function call of \['Joke'\]",
        ),
        (from_call(), answer(invalid_tool_calls=[NAMELESS]), "malformed function call"),
        (
            from_call(),
            answer(finish="error", native="MALFORMED_FUNCTION_CALL"),
            "no valid function call.*MALFORMED_FUNCTION_CALL",
        ),
        (from_call(), called("Poem"), r"called \['Poem'\] instead"),
        (from_call(), answer("Why did the cat"), "with text instead.*'Why did the cat'"),
        (from_call(), answer("a" * 999), r"'a{300}\.\.\.'"),
        (from_call(), answer(""), r"the answer is empty \(finish_reason 'stop'\)"),
        (from_text(), answer("  \n"), r"the answer is empty"),
        (from_text(), called(), r"called \['Joke'\] instead"),
        (from_text(), answer("Why did the cat"), "is not JSON.*Why did the cat"),
        (from_text(), answer(TEXT + " and more"), "words follow its JSON: 'and more'"),
        (from_text(), answer('{"punchline": "So."}'), "setup"),
        (from_text(JokeV1), answer('{"punchline": "So."}'), "setup"),
        (from_text(JokeData), answer('{"punchline": "So."}'), "setup"),
        (from_text(None), answer("[1]"), "it is a JSON list, not an object"),
        (from_text(None), answer("[" * 100_000), "nested too deep"),
        (from_call(), called(args={"setup": 7}), "setup"),
    ],
)
def test_what_came_instead_is_said(reader: ObjectReader, message: AIMessage, reason: str) -> None:
    with pytest.raises(OutputParserException, match=rf"(?s)holds no valid .*{reason}"):
        reader.read(message)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (answer("nonsense"), "nonsense"),
        (called("Poem", {"a": 1}), '{"a":1}'),
        (answer(invalid_tool_calls=[BROKEN]), '{"setup": '),
    ],
)
def test_the_model_s_own_words_are_kept_for_a_fixing_parser(message: AIMessage, words: str) -> None:
    with pytest.raises(OutputParserException) as caught:
        from_call().read(message)
    assert caught.value.llm_output == words
