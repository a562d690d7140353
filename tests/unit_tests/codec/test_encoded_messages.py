"""What was written of a message is used again only where writing it anew would say the same."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import threading
import tracemalloc
import warnings
from enum import Enum
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_aimlapi import ChatAIMLGemini
from langchain_aimlapi._codec import encoded_messages
from langchain_aimlapi._codec.encoded_messages import NOTHING, EncodedMessages
from langchain_aimlapi._codec.request import _History, encode_messages, write_messages
from tests.answers import KEY, MODEL, model_of, served
from tests.fuzz.histories import LEAVES, Choices, history_of

_REMEDIES: list[list[Any]] = [
    [],
    ["bypass_signatures"],
    ["rename_references"],
    ["rename_calls", "rename_references"],
]
_FIELDS = ("content", "name", "additional_kwargs", "response_metadata", "tool_calls")
_MORE_FIELDS = (*_FIELDS, "invalid_tool_calls", "tool_call_id", "status")


def _canonical(value: Any) -> Any:
    """Return a value of JSON without the order of its keys, also inside of texts."""
    match value:
        case dict():
            return {key: _canonical(value[key]) for key in sorted(value)}
        case list():
            return [_canonical(member) for member in value]
        case str() if value[:1] == "{":
            try:
                return repr(_canonical(json.loads(value)))
            except ValueError:
                return value
        case _:
            return value


def _told(history: list[BaseMessage], known: EncodedMessages, **options: Any) -> str:
    """Return what is sent of a history, or why nothing is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            written = write_messages(history, known=known, **options)
    except ValueError as error:
        return str(error)
    except (TypeError, AttributeError, KeyError):
        return "no message any more"
    return json.dumps([_canonical(json.loads(written.text)), sorted(written.kinds)])


def _found(known: EncodedMessages, history: list[BaseMessage]) -> int:
    """Return how many of the first messages are known in one go."""
    beginning, texts = known.find_beginning(history, ("auto", frozenset[str]()))
    assert len(texts) <= len(beginning.kept)
    return len(beginning.kept)


def _agent(steps: int = 2) -> list[BaseMessage]:
    details = [{"type": "reasoning.encrypted", "data": "c2ln", "index": 0, "id": "call-0"}]
    call = {"name": "look", "args": {"where": {"x": 1, "ok": True}, "far": 0.0}}
    messages: list[BaseMessage] = [SystemMessage("Be kind."), HumanMessage("Go.")]
    for step in range(steps):
        messages += [
            AIMessage(
                "",
                tool_calls=[{**copy.deepcopy(call), "id": f"call-{step}", "type": "tool_call"}],
                additional_kwargs={"reasoning_details": copy.deepcopy(details)},
                response_metadata={"model_provider": "aimlapi", "finish_reason": "tool_calls"},
            ),
            ToolMessage('{"$ref": 1}', tool_call_id=f"call-{step}"),
        ]
    return messages


def _change(choices: Choices, message: BaseMessage) -> None:
    """Change a message in place, somewhere."""
    field = choices.of([name for name in _MORE_FIELDS if hasattr(message, name)])
    held = getattr(message, field)
    while isinstance(held, dict | list) and held:
        keys: list[Any] = [*held] if isinstance(held, dict) else [*range(len(held))]
        key = choices.of(keys)
        if isinstance(held[key], dict | list) and held[key] and choices.number(4):
            held = held[key]
            continue
        if choices.number(4):
            held[key] = choices.value(2)
        else:
            del held[key]
        return
    setattr(message, field, choices.of([*LEAVES[:6], held]))


@given(st.binary(max_size=60), st.binary(min_size=1, max_size=60), st.sampled_from(_REMEDIES))
def test_any_history_changed_in_any_way_is_written_as_if_nothing_was_known(
    data: bytes, changes: bytes, remedies: list[Any]
) -> None:
    history = history_of(data) or []
    history += _agent(1)
    known, choices = EncodedMessages(), Choices(changes)
    for _ in range(4):
        for given_remedies in (remedies, [], remedies):
            fresh = _told(history, EncodedMessages(), remedies=given_remedies)
            assert _told(history, known, remedies=given_remedies) == fresh
        try:
            _change(choices, choices.of(history))
        except (TypeError, ValueError, AttributeError):
            return  # langchain-core does not hold that


