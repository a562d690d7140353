"""What the handler of a signal raises ends the call, and is what its caller gets."""

from __future__ import annotations

import functools
import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.wire_tests.asking import KEY, ask, model_at
from tests.wire_tests.loopback import HANG, Loopback, Request, answer_to, head, stream_head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.wire_tests.loopback import Steps

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs signals of one's own")


class AlarmError(RuntimeError):
    """What a library of timers raises."""


class Handler:
    """Raises, as a function, as an object or within another function."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __call__(self, *_: object) -> None:
        raise self.error

    def within(self, *_: object) -> None:
        self()


@contextmanager
def handled(handler: Callable[..., None]) -> Iterator[None]:
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, before)


def interrupting(steps: Steps) -> Callable[[Request], Steps]:
    """Return what answers "interrupted" with these steps, and has it interrupted then."""
    caller = threading.get_ident()

    def answer(request: Request) -> Steps:
        if request.prompt != "interrupted":
            return [answer_to(request)]
        # The answer has come as far as it will, and the caller waits.
        threading.Timer(0.05, signal.pthread_kill, (caller, signal.SIGUSR1)).start()
        return steps

    return answer


PLACES: dict[str, Steps] = {
    "nothing came": [HANG],
    "amid the head": [b"HTTP/1.1 200 OK\r\n", HANG],
    "amid the body": [stream_head(), HANG],
    "amid a refusal": [head(503, content_length=9), HANG],
}


@pytest.mark.parametrize("way", ["invoke", "stream"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", [TimeoutError, InterruptedError, AlarmError, SystemExit])
def test_52_what_a_signal_raises_ends_the_call(
    kind: type[BaseException], place: str, way: str
) -> None:
    error = kind("of the handler")
    with Loopback(by=interrupting(PLACES[place])) as server, handled(Handler(error).within):
        model = model_at(server, max_retries=2, timeout=10.0)
        with pytest.raises(kind) as caught:
            ask(model, way, "interrupted")
        assert caught.value is error
        assert len(server.requests) == 1
        assert ask(model, way, "next").content == "next"
        model.close()
        assert server.wait_open(0)
    shown = [repr(vars(linked)) for linked in _chain(error)]
    assert KEY not in "".join(shown)


@pytest.mark.parametrize("form", ["function", "object", "partial"])
def test_52_whatever_form_the_handler_has(form: str) -> None:
    handler = Handler(TimeoutError("of the handler"))
    forms: dict[str, Callable[..., None]] = {
        "function": lambda *_: handler(),
        "object": handler,
        "partial": functools.partial(handler.within, "of whom"),
    }
    with Loopback(by=interrupting([HANG])) as server, handled(forms[form]):
        model = model_at(server, max_retries=2, timeout=10.0)
        with pytest.raises(TimeoutError, match="of the handler"):
            ask(model, "invoke", "interrupted")
        assert len(server.requests) == 1
        model.close()


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
