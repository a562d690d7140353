"""What Gemini refuses beside signatures: some always, the rest by a strict server only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi.testing.standin import StandIn
from tests.unit_tests.testing.standin.standin_client import NEWER, ask, message_of, tool, user

if TYPE_CHECKING:
    from collections.abc import Iterator

SKIP = {"google": {"thought_signature": "skip_thought_signature_validator"}}
EQUAL = "number of function response parts is equal to the number of function call parts"
REFERENCE = "in function_response.response does not match to a display_name"
EMPTY_NAME = "function_response.name: Name cannot be empty."


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    with StandIn() as running:
        yield running


@pytest.fixture(scope="module")
def strict() -> Iterator[StandIn]:
    with StandIn(strict=True) as running:
        yield running


def call(call_id: str = "c", *, name: str = "f", arguments: str = "{}") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function, "extra_content": SKIP}


def calling(*calls: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": "", "tool_calls": list(calls)}


def result(call_id: str = "c", *, content: Any = "ok", name: str | None = "f") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content, "name": name}


def text(*texts: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": each} for each in texts]


def said(content: Any = "", **fields: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **fields}


ALWAYS: list[tuple[list[Any], str]] = [
    *(
        ([user("hi"), calling(call(arguments=arguments)), result()], "function_call.args")
        for arguments in ("", "{", '{"a": 1', "[]", "null", "1", '"{}"', "[" * 5000)
    ),
    ([user("hi"), calling(call("a"), call("b")), result("a")], EQUAL),
    ([user("hi"), calling(call("a")), result("a"), result("b")], EQUAL),
    ([user("hi"), result("a")], EQUAL),
    ([user("hi"), calling(call("a")), user("hm"), result("a")], EQUAL),
    ([user("hi"), calling(call("a"))], EQUAL),
]

STRICTLY: list[tuple[list[Any], dict[str, Any], str]] = [
    ([user("hi"), calling(call()), result(name=None)], {}, EMPTY_NAME),
    ([user("hi"), calling(call()), result(name="")], {}, EMPTY_NAME),
    ([user("hi"), calling(call()), result(name="c")], {}, "is not the name of the function call"),
    (
        [user("hi"), calling(call()), result(content='{"a": [{"$ref": "#/b"}]}')],
        {},
        f"messages.2.content: The referenced name `#/b` {REFERENCE}",
    ),
    (
        [user("hi"), calling(call()), result(content=text('{"$ref":', ' "#/b"}'))],
        {"model": NEWER},
        REFERENCE,
    ),
    ([user("hi"), said(), user("hm")], {}, "messages.1.content: contents.parts must not be empty"),
    ([user("hi"), said([]), user("hm")], {}, "contents.parts must not be empty"),
    ([user("hi"), said(reasoning="Hm."), user("hm")], {}, "contents.parts must not be empty"),
    ([user(text("a", ""))], {}, "messages.0.content.1.text: Unable to submit request"),
    ([said("hi"), user("hm")], {}, "comes immediately after a user turn"),
    (
        [{"role": "system", "content": "s"}, said("hi"), user("hm")],
        {},
        "comes immediately after a user turn",
    ),
    ([user("hi")], {"tool_choice": "auto"}, "set without function_declarations"),
    ([user("hi")], {"tool_choice": "none"}, "set without function_declarations"),
    ([user("hi")], {"tool_choice": "none", "tools": []}, "set without function_declarations"),
    ([user("hi")], {"tools": [tool("f"), tool("f")]}, "Duplicate function declaration found: f"),
    ([user("hi")], {"tools": [tool("2f")]}, "Must start with a letter or an underscore"),
    ([user("hi")], {"tools": [tool("-f")]}, "Must start with a letter or an underscore"),
]

TAKEN: list[tuple[list[Any], dict[str, Any]]] = [
    ([user("hi"), calling(call()), result()], {}),
    ([user("hi"), calling(call("a"), call("b", name="g")), result("b", name="g"), result("a")], {}),
    ([user("hi"), calling(call()), result(content='{"a": "$ref", "$refs": 1}')], {}),
    ([user("hi"), calling(call()), result(content='say {"$ref": "#/b"}')], {}),
    ([user("hi"), calling(call()), result(content="[" * 5000)], {}),
    ([user("hi"), said(refusal="No."), user("hm")], {}),
    ([user("hi"), said(extra_content=SKIP), user("hm")], {}),
    ([user("hi"), said("a"), said("b"), user("hm")], {}),
    ([user("hi")], {"tools": [tool("_f"), tool("f-2")], "tool_choice": "none"}),
]


@pytest.mark.parametrize(("messages", "reason"), ALWAYS)
def test_what_every_server_refuses(
    server: StandIn, strict: StandIn, messages: list[Any], reason: str
) -> None:
    for each in (server, strict):
        response = ask(each, messages)
        assert response.status_code == 400
        assert reason in response.json()["message"]


@pytest.mark.parametrize(("messages", "options", "reason"), STRICTLY)
def test_what_a_strict_server_refuses_besides(
    server: StandIn, strict: StandIn, messages: list[Any], options: dict[str, Any], reason: str
) -> None:
    assert ask(server, messages, **options).status_code == 200
    response = ask(strict, messages, **options)
    assert response.status_code == 400
    assert reason in response.json()["message"]


@pytest.mark.parametrize(("messages", "options"), TAKEN)
def test_what_a_strict_server_takes(
    strict: StandIn, messages: list[Any], options: dict[str, Any]
) -> None:
    assert ask(strict, messages, **options).status_code == 200


def test_a_strict_server_takes_what_it_sent_itself(strict: StandIn) -> None:
    tools = [tool("first"), tool("second")]
    message = message_of(ask(strict, "first and second", tools=tools))
    results = [
        result(made["id"], name=made["function"]["name"], content=json.dumps({"ok": True}))
        for made in message["tool_calls"]
    ]
    history = [user("first and second"), message, *results]
    answer = message_of(ask(strict, history, tools=tools))
    assert ask(strict, [*history, answer, user("thanks")]).status_code == 200


def test_an_edited_part_of_an_answer_without_calls_is_refused(strict: StandIn) -> None:
    answer = message_of(ask(strict, "hi"))
    assert ask(strict, [user("hi"), answer, user("and?")]).status_code == 200
    del answer["reasoning_details"][0]
    response = ask(strict, [user("hi"), answer])
    assert "preserved unmodified" in response.json()["message"]


def test_a_body_that_is_nested_too_deep_is_refused(server: StandIn) -> None:
    schema: dict[str, Any] = {}
    for _ in range(250):
        schema = {"items": schema}
    response = ask(server, "hi", tools=[tool("f", a=schema)])
    assert response.status_code == 400
