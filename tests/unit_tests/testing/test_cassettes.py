"""Laws of cassettes in use: what matches, what is refused, what is written when.

Runs under vcrpy 8 and 9 alike; needs httpx besides.
"""

import contextlib
import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import vcr
from vcr.errors import CannotOverwriteExistingCassetteException
from vcr.request import Request

import langchain_aimlapi.testing as kit
from langchain_aimlapi.testing import CassetteError, aimlapi_vcr_config, install, use_cassette
from langchain_aimlapi.testing._extra import name_missing_extra
from langchain_aimlapi.testing._misses import UnrecordedRequestError
from langchain_aimlapi.testing._stage import RECORDING, ROOT, STAGE, opened_paths, staged_path
from langchain_aimlapi.testing.matchers import RequestMatcher, canonical_request, request_difference
from langchain_aimlapi.testing.serializer import deserialize, serialize
from tests.http_client import httpx


class Echo(BaseHTTPRequestHandler):
    """Answers a chat request with its last message; the text can name a status."""

    calls: ClassVar[int] = 0

    def do_POST(self) -> None:
        type(self).calls += 1
        body = self.rfile.read(int(self.headers["content-length"]))
        text = json.loads(body)["messages"][-1]["content"]
        answer = json.dumps({"said": text, "call": type(self).calls}).encode()
        self.send_response(int(text) if text.isdigit() else 200)
        self.send_header("content-type", "application/json")
        self.send_header("set-cookie", "session=a-cookie-of-some-length")
        self.send_header("x-inference-id", "inf-1")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its own signature
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    Echo.calls = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/v1"
        running.shutdown()
        thread.join()


def ask(base_url: str, text: str, **more: Any) -> dict[str, Any]:
    body = {"model": "m", "messages": [{"role": "user", "content": text}], **more}
    headers = {"Authorization": "Bearer key-0123456789"}
    answer = httpx.post(f"{base_url}/chat/completions", json=body, headers=headers, verify=False)
    return dict(answer.json())


@pytest.fixture
def tape(tmp_path: Path, server: str) -> Path:
    path = tmp_path / "tape.yaml"
    with use_cassette(path, record_mode="once"):
        for text in ("one", "two\nlines", "one"):
            ask(server, text)
    return path


LIVE = "https://api.aimlapi.com/v1"
ROOT_DIR = Path(__file__).parents[3]


def test_recorded_answers_replay_in_order_from_any_host(tape: Path) -> None:
    with use_cassette(tape):
        answers = [ask(LIVE, text) for text in ("one", "two\nlines", "one")]
    assert answers == [
        {"said": "one", "call": 1},
        {"said": "two\nlines", "call": 2},
        {"said": "one", "call": 3},
    ]


def test_recording_keeps_ids_and_drops_credentials(tape: Path) -> None:
    text = tape.read_text("utf-8")
    assert "x-inference-id" in text
    assert "key-0123456789" not in text
    assert "cookie" not in text


def test_miss_shows_the_difference_to_the_nearest_request(tmp_path: Path, server: str) -> None:
    tape = tmp_path / "tape.yaml"
    with use_cassette(tape, record_mode="once"):
        for text in ("one", "two\nlines", "three"):
            ask(server, text)
    with (
        pytest.raises(CannotOverwriteExistingCassetteException) as miss,
        use_cassette(tape, allow_unused=True),
    ):
        ask(LIVE, "two\nlimes", temperature=0.5)
    message = "\n".join("".join(line.split(" ")) for line in str(miss.value).splitlines())
    assert "---recorded:interaction2of3\n+++askedfornow\n" in message
    assert "-lines\n+limes\n" in message
    assert "+temperature:0.5\n" in message
    assert message.count("+++") == 1


def test_request_played_already_is_not_called_different(tape: Path) -> None:
    def asks_thrice() -> None:
        with use_cassette(tape, allow_unused=True):
            for _ in range(3):
                ask(LIVE, "one")

    with pytest.raises(UnrecordedRequestError, match="recorded 2 times") as miss:
        asks_thrice()
    assert "+++" not in str(miss.value)


