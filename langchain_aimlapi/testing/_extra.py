"""What to do when a part of the extra `testing` is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager

_PARTS = frozenset({"pytest", "starlette", "uvicorn", "vcr"})


@contextmanager
def name_missing_extra() -> Iterator[None]:
    """Name the extra in the error of an import within the block.

    Raises:
        ModuleNotFoundError: the same one, with the command that installs what is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _PARTS:
            raise
        raise ModuleNotFoundError(
            f'{error}; it comes with: pip install "langchain-aimlapi[testing]>=1" (in a clone of '
            'the repository: pip install ".[testing]")',
            name=error.name,
        ) from error
