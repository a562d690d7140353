"""Cassettes as one self-contained page: what was sent beside what came back, step by step.

Everything that a cassette says is escaped; the page loads nothing and runs its own script only,
which draws the lines from each signature to where it went back.
"""

import base64
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from html import escape
from importlib.resources import files

from langchain_aimlapi.testing._cli.steps import Call, Message, Part, Step, printable

_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+")
_GOOD = 400
_MOST_DIGITS = 40  # of an amount of credits or dollars


def conversation_page(cassettes: Iterable[tuple[str, list[Step]]]) -> str:
    """Return an HTML page of some cassettes.

    Args:
        cassettes: A name, such as the file's path, and the steps of each.
    """
    named = list(cassettes)
    sections = "".join(
        _Section(number, name, steps).html() for number, (name, steps) in enumerate(named)
    )
    title = named[0][0] if len(named) == 1 else f"{len(named)} cassettes"
    contents = "".join(
        f'<li><a href="#c{number}">{_text(name)}</a></li>' for number, (name, _) in enumerate(named)
    )
    style, script = _asset("page.css"), _asset("page.js")
    # Signed by digest: even if something slipped through the escaping, a browser would not run it.
    policy = (
        f"default-src 'none'; img-src data:; style-src {_digest(style)}; "
        f"script-src {_digest(script)}"
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>{style}</style></head>\n<body>"
        + (f"<nav><ol>{contents}</ol></nav>" if len(named) > 1 else "")
        + f"<main>{sections}</main>\n<script>{script}</script>\n</body></html>\n"
    )


class _Section:
    """One cassette on the page.

    Args:
        number: Its place, for the names within the page.
        name: What it is called.
        steps: What it holds.
    """

    def __init__(self, number: int, name: str, steps: list[Step]) -> None:
        self._number = number
        self._name = name
        self._steps = steps
        self._results: dict[str, tuple[int, Message]] = {}
        self._calls: dict[str, str] = {}
        self._went_back: defaultdict[str, list[int]] = defaultdict(list)
        came: set[str] = set()
        for step in steps:
            for message in step.sent:
                if message.call_id:
                    self._results.setdefault(message.call_id, (step.number, message))
                for signature in message.signatures:
                    if signature in came and step.number not in self._went_back[signature]:
                        self._went_back[signature].append(step.number)
            for message in step.received:
                came.update(message.signatures)
            for message in [*step.sent, *step.received]:
                self._calls.update({call.id: call.name for call in message.calls})

    def html(self) -> str:
        """Return the section."""
        rows = "".join(map(self._step, self._steps))
        return (
            f'<section id="c{self._number}"><header><h1>{_text(self._name)}</h1>'
            f'<p class="total">{_text(total_text(self._steps))}</p></header>'
            '<div class="heads"><span>sent</span><span>came back</span></div>'
            f'<div class="steps"><svg class="lines" aria-hidden="true"></svg>{rows}</div></section>'
        )

    def _step(self, step: Step) -> str:
        sent = "".join(self._message(step, message, is_sent=True) for message in step.sent)
        received = "".join(self._message(step, message, is_sent=False) for message in step.received)
        repeated = '<p class="note">… the messages of the step before, then</p>'
        state = "good" if step.status < _GOOD else "bad"
        return (
            f'<article class="step" id="{self._id(step.number)}"><h2><b>{step.number}</b>'
            f'<span class="status {state}">{step.status}</span> <code>{_text(step.request)}</code>'
            f'<span class="origin">{_text(step.origin)}</span></h2><div class="columns">'
            f'<div class="sent">{repeated if step.is_continued else ""}{sent}'
            f"{_body(step.sent_other)}</div>"
            f'<div class="received">{received}{_body(step.other)}</div></div>{_spent(step)}'
            "</article>"
        )

    def _message(self, step: Step, message: Message, *, is_sent: bool) -> str:
        role = message.role
        if message.call_id:
            name = self._calls.get(message.call_id, message.call_id)
            role = f"result of {name}"
        calls = "".join(self._call(call, with_result=not is_sent) for call in message.calls)
        return (
            f'<div class="message {_class(message.role)}"><h3>{_text(role)}</h3>'
            f"{_thought(message, step)}{''.join(map(_part, message.parts))}{calls}"
            f"{self._signatures(step, message, is_sent=is_sent)}</div>"
        )

    def _call(self, call: Call, *, with_result: bool) -> str:
        number, result = self._results.get(call.id, (0, None))
        shown = ""
        if with_result and result is not None:
            parts = "".join(map(_part, result.parts))
            shown = (
                f'<div class="result"><h4>result, sent in <a href="#{self._id(number)}">step '
                f"{number}</a></h4>{parts}</div>"
            )
        return (
            f'<div class="call"><code><b>{_text(call.name)}</b></code>'
            f"<pre>{_text(_pretty(call.arguments))}</pre>{shown}</div>"
        )

    def _signatures(self, step: Step, message: Message, *, is_sent: bool) -> str:
        shown = []
        for signature in message.signatures:
            steps = self._went_back.get(signature, [])
            if is_sent and step.number not in steps:
                continue  # a signature that did not come from this conversation
            # A signature is long and random; eight characters tell those of one page apart.
            digest = hashlib.sha256(signature.encode(errors="surrogatepass")).hexdigest()[:8]
            name = f"{self._number}-{digest}"
            side = "to" if is_sent else "from"
            links = ", ".join(f'<a href="#{self._id(number)}">{number}</a>' for number in steps)
            told = "came from above" if is_sent else f"went back in step {links}"
            shown.append(
                f'<span class="signature {side}" data-{side}="{name}" title="{len(signature)} '
                f'characters">signature {digest}: {told if links else "did not go back"}</span>'
            )
        return f'<p class="signatures">{" ".join(shown)}</p>' if shown else ""

    def _id(self, number: int) -> str:
        return f"c{self._number}-s{number}"


