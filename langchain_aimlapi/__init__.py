"""Gemini 3 through AI/ML API as a LangChain chat model.

Names are imported when they are first asked for: importing this package loads neither
langchain-core nor httpx.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_aimlapi.data.version import __version__

if TYPE_CHECKING:
    from langchain_aimlapi.chat_models import ChatAIMLGemini
    from langchain_aimlapi.errors import (
        AIMLAPIAuthenticationError,
        AIMLAPIBudgetError,
        AIMLAPIConnectionError,
        AIMLAPIContextOverflowError,
        AIMLAPICreditsError,
        AIMLAPIEmptyResponseError,
        AIMLAPIError,
        AIMLAPIInvalidRequestError,
        AIMLAPINotFoundError,
        AIMLAPIPermissionError,
        AIMLAPIRateLimitError,
        AIMLAPIResponseError,
        AIMLAPIServerError,
        AIMLAPITimeoutError,
    )
    from langchain_aimlapi.media_blocks import audio_block, file_block, image_block, video_block
    from langchain_aimlapi.parts import StreamPart, astream_parts, stream_parts
    from langchain_aimlapi.registration import register
    from langchain_aimlapi.spend import SpendCallbackHandler, cost_of, get_spend_callback
else:
    # Hidden from type checkers, for whom it would make every misspelt name an `object`.
    def __getattr__(name: str) -> object:
        """Import the public name `name` (PEP 562)."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        home = _HOMES.get(name, "errors")
        found: object = getattr(import_module(f"{__name__}.{home}"), name)
        globals()[name] = found  # or each use would come here again
        return found

    # Python gives frames their memory by pieces of 16 KB, and gives a piece back as soon as no
    # frame is in it. Where the end of one falls among the nested calls of an import, it is fetched
    # and given back thousands of times: importing langchain-core then costs up to a quarter more,
    # by the depth at which it is asked for. A frame that claims much gets a piece with room enough
    # for all that it calls (measured with Python 3.11 and 3.13; only claimed, never written to).
    __getattr__.__code__ = __getattr__.__code__.replace(co_stacksize=20_000)

    def __dir__() -> list[str]:
        """Return the module's own names with the public ones, loaded or not."""
        return sorted({*globals(), *__all__})


__all__ = [
    "AIMLAPIAuthenticationError",
    "AIMLAPIBudgetError",
    "AIMLAPIConnectionError",
    "AIMLAPIContextOverflowError",
    "AIMLAPICreditsError",
    "AIMLAPIEmptyResponseError",
    "AIMLAPIError",
    "AIMLAPIInvalidRequestError",
    "AIMLAPINotFoundError",
    "AIMLAPIPermissionError",
    "AIMLAPIRateLimitError",
    "AIMLAPIResponseError",
    "AIMLAPIServerError",
    "AIMLAPITimeoutError",
    "ChatAIMLGemini",
    "SpendCallbackHandler",
    "StreamPart",
    "__version__",
    "astream_parts",
    "audio_block",
    "cost_of",
    "file_block",
    "get_spend_callback",
    "image_block",
    "register",
    "stream_parts",
    "video_block",
]

# Where a public name lives, if not in `errors`.
_HOMES = {
    "ChatAIMLGemini": "chat_models",
    "SpendCallbackHandler": "spend",
    "StreamPart": "parts",
    "astream_parts": "parts",
    "audio_block": "media_blocks",
    "cost_of": "spend",
    "file_block": "media_blocks",
    "get_spend_callback": "spend",
    "image_block": "media_blocks",
    "register": "registration",
    "stream_parts": "parts",
    "video_block": "media_blocks",
}
