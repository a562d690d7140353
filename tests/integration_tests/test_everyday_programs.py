"""Programs as their authors write them, on a server that is as strict as Gemini."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.messages import AIMessage, trim_messages
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables import RunnablePassthrough
from langchain_core.runnables.history import RunnableWithMessageHistory
from langchain_core.vectorstores import InMemoryVectorStore
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import Command, Send, interrupt
from pydantic import BaseModel

from langchain_aimlapi.testing.standin import StandIn
from tests.integration_tests.agent_kit import EVERY_WAY, asked, counted, look, model_at, run

if TYPE_CHECKING:
    from langchain_aimlapi import ChatAIMLGemini
    from tests.integration_tests.agent_kit import Way

pytestmark = pytest.mark.parametrize("way", EVERY_WAY)
THREAD: Any = {"configurable": {"thread_id": "1"}}


def looks(server: StandIn, *queries: str) -> None:
    calls = [{"name": "look", "args": {"query": query}} for query in queries]
    server.answer_next(reasoning="Hm.", tool_calls=calls)


def kept_all(server: StandIn, *, calls: int) -> None:
    count = counted(server)
    assert (count.calls >= calls, count.lost) == (True, [])


async def test_answers_from_documents(server: StandIn, way: Way) -> None:
    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=8))
    store.add_documents([Document("Oslo lies in Norway."), Document("Rome lies in Italy.")])
    prompt = ChatPromptTemplate.from_messages(
        [("system", "Answer from:\n{context}"), ("human", "{question}")]
    )
    async with model_at(server, way) as model:
        found = store.as_retriever() | (
            lambda found: "\n".join(each.page_content for each in found)
        )
        given = {"context": found, "question": RunnablePassthrough()}
        chain = given | prompt | model | StrOutputParser()
        server.answer_next("In Norway.")
        if way.mode == "stream":
            answer = "".join(chain.stream("Where is Oslo?"))
        elif way.mode == "astream":
            answer = "".join([piece async for piece in chain.astream("Where is Oslo?")])
        else:
            answer = await chain.ainvoke("Where is Oslo?")
    assert answer == "In Norway."
    [system, human] = server.requests[0].body["messages"]
    assert ("Oslo lies" in system["content"], human["content"]) == (True, "Where is Oslo?")


class Themes(TypedDict):
    subjects: list[str]
    jokes: Annotated[list[str], operator.add]
    best: str


class Best(BaseModel):
    """The best of the jokes."""

    joke: str


async def test_maps_with_send_and_reduces(server: StandIn, way: Way) -> None:
    async with model_at(server, way) as model:

        async def joke(state: dict[str, str]) -> dict[str, list[str]]:
            answer = await model.ainvoke(f"A joke about {state['subject']}")
            return {"jokes": [answer.text]}

        async def choose(state: Themes) -> dict[str, str]:
            best = await model.with_structured_output(Best).ainvoke("\n".join(state["jokes"]))
            assert isinstance(best, Best)
            return {"best": best.joke}

        graph: Any = StateGraph(Themes)
        graph.add_node("joke", joke)
        graph.add_node("choose", choose)
        graph.add_conditional_edges(
            START,
            lambda state: [Send("joke", {"subject": each}) for each in state["subjects"]],
            ["joke"],
        )
        graph.add_edge("joke", "choose")
        graph.add_edge("choose", END)
        program: Any = graph.compile()
        final = await program.ainvoke({"subjects": ["cats", "dogs", "owls"]})
    assert [
        subject in joke for subject, joke in zip(final["subjects"], final["jokes"], strict=True)
    ]
    assert len(final["jokes"]) == 3
    assert final["best"]
    assert len(server.requests) == 4


def approving(model: ChatAIMLGemini) -> Any:
    """Return an agent whose calls a human looks over, written by hand."""
    bound = model.bind_tools([look])

    async def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await bound.ainvoke(state["messages"])]}

    def approve(state: MessagesState) -> dict[str, Any]:
        message = state["messages"][-1]
        assert isinstance(message, AIMessage)
        edited = interrupt(message.tool_calls)
        return {"messages": [message.model_copy(update={"tool_calls": edited})]}

    graph = StateGraph(MessagesState)
    graph.add_node("ask", ask)
    graph.add_node("approve", approve)
    graph.add_node("tools", ToolNode([look]))
    graph.add_edge(START, "ask")
    graph.add_conditional_edges("ask", tools_condition, {"tools": "approve", END: END})
    graph.add_edge("approve", "tools")
    graph.add_edge("tools", "ask")
    return graph.compile(checkpointer=InMemorySaver())


async def test_a_human_edits_what_an_interrupt_shows(way: Way) -> None:
    with StandIn() as server:  # a strict one refuses edits, which Google does not forbid
        async with model_at(server, way) as model:
            agent = approving(model)
            looks(server, "Oslo", "Rome")
            waiting = await agent.ainvoke(asked("Look."), THREAD)
            [shown] = waiting["__interrupt__"]
            edited = [{**shown.value[0], "args": {"query": "Bergen"}}, shown.value[1]]
            server.answer_next("Done.")
            await agent.ainvoke(Command(resume=edited), THREAD)
            server.answer_next("Yes.")
            final = await agent.ainvoke(asked("Sure?"), THREAD)
        kept_all(server, calls=4)
    assert final["messages"][-1].text == "Yes."
    sent = server.requests[-1].body["messages"]
    calls = [call for message in sent for call in message.get("tool_calls", ())]
    arguments = ['{"query":"Bergen"}', '{"query":"Rome"}']
    assert [call["function"]["arguments"] for call in calls] == arguments
    results = [message["content"] for message in sent if message["role"] == "tool"]
    assert results == ["found Bergen", "found Rome"]


async def test_a_trimmed_memory_stays_a_history(server: StandIn, way: Way) -> None:
    async with model_at(server, way) as model:
        trimmer = trim_messages(
            max_tokens=60,
            token_counter=model,
            strategy="last",
            start_on="human",
            allow_partial=False,
        )
        messages: list[Any] = []
        bound = model.bind_tools([look])
        for turn in range(4):
            messages.append(("human", f"Question {turn} about a town far away"))
            looks(server, f"town {turn}")
            step = await bound.ainvoke(trimmer.invoke(messages))
            messages += [step, look.invoke(step.tool_calls[0])]
            server.answer_next(f"Answer {turn}.")
            messages.append(await bound.ainvoke(trimmer.invoke(messages)))
    assert messages[-1].text == "Answer 3."
    longest = max(len(request.body["messages"]) for request in server.requests)
    assert longest < len(messages)
    assert all(request.body["messages"][0]["role"] == "user" for request in server.requests)
    kept_all(server, calls=4)


async def test_a_summarised_memory_stays_a_history(server: StandIn, way: Way) -> None:
    async with model_at(server, way) as model:
        summary = SummarizationMiddleware(model, trigger=("messages", 5), keep=("messages", 3))
        agent = create_agent(
            model,
            [look],
            middleware=[summary],
            checkpointer=InMemorySaver(),
            system_prompt="Short.",
        )
        for turn in range(3):
            if turn:
                server.answer_next("Summary: towns were looked up.")
            looks(server, f"town {turn}")
            server.answer_next(f"Answer {turn}.")
            final = await run(agent, asked(f"Question {turn}"), way.mode, THREAD)
    assert any("Summary: towns" in str(request.body) for request in server.requests)
    assert final["messages"][-1].text
    kept_all(server, calls=3)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # they point to LangGraph
async def test_a_chain_with_a_history_per_session(server: StandIn, way: Way) -> None:
    sessions: dict[str, InMemoryChatMessageHistory] = {}
    prompt = ChatPromptTemplate.from_messages(
        [("system", "Be kind."), MessagesPlaceholder("history"), ("human", "{question}")]
    )
    async with model_at(server, way) as model:
        chat = RunnableWithMessageHistory(
            prompt | model,
            lambda session_id: sessions.setdefault(session_id, InMemoryChatMessageHistory()),
            input_messages_key="question",
            history_messages_key="history",
        )
        for session in ("ann", "bob", "ann"):
            config: Any = {"configurable": {"session_id": session}}
            server.answer_next(f"Hello {session}.", reasoning="Who is it?")
            if way.mode in {"stream", "astream"}:
                _ = [piece async for piece in chat.astream({"question": "Hi"}, config)]
            else:
                await chat.ainvoke({"question": "Hi"}, config)
    assert [len(sessions[name].messages) for name in ("ann", "bob")] == [4, 2]
    roles = [message["role"] for message in server.requests[-1].body["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    answer = server.requests[-1].body["messages"][2]
    assert answer["content"] == "Hello ann."


class Report(BaseModel):
    """What was found."""

    town: str
    warm: bool


@pytest.mark.parametrize("strategy", [ToolStrategy, ProviderStrategy])
async def test_an_agent_that_ends_in_a_structure(
    server: StandIn, way: Way, strategy: type[Any]
) -> None:
    async with model_at(server, way) as model:
        agent = create_agent(
            model, [look], response_format=strategy(Report), checkpointer=InMemorySaver()
        )
        for town in ("Oslo", "Rome"):
            looks(server, town)
            if strategy is ToolStrategy:
                server.answer_next(
                    tool_calls=[{"name": "Report", "args": {"town": town, "warm": True}}]
                )
            else:
                server.answer_next(f'{{"town": "{town}", "warm": true}}')
            final = await run(agent, asked(f"How is {town}?"), way.mode, THREAD)
            assert final["structured_response"] == Report(town=town, warm=True)
    kept_all(server, calls=2)
