"""LangChain's integration suite for chat models, over recorded HTTP.

Two models, so that both dialects of the endpoint's answers are met: the first speaks OpenRouter's,
the second Vertex'. What each takes is its documented profile's to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests

from langchain_aimlapi import ChatAIMLGemini

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

CASSETTES = "integration"
pytestmark = [pytest.mark.vcr, pytest.mark.usefixtures("local_assets")]


class _StandardTests(ChatModelIntegrationTests):
    """The suite with every flag that the model's documents bear out."""

    model_id: str
    other_model_id: str
    usage_details: ClassVar[list[str]]

    @property
    def chat_model_class(self) -> type[ChatAIMLGemini]:
        return ChatAIMLGemini

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": self.model_id}

    @property
    def model_override_value(self) -> str:
        return self.other_model_id

    @property
    def _profile(self) -> dict[str, Any]:
        return cast("dict[str, Any]", ChatAIMLGemini(model=self.model_id).profile)

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_image_inputs(self) -> bool:
        return bool(self._profile.get("image_inputs"))

    @property
    def supports_image_urls(self) -> bool:
        return bool(self._profile.get("image_url_inputs"))

    @property
    def supports_image_tool_message(self) -> bool:
        return bool(self._profile.get("image_tool_message"))

    @property
    def supports_pdf_inputs(self) -> bool:
        return bool(self._profile.get("pdf_inputs"))

    @property
    def supports_pdf_tool_message(self) -> bool:
        return bool(self._profile.get("pdf_tool_message"))

    @property
    def supports_audio_inputs(self) -> bool:
        return bool(self._profile.get("audio_inputs"))

    @property
    def supports_video_inputs(self) -> bool:
        return bool(self._profile.get("video_inputs"))

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def enable_vcr_tests(self) -> bool:
        return True

    @property
    def supported_usage_metadata_details(self) -> dict[Literal["invoke", "stream"], list[Any]]:
        return {"invoke": self.usage_details, "stream": self.usage_details}

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        model = ChatAIMLGemini(model=self.model_id, reasoning_effort="high")
        return _answer(model, [HumanMessage("Which is larger, 9.11 or 9.9?")], stream=stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        messages = [SystemMessage("You know all about cats. " * 500), HumanMessage("Do they purr?")]
        model = ChatAIMLGemini(model=self.model_id)
        _answer(model, messages, stream=stream)
        return _answer(model, messages, stream=stream)


def _answer(model: ChatAIMLGemini, messages: list[BaseMessage], *, stream: bool) -> AIMessage:
    if not stream:
        return model.invoke(messages)
    first, *rest = model.stream(messages)
    return first + rest


class TestGemini3FlashPreview(_StandardTests):
    """Dialect O; structured output by JSON schema. Documented to take text and images."""

    model_id = "google/gemini-3-flash-preview"
    other_model_id = "google/gemini-3-5-flash"
    usage_details: ClassVar[list[str]] = ["reasoning_output", "cache_read_input"]


class TestGemini35Flash(_StandardTests):
    """Dialect V. Documented to take every part."""

    model_id = "google/gemini-3-5-flash"
    other_model_id = "google/gemini-3-flash-preview"
    usage_details: ClassVar[list[str]] = ["reasoning_output"]  # of the prompt it gives no details
