"""What the account's endpoints answer, under the wire's own names, as frozen dataclasses.

A record has the fields that the documentation gives; others are passed over. Where it is documented
as optional, or may be missing for a kind of model, a field is `None` or empty.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from langchain_aimlapi.data import CREDITS_PER_USD


def _aware(moment: datetime) -> datetime:
    """Return the moment with its offset; without one it is documented to be UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _without_nulls(value: object) -> object:
    """Return a value of JSON without members that are null, which say what missing ones do."""
    if isinstance(value, dict):
        return {name: _without_nulls(part) for name, part in value.items() if part is not None}
    return [*map(_without_nulls, value)] if isinstance(value, list) else value


Moment = Annotated[datetime, AfterValidator(_aware)]
# Guesses: the documentation shows units without saying which names there are.
_TOKEN_UNITS = {"input": ("input", "prompt"), "output": ("output", "completion")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What is left on the account.

    Attributes:
        current_balance: In `currency`, which is documented to be USD always.
        currency: Such as `USD`.
    """

    current_balance: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTokens:
    """Token counts; zero where tokens are not what is billed."""

    input: int = 0
    output: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageModel:
    """What one model was charged: USD, charged requests."""

    model: str
    spend: Decimal
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRequests:
    """Requests of a group; failed ones are billed nothing."""

    total: int
    charged: int
    succeeded: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageGroup:
    """One day, one model, or one model on one day."""

    spend: Decimal
    tokens: LogTokens
    requests: UsageRequests
    day: date | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the key was charged in a window of time.

    Attributes:
        start: Begin of the window.
        end: End of the window.
        spend: In `currency`, the authoritative total.
        requests: Charged requests.
        currency: Documented to be USD always.
        models: The total by model, if a breakdown was asked for.
        groups: The total by what was asked for with `group_by`.
    """

    start: Moment
    end: Moment
    spend: Decimal
    requests: int
    currency: str
    models: tuple[UsageModel, ...] = ()
    groups: tuple[UsageGroup, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogCost:
    """What a request was charged; nothing if it failed."""

    usd: Decimal
    credits: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One request in the log.

    Attributes:
        created: When it was made.
        status: `succeeded` or `failed`.
        origin: `api` or `playground`.
        model: As `source/alias`.
        cost: What it was charged.
        tokens: What it took.
        request_id: The single HTTP call.
        inference_id: Header `x-inference-id` of its answer.
        client_request_id: What was sent as `X-Client-Request-Id`.
    """

    created: Moment
    status: str
    origin: str
    model: str
    cost: LogCost
    tokens: LogTokens
    request_id: str | None
    inference_id: str
    client_request_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pagination:
    """Where a page of the log stands."""

    limit: int
    offset: int
    total: int
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """One page of the log, newest first."""

    data: tuple[LogEntry, ...]
    pagination: Pagination


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLimit:
    """The most that a key may spend: USD per `no_reset`, `day`, `week` or `month`."""

    retention: str
    threshold: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The key itself, but for its secret part.

    Attributes:
        disabled: Whether it is switched off.
        prefix: Its first eight characters.
        created_at: When it was made.
        updated_at: When it was changed.
        monthly_usage: What it spent this month; documented without a unit, USD is assumed.
        name: The user's name for it.
        scopes: What it may call, such as `model:chat`; `None` where nothing is said.
        limit: Its spending limit, if it has one.
    """

    disabled: bool
    prefix: str
    created_at: Moment
    updated_at: Moment
    monthly_usage: Decimal
    name: str | None = None
    scopes: tuple[str, ...] | None = None
    limit: KeyLimit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAnswer:
    """The envelope of a key."""

    data: Key


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """Who made a model, how much it takes and gives (tokens)."""

    name: str = ""
    developer: str = ""
    description: str = ""
    context_length: Annotated[int | None, Field(alias="contextLength")] = None
    output_max: Annotated[int | None, Field(alias="outputMax")] = None
    released_at: Annotated[str | None, Field(alias="releasedAt")] = None
    cutoff_at: Annotated[str | None, Field(alias="cutoffAt")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Modalities:
    """Kinds of content, such as `text` or `image`."""

    input: tuple[str, ...] = ()
    output: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """What a model costs.

    Attributes:
        kind: `fixed` (see `units`), `variants` or `variable`; of the latter two nothing can be
            said ahead of a request.
        currency: Such as `USD`.
        units: One rate per unit, as it came: `price` in `currency` for `per` of `unit`.
    """

    kind: str
    currency: str = "USD"
    units: tuple[dict[str, Any], ...] = ()

    def rate(self, direction: Literal["input", "output"]) -> Decimal | None:
        """Return the price of one token, or `None` where it cannot be told.

        Units are not documented by name: one that speaks of tokens (or of nothing else) and of
        input or prompt, output or completion, but not of a cache or a medium, is taken.
        """
        for unit in self.units if self.kind == "fixed" else ():
            words = str(unit.get("unit") or unit.get("name") or "").lower()
            if "token" in words and _is_plain(words, direction):
                try:
                    return Decimal(str(unit["price"])) / Decimal(str(unit["per"]))
                except (ArithmeticError, KeyError):
                    return None
        return None


def _is_plain(words: str, direction: str) -> bool:
    # Their rates differ by up to ten times: a cached token is no cheap plain one.
    others = ("cache", "audio", "image", "video")
    is_meant = any(word in words for word in _TOKEN_UNITS[direction])
    return is_meant and not any(word in words for word in others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a call may cost at most, before it is made.

    Attributes:
        input_tokens: Of the prompt, estimated offline.
        output_tokens: The most that may come back.
        usd: In USD, or `None` where the catalogue quotes no price per token.
        credits: The same in credits, at 2,000,000 to the dollar.
    """

    input_tokens: int
    output_tokens: int
    usd: Decimal | None

    @property
    def credits(self) -> Decimal | None:
        """What it may cost in credits."""
        return None if self.usd is None else self.usd * CREDITS_PER_USD


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model as it is served today.

    Attributes:
        id: Its id.
        type: The endpoint that serves it, such as `openai/chat-completions`.
        info: Who made it, its limits.
        aliases: Other ids of it.
        tags: Free words.
        modalities: Kinds of content.
        capabilities: Such as `streaming`, `structured_output`, `tools`, `vision`; `None` where
            they were not asked for.
        pricing: What it costs, if asked for.
    """

    id: str
    type: str
    info: ModelInfo = ModelInfo()
    aliases: tuple[str, ...] | None = ()
    tags: tuple[str, ...] = ()
    modalities: Modalities | None = None
    capabilities: tuple[str, ...] | None = None
    pricing: Pricing | None = None

    def has_name(self, name: str) -> bool:
        """Tell whether the model is meant by an id or an alias."""
        return name == self.id or name in (self.aliases or ())

    def estimate(self, *, input_tokens: int, output_tokens: int) -> Estimate:
        """Return what so many tokens cost at today's prices."""
        usd = None
        if self.pricing is not None:
            rates = self.pricing.rate("input"), self.pricing.rate("output")
            if rates[0] is not None and rates[1] is not None:
                usd = rates[0] * input_tokens + rates[1] * output_tokens
        return Estimate(input_tokens=input_tokens, output_tokens=output_tokens, usd=usd)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelList:
    """The envelope of the catalogue."""

    data: Annotated[tuple[Model, ...], BeforeValidator(_without_nulls)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """How a figure is spread over the requests of the window."""

    p50: float
    p75: float
    p90: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Latencies in ms; `tps` is output tokens per second, where higher percentiles are faster."""

    ttft_ms: Percentiles | None = None
    tps: Percentiles | None = None
    duration_ms: Percentiles | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelMetrics:
    """The latencies of one model."""

    alias: str
    endpoint: str
    metrics: Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsAnswer:
    """The envelope of the latencies; a model without a successful request is absent."""

    window_seconds: int
    generated_at: Moment
    models: tuple[ModelMetrics, ...]
