"""The cassettes that are open, and which of them a request belongs to.

vcrpy puts its own functions in the place of those of the HTTP clients for as long as a cassette
is open, and forgets whose they were when two are open at once and the first closes first. Here
they are put there once, for all open cassettes together, and ask at each request: it belongs to
the cassette of the task or thread that asks, of the one that started it, or the only one open.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial, wraps
from typing import TYPE_CHECKING, Any
from unittest import mock
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from vcr import patch as vcr_patch
from vcr.cassette import CassetteContextDecorator
from vcr.patch import CassettePatcherBuilder

from langchain_aimlapi._json import JsonObject
from langchain_aimlapi.testing._content_encoding import ask_for_decodable
from langchain_aimlapi.testing._endpoint import (
    BASE,
    GIVEN_KEY,
    LIVE_BASE_URL,
    REPLAY_KEY,
    Endpoint,
    environment_of,
    given_endpoint,
)
from langchain_aimlapi.testing._errors import CassetteError
from langchain_aimlapi.testing._ignored import (
    IgnoredHosts,
    addresses_of,
    is_loopback,
    is_tracing,
)
from langchain_aimlapi.testing._misses import WatchedCassette

if TYPE_CHECKING:
    from vcr import VCR
    from vcr.request import Request

_IN_PROCESS = frozenset({"ASGITransport", "WSGITransport", "MockTransport"})
"""Transports that end in this process: the app under test runs at each replay."""


@dataclass(eq=False)
class _Opened:
    """A cassette in use, and the one that was in use around it."""

    cassette: WatchedCassette
    outer: "_Opened | None"
    is_open: bool = True

    def chain(self) -> list["_Opened"]:
        """Return this and all around it that are still open, from within."""
        around = self.outer.chain() if self.outer else []
        return [self, *around] if self.is_open else around


_CLIENTS = ("aiohttp", "botocore", "httplib2", "httpx", "httpx2", "tornado")
"""Modules of HTTP clients whose patches last."""


class _Patches(CassettePatcherBuilder):  # type: ignore[misc]  # vcrpy is untyped
    """vcrpy's patches, made once and put in place for each cassette.

    Making them looks in every folder for half a dozen clients that hardly anybody has installed.
    """

    def __init__(self, cassettes: "OpenCassettes") -> None:
        super().__init__(cassettes)
        self._made_with: tuple[object, ...] = ()
        self._lasting: list[Any] = []

    def build(self) -> list[Any]:
        """Return the patches, made anew where other clients may be found or stand by now."""
        found = (*sys.path, *map(sys.modules.get, _CLIENTS))
        if found != self._made_with:
            self._lasting = [patch for patch in super().build() if not _is_in_process(patch)]
            self._made_with = (*sys.path, *map(sys.modules.get, _CLIENTS))
        # Those of urllib3 remember connections, and what stood in their place before.
        return [*self._lasting, *super()._requests(), *super()._urllib3()]

    def _requests(self) -> tuple[Any, ...]:
        return ()

    def _urllib3(self) -> tuple[Any, ...]:
        return ()


_HERE: ContextVar[_Opened | None] = ContextVar("cassette of this task", default=None)


class OpenCassettes:
    """All cassettes in use in this process; stands in the place of one for vcrpy's functions."""

    path = _path = "several cassettes"
    custom_patches = skip_patchers = ()

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._opened: list[_Opened] = []
        self._builder = _Patches(self)
        self._patches = ExitStack()
        self._resets = ExitStack()
        self._resetting = 0
        self._started_in: WeakKeyDictionary[threading.Thread, _Opened] = WeakKeyDictionary()
        # Not on the request itself: vcrpy copies that, with all that hangs on it.
        self._cassettes: WeakKeyDictionary[Request, WatchedCassette] = WeakKeyDictionary()
        self.let_through: set[str] = set()
        """Names and addresses of the hosts that some request went to past its cassette."""
        self.traced: set[str] = set()
        """The same of collectors of traces, which threads go to in every test, and between them."""

    @contextmanager
    def opened(self, cassette: WatchedCassette) -> Iterator[WatchedCassette]:
        """Hold a cassette open: it gets the requests of this task and of what starts here."""
        with self._lock:
            opened = _Opened(cassette, self._begun_in())
            if not self._opened:
                self.let_through.clear()  # or this test could go where the last one did
                self._patch()
                self._show_key(cassette)
            self._opened.append(opened)
        _HERE.set(opened)
        builder = CassettePatcherBuilder(self)
        try:
            with ExitStack() as own:
                for patch in builder._build_patchers_from_mock_triples(cassette.custom_patches):  # noqa: SLF001  # vcrpy has no public door
                    own.enter_context(patch)
                yield cassette
        finally:
            with self._lock:
                opened.is_open = False
                self._opened.remove(opened)
                if not self._opened:
                    self._resets.close()  # of a thread that is still asking
                    self._patches.close()

    def note_ignored(self, request: "Request") -> None:
        """Let the network block know whose requests are to get out."""
        host = urlsplit(request.uri).hostname or ""
        noted = self.traced if is_tracing(request) and not is_loopback(host) else self.let_through
        noted.update(addresses_of(host))

    def can_play_response_for(self, request: "Request") -> bool:
        """Ask the cassette that the request belongs to, and keep it for what follows."""
        ask_for_decodable(request.headers)  # which http.client's stub sends
        opened = self._current()
        if opened is None:
            return False  # of a thread that outlived the cassette
        self._cassettes[request] = opened.cassette
        return opened.cassette.can_play_response_for(request)

    def play_response(self, request: "Request") -> JsonObject:
        """Play the answer from the cassette that had it."""
        return self._cassette_of(request).play_response(request)

    def append(self, request: "Request", response: JsonObject) -> None:
        """Record an answer in the cassette that lacked it."""
        self._cassette_of(request).append(request, response)

    def __getattr__(self, name: str) -> Any:
        opened = None if name.startswith("__") else self._current()
        if opened is None:
            raise AttributeError(name)
        return getattr(opened.cassette, name)

    def _cassette_of(self, request: "Request") -> WatchedCassette:
        cassette = self._cassettes.get(request)
        if cassette is None:
            # One that vcrpy made itself: a hop of aiohttp's redirects.
            cassette = self.__getattr__("play_response").__self__
        return cassette

    def _begun_in(self) -> _Opened | None:
        for here in (_HERE.get(), self._started_in.get(threading.current_thread())):
            if here is not None and here.chain():
                return here.chain()[0]
        return None

    def _current(self) -> _Opened | None:
        with self._lock:
            here = self._begun_in()
            if here is not None or not self._opened:
                return here
            around = {opened.outer for opened in self._opened}
            chains = [opened.chain() for opened in self._opened if opened not in around]
            shared = [opened for opened in chains[0] if all(opened in chain for chain in chains)]
            if shared:
                return shared[0]
            paths = ", ".join(str(chain[0].cassette._path) for chain in chains)  # noqa: SLF001  # public only in vcrpy 9
            raise CassetteError(
                f"a request in {threading.current_thread().name} belongs to none of the open "
                f"cassettes ({paths}): start its thread or task within the block of one"
            )

    def _patch(self) -> None:
        with ExitStack() as patches:
            for patch in self._builder.build():
                patches.enter_context(patch)
            for transport, name in _httpx_transports():
                sends = _asking_for_decodable(getattr(transport, name))
                patches.enter_context(mock.patch.object(transport, name, sends))
            patches.enter_context(mock.patch.object(vcr_patch, "force_reset", self._reset))
            patches.enter_context(mock.patch.object(threading.Thread, "start", self._start()))
            patches.enter_context(mock.patch.object(ThreadPoolExecutor, "submit", self._submit()))
            self._patches = patches.pop_all()

    @contextmanager
    def _reset(self) -> Iterator[None]:
        """Stand in the place of vcrpy's `force_reset`, which is in force for all threads.

        vcrpy takes its patches back while a connection of `http.client` really asks, each time
        anew: what other threads ask meanwhile gets past their cassettes, and when two do so at
        once the patches never come back. Here the first takes them back and the last brings
        them again, and those of httpx stay: such a connection has no use for them.
        """
        with self._lock:
            self._resetting += 1
            if self._resetting == 1:
                for patch in vcr_patch.reset_patchers():
                    if not _is_of_transport(patch):
                        self._resets.enter_context(patch)
        try:
            yield
        finally:
            with self._lock:
                self._resetting -= 1
                if not self._resetting:
                    self._resets.close()

    def _show_key(self, cassette: WatchedCassette) -> None:
        if cassette.write_protected and not given_endpoint().api_key:
            base = os.environ.get(BASE) or LIVE_BASE_URL
            self._patches.enter_context(environment_of(Endpoint(base, REPLAY_KEY)))

    def _start(self) -> Callable[[threading.Thread], None]:
        real = threading.Thread.start

        def start(thread: threading.Thread) -> None:
            opened = self._begun_in()
            if opened is not None:
                self._started_in[thread] = opened
            real(thread)

        return start

    def _submit(self) -> Callable[..., Future[Any]]:
        real = ThreadPoolExecutor.submit

        def submit(pool: ThreadPoolExecutor, /, task: Any, *args: Any, **named: Any) -> Future[Any]:
            opened = self._begun_in()
            return real(pool, partial(_called, opened, task) if opened else task, *args, **named)

        return submit


