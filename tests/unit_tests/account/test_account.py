"""The account: what it answers is what the stand-in really answered, to the credit."""

from __future__ import annotations

import json
import traceback
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import pytest
from langchain_core.messages import HumanMessage

from langchain_aimlapi import (
    AIMLAPIAuthenticationError,
    AIMLAPIInvalidRequestError,
    AIMLAPINotFoundError,
    AIMLAPIResponseError,
    AIMLAPIServerError,
    ChatAIMLGemini,
)
from langchain_aimlapi.account import Account
from langchain_aimlapi.account.records import Pricing
from langchain_aimlapi.testing.standin import StandIn
from tests.http_client import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = "sk-a-key-that-nobody-may-see"
FLASH = "google/gemini-3-flash-preview"


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn(keys=[KEY, "another-key"]) as server:
        yield server


@pytest.fixture
def account(server: StandIn, tmp_path: Path) -> Iterator[Account]:
    with Account(api_key=KEY, base_url=server.base_url, cache_dir=tmp_path / "cache") as account:
        yield account


def model_of(server: StandIn, key: str = KEY, **settings: Any) -> ChatAIMLGemini:
    settings = {"model": FLASH, "max_retries": 0, **settings}
    return ChatAIMLGemini(api_key=key, base_url=server.base_url, **settings)


def answers(handler: Callable[[httpx.Request], httpx.Response], **settings: Any) -> Account:
    """Return an account whose endpoints are answered by a function."""
    transport = httpx.MockTransport(handler)
    return Account(
        api_key=KEY,
        max_retries=0,
        http_client=httpx.Client(transport=transport),
        http_async_client=httpx.AsyncClient(transport=transport),
        **settings,
    )


# ---------------------------------------------------------------- what was answered


def test_the_balance_goes_down_by_what_was_answered(server: StandIn, account: Account) -> None:
    before = account.balance()
    cost = model_of(server).invoke("Hello").response_metadata["credits_used"]
    assert before.currency == "USD"
    assert before.current_balance - account.balance().current_balance == Decimal(cost) / 2_000_000


def test_a_row_of_the_log_tells_cost_tokens_and_ids_of_an_answer(
    server: StandIn, account: Account
) -> None:
    message = model_of(server).invoke("Hello", client_request_id="order-42")
    (entry,) = account.logs()
    facts = message.response_metadata
    assert (entry.status, entry.origin, entry.model) == ("succeeded", "api", FLASH)
    assert entry.cost.credits == facts["credits_used"]
    assert entry.cost.usd == Decimal(str(facts["usd_spent"]))
    assert message.usage_metadata is not None
    assert entry.tokens.input == message.usage_metadata["input_tokens"]
    assert entry.inference_id == facts["inference_id"]
    assert entry.client_request_id == "order-42"
    assert abs(datetime.now(UTC) - entry.created) < timedelta(minutes=1)


def test_a_failed_request_is_in_the_log_and_costs_nothing(
    server: StandIn, account: Account
) -> None:
    server.fail_next("status=500")
    with pytest.raises(AIMLAPIServerError):
        model_of(server).invoke("Hello")
    model_of(server).invoke("Hello")
    (failed,) = account.logs(status="failed")
    assert failed.cost.credits + failed.cost.usd == 0
    usage = account.usage(period="1d")
    assert usage.requests == 1
    assert len([*account.logs(status=["failed", "succeeded"])]) == 2


def test_the_log_pages_itself_newest_first(server: StandIn, account: Account) -> None:
    model = model_of(server)
    for number in range(105):
        model.invoke("Hello", client_request_id=f"n-{number}")
    entries = [*account.logs(model=FLASH)]
    assert [entry.client_request_id for entry in entries] == [
        f"n-{number}" for number in reversed(range(105))
    ]
    assert [*account.logs(model=["google/gemini-3-7-flash"])] == []


