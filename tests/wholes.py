"""Random whole answers of the endpoint, in both dialects, as the wire says them."""

from __future__ import annotations

import json
from typing import Any, Literal

from hypothesis import strategies as st

Json = dict[str, Any]
Dialect = Literal["O", "V"]

_ODD = st.sampled_from(["", "Hello", "né 😀", "a\u2028b\u0085c\r\nd", "data: [DONE]\n\n", '{"a"'])
TEXTS = st.text(st.characters(codec="utf-8"), max_size=24) | _ODD
SIGNATURES = st.text("ABCxyz0189+/", min_size=6, max_size=24).map(lambda text: f"Eq0{text}==")
_LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
JSON = st.recursive(
    _LEAVES | TEXTS,
    lambda one: st.lists(one, max_size=3) | st.dictionaries(TEXTS, one, max_size=3),
    max_leaves=6,
)
_OBJECTS = st.dictionaries(TEXTS, JSON, max_size=3)
_COUNTS = st.integers(0, 10**6)


@st.composite
def answers(draw: st.DrawFn, *, dialect: Dialect | None = None, min_calls: int = 0) -> Json:
    """Return a whole answer of one choice as the wire says it.

    Args:
        draw: Hypothesis' own.
        dialect: O (OpenRouter) or V (Vertex); either if not given.
        min_calls: The least number of tool calls.
    """
    spoken = draw(st.sampled_from(_DIALECTS)) if dialect is None else dialect
    calls = draw(st.lists(_calls(spoken), min_size=min_calls, max_size=3))
    for number, call in enumerate(calls):
        if call["id"]:
            call["id"] = f"{call['id']}_{number}"
    finish = draw(st.sampled_from(["tool_calls", "stop", "length"] if calls else _ENDINGS))
    if finish == "length" and calls:
        text = calls[-1]["function"].get("arguments", "")
        calls[-1]["function"]["arguments"] = text[: draw(st.integers(0, len(text)))]
    message: Json = {"role": "assistant", "content": draw(TEXTS)}
    if calls:
        message["tool_calls"] = calls
        message["content"] = draw(st.just("") | TEXTS)
    elif finish == "stop":
        message["content"] += "."
    write = _openrouter if spoken == "O" else _vertex
    return write(draw, message, finish)


_DIALECTS: list[Dialect] = ["O", "V"]
_ENDINGS = ["stop", "stop", "length", "content_filter"]
_NATIVE = {"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}


@st.composite
def _calls(draw: st.DrawFn, dialect: Dialect) -> Json:
    function: Json = {"name": draw(st.sampled_from(["get", "get_weather", "put"]))}
    if draw(st.integers(0, 5)):
        separators = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
        function["arguments"] = json.dumps(
            draw(_OBJECTS), ensure_ascii=draw(st.booleans()), separators=separators
        )
    elif draw(st.booleans()):
        function["arguments"] = ""
    if dialect == "V":
        return {"id": "function-call-17", "type": "function", "function": function}
    call_id = draw(st.sampled_from([f"tool_{function['name']}", "call", ""]))
    return {"id": call_id, "type": "function", "function": function}


def _openrouter(draw: st.DrawFn, message: Json, finish: str) -> Json:
    details = draw(_details(message.get("tool_calls", [])))
    words = "".join(one.get("text") or one.get("summary") or "" for one in details)
    match draw(st.integers(0, 3)):
        case 0 if not details:
            message["reasoning_content"] = draw(TEXTS)
        case 1:
            message["reasoning_details"] = details
        case _:
            message |= {"refusal": None, "reasoning": words or None, "reasoning_details": details}
    for number, call in enumerate(message.get("tool_calls", [])):
        call["index"] = number
    if draw(st.integers(0, 4)) == 0:
        message["refusal"] = draw(TEXTS) + "!"
    if draw(st.integers(0, 4)) == 0:
        message["annotations"] = draw(st.lists(_citations(), max_size=2))
    if draw(st.integers(0, 6)) == 0:
        picture = {"url": "data:image/png;base64,iVBORw0KGgo="}
        message["images"] = [{"type": "image_url", "image_url": picture, "index": 0}]
    prompt, output, thought = (draw(_COUNTS) for _ in range(3))
    return {
        "id": "gen-1766063158-RRytcJXY",
        "provider": "Google AI Studio",
        "model": "google/gemini-3-flash-preview-20251217",
        "object": "chat.completion",
        "created": 1766063158,
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "native_finish_reason": _NATIVE[finish],
                "message": message,
            }
        ],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": output + thought,
            "total_tokens": prompt + output + thought,
            "cost": 0.001721,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": None},
            "completion_tokens_details": {"reasoning_tokens": thought, "image_tokens": 0},
        },
        **draw(_metas()),
    }


