"""Laws of what commands say beside recording: drift, ages, wrong use, foreign pages."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from langchain_aimlapi.testing import StandIn
from langchain_aimlapi.testing._cli.drift import drift_report, shape_of
from langchain_aimlapi.testing._cli.main import main
from langchain_aimlapi.testing._cli.pytest_run import status_text
from langchain_aimlapi.testing.serializer import serialize

ROOT = Path(__file__).parents[4]
SOCKET = ",pytest_socket" if find_spec("pytest_socket") else ""
USAGE = {"prompt_tokens": 1}
MESSAGE = {"role": "assistant", "content": "Hi"}
ANSWER = {"choices": [{"message": MESSAGE, "finish_reason": "stop"}], "usage": USAGE}


def written(path: Path, answer: Any, *, status: int = 200, **headers: str) -> Path:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    response = {
        "status": {"code": status, "message": ""},
        "headers": {name.replace("_", "-"): [text] for name, text in headers.items()},
        "body": {"string": body},
        "provenance": {"kind": "live", "recorded_at": "2026-08-01T00:00:00+00:00"},
    }
    uri = "https://api.aimlapi.com/v1/chat/completions"
    request = {"method": "POST", "uri": uri, "headers": {}, "body": b"{}"}
    interactions = [{"request": request, "response": response}]
    path.write_text(serialize({"version": 1, "interactions": interactions}), "utf-8")
    return path


def test_drift_names_what_changed_and_nothing_below_it(tmp_path: Path) -> None:
    now = {
        "choices": [
            {"message": {**MESSAGE, "audio": {"id": "x"}}, "finish_reason": "safety"},
            {"message": {"role": None, "content": "Hi"}, "finish_reason": 3},
        ],
        "meta": {"usage": {"credits_used": 2}},
    }
    before = shape_of([written(tmp_path / "a.yaml", ANSWER, x_inference_id="1")])
    report = drift_report(before, shape_of([written(tmp_path / "b.yaml", now)]))
    assert report == [
        "Drift: the shape of the answers changed since the last recording (2026-08-01):",
        "  new field: choices[].message.audio (object)",
        "  missing field: header x-inference-id (string)",
        "  missing field: usage (object)",
        "  new cost field: meta (object)",
        "  other type: choices[].finish_reason was string, is number, string",
        "  other type: choices[].message.role was string, is null, string",
        "  new finish_reason: safety",
        "  missing finish_reason: stop",
    ]


def test_no_drift_is_said_too_and_no_first_recording_says_nothing(tmp_path: Path) -> None:
    chunk = json.dumps({"choices": [{"delta": {"content": "Hi"}}], "usage": USAGE})
    stream = f"data: {chunk}\n\ndata: [DONE]\n\n".encode()
    shape = shape_of([written(tmp_path / "a.yaml", stream)])
    [line] = drift_report(shape, shape)
    assert line.startswith("Drift: none, the answers have the shape that they had since the last")
    error = written(tmp_path / "b.yaml", {"error": 1}, status=500)
    assert drift_report(shape_of([tmp_path / "none.yaml", error]), shape) == []
    plain = shape_of([written(tmp_path / "c.yaml", b"plain")])
    assert drift_report(plain, plain) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["serve", "--port", "99999"], "'99999' is no port: 0 to 65535"),
        (["serve", "--port", "x"], "'x' is no port"),
        (["serve", "--dialect", "klingon"], "invalid choice: 'klingon'"),
        (["verify", "--max-age", "soon"], "'soon' is no age: 90, 90d or 12w"),
        (["show"], "the following arguments are required: PATH"),
        (["show", "--bogus"], "unrecognized arguments: --bogus"),
        (["scrub", "--bogus"], "unrecognized arguments: --bogus"),
        (["scrub", "--check"], "the following arguments are required: PATH"),
        (["dance"], "invalid choice: 'dance'"),
        ([], "the following arguments are required: COMMAND"),
        (["record", "-x"], "unrecognized arguments: -x (what pytest is to get follows --"),
        (["verify", "--old"], "unrecognized arguments: --old ("),
    ],
)
def test_wrong_use_is_one_line_and_ends_with_two(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert told in line
    assert "--help" in line


def test_fault_and_address_that_cannot_be_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--fault", "dance"]) == 2
    assert capsys.readouterr().err.startswith("error: The fault 'dance' is not understood")
    with StandIn() as server:
        port = server.base_url.rpartition(":")[2].removesuffix("/v1")
        assert main(["serve", "--port", port]) == 2
    assert f"error: 127.0.0.1:{port}: " in capsys.readouterr().err


@pytest.mark.parametrize(("age", "status"), [("90d", 0), ("9d", 1), ("1w", 1), ("99", 0)])
def test_age_is_days_or_weeks(tmp_path: Path, age: str, status: int) -> None:
    text = written(tmp_path / "a.yaml", {**ANSWER, "id": "1"}).read_text("utf-8")
    recorded = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 20 * 86400))
    (tmp_path / "a.yaml").write_text(text.replace("2026-08-01", recorded), "utf-8")
    printed = main(["verify", str(tmp_path), "--max-age", age])
    others = main(["verify", str(tmp_path)])
    assert printed == max(status, others)


def test_foreign_files_are_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path / "a.yaml", ANSWER)
    (tmp_path / "README.md").write_text("# Mine\n", "utf-8")
    (tmp_path / "settings.yaml").write_text("colour: blue\n", "utf-8")
    assert main(["index", str(tmp_path)]) == 1
    assert "is not generated, so not touched" in capsys.readouterr().out
    assert (tmp_path / "README.md").read_text("utf-8") == "# Mine\n"
    assert main(["show", str(tmp_path)]) == 0
    assert "settings" not in capsys.readouterr().out


def test_what_pytest_ended_with_is_said_in_words() -> None:
    assert "no test was collected" in status_text(5)
    assert status_text(1) == "pytest ended with status 1"


def test_told_to_end_it_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import time\ndef test_a():\n    open('started', 'w').close()\n    time.sleep(60)\n",
        "utf-8",
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    command = [sys.executable, "-m", "langchain_aimlapi.testing", "record", "test_it.py::test_a"]
    running = subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_PLUGINS": f"pytest_recording.plugin{SOCKET}",
            "PYTEST_ADDOPTS": "-p no:cacheprovider",
        },
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGTERM)
    _, printed = running.communicate(timeout=60)
    assert running.returncode == 143, printed
    assert b"the cassettes are as they were" in printed
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["pytest.ini", "started", "test_it.py"]


def test_serve_talks_and_does_as_it_is_told() -> None:
    code = f"""
