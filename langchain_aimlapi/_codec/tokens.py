"""Estimates of how many tokens a text or a prompt has, made without network or tokenizer.

Rates, read 2026-11-21:
    text: about 4 characters per token (https://ai.google.dev/gemini-api/docs/tokens). Here 4
        bytes of UTF-8: the same for English, and closer for scripts that a tokenizer cuts finer.
        That is an assumption; the number is for deciding when to trim or to summarise, no more.
    media: 1120 tokens per image at the default resolution of Gemini 3 (Google Cloud's page on
        `media_resolution`; earlier models: 258). How long audio, video and files are is not
        known without decoding them: each counts as one image, which is too low for long ones.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.utils.function_calling import convert_to_openai_tool

from langchain_aimlapi._codec.content import encode_tool_content

if TYPE_CHECKING:  # importing it costs start-up time
    from langchain_core.tools import BaseTool

    from langchain_aimlapi._json import JsonObject

_BYTES_PER_TOKEN = 4
_TOKENS_PER_MEDIUM = 1120


def estimate_tokens(text: str) -> int:
    """Return roughly how many tokens a text has.

    Args:
        text: Any text.

    Returns:
        A quarter of its bytes in UTF-8, rounded up.
    """
    return -(-_bytes_of(text) // _BYTES_PER_TOKEN)


def estimate_message_tokens(
    messages: Iterable[BaseMessage],
    *,
    tools: "Sequence[JsonObject | type | Callable[..., Any] | BaseTool] | None" = None,
) -> int:
    """Return roughly how many tokens a prompt has.

    Counted are roles, names, texts, calls of tools and their ids, media at a flat rate, and the
    schemas of the tools. Thoughts and their signatures are not: they may weigh kilobytes as text,
    and whether an upstream bills them again is not documented.

    Args:
        messages: The prompt.
        tools: What `bind_tools` takes.

    Returns:
        The sum over the messages, so that it grows with each of them, and the tools.

    Raises:
        ValueError: A medium cannot be sent (see `encode_media`).
    """
    schemas: list[BaseTool | JsonObject] = [
        tool if isinstance(tool, dict) else convert_to_openai_tool(tool) for tool in tools or ()
    ]
    return count_tokens_approximately([], tools=schemas) + sum(map(_message_tokens, messages))


def _message_tokens(message: BaseMessage) -> int:
    media: list[JsonObject] = []
    if isinstance(message, AIMessage):
        text = str(message.text)
    else:
        # Any role reads as a tool's result here: the most tolerant one. No model: no warning.
        text, media = encode_tool_content(message.content)
    plain = message.model_copy(update={"content": text})
    chars_per_token = _BYTES_PER_TOKEN * len(text) / _bytes_of(text) if text else _BYTES_PER_TOKEN
    count = count_tokens_approximately([plain], chars_per_token=chars_per_token)
    return count + _TOKENS_PER_MEDIUM * len(media)


def _bytes_of(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))