@st.composite
def _details(draw: st.DrawFn, calls: list[Json]) -> list[Json]:
    """Return reasoning details, unique by type, index and id; text and data share index 0."""
    common: Json = {"format": draw(st.sampled_from(["google-gemini-v1", "unknown", None]))}
    details: list[Json] = []
    if draw(st.booleans()):
        details.append({"type": "reasoning.text", "text": draw(TEXTS), "index": 0, **common})
        if draw(st.booleans()):
            details[-1]["signature"] = draw(st.none() | SIGNATURES)
    if draw(st.booleans()):
        details.append({"type": "reasoning.summary", "summary": draw(TEXTS), "index": 0, **common})
    if draw(st.booleans()):
        details.append({"type": "reasoning.text", "signature": draw(SIGNATURES), "index": 1})
    if draw(st.booleans()):
        details.append({"type": "reasoning.image", "url": draw(TEXTS), "id": None, "index": 2})
    if draw(st.booleans()):
        details.append({"type": "reasoning.encrypted", "data": draw(SIGNATURES), "index": 0})
    signed = calls if draw(st.booleans()) else calls[:1]
    for call in signed:
        if call["id"]:
            data = draw(SIGNATURES)
            entry = {"type": "reasoning.encrypted", "data": data, "id": call["id"], "index": 0}
            details.append({**entry, **common})
    return details


@st.composite
def _citations(draw: st.DrawFn) -> Json:
    inner = {"url": "https://example.com/", "title": draw(TEXTS), "start_index": 0, "end_index": 3}
    return {"type": "url_citation", "url_citation": inner}


def _vertex(draw: st.DrawFn, message: Json, finish: str) -> Json:
    calls = message.get("tool_calls", [])
    for number, call in enumerate(calls):
        if number == 0 or draw(st.booleans()):
            call["extra_content"] = {"google": {"thought_signature": draw(SIGNATURES)}}
    if not calls and draw(st.booleans()):
        message["extra_content"] = {"google": {"thought_signature": draw(SIGNATURES)}}
    prompt, output, thought = (draw(_COUNTS) for _ in range(3))
    return {
        "choices": [{"finish_reason": finish, "index": 0, "logprobs": None, "message": message}],
        "created": 1772141949,
        "id": "fb2gafiLBIK9odAP1tGMmQc",
        "model": "google/gemini-3.1-pro-preview",
        "object": "chat.completion",
        "system_fingerprint": "",
        "usage": {
            "completion_tokens": output,
            "completion_tokens_details": {"reasoning_tokens": thought},
            "extra_properties": {"google": {"traffic_type": "ON_DEMAND"}},
            "prompt_tokens": prompt,
            "total_tokens": prompt + output + thought,
        },
        **draw(_metas()),
    }


def _metas() -> st.SearchStrategy[Json]:
    return st.sampled_from(
        [
            {},
            {"meta": {"usage": {"tokens_used": 4211}}},
            {"meta": {"usage": {"credits_used": 8846}}},
            {"meta": {"usage": {"credits_used": 2480, "usd_spent": 0.00124}}},
        ]
    )
