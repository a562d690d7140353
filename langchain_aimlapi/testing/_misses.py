"""A cassette that remembers the requests it could not answer, and says what to do about them."""

import os
import shlex
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from vcr.cassette import Cassette
from vcr.errors import CannotOverwriteExistingCassetteException
from vcr.matchers import get_matchers_results, method, requests_match

from langchain_aimlapi._json import JsonObject
from langchain_aimlapi.testing._endpoint import KEY, LIVE_BASE_URL
from langchain_aimlapi.testing._errors import CassetteError
from langchain_aimlapi.testing._ignored import IgnoredHosts
from langchain_aimlapi.testing._secrets import REDACTED
from langchain_aimlapi.testing.matchers import RequestMatcher, request_difference

if TYPE_CHECKING:
    from vcr.request import Request

_LIVE_HOST = urlsplit(LIVE_BASE_URL).hostname
_RECORD = "python -m langchain_aimlapi.testing record"


class UnrecordedRequestError(CannotOverwriteExistingCassetteException):  # type: ignore[misc]  # vcrpy is untyped
    """A request was asked on replay that the cassette does not hold, or not so often.

    A kind of vcrpy's own error, whose advice would be a record mode that fails next.
    """

    def __init__(self, *, cassette: Cassette, failed_request: "Request", text: str) -> None:
        self.cassette = cassette
        self.failed_request = failed_request
        Exception.__init__(self, text)


