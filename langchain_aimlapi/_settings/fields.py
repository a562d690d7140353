"""The settings of the chat model: their names, defaults, checks."""

from __future__ import annotations

import linecache
import os
from contextvars import ContextVar
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
from langchain_aimlapi._codec.response_format import encode_response_format, encode_schemas
from langchain_aimlapi._http.call import read_limits
from langchain_aimlapi._http.client_pool import Clients
from langchain_aimlapi._http.setting_types import ApiKey, HttpAsyncClient, HttpClient, Timeout
from langchain_aimlapi._json import JsonMapping, JsonObject
from langchain_aimlapi._settings import validators as _validators
from langchain_aimlapi._settings.call_options import (
    CallOptions,
    Parameter,
    call_keywords,
    make_options,
    replace_other_limit,
    setting_names,
    wire_parameters,
)
from langchain_aimlapi._settings.descriptions import describe, list_settings
from langchain_aimlapi._settings.names import (
    check_no_credentials,
    check_not_reserved,
    resolve_names,
)
from langchain_aimlapi.data._profiles import full_model_id, profile_of
from langchain_aimlapi.data.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from langchain_core.language_models.base import LangSmithParams
    from langchain_core.language_models.model_profile import ModelProfile
    from langchain_core.load.serializable import SerializedConstructor, SerializedNotImplemented

# Whether a change is being checked on a trial model: what a subclass's validators set on that is
# not checked again, which would never end.
_is_trial: ContextVar[bool] = ContextVar("_is_trial", default=False)


def _key_from_env() -> SecretStr:
    key = os.environ.get("AIMLAPI_API_KEY", "")
    if not key.strip():
        raise ValueError(_validators.NO_KEY)
    return SecretStr(key)


def _checked_value(name: str, value: Any) -> Any:
    """Return the value of a setting that pydantic has found to be of its kind."""
    match name:
        case "model":
            return full_model_id(_validators.checked_model_id(value))
        case "aimlapi_api_base":
            return _validators.checked_base_url(value)
        case "default_headers":
            return _validators.checked_headers(value)
        case "extra_body":
            check_no_credentials(value, where=name)
        case "model_kwargs":
            check_no_credentials(value, where=name)
            check_not_reserved(value)
        case _:
            _validators.check_parameters({name: value})
    return value


def _trial_model(cls: type[BaseChatModel], settings: JsonMapping) -> Any:
    """Return a model of these settings, made without the `__init__` that a subclass may have."""
    token = _is_trial.set(True)
    trial = cls.__new__(cls)
    try:
        return cls.__pydantic_validator__.validate_python(settings, self_instance=trial)
    finally:
        _is_trial.reset(token)


def _put(model: BaseChatModel, values: JsonMapping) -> None:
    model.__dict__.update(values)
    model.__dict__.pop("_serialized", None)  # LangChain's cache of what it traces
    model.model_fields_set.update(values)


