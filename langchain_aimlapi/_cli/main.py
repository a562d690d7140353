"""The command line: one question to Gemini 3, its reasoning, answer, tokens, cost.

Exit status: 0; 1 on an error of the API; 2 on bad usage; 130 on Ctrl-C.
"""

from __future__ import annotations

import argparse
import base64
import json
import mimetypes
import os
import sys
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_aimlapi._version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from langchain_core.messages import AIMessage, BaseMessage

    from langchain_aimlapi.chat_models import ChatAIMLGemini

_DEFAULT_MODEL = "google/gemini-3-flash-preview"
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: What stands behind the command's name; by default that of this process.

    Returns:
        The exit status.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        prompt = options.prompt if options.prompt is not None else _prompt_from_input()
        _check_key(options, prompt)
        messages = _messages(options, prompt)
    except (OSError, ValueError) as error:
        parser.print_usage(sys.stderr)
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2
    return _run(options, messages)


def _run(options: argparse.Namespace, messages: list[BaseMessage]) -> int:
    from langchain_aimlapi.errors import AIMLAPIError  # noqa: PLC0415  --help need not load it

    try:
        with ExitStack() as stack:
            model = _model(options, stack)
            if options.json:
                print(json.dumps(_plain(model.invoke(messages)), ensure_ascii=False, indent=2))
            else:
                _show(model, messages, is_streamed=not (options.no_stream or _is_demo()))
            sys.stdout.flush()
    except (AIMLAPIError, ValueError) as error:
        print(f"{_reset()}error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(_reset(), file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, `head` say, has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="langchain-aimlapi",
        description="Ask Gemini 3 through AI/ML API. The key is read from AIMLAPI_API_KEY; without "
        "it, only the documented request `Hello` is answered, from the documentation.",
    )
    parser.add_argument("prompt", nargs="?", help="the question; by default standard input")
    parser.add_argument("--model", help=f"model id (default: {_DEFAULT_MODEL})")
    parser.add_argument("--system", help="system message")
    parser.add_argument(
        "--image", action="append", default=[], metavar="PATH_OR_URL", help="may be repeated"
    )
    parser.add_argument("--reasoning-effort", metavar="LEVEL", help="low, medium or high")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="most output tokens")
    parser.add_argument("--no-stream", action="store_true", help="show the answer when it is whole")
    parser.add_argument("--json", action="store_true", help="print the whole message as JSON")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


def _prompt_from_input() -> str:
    prompt = "" if sys.stdin.isatty() else sys.stdin.read().strip()
    if not prompt:
        msg = "no prompt: give one as argument or on standard input"
        raise ValueError(msg)
    return prompt


def _is_demo() -> bool:
    return not os.environ.get("AIMLAPI_API_KEY", "").strip()


def _check_key(options: argparse.Namespace, prompt: str) -> None:
    """Refuse, without a key, whatever the documented answer does not answer."""
    from langchain_aimlapi._cli.demo import DOCUMENTED_MODEL, DOCUMENTED_PROMPT  # noqa: PLC0415  --help need not load it

    changed = [options.system, options.image, options.reasoning_effort, options.max_tokens]
    is_documented = prompt == DOCUMENTED_PROMPT and not any(one for one in changed if one)
    if _is_demo() and not (is_documented and options.model in (None, DOCUMENTED_MODEL)):
        msg = (
            "no API key, so only the documented request can be answered "
            f"({DOCUMENTED_PROMPT!r} to {DOCUMENTED_MODEL}, no other option). "
            "For anything else set AIMLAPI_API_KEY (keys: https://aimlapi.com/app/keys)."
        )
        raise ValueError(msg)


def _messages(options: argparse.Namespace, prompt: str) -> list[BaseMessage]:
    from langchain_core.messages import HumanMessage, SystemMessage  # noqa: PLC0415  --help need not load it

    content: Any = prompt
    if options.image:
        images = [_image(source) for source in options.image]
        content = [{"type": "text", "text": prompt}, *images]
    system = [SystemMessage(options.system)] if options.system else []
    return [*system, HumanMessage(content)]


