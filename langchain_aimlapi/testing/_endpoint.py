"""Which endpoint recorded tests speak to, and with which key; no key but a real one goes live."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple, SupportsIndex

LIVE_BASE_URL = "https://api.aimlapi.com/v1"
"""Where AI/ML API answers."""

KEY, BASE = "AIMLAPI_API_KEY", "AIMLAPI_API_BASE"
"""The variables by which apps find their key and their address."""

KEY_NAMES = (KEY, "AIML_API_KEY", "AIMLAPI_KEY")
"""Every variable under which a key of AI/ML API is found in the wild."""

REPLAY_KEY = "no key is needed on replay"
"""Stands in the environment on replay, for apps that want a key before they ask anything."""

# Shares no word with what the stand-in says, or its errors would lose that word with the key.
STANDIN_KEY = "no-key-needed"
"""Stands there while a stand-in answers."""

PLACEHOLDER_KEYS = frozenset({REPLAY_KEY, STANDIN_KEY})
"""Keys that are none: no secrets, and never sent to the live host."""


class GivenKey:
    """Whether a real key was at hand when the tests began: many clean their environment."""

    is_given = False


GIVEN_KEY = GivenKey()
"""That of this process, as the pytest plugin found it."""


class Endpoint(NamedTuple):
    """Where a recorded test sends its requests, and with which key."""

    base_url: str
    api_key: str


class CurrentEndpoint(Endpoint):
    """The endpoint of the test that runs now, found anew at each use.

    One object serves fixtures of every scope, though tests may differ in whether they record.
    """

    _now: Callable[[], Endpoint]

    @classmethod
    def asking(cls, now: Callable[[], Endpoint]) -> "CurrentEndpoint":
        """Return an endpoint that asks `now` whenever it is read."""
        endpoint = cls("", "")
        endpoint._now = now
        return endpoint

    @property
    def base_url(self) -> str:
        """The address, such as `https://api.aimlapi.com/v1`."""
        return self._now().base_url

    @property
    def api_key(self) -> str:
        """The key, or a placeholder where none is needed."""
        return self._now().api_key

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __getitem__(self, index: SupportsIndex | slice) -> str | tuple[str, ...]:  # type: ignore[override]  # all are texts
        return tuple(self._now())[index]

    def __repr__(self) -> str:
        return repr(self._now())

    def __eq__(self, other: object) -> bool:
        return tuple(self._now()) == other

    def __hash__(self) -> int:
        return hash(self._now())

    def _asdict(self) -> dict[str, str]:
        return self._now()._asdict()


def given_endpoint(environment: Mapping[str, str] = os.environ) -> Endpoint:
    """Return the endpoint that an environment names; empty where it names none, or no real one."""
    key = environment.get(KEY, "").strip()
    if key in PLACEHOLDER_KEYS:
        return Endpoint("", "")
    return Endpoint(environment.get(BASE, "").strip(), key)


@contextmanager
def environment_of(endpoint: Endpoint) -> Iterator[None]:
    """Let apps that read the environment find an endpoint there, and a key where there is none."""
    # Put back at the end, also where a variable was not set: the next test may check that.
    before = {name: os.environ.get(name) for name in (KEY, BASE)}
    os.environ.update({KEY: endpoint.api_key, BASE: endpoint.base_url})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            os.environ.update({} if value is None else {name: value})
