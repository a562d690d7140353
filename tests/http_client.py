"""The HTTP client that the tests are made with, named here alone.

To run the tests on another client of the same shape, import that one here under this name. Only
tests of `_http` itself, and benchmarks whose subject is httpx, import it themselves.
"""

from __future__ import annotations

import httpx

__all__ = ["httpx"]
