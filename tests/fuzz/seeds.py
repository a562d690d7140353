"""Good answers to start from."""

from __future__ import annotations

import json

from tests.wire_tests.loopback import DONE, USAGE, completion, error_body, event, piece

DETAILS = [
    {"type": "reasoning.text", "text": "Hm", "signature": "s", "index": 0, "id": None},
    {"type": "reasoning.encrypted", "data": "AbCd", "id": "c1", "index": 0},
]
CALLS = [
    {
        "index": 0,
        "id": "c1",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city": "Oslo"}'},
        "extra_content": {"google": {"thought_signature": "sig"}},
    }
]


def seeds() -> dict[str, list[bytes]]:
    """Return inputs for each target of `run`; those of `stream` begin with how they are cut."""
    bodies = [
        completion("Hello"),
        completion("", tool_calls=CALLS, reasoning="Hm", reasoning_details=DETAILS),
        completion([{"type": "text", "text": "a"}], annotations=[{"type": "file"}], refusal="no"),
        completion(None, audio={"data": "x"}, images=[{"type": "image_url"}]),
        error_body(429),
        {"error": {"code": 400, "message": "m", "metadata": {"raw": '{"error": {"code": 1}}'}}},
        [{"error": {"code": 503, "message": "m", "status": "UNAVAILABLE"}}],
    ]
    streams = [
        [piece("Hel"), piece("lo", finish="stop", usage=USAGE)],
        [
            piece("", reasoning="Hm", reasoning_details=DETAILS[:1]),
            piece("", reasoning_details=DETAILS[1:]),
            piece("", tool_calls=CALLS),
            piece("", finish="tool_calls"),
            {"meta": {"usage": {"credits_used": 3}}},
        ],
        [piece("a\ud83d"), piece("\ude00b", finish="length"), piece(choices=[], usage=USAGE)],
        [piece("a"), {"error": {"code": "server_error", "message": "m"}}],
    ]
    histories = [bytes(range(start, start + 60)) for start in (0, 3, 50, 120)]
    cut = [
        bytes([number])
        + b": comment\r\n\r\n"
        + b"".join(event(one) for one in events)
        + (DONE if number % 2 else b"")
        for number, events in enumerate(streams)
    ]
    whole = [json.dumps(body).encode() for body in bodies]
    return {"stream": cut, "body": whole, "history": histories}
