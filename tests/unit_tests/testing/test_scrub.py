"""The law that no secret reaches a cassette, wherever it hides, and that the rest stays."""

import base64
import gzip
import itertools
import json
import os
import sys
import urllib.parse
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from langchain_aimlapi.testing._secrets import REDACTED, Secrets
from langchain_aimlapi.testing.scrub import REQUEST_HEADERS, RESPONSE_HEADERS
from langchain_aimlapi.testing.serializer import deserialize, serialize
from tests.examples import examples

KEYS = st.text("abcxyzABCXYZ0123456789-_./+=", min_size=12, max_size=48)
WORDS = st.text('abc \n\t"\\/é🙂{}', max_size=8)


def recorded() -> dict[str, Any]:
    return {
        "request": {
            "method": "POST",
            "uri": "https://api.aimlapi.com/v1/chat/completions",
            "headers": {"Authorization": ["Bearer something-else"]},
            "body": "{}",
        },
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {},
            "body": {"string": b"{}"},
        },
    }


def shown(interaction: dict[str, Any]) -> str:
    """Return what a reader of the file can see, raw and with every escape undone."""
    text = serialize({"version": 1, "interactions": [interaction]})
    [played] = deserialize(text)["interactions"]
    bodies = [played["request"]["body"] or b"", played["response"]["body"]["string"]]
    return "\n".join([text, repr(played), *(body.decode("latin-1") for body in bodies)])


def answer(interaction: dict[str, Any], body: bytes, **headers: str) -> None:
    interaction["response"]["body"]["string"] = body
    interaction["response"]["headers"] = {
        name.replace("_", "-"): [value] for name, value in headers.items()
    }


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(character):04X}" for character in text)


# Each place puts the key and some text around it into an interaction.
Place = Callable[[dict[str, Any], str, str], None]
PLACES: dict[str, Place] = {
    "bearer header": lambda i, k, _w: i["request"]["headers"].update(authorization=f"Bearer {k}"),
    "api key header": lambda i, k, _w: i["request"]["headers"].update({"X-API-Key": [k]}),
    "cookie": lambda i, k, _w: i["request"]["headers"].update({"Cookie": [f"a=1; session={k}"]}),
    "accept header": lambda i, k, _w: i["request"]["headers"].update({"Accept": [f"a/{k}"]}),
    "set-cookie": lambda i, k, _w: answer(i, b"{}", Set_Cookie=f"id={k}; Path=/"),
    "kept response header": lambda i, k, _w: answer(i, b"{}", Server=f"for {k}"),
    "request id header": lambda i, k, _w: answer(i, b"{}", X_Inference_Id=k),
    "query": lambda i, k, _w: i["request"].update(
        uri="https://h/v1?" + urllib.parse.urlencode({"q": k, "api_key": k})
    ),
    "path": lambda i, k, _w: i["request"].update(
        uri=f"https://h/{urllib.parse.quote(k, safe='')}/x"
    ),
    "user info": lambda i, k, _w: i["request"].update(uri=f"https://u:{k.replace('/', '_')}@h/v1"),
    "request body": lambda i, k, w: i["request"].update(body=json.dumps({"content": w + k + w})),
    "request member name": lambda i, k, w: i["request"].update(body=json.dumps({k: w})),
    "form": lambda i, k, _w: i["request"].update(body=urllib.parse.urlencode({"key": k})),
    "raw request": lambda i, k, w: i["request"].update(body=w + k + w),
    "status line": lambda i, k, _w: i["response"]["status"].update(message=f"No {k}"),
    "echoed answer": lambda i, k, w: answer(i, json.dumps({"content": w + k}).encode()),
    "error text": lambda i, k, w: answer(
        i, json.dumps({"error": {"message": f"{w}Incorrect API key provided: {k}."}}).encode()
    ),
    "JSON in JSON": lambda i, k, w: answer(
        i, json.dumps({"raw": json.dumps({"a": json.dumps({"key": k, "w": w})})}).encode()
    ),
    "unicode escapes": lambda i, k, _w: answer(i, f'{{"content": "{escaped(k)}"}}'.encode()),
    "escapes in a twice written member": lambda i, k, _w: answer(
        i, f'{{"a": "{escaped(k)}", "a": 1}}'.encode()
    ),
    "escaped slashes": lambda i, k, _w: answer(
        i, json.dumps({"a": k}).replace("/", "\\/").encode()
    ),
    "percent twice": lambda i, k, _w: answer(
        i, urllib.parse.quote(urllib.parse.quote(k, safe=""), safe="").encode()
    ),
    "base64": lambda i, k, w: answer(i, base64.b64encode((w + k).encode())),
    "basic authentication": lambda i, k, _w: answer(
        i, json.dumps({"sent": base64.b64encode(f"user:{k}".encode()).decode()}).encode()
    ),
    "hex": lambda i, k, _w: answer(i, k.encode().hex().encode()),
    "upper case": lambda i, k, _w: answer(i, k.upper().encode()),
    "binary": lambda i, k, _w: answer(i, b"\xff\xfe\x00" + k.encode()),
    "gzip": lambda i, k, _w: answer(i, gzip.compress(k.encode()), Content_Encoding="gzip"),
    "deflate": lambda i, k, _w: answer(i, zlib.compress(k.encode()), Content_Encoding="deflate"),
    "two codings": lambda i, k, _w: answer(
        i, gzip.compress(zlib.compress(k.encode())), Content_Encoding="deflate, gzip"
    ),
    "stream": lambda i, k, w: answer(i, stream([w + k, w])),
    "cut stream": lambda i, k, w: answer(i, stream([w + k])[:-8]),
    "stream comment": lambda i, k, _w: answer(i, f": {k}\n\ndata: [DONE]\n\n".encode()),
}