def test_rows_pushed_on_while_pages_are_read_come_once() -> None:
    def page(request: httpx.Request) -> httpx.Response:
        offset = int(request.url.params["offset"])
        data = [row("r-1")] if offset == 0 else [row("r-1"), row("r-2")]
        place = {"limit": 100, "offset": offset, "total": 3, "has_more": offset == 0}
        return httpx.Response(200, json={"data": data, "pagination": place})

    entries = answers(page).logs()
    assert [entry.request_id for entry in entries] == ["r-1", "r-2"]


def row(request_id: str) -> dict[str, Any]:
    """Return the documented row."""
    return {
        "created": "2026-07-02T03:04:05.000Z",
        "status": "succeeded",
        "origin": "api",
        "model": "openai/gpt-5",
        "cost": {"usd": 0.25, "credits": 500000},
        "tokens": {"input": 10, "output": 20, "total": 30},
        "request_id": request_id,
        "inference_id": "inf-1",
        "client_request_id": None,
    }


def test_usage_adds_up_by_day_and_model_and_shows_only_this_key(
    server: StandIn, account: Account
) -> None:
    first = model_of(server).invoke("Hello").response_metadata["credits_used"]
    other = model_of(server, model="google/gemini-3-7-flash").invoke("Hello")
    model_of(server, "another-key").invoke("Hello")
    credits_used = first + other.response_metadata["credits_used"]
    usage = account.usage(group_by=["model", "day"], tz="UTC")
    assert usage.spend == Decimal(credits_used) / 2_000_000
    assert usage.requests == 2
    assert {group.model for group in usage.groups} == {FLASH, "google/gemini-3-7-flash"}
    assert {group.day for group in usage.groups} == {datetime.now(UTC).date()}
    assert sum(group.requests.charged for group in usage.groups) == 2
    assert {model.model: model.requests for model in usage.models}[FLASH] == 1
    now = datetime.now(UTC)
    assert account.usage(start=now - timedelta(hours=1)).requests == 2
    (group,) = account.usage(group_by="day", period="2h").groups
    assert group.day == datetime.now(UTC).date()


def test_the_key_tells_scopes_and_what_it_spent(server: StandIn, account: Account) -> None:
    model_of(server).invoke("Hello")
    key = account.key()
    assert (key.prefix, key.scopes, key.limit) == (KEY[:8], ("model:chat",), None)
    assert key.monthly_usage == account.usage().spend
    assert key.created_at.tzinfo is not None


async def test_async_twins_answer_alike(server: StandIn, account: Account) -> None:
    await model_of(server).ainvoke("Hello")
    async with account:
        assert await account.abalance() == account.balance()
        assert await account.akey() == account.key()
        assert (await account.ausage()).spend == account.usage().spend
        assert [entry async for entry in account.alogs()] == [*account.logs()]
        assert await account.amodels() == account.models()
        assert (await account.ametrics())[0].alias == FLASH
        assert await account.aprofile(FLASH) == account.profile(FLASH)


def test_latencies_are_those_of_models_that_answered(server: StandIn, account: Account) -> None:
    assert account.metrics() == ()
    model_of(server).invoke("Hello")
    (found,) = account.metrics(FLASH)
    assert found.metrics.duration_ms is not None
    assert found.metrics.duration_ms.p50 <= found.metrics.duration_ms.p99
    assert account.metrics("google/gemini-3-7-flash") == ()


# ---------------------------------------------------------------- what is refused


def test_a_wrong_key_is_the_error_of_the_model_and_is_never_shown(server: StandIn) -> None:
    with pytest.raises(AIMLAPIAuthenticationError) as caught:
        Account(api_key="sk-wrong-key", base_url=server.base_url).balance()
    assert "sk-wrong-key" not in str(caught.value)
    assert "sk-wrong-key" not in repr(Account(api_key="sk-wrong-key"))


