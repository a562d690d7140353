"""Requests that Gemini refuses: advice in the error, and for three kinds a remedy, tried once.

The words are Google's and OpenRouter's, as public reports quote them.
"""

from __future__ import annotations

import copy
import json
import logging
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import ConfigurableField

from langchain_aimlapi import ChatAIMLGemini
from langchain_aimlapi.errors import AIMLAPIError, AIMLAPIInvalidRequestError
from tests.answers import KEY, MODEL
from tests.http_client import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_core.messages import BaseMessage

    from tests.answers import Json

MISSING = (
    "Function call `get` in the `2`. content block is missing a `thought_signature`. Learn more: "
    "https://ai.google.dev/gemini-api/docs/thought-signatures"
)
PRESERVED = (
    "Gemini models require OpenRouter reasoning details to be preserved in each request. "
    "Please refer to our docs."
)
REFERENCE = (
    "The referenced name `#/$defs/A` in function_response.response does not match to a "
    "display_name in the function_response.parts."
)
EQUAL = (
    "Please ensure that the number of function response parts is equal to the number of function "
    "call parts of the function call turn."
)
ORDER = (
    "Please ensure that function call turn comes immediately after a user turn or after a function "
    "response turn."
)
ANY_OF = (
    "Unable to submit request because `f` functionDeclaration `parameters.a` schema specified "
    "other fields alongside any_of. When using any_of, it must be the only field set."
)
EMPTY = (
    "Unable to submit request because it has an empty text parameter. Add a value to the parameter "
    "and try again."
)
BYPASS = {"google": {"thought_signature": "skip_thought_signature_validator"}}
SIGNED = {"google": {"thought_signature": "sig"}}
OURS = {"model_provider": "aimlapi"}
WAYS = ("invoke", "stream", "ainvoke", "astream")


def flat(message: str) -> Json:
    return {"message": f"Body validation error\n{message}", "statusCode": "400"}


