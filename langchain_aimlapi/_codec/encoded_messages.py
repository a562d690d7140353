"""Messages as they were written last: a step of an agent writes what is new, not its whole history.

A message is known by its identity, and it may be changed in place at any time: its content, its
`additional_kwargs`, a tool call's arguments. So what was written of it is kept beside a copy of all
that the encoding reads of it, and used only where that is still equal. The copy shares the texts,
which cannot change, so that comparing costs a fourth of encoding, two fifths where there is only a
text. Numbers are equal only with their type, as 1, 1.0 and `True` are three values of JSON. The
order of keys, which JSON does not know, is not looked at: what was sent before is what a
provider's prompt cache knows.

Messages are not held: what is kept of one goes when it does. Pictures and files are not kept.

Of a conversation that goes on, the beginning is looked at in one go (`find_beginning`). Up to the
model's last message, what messages are on the wire depends on nothing that may follow, so that each
need only be the same message and say the same.
"""

from __future__ import annotations

import math
import weakref
from functools import partial
from operator import attrgetter, is_, itemgetter
from sys import getsizeof
from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    HumanMessageChunk,
    SystemMessage,
    SystemMessageChunk,
    ToolMessage,
    ToolMessageChunk,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_aimlapi._json import JsonObject

    Fields = tuple[object, ...]

# The most that is kept, and of one message, in bytes; what each takes besides its text and copy.
_MOST = 32 * 1024 * 1024
_MOST_OF_ONE = 1024 * 1024
_OVERHEAD = 2048
# Exactly these; a subclass may have more to it.
ASSISTANT = frozenset({AIMessage, AIMessageChunk})
TOOL = frozenset({ToolMessage, ToolMessageChunk})
_TEXTUAL = frozenset({HumanMessage, HumanMessageChunk, SystemMessage, SystemMessageChunk})
_IMMUTABLE = frozenset({str, type(None)})
_ONLY_TEXT = frozenset({str})
_NO_NAMES: Mapping[str, str] = {}


class EncodedMessage:
    """What one message is on the wire.

    Attributes:
        wire: Messages of the wire: one, none, or with results of our making; empty where `text`
            was known already.
        text: The same as JSON, with commas between them; `None` if nobody needs it.
        count: How many they are.
        names: Names of the functions that it calls, by the call's id.
        kinds: Types of the parts of a user's message.
        answered: What of the messages after it was looked at: names of the results at once behind
            it, by their call; `None` if nothing was.
        media: Parts that follow in a user message, since a tool's cannot hold them.
    """

    __slots__ = ("answered", "count", "kinds", "media", "names", "text", "wire")

    def __init__(
        self,
        wire: list[JsonObject],
        *,
        names: Mapping[str, str] = _NO_NAMES,
        kinds: tuple[str, ...] = (),
        answered: Mapping[str, str] | None = None,
        media: Sequence[JsonObject] = (),
    ) -> None:
        self.wire = wire
        self.text: bytes | None = None
        self.count = len(wire)
        self.names = names
        self.kinds = kinds
        self.answered = answered
        self.media = media


class _Kept(weakref.ref[BaseMessage]):
    """What is kept of a message, to which it is a weak reference."""

    __slots__ = ("about", "beginning", "copy", "encoded", "fields_of", "key", "size", "used")

    about: Fields
    beginning: _Beginning | None  # of the conversation that begins with this message
    copy: Fields
    encoded: EncodedMessage | None  # `None` once nothing is kept of it any more
    fields_of: Callable[[dict[str, Any]], Fields]
    key: int
    size: int
    used: int  # the number of the request that was written with it last


class _Beginning(NamedTuple):
    """Messages of a conversation that are written as they will be, whatever follows.

    Attributes:
        settings: What the whole request's encoding depends on besides its messages.
        kept: What is kept of each.
    """

    settings: object
    kept: list[_Kept]


