"""Laws of the command line: what is found, what is shown, what is left untouched."""

import json
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_aimlapi.testing._cli import record as record_module
from langchain_aimlapi.testing._cli.index import index_text
from langchain_aimlapi.testing._cli.main import main, report
from langchain_aimlapi.testing._cli.recorded_answer import recorded_answer
from langchain_aimlapi.testing._cli.show import conversation_text
from langchain_aimlapi.testing._cli.unused import unused_cassettes
from langchain_aimlapi.testing._cli.verify import cassette_findings, summary
from langchain_aimlapi.testing.serializer import deserialize, serialize
from tests.examples import examples

DOOR = Path(main.__code__.co_filename).parents[1] / "__main__.py"
DOCUMENTED = Path(__file__).parents[4] / "cassettes" / "documented"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
ASKED = {"model": "google/gemini-3-pro-preview", "messages": [{"role": "user", "content": "Hi"}]}
ANSWER = {
    "id": "standin-1",
    "model": "google/gemini-3-pro-preview",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}}],
    "usage": {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5},
}


def interaction(
    asked: Any = ASKED,
    answer: Any = ANSWER,
    *,
    status: int = 200,
    uri: str = "http://127.0.0.1/v1/chat/completions",
    provenance: dict[str, Any] | None = None,
    **headers: str,
) -> dict[str, Any]:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    names = {"x_standin": "1", **headers}
    response: dict[str, Any] = {
        "status": {"code": status, "message": ""},
        "headers": {name.replace("_", "-"): [text] for name, text in names.items() if text},
        "body": {"string": body},
    }
    if provenance is not None:
        response["provenance"] = provenance
    request = {"method": "POST", "uri": uri, "headers": {}, "body": json.dumps(asked).encode()}
    return {"request": request, "response": response}


