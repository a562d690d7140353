"""What the stand-in counts as tokens: of a request, of its answers, up to a limit."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from langchain_aimlapi.testing.standin import _conversation
from langchain_aimlapi.testing.standin._answer import Counts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_aimlapi._json import JsonMapping
    from langchain_aimlapi.testing.standin._answer import Answer

# About four characters a token, as Google's rule of thumb has it.
_TOKEN = re.compile(r"\s?\w{1,6}|\s|[^\w\s]")


def tokens(text: str) -> list[str]:
    """Return a text cut into what the stand-in counts as tokens; joined they are the text."""
    return _TOKEN.findall(text)


def pieces(text: str, *, units: list[str]) -> list[str]:
    """Return a text as at least three pieces where it has as many units, of at most four."""
    size = max(1, min(4, len(units) // 3))
    return ["".join(units[start : start + size]) for start in range(0, len(units), size)] or [text]


def limit_answer(answer: Answer, *, request: JsonMapping) -> Answer:
    """Return the answer as the request's `stop` and limit of tokens leave it."""
    stop = request.get("stop") or []
    answer = _stop_at(answer, [stop] if isinstance(stop, str) else stop)
    limits = [request[name] for name in ("max_completion_tokens", "max_tokens") if name in request]
    return _cut(answer, int(min(limits))) if limits else answer


def _stop_at(answer: Answer, sequences: list[str]) -> Answer:
    ends = [answer.text.find(sequence) for sequence in sequences if sequence]
    found = [end for end in ends if end >= 0]
    return replace(answer, text=answer.text[: min(found)]) if found else answer


def _cut(answer: Answer, limit: int) -> Answer:
    """Return the answer within a limit that reasoning counts against, at most half of it."""
    reasoning = tokens(answer.reasoning)
    visible = len(tokens(answer.text)) + sum(len(tokens(args)) for _, args in answer.calls)
    if len(reasoning) + visible <= limit:
        return answer
    # A thinking model may spend the whole limit on thoughts; half is left, so that tests see text.
    reasoning = reasoning[: max(limit // 2, limit - visible)]
    answer = replace(answer, reasoning="".join(reasoning))
    left = limit - len(reasoning)
    if visible <= left:
        return answer
    text = tokens(answer.text)[:left]
    left -= len(text)
    calls: list[tuple[str, str]] = []
    for name, args in answer.calls:
        if calls and not left:
            break
        kept = tokens(args)[:left]
        left -= len(kept)
        calls.append((name, "".join(kept)))
    return replace(
        answer,
        text="".join(text),
        calls=tuple(calls),
        finish_reason="length",
        native_finish_reason="MAX_TOKENS",
    )


# Google's figures of a small image or a page, and of a second of video or audio.
_MEDIA_TOKENS = {"image_url": 258, "file": 258, "video_url": 263, "input_audio": 32}


def counts(request: JsonMapping, *, answers: Iterable[Answer]) -> Counts:
    """Return the counts of a request and its answers."""
    messages = request["messages"]
    kinds = [part["type"] for message in messages for part in _conversation.media_of(message)]
    text = "".join(_said(message) for message in messages) + json.dumps(request.get("tools") or "")
    answers = list(answers)
    visible = [
        "".join([answer.text, *(part for call in answer.calls for part in call)])
        for answer in answers
    ]
    return Counts(
        prompt=-(-len(text.encode(errors="replace")) // 4)
        + sum(_MEDIA_TOKENS[kind] for kind in kinds),
        audio=_MEDIA_TOKENS["input_audio"] * kinds.count("input_audio"),
        video=_MEDIA_TOKENS["video_url"] * kinds.count("video_url"),
        visible=sum(len(tokens(text)) for text in visible),
        reasoning=sum(len(tokens(answer.reasoning)) for answer in answers),
    )


def _said(message: JsonMapping) -> str:
    functions = [call.get("function", {}) for call in message.get("tool_calls") or []]
    calls = "".join(f"{function.get('name')}{function.get('arguments')}" for function in functions)
    return _conversation.text_of(message) + calls
