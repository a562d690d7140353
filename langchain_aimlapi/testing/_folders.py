"""Where a project keeps its cassettes, when nobody says so."""

import os
from pathlib import Path

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
    if own.is_dir():
        return [own]
    found: list[Path] = []
    for folder, names, _ in os.walk(root):
        inside = [Path(folder, name) for name in names if _is_own(Path(folder, name))]
        found += [path for path in inside if path.name == NAME and any(path.rglob("*.yaml"))]
        names[:] = [path.name for path in inside if path.name != NAME]
    return sorted(found)


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
