"""Plain facts: about the served models, where LangChain's tools look for them, and the version.

In goes a model id, out comes what is known of it. The doors are `_profiles` (the name is
LangChain's), `version` and the rate of credits.
"""

# Inferred from three pairs in the gateway's documentation (2480 credits = $0.00124, 120000 = $0.06,
# 500000 = $0.25), read 2026-11-21; used only where no amount in USD arrived, and then marked.
CREDITS_PER_USD = 2_000_000
