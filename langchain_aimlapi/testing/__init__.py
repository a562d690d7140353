"""Recorded-response testing for apps on chat models: readable cassettes without secrets.

With pytest-recording, in `conftest.py`:

    pytest_plugins = ["langchain_aimlapi.testing"]

and in a test:

    @pytest.mark.vcr
    def test_agent(aimlapi_endpoint):
        model = ChatAIMLGemini(
            model="gemini-3-pro-preview",
            base_url=aimlapi_endpoint.base_url,
            api_key=aimlapi_endpoint.api_key,
        )

Without it: `with use_cassette("x.yaml"):`. On the command line:
`python -m langchain_aimlapi.testing record | verify | show | scrub | serve`.

Needs the extra `testing`; each part of it is imported when it is used, not before.
PYTEST_DONT_REWRITE: conftest files import this module before pytest sees it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from langchain_aimlapi.testing._extra import name_missing_extra

if TYPE_CHECKING:
    from langchain_aimlapi.testing._endpoint import Endpoint
    from langchain_aimlapi.testing._errors import CassetteError
    from langchain_aimlapi.testing.cassettes import (
        aimlapi_vcr_config,
        install,
        use_cassette,
    )
    from langchain_aimlapi.testing.standin import StandIn
else:
    # Hidden from type checkers, for whom it would make every misspelt name an `object`.
    def __getattr__(name: str) -> object:
        """Import the public name `name` (PEP 562)."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        with name_missing_extra():
            return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

    # No `__dir__`: pytest gets every name in it from a plugin, which would load the server.


__all__ = [
    "CassetteError",
    "Endpoint",
    "StandIn",
    "aimlapi_vcr_config",
    "install",
    "use_cassette",
]

pytest_plugins = ["langchain_aimlapi.testing._plugin"]

_HOMES = {
    "CassetteError": "_errors",
    "Endpoint": "_endpoint",
    "StandIn": "standin",
    "aimlapi_vcr_config": "cassettes",
    "install": "cassettes",
    "use_cassette": "cassettes",
}