def test_long_words_are_abridged_in_the_difference() -> None:
    matcher = RequestMatcher()
    asked, recorded = (matcher.canonical(vcr_request("A" * 4999 + end)) for end in "AB")
    difference = request_difference(asked, candidates=[recorded])
    assert len(difference) < 600
    assert difference.count("5000 characters, sha256") == 2


def test_long_words_are_told_by_all_of_them_before_yaml_is_made() -> None:
    def picture(end: str) -> str:
        return canonical({"url": "data:image/png;base64," + "A" * 5000 + end})

    assert picture("B") == picture("B") != picture("C")
    assert len(picture("B")) < 200
    assert canonical("A" * 5000) != canonical("A" * 4999 + "B")


def vcr_request(content: str, *, method: str = "POST", path: str = "/v1/x") -> Any:
    body = json.dumps({"messages": [{"role": "user", "content": content}]})
    return Request(method, f"https://host{path}", body, {})


def test_the_difference_is_to_the_nearest_recorded_request() -> None:
    matcher = RequestMatcher()
    recorded = [vcr_request("far away"), vcr_request("x", path="/v2"), vcr_request("near 1")]
    difference = request_difference(
        matcher.canonical(vcr_request("near 2")), candidates=list(map(matcher.canonical, recorded))
    )
    assert difference.startswith("--- recorded: interaction 3 of 3\n+++ asked for now\n")
    assert [line for line in difference.splitlines()[2:] if line[0] in "+-"] == [
        "-- content: near 1",
        "+- content: near 2",
    ]


def canonical(body: Any, **more: Any) -> str:
    text = body if isinstance(body, str | None) else json.dumps(body)
    request: dict[str, Any] = {"method": "POST", "uri": "https://h/v1", "headers": {}, "body": text}
    return canonical_request({**request, **more})


def conversation(first: str, second: str, *, swapped: bool = False) -> dict[str, Any]:
    results = [second, first] if swapped else [first, second]
    return {
        "messages": [
            {"role": "user", "content": "Go."},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"id": first, "type": "function"}, {"id": second}],
                "reasoning_details": [{"type": "reasoning.encrypted", "id": first}],
            },
            *[{"role": "tool", "tool_call_id": result, "content": "1"} for result in results],
        ]
    }


def tool_of(description: str) -> dict[str, Any]:
    function = {"name": "look", "description": description, "parameters": {}}
    return {"tools": [{"type": "function", "function": function}]}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1, "b": {"d": 2, "c": 3}}', '{"b":{"c":3,"d":2},"a":1}'),
        ('{"a": 1.0}', '{"a": 1}'),
        ('{"a": 0.50}', '{"a": 0.5}'),
        ('{"a": "\\u00e9"}', '{"a": "é"}'),
        (conversation("call_x", "call_y"), conversation("uuid-1", "uuid-2")),
        ({"api_key": "one"}, {"api_key": "another"}),
        # A docstring as Python 3.12 keeps it, as 3.13 does.
        (
            tool_of("Look.\n\n        Args:\n            city: Where.\n        "),
            tool_of("Look.\n\nArgs:\n    city: Where.\n"),
        ),
    ],
)
def test_requests_that_count_as_equal(one: Any, other: Any) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1}', '{"a": 2}'),
        ('{"a": [1, 2]}', '{"a": [2, 1]}'),
        (conversation("a", "b"), conversation("a", "b", swapped=True)),
        ("text", "other text"),
        (tool_of("Look."), tool_of("Look!")),
        (tool_of("Look.\n\nArgs:\n    city"), tool_of("Look.\n\nArgs:\ncity")),
        ({"messages": [{"content": " a\n b"}]}, {"messages": [{"content": "a\nb"}]}),
        ('{"messages": 1}', '{"messages": [1, {"tool_calls": null}]}'),
    ],
)
def test_requests_that_count_as_different(one: Any, other: Any) -> None:
    assert canonical(one) != canonical(other)


