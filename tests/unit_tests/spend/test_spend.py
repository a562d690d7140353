"""Spend: what a run cost is exact, whole, counted once, and held under a limit."""

# ruff: noqa: ARG002  the fake model has langchain-core's signatures

from __future__ import annotations

import asyncio
import contextvars
import copy
import gc
import json
import pickle
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain.agents import create_agent
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.language_models import BaseChatModel, FakeListLLM
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, LLMResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnableLambda, RunnableParallel
from langchain_core.tools import tool
from langsmith import Client
from pydantic import Field

from langchain_aimlapi import AIMLAPIBudgetError, SpendCallbackHandler, get_spend_callback
from langchain_aimlapi.spend import Cost
from langchain_aimlapi.tracing import CostTracer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from langchain_core.callbacks import (
        AsyncCallbackManagerForLLMRun,
        CallbackManagerForLLMRun,
    )

PRO = "google/gemini-3-pro-preview"
FLASH = "google/gemini-3-flash-preview"
# The documented answers: 4211 credits, no USD; the documented pair of credits with USD.
DERIVED = {"credits_used": 4211, "usd_spent": 0.0021055, "usd_spent_source": "derived"}
REPORTED = {"credits_used": 2480, "usd_spent": "0.001240000", "usd_spent_source": "header"}


class PricedModel(BaseChatModel):
    """A model that answers from memory, in two chunks when streamed, and says what it cost."""

    model: str = PRO
    cost: dict[str, Any] = Field(default=DERIVED)
    alternatives: int = 1
    script: tuple[AIMessage, ...] = ()

    @property
    def _llm_type(self) -> str:
        return "priced"

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        asked = sum(message.type == "ai" for message in messages)
        answer = self.script[asked] if self.script else AIMessage("Hello")
        return AIMessage(
            answer.content,
            tool_calls=answer.tool_calls,
            usage_metadata={"input_tokens": 2, "output_tokens": 158, "total_tokens": 160},
            response_metadata={"model_name": self.model, "model_provider": "aimlapi", **self.cost},
        )

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(
            generations=[
                ChatGeneration(message=self._answer(messages)) for _ in range(self.alternatives)
            ]
        )

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        await asyncio.sleep(0)
        return self._generate(messages)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        answer = self._answer(messages)
        yield ChatGenerationChunk(message=AIMessageChunk(content=answer.text))
        yield ChatGenerationChunk(
            message=AIMessageChunk(
                content="",
                usage_metadata=answer.usage_metadata,
                response_metadata=answer.response_metadata,
                chunk_position="last",
            )
        )

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._stream(messages):
            await asyncio.sleep(0)
            yield chunk

    def bind_tools(self, tools: Any, **kwargs: Any) -> Runnable[Any, AIMessage]:
        return self.bind(tools=tools, **kwargs)


# ---------------------------------------------------------------- whatever runs is counted


def test_one_answer_is_counted_with_its_tokens_credits_and_usd() -> None:
    with get_spend_callback() as spend:
        PricedModel().invoke("Hello")
    cost = Cost(
        answers=1,
        input_tokens=2,
        output_tokens=158,
        credits=Decimal(4211),
        usd_derived=Decimal("0.0021055"),
    )
    assert spend.by_model == {PRO: cost}
    assert spend.total == cost


def test_reported_and_derived_usd_are_told_apart_and_add_up_exactly() -> None:
    with get_spend_callback() as spend:
        PricedModel().batch(["a"] * 3)
        PricedModel(model=FLASH, cost=REPORTED).batch(["a"] * 3)
    assert spend.total.credits == 3 * 4211 + 3 * 2480
    assert spend.total.usd_derived == Decimal("0.0063165")
    assert spend.total.usd_reported == Decimal("0.00372")
    assert spend.total.usd == Decimal("0.0100365")
    assert {model: cost.credits for model, cost in spend.by_model.items()} == {
        PRO: 12633,
        FLASH: 7440,
    }


def test_ten_times_ten_cents_is_one_dollar() -> None:
    model = PricedModel(cost={"usd_spent": 0.1, "usd_spent_source": "body"})
    with get_spend_callback() as spend:
        model.batch(["a"] * 10)
    assert spend.total.usd == 1
    assert spend.total.unpriced == 0


