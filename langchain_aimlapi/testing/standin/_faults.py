"""Misbehaviour asked for by a line of text, such as `status=429;retry-after=1`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_MESSAGE = "The stand-in misbehaves, as it was asked to"
# OpenRouter's normalised word and the upstream's own; of other words the upper case is taken.
_NATIVE = {
    "stop": ("stop", "STOP"),
    "length": ("length", "MAX_TOKENS"),
    "content_filter": ("content_filter", "SAFETY"),
    "tool_calls": ("tool_calls", "STOP"),
    "error": ("error", "ERROR"),
    "MALFORMED_FUNCTION_CALL": ("error", "MALFORMED_FUNCTION_CALL"),
}
_KINDS = frozenset(
    {
        *("cut", "stall", "malformed", "error-event", "error-in-200", "empty", "no-choices"),
        *("html", "no-finish", "no-done"),
    }
)
# Each with its least, greatest and usual value.
_NUMBERS = {
    "status": (200, 599, 500),
    "latency": (0, 3600, 0),
    "pace": (0, 3600, 0),
    "after": (0, 1_000_000, 2),
    "code": (0, 999, 502),
}
_HEADERS = ("retry-after", "retry-after-ms", "x-should-retry")
_WORDS = _KINDS | _NUMBERS.keys() | {*_HEADERS, "message", "finish"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave; see `fault` for the text that asks for it."""

    kind: str = ""
    variant: str = ""
    status: int | None = None
    latency: float = 0.0
    pace: float = 0.0
    after: int = 2
    code: int = 502
    message: str = _MESSAGE
    finish: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def finish_reasons(self) -> tuple[str, str]:
        """The finish reason and the upstream's word for it that `finish` stands for."""
        return _NATIVE.get(self.finish, (self.finish, self.finish.upper()))


def fault(text: str) -> Fault:
    """Return the fault that a line of `key=value` pairs and words, parted by `;`, asks for.

    * `status=429` with `retry-after=1`, `retry-after-ms=50`, `x-should-retry=false`,
      `message=...`: that status and those headers, in the gateway's error shape;
    * `html`: 502 (or `status`) with a page; `error-in-200`: 200 with `{"error": {"code"}}`
      (`code=`), or with `error-in-200=gateway` the gateway's shape;
    * `latency=0.2`: seconds before the answer; `pace=0.05`: seconds between its events;
    * `cut`, `stall`: the connection ends or goes silent after `after=2` events (whole
      answers: after half of the body);
    * `malformed`: what is no JSON, there or as the whole answer; `error-event`: an error
      among choices there, `error-event=bare` without choices, `error-event=gateway`;
    * `empty`: no body, or a stream of nothing; `no-choices`: an answer with no choices;
    * `no-finish`: no finish reason and no `[DONE]`; `no-done`: no `[DONE]`;
    * `finish=content_filter`, `finish=MALFORMED_FUNCTION_CALL`, ...: nothing said but that.

    A status is 200 to 599, a time 0 to 3,600 seconds, `after` 0 or more.

    Raises:
        ValueError: The text holds a word that is none of these, or a number beyond its limits.
    """
    pairs = dict(_pair(piece) for piece in text.split(";") if piece.strip())
    kinds = [name for name in pairs if name in _KINDS]
    unknown = [name for name in pairs if name not in _WORDS]
    if unknown or len(kinds) > 1:
        raise ValueError(
            f"The fault {text!r} is not understood: {', '.join(unknown) or 'one kind at a time'}. "
            f"Known are {', '.join(sorted(_WORDS))}."
        )
    kind = kinds[0] if kinds else ""
    return Fault(
        kind=kind,
        variant=pairs.get(kind, ""),
        status=int(_number(pairs, "status", int)) if "status" in pairs else None,
        latency=_number(pairs, "latency", float),
        pace=_number(pairs, "pace", float),
        after=int(_number(pairs, "after", int)),
        code=int(_number(pairs, "code", int)),
        message=pairs.get("message", _MESSAGE),
        finish=pairs.get("finish", ""),
        headers=_headers(pairs),
    )


def _pair(piece: str) -> tuple[str, str]:
    name, _, value = piece.strip().partition("=")
    return name.strip(), value.strip()


def _number(pairs: Mapping[str, str], name: str, kind: type[float]) -> float:
    least, most, usual = _NUMBERS[name]
    number = kind(pairs.get(name, usual))
    if not least <= number <= most:  # NaN is in no limits either
        raise ValueError(f"The fault's {name}={pairs[name]} is not from {least} to {most}.")
    return number


def _headers(pairs: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    headers = tuple((name, pairs[name]) for name in _HEADERS if name in pairs)
    for name, value in headers:
        if not (value.isascii() and value.isprintable()):
            raise ValueError(f"The fault's {name}={value!a} is no value of a header.")
    return headers
