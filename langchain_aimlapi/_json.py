"""JSON, read fast from the wire, written strictly to it.

pydantic-core's parser is three times as fast as the standard one; it refuses lone surrogates, a
byte order mark and deep nesting, for which the standard parser is asked once. Writing is strict:
what JSON cannot say (NaN, dates, sets, half a surrogate pair) is an error that names the value.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic_core import PydanticSerializationError, from_json, to_json

# JSON as it crosses the wire's door: nothing is known of what is inside. `Any` stands here for all
# rooms; what travels between them with a known shape is a dataclass.
JsonObject = dict[str, Any]
JsonMapping = Mapping[str, Any]

_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
# What Python may read as infinity, which no JSON text can say again.
_HUGE = r"[eE]\+?\d{3}|\d{300}"
_TOO_DEEP = "JSON is nested too deep"
_DEEPEST = 200  # as pydantic-core
_LONE = re.compile("[\ud800-\udfff]")


def decode_json(data: bytes | str) -> Any:
    """Return the value of a JSON text; strings come without lone surrogates.

    Args:
        data: UTF-8 bytes, or text.

    Raises:
        ValueError: It is not JSON, not UTF-8, or nested too deep.
    """
    try:
        return from_json(data)
    except ValueError:
        return replace_surrogates(_decode_leniently(data))


def decode_event(data: bytes, *, running: frozenset[str]) -> tuple[Any, bool]:
    """Return the value of one event, plus whether its strings may hold halves of pairs.

    A server that cuts text by UTF-16 units may end one delta with half a surrogate pair; in running
    text the halves are left alone here, because `Halves` joins them.

    Args:
        data: UTF-8 bytes.
        running: Keys of texts that come in pieces.

    Raises:
        ValueError: As `decode_json`.
    """
    try:
        return from_json(data), False
    except ValueError:
        return replace_surrogates(_decode_leniently(data), but=running), True


def _decode_leniently(data: bytes | str) -> Any:
    try:
        value = json.loads(data)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    if _is_too_deep(value):
        raise ValueError(_TOO_DEEP)
    return value


def _is_too_deep(value: Any) -> bool:
    """Tell whether a value is nested deeper than all that handles it later can follow."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, list | dict)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


# What may stand between two objects of one event, the end of the stream included.
_BETWEEN = r"\s*(?:data:)?\s*(?P<done>\[DONE\])?"


def split_joined(text: str) -> list[bytes]:
    """Return the events that a text holds behind each other, because a gateway lost the separator.

    Args:
        text: Data of one event that is no JSON: `{...}{...}`, `{...}data: {...}`, on one line or
            more, perhaps with `[DONE]` as the last.

    Returns:
        The data of each, or nothing if the text is not several of them.
    """
    read, skip = json.JSONDecoder(strict=False).raw_decode, re.compile(_BETWEEN).match
    events: list[bytes] = []
    at = 0
    while at < len(text):
        between = cast("re.Match[str]", skip(text, at))  # which may be empty
        at = begun = between.end()
        if done := between["done"]:
            events.append(done.encode())
            continue
        try:
            value, at = read(text, begun)
        except (ValueError, RecursionError):
            return []
        if not isinstance(value, dict):
            return []
        events.append(text[begun:at].encode())
    return events if len(events) > 1 else []


def decode_arguments(text: str) -> JsonObject | None:
    """Return a tool call's arguments, or `None` if they are not one whole JSON object.

    Strict where langchain-core is not: no missing brackets added, no NaN, because a call made from
    half an answer would be executed.

    Args:
        text: The `arguments` of the wire; empty text means no arguments.
    """
    if not text:
        return {}
    try:
        value = from_json(text, allow_inf_nan=False)
        if re.search(_HUGE, text):
            _ENCODE(value)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def encode_json(value: Any, *, where: str) -> str:
    """Return compact JSON text of a small value.

    Args:
        value: What to write.
        where: What the value is, for the error.

    Raises:
        ValueError: JSON cannot say it.
    """
    try:
        return _ENCODE(value)
    except (TypeError, ValueError, RecursionError) as error:
        msg = f"{where} cannot be written as JSON: {_first_odd(value) or error}."
        raise ValueError(f"{msg} Pass plain JSON values.") from error


