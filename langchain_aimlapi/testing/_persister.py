"""Cassette files read into vcrpy's memory, written from it when the test was good."""

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from vcr.persisters.filesystem import CassetteNotFoundError
from vcr.serialize import deserialize, serialize

from langchain_aimlapi._json import JsonObject
from langchain_aimlapi.testing._secrets import credentials
from langchain_aimlapi.testing._stage import is_documented, note_opened, original_path
from langchain_aimlapi.testing.matchers import RequestMatcher
from langchain_aimlapi.testing.serializer import new_provenance

if TYPE_CHECKING:
    from vcr.request import Request

_FIRST_ERROR = 400


class CassettePersister:
    """Reads and writes cassettes as UTF-8, whole or not at all, and never documented ones.

    Args:
        matcher: Is told the recorded requests, for its diff.
        is_good: Whether what was recorded may be kept, asked when it is to be written.
        extra_paths: Further cassettes to read, never to write.
        reads_own: Whether to read the cassette that is written; else it begins anew.
    """

    def __init__(
        self,
        *,
        matcher: RequestMatcher,
        is_good: Callable[[], bool],
        extra_paths: list[str],
        reads_own: bool = True,
    ) -> None:
        self._matcher = matcher
        self._is_good = is_good
        self._extra_paths = extra_paths
        self._reads_own = reads_own
        self._lock = threading.Lock()
        self._loaded: frozenset[str] = frozenset()
        self._burst = 0
        self._in_flight = 0
        self.credentials: set[str] = set()
        """Those of all requests that were asked, filters or not."""
        self.before = ""
        """The text of the cassette whose place is taken, while one is written."""

    def note_arrival(self, request: "Request", *, kept: "Request") -> None:
        """Remember a request's credentials, and with which others it was asked.

        Requests in flight at once are asked and answered in an order that threads decide;
        written in the order of their texts, they come out the same in each recording.

        Args:
            request: vcrpy's request, as it was asked. vcrpy shows the same one several times.
            kept: What filters and hooks made of it: a copy, which carries the burst too.
        """
        with self._lock:
            self.credentials.update(credentials(request.headers))
        name = self._matcher.canonical(kept)
        with self._lock:
            if not hasattr(request, "aimlapi_burst"):
                self._burst += not self._in_flight
                self._in_flight += name not in self._loaded  # of what is played no answer is noted
                request.aimlapi_burst = self._burst
            kept.aimlapi_burst = request.aimlapi_burst

    def note_answer(self) -> None:
        """Remember that a request is no longer in flight."""
        with self._lock:
            self._in_flight = max(0, self._in_flight - 1)

    def load_cassette(
        self, cassette_path: str, serializer: ModuleType
    ) -> tuple[list["Request"], list[JsonObject]]:
        """Return the requests and the responses of a cassette and the extra ones.

        Raises:
            CassetteNotFoundError: there is none, or none with an interaction in it.
            ValueError: a file is no cassette; the message names it.
        """
        requests: list[Request] = []
        responses: list[JsonObject] = []
        for path in dict.fromkeys(map(Path, [cassette_path, *self._extra_paths])):
            note_opened(path)
            is_read = self._reads_own or path != Path(cassette_path)
            if is_read and path.is_file():
                found = _load(path, serializer)
                requests += found[0]
                responses += found[1]
        if not requests:
            raise CassetteNotFoundError(f"no cassette at {cassette_path}")
        self._loaded = self._matcher.remember(requests)
        return requests, responses

    def save_cassette(
        self, cassette_path: str, cassette_dict: JsonObject, serializer: ModuleType
    ) -> None:
        """Write a cassette in the order in which its requests were asked, one burst by its texts.

        Raises:
            ValueError: it is a documented one, or the serializer refuses it.
        """
        if not self._is_good():
            return
        path = Path(cassette_path)
        if is_documented(path):
            raise ValueError(f"{path} is documented, not recorded: it is never written")
        pairs = zip(cassette_dict["requests"], cassette_dict["responses"], strict=True)
        old = original_path(path)
        self.before = old.read_text("utf-8") if old.is_file() else ""
        in_order = sorted(pairs, key=lambda pair: self._place(pair[0]))
        text = serialize(
            {
                "requests": [request for request, _ in in_order],
                "responses": [_stamp(request, response) for request, response in in_order],
            },
            serializer,
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        # Beside it and renamed: a reader, or a test that is interrupted, sees the old file or the
        # new one.
        fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
        fresh.write_text(text, encoding="utf-8", newline="\n")
        fresh.replace(path)

    def _place(self, request: "Request") -> tuple[int, str]:
        name = self._matcher.canonical(request)
        return request.aimlapi_burst, name


def is_new(response: JsonObject) -> bool:
    """Return whether a response in vcrpy's memory was recorded just now, not read."""
    return "provenance" not in response


def is_error(response: JsonObject) -> bool:
    """Return whether a response has an error status (400 and up)."""
    return int(response["status"]["code"]) >= _FIRST_ERROR


def _stamp(request: "Request", response: JsonObject) -> JsonObject:
    if not is_new(response):
        return response
    provenance = new_provenance(request.uri, headers=response["headers"], now=datetime.now(UTC))
    if is_error(response):
        # The test said so, or it would not have been good.
        provenance["expected_status"] = response["status"]["code"]
    if getattr(request, "aimlapi_phase", ""):
        provenance["phase"] = request.aimlapi_phase
    return {**response, "provenance": provenance}


def _load(path: Path, serializer: ModuleType) -> tuple[list["Request"], list[JsonObject]]:
    try:
        requests, responses, *_metadata = deserialize(path.read_text("utf-8"), serializer)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return requests, [{"provenance": {}, **response} for response in responses]
