"""What stands beside the words of an answer: each field of each wire object, once.

The tables are read by `answer`, which whole answers and streams share, so that both say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_aimlapi._codec.usage import read_cost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_aimlapi._codec.finish_reason import Ending
    from langchain_aimlapi._json import JsonMapping, JsonObject

PROVIDER = "aimlapi"


class Field(NamedTuple):
    """A field of a wire object that an answer shows.

    Attributes:
        name: Its name in `response_metadata`, or in `additional_kwargs`.
        kind: Its JSON type; of any other type it says nothing.
        is_running: Whether a stream sends it in pieces (texts are joined, lists extended); else
            what comes last counts.
    """

    name: str
    kind: type | tuple[type, ...]
    is_running: bool = False


# Of a completion, thus of each chunk of a stream.
COMPLETION = {
    "id": Field("id", str),
    "model": Field("model_name", str),
    "created": Field("created", (int, float)),
    "provider": Field("provider", str),  # the upstream's name
    "system_fingerprint": Field("system_fingerprint", str),
    "service_tier": Field("service_tier", str),
    "usage": Field("token_usage", dict),
    "meta": Field("meta", dict),
}
CHOICE = {
    "finish_reason": Field("finish_reason", str),
    "native_finish_reason": Field("native_finish_reason", str),
    "logprobs": Field("logprobs", dict, is_running=True),
}
# Of a message or delta, beside what `answer` hands on: text, reasoning, tool calls.
MESSAGE = {
    "name": Field("name", str),
    "refusal": Field("refusal", str, is_running=True),
    "annotations": Field("annotations", list, is_running=True),
    "images": Field("images", list, is_running=True),
    "audio": Field("audio", dict, is_running=True),
}


def gather(known: JsonObject, told: JsonObject, table: dict[str, Field]) -> None:
    """Add to what is known of a wire object, by our names, what another piece of it tells.

    Running texts are kept in their pieces.
    """
    for key, value in told.items():  # fewer than a table has, and most mean nothing here
        # Zero and empty say nothing that its absence would not.
        if not value or key not in table:
            continue
        name, kind, is_running = table[key]
        if not isinstance(value, kind):
            continue
        if is_running:
            # Texts are kept in pieces: joining at each chunk costs their length squared.
            known[name] = _joined(known.get(name), [value] if kind is str else value)
        else:
            known[name] = value


def _joined(before: Any, piece: Any) -> Any:
    """Return two pieces as one: texts joined, lists extended in place, objects key by key."""
    match before, piece:
        case str(), str():
            return before + piece
        case list(), list():
            before.extend(piece)
            return before
        case dict(), dict():
            for key, value in piece.items():
                before[key] = _joined(before.get(key), value)
            return before
        case _:
            return before if piece is None else piece


def answer_metadata(
    known: JsonMapping,
    *,
    ending: Ending,
    normalized: str,
    headers: Mapping[str, str],
    client_request_id: str,
) -> JsonObject:
    """Return `response_metadata` of an answer: JSON types only, each key only if known.

    Args:
        known: What was gathered of the completion, plus `logprobs`, by our names.
        ending: How it ended.
        normalized: The same in langchain-core's vocabulary.
        headers: Response headers, names lower-cased.
        client_request_id: The id that the call was sent with.

    Returns:
        `model_provider`, `model_name`, `id`, `created` (seconds since the epoch), `provider` (the
        upstream's name), `system_fingerprint`, `service_tier`, `finish_reason`,
        `native_finish_reason`, `normalized_finish_reason`, `logprobs`, `token_usage` (the wire's
        usage; where its sums had to be put right, the wire's own is `native_usage`), `meta`,
        `credits_used`, `usd_spent`, `usd_spent_source`, `inference_id`, `client_request_id`.
    """
    facts = {
        **known,
        "created": _whole(known.get("created")),
        "finish_reason": ending.reason,
        "native_finish_reason": ending.native,
        "normalized_finish_reason": normalized,
        **read_cost(known.get("meta"), headers=headers),
        "inference_id": headers.get("x-inference-id"),
    }
    told = {key: value for key, value in facts.items() if value is not None and value != ""}
    # What the gateway logged under wins over what was meant to be sent.
    sent = headers.get("x-client-request-id") or client_request_id
    return {"model_provider": PROVIDER, **told, "client_request_id": sent}


def _whole(number: object) -> int | None:
    """Return a time in seconds, which gateways also write as `1700000000.0`."""
    if isinstance(number, bool) or not isinstance(number, int | float) or number % 1:
        return None
    return int(number)