def test_path_query_and_method_count() -> None:
    texts = {
        canonical({}),
        canonical({}, uri="https://h/v2"),
        canonical({}, uri="https://h/v1?x=1"),
        canonical({}, method="PUT"),
    }
    assert len(texts) == 4
    assert canonical("") == canonical(None)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://h/v1/chat/completions", "http://127.0.0.1:5/v1/chat/completions"),
        ("https://h/v1/chat/completions?a=1", "http://127.0.0.1:5/v1/chat/completions?a=1"),
        ("http://127.0.0.1:5/who", "http://127.0.0.1:6/who"),
        ("http://[::1]:5/who", "http://[::1]/who"),
        ("http://h/who", "http://h:80/who"),
        ("https://h/who", "https://h:443/who"),
    ],
)
def test_addresses_that_count_as_equal(one: str, other: str) -> None:
    assert canonical({}, uri=one) == canonical({}, uri=other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://h/who", "https://g/who"),
        ("https://h/who", "http://h/who"),
        ("https://h/who", "https://h:8443/who"),
        ("http://127.0.0.1:5/who", "http://localhost:5/who"),
        ("https://h/v1/chat/completions", "https://h/v2/chat/completions"),
        ("https://h/chat/completions/x", "https://g/chat/completions/x"),
    ],
)
def test_addresses_that_count_as_different(one: str, other: str) -> None:
    assert canonical({}, uri=one) != canonical({}, uri=other)


def test_unplayed_interactions_fail(tape: Path) -> None:
    with (
        pytest.raises(CassetteError, match=r"not played: 2 of 3: POST .*; 3 of 3: POST"),
        use_cassette(tape),
    ):
        ask(LIVE, "one")


def test_unplayed_interactions_can_be_allowed(tape: Path) -> None:
    with use_cassette(tape, allow_unused=True) as cassette:
        assert ask(LIVE, "one")["call"] == 1
    assert cassette.play_count == 1


def test_error_status_is_recorded_only_when_named(tmp_path: Path, server: str) -> None:
    path = tmp_path / "errors.yaml"
    with (
        pytest.raises(CassetteError, match=r"status 429, .*error_statuses=\[429\]"),
        use_cassette(path, record_mode="once"),
    ):
        ask(server, "429")
    assert not path.exists()
    with use_cassette(path, record_mode="once", error_statuses=[429]):
        ask(server, "429")
    [played] = deserialize(path.read_text("utf-8"))["interactions"]
    assert played["response"]["provenance"]["expected_status"] == 429
    with use_cassette(path):
        assert ask(LIVE, "429")["said"] == "429"


def test_nothing_is_written_when_the_block_fails(tape: Path, server: str) -> None:
    before = tape.read_bytes()
    with pytest.raises(KeyError), use_cassette(tape, record_mode="all"):
        ask(server, "one").pop("what is not there")
    assert tape.read_bytes() == before


def test_replay_reaches_no_server(tmp_path: Path, server: str) -> None:
    with (
        pytest.raises(CannotOverwriteExistingCassetteException),
        use_cassette(tmp_path / "none.yaml"),
    ):
        ask(server, "one")
    assert Echo.calls == 0
    assert not (tmp_path / "none.yaml").exists()


def command(name: str) -> str:
    path = Path(__file__).relative_to(ROOT_DIR)
    return f"python -m langchain_aimlapi.testing record {path}::{name}"


def test_miss_says_when_there_is_no_cassette_and_how_to_record_it(tape: Path) -> None:
    missing = tape.with_name("none.yaml")
    for path, said in ((missing, f"There is no cassette {missing}."), (tape, "asked for now")):
        with pytest.raises(UnrecordedRequestError) as miss, use_cassette(path, allow_unused=True):
            ask(LIVE, "another")
        assert said in str(miss.value)
        assert str(miss.value).endswith(
            command("test_miss_says_when_there_is_no_cassette_and_how_to_record_it")
        )
        assert "new_episodes" not in str(miss.value)
    tape.write_text("version: 1\ninteractions: []\n", "utf-8")
    with pytest.raises(UnrecordedRequestError, match="holds no interaction"), use_cassette(tape):
        ask(LIVE, "another")


@pytest.mark.parametrize("is_told_by_the_test", [False, True])
def test_miss_that_the_app_swallowed_fails_the_block(
    tape: Path, *, is_told_by_the_test: bool
) -> None:
    def app() -> None:
        for text in ("another", "another", "third"):
            with contextlib.suppress(Exception):
                ask(LIVE, text)
        if is_told_by_the_test:
            raise ValueError("no answer came")

    with pytest.raises((CassetteError, ValueError)) as told, use_cassette(tape, allow_unused=True):
        app()
    text = "\n".join(getattr(told.value, "__notes__", [str(told.value)]))
    assert text.startswith("A request was not in the cassette, and something caught the error:\n")
    assert text.count("+++ asked for now") == 2
    assert isinstance(told.value, ValueError) is is_told_by_the_test


