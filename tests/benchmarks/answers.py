"""The answers of the benchmark's server, made before the first request.

They have the shape of the documented OpenRouter dialect: ids that begin with `gen-`, reasoning
text beside `reasoning_details`, the encrypted detail in an event of its own, the finish reason
repeated on the event that carries usage and cost. All words are made up from a fixed seed.
"""

import base64
import itertools
import json
import random
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

MODEL = "google/gemini-3-flash-preview"
_WORDS = ("amber", "birch", "cloud", "delta", "ember", "fjord", "grove", "haven", "inlet", "juni")
_HEAD = b"HTTP/1.1 200 OK\r\nx-inference-id: inference-0001\r\n"
_USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 1100,
    "total_tokens": 1120,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0, "video_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 100, "image_tokens": 0},
}
_META = {"usage": {"credits_used": 2480, "usd_spent": 0.00124}}


class Answer(NamedTuple):
    """What goes over the socket: `packets`, each in one `send`, `pace` seconds apart.

    `thought` seconds pass before the first, so that calls said to be in flight are.
    """

    packets: tuple[bytes, ...]
    pace: float = 0.0
    thought: float = 0.0


def words(*, count: int, seed: int) -> str:
    """Return `count` made-up words, always the same ones for a seed."""
    choice = random.Random(seed).choice
    return " ".join(choice(_WORDS) for _ in range(count))


def signature(*, length: int, seed: int) -> str:
    """Return a made-up thought signature of about `length` characters."""
    return base64.b64encode(random.Random(seed).randbytes(length * 3 // 4)).decode()


def _encrypted(seed: int) -> dict[str, Any]:
    data = signature(length=920, seed=seed)
    return {"type": "reasoning.encrypted", "data": data, "format": "google-gemini-v1", "index": 0}


def _reasoning(text: str) -> dict[str, Any]:
    return {"type": "reasoning.text", "text": text, "format": "google-gemini-v1", "index": 0}


def _envelope(kind: str, choice: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "gen-1763566638-kQ2vXbT7mWcR4yNpL9sA",
        "provider": "Google AI Studio",
        "model": MODEL,
        "object": kind,
        "created": 1763566638,
        "choices": [{"logprobs": None, "index": 0, **choice}],
        "system_fingerprint": None,
    }


def completion() -> dict[str, Any]:
    """Return the whole answer: text, reasoning with both details, usage and cost."""
    reasoning = words(count=60, seed=1)
    message = {
        "role": "assistant",
        "content": words(count=60, seed=2),
        "refusal": None,
        "reasoning": reasoning,
        "reasoning_details": [_reasoning(reasoning), _encrypted(3)],
    }
    choice = {"finish_reason": "stop", "native_finish_reason": "STOP", "message": message}
    return {**_envelope("chat.completion", choice), "usage": _USAGE, "meta": _META}


def _event(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {
        "delta": {"role": "assistant", "content": "", **delta},
        "finish_reason": finish,
        "native_finish_reason": finish and "STOP",
    }
    return _envelope("chat.completion.chunk", choice)


def _thinking(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        text = words(count=3, seed=number) + " "
        yield _event({"reasoning": text, "reasoning_details": [_reasoning(text)]})


def _ending(finish: str) -> Iterator[dict[str, Any]]:
    yield _event({"reasoning": None, "reasoning_details": [_encrypted(3)]})
    yield _event({}, finish)
    yield {**_event({}, finish), "usage": _USAGE, "meta": _META}


def text_events(*, text: int, reasoning: int) -> Iterator[dict[str, Any]]:
    """Yield a stream of `reasoning` events, `text` events and three that end it."""
    yield from _thinking(reasoning)
    for number in range(text):
        yield _event({"content": words(count=2, seed=number) + " "})
    yield from _ending("stop")


def _tool_call(index: int, call: dict[str, Any], arguments: str) -> dict[str, Any]:
    function = {**call.pop("function", {}), "arguments": arguments}
    return _event({"tool_calls": [{"index": index, **call, "function": function}]})


def tool_events(*, calls: int, fragments: int) -> Iterator[dict[str, Any]]:
    """Yield a stream of `calls` tool calls, the arguments of each in `fragments` events."""
    for index in range(calls):
        arguments = json.dumps({"query": words(count=fragments, seed=index)})
        cuts = [len(arguments) * n // fragments for n in range(fragments + 1)]
        call = {"id": f"tool_{index}_look", "type": "function", "function": {"name": "look"}}
        for start, end in itertools.pairwise(cuts):
            yield _tool_call(index, call, arguments[start:end])
            call = {}
    yield from _ending("tool_calls")


def stream_events(scenario: str) -> Iterator[dict[str, Any]]:
    """Yield the events of a stream by its scenario's name."""
    if scenario.startswith("tools"):
        return tool_events(calls=10, fragments=50)
    text, reasoning = _SIZES[scenario]
    return text_events(text=text, reasoning=reasoning)


_SIZES = {
    "event": (1000, 100),
    "split": (1000, 100),
    "first": (50, 10),
    "paced": (180, 20),
    "agent": (300, 30),
    "merge": (7300, 700),
    "long": (20_000, 2_000),
}


def _whole(body: dict[str, Any]) -> Answer:
    content = json.dumps(body, separators=(",", ":")).encode()
    head = b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(content)
    return Answer((_HEAD + head + content,))


def _chunked(blocks: Iterable[bytes], *, pace: float = 0.0) -> Answer:
    head = _HEAD + b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    packets = (b"%x\r\n%b\r\n" % (len(block), block) for block in blocks)
    return Answer((head, *packets, b"0\r\n\r\n"), pace)


def _sse(events: Iterable[dict[str, Any]]) -> list[bytes]:
    data = (json.dumps(event, separators=(",", ":")).encode() for event in events)
    return [b": OPENROUTER PROCESSING\n\n", *(b"data: %b\n\n" % one for one in data), _DONE]


_DONE = b"data: [DONE]\n\n"


def _cut(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut a stream at random places, 200 to 1448 bytes apart, as a network would."""
    body, place, size = b"".join(blocks), 0, random.Random(1448).randint
    while place < len(body):
        end = place + size(200, 1448)
        yield body[place:end]
        place = end


def answers() -> dict[str, Answer]:
    """Return every answer by the first segment of the path that asks for it."""
    streams = {name: _sse(stream_events(name)) for name in (*_SIZES, "tools")}
    return {
        "whole": _whole(completion()),
        "thought": _whole(completion())._replace(thought=0.02),
        "event": _chunked(streams["event"]),
        "split": _chunked(_cut(streams["split"])),
        "first": _chunked(_cut(streams["first"])),
        "paced": _chunked(streams["paced"], pace=0.002),
        "tools": _chunked(streams["tools"]),
        "agent": _chunked(_cut(streams["agent"])),
        "merge": _chunked(_cut(streams["merge"])),
        "long": _chunked(_cut(streams["long"])),
    }
