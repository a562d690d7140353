"""The doctor's checks: each asks the endpoint one thing, and says whether it is as assumed."""

from __future__ import annotations

import base64
import os
import struct
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from langchain_aimlapi import ChatAIMLGemini, cost_of, errors
from langchain_aimlapi.account import Account
from langchain_aimlapi.data import CREDITS_PER_USD

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx
    from langchain_core.messages import AIMessageChunk

    from langchain_aimlapi import SpendCallbackHandler
    from langchain_aimlapi.account import Model

_QUESTION = "What is the capital of Norway? Think first, then answer in one sentence."
_SCHEMA = {
    "title": "City",
    "description": "A city.",
    "type": "object",
    "properties": {"name": {"type": "string"}, "country": {"type": "string"}},
    "required": ["name", "country"],
}
_WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tell the weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found.

    Attributes:
        status: `holds`, `does not hold` or `not told`.
        words: What was seen.
    """

    status: Literal["holds", "does not hold", "not told"]
    words: str = ""


def holds(words: str = "") -> Verdict:
    """Return that it is as assumed."""
    return Verdict("holds", words)


def fails(words: str) -> Verdict:
    """Return that it is not as assumed."""
    return Verdict("does not hold", words)


def not_told(words: str) -> Verdict:
    """Return that nothing was seen either way."""
    return Verdict("not told", words)


def judge(is_so: object, words: str, otherwise: str) -> Verdict:
    """Return that it is as assumed, or not, with what was seen."""
    return holds(words) if is_so else fails(otherwise)


@dataclass
class Probe:
    """What the checks ask with; an answer that several of them look at is asked for once.

    Attributes:
        model_id: Whom to ask.
        base_url: The address up to `/v1`.
        api_key: The key.
        client: One client for all, so that response headers can be seen.
        spend: Counts what the checks spend, and stops them at its limit.
        headers: Response headers of the last response.
    """

    model_id: str
    base_url: str
    api_key: str
    client: httpx.Client
    spend: SpendCallbackHandler
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Messages keep only the headers that they know; the checks look at all of them.
        self.client.event_hooks["response"].append(self._note)

    def _note(self, response: httpx.Response) -> None:
        self.headers = dict(response.headers)

    def model(self, **settings: Any) -> ChatAIMLGemini:
        """Return a model that is counted and makes one attempt."""
        usual: dict[str, Any] = {
            "model": self.model_id,
            "api_key": self.api_key,
            "base_url": self.base_url,
            "http_client": self.client,
            "callbacks": [self.spend],
            # A retry would hide what is to be seen, and be billed.
            "max_retries": 0,
            # Thoughts count as output: with fewer a model that thinks may say nothing.
            "max_tokens": 2000,
        }
        return ChatAIMLGemini(**(usual | settings))

    @cached_property
    def account(self) -> Account:
        """The account of the key."""
        return Account(
            api_key=self.api_key,
            base_url=self.base_url,
            http_client=self.client,
            max_retries=0,
            cache_dir=Path(os.devnull),  # no folder: what is kept says nothing of today
        )

    @cached_property
    def served(self) -> Model | None:
        """The model as the catalogue has it."""
        return next((m for m in self.account.models() if m.has_name(self.model_id)), None)

    @cached_property
    def whole(self) -> tuple[AIMessage, Mapping[str, str]]:
        """An answer that was not streamed, with its response headers."""
        return self.model().invoke(_QUESTION), self.headers

    @cached_property
    def streamed(self) -> tuple[list[AIMessageChunk], AIMessage]:
        """A streamed answer: its chunks, and their sum."""
        chunks = [*self.model().stream(_QUESTION)]
        return chunks, _sum_of(chunks)


def _sum_of(chunks: list[Any]) -> AIMessage:
    summed: AIMessage = chunks[0] if len(chunks) == 1 else chunks[0] + chunks[1:]
    return summed


# ---------------------------------------------------------------- free of charge


def check_tls(probe: Probe) -> Verdict:
    """The address is reached over TLS whose certificate is trusted."""
    if urlsplit(probe.base_url).scheme != "https":
        return not_told(f"{urlsplit(probe.base_url).netloc} is asked over plain HTTP")
    try:
        probe.account.models()
    except errors.AIMLAPIConnectionError as error:
        if "certificate" in str(error).lower():
            return fails(str(error))
        raise
    return holds("the certificate is trusted")


def check_proxy(probe: Probe) -> Verdict:
    """The environment's proxies let the catalogue through."""
    parts = urlsplit(probe.base_url)
    proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    name = urlsplit(proxy).hostname if proxy else "none"  # without a password that it may hold
    try:
        probe.account.models()
    except errors.AIMLAPIConnectionError as error:
        if proxy is None:
            raise
        return fails(f"not reached through the proxy {name}: {error}")
    return holds(f"proxy: {name}")


