"""Apps as they are written elsewhere, with the model chosen by a string of configuration."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import pytest
from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage
from pydantic import BaseModel

from langchain_aimlapi import ChatAIMLGemini, register, stream_parts
from langchain_aimlapi.registration import register_deepagents
from langchain_aimlapi.testing.standin.server import StandIn

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow
MODEL = "google/gemini-3-flash-preview"
NEEDS = "needs newer versions than the lowest"
base: Any = pytest.importorskip("langchain.chat_models.base", reason=NEEDS)


graph: Any = pytest.importorskip("langgraph.graph", reason=NEEDS)


class State(TypedDict):
    """What the template's graph holds."""

    messages: Annotated[list[BaseMessage], graph.add_messages]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.setattr(base, "_BUILTIN_PROVIDERS", dict(base._BUILTIN_PROVIDERS))
    base._get_chat_model_creator.cache_clear()
    with StandIn(strict=True) as running:
        monkeypatch.setenv("AIMLAPI_API_KEY", "sk-of-the-environment")
        monkeypatch.setenv("AIMLAPI_API_BASE", running.base_url)
        yield running


def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"Sunny in {city}."


async def test_the_react_agent_template_by_its_string(server: StandIn) -> None:
    prebuilt: Any = pytest.importorskip("langgraph.prebuilt", reason=NEEDS)

    def load_chat_model(fully_specified_name: str) -> Any:
        provider, _, name = fully_specified_name.partition("/")
        return base.init_chat_model(name, model_provider=provider)

    async def call_model(state: State) -> dict[str, Any]:
        model = load_chat_model(f"aimlapi/{MODEL}").bind_tools([get_weather])
        return {"messages": [await model.ainvoke([("system", "Help."), *state["messages"]])]}

    register()
    builder = graph.StateGraph(State)
    builder.add_node("call_model", call_model)
    builder.add_node("tools", prebuilt.ToolNode([get_weather]))
    builder.add_edge("__start__", "call_model")
    builder.add_conditional_edges("call_model", prebuilt.tools_condition)
    builder.add_edge("tools", "call_model")
    server.answer_next(tool_calls=[{"name": "get_weather", "args": {"city": "Oslo"}}])
    server.answer_next("It is sunny.")

    answer = await builder.compile().ainvoke({"messages": [HumanMessage("Oslo?")]})

    assert [message.type for message in answer["messages"]] == ["human", "ai", "tool", "ai"]
    assert answer["messages"][-1].text == "It is sunny."


async def test_deepagents_by_its_string_with_parallel_sub_agents_and_a_pdf(
    server: StandIn,
) -> None:
    deepagents: Any = pytest.importorskip("deepagents", reason=NEEDS)
    register_deepagents()
    scout = {"name": "scout", "description": "Looks.", "system_prompt": "Look."}
    agent = deepagents.create_deep_agent(model=f"aimlapi:{MODEL}", subagents=[scout])
    tasks = [
        {"name": "task", "args": {"description": place, "subagent_type": "scout"}}
        for place in ("Oslo", "Rome")
    ]
    server.answer_next(tool_calls=tasks)
    server.answer_next("Found.")
    server.answer_next("Found.")
    server.answer_next("Both found.")
    pdf = {"type": "file", "base64": "JVBERi0xLjQ=", "mime_type": "application/pdf"}
    question = HumanMessage(["Look into both.", pdf])

    inputs = {"messages": [question]}
    answer = await agent.ainvoke(inputs)
    again = await agent.ainvoke({"messages": [*answer["messages"], HumanMessage("And?")]})

    results = [one for one in answer["messages"] if isinstance(one, ToolMessage)]
    assert [result.text for result in results] == ["Found.", "Found."]
    assert answer["messages"][-1].text == "Both found."
    assert again["messages"][-1].text
    sent = json.dumps([request.body["messages"] for request in server.requests])
    assert '"file_data"' not in sent  # its profile says that the model takes none
    assert "does not support" in sent


class Clarify(BaseModel):
    """Whether to ask back."""

    need_clarification: bool


