"""The types of settings that name the HTTP client's classes, without importing it at run time.

(httpx costs 28 ms, which a program pays with its first call, not with the class.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import WithJsonSchema

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx
    import httpx2
    from pydantic import SecretStr

    ApiKey = str | SecretStr | Callable[[], str] | Callable[[], Awaitable[str]]
    Timeout = float | httpx.Timeout | httpx2.Timeout | Literal["default"]
    HttpClient = httpx.Client | httpx2.Client
    HttpAsyncClient = httpx.AsyncClient | httpx2.AsyncClient
else:
    ApiKey = Annotated[
        Any, WithJsonSchema({"type": "string", "format": "password", "writeOnly": True})
    ]
    Timeout = HttpClient = HttpAsyncClient = Any
