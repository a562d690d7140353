"""The account behind a key: balance, usage, request log, key, catalogue, latencies.

    with Account() as account:
        account.balance().current_balance
        account.profile("google/gemini-3-flash-preview")

In go the key and questions, out come frozen dataclasses: money is a `Decimal`, times are aware. The
doors are `Account` and the records that it answers with. All of it is documented and none of it
was ever called from here: a body that is not as documented is an `AIMLAPIResponseError`.

Source:
    docs.aimlapi.com, service endpoints (aimlapi/api-docs of 2026-08-21), read 2026-11-26.
"""

from langchain_aimlapi.account.client import Account
from langchain_aimlapi.account.records import (
    Balance,
    Estimate,
    Key,
    KeyLimit,
    LogCost,
    LogEntry,
    LogTokens,
    Metrics,
    Modalities,
    Model,
    ModelInfo,
    ModelMetrics,
    Percentiles,
    Pricing,
    Usage,
    UsageGroup,
    UsageModel,
    UsageRequests,
)

__all__ = [
    "Account",
    "Balance",
    "Estimate",
    "Key",
    "KeyLimit",
    "LogCost",
    "LogEntry",
    "LogTokens",
    "Metrics",
    "Modalities",
    "Model",
    "ModelInfo",
    "ModelMetrics",
    "Percentiles",
    "Pricing",
    "Usage",
    "UsageGroup",
    "UsageModel",
    "UsageRequests",
]
