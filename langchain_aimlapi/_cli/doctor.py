"""Whether what this package assumes is so: `langchain-aimlapi doctor`.

`ASSUMPTIONS` is the one list of what is assumed of the endpoint: the documentation's page is made
from it (`assumptions_page`), and each row has its check.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_aimlapi import __version__
from langchain_aimlapi._cli import ask, screen, tables
from langchain_aimlapi.data import CREDITS_PER_USD

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Collection, Iterator, Sequence
    from contextlib import AbstractContextManager

    from langchain_aimlapi._cli.checks import Probe, Verdict

_BASE_URL = "https://api.aimlapi.com/v1"
_MOST_CREDITS = 200_000
_NO_KEY = "needs a key"
_NO_CREDITS = "needs credits"
_NO_ENDPOINT = "not asked: the endpoint is not reached"
_NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class Assumption:
    """One thing that is assumed of the endpoint.

    Attributes:
        name: Its short name; `check_` and it name the check.
        claim: What is assumed.
        source: What that rests on.
        needs: What the check needs: `nothing`, `key`, or `credits`.
    """

    name: str
    claim: str
    source: str
    needs: str = "credits"


_PAGES = "documented, never called from here"
_PROSE = "the gateway's prose alone"
ASSUMPTIONS = (
    # The order is that of the checks: what is free, what needs a key, what costs; the proxy comes
    # before TLS, since a proxy that refuses fails TLS as well.
    Assumption("proxy", "The environment's proxies let calls through.", _PAGES, "nothing"),
    Assumption("tls", "The address is reached over trusted TLS.", _PAGES, "nothing"),
    Assumption("catalogue", "The catalogue lists the model by id or alias.", _PAGES, "nothing"),
    Assumption("etag", "The catalogue has an ETag, by which it is kept.", _PAGES, "nothing"),
    Assumption(
        "prices", "The catalogue quotes prices per token.", "units not documented", "nothing"
    ),
    Assumption("key", "The key is known and switched on.", _PAGES, "key"),
    Assumption("scopes", "The key's scopes name `model:chat`.", _PAGES, "key"),
    Assumption("limit", "The key is below its own limit.", "unit of usage not documented", "key"),
    Assumption("balance", "There is a balance.", _PAGES, "key"),
    Assumption("wrong_key", "A wrong key is a 401 in the gateway's shape.", _PAGES, "key"),
    Assumption("wrong_parameter", "A wrong parameter is a 400 in the gateway's shape.", _PAGES),
    Assumption("answer", "The model answers, with finish reason and tokens.", _PAGES),
    Assumption("headers", "Both ids come back as headers.", _PAGES),
    Assumption("cost", "A whole answer says its cost.", _PAGES),
    Assumption("rate", "2,000,000 credits are one USD.", "three pairs in the documentation"),
    Assumption("log", "The log has the answer by our own id, at its cost.", _PAGES),
    Assumption("reasoning", "Thoughts come as text beside the answer.", "one documented answer"),
    Assumption(
        "stream", "Streams look as those of the upstreams behind the gateway.", "OpenRouter, Vertex"
    ),
    Assumption("stream_cost", "A stream's last chunk says its cost.", _PROSE),
    Assumption(
        "round_trip",
        "Signatures that go back reach the model (invoke).",
        "Google's and OpenRouter's rules",
    ),
    Assumption(
        "streamed_round_trip",
        "Signatures that go back reach the model (stream).",
        "Google's and OpenRouter's rules",
    ),
    Assumption("forced_choice", "A tool that must be called is called.", "schema"),
    Assumption("json_schema", "`response_format` `json_schema` is obeyed.", "schema, no answer"),
    Assumption("function_calling", "Structured output by a function is obeyed.", "schema"),
    Assumption("json_mode", "`response_format` `json_object` gives JSON.", "schema"),
    Assumption("image", "Images are taken.", "schema"),
    Assumption("effort", "`reasoning_effort` is taken.", "documented for newer ids"),
    Assumption("bypass", '`missing_signatures="skip"` is accepted.', "Google's documentation"),
)


_INTRODUCTION = (
    "Nobody has called the live endpoint with this package: there was no key. What follows is "
    "assumed of it; `langchain-aimlapi doctor` checks each line with your key."
)


def assumptions_page() -> str:
    """Return the documentation's page of what is assumed, in Markdown."""
    lines = [
        "# What is assumed",
        "",
        _INTRODUCTION,
        "",
        "| name | what is assumed | it rests on | the check needs |",
        "|---|---|---|---|",
    ]
    lines += [f"| `{a.name}` | {a.claim} | {a.source} | {a.needs} |" for a in ASSUMPTIONS]
    return "\n".join([*lines, ""])


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one assumption."""

    name: str
    claim: str
    status: str
    words: str


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--model", default=ask.DEFAULT_MODEL, help=f"model id (default: {ask.DEFAULT_MODEL})"
    )
    parser.add_argument(
        "--max-credits",
        type=int,
        default=_MOST_CREDITS,
        metavar="N",
        help=f"most credits to spend (default: {_MOST_CREDITS})",
    )
    parser.add_argument("--yes", action="store_true", help="spend without asking")
    parser.add_argument(
        "--report", type=Path, metavar="FOLDER", help="write aimlapi-doctor.md and .json there"
    )
    parser.add_argument(
        "--record", type=Path, metavar="FOLDER", help="record a cassette of each check there"
    )


def run(options: argparse.Namespace) -> int:
    """Check what is assumed, one line for each check that can be made.

    Returns:
        0, or 1 if something does not hold or nothing at all was seen.

    Raises:
        ValueError: The address cannot be used; the report or a cassette cannot be written.
    """
    key = os.environ.get("AIMLAPI_API_KEY", "").strip()
    tables.account(needs_key=False)  # refuses an address or a key that cannot be used
    probe = _probe(options, key)
    if options.report:
        options.report.mkdir(parents=True, exist_ok=True)  # or a bad path is told after the bill
    may_spend = bool(key) and _is_agreed(options)
    with probe.client:
        findings = [*examine(probe, may_spend=may_spend, record=options.record)]
    if not key:
        screen.line("No key: set AIMLAPI_API_KEY (https://aimlapi.com/app/keys) for the rest.")
    if options.report:
        _write_report(options.report, findings, key=key, model=options.model)
    statuses = {finding.status for finding in findings}
    return int("does not hold" in statuses or "holds" not in statuses)


def examine(probe: Probe, *, may_spend: bool, record: Path | None = None) -> Iterator[Finding]:
    """Yield what became of each assumption; print what was asked, and how much was not.

    Args:
        probe: What to ask with; without a key only what needs none is asked.
        may_spend: Whether calls of the model may be made.
        record: A folder for cassettes, one for each check that calls the model.
    """
    from langchain_aimlapi._cli import checks

    left_out: Counter[str] = Counter()
    for assumption in ASSUMPTIONS:
        if reason := _reason_to_leave_out(assumption, probe, left_out, may_spend=may_spend):
            left_out[reason] += 1
            yield Finding(assumption.name, assumption.claim, "not told", reason)
            continue
        check = getattr(checks, f"check_{assumption.name}")
        with _recording(record, assumption, probe.api_key):
            verdict = _verdict(check, probe)
        # What asks for nothing is asked first: where that is not reached, each further check would
        # only wait for the same failure.
        if assumption.needs == "nothing" and verdict.words.startswith(_NOT_REACHED):
            left_out[_NO_ENDPOINT] = 0
        words = _scrub(verdict.words, probe.api_key)
        _print_row(verdict.status, assumption.name, words)
        yield Finding(assumption.name, assumption.claim, verdict.status, words)
    for reason, count in left_out.items():
        _print_row("not told", f"{count} more", reason)


def _reason_to_leave_out(
    assumption: Assumption, probe: Probe, known: Collection[str], *, may_spend: bool
) -> str:
    if _NO_ENDPOINT in known:
        return _NO_ENDPOINT
    if assumption.needs != "nothing" and not probe.api_key:
        return _NO_KEY
    return _NO_CREDITS if assumption.needs == "credits" and not may_spend else ""


def _print_row(status: str, name: str, words: str) -> None:
    print(f"{status:<14}{name:<22}{words}", flush=True)


def _verdict(check: Callable[[Probe], Verdict], probe: Probe) -> Verdict:
    from langchain_aimlapi import errors
    from langchain_aimlapi._cli import checks

    try:
        found: Verdict = check(probe)
    except errors.AIMLAPIBudgetError:
        return checks.not_told("the credits that may be spent are spent")
    except (errors.AIMLAPIConnectionError, errors.AIMLAPITimeoutError) as error:
        return checks.not_told(f"{_NOT_REACHED}: {error}")
    except (errors.AIMLAPIError, ValueError) as error:
        return checks.fails(f"{type(error).__name__}: {error}")
    return found


def _probe(options: argparse.Namespace, key: str) -> Probe:
    import httpx

    from langchain_aimlapi import SpendCallbackHandler
    from langchain_aimlapi._cli.checks import Probe

    return Probe(
        model_id=options.model,
        base_url=os.environ.get("AIMLAPI_API_BASE", "").strip().rstrip("/") or _BASE_URL,
        api_key=key,
        # Longer than a short answer takes, shorter than a person waits before thinking it hangs.
        client=httpx.Client(timeout=httpx.Timeout(60.0)),
        spend=SpendCallbackHandler(max_credits=options.max_credits),
    )


def _is_agreed(options: argparse.Namespace) -> bool:
    """Announce what is to be spent, and ask."""
    # Both round trips make a second call: with the signature that came.
    calls = sum(assumption.needs == "credits" for assumption in ASSUMPTIONS) + 2
    usd = options.max_credits / CREDITS_PER_USD
    screen.line(
        f"About {calls} short calls of {options.model} are made, for at most "
        f"{options.max_credits} credits (${usd:.2f}) and one call more."
    )
    if options.yes:
        return True
    # In CI nobody can answer, and no answer is no agreement.
    if sys.stdin is None or not sys.stdin.isatty():
        screen.line("Nothing is spent without --yes.")
        return False
    print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _recording(
    folder: Path | None, assumption: Assumption, key: str
) -> AbstractContextManager[object]:
    if folder is None or assumption.needs != "credits" or assumption.name == "log":
        return nullcontext()  # what the account answers stays out of cassettes
    from langchain_aimlapi.testing import use_cassette

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{assumption.name}.yaml"
    # Errors are recorded too: what a refusal looks like is a part of what is to be shown.
    return use_cassette(path, record_mode="all", error_statuses=range(400, 600), secrets=[key])


def _scrub(text: str, key: str) -> str:
    from langchain_aimlapi.errors import redact

    text = screen.visible(" ".join(text.split()))  # a report is read in a terminal, too
    return str(redact(text, key)) if key else text


def _write_report(folder: Path, findings: Sequence[Finding], *, key: str, model: str) -> None:
    """Write the report, which holds neither key nor balance nor answers."""
    head = {
        "package": f"langchain-aimlapi {__version__}",
        "model": _scrub(model, key),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    report = {**head, "findings": [asdict(finding) for finding in findings]}
    text = json.dumps(report, ensure_ascii=False, indent=2)
    (folder / "aimlapi-doctor.json").write_text(text + "\n", encoding="utf-8")
    rows = [
        f"| {finding.status} | `{finding.name}` | {finding.claim} | {_cell(finding.words)} |"
        for finding in findings
    ]
    lines = [
        f"# langchain-aimlapi doctor, {head['at']}",
        "",
        f"{head['package']}, `{head['model']}`",
        "",
        "| | name | what is assumed | what was seen |",
        "|---|---|---|---|",
        *rows,
        "",
    ]
    (folder / "aimlapi-doctor.md").write_text("\n".join(lines), encoding="utf-8")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