async def test_a_configurable_model_as_open_deep_research_has_it(server: StandIn) -> None:
    register()
    configurable = base.init_chat_model(configurable_fields=("model", "max_tokens", "api_key"))
    settings = {"model": f"aimlapi:{MODEL}", "max_tokens": 100, "api_key": None}
    chain = configurable.with_structured_output(Clarify).with_retry(stop_after_attempt=3)
    server.answer_next('{"need_clarification": false}')

    found = await chain.with_config({"configurable": settings}).ainvoke("Hello")
    bound = configurable.bind_tools([get_weather]).with_config({"configurable": settings})
    server.answer_next(tool_calls=[{"name": "get_weather", "args": {"city": "Oslo"}}])

    assert found == Clarify(need_clarification=False)
    assert (await bound.ainvoke("Oslo?")).tool_calls[0]["args"] == {"city": "Oslo"}
    assert [request.body["max_tokens"] for request in server.requests] == [100, 100]


def test_an_agents_stream_in_parts(server: StandIn) -> None:
    agents: Any = pytest.importorskip("langchain.agents", reason=NEEDS)
    register()
    agent = agents.create_agent(f"aimlapi:{MODEL}", tools=[get_weather])
    server.answer_next(
        reasoning="Ask the tool.", tool_calls=[{"name": "get_weather", "args": {"city": "Oslo"}}]
    )
    server.answer_next("It is sunny.")

    events = agent.stream({"messages": [("human", "Oslo?")]}, stream_mode=["messages", "updates"])
    parts = [*stream_parts(events)]

    kinds = [part.kind for part in parts]
    assert list(dict.fromkeys(kinds)) == [
        "thought",
        "tool_call",
        "cost",
        "tool_result",
        "text",
    ]
    assert kinds.count("tool_call") == kinds.count("tool_result") == 1
    assert kinds.count("cost") == 2
    assert "".join(part.text for part in parts if part.kind == "text") == "It is sunny."


def test_openinference_reads_model_tokens_and_cost(server: StandIn) -> None:
    openinference: Any = pytest.importorskip(
        "openinference.instrumentation.langchain", reason=NEEDS
    )
    trace: Any = pytest.importorskip("opentelemetry.sdk.trace")
    export: Any = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    processor: Any = pytest.importorskip("opentelemetry.sdk.trace.export")
    exporter = export.InMemorySpanExporter()
    provider = trace.TracerProvider()
    provider.add_span_processor(processor.SimpleSpanProcessor(exporter))
    instrumentor = openinference.LangChainInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    try:
        message = ChatAIMLGemini(model=MODEL, base_url=server.base_url).invoke("Hello")
    finally:
        instrumentor.uninstrument()

    [span] = [span for span in exporter.get_finished_spans() if span.name == "ChatAIMLGemini"]
    told = dict(span.attributes or {})
    usage = message.usage_metadata
    assert usage is not None
    assert told["llm.model_name"] == MODEL
    assert told["llm.token_count.prompt"] == usage["input_tokens"]
    assert told["llm.token_count.completion"] == usage["output_tokens"]
    assert told["llm.token_count.total"] == usage["total_tokens"]
    credits_used = message.response_metadata["credits_used"]
    assert f'"credits_used": {credits_used}' in str(told["output.value"])


def test_mem0_asks_through_its_adapter(server: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEM0_TELEMETRY", "False")
    adapter: Any = pytest.importorskip("mem0.llms.langchain", reason=NEEDS)
    configs: Any = pytest.importorskip("mem0.configs.llms.base", reason=NEEDS)
    llm = adapter.LangchainLLM(configs.BaseLlmConfig(model=ChatAIMLGemini(model=MODEL)))
    messages = [
        {"role": "system", "content": "Give the facts as JSON."},
        {"role": "user", "content": "I like tea."},
    ]
    function = {
        "name": "remember",
        "description": "Keep a fact.",
        "parameters": {
            "type": "object",
            "properties": {"fact": {"type": "string"}},
            "required": ["fact"],
        },
    }
    server.answer_next('{"facts": ["likes tea"]}')
    server.answer_next(tool_calls=[{"name": "remember", "args": {"fact": "likes tea"}}])

    told = llm.generate_response(messages, response_format={"type": "json_object"})
    called = llm.generate_response(messages, tools=[{"type": "function", "function": function}])

    assert json.loads(told) == {"facts": ["likes tea"]}
    assert called["tool_calls"] == [{"name": "remember", "arguments": {"fact": "likes tea"}}]
    assert [message["role"] for message in server.requests[0].body["messages"]] == [
        "system",
        "user",
    ]
