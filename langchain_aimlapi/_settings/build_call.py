"""Makes a `Call`: the codec's body of the messages, and the options of the call."""

from __future__ import annotations

import logging
import platform
import re
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from langchain_aimlapi._codec.request import encode_parameters, write_messages
from langchain_aimlapi._codec.response_format import encode_schemas
from langchain_aimlapi._codec.tools import settle_tool_choice
from langchain_aimlapi._http.call import Call, read_limits
from langchain_aimlapi._json import encode_request_body
from langchain_aimlapi._settings.model_warnings import warn_if_deprecated, warn_undocumented_part
from langchain_aimlapi.data._profiles import (
    deprecation_text,
    takes_tool_cache_marks,
)
from langchain_aimlapi.data.version import __version__
from langchain_aimlapi.errors.mapping import remedy_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import BaseMessage

    from langchain_aimlapi._codec.encoded_messages import EncodedMessages
    from langchain_aimlapi._http.client_pool import Clients
    from langchain_aimlapi._json import JsonMapping, JsonObject
    from langchain_aimlapi._settings.call_options import CallOptions
    from langchain_aimlapi._settings.fields import GeminiSettings
    from langchain_aimlapi.errors import AIMLAPIError
    from langchain_aimlapi.errors.refusals import Remedies, Remedy

_logger = logging.getLogger("langchain_aimlapi")
_REMEDY_WORDS: dict[Remedy, str] = {
    "bypass_signatures": "Google's bypass value where a step has no thought signature",
    "rename_references": "another key for '$ref' in the results of tools",
    "rename_calls": "'_' for what a tool's name may not hold in earlier calls",
}
USER_AGENT = f"langchain-aimlapi/{__version__} python/{platform.python_version()}"
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
    remedies: Remedies,
    known: EncodedMessages,
) -> Call:
    """Return everything that the transport needs for one call.

    Args:
        model: The model, for what a call cannot change: address, key, clients.
        options: What the call is made of besides the messages.
        messages: The conversation, oldest first.
        run_id: LangChain's id of the run, if it handed one over: becomes the client request id.
        is_stream: Whether a stream is asked for.
        clients: The model's own clients.
        remedies: What helped earlier calls of this model.
        known: What earlier calls of this model have written of messages.

    Raises:
        ValueError: A message, setting or keyword cannot be sent; it is named.
    """
    writer = _Writer(messages, options, is_stream=is_stream, learned=remedies, known=known)
    model_id = writer.model_id
    warn_if_deprecated(model_id)
    for kind in writer.part_kinds:
        warn_undocumented_part(kind, model=model_id)
    request_id = _request_id(options.client_request_id, run_id)
    return Call(
        body=writer.body,
        url=f"{model.base_url}/chat/completions",
        headers=_headers(request_id, options.extra_headers, is_stream=is_stream),
        api_key=model.api_key,
        model=model_id,
        is_stream=is_stream,
        limits=read_limits(
            options.timeout, is_stream=is_stream, stream_timeout=options.stream_timeout
        ),
        max_retries=options.max_retries,
        empty_response_retries=options.empty_response_retries,
        client_request_id=request_id,
        advice=deprecation_text(model_id) or "",
        clients=clients,
        http_client=model.http_client,
        http_async_client=model.http_async_client,
        request=writer.request,
        remedy=writer.remedy,
    )


