"""Messages as histories hold them, each with what a request must say of it.

    python -m tests.unit_tests.codec.stored_messages stored/<date>

wrote the files in `stored`, one for each dialect, with the package as it was on that day. They are
never written again: a checkpointer that ran then must still be read by every later version. When
the form inside messages grows, a new day is added beside the old ones.
"""

from __future__ import annotations

import base64
import json
import pickle
import sys
import warnings
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from langchain_aimlapi._codec.request import encode_messages
from tests.answers import Json, model_of, served

if TYPE_CHECKING:
    from collections.abc import Iterator

_SERIALIZER = JsonPlusSerializer()
_ID: dict[str, Any] = {"client_request_id": "the-same-for-all"}
_GEMINI = {"format": "google-gemini-v1"}


def _openrouter(message: Json, finish_reason: str, deltas: list[Json]) -> tuple[Json, list[Json]]:
    head = {
        "id": "gen-1766063158-RRytcJXY",
        "provider": "Google AI Studio",
        "model": "google/gemini-3-flash-preview-20251217",
        "created": 1766063158,
    }
    usage = {
        "prompt_tokens": 12,
        "completion_tokens": 158,
        "total_tokens": 170,
        "completion_tokens_details": {"reasoning_tokens": 149},
    }
    meta = {"meta": {"usage": {"credits_used": 2480, "usd_spent": 0.00124}}}
    ending = {"finish_reason": finish_reason, "native_finish_reason": "STOP"}
    events = [{**head, "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    events.append({**head, "choices": [{"index": 0, "delta": {"content": ""}, **ending}]})
    events.append({**head, "choices": [], "usage": usage, **meta})
    choice = {"index": 0, **ending, "message": {"role": "assistant", **message}}
    return {**head, "choices": [choice], "usage": usage, **meta}, events


def _vertex(message: Json, finish_reason: str, deltas: list[Json]) -> tuple[Json, list[Json]]:
    head = {
        "id": "fb2gafiLBIK9odAP1tGMmQc",
        "model": "google/gemini-3.1-pro-preview",
        "created": 1772141949,
        "system_fingerprint": "",
    }
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 566,
        "total_tokens": 1521,
        "completion_tokens_details": {"reasoning_tokens": 946},
        "extra_properties": {"google": {"traffic_type": "ON_DEMAND"}},
    }
    ending = {"index": 0, "finish_reason": finish_reason}
    events = [{**head, "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    events.append({**head, "choices": [{"delta": {"content": ""}, **ending}], "usage": usage})
    choice = {**ending, "message": {"role": "assistant", **message}}
    return {**head, "choices": [choice], "usage": usage}, events


def _call(call_id: str, name: str, arguments: str, **more: Any) -> Json:
    function = {"name": name, "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function, **more}


def _encrypted(data: str, call_id: str | None = None) -> Json:
    return {"type": "reasoning.encrypted", "data": data, "id": call_id, **_GEMINI, "index": 0}


def _signed(signature: str) -> Json:
    return {"extra_content": {"google": {"thought_signature": signature}}}


def openrouter_answers() -> dict[str, tuple[Json, list[Json]]]:
    """Return by name answers of dialect O, whole and streamed."""
    thought = {"type": "reasoning.text", "text": "I look it up.", **_GEMINI, "index": 0}
    late = {**thought, "text": "", "signature": "Eq0Text=="}
    oslo = _call("tool_weather_7t", "weather", '{"city": "Oslo"}', index=0)
    rome = _call("tool_weather_8u", "weather", '{"city":"Røm 😀"}', index=1)
    details = [thought, _encrypted("Eq0Oslo==", oslo["id"]), _encrypted("Eq0Rome==", rome["id"])]
    twice = [_call("call", "get", "{}", index=0), _call("call", "get", '{"x":1}', index=1)]
    twice_details = [_encrypted("Eq0First==", "call"), _encrypted("Eq0Second==", "call")]
    said = {"reasoning": "I look it up."}
    cited = [
        {"type": "url_citation", "url_citation": {"url": "https://example.com/", "title": "t"}}
    ]
    return {
        "text, signed": _openrouter(
            {
                "content": "Sunny.",
                **said,
                "reasoning_details": [{**thought, "signature": "Eq0Text=="}],
            },
            "stop",
            [
                {"content": "", **said, "reasoning_details": [thought]},
                {"content": "Sun"},
                {"content": "ny.", "reasoning_details": [late]},
            ],
        ),
        "two signed calls": _openrouter(
            {"content": "", **said, "reasoning_details": details, "tool_calls": [oslo, rome]},
            "tool_calls",
            [
                {"content": "", **said, "reasoning_details": details[:1]},
                {"content": "", "reasoning_details": details[1:2]},
                {"content": "", "tool_calls": [oslo]},
                {"content": "", "reasoning_details": details[2:]},
                {"content": "", "tool_calls": [rome]},
            ],
        ),
        "one id for two calls, encrypted alone": _openrouter(
            {"content": "", "reasoning_details": twice_details, "tool_calls": twice},
            "tool_calls",
            [
                {"content": "", "reasoning_details": twice_details},
                {"content": "", "tool_calls": twice},
            ],
        ),
        "reasoning without details, refusal, citation": _openrouter(
            {
                "content": "No.",
                "reasoning_content": "Hm.",
                "refusal": "I won't.",
                "annotations": cited,
            },
            "stop",
            [
                {"reasoning_content": "H"},
                {"reasoning_content": "m."},
                {"content": "No.", "refusal": "I won't."},
                {"content": "", "annotations": cited},
            ],
        ),
    }


def vertex_answers() -> dict[str, tuple[Json, list[Json]]]:
    """Return by name answers of dialect V, whole and streamed."""
    oslo = _call("function-call-1", "weather", '{"city": "Oslo"}', **_signed("Eq0Oslo=="))
    rome = _call("function-call-2", "weather", '{"city": "Rome"}')
    unsigned = {key: value for key, value in oslo.items() if key != "extra_content"}
    twice = [
        _call("function-call-17", "get", '{"x": 1}', **_signed("Eq0First==")),
        _call("function-call-17", "get", '{"x": 2}', **_signed("Eq0Second==")),
    ]
    return {
        "text, signed": _vertex(
            {"content": "Sunny.", **_signed("Eq0Text==")},
            "stop",
            [{"content": "Sun", **_signed("Eq0Text==")}, {"content": "ny."}],
        ),
        "the first of two calls is signed": _vertex(
            {"content": "", "tool_calls": [oslo, rome]},
            "tool_calls",
            [{"tool_calls": [oslo]}, {"tool_calls": [rome]}],
        ),
        "the signature comes late": _vertex(
            {"content": "I look.", "tool_calls": [oslo]},
            "tool_calls",
            [
                {"content": "I look."},
                {"tool_calls": [unsigned]},
                {"tool_calls": [_call("function-call-1", "", "", **_signed("Eq0Oslo=="))]},
            ],
        ),
        "one id for two calls": _vertex(
            {"content": "", "tool_calls": twice},
            "tool_calls",
            [{"tool_calls": [call]} for call in twice],
        ),
    }


ANSWERS = {"openrouter": openrouter_answers, "vertex": vertex_answers}


def messages_of(answer: tuple[Json, list[Json]]) -> Iterator[tuple[str, AIMessage]]:
    """Yield the messages that one answer becomes, named by how it was asked for."""
    there = served(*answer)
    for version in ("v0", "v1"):
        model = model_of(there, output_version=version)
        yield f"whole {version}", model.invoke("Go.", **_ID)
        chunks = cast("list[AIMessageChunk]", list(model.stream("Go.", **_ID)))
        yield f"streamed {version}", reduce(lambda total, chunk: total + chunk, chunks)
    model = model_of(there)
    events = model.stream_events("Go.", version="v3", **_ID)
    yield "events v3", events.output
    yield "blocks alone", AIMessage(content=cast("Any", model.invoke("Go.").content_blocks))


def stored(message: AIMessage) -> dict[str, str]:
    """Return the message as text, by what stored it."""
    kind, packed = _SERIALIZER.dumps_typed(message)
    return {
        "pickle": base64.b64encode(pickle.dumps(message, protocol=4)).decode(),
        "dumps": dumps(message),
        kind: base64.b64encode(packed).decode(),
    }


def restored(form: str, text: str) -> AIMessage:
    """Return the message that `stored` wrote in this form."""
    match form:
        case "pickle":
            return cast("AIMessage", pickle.loads(base64.b64decode(text)))
        case "dumps":
            return cast("AIMessage", loads(text, allowed_objects="messages"))
        case _:
            return cast("AIMessage", _SERIALIZER.loads_typed((form, base64.b64decode(text))))


def sent(message: AIMessage) -> str:
    """Return the JSON text of what a request says of the message, results of its calls added."""
    results = [ToolMessage("Done.", tool_call_id=call["id"] or "") for call in message.tool_calls]
    encoded = encode_messages([HumanMessage("Go."), message, *results])
    return json.dumps(encoded[1], ensure_ascii=False)


def main(folder: str) -> None:
    """Write a file for each dialect into a folder beside this module."""
    warnings.simplefilter("ignore")
    there = Path(__file__).parent / folder
    there.mkdir(parents=True, exist_ok=True)
    for dialect, answers in ANSWERS.items():
        rows = [
            {"answer": name, "got": how, "sent": sent(message), "stored": stored(message)}
            for name, answer in answers().items()
            for how, message in messages_of(answer)
        ]
        text = json.dumps(rows, indent=0, ensure_ascii=False)
        (there / f"{dialect}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