def _go_on(choices: Choices, history: list[BaseMessage]) -> None:
    """Let a conversation grow, shrink or become another one, in any place."""
    place = choices.number(len(history) + 1)
    match choices.number(8):
        case 0 | 1:
            history += _agent(3)[2 + 2 * choices.number(3) :]
        case 2:
            history[place:place] = [ToolMessage("Late.", tool_call_id=f"call-{choices.number(3)}")]
        case 3:
            unsigned = AIMessage("", tool_calls=[{"name": "look", "args": {}, "id": "call-1"}])
            others = [HumanMessage("And?"), unsigned, ChatMessage(content="Ho.", role="user")]
            history.insert(place, choices.of(others))
        case 4:
            picture = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
            history.insert(place, ToolMessage([picture], tool_call_id="call-1"))
        case 5:
            del history[place:]
        case 6:
            del history[place : place + 1]
        case _:
            _change(choices, choices.of(history))


@given(
    st.binary(min_size=1, max_size=80),
    st.sampled_from(_REMEDIES),
    st.sampled_from(["auto", "send", "skip"]),
)
def test_a_conversation_that_becomes_another_is_written_as_if_nothing_was_known(
    changes: bytes, remedies: list[Any], missing: Any
) -> None:
    known, choices, history = EncodedMessages(), Choices(changes), _agent(3)
    options: dict[str, Any] = {"remedies": remedies, "missing_signatures": missing}
    for _ in range(8):
        fresh = _told(history, EncodedMessages(), **options)
        assert [_told(history, known, **options) for _ in range(2)] == [fresh] * 2
        try:
            _go_on(choices, history)
        except (TypeError, ValueError, AttributeError):
            return  # langchain-core does not hold that
        history = history or _agent(1)


@pytest.mark.parametrize("missing", ["auto", "send", "skip"])
@pytest.mark.parametrize("remedies", _REMEDIES)
def test_what_is_written_is_what_is_encoded(missing: Any, remedies: list[Any]) -> None:
    history, known = [*_agent(3), HumanMessage("More."), *_agent(2)], EncodedMessages()
    encoded = encode_messages(history, missing_signatures=missing, remedies=remedies)
    for _ in range(2):
        written = write_messages(
            history, known=known, missing_signatures=missing, remedies=remedies
        )
        assert json.loads(written.text) == encoded
    assert len(known) == len(history)


def _set_where(message: Any, value: object) -> None:
    message.tool_calls[0]["args"]["where"]["x"] = value


@pytest.mark.parametrize("value", [1.0, True, "1", None, 2, [1]])
def test_a_number_of_another_type_is_another_number(value: object) -> None:
    history, known = _agent(1), EncodedMessages()
    write_messages(history, known=known)
    _set_where(history[2], value)
    arguments = json.loads(write_messages(history, known=known).text)[2]["tool_calls"][0]
    told = json.loads(arguments["function"]["arguments"])["where"]["x"]
    assert (type(told), told) == (type(value), value)


# What a program may set in place of a text, which langchain-core would make one.
Words = Enum("Words", {"GONE": "gone"}, type=str)


@pytest.mark.parametrize("status", ["error", "success"])
def test_an_enum_that_is_text_is_written_as_the_text_that_it_equals(status: Any) -> None:
    message = ToolMessage("gone", tool_call_id="call-0", status=status)
    known = EncodedMessages()
    before = write_messages([message], known=known).text
    message.content = cast("str", Words("gone"))
    assert write_messages([message], known=known).text == before
    assert write_messages([message], known=EncodedMessages()).text == before


def test_minus_zero_is_another_number_than_zero() -> None:
    history, known = _agent(1), EncodedMessages()
    assert b"-0.0" not in write_messages(history, known=known).text
    history[2].tool_calls[0]["args"]["far"] = -0.0  # type: ignore[attr-defined]
    assert b"-0.0" in write_messages(history, known=known).text


def test_a_tool_message_has_the_name_of_its_call_also_when_that_is_renamed() -> None:
    history, known = _agent(1), EncodedMessages()
    write_messages(history, known=known)
    history[2].tool_calls[0]["name"] = "see"  # type: ignore[attr-defined]
    assert json.loads(write_messages(history, known=known).text)[3]["name"] == "see"


