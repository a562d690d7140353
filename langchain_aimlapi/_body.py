"""One whole body, gathered within the limits of time or size."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from langchain_aimlapi import errors

if TYPE_CHECKING:
    from langchain_aimlapi._call import Call


class Body:
    """Gathers one whole body."""

    def __init__(self, call: Call, *, started: float) -> None:
        """Begin a body.

        Args:
            call: The call that it answers.
            started: When the attempt began, on the monotonic clock.
        """
        self._call = call
        self._blocks: list[bytes] = []
        self._size = 0
        self._started = started

    def take(self, block: bytes) -> None:
        """Keep a block.

        Raises:
            AIMLAPITimeoutError: The answer takes longer than the limit allows.
            AIMLAPIResponseError: It is longer than the limit allows.
        """
        self._blocks.append(block)
        self._size += len(block)
        if self._size > self._call.max_body_bytes:
            msg = f"The answer is over {self._call.max_body_bytes} bytes long."
            raise errors.AIMLAPIResponseError(msg)
        total = self._call.limits.total
        taken = time.monotonic() - self._started
        if total is not None and taken > total:
            msg = f"The answer took over {taken:.1f} s (limit {total} s; see `timeout`)."
            raise errors.AIMLAPITimeoutError(msg)

    def data(self) -> bytes:
        """Return the whole body."""
        return self._blocks[0] if len(self._blocks) == 1 else b"".join(self._blocks)
