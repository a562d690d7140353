"""The door of the command line: `python -m langchain_aimlapi`."""

from __future__ import annotations

import sys

from langchain_aimlapi._cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