def check_catalogue(probe: Probe) -> Verdict:
    """The catalogue lists the model, by id or alias."""
    if probe.served is None:
        return fails(f"{probe.model_id} is not listed; see `langchain-aimlapi models --live`")
    return holds(f"{probe.served.id} is served")


def check_etag(probe: Probe) -> Verdict:
    """The catalogue has a mark by which it can be kept."""
    probe.account.models()
    return judge("etag" in probe.headers, "there is an ETag", "there is no ETag")


def check_prices(probe: Probe) -> Verdict:
    """The catalogue quotes a price per token, in and out."""
    pricing = probe.served.pricing if probe.served else None
    if pricing is None:
        return fails("the catalogue quotes no price")
    rates = pricing.rate("input"), pricing.rate("output")
    # A rate of 0 is as good as none: a model that is served for nothing would be news.
    return judge(all(rates), "both rates are there", f"of kind {pricing.kind}, not per token")


def check_key(probe: Probe) -> Verdict:
    """The key is known and switched on."""
    return judge(not probe.account.key().disabled, "it is switched on", "the key is disabled")


def check_scopes(probe: Probe) -> Verdict:
    """The key may chat."""
    scopes = probe.account.key().scopes
    if scopes is None:
        return not_told("the key says nothing of scopes")
    return judge("model:chat" in scopes, ", ".join(scopes), f"only {', '.join(scopes) or 'none'}")


def check_limit(probe: Probe) -> Verdict:
    """The key is below its own limit."""
    key = probe.account.key()
    if key.limit is None:
        return holds("the key has no limit")
    # What the key spent is told per month alone, so no other limit can be held against it.
    if key.limit.retention != "month":
        return not_told(f"{key.limit.threshold} USD per {key.limit.retention}")
    return judge(
        key.monthly_usage < key.limit.threshold,
        f"below {key.limit.threshold} USD per month",
        f"{key.limit.threshold} USD of this month are spent",
    )


def check_balance(probe: Probe) -> Verdict:
    """There is something left on the account."""
    left = probe.account.balance().current_balance
    return judge(left > 0, "there is a balance", "the account is empty")


def check_wrong_key(probe: Probe) -> Verdict:
    """A wrong key is refused with 401 in the gateway's error shape."""
    return _check_refusal(probe, errors.AIMLAPIAuthenticationError, api_key="no-such-key-0000")


def check_wrong_parameter(probe: Probe) -> Verdict:
    """A wrong parameter is refused with 400 in the gateway's error shape."""
    # Past the settings, whose own check would refuse it before it is sent.
    return _check_refusal(
        probe, errors.AIMLAPIInvalidRequestError, extra_body={"temperature": "hot"}
    )


def _check_refusal(
    probe: Probe,
    expected: type[errors.AIMLAPIError],
    **settings: Any,
) -> Verdict:
    try:
        probe.model(**settings).invoke("Hello")
    except expected as error:
        body = error.body if isinstance(error.body, dict) else {}
        # The members of the one error body that is documented (read 2026-11-21).
        missing = {"message", "requestId", "statusCode"} - body.keys()
        words = f"{error.status_code}, but without {', '.join(sorted(missing))}"
        return judge(not missing, f"{error.status_code} with a message and an id", words)
    return fails("it was answered")