def written(path: Path, *interactions: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(serialize({"version": 1, "interactions": list(interactions)}), "utf-8")
    return path


def sorts(path: Path, **options: Any) -> list[str]:
    return [finding.sort for finding in cassette_findings(path, now=NOW, **options)]


def stream(*chunks: Any, end: str = "data: [DONE]\n\n") -> bytes:
    return ("".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + end).encode()


# ---------------------------------------------------------------- verify


def test_documented_cassettes_are_in_order() -> None:
    for path in sorted(DOCUMENTED.glob("*.yaml")):
        assert sorts(path, require_live=True, max_age=0) == []


@pytest.mark.parametrize(
    ("recorded", "found"),
    [
        (interaction(), []),
        (interaction(answer=stream({"choices": [{"delta": {"content": "a"}}]})), []),
        (interaction(uri="http://127.0.0.1/other", asked=[]), []),
        (interaction(asked=[1]), ["schema"]),
        (interaction(asked={"messages": []}), ["schema", "schema"]),
        (interaction(asked={**ASKED, "messages": [{"content": ""}]}), ["schema"]),
        (interaction(answer=b"<html>"), ["schema"]),
        (interaction(answer={"id": 1}), ["schema"] * 3 + ["provenance"]),
        (interaction(answer={**ANSWER, "choices": [1]}), ["schema"]),
        (interaction(answer={**ANSWER, "usage": {"prompt_tokens": 1}}), ["schema"]),
        (interaction(answer={"error": {"code": 429}}), []),
        (interaction(answer=stream({"x": 1}, end="")), ["schema", "schema"]),
        (interaction(answer={"message": "no"}, status=429), ["status"]),
        (interaction(answer={"no": 1}, status=500), ["schema", "status"]),
        (
            interaction(
                answer={"message": "no"},
                status=429,
                provenance={"kind": "stand-in", "expected_status": 429},
            ),
            [],
        ),
        (interaction(provenance={"kind": "guessed"}), ["provenance"]),
        (interaction(provenance={"kind": "live"}), ["provenance"]),
        (interaction(provenance={"kind": "documented", "sha256": "0"}), ["provenance"] * 2),
        (interaction(answer={**ANSWER, "id": "gen-1"}), ["provenance"]),
        (interaction(x_standin=""), []),
    ],
)
def test_faults_are_found_and_only_faults(
    tmp_path: Path, recorded: dict[str, Any], found: list[str]
) -> None:
    assert sorts(written(tmp_path / "a.yaml", recorded)) == found


def test_live_and_stale_are_told_by_provenance(tmp_path: Path) -> None:
    live = {"kind": "live", "recorded_at": "2026-11-12T00:00:00+00:00"}
    uri = "https://api.aimlapi.com/v1/chat/completions"
    path = written(
        tmp_path / "a.yaml",
        interaction(uri=uri, provenance=live, x_standin=""),
        interaction(uri=uri, provenance={"kind": "live"}, x_standin=""),
        interaction(),
    )
    assert sorts(path) == []
    assert sorts(path, max_age=10) == ["stale"]
    assert sorts(path, max_age=9) == ["stale", "stale"]
    assert sorts(path, require_live=True) == ["not live"]
    broken = tmp_path / "b.yaml"
    broken.write_text("[", "utf-8")
    assert summary([path, broken], now=NOW).startswith("answers: 2 live (10-10 days), 1 stand-in (")
    assert summary([], now=NOW) == "answers: none"


FOREIGN = """\
version: 1
interactions:
- request:
    method: GET
    uri: https://example.com/v1/chat/completions?api_key=key-0123456789
    body: null
    headers: {Authorization: [Bearer key-0123456789], Accept: ['*/*']}
  response:
    status: {code: 200, message: OK}
    headers: {Set-Cookie: [a=b], Content-Type: [text/plain]}
    body: {string: "your user_id: {\\"user_id\\": \\"u-1\\"}"}
"""


def test_foreign_cassette_is_found_dirty_then_cleaned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "foreign.yaml"
    path.write_text(FOREIGN, "utf-8")
    assert sorts(path) == ["secret"] * 4 + ["schema"] * 2 + ["provenance"]
    assert main(["scrub", "--check", str(path)]) == 1
    assert path.read_text("utf-8") == FOREIGN
    assert main(["scrub", str(tmp_path)]) == 0
    assert sorts(path) == ["schema"] * 2
    [clean] = deserialize(path.read_text("utf-8"))["interactions"]
    assert clean["response"]["provenance"] == {
        "kind": "other",
        "origin": "https://example.com",
        "by": "another recorder; cleaned by langchain-aimlapi",
    }
    assert main(["scrub", "--check", str(path)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed == [f"{path}: would be rewritten", f"{path}: rewritten"]


@pytest.mark.parametrize(
    ("text", "sort"),
    [
        ("nothing", "unreadable"),
        ("interactions: []", "empty"),
        (FOREIGN.replace("Set-Cookie: [a=b]", "Content-Encoding: [br]"), "unreadable"),
        (FOREIGN.replace("{code: 200, message: OK}", "{}"), "unreadable"),
    ],
)
def test_what_cannot_be_checked_is_a_finding(tmp_path: Path, text: str, sort: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text, "utf-8")
    assert sort in sorts(path)


def test_verify_prints_findings_and_ends_with_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = written(tmp_path / "good.yaml", interaction()), tmp_path / "bad.yaml"
    assert main(["verify", str(good)]) == 0
    bad.write_text("interactions: []", "utf-8")
    assert main(["verify", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "1 cassettes, 0 findings; answers: 1 stand-in (" in printed
    assert f"{bad}: empty: it has no interaction" in printed


@pytest.mark.parametrize("arguments", [["verify", "missing"], ["show", "missing.yaml"]])
def test_missing_path_is_wrong_use(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "no such file or folder: missing" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["listen"], ["show"], ["verify", "--old"]])
def test_wrong_use_ends_with_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2


def test_what_is_no_cassette_ends_with_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("[", "utf-8")
    good = written(tmp_path / "b.yaml", interaction())
    foreign = tmp_path / "c.yaml"
    foreign.write_text(FOREIGN, "utf-8")
    latin = tmp_path / "d.yaml"
    latin.write_bytes(b"\xe9")
    assert main(["show", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert f"{path}: not a YAML text" in printed.err
    assert f"{latin}: 'utf-8' codec" in printed.err
    assert f"{good}\n1. POST" in printed.out
    assert main(["scrub", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert f"{path}: not a YAML text" in printed.err
    assert printed.out == f"{foreign}: rewritten\n"


def test_command_names_the_missing_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = "langchain_aimlapi.testing.standin"
    for module in [known for known in sys.modules if f"{known}.".startswith(f"{home}.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["serve"]) == 1
    assert 'pip install "langchain-aimlapi[testing]>=1"' in capsys.readouterr().err


# ---------------------------------------------------------------- show


def test_documented_conversation_is_shown_as_a_person_reads_it() -> None:
    text = (DOCUMENTED / "gemini-3-pro-preview.yaml").read_text("utf-8")
    shown = conversation_text(deserialize(text))
    assert "(documented, https://docs.aimlapi.com/" in shown
    assert "  user\n    Hello\n  assistant (thought)\n    **Greeting Initial Response**\n" in shown
    assert "    Hello! How can I help you today?\n  2 in, 158 out, 149 of them reasoning" in shown
    assert "4211 credits, gen-1763566638-cisWU4XUfAZASsAfmDrg" in shown


def test_stream_is_shown_as_one_answer_with_its_tool_calls() -> None:
    calls = [
        {"index": 0, "id": "a", "function": {"name": "look", "arguments": '{"q":'}},
        {"index": 1, "id": "b", "function": {"name": "add", "arguments": None}},
        {"index": 0, "function": {"arguments": '"x"}'}},
    ]
    body = stream(
        {"id": "s-1", "choices": [{"index": 0, "delta": {"reasoning": "Hm"}}]},
        {"choices": [{"index": 0, "delta": {"reasoning": "m.", "content": "Yes"}}]},
        *[{"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]} for call in calls],
        {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}},
        {"meta": {"usage": {"credits_used": 9, "usd_spent": 0.5}}},
    )
    shown = conversation_text({"interactions": [interaction(answer=body)]})
    assert (
        '  assistant (thought)\n    Hmm.\n  assistant\n    Yes\n    look({"q":"x"})\n    add()\n'
        in shown
    )
    assert "  1 in, 2 out, 9 credits, USD 0.5, s-1\n" in shown


def test_messages_sent_before_are_not_shown_again() -> None:
    first = [{"role": "user", "content": "One"}]
    image = {"type": "image_url", "image_url": {"url": "data:..."}}
    second = [*first, {"role": "user", "content": [{"type": "text", "text": "Two"}, image]}]
    recorded = [
        interaction(asked={**ASKED, "messages": messages}, x_aimlapi_credits_used="7")
        for messages in (first, second)
    ]
    shown = conversation_text({"interactions": recorded})
    assert shown.count("    One\n") == 1
    assert "(after the messages of the request before)" in shown
    assert "  user\n    Two\n    [image_url]\n" in shown
    assert "7 credits" in shown


def test_errors_and_long_texts_are_shown_in_part() -> None:
    shown = conversation_text(
        {
            "interactions": [
                interaction(answer={"message": "Too Many Requests"}, status=429),
                interaction(answer=b"\xff<html>", status=502),
                interaction(answer={**ANSWER, "choices": [{"message": {"content": "a" * 3000}}]}),
            ]
        }
    )
    assert (
        '-> 429 (unknown provenance)\n  user\n    Hi\n    {"message": "Too Many Requests"}' in shown
    )
    assert "\ufffd<html>" in shown
    assert "a... (1000 more characters)" in shown


WIRE_NAMES = """
choices message messages delta tool_calls function content usage meta name arguments reasoning
completion_tokens_details
"""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(WIRE_NAMES.split()), inner, max_size=3)
    ),
    max_leaves=20,
)


@examples(150)
@given(JSON, JSON.map(lambda said: json.dumps(said).encode()) | JSON.map(stream))
def test_any_json_is_shown_and_checked_without_a_crash(asked: Any, body: bytes) -> None:
    recorded = interaction(asked=asked, answer=body)
    assert conversation_text({"interactions": [recorded]}).startswith("1. POST")
    assert isinstance(recorded_answer(body), dict)


def test_show_colours_a_terminal_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(DOCUMENTED / "gemini-3-pro-preview.yaml")
    monkeypatch.delenv("NO_COLOR", raising=False)
    is_coloured = []
    for mode, is_terminal in [("auto", False), ("auto", True), ("always", False), ("never", True)]:
        monkeypatch.setattr(sys.stdout, "isatty", lambda answer=is_terminal: answer)
        assert main(["show", path, "--color", mode]) == 0
        is_coloured.append("\x1b[" in capsys.readouterr().out)
    assert is_coloured == [False, True, True, False]


# ---------------------------------------------------------------- index


def test_index_lists_each_cassette_with_its_provenance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path / "chat" / "test[0].yaml", interaction(), interaction(asked=[], status=429))
    page = tmp_path / "documented" / "pro.yaml"
    page.parent.mkdir()
    page.write_bytes((DOCUMENTED / "gemini-3-pro-preview.yaml").read_bytes())
    assert main(["index", str(tmp_path), "--check"]) == 1
    assert main(["index", str(tmp_path)]) == 0
    assert main(["index", str(tmp_path), "--check"]) == 0
    assert "is not up to date" in capsys.readouterr().out
    text = (tmp_path / "README.md").read_text("utf-8")
    assert text == index_text(tmp_path)
    assert (
        "| [chat/test[0].yaml](chat/test%5B0%5D.yaml) | 2 | stand-in | "
        "google/gemini-3-pro-preview | 200, 429 | 20" in text
    )
    assert "| 1 | documented | google/gemini-3-pro-preview | 200 | [page](https://docs." in text
    assert text.count("| cassette | requests | kind | model | status | recorded |\n") == 1
    assert text.count("|---|---|---|---|---|---|\n") == 1


def test_index_names_the_file_that_is_no_cassette(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("[", "utf-8")
    assert main(["index", str(tmp_path)]) == 1
    assert f"{bad}: not a YAML text" in capsys.readouterr().err


# ---------------------------------------------------------------- folders


def test_cassettes_are_found_wherever_the_project_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for others in (".tox", "env/lib", "web/node_modules", "lib/site-packages", "empty"):
        path = tmp_path / others / "cassettes" / "a.yaml"
        path.parent.mkdir(parents=True)
        path.write_text("[" if others != "empty" else "", "utf-8")
    (tmp_path / "empty" / "cassettes" / "a.yaml").unlink()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    for command in ("verify", "index"):
        assert main([command]) == 2
        assert "testing record` makes them" in capsys.readouterr().err
    for place in ("tests", "more/tests"):
        written(tmp_path / place / "cassettes" / "test_it" / "a.yaml", interaction())
        written(tmp_path / place / "cassettes" / "cassettes" / "b.yaml", interaction())
    assert main(["verify"]) == 0
    assert "4 cassettes, 0 findings" in capsys.readouterr().out
    assert main(["index"]) == 0
    pages = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("README.md"))
    assert pages == ["more/tests/cassettes/README.md", "tests/cassettes/README.md"]
    assert main(["index", "--check"]) == 0
    written(tmp_path / "cassettes" / "c.yaml", interaction())
    assert main(["verify"]) == 0
    assert "1 cassettes, 0 findings" in capsys.readouterr().out


def test_cassettes_beside_the_tests_are_recorded_indexed_and_pruned(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (project / "conftest.py").write_text(CONFTEST.partition("@")[0], "utf-8")
    (project / "tests").mkdir()
    (project / "test_it.py").rename(project / "tests" / "test_it.py")
    assert main(["record", "tests"]) == 0
    folder = project / "tests" / "cassettes"
    assert sorted(tree(folder)) == ["README.md", "test_it/test_a.yaml"]
    shared = written(folder / "test_it" / "shared.yaml", interaction())
    unused = written(folder / "test_it" / "old.yaml", interaction())
    with (project / "tests" / "test_it.py").open("a", encoding="utf-8") as test:
        test.write('\n@pytest.mark.vcr("shared.yaml", allow_unused=True)\ndef test_b(): pass\n')
    assert main(["verify", "--tests", "tests"]) == 1
    assert "old.yaml: unused: no test opened it\n3 cass" in capfd.readouterr().out
    assert main(["record", "tests", "--prune", "--cassettes", "elsewhere"]) == 0
    assert "old.yaml: deleted" in capfd.readouterr().out
    assert shared.exists()
    assert not unused.exists()
    assert not (project / "elsewhere").exists()
    assert not list(project.glob(".cassettes-*"))
    assert main(["verify", "--tests", "tests"]) == 0
    folder.rename(project / "recorded")
    assert main(["verify", "recorded", "--tests", "tests"]) == 1


# ---------------------------------------------------------------- record

CONFTEST = """
import pytest
pytest_plugins = ["langchain_aimlapi.testing"]

@pytest.fixture(scope="module")
def vcr_cassette_dir(pytestconfig):
    return str(pytestconfig.rootpath / "cassettes" / "chat")
"""

TEST = """
import httpx, os, pytest

@pytest.mark.vcr
def test_a(aimlapi_endpoint):
    body = {"model": "google/gemini-3-pro-preview", "messages": [{"role": "user", "content": "Hi"}]}
    answer = httpx.post(
        aimlapi_endpoint.base_url + "/chat/completions",
        json=body,
        headers={"Authorization": "Bearer " + aimlapi_endpoint.api_key},
        verify=False,
    ).json()
    assert answer["choices"][0]["message"]["content"]
"""


SOCKET = ",pytest_socket" if find_spec("pytest_socket") else ""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "conftest.py").write_text(CONFTEST, "utf-8")
    (tmp_path / "test_it.py").write_text(TEST, "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AIMLAPI_API_KEY", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[4]))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", f"pytest_recording.plugin{SOCKET}")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-q -p no:cacheprovider")
    return tmp_path


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def without_dates(data: bytes) -> list[bytes]:
    return [line for line in data.splitlines() if b"recorded_at" not in line]


def test_record_needs_no_key_and_repeats_itself(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    frozen = project / "cassettes" / "documented" / "x.yaml"
    frozen.parent.mkdir(parents=True)
    frozen.write_bytes((DOCUMENTED / "gemini-3-pro-preview.yaml").read_bytes())
    assert main(["record"]) == 0
    assert "1 cassettes recorded, replayed and put in place." in capfd.readouterr().out
    first = tree(project / "cassettes")
    assert sorted(first) == ["README.md", "chat/test_a.yaml", "documented/x.yaml"]
    unused = written(project / "cassettes" / "chat" / "old.yaml", interaction())
    assert main(["record", "test_it.py", "--", "-k", "test_a"]) == 0
    assert f"{Path('cassettes/chat/old.yaml')}: unused: no test opened it" in capfd.readouterr().out
    assert unused.exists()
    second = tree(project / "cassettes")
    name = "chat/test_a.yaml"
    assert without_dates(second[name]) == without_dates(first[name])
    assert not list(project.glob(".cassettes-*"))


FAULTS = {
    "a failing test": (TEST + "    assert False\n", "recording: pytest ended with status 1"),
    "an error that nobody named": (
        TEST.replace('"model": "google/gemini-3-pro-preview"', '"model": 1'),
        "recording: pytest ended with status 1",
    ),
    "nothing to record": (
        "import pytest\n\n@pytest.mark.vcr\ndef test_a():\n    pass\n",
        "no test recorded",
    ),
    "a request that differs each time": (
        TEST.replace('"Hi"', "str(os.getpid())"),
        "replaying what was recorded: pytest ended with status 1",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_record_that_goes_wrong_leaves_everything(
    project: Path, capfd: pytest.CaptureFixture[str], fault: str
) -> None:
    written(project / "cassettes" / "chat" / "test_a.yaml", interaction())
    test, problem = FAULTS[fault]
    (project / "test_it.py").write_text(test, "utf-8")
    before = tree(project)
    assert main(["record"]) == 1
    assert problem in capfd.readouterr().err
    assert tree(project) == before


def test_cassette_that_is_not_in_order_is_not_put_in_place(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    test = TEST.replace("json=body", "content='no JSON'").replace(
        "@pytest.mark.vcr", "@pytest.mark.vcr(error_statuses=[400])"
    )
    (project / "test_it.py").write_text(
        test.partition("    assert answer")[0] + "    assert answer\n", "utf-8"
    )
    before = tree(project)
    assert main(["record"]) == 1
    assert "schema: interaction 1: request: no JSON object" in capfd.readouterr().err
    assert tree(project) == before


def test_record_with_a_key_asks_the_live_endpoint(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIMLAPI_API_KEY", "key-0123456789")
    monkeypatch.setenv("AIMLAPI_API_BASE", "http://127.0.0.1:9/v1")  # nobody listens there
    assert main(["record"]) == 1
    assert "ConnectError" in capfd.readouterr().out
    assert not (project / "cassettes").exists()


@pytest.fixture
def _ctrl_c() -> Iterator[None]:
    """Let SIGINT interrupt: a shell has its background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt_when(is_time: Callable[[], bool]) -> threading.Thread:
    def wait() -> None:
        while not is_time():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


@pytest.mark.usefixtures("_ctrl_c")
def test_interrupted_record_leaves_everything(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    written(project / "cassettes" / "chat" / "test_a.yaml", interaction())
    slow = "    import time; open('started', 'w').close(); time.sleep(60)\n    body ="
    (project / "test_it.py").write_text(TEST.replace("    body =", slow), "utf-8")
    before = tree(project)
    thread = interrupt_when((project / "started").exists)
    assert main(["record"]) == 130
    thread.join()
    assert "the cassettes are as they were" in capfd.readouterr().err
    (project / "started").unlink()
    assert tree(project) == before


def test_swap_that_fails_is_undone(tmp_path: Path) -> None:
    root, stage = tmp_path / "root", tmp_path / "stage"
    for name in ("a", "b"):
        for folder in (root, stage):
            folder.mkdir(exist_ok=True)
            (folder / name).write_text(f"{folder.name} {name}", "utf-8")
    before = tree(root)
    paths = [Path("a"), Path("new"), Path("b"), Path("missing")]
    (stage / "new").write_text("new", "utf-8")
    with pytest.raises(FileNotFoundError):
        record_module._swap_in(paths, stage=stage, root=root, backup=stage / ".old")
    assert tree(root) == before


@pytest.mark.usefixtures("_ctrl_c")
def test_signals_are_held_back_until_the_swap_is_done() -> None:
    done = []

    def swap() -> None:
        with record_module._hold_signals_back():
            signal.raise_signal(signal.SIGINT)
            done.append("swap")

    with pytest.raises(KeyboardInterrupt):
        swap()
    assert done == ["swap"]


def test_module_runs_as_a_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["testing", "verify", str(DOCUMENTED)])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(DOOR), run_name="__main__")
    assert end.value.code == 0
    assert "2 cassettes, 0 findings; answers: 2 documented" in capsys.readouterr().out


@pytest.mark.usefixtures("_ctrl_c")
def test_serve_prints_its_address_first_and_ends_on_a_signal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    thread = interrupt_when(lambda: signal.getsignal(signal.SIGINT) != signal.default_int_handler)
    assert main(["serve"]) == 0
    thread.join()
    line = capsys.readouterr().out
    assert line.startswith("http://127.0.0.1:")
    assert line.endswith("/v1\n")


def test_a_recording_tells_all_that_became_of_the_cassettes() -> None:
    outcome = record_module.Outcome(
        written=[Path("a.yaml"), Path("b.yaml")],
        unused=[Path("old.yaml")],
        drift=["+ choices[].new: str"],
        foreign_pages=[Path("README.md")],
    )
    assert report(outcome, prune=False) == [
        "2 cassettes recorded, replayed and put in place.",
        "old.yaml: unused: no test opened it",
        "README.md: not touched: this command did not generate it",
        "+ choices[].new: str",
    ]
    assert "old.yaml: deleted: no test opened it" in report(outcome, prune=True)


def test_a_command_runs_in_a_thread_where_no_handler_of_signals_may_be_set() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(main, ["verify", str(DOCUMENTED)]).result() == 0


def test_a_cassette_that_somebody_may_still_use_is_none_that_is_unused(tmp_path: Path) -> None:
    stage, root = tmp_path / "stage", tmp_path / "root"
    stage.mkdir()
    folder = root / "cassettes" / "test_it"
    for name in ("test_gone", "named", "made_up", "test_moved[a]", "test_there"):
        written(folder / f"{name}.yaml", interaction())
    module = {"path": str(root / "test_it.py"), "names": ["test_there"], "is_whole": True}
    elsewhere = {"path": str(root / "test_partial.py"), "names": [], "is_whole": False}
    nowhere = {"path": str(root / "test_new.py"), "names": [], "is_whole": True}
    log = "".join(f"{json.dumps(each)}\n" for each in (module, elsewhere, nowhere))
    (stage / "collected.jsonl").write_text(log, "utf-8")
    (root / "cassettes" / "test_partial").mkdir()

    def unused(source: str) -> list[str]:
        (root / "test_it.py").write_text(source, "utf-8")
        return sorted(path.stem for path in unused_cassettes(stage, root=root))

    assert unused("") == ["made_up", "named", "test_gone", "test_moved[a]"]
    assert unused("open('named.yaml')") == ["made_up", "test_gone", "test_moved[a]"]
    assert unused("use_cassette(name + '.yaml')") == ["test_gone", "test_moved[a]"]


def test_without_the_extra_the_door_says_in_one_line_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in ("pytest", "uvicorn"):
        code = (
            f"import runpy, sys; sys.modules[{part!r}] = None; sys.argv[1:] = ['serve']; "
            "runpy.run_module('langchain_aimlapi.testing', run_name='__main__')"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert 'pip install "langchain-aimlapi[testing]>=1"' in line
    monkeypatch.setitem(sys.modules, "langchain_aimlapi.testing._cli.main", None)
    door = runpy.run_path(str(DOOR))
    assert door["main"]() == 1
    assert capsys.readouterr().err.startswith("error: ")
