"""What a call that did not end well may have cost is kept, and becomes what was charged."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import pytest
from langchain_core.caches import InMemoryCache

from langchain_aimlapi import (
    AIMLAPIBudgetError,
    AIMLAPIError,
    ChatAIMLGemini,
    SpendCallbackHandler,
    get_spend_callback,
)
from langchain_aimlapi.account import Account, LogCost, LogTokens
from langchain_aimlapi.spend import Cost, OpenItem
from langchain_aimlapi.spend.books import _free_all
from langchain_aimlapi.spend.open_items import dump_cost, dump_item
from langchain_aimlapi.testing.standin import StandIn
from tests.http_client import httpx

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path

KEY = "sk-a-key-that-nobody-may-see"
FLASH = "google/gemini-3-flash-preview"
QUESTION = "Tell me about Oslo"


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


@pytest.fixture
def account(server: StandIn) -> Iterator[Account]:
    with Account(api_key=KEY, base_url=server.base_url) as account:
        yield account


def model_of(server: StandIn, **settings: Any) -> ChatAIMLGemini:
    usual: dict[str, Any] = {
        "max_retries": 0,
        "max_tokens": 1000,
        "model": FLASH,
        "base_url": server.base_url,
    }
    return ChatAIMLGemini(api_key=KEY, **(usual | settings))


def charged(server: StandIn) -> Decimal:
    """Return what the stand-in's ledger says was charged, in credits."""
    return Decimal(sum(row["cost"]["credits"] for row in server.ledger))


def only(spend: SpendCallbackHandler) -> OpenItem:
    (item,) = spend.open_items
    return item


def settled(spend: SpendCallbackHandler, account: Account, server: StandIn) -> bool:
    """Tell whether the spend matches the bill to the credit, with nothing left open."""
    assert spend.reconcile(account) == []
    assert spend.total.open == 0
    return spend.total.credits == charged(server) and spend.total.usd == charged(server) / 2_000_000


# ---------------------------------------------------------------- what is kept


def test_a_stream_that_its_reader_breaks_off_is_kept_and_becomes_what_it_cost(
    server: StandIn, account: Account
) -> None:
    with get_spend_callback() as spend:
        stream = cast("Any", model_of(server).stream(QUESTION))
        next(stream)
        stream.close()
    item = only(spend)
    assert (item.model, item.reason) == (FLASH, "GeneratorExit")
    assert item.client_request_id == server.ledger[0]["client_request_id"]
    assert item.credits >= charged(server) > 0
    assert spend.total == Cost(open=1, credits_open=item.credits)
    assert spend.total.usd_open == item.credits / 2_000_000
    assert settled(spend, account, server)
    assert spend.total.output_tokens == server.ledger[0]["tokens"]["output"]


