"""A recorded answer, whole or streamed, in the shape of a whole answer."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from langchain_aimlapi._json import JsonObject
from langchain_aimlapi.testing._body_format import encode_body, event_tree, read_json
from langchain_aimlapi.testing.serializer import deserialize

# The text that streams cut; the encrypted details are not for people.
_RUNNING = ("content", "reasoning", "reasoning_content")


def recorded_answer(body: bytes) -> JsonObject:
    """Return what a person would want to know of an answer.

    Args:
        body: The bytes of the response: a completion, a stream of chunks, an error, anything.

    Returns:
        A completion (`choices`, `usage`, `meta`, ...), with the pieces of a stream put
        together; an error body as it is; `{}` for what is neither.
    """
    chunks = answer_chunks(body)
    if chunks is None:
        return mapping(json_value(body))
    answer: JsonObject = {}
    messages: dict[str, JsonObject] = {}
    for chunk in chunks:
        # Later chunks repeat most fields as null or empty; usage and cost stand in the last one.
        answer.update({key: value for key, value in chunk.items() if key != "choices" and value})
        for choice in mappings(chunk.get("choices")):
            message = messages.setdefault(str(choice.get("index")), {})
            _add_delta(message, mapping(choice.get("delta")))
    return {**answer, "choices": [{"message": message} for message in messages.values()]}


def readable_interactions(paths: Iterable[Path]) -> Iterator[JsonObject]:
    """Yield the interactions of some cassettes.

    Args:
        paths: The files; those that are missing or no cassettes are passed over.
    """
    for path in paths:
        with suppress(OSError, ValueError):
            yield from deserialize(path.read_text("utf-8"))["interactions"]


def answer_chunks(body: bytes) -> list[JsonObject] | None:
    """Return the JSON objects of a stream of events, or None when the body is no stream."""
    readable = encode_body(body)
    if not isinstance(readable, dict) or "events" not in readable:
        return None
    return mappings([event_tree(event) for event in readable["events"]])


def json_value(body: bytes | None) -> object:
    """Return the JSON value of a body, or None when it holds none."""
    try:
        return read_json((body or b"").decode())
    except ValueError:
        return None


def mapping(value: object) -> JsonObject:
    """Return `value` where it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(values: object) -> list[JsonObject]:
    """Return the JSON objects of a list, or none where it is not a list."""
    return (
        [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
    )


def _add_delta(message: JsonObject, delta: JsonObject) -> None:
    for name in _RUNNING:
        if isinstance(delta.get(name), str):
            message[name] = message.get(name, "") + delta[name]
    for piece in mappings(delta.get("tool_calls")):
        calls = message.setdefault("tool_calls", [])
        place = str(piece.get("index"))
        call = next((call for call in calls if call["index"] == place), None)
        if call is None:
            call = {"index": place, "function": {"name": "", "arguments": ""}}
            calls.append(call)
        if piece.get("id"):
            call["id"] = piece["id"]
        for name in ("name", "arguments"):
            call["function"][name] += mapping(piece.get("function")).get(name) or ""
