"""Images, audio, video, files both ways: blocks of every known form, wire parts.

Forms that are understood, per LangChain package or API of origin:

    LangChain v1     {"type": "image", "base64": ..., "mime_type": ...} | {..., "url": ...}
    LangChain v0     {"type": "image", "source_type": "base64", "data": ..., "mime_type": ...}
    OpenAI           {"type": "image_url", "image_url": {"url": ..., "detail": ...} | "https://..."}
                     {"type": "input_audio", "input_audio": {"data": ..., "format": ...}}
                     {"type": "file", "file": {"file_data": ..., "filename": ...}}
    Anthropic        {"type": "image", "source": {"type": "base64", "media_type": ..., "data": ...}}
    google-genai     {"type": "media", "mime_type": ..., "data": ... | "file_uri": ...}

The parts are those of AI/ML API's OpenAPI documents (aimlapi/api-docs at f14fa72, 2026-08-21):
`image_url`, `video_url`, `file`, `input_audio`. Base64 text is neither decoded nor checked, but
for text files: an image of some MB is copied once, into its data URI.
"""

import base64
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from langchain_aimlapi._codec.reasoning import google_fields
from langchain_aimlapi._json import JsonMapping, JsonObject

_KIND_OF_TYPE = {
    "image": "image",
    "image_url": "image",
    "video": "video",
    "video_url": "video",
    "audio": "audio",
    "input_audio": "audio",
    "file": "file",
    "document": "file",
    "media": "file",
    "text-plain": "text",
}
_ADDRESS_KEYS = ("url", "file_uri")
_DATA_KEYS = ("base64", "data", "file_data")
# Longer is no path, but data.
_LONGEST_PATH = 256
_BASE64 = r"[A-Za-z0-9+/_=\s-]*"
_CHARSET = re.compile(r"charset=[\"']?([\w.:-]+)", re.IGNORECASE)
_SIDE_KEYS = ("filename", "name", "title", "detail")  # what may stand beside the block's own keys

