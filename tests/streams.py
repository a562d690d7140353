"""Random streams that say the same as a whole answer, cut into chunks and bytes at random."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st

from tests.wholes import answers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.wholes import Dialect, Json


def events_of(completion: Json, draw: st.DrawFn, *, is_mixed: bool = False) -> list[Json]:
    """Return the same answer as the chunks of a stream, in its own dialect, cut at random.

    Args:
        completion: What `answers` drew.
        draw: Hypothesis' own; it draws the fragments.
        is_mixed: Whether text, reasoning and tool calls come in any order; else reasoning, text,
            tool calls, as servers send them.
    """
    choice = completion["choices"][0]
    is_vertex = "provider" not in completion
    tracks = (
        _vertex_tracks(choice["message"], draw) if is_vertex else _tracks(choice["message"], draw)
    )
    deltas = _merged(tracks, draw) if is_mixed else [delta for track in tracks for delta in track]
    keys = ("id", "provider", "model", "created", "system_fingerprint")
    head = {key: completion[key] for key in keys if key in completion}
    head["object"] = "chat.completion.chunk"
    blank = {} if is_vertex else {"finish_reason": None, "native_finish_reason": None}
    chunks: list[Json] = [
        {**head, "choices": [{"index": 0, "delta": {"role": "assistant", **delta}, **blank}]}
        for delta in deltas
    ]
    ending = {k: choice[k] for k in ("finish_reason", "native_finish_reason") if k in choice}
    last = {"index": 0, "delta": {"role": "assistant", "content": ""}, **ending}
    is_shared = draw(st.booleans())
    if chunks and is_shared:  # text in the chunk that ends the answer
        last["delta"] = chunks.pop()["choices"][0]["delta"]
    chunks.append({**head, "choices": [last]})
    if is_vertex:
        return _on_last(chunks, completion)
    return chunks + _tail(completion, head, last, draw)


def _on_last(chunks: list[Json], completion: Json) -> list[Json]:
    """Vertex counts on the chunk that ends the answer."""
    extra = {key: completion[key] for key in ("usage", "meta") if key in completion}
    return [*chunks[:-1], {**chunks[-1], **extra}]


def _tail(completion: Json, head: Json, last: Json, draw: st.DrawFn) -> list[Json]:
    """The three forms of a usage chunk, then the cost in it or in a bare chunk of its own."""
    empty = {"role": "assistant", "content": ""}
    forms: list[list[Json]] = [
        [],
        [{"index": 0, "delta": empty, "finish_reason": None}],
        [{"index": 0, "delta": empty, "finish_reason": last["finish_reason"]}],
        [{"index": 0, "finish_reason": None}],
    ]
    choices = draw(st.sampled_from(forms))
    usage = {**head, "choices": choices, "usage": completion["usage"]}
    if "meta" not in completion:
        return [usage]
    if draw(st.booleans()):
        return [{**usage, "meta": completion["meta"]}]
    return [usage, {"meta": completion["meta"]}]


def _tracks(message: Json, draw: st.DrawFn) -> list[list[Json]]:
    text = [{"content": piece} for piece in _pieces(message["content"], draw)]
    more: list[Json] = [{"content": "", "annotations": [a]} for a in message.get("annotations", [])]
    if images := message.get("images"):
        more.append({"content": "", "images": images})
    if refusal := message.get("refusal"):
        more += [{"content": "", "refusal": piece} for piece in _pieces(refusal, draw)]
    return [_thoughts(message, draw), text, more, _openrouter_calls(message, draw)]


def _thoughts(message: Json, draw: st.DrawFn) -> list[Json]:
    if words := message.get("reasoning_content"):
        return [{"content": "", "reasoning_content": piece} for piece in _pieces(words, draw)]
    deltas: list[Json] = []
    for detail in message.get("reasoning_details", ()):
        for fragment in _fragments(detail, draw):
            delta: Json = {"content": "", "reasoning_details": [fragment]}
            if "reasoning" in message:
                delta["reasoning"] = fragment.get("text") or fragment.get("summary")
            deltas.append(delta)
    return deltas


def _fragments(detail: Json, draw: st.DrawFn) -> list[Json]:
    """A detail in fragments; its signature comes with the last text, or alone after it."""
    key = next((key for key in ("text", "summary", "data") if key in detail), None)
    if key is None:
        return [detail]
    rest = {name: value for name, value in detail.items() if name not in (key, "signature")}
    if key == "data":
        again = draw(st.integers(0, 5)) == 0  # a server that says it twice
        return [detail, detail] if again else [detail]
    fragments = [{**rest, key: piece} for piece in _pieces(detail[key], draw)]
    mark = {key: detail[key] for key in ("signature",) if key in detail}
    if mark.get("signature") and draw(st.booleans()):
        fragments[0]["signature"] = ""
        return [*fragments, {**rest, **mark}]
    return [*fragments[:-1], {**fragments[-1], **mark}]


def _openrouter_calls(message: Json, draw: st.DrawFn) -> list[Json]:
    calls = message.get("tool_calls", [])
    if calls and draw(st.booleans()):
        return [{"content": "", "tool_calls": calls}]
    repeats = draw(st.booleans())
    deltas = []
    for call in calls:
        name, whole = call["function"]["name"], call["function"].get("arguments")
        for number, piece in enumerate([whole] if whole is None else _pieces(whole, draw)):
            function: Json = {} if piece is None else {"arguments": piece}
            fragment: Json = {"index": call["index"], "function": function}
            if number == 0 or repeats:
                function["name"] = name
                fragment |= {"id": call["id"], "type": "function"}
            deltas.append({"content": "", "tool_calls": [fragment]})
    return deltas


def _vertex_tracks(message: Json, draw: st.DrawFn) -> list[list[Json]]:
    text: list[Json] = [{"content": piece} for piece in _pieces(message["content"], draw)]
    if extra := message.get("extra_content"):
        if draw(st.booleans()):
            text[0]["extra_content"] = extra
        else:
            text.append({"content": "", "extra_content": extra})
    return [text, _vertex_calls(message, draw)]


def _vertex_calls(message: Json, draw: st.DrawFn) -> list[Json]:
    """Each call whole without an index, or in fragments with wrong indexes, all of it repeated."""
    calls = message.get("tool_calls", [])
    if draw(st.booleans()):
        return [{"tool_calls": [call]} for call in calls]
    deltas = []
    for position, call in enumerate(calls):
        pieces = _pieces(call["function"].get("arguments", ""), draw)
        for number, piece in enumerate(pieces):
            index = (position + 1) % 2 if number == 0 else position % 2
            function = {"name": call["function"]["name"], "arguments": piece}
            fragment: Json = {"id": call["id"], "index": index, "function": function}
            if number == 0 and "extra_content" in call:
                fragment["extra_content"] = call["extra_content"]
            deltas.append({"tool_calls": [fragment]})
    return deltas


def _pieces(text: str, draw: st.DrawFn) -> list[str]:
    """Cut a text at random; never into nothing."""
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=3)))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def _merged(tracks: list[list[Json]], draw: st.DrawFn) -> list[Json]:
    """Mix tracks at random, each in its own order."""
    left = [list(track) for track in tracks if track]
    merged = []
    while left:
        track = left[draw(st.integers(0, len(left) - 1))]
        merged.append(track.pop(0))
        left = [one for one in left if one]
    return merged


class Streamed(NamedTuple):
    """An answer, whole and as the chunks of its stream."""

    completion: Json
    events: list[Json]


@st.composite
def streamed_answers(
    draw: st.DrawFn,
    *,
    dialect: Dialect | None = None,
    min_calls: int = 0,
    is_mixed: bool = False,
) -> Streamed:
    """Return an answer with its streamed form; see `answers`, `events_of`."""
    completion = draw(answers(dialect=dialect, min_calls=min_calls))
    return Streamed(completion, events_of(completion, draw, is_mixed=is_mixed))


def sse(
    events: Sequence[Any], *, newline: str = "\n", comment: str = "", is_done: bool = True
) -> bytes:
    """Return the bytes of a stream.

    Args:
        events: JSON values, one for each event.
        newline: How lines end.
        comment: Text of a comment before each event; none if empty.
        is_done: Whether `[DONE]` ends it.
    """
    said = f": {comment}{newline}{newline}" if comment else ""
    datas = [json.dumps(event, ensure_ascii=False) for event in events]
    datas += ["[DONE]"] if is_done else []
    return "".join(f"{said}data: {data}{newline}{newline}" for data in datas).encode()


def cuts(data: bytes, *, most: int = 12) -> st.SearchStrategy[list[bytes]]:
    """Return a strategy of the same bytes in blocks, cut anywhere, empty blocks included."""
    places = st.lists(st.integers(0, len(data)), max_size=most).map(sorted)
    return places.map(
        lambda at: [data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)]
    )
