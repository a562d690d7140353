"""What traces say of a call: a span for OpenTelemetry, its cost for LangSmith.

In go a call and what it brings, out come attributes of a span or of a LangSmith run. The doors are
`spans.observed`, which the model uses, and `CostTracer`, which users pass as a callback; its tracer
is imported when the name is first asked for, so that the model loads none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_aimlapi.tracing.langsmith import CostTracer
else:

    def __getattr__(name: str) -> object:
        """Import `CostTracer` with LangSmith's tracer (PEP 562)."""
        if name != "CostTracer":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from langchain_aimlapi.tracing.langsmith import CostTracer

        return CostTracer


__all__ = ["CostTracer"]
