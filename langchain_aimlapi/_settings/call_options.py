"""The options of one call: the model's settings with the call's own keywords over them.

In go a model's fields and the keywords of a call, out comes a `CallOptions`, which `build_call`
makes a `Call` of. Keywords have the same names and ranges as the settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, TypeVar

from langchain_aimlapi._settings import validators as _validators
from langchain_aimlapi._settings.names import check_no_credentials, resolve_names
from langchain_aimlapi.data._profiles import full_model_id

if TYPE_CHECKING:
    from pydantic import BaseModel

    from langchain_aimlapi._http.setting_types import Timeout
    from langchain_aimlapi._json import JsonMapping, JsonObject

_SettingT = TypeVar("_SettingT")


# The type of a setting that is a parameter of the wire, under the wire's own name. By its name in
# the class `setting_names` knows it: pydantic takes long over a mark in each type.
Parameter: TypeAlias = _SettingT | None

# Settings that are about a call, not of the wire: a keyword of the call wins over the field.
_ABOUT_FIELDS = (
    "empty_response_retries",
    "max_retries",
    "missing_signatures",
    "stream_timeout",
    "stream_usage",
    "timeout",
)
# For which `None` does not mean the setting, but no limit.
_MAY_BE_NONE = ("stream_timeout", "timeout")
# Keywords about a call that are no settings.
_ABOUT_ONE_CALL = ("client_request_id", "extra_body", "extra_headers")
# LangChain's own: how the call is made decides whether it streams; the schema is for traces.
_LANGCHAINS = ("stream", "ls_structured_output_format")
_NOT_OF_THE_WIRE = frozenset({*_ABOUT_FIELDS, *_ABOUT_ONE_CALL, *_LANGCHAINS})


class SettingNames(NamedTuple):
    """The names of a model's settings.

    Attributes:
        fields: The field of each name that the constructor takes, aliases included.
        wire: Fields that are parameters of the wire.
        of_a_call: What a call takes as a keyword.
        owner: The model's class, for errors.
    """

    fields: Mapping[str, str]
    wire: tuple[str, ...]
    of_a_call: frozenset[str]
    owner: str


@cache
def setting_names(cls: type[BaseModel]) -> SettingNames:
    """Return the names of a model's settings, read from its fields.

    Args:
        cls: The model's class.
    """
    fields = cls.model_fields
    aliases = {field.alias: name for name, field in fields.items() if field.alias}
    # Also of a base: a subclass that declares a setting anew changes its type, not what it is.
    parameters = {
        name
        for kind in cls.__mro__
        for name, annotation in vars(kind).get("__annotations__", {}).items()
        if isinstance(annotation, str) and annotation.startswith("Parameter[")
    }
    wire = tuple(name for name in fields if name in parameters)
    return SettingNames(
        fields={**{name: name for name in fields}, **aliases},
        wire=wire,
        of_a_call=frozenset({*wire, *_NOT_OF_THE_WIRE, "model", "stream_options", "tools"}),
        owner=cls.__name__,
    )


_TWO_LIMITS = {"max_completion_tokens", "max_tokens"}


class CallOptions(NamedTuple):
    """Everything but the messages that one call is made of: settings with the call's keywords.

    Attributes:
        wire: Parameters of the wire, under the wire's own names; `model` among them.
        timeout: As the setting of that name.
        stream_timeout: Seconds for the whole of a stream, `None` for no limit.
        max_retries: Attempts after the first.
        empty_response_retries: Attempts after an answer with nothing in it.
        missing_signatures: As the setting of that name.
        stream_usage: Whether a stream asks for token counts.
        extra_body: Laid over the request body last.
        extra_headers: Further request headers, the call's over the model's.
        client_request_id: The call's own id, where the user chose one.
    """

    wire: JsonObject
    timeout: Timeout | None
    stream_timeout: float | None
    max_retries: int
    empty_response_retries: int
    missing_signatures: Literal["auto", "send", "skip"]
    stream_usage: bool
    extra_body: JsonMapping
    extra_headers: Mapping[str, str]
    client_request_id: str | None = None


def call_keywords(keywords: JsonMapping, names: SettingNames) -> JsonObject:
    """Return the keywords of a call under our own names.

    Args:
        keywords: By any name that the constructor takes.
        names: Those of the model's settings.

    Raises:
        ValueError: A keyword is not known, or belongs to the model; its value is not shown. Sent
            along it would be a parameter that the endpoint does not know, in traces for all to see.
    """
    if keywords.keys() <= names.of_a_call and not keywords.keys() >= _TWO_LIMITS:
        return dict(keywords)
    known = {*names.of_a_call, *names.fields}
    given = resolve_names(keywords, known=known, owner=names.owner, way_past="extra_body")
    if fixed := given.keys() - names.of_a_call:
        msg = (
            f"{', '.join(sorted(fixed))}: a setting of the model, not of a call. Make another "
            "model, or use model.model_copy(update={...}) or configurable_fields."
        )
        raise ValueError(msg)
    return given


def replace_other_limit(changed: JsonObject) -> None:
    """Have a new limit of tokens take the place of the one under the other name, as in a call.

    Args:
        changed: Fields that are set; changed in place.
    """
    for name in _TWO_LIMITS:
        (other,) = _TWO_LIMITS - {name}
        if changed.get(name) is not None and other not in changed:
            changed[other] = None


def make_options(
    fields: JsonMapping, keywords: JsonMapping, names: SettingNames, *, stop: list[str] | None
) -> CallOptions:
    """Return the options of a call.

    Args:
        fields: The model's settings by their fields' names.
        keywords: The call's, as `call_keywords` returns them; they win.
        names: Those of the model's settings.
        stop: LangChain's own argument of that name.

    Raises:
        ValueError: A value is out of its documented range, or a credential is to be sent.
    """
    about: JsonObject = {name: fields[name] for name in _ABOUT_FIELDS}
    if keywords:
        about.update(_about(keywords))
    for name, setting in (("extra_body", "extra_body"), ("extra_headers", "default_headers")):
        about[name] = {**(fields[setting] or {}), **about.get(name, {})}
    # Also the model's own, which somebody may have changed in place.
    check_no_credentials(about["extra_body"], where="extra_body")
    check_no_credentials(fields["model_kwargs"], where="model_kwargs")
    _validators.check_header_names(fields["default_headers"] or {}, where="default_headers")
    return CallOptions(wire=wire_parameters(fields, keywords, names, stop=stop), **about)


def wire_parameters(
    fields: JsonMapping, keywords: JsonMapping, names: SettingNames, *, stop: list[str] | None
) -> JsonObject:
    """Return the parameters of the wire for one call, but the messages.

    Args:
        fields: The model's settings by their fields' names.
        keywords: The call's; `None` takes a field back.
        names: Those of the model's settings.
        stop: LangChain's own argument of that name.
    """
    wire: JsonObject = {"model": fields["model"]}
    for name in names.wire:
        if (value := fields[name]) is not None:
            wire[name] = value
    wire.update(fields["model_kwargs"])
    wire.pop("stream", None)  # decided by how the call is made
    if keywords:
        _lay_over(wire, keywords)
    if stop is not None:
        wire["stop"] = stop
    _validators.check_stop(wire.get("stop"))
    model = fields["model"] if wire["model"] in (None, "") else wire["model"]
    _validators.check_model(model)
    wire["model"] = full_model_id(model)
    return wire


def _lay_over(wire: JsonObject, keywords: JsonMapping) -> None:
    given = {name: value for name, value in keywords.items() if name not in _NOT_OF_THE_WIRE}
    for name in ("prediction", "reasoning"):  # any mapping, which only the constructor makes dicts
        if isinstance(given.get(name), Mapping):
            given[name] = dict(given[name])
    if given.get("max_tokens") is not None:
        wire.pop("max_completion_tokens", None)
    elif given.get("max_completion_tokens") is not None:
        wire.pop("max_tokens", None)
    wire.update(given)


def _about(keywords: JsonMapping) -> JsonObject:
    """Return what the keywords say of the call itself, all keywords checked."""
    parameters = {name: value for name, value in keywords.items() if name not in _NOT_OF_THE_WIRE}
    _validators.check_parameters(parameters)
    _validators.check_keywords(keywords)
    for name in ("extra_body", "extra_headers"):
        _validators.check_mapping(name, keywords.get(name))
    _validators.check_header_names(keywords.get("extra_headers") or {}, where="extra_headers")
    about = {
        name: keywords[name]
        for name in (*_ABOUT_FIELDS, *_ABOUT_ONE_CALL)
        if keywords.get(name) is not None or (name in _MAY_BE_NONE and name in keywords)
    }
    for name in ("max_retries", "empty_response_retries"):
        _validators.check_attempts(name, about.get(name, 0))
    _validators.check_seconds("stream_timeout", about.get("stream_timeout"))
    if about.get("missing_signatures", "auto") not in ("auto", "send", "skip"):
        msg = (
            f"missing_signatures={about['missing_signatures']!r} is none of 'auto', 'send' and "
            "'skip'."
        )
        raise ValueError(msg)
    return about
