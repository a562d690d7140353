"""Requests that Gemini was seen to refuse with a 400: how it says so, what helps.

In go the words of an error, out comes what is known of it: one line of advice, and for three kinds
a remedy, another way to write the same request. What helped once is remembered for the model.

Source:
    Google's thought-signatures page and public reports of refused requests (python-genai #2792,
    inspect_ai #2838, ai-sdk-provider #418, gemini-cli #3814, dotnet-genai #189, and the like),
    read 2026-11-26. None was seen on this gateway: that it passes the words on is assumed.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Remedy = Literal["bypass_signatures", "rename_references", "rename_calls"]


class Refusal(NamedTuple):
    """One kind of refused request.

    Attributes:
        words: What the error says, in any case: an expression, compiled when an error asks for it.
        advice: One line: what to do.
        remedy: How the request can be written so that it is taken, without loss.
    """

    words: str
    advice: str
    remedy: Remedy | None = None


# In order, since the first that fits is taken: the more exact words come before the vaguer ones.
_REFUSALS = (
    Refusal(
        r"missing (an? |the |its |required )*.?thought.?signature"
        r"|thought.?signature.{0,20} (is )?(missing|required)"
        r"|reasoning.details to be preserved",
        "A tool call of the current turn went back without its thought signature: keep AI messages "
        "whole, or leave missing_signatures at 'auto'.",
        "bypass_signatures",
    ),
    Refusal(
        r"(corrupted|invalid|malformed) .?thought.?signature|thought.?signature is not valid",
        "A thought signature went back altered: keep the AI messages as they came, and of a "
        "message whose calls you edit let the whole go.",
    ),
    Refusal(
        r"does not match to a display_name|\$ref.{0,80}function.?response",
        "A tool's result holds '$ref' as a key of JSON, which Gemini 3 takes for a reference to "
        "an attached file: let the tool return text, or another key.",
        "rename_references",
    ),
    Refusal(
        r"number of function response parts",
        "Each tool call needs one ToolMessage, right after the AI message: answer every call, or "
        "take out the calls without a result.",
    ),
    Refusal(
        r"function call turn comes immediately after|roles? must alternate"
        r"|(begins?|starts?|ends?) with a (single )?user (turn|role|message)",
        "The messages are out of order: begin with a HumanMessage, and put tool calls right after "
        "a human or tool message (trim_messages: start_on='human').",
    ),
    Refusal(
        r"any_?of.{0,80}\bonly\b|\bonly\b.{0,80}any_?of",
        "A tool's schema has keywords beside anyOf: move them into its branches.",
    ),
    Refusal(
        r"only allowed for string type|enum.{0,60}(type.{0,4}string|non.?string)",
        "A tool's schema has an enum of numbers or booleans: make the values strings.",
    ),
    Refusal(
        r"forced function calling|tool use with a response mime type|function calling with a "
        r"response mime type",
        "Tools and a schema of the answer do not go together here: do not force a call beside a "
        "response_format, or take the answer as a call too (method='function_calling', in agents "
        "ToolStrategy).",
    ),
    Refusal(
        r"duplicate function declaration",
        "Two tools have the same name: rename one, or bind it once.",
    ),
    Refusal(
        r"invalid (function|tool).?name|function_?(call|response)\W{1,3}name\b"
        r"|(function|tool|messages).{0,60}\bname\b.{0,80}\b(match|pattern)",
        "A tool call of the history has a name that the model made up and that is not allowed: "
        "take it out with its result. Tools need 1 to 64 letters, digits, '_' and '-' as a name.",
        "rename_calls",
    ),
    Refusal(
        r"too many states",
        "A schema is too complex: fewer or shorter enums, fewer optional fields, no long limits "
        "of lengths, less nesting.",
    ),
    Refusal(
        r"parts must not be empty|empty text parameter|at least one parts? field"
        r"|content.{0,20}(must not|cannot) be empty",
        "A message has nothing in it, or an empty text part: leave it out.",
    ),
    Refusal(
        r"too many (tools|functions)|tools.{0,40}(must hold|must contain|can (have|contain))? ?"
        r"at most \d+|(maximum|max) (number )?(of )?\d* ?(tools|function declarations)",
        "Too many tools: the endpoint takes 128. Bind those that the turn needs.",
    ),
)


def find_refusal(message: str) -> Refusal | None:
    """Return what is known of a refused request.

    Args:
        message: The words of an error with the status 400, the upstream's own among them.
    """
    flags = re.IGNORECASE | re.DOTALL
    return next((known for known in _REFUSALS if re.search(known.words, message, flags)), None)


class Remedies:
    """What helped the calls of one model object: later ones with the same model id start so."""

    def __init__(self) -> None:
        # No lock: a set that two threads add to at once loses one remedy, which the next refusal
        # brings back.
        self._by_model: dict[str, frozenset[Remedy]] = {}

    def of(self, model: str) -> frozenset[Remedy]:
        """Return the remedies of a model id."""
        return self._by_model.get(model, frozenset())

    def add(self, model: str, remedy: Remedy) -> frozenset[Remedy]:
        """Remember one more remedy of a model id, and return all of it."""
        remedies = self._by_model[model] = self.of(model) | {remedy}
        return remedies
