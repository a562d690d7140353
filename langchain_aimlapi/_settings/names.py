"""Names of settings: which names of other packages are taken, which are refused, and why.

People come from ChatGoogleGenerativeAI, ChatOpenAI and ChatOpenRouter with their names. One with a
clear equivalent is taken; one without is refused with what to use instead; any other is refused
with the nearest known name. The same holds for the constructor, copies and the keywords of a call.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from langchain_aimlapi._json import JsonMapping, JsonObject

# Other names of our settings.
SYNONYMS = {
    "additional_headers": "default_headers",
    "api_base": "base_url",
    "async_http_client": "http_async_client",
    "candidate_count": "n",
    "max_output_tokens": "max_tokens",
    "max_new_tokens": "max_tokens",
    "max_tokens_to_sample": "max_tokens",
    "model_id": "model",
    "model_name": "model",
    "openai_api_base": "base_url",
    "openrouter_api_base": "base_url",
    "random_seed": "seed",
    "request_timeout": "timeout",
    "retries": "max_retries",
    "stop_sequences": "stop",
    "stream": "streaming",
    "thinking_level": "reasoning_effort",
}
_KEY = "pass the key of AI/ML API as api_key (or set AIMLAPI_API_KEY)"
_CLOUD = "Google's cloud settings mean nothing here: the key alone decides"
_CLIENT = "pass http_client and http_async_client"
_PROXY = "set HTTPS_PROXY, or pass http_client=httpx.Client(proxy=...)"
_ADDRESS = "the address is base_url, by default AI/ML API's own"
_AZURE = "this is AI/ML API, not Azure: the id goes into model, the address into base_url"
_SCHEMA = "use with_structured_output(schema), or response_format={'type': 'json_schema', ...}"
_THINKING = "use reasoning_effort='low' ('medium', 'high') or reasoning={'max_tokens': ...}"
_RESPONSES_API = "there is no Responses API here; leave it out"
_OPENROUTER = "the gateway takes none of OpenRouter's routing; provider='google' pins a provider"
_GATEWAY_TAKES_NONE = "AI/ML API documents no such parameter; leave it out"
_TOOLS = "use bind_tools"

# Names of other packages without an equivalent, with what to use instead.
REPLACEMENTS = {
    "api_version": "give the version with base_url, as in https://api.aimlapi.com/v1",
    "app_categories": "use default_headers",
    "app_title": "use default_headers",
    "app_url": "use default_headers",
    "async_client": _CLIENT,
    "azure_ad_token": _KEY,
    "azure_ad_token_provider": "api_key takes a function that returns the key",
    "azure_deployment": _AZURE,
    "azure_endpoint": _AZURE,
    "cached_content": "the gateway has no stored caches; equal beginnings of prompts are cached by "
    "themselves (usage_metadata tells cache_read)",
    "client": _CLIENT,
    "client_args": _CLIENT,
    "client_options": "use base_url for the address, http_client for the rest",
    "context_management": _RESPONSES_API,
    "convert_system_message_to_human": "system messages are sent as such; leave it out",
    "credentials": _CLOUD,
    "custom_llm_provider": "the id names the model's maker, as in model='google/...'; leave it out",
    "default_metadata": "use default_headers",
    "default_metadata_input": "use default_headers",
    "default_query": "use http_client=httpx.Client(params=...)",
    "disabled_params": "only what you set is sent; leave it out",
    "endpoint": _ADDRESS,
    "endpoint_url": _ADDRESS,
    "extra_headers": "for every call use default_headers; extra_headers is a keyword of one call",
    "function_call": "use tool_choice",
    "functions": _TOOLS,
    "gemini_api_key": _KEY,
    "generation_config": "pass what is in it by itself: temperature=..., max_tokens=..., ...",
    "google_api_key": _KEY,
    "http_options": "use default_headers, timeout and base_url, or pass http_client",
    "http_socket_options": _CLIENT,
    "image_config": _GATEWAY_TAKES_NONE,
    "include": _RESPONSES_API,
    "include_response_headers": "response_metadata and errors carry what the headers say; "
    "leave it out",
    "include_thoughts": "thoughts come where the provider sends them; reasoning={'exclude': True} "
    "leaves them out",
    "labels": "use metadata or tags, which LangChain traces",
    "location": _CLOUD,
    "media_resolution": _GATEWAY_TAKES_NONE,
    "openai_api_key": _KEY,
    "openai_api_type": _AZURE,
    "openai_api_version": "give the version with base_url, as in https://api.aimlapi.com/v1",
    "openai_organization": "the gateway knows no organizations; the key alone decides",
    "openai_proxy": _PROXY,
    "openrouter_api_key": _KEY,
    "openrouter_provider": _OPENROUTER,
    "organization": "the gateway knows no organizations; the key alone decides",
    "plugins": _OPENROUTER,
    "project": _CLOUD,
    "prompt_cache_key": "equal beginnings of prompts are cached by themselves; leave it out",
    "prompt_cache_options": "equal beginnings of prompts are cached by themselves; leave it out",
    "proxies": _PROXY,
    "proxy": _PROXY,
    "response_json_schema": _SCHEMA,
    "response_mime_type": "use response_format={'type': 'json_object'}, or with_structured_output",
    "response_modalities": "choose a model that makes images, such as google/gemini-3-pro-image",
    "response_schema": _SCHEMA,
    "route": _OPENROUTER,
    "safety_settings": "the gateway takes none: Google's defaults hold; a filtered answer has "
    "response_metadata['finish_reason'] == 'content_filter'",
    "service_tier": _GATEWAY_TAKES_NONE,
    "session_id": "use client_request_id in a call, or metadata",
    "store": _RESPONSES_API,
    "stream_chunk_timeout": "use timeout: a number is also the silence between a stream's events",
    "system": "put a system message first",
    "system_instruction": "put a system message first",
    "thinking": _THINKING,
    "thinking_budget": _THINKING,
    "thinking_config": _THINKING,
    "tiktoken_model_name": "use custom_get_token_ids",
    "tool_config": _TOOLS,
    "trace": "use metadata, which LangChain traces",
    "transport": _CLIENT,
    "truncation": _RESPONSES_API,
    "use_previous_response_id": _RESPONSES_API,
    "use_responses_api": _RESPONSES_API,
    "verbosity": _GATEWAY_TAKES_NONE,
    "vertexai": _CLOUD,
    "wait_exponential_kwargs": "max_retries is the number of retries; the server's Retry-After, "
    "else a growing pause, is the wait",
}
# Parameters that the schemas of some ids list: no spelling mistakes.
_WITHOUT_SETTING = frozenset(
    {
        "cache_control",
        "logit_bias",
        "logprobs",
        "min_p",
        "normalize_tool_schemas",
        "repetition_penalty",
        "top_a",
        "top_k",
        "top_logprobs",
        "web_search_options",
    }
)
# Names of one setting: the field of each alias, the older and the newer name of the wire.
_SAME = {
    "aimlapi_api_base": "base_url",
    "aimlapi_api_key": "api_key",
    "max_completion_tokens": "max_tokens",
}
# Only in the constructor; in a call it is a parameter of the wire.
_OF_A_CALL = {"tools": _TOOLS}

_SECRET_PARTS = ("key", "token", "secret", "password", "credential", "authorization")
# Compared without `_` and `-`: `secretKey` and `secret_key` are one.
_CREDENTIALS = (
    *("accesskey", "apikey", "authkey", "privatekey", "secretkey", "accesskeyid"),
    *("accesstoken", "apitoken", "authtoken", "bearertoken", "refreshtoken", "sessiontoken"),
    *("authorization", "bearer", "credential", "credentials", "passwd", "password", "secret"),
)


def resolve_names(
    given: JsonMapping, *, known: Collection[str], owner: str, way_past: str
) -> JsonObject:
    """Return settings under our own names.

    Args:
        given: Settings by any name; not changed.
        known: Our own names, aliases included.
        owner: Whose settings these are, for errors.
        way_past: Where a parameter without a setting goes: `model_kwargs` or `extra_body`.

    Raises:
        ValueError: A name is not known, or two names of one setting have different values. Values
            are not shown: one may be a secret under a wrong name.
    """
    resolved: JsonObject = {}
    names: dict[str, str] = {}  # the name that each setting goes by
    said: dict[str, str] = {}  # the user's own name of each
    problems: list[str] = []
    for name, value in given.items():
        own = name if name in known else SYNONYMS.get(name, name)
        if own not in known:
            if value is not None or name not in REPLACEMENTS:
                problems.append(_problem(name, known=known, owner=owner, way_past=way_past))
            continue
        first = names.setdefault(_SAME.get(own, own), own)
        is_limit = own.endswith("timeout")  # of which `None` is a value
        if first not in resolved or (resolved[first] is None and not is_limit):
            names[_SAME.get(own, own)] = own
            resolved[own] = value
            said[own] = name
        elif (value is not None or is_limit) and not _is_same(resolved[first], value):
            other = said[first] if name == first else name
            problems.append(f"{first} is given twice, also as {other}: pass one of them.")
    if problems:
        raise ValueError(" ".join(problems))
    return resolved


def _is_same(first: object, second: object) -> bool:
    return first is second or bool(first == second)


def _problem(name: str, *, known: Collection[str], owner: str, way_past: str) -> str:
    if instead := REPLACEMENTS.get(name) or _OF_A_CALL.get(name):
        return f"{name} is not a setting of {owner}: {instead}."
    near = () if name in _WITHOUT_SETTING else {*known, *SYNONYMS, *REPLACEMENTS}
    close = get_close_matches(name.lower(), near, n=1, cutoff=0.7)
    if close and close[0] in REPLACEMENTS:
        return f"{name} is not a setting of {owner}, nor is {close[0]}: {REPLACEMENTS[close[0]]}."
    hint = f"; did you mean {close[0]}?" if close else "."
    # `max_tokens` holds no token.
    if any(part in name.lower().replace("tokens", "") for part in _SECRET_PARTS):
        return f"{name} is not a setting of {owner}{hint} The key is passed as api_key."
    return (
        f"{name} is not a setting of {owner}{hint} A parameter of the API that has no setting here "
        f"goes into {way_past}={{{name!r}: ...}}."
    )


def check_no_credentials(parameters: JsonMapping | None, *, where: str) -> None:
    """Refuse a credential among parameters that are sent, and so shown in traces.

    Args:
        parameters: Parameters of the request body.
        where: The setting that holds them.

    Raises:
        ValueError: A name is one of a credential; its value is not shown.
    """
    for name in parameters or {}:
        plain = str(name).lower().replace("-", "").replace("_", "")
        if plain.endswith(_CREDENTIALS) or plain in ("auth", "token"):
            msg = f"{where} holds {name!r}, which would be sent and shown in traces: {_KEY}."
            raise ValueError(msg)


def check_not_reserved(parameters: JsonMapping | None) -> None:
    """Refuse among further parameters what a call is made of.

    Raises:
        ValueError: A name is that of the model's id or of the messages.
    """
    for name, instead in (("model", "set it as model"), ("messages", "pass them to invoke")):
        if name in (parameters or {}):
            msg = f"model_kwargs holds {name!r}: {instead}."
            raise ValueError(msg)