def stream(pieces: list[str]) -> bytes:
    events = [{"choices": [{"delta": {"content": piece}}]} for piece in pieces]
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=8)
@given(key=KEYS, words=WORDS)
@example(key="sk-0123456789abcdef", words="")
@example(key="0/+0=-_.aZ9/", words='"\\')
def test_key_in_force_never_reaches_the_file(place: str, key: str, words: str) -> None:
    interaction = recorded()
    PLACES[place](interaction, key, words)
    before = os.environ.get("AIMLAPI_API_KEY")
    os.environ["AIMLAPI_API_KEY"] = key
    try:
        text = shown(interaction).lower()
    finally:
        del os.environ["AIMLAPI_API_KEY"]
        if before is not None:
            os.environ["AIMLAPI_API_KEY"] = before
    spellings = [key, key.encode().hex(), urllib.parse.quote(key, safe=""), escaped(key)]
    spellings.append(base64.b64encode(key.encode())[: len(key) * 8 // 6].decode())
    assert [spelling for spelling in spellings if spelling.lower() in text] == []


@examples(30)
@given(
    key=KEYS,
    cuts=st.lists(st.integers(0, 60), max_size=6),
    before=st.text("abc \n\té🙂{}", max_size=8),
)
def test_key_cut_into_events_never_reaches_the_file(key: str, cuts: list[int], before: str) -> None:
    assume(len(set(key)) > 4)  # a shorter period may begin within the escape before it
    text = f"{before}{key} after"
    bounds = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    pieces = [text[start:end] for start, end in itertools.pairwise(bounds)]
    interaction = recorded()
    interaction["request"]["headers"]["Authorization"] = [f"Bearer {key}"]
    answer(interaction, stream(pieces))
    body = serialize({"version": 1, "interactions": [interaction]})
    [played] = deserialize(body)["interactions"]
    events = [
        json.loads(event.removeprefix("data: "))
        for event in played["response"]["body"]["string"].decode().split("\n\n")[:-1]
    ]
    joined = "".join(event["choices"][0]["delta"]["content"] for event in events)
    assert len(events) == len(pieces)
    assert joined == f"{before}{REDACTED} after"


@pytest.mark.parametrize("where", ["choices", "tool calls"])
def test_key_cut_into_events_that_take_turns_never_reaches_the_file(where: str) -> None:
    key = "3f2a9c0d4e5b6a7988776655443322ff"
    events = []
    for index, text in ((0, f"for {key[:10]}"), (1, "Hello"), (0, f"{key[10:]}.")):
        calls = [{"index": index, "function": {"arguments": text}}]
        choice = {"index": 0, "delta": {"tool_calls": calls}}
        if where == "choices":
            choice = {"index": index, "delta": {"content": text}}
        events.append(f"data: {json.dumps({'choices': [choice]})}\n\n")
    interaction = recorded()
    interaction["request"]["headers"]["Authorization"] = [f"Bearer {key}"]
    answer(interaction, "".join(events).encode())
    text = shown(interaction)
    assert "for REDACTED" in text
    assert key[10:] not in text


@examples(30)
@given(key=KEYS, words=WORDS, place=st.sampled_from(sorted(PLACES)))
def test_scrubbing_twice_changes_nothing_more(key: str, words: str, place: str) -> None:
    interaction = recorded()
    interaction["request"]["headers"]["X-API-Key"] = [key]
    PLACES[place](interaction, key, words)
    once = serialize({"version": 1, "interactions": [interaction]})
    assert serialize(deserialize(once)) == once


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Authorization: Bearer abcdef0123456789", "Authorization: Bearer REDACTED"),
        ("authorization: basic dXNlcjpwYXNzMTIzNDU2", "authorization: basic REDACTED"),
        ("the bearer understands internationalisation", None),
        ("sk-or-v1-0123456789abcdef0123", "REDACTED"),
        ("see AIza" + "x" * 35 + ".", "see REDACTED."),
        ("in base64 AAAAsk-0123456789abcdef0123", None),
        ("your user_2abcDEF34567ghiJKL89 is blocked", "your REDACTED is blocked"),
        ("the user_authentication_function", None),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc", "REDACTED"),
    ],
)
def test_tokens_are_known_by_their_form(text: str, clean: str | None) -> None:
    assert Secrets().hidden(text) == (text if clean is None else clean)


