"""A web server that streams a model's answer to its reader, as an application would."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from langchain_aimlapi import ChatAIMLGemini


class WebApp:
    """Serves one model's streamed answer."""

    def __init__(self, model: ChatAIMLGemini) -> None:
        self._model = model
        self._socket = socket.create_server(("127.0.0.1", 0))
        routes = [Route("/", self._answer)]
        config = uvicorn.Config(
            Starlette(routes=routes),
            log_config=None,
            lifespan="off",
            loop="asyncio",
            ws="none",
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    async def _answer(self, _: Request) -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            async for chunk in self._model.astream("Tell me about Oslo"):
                yield chunk.text or " "

        return StreamingResponse(pieces())

    def __enter__(self) -> str:
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
