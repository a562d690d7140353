"""The estimate of a prompt's tokens: near for text, flat for media, blind to thoughts."""

from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    trim_messages,
)
from langchain_core.tools import tool

from langchain_aimlapi._codec.tokens import estimate_message_tokens, estimate_tokens

SIGNATURE = "s" * 40_000
CALL = {"name": "f", "args": {"x": 1}, "id": "c-1", "type": "tool_call"}
PICTURE = {"type": "image", "base64": "A" * 400_000, "mime_type": "image/png"}


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("你好你好", 3), ("\ud800", 1)],
)
def test_a_token_is_four_bytes(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


def test_a_prompt_is_the_sum_of_its_messages() -> None:
    messages = [
        SystemMessage("be brief"),
        HumanMessage("你好" * 90),
        AIMessage("", tool_calls=[CALL]),
    ]
    assert estimate_message_tokens(messages) == sum(
        estimate_message_tokens([message]) for message in messages
    )
    assert estimate_message_tokens([]) == 0


@pytest.mark.parametrize("text", ["word " * 400, "слово " * 400, "文字" * 400])
def test_a_long_text_counts_as_text_does(text: str) -> None:
    assert estimate_message_tokens([HumanMessage(text)]) == pytest.approx(
        estimate_tokens(text), rel=0.02
    )


def test_a_medium_counts_flat_and_its_bytes_do_not() -> None:
    without = estimate_message_tokens([HumanMessage([{"type": "text", "text": "look"}])])
    with_picture = [HumanMessage([{"type": "text", "text": "look"}, PICTURE])]
    assert 1_120 <= estimate_message_tokens(with_picture) - without < 1_140
    result = [ToolMessage([PICTURE], tool_call_id="c-1")]
    assert 1_120 <= estimate_message_tokens(result) < 1_150


@pytest.mark.parametrize(
    "content",
    [
        "so be it",
        [
            {"type": "reasoning", "reasoning": "hm", "extras": {"signature": SIGNATURE}},
            {"type": "text", "text": "so be it"},
            {**CALL, "extras": {"signature": SIGNATURE}},
        ],
        [
            {"type": "thinking", "thinking": "hm", "signature": SIGNATURE},
            {"type": "text", "text": "so be it"},
            {"type": "tool_use", "id": "c-1", "name": "f", "input": {"x": 1}},
        ],
    ],
)
def test_an_answer_counts_alike_however_it_is_kept(content: str | list[Any]) -> None:
    answer = AIMessage(
        content, tool_calls=[CALL], additional_kwargs={"reasoning_details": [{"data": SIGNATURE}]}
    )
    plain = AIMessage("so be it", tool_calls=[CALL])
    assert estimate_message_tokens([answer]) == estimate_message_tokens([plain]) < 50


def test_tools_count_by_their_schemas() -> None:
    @tool
    def look_up(word: str) -> str:
        """Look a word up."""
        return word

    def add(first: int, second: int) -> int:
        """Add two numbers."""
        return first + second

    schema = {"type": "function", "function": {"name": "f", "description": "d " * 200}}
    base = estimate_message_tokens([HumanMessage("hi")])
    assert estimate_message_tokens([HumanMessage("hi")], tools=[]) == base
    assert estimate_message_tokens([HumanMessage("hi")], tools=[look_up]) > base + 20
    assert estimate_message_tokens([HumanMessage("hi")], tools=[add]) > base + 20
    assert estimate_message_tokens([HumanMessage("hi")], tools=[schema]) > base + 100


def test_langchains_trimming_can_use_it() -> None:
    messages: list[BaseMessage] = [
        HumanMessage(f"{number} " + "word " * 100) for number in range(9)
    ]
    kept = trim_messages(messages, max_tokens=400, token_counter=estimate_message_tokens)
    assert kept == messages[-3:]
