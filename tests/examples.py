"""How many examples hypothesis tries: a quarter of them in `make test`, all in `make slow`."""

from __future__ import annotations

import os

from hypothesis import settings

_ARE_ALL_TRIED = os.environ.get("EXAMPLES") == "all"
_FEWEST = 10


def examples(number: int) -> settings:
    """Return the settings of a test that is worth so many examples."""
    part = number if _ARE_ALL_TRIED else max(_FEWEST, number // 4)
    return settings(max_examples=min(number, part))
