"""What each role may say, of blocks of every origin; what an answer says, of any JSON."""

import json
import warnings
from collections.abc import Callable
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage
from langchain_core.messages.content import Citation

from langchain_aimlapi._codec.content import (
    citations,
    encode_assistant_content,
    encode_system_content,
    encode_tool_content,
    encode_user_content,
    read_text,
    split_tool_results,
)

FLASH = "google/gemini-3-flash-preview"
LITE = "google/gemini-3-1-flash-lite"  # its schema lists every kind of part
CACHE = {"type": "ephemeral", "ttl": "5m"}
PNG = "iVBORw0KGgoAAAA="
PNG_PART = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
PICTURE = {"type": "image", "base64": PNG, "mime_type": "image/png"}
PDF = {"type": "file", "base64": "JVBERi0x", "mime_type": "application/pdf"}
PDF_PART = {
    "type": "file",
    "file": {"filename": "file.pdf", "file_data": "data:application/pdf;base64,JVBERi0x"},
}
SIGNATURE = "s" * 1_000

THOUGHTS: list[dict[str, Any]] = [
    {"type": "reasoning", "reasoning": "hm", "extras": {"signature": SIGNATURE}},
    {"type": "thinking", "thinking": "hm", "signature": SIGNATURE},
    {"type": "redacted_thinking", "data": SIGNATURE},
    {"type": "function_call_signature", "signature": SIGNATURE, "index": 0},
]
STEPS: list[dict[str, Any]] = [
    {"type": "tool_use", "id": "c", "name": "f", "input": {}},
    {"type": "tool_call", "id": "c", "name": "f", "args": {}},
    {"type": "tool_call_chunk", "id": "c", "name": "f", "args": ""},
    {"type": "invalid_tool_call", "id": "c", "name": "f", "args": "{", "error": None},
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    {"type": "server_tool_call", "id": "c", "name": "f", "args": {}},
    {"type": "server_tool_call_chunk", "id": "c", "name": "f", "args": ""},
    {"type": "server_tool_result", "tool_call_id": "c", "status": "success"},
    {"type": "server_tool_use", "id": "c", "name": "f", "input": {}},
    {"type": "web_search_tool_result", "tool_use_id": "c", "content": []},
    {"type": "web_search_call", "id": "c"},
    {"type": "executable_code", "executable_code": "1", "language": "PYTHON"},
    {"type": "code_execution_result", "code_execution_result": "1"},
    {"type": "non_standard", "value": {"x": 1}},
]

TEXTS: list[tuple[Any, str]] = [
    ("bare", "bare"),
    ({"type": "text", "text": "x", "id": "lc_1", "index": 0, "annotations": [], "extras": {}}, "x"),
    ({"text": "x"}, "x"),
    ({"type": "text", "text": ""}, ""),
    ({"type": "output_text", "text": "x"}, "x"),
    ({"type": "text-plain", "text": "x", "mime_type": "text/plain"}, "x"),
    ({"type": "text-plain", "text": "x", "title": "T", "context": "C"}, "T\n\nC\n\nx"),
    ({"type": "file", "source_type": "text", "url": "x", "mime_type": "text/plain"}, "x"),
    ({"type": "document", "source": {"type": "text", "data": "x"}, "title": "T"}, "T\n\nx"),
    ({"type": "refusal", "refusal": "no"}, "no"),
]


ROLES: list[Callable[[Any], Any]] = [
    encode_user_content,
    encode_system_content,
    encode_assistant_content,
    lambda content: encode_tool_content(content)[0],
]


@pytest.mark.parametrize("encode", ROLES)
@pytest.mark.parametrize("text", ["", "hi", "läuft 你好"])
def test_plain_text_stays_the_very_same_object(encode: Callable[[Any], Any], text: str) -> None:
    assert encode(text) is text


@pytest.mark.parametrize("encode", ROLES)
def test_no_blocks_are_an_empty_text(encode: Callable[[Any], Any]) -> None:
    assert encode([]) == ""


@pytest.mark.parametrize(("block", "text"), TEXTS)
def test_a_text_block_is_sent_as_its_text_alone(block: Any, text: str) -> None:
    part = {"type": "text", "text": text}
    assert encode_user_content([block]) == [part]
    assert encode_system_content([block]) == [part]
    assert encode_assistant_content([block]) == text
    assert encode_tool_content([block]) == (text, [])


def test_cache_marks_stay_on_parts_wherever_they_were_put() -> None:
    marked = {"type": "text", "text": "x", "cache_control": CACHE}
    extra = {"type": "text", "text": "x", "extras": {"cache_control": CACHE, "other": 1}}
    for encoded in (
        encode_user_content([marked, extra]),
        encode_system_content([marked, extra]),
    ):
        assert encoded == [marked, marked]
    picture = PICTURE | {"cache_control": CACHE}
    assert encode_user_content([picture]) == [PNG_PART | {"cache_control": CACHE}]
    assert encode_tool_content([picture])[1] == [PNG_PART | {"cache_control": CACHE}]


