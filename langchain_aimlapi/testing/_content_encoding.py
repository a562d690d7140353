"""Bodies as they were before they were compressed, so that secrets in them can be found.

In go bodies as vcrpy holds them and headers, out come texts or bytes.
"""

import gzip
import zlib
from collections.abc import MutableMapping
from importlib import import_module
from typing import Any


def plain_body(body: Any, headers: dict[str, list[str]]) -> str | bytes | None:
    """Return a body without its content encodings.

    Args:
        body: Text, bytes, None, an open file or pieces: what vcrpy holds.
        headers: Lower-cased names to values.

    Raises:
        ValueError: it is compressed in a way that cannot be looked into.
    """
    if hasattr(body, "read"):
        body = body.read()
    elif body is not None and not isinstance(body, str | bytes):
        body = b"".join(body)
    encodings = ",".join(headers.get("content-encoding", [])).lower().split(",")
    for encoding in reversed([encoding.strip() for encoding in encodings]):
        if body and encoding not in ("", "identity"):
            # vcrpy hands over as text whatever happens to be some.
            body = _decompress(body.encode() if isinstance(body, str) else body, encoding)
    return body  # type: ignore[no-any-return]  # one of the three by now


def ask_for_decodable(headers: MutableMapping[str, str]) -> None:
    """Take out of a request's `Accept-Encoding` what could not be searched for secrets.

    That is brotli or zstd where their decoder is not installed.

    Args:
        headers: Those of a request that is about to be sent, with names in any case.
    """
    offers = [offer.strip() for offer in headers.get("accept-encoding", "").split(",")]
    kept = [offer for offer in offers if _is_decodable(offer.partition(";")[0].lower())]
    if len(kept) < len(offers):
        headers["accept-encoding"] = ", ".join(kept) or "identity"


def _is_decodable(encoding: str) -> bool:
    return encoding not in _DECODERS or _decoder(encoding) is not None


_DECODERS = {
    "br": ("brotli", "brotlicffi"),
    "zstd": ("zstandard", "compression.zstd", "backports.zstd"),
}
"""Encodings that Python does not bring, and the modules that read them."""


def _decoder(encoding: str) -> Any:
    for name in _DECODERS.get(encoding, ()):
        try:
            return import_module(name)
        except ImportError:
            continue
    return None


def _decompress(body: bytes, encoding: str) -> bytes:
    try:
        if encoding in ("gzip", "x-gzip"):
            return gzip.decompress(body)
        if encoding == "deflate":
            return _inflate(body)
        if (decoder := _decoder(encoding)) is not None:
            return _decode(decoder, body)
    except Exception as error:  # each decoder has errors of its own
        raise ValueError(f"a body said to be {encoding!r} is not: {error}") from error
    module = next(iter(_DECODERS.get(encoding, ())), "")
    raise ValueError(
        f"a body with content-encoding {encoding!r} cannot be searched for secrets, so it is "
        f"not written; send 'Accept-Encoding: gzip' while recording"
        + (f", or pip install {module}" if module else "")
    )


def _inflate(body: bytes) -> bytes:
    try:
        return zlib.decompress(body)
    except zlib.error:
        return zlib.decompress(body, -zlib.MAX_WBITS)  # without its head, as some servers send it


def _decode(decoder: Any, body: bytes) -> bytes:
    if hasattr(decoder, "ZstdDecompressor"):
        reader = decoder.ZstdDecompressor()
        stream = reader.decompressobj() if hasattr(reader, "decompressobj") else reader
        return bytes(stream.decompress(body))
    return bytes(decoder.decompress(body))
