"""Importing is cheap, lazy and complete."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import langchain_aimlapi

PUBLIC = [
    "AIMLAPIAuthenticationError",
    "AIMLAPIBudgetError",
    "AIMLAPIConnectionError",
    "AIMLAPIContextOverflowError",
    "AIMLAPICreditsError",
    "AIMLAPIEmptyResponseError",
    "AIMLAPIError",
    "AIMLAPIInvalidRequestError",
    "AIMLAPINotFoundError",
    "AIMLAPIPermissionError",
    "AIMLAPIRateLimitError",
    "AIMLAPIResponseError",
    "AIMLAPIServerError",
    "AIMLAPITimeoutError",
    "ChatAIMLGemini",
    "SpendCallbackHandler",
    "StreamPart",
    "__version__",
    "astream_parts",
    "audio_block",
    "cost_of",
    "file_block",
    "get_spend_callback",
    "image_block",
    "register",
    "stream_parts",
    "video_block",
]

CORE = "import langchain_core.language_models.chat_models"
# What only some users have, or only some calls need.
LATER = {
    "coverage",
    "httpx",
    "opentelemetry",
    "pytest",
    "starlette",
    "tenacity",
    "uvicorn",
    "vcr",
    "yaml",
}


def modules_after(statement: str) -> set[str]:
    """Return the names of the modules that a fresh interpreter holds after `statement`."""
    report = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", report],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        # Where the coverage of processes is measured, that loads modules too.
        env={name: value for name, value in os.environ.items() if "COVERAGE" not in name},
    )
    return set(json.loads(done.stdout))


def roots(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_the_package_itself_loads_nothing_heavy() -> None:
    loaded = modules_after("import langchain_aimlapi")
    assert not roots(loaded) & (LATER | {"langchain_core", "langsmith", "pydantic"})
    assert {name for name in loaded if name.startswith("langchain_aimlapi")} == {
        "langchain_aimlapi",
        "langchain_aimlapi.data",
        "langchain_aimlapi.data.version",
    }


def test_the_model_class_adds_to_langchain_core_neither_httpx_nor_an_optional_dependency() -> None:
    # langsmith, which core loads, brings OpenTelemetry where it is installed: so the difference.
    added = modules_after("from langchain_aimlapi import ChatAIMLGemini") - modules_after(CORE)
    assert "langchain_aimlapi.chat_models" in added
    assert not roots(added) & LATER
    assert not {name for name in added if name.startswith("langchain_aimlapi.testing")}
    assert not added & {"langchain_aimlapi.spend", "langchain_aimlapi.__main__"}
    # Who only chats loads nothing of the account.
    assert not {name for name in added if name.split(".")[1:2] in (["account"], ["middleware"])}
    # What LangSmith's tracer costs is paid by who asks for `CostTracer`.
    assert not added & {"langchain_aimlapi.tracing.langsmith", "langchain_core.tracers.langchain"}


_DEEP = """
import resource
def ask(depth):
    if depth:
        ask(depth - 1)
    else:
        from langchain_aimlapi import ChatAIMLGemini
ask({depth})
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def _page_faults(depth: int) -> int:
    command = [sys.executable, "-c", _DEEP.replace("{depth}", str(depth))]
    return int(subprocess.run(command, capture_output=True, check=True, timeout=120).stdout)


def test_importing_costs_the_same_however_deep_it_is_asked_for() -> None:
    # Python 3.11 has 15,000 page faults at depth 0 and 27,000 at depth 16 where nothing is done.
    pytest.importorskip("resource", reason="Windows does not count page faults")
    assert _page_faults(16) < 1.1 * _page_faults(0)


def test_the_cost_tracer_is_there_and_nothing_else_is() -> None:
    from langchain_aimlapi import tracing

    assert tracing.CostTracer.__name__ == "CostTracer"
    assert not hasattr(tracing, "Tracer")


def test_the_errors_load_without_the_model() -> None:
    loaded = modules_after("from langchain_aimlapi import AIMLAPIError")
    assert "langchain_aimlapi.chat_models" not in loaded
    assert "httpx" not in loaded


def test_the_public_names_are_these() -> None:
    assert langchain_aimlapi.__all__ == PUBLIC
    assert set(PUBLIC) <= set(dir(langchain_aimlapi))


@pytest.mark.parametrize("name", PUBLIC)
def test_each_public_name_is_there(name: str) -> None:
    value = getattr(langchain_aimlapi, name)
    assert name in {"__version__", getattr(value, "__name__", None)}


def test_star_import_gives_exactly_the_public_names() -> None:
    space: dict[str, object] = {}
    exec("from langchain_aimlapi import *", space)
    space.pop("__builtins__")
    assert sorted(space) == PUBLIC


@pytest.mark.parametrize("name", [name for name in PUBLIC if name != "__version__"])
def test_a_public_name_is_looked_for_once(name: str) -> None:
    found = getattr(langchain_aimlapi, name)
    assert vars(langchain_aimlapi)[name] is found


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match=r"'langchain_aimlapi' has no attribute 'ChatGemini'"):
        langchain_aimlapi.ChatGemini  # type: ignore[attr-defined]  # noqa: B018  misspelt on purpose
    assert not hasattr(langchain_aimlapi, "get_openai_callback")


def test_a_submodule_is_still_importable_from_the_package() -> None:
    from langchain_aimlapi import errors

    assert errors.AIMLAPIError is langchain_aimlapi.AIMLAPIError
