"""The object in a model's answer, or why there is none."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from langchain_core.exceptions import OutputParserException
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel, TypeAdapter
from pydantic_core import from_json

from langchain_aimlapi._answer import is_withheld
from langchain_aimlapi._json import json_text, mended
from langchain_aimlapi.errors import ModelRefusalError

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_core.messages import AIMessage

_FENCE = re.compile(r"```\w*\s*")
_DECODER = json.JSONDecoder(strict=False)  # models write raw newlines in strings
_MAX_EXCERPT = 300


class ObjectReader:
    """Reads the object that was asked for from an answer, whole or in the making.

    Args:
        schema: What was asked for: a pydantic class (v1 or v2) or a dataclass gives an instance of
            it; anything else gives a dict as the model wrote it.
        tool_name: The tool whose arguments are the object; `None` if the object is the text.
    """

    def __init__(self, schema: Any, *, tool_name: str | None) -> None:  # noqa: ANN401  any schema
        self._build = _builder(schema)
        self._tool_name = tool_name
        self._wanted = tool_name or getattr(schema, "__name__", None) or "a JSON object"

    def read(self, message: AIMessage) -> Any:  # noqa: ANN401  an object of the user's class
        """Return the object of a whole answer.

        Args:
            message: The answer, or the sum of its chunks.

        Raises:
            ModelRefusalError: The model declined, or its answer was withheld for safety.
            OutputParserException: There is no such object; the text says what came instead and
                whether the answer was cut off. `llm_output` is the model's own text.
        """
        if reason := _refusal(message):
            raise ModelRefusalError(
                f"The model refused to produce {self._wanted}: {reason}", raw_message=message
            )
        try:
            return self._build(self._value(message))
        except ValueError as error:  # also both pydantics' ValidationError and JSONDecodeError
            raise self._failure(message, error) from error

    def read_partial(self, message: AIMessage) -> Any | None:  # noqa: ANN401  an object of the user's class
        """Return the object as far as it has come, or `None` if that is not yet one.

        Args:
            message: The sum of the chunks so far.
        """
        try:
            value = self._value(message) if self._tool_name else _partial_json(message.text)
            return self._build(value)
        except Exception:  # noqa: BLE001  of half an object a validator of the user's may raise anything
            return None

    def _value(self, message: AIMessage) -> Any:  # noqa: ANN401  any JSON value
        if self._tool_name is None:
            text = message.text.strip()
            if not text:
                raise ValueError(self._what_came(message))
            return _whole_json(text)
        for call in message.tool_calls:
            if call["name"] == self._tool_name:
                return call["args"]
        raise ValueError(self._what_came(message))

    def _failure(self, message: AIMessage, error: ValueError) -> OutputParserException:
        reason = f"The answer holds no valid {self._wanted}: {error}"
        if _is_cut_off(message):
            reason = (
                f"The answer was cut off (truncated) before {self._wanted} was complete: the limit "
                "of output tokens was reached (finish_reason 'length'). Raise max_tokens, which "
                f"also counts the model's reasoning, or ask for less. {error}"
            )
        return OutputParserException(reason, llm_output=_own_words(message))

    def _what_came(self, message: AIMessage) -> str:
        """Say what an answer holds in place of the object."""
        native = message.response_metadata.get("native_finish_reason")
        if invalid := message.invalid_tool_calls:
            names = [call["name"] for call in invalid]
            return f"malformed function call of {names}: {_excerpt(invalid[0]['args'] or '')}"
        if native == "MALFORMED_FUNCTION_CALL":
            return f"the model formed no valid function call (native_finish_reason {native!r})"
        if calls := message.tool_calls:
            return f"the model called {[call['name'] for call in calls]} instead"
        if text := message.text.strip():
            return f"the model answered with text instead of calling it: {_excerpt(text)}"
        finish = message.response_metadata.get("finish_reason")
        return f"the answer is empty (finish_reason {finish!r})"


def _builder(schema: Any) -> Callable[[Any], Any]:  # noqa: ANN401  any schema
    """Return what makes the user's object of a JSON value.

    Pydantic validates JSON text, not Python values, so that strict models take dates and enums.
    """
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return lambda value: schema.model_validate_json(json.dumps(value))
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        read_v1: Callable[[Any], Any] = getattr(schema, "parse_obj")  # noqa: B009  unknown to mypy
        return read_v1
    if isinstance(schema, type) and dataclasses.is_dataclass(schema):
        adapter: TypeAdapter[Any] = TypeAdapter(schema)
        return lambda value: adapter.validate_json(json.dumps(value))
    return _plain_object


def _plain_object(value: Any) -> dict[str, Any]:  # noqa: ANN401  any JSON value
    match value:
        case dict():
            return value
        case _:
            raise ValueError(f"it is a JSON {type(value).__name__}, not an object")


def _whole_json(text: str) -> Any:  # noqa: ANN401  any JSON value
    """Return the value of a JSON text, which may stand in a Markdown fence with words around it."""
    try:
        value, end = _DECODER.raw_decode(text, _start(text))
    except RecursionError:
        raise ValueError("its JSON is nested too deep") from None
    except ValueError as error:
        raise ValueError(f"it is not JSON ({error}): {_excerpt(text)}") from error
    rest = text[end:].strip()
    if rest and not rest.startswith("```"):
        raise ValueError(f"words follow its JSON: {_excerpt(rest)}")
    return mended(value)


def _partial_json(text: str) -> Any:  # noqa: ANN401  any JSON value
    text = text.strip()
    value = from_json(text[_start(text) :], allow_partial="trailing-strings")
    if not isinstance(value, dict):
        raise ValueError  # noqa: TRY004  words before a fence, say: not an object yet
    return value


def _start(text: str) -> int:
    fence = None if text.startswith("{") else _FENCE.search(text)
    return fence.end() if fence else 0


def _refusal(message: AIMessage) -> str | None:
    """Return why the model withheld its answer, or `None` if it did not."""
    blocks = message.content if isinstance(message.content, list) else []
    refusals = [
        message.additional_kwargs.get("refusal"),
        *(block.get("refusal") for block in blocks if isinstance(block, Mapping)),
    ]
    for refusal in refusals:
        if isinstance(refusal, str) and refusal:
            return refusal
    facts = message.response_metadata
    if not is_withheld(facts):
        return None
    finish, native = facts.get("finish_reason"), facts.get("native_finish_reason")
    return f"the answer was withheld (finish_reason {finish!r}, native {native!r})"


def _is_cut_off(message: AIMessage) -> bool:
    return (
        message.response_metadata.get("finish_reason") == "length"
        or message.response_metadata.get("native_finish_reason") == "MAX_TOKENS"
    )


def _own_words(message: AIMessage) -> str:
    calls = [json_text(call["args"]) for call in message.tool_calls]
    broken = [call["args"] or "" for call in message.invalid_tool_calls]
    return "\n".join((*calls, *broken)) or message.text


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= _MAX_EXCERPT else text[:_MAX_EXCERPT] + "...")
