"""The door of `python -m langchain_aimlapi.testing`."""

import sys

from langchain_aimlapi.testing._cli.main import main

if __name__ == "__main__":
    sys.exit(main())