def test_a_broken_call_is_answered_once_its_result_is_gone() -> None:
    broken = {"name": "look", "args": "{", "id": "call-9", "error": "cut"}
    details = [{"type": "reasoning.encrypted", "data": "c2ln", "index": 0, "id": "call-9"}]
    kwargs = {"reasoning_details": details, "signed_tool_calls": ["call-9"]}
    message = AIMessage(
        "",
        invalid_tool_calls=[{**broken, "type": "invalid_tool_call"}],
        additional_kwargs=kwargs,
        response_metadata={"model_provider": "aimlapi"},
    )
    result, known = ToolMessage("Sunny.", tool_call_id="call-9"), EncodedMessages()
    for rest in ([result], [], [HumanMessage("And?")], [result]):
        history = [HumanMessage("Go."), message, *rest]
        assert json.loads(write_messages(history, known=known).text) == encode_messages(history)


def test_results_of_old_functions_find_a_call_that_was_written_before() -> None:
    history = [*_agent(2), FunctionMessage(name="look", content="Sunny.")]
    known = EncodedMessages()
    for _ in range(2):
        assert json.loads(write_messages(history, known=known).text)[-1]["tool_call_id"] == "call-1"


def test_chunks_and_blocks_are_known_too_but_no_picture_of_a_tool_and_no_odd_value() -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
    text = {"type": "text", "text": "Hi"}
    odd = AIMessage("", additional_kwargs={"x": {1, 2}})
    numbered = AIMessage("", additional_kwargs={"x": {1: "a"}})
    taken: list[BaseMessage] = [
        AIMessageChunk(content="Hi"),
        HumanMessage([text, "Ho"]),
        HumanMessage([text, picture]),
        ToolMessage([text], tool_call_id="call-1"),
        AIMessage([text], response_metadata={"output_version": "v1"}),
    ]
    left: list[BaseMessage] = [
        HumanMessage([text, {"type": "media", "mime_type": "image/png", "data": b"png"}]),
        ToolMessage([picture], tool_call_id="call-1"),
        odd,
        numbered,
    ]
    known = EncodedMessages()
    written = write_messages([*taken, *left], known=known)
    assert written.kinds == ["text", "image_url"]
    assert len(known) == len(taken)
    assert write_messages([*taken, *left], known=known) == written


_DATA = "data:image/png;base64," + "iVBORw0KGgo" * 400_000


@pytest.mark.parametrize(
    "picture",
    [
        {"type": "image_url", "image_url": {"url": _DATA, "detail": "low"}},
        {"type": "image", "base64": _DATA[22:], "mime_type": "image/png"},
        {"type": "file", "file": {"file_data": _DATA, "filename": "x.png"}},
    ],
)
def test_a_picture_that_is_sent_again_is_written_once(picture: dict[str, Any]) -> None:
    known, message = EncodedMessages(), HumanMessage([picture, "What is it?"])
    first, again = (write_messages([message], known=known) for _ in range(2))
    assert first.texts[0] is again.texts[0]
    assert first.kinds == again.kinds
    assert len(first.kinds) == 2
    assert json.loads(first.text) == encode_messages([message])


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("image_url", "url"), "data:image/png;base64,iVBORw0KGgo="),
        (("image_url", "url"), 'data:image/png;base64,"\\\n\x00\x7f\u2028'),
        (("image_url", "detail"), "high"),
        (("cache_control",), {"type": "ephemeral"}),
        (("image_url",), "https://example.com/cat.png"),
    ],
)
def test_a_picture_that_is_changed_in_place_is_written_anew(
    place: tuple[str, ...], value: object
) -> None:
    picture: dict[str, Any] = {"type": "image_url", "image_url": {"url": _DATA, "detail": "low"}}
    known, message = EncodedMessages(), HumanMessage(["What is it?", picture])
    before = write_messages([message], known=known).text
    within: Any = message.content[1]  # langchain-core copies blocks
    for key in place[:-1]:
        within = within[key]
    within[place[-1]] = value
    after = write_messages([message], known=known).text
    assert after != before
    assert after == write_messages([message], known=EncodedMessages()).text
    assert json.loads(after) == encode_messages([message])


def test_a_picture_with_half_a_pair_is_refused_each_time() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,\ud83d"}}
    known = EncodedMessages()
    for _ in range(2):
        with pytest.raises(ValueError, match="half a surrogate pair"):
            write_messages([HumanMessage([picture])], known=known)


def test_pictures_are_bounded_too() -> None:
    data = "iVBORw0KGgo" * 500_000  # 5.5 MB
    urls = (f"data:image/png;base64,{data}{number:04}" for number in range(8))
    pictures = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    known, history = EncodedMessages(), [HumanMessage([picture]) for picture in pictures]
    for _ in range(2):
        assert len(write_messages(history, known=known).texts) == 8
    assert len(known) == 6
    huge = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data * 4}"}}
    write_messages([HumanMessage([huge])], known=known)
    assert len(known) == 6


