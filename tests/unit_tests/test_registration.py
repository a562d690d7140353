"""The package is known by name where frameworks look for models."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from langchain_aimlapi import ChatAIMLGemini, register
from langchain_aimlapi.testing.standin.server import StandIn

MODEL = "google/gemini-3-flash-preview"
base: Any = pytest.importorskip("langchain.chat_models.base", reason="not in the lowest set")


@pytest.fixture(autouse=True)
def _own_table(monkeypatch: pytest.MonkeyPatch) -> None:
    others = {name: made for name, made in base._BUILTIN_PROVIDERS.items() if name != "aimlapi"}
    monkeypatch.setattr(base, "_BUILTIN_PROVIDERS", others)
    base._get_chat_model_creator.cache_clear()
    monkeypatch.setenv("AIMLAPI_API_KEY", "sk-of-the-environment")


def test_init_chat_model_makes_ours_by_its_name() -> None:
    with pytest.raises(ValueError, match="aimlapi"):
        base.init_chat_model(f"aimlapi:{MODEL}")
    for _ in range(2):  # calling it again changes nothing
        register()
    model = base.init_chat_model(f"aimlapi:{MODEL}", temperature=0.5)
    assert isinstance(model, ChatAIMLGemini)
    assert (model.model, model.temperature) == (MODEL, 0.5)
    chosen = base.init_chat_model("gemini-3-flash-preview", model_provider="aimlapi")
    assert chosen.model == MODEL


def test_create_agent_takes_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from langchain.agents import create_agent

    register()
    with StandIn() as server:
        monkeypatch.setenv("AIMLAPI_API_BASE", server.base_url)
        agent = create_agent(f"aimlapi:{MODEL}", tools=[])
        answer = agent.invoke({"messages": [{"role": "user", "content": "Hello"}]})
    assert answer["messages"][-1].response_metadata["model_provider"] == "aimlapi"


@pytest.mark.parametrize("table", [None, [], {"openai": ("langchain_openai", "ChatOpenAI")}])
def test_a_table_that_changed_is_an_error_that_tells_the_way_out(
    table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_BUILTIN_PROVIDERS", table)
    with pytest.raises(RuntimeError, match=re.escape("create_agent(ChatAIMLGemini(")):
        register()
    monkeypatch.delattr(base, "_BUILTIN_PROVIDERS")
    with pytest.raises(RuntimeError, match="langchain 1"):
        register()


def test_without_langchain_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "langchain.chat_models.base", None)
    with pytest.raises(ImportError, match="pip install langchain"):
        register()


def test_deep_agents_finds_the_entry_point() -> None:
    deepagents: Any = pytest.importorskip("deepagents", reason="not in the lowest set")
    project = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text("utf-8"))
    declared = project["project"]["entry-points"]["deepagents.provider_profiles"]["aimlapi"]
    module, _, name = declared.partition(":")
    getattr(import_module(module), name)()
    agent = deepagents.create_deep_agent(model=f"aimlapi:{MODEL}")
    assert agent.get_graph().nodes
    assert base._BUILTIN_PROVIDERS["aimlapi"][:2] == ("langchain_aimlapi", "ChatAIMLGemini")
