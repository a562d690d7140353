"""Promises 32 to 34: the key is in the request's header, in a pickle, nowhere else."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumpd, dumps
from langchain_core.tracers import BaseTracer
from pydantic import SecretStr, ValidationError

from langchain_aimlapi import ChatAIMLGemini, errors
from langchain_aimlapi.account import Account
from tests.wire_tests.asking import (
    KEY,
    WAYS,
    aask,
    ask,
    every_way,
    every_way_at_once,
    failure_of,
    model_at,
)
from tests.wire_tests.loopback import (
    CLOSE,
    DONE,
    HANG,
    MODEL,
    Loopback,
    Request,
    Steps,
    answer_to,
    chunk,
    completion,
    event,
    head,
    piece,
    sse,
    stream_head,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from langchain_core.tracers.schemas import Run

# What a reader could still put together to the key.
HALF = KEY[:16]


def assert_secret(*things: object) -> None:
    for thing in things:
        for text in (str(thing), repr(thing)):
            assert HALF not in text
            assert KEY[16:] not in text


def echo(request: Request) -> Steps:
    return [answer_to(request)]


def test_32_no_view_of_the_model_shows_the_key() -> None:
    with Loopback(by=echo) as server:
        model = model_at(server)
        for _ in range(2):
            assert_secret(
                model,
                model.model_dump(),
                model.model_dump_json(),
                dumps(model),
                dumpd(model),
                model._identifying_params,
                model._get_ls_params(),
                model._get_llm_string(),
                model._get_invocation_params(),
                model.lc_attributes,
                model.get_graph(),
                model.get_input_jsonschema(),
                model.bind(temperature=1),
                model.with_retry(),
                model.with_structured_output({"title": "a", "type": "object", "properties": {}}),
                vars(model),
            )
            for way in WAYS:
                ask(model, way)
        model.close()


def test_32_a_validation_error_hides_its_input() -> None:
    wrong: list[dict[str, Any]] = [
        {"temperature": "hot"},
        {"max_retries": -1},
        {"timeout": "x"},
        {"base_url": "ftp://x"},
        {"model": ""},
        {"api_key": f"{KEY}\u2028x"},
        {"api_key": [KEY]},
        {"api_key": {"key": KEY}},
        {"default_headers": {"authorization": f"{KEY}\u2028"}},
        {"default_headers": KEY},
    ]
    for settings in wrong:
        with pytest.raises(ValidationError) as caught:
            ChatAIMLGemini(**{"model": MODEL, "api_key": KEY, **settings})
        assert_secret(caught.value)
    with pytest.raises(ValidationError) as caught:
        ChatAIMLGemini.model_validate(["x", KEY])
    assert_secret(caught.value)


class Everything(BaseCallbackHandler):
    """Keeps whatever any callback is handed."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("on_"):
            return super().__getattribute__(name)
        return lambda *args, **kwargs: self.seen.append(repr((name, args, kwargs)))


