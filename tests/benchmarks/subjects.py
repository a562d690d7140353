"""Who is measured: the floors, this package, its peers."""

import importlib
import importlib.util
from typing import Any, NamedTuple

from tests.benchmarks.answers import MODEL

OURS = "ours"
FLOORS = ("core", "lc_memory", "raw_httpx", "lc_httpx")
PEERS = ("openai", "openrouter")
# langchain-openai below them, so that a call costs what it costs there; their first answer is told.
STARTERS = ("deepseek", "xai")
CORE = "langchain_core.language_models.chat_models"
_ACCOUNT: dict[str, Any] = {"model": MODEL, "api_key": "key-of-no-account"}


class Subject(NamedTuple):
    """A name, where its class is, what it is constructed with, and its `model_provider`."""

    name: str
    module: str
    attribute: str
    settings: dict[str, Any]
    provider: str = "floor"

    def imported(self) -> Any:
        """Import the class; nothing of it is imported before."""
        return getattr(importlib.import_module(self.module), self.attribute)

    def chat(self, base_url: str) -> Any:
        """Return a chat model that posts to `base_url`."""
        return self.imported()(base_url=base_url, **self.settings)

    def is_installed(self) -> bool:
        """Tell whether its module can be found, without importing it."""
        return importlib.util.find_spec(self.module) is not None


_ALL = (
    Subject("core", CORE, "BaseChatModel", {}),  # import only
    Subject("lc_memory", "tests.benchmarks.lc_memory", "LcMemory", {}),
    Subject("raw_httpx", "tests.benchmarks.raw_httpx", "RawHttpx", {}),
    Subject("lc_httpx", "tests.benchmarks.lc_httpx", "LcHttpx", {}),
    Subject(OURS, "langchain_aimlapi", "ChatAIMLGemini", _ACCOUNT, "aimlapi"),
    Subject(
        "openai", "langchain_openai", "ChatOpenAI", {**_ACCOUNT, "stream_usage": True}, "openai"
    ),
    Subject("openrouter", "langchain_openrouter", "ChatOpenRouter", _ACCOUNT, "openrouter"),
    Subject("deepseek", "langchain_deepseek", "ChatDeepSeek", _ACCOUNT, "deepseek"),
    Subject("xai", "langchain_xai", "ChatXAI", _ACCOUNT, "xai"),
)
SUBJECTS = {one.name: one for one in _ALL}