def test_a_stream_counts_as_much_as_a_whole_answer() -> None:
    model = PricedModel()
    with get_spend_callback() as whole:
        model.invoke("Hello")
    with get_spend_callback() as streamed:
        assert len(list(model.stream("Hello"))) == 2
    with get_spend_callback() as events:
        assert model.stream_events("Hello", version="v3").output.text == "Hello"
    assert whole.by_model == streamed.by_model == events.by_model


async def test_async_calls_tasks_and_streams_count() -> None:
    model = PricedModel()
    with get_spend_callback() as spend:
        await model.ainvoke("Hello")
        await model.abatch(["a", "b"])
        await asyncio.gather(*(model.ainvoke(str(number)) for number in range(5)))
        assert [chunk async for chunk in model.astream("Hello")]
    assert spend.total.answers == 9
    assert spend.total.credits == 9 * 4211


def test_chains_parallel_branches_and_batches_in_threads_count() -> None:
    prompt = ChatPromptTemplate.from_template("{subject}")
    chain = prompt | PricedModel() | StrOutputParser()
    branches: Runnable[Any, Any] = RunnableParallel(one=chain, two=chain)
    nested: Runnable[str, str] = RunnableLambda(lambda text: chain.invoke({"subject": text}))
    with get_spend_callback() as spend:
        branches.batch([{"subject": str(number)} for number in range(20)])
        nested.batch([str(number) for number in range(10)])
    assert spend.total.answers == 50


QUESTION: Any = {"messages": [("user", "Weather in Oslo?")]}


@tool
def weather(city: str) -> str:
    """Tell the weather."""
    return f"Rain in {city}"


def agent_model(**settings: Any) -> PricedModel:
    """Return a model that calls `weather` twice, then answers."""
    call = {"name": "weather", "args": {"city": "Oslo"}, "type": "tool_call"}
    steps = [AIMessage("", tool_calls=[{**call, "id": f"call_{n}"}]) for n in range(2)]
    return PricedModel(script=(*steps, AIMessage("Rain.")), **settings)


def test_every_step_of_an_agent_counts() -> None:
    agent = create_agent(agent_model(), tools=[weather])
    with get_spend_callback() as spend:
        answer = agent.invoke(QUESTION)
    assert answer["messages"][-1].text == "Rain."
    assert spend.total.answers == 3
    assert spend.total.credits == 3 * 4211


async def test_every_step_of_a_streamed_async_agent_counts() -> None:
    agent = create_agent(agent_model(), tools=[weather])
    with get_spend_callback() as spend:
        assert [part async for part in agent.astream(QUESTION, stream_mode="updates")]
    assert spend.total.answers == 3


def test_the_handler_works_as_a_callback_of_one_call_or_of_a_model() -> None:
    spend = SpendCallbackHandler()
    PricedModel().invoke("Hello", config={"callbacks": [spend]})
    PricedModel(callbacks=[spend]).invoke("Hello")
    PricedModel().invoke("Hello")
    assert spend.total.answers == 2


def test_a_handler_that_is_also_the_blocks_counts_once() -> None:
    with get_spend_callback() as spend:
        PricedModel().invoke("Hello", config={"callbacks": [spend]})
    assert spend.total.answers == 1


def test_nothing_counts_after_the_block_even_when_it_raised() -> None:
    def fail() -> None:
        with get_spend_callback() as spend:
            seen.append(spend)
            PricedModel().invoke("Hello")
            raise LookupError

    seen: list[SpendCallbackHandler] = []
    with pytest.raises(LookupError):
        fail()
    PricedModel().invoke("Hello")
    assert [spend.total.answers for spend in seen] == [1]


def test_an_outer_block_counts_what_the_inner_ones_do() -> None:
    model = PricedModel()
    with get_spend_callback() as outer:
        model.invoke("a")
        with get_spend_callback() as inner:
            RunnableParallel(a=model, b=model).invoke("b")
        with get_spend_callback() as second:
            model.invoke("c")
    assert (outer.total.answers, inner.total.answers, second.total.answers) == (4, 2, 1)


async def test_blocks_in_tasks_side_by_side_do_not_mix() -> None:
    async def spent(times: int) -> int:
        with get_spend_callback() as spend:
            for _ in range(times):
                await PricedModel().ainvoke("Hello")
        return spend.total.answers

    assert await asyncio.gather(*(spent(times) for times in range(8))) == list(range(8))


def test_blocks_do_not_pile_up_in_langchain_core() -> None:
    from langchain_core.tracers import context

    def use() -> None:
        with get_spend_callback(), get_spend_callback():
            pass

    use()
    before = len(context._configure_hooks)
    for _ in range(20):
        use()
    assert len(context._configure_hooks) == before


