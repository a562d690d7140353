"""The HTTP of fixtures that outlive a test: in cassettes of their own, on setup and on teardown."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi._json import JsonObject
from langchain_aimlapi.testing._errors import CassetteError
from langchain_aimlapi.testing._stage import staged_path
from langchain_aimlapi.testing.cassettes import complaint, install, report_misses

if TYPE_CHECKING:
    from langchain_aimlapi.testing._misses import WatchedCassette


class FixtureCassette:
    """One cassette for one fixture, open while it is set up and again while it is torn down.

    Args:
        path: The file.
        options: vcrpy's, as `vcr_config` has them, with the `record_mode`.
        reads_own: Whether to play what the file holds; else it is recorded anew.
    """

    def __init__(self, path: Path, options: JsonObject, *, reads_own: bool) -> None:
        from vcr import VCR

        from langchain_aimlapi.testing._opening import loaded_cassette

        self._is_good = False
        vcr = VCR()
        install(vcr, is_good=lambda: self._is_good, reads_own=reads_own)
        self._cassette: WatchedCassette = loaded_cassette(vcr, path=str(path), **options)

    @contextmanager
    def opened(self, *, to_the_end: bool) -> Iterator[None]:
        """Give it the requests of the block; at the end keep what was recorded.

        Args:
            to_the_end: Whether nothing follows, so that all must have been played.

        Raises:
            CassetteError: the block and the cassette do not fit together.
        """
        from langchain_aimlapi.testing._opening import OPEN

        self._is_good = False
        with OPEN.opened(self._cassette), report_misses(self._cassette):
            yield
        found = complaint(self._cassette, allow_unused=not to_the_end)
        if found:
            raise CassetteError(found)
        if to_the_end:  # not half of it: another worker might read that
            self._is_good = True
            self._cassette._save()  # noqa: SLF001  # vcrpy has no public door


def is_of_project(function: Any, root: Path) -> bool:
    """Return whether a fixture's function is the project's own, not a plugin's."""
    path = Path(inspect.unwrap(function).__code__.co_filename)
    return path.is_relative_to(root) and "site-packages" not in path.parts


def fixture_path(fixture: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> Path:
    """Return the file for a fixture's HTTP.

    Those of modules and classes lie with the module's own cassettes, those of packages and
    sessions in `cassettes/session` beside the file that has the fixture.
    """
    # The index and not the value, which may be no part of a file's name.
    case = f"[{getattr(request, 'param_index', 0)}]" if hasattr(request, "param") else ""
    if request.scope in ("module", "class"):
        owner = f"{request.cls.__name__}." if request.scope == "class" else ""
        folder = Path(request.getfixturevalue("vcr_cassette_dir"))
        return staged_path(folder / f"fixture.{owner}{fixture.argname}{case}.yaml")
    home = Path(inspect.unwrap(fixture.func).__code__.co_filename).parent
    return staged_path(home / "cassettes" / "session" / f"fixture.{fixture.argname}{case}.yaml")