def test_without_a_key_the_catalogue_answers_and_the_rest_says_what_is_missing(
    server: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AIMLAPI_API_KEY", raising=False)
    account = Account(base_url=server.base_url, cache_dir=tmp_path)
    assert account.models(id="gemini-3-flash-preview")[0].id == FLASH
    with pytest.raises(ValueError, match="AIMLAPI_API_KEY"):
        account.balance()


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ({"end": datetime(2026, 1, 1, tzinfo=UTC)}, "needs a start"),
        ({"period": "1h", "start": datetime(2026, 1, 1, tzinfo=UTC)}, "not both"),
        ({"start": datetime(2026, 1, 1), "end": datetime(2026, 1, 2)}, "aware"),  # noqa: DTZ001  what is refused
        (
            {"start": datetime(2025, 1, 1, tzinfo=UTC), "end": datetime(2026, 1, 1, tzinfo=UTC)},
            "92",
        ),
    ],
)
def test_a_window_that_is_none_is_refused_at_once(window: Any, words: str) -> None:
    account = Account(api_key=KEY)
    with pytest.raises(ValueError, match=words):
        account.usage(**window)
    with pytest.raises(ValueError, match=words):
        account.logs(**window)
    with pytest.raises(ValueError, match=words):
        account.alogs(**window)
    with pytest.raises(ValueError, match="week"):
        account.usage(group_by=["week"])


@pytest.mark.parametrize("zone", ["Mars", "+02:00", "../etc"])
def test_a_zone_that_is_none_is_refused_at_once_with_the_way_out(zone: str) -> None:
    with pytest.raises(ValueError, match="Europe/Berlin") as refusal:
        Account(api_key=KEY).usage(tz=zone)
    assert f"tz={zone!r}" in str(refusal.value)


@pytest.mark.parametrize("period", ["x", "0h", "200d"])
def test_what_the_server_refuses_is_our_error(account: Account, period: str) -> None:
    with pytest.raises(AIMLAPIInvalidRequestError):
        account.usage(period=period)


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"current_balance": "much"}', b"null"])
def test_a_body_that_is_not_as_documented_is_an_error_that_names_the_place(body: bytes) -> None:
    account = answers(lambda _: httpx.Response(200, content=body))
    with pytest.raises(AIMLAPIResponseError, match="not a Balance as documented"):
        account.balance()


def test_money_is_read_exactly_and_times_without_an_offset_are_utc() -> None:
    account = answers(
        lambda request: httpx.Response(
            200,
            content=b'{"current_balance": 0.1, "currency": "USD"}'
            if request.url.path == "/v2/billing"
            else b'{"start": "2026-07-20T22:15:00", "end": "2026-07-27T22:15:00.000Z",'
            b' "spend": 13.704199, "currency": "USD", "requests": 9643}',
        )
    )
    assert account.balance().current_balance == Decimal("0.1")
    usage = account.usage(period="7d")
    assert usage.spend == Decimal("13.704199")
    assert usage.start == datetime(2026, 7, 20, 22, 15, tzinfo=UTC)


def test_an_amount_of_many_digits_is_read_to_the_last() -> None:
    body = b'{"current_balance": 12345678901234567890.123456789, "currency": "USD"}'
    account = answers(lambda _: httpx.Response(200, content=body))
    assert account.balance().current_balance == Decimal("12345678901234567890.123456789")


class OneHourTwice(tzinfo):
    """A zone in the hour that its clocks show twice."""

    def utcoffset(self, moment: datetime | None) -> timedelta:
        return timedelta(hours=1 if moment and moment.fold else 2)

    def dst(self, moment: datetime | None) -> timedelta:
        return self.utcoffset(moment) - timedelta(hours=1)

    def tzname(self, moment: datetime | None) -> str:
        return str(self.utcoffset(moment))