def test_a_shared_handler_loses_no_answer_of_many_threads() -> None:
    spend = SpendCallbackHandler()
    model = PricedModel(callbacks=[spend])
    threads = [
        threading.Thread(target=lambda: [model.invoke("Hello") for _ in range(25)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert spend.total.answers == 200
    assert spend.total.credits == 200 * 4211


# ---------------------------------------------------------------- what counts how much


def test_alternatives_of_one_call_count_once() -> None:
    with get_spend_callback() as spend:
        result = PricedModel(alternatives=4).generate([[AIMessage("Hello")]])
    assert len(result.generations[0]) == 4
    assert spend.total.answers == 1
    assert spend.total.credits == 4211


def test_several_prompts_of_one_generate_count_each() -> None:
    with get_spend_callback() as spend:
        PricedModel().generate([[AIMessage("a")], [AIMessage("b")]])
    assert spend.total.answers == 2


def test_cached_answers_cost_nothing() -> None:
    model = PricedModel(cache=InMemoryCache())
    with get_spend_callback() as first:
        model.invoke("Hello")
    with get_spend_callback() as second:
        model.invoke("Hello")
        model.invoke("Hello")
    assert first.total.cached == 0
    assert first.total.credits == 4211
    assert second.total == Cost(answers=2, cached=2)


def test_answers_without_a_cost_are_counted_as_unpriced() -> None:
    with get_spend_callback() as spend:
        PricedModel(model="other/model", cost={}).invoke("Hello")
        PricedModel(cost={"credits_used": 5}).invoke("Hello")
        FakeListLLM(responses=["Hello"]).invoke("Hello")
    assert spend.by_model["other/model"].unpriced == 1
    assert spend.by_model["other/model"].output_tokens == 158
    assert spend.by_model[PRO].unpriced == 0
    assert spend.by_model[PRO].credits == 5
    assert spend.by_model["unknown"] == Cost(answers=1, unpriced=1)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
FIELDS = st.sampled_from(["credits_used", "usd_spent", "usd_spent_source", "model_name", "meta"])


@given(st.dictionaries(FIELDS, ANY_JSON), st.dictionaries(FIELDS, ANY_JSON))
def test_no_metadata_whatever_makes_counting_fail(
    metadata: dict[str, Any], llm_output: dict[str, Any]
) -> None:
    spend = SpendCallbackHandler()
    message = AIMessage("Hello", response_metadata=metadata)
    spend.on_llm_end(
        LLMResult(generations=[[ChatGeneration(message=message)]], llm_output=llm_output)
    )
    assert spend.total.answers == 1
    assert spend.total.usd >= 0
    assert str(spend)


@given(ANY_JSON, ANY_JSON, ANY_JSON)
def test_no_token_count_whatever_makes_counting_fail(
    prompt: object, answer: object, total: object
) -> None:
    usage = {"input_tokens": prompt, "output_tokens": answer, "total_cost": total}
    cost = Cost.read({}, usage_metadata=usage)
    assert cost.answers == 1
    assert cost.input_tokens >= 0


def test_an_empty_result_is_an_answer_without_a_cost() -> None:
    spend = SpendCallbackHandler()
    spend.on_llm_end(LLMResult(generations=[]))
    assert spend.by_model == {"unknown": Cost(answers=1, unpriced=1)}


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("limits", "answers"),
    [
        ({"max_credits": 4211}, 1),
        ({"max_credits": 4212}, 2),
        ({"max_credits": 0}, 0),
        ({"max_usd": "0.0021055"}, 1),
        ({"max_usd": 0.005}, 3),
        ({"max_usd": Decimal("0.00421101")}, 3),
        ({"max_credits": 10**9, "max_usd": 0}, 0),
    ],
)
def test_a_call_starts_only_while_less_than_the_limit_is_spent(
    limits: dict[str, Any], answers: int
) -> None:
    with get_spend_callback(**limits) as spend:
        model = PricedModel()
        for _ in range(answers):
            model.invoke("Hello")
        with pytest.raises(AIMLAPIBudgetError) as caught:
            model.invoke("Hello")
        assert spend.total.answers == answers
    assert not caught.value.is_retryable


def test_the_error_says_what_is_spent_and_what_to_do() -> None:
    spend = SpendCallbackHandler(max_usd="0.001")
    model = PricedModel(callbacks=[spend])
    model.invoke("a")
    with pytest.raises(AIMLAPIBudgetError, match=r"0\.0021055 of at most 0\.001 USD.*`max_usd`"):
        model.invoke("b")
    spend = SpendCallbackHandler(max_credits=4000)
    model = PricedModel(callbacks=[spend])
    model.invoke("a")
    with pytest.raises(AIMLAPIBudgetError, match=r" 4211 of at most 4000 credits .*`max_credits`"):
        model.invoke("b")


async def test_limits_hold_for_every_way_to_call() -> None:
    spend = SpendCallbackHandler(max_credits=1)
    model = PricedModel(callbacks=[spend])
    model.invoke("Hello")
    with pytest.raises(AIMLAPIBudgetError):
        model.invoke("Hello")
    with pytest.raises(AIMLAPIBudgetError):
        list(model.stream("Hello"))
    with pytest.raises(AIMLAPIBudgetError):
        await model.ainvoke("Hello")
    with pytest.raises(AIMLAPIBudgetError):
        [chunk async for chunk in model.astream("Hello")]
    with pytest.raises(AIMLAPIBudgetError):
        FakeListLLM(responses=["Hello"], callbacks=[spend]).invoke("Hello")
    assert spend.total.answers == 1


def test_a_stream_that_started_is_never_cut() -> None:
    spend = SpendCallbackHandler(max_credits=1)
    model = PricedModel(callbacks=[spend])
    stream = model.stream("Hello")
    first = next(stream)
    model.invoke("Hello")  # the limit is passed while the stream runs
    assert [first.text, *(chunk.text for chunk in stream)] == ["Hello", ""]
    assert spend.total.answers == 2


def test_a_limit_stops_an_agent_between_its_steps() -> None:
    agent = create_agent(agent_model(), tools=[weather])
    with get_spend_callback(max_credits=5000) as spend, pytest.raises(AIMLAPIBudgetError):
        agent.invoke(QUESTION)
    assert spend.total.answers == 2


@pytest.mark.parametrize("limit", [-1, "much", float("nan"), float("inf"), True, []])
def test_a_limit_that_is_no_amount_is_refused_by_name(limit: Any) -> None:
    with pytest.raises(ValueError, match=r"`max_usd` must be a number of 0 or more"):
        SpendCallbackHandler(max_usd=limit)
    with pytest.raises(ValueError, match=r"`max_credits`"), get_spend_callback(max_credits=limit):
        pass


# ---------------------------------------------------------------- a value like any other


def spent(*models: PricedModel) -> SpendCallbackHandler:
    spend = SpendCallbackHandler(max_credits=10**6)
    for model in models:
        model.invoke("Hello", config={"callbacks": [spend]})
    return spend


def test_spends_add_up() -> None:
    one, two = spent(PricedModel()), spent(PricedModel(), PricedModel(model=FLASH, cost=REPORTED))
    both = one + two
    total = sum([one, two])
    assert isinstance(total, SpendCallbackHandler)
    assert total.by_model == both.by_model
    assert both.by_model[PRO].credits == 2 * 4211
    assert both.by_model[FLASH].usd_reported == Decimal("0.00124")
    assert both.max_credits is None
    assert one.total.answers == 1


def test_spends_do_not_add_up_with_anything_else() -> None:
    one: Any = 1
    with pytest.raises(TypeError):
        spent() + one
    with pytest.raises(TypeError):
        one + spent()
    with pytest.raises(TypeError):
        Cost() + one


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda spend: pickle.loads(pickle.dumps(spend))]
)
def test_a_copy_holds_the_same_and_goes_its_own_way(copied: Any) -> None:
    spend = spent(PricedModel())
    twin = copied(spend)
    assert twin.by_model == spend.by_model
    assert twin.max_credits == spend.max_credits
    PricedModel(callbacks=[twin]).invoke("Hello")
    assert (twin.total.answers, spend.total.answers) == (2, 1)


