"""What LangChain hands over for one call, made into a `Call`."""

from __future__ import annotations

import platform
import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from langchain_aimlapi._codec.request import encode_request
from langchain_aimlapi._codec.tools import encode_tools
from langchain_aimlapi._http.call import Call, read_limits
from langchain_aimlapi._json import encode_request_body
from langchain_aimlapi._settings import ABOUT_FIELDS, OTHER_NAMES
from langchain_aimlapi._version import __version__
from langchain_aimlapi.data._profiles import (
    deprecation_text,
    takes_tool_cache_marks,
    warn_if_deprecated,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from langchain_core.messages import BaseMessage

    from langchain_aimlapi._http.client_pool import Clients
    from langchain_aimlapi._settings import GeminiSettings

_USER_AGENT = f"langchain-aimlapi/{__version__} python/{platform.python_version()}"
# Keywords of a call that are about the call itself, not parameters of the wire.
_ABOUT = frozenset({*ABOUT_FIELDS, "client_request_id", "extra_body", "extra_headers", "stream"})
# The gateway drops any other id without a word (docs.aimlapi.com/capabilities/
# request-tracing-and-cost, read 2026-11-21), and with it the way to its log.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def prepared_call(  # noqa: PLR0913  what LangChain hands over, one argument each
    model: GeminiSettings,
    *,
    messages: Sequence[BaseMessage],
    stop: list[str] | None,
    run_id: UUID | None,
    keywords: dict[str, Any],
    is_stream: bool,
    clients: Clients,
) -> Call:
    """Return everything that the transport needs for one call.

    Args:
        model: The model with its settings.
        messages: The conversation, oldest first.
        stop: LangChain's own argument of that name.
        run_id: LangChain's id of the run, if it handed one over: becomes the client request id.
        keywords: Keywords of the call: parameters of the wire, or about the call: `timeout`,
            `max_retries`, `empty_response_retries`, `missing_signatures`, `stream_usage`,
            `client_request_id`, `extra_headers`, `extra_body`.
        is_stream: Whether a stream is asked for.
        clients: The model's own clients.

    Raises:
        ValueError: A message, setting or keyword cannot be sent; it is named.
    """
    model.check_overrides(keywords)
    about = _about_the_call(model, keywords)
    settings = model.wire_settings(
        {
            OTHER_NAMES.get(name, name): value
            for name, value in keywords.items()
            if name not in _ABOUT
        },
        stop=stop,
    )
    if tools := settings.get("tools"):
        settings["tools"] = _tools(tools, model=settings["model"])
    if is_stream:
        _ask_for_stream(settings, with_usage=about["stream_usage"])
    request = encode_request(
        messages,
        settings=settings,
        missing_signatures=about["missing_signatures"],
    )
    request.update(model.extra_body or {})
    request.update(about.get("extra_body") or {})
    return _call(
        model, request, about, str(run_id or uuid4()), is_stream=is_stream, clients=clients
    )


def _about_the_call(model: GeminiSettings, keywords: dict[str, Any]) -> dict[str, Any]:
    """Return what is about the call: its keywords, else the model's settings."""
    about: dict[str, Any] = {name: getattr(model, name) for name in ABOUT_FIELDS}
    about.update(
        (name, value)
        for name, value in keywords.items()
        if name in _ABOUT and (value is not None or name == "timeout")
    )
    for name in ("max_retries", "empty_response_retries"):
        if not isinstance(about[name], int) or about[name] < 0:
            msg = f"{name}={about[name]!r} is not a number of attempts: pass 0 or more."
            raise ValueError(msg)
    if about["missing_signatures"] not in ("send", "skip"):
        msg = f"missing_signatures={about['missing_signatures']!r} is neither 'send' nor 'skip'."
        raise ValueError(msg)
    return about


def _tools(tools: Sequence[Any], *, model: str) -> list[dict[str, Any]]:
    """Return tools as dicts, without what the model's schema of a tool forbids."""
    if not all(isinstance(tool, dict) for tool in tools):
        tools = encode_tools(tools)
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


def _call(  # noqa: PLR0913  the parts that `prepared_call` made
    model: GeminiSettings,
    request: dict[str, Any],
    about: dict[str, Any],
    run_id: str,
    *,
    is_stream: bool,
    clients: Clients,
) -> Call:
    model_id = str(request["model"])
    warn_if_deprecated(model_id)
    request_id = _request_id(about.get("client_request_id") or run_id)
    limits = read_limits(about["timeout"], is_stream=is_stream)
    return Call(
        body=encode_request_body(request),
        url=f"{model.aimlapi_api_base}/chat/completions",
        headers=_headers(
            request_id, model.default_headers, about.get("extra_headers"), is_stream=is_stream
        ),
        api_key=model.aimlapi_api_key,
        model=model_id,
        is_stream=is_stream,
        limits=limits,
        max_retries=about["max_retries"],
        empty_response_retries=about["empty_response_retries"],
        client_request_id=request_id,
        advice=deprecation_text(model_id) or "",
        clients=clients,
        http_client=model.http_client,
        http_async_client=model.http_async_client,
        request=request,
    )


def _request_id(given: object) -> str:
    request_id = str(given)
    if not _REQUEST_ID.fullmatch(request_id):
        msg = (
            f"client_request_id={request_id!r} would be dropped by the gateway: use 1 to 128 "
            "letters, digits and . _ : - without accents or spaces."
        )
        raise ValueError(msg)
    return request_id


def _headers(request_id: str, *others: dict[str, Any] | None, is_stream: bool) -> dict[str, str]:
    headers = {
        "accept": "text/event-stream" if is_stream else "application/json",
        "accept-encoding": "identity" if is_stream else "gzip, deflate",
        "content-type": "application/json",
        "user-agent": _USER_AGENT,
        "x-client-request-id": request_id,
    }
    for more in others:
        for name, value in (more or {}).items():
            if not isinstance(value, str):
                msg = f"The value of header {name!r} is of type {type(value).__name__}; pass text."
                raise ValueError(msg)  # noqa: TRY004  as for all that a user may hand in
            headers[name.lower()] = value
    return headers