def _called(opened: _Opened, task: Callable[..., Any], /, *args: Any, **named: Any) -> Any:
    before = _HERE.get()
    token = _HERE.set(before if before and before.chain() else opened)
    try:
        return task(*args, **named)
    finally:
        _HERE.reset(token)


def _httpx_transports() -> Iterator[tuple[type, str]]:
    for module in filter(None, map(sys.modules.get, ("httpx", "httpx2"))):
        yield module.HTTPTransport, "handle_request"
        yield module.AsyncHTTPTransport, "handle_async_request"


def _asking_for_decodable(handle: Callable[..., Any]) -> Callable[..., Any]:
    # vcrpy's stub of httpx sends the request itself, not the copy that it shows.
    @wraps(handle)
    def asking(transport: Any, request: Any) -> Any:
        ask_for_decodable(request.headers)
        return handle(transport, request)

    return asking


def _is_in_process(patch: Any) -> bool:
    return _target_name(patch) in _IN_PROCESS


def _is_of_transport(patch: Any) -> bool:
    return _target_name(patch).endswith("Transport")


def _target_name(patch: Any) -> str:
    target = patch.getter() if hasattr(patch, "getter") else None
    return str(getattr(target, "__name__", ""))


OPEN = OpenCassettes()
"""Those of this process: HTTP clients are patched for all of it."""