def test_a_spend_prints_as_a_small_table() -> None:
    spend = spent(PricedModel(), PricedModel(model=FLASH, cost=REPORTED), PricedModel(cost={}))
    assert str(spend).splitlines() == [
        "model                          answers  cached  tokens in  tokens out  credits        USD",
        "google/gemini-3-flash-preview        1       0          2         158    2,480    0.00124",
        "google/gemini-3-pro-preview          2       0          4         316    4,211  0.0021055",
        "total                                3       0          6         474    6,691  0.0033455",
        "0.0021055 of the USD derived from credits, not reported",
        "1 of the answers came without a cost",
    ]
    assert repr(spend) == "SpendCallbackHandler(answers=3, credits=6691, usd=0.0033455)"


def test_one_model_needs_no_total_and_nothing_is_a_total_of_nothing() -> None:
    assert "total" not in str(spent(PricedModel()))
    assert str(SpendCallbackHandler()).splitlines()[1].split() == ["total", *"00000", "0"]


# ---------------------------------------------------------------- LangSmith


class Outbox(Client):
    """A LangSmith client that keeps what it would send."""

    def __init__(self) -> None:
        super().__init__(api_url="http://127.0.0.1:9", api_key="none", auto_batch_tracing=False)
        self.updates: list[dict[str, Any]] = []

    def create_run(self, *args: Any, **run: Any) -> None:
        pass

    def update_run(self, *args: Any, **run: Any) -> None:
        self.updates.append(run)

    def usage(self) -> list[dict[str, Any]]:
        """Return `usage_metadata` of each model run as LangSmith would receive it."""
        runs = [run for run in self.updates if run["run_type"] in {"llm", "chat_model"}]
        return [json.loads(json.dumps(run["extra"]["metadata"]["usage_metadata"])) for run in runs]


