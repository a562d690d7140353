"""Laws of the cassette file: exact bytes, readable text, frozen documents."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from langchain_aimlapi.testing._body_format import (
    Number,
    decode_body,
    encode_body,
    json_text,
    read_json,
    read_yaml,
    write_yaml,
)
from langchain_aimlapi.testing.serializer import age_in_days, deserialize, new_provenance, serialize
from tests.examples import examples

DOCUMENTED = Path(__file__).parents[3] / "cassettes" / "documented"

CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXTS = st.text(CHARACTERS) | st.text(" \t\r\n-:#'\"|>%@`\x85\u2028\ufeff\\é🙂a0", max_size=12)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
DUMPS: list[dict[str, Any]] = [
    {},
    {"ensure_ascii": False},
    {"separators": (",", ":")},
    {"separators": (",", ":"), "ensure_ascii": False},
    {"indent": 2},
    {"indent": 4, "ensure_ascii": False},
    {"indent": 3},
]
JSON_TEXTS = st.builds(lambda tree, how: json.dumps(tree, **how), JSON, st.sampled_from(DUMPS))
EVENTS = st.builds(
    lambda events, sep, tail: sep.join(events) + tail,
    st.lists(JSON_TEXTS.map("data: ".__add__) | st.just("data: [DONE]") | TEXTS.map(": ".__add__)),
    st.sampled_from(["\n\n", "\r\n\r\n", "\n"]),
    st.sampled_from(["", "\n", "\n\n", "\r\n\r\n"]),
)
BODIES = (
    st.binary()
    | TEXTS.map(str.encode)
    | JSON_TEXTS.map(str.encode)
    | st.builds(
        lambda text, tail: (text + tail).encode(), JSON_TEXTS, st.sampled_from(["\n", " \r\n"])
    )
    | EVENTS.map(str.encode)
)


def interaction(
    *, request: str | bytes | None = "{}", answer: bytes = b"{}", **response: Any
) -> dict[str, Any]:
    return {
        "request": {
            "method": "POST",
            "uri": "https://api.aimlapi.com/v1/chat/completions",
            "headers": {"Content-Type": ["application/json"]},
            "body": request,
        },
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {"Content-Type": ["application/json"]},
            "body": {"string": answer},
            **response,
        },
    }


def cassette(*interactions: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1, "interactions": list(interactions)}


@given(BODIES)
@example(b'{"cost":0.0000123,"n":1e5,"m":-0,"z":1.50}')
@example(b'{"cost":0.0000123,"n":1e5,"z":1.50}')
@example(b'{"a":1,"a":2}')
@example(b'{"half":"\\ud83d"}')
@example(b'{"nan":NaN}')
@example(b"[" * 70 + b"]" * 70)
@example(b"[" * 100_000)
@example(b'data: {"a":"\\ud83d"}\n\ndata: {"a":1}\n\ndata: {"a": 2}\n\n')
@example(b'{"text":"\\ttab \\n  spaces \\n"}')
@example(b'{"text":"\\n\\n"}')
@example(b"true")
@example(b'{"<<":{"=":1},"yes":"no","1":"2026-11-22"}')
def test_body_comes_back_byte_for_byte_from_the_file(body: bytes) -> None:
    readable = read_yaml(write_yaml(encode_body(body)))
    assert decode_body(readable) == body


@given(JSON)
def test_yaml_gives_back_any_json_tree(tree: Any) -> None:
    assert read_yaml(write_yaml(tree)) == tree


@examples(40)
@given(BODIES, BODIES)
def test_cassette_text_is_stable(request: bytes, answer: bytes) -> None:
    text = serialize(cassette(interaction(request=request, answer=answer)))
    assert serialize(deserialize(text)) == text


def test_json_body_is_a_tree_and_a_stream_a_list_of_events() -> None:
    stream = 'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n: comment\n\ndata: [DONE]\n\n'
    text = serialize(cassette(interaction(request='{"model":"m"}', answer=stream.encode())))
    assert "        model: m\n" in text
    assert "- data:\n          choices:\n          - delta:\n              content: Hi\n" in text
    assert "- 'data: [DONE]'" in text


def test_long_texts_are_blocks_in_which_each_line_stands_alone() -> None:
    body = json.dumps({"content": "one \n\ttwo\nthree " + "word " * 50}).encode()
    lines = serialize(cassette(interaction(answer=body))).splitlines()
    assert "          one " in lines
    assert "          \ttwo" in lines
    assert "          three " + "word " * 50 in lines


def test_number_keeps_its_digits_through_the_file() -> None:
    tree = read_yaml(write_yaml(read_json('{"cost":0.0000123}')))
    assert tree["cost"] == 1.23e-05
    assert json_text(tree, style="compact") == '{"cost":0.0000123}'


def test_number_survives_pickle_and_copy() -> None:
    import copy
    import pickle

    for twin in (copy.deepcopy(Number("1.50")), pickle.loads(pickle.dumps(Number("1.50")))):
        assert twin.literal == "1.50"


def test_foreign_yaml_numbers_are_plain_floats() -> None:
    assert read_yaml("[.inf, 1_0.5]") == [float("inf"), 10.5]


def test_unknown_style_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="unknown JSON style 'tabs'"):
        json_text({}, style="tabs")


def test_unknown_body_form_is_an_error_that_names_its_keys() -> None:
    with pytest.raises(ValueError, match=r"keys \['base64'\]"):
        decode_body({"base64": "aGk="})


def test_cassettes_of_vcrpy_itself_are_read() -> None:
    text = (
        "version: 1\ninteractions:\n- request: {method: GET, uri: 'https://h/p', body: null,"
        " headers: {}}\n  response: {status: {code: 200, message: OK}, headers: {},"
        " body: {string: !!binary aGk=}}\n"
    )
    [played] = deserialize(text)["interactions"]
    assert played["request"]["body"] is None
    assert played["response"]["body"] == {"string": b"hi"}


@pytest.mark.parametrize(
    "text",
    ["[1, 2", "[]", "just words", "interactions: [{request: 1}]", "a: !!python/object/new:os.x []"],
)
def test_what_is_no_cassette_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a (YAML|cassette)"):
        deserialize(text)


@pytest.mark.parametrize(
    ("uri", "headers", "kind"),
    [
        ("https://api.aimlapi.com/v1/chat/completions", {}, "live"),
        ("http://127.0.0.1:4000/v1/chat/completions", {"X-Standin": ["1"]}, "stand-in"),
        ("https://example.com/v1/chat/completions", {}, "other"),
    ],
)
def test_provenance_says_who_answered(uri: str, headers: dict[str, Any], kind: str) -> None:
    recorded = interaction(headers=headers)
    recorded["request"]["uri"] = uri
    [played] = deserialize(serialize(cassette(recorded)))["interactions"]
    assert played["response"]["provenance"]["kind"] == kind


def test_date_of_a_recording_is_that_of_the_answer() -> None:
    provenance = new_provenance(
        "https://api.aimlapi.com/v1", headers={"Date": ["Sun, 22 Nov 2026 01:02:03 GMT"]}, now=None
    )
    assert provenance["recorded_at"] == "2026-11-22T01:02:03+00:00"
    assert provenance["origin"] == "https://api.aimlapi.com"


def test_provenance_that_is_there_stays() -> None:
    given_before = {"kind": "documented", "source": "a page"}
    text = serialize(cassette(interaction(provenance=given_before)))
    [played] = deserialize(text)["interactions"]
    assert played["response"]["provenance"] == given_before


def test_age_counts_whole_days() -> None:
    from datetime import UTC, datetime

    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert age_in_days({"recorded_at": "2026-11-20T12:00:00+00:00"}, now=now) == 1
    assert age_in_days({"recorded_at": "2026-11-20"}, now=now) == 2
    assert age_in_days({"recorded_at": "long ago"}, now=now) is None
    assert age_in_days({}, now=now) is None


@pytest.mark.parametrize(
    ("name", "file_digest", "body_digest"),
    [
        (
            "gemini-3-pro-preview",
            "5d969195b6840c2fdbb4646452a312e194f3dfbf084b8b34f4feea6a492fec89",
            "390acda8f54780f82f156a514776f25a5b24768f82a4a8ac652b10d535762c6a",
        ),
        (
            "gemini-3-flash-preview",
            "f692ba30ea05469b79f2eaf90f495ef75ded66cd512e422bfbb63a9265fafba1",
            "c32b9d114cab71187da98c86e2ee9fc59361b434189d2664f0c27b4414da6aeb",
        ),
    ],
)
def test_documented_cassettes_are_frozen(name: str, file_digest: str, body_digest: str) -> None:
    data = (DOCUMENTED / f"{name}.yaml").read_bytes()
    assert hashlib.sha256(data).hexdigest() == file_digest
    [played] = deserialize(data.decode())["interactions"]
    assert hashlib.sha256(played["response"]["body"]["string"]).hexdigest() == body_digest
    assert played["response"]["provenance"]["sha256"] == body_digest
    assert serialize(deserialize(data.decode())) == data.decode()


def test_reading_a_cassette_needs_none_of_the_extra() -> None:
    code = (
        "import sys; from langchain_aimlapi.testing.serializer import deserialize;"
        "print([m for m in ('vcr', 'pytest', 'httpx', 'starlette', 'uvicorn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