class WatchedCassette(Cassette):  # type: ignore[misc]  # vcrpy is untyped
    """vcrpy's cassette, except for what it does with requests that it cannot answer.

    Args:
        ignored: Whose requests go past it.
        on_ignored: Is told of each request that goes past.
        is_key_given: Whether a real key is at hand; without one the live host is not asked.
        options: vcrpy's.
    """

    def __init__(
        self,
        *,
        ignored: IgnoredHosts,
        on_ignored: "Callable[[Request], None]",
        is_key_given: bool,
        **options: Any,
    ) -> None:
        self._kept_by_hooks: Callable[[Request], Request | None] = options["before_record_request"]
        super().__init__(**{**options, "before_record_request": self._kept})
        self._ignored = ignored
        self._on_ignored = on_ignored
        self._is_key_given = is_key_given
        self._lock = threading.RLock()
        self._filtered: WeakKeyDictionary[Request, tuple[object, Request | None]] = (
            WeakKeyDictionary()
        )
        matchers = [matcher for matcher in self._match_on if isinstance(matcher, RequestMatcher)]
        self._matcher = matchers[0] if matchers else RequestMatcher()
        self._is_indexed = bool(matchers)
        implied = (self._matcher, method)
        self._others = [matcher for matcher in self._match_on if matcher not in implied]
        self._places: dict[str, list[int]] = {}
        self._with_hidden: list[str] = []
        self._placed = 0
        self.misses: list[UnrecordedRequestError] = []
        """What was asked in vain, in order; a test that expects a miss takes it out of here."""
        self.phase = ""
        """`teardown` once the test itself is over; goes into the provenance of what follows."""

    def can_play_response_for(self, request: "Request") -> bool:
        """Return whether there is an answer left, which is this request's from now on.

        Raises:
            UnrecordedRequestError: there is none, and nothing may be recorded.
            CassetteError: it would be asked of the live host without a key.
        """
        with self._lock:
            if super().can_play_response_for(request):
                return True
            kept = self.filter_request(request)
            if kept is not None and self.write_protected:
                raise self._missed(request, kept)
        self._refuse_live_host(request)
        return False

    def append(self, request: "Request", response: JsonObject) -> None:
        """Keep an answer, and in which phase of the test it came."""
        with self._lock:
            count = len(self.data)
            super().append(request, response)
            for kept, _ in self.data[count:]:
                kept.aimlapi_phase = self.phase

    def play_response(self, request: "Request") -> JsonObject:
        """Return the next recorded answer and count it as played, one thread at a time."""
        with self._lock:
            answer: JsonObject = super().play_response(request)
            return answer

    def _responses(self, request: "Request") -> Iterator[tuple[int, JsonObject]]:
        """Return the place and the answer of each recorded request that is this one.

        vcrpy compares with all of them each time; here they are looked up by their text.
        """
        if self._is_indexed:
            return self._looked_up(self._before_record_request(request))
        found: Iterator[tuple[int, JsonObject]] = super()._responses(request)
        return found

    def _looked_up(self, asked: "Request") -> Iterator[tuple[int, JsonObject]]:
        for place in self._places_of(self._matcher.canonical(asked)):
            recorded, response = self.data[place]
            if not self._others or requests_match(asked, recorded, self._others):
                yield place, response

    def _places_of(self, now: str) -> list[int]:
        for place in range(self._placed, len(self.data)):
            then = self._matcher.canonical(self.data[place][0])
            if REDACTED in then and then not in self._places:
                self._with_hidden.append(then)
            self._places.setdefault(then, []).append(place)
        self._placed = len(self.data)
        texts = {now, *(then for then in self._with_hidden if self._matcher.is_same(now, then))}
        return sorted(place for then in texts for place in self._places.get(then, ()))

    def _kept(self, request: "Request") -> "Request | None":
        """Filter a request once, though vcrpy asks for it each time it looks at it."""
        state = _state(request)
        before, kept = self._filtered.get(request, (None, None))
        if before != state:
            kept = self._filter(request)
            self._filtered[request] = (state, kept)
            if kept is not None:  # which vcrpy would filter again
                self._filtered[kept] = (_state(kept), kept)
        return kept

    def _filter(self, request: "Request") -> "Request | None":
        if request in self._ignored:
            self._on_ignored(request)
            return None
        return self._kept_by_hooks(request)

    def _refuse_live_host(self, request: "Request") -> None:
        if urlsplit(request.uri).hostname == _LIVE_HOST and not self._is_key_given:
            raise CassetteError(
                f"{request.method} {request.uri} was not sent: {KEY} is not set, and no "
                f"placeholder goes to the live host. Set {KEY}, or record from a stand-in: "
                f"{advice()}"
            )

    def _missed(self, request: "Request", kept: "Request") -> UnrecordedRequestError:
        text = f"{request.method} {kept.uri} {self._reason(kept)}\n{self._what_to_do()}"
        miss = UnrecordedRequestError(cassette=self, failed_request=request, text=text)
        self.misses.append(miss)
        return miss

    def _reason(self, asked: "Request") -> str:
        path = Path(self._path)
        if not self.data:
            is_empty = f"is not recorded: {path} holds no interaction."
            return is_empty if path.exists() else f"is not recorded. There is no cassette {path}."
        same = [request for request in self.requests if self._matcher(asked, request)]
        if not same:
            now, *recorded = map(self._matcher.canonical, [asked, *self.requests])
            difference = request_difference(now, candidates=recorded)
            return f"is not among the {len(recorded)} recorded requests of {path}:\n{difference}"
        _, failed = get_matchers_results(asked, same[0], self._match_on)
        if failed:
            told = "; ".join(f"{name} {text or ''}".strip() for name, text in failed)
            return f"is recorded in {path}, but other matchers of match_on differ: {told}"
        times = len(same)
        return (
            f"is recorded {times} time{'s'[: times > 1]} in {path}, which "
            f"{'have' if times > 1 else 'has'} been played: it is asked once more now."
        )

    def _what_to_do(self) -> str:
        first = "" if Path(self._path).exists() else "it for the first time"
        return f"If the request is meant, record {first or 'the test anew'}: {advice()}"


def _state(request: "Request") -> tuple[object, ...]:
    return (request.method, request.uri, request.body, dict(request.headers))


def advice(test: str = "") -> str:
    """Return the command that records a test anew.

    Args:
        test: Its name as pytest takes it; by default the one that pytest runs now, if any.
    """
    test = test or os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]
    return f"{_RECORD} {shlex.quote(test)}" if test else _RECORD