def body_of(answer_text: str) -> str:
    interaction = recorded()
    answer(interaction, answer_text.encode())
    [played] = deserialize(serialize({"version": 1, "interactions": [interaction]}))["interactions"]
    return str(played["response"]["body"]["string"].decode())


@pytest.mark.parametrize(
    ("given_body", "written"),
    [
        (
            '{"error": {"code": 1}, "user_id": "u-1"}',
            '{"error": {"code": 1}, "user_id": "REDACTED"}',
        ),
        (
            '{"user_id":17,"team-id":null,"password":""}',
            '{"user_id":0,"team-id":null,"password":""}',
        ),
        (
            '{"accountId":["a","b"],"email":true}',
            '{"accountId":["REDACTED","REDACTED"],"email":true}',
        ),
        ('{"api_key":1.5,"secret":false}', '{"api_key":0,"secret":false}'),
        ('{"raw": "{\\"user_id\\": \\"u-1\\"}"}', '{"raw": "{\\"user_id\\": \\"REDACTED\\"}"}'),
        ('{"raw": "x {\\"user_id\\": 12}"}', '{"raw": "x {\\"user_id\\": \\"REDACTED\\"}"}'),
        (
            '{"arguments": "{\\"user_id\\": \\"42\\"}"}',
            '{"arguments": "{\\"user_id\\": \\"42\\"}"}',
        ),
        (
            '{"properties":{"user_id":{"type":"string"}}}',
            '{"properties":{"user_id":{"type":"string"}}}',
        ),
        ('not JSON: {"user_id": "u-1",}', 'not JSON: {"user_id": "REDACTED",}'),
        (
            'data: {"user_id": "u"}\n\ndata: {"user_id": "u',
            'data: {"user_id": "REDACTED"}\n\ndata: {"user_id": "u',
        ),
        (
            'data: {"id":"u"}\n\ndata: {"user_id":"u"\n\n',
            'data: {"id":"u"}\n\ndata: {"user_id":"REDACTED"\n\n',
        ),
        ("https://h/i.png?x=1&sig=abc&y=2", "https://h/i.png?x=1&sig=REDACTED&y=2"),
    ],
)
def test_private_members_lose_their_value_and_the_conversation_keeps_its_own(
    given_body: str, written: str
) -> None:
    assert body_of(given_body) == written


def test_events_written_unlike_the_others_are_cleaned_and_else_kept() -> None:
    events = 'data: {"a":1}\n\ndata: {"a":2}\n\ndata: { "user_id": "%s" }\n\n'
    assert body_of(events % "") == events % ""
    assert body_of(events % "u-1").endswith('\n\ndata: {"user_id":"REDACTED"}\n\n')


def test_only_listed_headers_are_kept_in_lower_case() -> None:
    interaction = recorded()
    names = ["Content-TYPE", "X-Client-Request-Id", "X-Api-Account", "CF-Ray", "Set-Cookie", "DATE"]
    interaction["request"]["headers"] = dict.fromkeys(names, "a")
    interaction["response"]["headers"] = {name: ["b"] for name in names}
    [played] = deserialize(serialize({"version": 1, "interactions": [interaction]}))["interactions"]
    assert played["request"]["headers"] == {"content-type": ["a"]}
    assert played["response"]["headers"] == {
        "content-type": ["b"],
        "date": ["b"],
        "x-client-request-id": ["b"],
    }
    assert all(name == name.lower() for name in REQUEST_HEADERS | RESPONSE_HEADERS)


def test_loopback_ports_are_dropped_and_other_addresses_kept() -> None:
    addresses = {
        "http://127.0.0.1:40123/v1?x=1": "http://127.0.0.1/v1?x=1",
        "http://[::1]:40123/v1": "http://[::1]/v1",
        "http://localhost/v1": "http://localhost/v1",
        "https://example.com:8443/v1": "https://example.com:8443/v1",
    }
    for address, written in addresses.items():
        interaction = recorded()
        interaction["request"]["uri"] = address
        [played] = deserialize(serialize({"interactions": [interaction]}))["interactions"]
        assert played["request"]["uri"] == written


