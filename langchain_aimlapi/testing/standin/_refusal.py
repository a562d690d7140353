"""Whether a request is refused before anybody thinks about an answer: key, model, schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_aimlapi.testing.standin._schema import request_problem

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from langchain_aimlapi.testing.standin._exchange import Exchange
    from langchain_aimlapi.testing.standin._models import ModelFacts


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
    scheme, _, key = exchange.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        return 401, "Unauthorized: this endpoint needs a valid API key as a bearer token"
    if keys is not None and key.strip() not in keys:
        return 401, "Unauthorized: the API key is not valid"
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


def invalid(problem: str) -> str:
    """Return the message of a 400: the gateway's first line, then what is wrong."""
    return f"Body validation error\n{problem}"
