"""A conversation with Gemini 3: `langchain-aimlapi chat`."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from langchain_aimlapi._cli import ask, screen

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from langchain_core.messages import AIMessage, BaseMessage

    from langchain_aimlapi import SpendCallbackHandler

_HELP = """\
/cost       what the conversation has cost so far
/model ID   go on with another model; without an id: which one it is
/thoughts   the model's thoughts before its last answer
/exit       end (as Ctrl-D does)
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the conversation."""
    ask.add_model_options(parser)


def run(options: argparse.Namespace) -> int:
    """Hold the conversation until the input ends.

    Raises:
        ValueError: The model cannot be made.
    """
    if ask.is_keyless():
        raise ask.no_key_error("")
    from langchain_aimlapi import get_spend_callback

    with get_spend_callback() as spend:
        conversation = _Conversation(options)
        for line in _lines():
            if line in {"/exit", "/quit"}:
                break
            if line == "/cost":
                conversation.view.note("\n".join(_costs(spend)) or "Nothing so far.")
            elif line.startswith("/"):
                conversation.command(*line.split(maxsplit=1))
            else:
                conversation.ask(line)
    return 0


class _Conversation:
    """The messages so far, with the model that answers the next one."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.view = screen.Screen(has_thoughts=False, has_figures=False)
        self._options = options
        self._model = ask.new_model(options)
        self._messages: list[BaseMessage] = ask.system_messages(options)
        self._answer: AIMessage | None = None

    def ask(self, line: str) -> None:
        """Answer a line; a failed answer leaves the conversation as it was."""
        from langchain_core.messages import HumanMessage

        from langchain_aimlapi.errors import AIMLAPIError

        # Kept only once it is answered: a question without an answer would make two user turns in a
        # row, and be paid for again with each further question.
        messages = [*self._messages, HumanMessage(line)]
        try:
            self._answer = ask.show(self.view, self._model, messages)
        except (AIMLAPIError, ValueError) as failure:
            screen.error(str(failure))
            return
        self._messages = [*messages, self._answer]
        if thoughts := self._thoughts():
            self.view.note(f"[{len(thoughts.split())} words of thoughts: /thoughts shows them]")

    def command(self, name: str, argument: str = "") -> None:
        """Do what a line that begins with a slash asks for."""
        if name == "/thoughts":
            self.view.note(self._thoughts() or "There are no thoughts to show.")
        elif name == "/model":
            self._choose(argument)
        else:
            known = "" if name == "/help" else f"There is no {name}. "
            self.view.note(known + "Commands:\n" + _HELP.rstrip())

    def _choose(self, model_id: str) -> None:
        if model_id:
            self._options.model = model_id
            self._model = ask.new_model(self._options)
        self.view.note(f"The model is {self._model.model}.")

    def _thoughts(self) -> str:
        answer = self._answer
        return "" if answer is None else str(answer.additional_kwargs.get("reasoning_content", ""))


def _costs(spend: SpendCallbackHandler) -> Iterator[str]:
    """Yield a line for each model: a table would be too wide for many a terminal."""
    for model, cost in spend.by_model.items():
        facts = (
            (True, f"{cost.input_tokens:,} tokens in, {cost.output_tokens:,} out"),
            (cost.usd_derived, "USD derived from the credits"),
            (cost.unpriced, f"{cost.unpriced} without a cost"),
        )
        yield ", ".join([f"{model}: {cost}", *(words for is_so, words in facts if is_so)])


def _lines() -> Iterator[str]:
    """Yield what is typed, or piped in, line by line."""
    if sys.stdin is None:  # closed by who started the process
        return
    if not sys.stdin.isatty():
        # Piped questions get no prompt: standard output is the answers' alone.
        yield from filter(None, map(str.strip, sys.stdin))
        return
    with suppress(ImportError):  # Windows has none
        import_module("readline")  # so that lines can be edited
    screen.line("/help lists the commands, Ctrl-D ends.")
    while True:
        try:
            line = input("> ").strip()
        except EOFError:
            return
        if line:
            yield line
