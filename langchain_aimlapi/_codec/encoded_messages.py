"""Messages as they were written last: a step of an agent writes what is new, not its whole history.

A message is known by its identity, and it may be changed in place at any time: its content, its
`additional_kwargs`, a tool call's arguments. So what was written of it is kept beside a copy of all
that the encoding reads of it, and used only where that is still equal. The copy shares the texts,
which cannot change, so that comparing costs a fourth of encoding, two fifths where there is only a
text. A number equals itself alone, as 1, 1.0 and `True` are three values of JSON. The order of
keys, which JSON does not know, is not looked at: what was sent before is what a provider's prompt
cache knows.

Messages are not held: what is kept of one goes when it does. Pictures and files that a user sends
are kept as others are, those of tools are not: they become part of another message. Of a
conversation in which the model has not spoken yet, nothing small is kept: most end with its answer.

Of a conversation that goes on, the beginning is looked at in one go (`find_beginning`). Up to the
model's last message, what messages are on the wire depends on nothing that may follow, so that each
need only say the same; and what is remembered of all of them together is not gathered again.
"""

from __future__ import annotations

import math
import weakref
from functools import partial
from operator import itemgetter
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
_MOST_OF_ONE = _MOST // 2  # a picture or two
_OVERHEAD = 2048
# Of a conversation that only begins: what is kept of it at least, in bytes.
_LARGE = 64 * 1024
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

    __slots__ = (
        "about", "beginning", "copy", "encoded", "fields_of", "key", "kind", "size", "used"
    )  # fmt: skip

    about: Fields
    beginning: Beginning | None  # of the conversation that begins with this message
    copy: Fields
    encoded: EncodedMessage | None  # `None` once nothing is kept of it any more
    fields_of: Callable[[dict[str, Any]], Fields]
    key: int
    kind: type[BaseMessage]
    size: int
    used: int  # the number of the request that was written with it last


class Beginning(NamedTuple):
    """Messages of a conversation that are written as they will be, whatever follows.

    Attributes:
        settings: What the whole request's encoding depends on besides its messages.
        kept: What is kept of each.
        called: Names of the functions that they call, by the call's id, of each that calls.
        kinds: Types of the parts of its user messages, each once.
        on_wire: How many messages of the wire they are.
        sent: How many texts, without empty ones.
    """

    settings: object
    kept: list[_Kept]
    called: list[Mapping[str, str]]
    kinds: tuple[str, ...]
    on_wire: int
    sent: int

    def texts(self, messages: Sequence[BaseMessage]) -> list[bytes] | None:
        """Return what is sent of these messages, if they say what they said."""
        try:
            for kept, message in zip(self.kept, messages, strict=False):
                if type(message) is not kept.kind or kept.fields_of(message.__dict__) != kept.copy:
                    return None
        except Exception:
            if _are_comparable(self.kept, messages):
                raise  # of a signal's handler
            return None
        # Another thread may have dropped one meanwhile.
        texts = [each.text for kept in self.kept if (each := kept.encoded) and each.text]
        return texts if len(texts) == self.sent else None