def total_text(steps: list[Step]) -> str:
    """Return what some steps used together: requests, tokens, credits, US dollars."""
    prompt, completion, reasoning = (
        sum(getattr(step.spent, name) for step in steps)
        for name in ("prompt", "completion", "reasoning")
    )
    count = f"{len(steps)} request{'s' if len(steps) != 1 else ''}"
    tokens = f"{prompt:,} tokens in, {completion:,} out" if prompt or completion else ""
    credits_spent = _sum(step.spent.credits for step in steps)
    dollars = _sum(step.spent.dollars for step in steps)
    return " · ".join(
        part
        for part in (
            count,
            tokens + (f" ({reasoning:,} of them thought)" if reasoning else ""),
            f"{credits_spent:,f} credits" if credits_spent else "",
            f"USD {dollars:f}" if dollars else "",
        )
        if part
    )


def _sum(texts: Iterable[str]) -> Decimal:
    return sum(filter(None, map(_decimal, texts)), Decimal())


def _decimal(text: str) -> Decimal | None:
    try:
        amount = Decimal(text or 0)
    except InvalidOperation:
        return None
    # Written out, `1e999999` would be a million digits.
    is_small = amount.is_finite() and abs(amount.adjusted()) <= _MOST_DIGITS
    return amount if is_small and len(text) <= _MOST_DIGITS else None


def _spent(step: Step) -> str:
    spent = step.spent
    cells = [
        ("tokens in", f"{spent.prompt:,}" if step.is_counted else ""),
        ("tokens out", f"{spent.completion:,}" if step.is_counted else ""),
        ("of them thought", f"{spent.reasoning:,}" if spent.reasoning else ""),
        ("credits", spent.credits),
        ("USD", spent.dollars),
        ("id", step.answer_id),
    ]
    shown = "".join(
        f"<div><dt>{name}</dt><dd>{_text(value)}</dd></div>" for name, value in cells if value
    )
    return f"<dl>{shown}</dl>" if shown else ""


def _thought(message: Message, step: Step) -> str:
    if not message.thought:
        return ""
    # The count of thought tokens is that of the step's answer; thoughts that were sent along have
    # none.
    is_answer = message in step.received
    tokens = f", {step.spent.reasoning:,} tokens" if is_answer and step.spent.reasoning else ""
    return (
        f"<details><summary>thought{tokens}</summary>"
        f'<div class="text">{_text(message.thought)}</div></details>'
    )


def _part(part: Part) -> str:
    if part.kind == "text":
        return f'<div class="text">{_text(_pretty(part.text))}</div>' if part.text else ""
    # Pictures in the file alone: one from an address would tell its host who reads the page, and
    # SVG can hold a script.
    if _PICTURE.fullmatch(part.text):
        return f'<img alt="{_text(part.kind)}" src="{escape(part.text)}">'
    place = part.text.partition(",")[0] if part.text.startswith("data:") else part.text
    size = f", {len(part.text):,} characters" if part.text.startswith("data:") else ""
    return f'<div class="file">{_text(part.kind)}: {_text(place[:200])}{size}</div>'


def _body(text: str) -> str:
    return f'<pre class="body">{_text(_pretty(text))}</pre>' if text else ""


def _pretty(text: str) -> str:
    """Return JSON with its members on lines of their own, any other text as it is."""
    if text[:1] not in ("{", "["):
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _text(text: str) -> str:
    return escape(printable(text))


def _class(role: str) -> str:
    return role if role in ("system", "developer", "user", "assistant", "tool") else "other"


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
