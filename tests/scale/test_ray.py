"""Bulk work on Ray Data: the documentation's recipe, on two workers of this machine."""

from __future__ import annotations

import os
import pickle
import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from langchain_aimlapi import ChatAIMLGemini, SpendCallbackHandler
from tests.scale.stand_in_process import stand_in_process
from tests.wire_tests.loopback import Loopback, Request, Steps, answer_to, error_body, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(r"ignore::Warning:ray\."),  # Ray's own, about itself
]

ray: Any = pytest.importorskip("ray", reason="Ray is not in this environment: see `make scale`")
MODEL = "google/gemini-3-flash-preview"
CREDITS = 8846  # what an answer of `Loopback` costs
WORKER_KEY = "sk-from-the-environment-of-the-worker"
CARRIED_KEY = "sk-carried-by-the-pickled-model"
RECIPE = Path(__file__).with_name("recipe.py")


def answer(request: Request) -> Steps:
    if "impossible" in request.prompt:
        return [whole(error_body(400, "Impossible"), status=400)]
    return [0.05, answer_to(request)]


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with Loopback(by=answer) as server:
        yield server


@pytest.fixture(scope="module")
def cluster(server: Loopback) -> Iterator[Path]:
    from tests.scale.local_ray import local_ray

    with local_ray({"AIMLAPI_API_KEY": WORKER_KEY, "AIMLAPI_API_BASE": server.url}) as folder:
        yield folder


@pytest.fixture(scope="module")
def recipe(cluster: Path) -> dict[str, Any]:
    """Return the names of the documentation's recipe, which has been run."""
    assert cluster.exists()
    assert "AIMLAPI_API_KEY" not in os.environ
    names: dict[str, Any] = {"__name__": "recipe"}
    exec(compile(RECIPE.read_text("utf-8"), str(RECIPE), "exec"), names)
    return names


def asked(actor: type, prompts: list[str], **settings: Any) -> Any:
    """Return the data set of what an actor like the recipe's makes of prompts."""
    rows = [{"id": number, "prompt": prompt} for number, prompt in enumerate(prompts)]
    return ray.data.from_items(rows, override_num_blocks=len(prompts) // 5).map_batches(
        actor,
        fn_constructor_kwargs={"model": MODEL, "max_retries": 0, **settings},
        batch_size=5,
        num_cpus=0.25,
        compute=ray.data.ActorPoolStrategy(size=2),
    )


def test_every_row_is_answered_with_the_key_of_the_worker_and_paid_for(
    recipe: dict[str, Any], server: Loopback
) -> None:
    rows = recipe["answers"].take_all()
    assert sorted(row["id"] for row in rows) == list(range(100))
    assert {row["answer"] for row in rows} == {one["prompt"] for one in recipe["questions"]}
    assert all(row["answer"] == row["prompt"] for row in rows)
    assert recipe["answers"].sum("credits") == 100 * CREDITS
    assert len(server.requests) == 100
    assert {one.headers["authorization"] for one in server.requests} == {f"Bearer {WORKER_KEY}"}


def test_each_process_has_connections_of_its_own_and_keeps_them(
    recipe: dict[str, Any], server: Loopback
) -> None:
    ask: Any = recipe["Ask"]

    class Named(ask):  # type: ignore[misc] # a class made at run time
        def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
            answered = super().__call__(batch)
            return {**answered, "pid": [os.getpid()] * len(batch["id"])}

    before = len(server.requests)
    rows = asked(Named, [f"Question {number}" for number in range(60)]).take_all()
    process = {row["prompt"]: row["pid"] for row in rows}
    used: dict[int, set[int]] = {}
    for request in server.requests[before:]:
        used.setdefault(process[request.prompt], set()).add(request.connection)
    first, second = used.values()
    assert not first & second
    assert len(first | second) < 60
    assert os.getpid() not in used


def test_a_failed_row_tells_why_and_the_others_are_answered(recipe: dict[str, Any]) -> None:
    prompts = ["impossible" if number == 3 else f"Row {number}" for number in range(10)]
    rows = {row["id"]: row for row in asked(recipe["Ask"], prompts).take_all()}
    assert "Impossible" in rows[3]["error"]
    assert (rows[3]["answer"], rows[3]["credits"]) == ("", 0)
    others = [row for number, row in rows.items() if number != 3]
    assert [row["answer"] for row in others] == [row["prompt"] for row in others]
    assert not any(row["error"] for row in others)


