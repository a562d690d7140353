"""Which cassettes the collected tests own: no two the same, and none that may be deleted."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypedDict

import pytest

from langchain_aimlapi.testing._stage import stage_folder

_FILE = "collected.jsonl"
# pytest-recording's own list: the name has to be the one that it gives the file.
_FORBIDDEN = re.compile(r"[<>?%*:|\"'/\\]")
_PARTIAL_OPTIONS = ("lf", "failedfirst", "stepwise", "deselect", "last_failed")


class Module(TypedDict):
    """What was collected of one file of tests."""

    path: str
    names: list[str]
    """Those of the cassettes of all its tests, skipped and unmarked ones too."""

    is_whole: bool
    """Whether all of its tests were collected."""


def cassette_name(item: pytest.Item) -> str:
    """Return the name of a test's cassette, less `.yaml`, as pytest-recording has it."""
    marker = item.get_closest_marker("default_cassette")
    if marker is not None and marker.args:
        return str(marker.args[0]).removesuffix(".yaml")
    owner = getattr(item, "cls", None)
    return _FORBIDDEN.sub("-", f"{owner.__name__}.{item.name}" if owner else item.name)


def sharing_faults(items: Iterable[pytest.Item]) -> list[str]:
    """Return a text for each cassette that several collected tests would write.

    Args:
        items: The tests; those of one file are taken to have one folder.
    """
    owners: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("vcr"):
            owners[str(item.path), cassette_name(item)].append(item.nodeid)
    return [
        f"{' and '.join(tests)} share the cassette {name}.yaml: each would replay what the other "
        "recorded. Give them other ids (pytest.param(..., id=...)), or let them read one file: "
        "@pytest.mark.vcr('file.yaml')"
        for (_, name), tests in owners.items()
        if len(tests) > 1
    ]


def note_collected(config: pytest.Config, items: Iterable[pytest.Item]) -> None:
    """Keep in the stage, where there is one, which names the collected tests have."""
    stage = stage_folder()
    if stage is None:
        return
    modules: dict[str, Module] = {}
    for item in items:
        path = str(item.path)
        new: Module = {"path": path, "names": [], "is_whole": _is_whole(path, config)}
        modules.setdefault(path, new)["names"].append(cassette_name(item))
    # Added to, since each worker of pytest-xdist collects for itself.
    with (stage / _FILE).open("a", encoding="utf-8") as log:
        log.writelines(f"{json.dumps(module)}\n" for module in modules.values())


def collected_modules(stage: Path) -> Iterator[Module]:
    """Yield what was collected, as `note_collected` kept it."""
    log = stage / _FILE
    for line in log.read_text("utf-8").splitlines() if log.is_file() else []:
        yield json.loads(line)


def _is_whole(path: str, config: pytest.Config) -> bool:
    if any(config.getoption(name, None) for name in _PARTIAL_OPTIONS):
        return False
    chosen = [argument.partition("::") for argument in config.args]
    base = config.invocation_params.dir
    return not any(test and (base / file).resolve() == Path(path) for file, _, test in chosen)
