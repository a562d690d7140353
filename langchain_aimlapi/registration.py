"""Makes this package known by name: `"aimlapi:google/gemini-3-flash-preview"`.

LangChain's `init_chat_model` (and with it `create_agent("aimlapi:...")`) knows providers by a table
of its own, to which packages cannot add themselves: `register` writes a row into it. Deep Agents
looks for entry points of the group `deepagents.provider_profiles`, where `register_deepagents` is
declared: there nothing need be called.
"""

from __future__ import annotations

from importlib import import_module

_PROVIDER = "aimlapi"


def register() -> None:
    """Let `init_chat_model` and `create_agent` make `ChatAIMLGemini` of `"aimlapi:<model id>"`.

    Call it once, where a program starts; calling it again changes nothing. It touches a private
    table of LangChain (`langchain.chat_models.base._BUILTIN_PROVIDERS`), for want of a public one;
    a model that is passed as an object needs none of this.

    Raises:
        ImportError: The package `langchain` is not installed.
        RuntimeError: LangChain's table is not what it was; pass `ChatAIMLGemini(...)` itself.

    Source:
        langchain 1.5.2, `chat_models/base.py`, read 2026-11-26.
    """
    try:
        base = import_module("langchain.chat_models.base")
    except ImportError as error:
        msg = "register() adds to the table of the package langchain: pip install langchain."
        raise ImportError(msg) from error
    table = getattr(base, "_BUILTIN_PROVIDERS", None)
    # Private to langchain, so that any release may change it: told here rather than deep inside
    # `init_chat_model`.
    if not isinstance(table, dict) or not all(map(_is_row, table.values())):
        version = getattr(import_module("langchain"), "__version__", "?")
        msg = (
            f"langchain {version} no longer keeps its providers in the table that register() knows "
            "(langchain.chat_models.base._BUILTIN_PROVIDERS). Pass the model itself: "
            "create_agent(ChatAIMLGemini(model=...), ...)."
        )
        raise RuntimeError(msg)
    table[_PROVIDER] = ("langchain_aimlapi", "ChatAIMLGemini", _make)


def register_deepagents() -> None:
    """Let `create_deep_agent(model="aimlapi:...")` work; Deep Agents calls this by itself."""
    deepagents = import_module("deepagents")
    profile = deepagents.ProviderProfile(pre_init=_register_before)
    deepagents.register_provider_profile(_PROVIDER, profile)


def _register_before(_: str) -> None:
    register()


def _make(cls: type[object], **settings: object) -> object:
    """Return a model, as LangChain's own function of the table does."""
    return cls(**settings)


def _is_row(row: object) -> bool:
    match row:
        case (str(), str(), make):
            return callable(make)
        case _:
            return False
