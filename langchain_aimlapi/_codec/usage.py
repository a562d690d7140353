"""Token counts of both response dialects, what the call cost.

Dialect O (OpenRouter) counts reasoning inside `completion_tokens`; dialect V (Vertex) leaves it
out, so that total = prompt + completion + reasoning. One rule covers both: what is not prompt is
output. Cost is counted by the gateway in credits.
"""

from __future__ import annotations

import sys
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, cast

from langchain_core.messages.ai import UsageMetadata

from langchain_aimlapi.data import CREDITS_PER_USD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails

    from langchain_aimlapi._json import JsonObject

# More than there is: a damaged figure.
_MOST_PLACES = 40  # of credits; written out, `1e-999999` would be a million digits
_MOST_CREDITS = 10**18
_INPUT_DETAILS = {
    "cached_tokens": "cache_read",
    "cache_write_tokens": "cache_creation",
    "audio_tokens": "audio",
    "video_tokens": "video",
    "image_tokens": "image",
}
_OUTPUT_DETAILS = {
    "reasoning_tokens": "reasoning",
    "audio_tokens": "audio",
    "image_tokens": "image",
}


def read_usage(usage: object) -> UsageMetadata | None:
    """Return LangChain's token counts, or `None` where the wire has no usable ones.

    Args:
        usage: `usage` of a completion or chunk, of any JSON type: `prompt_tokens`,
            `completion_tokens`, `total_tokens` plus their details.

    Returns:
        `input_tokens`, `output_tokens` (reasoning included), `total_tokens`, plus
        `input_token_details` (`cache_read`, `cache_creation`, `audio`, `video`, `image`) and
        `output_token_details` (`reasoning`, `audio`, `image`) as far as they arrived.

    Source:
        The documented answers of both target models; recorded answers of dialect V (2026).
    """
    if not isinstance(usage, dict):
        return None
    prompt = _count(usage.get("prompt_tokens"))
    completion = _count(usage.get("completion_tokens"))
    total = _count(usage.get("total_tokens")) or 0
    if prompt is None and completion is None:
        return None
    if prompt is None:
        prompt = max(total - (completion or 0), 0)
    # Dialect V leaves the reasoning out of `completion_tokens`, but not out of the total: the
    # output is what the prompt leaves of it.
    total = max(total, prompt + (completion or 0))
    counts = UsageMetadata(input_tokens=prompt, output_tokens=total - prompt, total_tokens=total)
    if inputs := _details(usage.get("prompt_tokens_details"), _INPUT_DETAILS, most=prompt):
        counts["input_token_details"] = cast("InputTokenDetails", inputs)
    output = counts["output_tokens"]
    if outputs := _details(usage.get("completion_tokens_details"), _OUTPUT_DETAILS, most=output):
        counts["output_token_details"] = cast("OutputTokenDetails", outputs)
    return counts


def token_usage(usage: JsonObject, counts: UsageMetadata | None) -> JsonObject:
    """Return the wire's usage with sums that are right, for those who price by it.

    Dialect V leaves the reasoning out of `completion_tokens`; here it is in, so that prompt and
    completion make the total. No detail exceeds what it is a part of.

    Args:
        usage: `usage` of a completion or chunk; returned itself if there is nothing to put right.
        counts: What `read_usage` reads of it.
    """
    if counts is None:
        return usage
    parts = (
        ("prompt_tokens", "prompt_tokens_details", counts["input_tokens"]),
        ("completion_tokens", "completion_tokens_details", counts["output_tokens"]),
    )
    put_right: JsonObject = {}
    if "total_tokens" in usage and usage["total_tokens"] != counts["total_tokens"]:
        put_right["total_tokens"] = counts["total_tokens"]
    for key, details_key, count in parts:
        if key in usage and usage[key] != count:
            put_right[key] = count
        details = usage.get(details_key)
        if isinstance(details, dict) and any(_exceeds(value, count) for value in details.values()):
            put_right[details_key] = {
                name: count if _exceeds(detail, count) else detail
                for name, detail in details.items()
            }
    return {**usage, **put_right} if put_right else usage


