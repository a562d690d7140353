"""Promise 31: copies of a model work like the model."""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.load import dumps, loads
from langchain_core.runnables import ConfigurableField
from pydantic import SecretStr

from tests.http_client import httpx
from tests.wire_tests.asking import KEY, WAYS, aask, ask, model_at
from tests.wire_tests.loopback import Loopback, Request, Steps, answer_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_aimlapi import ChatAIMLGemini

COPIES: dict[str, Callable[[Any], Any]] = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "model_copy": lambda model: model.model_copy(),
    "model_copy with a change": lambda model: model.model_copy(update={"temperature": 0.5}),
    "deep model_copy": lambda model: model.model_copy(deep=True),
}


def echo(request: Request) -> Steps:
    return [answer_to(request)]


def use(model: Any) -> None:
    for way in WAYS:
        assert ask(model, way, way).content == way


@pytest.mark.parametrize("name", COPIES)
def test_31_copies_work_before_and_after_use(name: str) -> None:
    with Loopback(by=echo) as server:
        model = model_at(server, max_tokens=7)
        early = COPIES[name](model)
        use(model)
        late = COPIES[name](model)
        latest = COPIES[name](late)
        for one in (early, late, latest, model):
            use(one)
            assert one.max_tokens == 7
            assert one.aimlapi_api_key == SecretStr(KEY)
        assert all(one.headers["authorization"] == f"Bearer {KEY}" for one in server.requests)
        for one in (model, early, late, latest):
            one.close()
        assert server.wait_open(0)


@pytest.mark.parametrize("name", COPIES)
async def test_31_copies_work_within_a_running_loop(name: str) -> None:
    with Loopback(by=echo) as server:
        model = model_at(server)
        await aask(model, "ainvoke")
        one = COPIES[name](model)
        assert (await aask(one, "ainvoke", "a")).content == "a"
        assert (await aask(model, "astream", "b")).content == "b"
        await model.aclose()
        await one.aclose()
        assert await asyncio.to_thread(server.wait_open, 0)


def test_31_a_copy_is_closed_alone() -> None:
    with Loopback(by=echo) as server:
        model = model_at(server)
        other = copy.deepcopy(model)
        ask(model, "invoke")
        ask(other, "invoke")
        other.close()
        assert server.wait_open(1)
        ask(model, "invoke")
        assert server.connections == 2
        model.close()


@pytest.mark.parametrize("name", COPIES)
def test_31_a_copy_shares_the_users_client_but_a_pickle_drops_it(name: str) -> None:
    with Loopback(by=echo) as server, httpx.Client(headers={"x-mine": "yes"}) as given:
        model = model_at(server, http_client=given)
        ask(model, "invoke")
        one = COPIES[name](model)
        ask(one, "invoke")
        seen = [request.headers.get("x-mine") for request in server.requests]
        assert seen == ["yes", None if name == "pickle" else "yes"]
        assert model.http_client is given
        one.close()


def test_31_fields_may_be_configurable() -> None:
    with Loopback(by=echo) as server:
        model = model_at(server)
        plain = model.configurable_fields(max_tokens=ConfigurableField(id="most"))
        use(model)
        for one in (plain, model.configurable_fields(max_tokens=ConfigurableField(id="most"))):
            for way in WAYS:
                assert ask(one, way, "Hi").content == "Hi"
                assert "max_tokens" not in server.requests[-1].json
                chosen = one.with_config(configurable={"most": 9})
                assert ask(chosen, way, "Hi").content == "Hi"
                assert server.requests[-1].json["max_tokens"] == 9
        model.close()


def test_31_settings_may_change_between_calls() -> None:
    with Loopback(by=echo) as server:
        model = model_at(server)
        ask(model, "invoke")
        model.temperature = 0.25
        ask(model, "invoke")
        ask(model.bind(temperature=0.75), "invoke")
        sent = [request.json.get("temperature") for request in server.requests]
        assert sent == [None, 0.25, 0.75]
        assert server.connections == 1
        model.close()


@pytest.mark.filterwarnings("ignore:The function `loads` is in beta")
def test_31_dumps_and_loads_give_the_model_back() -> None:
    with Loopback(by=echo) as server:
        model = model_at(server, max_tokens=7)
        ask(model, "invoke")
        text = dumps(model)
        assert KEY not in text
        again: ChatAIMLGemini = loads(
            text,
            secrets_map={"AIMLAPI_API_KEY": KEY},
            valid_namespaces=["langchain_aimlapi"],
            allowed_objects=[type(model)],
        )
        use(again)
        assert again.max_tokens == 7
        model.close()
        again.close()
