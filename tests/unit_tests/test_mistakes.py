"""Typical mistakes: each error names the value and the way out, before anything is sent."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_aimlapi import AIMLAPINotFoundError, ChatAIMLGemini
from langchain_aimlapi._codec.content import _warn_left_out
from tests.answers import KEY, MODEL, model_of, served
from tests.http_client import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANSWER = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
PDF = "application/pdf"
WITH_A_PATH: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "image", "url": "/tmp/cat.png"}, "/tmp/cat.png", "image_block"),
    ({"type": "image", "url": "cat.png"}, "cat.png", "image_block"),
    ({"type": "image", "url": "file:///tmp/cat.png"}, "file:///tmp/cat.png", "image_block"),
    ({"type": "image", "url": "C:\\cat.png"}, "cat.png", "image_block"),
    ({"type": "image_url", "image_url": "cat.png"}, "cat.png", "image_block"),
    ({"type": "image_url", "image_url": {"url": "./cat.png"}}, "./cat.png", "image_block"),
    ({"type": "image", "source_type": "url", "url": "~/cat.png"}, "~/cat.png", "image_block"),
    (
        {"type": "image", "source": {"type": "url", "url": "img/cat.png"}},
        "img/cat.png",
        "image_block",
    ),
    (
        {"type": "media", "file_uri": "cat.png", "mime_type": "image/png"},
        "cat.png",
        "image_block",
    ),
    ({"type": "image", "base64": "cat.png", "mime_type": "image/png"}, "cat.png", "image_block"),
    ({"type": "image", "path": "cat.png"}, "cat.png", "image_block"),
    ({"type": "input_image", "image_url": "cat.png"}, "cat.png", "image_block"),
    ({"type": "file", "url": "a b.pdf", "mime_type": PDF}, "a b.pdf", "file_block"),
    ({"type": "file", "file": {"file_data": "/tmp/a.pdf"}}, "/tmp/a.pdf", "file_block"),
    ({"type": "audio", "url": "a.mp3"}, "a.mp3", "audio_block"),
    ({"type": "video", "url": "a.mp4"}, "a.mp4", "video_block"),
]


@pytest.mark.parametrize(("block", "path", "maker"), WITH_A_PATH)
def test_a_path_in_a_block_is_named_with_what_reads_it(
    block: dict[str, Any], path: str, maker: str
) -> None:
    there = served(ANSWER)
    with pytest.raises(ValueError, match=maker) as told:
        model_of(there).invoke([HumanMessage(["What is this?", block])])
    assert path in str(told.value)
    assert not there.requests


def test_a_path_in_the_result_of_a_tool_is_named_too() -> None:
    picture = {"type": "image", "url": "cat.png"}
    with pytest.raises(ValueError, match=r"cat\.png.*image_block"):
        model_of(served(ANSWER)).invoke([ToolMessage([picture], tool_call_id="c")])


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "url": "https://example.com/cat.png"},
        {"type": "image", "url": "gs://bucket/cat.png"},
        {"type": "image", "url": "data:image/png;base64,iVBORw0KGgo="},
        {"type": "image", "base64": "iVBORw0KGgo=", "mime_type": "image/png"},
        {"type": "image", "url": "iVBORw0KGgo" + 300 * "A/"},
    ],
)
def test_addresses_and_data_are_sent(block: dict[str, Any]) -> None:
    there = served(ANSWER)
    model_of(there).invoke([HumanMessage([block])])
    assert there.requests


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"api_key": f"Bearer {KEY}"}, "without 'Bearer'"),
        ({"base_url": "api.aimlapi.com/v1"}, "must start with https://"),
        ({"base_url": "https://api.aimlapi.com/v1/chat/completions"}, "leave out"),
        ({"timeout": (1, 2)}, r"timeout=\(1, 2\) is not a limit"),
        ({"timeout": "10s"}, "timeout='10s' is not a limit"),
        ({"model_kwargs": {"model": "x"}}, r"model_kwargs holds 'model'.*set it as model"),
        ({"model_kwargs": {"messages": []}}, "model_kwargs holds 'messages'"),
        ({"extra_headers": {"a": "b"}}, "default_headers"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"proxy": "http://p"}, "HTTPS_PROXY"),
        ({"tools": []}, "bind_tools"),
        ({"system": "Be kind."}, "system message"),
        ({"top_p": 0}, "top_p=0.0 is not a number from 0.01 to 1"),
        ({"model": ""}, "model is empty"),
    ],
)
def test_a_mistake_in_the_settings(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words) as told:
        ChatAIMLGemini(**{"model": MODEL, "api_key": KEY, **settings})
    assert KEY not in str(told.value)


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"stop": 5}, "stop=5 is no text and no list of texts"),
        ({"stop": [5]}, r"stop=\[5\] is no text"),
        ({"model": 5}, "model=5 is no model id"),
        ({"temperature": "hot"}, "temperature='hot' is not a number"),
        ({"extra_headers": [1]}, "extra_headers of type list is no mapping"),
        ({"extra_body": "x"}, "extra_body of type str is no mapping"),
        ({"timeout": "10s"}, "timeout='10s' is not a limit"),
    ],
)
def test_a_mistake_in_a_call(keywords: dict[str, Any], words: str) -> None:
    there = served(ANSWER)
    with pytest.raises(ValueError, match=words):
        model_of(there).invoke("Hello", **keywords)
    with pytest.raises(ValueError, match="at least one message that is not empty"):
        model_of(there).invoke([])
    assert not there.requests


def test_a_missing_file_of_certificates_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from langchain_aimlapi._http import new_clients

    missing = str(tmp_path / "missing.pem")
    monkeypatch.setenv("SSL_CERT_FILE", missing)
    monkeypatch.setattr(new_clients, "_TLS", new_clients._Tls())
    model = ChatAIMLGemini(model=MODEL, api_key=KEY, base_url="https://127.0.0.1:1/v1")
    with pytest.raises(Exception, match="SSL_CERT_FILE") as told:
        model.invoke("Hello")
    assert missing in str(told.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("HTTP_PROXY", "gopher://p:70"), ("HTTP_PROXY", "http://p:99999"), ("NO_PROXY", "[::1")],
)
def test_a_bad_variable_of_the_environment_is_named(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv(variable, value)
    model = ChatAIMLGemini(
        model=MODEL, api_key=KEY, base_url="http://example.org/v1", max_retries=0
    )
    with pytest.raises(Exception, match=variable):
        model.invoke("Hello")


@pytest.mark.parametrize(("path", "is_told"), [("", True), ("/api", True), ("/v1", False)])
def test_an_address_without_its_version_is_told_where_nothing_is_found(
    path: str, *, is_told: bool
) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(404, json={"message": f"Cannot POST {request.url.path}"})

    with httpx.Client(transport=httpx.MockTransport(refuse)) as client:
        model = ChatAIMLGemini(
            model=MODEL, api_key=KEY, base_url=f"https://api.aimlapi.com{path}", http_client=client
        )
        with pytest.raises(AIMLAPINotFoundError) as told:
            model.invoke("Hello")
    said = str(told.value)
    assert said.startswith(f"404 Cannot POST {path}/chat/completions. Check `model`")
    words = (
        f"The request went to https://api.aimlapi.com{path}/chat/completions; "
        "the documented base_url ends in /v1."
    )
    assert said.endswith(words) == is_told


@pytest.fixture
def _nothing_was_said() -> Iterator[None]:
    _warn_left_out.cache_clear()
    yield
    _warn_left_out.cache_clear()


@pytest.mark.usefixtures("_nothing_was_said")
@pytest.mark.parametrize("way", ["invoke", "stream", "astream"])
async def test_a_warning_points_at_the_callers_line(way: str) -> None:
    """`ainvoke` runs in a task of LangChain's, whose stack does not hold its caller."""
    model = model_of(served(ANSWER, [ANSWER]))
    picture = {"type": "image", "url": "https://example.com/cat.png"}
    asked = [HumanMessage("hi"), AIMessage([picture]), HumanMessage("and?")]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        if way == "invoke":
            model.invoke(asked)
        elif way == "stream":
            next(model.stream(asked))
        else:
            await anext(model.astream(asked))
    assert [warning.filename for warning in said] == [__file__]