# ---------------------------------------------------------------- answers


def check_answer(probe: Probe) -> Verdict:
    """The model answers, with its finish reason and token counts."""
    message, _ = probe.whole
    told = {"finish_reason"} <= message.response_metadata.keys() and message.usage_metadata
    return judge(told and message.text, "text, finish reason, tokens", "something is missing")


def check_headers(probe: Probe) -> Verdict:
    """Answers carry `x-inference-id`, and our `X-Client-Request-Id` comes back."""
    message, headers = probe.whole
    sent = message.response_metadata["client_request_id"]
    missing = [
        name
        for name, is_there in (
            ("x-inference-id", headers.get("x-inference-id")),
            ("x-client-request-id", headers.get("x-client-request-id") == sent),
        )
        if not is_there
    ]
    return judge(not missing, "both ids are there", f"missing: {', '.join(missing)}")


def check_cost(probe: Probe) -> Verdict:
    """A whole answer says what it cost, in credits and USD."""
    return _check_cost(probe.whole[0])


def check_rate(probe: Probe) -> Verdict:
    """2,000,000 credits are one USD."""
    facts = probe.whole[0].response_metadata
    if facts.get("usd_spent_source", "derived") == "derived" or not facts.get("credits_used"):
        return not_told("credits and USD did not both come")
    if not cost_of(probe.whole[0]).usd:
        return fails("credits, but no USD")
    rate = float(facts["credits_used"]) / float(facts["usd_spent"])
    # A short answer costs so little that a rounded amount of USD is off by some thousandths.
    is_so = abs(rate - CREDITS_PER_USD) < CREDITS_PER_USD / 100
    return judge(is_so, "2,000,000 credits to the USD", f"{rate:,.0f} credits to the USD")


def check_log(probe: Probe) -> Verdict:
    """The account's log has the answer, by the id that we sent, at the same cost."""
    message, _ = probe.whole
    # The log has no filter by id, and an hour is its shortest period.
    for entry in probe.account.logs(period="1h"):
        if entry.client_request_id == message.response_metadata["client_request_id"]:
            is_same = entry.cost.credits == cost_of(message).credits
            return judge(is_same, "at the same cost", "at another cost than the answer said")
    return not_told("the log has no row yet")


def check_reasoning(probe: Probe) -> Verdict:
    """Thoughts come as text beside the answer."""
    message, _ = probe.whole
    if message.additional_kwargs.get("reasoning_content"):
        return holds("there is text")
    details = message.usage_metadata and message.usage_metadata.get("output_token_details")
    return not_told(f"{(details or {}).get('reasoning', 0)} reasoning tokens, no text")


def check_stream(probe: Probe) -> Verdict:
    """Streams come in pieces, and end with a finish reason and token counts."""
    chunks, message = probe.streamed
    told = "finish_reason" in message.response_metadata and message.usage_metadata
    words = f"{len(chunks)} pieces"
    return judge(told and message.text, words, f"{words}; something is missing at the end")


def check_stream_cost(probe: Probe) -> Verdict:
    """A stream says at its end what it cost, in credits and USD."""
    return _check_cost(probe.streamed[1])


def _check_cost(message: AIMessage) -> Verdict:
    facts = message.response_metadata
    if facts.get("usd_spent_source", "derived") == "derived":
        return judge("credits_used" in facts, "credits, no USD", "neither credits nor USD")
    return judge("credits_used" in facts, "credits and USD", "USD, no credits")


def check_round_trip(probe: Probe) -> Verdict:
    """A thought signature goes back with its call, and is taken (invoke)."""
    model = probe.model()
    return _round_trip(model, model.bind_tools([_WEATHER]).invoke(_weather_question()))


