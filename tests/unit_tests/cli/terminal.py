"""What the command line's tests share: a terminal, an endpoint with a key."""

from __future__ import annotations

import io


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True