@pytest.mark.parametrize(
    ("body", "encoding", "message"),
    [
        (b"??", "br", "content-encoding 'br' cannot be searched"),
        (b"??", "gzip", "said to be 'gzip' is not"),
        (b"??", "deflate", "said to be 'deflate' is not"),
    ],
)
def test_body_that_cannot_be_searched_is_not_written(
    body: bytes, encoding: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("brotli", "brotlicffi"):
        monkeypatch.setitem(sys.modules, module, None)
    interaction = recorded()
    answer(interaction, body, Content_Encoding=encoding)
    with pytest.raises(ValueError, match=message):
        serialize({"version": 1, "interactions": [interaction]})


def test_plain_body_called_identity_is_written() -> None:
    interaction = recorded()
    answer(interaction, b"hello", Content_Encoding="identity")
    assert "hello" in shown(interaction)


def test_key_that_would_slip_through_stops_the_writing() -> None:
    interaction = recorded()
    interaction["request"]["headers"] = {"Authorization": "Bearer key-0123456789"}
    interaction["response"]["provenance"] = {"kind": "live", "note": "key-0123456789"}
    with pytest.raises(ValueError, match="would reach the cassette"):
        serialize({"version": 1, "interactions": [interaction]})


@pytest.mark.parametrize(
    "headers",
    [
        {"Set-Cookie": "__cf_bm=AbC123xyz.abc; path=/; domain=.aimlapi.com; Max-Age=1732254081"},
        {"Set-Cookie": "id=AbC123xyz; Path=/v1/chat/completions, b=DeF456uvw; Domain=aimlapi.com"},
        {"Set-Cookie": "seen=1732254081; Secure"},
        {"X-RateLimit-Limit-Tokens": "1732254081"},
        {"X-Token-Limit": "1732254081"},
        {"X-Monkeys": "aimlapi.com"},
    ],
)
def test_attributes_of_cookies_and_numbers_are_no_secrets(headers: dict[str, str]) -> None:
    body = b'{"created":1732254081,"content":"see https://aimlapi.com/v1/chat/completions"}'
    interaction = recorded()
    answer(interaction, body, **headers)
    [played] = deserialize(serialize({"version": 1, "interactions": [interaction]}))["interactions"]
    assert played["response"]["body"]["string"] == body
    assert played["request"]["uri"] == "https://api.aimlapi.com/v1/chat/completions"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Set-Cookie", 'id="AbC123xyz"; Path=/'),
        ("Set-Cookie", "a=1; Expires=Sun, 22 Nov 2026 06:11:21 GMT; Path=/, b=AbC123xyz; Path=/"),
        ("Cookie", "a=1; b=AbC123xyz"),
        ("X-ApiKey", "AbC123xyz"),
        ("x_goog_api_key", "AbC123xyz"),
        ("X-Auth-Token", "AbC123xyz"),
        ("Proxy-Authorization", "Basic AbC123xyz"),
        ("Client-Secret-Value", "AbC123xyz"),
    ],
)
def test_credentials_of_headers_are_hidden_in_the_body(name: str, value: str) -> None:
    interaction = recorded()
    answer(interaction, b'{"content":"for AbC123xyz"}', **{name: value})
    assert "AbC123xyz" not in shown(interaction)


@pytest.mark.parametrize("key", ["stand-in", "provenance", "compact-ascii", "langchain-aimlapi"])
def test_key_that_is_a_word_of_the_kit_can_be_recorded(key: str) -> None:
    interaction = recorded()
    interaction["request"]["headers"] = {"Authorization": f"Bearer {key}"}
    answer(interaction, b'{"content":"caf\\u00e9"}', X_Standin="1")
    interaction["request"]["body"] = b"\xff"
    assert "kind: stand-in" in shown(interaction)


@pytest.mark.parametrize("note", [["key-0123456789"], b"key-0123456789", {"key-0123456789": None}])
def test_key_in_any_value_of_the_provenance_stops_the_writing(note: Any) -> None:
    interaction = recorded()
    provenance = {"kind": "live", "recorded_at": datetime.now(UTC), "note": note}
    interaction["response"]["provenance"] = provenance
    with pytest.raises(ValueError, match="would reach the cassette"):
        serialize({"version": 1, "interactions": [interaction]}, known=["key-0123456789"])


def test_short_keys_are_words_not_secrets() -> None:
    interaction = recorded()
    interaction["request"]["headers"] = {"Authorization": "Bearer test", "X-Token": ""}
    answer(interaction, b'{"content": "a test"}')
    assert "a test" in shown(interaction)


@given(WORDS, WORDS)
def test_text_without_secrets_keeps_its_bytes(one: str, other: str) -> None:
    text = json.dumps({"content": one, other: [other, {"text": one}]})
    assert body_of(text) == text