@pytest.mark.parametrize("kind", [HumanMessage, SystemMessage, AIMessage, ToolMessage])
@pytest.mark.parametrize("odd", [None, 5, {"type": "text", "text": "a"}, b"x"])
def test_a_content_that_is_none_is_refused_in_words_each_time(kind: Any, odd: object) -> None:
    known, message = EncodedMessages(), kind("a", tool_call_id="call-1")
    for content in ("a", odd, odd):
        message.content = content
        if content != "a":
            with pytest.raises(ValueError, match="it must be text or a list of blocks"):
                write_messages([message], known=known)
        else:
            assert b'"content":"a"' in write_messages([message], known=known).text


class _Incomparable:
    """Raises so many times when it is compared."""

    __hash__ = None  # type: ignore[assignment]  # as Python has it

    def __init__(self, times: int) -> None:
        self.times = times

    def __eq__(self, other: object) -> bool:
        self.times -= 1
        if self.times >= 0:
            raise RuntimeError("of a handler")
        return False


def _asked(*, goes_on: bool) -> tuple[list[BaseMessage], dict[str, Any]]:
    """Return a conversation with a call, and the call's arguments."""
    call = {"name": "get", "args": {"a": 1}, "id": "c-1", "type": "tool_call"}
    message = AIMessage("", tool_calls=[call])
    rest = [AIMessage("b"), HumanMessage("c")] if goes_on else []
    history = [HumanMessage("q"), message, ToolMessage("r", tool_call_id="c-1"), *rest]
    return history, message.tool_calls[0]["args"]


@pytest.mark.parametrize("goes_on", [False, True])
def test_what_cannot_be_compared_is_refused_in_words(*, goes_on: bool) -> None:
    history, arguments = _asked(goes_on=goes_on)
    known = EncodedMessages()
    write_messages(history, known=known)
    arguments["a"] = _Incomparable(times=9)
    for _ in range(2):
        with pytest.raises(ValueError, match="arguments of tool call 'get' cannot be written"):
            write_messages(history, known=known)


@pytest.mark.parametrize("goes_on", [False, True])
def test_what_a_signals_handler_raises_meanwhile_is_not_lost(*, goes_on: bool) -> None:
    history, arguments = _asked(goes_on=goes_on)
    known = EncodedMessages()
    write_messages(history, known=known)
    arguments["a"] = _Incomparable(times=1)
    with pytest.raises(RuntimeError, match="of a handler"):
        write_messages(history, known=known)


class _Mine(HumanMessage):
    pass


class _AlsoMine(AIMessage):
    pass


def test_a_class_of_the_users_own_may_have_more_to_it_and_is_written_anew() -> None:
    known, message = EncodedMessages(), _Mine(content="Hi")
    assert write_messages([message], known=known).text == b'[{"role":"user","content":"Hi"}]'
    assert len(known) == 0


def test_what_cannot_be_sent_is_refused_each_time() -> None:
    history, known = [HumanMessage("fine"), HumanMessage("a\ud83d")], EncodedMessages()
    for _ in range(2):
        with pytest.raises(ValueError, match=r"message 1 \(user\)"):
            write_messages(history, known=known)


@pytest.mark.parametrize("late", [True, False])
def test_what_the_models_next_message_settles_is_settled_by_nothing_else(*, late: bool) -> None:
    begin, known = _agent(2), EncodedMessages()
    begin[2].tool_calls.append(  # type: ignore[attr-defined]
        {"name": "look", "args": {}, "id": "call-9", "type": "tool_call"}
    )
    write_messages(begin[:4], known=known)  # one call is not answered yet
    result = [ToolMessage("Late.", tool_call_id="call-9")] if late else []
    for history in (
        [*begin[:4], *result, *begin[4:]],
        [*begin[:4], HumanMessage("Go on."), *result],
    ):
        written = [json.loads(write_messages(history, known=known).text) for _ in range(3)]
        assert written == [encode_messages(history)] * 3


def test_a_turn_that_is_over_is_written_without_the_value_that_it_had_as_the_current_one() -> None:
    remedies: list[Any] = ["bypass_signatures"]
    history, known = _agent(3), EncodedMessages()
    for message in history[2::2]:
        message.additional_kwargs.clear()
    for rest in ([], [HumanMessage("More."), *_agent(1)[2:]], []):
        history += rest
        written = [write_messages(history, known=known, remedies=remedies).text for _ in range(2)]
        assert [json.loads(text) for text in written] == [
            encode_messages(history, remedies=remedies)
        ] * 2


