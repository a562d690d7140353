"""What Gemini refuses although the gateway's schema allows it, beside signatures.

Each is told in Google's words, with the field before them. Always: arguments that are not the
text of a JSON object, calls and results out of order. Of a strict server also: declarations of
tools, names of results, a tool choice without tools, empty messages and text parts, `$ref` in
results, conversations that the model begins.

Source: public reports of refused requests (python-genai #2792, pydantic-ai #5791, ccs #25,
dotnet-genai #189, gemini-cli #3814 and the like), read 2026-11-26. None was seen on this
endpoint: that it passes these requests on, and the refusals back, is assumed.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from langchain_aimlapi.testing.standin._declarations import declaration_problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from langchain_aimlapi._json import JsonMapping

    Message = JsonMapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
_NOT_EQUAL = (
    "Please ensure that the number of function response parts is equal to the number of function "
    "call parts of the function call turn."
)


def request_refusal(body: JsonMapping, *, strict: bool) -> str | None:
    """Return the words with which Gemini would refuse a request, or `None`.

    Args:
        body: A request that the gateway's schema allows.
        strict: Whether to refuse also what only some upstreams were seen to refuse.
    """
    messages = body["messages"]
    # These two all upstreams refuse: no server that lets them through stands in for anything.
    problem = _arguments_problem(messages) or _order_problem(messages)
    if problem or not strict:
        return problem
    return _tools_problem(body) or next(_message_problems(messages), None)


def _arguments_problem(messages: Sequence[Message]) -> str | None:
    for position, message in enumerate(messages):
        for place, call in enumerate(message.get("tool_calls") or []):
            function = call.get("function")
            if function and not isinstance(_parse(function["arguments"]), dict):
                return (
                    f"messages.{position}.tool_calls.{place}.function.arguments: Invalid value at "
                    "'function_call.args' (type.googleapis.com/google.protobuf.Struct), "
                    f"{function['arguments'][:80]!r}"
                )
    return None


def _order_problem(messages: Sequence[Message]) -> str | None:
    awaited: list[str] = []
    for position, message in enumerate(messages):
        if message["role"] == "tool":
            if message["tool_call_id"] not in awaited:
                return (
                    f"messages.{position}.tool_call_id: {message['tool_call_id']!r} answers no "
                    "tool call of the assistant message right before the results. " + _NOT_EQUAL
                )
            awaited.remove(message["tool_call_id"])
            continue
        # The next message is no result, though one is missing.
        if awaited:
            break
        awaited = [call["id"] for call in message.get("tool_calls") or []]
    if awaited:
        return f"messages: the tool call {awaited[0]!r} is not followed by its result. {_NOT_EQUAL}"
    return None


def _tools_problem(body: JsonMapping) -> str | None:
    tools = body.get("tools") or []
    names = [tool["function"]["name"] for tool in tools if tool["type"] == "function"]
    for position, name in enumerate(names):
        if not _NAME.fullmatch(name):
            return (
                f"tools.{position}.function.name: [FIELD_INVALID] Invalid function name. Must "
                f"start with a letter or an underscore, received {name!r}"
            )
        if name in names[:position]:
            return f"tools.{position}: Duplicate function declaration found: {name}"
    for position, tool in enumerate(tools):
        problem = declaration_problem(tool["function"]) if tool["type"] == "function" else None
        if problem:
            return f"tools.{position}.{problem}"
    if body.get("tool_choice") is not None and not tools:
        return "tool_choice: Function calling config is set without function_declarations."
    return None


def _message_problems(messages: Sequence[Message]) -> Iterator[str]:
    turns = [message for message in messages if message["role"] != "system"]
    if turns and turns[0]["role"] == "assistant":
        yield (
            "messages: Please ensure that the conversation begins with a user turn, and that a "
            "function call turn comes immediately after a user turn or after a function response "
            "turn."
        )
    names: dict[str, str] = {}
    for position, message in enumerate(messages):
        calls = [call for call in message.get("tool_calls") or [] if "function" in call]
        names |= {call["id"]: call["function"]["name"] for call in calls}
        yield from _empty_problems(message, f"messages.{position}")
        if message["role"] == "tool":
            yield from _result_problems(message, names, f"messages.{position}")


def _empty_problems(message: Message, path: str) -> Iterator[str]:
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    for place, part in enumerate(parts):
        if part["type"] == "text" and not part["text"]:
            yield (
                f"{path}.content.{place}.text: Unable to submit request because it has an empty "
                "text parameter. Add a value to the parameter and try again."
            )
    # A message may be nothing but a signature: that of an empty answer has to go back, too.
    said = ("content", "tool_calls", "refusal", "reasoning_details", "extra_content")
    if message["role"] == "assistant" and not any(message.get(name) for name in said):
        yield f"{path}.content: contents.parts must not be empty."


def _result_problems(message: Message, names: Mapping[str, str], path: str) -> Iterator[str]:
    name, called = message.get("name"), names.get(message["tool_call_id"])
    if not name:
        yield f"{path}.name: function_response.name: Name cannot be empty."
    elif called is not None and name != called:
        yield (
            f"{path}.name: function_response.name: {name!r} is not the name of the function call "
            f"that it answers, {called!r}."
        )
    content = message["content"]
    text = content if isinstance(content, str) else "".join(part["text"] for part in content)
    for reference in _references(_parse(text)):
        yield (
            f"{path}.content: The referenced name `{reference}` in function_response.response does "
            "not match to a display_name in the function_response.parts."
        )


def _references(value: object) -> Iterator[object]:
    """Yield what each `$ref` in a JSON value points to."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        value = list(value.values())
    for member in value if isinstance(value, list) else []:
        yield from _references(member)


def _parse(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
