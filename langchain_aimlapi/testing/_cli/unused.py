"""Which cassettes no test owns any more; in doubt a test does."""

import re
from collections import defaultdict
from pathlib import Path

from langchain_aimlapi.testing._cli.verify import cassette_paths
from langchain_aimlapi.testing._collected import Module, collected_modules
from langchain_aimlapi.testing._stage import (
    NAME,
    is_documented,
    noted_folders,
    opened_paths,
    python_files,
)

_WORD = re.compile(r"\w+")


def unused_cassettes(stage: Path, *, root: Path) -> list[Path]:
    """Return the cassettes that no test owns, relative to the project's root.

    Looked at are the folders of the files of tests that were collected whole. A cassette is
    owned that was opened, or has the name of a collected test (skipped, deselected, unmarked),
    or of which any source speaks that might use it.

    Args:
        stage: Where the tests were run.
        root: The project's root.
    """
    modules = list(collected_modules(stage))
    opened = opened_paths(stage)
    sources = {path: path.read_text("utf-8", "replace") for path in python_files(root)}
    owners = _owners(modules, noted_folders(stage))
    unused: list[Path] = []
    for folder, owning in sorted(owners.items()):
        # Another project's cassettes, perhaps of a shared folder, are never called unused.
        if not folder.is_dir() or not folder.is_relative_to(root):
            continue
        # With `-k` or `FILE::TEST` the tests that were left out may own what is there.
        if not all(module["is_whole"] for module in owning):
            continue
        names = {name for module in owning for name in module["names"]}
        own = {Path(module["path"]) for module in owning}
        is_default = own == {folder.parents[1] / f"{folder.name}.py"} and folder.parent.name == NAME
        users = own if is_default else set(sources)
        texts = [text for path, text in sources.items() if path in users]
        others = [text for path, text in sources.items() if path not in own]
        for path in cassette_paths([folder]):
            relative = path.absolute().relative_to(root)
            is_known = path.parent != folder or path.stem in names or relative in opened
            if is_known or is_documented(path) or path.stem.startswith("fixture."):
                continue
            if not _is_spoken_of(path, texts, [] if is_default else others):
                unused.append(relative)
    return unused


def _owners(modules: list[Module], noted: set[tuple[Path, Path]]) -> dict[Path, list[Module]]:
    """Return for each folder of cassettes the collected modules that have theirs there."""
    owners: defaultdict[Path, list[Module]] = defaultdict(list)
    for module in modules:
        path = Path(module["path"])
        folders = {folder for owner, folder in noted if owner == path}
        for folder in folders | {path.parent / NAME / path.stem}:
            if module not in owners[folder]:
                owners[folder].append(module)
    return owners


def _is_spoken_of(path: Path, users: list[str], others: list[str]) -> bool:
    """Return whether a cassette may be somebody's who was not collected.

    Args:
        path: The cassette.
        users: Sources that may open it by a name of their own.
        others: Sources with tests that may have it by their name.
    """
    if any(path.name in text or f'"{path.stem}"' in text for text in users):
        return True
    is_of_test = path.stem.startswith("test") or ".test" in path.stem
    if not is_of_test and any("use_cassette" in text for text in users):
        return True  # a name made up at run time
    function = path.stem.partition("[")[0]
    words = set(_WORD.findall(function))
    return any(words & set(_WORD.findall(text)) for text in others)