def check_streamed_round_trip(probe: Probe) -> Verdict:
    """A thought signature goes back with its call, and is taken (stream)."""
    model = probe.model()
    return _round_trip(model, _sum_of([*model.bind_tools([_WEATHER]).stream(_weather_question())]))


def _weather_question() -> list[BaseMessage]:
    return [HumanMessage("What is the weather in Oslo? Call get_weather.")]


def _round_trip(model: ChatAIMLGemini, called: AIMessage) -> Verdict:
    if not called.tool_calls:
        return not_told("the model did not call the tool")
    results = [ToolMessage("Rain.", tool_call_id=str(call["id"])) for call in called.tool_calls]
    model.bind_tools([_WEATHER]).invoke([*_weather_question(), called, *results])
    # Any other extra of a message with calls is a carrier of signatures, in either dialect.
    signed = [key for key in called.additional_kwargs if key != "reasoning_content"]
    return holds("it was taken") if signed else not_told("no signature came; the step was taken")


def check_forced_choice(probe: Probe) -> Verdict:
    """A tool that must be called is called."""
    message = probe.model().bind_tools([_WEATHER], tool_choice="any").invoke("Hello, I am in Oslo.")
    return judge(message.tool_calls, "it was called", "the model answered without it")


def check_json_schema(probe: Probe) -> Verdict:
    """`response_format` of type `json_schema` is obeyed."""
    return _check_structured(probe, "json_schema")


def check_function_calling(probe: Probe) -> Verdict:
    """Structured output by a forced function is obeyed."""
    return _check_structured(probe, "function_calling")


def check_json_mode(probe: Probe) -> Verdict:
    """`response_format` of type `json_object` gives JSON."""
    return _check_structured(probe, "json_mode")


def _check_structured(
    probe: Probe, method: Literal["json_schema", "function_calling", "json_mode"]
) -> Verdict:
    chain = probe.model().with_structured_output(_SCHEMA, method=method, include_raw=True)
    found = chain.invoke("Oslo in Norway, as JSON with the keys name and country.")
    parsed = found["parsed"]
    # JSON mode promises an object, not its keys.
    keys: set[str] = set() if method == "json_mode" else {"name", "country"}
    is_city = isinstance(parsed, dict) and keys <= parsed.keys()
    return judge(is_city, "the shape is right", f"got {str(found['raw'].text)[:80]!r}")


def check_image(probe: Probe) -> Verdict:
    """An image is taken."""
    picture = {"type": "image", "base64": _red_square(), "mime_type": "image/png"}
    question = {"type": "text", "text": "Which colour is this?"}
    message = probe.model().invoke([HumanMessage([question, picture])])
    return judge(message.text, "it was taken", "nothing was said")


def _red_square() -> str:
    """Return a red picture as base64: a PNG of one colour."""
    # Made here, so that no picture has to be shipped for one check; each row begins with 0, which
    # is the filter "none".
    size = 32
    rows = (b"\0" + b"\xff\0\0" * size) * size

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)  # 8 bits each of red, green, blue
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()


def check_effort(probe: Probe) -> Verdict:
    """`reasoning_effort` is taken, though not every id documents it."""
    message = probe.model(reasoning_effort="low").invoke(_QUESTION)
    return judge(message.text, "it was taken", "nothing was said")


def check_bypass(probe: Probe) -> Verdict:
    """Another model's call passes with `missing_signatures="skip"`."""
    call = {
        "name": "get_weather",
        "args": {"city": "Oslo"},
        "id": "call_of_another",
        "type": "tool_call",
    }
    history = [
        *_weather_question(),
        AIMessage("", tool_calls=[call]),
        ToolMessage("Rain.", tool_call_id="call_of_another"),
    ]
    model = probe.model(missing_signatures="skip")
    message = model.bind_tools([_WEATHER]).invoke(history)
    return judge(message.text or message.tool_calls, "it was taken", "nothing was said")
