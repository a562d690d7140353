"""The table of settings names every setting; the blocks of the class docstring run."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from langchain_core.language_models.chat_models import BaseChatModel

from langchain_aimlapi import ChatAIMLGemini
from tests.docs.pages import ROOT
from tests.docs.running import readers_place, run_python

if TYPE_CHECKING:
    from pathlib import Path

TABLE = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^ *```python\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
# Not for users: see its docstring.
INTERNAL = {"connections"}
ASKING = re.compile(r"\.a?(?:invoke|stream|batch)\(")


def test_the_table_of_settings_names_every_setting_of_ours() -> None:
    rows = "".join(line for line in TABLE.splitlines() if line.startswith("|"))
    ours = ChatAIMLGemini.model_fields.keys() - BaseChatModel.model_fields.keys() - INTERNAL
    names = {ChatAIMLGemini.model_fields[name].alias or name for name in ours}
    assert names <= {*re.findall(r"`(\w+)`", rows)}


async def test_the_blocks_of_the_class_docstring_run(tmp_path: Path) -> None:
    names: dict[str, Any] = {"__name__": "docstring"}
    with readers_place(tmp_path) as server:
        for code in BLOCK.findall(ChatAIMLGemini.__doc__ or ""):
            before = len(server.requests)
            await run_python(inspect.cleandoc("\n" + code), names)
            assert len(server.requests) > before or not ASKING.search(code), code
