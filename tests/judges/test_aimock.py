"""The model, judged by a server that we did not write: aimock, in its OpenRouter dialect.

`@copilotkit/aimock` is fetched by npm into a temporary folder. It plays the answers written here
over real sockets; what it makes of them on the wire is its own. It knows no `reasoning_details`,
no signatures and no `meta`, and follows neither schemas nor tool choices.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from pydantic import BaseModel

from langchain_aimlapi import (
    AIMLAPIAuthenticationError,
    AIMLAPIConnectionError,
    AIMLAPIRateLimitError,
    AIMLAPIResponseError,
    AIMLAPIServerError,
    ChatAIMLGemini,
)
from tests.http_client import httpx
from tests.wire_tests.asking import ask, every_streamed_way, every_way, every_whole_way, failure_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

PACKAGE = "@copilotkit/aimock@1.43.0"  # bare `aimock` is another package
OLDEST_NODE = (20, 15)
MODEL = "google/gemini-3-flash-preview"
KEY = "sk-only-this-one-is-good"

ANSWER = "Oslo is the capital of Norway: 🇳🇴, på norsk også."
LONG = " ".join(f"word{number}" for number in range(80))
FIXTURES: list[dict[str, Any]] = [
    {
        "match": {"userMessage": "capital"},
        "chunkSize": 3,
        "openRouterProcessing": True,
        "response": {
            "content": ANSWER,
            "reasoning": "They ask for a capital.",
            "provider": "Google",
            "nativeFinishReason": "STOP",
            "usage": {
                "prompt_tokens": 11,
                "completion_tokens": 30,
                "total_tokens": 41,
                "cost": 0.0021,
                "prompt_tokens_details": {"cached_tokens": 4},
                "completion_tokens_details": {"reasoning_tokens": 21},
            },
        },
    },
    {
        # One UTF-16 unit at a time: aimock cuts each flag into four halves of characters.
        "match": {"userMessage": "flags"},
        "chunkSize": 1,
        "response": {"content": "🇳🇴 and 🇮🇹"},
    },
    {
        "match": {"userMessage": "slowly"},
        "chunkSize": 8,
        "latency": 100,
        "response": {"content": "Eight of them, then eight more, then some."},
    },
    {
        "match": {"userMessage": "weather", "hasToolResult": False},
        "chunkSize": 4,
        "response": {
            "content": "Let me look.",
            "toolCalls": [
                {"id": "call_oslo", "name": "get_weather", "arguments": {"city": "Oslo"}},
                {"id": "call_rome", "name": "get_weather", "arguments": {"city": "Rome, «IT»"}},
                {"id": "call_now", "name": "get_time", "arguments": {}},
            ],
        },
    },
    {
        # Plays only when the last result reached it under its call's id.
        "match": {"toolCallId": "call_now", "toolResultContains": "noon", "turnIndex": 1},
        "response": {"content": "Rain in Oslo, sun in Rome, at noon."},
    },
    {
        "match": {"userMessage": "busy", "sequenceIndex": 0},
        "response": {"error": {"message": "Slow down"}, "status": 429, "retryAfter": 1},
    },
    {"match": {"userMessage": "busy"}, "response": {"content": "Now there is room."}},
    {
        "match": {"userMessage": "cut"},
        "chunkSize": 8,
        "latency": 40,
        "disconnectAfterMs": 400,
        "response": {"content": LONG},
    },
    {
        "match": {"userMessage": "long"},
        "response": {"content": "It ends in the mid", "finishReason": "length"},
    },
    {
        "match": {"userMessage": "joke", "responseFormat": "json_schema"},
        "response": {"content": {"setup": "Why?", "punchline": "Because."}},
    },
    {
        "match": {"userMessage": "broken"},
        "chaos": {"malformedRate": 1},
        "response": {"content": "never seen"},
    },
    {
        "match": {"userMessage": "gone"},
        "chaos": {"disconnectRate": 1},
        "response": {"content": "never seen"},
    },
]


def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"Sunny in {city}."


def get_time() -> str:
    """Tell the time."""
    return "noon"


class Joke(BaseModel):
    """A joke to tell."""

    setup: str
    punchline: str


@dataclass(frozen=True)
class Judge:
    """A running aimock, as one test sees it: the name keeps its counters and journal apart."""

    root: str
    name: str

    def model(self, **settings: Any) -> ChatAIMLGemini:
        given = {"model": MODEL, "api_key": KEY, "max_retries": 0, "timeout": 20.0, **settings}
        headers = {"x-test-id": self.name}
        return ChatAIMLGemini(base_url=f"{self.root}/api/v1", default_headers=headers, **given)

    @property
    def journal(self) -> list[dict[str, Any]]:
        """The requests of this test."""
        asked = httpx.get(
            f"{self.root}/__aimock/journal",
            params={"testId": self.name},
            headers={"authorization": f"Bearer {KEY}"},
            trust_env=False,
        )
        found: list[dict[str, Any]] = asked.raise_for_status().json()
        return found


@pytest.fixture(scope="module")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a running aimock."""
    room = tmp_path_factory.mktemp("aimock")
    script = _installed(room)
    (room / "fixtures").mkdir()
    (room / "fixtures" / "ours.json").write_text(json.dumps({"fixtures": FIXTURES}), "utf-8")
    process = subprocess.Popen(
        ["node", str(script), "-p", "0", "-h", "127.0.0.1", "-f", "fixtures", "--strict"],
        cwd=room,
        env={**os.environ, "AIMOCK_API_KEYS": KEY},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield _address(process)
        finally:
            process.kill()


@pytest.fixture
def judge(aimock: str) -> Judge:
    return Judge(aimock, uuid.uuid4().hex)


def _installed(room: Path) -> Path:
    """Return the script of the server; skip where the machine cannot have it."""
    if not (shutil.which("node") and (npm := shutil.which("npm"))):
        pytest.skip("aimock needs node and npm, which this machine does not have")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    if tuple(map(int, re.findall(r"\d+", version.stdout)[:2])) < OLDEST_NODE:
        pytest.skip(f"aimock needs node 20.15 or newer, here is {version.stdout.strip()}")
    install = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", PACKAGE]
    try:
        subprocess.run(install, cwd=room, capture_output=True, text=True, check=True, timeout=90)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm could not install {PACKAGE} in 90 s")
    except subprocess.CalledProcessError as failure:
        pytest.skip(f"npm could not install {PACKAGE}: {failure.stderr.strip()[:300]}")
    return room / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if found := re.search(r"listening on (http://\S+)", line):
            return found[1]
    raise RuntimeError("aimock did not start: " + "".join(said))


# ---------------------------------------------------------------- answers


@every_way
def test_a_text_arrives_with_its_reasoning_and_usage(judge: Judge, way: str) -> None:
    message = ask(judge.model(), way, "What is the capital of Norway?")
    assert message.text == ANSWER
    assert message.additional_kwargs["reasoning_content"] == "They ask for a capital."
    assert message.usage_metadata == {
        "input_tokens": 11,
        "output_tokens": 30,
        "total_tokens": 41,
        "input_token_details": {"cache_read": 4},
        "output_token_details": {"reasoning": 21},
    }
    metadata = message.response_metadata
    assert metadata["id"].startswith("gen-")
    assert metadata["model_name"] == MODEL
    assert metadata["provider"] == "Google"
    assert (metadata["finish_reason"], metadata["native_finish_reason"]) == ("stop", "STOP")
    assert message.response_metadata["client_request_id"]


@every_streamed_way
def test_characters_that_the_server_cuts_in_half_arrive_whole(judge: Judge, way: str) -> None:
    assert ask(judge.model(), way, "Show flags").text == "🇳🇴 and 🇮🇹"


def test_a_stream_is_handed_out_as_it_comes(judge: Judge) -> None:
    start = time.monotonic()
    times = [time.monotonic() - start for one in judge.model().stream("Say it slowly") if one.text]
    assert len(times) == 6
    assert times[-1] - times[0] > 0.4  # five pauses of 0.1 s


async def test_an_async_stream_is_handed_out_as_it_comes(judge: Judge) -> None:
    model, start = judge.model(), time.monotonic()
    chunks = model.astream("Say it slowly")
    times = [time.monotonic() - start async for one in chunks if one.text]
    await model.aclose()
    assert len(times) == 6
    assert times[-1] - times[0] > 0.4


@every_way
def test_parallel_tools_in_two_turns(judge: Judge, way: str) -> None:
    tools: dict[str, Any] = {"get_weather": get_weather, "get_time": get_time}
    model = judge.model().bind_tools(list(tools.values()))
    question = HumanMessage("What is the weather in Oslo and in Rome, and what time is it?")
    asked = ask(model, way, [question])
    assert asked.text == "Let me look."
    assert [(call["id"], call["name"], call["args"]) for call in asked.tool_calls] == [
        ("call_oslo", "get_weather", {"city": "Oslo"}),
        ("call_rome", "get_weather", {"city": "Rome, «IT»"}),
        ("call_now", "get_time", {}),
    ]
    results = [
        ToolMessage(str(tools[call["name"]](**call["args"])), tool_call_id=call["id"])
        for call in asked.tool_calls
    ]
    answer = ask(model, way, [question, asked, *results])
    assert answer.text == "Rain in Oslo, sun in Rome, at noon."
    sent = judge.journal[-1]["body"]["messages"]
    assert [one["role"] for one in sent] == ["user", "assistant", "tool", "tool", "tool"]
    assert [one["tool_call_id"] for one in sent[2:]] == ["call_oslo", "call_rome", "call_now"]


@every_way
def test_a_cut_off_answer_says_so(judge: Judge, way: str) -> None:
    message = ask(judge.model(), way, "A long story")
    assert message.response_metadata["finish_reason"] == "length"


async def test_structured_output(judge: Judge) -> None:
    model = judge.model()
    shaped = model.with_structured_output(Joke, method="json_schema")
    joke = Joke(setup="Why?", punchline="Because.")
    assert shaped.invoke("Tell a joke") == joke == await shaped.ainvoke("Tell a joke")
    await model.aclose()


async def test_many_at_once_do_not_mix(judge: Judge) -> None:
    prompts: list[Any] = ["What is the capital?", "Show flags", "A long story"] * 10
    model = judge.model()
    answers = model.batch(prompts, {"max_concurrency": 8})
    assert [one.text for one in answers] == [ANSWER, "🇳🇴 and 🇮🇹", "It ends in the mid"] * 10
    assert [one.text for one in await model.abatch(prompts)] == [one.text for one in answers]
    await model.aclose()


# ---------------------------------------------------------------- failures


@every_way
def test_a_wrong_key_is_told_at_once(judge: Judge, way: str) -> None:
    wrong = "sk-another-key-that-is-not-good"
    failure = failure_of(judge.model(api_key=wrong, max_retries=2), way)
    assert isinstance(failure, AIMLAPIAuthenticationError)
    assert failure.status_code == 401
    assert "Invalid API key" in str(failure)
    assert wrong not in f"{failure!r} {failure} {failure.body}"


@every_way
def test_a_busy_server_tells_when_to_come_back(judge: Judge, way: str) -> None:
    failure = failure_of(judge.model(), way, "Are you busy?")
    assert isinstance(failure, AIMLAPIRateLimitError)
    assert (failure.retry_after, failure.is_retryable) == (1.0, True)
    assert "Slow down" in str(failure)


@every_way
def test_the_next_attempt_waits_as_long_as_the_server_asked(judge: Judge, way: str) -> None:
    message = ask(judge.model(max_retries=1), way, "Are you busy?")
    assert message.text == "Now there is room."
    first, second = judge.journal
    assert 1000 <= second["timestamp"] - first["timestamp"] < 5000
    ids = {one["headers"]["x-client-request-id"] for one in (first, second)}
    assert len(ids) == 1, "attempts of one call carry one id"


@every_streamed_way
def test_a_broken_off_stream_is_an_error_with_what_had_arrived(judge: Judge, way: str) -> None:
    failure = failure_of(judge.model(max_retries=2), way, "Please cut")
    assert isinstance(failure, AIMLAPIConnectionError)
    assert failure.partial is not None
    assert LONG.startswith(failure.partial.text)
    assert 8 <= len(failure.partial.text) < len(LONG)
    assert len(judge.journal) == 1, "after the first chunk nothing is asked again"


@every_way
def test_a_connection_that_ends_without_an_answer_is_tried_again(judge: Judge, way: str) -> None:
    failure = failure_of(judge.model(max_retries=1), way, "Be gone")
    assert isinstance(failure, AIMLAPIConnectionError)
    assert len(judge.journal) == 2


@every_way
def test_an_answer_that_is_no_json_is_an_error(judge: Judge, way: str) -> None:
    failure = failure_of(judge.model(), way, "Be broken")
    assert isinstance(failure, AIMLAPIResponseError)


@every_whole_way
def test_a_prompt_that_nobody_expected_is_a_server_error(judge: Judge, way: str) -> None:
    failure = failure_of(judge.model(), way, "Something else")
    assert isinstance(failure, AIMLAPIServerError)
    assert failure.status_code == 503


def test_what_is_sent_holds_nothing_but_the_question(judge: Judge) -> None:
    ask(judge.model(), "stream", "What is the capital of Norway?")
    (entry,) = judge.journal
    body = {name: value for name, value in entry["body"].items() if not name.startswith("_")}
    assert body == {
        "model": MODEL,
        "messages": [{"role": "user", "content": "What is the capital of Norway?"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
