"""The door of the command line: `python -m langchain_aimlapi`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; Ctrl-C while it is still being loaded ends it as quietly as later.

    Returns:
        The exit status.
    """
    try:
        from langchain_aimlapi._cli.main import main as run

        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