class CassetteContext(CassetteContextDecorator):  # type: ignore[misc]  # vcrpy is untyped
    """vcrpy's context manager and decorator, with all patches left to `OPEN`."""

    def _patch_generator(self, cassette: WatchedCassette) -> Iterator[WatchedCassette]:
        with OPEN.opened(cassette):
            yield cassette


def cassette_context(vcr: "VCR", **options: Any) -> CassetteContext:
    """Return what `vcr.use_cassette(**options)` is to return.

    Args:
        vcr: Has the defaults of the options.
        options: vcrpy's.
    """
    return CassetteContext(WatchedCassette, partial(_arguments, vcr, options))


def loaded_cassette(vcr: "VCR", **options: Any) -> WatchedCassette:
    """Return a cassette that is not open yet, for `OPEN.opened`.

    Args:
        vcr: Has the defaults of the options.
        options: vcrpy's, `path` among them.
    """
    arguments = _arguments(vcr, options)
    for name in CassetteContextDecorator._non_cassette_arguments:  # noqa: SLF001  # vcrpy has no public door
        arguments.pop(name, None)
    cassette: WatchedCassette = WatchedCassette.load(**arguments)
    return cassette


def _arguments(vcr: "VCR", options: JsonObject) -> JsonObject:
    hosts = options.get("ignore_hosts", vcr.ignore_hosts)
    localhost = options.get("ignore_localhost", vcr.ignore_localhost)
    merged = vcr.get_merged_config(**{**options, "ignore_hosts": (), "ignore_localhost": False})
    return {
        **merged,
        "ignored": IgnoredHosts(tuple(hosts), bool(localhost)),
        "on_ignored": OPEN.note_ignored,
        "is_key_given": GIVEN_KEY.is_given or bool(given_endpoint().api_key),
    }
