"""Whether a request body is one that the documented schema allows, as strict as it is written.

Source: the OpenAPI documents of `google/gemini-3-pro-preview`, `google/gemini-3-flash-preview`
and `google/gemini-3-7-flash` (aimlapi/api-docs of 2026-08-21), read 2026-11-21. What only
their prose says (names' pattern, 128 tools, four stop sequences, image formats) is held too.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from langchain_aimlapi.testing.standin import _checks as c

if TYPE_CHECKING:
    from langchain_aimlapi._json import JsonMapping
    from langchain_aimlapi.data._profiles import ModelFacts
    from langchain_aimlapi.testing.standin._checks import Check

_NAME = r"[A-Za-z0-9_-]{1,64}"
_URI = r"[A-Za-z][A-Za-z0-9+.-]*:.+"
_IMAGES = ("image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp")
_AUDIO = (
    *("wav", "mp3", "audio/x-aac", "audio/flac", "audio/mp3", "audio/m4a", "audio/mpeg"),
    *("audio/mpga", "audio/mp4", "audio/ogg", "audio/pcm", "audio/webm"),
)


def request_problem(body: JsonMapping, *, facts: ModelFacts, assume: bool) -> str | None:
    """Return what is wrong with a request body, naming the field, or `None`.

    Args:
        body: The parsed JSON body.
        facts: What the model that it names documents.
        assume: Whether parts that only other ids document (video, file, audio) are let
            through. That this endpoint does so for the older ids is assumed.
    """
    fields = {
        "model": c.string(),
        "messages": c.array(_message(facts, assume=assume), at_least=1),
    }
    return c.record(fields, _options(facts))(body, "") or _choice_problem(body)


def _choice_problem(body: JsonMapping) -> str | None:
    # Assumed: that a choice which cannot be met is refused is not written in the schema.
    names = [
        tool["function"]["name"] for tool in body.get("tools") or [] if tool["type"] == "function"
    ]
    choice = body.get("tool_choice")
    if choice == "required" and not body.get("tools"):
        return "tool_choice: 'required' needs tools"
    wanted = choice.get("function") if isinstance(choice, dict) else None
    if isinstance(wanted, dict) and wanted["name"] not in names:
        return f"tool_choice.function.name: no tool named {wanted['name']!r} is offered"
    return None


def _options(facts: ModelFacts) -> dict[str, Check]:
    strings = c.array(c.string(), at_most=4)
    penalty = c.either(**_numbers(c.number(minimum=-2, maximum=2)), null=c.null)
    options: dict[str, Check] = {
        "max_completion_tokens": c.number(minimum=1, whole=True),
        "max_tokens": c.number(minimum=1),
        "stream": c.boolean,
        "stream_options": c.record({"include_usage": c.boolean}),
        # The upper limit of `n` is the stand-in's own.
        "n": c.either(**_numbers(c.number(minimum=1, maximum=128, whole=True)), null=c.null),
        "temperature": c.number(minimum=0, maximum=2),
        "top_p": c.number(minimum=0.01, maximum=1),
        "stop": c.either(string=c.anything, array=strings, null=c.null),
        "prediction": _prediction(),
        "seed": c.number(minimum=1, whole=True),
        "response_format": _response_format(),
        "tools": c.array(_tool(newer=facts.newer), at_most=128),
        "tool_choice": _tool_choice(newer=facts.newer),
        "parallel_tool_calls": c.boolean,
        "frequency_penalty": penalty,
        "presence_penalty": penalty,
        "provider": c.string(),
        **_reasoning(facts),
    }
    return {**options, "normalize_tool_schemas": c.boolean} if facts.newer else options


def _numbers(check: Check) -> dict[str, Check]:
    return {"integer": check, "number": check}


def _reasoning(facts: ModelFacts) -> dict[str, Check]:
    # Elsewhere the schema knows neither key and forbids neither: anything passes.
    effort = c.string(values=("low", "medium", "high"))
    controls = {
        "effort": effort,
        "max_tokens": c.number(minimum=1, whole=True),
        "exclude": c.boolean,
    }
    reasoning = c.also(c.record({}, controls), _effort_or_tokens)
    checks = {"reasoning_effort": effort, "reasoning": reasoning}
    return {name: check for name, check in checks.items() if name in facts.reasoning}


def _effort_or_tokens(value: object, path: str) -> str | None:
    both = isinstance(value, dict) and {"effort", "max_tokens"} <= value.keys()
    return f"{path}.max_tokens: not together with effort" if both else None


def _cache_control(facts: ModelFacts) -> dict[str, Check]:
    control = c.record(
        {"type": c.string(values=("ephemeral",))}, {"ttl": c.string(values=("5m", "1h"))}
    )
    return {"cache_control": control} if facts.newer else {}


def _text_part(optional: dict[str, Check] | None = None) -> Check:
    return c.record({"type": c.string(), "text": c.string()}, optional)


def _message(facts: ModelFacts, *, assume: bool) -> Check:
    texts = c.array(c.tagged("type", {"text": _text_part(_cache_control(facts))}))
    parts = c.array(c.tagged("type", _user_parts(facts, assume=assume)))
    name = {"name": c.string()}
    user = c.record({"role": c.string(), "content": c.either(string=c.anything, array=parts)}, name)
    system = c.record(
        {"role": c.string(), "content": c.either(string=c.anything, array=texts)},
        name,
        closed=not facts.newer,
    )
    # The older documents know results as text alone.
    result = c.either(string=c.anything, array=texts) if facts.newer else c.string()
    tool = c.record(
        {"role": c.string(), "content": result, "tool_call_id": c.string()},
        {"name": c.either(string=c.anything, null=c.null)},
        closed=not facts.newer,
    )
    roles = {"user": user, "system": system, "tool": tool, "assistant": _assistant(facts)}
    return c.tagged("role", roles)


def _user_parts(facts: ModelFacts, *, assume: bool) -> dict[str, Check]:
    # Only the older documents have `format: uri`; that it is held to is assumed.
    url = c.string() if facts.newer else c.string(pattern=_URI)
    image = c.record(
        {"url": c.also(url, _data_uri(_IMAGES))},
        {"detail": c.string(values=("low", "high", "auto"))},
    )
    audio = c.record({"data": c.also(c.string(), _data), "format": c.string(values=_AUDIO)})
    pdf = c.also(c.string(), _data, _data_uri(("application/pdf",)))
    file = c.record({}, {"file_data": pdf, "filename": c.string(), "file_id": c.string()})
    extra = {
        "video_url": c.record({"url": c.also(c.string(), _data)}),
        "file": c.also(file, _file_source),
        "input_audio": audio,
    }
    cached = _cache_control(facts)
    parts = {
        "text": _text_part(cached),
        "image_url": c.record({"type": c.string(), "image_url": image}, cached),
    }
    for kind, check in extra.items():
        if assume or kind in facts.parts:
            parts[kind] = c.record({"type": c.string(), kind: check}, cached)
    return parts


def _file_source(value: object, path: str) -> str | None:
    good = isinstance(value, dict) and ("file_data" in value or "file_id" in value)
    return None if good else f"{path}.file_data: required"


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _data(value: object, path: str) -> str | None:
    """Return the problem with what must be an address, a data URI or base64."""
    text = value if isinstance(value, str) else ""
    if text.startswith(("http://", "https://")):
        return None
    head, _, rest = text.partition(",")
    encoded = rest if head.startswith("data:") else text
    good = bool(encoded) and _is_base64(encoded)
    return None if good else f"{path}: neither an address nor base64 data"


def _data_uri(media_types: tuple[str, ...]) -> Check:
    def check(value: object, path: str) -> str | None:
        if not isinstance(value, str) or not value.startswith("data:"):
            return None
        head, _, encoded = value.removeprefix("data:").partition(",")
        media_type = head.partition(";")[0]
        if media_type not in media_types:
            return f"{path}: unsupported media type {media_type!r}, expected {media_types}"
        good = head.endswith(";base64") and encoded and _is_base64(encoded)
        return None if good else f"{path}: not a base64 data URI"

    return check


def _assistant(facts: ModelFacts) -> Check:
    refusal = c.record({"type": c.string(), "refusal": c.string()})
    parts = c.array(
        c.tagged("type", {"text": _text_part(_cache_control(facts)), "refusal": refusal})
    )
    content = {"string": c.anything, "array": parts}
    if facts.newer:
        content["null"] = c.null
    optional = {
        "content": c.either(**content),
        "name": c.string(),
        "refusal": c.either(string=c.anything, null=c.null),
        "tool_calls": c.array(c.tagged("type", _call_types(newer=facts.newer))),
    }
    return c.also(c.record({"role": c.string()}, optional), _content_unless_calls)


def _content_unless_calls(value: object, path: str) -> str | None:
    good = isinstance(value, dict) and ("content" in value or value.get("tool_calls"))
    return None if good else f"{path}.content: required unless tool_calls is specified"


def _call_types(*, newer: bool) -> dict[str, Check]:
    extra = {"extra_content": c.record({})} if newer else {}
    function = c.record({"name": c.string(), "arguments": c.string()})
    custom = c.record({"name": c.string(), "input": c.string()})
    head = {"id": c.string(), "type": c.string()}
    types: dict[str, Check] = {"function": c.record({**head, "function": function}, extra)}
    return {**types, "custom": c.record({**head, "custom": custom}, extra)} if newer else types


def _prediction() -> Check:
    texts = c.array(c.tagged("type", {"text": _text_part()}))
    content = c.either(string=c.anything, array=texts)
    return c.record({"type": c.string(values=("content",)), "content": content})


def _response_format() -> Check:
    strict = c.either(boolean=c.boolean, null=c.null)
    schema = c.record(
        {"name": c.string(pattern=_NAME)},
        {"schema": c.record({}), "strict": strict, "description": c.string()},
        closed=True,
    )
    kind = {"type": c.string()}
    formats = {
        "text": c.record(kind, closed=True),
        "json_object": c.record(kind, closed=True),
        "json_schema": c.record({**kind, "json_schema": schema}, closed=True),
    }
    return c.tagged("type", formats)


def _tool(*, newer: bool) -> Check:
    parameters = {"parameters": c.record({})}
    optional = {
        "description": c.string(),
        "strict": c.either(boolean=c.boolean, null=c.null),
        **(parameters if newer else {}),
    }
    required = {"name": c.string(pattern=_NAME), **({} if newer else parameters)}
    function = c.record(required, optional, closed=not newer)
    kind = {"type": c.string()}
    tool = c.record({**kind, "function": function}, closed=not newer)
    other = c.record({"type": c.string(pattern=r".+")}) if newer else None
    return c.tagged("type", {"function": tool}, other=other)


def _tool_choice(*, newer: bool) -> Check:
    kind = {"type": c.string()}
    named = c.record({**kind, "function": c.record({"name": c.string()})})
    allowed = c.record(
        {"mode": c.string(values=("auto", "required")), "tools": c.array(c.record({}))}
    )
    choices: dict[str, Check] = {"function": named}
    if newer:
        choices["allowed_tools"] = c.record({**kind, "allowed_tools": allowed})
    words = c.string(values=("none", "auto", "required"))
    return c.either(string=words, object=c.tagged("type", choices))
