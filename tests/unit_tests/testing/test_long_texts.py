"""Pictures and other long data: once in a file, milliseconds to match, every byte as it came."""

import base64
import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
from vcr.request import Request

from langchain_aimlapi.testing._body_format import read_yaml
from langchain_aimlapi.testing._long_texts import LONGEST, MARK
from langchain_aimlapi.testing._secrets import Secrets
from langchain_aimlapi.testing.matchers import (
    RequestMatcher,
    canonical_request,
    request_difference,
)
from langchain_aimlapi.testing.scrub import clean_request
from langchain_aimlapi.testing.serializer import deserialize, serialize

CHAT = "https://api.aimlapi.com/v1/chat/completions"


def picture(size: int, seed: int = 0) -> str:
    return base64.b64encode(random.Random(seed).randbytes(size)).decode()


def conversation(url: str, turns: int) -> list[bytes]:
    """Return the requests of a conversation whose first message holds a picture."""
    part = {"type": "image_url", "image_url": {"url": url}}
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "text", "text": "What is\nit?"}, part]}
    ]
    bodies = []
    for turn in range(turns):
        bodies.append(json.dumps({"model": "m", "messages": messages}).encode())
        messages.append({"role": "assistant", "content": "A."})
        messages.append({"role": "user", "content": f"And {turn}?"})
    return bodies


def recorded(*bodies: bytes | str, answer: bytes = b'{"a": 1}') -> dict[str, Any]:
    return {
        "interactions": [
            {
                "request": {"method": "POST", "uri": CHAT, "headers": {}, "body": body},
                "response": {
                    "status": {"code": 200, "message": "OK"},
                    "headers": {},
                    "body": {"string": answer},
                },
            }
            for body in bodies
        ]
    }


def bodies_of(text: str) -> list[bytes]:
    return [one["request"]["body"] for one in deserialize(text)["interactions"]]


def request_of(body: bytes) -> Request:
    return Request("POST", CHAT, body, {"content-type": "application/json"})


def test_a_picture_in_a_conversation_stands_once_in_the_file() -> None:
    data = picture(300_000)
    bodies = conversation(f"data:image/png;base64,{data}", 3)
    text = serialize(recorded(*bodies, answer=json.dumps({"echo": data}).encode()))
    assert text.count(data[:100]) == 1
    assert len(text) < 1.02 * len(data)
    assert bodies_of(text) == bodies
    assert serialize(deserialize(text)) == text
    assert text.count("data:image/png;base64,{{sha256-") == 3


def test_a_picture_costs_milliseconds_to_match_and_not_much_more_to_write() -> None:
    bodies = conversation(f"data:image/png;base64,{picture(3_000_000)}", 3)
    start = time.thread_time()
    text = serialize(recorded(*bodies))
    assert time.thread_time() - start < 5
    assert len(text) < 4_100_000
    matcher = RequestMatcher()
    matcher.remember(map(request_of, bodies))
    costs = []
    for body in bodies:
        asked = request_of(bytes(bytearray(body)))  # the client makes it anew
        start = time.thread_time()
        for known in bodies:
            assert matcher(asked, request_of(known)) is (known == body)
        costs.append(time.thread_time() - start)
    assert min(costs) < 0.05


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"a": picture(3_000), "b": [picture(3_000), picture(3_000, 1)]}),
        f"![it](data:image/png;base64,{picture(3_000)}) and ![it]({picture(3_000)})",
        f'data: {{"x": "{picture(3_000)}"}}\n\ndata: [DONE]\n\n',
        json.dumps({"a": picture(3_000)}).replace("/", "\\/"),
        b"\xff\xfe" + random.Random(1).randbytes(5_000),
        b"\xff" * LONGEST,
        b"\xff" * (LONGEST - 1),
        f"{MARK}0123456789abcdef0123456789abcdef}}}} {picture(3_000)}",
        f"-----BEGIN CERTIFICATE-----{'Ab1' * 1000}-----END CERTIFICATE-----",
        f"{'Ab1' * 1000}.{'Ab1' * 1000}",
    ],
)
def test_every_byte_comes_back(body: str | bytes) -> None:
    text = serialize(recorded(body, body))
    data = body.encode() if isinstance(body, str) else body
    assert bodies_of(text) == [data, data]
    assert serialize(deserialize(text)) == text


def test_a_text_that_looks_like_a_reference_leaves_all_in_its_place() -> None:
    data = picture(3_000)
    name = next(iter(read_yaml(serialize(recorded(data)))["files"]))
    text = serialize(recorded(data, f"{{{{{name}}}}}"))
    assert "files" not in read_yaml(text)
    assert bodies_of(text) == [data.encode(), f"{{{{{name}}}}}".encode()]


def test_a_reference_to_what_is_not_there_stays_a_text() -> None:
    text = serialize(recorded(picture(3_000)))
    start = text.index("files:")
    [body] = bodies_of(text[:start])
    assert body.startswith(MARK.encode())