def test_a_window_over_the_hour_that_comes_twice_is_one() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.extend(request.url.params[name] for name in ("start", "end"))
        pagination = {"limit": 100, "offset": 0, "total": 0, "has_more": False}
        return httpx.Response(200, json={"data": [], "pagination": pagination})

    start = datetime(2026, 10, 25, 2, 30, tzinfo=OneHourTwice())
    assert [*answers(answer).logs(start=start, end=start.replace(minute=10, fold=1))] == []
    assert asked == ["2026-10-25T02:30:00+02:00", "2026-10-25T02:10:00+01:00"]
    with pytest.raises(ValueError, match="0 to 92 days"):
        answers(answer).logs(start=start.replace(minute=10, fold=1), end=start)


# ---------------------------------------------------------------- the catalogue


def test_the_catalogue_is_kept_by_its_mark(server: StandIn, tmp_path: Path) -> None:
    with Account(base_url=server.base_url, api_key=KEY, cache_dir=tmp_path) as account:
        served = account.models()
        (file,) = tmp_path.iterdir()
        text = file.read_text(encoding="utf-8")
        assert account.models() == served
        assert file.read_text(encoding="utf-8") == text
        kept = json.loads(text)
        file.write_text(json.dumps({**kept, "body": '{"data": []}'}), encoding="utf-8")
        assert account.models() == ()  # the server said that what is kept is true
        file.write_text("damaged", encoding="utf-8")
        assert account.models() == served


