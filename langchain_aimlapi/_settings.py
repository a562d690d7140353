"""The settings of the chat model: their names, defaults, checks."""

from __future__ import annotations

import os
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.utils import from_env
from pydantic import (
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from langchain_aimlapi._codec.metadata import PROVIDER
from langchain_aimlapi._http.call import DEFAULT_TIMEOUT, read_limits
from langchain_aimlapi._validators import (
    checked_base_url,
    checked_client,
    checked_headers,
    checked_key,
)
from langchain_aimlapi._version import __version__
from langchain_aimlapi.data._profiles import full_model_id, profile_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_core.language_models.base import LangSmithParams
    from langchain_core.language_models.model_profile import ModelProfile

DEFAULT_BASE_URL = "https://api.aimlapi.com/v1"

# Settings that are parameters of the wire, under the wire's own names.
_WIRE_NAMES = (
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "seed",
    "n",
    "frequency_penalty",
    "presence_penalty",
    "reasoning_effort",
    "reasoning",
    "response_format",
    "parallel_tool_calls",
    "prediction",
    "provider",
)
# Other names of parameters of the wire, for a model as well as for one call.
OTHER_NAMES = {"model_name": "model", "stop_sequences": "stop"}
# Settings that are about a call, not of the wire: a keyword of the call wins over the field.
ABOUT_FIELDS = (
    "empty_response_retries",
    "max_retries",
    "missing_signatures",
    "stream_usage",
    "timeout",
)
# Settings for which `None` (of an `os.environ.get`, say) means what is left out means.
_DEFAULT_FROM_ENV = ("aimlapi_api_key", "api_key", "aimlapi_api_base", "base_url")


@cache
def _fixed_names(cls: type[BaseChatModel]) -> frozenset[str]:
    names = {*cls.model_fields, *(field.alias for field in cls.model_fields.values())}
    of_a_call = {*_WIRE_NAMES, *ABOUT_FIELDS, "extra_body", "model"}
    return frozenset(name for name in names if name) - of_a_call


def _key_from_env() -> SecretStr:
    key = os.environ.get("AIMLAPI_API_KEY", "")
    if not key.strip():
        msg = (
            "No API key: set the environment variable AIMLAPI_API_KEY or pass api_key=... "
            "(keys: https://aimlapi.com/app/keys)."
        )
        raise ValueError(msg)
    return SecretStr(key)


class GeminiSettings(BaseChatModel):
    """Settings of `ChatAIMLGemini`; only what the user sets is sent."""

    model_config = ConfigDict(
        populate_by_name=True,
        # A model-level error of pydantic would print the whole input, the key included.
        hide_input_in_errors=True,
        protected_namespaces=(),
    )

    model: str
    """Model id, such as `google/gemini-3-flash-preview`; a bare `gemini-...` gets `google/`."""

    aimlapi_api_key: SecretStr = Field(
        alias="api_key", default_factory=_key_from_env, validate_default=True
    )
    """Key of the gateway; default from `AIMLAPI_API_KEY`. A pickle of the model holds it."""

    aimlapi_api_base: str = Field(
        alias="base_url",
        default_factory=from_env("AIMLAPI_API_BASE", default=DEFAULT_BASE_URL),
        validate_default=True,
    )
    """Address of the API up to `/v1`; default from `AIMLAPI_API_BASE`."""

    temperature: float | None = None
    """0 to 2. Google advises leaving it alone with Gemini 3: lower values may loop."""

    top_p: float | None = None
    """0.01 to 1."""

    max_tokens: int | None = None
    """Most output tokens, reasoning included. The gateway is documented to stop at 512 by default
    with some ids; an empty answer with finish reason `length` is the symptom."""

    max_completion_tokens: int | None = None
    """The newer name of `max_tokens`; set one of them."""

    stop: list[str] | str | None = None
    """Up to 4 sequences at which the answer ends; also `stop_sequences`."""

    seed: int | None = None
    """1 or more; repeatable sampling as far as the model can."""

    n: int | None = None
    """Answers per prompt, each billed; not with streaming."""

    frequency_penalty: float | None = None
    """-2 to 2."""

    presence_penalty: float | None = None
    """-2 to 2."""

    reasoning_effort: str | None = None
    """`low`, `medium`, `high`; documented for newer ids, sent as given."""

    reasoning: dict[str, Any] | None = None
    """`{"effort": ..., "max_tokens": ..., "exclude": ...}`; documented for newer ids."""

    response_format: dict[str, Any] | None = None
    """`text`, `json_object` or `json_schema`; `with_structured_output` sets it for you."""

    parallel_tool_calls: bool | None = None
    """Whether several tools may be called at once."""

    prediction: dict[str, Any] | None = None
    """Predicted output: `{"type": "content", "content": ...}`."""

    provider: str | None = None
    """Pins the provider behind the gateway, such as `openrouter` or `google`; signatures of one
    provider may not be understood by another."""

    timeout: Any = DEFAULT_TIMEOUT
    """Limits of time: seconds, an `httpx.Timeout`, `None` for none, or `"default"`: connect 10 s,
    silence of a stream 120 s, a whole answer 600 s. A number is each limit of an attempt, among
    them the silence between a stream's data events or the total of a whole answer."""

    max_retries: int = Field(default=2, ge=0)
    """Attempts after the first; never after the first chunk. A retried timeout may be billed."""

    empty_response_retries: int = Field(default=0, ge=0)
    """Attempts after an answer with nothing in it, or with a malformed function call."""

    missing_signatures: Literal["send", "skip"] = "send"
    """`skip` adds Google's documented bypass value to tool calls of turns that never had a
    signature (another model's history, say). Unproven on this gateway."""

    streaming: bool | None = None
    """Whether `invoke` streams under the hood: `None`, where somebody listens to tokens."""

    stream_usage: bool = True
    """Whether streams ask for token counts."""

    default_headers: dict[str, str] | None = Field(default=None, exclude=True, repr=False)
    """Further request headers; they win over ours but for the key's, whatever their case."""

    http_client: Any = Field(default=None, exclude=True, repr=False)
    """Your `httpx.Client` for sync calls; never closed by us, shared by copies, left out of a
    pickle."""

    http_async_client: Any = Field(default=None, exclude=True, repr=False)
    """Your `httpx.AsyncClient` for async calls; as `http_client`."""

    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Parameters of the wire that have no setting here."""

    extra_body: dict[str, Any] | None = None
    """Laid over the request body last."""

    @model_validator(mode="before")
    @classmethod
    def _gather_unknown_arguments(cls, values: Any) -> Any:  # noqa: ANN401  pydantic's raw input
        if not isinstance(values, dict):
            return values
        given = dict(values)
        for other, name in {**OTHER_NAMES, "stream": "streaming"}.items():
            if other in given:
                given.setdefault(name, given.pop(other))
        for name in _DEFAULT_FROM_ENV:
            if name in given and given[name] is None:
                del given[name]
        known = {*cls.model_fields, *(field.alias for field in cls.model_fields.values())}
        unknown = {name: given.pop(name) for name in [*given] if name not in known}
        for name in unknown:
            if name.endswith("api_key"):  # sent along, it would be shown
                msg = f"{name} is not a setting of {cls.__name__}; the key is passed as api_key."
                raise ValueError(msg)
        if unknown:
            names = ", ".join(sorted(unknown))
            warnings.warn(
                f"{names}: not a setting of {cls.__name__}; sent as model_kwargs. Pass "
                "model_kwargs={...} to say so yourself.",
                stacklevel=4,
            )
            given["model_kwargs"] = {**(given.get("model_kwargs") or {}), **unknown}
        return given

    @field_validator("model")
    @classmethod
    def _complete_model_id(cls, model: str) -> str:
        if not model.strip():
            msg = "model is empty; pass an id such as 'google/gemini-3-flash-preview'."
            raise ValueError(msg)
        return full_model_id(model)

    @field_validator("aimlapi_api_key")
    @classmethod
    def _check_key(cls, key: SecretStr) -> SecretStr:
        return checked_key(key)

    @field_validator("aimlapi_api_base")
    @classmethod
    def _check_base_url(cls, base_url: str) -> str:
        return checked_base_url(base_url)

    @field_validator("timeout")
    @classmethod
    def _check_timeout(cls, timeout: Any) -> Any:  # noqa: ANN401  httpx.Timeout without httpx
        read_limits(timeout, is_stream=False)
        return timeout

    @field_validator("default_headers")
    @classmethod
    def _check_headers(cls, headers: dict[str, str] | None) -> dict[str, str] | None:
        return checked_headers(headers)

    @field_validator("http_client", "http_async_client")
    @classmethod
    def _check_client(cls, client: Any, info: ValidationInfo) -> Any:  # noqa: ANN401  httpx.Client without httpx
        return checked_client(client, name=str(info.field_name))

    @model_validator(mode="after")
    def _set_aimlapi_version(self) -> Self:
        self._add_version("langchain-aimlapi", __version__)
        return self

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Copy all but the user's clients, which cannot be copied."""
        memo = {} if memo is None else memo
        for client in (self.http_client, self.http_async_client):
            memo[id(client)] = client
        return super().__deepcopy__(memo)

    def __getstate__(self) -> dict[Any, Any]:
        """Leave out the user's clients: sockets do not travel."""
        state = super().__getstate__()
        fields = {**state["__dict__"], "http_client": None, "http_async_client": None}
        return {**state, "__dict__": fields}

    @property
    def model_name(self) -> str:
        """The model id, under the name that some frameworks look for."""
        return self.model

    def wire_settings(self, overrides: dict[str, Any], *, stop: list[str] | None) -> dict[str, Any]:
        """Return the parameters of the wire for one call.

        Args:
            overrides: Keywords of the call; they win over the fields. `None` takes a field back.
            stop: LangChain's own argument of that name.
        """
        fields = self.__dict__
        settings: dict[str, Any] = {"model": self.model}
        settings.update((name, fields[name]) for name in _WIRE_NAMES if fields[name] is not None)
        settings.update(self.model_kwargs)
        settings.pop("stream", None)  # decided by how the call is made
        if overrides.get("max_tokens") is not None:
            settings.pop("max_completion_tokens", None)
        elif overrides.get("max_completion_tokens") is not None:
            settings.pop("max_tokens", None)
        settings.update(overrides)
        if stop is not None:
            settings["stop"] = stop
        settings["model"] = full_model_id(settings["model"] or self.model)
        return settings

    def check_overrides(self, names: Iterable[str]) -> None:
        """Refuse what can be set on a model, but not for one call.

        Sent along it would be a parameter that the endpoint does not know, and in traces for all
        to see.

        Args:
            names: Names of the keywords of a call.

        Raises:
            ValueError: One of them is such a setting; its value is not shown.
        """
        if fixed := _fixed_names(type(self)).intersection(names):
            msg = (
                f"{', '.join(sorted(fixed))}: a setting of the model, not of a call. Make another "
                "model, or use model.model_copy(update={...}) or configurable_fields."
            )
            raise ValueError(msg)

    def _get_invocation_params(
        self,
        stop: list[str] | None = None,
        **kwargs: Any,  # noqa: ANN401  LangChain's signature
    ) -> dict[str, Any]:
        """Return what a call is traced with: no headers, which may be secret."""
        self.check_overrides(kwargs)
        params = super()._get_invocation_params(stop=stop, **kwargs)
        params.pop("extra_headers", None)
        return params

    @property
    def _llm_type(self) -> str:
        return "aimlapi-gemini-chat"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        """Return what decides the answer, without secrets: tracing shows it, caches key on it."""
        return {
            **self.wire_settings({}, stop=None),
            "base_url": self.aimlapi_api_base,
            "extra_body": self.extra_body,
            "missing_signatures": self.missing_signatures,
        }

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Return the names of the variables that a serialized model loads its secrets from."""
        return {"aimlapi_api_key": "AIMLAPI_API_KEY"}

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return that LangChain's `dumps` can write this model."""
        return True

    def _get_ls_params(
        self,
        stop: list[str] | None = None,
        **kwargs: Any,  # noqa: ANN401  LangChain's signature
    ) -> LangSmithParams:
        settings = self.wire_settings(
            {key: kwargs[key] for key in ("model", "temperature", "max_tokens") if key in kwargs},
            stop=stop,
        )
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = PROVIDER
        params["ls_model_name"] = settings["model"]
        if isinstance(words := settings.get("stop"), list):
            params["ls_stop"] = words
        return params

    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:  # noqa: ANN401  LangChain's signature
        """Return the key of LangChain's cache, by the settings as they are now.

        langchain-core keeps what it made of them at the first call, also in copies of the model.
        """
        self.__dict__.pop("_serialized", None)
        return super()._get_llm_string(stop=stop, **kwargs)

    def _resolve_model_profile(self) -> ModelProfile | None:
        return cast("ModelProfile | None", profile_of(self.model))