def test_user_parts_keep_their_order() -> None:
    assert encode_user_content(["a", PICTURE, PDF, "b"]) == [
        {"type": "text", "text": "a"},
        PNG_PART,
        PDF_PART,
        {"type": "text", "text": "b"},
    ]


def test_a_document_of_blocks_is_sent_as_its_blocks() -> None:
    document = {
        "type": "document",
        "source": {"type": "content", "content": [{"type": "text", "text": "x"}, PICTURE]},
        "title": "T",
        "context": "C",
    }
    texts = [{"type": "text", "text": text} for text in ("T", "C", "x")]
    assert encode_user_content([document]) == [*texts, PNG_PART]
    one_text = {"type": "document", "source": {"type": "content", "content": "x"}}
    assert encode_user_content([one_text]) == [texts[2]]
    found = {"type": "search_result", "source": "C", "title": "T", "content": [texts[2]]}
    assert encode_user_content([found]) == texts


def test_the_context_of_a_file_is_said_before_it() -> None:
    document = {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"},
        "title": "file.pdf",
        "context": "C",
    }
    assert encode_user_content([document]) == [{"type": "text", "text": "C"}, PDF_PART]


@pytest.mark.parametrize("thought", THOUGHTS)
def test_thoughts_are_no_content_for_any_role_that_may_be_handed_them(
    thought: dict[str, Any],
) -> None:
    blocks = [thought, {"type": "text", "text": "x"}]
    assert encode_user_content(blocks) == [{"type": "text", "text": "x"}]
    assert encode_user_content([thought]) == ""
    assert encode_assistant_content(blocks) == "x"
    assert encode_tool_content(blocks) == ("x", [])


@pytest.mark.parametrize("step", STEPS)
def test_steps_of_an_assistant_are_not_its_text(step: dict[str, Any]) -> None:
    assert encode_assistant_content(["a", step, {"type": "text", "text": "b"}]) == "ab"


@pytest.mark.parametrize(
    "block",
    [
        *STEPS,
        {"type": "tool_result", "tool_use_id": "c", "content": "x"},
        {"type": "image"},
        {"type": "text"},
        {"type": "text", "text": 7},
        {"type": "guess", "text": "x"},
        {"type": None, "text": "x"},
        {"toolUse": {}},
        7,
        None,
    ],
)
def test_a_user_message_refuses_what_it_cannot_hold_by_its_type(block: Any) -> None:
    name = repr(block.get("type")) if isinstance(block, dict) else type(block).__name__
    with pytest.raises(ValueError, match=name):
        encode_user_content(["a", block])


@pytest.mark.parametrize("block", [PICTURE, PDF, *THOUGHTS, *STEPS, {"type": "guess"}, 7])
def test_a_system_message_refuses_all_but_text(block: Any) -> None:
    name = repr(block["type"]) if isinstance(block, dict) else "'int'"
    with pytest.raises(ValueError, match=f"{name}.*HumanMessage"):
        encode_system_content(["a", block])


@pytest.mark.parametrize("block", [PICTURE, PDF, {"type": "guess", "x": 1}, 7])
def test_what_an_assistant_message_has_no_room_for_is_left_out_with_one_warning(
    block: Any,
) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert encode_assistant_content(["a", block, "b"]) == "ab"
        assert encode_assistant_content([block]) == ""
    name = repr(block["type"]) if isinstance(block, dict) else "'int'"
    assert len(said) == 1
    assert name in str(said[0].message)


def test_assistant_text_reads_as_langchain_reads_it() -> None:
    message = AIMessage([*THOUGHTS, {"type": "text", "text": "a"}, *STEPS, "b"])
    assert encode_assistant_content(message.content) == str(message.text)


def test_media_of_a_tools_result_are_handed_out_in_order() -> None:
    text, media = encode_tool_content(["a", PICTURE, {"type": "text", "text": "b"}, PDF])
    assert text == "a\n[image_url: in the next user message]\nb\n[file: in the next user message]"
    assert media == [PNG_PART, PDF_PART]


@pytest.mark.parametrize(
    ("block", "value"),
    [
        ({"type": "json", "json": {"größe": [1, None]}}, {"größe": [1, None]}),
        ({"type": "json", "json": None}, None),
        ({"type": "table", "rows": [[1, 2]]}, {"type": "table", "rows": [[1, 2]]}),
        ({"type": "image", "size": 3}, {"type": "image", "size": 3}),
        ({"rows": 1}, {"rows": 1}),
        (7, 7),
        (None, None),
    ],
)
def test_other_results_are_sent_as_json(block: Any, value: Any) -> None:
    text, media = encode_tool_content([block])
    assert json.loads(text) == value
    assert "\\u" not in text
    assert media == []


