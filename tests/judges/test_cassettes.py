"""Every recorded answer held to types that others wrote, every request to the documented schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import ValidationError

from langchain_aimlapi.data._profiles import served_models
from langchain_aimlapi.testing._cli.recorded_answer import answer_chunks
from langchain_aimlapi.testing.serializer import deserialize
from langchain_aimlapi.testing.standin._schema import request_problem

CASSETTES = Path(__file__).parents[2] / "cassettes"
FILES = sorted(CASSETTES.rglob("*.yaml"))

# Where answers leave OpenAI's types: dialect V sends each call in one piece, without the number
# that tells fragments apart, as Google's own endpoint was seen to do.
KNOWN_DEVIATIONS = {"choices.delta.tool_calls.index"}

every_cassette = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def interactions(path: Path) -> list[dict[str, Any]]:
    return list(deserialize(path.read_text(encoding="utf-8"))["interactions"])


def deviations(
    answer: dict[str, Any], kind: type[ChatCompletion | ChatCompletionChunk]
) -> set[str]:
    try:
        kind.model_validate_json(json.dumps(answer), strict=True)
    except ValidationError as failure:
        paths = ((part for part in one["loc"] if isinstance(part, str)) for one in failure.errors())
        return {".".join(path) for path in paths}
    return set()


def test_there_are_cassettes_of_every_kind() -> None:
    assert {path.parent.name for path in FILES} >= {"documented", "chat", "errors"}
    assert len(FILES) > 100


@every_cassette
def test_every_answer_is_of_the_openai_sdk_s_types(path: Path) -> None:
    for interaction in interactions(path):
        response = interaction["response"]
        if response["status"]["code"] != 200:
            continue
        body = response["body"]["string"]
        chunks = answer_chunks(body)
        if chunks is None:
            assert not deviations(json.loads(body), ChatCompletion)
        else:
            assert chunks
            found = {one for chunk in chunks for one in deviations(chunk, ChatCompletionChunk)}
            assert found <= KNOWN_DEVIATIONS


@every_cassette
def test_every_request_that_was_answered_is_of_the_documented_schema(path: Path) -> None:
    facts = served_models()
    for interaction in interactions(path):
        request = json.loads(interaction["request"]["body"])
        status = interaction["response"]["status"]["code"]
        assert (request["model"] in facts) == (status != 404)
        if status != 404:
            problem = request_problem(request, facts=facts[request["model"]], assume=False)
            assert (problem is None) == (status != 400), problem
