"""A cassette as the conversation that it holds."""

import json
from collections.abc import Callable
from typing import Any

from langchain_aimlapi.testing._cli.recorded_answer import (
    json_value,
    mapping,
    mappings,
    recorded_answer,
)

_COLOURS = {"head": "1", "role": "36", "reasoning": "2", "call": "33", "error": "31", "cost": "2"}
_LONGEST = 2000
"""Characters of one text that are shown; images and long documents would hide the rest."""

_Paint = Callable[[str, str], str]


def conversation_text(cassette: dict[str, Any], *, colour: bool = False) -> str:
    """Return the conversations of a cassette as a person reads them.

    Messages that the request before sent already are not shown again.

    Args:
        cassette: What `deserialize` returns.
        colour: Whether to use the terminal's colours.

    Returns:
        Per interaction a line with its address, status and provenance, the messages, the
        answer with its reasoning and tool calls, and a line of tokens, cost and id.
    """

    def paint(kind: str, text: str) -> str:
        return f"\x1b[{_COLOURS[kind]}m{text}\x1b[0m" if colour and kind else text

    lines: list[str] = []
    before: list[Any] = []
    for number, interaction in enumerate(cassette["interactions"], start=1):
        messages = mapping(json_value(interaction["request"]["body"])).get("messages")
        messages = messages if isinstance(messages, list) else []
        known = len(before) if messages[: len(before)] == before else 0
        lines.append(paint("head", _headline(number, interaction)))
        lines += ["  (after the messages of the request before)"] if known else []
        for message in messages[known:]:
            lines += _message_lines(mapping(message), paint)
        lines += [*_answer_lines(interaction["response"], paint), ""]
        before = messages
    return "\n".join(lines)


def _headline(number: int, interaction: dict[str, Any]) -> str:
    request, response = interaction["request"], interaction["response"]
    provenance = mapping(response.get("provenance"))
    names = [name for name in ("kind", "source", "recorded_at") if name in provenance]
    said = ", ".join(str(provenance[name]) for name in names) or "unknown provenance"
    status = response["status"]["code"]
    return f"{number}. {request['method']} {request['uri']} -> {status} ({said})"


def _message_lines(message: dict[str, Any], paint: _Paint) -> list[str]:
    reasoning = message.get("reasoning") or message.get("reasoning_content") or ""
    lines = [f"  {paint('role', str(message.get('role', 'assistant')))}"]
    lines += _indented(str(reasoning), paint, "reasoning")
    lines += _indented(_content_text(message.get("content")), paint, "")
    for call in mappings(message.get("tool_calls")):
        function = mapping(call.get("function"))
        text = f"{function.get('name')}({function.get('arguments') or ''})"
        lines += _indented(text, paint, "call")
    return lines


def _answer_lines(response: dict[str, Any], paint: _Paint) -> list[str]:
    body = response["body"]["string"]
    answer = recorded_answer(body)
    lines: list[str] = []
    for choice in mappings(answer.get("choices")):
        lines += _message_lines({"role": "assistant", **mapping(choice.get("message"))}, paint)
    if not lines or "error" in answer:
        text = json.dumps(answer, ensure_ascii=False) if answer else body.decode("utf-8", "replace")
        lines += _indented(text, paint, "error")
    spent = _spent(answer, response["headers"])
    return [*lines, *([f"  {paint('cost', spent)}"] if spent else [])]


def _spent(answer: dict[str, Any], headers: dict[str, list[str]]) -> str:
    usage = mapping(answer.get("usage"))
    cost = mapping(mapping(answer.get("meta")).get("usage"))
    reasoning = mapping(usage.get("completion_tokens_details")).get("reasoning_tokens")
    charged = cost.get("credits_used") or cost.get("tokens_used")
    charged = charged or "".join(headers.get("x-aimlapi-credits-used", []))
    dollars = cost.get("usd_spent") or "".join(headers.get("x-aimlapi-usd-spent", []))
    parts = [
        f"{usage.get('prompt_tokens')} in, {usage.get('completion_tokens')} out" if usage else "",
        f"{reasoning} of them reasoning" if reasoning else "",
        f"{charged} credits" if charged else "",
        f"USD {dollars}" if dollars else "",
        str(answer.get("id") or ""),
    ]
    return ", ".join(part for part in parts if part)


def _content_text(content: object) -> str:
    if isinstance(content, list):
        return "\n".join(
            str(part.get("text") or f"[{part.get('type')}]") for part in mappings(content)
        )
    return "" if content is None else str(content)


def _indented(text: str, paint: _Paint, kind: str) -> list[str]:
    more = len(text) - _LONGEST
    shown = f"{text[:_LONGEST]}... ({more} more characters)" if more > 0 else text.rstrip()
    return [f"    {paint(kind, line) if line else ''}".rstrip() for line in shown.splitlines()]