@pytest.mark.parametrize("steps", [3, 30])
def test_the_beginning_of_a_conversation_is_found_in_one_go_also_in_a_new_list(steps: int) -> None:
    known, history = EncodedMessages(), _agent(steps)
    for _ in range(2):
        write_messages(history, known=known)
        # All before the model's last message, which its own result might still follow.
        assert _found(known, [*history]) == len(history) - 2
        assert _found(known, history[:-2]) == 0
        assert _found(known, []) == 0
        history += _agent(1)[2:]
    history[-1] = HumanMessage("\ud83d")  # half a pair: the error names its place
    assert _told(history, known) == _told(history, EncodedMessages())
    picture = {"type": "media", "mime_type": "image/png", "data": b"png"}
    history[-2:] = [HumanMessage([picture]), *_agent(2)[2:]]
    for _ in range(2):
        write_messages(history, known=known)
        assert _found(known, history) == len(history) - 7
    history[1].content = "Stop."
    assert _found(known, history) == 0
    del history[0]
    assert _found(known, history) == 0


def test_a_message_of_another_class_that_says_the_same_is_another_message() -> None:
    known, history = EncodedMessages(), _agent(3)
    write_messages(history, known=known)
    history[2] = _AlsoMine.model_validate(history[2].model_dump())
    assert _found(known, history) == 0
    assert json.loads(write_messages(history, known=known).text) == encode_messages(history)


def test_a_result_far_behind_its_call_has_the_name_that_was_called_last() -> None:
    history, known = _agent(3), EncodedMessages()
    for step, name in enumerate(("look", "see", "watch")):
        call = history[2 + 2 * step].tool_calls[0]  # type: ignore[attr-defined]
        call["name"], call["id"] = name, "call-0" if step < 2 else "call-2"
        history[3 + 2 * step].tool_call_id = call["id"]  # type: ignore[attr-defined]
    write_messages(history, known=known)
    assert _found(known, history) == 6
    history += [
        *(ToolMessage("Late.", tool_call_id=call) for call in ("call-0", "call-9", "call-2")),
        FunctionMessage(name="see", content="Old."),
    ]
    told = json.loads(write_messages(history, known=known).text)
    assert told == encode_messages(history)
    assert [message.get("name") for message in told[-4:]] == ["see", None, "watch", "see"]


def test_what_another_thread_wrote_in_another_way_meanwhile_is_not_taken_for_ours() -> None:
    known, history = EncodedMessages(), _agent(3)
    settings = ("auto", frozenset[str]())
    remedies: list[Any] = ["rename_references"]
    ours = [*_History(history, "auto", (), behind=NOTHING).encoded(known)]
    other = write_messages(history, known=known, remedies=remedies).text
    known.keep_beginning(history, settings, found=NOTHING, settled=history[:-2], written=ours)
    assert _found(known, history) == 0
    assert write_messages(history, known=known).text != other
    assert write_messages(history, known=known, remedies=remedies).text == other


def test_what_another_thread_drops_meanwhile_is_not_found() -> None:
    known, history = EncodedMessages(), _agent(3)
    write_messages(history, known=known)
    beginning, texts = known.find_beginning(history, ("auto", frozenset[str]()))
    assert beginning.texts(history) == texts
    copied = beginning.kept[3].copy
    known.drop(id(history[3]))
    assert beginning.texts(history) is None
    beginning.kept[3].copy = copied  # between two steps of dropping it
    assert beginning.texts(history) is None


def test_nothing_is_kept_of_a_message_that_is_no_more() -> None:
    known, history = EncodedMessages(), _agent(3)
    write_messages(history, known=known)
    del history[3:]
    gc.collect()
    known.drop(-1)  # another thread was faster
    assert len(known) == len(history) == 3
    held = [*known._kept.values()]
    del known
    history.clear()  # with nobody left to tell
    assert all(kept() is None for kept in held)


def _texts(letter: str, count: int) -> list[BaseMessage]:
    """Return messages of 1,000 letters."""
    return [HumanMessage(letter * 1_000) for _ in range(count)]