def test_what_json_does_not_know_is_sent_as_it_prints() -> None:
    assert encode_tool_content([{"type": "x", "y": {1j}}])[0] == ('{"type": "x", "y": "{1j}"}')


def test_results_in_anthropics_form_are_taken_apart() -> None:
    inner = [{"type": "text", "text": "x"}, PICTURE]
    result = {"type": "tool_result", "tool_use_id": "c", "content": inner}
    text, media = encode_tool_content([result])
    assert text == "x\n[image_url: in the next user message]"
    assert media == [PNG_PART]
    failed = {"type": "tool_result", "tool_use_id": "c", "content": "x", "is_error": True}
    assert encode_tool_content([failed]) == ("Error:\nx", [])
    assert encode_tool_content([{"type": "tool_result", "tool_use_id": "c"}]) == (
        "",
        [],
    )


def test_a_medium_of_a_tool_that_cannot_be_sent_is_an_error() -> None:
    with pytest.raises(ValueError, match="'image'"):
        encode_tool_content([{"type": "image", "file_id": "f-1"}])


def test_tool_results_in_a_user_message_are_split_off() -> None:
    results = [
        {"type": "tool_result", "tool_use_id": name, "content": "x"} for name in ("c-1", "c-2")
    ]
    question = {"type": "text", "text": "and?"}
    assert split_tool_results([results[0], question, results[1]]) == (results, [question])


@pytest.mark.parametrize("content", ["x", [], ["x", PICTURE, 7, {"type": ["tool_result"]}]])
def test_content_without_tool_results_is_handed_back_as_it_is(content: Any) -> None:
    results, rest = split_tool_results(content)
    assert results == []
    assert rest is content


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, ""),
        ("", ""),
        ("x", "x"),
        (["a", {"type": "text", "text": "b"}, {"text": "c"}], "abc"),
        ([{"type": "reasoning", "text": "hm"}, {"type": "text", "text": None}, 7, ["x"]], ""),
        ({"text": "x"}, ""),
        (7, ""),
    ],
)
def test_text_of_an_answer(content: object, text: str) -> None:
    assert read_text(content) == text


@pytest.mark.parametrize("is_nested", [True, False])
def test_a_cited_page_becomes_a_standard_citation(*, is_nested: bool) -> None:
    fields = {
        "url": "https://example.org",
        "title": "T",
        "content": "said so",
        "start_index": 3,
        "end_index": 9,
        "rank": 1,
        "note": None,
    }
    wire = {"type": "url_citation"} | ({"url_citation": fields} if is_nested else fields)
    [citation] = citations([wire])
    assert citation == {
        "type": "citation",
        "url": "https://example.org",
        "title": "T",
        "cited_text": "said so",
        "start_index": 3,
        "end_index": 9,
        "extras": {"rank": 1},
    }
    assert set(citation) <= set(get_type_hints(Citation))


def test_a_cited_file_becomes_a_standard_citation() -> None:
    parsed = [{"type": "text", "text": "page 1"}]
    wire = {"type": "file", "file": {"hash": "h", "name": "a.pdf", "content": parsed}}
    assert citations([wire]) == [
        {"type": "citation", "title": "a.pdf", "extras": {"hash": "h", "content": parsed}}
    ]


def test_values_of_the_wrong_type_go_to_the_extras() -> None:
    wire = {"type": "url_citation", "url_citation": {"url": ["u"], "start_index": True}}
    assert citations([wire]) == [
        {"type": "citation", "extras": {"url": ["u"], "start_index": True}}
    ]


def test_other_annotations_are_kept_as_they_are() -> None:
    wire = {"type": "file_path", "file_id": "f-1"}
    assert citations([wire, 7]) == [{"type": "non_standard_annotation", "value": wire}]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "url_citation", "file", "url", "content"]),
            inner | st.sampled_from(["text", "url_citation", "file", "tool_result", "document"]),
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(JSON)
def test_reading_takes_any_json(value: Any) -> None:
    assert isinstance(read_text(value), str)
    assert read_text([value, "x"]).endswith("x")
    items = value if isinstance(value, list) else [value]
    assert len(citations(items)) == sum(isinstance(item, dict) for item in items)
    assert citations(None) == []


@given(st.lists(JSON, max_size=3))
def test_any_content_of_a_user_is_sent_or_refused_by_name(content: list[Any]) -> None:
    try:
        parts = encode_user_content(content)
    except ValueError as error:
        assert str(error).startswith("A content block of ")  # noqa: PT017 - either way is right
    else:
        assert parts == "" or all(isinstance(part["type"], str) for part in parts)  # type: ignore[index] # parts are dicts
