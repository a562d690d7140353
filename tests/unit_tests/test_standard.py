"""LangChain's own unit tests of a chat model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.load import dumpd, dumps, load, loads
from langchain_tests.unit_tests import ChatModelUnitTests
from pydantic import SecretStr

from langchain_aimlapi import ChatAIMLGemini

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from syrupy.assertion import SnapshotAssertion

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")

MODEL = "google/gemini-3-flash-preview"


class TestChatAIMLGemini(ChatModelUnitTests):
    """What LangChain asks of every chat model."""

    @property
    def chat_model_class(self) -> type[ChatAIMLGemini]:
        return ChatAIMLGemini

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": MODEL, "api_key": "a-key"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        environment = {
            "AIMLAPI_API_KEY": "key-of-the-environment",
            "AIMLAPI_API_BASE": "https://example.com/v1",
        }
        expected = {
            "aimlapi_api_key": "key-of-the-environment",
            "aimlapi_api_base": "https://example.com/v1",
        }
        return environment, {"model": MODEL}, expected

    @pytest.mark.xfail(
        raises=ValueError,
        reason=(
            "langchain-tests loads with allowed_objects='all', which admits only the classes that "
            "langchain-core itself lists; a package of its own cannot get on that list. "
            "test_a_model_survives_serialization takes its place."
        ),
    )
    def test_serdes(self, model: BaseChatModel, snapshot: SnapshotAssertion) -> None:
        super().test_serdes(model, snapshot)


def test_a_model_survives_serialization(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIMLAPI_API_KEY", "a-key")
    model = ChatAIMLGemini(
        model=MODEL,
        api_key="a-key",
        temperature=0,
        max_tokens=100,
        timeout=60,
        stop=["END"],
        max_retries=3,
        base_url="https://example.com/v1",
        reasoning={"effort": "low"},
        model_kwargs={"top_k": 3},
        extra_body={"a": 1},
    )
    how: dict[str, Any] = {
        "allowed_objects": [ChatAIMLGemini],
        "valid_namespaces": ["langchain_aimlapi"],
        "secrets_from_env": True,
    }
    serialized = dumpd(model)
    assert serialized["id"] == ["langchain_aimlapi", "chat_models", "ChatAIMLGemini"]
    assert serialized["kwargs"]["aimlapi_api_key"] == {
        "lc": 1,
        "type": "secret",
        "id": ["AIMLAPI_API_KEY"],
    }
    assert "a-key" not in dumps(model)
    for twin in (load(serialized, **how), loads(dumps(model), **how)):
        assert isinstance(twin, ChatAIMLGemini)
        assert twin.aimlapi_api_key == SecretStr("a-key")
        assert twin.model_dump() == model.model_dump()
        assert dumpd(twin) == serialized
