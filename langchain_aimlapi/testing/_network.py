"""What pytest-recording's block of the network lets through: hosts that nobody records."""

import re
import socket
from collections.abc import Iterable, Iterator
from typing import cast

from langchain_aimlapi.testing._ignored import IgnoredHosts


class AllowedHosts:
    """Patterns of the addresses that are let through, looked up anew at each connection.

    Args:
        given: The test's own patterns.
        ignored: The hosts that its cassette ignores.
    """

    def __init__(self, given: Iterable[str] | None, ignored: IgnoredHosts) -> None:
        self._fixed = ["(?!)", *(given or ())]  # no pattern at all would let everybody through
        self._fixed += [f"{re.escape(address)}$" for address in ignored.addresses()]

    def __iter__(self) -> Iterator[str]:
        from langchain_aimlapi.testing._opening import OPEN

        yield from self._fixed
        yield from (f"{re.escape(address)}$" for address in sorted(OPEN.let_through))


def let_ignored_through(given: Iterable[str] | None, ignored: IgnoredHosts) -> None:
    """Block the network as pytest-recording does, except for hosts that are ignored.

    Does nothing where the network is not blocked. pytest-recording's own unblocking undoes it.
    """
    from pytest_recording import network

    if getattr(socket.socket.connect, "__module__", "") == network.__name__:
        # No list, since Python would join a list's own items; any iterable does.
        network.block(allowed_hosts=cast("list[str]", AllowedHosts(given, ignored)))