def _first_odd(value: object) -> str:
    """Say where in a value something stands that JSON cannot say, `""` if that is not known."""
    try:
        require_json(value, where="value", with_texts=False)
    except RecursionError:
        return _TOO_DEEP
    except ValueError as found:
        return str(found).partition(". ")[0].rstrip(".")
    return ""


def json_text(value: Any) -> str:
    """Return the JSON text of a value that came from the wire; never fails."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def encode_request_body(request: JsonObject, *, messages: Sequence[bytes] | None = None) -> bytes:
    """Return the request's bytes.

    Its parameters came from the user and are written by the strict encoder.

    Args:
        request: A request body, its `messages` in it unless they are written already.
        messages: Its messages as JSON.

    Raises:
        ValueError: A value in it cannot be written as JSON, or text holds half a surrogate pair.
    """
    settings = {key: value for key, value in request.items() if key != "messages"}
    if messages is None:
        wire = enumerate(request["messages"])
        messages = [encode_message(message, place) for place, message in wire]
    try:
        head = encode_json(settings, where="The request").encode()
    except UnicodeEncodeError as error:
        raise ValueError(_half_a_pair("The request")) from error
    texts = [b","] * (2 * len(messages) - 1)
    texts[::2] = messages
    # Copied once: a picture is large, and so is a long history.
    return b"".join([head[:-1], b"," if settings else b"", b'"messages":[', *texts, b"]}"])


def encode_message(message: Any, position: int, *, is_plain: bool = False) -> bytes:
    """Return one message of a request as JSON.

    It is strings in a frame that we built, which pydantic-core writes fastest.

    Args:
        message: A message of the wire.
        position: Its place among the others, for the error.
        is_plain: Whether it is known that JSON can say all that it holds.

    Raises:
        ValueError: A value in it cannot be written as JSON, or text holds half a surrogate pair.
    """
    if not is_plain:
        _require_plain(message, position)
    try:
        return to_json(message, inf_nan_mode="constants")
    except (PydanticSerializationError, UnicodeEncodeError) as error:
        if "depth exceeded" in str(error):
            where = f"message {position} ({message.get('role')})"
            raise ValueError(f"{where} cannot be sent: {_TOO_DEEP}.") from error
        raise ValueError(_half_a_pair("A message", _first_lone(message, position))) from error


def _require_plain(message: Any, position: int) -> None:
    """Refuse what pydantic-core would write in silence: NaN, dates, sets, keys that are no text."""
    fields = message if isinstance(message, dict) else {"role": message}
    for key, value in fields.items():
        if type(value) is str or _is_surely_plain(value):  # as nearly always
            continue
        where = f"message {position} ({fields.get('role')}).{key}"
        try:
            require_json(value, where=where, with_texts=False)
        except RecursionError as error:
            raise ValueError(f"{where} cannot be sent: {_TOO_DEEP}.") from error


_ONLY_TEXT = frozenset({str})


def _is_surely_plain(value: object) -> bool:
    """Tell quickly that JSON can say a value; where this is not sure, `require_json` looks."""
    level = [value]
    for _ in range(_DEEPEST):
        inner: list[object] = []
        for item in level:
            kind = type(item)
            if kind is str or item is None or kind is int or kind is bool:
                continue
            if kind is dict:
                if not _ONLY_TEXT.issuperset(map(type, item)):  # type: ignore[call-overload]  # a dict
                    return False
                inner += item.values()  # type: ignore[attr-defined]  # a dict
            elif kind is list:
                inner += item  # type: ignore[arg-type]  # a list
            else:
                return False
        if not inner:
            return True
        level = inner
    return False


def _half_a_pair(what: str, found: str = "") -> str:
    return (
        f"{what} holds half a surrogate pair, which UTF-8 cannot say{found}. Clean the text, for "
        "example with text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')."
    )


def _first_lone(message: JsonObject, position: int) -> str:
    """Return the place of a message with the half that it holds."""
    content, text = str(message.get("content", "")), repr(message)
    found = _LONE.search(content) or re.search(r"\\ud[89a-f][0-9a-f]{2}", text)
    half = f", {found[0]!a}" if found else ""
    return f": message {position} ({message.get('role')}){half}"


def replace_surrogates(value: Any, *, but: frozenset[str] = frozenset()) -> Any:
    """Return the value with surrogate pairs joined; a half without partner is U+FFFD.

    Args:
        value: Any JSON value.
        but: Keys whose texts are left as they are.
    """
    match value:
        case str():
            if not _LONE.search(value):
                return value
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        case list():
            return [replace_surrogates(member, but=but) for member in value]
        case dict():
            return {
                replace_surrogates(key): member
                if key in but and isinstance(member, str)
                else replace_surrogates(member, but=but)
                for key, member in value.items()
            }
        case _:
            return value


def sendable(value: Any) -> Any:
    """Return a value that came from the wire with null for NaN and infinity, which none can say.

    Args:
        value: What is to go back as it came.
    """
    if type(value) is str:  # as nearly always
        return value
    match value:
        case float():
            return value if math.isfinite(value) else None
        case list():
            return [sendable(member) for member in value]
        case dict():
            return {key: sendable(member) for key, member in value.items()}
        case _:
            return value


def overlay(below: JsonObject, above: JsonObject) -> None:
    """Lay `above` over `below`, in place, nested objects alike; nothing wins over something.

    Args:
        below: What came first of an object that a server sends in parts, or repeats.
        above: What came later.
    """
    for key, value in above.items():
        before = below.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            overlay(before, value)
        elif key not in below or not is_nothing(value):
            below[key] = value


def is_nothing(value: object) -> bool:
    """Tell whether a later value says nothing: null or empty text never wins over a signature."""
    return value is None or value == ""


class Halves:
    """Joins surrogate halves that a server split over two pieces of one running text."""

    def __init__(self) -> None:
        self._held: dict[str, str] = {}

    def join(self, key: str, text: str) -> str:
        """Return the text that can be shown now; a first half at the end is held back.

        Args:
            key: Which running text it belongs to.
            text: The next piece of it.
        """
        text = self._held.pop(key, "") + text
        if text and "\ud800" <= text[-1] <= "\udbff":
            self._held[key] = text[-1]
            text = text[:-1]
        return str(replace_surrogates(text))

    def rests(self, *keys: str) -> dict[str, str]:
        """Return what is still held back for these keys, as U+FFFD."""
        return {key: "\ufffd" for key in keys if self._held.pop(key, "")}


def require_json(value: object, *, where: str, with_texts: bool = True) -> None:
    """Refuse what JSON cannot say.

    Args:
        value: Any value that a user may have put into a tool, a schema or a message.
        where: What the value is, for the error, such as `tool 'search'`.
        with_texts: Whether texts are looked at, too: half a surrogate pair is no text.

    Raises:
        ValueError: Names the place inside `value`, and what stands there.
    """
    match value:
        case list() | tuple():
            for position, member in enumerate(value):
                require_json(member, where=f"{where}[{position}]", with_texts=with_texts)
        case dict():
            odd = [key for key in value if not isinstance(key, str)]
            if odd:
                raise ValueError(f"{where} has the key {odd[0]!r}, but JSON's keys are strings.")
            for key, member in value.items():
                require_json(member, where=f"{where}.{key}", with_texts=with_texts)
        case str() if not with_texts:
            return
        case _ if not _is_plain(value):
            raise ValueError(
                f"{where} is {value!a} ({type(value).__name__}), which JSON cannot say. "
                "Use plain strings, finite numbers, booleans, None, lists and dicts."
            )


def _is_plain(value: object) -> bool:
    match value:
        case float():
            return math.isfinite(value)
        case str():
            return value.isascii() or not _LONE.search(value)
        case _:
            return value is None or isinstance(value, int)