class Tracer(BaseTracer):
    """Keeps runs as LangSmith would get them."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[str] = []

    def _persist_run(self, run: Run) -> None:
        self.runs.append(f"{run!r} {vars(run)!r}")


@every_way
def test_32_no_callback_and_no_trace_sees_the_key(way: str) -> None:
    handler, tracer = Everything(), Tracer()
    config = {"callbacks": [handler, tracer], "run_id": uuid.uuid4()}
    with Loopback(by=echo) as server:
        ask(model_at(server), way, "Hi!", config=config)
    with Loopback(whole({"message": f"bad key {KEY}"}, status=401)) as server:
        failure_of(model_at(server), way, config={"callbacks": [handler, tracer]})
    assert len(handler.seen) >= 4
    assert len(tracer.runs) == 2
    assert_secret(handler.seen, tracer.runs)
    assert "Hi!" in tracer.runs[0]


@every_way
def test_32_no_address_and_no_log_line_shows_the_key(
    way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    libraries = ("httpx", "httpcore", "httpcore.http11", "httpx2", "httpcore2.http11")
    for name in (*libraries, "langchain_aimlapi", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    with Loopback(by=echo) as server:
        ask(model_at(server), way)
        assert all(KEY not in one.line for one in server.requests)
        assert all(KEY.encode() not in one.body for one in server.requests)
        holders = {k for one in server.requests for k, v in one.headers.items() if KEY in v}
        assert holders == {"authorization"}
    with Loopback([CLOSE]) as server:
        failure_of(model_at(server, max_retries=1), way)
    loggers = {one.name.split(".")[0].rstrip("2") for one in caplog.records}
    assert {"httpx", "httpcore", "langchain_aimlapi"} <= loggers
    assert_secret([(one.getMessage(), one.args) for one in caplog.records])


# ---------------------------------------------------------------- a server that echoes the key

LONG = "x" * 490  # so that texts are cut within the key
ECHOES: dict[str, Steps] = {
    "message": [whole({"message": f"bad key {KEY}", "requestId": KEY}, status=401)],
    "nested": [whole({"error": {"message": KEY, "metadata": {"raw": KEY}, KEY: [1]}}, status=400)],
    "header": [whole({"message": "m"}, status=400, x_inference_id=KEY, x_echo=f"Bearer {KEY}")],
    "text": [whole(f"{LONG}{KEY}".encode(), status=500)],
    "title": [whole(f"<title>{KEY}</title>".encode(), status=502)],
    "cut message": [whole({"message": "y" * 1990 + KEY}, status=400)],
    "cut raw": [whole({"error": {"message": "m", "metadata": {"raw": LONG + KEY}}}, status=400)],
    "redirect": [whole(b"", status=302, location=f"https://example.org/?key={KEY}")],
    "no JSON": [whole(b"x" * 190 + KEY.encode())],
    "no choices": [whole({"a": KEY})],
    "no choices, cut": [whole({"a": LONG[:485] + KEY})],
    "a huge body": [whole({"a": [LONG[:490] + KEY, "x" * 80_000]})],
    "no choice": [whole(completion(choices=[KEY]))],
    "no message": [whole(completion(choices=[{"message": KEY}]))],
    "error in a 200": [whole({"error": KEY})],
    "ending": [whole({**completion("", finish_reason=KEY), "id": KEY, "model": KEY})],
    "status line": [f"HTTP/1.1 {KEY}\r\n\r\n".encode(), CLOSE],
    "header line": [f"HTTP/1.1 200 OK\r\n{KEY}\r\n\r\n".encode(), CLOSE],
    "content coding": [whole(KEY.encode(), content_encoding="gzip")],
    "length": [head(content_length=KEY), CLOSE],
    "chunk size": [stream_head() + KEY.encode() + b"\r\n", CLOSE],
    "event": [sse(event(b"x" * 190 + KEY.encode()), DONE)],
    "event of text": [sse(event(KEY), DONE)],
    "error event": [sse(event(piece("a")), event({"error": {"message": KEY}}), DONE)],
    "cut stream": [stream_head(x_echo=KEY), chunk(event(piece("a"))), CLOSE],
}


@every_way
def test_33_what_the_server_echoes_is_taken_out_of_errors(way: str) -> None:
    with Loopback(by=lambda request: ECHOES[request.prompt]) as server:
        for name in ECHOES:
            failure = failure_of(model_at(server), way, name)
            shown = traceback.format_exception(failure)
            assert_secret(
                failure,
                failure.args,
                failure.body,
                failure.response_headers,
                failure.request_id,
                *(str(one) for one in causes(failure)),
                *(one.args for one in causes(failure)),
                "".join(shown),
            )


ODD_KEYS = ["sk-/odd+key==0123", "q\"uote\\and'odd-0123", "0123456789abcdef"]


@every_way
@pytest.mark.parametrize("key", ODD_KEYS)
def test_33_nor_does_an_answer_show_the_key_however_it_is_written(way: str, key: str) -> None:
    plain = json.dumps(completion(id="THE-ID", model="ECHO"))
    quoted = json.dumps(key)[1:-1]
    by_number = "".join(f"\\u{ord(character):04x}" for character in key)
    for spelling in (quoted, quoted.replace("/", "\\/"), by_number):
        body = plain.replace("ECHO", spelling)
        for data in (body.encode(), body.encode("utf-16")):
            with Loopback([whole(data)]) as server:
                told = ask(model_at(server, api_key=key), way).response_metadata
            assert told["id"] == "THE-ID"
            assert told["model_name"] != key, spelling
            assert key[:8] not in told["model_name"], spelling


# ---------------------------------------------------------------- tracebacks with locals


def causes(error: BaseException) -> Iterator[BaseException]:
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__cause__, one.__context__]


def shown_locals(
    error: BaseException, view: Callable[[object], str] | None = None
) -> Iterator[str]:
    """Yield what a traceback with locals shows, frame by frame, in all causes."""
    view = view or deep_view
    for one in causes(error):
        frames = one.__traceback__
        while frames is not None:
            if not frames.tb_frame.f_code.co_filename.endswith(("test_secrecy.py", "loopback.py")):
                for name, value in frames.tb_frame.f_locals.items():
                    yield f"{frames.tb_frame.f_code.co_qualname} {name}: {view(value)}"
            frames = frames.tb_next


def deep_view(value: object) -> str:
    """Return the value's own view with those of what it holds, as error reporters show it."""
    inner = vars(value) if hasattr(value, "__dict__") else ()
    return f"{value!r} {inner!r}"