def test_of_a_conversation_that_only_begins_nothing_small_is_kept() -> None:
    known, question = EncodedMessages(), [SystemMessage("Be brief."), HumanMessage("Hello")]
    write_messages(question, known=known)
    assert len(known) == 0
    write_messages([*question, answer := AIMessage("Hi")], known=known)
    assert known.find(answer, (None, None)) is not None
    assert len(known) == 3
    picture = HumanMessage("x" * 100_000)
    write_messages([picture], known=known)
    assert known.find(picture, ()) is not None


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded_messages, "_MOST", 100_000)
    monkeypatch.setattr(encoded_messages, "_MOST_OF_ONE", 20_000)
    known, history = EncodedMessages(), [*_texts("x", 100), AIMessage("yes")]
    texts = {write_messages(history, known=known).text for _ in range(3)}
    assert len(texts) == 1
    assert 10 < len(known) < 50
    before = len(known)
    write_messages([HumanMessage("x" * 20_000), history[-1]], known=known)
    assert len(known) == before


@pytest.mark.parametrize("place", [1, 3])
def test_a_message_that_is_too_large_to_be_kept_is_written_each_time(
    monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    monkeypatch.setattr(encoded_messages, "_MOST_OF_ONE", 20_000)
    known, history = EncodedMessages(), _agent(3)
    history[place].content = "x" * 20_000
    for _ in range(2):
        written = write_messages(history, known=known).text
        assert json.loads(written) == encode_messages(history)
    assert len(known) == len(history) - 1


def test_of_a_history_that_is_too_large_the_beginning_stays_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(encoded_messages, "_MOST", 100_000)
    known, large = EncodedMessages(), [*_texts("x", 100), AIMessage("yes")]
    for _ in range(3):
        write_messages(large, known=known)
        assert [known.find(message, ()) is not None for message in large[:20]] == [True] * 20
    other = [*_texts("y", 20), AIMessage("yes")]
    for _ in range(4):
        write_messages(other, known=known)
    # What is used no longer has made room for what is.
    assert [known.find(message, ()) is not None for message in other[:20]] == [True] * 20


def test_the_beginning_of_a_conversation_that_goes_on_is_not_what_makes_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(encoded_messages, "_MOST", 60_000)
    known, history = EncodedMessages(), _agent(4)
    others = [[*_texts("x", 4), AIMessage("yes")] for _ in range(8)]
    write_messages(history, known=known)
    for other in others:
        assert _found(known, history) == len(history) - 2
        write_messages(history, known=known)
        write_messages(other, known=known)
    assert len(known) < len(history) + 4 * len(others)


@pytest.mark.parametrize("value", [7, True, 0.5, [], {}, {"a": 1}, ["a", [None]]])
def test_what_is_kept_is_bounded_in_memory_whatever_messages_are_made_of(
    monkeypatch: pytest.MonkeyPatch, value: object
) -> None:
    monkeypatch.setattr(encoded_messages, "_MOST", 300_000)
    history: list[BaseMessage] = [HumanMessage("Go.")]
    for number in range(40):
        args = {"values": [copy.copy(value) for _ in range(100)]}
        call = {"name": "look", "id": f"call-{number}", "args": args}
        # What is copied, whether it is sent or not.
        history.append(AIMessage("", tool_calls=[call], additional_kwargs={"parsed": args}))
    known = EncodedMessages()
    tracemalloc.start()
    try:
        write_messages(history, known=known)
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(known) > 3
    assert held < 500_000


def test_a_copy_of_a_model_knows_nothing_and_writes_the_same() -> None:
    known, history = EncodedMessages(), _agent()
    text = write_messages(history, known=known).text
    for other in (copy.deepcopy(known), pickle.loads(pickle.dumps(known))):
        assert len(other) == 0
        assert write_messages(history, known=other).text == text


def test_threads_may_write_the_same_history_at_once() -> None:
    known, history, texts = EncodedMessages(), _agent(20), list[bytes]()

    def write() -> None:
        texts.extend(write_messages(history, known=known).text for _ in range(20))

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(texts) == 160
    assert len(set(texts)) == 1


def test_a_model_sends_what_a_message_says_now() -> None:
    there = served({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]})
    model, history = model_of(there), _agent(1)
    for city in ("Oslo", "Bergen"):
        _set_where(history[2], city)
        model.invoke(history)
    calls = [body["messages"][2]["tool_calls"][0]["function"] for body in there.bodies]
    sent = [json.loads(call["arguments"])["where"]["x"] for call in calls]
    assert sent == ["Oslo", "Bergen"]
    assert len(model._known) == len(history)
    assert len(pickle.loads(pickle.dumps(ChatAIMLGemini(model=MODEL, api_key=KEY)))._known) == 0
