"""A stranger's app: an agent with a tool that speaks HTTP, behind a web server."""

import os
from typing import TYPE_CHECKING, Any

import httpx
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from langchain_aimlapi import ChatAIMLGemini

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable

# As so many apps do: at import, and with a KeyError where there is none.
MODEL = ChatAIMLGemini(
    model="google/gemini-3-1-pro-preview",
    base_url=os.environ["AIMLAPI_API_BASE"],
    api_key=os.environ["AIMLAPI_API_KEY"],
)
SHOP = os.environ.get("SHOP_URL", "http://127.0.0.1:1")


def shop() -> httpx.Client:
    """Return a client of the shop, which knows us by a token in a header, and in queries."""
    token = os.environ["SHOP_TOKEN"]
    return httpx.Client(base_url=SHOP, headers={"X-Shop": token}, follow_redirects=True)


@tool
def orders(customer: str) -> str:
    """List the orders of a customer.

    Args:
        customer: The name.
    """
    with shop() as client:
        answer = client.get(f"/old/orders?t={os.environ['SHOP_TOKEN']}")  # moved: a redirect
        found = [answer.json()]
        while "next" in answer.links:
            answer = client.get(answer.links["next"]["url"])
            found.append(answer.json())
    return f"{len(found)} pages for {customer}: {found}"


def agent(question: str) -> str:
    """Answer a question, with the tool where the model asks for it."""
    model: Runnable[Any, AIMessage] = MODEL.bind_tools([orders])
    messages: list[BaseMessage] = [HumanMessage(question)]
    for _ in range(5):
        answer = model.invoke(messages)
        messages.append(answer)
        if not answer.tool_calls:
            return answer.text
        for call in answer.tool_calls:
            result = orders.invoke(call["args"])
            messages.append(ToolMessage(result, tool_call_id=call["id"]))
    raise RuntimeError("five rounds and no answer")


def careful(question: str) -> str:
    """Answer a question, whatever happens to the model."""
    fallback = FakeListChatModel(responses=["I do not know."])
    return MODEL.with_fallbacks([fallback]).invoke(question).text


async def chat(request: Request) -> JSONResponse:
    """Answer over the web."""
    asked = await request.json()
    return JSONResponse({"answer": agent(asked["question"])})


APP = Starlette(routes=[Route("/chat", chat, methods=["POST"])])
