"""One OpenTelemetry span for each call, in the form of the GenAI semantic conventions.

Active when the application has imported `opentelemetry.trace` and set a tracer provider; otherwise
a call costs one look into `sys.modules`. Prompts and answers are never put into a span.

Source:
    opentelemetry.io/docs/specs/semconv/gen-ai, names of opentelemetry-semantic-conventions 0.66b.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from langchain_aimlapi._codec.metadata import PROVIDER
from langchain_aimlapi._http.watch import begin_watched
from langchain_aimlapi.data.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from uuid import UUID

    from langchain_core.messages import AIMessage
    from langchain_core.outputs import ChatGeneration
    from opentelemetry.trace import Span

    from langchain_aimlapi._http.call import Call
    from langchain_aimlapi._http.watch import Watcher

    Observer = Callable[..., None]

_REQUEST = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "seed": "gen_ai.request.seed",
    "n": "gen_ai.request.choice.count",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
}
_RESPONSE = {
    "model_name": "gen_ai.response.model",
    "id": "gen_ai.response.id",
    "inference_id": "aimlapi.inference_id",
    "client_request_id": "aimlapi.client_request_id",
    "credits_used": "aimlapi.credits_used",
    "usd_spent": "aimlapi.usd_spent",
    "provider": "aimlapi.upstream_provider",
}


_NOBODY: AbstractContextManager[None] = nullcontext()


def observed(
    call: Call, run_id: UUID | None = None
) -> AbstractContextManager[Observer | None, bool | None]:
    """Return a block that is given what each generation or chunk of the call is to be shown to.

    It is given `None` if nobody looks.

    Args:
        call: The call that begins now and ends with the block.
        run_id: The run that it is made for; who watches it is told of the call.

    Raises:
        AIMLAPIBudgetError: A watcher lets no further call begin.
    """
    watchers = begin_watched(call, run_id)
    span = _new_span(call)
    return _NOBODY if span is None and not watchers else _observing(span, watchers)


@contextmanager
def _observing(span: Span | None, watchers: list[Watcher]) -> Iterator[Observer | None]:
    try:
        yield None if span is None else _Notes(span).note
    except BaseException as error:
        for watcher in watchers:
            watcher.fail(error)
        if span is not None:
            _tell_failure(span, error)
        raise
    finally:
        if span is not None:
            span.end()


def _new_span(call: Call) -> Span | None:
    trace: Any = sys.modules.get("opentelemetry.trace")
    # A module that another thread is just importing is there before its functions are.
    get_tracer = getattr(trace, "get_tracer", None)
    if get_tracer is None:
        return None
    span: Span = get_tracer("langchain_aimlapi", __version__).start_span(
        f"chat {call.model}", kind=trace.SpanKind.CLIENT
    )
    # Sampled out: nothing would keep what is noted.
    if not span.is_recording():
        return None
    span.set_attributes(_request_attributes(call))
    return span


def _request_attributes(call: Call) -> dict[str, Any]:
    address = urlsplit(call.url)
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": PROVIDER,
        "gen_ai.request.model": call.model,
        "gen_ai.request.stream": call.is_stream,
        "server.address": address.hostname or "",
        "server.port": address.port or (443 if address.scheme == "https" else 80),
        "aimlapi.client_request_id": call.client_request_id,
    }
    attributes.update(
        (name, value)
        for key, name in _REQUEST.items()
        if isinstance(value := call.request.get(key), int | float)
    )
    if stop := call.request.get("stop"):
        attributes["gen_ai.request.stop_sequences"] = [stop] if isinstance(stop, str) else [*stop]
    return attributes


class _Notes:
    """Writes what a call brings into its span."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._started = time.monotonic()
        self._reasons: list[str] = []

    def note(self, *generations: ChatGeneration) -> None:
        for generation in generations:
            self._note(cast("AIMessage", generation.message))

    def _note(self, message: AIMessage) -> None:
        # Only pieces of a stream have that field; a whole answer has no first chunk to wait for.
        if self._started and getattr(message, "tool_call_chunks", None) is not None:
            waited = time.monotonic() - self._started
            self._span.set_attribute("gen_ai.response.time_to_first_chunk", waited)
            self._started = 0.0
        facts = message.response_metadata
        if "finish_reason" in facts:
            self._reasons.append(facts["finish_reason"])
            self._span.set_attribute("gen_ai.response.finish_reasons", self._reasons)
        # Only the last chunk of a stream has any: the others cost one look.
        if facts.keys() & _RESPONSE.keys():
            self._span.set_attributes(_answer_attributes(facts, message))


def _answer_attributes(facts: Mapping[str, Any], message: AIMessage) -> dict[str, Any]:
    attributes = {name: facts[key] for key, name in _RESPONSE.items() if key in facts}
    if usage := message.usage_metadata:
        inputs = usage.get("input_token_details") or {}
        outputs = usage.get("output_token_details") or {}
        counts = {
            "gen_ai.usage.input_tokens": usage["input_tokens"],
            "gen_ai.usage.output_tokens": usage["output_tokens"],
            "gen_ai.usage.cache_read.input_tokens": inputs.get("cache_read"),
            "gen_ai.usage.cache_creation.input_tokens": inputs.get("cache_creation"),
            "gen_ai.usage.reasoning.output_tokens": outputs.get("reasoning"),
        }
        attributes.update((name, count) for name, count in counts.items() if count is not None)
    return attributes


def _tell_failure(span: Span, error: BaseException) -> None:
    """Mark the span as failed; a stream that its reader breaks off has not failed."""
    if isinstance(error, GeneratorExit):
        return
    span.set_attribute("error.type", type(error).__qualname__)
    status = sys.modules["opentelemetry.trace"]
    span.set_status(status.Status(status.StatusCode.ERROR, type(error).__qualname__))
    # The text of an error stays out of the span: a server may quote the prompt in it.
    for name in ("inference_id", "status_code"):
        if value := getattr(error, name, None):
            span.set_attribute(f"aimlapi.{name}", value)
