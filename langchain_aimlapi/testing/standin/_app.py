"""The stand-in as a web application: what happens to a request, first match wins.

No bearer key (401) - an unknown model (404) or a body that the schema does not allow (400) -
misbehaviour asked for - calls, results or signatures out of order (400) - an answer.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from langchain_aimlapi.data._profiles import served_models
from langchain_aimlapi.testing.standin import _openrouter
from langchain_aimlapi.testing.standin._answer import Reply
from langchain_aimlapi.testing.standin._exchange import (
    Exchange,
    Received,
    parse_body,
    public_headers,
)
from langchain_aimlapi.testing.standin._faults import Fault, fault
from langchain_aimlapi.testing.standin._gemini import request_refusal
from langchain_aimlapi.testing.standin._ids import Ids
from langchain_aimlapi.testing.standin._ledger import ACCOUNT_PATHS, AccountEndpoints, Ledger
from langchain_aimlapi.testing.standin._response import (
    SteppedResponse,
    apply_fault,
    json_bytes,
    stream_steps,
    upstream_error,
    whole_steps,
)
from langchain_aimlapi.testing.standin._rules import answer_by_rules
from langchain_aimlapi.testing.standin._schema import request_problem
from langchain_aimlapi.testing.standin._signatures import SignatureBook
from langchain_aimlapi.testing.standin._tokens import counts, limit_answer

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from langchain_aimlapi._json import JsonObject
    from langchain_aimlapi.data._profiles import ModelFacts
    from langchain_aimlapi.testing.standin._answer import Answer
    from langchain_aimlapi.testing.standin._response import Step

_BODILESS = frozenset({204, 304})
# A stand-in may serve a load test for hours.
_KEPT_REQUESTS = 10_000
_NO_FAULT = Fault()
_REFUSED = {
    401: "Unauthorized: this endpoint needs a valid API key as a bearer token",
    404: "There is no such model",
}


class Application:
    """The state and the routes of one stand-in.

    Args:
        keys: The accepted keys, or `None` for any.
        assume: Whether undocumented parts are let through.
        strict: Whether histories are judged strictly.
        dialect: `O`, `V`, or `None` for what the model's page showed.
        seed: What makes answers repeatable, or `None`.
    """

    def __init__(
        self,
        *,
        keys: Collection[str] | None,
        assume: bool,
        strict: bool,
        dialect: str | None,
        seed: str | None,
    ) -> None:
        self._keys = keys
        self._assume = assume
        self._strict = strict
        self._dialect = dialect
        self._ids = Ids(seed)
        self.book = SignatureBook(strict=strict)
        self.ledger = Ledger()
        self._facts = served_models()
        self.account = AccountEndpoints(self.ledger, self._facts)
        self.faults: deque[Fault] = deque()
        self.answers: deque[Answer] = deque()
        self.requests: deque[Received] = deque(maxlen=_KEPT_REQUESTS)
        self.stopping = threading.Event()
        self.asgi = Starlette(
            routes=[
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                # Documented as the same operation without a version (docs of 2026-08-21); some
                # clients ask there.
                Route("/chat/completions", self._chat, methods=["POST"]),
                *(Route(path, self._account) for path in ACCOUNT_PATHS),
            ],
            exception_handlers={HTTPException: self._no_route},
        )

    # --- routes

    async def _chat(self, request: Request) -> Response:
        exchange = self._exchange(request, parse_body(await request.body()))
        shown = public_headers(exchange.headers)
        self.requests.append(Received(request.method, exchange.path, shown, exchange.body))
        refused = refusal(exchange, keys=self._keys, facts=self._facts, assume=self._assume)
        if refused is None or refused[0] != 401:  # noqa: PLR2004  nobody's request is in no log
            self.ledger.open(exchange)
        if refused:
            return self._error(exchange, *refused)
        try:
            asked = self._asked_fault(exchange)
            return self._misbehave(exchange, asked) or self._answer(exchange, asked)
        # A fault, a schema or base64 that cannot be read, a result that is nested too deep.
        except (ValueError, RecursionError) as problem:
            return self._error(exchange, 400, invalid(str(problem)))

    async def _account(self, request: Request) -> Response:
        exchange = self._exchange(request, None)
        is_known = key_problem(exchange, keys=self._keys) is None
        answer = self.account.answer(
            exchange.path, request.url.query, exchange.headers, is_known=is_known
        )
        if isinstance(answer, str):
            return self._error(exchange, 400, invalid(answer))
        status, body, headers = answer
        if status in (401, 404):
            return self._error(exchange, status, _REFUSED[status])
        return self._whole(exchange, [body] if body else [], status=status, headers=headers)

    async def _no_route(self, request: Request, failure: Exception) -> Response:
        status = failure.status_code if isinstance(failure, HTTPException) else 500
        message = f"Cannot {request.method} {request.url.path}"
        return self._error(self._exchange(request, None), status, message)

    def _exchange(self, request: Request, body: object) -> Exchange:
        headers = dict(request.headers)
        mint = self._ids
        return Exchange(request.url.path, headers, body, mint.nonce(body), mint.timestamp)

    # --- misbehaving

    def _asked_fault(self, exchange: Exchange) -> Fault:
        asked = exchange.headers.get("x-standin-fault")
        if asked:
            return fault(asked)
        return self.faults.popleft() if self.faults else _NO_FAULT

    def _misbehave(self, exchange: Exchange, asked: Fault) -> Response | None:
        """Return the response of a fault that is no answer at all, or `None`."""
        stream = exchange.body.get("stream")
        if asked.kind == "html":
            page = f"<html><head><title>{asked.message}</title></head><body></body></html>"
            return self._whole(exchange, [page.encode()], asked, status=asked.status or 502)
        if asked.status is not None:
            return self._error(exchange, asked.status, asked.message, asked)
        if asked.kind == "error-in-200" or (asked.kind == "error-event" and not stream):
            gateway = exchange.error(asked.code, asked.message)
            body = gateway if asked.variant == "gateway" else upstream_error(asked)
            return self._whole(exchange, [json_bytes(body)], asked)
        if asked.kind == "empty":
            respond = self._stream if stream else self._whole
            return respond(exchange, [], asked)
        return None

    # --- answering

    def _answer(self, exchange: Exchange, asked: Fault) -> Response:
        body = exchange.body
        problem = request_refusal(body, strict=self._strict) or self.book.problem(body["messages"])
        if problem:
            return self._error(exchange, 400, invalid(problem))
        dialect = self._dialect_of(exchange)
        if dialect not in {"O", "V"}:
            return self._error(exchange, 400, f"x-standin-dialect: must be O or V, not {dialect!r}")
        reply = self._reply(exchange, asked)
        # A stream that breaks with an error is billed nothing, as a failed request is; assumed.
        if asked.kind != "error-event":
            self.ledger.charge(exchange, reply.counts)
        for answer in reply.answers:
            self.book.remember(answer, details=self._details(reply, answer, dialect))
        if not body.get("stream"):
            steps = whole_steps(reply, dialect=dialect, fault=asked)
            return self._whole(exchange, steps, asked, headers=reply.counts.headers)
        steps = stream_steps(
            reply,
            dialect=dialect,
            include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
            fault=asked,
            error=exchange.error(asked.code, asked.message),
        )
        return self._stream(exchange, steps, asked)

    def _details(self, reply: Reply, answer: Answer, dialect: str) -> list[JsonObject]:
        if dialect == "V":
            return []
        return _openrouter.reasoning_details(answer, shows_reasoning=reply.shows_reasoning)

    def _dialect_of(self, exchange: Exchange) -> str:
        known = self._dialect or self._facts[exchange.body["model"]].dialect
        return exchange.headers.get("x-standin-dialect", known).upper()

    def _reply(self, exchange: Exchange, asked: Fault) -> Reply:
        body, nonce = exchange.body, exchange.nonce
        # An answer that a test gave is not limited: it is to arrive as it was given.
        if self.answers:
            answer = self.answers.popleft()
        else:
            answer = limit_answer(answer_by_rules(body), request=body)
        answer = apply_fault(answer, fault=asked)
        choices = 0 if asked.kind == "no-choices" else int(body.get("n") or 1)
        answers = tuple(
            self._ids.sign(answer, nonce=f"{nonce}-{choice}") for choice in range(choices)
        )
        reasoning = body.get("reasoning")
        return Reply(
            id=f"standin-{nonce}",
            created=self._ids.created,
            model=body["model"],
            answers=answers,
            counts=counts(body, answers=answers),
            shows_reasoning=not (isinstance(reasoning, dict) and reasoning.get("exclude")),
        )

    # --- responses

    def _error(
        self, exchange: Exchange, status: int, message: str, asked: Fault = _NO_FAULT
    ) -> Response:
        body = json_bytes(exchange.error(status, message))
        return self._whole(exchange, [body], asked, status=status)

    def _whole(
        self,
        exchange: Exchange,
        steps: Sequence[Step],
        asked: Fault = _NO_FAULT,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        steps = [] if status in _BODILESS else steps
        sent = sum(len(step) for step in steps if isinstance(step, bytes))
        unfinished = any(isinstance(step, str) for step in steps)
        kind = "text/html" if asked.kind == "html" else "application/json"
        # An answer that is cut promises more than comes, as a broken connection does.
        length = str(2 * sent if unfinished else sent)
        known = {"content-type": kind, "content-length": length, **exchange.answer_headers}
        return SteppedResponse(
            steps,
            status_code=status,
            headers={**known, **(headers or {}), **dict(asked.headers)},
            fault=asked,
            stopping=self.stopping,
        )

    def _stream(self, exchange: Exchange, steps: Sequence[Step], asked: Fault) -> Response:
        return SteppedResponse(
            steps,
            status_code=200,
            headers={"content-type": "text/event-stream", **exchange.answer_headers},
            fault=asked,
            stopping=self.stopping,
        )


def refusal(
    exchange: Exchange,
    *,
    keys: Collection[str] | None,
    facts: Mapping[str, ModelFacts],
    assume: bool,
) -> tuple[int, str] | None:
    """Return the status and the message of a refusal, or `None`.

    Args:
        exchange: The request.
        keys: The accepted keys, or `None` for any.
        facts: The served models.
        assume: Whether parts that only other ids document are let through.
    """
    # In the order in which a gateway can tell: no page says which of two faults is told first.
    if problem := key_problem(exchange, keys=keys):
        return 401, problem
    body = exchange.body
    if not isinstance(body, dict):
        return 400, invalid("body: expected an object in JSON")
    model = body.get("model")
    if not isinstance(model, str):
        return 400, invalid("model: required, a string")
    if model not in facts:
        return 404, f"There is no model {model!r}; the stand-in serves {', '.join(facts)}"
    problem = request_problem(body, facts=facts[model], assume=assume)
    return (400, invalid(problem)) if problem else None


def key_problem(exchange: Exchange, *, keys: Collection[str] | None) -> str | None:
    """Return what is wrong with the key of a request, or `None`."""
    scheme, _, key = exchange.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        return _REFUSED[401]
    if keys is not None and key.strip() not in keys:
        return "Unauthorized: the API key is not valid"
    return None


def invalid(problem: str) -> str:
    """Return the message of a 400: the gateway's first line, then what is wrong."""
    return f"Body validation error\n{problem}"