def test_miss_that_a_test_takes_out_is_expected(tape: Path) -> None:
    with use_cassette(tape, allow_unused=True) as cassette:
        with pytest.raises(UnrecordedRequestError):
            ask(LIVE, "another")
        cassette.misses.clear()


def test_matchers_of_ones_own_are_named_where_they_differ(tape: Path) -> None:
    player = vcr.VCR(record_mode="none")
    install(player)
    player.match_on = ["aimlapi_request", "host"]
    with (
        pytest.raises(UnrecordedRequestError, match="other matchers of match_on differ: host"),
        player.use_cassette(str(tape)),
    ):
        ask(LIVE, "one")


def test_a_matcher_of_ones_own_is_asked_about_likely_requests_only(
    tmp_path: Path, server: str
) -> None:
    """A cassette of n requests costs n comparisons, not n for each of its requests."""
    path, texts = tmp_path / "t.yaml", [f"Go to {number}." for number in range(30)]
    with use_cassette(path, record_mode="once"):
        recorded = [ask(server, text) for text in texts]
    compared: list[str] = []

    def by_path(asked: Request, then: Request) -> bool:
        compared.append(then.uri)
        return bool(asked.path == then.path)

    player = vcr.VCR(record_mode="none")
    install(player)
    player.register_matcher("by_path", by_path)
    player.match_on = ["by_path", "aimlapi_request"]
    with player.use_cassette(str(path)) as cassette:
        assert [ask(LIVE, text) for text in texts] == recorded
        assert cassette.all_played
    assert len(compared) <= 2 * len(texts)  # whether it can be played, and played


def test_matching_without_the_kits_matcher_is_vcrpys(tape: Path) -> None:
    player = vcr.VCR(record_mode="none")
    install(player)
    player.match_on = ["method", "path"]
    with player.use_cassette(str(tape)):
        assert [ask(LIVE, text)["said"] for text in "xyz"] == ["one", "two\nlines", "one"]


def test_what_is_recorded_now_is_found_again_beside_what_was_loaded(
    tape: Path, server: str
) -> None:
    player = vcr.VCR(record_mode="new_episodes")
    install(player)
    with player.use_cassette(str(tape)) as cassette:
        new = ask(server, "three")
        assert ask(LIVE, "three") == new
        assert ask(LIVE, "one")["said"] == "one"
        asked = json.dumps({"model": "m", "messages": [{"role": "user", "content": "one"}]})
        request = Request("POST", f"{LIVE}/chat/completions", asked, {})
        assert len(cassette.responses_of(request)) == 2


def test_hidden_words_are_told_apart_by_what_stands_around_them(
    tmp_path: Path, server: str
) -> None:
    path = tmp_path / "t.yaml"
    with use_cassette(path, record_mode="once", secrets=["violet-42"]):
        for text in ("Say violet-42 to one.", "Say violet-42 to two.", "Say violet-42 to one."):
            ask(server, text)
    with use_cassette(path) as cassette:
        said = [ask(LIVE, f"Say amber-43 to {who}.")["call"] for who in ("two", "one", "one")]
        assert said == [2, 1, 3]
        with pytest.raises(UnrecordedRequestError, match="is recorded 2 times"):
            ask(LIVE, "Say amber-43 to one.")
        with pytest.raises(UnrecordedRequestError, match="not among the 3"):
            ask(LIVE, "Say amber-43 to three.")
        cassette.misses.clear()


def test_new_episodes_keep_the_old_provenance(tape: Path, server: str) -> None:
    before = deserialize(tape.read_text("utf-8"))["interactions"]
    with use_cassette(tape, record_mode="new_episodes"):
        ask(server, "three")
    after = deserialize(tape.read_text("utf-8"))["interactions"]
    assert after[:3] == before
    assert len(after) == 4


