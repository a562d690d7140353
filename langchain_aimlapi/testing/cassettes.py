"""Cassettes in use: vcrpy set up as this kit wants it, with or without pytest."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from inspect import isgenerator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from langchain_aimlapi._json import JsonObject
from langchain_aimlapi.testing._errors import CassetteError
from langchain_aimlapi.testing._extra import name_missing_extra
from langchain_aimlapi.testing._stage import is_recording, staged_path

if TYPE_CHECKING:
    from vcr import VCR
    from vcr.cassette import Cassette

    from langchain_aimlapi.testing._persister import CassettePersister


def aimlapi_vcr_config() -> JsonObject:
    """Return the options of vcrpy that this kit rests on, for a `vcr_config` fixture.

    The matcher has its name from `install`, which the pytest plugin calls by itself.
    """
    return {
        "match_on": ["method", "aimlapi_request"],
        # True would replay the first answer for ever, and not even send the second request.
        "allow_playback_repeats": False,
        "record_on_exception": False,
    }


def install(
    vcr: "VCR",
    *,
    is_good: Callable[[], bool] = lambda: True,
    reads_own: bool = True,
    secrets: Collection[str] = (),
) -> None:
    """Give a `vcr.VCR` this kit's serializer, matcher and file handling.

    Args:
        vcr: Any instance; what it was told of `match_on` and persisters is replaced. Its own
            filters and hooks stay; the kit looks at each request before they do.
        is_good: Asked before anything is written; False keeps the old file.
        reads_own: Whether the file is read that is to be written; else it is recorded anew.
        secrets: Values to keep out of the file besides those in the environment, of four
            characters and more.

    Raises:
        ValueError: `secrets` is no list of texts of four characters and more.
    """
    from langchain_aimlapi.testing import serializer
    from langchain_aimlapi.testing._persister import CassettePersister
    from langchain_aimlapi.testing.matchers import RequestMatcher

    named = named_secrets(secrets)
    matcher = RequestMatcher(lambda: named | persister.credentials)
    extra_paths = getattr(vcr.persister, "extra_paths", [])  # pytest-recording's
    persister = CassettePersister(
        matcher=matcher, is_good=is_good, extra_paths=extra_paths, reads_own=reads_own
    )

    def serialize(cassette_dict: JsonObject) -> str:
        return serializer.serialize(
            cassette_dict, known=persister.credentials, named=named, before=persister.before
        )

    vcr.register_serializer(
        "yaml", SimpleNamespace(serialize=serialize, deserialize=serializer.deserialize)
    )
    vcr.register_matcher("aimlapi_request", matcher)
    vcr.register_persister(persister)
    vcr.match_on = aimlapi_vcr_config()["match_on"]
    # A test that failed may have sent what it should not have.
    vcr.record_on_exception = False
    vcr.get_merged_config = _noting(vcr.get_merged_config, persister, named)
    vcr.use_cassette = partial(_used, vcr)


def named_secrets(secrets: Collection[str]) -> set[str]:
    """Return what the option `secrets` names.

    Raises:
        ValueError: it is no list of texts of four characters and more.
    """
    from langchain_aimlapi.testing._secrets import SHORTEST_NAMED

    values = None if isinstance(secrets, str | bytes) else set(secrets)
    if values is None or not all(isinstance(value, str) for value in values):
        raise ValueError('secrets is a list of texts: secrets=["..."]')
    short = sorted(value for value in values if len(value) < SHORTEST_NAMED)
    if short:
        raise ValueError(
            f"a secret of {len(short[0])} characters would be cut out of ordinary words; those in "
            f"secrets=[...] have {SHORTEST_NAMED} and more"
        )
    return values


def _noting(
    merged: Callable[..., JsonObject], persister: "CassettePersister", named: set[str]
) -> Callable[..., JsonObject]:
    """Return vcrpy's own `get_merged_config` with hooks that tell the persister what goes by.

    A `before_record_request` of the kit's would come after the filters, which take the key out
    of a request, so that nobody could find it in the answer, and give way to the user's own.
    """

    def config(**options: Any) -> JsonObject:
        named.update(named_secrets(options.get("secrets", ())))
        given = merged(**options)

        def asked(request: Any) -> Any:
            kept = given["before_record_request"](request)
            if kept is not None:
                persister.note_arrival(request, kept=kept)
            return kept

        def answered(response: Any) -> Any:
            persister.note_answer()
            return given["before_record_response"](response)

        return {**given, "before_record_request": asked, "before_record_response": answered}

    return config


def _used(vcr: "VCR", path: Any = None, **options: Any) -> Any:
    """Stand in the place of `VCR.use_cassette`: a context manager and a decorator."""
    from langchain_aimlapi.testing._opening import cassette_context

    if callable(path):
        return cassette_context(vcr, **options)(path)
    return cassette_context(vcr, **options, **({} if path is None else {"path": str(path)}))


@contextmanager
def use_cassette(
    path: str | Path,
    *,
    record_mode: str = "none",
    error_statuses: Collection[int] = (),
    allow_unused: bool = False,
    secrets: Collection[str] = (),
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
        secrets: Values to keep out of the file besides those in the environment, whose names say
            key, token, secret or password.

    Yields:
        vcrpy's cassette.

    Raises:
        CassetteError: an interaction was left unplayed, or an error status was recorded
            without being named. Nothing is written then, nor when the block raises.
        ValueError: the file is no cassette, or `secrets` is no list of texts of four characters
            and more.
    """
    with name_missing_extra():
        from vcr import VCR

    passed = False
    vcr = VCR(record_mode="once" if is_recording() else record_mode)
    install(vcr, is_good=lambda: passed, secrets=secrets)
    context = vcr.use_cassette(staged_path(Path(path)))
    try:
        with context as cassette:
            with report_misses(cassette):
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


