"""Laws of the check for values that JSON cannot say."""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_aimlapi._json import require_json

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # Text of complete characters: what UTF-8 can say.
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("ab"), inner),
    max_leaves=8,
)


@given(value=json_values)
def test_whatever_json_says_passes(value: Any) -> None:
    require_json(value, where="it")
    assert json.loads(json.dumps(value, allow_nan=False).encode()) == value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (math.nan, r"it\.a\[1\]\.b is nan \(float\)"),
        (-math.inf, r"it\.a\[1\]\.b is -inf"),
        ({1}, r"it\.a\[1\]\.b is \{1\} \(set\)"),
        (b"x", r"it\.a\[1\]\.b is b'x' \(bytes\)"),
        (Decimal(1), r"it\.a\[1\]\.b is Decimal"),
        (dt.date(2026, 11, 21), r"it\.a\[1\]\.b is datetime\.date"),
        ("\ud83d", r"it\.a\[1\]\.b is '\\ud83d' \(str\)"),
        ({3: 4}, r"it\.a\[1\]\.b has the key 3"),
        (object, r"it\.a\[1\]\.b is <class 'object'>"),
    ],
)
def test_what_json_cannot_say_is_named_with_its_place(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        require_json({"a": ("fine", {"b": value})}, where="it")
