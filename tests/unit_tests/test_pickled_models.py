"""Models and chains that an earlier version pickled are loaded by this one."""

from __future__ import annotations

import importlib
import pickle
import sys
from typing import Any

import pytest

from langchain_aimlapi import ChatAIMLGemini
from langchain_aimlapi._binding.binding import GeminiBinding
from langchain_aimlapi._binding.output_parser import ObjectParser, _FailureKept
from langchain_aimlapi._http.client_pool import Clients
from langchain_aimlapi.errors.refusals import Remedies

# As pickles of 2026-11-26 name them (revision b17b312).
NAMED_BEFORE = {
    "_binding GeminiBinding": GeminiBinding,
    "_http.client_pool Clients": Clients,
    "_output_parser ObjectParser": ObjectParser,
    "_output_parser _FailureKept": _FailureKept,
    "_refusals Remedies": Remedies,
    "chat_models ChatAIMLGemini": ChatAIMLGemini,
}


@pytest.mark.parametrize("named", NAMED_BEFORE)
def test_a_class_is_found_where_earlier_pickles_look_for_it(named: str) -> None:
    module, name = named.split()
    text = f"clangchain_aimlapi.{module}\n{name}\n."  # protocol 0: one global
    assert pickle.loads(text.encode()) is NAMED_BEFORE[named]


@pytest.mark.parametrize("module", ["_binding", "_output_parser", "_refusals"])
def test_nothing_else_is_there(module: str) -> None:
    former = importlib.import_module(f"langchain_aimlapi.{module}")
    assert former is sys.modules[f"langchain_aimlapi.{module}"]
    with pytest.raises(AttributeError, match="has no attribute 'x'"):
        former.x  # noqa: B018  the access is what is tested


def test_a_model_from_before_what_is_written_was_kept_is_as_good_as_a_new_one() -> None:
    model = ChatAIMLGemini(model="gemini-3-pro-preview", api_key="any", temperature=0.5)
    without: list[dict[str, Any] | None] = [None, {}]
    for private in without:
        state: dict[str, Any] = {**model.__getstate__(), "__pydantic_private__": private}
        old = ChatAIMLGemini.__new__(ChatAIMLGemini)
        old.__setstate__(state)
        assert old.temperature == model.temperature
        assert len(old._known) == 0
        again: ChatAIMLGemini = pickle.loads(pickle.dumps(old))
        assert len(again._known) == 0