class EncodedMessages:
    """What one model has written of messages; a deep copy or an unpickled one starts empty.

    Models that `model_copy` made share it: what differs between them is part of what is compared.

    Threads share it without a lock: each step is one operation on a dict, and what two of them
    write of the same message is the same.
    """

    def __init__(self) -> None:
        self._kept: dict[int, _Kept] = {}
        self._size = 0
        self._request = 0
        self._full_since = -1  # the request for which no more room was found
        self._forget = partial(_forget, weakref.ref(self))

    def __reduce__(self) -> tuple[type[EncodedMessages], tuple[()]]:
        """Nothing travels: identities mean nothing elsewhere."""
        return EncodedMessages, ()

    def __len__(self) -> int:
        """Return of how many messages something is kept."""
        return len(self._kept)

    def begin_request(self) -> None:
        """Take note that a request begins to be written."""
        self._request += 1

    def find(self, message: BaseMessage, about: Fields) -> EncodedMessage | None:
        """Return what was written of a message, `None` if it has to be encoded.

        Args:
            message: The message.
            about: What its encoding depends on besides, texts or `None`; what it tells of the
                messages behind this one (`answered`) is left to the caller to compare.
        """
        kept = self._kept.get(id(message))
        if kept is None or kept.about != about:
            return None
        encoded = kept.encoded
        if kept() is not message or kept.fields_of(message.__dict__) != kept.copy:
            return None
        kept.used = self._request
        return encoded

    def find_beginning(
        self, messages: Sequence[BaseMessage], settings: object
    ) -> list[EncodedMessage]:
        """Return what the first messages are on the wire, as far as that is settled and known.

        Args:
            messages: The conversation.
            settings: What the encoding depends on besides.
        """
        first = self._kept.get(id(messages[_place_of_first(messages)])) if messages else None
        beginning = first and first.beginning
        if not beginning or beginning.settings != settings:
            return []
        end = len(beginning.kept)
        # What precedes one of the model's messages cannot be changed by anything behind it.
        if len(messages) <= end or not isinstance(messages[end], AIMessage):
            return []
        found = []
        for kept, message in zip(beginning.kept, messages, strict=False):
            encoded = kept.encoded  # first: another thread may drop it meanwhile
            if (
                encoded is None
                or kept() is not message
                or kept.fields_of(message.__dict__) != kept.copy
            ):
                return []
            kept.used = self._request
            found.append(encoded)
        return found

    def keep_beginning(
        self,
        messages: Sequence[BaseMessage],
        settings: object,
        written: Sequence[EncodedMessage],
        *,
        found: int,
    ) -> None:
        """Remember that these messages are settled, if something is kept of each.

        Args:
            messages: The conversation up to one of the model's messages.
            settings: See `find_beginning`.
            written: What each is, and what follows.
            found: Of how many that was remembered before.
        """
        first = self._kept.get(id(messages[_place_of_first(messages)]))
        if first is None:
            return
        beginning = first.beginning  # once: another thread may drop it meanwhile
        kept = beginning.kept[:found] if beginning else []
        more = (self._kept.get(id(message)) for message in messages[found:])
        kept += [each for each in more if each is not None]
        # Another thread may have written a message in another way meanwhile.
        if len(kept) == len(messages) and all(map(is_, map(_encoded_of, kept), written)):
            first.beginning = _Beginning(settings, kept)

    def keep(
        self, message: BaseMessage, about: Fields, fields: Fields, encoded: EncodedMessage
    ) -> None:
        """Keep what was written of a message.

        Args:
            message: The message.
            about: What its encoding depends on besides, see `find`.
            fields: A copy of its fields from before it was encoded, see `copy_of`.
            encoded: With its text.
        """
        size = _OVERHEAD + len(encoded.text or b"") + _size_of(fields)
        if size > _MOST_OF_ONE:
            return
        kept = _Kept(message, self._forget)
        kept.copy, kept.encoded, kept.key, kept.size = fields, encoded, id(message), size
        kept.about, kept.fields_of = about, _reader_of(message)
        kept.beginning, kept.used = None, self._request
        encoded.wire = []  # parts of it are the message's own, which may change
        if kept.key in self._kept:
            self.drop(kept.key)
        if self._size + size > _MOST and not self._has_room(size):
            return
        self._kept[kept.key] = kept
        self._size += size

    def drop(self, key: int) -> None:
        """Let go of what was kept of a message that is no more."""
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._size -= kept.size
            # A beginning that it belongs to may live on.
            kept.encoded = kept.beginning = None
            kept.copy = ()

    def _has_room(self, size: int) -> bool:
        """Drop what is no longer used; tell whether `size` bytes more have room then.

        What this request or the one before was written with stays: of a history that is larger than
        all that is kept, its beginning is known, where dropping the oldest would drop just what
        comes next.
        """
        if self._full_since == self._request:
            return False
        # Counted anew: a message may go in the middle of a sum.
        self._size = sum(kept.size for kept in self._kept.copy().values())
        for kept in self._kept.copy().values():
            # More than is needed, so that not each message looks for room again.
            if self._size + size <= _MOST * 3 // 4:
                break
            if kept.used < self._request - 1:
                self.drop(kept.key)
        if self._size + size <= _MOST:
            return True
        self._full_since = self._request
        return False