def test_a_folder_that_cannot_be_written_costs_the_cache_only(
    server: StandIn, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    account = Account(base_url=server.base_url, api_key=KEY, cache_dir=tmp_path / "file")
    assert account.models() == account.models()


def test_a_catalogue_that_cannot_be_kept_leaves_no_file_behind(
    server: StandIn, tmp_path: Path
) -> None:
    with Account(base_url=server.base_url, api_key=KEY, cache_dir=tmp_path) as account:
        account.models()
        [kept] = tmp_path.iterdir()
        kept.unlink()
        kept.mkdir()  # so that nothing can be put in its place
        (kept / "other").touch()
        assert account.models()
    assert [*tmp_path.iterdir()] == [kept]


@pytest.mark.parametrize(
    "kept",
    [
        {"body": "damaged"},
        {"body": ""},
        {"body": "{}"},
        {"etag": "\N{LATIN SMALL LETTER E WITH ACUTE}"},
    ],
)
def test_a_kept_catalogue_that_cannot_be_used_is_asked_for_again(
    server: StandIn, tmp_path: Path, kept: dict[str, str]
) -> None:
    with Account(base_url=server.base_url, api_key=KEY, cache_dir=tmp_path) as account:
        served = account.models()
        (file,) = tmp_path.iterdir()
        text = file.read_text(encoding="utf-8")
        file.write_text(json.dumps({**json.loads(text), **kept}), encoding="utf-8")
        assert account.models() == served
        assert json.loads(file.read_text(encoding="utf-8")) == json.loads(text)


def test_offline_a_damaged_catalogue_leaves_what_this_release_knows(tmp_path: Path) -> None:
    body: dict[str, Any] = {"content": b"<html>", "headers": {"etag": '"1"'}}
    state = {"up": True}

    def answer(_: httpx.Request) -> httpx.Response:
        if state["up"]:
            return httpx.Response(200, **body)
        raise httpx.ConnectError("no network")

    account = answers(answer, cache_dir=tmp_path)
    with pytest.raises(AIMLAPIResponseError):
        account.models()
    state["up"] = False
    assert account.profile(FLASH)["max_input_tokens"] == 1_000_000


@pytest.mark.parametrize(
    "changes",
    [
        {"pricing": {"kind": "variants", "currency": None, "units": None}},
        {"modalities": {"input": None, "output": None}},
        {"tags": None, "aliases": None, "capabilities": None},
        {"info": {"name": None, "developer": None, "contextLength": None}},
        {"info": None},
    ],
)
def test_a_null_in_one_model_does_not_cost_the_others(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    body = {"object": "list", "data": [served(id="odd", **changes), served()]}
    account = answers(lambda _: httpx.Response(200, json=body), cache_dir=tmp_path)
    assert [model.id for model in account.models()] == ["odd", "google/gemini-9-flash"]
    assert account.profile("google/gemini-9-flash")["max_input_tokens"] == 7


def served(**changes: Any) -> dict[str, Any]:
    return {
        "id": "google/gemini-9-flash",
        "aliases": ["gemini-nine"],
        "type": "openai/chat-completions",
        "info": {"name": "Nine", "developer": "Google", "contextLength": 7, "outputMax": 3},
        "tags": [],
        "modalities": {"input": ["text", "pdf"], "output": ["text"]},
        "capabilities": ["tools"],
        "pricing": {
            "kind": "fixed",
            "currency": "USD",
            "units": [
                {"unit": "cached_input_token", "price": 0.01, "per": 1000000},
                {"unit": "input_token", "price": 0.5, "per": 1000000},
                {"unit": "output_token", "price": 0.003, "per": 1000},
            ],
        },
        **changes,
    }


def catalogue(tmp_path: Path, **changes: Any) -> Account:
    body = {"object": "list", "data": [served(**changes)]}
    return answers(lambda _: httpx.Response(200, json=body), cache_dir=tmp_path)


def test_an_id_newer_than_the_release_has_the_profile_of_the_catalogue(tmp_path: Path) -> None:
    profile = catalogue(tmp_path).profile("google/gemini-9-flash")
    assert profile["max_input_tokens"] == 7
    assert profile["max_output_tokens"] == 3
    assert (profile["pdf_inputs"], profile["image_inputs"]) == (True, False)
    assert (profile["tool_calling"], profile["structured_output"]) == (True, False)
    assert catalogue(tmp_path).profile("gemini-nine")["max_input_tokens"] == 7


def test_what_the_catalogue_does_not_say_is_as_in_this_release(tmp_path: Path) -> None:
    bare = {"info": {"name": "", "developer": "Google"}, "modalities": None, "capabilities": None}
    profile = catalogue(tmp_path, id=FLASH, pricing=None, **bare).profile(FLASH)
    assert profile["max_input_tokens"] == 1_000_000
    assert profile["image_inputs"] is True


def test_offline_the_last_catalogue_counts_then_this_release(tmp_path: Path) -> None:
    catalogue_body = {"object": "list", "data": [served()]}
    state = {"up": True}

    def answer(_: httpx.Request) -> httpx.Response:
        if state["up"]:
            return httpx.Response(200, json=catalogue_body, headers={"etag": 'W/"1"'})
        raise httpx.ConnectError("no network")

    account = answers(answer, cache_dir=tmp_path)
    account.models()
    state["up"] = False
    assert account.profile("google/gemini-9-flash")["max_input_tokens"] == 7
    empty = answers(answer, cache_dir=tmp_path / "empty")
    assert empty.profile(FLASH)["max_input_tokens"] == 1_000_000
    with pytest.raises(AIMLAPINotFoundError, match="mistral"):
        empty.profile("mistral/large")


async def test_offline_async_too(tmp_path: Path) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no network")

    profile = await answers(answer, cache_dir=tmp_path).aprofile(FLASH)
    assert profile["max_input_tokens"] == 1_000_000


def test_an_id_that_is_not_served_any_more_is_told(tmp_path: Path) -> None:
    account = catalogue(tmp_path)
    with pytest.warns(UserWarning, match="does not list"):
        assert account.profile(FLASH)["max_input_tokens"] == 1_000_000


def test_a_call_is_estimated_at_todays_prices(tmp_path: Path) -> None:
    account = catalogue(tmp_path)
    estimate = account.estimate("gemini-nine", [HumanMessage("x" * 400)], max_tokens=1000)
    assert estimate.output_tokens == 1000
    assert estimate.usd == estimate.input_tokens * Decimal("0.0000005") + Decimal("0.003")
    assert estimate.credits == estimate.usd * 2_000_000
    assert account.estimate("gemini-nine", []).output_tokens == 3
    with pytest.raises(AIMLAPINotFoundError):
        account.estimate("google/gemini-3-flash-preview", [])


@pytest.mark.parametrize(
    "pricing",
    [
        None,
        {"kind": "variants", "dimensions": ["x"], "variants": []},
        {"kind": "fixed", "units": [{"unit": "second", "price": 1, "per": 1}]},
        {"kind": "fixed", "units": [{"unit": "input_token", "price": 1, "per": 0}]},
        {"kind": "fixed", "units": [{"unit": "input_token"}]},
    ],
)
def test_a_price_that_is_not_per_token_gives_no_estimate(pricing: Any, tmp_path: Path) -> None:
    estimate = catalogue(tmp_path, pricing=pricing).estimate("gemini-nine", [])
    assert (estimate.usd, estimate.credits) == (None, None)


def test_prices_of_input_and_output_are_told_from_caches_and_media() -> None:
    units = ({"name": "Audio input tokens", "price": 9, "per": 1},)
    assert Pricing(kind="fixed", units=units).rate("input") is None


@pytest.mark.parametrize(
    ("platform", "variables", "folder"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/langchain-aimlapi"),
        ("linux", {}, "/home/me/.cache/langchain-aimlapi"),
        ("darwin", {}, "/home/me/Library/Caches/langchain-aimlapi"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/langchain-aimlapi"),
    ],
)
def test_the_cache_lies_where_the_system_has_caches(
    monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], folder: str
) -> None:
    from langchain_aimlapi.account import catalogue as module

    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/me")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", platform)
    assert module._cache_folder().as_posix() == folder


def test_a_user_without_a_home_has_an_account_too(
    monkeypatch: pytest.MonkeyPatch, server: StandIn
) -> None:
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("pathlib.Path.home", nobody)
    with Account(base_url=server.base_url, api_key=KEY) as account:
        assert account.models() == account.models()


def test_the_account_of_a_model_has_its_key_and_address(server: StandIn) -> None:
    model = model_of(server)
    with Account.of(model) as account:
        assert account.key().prefix == KEY[:8]
    assert server.base_url in repr(account)


def test_a_model_from_the_catalogue_has_the_profile_of_today(
    server: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    settings: Any = {"api_key": KEY, "base_url": server.base_url, "max_retries": 0}
    model = ChatAIMLGemini.from_catalog("gemini-3-flash-preview", **settings)
    assert model.profile is not None
    assert (model.profile["max_output_tokens"], model.profile["tool_calling"]) == (65_536, True)
    assert model.invoke("Hello").text
    own = ChatAIMLGemini.from_catalog(FLASH, profile={"max_input_tokens": 5}, **settings)
    assert own.profile == {"max_input_tokens": 5}
    newer = httpx.MockTransport(lambda _: httpx.Response(200, json={"data": [served()]}))
    with httpx.Client(transport=newer) as client:
        nine = ChatAIMLGemini.from_catalog("google/gemini-9-flash", api_key=KEY, http_client=client)
    assert nine.profile is not None
    assert nine.profile["max_input_tokens"] == 7
    assert nine.model == "google/gemini-9-flash"
    offline = ChatAIMLGemini.from_catalog(
        FLASH, api_key=KEY, base_url="http://127.0.0.1:9/v1", max_retries=0
    )
    assert offline.profile is not None
    assert offline.profile["max_input_tokens"] == 1_000_000


def test_a_key_may_be_a_function(server: StandIn) -> None:
    assert Account(api_key=lambda: KEY, base_url=server.base_url).key().prefix == KEY[:8]


def test_an_account_that_could_not_be_made_has_a_repr() -> None:
    """Reporters of errors show the locals of frames, `self` of a constructor among them."""
    for given in ({"api_key": b"sk-secret"}, {"base_url": "nowhere"}):
        with pytest.raises(ValueError, match=r"api_key|base_url") as told:
            Account(**cast("Any", given))
        shown = traceback.TracebackException.from_exception(told.value, capture_locals=True)
        assert "Account(base_url=" in "".join(shown.format())