def _image(source: str) -> dict[str, Any]:
    if source.startswith(("https://", "http://", "data:")):
        return {"type": "image", "url": source}
    data = base64.b64encode(Path(source).read_bytes()).decode("ascii")
    mime_type = mimetypes.guess_type(source)[0] or "image/png"
    return {"type": "image", "base64": data, "mime_type": mime_type}


def _model(options: argparse.Namespace, stack: ExitStack) -> ChatAIMLGemini:
    """Return the model to ask; in the demo one whose endpoint plays the documentation."""
    from langchain_aimlapi._cli.demo import DOCUMENTED_MODEL, documented_endpoint  # noqa: PLC0415  --help need not load it
    from langchain_aimlapi.chat_models import ChatAIMLGemini  # noqa: PLC0415  --help need not load it

    given = {"max_tokens": options.max_tokens, "reasoning_effort": options.reasoning_effort}
    settings: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if not _is_demo():
        return stack.enter_context(
            ChatAIMLGemini(model=options.model or _DEFAULT_MODEL, **settings)
        )
    print(
        f"This is the documented answer of {DOCUMENTED_MODEL}, played from the documentation, not "
        "a live one; set AIMLAPI_API_KEY to ask the live endpoint.\n",
        file=sys.stderr if options.json else sys.stdout,
    )
    base_url = stack.enter_context(documented_endpoint())
    stack.enter_context(warnings.catch_warnings())
    warnings.simplefilter("ignore")  # that the id is deprecated does not matter to a playback
    return stack.enter_context(
        ChatAIMLGemini(model=DOCUMENTED_MODEL, api_key="documented", base_url=base_url)
    )


def _show(model: ChatAIMLGemini, messages: list[BaseMessage], *, is_streamed: bool) -> None:
    """Print reasoning, answer, tokens, cost, ids, each as soon as it is there."""
    pieces: list[Any] = []
    is_thinking = False
    for piece in model.stream(messages) if is_streamed else [model.invoke(messages)]:
        pieces.append(piece)
        thought = piece.additional_kwargs.get("reasoning_content", "")
        if thought:
            print(thought if is_thinking else f"{_dim()}{thought}", end="", flush=True)
            is_thinking = True
        if piece.text:
            print(f"{_reset()}\n\n" if is_thinking else "", piece.text, sep="", end="", flush=True)
            is_thinking = False
    message = pieces[0] if len(pieces) == 1 else pieces[0] + pieces[1:]
    print(f"{_reset()}\n\n" + "\n".join(_figures(message)))


def _figures(message: AIMessage) -> Iterator[str]:
    usage = message.usage_metadata
    if usage is not None:
        inputs = usage.get("input_token_details") or {}
        outputs = usage.get("output_token_details") or {}
        yield (
            f"tokens: {usage['input_tokens']} in, {usage['output_tokens']} out "
            f"({outputs.get('reasoning', 0)} reasoning), {inputs.get('cache_read', 0)} cached"
        )
    facts = message.response_metadata
    if "credits_used" in facts or "usd_spent" in facts:
        derived = ", derived from the credits" if facts.get("usd_spent_source") == "derived" else ""
        yield (
            f"cost: {facts.get('credits_used', 'unknown')} credits "
            f"(${facts['usd_spent']:.7f}{derived})"
        )
    names = ("id", "inference_id", "client_request_id")
    yield "ids: " + ", ".join(f"{name} {facts[name]}" for name in names if name in facts)


def _plain(message: BaseMessage) -> dict[str, Any]:
    return message.model_dump(mode="json")


def _dim() -> str:
    return _DIM if sys.stdout.isatty() else ""


def _reset() -> str:
    return _PLAIN if sys.stdout.isatty() else ""
