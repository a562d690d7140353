"""Makes a `Call`: the codec's body of the messages, and the options of the call."""

from __future__ import annotations

import platform
import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from langchain_aimlapi._codec.request import encode_request
from langchain_aimlapi._codec.response_format import encode_schemas
from langchain_aimlapi._http.call import Call, read_limits
from langchain_aimlapi._json import encode_request_body
from langchain_aimlapi._version import __version__
from langchain_aimlapi.data._profiles import (
    deprecation_text,
    takes_tool_cache_marks,
    warn_if_deprecated,
    warn_undocumented_part,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from langchain_core.messages import BaseMessage

    from langchain_aimlapi._call_options import CallOptions
    from langchain_aimlapi._http.client_pool import Clients
    from langchain_aimlapi._settings import GeminiSettings

_USER_AGENT = f"langchain-aimlapi/{__version__} python/{platform.python_version()}"
# The gateway drops any other id without a word (docs.aimlapi.com/capabilities/
# request-tracing-and-cost, read 2026-11-21), and with it the way to its log.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def build_call(  # noqa: PLR0913  all keyword-only: what LangChain hands over, and ours
    model: GeminiSettings,
    options: CallOptions,
    *,
    messages: Sequence[BaseMessage],
    run_id: UUID | None,
    is_stream: bool,
    clients: Clients,
) -> Call:
    """Return everything that the transport needs for one call.

    Args:
        model: The model, for what a call cannot change: address, key, clients.
        options: What the call is made of besides the messages.
        messages: The conversation, oldest first.
        run_id: LangChain's id of the run, if it handed one over: becomes the client request id.
        is_stream: Whether a stream is asked for.
        clients: The model's own clients.

    Raises:
        ValueError: A message, setting or keyword cannot be sent; it is named.
    """
    request = _request(messages, options, is_stream=is_stream)
    model_id = str(request["model"])
    warn_if_deprecated(model_id)
    for kind in _part_kinds(request):
        warn_undocumented_part(kind, model=model_id)
    request_id = _request_id(options.client_request_id or str(run_id or uuid4()))
    return Call(
        body=encode_request_body(request),
        url=f"{model.base_url}/chat/completions",
        headers=_headers(request_id, options.extra_headers, is_stream=is_stream),
        api_key=model.api_key,
        model=model_id,
        is_stream=is_stream,
        limits=read_limits(options.timeout, is_stream=is_stream),
        max_retries=options.max_retries,
        empty_response_retries=options.empty_response_retries,
        client_request_id=request_id,
        advice=deprecation_text(model_id) or "",
        clients=clients,
        http_client=model.http_client,
        http_async_client=model.http_async_client,
        request=request,
    )


def _request(
    messages: Sequence[BaseMessage], options: CallOptions, *, is_stream: bool
) -> dict[str, Any]:
    """Return the body of the request."""
    settings = encode_schemas(options.wire)
    if tools := settings.get("tools"):
        settings["tools"] = _tools(tools, model=settings["model"])
    if is_stream:
        _ask_for_stream(settings, with_usage=options.stream_usage)
    request = encode_request(
        messages, settings=settings, missing_signatures=options.missing_signatures
    )
    return {**request, **options.extra_body}


def _part_kinds(request: dict[str, Any]) -> list[str]:
    """Return the types of parts in a body's user messages, each once, in their order."""
    return [
        *dict.fromkeys(
            part["type"]
            for message in request["messages"]
            if message["role"] == "user" and isinstance(message["content"], list)
            for part in message["content"]
        )
    ]


def _tools(tools: Sequence[dict[str, Any]], *, model: str) -> list[dict[str, Any]]:
    """Return tools without what the model's schema of a tool forbids."""
    return [*tools] if takes_tool_cache_marks(model) else [_unmarked(tool) for tool in tools]


def _unmarked(tool: dict[str, Any]) -> dict[str, Any]:
    """Return a tool without Anthropic's hint on caching, which would have the call refused."""
    return {key: value for key, value in tool.items() if key != "cache_control"}


def _ask_for_stream(settings: dict[str, Any], *, with_usage: bool) -> None:
    if (settings.get("n") or 1) > 1:
        msg = f"n={settings['n']} cannot be streamed: a stream has one answer. Use invoke or batch."
        raise ValueError(msg)
    settings["stream"] = True
    if with_usage:
        settings.setdefault("stream_options", {"include_usage": True})


def _request_id(given: object) -> str:
    request_id = str(given)
    if not _REQUEST_ID.fullmatch(request_id):
        msg = (
            f"client_request_id={request_id!r} would be dropped by the gateway: use 1 to 128 "
            "letters, digits and . _ : - without accents or spaces."
        )
        raise ValueError(msg)
    return request_id


def _headers(request_id: str, more: Mapping[str, Any], *, is_stream: bool) -> dict[str, str]:
    headers = {
        "accept": "text/event-stream" if is_stream else "application/json",
        "accept-encoding": "identity" if is_stream else "gzip, deflate",
        "content-type": "application/json",
        "user-agent": _USER_AGENT,
        "x-client-request-id": request_id,
    }
    for name, value in more.items():
        if not isinstance(value, str):
            msg = f"The value of header {name!r} is of type {type(value).__name__}; pass text."
            raise ValueError(msg)  # noqa: TRY004  as for all that a user may hand in
        headers[name.lower()] = value
    return headers