FAULTS: dict[str, Steps] = {
    "401": [whole({"message": "m"}, status=401)],
    "closed": [CLOSE],
    "silent": [HANG],
    "cut": [whole(completion())[:-5], CLOSE],
    "stream cut": [stream_head(), chunk(event(piece("a"))), CLOSE],
    "stream silent": [stream_head(), chunk(event(piece("a"))), HANG],
    "stream error": [sse(event({"error": {"code": 500, "message": "m"}}))],
    "no JSON": [whole(b"{")],
    "bad header": [b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", CLOSE],
}


@every_way_at_once
def test_34_no_traceback_with_locals_shows_the_key(way: str) -> None:
    with Loopback(by=lambda request: FAULTS[request.prompt]) as server:
        for name in FAULTS:
            failure = failure_of(model_at(server, timeout=0.3), way, name)
            frames = [*shown_locals(failure)]
            assert len(frames) > 5
            for frame in frames:
                assert_secret(frame)


REFUSED_SETTINGS: list[dict[str, Any]] = [
    {"temperature": "hot"},
    {"nonsense": 1},
    {"base_url": "http://ada:pw@127.0.0.1/v1"},
    {"token": KEY},
    {"openai_api_key": KEY},
    {"api_key": f"Bearer {KEY}"},
    {"api_key": f"{KEY}\n{KEY}"},
]


@pytest.mark.parametrize("settings", REFUSED_SETTINGS, ids=lambda each: next(iter(each)))
def test_34_nor_does_that_of_a_setting_that_is_refused(settings: dict[str, Any]) -> None:
    def construct() -> None:
        ChatAIMLGemini(**{"model": MODEL, "api_key": KEY, **settings})

    def copy() -> None:
        model_at("http://127.0.0.1:1/v1").model_copy(update={"api_key": KEY, **settings})

    def assign() -> None:
        for name, value in settings.items():
            setattr(model_at("http://127.0.0.1:1/v1"), name, value)

    for attempt in (construct, copy, assign):
        with pytest.raises(ValueError, match=r"[a-z]") as caught:
            attempt()
        assert_secret(str(caught.value))
        frames = [*shown_locals(caught.value, repr)]
        assert frames
        for frame in frames:
            assert_secret(frame)


def test_34_nor_does_that_of_an_account_that_is_refused() -> None:
    with pytest.raises(ValueError, match="base_url") as caught:
        Account(api_key=KEY, base_url="http://127.0.0.1/v1?a=b")
    frames = [*shown_locals(caught.value, repr)]
    assert frames
    for frame in frames:
        assert_secret(frame)


@every_way
def test_34_nor_what_the_server_echoed(way: str) -> None:
    with Loopback(by=lambda request: ECHOES[request.prompt]) as server:
        for name in ECHOES:
            failure = failure_of(model_at(server), way, name)
            # `partial` and a good answer's headers are what the answer says: not taken apart.
            is_said = name in {"ending", "cut stream"}
            frames = [*shown_locals(failure, repr if is_said else deep_view)]
            assert len(frames) > 5
            for frame in frames:
                assert_secret(frame)


@every_way
def test_34_nor_where_nothing_was_reached(way: str) -> None:
    for url in ("http://127.0.0.1:1/v1", "http://a..b/v1", "https://127.0.0.1:1/v1"):
        failure = failure_of(model_at(url), way)
        for frame in shown_locals(failure):
            assert_secret(frame)


@pytest.mark.parametrize("way", ["ainvoke", "astream"])
async def test_34_nor_when_a_call_is_cancelled(way: str) -> None:
    with Loopback([HANG]) as server:
        task = asyncio.create_task(aask(model_at(server), way))
        await asyncio.to_thread(server.wait_requests, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        # Frames of the HTTP client are part of a cancellation; they are seen as `repr` shows them.
        for frame in shown_locals(caught.value, repr):
            assert_secret(frame)


def test_34_the_key_must_not_break_the_header() -> None:
    for key in ("a\nb", "a\r\nx: y", "caf\u00e9", "", " ", "\x00"):
        with pytest.raises(ValidationError):
            ChatAIMLGemini(model=MODEL, api_key=SecretStr(key))


def test_34_a_short_key_does_not_eat_words() -> None:
    with Loopback(whole({"message": "an error"}, status=401)) as server:
        model = ChatAIMLGemini(model=MODEL, base_url=server.url, api_key="k-1", max_retries=0)
        with pytest.raises(errors.AIMLAPIAuthenticationError, match="an error"):
            model.invoke("Hi")
        assert json.loads(server.requests[0].body)["model"] == MODEL
        model.close()
