"""Whether a recorded exchange has the documented shape of a chat completion."""

from collections.abc import Iterator

from langchain_aimlapi.testing._cli.recorded_answer import answer_chunks, json_value

# What each documented answer has; details and cost come from some upstreams only.
_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


def request_faults(body: bytes | None) -> Iterator[str]:
    """Yield what a chat request lacks: a model's name, messages with roles."""
    request = json_value(body)
    if not isinstance(request, dict):
        yield "no JSON object"
        return
    if not isinstance(request.get("model"), str):
        yield "model is not a string"
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        yield "messages is not a list with something in it"
    elif not all(isinstance(message, dict) and "role" in message for message in messages):
        yield "a message has no role"


def answer_faults(body: bytes, *, is_error: bool) -> Iterator[str]:
    """Yield what an answer lacks of the documented shape, extra members aside.

    Args:
        body: A completion, a stream of chunks, or an error.
        is_error: Whether its status is 400 or up.
    """
    chunks = answer_chunks(body)
    if chunks is not None:
        yield from _stream_faults(body, chunks)
        return
    answer = json_value(body)
    if not isinstance(answer, dict):
        yield "no JSON object"
    # Some upstreams say their error with status 200.
    elif is_error or "error" in answer:
        if not {"message", "error"} & answer.keys():
            yield "an error has neither message nor error"
    else:
        yield from _completion_faults(answer)


def _stream_faults(body: bytes, chunks: list[dict[str, object]]) -> Iterator[str]:
    # A recording that was cut off: on replay it would end as a broken connection does.
    if not body.rstrip().endswith(b"data: [DONE]"):
        yield "the stream does not end with [DONE]"
    if not any("choices" in chunk or "error" in chunk for chunk in chunks):
        yield "no chunk of the stream has choices"


def _completion_faults(answer: dict[str, object]) -> Iterator[str]:
    if not isinstance(answer.get("id"), str) or not isinstance(answer.get("model"), str):
        yield "id or model is not a string"
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices:
        yield "choices is not a list with something in it"
    elif not all(isinstance(choice, dict) and "message" in choice for choice in choices):
        yield "a choice has no message"
    usage = answer.get("usage")
    if not isinstance(usage, dict) or not all(isinstance(usage.get(name), int) for name in _COUNTS):
        yield "usage lacks a count"
