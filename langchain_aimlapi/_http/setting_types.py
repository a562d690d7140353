"""The types of settings that name the HTTP client's classes, without importing it at run time.

(httpx costs 28 ms, which a program pays with its first call, not with the class.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic_core import core_schema

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

    class _Key:
        """A key: JSON does not show it, and its own schema says what it is."""

        @staticmethod
        def __get_pydantic_core_schema__(*_: object) -> core_schema.CoreSchema:
            hidden = core_schema.plain_serializer_function_ser_schema(
                lambda _: "**********", when_used="json"
            )
            return core_schema.any_schema(serialization=hidden)

        @staticmethod
        def __get_pydantic_json_schema__(*_: object) -> dict[str, Any]:
            return {"type": "string", "format": "password", "writeOnly": True}

    ApiKey = Annotated[Any, _Key]
    Timeout = HttpClient = HttpAsyncClient = Any
