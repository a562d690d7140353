"""Content blocks of pictures, files, sound and video, from a path or an address.

They are LangChain's standard blocks, which every integration takes, not only this one:

    from langchain_aimlapi import image_block

    model.invoke([HumanMessage(["What is this?", image_block("cat.png")])])
"""

from __future__ import annotations

import base64
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

if TYPE_CHECKING:
    import os


_MAKER_OF_KIND = {"image": "image_block", "audio": "audio_block", "video": "video_block"}


def image_block(source: str | os.PathLike[str], *, mime_type: str | None = None) -> dict[str, Any]:
    """Return a block of a picture.

    Args:
        source: Path of a file, `file://` address, address of the web (`https://...`) or data URI. A
            file is read at once; of an address only the address is sent.
        mime_type: Of the file, such as `image/png`; default by its name.

    Returns:
        `{"type": "image", "base64": ..., "mime_type": ...}` or `{"type": "image", "url": ...}`.

    Raises:
        ValueError: The file is no picture, or its name does not tell.
        OSError: It cannot be read.
    """
    return _block("image", source, mime_type)


def audio_block(source: str | os.PathLike[str], *, mime_type: str | None = None) -> dict[str, Any]:
    """Return a block of sound; see `image_block`."""
    return _block("audio", source, mime_type)


def video_block(source: str | os.PathLike[str], *, mime_type: str | None = None) -> dict[str, Any]:
    """Return a block of video; see `image_block`."""
    return _block("video", source, mime_type)


def file_block(source: str | os.PathLike[str], *, mime_type: str | None = None) -> dict[str, Any]:
    """Return a block of a file, such as a PDF; with its name. See `image_block`."""
    return _block("file", source, mime_type)


def _block(kind: str, source: str | os.PathLike[str], mime_type: str | None) -> dict[str, Any]:
    given = str(source)
    scheme = urlsplit(given).scheme.lower() if isinstance(source, str) else ""
    if scheme in ("http", "https"):
        named = {"mime_type": mime_type} if mime_type else {}
        return {"type": kind, "url": given, **named}
    if scheme == "data":
        head, _, data = given.removeprefix("data:").partition(";base64,")
        mime_type = _checked_type(kind, mime_type or head, given[:40])
        return {"type": kind, "base64": data, "mime_type": mime_type}
    path = Path(url2pathname(urlsplit(given).path) if scheme == "file" else given).expanduser()
    mime_type = _checked_type(kind, mime_type or mimetypes.guess_type(path.name)[0], str(path))
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    name = {"filename": path.name} if kind == "file" else {}
    return {"type": kind, "base64": data, "mime_type": mime_type, **name}


def _checked_type(kind: str, mime_type: str | None, source: str) -> str:
    """Return the MIME type; refuse one of another kind.

    Raises:
        ValueError: It is of another kind, or there is none.
    """
    if not mime_type:
        msg = f"What {source!r} is cannot be told from its name: pass mime_type=..."
        raise ValueError(msg)
    found = mime_type.partition("/")[0]
    if kind not in (found, "file"):
        maker = _MAKER_OF_KIND.get(found, "file_block")
        msg = f"{source!r} is {mime_type}, no {kind}: use {maker}."
        raise ValueError(msg)
    return mime_type
