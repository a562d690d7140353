"""Hold the wheel's contents to what it may ship: the package, and the demo's cassette."""

from __future__ import annotations

import sys
import zipfile
from pathlib import PurePosixPath

PACKAGE = "langchain_aimlapi"
DEMO = PurePosixPath(PACKAGE, "documented", "gemini-3-pro-preview.yaml")


def complaint(path: PurePosixPath) -> str | None:
    """Return what is wrong with shipping `path`, or `None`."""
    if path.parts[0].endswith(".dist-info"):
        return None
    if path.parts[0] != PACKAGE:
        return "is outside the package"
    if path.name.startswith("test_") or path.name == "conftest.py" or "tests" in path.parts:
        return "is a test"
    if path == DEMO:
        return None
    if path.suffix not in {".py", ".typed", ".css", ".js"}:
        return "is neither code nor the demo's cassette"
    return None


def main(wheel: str) -> int:
    """Print each complaint about `wheel` and return the exit status."""
    with zipfile.ZipFile(wheel) as archive:
        paths = [PurePosixPath(name) for name in archive.namelist()]
    complaints = [f"{path} {what}" for path in paths if (what := complaint(path))]
    if DEMO not in paths:
        complaints.append(f"the demo's cassette {DEMO} is missing")
    print("\n".join(complaints) or f"{len(paths)} files in the wheel, all as they should be")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
