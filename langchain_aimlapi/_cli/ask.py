"""One question to Gemini 3: `langchain-aimlapi "Hello"`."""

from __future__ import annotations

import argparse
import base64
import json
import mimetypes
import os
import sys
import warnings
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_aimlapi import __version__
from langchain_aimlapi._cli import screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from langchain_core.messages import AIMessage, BaseMessage

    from langchain_aimlapi import ChatAIMLGemini

DEFAULT_MODEL = "google/gemini-3-flash-preview"


def whole_number(lowest: int) -> Callable[[str], int]:
    """Return what reads a whole number of `lowest` or more from the command line."""

    def read(word: str) -> int:
        try:
            number = int(word)
        except ValueError:
            number = lowest - 1
        if number < lowest:
            msg = f"{word!r} is not a whole number of {lowest} or more"
            raise argparse.ArgumentTypeError(msg)
        return number

    return read


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `ask` and `chat` that choose the model and its settings."""
    parser.add_argument("-m", "--model", help=f"model id (default: {DEFAULT_MODEL})")
    parser.add_argument("-s", "--system", metavar="TEXT", help="system message")
    parser.add_argument(
        "--reasoning-effort",
        metavar="LEVEL",
        help="minimal, low, medium or high; not every model takes each",
    )
    parser.add_argument(
        # Refused here and not by the model, whose words speak of `max_tokens`.
        "--max-tokens",
        type=whole_number(1),
        metavar="N",
        help="most output tokens",
    )
    parser.add_argument(
        "--base-url", metavar="URL", help="address of the endpoint (default: AIMLAPI_API_BASE)"
    )


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the question."""
    parser.add_argument("prompt", nargs="?", help="the question; piped text is added to it")
    add_model_options(parser)
    parser.add_argument(
        "-i", "--image", action="append", default=[], metavar="PATH_OR_URL", help="may be repeated"
    )
    parser.add_argument("--no-stream", action="store_true", help="show the answer when it is whole")
    parser.add_argument("--no-reasoning", action="store_true", help="do not show the thoughts")
    parser.add_argument("-q", "--quiet", action="store_true", help="show the answer alone")
    parser.add_argument(
        "--usage", action="store_true", help="show tokens, cost and ids, with --quiet too"
    )
    parser.add_argument("--json", action="store_true", help="print the whole message as JSON")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")


def run(options: argparse.Namespace) -> int:
    """Ask the question, show the answer.

    Raises:
        ValueError: The question cannot be asked.
        AIMLAPIError: It was not answered.
    """
    prompt = _prompt(options.prompt)
    _require_key(options, prompt)
    view = screen.Screen(
        has_thoughts=not (options.no_reasoning or options.quiet),
        has_figures=options.usage or not options.quiet,
        has_notes=not options.quiet,
    )
    messages = [*system_messages(options), _question(prompt, options.image)]
    with ExitStack() as stack:
        model = stack.enter_context(_model(options, view))
        if options.json:
            message = model.invoke(messages).model_dump(mode="json")
            print(json.dumps(message, ensure_ascii=False, indent=2))
        else:
            # The documented answer is a whole one; no documented page shows a stream.
            show(view, model, messages, is_streamed=not (options.no_stream or is_keyless()))
    return 0


def show(
    view: screen.Screen,
    model: ChatAIMLGemini,
    messages: list[BaseMessage],
    *,
    is_streamed: bool = True,
) -> AIMessage:
    """Show an answer as it comes, return it whole."""
    pieces: list[Any] = []
    try:
        for piece in model.stream(messages) if is_streamed else [model.invoke(messages)]:
            pieces.append(piece)
            view.thought(piece.additional_kwargs.get("reasoning_content", ""))
            view.answer(str(piece.text))
    finally:
        view.end()
    message: AIMessage = pieces[0] if len(pieces) == 1 else pieces[0] + pieces[1:]
    if message.response_metadata.get("finish_reason") == "length":
        view.note(
            "The answer is cut off at the limit of output tokens; raise it with --max-tokens."
        )
    view.figures(message)
    return message