@contextmanager
def report_misses(cassette: "Cassette") -> Iterator[None]:
    """Add to an error of the block what was asked in vain, unless it says so itself."""
    try:
        yield
    except Exception as error:
        told = misses_report(cassette)
        if told and not _is_caused_by_one_of(cassette.misses, error):
            error.add_note(told)
        raise


def misses_report(cassette: "Cassette") -> str:
    """Return what a cassette was asked in vain, each text once, or nothing."""
    texts = dict.fromkeys(str(miss) for miss in getattr(cassette, "misses", ()))
    head = "A request was not in the cassette, and something caught the error:"
    return "\n".join([head, *texts]) if texts else ""


def _is_caused_by_one_of(misses: list[Any], error: BaseException | None) -> bool:
    while error is not None and error not in misses:
        error = error.__cause__ or error.__context__
    return error is not None


def complaint(
    cassette: "Cassette",
    *,
    error_statuses: Collection[int] = (),
    allow_unused: bool = False,
    is_over: bool = True,
) -> str | None:
    """Return what is wrong with the use that was made of a cassette, or None.

    Args:
        cassette: vcrpy's, after the test.
        error_statuses: Statuses of 400 and up that may be recorded.
        allow_unused: Whether interactions may be left unplayed on replay.
        is_over: False when the test's fixtures are still to be torn down.
    """
    from langchain_aimlapi.testing._misses import advice
    from langchain_aimlapi.testing._persister import is_error, is_new

    misses = misses_report(cassette)
    if misses:
        return misses
    for request, response in cassette.data:
        status = response["status"]["code"]
        if is_new(response) and is_error(response) and status not in error_statuses:
            return (
                f"{request.method} {request.uri} was answered with status {status}, which is not "
                f"recorded unless you say so: error_statuses=[{status}]"
            )
    unplayed = [
        f"{index + 1} of {len(cassette)}: {request.method} {request.uri}"
        for index, (request, response) in enumerate(cassette.data)
        if cassette.play_counts[index] == 0 and (is_over or not _is_of_teardown(response))
    ]
    if unplayed and cassette.write_protected and not allow_unused:
        return (
            f"{cassette._path} has interactions that were not played: {'; '.join(unplayed)}. "  # noqa: SLF001  # public only in vcrpy 9
            f"Record it anew ({advice()}), or say allow_unused=True"
        )
    return None


def _is_of_teardown(response: JsonObject) -> bool:
    return bool(response.get("provenance", {}).get("phase") == "teardown")
