"""The stand-in server, running in a thread of its own on a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Literal, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from langchain_aimlapi.testing.standin._answer import Answer
from langchain_aimlapi.testing.standin._app import Application
from langchain_aimlapi.testing.standin._faults import fault

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from starlette.types import ASGIApp

    from langchain_aimlapi._json import JsonMapping, JsonObject
    from langchain_aimlapi.testing.standin._exchange import Received

# A loaded CI machine may take seconds to start a thread.
_START_SECONDS = 10.0
_SECONDS_TO_END = 2.0


class StandIn:
    """A server in the place of AI/ML API's chat completions, for tests and recordings.

    What an answer holds is told by rules (see `langchain_aimlapi.testing.standin`), or
    exactly by `answer_next`. Several may run at once; sync and async clients may call it.

    Args:
        keys: The bearer keys that are accepted; `None` takes any that is not empty.
        assume: Whether video, file and audio parts, which only some ids document, are let
            through for the others too. That the endpoint does so is assumed, not documented;
            it is on because LangChain's integration suite sends them. `False` holds every
            model to its documented schema.
        strict: Whether to refuse also what upstreams were seen to refuse in public reports, none
            of them on this endpoint: a call of the current turn without a signature where its
            step begins (Google's bypass value counts as one), edited names, arguments or
            `reasoning_details` or a part of these, altered signatures of earlier turns; a tool
            message without the `name` of its call, `$ref` as a key of its JSON; an assistant
            message with nothing in it, empty text parts; a conversation that the assistant
            begins; a `tool_choice` without tools, two tools of one name, a name that begins with
            a digit or dash. Whatever it is: missing, doubled, moved or corrupted signatures of
            its own, results apart from their calls or not as many as calls, and arguments that
            are not the text of a JSON object are refused.
        dialect: `O` (OpenRouter's) or `V` (Vertex'); `None` takes what the model's page
            showed. A request's header `x-standin-dialect` wins over both.
        seed: Makes answers repeatable: equal requests get equal answers, ids, signatures and
            times, in any order, streamed or not. `None` makes each its own.
        host: The address to listen on.
        port: The port; 0 takes a free one.

    Example:
        ```python
        with StandIn() as server:
            model = ChatAIMLGemini(
                model="google/gemini-3-flash-preview", base_url=server.base_url, api_key="any"
            )
            model.invoke("Hello")
            server.fail_next("status=429;retry-after=1")
            server.answer_next("Oslo", reasoning="Asked for a capital.")
        ```
    """

    def __init__(  # noqa: PLR0913 - each option is one kind of server, all by keyword
        self,
        *,
        keys: Collection[str] | None = None,
        assume: bool = True,
        strict: bool = False,
        dialect: Literal["O", "V"] | None = None,
        seed: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._address = (host, port)
        self._seed = seed
        self._application = Application(
            keys=keys, assume=assume, strict=strict, dialect=dialect, seed=seed
        )
        self._outer: ASGIApp = self._application.asgi
        self._socket: socket.socket | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """The address to give to a client as `base_url`, such as `http://127.0.0.1:4711/v1`.

        Raises:
            RuntimeError: The server is not running.
        """
        if self._socket is None:
            raise RuntimeError("The stand-in is not running: use it in `with StandIn() as server`.")
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"

    @property
    def requests(self) -> list[Received]:
        """The chat requests received so far, refused ones too, without keys; the last 10,000."""
        return list(self._application.requests)

    @property
    def ledger(self) -> list[JsonObject]:
        """The rows of the request log of all keys, newest first, as `GET /v2/logs` shows them.

        `cost`, `tokens`, `status`, `inference_id`, `client_request_id` and the like; what was
        answered is charged, also to a reader who went away.
        """
        return [row.shown() for row in self._application.ledger.rows()]

    @property
    def issued_signatures(self) -> dict[str, str | None]:
        """The thought signature of each tool call answered so far, by the call's id.

        `None` for the parallel calls after the first, which have none.
        """
        return self._application.book.issued

    def answer_next(  # noqa: PLR0913 - the parts of an answer, all by keyword
        self,
        text: str = "",
        *,
        reasoning: str = "",
        tool_calls: Sequence[JsonMapping] = (),
        finish_reason: str | None = None,
        native_finish_reason: str | None = None,
        extra: JsonMapping | None = None,
    ) -> None:
        """Give exactly this answer to the next request that is in order; calls queue up.

        Args:
            text: The visible text.
            reasoning: The reasoning text (dialect V counts it only).
            tool_calls: Mappings of `name`, `args` (a mapping, or text that is sent as it is)
                and optionally `id`. The server signs the first.
            finish_reason: `None` for `tool_calls` or `stop`, as fits.
            native_finish_reason: The upstream's word; `None` for `STOP`.
            extra: Keys beside the content, such as `refusal`, `annotations`, `images`.
        """
        calls = tuple((str(call["name"]), _arguments(call.get("args", {}))) for call in tool_calls)
        ids = tuple(str(call["id"]) for call in tool_calls if "id" in call)
        if ids and len(ids) != len(calls):
            raise ValueError("Give an `id` to each of the tool calls or to none.")
        answer = Answer(
            text=text,
            reasoning=reasoning,
            calls=calls,
            call_ids=ids,
            finish_reason=finish_reason or ("tool_calls" if calls else "stop"),
            native_finish_reason=native_finish_reason or "STOP",
            extra=dict(extra or {}),
        )
        self._application.answers.append(answer)

    def fail_next(self, text: str, *, times: int = 1) -> None:
        """Misbehave at the next valid requests; calls queue up.

        Args:
            text: How, such as `status=429;retry-after=1`; what the header `x-standin-fault`
                takes.
            times: For how many requests.

        Raises:
            ValueError: The text is not understood.
        """
        self._application.faults.extend([fault(text)] * times)

    def wrap(self, wrapper: Callable[[ASGIApp], ASGIApp]) -> None:
        """Put an ASGI app around the one that answers, before it starts.

        Args:
            wrapper: Makes the outer app of the inner one.
        """
        self._outer = wrapper(self._outer)

    def start(self) -> Self:
        """Listen; returns when requests are taken.

        Raises:
            OSError: The address is taken or unknown.
            RuntimeError: The server is running already, or did not start.
        """
        if self._socket is not None:
            raise RuntimeError("The stand-in is running already.")
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=512)
        # Connections inherit it. asyncio sets it only on sockets that name their protocol; without
        # it the end of each answer waits 40 ms for the client's delayed acknowledgement.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._application.stopping.clear()
        config = uvicorn.Config(
            self._outer,
            http=_QuietProtocol,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            access_log=False,
            server_header=False,
            # A seeded server's answers repeat to the byte, headers included.
            date_header=self._seed is None,
        )
        self._server = _Server(config)
        self._thread = threading.Thread(
            target=_run, args=(self._server, self._socket), name="stand-in", daemon=True
        )
        self._thread.start()
        self._await_start()
        return self

    def stop(self) -> None:
        """Stop: open streams end, the socket is closed. Does nothing when it does not run."""
        if self._server is not None and self._thread is not None:
            self._application.stopping.set()
            self._server.end()
            self._thread.join()
        if self._socket is not None:
            self._socket.close()
        self._server = self._thread = self._socket = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _await_start(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while self._server is not None and not self._server.started:
            if time.monotonic() > deadline or not (self._thread and self._thread.is_alive()):
                self.stop()
                raise RuntimeError(f"The stand-in did not start at {self._address}.")
            time.sleep(0.002)


class _Server(uvicorn.Server):
    """Ends as soon as it is told to; uvicorn looks ten times a second, and then waits as long."""

    _loop: asyncio.AbstractEventLoop | None = None

    def end(self) -> None:
        """Stop serving; safe from any thread."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: it has ended already
                self._loop.call_soon_threadsafe(self._told.set)

    async def main_loop(self) -> None:
        """Renew the date header each second until told to end."""
        self._told = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what is being answered end, for a moment; `asyncio.run` cancels the rest."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        deadline = time.monotonic() + _SECONDS_TO_END
        state, pause = self.server_state, 0.001
        while (state.connections or state.tasks) and time.monotonic() < deadline:
            await asyncio.sleep(pause)
            pause = min(2 * pause, 0.05)


def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    asyncio.run(server.serve(sockets=[listener]))


class _QuietProtocol(H11Protocol):
    """Does not report the responses that are left unfinished on purpose."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = logging.getLogger(__name__)
        self.logger.addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    return "without completing response" not in record.msg


def _arguments(args: object) -> str:
    return args if isinstance(args, str) else json.dumps(args, ensure_ascii=False)