def read_cost(meta: object, *, headers: Mapping[str, str]) -> JsonObject:
    """Return what the call cost, for `response_metadata`.

    Args:
        meta: `meta` of a completion or of a stream's last chunk:
            `{usage: {credits_used | tokens_used, usd_spent?}}`; `tokens_used` is the older name of
            `credits_used` and does not count tokens.
        headers: Response headers, names lower-cased; whole answers carry the cost there too.

    Returns:
        As far as known: `meta` as it came, `credits_used` (exact: int, a float where credits came
        with a fraction, the wire's text where a float cannot hold it), `usd_spent` (float) with
        `usd_spent_source`: `"body"`, `"header"`, or `"derived"` from the credits at 2,000,000 to
        the dollar, a rate that is inferred from the documentation.

    Source:
        docs.aimlapi.com/capabilities/request-tracing-and-cost, read 2026-11-21.
    """
    cost: JsonObject = {"meta": meta} if isinstance(meta, dict) and meta else {}
    usage = meta.get("usage") if isinstance(meta, dict) else None
    spent = usage if isinstance(usage, dict) else {}
    credits_used = _credits(spent.get("credits_used"))
    if credits_used is None:
        credits_used = _credits(spent.get("tokens_used"))
    if credits_used is None:
        credits_used = _credits(headers.get("x-aimlapi-credits-used"))
    if credits_used is not None:
        cost["credits_used"] = _json_number(credits_used)
    # The body before the headers: those of a stream are sent before anybody knows what it costs.
    source, usd = "body", _dollars(spent.get("usd_spent"))
    if usd is None:
        source, usd = "header", _dollars(headers.get("x-aimlapi-usd-spent"))
    if usd is None and credits_used is not None:
        source, usd = "derived", float(credits_used / CREDITS_PER_USD)
    if usd is not None:
        cost["usd_spent"] = usd
        cost["usd_spent_source"] = source
    return cost


def _count(value: object) -> int | None:
    """Return a count of things as int; anything that cannot be one is `None`."""
    if type(value) is int and 0 <= value <= sys.maxsize:  # as nearly always
        return value
    amount = _amount(value)
    return None if amount is None else int(amount)


def _amount(value: object) -> Decimal | None:
    """Return a number that is finite and not negative, exactly, also from text; else `None`."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(value if isinstance(value, int) else str(value))
    except InvalidOperation:
        return None
    # Not `1e999999999`, of which an int would fill the memory.
    if not amount.is_finite() or amount < 0 or amount.adjusted() > sys.float_info.max_10_exp:
        return None
    return amount


def _dollars(value: object) -> float | None:
    if type(value) is float and 0.0 <= value <= sys.float_info.max:  # as nearly always
        return value
    amount = _amount(value)
    return None if amount is None else float(amount)


def _credits(value: object) -> Decimal | int | None:
    if type(value) is int and 0 <= value <= _MOST_CREDITS:  # as nearly always
        return value
    amount = _amount(value)
    if amount is None or (amount and amount.adjusted() < -_MOST_PLACES):
        return None
    return amount if amount <= _MOST_CREDITS else None


def _json_number(amount: Decimal | int) -> int | float | str:
    if isinstance(amount, int):
        return amount
    if amount == amount.to_integral_value():
        return int(amount)
    number = float(amount)
    return number if Decimal(str(number)) == amount else str(amount)


def _details(details: object, names: dict[str, str], *, most: int) -> dict[str, int]:
    """Return the known parts of a count; a part that exceeds the whole is as much as the whole."""
    if not isinstance(details, dict):
        return {}
    parts: dict[str, int] = {}
    for theirs, value in details.items():
        ours = names.get(theirs)
        if ours is not None and (count := _count(value)) is not None:
            parts[ours] = min(count, most)
    return parts


def _exceeds(value: object, whole: int) -> bool:
    count = _count(value)
    return count is not None and count > whole