def test_a_block_may_end_in_another_context_than_it_began_in() -> None:
    spends: list[SpendCallbackHandler] = []
    model = PricedModel()

    def steps() -> Iterator[None]:
        with get_spend_callback() as spend:
            spends.append(spend)
            model.invoke("counted")
            yield
            model.invoke("not counted")
            model.invoke("counted", config={"callbacks": [spend]})

    generator = steps()
    contextvars.copy_context().run(next, generator)
    assert contextvars.copy_context().run(lambda: [*generator]) == []
    assert [spend.total.answers for spend in spends] == [2]


async def test_a_block_of_a_forgotten_generator_ends_in_silence() -> None:
    complaints: list[dict[str, Any]] = []

    async def steps() -> AsyncIterator[None]:
        with get_spend_callback():
            yield

    async def begin() -> None:
        async for _ in steps():
            break

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, complaint: complaints.append(complaint))
    await asyncio.create_task(begin())
    gc.collect()
    await asyncio.sleep(0.01)
    assert complaints == []


TOKENS = {"input_tokens": 2, "output_tokens": 158, "total_tokens": 160}


async def test_the_trace_of_a_call_holds_its_cost_where_langsmith_reads_it() -> None:
    outbox = Outbox()
    config: Any = {"callbacks": [CostTracer(client=outbox)]}
    chain = ChatPromptTemplate.from_template("{subject}") | PricedModel() | StrOutputParser()
    chain.invoke({"subject": "a"}, config)
    list(chain.stream({"subject": "b"}, config))
    await chain.ainvoke({"subject": "c"}, config)
    assert outbox.usage() == [{**TOKENS, "total_cost": 0.0021055}] * 3


def test_the_trace_of_alternatives_holds_the_cost_once() -> None:
    outbox = Outbox()
    model = PricedModel(alternatives=3, callbacks=[CostTracer(client=outbox)])
    model.invoke("Hello")
    assert [usage["total_cost"] for usage in outbox.usage()] == [0.0021055]


def test_the_trace_of_an_unpriced_answer_claims_no_cost_and_of_a_cached_one_none_spent() -> None:
    outbox = Outbox()
    tracer = CostTracer(client=outbox)
    PricedModel(cost={}, callbacks=[tracer]).invoke("Hello")
    cached = PricedModel(cache=InMemoryCache(), callbacks=[tracer])
    cached.invoke("Hello")
    cached.invoke("Hello")
    assert outbox.usage() == [
        TOKENS,
        {**TOKENS, "total_cost": 0.0021055},
        {**TOKENS, "total_cost": 0},
    ]


def test_a_failed_run_is_traced_as_failed() -> None:
    outbox = Outbox()
    agent = agent_model(callbacks=[CostTracer(client=outbox)])
    with pytest.raises(IndexError):
        agent.invoke([AIMessage("a")] * 3)
    assert "IndexError" in outbox.updates[-1]["error"]


def test_the_messages_themselves_stay_free_of_costs_that_core_cannot_add() -> None:
    usage = UsageMetadataCallbackHandler()
    tracer = CostTracer(client=Outbox())
    PricedModel(callbacks=[tracer, usage]).batch(["a", "b"])
    assert usage.usage_metadata[PRO]["total_tokens"] == 320
