"""The live catalogue: kept on disk by its ETag, read as LangChain's model profiles."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, cast

from langchain_aimlapi import errors
from langchain_aimlapi.data._profiles import profile_of
from langchain_aimlapi.errors.caller_warnings import warn_caller

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from langchain_core.language_models.model_profile import ModelProfile

    from langchain_aimlapi.account.records import Model

_INPUTS = {
    "text": ("text_inputs",),
    "image": ("image_inputs", "image_url_inputs", "image_tool_message"),
    "video": ("video_inputs",),
    "audio": ("audio_inputs",),
    "file": ("pdf_inputs", "pdf_tool_message"),
}
_OUTPUTS = {"text": "text_outputs", "image": "image_outputs", "audio": "audio_outputs"}
# Names that the catalogue may use for the same kind: none is documented.
_FILES = frozenset({"file", "pdf", "document"})


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer of the catalogue with the mark that the server knows it by."""

    etag: str
    body: bytes


class Cache:
    """Keeps the last catalogue of each address in a folder; without one that can be used, none."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder or _cache_folder()

    def read(self, address: str) -> Kept | None:
        """Return what was kept for an address, or `None`."""
        try:
            kept = json.loads(self._file(address).read_text(encoding="utf-8"))
            etag = str(kept["etag"]).encode("ascii")  # as a header can say it
            return Kept(etag.decode(), str(kept["body"]).encode())
        # Whatever somebody or something did to the file: the catalogue is asked for anew then.
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def renew(
        self, address: str, kept: Kept | None, body: bytes, headers: Mapping[str, str]
    ) -> bytes:
        """Return the catalogue that is true now: a new body, which is kept, or the old one."""
        # A 304 has no body; an endpoint that ignores the mark sends the whole.
        if kept is not None and not body:
            return kept.body
        if etag := headers.get("etag"):
            with suppress(OSError, UnicodeDecodeError):  # it is asked for again next time
                self._write(address, Kept(etag, body))
        return body

    def _write(self, address: str, kept: Kept) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"etag": kept.etag, "body": kept.body.decode()})
        with NamedTemporaryFile(
            "w", encoding="utf-8", dir=self._folder, suffix=".new", delete=False
        ) as file:
            new = Path(file.name)
            try:
                file.write(text)
                file.close()
                new.replace(self._file(address))  # never half a file, whoever else writes
            except OSError:
                new.unlink(missing_ok=True)
                raise

    def _file(self, address: str) -> Path:
        # By address: a stand-in's catalogue is never taken for the live one's.
        return self._folder / f"models-{hashlib.sha256(address.encode()).hexdigest()[:16]}.json"


def _cache_folder() -> Path:
    """Return the folder that this system has for caches of the user's."""
    try:
        home = Path.home()
    except RuntimeError:  # a container's user may have none: nothing is kept then
        home = Path(os.devnull)
    # On every system: tests and containers set it to keep their hands off the user's own.
    if given := os.environ.get("XDG_CACHE_HOME"):
        folder = Path(given)
    elif sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:
        folder = home / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return folder / "langchain-aimlapi"


def served_model(name: str, served: Iterable[Model]) -> Model:
    """Return the model of an id or alias.

    Raises:
        AIMLAPINotFoundError: There is none.
    """
    # The documentation writes ids of one family with and without the prefix.
    bare = name.removeprefix("google/")
    for model in served:
        if model.has_name(name) or model.has_name(bare):
            return model
    raise errors.AIMLAPINotFoundError(
        f"The catalogue has no model {name!r}; `langchain-aimlapi models --live` lists the ids."
    )


def profile(name: str, served: Iterable[Model]) -> ModelProfile:
    """Return what this release knows of a model, overlaid by what the catalogue says.

    Args:
        name: Its id or an alias.
        served: The catalogue, empty if there is none.

    Raises:
        AIMLAPINotFoundError: Neither knows it.
    """
    known: dict[str, Any] = dict(profile_of(name) or {})
    models = [*served]
    try:
        known |= facts(served_model(name, models))
    except errors.AIMLAPINotFoundError:
        if not known:
            raise
        if models:
            warn_caller(f"The catalogue does not list {name!r} today.")
    return cast("ModelProfile", known)


def facts(model: Model) -> dict[str, Any]:
    """Return what the catalogue says of a model, under the names of LangChain's profiles."""
    said: dict[str, Any] = {"name": model.info.name or model.id, "status": "active"}
    if model.info.context_length:
        said["max_input_tokens"] = model.info.context_length
    if model.info.output_max:
        said["max_output_tokens"] = model.info.output_max
    if model.modalities is not None:
        said |= _modalities(_kinds(model.modalities.input), _kinds(model.modalities.output))
    if model.capabilities is not None:
        tools = "tools" in model.capabilities
        # One word of the catalogue for both: a choice without tools would be none.
        said |= {"tool_calling": tools, "tool_choice": tools}
        said["structured_output"] = "structured_output" in model.capabilities
    return said


def _kinds(names: Iterable[str]) -> set[str]:
    return {"file" if name in _FILES else name for name in names}


def _modalities(taken: set[str], given: set[str]) -> dict[str, bool]:
    inputs = {name: kind in taken for kind, names in _INPUTS.items() for name in names}
    return inputs | {name: kind in given for kind, name in _OUTPUTS.items()}