class GeminiSettings(BaseChatModel):
    """Settings of `ChatAIMLGemini`; only what the user sets is sent."""

    model_config = ConfigDict(
        populate_by_name=True,
        # A model-level error of pydantic would print the whole input, the key included.
        hide_input_in_errors=True,
        protected_namespaces=(),
        defer_build=True,  # it is only inherited from
    )

    model: str
    """Model id, such as `google/gemini-3-flash-preview`; a bare `gemini-...` gets `google/`."""

    aimlapi_api_key: ApiKey | None = Field(
        alias="api_key", default_factory=_key_from_env, validate_default=True
    )
    """Key of the gateway; default from `AIMLAPI_API_KEY`. A function that returns it, async or
    not, is called for each attempt, so that keys can change. A pickle of the model holds it."""

    aimlapi_api_base: str | None = Field(
        alias="base_url",
        default_factory=from_env("AIMLAPI_API_BASE", default=_validators.DEFAULT_BASE_URL),
        validate_default=True,
    )
    """Address of the API up to `/v1`; default from `AIMLAPI_API_BASE`."""

    temperature: Parameter[float] = None
    """0 to 2. Google advises leaving it alone with Gemini 3: lower values may loop."""

    top_p: Parameter[float] = None
    """0.01 to 1."""

    max_tokens: Parameter[int] = None
    """Most output tokens, reasoning included. The gateway is documented to stop at 512 by default
    with some ids; an empty answer with finish reason `length` is the symptom."""

    max_completion_tokens: Parameter[int] = None
    """The newer name of `max_tokens`; set one of them."""

    stop: Parameter[list[str] | str] = None
    """Up to 4 sequences at which the answer ends; also `stop_sequences`."""

    seed: Parameter[int] = None
    """1 or more; repeatable sampling as far as the model can."""

    n: Parameter[int] = None
    """Answers per prompt, each billed; not with streaming."""

    frequency_penalty: Parameter[float] = None
    """-2 to 2."""

    presence_penalty: Parameter[float] = None
    """-2 to 2."""

    reasoning_effort: Parameter[Literal["minimal", "low", "medium", "high"] | str] = None  # noqa: PYI051  editors show the levels
    """`low`, `medium`, `high`, with some ids `minimal`; documented for newer ids."""

    reasoning: Parameter[JsonObject] = None
    """`{"effort": ..., "max_tokens": ..., "exclude": ...}`; documented for newer ids."""

    response_format: Parameter[Any] = None
    """`text`, `json_object` or `json_schema`, also a pydantic class, `TypedDict`, dataclass or JSON
    schema; `with_structured_output` sets it for you."""

    tool_choice: Parameter[str | bool | JsonObject] = None
    """Which tool is called, as `bind_tools` takes it; a choice that forces a call needs tools."""

    parallel_tool_calls: Parameter[bool] = None
    """Whether several tools may be called at once."""

    prediction: Parameter[JsonObject] = None
    """Predicted output: `{"type": "content", "content": ...}`."""

    provider: Parameter[str] = None
    """Pins the provider behind the gateway, such as `openrouter` or `google`; signatures of one
    provider may not be understood by another."""

    timeout: Timeout | None = "default"
    """Limits of time: seconds, an `httpx.Timeout`, `None` for none, or `"default"`: connect 10 s,
    silence of a stream 120 s, a whole answer 600 s. A number is each limit of an attempt, among
    them the silence between a stream's data events or the total of a whole answer."""

    stream_timeout: float | None = Field(default=3600.0, gt=0)
    """Seconds for the whole of a stream, however much it sends: a server may send signs of life
    for ever. `None` for no such limit."""

    max_retries: int = Field(default=2, ge=0)
    """Attempts after the first; never after the first chunk. A retried timeout may be billed."""

    empty_response_retries: int = Field(default=0, ge=0)
    """Attempts after an answer with nothing in it, or with a malformed function call."""

    missing_signatures: Literal["auto", "send", "skip"] = "auto"
    """What becomes of tool calls without a thought signature (another model's, or made by a
    framework): `auto` sends them as they are and, if the server refuses that, repeats the call once
    with Google's documented bypass value on the steps of the current turn, told in the log; later
    calls of this model begin so. `skip` adds the value at once, to earlier turns too; `send` never.
    Unproven on this gateway."""

    streaming: bool | None = None
    """Whether `invoke` streams under the hood: `None`, where somebody listens to tokens."""

    stream_usage: bool = True
    """Whether streams ask for token counts."""

    default_headers: dict[str, str] | None = Field(default=None, exclude=True, repr=False)
    """Further request headers; they win over ours but for the key's, whatever their case."""

    http_client: HttpClient | None = Field(default=None, exclude=True, repr=False)
    """Your `httpx.Client` for sync calls; never closed by us, shared by copies, left out of a
    pickle."""

    http_async_client: HttpAsyncClient | None = Field(default=None, exclude=True, repr=False)
    """Your `httpx.AsyncClient` for async calls; as `http_client`."""

    connections: Any = Field(default_factory=Clients, exclude=True, repr=False)
    """The model's own connections. Not to be set: the models that `configurable_fields` makes take
    them over from the model that they come from, so that they need not connect again."""

    model_kwargs: JsonObject = Field(default_factory=dict)
    """Parameters of the wire that have no setting here."""

    extra_body: JsonObject | None = None
    """Laid over the request body last."""

    @model_validator(mode="before")
    @classmethod
    def _resolve_names(cls, values: Any) -> Any:
        """Take other packages' names, refuse unknown ones; `None` means unset."""
        if not isinstance(values, dict):
            return values
        given = resolve_names(
            values, known=setting_names(cls).fields, owner=cls.__name__, way_past="model_kwargs"
        )
        if "model" not in given and cls.model_fields["model"].is_required():
            raise ValueError(_validators.NO_MODEL)
        return {
            name: value
            for name, value in given.items()
            if value is not None or name in ("model", "stream_timeout", "timeout")
        }

    @field_validator("aimlapi_api_key")
    @classmethod
    def _check_key(cls, key: Any) -> SecretStr | Callable[[], Any]:
        return _validators.checked_key(key)

    @field_validator("timeout")
    @classmethod
    def _check_timeout(cls, timeout: Any) -> Any:
        read_limits(timeout, is_stream=False)
        return timeout

    @field_validator("response_format")
    @classmethod
    def _encode_response_format(cls, source: Any) -> JsonObject | None:
        return encode_response_format(source)

    @field_validator("http_client", "http_async_client")
    @classmethod
    def _check_client(cls, client: Any, info: ValidationInfo) -> Any:
        return _validators.checked_client(client, name=str(info.field_name))

    @field_validator("connections")
    @classmethod
    def _check_connections(cls, connections: object) -> Clients:
        if isinstance(connections, Clients):
            return connections
        raise ValueError("connections is not to be set: pass http_client or http_async_client.")

    @field_validator(*_validators.KINDS, mode="wrap")  # one for all: each costs time at import
    @classmethod
    def _check_setting(cls, value: Any, handler: Any, info: ValidationInfo) -> Any:
        name = str(info.field_name)
        return _checked_value(name, _validators.validated(name, value, handler))

    @model_validator(mode="after")
    def _set_aimlapi_version(self) -> Self:
        self._add_version("langchain-aimlapi", __version__)
        return self

    def __copy__(self) -> Self:
        """Copy the settings; a copy has connections of its own, which are closed with it alone."""
        copied = super().__copy__()
        copied.__dict__["connections"] = Clients(self.connections.remedies)
        return copied

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

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """List the settings where `help()` shows them."""
        super().__pydantic_init_subclass__(**kwargs)
        _validators.check_own_defaults(cls, _OWN_FIELDS)
        list_settings(cls, _OWN_FIELDS)

    if not TYPE_CHECKING:  # mypy knows the settings from pydantic's plugin

        def __init__(self, *args: Any, **settings: Any) -> None:
            super().__init__(*args, **_validators.with_hidden_keys(settings))

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a setting as the constructor would: under any of its names, checked."""
        value = _validators.with_hidden_keys({name: value})[name]
        field = setting_names(type(self)).fields.get(name)
        if field not in _OWN_FIELDS:
            super().__setattr__(name, value)
        else:
            _put(self, {field: value} if _is_trial.get() else self._checked({name: value}))

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Return what `repr` shows; of a function that gives the key, nothing."""
        for name, value in super().__repr_args__():
            is_key = name == "aimlapi_api_key" and not isinstance(value, SecretStr)
            yield name, "a function" if is_key else value

    def model_copy(self, *, update: JsonMapping | None = None, deep: bool = False) -> Self:
        """Return a copy with some settings changed.

        Args:
            update: Settings by the names that the constructor takes, checked as it checks them.
                `None` takes a setting back to its default.
            deep: Whether to copy values as well; clients are shared either way.

        Raises:
            ValueError: A name is not known, or a value cannot be.
        """
        copied = super().model_copy(deep=deep)
        if update:
            update = _validators.with_hidden_keys({**update})
            _put(copied, self._checked(update))
        return copied

    def _checked(self, update: JsonMapping) -> JsonObject:
        """Return the fields that an update changes, with the values that the constructor makes.

        The profile follows the model, where nobody set it.
        """
        cls = type(self)
        names = setting_names(cls)
        given = resolve_names(
            update, known=names.fields, owner=names.owner, way_past="model_kwargs"
        )
        changed = {names.fields[name]: value for name, value in given.items()}
        needed = {name for name, each in cls.model_fields.items() if each.is_required()}
        kept = {name: getattr(self, name) for name in needed | {"aimlapi_api_key"}}
        checked = _trial_model(cls, {**kept, **changed})
        replace_other_limit(changed)
        if "model" in changed and self.profile == self._resolve_model_profile():
            changed.setdefault("profile", None)
        return {name: getattr(checked, name) for name in changed}

    @property
    def model_name(self) -> str:
        """The model id, under the name that some frameworks look for."""
        return self.model

    @property
    def api_key(self) -> SecretStr | Callable[[], Any]:
        """The key, or the function that gives it."""
        return cast("SecretStr | Callable[[], Any]", self.aimlapi_api_key)

    @property
    def base_url(self) -> str:
        """The address of the API, without a slash at its end."""
        return str(self.aimlapi_api_base)

    def call_options(self, keywords: JsonMapping, *, stop: list[str] | None = None) -> CallOptions:
        """Return what one call is made of: the settings, with the call's keywords over them.

        Args:
            keywords: Keywords of the call, by any name that the constructor takes. `None` takes a
                field back, but for `timeout`, where it means no limit.
            stop: LangChain's own argument of that name.

        Raises:
            ValueError: A keyword is not known or belongs to the model, or a value cannot be.
        """
        given = self._call_keywords(keywords)
        return make_options(self.__dict__, given, setting_names(type(self)), stop=stop)

    def _call_keywords(self, keywords: JsonMapping) -> JsonObject:
        return call_keywords(keywords, setting_names(type(self)))

    def _wire_parameters(self, keywords: JsonMapping, *, stop: list[str] | None) -> JsonObject:
        return wire_parameters(self.__dict__, keywords, setting_names(type(self)), stop=stop)

    def _get_invocation_params(
        self,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> JsonObject:
        """Return what a call is traced with: no headers, which may be secret."""
        kwargs = self._call_keywords(kwargs)
        words = kwargs.pop("stop", None)  # there under another name, as stop_sequences
        params = super()._get_invocation_params(stop=words if stop is None else stop, **kwargs)
        params.pop("extra_headers", None)
        return params

    @property
    def _llm_type(self) -> str:
        return "aimlapi-gemini-chat"

    @property
    def _identifying_params(self) -> JsonObject:
        """Return what decides the answer, without secrets: tracing shows it, caches key on it."""
        return {
            **self._wire_parameters({}, stop=None),
            "base_url": self.base_url,
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

    def to_json(self) -> SerializedConstructor | SerializedNotImplemented:
        """Return the model in LangChain's own form, with the key once, under its field's name."""
        written = super().to_json()
        if written["type"] == "constructor":
            written["kwargs"].pop("api_key", None)  # there because it can be read as well
        return written

    def _get_ls_params(
        self,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> LangSmithParams:
        wire = self._wire_parameters(self._call_keywords(kwargs), stop=stop)
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = PROVIDER
        params["ls_model_name"] = wire["model"]
        if (temperature := wire.get("temperature")) is not None:
            params["ls_temperature"] = temperature
        most = wire.get("max_tokens") or wire.get("max_completion_tokens")
        if most is not None:
            params["ls_max_tokens"] = most
        if words := wire.get("stop"):
            params["ls_stop"] = [words] if isinstance(words, str) else list(words)
        return params

    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        """Return the key of LangChain's cache, by the settings as they are now.

        langchain-core keeps what it made of them at the first call, also in copies of the model.
        """
        self.__dict__.pop("_serialized", None)
        return super()._get_llm_string(stop=stop, **encode_schemas(kwargs))

    def _resolve_model_profile(self) -> ModelProfile | None:
        return cast("ModelProfile | None", profile_of(self.model))


# Settings of ours, which are checked when they are set; the others are LangChain's.
_OWN_FIELDS = frozenset(GeminiSettings.__annotations__)

describe(GeminiSettings, "".join(linecache.getlines(__file__, globals())))
