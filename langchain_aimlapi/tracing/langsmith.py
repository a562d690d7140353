"""What LangSmith needs to show what a run cost.

LangSmith takes a cost that the caller knows from `usage_metadata["total_cost"]` in a run's
metadata. It cannot ride in a message's `usage_metadata`: langchain-core adds those up as whole
numbers, and refuses a second cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.tracers import LangChainTracer

from langchain_aimlapi.spend import decode_amount

if TYPE_CHECKING:
    from langchain_core.tracers.schemas import Run


class CostTracer(LangChainTracer):
    """Trace to LangSmith as usual, with the cost of each call of this endpoint.

    Pass it as a callback of the outermost call; with `LANGSMITH_TRACING` set it takes the place
    of the tracer that langchain-core would add. Everything else, the environment variables
    included, is as in `LangChainTracer`.

        agent.invoke(..., config={"callbacks": [CostTracer()]})

    Source:
        docs.langchain.com/langsmith/cost-tracking, "Sending costs directly", read 2026-11-21.
    """

    @staticmethod
    def _update_run_single(run: Run) -> None:
        """Add `total_cost` (USD) to a finished model run before it is sent."""
        usd = decode_amount(_response_metadata(run.outputs).get("usd_spent"))
        if usd is not None:
            metadata = run.extra.setdefault("metadata", {})
            # A cost that is there already is core's 0 for an answer out of the cache, and stays.
            usage = metadata.get("usage_metadata") or {}
            metadata["usage_metadata"] = {"total_cost": float(usd), **usage}
        LangChainTracer._update_run_single(run)  # noqa: SLF001  the method that this one extends


def _response_metadata(outputs: Any) -> dict[str, Any]:
    """Return the `response_metadata` of a traced answer, `{}` for other kinds of runs."""
    match outputs:
        case {
            "generations": [
                [{"message": {"kwargs": {"response_metadata": dict() as metadata}}}, *_],
                *_,
            ]
        }:
            return metadata
        case _:
            return {}
