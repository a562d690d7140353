"""What pytest-recording's block of the network lets through: hosts that nobody records."""

import re
from collections.abc import Iterable, Iterator

from langchain_aimlapi.testing._ignored import IgnoredHosts, tracing_addresses


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
        noted = {*OPEN.let_through, *OPEN.traced, *tracing_addresses()}
        yield from (f"{re.escape(address)}$" for address in sorted(noted))
