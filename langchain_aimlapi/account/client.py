"""Asks the account's endpoints, with the transport that the model uses."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from uuid import uuid4

from pydantic import SecretStr

from langchain_aimlapi import errors
from langchain_aimlapi._codec.tokens import estimate_message_tokens
from langchain_aimlapi._http import transport
from langchain_aimlapi._http.call import DEFAULT_TIMEOUT, Call, read_limits
from langchain_aimlapi._http.client_pool import Clients, ClosesClients
from langchain_aimlapi._settings.build_call import USER_AGENT
from langchain_aimlapi._settings.validators import (
    DEFAULT_BASE_URL,
    NO_KEY,
    checked_base_url,
    checked_client,
    checked_headers,
    checked_key,
)
from langchain_aimlapi.account import catalogue, questions, records
from langchain_aimlapi.data._profiles import full_model_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from langchain_core.language_models.model_profile import ModelProfile
    from langchain_core.messages import BaseMessage

    from langchain_aimlapi._http.call import KeySource
    from langchain_aimlapi._settings.fields import GeminiSettings

_RecordT = TypeVar("_RecordT")
_Answer = tuple[bytes, "Mapping[str, str]"]
_LogPage = Callable[[int], "questions.Question[records.LogPage]"]

# What every documented chat model may write at most; stands in where the catalogue has no limit.
_MOST_OUTPUT_TOKENS = 65_536


# The catalogue is a convenience: whoever asks for a profile is not to fail with it. A refused key
# or a body that is no catalogue is told.
_UNREACHABLE = (
    errors.AIMLAPIConnectionError,
    errors.AIMLAPITimeoutError,
    errors.AIMLAPIServerError,
    errors.AIMLAPIRateLimitError,
)


class Account(ClosesClients):
    """The account that a key belongs to; every method has an `a...` twin for async code.

    Errors, retries, limits of time and the care for the key are those of the model. Safe to share
    between threads and event loops.

    Example:
        ```python
        with Account() as account:
            print(account.balance().current_balance)
            for entry in account.logs(period="24h", status="failed"):
                print(entry.created, entry.model, entry.client_request_id)
        ```
    """

    def __init__(  # noqa: PLR0913  the settings of a client, all by keyword
        self,
        *,
        api_key: KeySource | str | None = None,
        base_url: str | None = None,
        timeout: Any = DEFAULT_TIMEOUT,
        max_retries: int = 2,
        default_headers: Mapping[str, str] | None = None,
        http_client: Any = None,
        http_async_client: Any = None,
        cache_dir: Path | None = None,
    ) -> None:
        """Keep the settings; nothing is asked yet.

        Args:
            api_key: The key, or a function that gives it; default from `AIMLAPI_API_KEY`. The
                catalogue and the latencies need none.
            base_url: Address up to `/v1`; default from `AIMLAPI_API_BASE`.
            timeout: Seconds, an `httpx.Timeout`, `None` for none, or `"default"`.
            max_retries: Attempts after the first.
            default_headers: Further request headers.
            http_client: Your `httpx.Client` for sync calls; never closed here.
            http_async_client: Your `httpx.AsyncClient` for async calls.
            cache_dir: Where the catalogue is kept; default a folder for caches of the user's.

        Raises:
            ValueError: A setting cannot be used; it is named.
        """
        # At once: frames of a refusal below would show it to error reporters.
        api_key = SecretStr(api_key) if isinstance(api_key, str) else api_key
        address = base_url or os.environ.get("AIMLAPI_API_BASE") or DEFAULT_BASE_URL
        # The account's endpoints have versions of their own: `/v1/key`, `/v2/usage`,
        # `/models/metrics`.
        self._host = checked_base_url(address).removesuffix("/v1")
        key = api_key or SecretStr(os.environ.get("AIMLAPI_API_KEY", "").strip())
        self._key = cast("KeySource", checked_key(key)) if key else SecretStr("")
        read_limits(timeout, is_stream=False)
        self._timeout = timeout
        self._max_retries = max_retries
        self._headers = checked_headers(dict(default_headers or {})) or {}
        self._http_client = checked_client(http_client, name="http_client")
        self._http_async_client = checked_client(http_async_client, name="http_async_client")
        self._cache = catalogue.Cache(cache_dir)
        self.connections = Clients()

    @classmethod
    def of(cls, model: GeminiSettings) -> Self:
        """Return the account of a model: its key, address, limits of time, headers and clients."""
        return cls(
            api_key=cast("SecretStr", model.api_key),
            base_url=model.base_url,
            timeout=model.timeout,
            max_retries=model.max_retries,
            default_headers=model.default_headers,
            http_client=model.http_client,
            http_async_client=model.http_async_client,
        )

    def __repr__(self) -> str:
        # Also of one whose making failed: tracebacks with locals show it.
        host = vars(self).get("_host", "")
        return f"{type(self).__name__}(base_url={f'{host}/v1'!r})"

    # ------------------------------------------------------------ balance and key

    def balance(self) -> records.Balance:
        """Return what is left on the account (`GET /v2/billing`)."""
        return self._ask(questions.Question("/v2/billing", records.Balance))

    async def abalance(self) -> records.Balance:
        """Return what is left on the account; see `balance`."""
        return await self._aask(questions.Question("/v2/billing", records.Balance))

    def key(self) -> records.Key:
        """Return scopes, limit and state of the key (`GET /v1/key`)."""
        return self._ask(questions.Question("/v1/key", records.KeyAnswer)).data

    async def akey(self) -> records.Key:
        """Return scopes, limit and state of the key; see `key`."""
        return (await self._aask(questions.Question("/v1/key", records.KeyAnswer))).data

    # ------------------------------------------------------------ usage and log

    def usage(
        self,
        *,
        period: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        group_by: Sequence[str] = (),
        tz: str | None = None,
    ) -> records.Usage:
        """Return what the key was charged in a window (`GET /v2/usage`, `/v2/usage/detail`).

        Args:
            period: Hours or days back from now, such as `"24h"` (the default) or `"7d"`.
            start: Begin of the window instead, aware.
            end: Its end, aware; default now. The window may have 92 days.
            group_by: `"day"`, `"model"` or both, for `groups` and `models`.
            tz: IANA name of the zone whose days are meant, such as `"Europe/Berlin"`.

        Raises:
            ValueError: The window is none, or the zone is not known.
        """
        return self._ask(questions.usage(period, start, end, group_by, tz))

    async def ausage(
        self,
        *,
        period: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        group_by: Sequence[str] = (),
        tz: str | None = None,
    ) -> records.Usage:
        """Return what the key was charged in a window; see `usage`."""
        return await self._aask(questions.usage(period, start, end, group_by, tz))

    def logs(
        self,
        *,
        period: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        model: str | Sequence[str] = (),
        status: str | Sequence[str] = (),
    ) -> Iterator[records.LogEntry]:
        """Yield the requests of a window, newest first, page by page (`GET /v2/logs`).

        The log lags behind the answers, and takes 200 questions a minute. Requests that come in
        while pages are read push rows on to the next page: a row seen before is passed over.

        Args:
            period: As of `usage`.
            start: As of `usage`.
            end: As of `usage`.
            model: Ids to keep, matched exactly.
            status: `"succeeded"` or `"failed"`.

        Raises:
            ValueError: The window is none.
        """
        window = questions.window(period, start, end)
        # Checked before the first row is asked for: the body of a generator would run at the first
        # `next`.
        return self._entries(partial(questions.log_page, window, model, status))

    def alogs(
        self,
        *,
        period: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        model: str | Sequence[str] = (),
        status: str | Sequence[str] = (),
    ) -> AsyncIterator[records.LogEntry]:
        """Yield the requests of a window, newest first; see `logs`."""
        window = questions.window(period, start, end)
        return self._aentries(partial(questions.log_page, window, model, status))

    def _entries(self, page: _LogPage) -> Iterator[records.LogEntry]:
        pages = questions.Pages()
        while pages.has_more:
            yield from pages.take(self._ask(page(pages.offset)))

    async def _aentries(self, page: _LogPage) -> AsyncIterator[records.LogEntry]:
        pages = questions.Pages()
        while pages.has_more:
            for entry in pages.take(await self._aask(page(pages.offset))):
                yield entry

    # ------------------------------------------------------------ catalogue

    def models(self, *, id: str | None = None) -> tuple[records.Model, ...]:  # noqa: A002  the endpoint's word
        """Return the models that are served today, with prices (`GET /v1/models`); needs no key.

        The answer is kept in the user's cache folder; the server tells whether it is still true.

        Args:
            id: Only the model of this id or alias.
        """
        kept = self._last_catalogue()
        body, headers = self._send(questions.models(kept))
        return questions.choose(self._cache.renew(self._host, kept, body, headers), id)

    async def amodels(self, *, id: str | None = None) -> tuple[records.Model, ...]:  # noqa: A002  as above
        """Return the models that are served today; see `models`."""
        kept = self._last_catalogue()
        body, headers = await self._asend(questions.models(kept))
        return questions.choose(self._cache.renew(self._host, kept, body, headers), id)

    def metrics(self, *aliases: str) -> tuple[records.ModelMetrics, ...]:
        """Return the latencies of models over the last minutes; needs no key.

        A model without a successful request is absent.

        Args:
            *aliases: Ids to keep, at most 100; none for all.
        """
        return self._ask(questions.metrics(aliases)).models

    async def ametrics(self, *aliases: str) -> tuple[records.ModelMetrics, ...]:
        """Return the latencies of models over the last minutes; see `metrics`."""
        return (await self._aask(questions.metrics(aliases))).models

    def profile(self, model: str) -> ModelProfile:
        """Return the profile of a model as it is served today.

        Where the catalogue cannot be reached it is that of the last visit, else that of this
        release.

        Args:
            model: Id or alias.

        Raises:
            AIMLAPINotFoundError: Neither the catalogue nor this release knows the model.
        """
        try:
            served = self.models()
        except _UNREACHABLE:
            served = self._last_known()
        return catalogue.profile(full_model_id(model), served)

    async def aprofile(self, model: str) -> ModelProfile:
        """Return the profile of a model as it is served today; see `profile`."""
        try:
            served = await self.amodels()
        except _UNREACHABLE:
            served = self._last_known()
        return catalogue.profile(full_model_id(model), served)

    def estimate(
        self,
        model: str,
        messages: Sequence[BaseMessage],
        *,
        max_tokens: int | None = None,
        tools: Sequence[Any] | None = None,
    ) -> records.Estimate:
        """Return what a call may cost at most, at today's prices, before it is made.

        The prompt is estimated offline; the answer is taken to be as long as it may be.

        Args:
            model: Id or alias.
            messages: The prompt.
            max_tokens: The limit that the call will have; default the model's own.
            tools: What `bind_tools` takes.

        Raises:
            AIMLAPINotFoundError: The model is not served.
        """
        found = catalogue.served_model(full_model_id(model), self.models())
        return found.estimate(
            input_tokens=estimate_message_tokens(messages, tools=tools),
            output_tokens=max_tokens or found.info.output_max or _MOST_OUTPUT_TOKENS,
        )

    # ------------------------------------------------------------ asking

    def _ask(self, question: questions.Question[_RecordT]) -> _RecordT:
        return questions.read(self._send(question)[0], question.record)

    async def _aask(self, question: questions.Question[_RecordT]) -> _RecordT:
        return questions.read((await self._asend(question))[0], question.record)

    def _send(self, question: questions.Question[Any]) -> _Answer:
        return transport.send(self._call(question), _answer)

    async def _asend(self, question: questions.Question[Any]) -> _Answer:
        return await transport.asend(self._call(question), _answer)

    def _call(self, question: questions.Question[Any]) -> Call:
        is_keyless = isinstance(self._key, SecretStr) and not self._key.get_secret_value()
        if question.needs_key and is_keyless:
            raise ValueError(NO_KEY)
        request_id = str(uuid4())
        return Call(
            body=b"",
            url=f"{self._host}{question.path}",
            headers={
                "accept": "application/json",
                "accept-encoding": "gzip, deflate",
                "user-agent": USER_AGENT,
                "x-client-request-id": request_id,
                **question.headers,
                **self._headers,
            },
            api_key=self._key,
            # Names the model in errors; an account has none.
            model="",
            is_stream=False,
            limits=read_limits(self._timeout, is_stream=False),
            max_retries=self._max_retries,
            # An empty 304 is an answer here.
            empty_response_retries=0,
            client_request_id=request_id,
            advice="",
            clients=self.connections,
            http_client=self._http_client,
            http_async_client=self._http_async_client,
            method="GET",
            good_statuses=frozenset({200, 304}) if question.headers else frozenset({200}),
        )

    def _last_catalogue(self) -> catalogue.Kept | None:
        kept = self._cache.read(self._host)
        try:
            questions.choose(kept.body if kept else b"", None)
        except errors.AIMLAPIResponseError:  # the server would say for ever that it is still true
            return None
        return kept

    def _last_known(self) -> tuple[records.Model, ...]:
        kept = self._last_catalogue()
        return questions.choose(kept.body, None) if kept else ()


def _answer(body: bytes | list[bytes], headers: Mapping[str, str]) -> _Answer:
    # A list is the data of events: no endpoint of the account streams, but what came can be read.
    return (body if isinstance(body, bytes) else b"\n".join(body)), headers
