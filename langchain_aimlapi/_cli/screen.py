"""What a person sees: the answer on standard output, all else on standard error."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_core.messages import AIMessage

_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
# An answer may hold escapes that would move the cursor or set the clipboard.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Screen:
    """Shows one answer as it comes.

    Attributes:
        has_thoughts: Whether thoughts are shown.
        has_figures: Whether tokens, cost and ids are shown.
        has_notes: Whether notes are shown, such as that the answer is cut off.
    """

    def __init__(
        self, *, has_thoughts: bool = True, has_figures: bool = True, has_notes: bool = True
    ) -> None:
        self.has_thoughts = has_thoughts
        self.has_figures = has_figures
        self.has_notes = has_notes
        self._thoughts_end = ""
        self._answer_end = "\n"

    def thought(self, text: str) -> None:
        """Show a piece of the model's thoughts."""
        if text and self.has_thoughts:
            self._thoughts_end = (self._thoughts_end + text)[-2:]
            _write(sys.stderr, text, is_dim=True)

    def answer(self, text: str) -> None:
        """Show a piece of the answer."""
        if text:
            self._end_thoughts()
            self._answer_end = text[-1]
            _write(sys.stdout, text)

    def end(self) -> None:
        """End the answer with a line break."""
        self._end_thoughts()
        if self._answer_end != "\n":
            _write(sys.stdout, "\n")
            self._answer_end = "\n"

    def figures(self, message: AIMessage) -> None:
        """Show tokens, cost and ids of an answer."""
        if self.has_figures:
            _write(sys.stderr, "".join(f"{line}\n" for line in figures(message)), is_dim=True)

    def note(self, text: str) -> None:
        """Show a line about the answer."""
        if self.has_notes:
            self.end()
            _write(sys.stderr, f"{text}\n")

    def _end_thoughts(self) -> None:
        if self._thoughts_end:
            # The answer begins after an empty line, however many line breaks the thoughts ended
            # with.
            breaks = 2 - (len(self._thoughts_end) - len(self._thoughts_end.rstrip("\n")))
            self._thoughts_end = ""
            _write(sys.stderr, "\n" * breaks)


def error(text: str) -> None:
    """Show an error on a line of its own."""
    # In one line, which is what scripts look for and what `2>&1 | head -1` shows.
    line(f"error: {' '.join(text.split())}")


def interrupted() -> None:
    """End the line on which a terminal shows `^C`."""
    if sys.stderr is not None and sys.stderr.isatty():
        line("")


def line(text: str) -> None:
    """Show a line that is no part of an answer."""
    _write(sys.stderr, f"{text}\n")


def figures(message: AIMessage) -> Iterator[str]:
    """Yield the lines that tell the tokens, the cost and the ids of an answer."""
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


def visible(text: str) -> str:
    """Return a text with its control characters replaced."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def _write(stream: TextIO | None, text: str, *, is_dim: bool = False) -> None:
    if stream is None:  # closed by who started the process
        return
    # A file or a pipe gets the text byte for byte: whoever reads it there is no terminal.
    if stream.isatty():
        text = visible(text)
        if is_dim and _has_styles():
            text = f"{_DIM}{text}{_PLAIN}"
    stream.write(text)
    # Pieces are to be seen as they come, also through a pipe.
    stream.flush()


def _has_styles() -> bool:
    # The convention of no-color.org: any value that is not empty.
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