def test_secrets_in_long_data_go(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "3f2a9c0d4e5b6a798877"
    page = base64.b64encode((f"a page of text with {key} in it. " * 100).encode()).decode()
    body = json.dumps({"url": f"data:text/plain;base64,{page}"}).encode()
    monkeypatch.setenv("WEATHER_KEY", key)
    [played] = bodies_of(serialize(recorded(body)))
    assert played.count(b"REDACTED") == 100
    matcher = RequestMatcher()
    matcher.remember([request_of(played)])
    assert matcher(request_of(body), request_of(played))


def test_a_secret_that_is_long_data_itself_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    key = picture(3_000)
    monkeypatch.setenv("ACCOUNT_KEY_FILE", key)
    body = json.dumps({"content": f"{key} {picture(3_000, 1)}"}).encode()
    [played] = bodies_of(serialize(recorded(body)))
    assert played.startswith(b'{"content": "REDACTED ')
    matcher = RequestMatcher()
    matcher.remember([request_of(played)])
    assert matcher(request_of(body), request_of(played))


def test_other_pictures_are_other_requests() -> None:
    texts = {
        canonical_request(
            {"method": "POST", "uri": CHAT, "headers": {}, "body": conversation(url, 1)[0]}
        )
        for url in (picture(3_000), picture(3_000, 1), f"data:image/png;base64,{picture(3_000)}")
    }
    assert len(texts) == 3
    assert max(map(len, texts)) < 400


def test_without_a_place_for_long_data_it_stays_where_it_is() -> None:
    body = conversation(picture(3_000), 1)[0]
    request = {"method": "POST", "uri": CHAT, "headers": {}, "body": body}
    assert MARK not in str(clean_request(request, secrets=Secrets()))


@pytest.mark.parametrize("kind", ["lines", "words", "repeats", "far away"])
def test_a_miss_costs_in_proportion_to_the_requests(kind: str) -> None:
    def text(length: int, word: str) -> str:
        lines = {
            "lines": "\n".join(f"{word} {line}" for line in range(length // 8)),
            "words": " ".join([word] * (length // 4)),
            "repeats": "same\n" * (length // 5) + word,
            "far away": word * (length // 3),
        }
        return lines[kind]

    def cost(length: int) -> float:
        asked, *others = [
            canonical_request(
                {
                    "method": "POST",
                    "uri": CHAT,
                    "headers": {},
                    "body": json.dumps({"messages": [{"content": text(length, word)}]}),
                }
            )
            for word in ("now", "then", "once")
        ]
        start = time.thread_time()
        difference = request_difference(asked, candidates=others)
        spent = time.thread_time() - start
        assert "--- recorded: interaction" in difference
        return spent

    cost(1_000)
    assert cost(100_000) < 20 * min(cost(10_000) for _ in range(3)) + 0.03


def test_texts_too_long_to_compare_are_shown_by_their_starts() -> None:
    def asked(word: str) -> str:
        content = "\n".join(f"{word} {line}" for line in range(1500))
        body = json.dumps({"messages": [{"content": content}]})
        return canonical_request({"method": "POST", "uri": CHAT, "headers": {}, "body": body})

    lines = request_difference(asked("now"), candidates=[asked("then")]).splitlines()
    assert len(lines) < 250
    assert [line[:4] for line in lines if line.endswith(" more lines)")] == ["-...", "+..."]


def test_rules_and_dashes_are_lines_of_a_difference_too() -> None:
    def asked(content: str) -> str:
        body = json.dumps({"content": content})
        return canonical_request({"method": "POST", "uri": CHAT, "headers": {}, "body": body})

    then, now = asked("one\n---\n++ x\ntwo"), asked("one\n-- y\ntwo")
    lines = [
        line.replace("  ", "") for line in request_difference(now, candidates=[then]).splitlines()
    ]
    assert lines[-4:] == ["----", "-++ x", "+-- y", " two"]


def test_files_section_is_plain_yaml(tmp_path: Path) -> None:
    data = picture(3_000)
    path = tmp_path / "a.yaml"
    path.write_text(serialize(recorded(data)), "utf-8")
    assert list(read_yaml(path.read_text("utf-8"))["files"].values()) == [data]


def test_a_short_text_is_shown_whole_beside_one_that_is_too_long() -> None:
    def asked(word: str, lines: int) -> str:
        content = "\n".join(f"{word} {line}" for line in range(lines))
        body = json.dumps({"content": content})
        return canonical_request({"method": "POST", "uri": CHAT, "headers": {}, "body": body})

    difference = request_difference(asked("now", 20_000), candidates=[asked("then", 60)])
    removed = [line for line in difference.splitlines()[2:] if line.startswith("-")]
    assert len(removed) >= 60
    assert not any(line.endswith("more lines)") for line in removed)
