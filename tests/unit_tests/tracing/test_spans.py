from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import pytest
from langchain_core.messages import HumanMessage
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as names
from opentelemetry.trace import StatusCode

from langchain_aimlapi import AIMLAPIConnectionError, AIMLAPIRateLimitError, ChatAIMLGemini
from langchain_aimlapi.testing.standin import StandIn

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from opentelemetry.sdk.trace import ReadableSpan

MODEL = "google/gemini-3-flash-preview"


newest_names = pytest.mark.skipif(
    not hasattr(names, "GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK"),
    reason="the conventions' own list of names, which comes with the SDK, is older than these",
)


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    """An exporter of the one provider that a process may set."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> InMemorySpanExporter:
    exporter.clear()
    return exporter


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


def model_of(server: StandIn) -> ChatAIMLGemini:
    return ChatAIMLGemini(
        model=MODEL, api_key="secret-key", base_url=server.base_url, temperature=0.5, stop="END"
    )


def only(spans: InMemorySpanExporter) -> ReadableSpan:
    (span,) = spans.get_finished_spans()
    return span


@newest_names
def test_a_call_is_one_span_with_the_conventions_attributes(
    server: StandIn, spans: InMemorySpanExporter
) -> None:
    message = model_of(server).invoke("What is the capital of Norway?", max_tokens=99)
    span = only(spans)
    facts = dict(span.attributes or {})
    assert span.name == f"chat {MODEL}"
    assert span.kind is trace.SpanKind.CLIENT
    assert span.status.status_code is StatusCode.UNSET
    assert facts[names.GEN_AI_OPERATION_NAME] == "chat"
    assert facts[names.GEN_AI_PROVIDER_NAME] == "aimlapi"
    assert facts[names.GEN_AI_REQUEST_MODEL] == facts[names.GEN_AI_RESPONSE_MODEL] == MODEL
    assert facts[names.GEN_AI_REQUEST_TEMPERATURE] == 0.5
    assert facts[names.GEN_AI_REQUEST_MAX_TOKENS] == 99
    assert facts[names.GEN_AI_REQUEST_STOP_SEQUENCES] == ("END",)
    assert facts[names.GEN_AI_RESPONSE_FINISH_REASONS] == ("stop",)
    assert facts[names.GEN_AI_RESPONSE_ID] == message.response_metadata["id"]
    assert facts["aimlapi.inference_id"] == message.response_metadata["inference_id"]
    assert facts["aimlapi.client_request_id"] == message.response_metadata["client_request_id"]
    usage = message.usage_metadata
    assert usage is not None
    assert facts[names.GEN_AI_USAGE_INPUT_TOKENS] == usage["input_tokens"]
    assert facts[names.GEN_AI_USAGE_OUTPUT_TOKENS] == usage["output_tokens"]
    assert facts["server.address"] == "127.0.0.1"


@newest_names
async def test_streams_and_async_calls_tell_the_same(
    server: StandIn, spans: InMemorySpanExporter
) -> None:
    model = model_of(server)
    list(model.stream("What is the capital of Norway?"))
    assert [chunk async for chunk in model.astream("What is the capital of Norway?")]
    await model.ainvoke("What is the capital of Norway?")
    streamed, astreamed, whole = (
        dict(span.attributes or {}) for span in spans.get_finished_spans()
    )
    changing = {"aimlapi.client_request_id", "aimlapi.inference_id", names.GEN_AI_RESPONSE_ID}
    first_chunk = names.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK
    assert streamed.pop(first_chunk)
    assert astreamed.pop(first_chunk)
    assert streamed.keys() == astreamed.keys() == whole.keys()
    for name in whole.keys() - changing - {names.GEN_AI_REQUEST_STREAM}:
        assert streamed[name] == astreamed[name] == whole[name]


def test_a_failure_is_told_with_its_ids(server: StandIn, spans: InMemorySpanExporter) -> None:
    server.fail_next("status=429")
    with pytest.raises(AIMLAPIRateLimitError):
        model_of(server).invoke("Hello", max_retries=0)
    span = only(spans)
    facts = dict(span.attributes or {})
    assert span.status.status_code is StatusCode.ERROR
    assert facts["error.type"] == "AIMLAPIRateLimitError"
    assert facts["aimlapi.status_code"] == 429


def test_a_stream_that_its_reader_leaves_has_not_failed(
    server: StandIn, spans: InMemorySpanExporter
) -> None:
    stream = cast("Generator[Any]", model_of(server)._stream([HumanMessage("Say something.")]))
    with closing(stream) as chunks:
        next(chunks)
    span = only(spans)
    assert span.status.status_code is StatusCode.UNSET
    assert "error.type" not in (span.attributes or {})


def test_neither_key_nor_prompt_nor_answer_is_in_a_span(
    server: StandIn, spans: InMemorySpanExporter
) -> None:
    server.answer_next("A private answer.", reasoning="A private thought.")
    model_of(server).invoke("A private question.")
    told = only(spans).to_json()
    assert "private" not in told
    assert "secret-key" not in told


def test_what_did_not_arrive_is_not_told(server: StandIn, spans: InMemorySpanExporter) -> None:
    model = ChatAIMLGemini(model=MODEL, api_key="key", base_url=server.base_url)
    list(model.stream("What is the capital of Norway?", stream_usage=False))
    facts = dict(only(spans).attributes or {})
    assert names.GEN_AI_USAGE_INPUT_TOKENS not in facts
    assert names.GEN_AI_REQUEST_STOP_SEQUENCES not in facts


def test_a_failure_without_an_answer_has_no_ids_of_one(spans: InMemorySpanExporter) -> None:
    model = ChatAIMLGemini(model=MODEL, api_key="key", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(AIMLAPIConnectionError):
        model.invoke("Hello", max_retries=0)
    facts = dict(only(spans).attributes or {})
    assert facts["error.type"] == "AIMLAPIConnectionError"
    assert "aimlapi.inference_id" not in facts
    assert facts["server.port"] == 9


def test_a_trace_that_is_not_sampled_stays_so(server: StandIn, spans: InMemorySpanExporter) -> None:
    parent = trace.NonRecordingSpan(trace.SpanContext(1, 1, is_remote=True))
    with trace.use_span(parent):
        model_of(server).invoke("Hello")
    assert not spans.get_finished_spans()


def test_without_opentelemetry_calls_go_on(
    server: StandIn, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    assert model_of(server).invoke("Hello").content
    assert not spans.get_finished_spans()


def test_while_it_is_being_imported_calls_go_on(
    server: StandIn, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", ModuleType("opentelemetry.trace"))
    assert model_of(server).invoke("Hello").content
    assert not spans.get_finished_spans()


def test_where_it_is_not_installed_nothing_asks_for_it() -> None:
    code = (
        "import sys; sys.modules['opentelemetry'] = None; "
        "from langchain_aimlapi._cli.main import main; sys.exit(main(['Hello']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