_encoded_of = attrgetter("encoded")
_own_fields = itemgetter("content", "additional_kwargs", "tool_calls", "invalid_tool_calls", "name")
_tool_fields = itemgetter("content", "tool_call_id", "status", "name")
_text_fields = itemgetter("content", "name")


def _assistant_fields(fields: dict[str, Any]) -> Fields:
    told = fields["response_metadata"]
    if not told:
        return *_own_fields(fields), told
    get = told.get
    return *_own_fields(fields), get("model_provider"), get("finish_reason"), get("output_version")


def _reader_of(message: BaseMessage) -> Callable[[dict[str, Any]], Fields]:
    """Return what reads all of a message that its encoding reads, the message's own objects."""
    kind = type(message)
    if kind in ASSISTANT:
        return _assistant_fields
    return _tool_fields if kind in TOOL else _text_fields


def _place_of_first(messages: Sequence[BaseMessage]) -> int:
    """Return where the message is by which a conversation is known: many share the system's."""
    return 1 if len(messages) > 1 and isinstance(messages[0], SystemMessage) else 0


def copy_of(message: BaseMessage) -> Fields | None:
    """Return a copy of a message's fields that equals them as long as they say the same.

    Args:
        message: Any message.

    Returns:
        `None` for a message of which nothing is to be kept. Else JSON can say all that it holds.
    """
    kind = type(message)
    if kind not in ASSISTANT:
        content: Any = message.content
        if kind not in TOOL and kind not in _TEXTUAL:
            return None
        if type(content) is not str and not all(map(_is_text_block, content)):
            return None
    fields = _reader_of(message)(message.__dict__)
    if _IMMUTABLE.issuperset(map(type, fields)):
        return fields
    try:
        return tuple(_copied([*fields]))
    except (TypeError, RecursionError):
        return None


class _Number:
    """Equals what is the same number of the same type."""

    __slots__ = ("kind", "number")

    __hash__ = None  # type: ignore[assignment]  # as Python has it

    def __init__(self, number: float) -> None:
        self.kind, self.number = type(number), number

    def __eq__(self, other: object) -> bool:
        return type(other) is self.kind and other == self.number


class _Float(_Number):
    __slots__ = ()

    __hash__ = None

    def __eq__(self, other: object) -> bool:
        return type(other) is float and repr(other) == repr(self.number)  # 0.0 is not -0.0


def _copied(value: Any) -> Any:
    """Return a copy of a value of JSON; of other values nothing is known.

    Raises:
        TypeError: It is another.
    """
    kind = type(value)
    if kind is list:
        return [inner if type(inner) is str or inner is None else _copied(inner) for inner in value]
    if kind is dict and _ONLY_TEXT.issuperset(map(type, value)):
        return {
            key: inner if type(inner) is str or inner is None else _copied(inner)
            for key, inner in value.items()
        }
    if kind is int or kind is bool:
        return _Number(value)
    if kind is float and math.isfinite(value):
        return _Float(value)
    raise TypeError


def _size_of(copied: object) -> int:
    """Return the bytes of a copy, its texts aside: numbers take many times what they do as JSON."""
    size, left = 0, [copied]
    while left:
        value = left.pop()
        kind = type(value)
        if kind is str or value is None:
            continue
        size += getsizeof(value)
        if kind is dict:
            left += value.values()  # type: ignore[attr-defined]  # a dict
        elif kind is list or kind is tuple:
            left += value  # type: ignore[arg-type]  # one of two
    return size


def _is_text_block(block: object) -> bool:
    return type(block) is str or (type(block) is dict and block.get("type") == "text")


def _forget(owner: Callable[[], EncodedMessages | None], kept: _Kept) -> None:
    messages = owner()
    if messages is not None:
        messages.drop(kept.key)
