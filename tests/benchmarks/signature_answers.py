"""Signed tool calls in the two documented shapes, whole and streamed, and what must come back.

`openrouter`: the signature is a `reasoning.encrypted` detail beside a `reasoning.text` detail, both
of index 0, with the id of its call. `vertex`: it is the call's own `extra_content`.
"""

import json
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from tests.benchmarks.answers import MODEL, signature, words

Dialect = Literal["openrouter", "vertex"]
Fate = Literal["sent back", "altered", "lost"]
_USAGE = {"prompt_tokens": 20, "completion_tokens": 30, "total_tokens": 50}


class Call(NamedTuple):
    """A tool call, with a signature or without."""

    id: str
    signature: str | None

    def wire(self, index: int, dialect: Dialect) -> dict[str, Any]:
        """Return the call as its dialect has it."""
        function = {"name": "look", "arguments": json.dumps({"query": self.id})}
        call = {"index": index, "id": self.id, "type": "function", "function": function}
        return {**call, **self.extra()} if dialect == "vertex" and self.signature else call

    def detail(self) -> dict[str, Any]:
        """Return the signature as OpenRouter's detail."""
        common = {"format": "google-gemini-v1", "id": self.id, "index": 0}
        return {"type": "reasoning.encrypted", "data": self.signature, **common}

    def extra(self) -> dict[str, Any]:
        """Return the signature as Vertex's addition to the call."""
        return {"extra_content": {"google": {"thought_signature": self.signature}}}


class Step(NamedTuple):
    """One answer: what the model thought, and its calls (none: the last answer)."""

    number: int
    calls: tuple[Call, ...]

    def _thought(self) -> str:
        return words(count=12, seed=self.number)

    def _envelope(self, dialect: Dialect, choice: dict[str, Any], kind: str) -> dict[str, Any]:
        common = {"created": 1763566638, "model": MODEL, "object": kind}
        if dialect == "vertex":
            fields = {"id": f"fb2ga{self.number}", "system_fingerprint": ""}
        else:
            fields = {"id": f"gen-1763566638-{self.number}", "provider": "Google AI Studio"}
        return {**fields, **common, "choices": [{"index": 0, "logprobs": None, **choice}]}

    def completion(self, dialect: Dialect) -> dict[str, Any]:
        """Return the whole answer."""
        message: dict[str, Any] = {"role": "assistant", "content": "" if self.calls else "done"}
        if self.calls:
            calls = [call.wire(n, dialect) for n, call in enumerate(self.calls)]
            message["tool_calls"] = calls
        if dialect == "openrouter":
            message |= {"refusal": None, "reasoning": self._thought()}
            details = [_text(self._thought()), *(one.detail() for one in self.signed())]
            message["reasoning_details"] = details
        choice = {"finish_reason": self._finish(), "message": message}
        return {**self._envelope(dialect, choice, "chat.completion"), "usage": _USAGE}

    def events(self, dialect: Dialect) -> Iterator[dict[str, Any]]:
        """Yield the answer's stream: reasoning in pieces, signatures, calls, the end."""
        kind = "chat.completion.chunk"
        for delta in self._deltas(dialect):
            choice = {"delta": {"role": "assistant", "content": "", **delta}, "finish_reason": None}
            yield self._envelope(dialect, choice, kind)
        end = {"delta": {"role": "assistant", "content": ""}, "finish_reason": self._finish()}
        yield {**self._envelope(dialect, end, kind), "usage": _USAGE}

    def _deltas(self, dialect: Dialect) -> Iterator[dict[str, Any]]:
        if dialect == "openrouter":
            for piece in self._thought().partition(" "):
                yield {"reasoning": piece, "reasoning_details": [_text(piece)]}
            for call in self.signed():
                yield {"reasoning": None, "reasoning_details": [call.detail()]}
        for number, call in enumerate(self.calls):
            yield {"tool_calls": [call.wire(number, dialect)]}
        if not self.calls:
            yield {"content": "done"}

    def signed(self) -> list[Call]:
        """Return the calls that have a signature."""
        return [call for call in self.calls if call.signature]

    def _finish(self) -> str:
        return "tool_calls" if self.calls else "stop"


def _text(text: str) -> dict[str, Any]:
    return {"type": "reasoning.text", "text": text, "format": "google-gemini-v1", "index": 0}


def script(*, steps: int, parallel: int = 1, all_signed: bool = False) -> list[Step]:
    """Return `steps` answers of `parallel` calls each, and the last answer."""

    def call(step: int, place: int) -> Call:
        seed = 10 * step + place
        signed = all_signed or place == 0  # Google signs the first of parallel calls
        return Call(f"tool_{seed}_look", signature(length=600, seed=seed) if signed else None)

    calls = [tuple(call(step, place) for place in range(parallel)) for step in range(steps)]
    return [Step(number, some) for number, some in enumerate([*calls, ()])]


def fate(call: Call, dialect: Dialect, request: dict[str, Any]) -> Fate:
    """Return what became of a call's signature in a later request.

    Sent back: verbatim, on the assistant message (or the call) that it was given with. Altered:
    its characters are in the request, in another place or beside other fields.
    """
    for message in request["messages"]:
        own = [one for one in message.get("tool_calls") or () if one.get("id") == call.id]
        details = message.get("reasoning_details") or ()
        if own and dialect == "openrouter" and call.detail() in details:
            return "sent back"
        if own and dialect == "vertex" and own[0].get("extra_content") == _google(call):
            return "sent back"
    return "altered" if str(call.signature) in json.dumps(request) else "lost"


def _google(call: Call) -> Any:
    return call.extra()["extra_content"]
