"""Where cassettes are: in the project, or in the folder that `record` prepares."""

import os
from collections.abc import Iterator
from pathlib import Path

STAGE = "AIMLAPI_CASSETTE_STAGE"
"""The folder that takes the place of the project's root for all cassettes but documented ones."""

ROOT = "AIMLAPI_CASSETTE_ROOT"
"""The project's root while a stage is set."""

RECORDING = "AIMLAPI_CASSETTE_RECORDING"
"""Set while the stage is being recorded, not while it is replayed."""

DOCUMENTED = "documented"
"""Folders of this name hold what somebody else published: they are frozen."""

_OPENED = "opened.txt"
_FOLDERS = "folders.txt"


def is_documented(path: Path) -> bool:
    """Return whether a cassette (or a folder) is a frozen one."""
    # Of the file or of its folder alone: a project may well lie in a folder of that name.
    return DOCUMENTED in path.parts[-2:]


def is_recording() -> bool:
    """Return whether `record` is recording at this moment."""
    return RECORDING in os.environ


def stage_folder() -> Path | None:
    """Return the folder that `record` prepares, while it does."""
    stage = os.environ.get(STAGE)
    return Path(stage) if stage else None


def staged_mode(mode: str) -> str:
    """Return the record mode of a cassette whose options say `mode`: `record` has its own."""
    if STAGE not in os.environ:
        return mode
    return "once" if is_recording() else "none"


def staged_path(path: Path) -> Path:
    """Return where to open the cassette or folder `path`.

    Raises:
        ValueError: a stage is set and `path` is not within the project.
    """
    stage = os.environ.get(STAGE)
    if stage is None or is_documented(path):
        return path
    root = Path(os.environ[ROOT])
    if not path.absolute().is_relative_to(root):
        raise ValueError(f"the cassette {path} is outside of {root}, so it cannot be re-recorded")
    return Path(stage) / path.absolute().relative_to(root)


def original_path(path: Path) -> Path:
    """Return the file in the project whose place the cassette `path` is to take."""
    stage = stage_folder()
    if stage is None or not path.is_relative_to(stage):
        return path
    return Path(os.environ[ROOT]) / path.relative_to(stage)


def note_opened(path: Path) -> None:
    """Remember in the stage, where there is one, that a test opened the cassette `path`.

    Args:
        path: In the stage or, as a cassette that is read beside the test's own, in the project.
    """
    stage = os.environ.get(STAGE)
    if stage is None:
        return
    whole = path.absolute()
    for folder in (stage, os.environ[ROOT]):  # a stage may be within the project
        if whole.is_relative_to(folder):
            with (Path(stage) / _OPENED).open("a", encoding="utf-8") as log:
                log.write(f"{whole.relative_to(folder).as_posix()}\n")
            return


def note_folder(module: Path, folder: Path) -> None:
    """Remember in the stage, where there is one, where a file of tests has its cassettes."""
    stage = stage_folder()
    if stage is not None:
        with (stage / _FOLDERS).open("a", encoding="utf-8") as log:
            log.write(f"{module}\t{folder.absolute()}\n")


def noted_folders(stage: Path) -> set[tuple[Path, Path]]:
    """Return the pairs that `note_folder` was told."""
    log = stage / _FOLDERS
    lines = log.read_text("utf-8").splitlines() if log.is_file() else []
    return {(Path(module), Path(folder)) for module, folder in (line.split("\t") for line in lines)}


def opened_paths(stage: Path) -> set[Path]:
    """Return the cassettes that tests opened, relative to the project's root."""
    log = stage / _OPENED
    return {Path(line) for line in log.read_text("utf-8").splitlines()} if log.is_file() else set()


NAME = "cassettes"
"""What pytest-recording calls the folder beside the tests, and this kit the one at the root."""

_OTHERS = frozenset({"node_modules", "site-packages"})


def cassette_folders(root: Path) -> list[Path]:
    """Return the folder `cassettes` of a project, else those below that hold cassettes, in order.

    Hidden folders, virtual environments and installed packages are somebody else's.

    Args:
        root: The project's root.
    """
    own = root / NAME
    if any(own.rglob("*.yaml")):
        return [own]
    found: list[Path] = []
    for folder, names, _ in os.walk(root):
        inside = [Path(folder, name) for name in names if _is_own(Path(folder, name))]
        found += [path for path in inside if path.name == NAME and any(path.rglob("*.yaml"))]
        names[:] = [path.name for path in inside if path.name != NAME]
    return sorted(found)


def python_files(root: Path) -> Iterator[Path]:
    """Yield the Python files of a project, not somebody else's below it."""
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if _is_own(Path(folder, name))]
        yield from (Path(folder, name) for name in files if name.endswith(".py"))


def found_folders(root: Path) -> list[Path]:
    """Return what `cassette_folders` does, at least one folder.

    Raises:
        FileNotFoundError: there is none; the message says what to do.
    """
    folders = cassette_folders(root)
    if not folders:
        raise FileNotFoundError(
            f"no folder named {NAME} with a .yaml file in {root.absolute()} or below: "
            "`python -m langchain_aimlapi.testing record` makes them, or name the folder"
        )
    return folders


def _is_own(folder: Path) -> bool:
    is_foreign = folder.name.startswith(".") or folder.name in _OTHERS
    return not is_foreign and not (folder / "pyvenv.cfg").is_file()