def system_messages(options: argparse.Namespace) -> list[BaseMessage]:
    """Return the system message, if one is asked for."""
    # Imported here and below, so that `--help` and `--version` do not load langchain-core.
    from langchain_core.messages import SystemMessage

    return [SystemMessage(options.system)] if options.system else []


def new_model(options: argparse.Namespace, **more: Any) -> ChatAIMLGemini:
    """Return the model that the options describe."""
    from langchain_aimlapi import ChatAIMLGemini

    # What was not given is not passed: a setting that is sent may be one that a model refuses.
    names = ("model", "max_tokens", "reasoning_effort", "base_url")
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    return ChatAIMLGemini(**{"model": DEFAULT_MODEL, **given, **more})


def is_keyless() -> bool:
    """Tell whether the environment holds no key."""
    return not os.environ.get("AIMLAPI_API_KEY", "").strip()


def no_key_error(what: str) -> ValueError:
    """Return the error of a command that needs a key, with the ways to one."""
    return ValueError(
        f"no API key{what}. Set AIMLAPI_API_KEY (keys: https://aimlapi.com/app/keys), or try the "
        "stand-in: `python -m langchain_aimlapi.testing serve` prints what to set."
    )


def _prompt(given: str | None) -> str:
    """Return the question: what was given, then what is piped in."""
    # A terminal is never read from: the command would wait for a Ctrl-D that nobody knows of.
    piped = "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()
    parts = [part.strip() for part in (given or "", piped)]
    if prompt := "\n\n".join(part for part in parts if part):
        return prompt
    raise ValueError("no question: give one as argument or on standard input.")


def _require_key(options: argparse.Namespace, prompt: str) -> None:
    """Refuse, without a key, whatever the documented answer does not answer."""
    from langchain_aimlapi._cli.demo import DOCUMENTED_MODEL, DOCUMENTED_PROMPT

    changes = ("system", "image", "reasoning_effort", "max_tokens", "base_url")
    is_documented = (
        prompt == DOCUMENTED_PROMPT
        and options.model in (None, DOCUMENTED_MODEL)
        and not any(getattr(options, name) for name in changes)
    )
    if is_keyless() and not is_documented:
        raise no_key_error(
            ", so only the documented request can be answered "
            f"({DOCUMENTED_PROMPT!r} to {DOCUMENTED_MODEL}, no other option)"
        )


def _question(prompt: str, images: list[str]) -> BaseMessage:
    from langchain_core.messages import HumanMessage

    if not images:
        return HumanMessage(prompt)
    return HumanMessage([{"type": "text", "text": prompt}, *map(_image, images)])


def _image(source: str) -> dict[str, str]:
    # `image_block` would do the same, but in the words of code; here a missing file is told with
    # its path alone.
    if source.startswith(("https://", "http://", "data:")):
        return {"type": "image", "url": source}
    data = base64.b64encode(Path(source).read_bytes()).decode("ascii")
    mime_type = mimetypes.guess_type(source)[0] or "image/png"
    return {"type": "image", "base64": data, "mime_type": mime_type}


@contextmanager
def _model(options: argparse.Namespace, view: screen.Screen) -> Iterator[ChatAIMLGemini]:
    """Yield the model to ask; without a key one whose endpoint plays the documentation."""
    if not is_keyless():
        with new_model(options) as model:
            yield model
        return
    from langchain_aimlapi._cli.demo import DOCUMENTED_MODEL, documented_client

    view.note(
        f"This is the documented answer of {DOCUMENTED_MODEL}, played from the documentation, not "
        "a live one; set AIMLAPI_API_KEY to ask the live endpoint.\n"
    )
    with documented_client() as client, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the id is deprecated does not matter to a playback
        yield new_model(options, model=DOCUMENTED_MODEL, api_key="documented", http_client=client)
