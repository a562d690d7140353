"""The door of `python -m langchain_aimlapi.testing`."""

from __future__ import annotations

import sys

from langchain_aimlapi.testing._extra import name_missing_extra


def main() -> int:
    """Run the command, or say in one line what it needs.

    Returns:
        The exit status.
    """
    try:
        with name_missing_extra():
            from langchain_aimlapi.testing._cli.main import main as run
    except ModuleNotFoundError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return run()


if __name__ == "__main__":
    sys.exit(main())
