"""A cassette as steps of a conversation: what was sent, what came back, what it cost."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from langchain_aimlapi._json import JsonObject
from langchain_aimlapi.testing._cli.recorded_answer import (
    answer_chunks,
    json_value,
    mapping,
    mappings,
    recorded_answer,
)

_SIGNATURES = frozenset({"signature", "thought_signature", "thoughtSignature"})
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
"""What moves a cursor, hides text or turns its direction: a terminal must not obey a cassette."""


@dataclass(frozen=True)
class Part:
    """A piece of content: text, or a file by its kind, with its address where it has one."""

    kind: str
    text: str = ""


@dataclass(frozen=True)
class Call:
    """A call of a tool."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Message:
    """One message of either side."""

    role: str
    thought: str = ""
    parts: tuple[Part, ...] = ()
    calls: tuple[Call, ...] = ()
    call_id: str = ""
    signatures: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What it says, with a word for each part that is no text."""
        return "\n".join(
            part.text if part.kind == "text" else f"[{part.kind}]" for part in self.parts
        )


@dataclass(frozen=True)
class Spent:
    """What a step used: tokens as the wire counts them, the cost in its own words."""

    prompt: int = 0
    completion: int = 0
    reasoning: int = 0
    credits: str = ""
    dollars: str = ""


@dataclass(frozen=True)
class Step:
    """One request with its answer."""

    number: int
    request: str
    """The method and the address."""

    status: int
    origin: str
    """Of which kind the answer is, and from when."""

    is_continued: bool
    """Whether the messages of the request before were sent again; they are left out here."""

    sent: list[Message]
    received: list[Message]
    other: str = ""
    """The body of an answer that holds no message."""

    sent_other: str = ""
    """The body of a request that holds no message."""

    answer_id: str = ""
    spent: Spent = field(default_factory=Spent)
    is_counted: bool = False


def steps_of(cassette: JsonObject) -> Iterator[Step]:
    """Yield the steps of a cassette.

    Args:
        cassette: What `deserialize` returns.
    """
    before: list[object] = []
    for number, interaction in enumerate(cassette["interactions"], start=1):
        request, response = interaction["request"], interaction["response"]
        messages = mapping(json_value(request["body"])).get("messages")
        messages = messages if isinstance(messages, list) else []
        # A history that was trimmed or summarised is no continuation: it is shown whole.
        known = len(before) if messages[: len(before)] == before else 0
        yield _step(number, request, response, messages[known:], is_continued=bool(known))
        before = messages


def _step(
    number: int,
    request: JsonObject,
    response: JsonObject,
    messages: list[object],
    *,
    is_continued: bool,
) -> Step:
    body: bytes = response["body"]["string"]
    answer = recorded_answer(body)
    received = [
        _message({"role": "assistant", **mapping(choice.get("message"))})
        for choice in mappings(answer.get("choices"))
    ]
    # From the body and not from the answer as put together, which has no details.
    signatures = tuple(dict.fromkeys(_signatures_in(answer_chunks(body) or json_value(body))))
    if received:
        received[0] = Message(**{**vars(received[0]), "signatures": signatures})
    sent_body = request["body"] or b""
    return Step(
        number=number,
        request=f"{request['method']} {request['uri']}",
        status=response["status"]["code"],
        origin=_origin(response),
        is_continued=is_continued,
        sent=[_message(mapping(message)) for message in messages],
        received=received,
        other="" if received and "error" not in answer else _body_text(answer, body),
        sent_other="" if messages or is_continued else sent_body.decode("utf-8", "replace"),
        answer_id=str(answer.get("id") or ""),
        spent=_spent(answer, response["headers"]),
        is_counted=bool(mapping(answer.get("usage"))),
    )


def printable(text: str) -> str:
    r"""Return text with what a terminal would obey written out, such as `\x1b`."""
    return _UNPRINTABLE.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def _origin(response: JsonObject) -> str:
    provenance = mapping(response.get("provenance"))
    names = [name for name in ("kind", "source", "recorded_at") if name in provenance]
    return ", ".join(str(provenance[name]) for name in names) or "unknown provenance"


def _body_text(answer: JsonObject, body: bytes) -> str:
    return json.dumps(answer, ensure_ascii=False) if answer else body.decode("utf-8", "replace")


def _message(message: JsonObject) -> Message:
    functions = [
        (str(call.get("id") or ""), mapping(call.get("function")))
        for call in mappings(message.get("tool_calls"))
    ]
    return Message(
        role=str(message.get("role", "assistant")),
        thought=str(message.get("reasoning") or message.get("reasoning_content") or ""),
        parts=tuple(_parts(message.get("content"))),
        calls=tuple(
            Call(call_id, str(function.get("name")), str(function.get("arguments") or ""))
            for call_id, function in functions
        ),
        call_id=str(message.get("tool_call_id") or ""),
        signatures=tuple(dict.fromkeys(_signatures_in(message))),
    )


def _parts(content: object) -> Iterator[Part]:
    if content is None:
        return
    if not isinstance(content, list):
        yield Part("text", str(content))
        return
    for part in mappings(content):
        kind = str(part.get("type"))
        if part.get("text"):
            yield Part("text", str(part["text"]))
        else:
            given = part.get(kind)
            address = given.get("url") if isinstance(given, dict) else given
            yield Part(kind, address if isinstance(address, str) else "")


def _signatures_in(tree: object) -> Iterator[str]:
    """Yield the thought signatures that a JSON value holds, wherever it holds them."""
    if isinstance(tree, list):
        for value in tree:
            yield from _signatures_in(value)
    if not isinstance(tree, dict):
        return
    # OpenRouter's `reasoning.encrypted`; the other names are Google's and Anthropic's.
    is_encrypted = "encrypted" in str(tree.get("type", ""))
    for name, value in tree.items():
        is_one = name in _SIGNATURES or (is_encrypted and name == "data")
        if is_one and isinstance(value, str) and value:
            yield value
        else:
            yield from _signatures_in(value)


def _spent(answer: JsonObject, headers: dict[str, list[str]]) -> Spent:
    usage = mapping(answer.get("usage"))
    cost = mapping(mapping(answer.get("meta")).get("usage"))
    # `tokens_used` is what the older pages call it.
    charged = cost.get("credits_used") or cost.get("tokens_used")
    charged = charged or "".join(headers.get("x-aimlapi-credits-used", []))
    dollars = cost.get("usd_spent") or "".join(headers.get("x-aimlapi-usd-spent", []))
    details = mapping(usage.get("completion_tokens_details"))
    return Spent(
        prompt=_count(usage.get("prompt_tokens")),
        completion=_count(usage.get("completion_tokens")),
        reasoning=_count(details.get("reasoning_tokens")),
        credits=str(charged or ""),
        dollars=str(dollars or ""),
    )


def _count(value: object) -> int:
    is_count = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_count and math.isfinite(value) else 0  # type: ignore[call-overload,arg-type]  # is_count says so
