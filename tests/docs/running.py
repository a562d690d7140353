"""Runs the code of the documentation as a reader would, against the stand-in."""

from __future__ import annotations

import ast
import contextlib
import doctest
import inspect
import io
import os
import sys
import types
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_aimlapi.testing.standin import StandIn
from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

# The smallest PNG: one grey pixel.
_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)
_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


_PLUGINS = ["pytest_recording.plugin", *filter(find_spec, ["pytest_socket"])]


@contextlib.contextmanager
def readers_place(folder: Path) -> Iterator[StandIn]:
    """Be where a reader is: in a folder with a picture and a file, the stand-in as endpoint."""
    (folder / "cat.png").write_bytes(_PNG)
    (folder / "report.pdf").write_bytes(_PDF)
    before = dict(os.environ)
    with StandIn(seed="documentation") as server, contextlib.chdir(folder):
        os.environ |= {
            "AIMLAPI_API_KEY": "key-of-the-documentation",
            "AIMLAPI_API_BASE": server.base_url,
            "PYTHONPATH": str(ROOT),
            # A reader has not the many plugins of the project's own tests, which take long to load.
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_PLUGINS": ",".join(_PLUGINS),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        try:
            yield server
        finally:
            os.environ.clear()
            os.environ |= before


async def run_python(code: str, names: dict[str, Any]) -> str:
    """Run code as a notebook does, where `await` is allowed; return what it prints."""
    printed = io.StringIO()
    compiled = compile(code, "page", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    # A reader's interpreter shows warnings, it does not stop at them.
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = types.FunctionType(compiled, names)()
        if inspect.iscoroutine(result):
            await result
    return printed.getvalue()


def is_as_shown(shown: str, printed: str) -> bool:
    """Tell whether code prints what the page shows; `...` stands for anything."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(f"{shown}\n", printed, flags)
