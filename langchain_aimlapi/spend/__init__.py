"""What a whole run spends, held under a limit, until it matches the bill.

    with get_spend_callback(max_usd="0.50") as spend:
        agent.invoke(...)
    print(spend)
    spend.reconcile(Account())

In go the events of LangChain's callbacks, out come costs. Counted is what the answers report,
whoever called the model inside the block: chains, agents, parallel branches, batches, tasks,
streams. A call of this endpoint that was broken off, cancelled or failed after it was sent, or that
came without a cost, is kept as an open item, and counts toward limits by what it may have cost at
most, until the account's log tells.

The doors are `SpendCallbackHandler`, `get_spend_callback`, `Cost`, `cost_of`, `OpenItem`.
"""

from langchain_aimlapi.spend.cost import Cost, cost_of, decode_amount
from langchain_aimlapi.spend.handler import SpendCallbackHandler, count_spend, get_spend_callback
from langchain_aimlapi.spend.open_items import OpenItem

__all__ = [
    "Cost",
    "OpenItem",
    "SpendCallbackHandler",
    "cost_of",
    "count_spend",
    "decode_amount",
    "get_spend_callback",
]