@pytest.mark.parametrize("asked", [["a", "b"], ["b", "a"]])
@pytest.mark.parametrize("answered", [["a", "b"], ["b", "a"]])
def test_requests_in_flight_at_once_are_written_in_one_order(
    tmp_path: Path, server: str, asked: list[str], answered: list[str]
) -> None:
    recorder = vcr.VCR(record_mode="once")
    install(recorder)
    path = tmp_path / "t.yaml"
    names = ("a", "b", "z")
    requests = {name: Request("POST", f"{server}/{name}", None, {}) for name in names}
    answer = {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": b""}}
    with recorder.use_cassette(str(path)) as cassette:
        for burst_asked, burst_answered in (["z"], ["z"]), (asked, answered):
            for name in burst_asked:
                assert not cassette.can_play_response_for(requests[name])
            for name in burst_answered:
                cassette.append(requests[name], answer)
    text = path.read_text("utf-8")
    assert text.index("/z\n") < text.index("/a\n") < text.index("/b\n")


def test_own_hooks_are_left_alone() -> None:
    def hook(one: Any) -> Any:
        return one

    recorder = vcr.VCR(before_record_request=hook, before_record_response=hook)
    install(recorder)
    assert recorder.before_record_request is recorder.before_record_response is hook
    assert recorder.match_on == aimlapi_vcr_config()["match_on"]


def echo_of_key(server: str) -> None:
    ask(server, "Your key key-0123456789 is fine.")


@pytest.mark.parametrize(
    "options",
    [
        {"filter_headers": ["authorization"]},
        {"filter_headers": [("authorization", "dummy")]},
        {"before_record_request": lambda request: Request(request.method, request.uri, "{}", {})},
    ],
)
def test_key_that_a_filter_takes_out_is_known_all_the_same(
    tmp_path: Path, server: str, options: dict[str, Any]
) -> None:
    recorder = vcr.VCR(record_mode="once")
    install(recorder)
    with recorder.use_cassette(str(tmp_path / "t.yaml"), **options):
        echo_of_key(server)
    text = (tmp_path / "t.yaml").read_text("utf-8")
    assert "Your key REDACTED is fine." in text
    assert "key-0123456789" not in text


@pytest.mark.parametrize("options", [{}, {"before_record_request": lambda request: request}])
def test_cassette_is_in_the_order_of_asking_with_and_without_own_hooks(
    tmp_path: Path, server: str, options: dict[str, Any]
) -> None:
    recorder = vcr.VCR(record_mode="once")
    install(recorder)
    path = tmp_path / "t.yaml"
    with recorder.use_cassette(str(path), **options):
        for text in ("zebra", "apple", "zebra"):
            ask(server, text)
    bodies = [
        one["request"]["body"] for one in deserialize(path.read_text("utf-8"))["interactions"]
    ]
    asked = [json.loads(body)["messages"][0]["content"] for body in bodies]
    assert asked == ["zebra", "apple", "zebra"]


def test_a_hook_sees_each_request_once_and_again_when_it_changed(tape: Path) -> None:
    seen: list[str] = []

    def hook(request: Request) -> Request:
        seen.append(request.uri)
        return request

    recorder = vcr.VCR(before_record_request=hook)
    install(recorder)
    with recorder.use_cassette(str(tape), record_mode="none"):
        assert len(seen) == 3  # those of the file
        ask(LIVE, "one")
        assert len(seen) == 4
    with recorder.use_cassette(str(tape), record_mode="none") as cassette:
        seen.clear()
        asked = Request("POST", f"{LIVE}/chat/completions", "{}", {})
        with pytest.raises(UnrecordedRequestError):
            cassette.can_play_response_for(asked)
        asked.body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "one"}]})
        assert cassette.can_play_response_for(asked)
        assert len(seen) == 2


def test_request_that_a_hook_drops_is_not_recorded(tmp_path: Path, server: str) -> None:
    recorder = vcr.VCR(record_mode="once", before_record_request=lambda _: None)
    install(recorder)
    with recorder.use_cassette(str(tmp_path / "t.yaml")):
        ask(server, "one")
    assert not (tmp_path / "t.yaml").exists()


def test_documented_cassette_is_never_written(tmp_path: Path, server: str) -> None:
    path = tmp_path / "documented" / "x.yaml"
    with (
        pytest.raises(ValueError, match="never written"),
        use_cassette(path, record_mode="once"),
    ):
        ask(server, "one")
    assert not path.exists()


