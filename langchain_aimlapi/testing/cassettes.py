"""Cassettes in use: vcrpy set up as this kit wants it, with or without pytest."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from inspect import isgenerator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_aimlapi.testing._stage import is_recording, staged_path

if TYPE_CHECKING:
    from vcr import VCR
    from vcr.cassette import Cassette


class CassetteError(AssertionError):
    """A cassette and the test that used it do not fit together; the text says in what."""


def aimlapi_vcr_config() -> dict[str, Any]:
    """Return the options of vcrpy that this kit rests on, for a `vcr_config` fixture.

    The matcher has its name from `install`, which the pytest plugin calls by itself.
    """
    return {
        "match_on": ["method", "aimlapi_request"],
        # True would replay the first answer for ever, and not even send the second request.
        "allow_playback_repeats": False,
        "record_on_exception": False,
    }


def install(vcr: "VCR", *, is_good: Callable[[], bool] = lambda: True) -> None:
    """Give a `vcr.VCR` this kit's serializer, matcher and file handling.

    Args:
        vcr: Any instance; what it was told of `match_on` and persisters is replaced.
        is_good: Asked before anything is written; False keeps the old file.
    """
    from langchain_aimlapi.testing import serializer  # noqa: PLC0415  # at first use
    from langchain_aimlapi.testing._persister import CassettePersister  # noqa: PLC0415
    from langchain_aimlapi.testing.matchers import RequestMatcher  # noqa: PLC0415

    matcher = RequestMatcher()
    extra_paths = getattr(vcr.persister, "extra_paths", [])  # pytest-recording's
    persister = CassettePersister(matcher=matcher, is_good=is_good, extra_paths=extra_paths)
    vcr.register_serializer("yaml", serializer)
    vcr.register_matcher("aimlapi_request", matcher)
    vcr.register_persister(persister)
    vcr.match_on = aimlapi_vcr_config()["match_on"]
    vcr.record_on_exception = False
    if vcr.before_record_request is None:
        vcr.before_record_request = persister.note_arrival
    if vcr.before_record_response is None:
        vcr.before_record_response = persister.note_answer


@contextmanager
def use_cassette(
    path: str | Path,
    *,
    record_mode: str = "none",
    error_statuses: Collection[int] = (),
    allow_unused: bool = False,
) -> Iterator["Cassette"]:
    """Replay HTTP from a cassette, or record it, without pytest-recording.

    While it is open in mode `none`, a request that is not in the cassette is an error that
    shows the difference to the nearest recorded one; no HTTP client that vcrpy knows gets out.

    Args:
        path: The file, `.yaml`.
        record_mode: `none` only replays; `once` records when there is no file yet;
            `new_episodes` and `all` as in vcrpy. The command `record` records in any case.
        error_statuses: Statuses of 400 and up that may be recorded.
        allow_unused: Whether recorded interactions may be left unplayed.

    Yields:
        vcrpy's cassette.

    Raises:
        CassetteError: an interaction was left unplayed, or an error status was recorded
            without being named. Nothing is written then, nor when the block raises.
        ValueError: the file is no cassette.
    """
    from vcr import VCR  # noqa: PLC0415  # of the extra, at first use

    passed = False
    vcr = VCR(record_mode="once" if is_recording() else record_mode)
    install(vcr, is_good=lambda: passed)
    context = vcr.use_cassette(str(staged_path(Path(path))))
    try:
        with context as cassette:
            yield cassette
            found = complaint(cassette, error_statuses=error_statuses, allow_unused=allow_unused)
            if found:
                raise CassetteError(found)
            passed = True
    finally:
        _take_back_patches(context)


def _take_back_patches(context: object) -> None:
    """Close what vcrpy left open: it forgets its patches of httpx if a file cannot be written."""
    for value in vars(context).values():
        if isgenerator(value):
            value.close()


def complaint(
    cassette: "Cassette", *, error_statuses: Collection[int] = (), allow_unused: bool = False
) -> str | None:
    """Return what is wrong with the use that was made of a cassette, or None.

    Args:
        cassette: vcrpy's, after the test.
        error_statuses: Statuses of 400 and up that may be recorded.
        allow_unused: Whether interactions may be left unplayed on replay.
    """
    from langchain_aimlapi.testing._persister import is_error, is_new  # noqa: PLC0415

    for request, response in cassette.data:
        status = response["status"]["code"]
        if is_new(response) and is_error(response) and status not in error_statuses:
            return (
                f"{request.method} {request.uri} was answered with status {status}, which is not "
                f"recorded unless you say so: error_statuses=[{status}]"
            )
    unplayed = [
        f"{index + 1} of {len(cassette)}: {request.method} {request.uri}"
        for index, request in enumerate(cassette.requests)
        if cassette.play_counts[index] == 0
    ]
    if unplayed and cassette.write_protected and not allow_unused:
        return (
            f"{cassette._path} has interactions that were not played: {'; '.join(unplayed)}. "  # noqa: SLF001  # public only in vcrpy 9
            "Record it anew, or say allow_unused=True"
        )
    return None