# Subtype of a MIME type -> `format`, in the spelling of AI/ML API's schema.
_AUDIO_FORMATS = {
    "wav": "wav",
    "wave": "wav",
    "vnd.wave": "wav",
    "mp3": "mp3",
    "mpeg": "mp3",
    "mpga": "mp3",
    "aac": "audio/x-aac",
    "flac": "audio/flac",
    "m4a": "audio/m4a",
    "mp4": "audio/mp4",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "pcm": "audio/pcm",
    "l16": "audio/pcm",
    "webm": "audio/webm",
}
# How the base64 text of each format begins: enough to name it without decoding.
_MIME_TYPE_OF_PREFIX = (
    ("iVBORw0KGgo", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("JVBERi0", "application/pdf"),
)


class _Source(NamedTuple):
    """Where the data of a block are."""

    uri: str | None
    """An address or a data URI, to be sent as it is."""
    data: str
    """Base64 text, where there is no `uri`; may be empty."""
    mime_type: str | None
    """As given, else as the data begin; `None` where neither tells."""
    file_id: str | None


def holds_media(block: JsonMapping) -> bool:
    """Return whether a block is of a media type and carries or names its data.

    Args:
        block: A content block.
    """
    kind = block.get("type")
    if not isinstance(kind, str) or kind not in _KIND_OF_TYPE:
        return False
    fields = _fields(block)
    values = (fields.get(key) for key in (*_ADDRESS_KEYS, *_DATA_KEYS, "file_id"))
    return any(value and isinstance(value, str | bytes) for value in values)


def encode_media(block: JsonMapping) -> JsonObject:
    """Return the wire part of a media block for which `holds_media` is true.

    A `file`, `document` or `media` block goes by its MIME type: an image in it is sent as an
    image, audio as audio, video as video, base64 of a text as that text, all else as a file.

    Args:
        block: The block, in one of the forms that the module names.

    Returns:
        A part of type `image_url`, `video_url`, `input_audio`, `file` or `text`.

    Raises:
        ValueError: The part has no room for what the block holds (a `file_id` of anything but a
            file, a clip of a video), or its MIME type is needed and neither given nor apparent.
    """
    # Refused, not left out: the whole video would be billed instead of the clip.
    if block.get("video_metadata"):
        raise ValueError(
            f"video_metadata={block['video_metadata']!r} cannot be sent: the endpoint has no place "
            "for it, and would take the whole video. Cut the video, or leave video_metadata out."
        )
    fields = _fields(block)
    source = _source(fields)
    kind = _KIND_OF_TYPE[block["type"]]
    if kind == "file":
        kind = _kind_of_content(source)
    try:
        _refuse_path(source, kind)
        return _ENCODERS[kind](source, fields)
    except ValueError as error:
        raise ValueError(
            f"A content block of type {block['type']!r} cannot be sent: {error}"
        ) from error


def image_blocks(images: object) -> list[JsonObject]:
    """Return the wire's `message.images` as standard image blocks.

    Args:
        images: Any JSON value; a list of `{"type": "image_url", "image_url": {"url": ...}}`.

    Returns:
        Blocks `{"type": "image", "base64": ..., "mime_type": ...}` or `{"type": "image", "url":
        ...}`, in order.
    """
    blocks: list[JsonObject] = []
    for image in images if isinstance(images, list) else []:
        place = image.get("image_url") if isinstance(image, dict) else image
        url = place.get("url") if isinstance(place, dict) else place
        if isinstance(url, str) and url:
            head, _, data = url.partition(";base64,")
            if data and head.startswith("data:"):
                blocks.append(
                    {"type": "image", "base64": data, "mime_type": head.removeprefix("data:")}
                )
            else:
                blocks.append({"type": "image", "url": url})
    return blocks


def audio_block(audio: object) -> JsonObject | None:
    """Return the wire's `message.audio` as a standard block, mostly of type `audio`.

    Vertex sends images there too: the MIME type in `extra_content.google` tells.

    Args:
        audio: Any JSON value; `{"data": base64, "id": ..., "transcript": ..., ...}`.

    Returns:
        `{"type": "audio" | "image" | "video", "base64": ..., "mime_type"?: ..., "extras"?: ...}`,
        or `None` where there are no data.
    """
    if not isinstance(audio, dict) or not isinstance(data := audio.get("data"), str) or not data:
        return None
    mime_type = google_fields(audio).get("mime_type")
    if not isinstance(mime_type, str) and isinstance(audio.get("format"), str):
        mime_type = f"audio/{audio['format']}"
    block: JsonObject = {"type": "audio", "base64": data}
    if isinstance(mime_type, str):
        block["mime_type"] = mime_type
        if mime_type.startswith(("image/", "video/")):
            block["type"] = mime_type[:5]
    extras = {key: audio[key] for key in ("id", "transcript", "expires_at") if key in audio}
    return block | ({"extras": extras} if extras else {})


def _fields(block: JsonMapping) -> JsonObject:
    """Give one flat view of a block, whatever its form nests and where; no value is copied."""
    fields: JsonObject = {}
    extras = block.get("extras")
    # LangChain v0 keeps the filename in `metadata`, which its own upgrade moves into `extras`.
    metadata = (extras if isinstance(extras, Mapping) else block).get("metadata")
    for level in (metadata, extras):
        if isinstance(level, Mapping):
            fields.update((key, level[key]) for key in _SIDE_KEYS if key in level)
    nested = block.get(block["type"])
    if isinstance(nested, str):  # {"type": "image_url", "image_url": "https://..."}
        nested = {"url": nested}
    for level in (block, block.get("source"), nested):
        if isinstance(level, Mapping):
            fields.update((key, value) for key, value in level.items() if value is not None)
    if fields.get("source_type") == "id":
        fields.setdefault("file_id", fields.get("id"))
    return fields


def _first(fields: JsonMapping, *keys: str) -> str | None:
    """Give the first text that is not empty, of bytes their base64, or `None`."""
    for key in keys:
        value = fields.get(key)
        if isinstance(value, bytes) and value:
            return base64.b64encode(value).decode()
        if isinstance(value, str) and value:
            return value
    return None


def _source(fields: JsonMapping) -> _Source:
    mime_type = _first(fields, "mime_type", "media_type")
    if mime_type == "application/octet-stream":  # says no more than nothing
        mime_type = None
    if mime_type == "image/jpg":  # not a registered type, though often written
        mime_type = "image/jpeg"
    uri = _first(fields, *_ADDRESS_KEYS)
    data = _first(fields, *_DATA_KEYS) or ""
    if uri is None and (data.startswith("data:") or "://" in data[:16]):
        uri = data  # OpenAI's `file_data`, for one, may be either
    if uri is not None and uri.startswith("data:"):
        # Only the beginning is looked at: behind it may be megabytes.
        mime_type = mime_type or uri[5:100].partition(",")[0].partition(";")[0]
    elif len(data[:80].split()) > 1:  # lines of 76, as `base64` and `encodebytes` write them
        data = "".join(data.split())
    return _Source(uri, data, mime_type or _apparent_mime_type(data), _first(fields, "file_id"))


def local_path(text: str) -> str | None:
    """Return a text that names a file of this machine, `None` for an address or anything else.

    Args:
        text: What stands where an address or data belong.
    """
    scheme, colon, rest = text[:_LONGEST_PATH].partition(":")
    if colon and len(scheme) > 1:  # one letter is a drive
        return text if scheme.lower() == "file" else None
    ends_like_a_file = re.search(r"\.[A-Za-z0-9]{1,5}$", text) is not None
    is_path = "/" in text or "\\" in text or ends_like_a_file or (colon and rest)
    return text if len(text) <= _LONGEST_PATH and is_path else None


def _refuse_path(source: _Source, kind: str) -> None:
    """Refuse what the endpoint cannot read: a path of this machine, and what is no base64.

    Raises:
        ValueError: It is named, with what makes a block of a file.
    """
    if kind == "text":
        return
    maker = f"langchain_aimlapi.{kind}_block"
    if source.uri is not None and (path := local_path(source.uri)) is not None:
        raise ValueError(
            f"{path!r} is a file of this machine, which the endpoint cannot read. Let "
            f"{maker}({path!r}) read it and make the block."
        )
    # The beginning is enough to tell a path or a plain text from base64, at the same cost for each
    # size.
    if source.uri is None and not re.fullmatch(_BASE64, source.data[:_LONGEST_PATH]):
        raise ValueError(
            f"{source.data[:_LONGEST_PATH]!r} is no base64 data. Of a file, {maker}(path) makes "
            "the block."
        )


def _apparent_mime_type(data: str) -> str | None:
    for prefix, mime_type in _MIME_TYPE_OF_PREFIX:
        if data.startswith(prefix):
            return mime_type
    # "RIFF", four bytes of length, "WEBP": WAV differs in the last four.
    return "image/webp" if data.startswith("UklGR") and data[12:16] == "RUJQ" else None


def _kind_of_content(source: _Source) -> str:
    """Tell what a block of a type that may hold anything does hold."""
    if source.file_id and not (source.uri or source.data):
        return "file"
    major = (source.mime_type or "").partition("/")[0]
    if major == "text" and source.data and source.uri is None:
        return "text"
    return major if major in {"image", "audio", "video"} else "file"


def _uri(source: _Source) -> str:
    if source.uri is not None:
        return source.uri
    if not source.data:
        raise ValueError("only a `file` part can hold a `file_id`; give its `url` or `base64`")
    if source.mime_type is None:
        raise ValueError("base64 data need a `mime_type`, such as 'image/png'")
    return f"data:{source.mime_type};base64,{source.data}"


def _image_part(source: _Source, fields: JsonMapping) -> JsonObject:
    image = {"url": _uri(source)}
    if detail := _first(fields, "detail"):
        image["detail"] = detail
    return {"type": "image_url", "image_url": image}


def _video_part(source: _Source, _fields: JsonMapping) -> JsonObject:
    return {"type": "video_url", "video_url": {"url": _uri(source)}}


def _text_part(source: _Source, _fields: JsonMapping) -> JsonObject:
    """A text file goes as its text, read by the charset of its MIME type, else as UTF-8."""
    if not source.data:
        raise ValueError("a text file is sent as text; give its `text` or `base64`")
    named = _CHARSET.search(source.mime_type or "")
    try:
        text = _plain_bytes(source.data).decode(named[1] if named else "utf-8-sig")
    except (LookupError, UnicodeDecodeError) as error:
        raise ValueError(
            f"its data are no text ({error}). Name the charset in the `mime_type`, as in "
            "'text/csv; charset=latin-1', or give the `text` itself"
        ) from error
    return {"type": "text", "text": text}


def _plain_bytes(data: str) -> bytes:
    """Decode base64 in either alphabet, with or without its padding.

    Raises:
        ValueError: It is none: mostly the plain text itself.
    """
    plain = "".join(data.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError as error:
        raise ValueError(
            f"{data[:_LONGEST_PATH]!r} is no base64 data. Give plain text as `text`"
        ) from error


def _audio_part(source: _Source, fields: JsonMapping) -> JsonObject:
    """Audio goes as bare base64 or as an address, with the name of its format."""
    uri = source.uri or ""
    data = uri.partition(",")[2] if uri.startswith("data:") else uri or source.data
    if not data:
        raise ValueError("only a `file` part can hold a `file_id`; give its `url` or `base64`")
    name = _first(fields, "format") or source.mime_type
    if name is None and (ending := urlsplit(uri).path.rpartition(".")[2]) in _AUDIO_FORMATS:
        name = ending
    if name is None:
        raise ValueError("audio needs a `mime_type`, such as 'audio/mpeg'")
    subtype = name.lower().partition(";")[0].rpartition("/")[2].removeprefix("x-")
    audio = {"data": data, "format": _AUDIO_FORMATS.get(subtype, name)}
    return {"type": "input_audio", "input_audio": audio}


def _file_part(source: _Source, fields: JsonMapping) -> JsonObject:
    """A file goes as a data URI, an address or an id; of an address it is assumed (OpenRouter)."""
    given = _first(fields, "filename", "name", "title")
    if source.file_id and not (source.uri or source.data):
        file = {"file_id": source.file_id} | ({"filename": given} if given else {})
        return {"type": "file", "file": file}
    uri = _uri(source)
    # Gateways of this shape refuse a nameless file: the name is made from what is known.
    ending = (source.mime_type or "").rpartition("/")[2] or "bin"
    name = given or ("" if uri.startswith("data:") else urlsplit(uri).path.rpartition("/")[2])
    return {"type": "file", "file": {"filename": name or f"file.{ending}", "file_data": uri}}


_ENCODERS = {
    "image": _image_part,
    "video": _video_part,
    "audio": _audio_part,
    "text": _text_part,
    "file": _file_part,
}