def test_file_that_is_no_cassette_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("nothing", "utf-8")
    with pytest.raises(ValueError, match=r"bad\.yaml: not a cassette"), use_cassette(path):
        pass


def test_file_of_vcrpy_itself_replays_and_is_rewritten_clean(tmp_path: Path, server: str) -> None:
    path = tmp_path / "plain.yaml"
    with vcr.VCR(record_mode="once").use_cassette(str(path)):
        ask(server, "one")
    assert "key-0123456789" in path.read_text("utf-8")
    with use_cassette(path, record_mode="new_episodes"):
        ask(LIVE, "one")
        ask(server, "two")
    assert "key-0123456789" not in path.read_text("utf-8")
    with use_cassette(path):
        assert [ask(LIVE, text)["call"] for text in ("one", "two")] == [1, 2]


def test_our_file_replays_with_plain_vcrpy_and_our_serializer(tape: Path) -> None:
    player = vcr.VCR(record_mode="none", match_on=["method", "path", "body"])
    player.register_serializer("ours", kit.serializer)
    with player.use_cassette(str(tape), serializer="ours"):
        assert ask(LIVE, "one")["call"] == 1


def test_text_is_the_same_after_a_load_and_a_save_by_vcrpy(tape: Path, server: str) -> None:
    before = tape.read_text("utf-8")
    recorder = vcr.VCR(record_mode="new_episodes")
    install(recorder)
    with recorder.use_cassette(str(tape)) as cassette:
        cassette._save(force=True)
    assert tape.read_text("utf-8") == before == serialize(deserialize(before))
    assert server


def test_stage_takes_the_place_of_the_project(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, stage = tmp_path / "project", tmp_path / "stage"
    root.mkdir()
    stage.mkdir()
    assert opened_paths(stage) == set()
    monkeypatch.setenv(STAGE, str(stage))
    monkeypatch.setenv(ROOT, str(root))
    monkeypatch.setenv(RECORDING, "1")
    with use_cassette(root / "cassettes" / "a.yaml"):
        ask(server, "one")
    assert not (root / "cassettes").exists()
    assert (stage / "cassettes" / "a.yaml").is_file()
    assert opened_paths(stage) == {Path("cassettes/a.yaml")}
    (stage / "cassettes" / "a.yaml").rename(root / "shared.yaml")
    recorder = vcr.VCR(record_mode="none")
    recorder.persister = SimpleNamespace(
        extra_paths=[str(root / "shared.yaml"), str(tmp_path / "beside.yaml")]
    )
    install(recorder)
    with recorder.use_cassette(str(stage / "b.yaml")):
        ask(LIVE, "one")
    names = ("cassettes/a.yaml", "b.yaml", "shared.yaml")
    assert opened_paths(stage) == set(map(Path, names))
    assert staged_path(root / "documented" / "a.yaml") == root / "documented" / "a.yaml"
    with pytest.raises(ValueError, match="outside of"):
        staged_path(tmp_path / "elsewhere.yaml")


def test_public_names_are_found_and_others_are_not() -> None:
    for name in kit.__all__:
        assert getattr(kit, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'cassete'"):
        kit.cassete  # type: ignore[attr-defined]  # noqa: B018  # the misspelling is the point


@pytest.mark.parametrize(
    ("part", "name", "use"),
    [
        ("vcr", "cassettes", lambda: kit.use_cassette("a.yaml").__enter__()),
        ("starlette", "standin", lambda: attrgetter("StandIn")(kit)),
    ],
)
def test_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, part: str, name: str, use: Callable[[], object]
) -> None:
    home = f"langchain_aimlapi.testing.{name}"
    for module in [known for known in sys.modules if f"{known}.".startswith(f"{home}.")]:
        monkeypatch.delitem(sys.modules, module)
    for module in {part, *(known for known in sys.modules if known.startswith(f"{part}."))}:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "langchain-aimlapi\[testing\]>=1"'):
        use()


def test_missing_module_of_somebody_else_is_not_ours() -> None:
    with pytest.raises(ModuleNotFoundError) as error, name_missing_extra():
        import nowhere  # type: ignore[import-not-found]  # noqa: F401  # it is not there
    assert "testing" not in str(error.value)
