"""A hand-written LangGraph graph that stops before each tool; a process of its own goes on with it.

python tests/integration_tests/resumed_graph.py URL MODE DIALECT VERSION FILE ...
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, cast

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

from langchain_aimlapi import ChatAIMLGemini
from tests.integration_tests.agent_kit import MODEL, look, run

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable
    from langgraph.checkpoint.base import BaseCheckpointSaver

    from tests.integration_tests.agent_kit import Dialect, Mode

CONFIG = {"configurable": {"thread_id": "the thread"}}


def graph_of(model: Runnable[Any, Any], saver: BaseCheckpointSaver[Any]) -> Any:
    """Return the graph: ask the model, run its tools, ask again."""

    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    async def ask_async(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    is_async = isinstance(saver, AsyncSqliteSaver)
    graph.add_node("ask", cast("Any", ask_async if is_async else ask))
    graph.add_node("tools", ToolNode([look]))
    graph.add_edge(START, "ask")
    graph.add_conditional_edges("ask", tools_condition)
    graph.add_edge("tools", "ask")
    return graph.compile(checkpointer=saver, interrupt_before=["tools"])


async def go_on(model: ChatAIMLGemini, mode: Mode, file: str, prompt: str = "") -> bool:
    """Run the graph until it stops; return whether it is at its end."""
    given = {"messages": [("human", prompt)]} if prompt else None
    bound = model.bind_tools([look])
    if mode in {"ainvoke", "astream"}:
        async with AsyncSqliteSaver.from_conn_string(file) as saver:
            graph = graph_of(bound, saver)
            await run(graph, given, mode, CONFIG)
            return not (await graph.aget_state(CONFIG)).next
    with SqliteSaver.from_conn_string(file) as saver_:
        graph = graph_of(bound, saver_)
        await run(graph, given, mode, CONFIG)
        return not graph.get_state(CONFIG).next


async def _main(url: str, mode: Mode, dialect: Dialect, version: str, file: str) -> None:
    model = ChatAIMLGemini(
        model=MODEL,
        base_url=url,
        api_key="any",
        max_retries=0,
        output_version=version,
        default_headers={"x-standin-dialect": dialect},
    )
    async with model:
        print("over" if await go_on(model, mode, file) else "waiting")


if __name__ == "__main__":
    for start in range(1, len(sys.argv), 5):
        asyncio.run(_main(*cast("Any", sys.argv[start : start + 5])))