def test_a_batch_in_which_all_fail_ends_the_run(recipe: dict[str, Any]) -> None:
    with pytest.raises(ray.exceptions.RayTaskError, match="Impossible") as caught:
        asked(recipe["Ask"], ["impossible"] * 10).materialize()
    assert "AIMLAPIInvalidRequestError" in str(caught.value)
    assert WORKER_KEY not in str(caught.value)


def test_a_pickled_model_works_elsewhere_and_holds_its_key(
    recipe: dict[str, Any], server: Loopback
) -> None:
    def ask(model: ChatAIMLGemini, prompts: list[Any]) -> tuple[int, SpendCallbackHandler]:
        spend = SpendCallbackHandler()
        model.batch(prompts, {"callbacks": [spend]})
        return os.getpid(), spend

    model = ChatAIMLGemini(model=MODEL, api_key=CARRIED_KEY, base_url=server.url)
    model.invoke("Before")
    assert CARRIED_KEY.encode() in pickle.dumps(model)
    assert WORKER_KEY.encode() not in ray.cloudpickle.dumps(recipe["Ask"])
    before = len(server.requests)
    task = ray.remote(num_cpus=0.25)(ask)
    done = ray.get([task.remote(model, [f"Part {part}"] * 4) for part in range(3)])
    assert os.getpid() not in {pid for pid, _ in done}
    spend = sum(spend for _, spend in done)
    assert (spend.total.answers, spend.total.credits) == (12, 12 * CREDITS)
    keys = {one.headers["authorization"] for one in server.requests[before:]}
    assert keys == {f"Bearer {CARRIED_KEY}"}
    model.close()


def test_a_worker_killed_in_the_middle_loses_no_row(recipe: dict[str, Any], tmp_path: Path) -> None:
    ask: Any = recipe["Ask"]

    class Mortal(ask):  # type: ignore[misc] # a class made at run time
        """Writes down when it begins and ends, so that its middle is known."""

        def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
            with (tmp_path / str(os.getpid())).open("a") as diary:
                diary.write("begin ")
                diary.flush()
                answered: dict[str, Any] = super().__call__(batch)
                diary.write("end ")
            return answered

    prompts = [f"Question {number}." for number in range(100)]
    slow = {"x-standin-fault": "latency=0.4"}
    rows, victim = [], 0
    with stand_in_process() as url:
        for row in asked(Mortal, prompts, base_url=url, default_headers=slow).iter_rows():
            rows.append(row)
            if not victim:
                victim = _just_begun(tmp_path)
                os.kill(victim, signal.SIGKILL)

    assert sorted(row["id"] for row in rows) == list(range(100))
    assert all(row["prompt"] in row["answer"] for row in rows)
    assert all(row["credits"] > 0 for row in rows)
    diaries = {int(one.name): one.read_text().split() for one in tmp_path.iterdir()}
    assert diaries[victim][-1] == "begin", "it was killed in the middle"
    assert sum(diary.count("end") for diary in diaries.values()) >= 20
    assert len(diaries) >= 3, "another process took its place"


def _just_begun(folder: Path) -> int:
    """Return the id of a process that has begun to ask about a batch in this moment."""
    before = {one: one.read_text() for one in folder.iterdir()}
    for _ in range(2000):
        for one, diary in before.items():
            if (now := one.read_text()) != diary and now.endswith("begin "):
                return int(one.name)
        time.sleep(0.005)
    raise AssertionError("nobody begins")


def test_nothing_that_ray_wrote_holds_a_key(cluster: Path, recipe: dict[str, Any]) -> None:
    assert recipe
    logs = [one for one in cluster.rglob("*") if one.is_file() and not one.is_symlink()]
    assert any(re.search(r"core-worker.*\.log", one.name) for one in logs)
    found = [one.name for one in logs if WORKER_KEY.encode() in one.read_bytes()]
    assert not found