import json, threading, urllib.request, urllib.error, signal, os, sys, time
sys.path.insert(0, {str(ROOT)!r})
from langchain_aimlapi.testing._cli.main import main
lines = []
class Out:
    encoding = "utf-8"
    def write(self, text):
        lines.append(text)
        if "BASE=" in text:
            threading.Thread(target=ask, args=(text.split("BASE=")[1].split()[0],)).start()
    def flush(self): pass
def ask(base):
    for body in (b'{{"model": "google/gemini-3-pro-preview", "stream": true, "messages": '
                 b'[{{"role": "user", "content": "Hi"}}]}}', b"no JSON"):
        request = urllib.request.Request(base + "/chat/completions", body,
                                         {{"Authorization": "Bearer x"}})
        try:
            urllib.request.urlopen(request).read()
        except urllib.error.HTTPError:
            pass
    while "".join(lines).count("POST ") < 2:  # a line is written behind the answer
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGTERM)
sys.stdout = Out()
status = main(["serve", "--strict", "--dialect", "vertex", "--fault", "status=429"])
sys.stderr.write("".join(lines))
sys.exit(status)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=90
    )
    assert done.returncode == 0, done.stderr
    first, *_, stream, bad = done.stderr.splitlines()
    assert first.startswith("http://127.0.0.1:")
    assert f"export AIMLAPI_API_BASE={first}" in done.stderr
    assert stream.startswith("POST /v1/chat/completions 429 ")
    assert stream.endswith(" ms google/gemini-3-pro-preview (stream)")
    assert bad.startswith("POST /v1/chat/completions 4")