NOTHING = Beginning(None, [], [], (), 0, 0)


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
        try:
            if kept() is not message or kept.fields_of(message.__dict__) != kept.copy:
                return None
        except Exception:
            if _are_comparable([kept], [message]):
                raise  # of a signal's handler
            return None
        kept.used = self._request
        return encoded

    def find_beginning(
        self, messages: Sequence[BaseMessage], settings: object
    ) -> tuple[Beginning, list[bytes]]:
        """Return what the first messages are on the wire, as far as that is settled and known.

        Args:
            messages: The conversation.
            settings: What the encoding depends on besides.

        Returns:
            What is remembered of them, and the text of each that is sent.
        """
        first = self._kept.get(id(messages[_place_of_first(messages)])) if messages else None
        beginning = first and first.beginning
        if first is None or not beginning or beginning.settings != settings:
            return NOTHING, []
        end = len(beginning.kept)
        # What precedes one of the model's messages cannot be changed by anything behind it.
        if len(messages) <= end or not isinstance(messages[end], AIMessage):
            return NOTHING, []
        texts = beginning.texts(messages)
        if texts is None:
            return NOTHING, []
        first.used = self._request
        return beginning, texts

    def keep_beginning(
        self,
        messages: Sequence[BaseMessage],
        settings: object,
        *,
        found: Beginning,
        settled: Sequence[BaseMessage],
        written: Sequence[EncodedMessage],
    ) -> None:
        """Remember what the first messages are, if something is kept of each.

        Args:
            messages: The conversation.
            settings: See `find_beginning`.
            found: What was found of it.
            settled: Messages behind that, up to one of the model's.
            written: What each of them is, and what follows.
        """
        first = self._kept.get(id(messages[_place_of_first(messages)]))
        if first is None:
            return
        kept, called, kinds = [*found.kept], [*found.called], [*found.kinds]
        on_wire, sent = found.on_wire, found.sent
        for message, encoded in zip(settled, written, strict=False):
            each = self._kept.get(id(message))
            # Another thread may have written the message in another way meanwhile.
            if each is None or each.encoded is not encoded:
                return
            kept.append(each)
            called += [encoded.names] if encoded.names else []
            kinds += encoded.kinds
            on_wire, sent = on_wire + encoded.count, sent + bool(encoded.text)
        once = tuple(dict.fromkeys(kinds))
        first.beginning = Beginning(settings, kept, called, once, on_wire, sent)

    def keep(
        self,
        message: BaseMessage,
        about: Fields,
        fields: Fields,
        encoded: EncodedMessage,
        *,
        goes_on: bool,
    ) -> None:
        """Keep what was written of a message.

        Args:
            message: The message.
            about: What its encoding depends on besides, see `find`.
            fields: A copy of its fields from before it was encoded, see `copy_of`.
            encoded: With its text.
            goes_on: Whether the model has spoken yet in its conversation. Most end with the first
                answer, and keeping a short text costs as much as writing it.
        """
        if not goes_on and len(encoded.text or b"") < _LARGE:
            return
        size = _OVERHEAD + len(encoded.text or b"") + _size_of(fields)
        if size > _MOST_OF_ONE:
            return
        kept = _Kept(message, self._forget)
        kept.copy, kept.encoded, kept.key, kept.size = fields, encoded, id(message), size
        kept.about, kept.fields_of, kept.kind = about, _reader_of(message), type(message)
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
            # A beginning is used with its first message; another thread may drop it meanwhile.
            for each in (kept.beginning or NOTHING).kept:
                each.used = max(each.used, kept.used)
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


_own_fields = itemgetter("content", "additional_kwargs", "tool_calls", "invalid_tool_calls", "name")
_tool_fields = itemgetter("content", "tool_call_id", "status", "name")
_text_fields = itemgetter("content", "name")


def _assistant_fields(fields: dict[str, Any]) -> Fields:
    get = fields["response_metadata"].get
    told = get("model_provider"), get("finish_reason"), get("output_version")
    return _own_fields(fields) + told  # type: ignore[no-any-return]  # a tuple of its fields


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
        if kind in TOOL and type(content) is list and not all(map(_is_text_block, content)):
            return None
    fields = _reader_of(message)(message.__dict__)
    if _IMMUTABLE.issuperset(map(type, fields)):
        return fields
    try:
        return tuple(_copied([*fields]))
    except (TypeError, RecursionError):
        return None


class _Same:
    """Equals one object alone: of numbers, equal ones may be written in other ways."""

    __slots__ = ("value",)

    __hash__ = None  # type: ignore[assignment]  # as Python has it

    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return other is self.value


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
    if kind is int or kind is bool or (kind is float and math.isfinite(value)):
        return _Same(value)
    raise TypeError


def _are_comparable(kept: Sequence[_Kept], messages: Sequence[BaseMessage]) -> bool:
    """Tell whether messages let themselves be compared: an array, put there in place, does not.

    Nor can that be sent, which is told in words when it is encoded.
    """
    try:
        for each, message in zip(kept, messages, strict=False):
            _ = each.fields_of(message.__dict__) == each.copy
    except Exception:  # noqa: BLE001  of somebody else's objects
        return False
    return True


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