def routed(message: str) -> Json:
    raw = json.dumps({"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}})
    return {"error": {"code": 400, "message": "Provider returned error", "metadata": {"raw": raw}}}


def googles(message: str) -> list[Json]:
    return [{"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}]


SHAPES: list[Callable[[str], Any]] = [flat, routed, googles]


class Server:
    """Refuses the first requests, each with its own words, then answers.

    Attributes:
        bodies: The requests.
    """

    def __init__(self, *refusals: Any, status: int = 400) -> None:
        self.bodies: list[Json] = []
        self._refusals = list(refusals)
        self._status = status

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.content))
        if self._refusals:
            return httpx.Response(self._status, json=self._refusals.pop(0))
        message = {"role": "assistant", "content": "Hi"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        if not self.bodies[-1].get("stream"):
            return httpx.Response(200, json={"id": "1", "choices": [choice]})
        chunk = {"id": "1", "choices": [{**choice, "delta": choice.pop("message")}]}
        return httpx.Response(
            200,
            text=f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n",
            headers={"content-type": "text/event-stream"},
        )

    def model(self, **settings: Any) -> ChatAIMLGemini:
        transport = httpx.MockTransport(self)
        return ChatAIMLGemini(
            model=MODEL,
            api_key=KEY,
            max_retries=0,
            http_client=httpx.Client(transport=transport),
            http_async_client=httpx.AsyncClient(transport=transport),
            **settings,
        )


async def ask(asked: Any, way: str, messages: list[BaseMessage], **keywords: Any) -> str:
    match way:
        case "invoke":
            return str(asked.invoke(messages, **keywords).text)
        case "stream":
            return "".join(chunk.text for chunk in asked.stream(messages, **keywords))
        case "ainvoke":
            return str((await asked.ainvoke(messages, **keywords)).text)
        case _:
            return "".join([chunk.text async for chunk in asked.astream(messages, **keywords)])


def step(call_id: str, *, extra: Json | None = None, result: str = "ok") -> list[BaseMessage]:
    """Return a step of two calls, of which the first is signed if something carries it."""
    calls: Any = [
        {"name": "get", "args": {}, "id": f"{call_id}{place}", "type": "tool_call"}
        for place in (1, 2)
    ]
    kept = {"tool_call_extra_content": {f"{call_id}1": extra}} if extra else {}
    return [
        AIMessage("", tool_calls=calls, additional_kwargs=kept, response_metadata=OURS),
        *(ToolMessage(result, tool_call_id=call["id"]) for call in calls),
    ]


HISTORY = [
    HumanMessage("Look."),
    *step("a"),
    AIMessage("Found."),
    HumanMessage("And now?"),
    *step("b"),
    *step("c", extra=SIGNED),
    *step("d"),
]


def bypassed(body: Json) -> list[str]:
    """Return the ids of the calls with Google's bypass value."""
    return [
        call["id"]
        for message in body["messages"]
        for call in message.get("tool_calls", ())
        if call.get("extra_content") == BYPASS
    ]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("words", [MISSING, PRESERVED])
@pytest.mark.parametrize("shape", SHAPES)
async def test_a_missing_signature_is_bypassed_once_it_is_missed(
    way: str, words: str, shape: Callable[[str], Json], caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(shape(words))
    with caplog.at_level(logging.INFO, logger="langchain_aimlapi"):
        assert await ask(server.model(), way, HISTORY) == "Hi"
    assert [bypassed(body) for body in server.bodies] == [[], ["b1", "d1"]]
    assert "thought signature" in caplog.text
    assert len({len(body["messages"]) for body in server.bodies}) == 1


@pytest.mark.parametrize("way", WAYS)
async def test_an_error_inside_a_200_is_remedied_too(way: str) -> None:
    server = Server(routed(MISSING), status=200)
    assert await ask(server.model(), way, HISTORY) == "Hi"
    assert [bypassed(body) for body in server.bodies] == [[], ["b1", "d1"]]


@pytest.mark.parametrize("way", WAYS)
async def test_what_helped_is_remembered_by_the_model_object_and_its_id(way: str) -> None:
    server = Server(flat(MISSING))
    model = server.model()
    await ask(model, way, HISTORY)
    await ask(model.bind(stop=["x"]), way, HISTORY)
    await ask(model, way, HISTORY, model="google/gemini-3-7-flash")
    await ask(server.model(), way, HISTORY)
    await ask(model, way, [*HISTORY, HumanMessage("A new turn.")])
    wanted = [[], ["b1", "d1"], ["b1", "d1"], [], [], []]
    assert [bypassed(body) for body in server.bodies] == wanted
    pickle.loads(pickle.dumps(model))


@pytest.mark.parametrize("way", WAYS)
async def test_a_remedy_is_tried_once(way: str) -> None:
    server = Server(flat(MISSING), flat(MISSING))
    with pytest.raises(AIMLAPIInvalidRequestError, match="missing_signatures"):
        await ask(server.model(), way, HISTORY)
    assert len(server.bodies) == 2


async def test_nothing_is_repeated_where_no_step_lacks_a_signature() -> None:
    server = Server(flat(MISSING))
    with pytest.raises(AIMLAPIInvalidRequestError):
        server.model().invoke([HumanMessage("Look."), *step("a", extra=SIGNED)])
    assert len(server.bodies) == 1


@pytest.mark.parametrize("given", ["setting", "keyword"])
@pytest.mark.parametrize(
    ("missing", "asked", "sent"),
    [("send", 1, []), ("skip", 1, ["a1", "b1", "d1"])],
)
async def test_send_never_adds_it_and_skip_adds_it_at_once(
    missing: str, asked: int, sent: list[str], given: str
) -> None:
    server = Server(flat(MISSING))
    setting = {"missing_signatures": missing}
    model = server.model(**(setting if given == "setting" else {}))
    with pytest.raises(AIMLAPIInvalidRequestError):
        await ask(model, "invoke", HISTORY, **(setting if given == "keyword" else {}))
    assert [bypassed(body) for body in server.bodies] == [sent] * asked


def test_what_was_remembered_does_not_count_where_it_is_not_wanted() -> None:
    server = Server(flat(MISSING))
    model = server.model()
    model.invoke(HISTORY)
    model.invoke(HISTORY, missing_signatures="send")
    assert bypassed(server.bodies[-1]) == []


DETAIL = {"type": "reasoning.encrypted", "data": "sig", "index": 0}
CALLING: Any = [{"name": "get", "args": {}, "id": "a1", "type": "tool_call"}]


@pytest.mark.parametrize(
    ("detail", "finish", "is_signed"),
    [
        ({**DETAIL, "id": "a1"}, "tool_calls", True),
        ({**DETAIL, "id": "a1"}, "stop", True),
        (DETAIL, "tool_calls", True),
        ({**DETAIL, "id": None}, "tool_calls", True),
        (DETAIL, None, True),
        (DETAIL, "stop", False),
        ({**DETAIL, "id": "never"}, "tool_calls", False),
        ({"type": "reasoning.text", "text": "Hm.", "id": "a1"}, "tool_calls", False),
    ],
)
def test_a_detail_signs_a_call_by_its_id_or_at_the_end_of_calls(
    detail: Json, finish: str | None, *, is_signed: bool
) -> None:
    server = Server()
    message = AIMessage(
        "",
        tool_calls=CALLING,
        additional_kwargs={"reasoning_details": [detail]},
        response_metadata={**OURS, "finish_reason": finish},
    )
    history = [HumanMessage("Look."), message, ToolMessage("ok", tool_call_id="a1")]
    server.model(missing_signatures="skip").invoke(history)
    assert bypassed(server.bodies[0]) == ([] if is_signed else ["a1"])
    assert server.bodies[0]["messages"][1]["reasoning_details"] == [detail]


# References.

OPEN_API = '{"a": {"$ref": "#/$defs/A"}, "text": "say \\"$ref\\": no", "n": 1.50}'


@pytest.mark.parametrize("way", WAYS)
async def test_a_reference_in_a_result_is_written_as_another_key(way: str) -> None:
    server = Server(routed(REFERENCE))
    history = [HumanMessage("Look."), *step("a", extra=SIGNED, result=OPEN_API)]
    model = server.model()
    assert await ask(model, way, history) == "Hi"
    first, second = (body["messages"][-1]["content"] for body in server.bodies)
    assert first == OPEN_API == history[-1].content
    assert second == OPEN_API.replace('"$ref": "#', '"_$ref": "#')
    await ask(model, way, history)
    assert server.bodies[-1] == server.bodies[-2]


def test_a_remedy_is_remembered_by_all_that_configurable_fields_makes() -> None:
    server = Server(flat(MISSING))
    changed = server.model().configurable_fields(temperature=ConfigurableField(id="t"))
    for number in range(3):
        changed.with_config(configurable={"t": number / 10}).invoke(HISTORY)
    assert len(server.bodies) == 4
    changed.invoke(HISTORY)
    assert len(server.bodies) == 5


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda model: model.model_copy(update={"top_p": 0.5})]
)
def test_a_copy_knows_what_helped_the_model(copied: Callable[[Any], Any]) -> None:
    server = Server(flat(MISSING))
    model = server.model()
    model.invoke(HISTORY)
    assert len(server.bodies) == 2
    copied(model).invoke(HISTORY)
    assert len(server.bodies) == 3


async def test_both_remedies_may_be_needed_at_once() -> None:
    server = Server(flat(MISSING), flat(REFERENCE))
    assert await ask(server.model(), "ainvoke", [*HISTORY, *step("e", result=OPEN_API)]) == "Hi"
    assert bypassed(server.bodies[-1]) == ["b1", "d1", "e1"]
    assert "$ref" not in json.loads(server.bodies[-1]["messages"][-1]["content"])["a"]


# Advice.


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (MISSING, "missing_signatures"),
        (PRESERVED, "missing_signatures"),
        ("Corrupted thought signature.", "keep the AI messages as they came"),
        ("Invalid `thought_signature`.", "keep the AI messages as they came"),
        ("Missing `thought_signature` in a call.", "missing_signatures"),
        ("missing thoughtSignature", "missing_signatures"),
        ("missing required thought_signature", "missing_signatures"),
        (REFERENCE, "reference to an attached file"),
        (EQUAL, "one ToolMessage"),
        (ORDER, "start_on='human'"),
        (ANY_OF, "beside anyOf"),
        ("parameters.properties[a].enum: only allowed for STRING type", "make the values strings"),
        ("Duplicate function declaration found: f", "same name"),
        (
            "The specified schema produces a constraint that has too many states for serving.",
            "too complex",
        ),
        ("* GenerateContentRequest.contents[1].parts: contents.parts must not be empty.", "leave"),
        (EMPTY, "leave it out"),
        ("tools: must hold at most 128 items, received 130", "takes 128"),
        ("Too many tools: 200", "takes 128"),
    ],
)
def test_a_known_refusal_has_one_line_of_advice(
    words: str, advice: str, shape: Callable[[str], Json]
) -> None:
    server = Server(*[shape(words)] * 2)
    with pytest.raises(AIMLAPIInvalidRequestError) as caught:
        server.model(missing_signatures="send").invoke("Hi")
    assert words[:40] in str(caught.value)
    assert advice in str(caught.value)
    assert len(server.bodies) == 1


@pytest.mark.parametrize("status", [400, 429, 500])
def test_other_words_and_other_statuses_have_none(status: int) -> None:
    words = "temperature: too hot" if status == 400 else MISSING
    server = Server(flat(words) | {"statusCode": str(status)}, status=status)
    with pytest.raises(AIMLAPIError) as caught:
        server.model().invoke(HISTORY)
    assert "missing_signatures" not in str(caught.value)
    assert len(server.bodies) == 1