async def test_a_cancelled_call_is_kept_however_it_is_made(
    server: StandIn, account: Account
) -> None:
    model = model_of(server)
    spend = SpendCallbackHandler()
    config: Any = {"callbacks": [spend]}

    async def read() -> None:
        async with aclosing(cast("Any", model.astream(QUESTION, config))) as chunks:
            async for _ in chunks:
                begun.set()
                await asyncio.sleep(60)

    async def arrived(number: int) -> None:
        for _ in range(1000):
            if len(server.ledger) >= number:
                return
            await asyncio.sleep(0.01)

    async def cancel(call: Coroutine[Any, Any, object], when: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(call)
        await asyncio.wait_for(when, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    begun = asyncio.Event()
    server.fail_next("latency=60", times=2)
    await cancel(model.ainvoke(QUESTION, config), arrived(1))
    await cancel(model.abatch([QUESTION], config), arrived(2))
    await cancel(read(), begun.wait())
    reasons = [item.reason for item in spend.open_items]
    assert reasons == ["CancelledError", "CancelledError", "GeneratorExit"]
    assert await spend.areconcile(account) == []
    assert await spend.areconcile(account) == []
    assert spend.total.credits == charged(server)
    assert len(server.ledger) == 3
    await model.aclose()


@pytest.mark.parametrize(
    ("fault", "is_open"),
    [
        ("cut", True),
        ("status=500", True),
        ("error-in-200", True),
        ("empty", True),
        ("status=429", False),
        ("status=400", False),
    ],
)
def test_what_failed_after_it_was_sent_is_kept_unless_the_server_refused_it(
    server: StandIn,
    account: Account,
    fault: str,
    is_open: bool,  # noqa: FBT001  a case's value
) -> None:
    server.fail_next(fault)
    spend = SpendCallbackHandler()
    with pytest.raises(AIMLAPIError) as caught:
        model_of(server, callbacks=[spend]).invoke(QUESTION)
    assert bool(spend.open_items) is is_open
    if is_open:
        assert only(spend).reason == type(caught.value).__name__
        assert only(spend).inference_id in (None, server.ledger[0]["inference_id"])
    assert settled(spend, account, server)


def test_what_was_never_sent_cannot_have_cost_anything(server: StandIn) -> None:
    spend = SpendCallbackHandler()
    with pytest.raises(AIMLAPIError):
        model_of(server, base_url="http://127.0.0.1:9/v1", callbacks=[spend]).invoke(QUESTION)
    with httpx.Client() as closed:
        pass
    with pytest.raises(AIMLAPIError, match="cannot be made"):
        model_of(server, http_client=closed, callbacks=[spend]).invoke(QUESTION)
    with pytest.raises(ValueError, match="client_request_id"):
        model_of(server, callbacks=[spend]).invoke(QUESTION, client_request_id="à la carte")
    assert spend.total == Cost()


def test_attempts_that_timed_out_before_the_good_one_are_on_the_bill(
    server: StandIn, account: Account
) -> None:
    server.fail_next("latency=9")
    server.fail_next("cut")
    server.fail_next("status=503;retry-after=0")
    spend = SpendCallbackHandler()
    model = model_of(server, callbacks=[spend], max_retries=3, timeout=0.5)
    model.invoke(QUESTION)
    assert [item.reason for item in spend.open_items] == [
        "AIMLAPITimeoutError",
        "AIMLAPIConnectionError",
    ]
    assert spend.total.answers == 1
    assert len(server.ledger) == 4
    assert settled(spend, account, server)


def test_attempts_that_all_failed_are_on_the_bill_each_once(
    server: StandIn, account: Account
) -> None:
    server.fail_next("cut", times=3)
    spend = SpendCallbackHandler()
    with pytest.raises(AIMLAPIError):
        model_of(server, callbacks=[spend], max_retries=2).invoke(QUESTION)
    assert len(spend.open_items) == 3
    assert settled(spend, account, server)
    assert settled(spend, account, server)


def test_an_answer_without_a_cost_is_looked_up_too(account: Account, server: StandIn) -> None:
    spend = SpendCallbackHandler()

    def strip(response: httpx.Response) -> None:
        response.read()
        body = response.json()
        del body["meta"]
        response._content = json.dumps(body).encode()
        for name in ("x-aimlapi-credits-used", "x-aimlapi-usd-spent"):
            response.headers.pop(name, None)

    with httpx.Client(event_hooks={"response": [strip]}) as client:
        model_of(server, callbacks=[spend], http_client=client).invoke(QUESTION)
    assert (spend.total.answers, spend.total.unpriced, spend.total.open) == (1, 1, 1)
    assert only(spend).inference_id == server.ledger[0]["inference_id"]
    assert settled(spend, account, server)
    assert (spend.total.answers, spend.total.unpriced) == (1, 0)


def item_of(client_request_id: str, **facts: Any) -> OpenItem:
    usual = {"model": FLASH, "started_at": datetime.now(UTC), "credits": Decimal(5)}
    return OpenItem(client_request_id=client_request_id, **{**usual, **facts})


def test_a_clock_that_was_set_back_leaves_a_window(account: Account) -> None:
    spend = SpendCallbackHandler()
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    spend._books.leave(item_of("of tomorrow", started_at=tomorrow), TimeoutError())
    assert spend.reconcile(account) == spend.open_items != []


@pytest.mark.parametrize("calls", [10, 500])
def test_many_items_are_not_each_held_against_all_rows(calls: int) -> None:
    looks = 0

    class Row:
        cost = LogCost(usd=Decimal(1), credits=Decimal(2))
        tokens = LogTokens()
        created = datetime.now(UTC)

        def __init__(self, name: int) -> None:
            self.inference_id = f"inference-{name}"
            self._name = f"call-{name}"

        @property
        def client_request_id(self) -> str:
            nonlocal looks
            looks += 1
            return self._name

    spend = SpendCallbackHandler()
    for name in range(calls):
        spend._books.leave(item_of(f"call-{name}"), TimeoutError())
    spend._books.settle([Row(name) for name in range(calls + 1)])
    assert spend.total == Cost(credits=Decimal(2 * calls), usd_reported=Decimal(calls))
    assert looks <= 3 * calls


def test_a_row_that_is_not_there_yet_leaves_its_item_open(
    server: StandIn, account: Account
) -> None:
    spend = SpendCallbackHandler()
    with suppress(AIMLAPIError):
        server.fail_next("cut")
        model_of(server, callbacks=[spend]).invoke(QUESTION)
    rows = server._application.ledger._rows
    kept = [*rows]
    rows.clear()
    assert spend.reconcile(account) == spend.open_items != []
    rows.extend(kept)
    assert settled(spend, account, server)


@pytest.mark.parametrize(
    ("age", "give_up_after", "is_open"),
    [
        (timedelta(hours=2), timedelta(hours=1), False),
        (timedelta(hours=2), timedelta(hours=3), True),
        (timedelta(hours=25), "default", False),
        (timedelta(hours=23), "default", True),
        (timedelta(days=90), None, True),
        (timedelta(days=95), "default", True),  # the log does not go back so far
    ],
)
@pytest.mark.parametrize("way", ["sync", "async"])
def test_an_item_that_the_log_has_passed_over_is_let_go(  # noqa: PLR0913
    account: Account,
    server: StandIn,
    age: timedelta,
    give_up_after: Any,
    *,
    is_open: bool,
    way: str,
) -> None:
    model_of(server).invoke(QUESTION)
    spend = SpendCallbackHandler()
    spend._books.leave(item_of("lost", started_at=datetime.now(UTC) - age), TimeoutError())
    given = {} if give_up_after == "default" else {"give_up_after": give_up_after}
    if way == "sync":
        left = spend.reconcile(account, **given)
    else:
        left = asyncio.run(spend.areconcile(account, **given))
    assert (left != []) is (spend.total.open > 0) is is_open
    if not is_open:
        assert spend.total == Cost()


def test_an_empty_log_has_passed_over_nothing(account: Account) -> None:
    spend = SpendCallbackHandler()
    old = datetime.now(UTC) - timedelta(days=30)
    spend._books.leave(item_of("lost", started_at=old), TimeoutError())
    assert len(spend.reconcile(account)) == 1


ITEM = dump_item(item_of("kept"))
ODD_LINES = [
    b"",
    b"[]",
    b"null",
    b"3",
    b'"begin"',
    b"{}",
    b"{oops",
    b"\xff\xfe\x00",
    b"[" * 20_000,
    b'{"begin": 3}',
    b'{"begin": {}}',
    b'{"begin": "x"}',
    b'{"end": null}',
    b'{"end": []}',
    b'{"end": ["a", "m", {"credits": "NaN"}]}',
    b'{"end": ["a", "m", {"credits": "1e999999"}]}',
    b'{"end": ["a", "m", {"usd_reported": "-1e-999999"}]}',
    b'{"end": ["a", "m", {"credits": "x"}]}',
    b'{"end": ["a", "m", {"new_amount": "1"}]}',
    b'{"end": [{}, "m", null]}',
    json.dumps({"begin": {**ITEM, "credits": "Infinity"}}).encode(),
    json.dumps({"begin": {**ITEM, "credits": None}}).encode(),
    json.dumps({"begin": {**ITEM, "started_at": "yesterday"}}).encode(),
    json.dumps({"begin": {**ITEM, "unpriced": []}}).encode(),
]


def test_an_odd_line_of_the_journal_is_passed_over(tmp_path: Path, account: Account) -> None:
    good = {**ITEM, "started_at": "2026-11-20T10:00:00", "later_field": 1}
    cost = dump_cost(Cost(answers=1, credits=Decimal(7)))
    for odd in ODD_LINES:
        journal = tmp_path / "spend.jsonl"
        lines = [json.dumps({"end": ["x", "m", cost]}).encode(), odd]
        journal.write_bytes(b"\n".join([*lines, json.dumps({"begin": good}).encode(), b""]))
        spend = SpendCallbackHandler(journal=journal, max_credits=1000)
        assert (spend.total.answers, spend.total.credits) == (1, Decimal(7)), odd
        assert only(spend).client_request_id == "kept", odd
        assert len(spend.reconcile(account)) == 1
        spend._books.check()


def test_the_estimate_follows_model_limit_and_alternatives(server: StandIn) -> None:
    def most(**settings: Any) -> Decimal:
        spend = SpendCallbackHandler()
        server.fail_next("cut")
        with pytest.raises(AIMLAPIError):
            model_of(server, callbacks=[spend], **settings).invoke(QUESTION)
        return only(spend).credits

    assert most(max_tokens=2000) > most(max_tokens=1000)
    assert most(max_tokens=None) > most(max_tokens=2000)
    assert most(max_tokens=None, max_completion_tokens=1000) < most(max_tokens=2000)
    assert most(n=2) > most()
    assert most(model="google/gemini-3-1-pro-preview") > most()


# ---------------------------------------------------------------- the three of the issue


def test_fifty_parallel_calls_some_cut_some_cancelled_match_the_bill(
    server: StandIn, account: Account
) -> None:
    spend = SpendCallbackHandler()
    model = model_of(server, callbacks=[spend])
    server.fail_next("cut", times=5)
    server.fail_next("latency=60", times=5)
    server.fail_next("status=500", times=5)

    async def run() -> None:
        calls = [asyncio.create_task(model.ainvoke(f"Question {n}")) for n in range(50)]
        async with asyncio.timeout(60):
            while sum(call.done() for call in calls) < 45 or len(server.ledger) < 50:  # noqa: ASYNC110  the server is in another thread
                await asyncio.sleep(0.05)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await model.aclose()

    asyncio.run(run())
    assert spend.total.answers == 35
    assert spend.total.open == 15
    assert len(server.ledger) == 50
    assert settled(spend, account, server)


WORKER = """
import sys
from langchain_aimlapi import ChatAIMLGemini, SpendCallbackHandler
url, journal = sys.argv[1:]
spend = SpendCallbackHandler(journal=journal)
model = ChatAIMLGemini(model="google/gemini-3-flash-preview", api_key="{key}", base_url=url,
                       callbacks=[spend], max_tokens=1000)
model.invoke("Hello")
for chunk in model.stream("Tell me about Oslo"):
    print("begun", flush=True)
"""


def test_a_killed_worker_leaves_its_call_in_the_journal(
    server: StandIn, account: Account, tmp_path: Path
) -> None:
    journal = tmp_path / "spend.jsonl"
    server.fail_next("pace=0")
    server.fail_next("stall")
    command = [sys.executable, "-c", WORKER.replace("{key}", KEY), server.base_url, str(journal)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "begun\n"
        worker.kill()
    spend = SpendCallbackHandler(journal=journal)
    assert (spend.total.answers, only(spend).reason) == (1, "unfinished")
    assert KEY not in journal.read_text(encoding="utf-8")
    assert settled(spend, account, server)
    again = SpendCallbackHandler(journal=journal)
    assert again.total == spend.total
    assert again.reconcile(account) == []
    assert SpendCallbackHandler(journal=tmp_path / "new.jsonl").total == Cost()
    with journal.open("a", encoding="utf-8") as file:
        file.write('{"begin": {"clie')
    resumed = SpendCallbackHandler(journal=journal)
    assert resumed.total == spend.total
    resumed._books.leave(item_of("next"), TimeoutError())
    assert only(SpendCallbackHandler(journal=journal)).client_request_id == "next"


def test_a_streamed_web_answer_that_its_reader_left_matches_the_bill(
    server: StandIn, account: Account
) -> None:
    from tests.unit_tests.spend.web_app import WebApp

    spend = SpendCallbackHandler()
    server.fail_next("pace=0.2")
    with WebApp(model_of(server, callbacks=[spend])) as url:
        with httpx.stream("GET", url, timeout=10, trust_env=False) as response:
            next(response.iter_raw())
        deadline = time.monotonic() + 10
        while not spend.open_items and time.monotonic() < deadline:
            time.sleep(0.01)
    assert only(spend).reason in ("CancelledError", "GeneratorExit")
    assert settled(spend, account, server)


# ---------------------------------------------------------------- limits


def test_open_items_count_toward_a_limit(server: StandIn, account: Account) -> None:
    spend = SpendCallbackHandler(max_credits=20_000)
    model = model_of(server, callbacks=[spend])
    server.fail_next("cut")
    with pytest.raises(AIMLAPIError):
        model.invoke(QUESTION)
    with pytest.raises(AIMLAPIBudgetError, match="with 1 open calls at most"):
        model.invoke(QUESTION)
    assert len(server.ledger) == 1
    spend.reconcile(account)
    model.invoke(QUESTION)
    assert settled(spend, account, server)


def test_calls_beside_each_other_stop_within_one_call_of_the_limit(server: StandIn) -> None:
    spend = SpendCallbackHandler()
    model = model_of(server, callbacks=[spend])
    model.invoke(QUESTION)
    one = spend.total.credits
    spend.max_credits = one * 10
    server.fail_next("latency=0.2", times=40)
    with pytest.raises(AIMLAPIBudgetError, match="calls under way"):
        model.batch([QUESTION] * 30, {"max_concurrency": 16})
    deadline = time.monotonic() + 5
    while spend._books._running and time.monotonic() < deadline:
        time.sleep(0.01)
    assert one * 9 < spend.total.credits <= one * 10


async def test_a_stop_is_no_error_of_the_handler_in_langchains_log(
    server: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    spend = SpendCallbackHandler(max_credits=1)
    model = model_of(server, callbacks=[spend])
    model.invoke(QUESTION)
    with caplog.at_level(logging.DEBUG):
        with pytest.raises(AIMLAPIBudgetError):
            model.invoke(QUESTION)
        with pytest.raises(AIMLAPIBudgetError):
            list(model.stream(QUESTION))
        with pytest.raises(AIMLAPIBudgetError):
            await model.ainvoke(QUESTION)
        with pytest.raises(AIMLAPIBudgetError):
            [chunk async for chunk in model.astream(QUESTION)]
    assert "SpendCallbackHandler" not in caplog.text
    assert len(server.ledger) == 1
    assert spend.open_items == []


def test_answers_out_of_the_cache_are_given_beyond_the_limit(server: StandIn) -> None:
    spend = SpendCallbackHandler(max_credits=1)
    model = model_of(server, callbacks=[spend], cache=InMemoryCache())
    model.invoke(QUESTION)
    assert model.invoke(QUESTION).text
    assert (spend.total.answers, spend.total.cached) == (2, 1)


def test_a_limit_may_be_raised(server: StandIn) -> None:
    spend = SpendCallbackHandler(max_usd="0.0000001")
    model = model_of(server, callbacks=[spend])
    model.invoke(QUESTION)
    with pytest.raises(AIMLAPIBudgetError):
        model.invoke(QUESTION)
    spend.max_usd = 1
    assert spend.max_usd == 1
    model.invoke(QUESTION)


# ---------------------------------------------------------------- a value like any other


def test_copies_and_sums_hold_what_is_open(server: StandIn) -> None:
    spend = SpendCallbackHandler()
    stream = cast("Any", model_of(server, callbacks=[spend]).stream(QUESTION))
    next(stream)
    assert (spend + SpendCallbackHandler()).total == Cost()  # under way: the original's to count
    stream.close()
    assert (spend + SpendCallbackHandler()).open_items == spend.open_items
    assert "open=1" in repr(spend)
    assert "1 calls open; USD: 0 reported, 0 derived, " in str(spend)
    assert "<td>google/gemini-3-flash-preview</td>" in spend._repr_html_()
    assert "1 calls open" in spend._repr_html_()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_while_a_callback_works_leaves_a_child_that_goes_on() -> None:
    spend = SpendCallbackHandler()
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with spend._books._lock:
            held.set()
            done.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    child = os.fork()
    if child == 0:  # pragma: no cover  the child leaves by _exit
        signal.alarm(10)
        spend.on_llm_start({}, ["Hello"])
        os._exit(0 if spend.total == Cost() else 1)
    done.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0
    held_lock = spend._books._lock
    _free_all()  # what the child did, where coverage sees it
    assert spend._books._lock is not held_lock


def test_a_run_that_nobody_names_is_let_start(server: StandIn) -> None:
    spend = SpendCallbackHandler(max_credits=0)
    with pytest.raises(AIMLAPIBudgetError):
        spend.on_chat_model_start({}, [[]])
    spend.on_chat_model_start({}, [[]], invocation_params={"_type": "aimlapi-gemini-chat"})
    assert server.ledger == []


def test_an_id_of_ones_own_leads_to_the_row(server: StandIn, account: Account) -> None:
    spend = SpendCallbackHandler()
    stream = cast(
        "Any", model_of(server, callbacks=[spend]).stream(QUESTION, client_request_id="order-1")
    )
    next(stream)
    stream.close()
    assert only(spend).client_request_id == "order-1"
    assert settled(spend, account, server)


def test_a_stream_beside_a_watched_one_has_an_id_of_its_own(server: StandIn) -> None:
    spend = SpendCallbackHandler()
    watched = cast("Any", model_of(server).stream(QUESTION, {"callbacks": [spend]}))
    next(watched)
    server.fail_next("status=503")
    retrying = model_of(server, max_retries=1)
    other = cast("Any", retrying.stream(QUESTION, {"callbacks": [SpendCallbackHandler()]}))
    next(other)
    other.close()
    watched.close()
    ids = {row["client_request_id"] for row in server.ledger}
    assert len(ids) == 2
    assert only(spend).client_request_id in ids
