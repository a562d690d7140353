"""Where an answer ends early: stop sequences, the limit of tokens."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_aimlapi.testing.standin._answer import Answer

_TOKEN = re.compile(r"\s?\w{1,6}|\s|[^\w\s]")


def tokens(text: str) -> list[str]:
    """Return a text cut into what the stand-in counts as tokens; joined they are the text."""
    return _TOKEN.findall(text)


def limited_answer(answer: Answer, *, request: Mapping[str, Any]) -> Answer:
    """Return the answer as the request's `stop` and limit of tokens leave it."""
    stop = request.get("stop") or []
    answer = _stopped(answer, [stop] if isinstance(stop, str) else stop)
    limits = [request[name] for name in ("max_completion_tokens", "max_tokens") if name in request]
    return _cut(answer, int(min(limits))) if limits else answer


def _stopped(answer: Answer, sequences: list[str]) -> Answer:
    ends = [answer.text.find(sequence) for sequence in sequences if sequence]
    found = [end for end in ends if end >= 0]
    return replace(answer, text=answer.text[: min(found)]) if found else answer


def _cut(answer: Answer, limit: int) -> Answer:
    """Return the answer within a limit that reasoning counts against, at most half of it."""
    reasoning = tokens(answer.reasoning)
    visible = len(tokens(answer.text)) + sum(len(tokens(args)) for _, args in answer.calls)
    if len(reasoning) + visible <= limit:
        return answer
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
