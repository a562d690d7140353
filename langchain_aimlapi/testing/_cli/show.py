"""A cassette as the conversation that it holds, for a terminal."""

from collections.abc import Callable

from langchain_aimlapi._json import JsonObject
from langchain_aimlapi.testing._cli.steps import Message, Step, printable, steps_of

_COLOURS = {"head": "1", "role": "36", "reasoning": "2", "call": "33", "error": "31", "cost": "2"}
_LONGEST = 2000
"""Characters of one text that are shown; images and long documents would hide the rest."""

_Paint = Callable[[str, str], str]


def conversation_text(cassette: JsonObject, *, colour: bool = False) -> str:
    """Return the conversations of a cassette as a person reads them.

    Messages that the request before sent already are not shown again. Characters that a
    terminal would obey are written out.

    Args:
        cassette: What `deserialize` returns.
        colour: Whether to use the terminal's colours.

    Returns:
        Per interaction a line with its address, status and provenance, the messages, the
        answer with its thought and tool calls, and a line of tokens, cost and id.
    """

    def paint(kind: str, text: str) -> str:
        safe = printable(text)
        return f"\x1b[{_COLOURS[kind]}m{safe}\x1b[0m" if colour and kind else safe

    lines: list[str] = []
    for step in steps_of(cassette):
        lines.append(
            paint("head", f"{step.number}. {step.request} -> {step.status} ({step.origin})")
        )
        lines += ["  (after the messages of the request before)"] if step.is_continued else []
        for message in [*step.sent, *step.received]:
            lines += _message_lines(message, paint)
        lines += _indent(step.other, paint, "error")
        spent = spent_text(step)
        lines += [f"  {paint('cost', spent)}"] if spent else []
        lines.append("")
    return "\n".join(lines)


def spent_text(step: Step) -> str:
    """Return the tokens, the cost and the id of a step, such as `2 in, 3 out, 9 credits`."""
    spent = step.spent
    parts = [
        f"{spent.prompt} in, {spent.completion} out" if step.is_counted else "",
        f"{spent.reasoning} of them reasoning" if spent.reasoning else "",
        f"{spent.credits} credits" if spent.credits else "",
        f"USD {spent.dollars}" if spent.dollars else "",
        step.answer_id,
    ]
    return ", ".join(part for part in parts if part)


def _message_lines(message: Message, paint: _Paint) -> list[str]:
    lines: list[str] = []
    if message.thought:
        lines.append(f"  {paint('role', f'{message.role} (thought)')}")
        lines += _indent(message.thought, paint, "reasoning")
    said = _indent(message.text, paint, "")
    for call in message.calls:
        said += _indent(f"{call.name}({call.arguments})", paint, "call")
    return [*lines, *([f"  {paint('role', message.role)}"] if said or not lines else []), *said]


def _indent(text: str, paint: _Paint, kind: str) -> list[str]:
    more = len(text) - _LONGEST
    shown = f"{text[:_LONGEST]}... ({more} more characters)" if more > 0 else text.rstrip()
    return [
        f"    {paint(kind, line) if line else ''}".rstrip() for line in shown.split("\n") if shown
    ]