class _Writer:
    """Writes the body of one call, once more for each remedy that a refusal asks for.

    Attributes:
        request: The body but for its messages.
        body: The body as it was written last.
        model_id: The id that the request names.
        part_kinds: Types of the parts of user messages.
    """

    def __init__(
        self,
        messages: Sequence[BaseMessage],
        options: CallOptions,
        *,
        is_stream: bool,
        learned: Remedies,
        known: EncodedMessages,
    ) -> None:
        self._messages = messages
        self._options = options
        self._learned = learned
        self._known = known
        self._settings = _settings(options, is_stream=is_stream)
        self.model_id = str(options.extra_body.get("model", self._settings["model"]))
        self._applied = learned.of(self.model_id)
        self.request = self._request()
        self.body = self._body()

    def _request(self) -> JsonObject:
        request = {**encode_parameters(self._settings), **self._options.extra_body}
        if self._options.extra_body and not request.get("tools"):
            request = settle_tool_choice(request)
            del request["tool_choice"]  # without tools there is none to send
        if request.get("stream") and (n := request.get("n")) not in (None, 0, 1):
            msg = f"n={n!r} cannot be streamed: a stream has one answer. Use invoke or batch."
            raise ValueError(msg)
        return request

    def _body(self) -> bytes:
        written = write_messages(
            self._messages,
            known=self._known,
            missing_signatures=self._options.missing_signatures,
            remedies=self._applied,
        )
        given = self.request.get("messages")  # of `extra_body`, which wins
        if not (written.texts if given is None else given):
            msg = "There is nothing to send: pass at least one message that is not empty."
            raise ValueError(msg)
        self.part_kinds = written.kinds if given is None else _part_kinds(given)
        return encode_request_body(self.request, messages=written.texts if given is None else None)

    def remedy(self, failure: AIMLAPIError) -> bytes | None:
        """Return the body that may be taken where the last one was refused, `None` for none.

        Nothing that the user stored is changed: only what is sent is written in another way.
        """
        remedy = remedy_for(failure)
        if remedy is None or remedy in self._applied:
            return None
        self._applied |= {remedy}
        body = self._body()
        if body == self.body:
            return None
        self.body = body
        self._learned.add(self.model_id, remedy)
        _logger.warning(
            "model=%s refused a request (status %s): it is repeated with %s, and so begin later "
            "calls of this model; client_request_id=%s",
            self.model_id,
            failure.status_code,
            _REMEDY_WORDS[remedy],
            failure.client_request_id,
        )
        return body


def _settings(options: CallOptions, *, is_stream: bool) -> JsonObject:
    """Return the parameters of the wire, but the messages."""
    settings = encode_schemas(options.wire)
    if tools := settings.get("tools"):
        settings["tools"] = _tools(tools, model=settings["model"])
    if is_stream:
        _ask_for_stream(settings, with_usage=options.stream_usage)
    return settle_tool_choice(settings)


def _part_kinds(messages: Sequence[JsonObject]) -> list[str]:
    """Return the types of parts in user messages of the wire, each once, in their order."""
    return [
        *dict.fromkeys(
            part["type"]
            for message in messages
            if message["role"] == "user" and isinstance(message["content"], list)
            for part in message["content"]
        )
    ]


def _tools(tools: Sequence[JsonObject], *, model: str) -> list[JsonObject]:
    """Return tools without what the model's schema of a tool forbids."""
    return [*tools] if takes_tool_cache_marks(model) else [_unmarked(tool) for tool in tools]


def _unmarked(tool: JsonObject) -> JsonObject:
    """Return a tool without Anthropic's hint on caching, which would have the call refused."""
    return {key: value for key, value in tool.items() if key != "cache_control"}


def _ask_for_stream(settings: JsonObject, *, with_usage: bool) -> None:
    settings["stream"] = True
    if with_usage:
        settings.setdefault("stream_options", {"include_usage": True})


def _request_id(given: object, run_id: UUID | None) -> str:
    chosen = run_id or uuid4() if given is None else given
    if type(chosen) is UUID:
        return str(chosen)
    if isinstance(chosen, str | UUID) and _REQUEST_ID.fullmatch(request_id := str(chosen)):
        return request_id
    raise ValueError(
        f"client_request_id={given!r} would be dropped by the gateway: pass a UUID, or a text of "
        "1 to 128 letters, digits and . _ : - without accents or spaces."
    )


def _headers(request_id: str, more: JsonMapping, *, is_stream: bool) -> dict[str, str]:
    headers = {
        "accept": "text/event-stream" if is_stream else "application/json",
        "accept-encoding": "identity" if is_stream else "gzip, deflate",
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "x-client-request-id": request_id,
    }
    for name, value in more.items():
        if not isinstance(value, str):
            msg = f"The value of header {name!r} is of type {type(value).__name__}; pass text."
            raise ValueError(msg)  # noqa: TRY004  as for all that a user may hand in
        headers[name.lower()] = value
    return headers
