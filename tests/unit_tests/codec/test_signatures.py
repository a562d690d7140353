"""The law of signature fidelity: what the server signed comes back as it was, whatever happened."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.answers import cuts, model_of, served, sse, streamed_answers
from tests.examples import examples
from tests.unit_tests.codec.signature_ways import (
    BLOCK_WAYS,
    QUESTION,
    SOURCES,
    WAYS,
    carried,
    details_to_send,
    in_any_order,
    only_signed,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore:A content block of type .image."),
    pytest.mark.filterwarnings("ignore:The function `loads` is in beta"),
]
VERSIONS = [None, "v0", "v1"]


def check_fidelity(data: st.DataObject, *, blocks_only: bool) -> None:
    answer = data.draw(streamed_answers(is_mixed=data.draw(st.booleans())))
    there = served(answer.completion, data.draw(cuts(sse(answer.events))))
    version = data.draw(st.sampled_from(VERSIONS))
    model = model_of(there, **({"output_version": version} if version else {}))
    message = data.draw(st.sampled_from(SOURCES))(model, data.draw)
    ways = data.draw(st.lists(st.sampled_from(WAYS), max_size=3))
    if blocks_only:
        ways.append(data.draw(st.sampled_from(BLOCK_WAYS)))
        ways += data.draw(st.lists(st.sampled_from([*WAYS, *BLOCK_WAYS]), max_size=2))
    for way in ways:
        message = way(message)
    model.invoke([QUESTION, message])
    # An answer with nothing in it is left out.
    sent = (*there.bodies[-1]["messages"], {})[1]
    choice = answer.completion["choices"][0]
    asked = {**choice["message"], "finish_reason": choice["finish_reason"]}
    kept = details_to_send(asked)
    expected = carried({**asked, "reasoning_details": kept}, is_answer=True)
    back = carried(sent)
    if blocks_only:
        assert in_any_order(only_signed(back)) == in_any_order(only_signed(expected))
        return
    assert in_any_order(back) == in_any_order(expected)
    assert sent.get("reasoning_details", []) == kept


@given(data=st.data())
@examples(150)
def test_the_next_request_carries_what_the_answer_did(data: st.DataObject) -> None:
    check_fidelity(data, blocks_only=False)


@given(data=st.data())
@examples(150)
def test_content_blocks_alone_carry_what_the_answer_did(data: st.DataObject) -> None:
    check_fidelity(data, blocks_only=True)


@pytest.mark.slow
@given(data=st.data(), blocks_only=st.booleans())
@settings(max_examples=10_000)
def test_ten_thousand_answers_are_carried(data: st.DataObject, *, blocks_only: bool) -> None:
    check_fidelity(data, blocks_only=blocks_only)
