"""The Runnables around the reading of an object, from one answer or from a stream of chunks."""

from __future__ import annotations

import copy
import dataclasses
import json
import re
from collections.abc import Mapping
from contextlib import aclosing, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypedDict, TypeVar, cast

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import BaseTransformOutputParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.runnables.utils import AddableDict
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel, PrivateAttr, RootModel, TypeAdapter
from pydantic_core import from_json

from langchain_aimlapi._codec.finish_reason import is_withheld
from langchain_aimlapi._codec.response_format import read_schema
from langchain_aimlapi._codec.tool_calls import model_arguments
from langchain_aimlapi._json import JsonObject, json_text, replace_surrogates
from langchain_aimlapi.errors import AIMLAPIEmptyResponseError, ModelRefusalError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator

    from langchain_core.runnables import Runnable, RunnableConfig

T = TypeVar("T")
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

    def __init__(self, schema: Any, *, tool_name: str | None) -> None:
        self._build = _builder(schema)
        self._tool_name = tool_name
        self._wanted = tool_name or getattr(schema, "__name__", None) or "a JSON object"

    def read(self, message: AIMessage) -> Any:
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

    def read_partial(self, message: AIMessage) -> Any | None:
        """Return the object as far as it has come, or `None` if that is not yet one.

        Args:
            message: The sum of the chunks so far.
        """
        try:
            # langchain-core completes the arguments of a streamed call by itself, text it does not.
            value = self._value(message) if self._tool_name else _partial_json(message.text)
        except ValueError:
            return None
        with suppress(Exception):  # of half an object a validator of the user's may raise anything
            return self._build(value)
        return None

    def _value(self, message: AIMessage) -> Any:
        if self._tool_name is None:
            text = _stripped(message.text)
            if not text:
                raise ValueError(self._what_came(message))
            return _whole_json(text)
        # The first of several: each would be an answer by itself.
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
            return f"malformed function call of {names}: {_excerpt(model_arguments(invalid[0]))}"
        if native == "MALFORMED_FUNCTION_CALL":
            return f"the model formed no valid function call (native_finish_reason {native!r})"
        if calls := message.tool_calls:
            return f"the model called {[call['name'] for call in calls]} instead"
        if text := message.text.strip():
            return f"the model answered with text instead of calling it: {_excerpt(text)}"
        finish = message.response_metadata.get("finish_reason")
        return f"the answer is empty (finish_reason {finish!r})"


def _builder(schema: Any) -> Callable[[Any], Any]:
    """Return what makes the user's object of a JSON value.

    Pydantic validates JSON text, not Python values, so that strict models take dates and enums.
    """
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return lambda value: schema.model_validate_json(json.dumps(value))
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        read_v1: Callable[[Any], Any] = getattr(schema, "parse_obj")  # noqa: B009  unknown to mypy
        return read_v1
    if isinstance(schema, type) and dataclasses.is_dataclass(schema):
        return lambda value: _adapter(schema).validate_json(json.dumps(value))
    return _plain_object


@lru_cache(maxsize=64)  # to build one takes a millisecond, and each answer needs it
def _adapter(schema: type) -> TypeAdapter[Any]:
    return TypeAdapter(schema)


def _plain_object(value: object) -> JsonObject:
    match value:
        case dict():
            return value
        case _:
            raise ValueError(f"it is a JSON {type(value).__name__}, not an object")


def _whole_json(text: str) -> Any:
    """Return the value of a JSON text, which may stand in a Markdown fence with words around it."""
    try:
        value, end = _DECODER.raw_decode(text, _start(text))
    except RecursionError:
        raise ValueError("its JSON is nested too deep") from None
    except ValueError as error:
        raise ValueError(f"it is not JSON ({error}): {_excerpt(text)}") from error
    # Behind the fence's end anything may stand; words right behind JSON make it doubtful.
    rest = text[end:].strip()
    if rest and not rest.startswith("```"):
        raise ValueError(f"words follow its JSON: {_excerpt(rest)}")
    return replace_surrogates(value)


def _partial_json(text: str) -> Any:
    text = _stripped(text)
    value = from_json(text[_start(text) :], allow_partial="trailing-strings")
    if not isinstance(value, dict):
        raise ValueError  # noqa: TRY004  words before a fence, say: not an object yet
    return value


def _stripped(text: str) -> str:
    return text.strip().removeprefix("\ufeff").lstrip()


def _start(text: str) -> int:
    # JSON may hold a fence in a string.
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
    broken = [model_arguments(call) for call in message.invalid_tool_calls]
    return "\n".join((*calls, *broken)) or message.text


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= _MAX_EXCERPT else text[:_MAX_EXCERPT] + "...")


class RawAnswer(TypedDict, Generic[T]):
    """What `with_structured_output(..., include_raw=True)` gives."""

    raw: AIMessage
    """The answer as it came."""

    parsed: T | None
    """The object; `None` if there is no valid one."""

    parsing_error: BaseException | None
    """Why there is none."""


class ObjectParser(BaseTransformOutputParser[Any]):
    """Reads the object from the model's answer.

    Attributes:
        target: The schema as the user gave it.
        tool_name: The tool whose arguments are the object; `None` if the object is the text.
        include_raw: Give `{"raw", "parsed", "parsing_error"}` and raise nothing.
    """

    target: Any
    tool_name: str | None = None
    include_raw: bool = False

    @property
    def OutputType(self) -> Any:  # noqa: N802  as Runnable has it
        """The user's class; `JsonObject` for a JSON schema."""
        if self.include_raw:
            return RawAnswer
        return self.target if isinstance(self.target, type) else JsonObject

    def get_output_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return the user's class, or one whose JSON schema is the user's.

        Args:
            config: Not used.
        """
        del config
        target = self.target
        if not self.include_raw and isinstance(target, type) and issubclass(target, BaseModel):
            return target
        schema = _json_schema_of(target)
        return type(
            "Answer", (_Described,), {"answer": _raw(schema) if self.include_raw else schema}
        )

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Return the object of an answer.

        Args:
            result: The answer as its one generation.
            partial: Return `None` where the object is not yet one, instead of raising.
        """
        generation = result[0]
        if not isinstance(generation, ChatGeneration):
            return self.parse(generation.text)
        message = cast("AIMessage", generation.message)
        if partial:
            return self.reader().read_partial(message)
        return _with_raw(self.reader(), message) if self.include_raw else self._read(message)

    async def aparse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Return the object of an answer, without langchain-core's way over a thread.

        Args:
            result: See `parse_result`.
            partial: See `parse_result`.
        """
        return self.parse_result(result, partial=partial)

    def parse(self, text: str) -> Any:
        """Return the object of an answer's text.

        Args:
            text: JSON, which may stand in a Markdown fence.
        """
        return self.parse_result([ChatGeneration(message=AIMessage(content=text))])

    def reader(self) -> ObjectReader:
        """Return a reader for one answer."""
        return ObjectReader(self.target, tool_name=self.tool_name)

    def _read(self, message: AIMessage) -> Any:
        return self.reader().read(message)

    def _transform(self, input: Iterator[Any]) -> Iterator[Any]:  # noqa: A002  as langchain-core has it
        growth = _Growth(self)
        for answer in input:
            yield from growth.feed(answer)
        yield from growth.finish()

    async def _atransform(self, input: AsyncIterator[Any]) -> AsyncIterator[Any]:  # noqa: A002  as langchain-core has it
        growth = _Growth(self)
        async for answer in input:
            for grown in growth.feed(answer):
                yield grown
        for grown in growth.finish():
            yield grown


class _Described(RootModel[Any]):
    """A value that a JSON schema describes."""

    answer: ClassVar[JsonObject] = {}

    @classmethod
    def model_json_schema(cls, *_: Any, **__: Any) -> JsonObject:
        """Return the schema."""
        return copy.deepcopy(cls.answer)


def _json_schema_of(target: Any) -> JsonObject:
    if target is None:
        return {"type": "object"}
    declared = read_schema(target)
    return {"title": str(declared.name), **declared.schema}


def _raw(schema: JsonObject) -> JsonObject:
    inner = dict(schema)
    shared: JsonObject = {key: inner.pop(key) for key in ("$defs", "definitions") if key in inner}
    parsed = {"anyOf": [inner, {"type": "null"}]}
    properties = {"raw": {}, "parsed": parsed, "parsing_error": {}}
    return {"title": "RawAnswer", "type": "object", "properties": properties, **shared}


def keep_failure(source: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """Return the model, handing on an error that is the answer's fault as an answer.

    `ObjectParser` with `include_raw` shows that error beside what had arrived.

    Args:
        source: The bound model.
    """
    return _FailureKept(bound=source)


class _FailedAnswer(AIMessage):
    """Stands for an answer that ended in an error which is its own fault."""

    _error: AIMLAPIEmptyResponseError = PrivateAttr()

    @classmethod
    def of(cls, error: AIMLAPIEmptyResponseError) -> _FailedAnswer:
        message = cls(content="")
        message._error = error
        return message

    def outcome(self) -> JsonObject:
        partial = self._error.partial
        raw = AIMessage(content="") if partial is None else partial
        return {"raw": raw, "parsed": None, "parsing_error": self._error}


class _Growth:
    """One stream: the sum of its chunks, plus the object last handed out."""

    def __init__(self, parser: ObjectParser) -> None:
        self._reader = parser.reader()
        self._include_raw = parser.include_raw
        self._answer: Any = None
        self._failure: _FailedAnswer | None = None
        self._last: Any = None

    def feed(self, piece: Any) -> Iterator[Any]:
        """Yield what is new with a piece of the answer."""
        if isinstance(piece, _FailedAnswer):
            self._failure = piece
            return
        self._answer = piece if self._answer is None else self._answer + piece
        if self._include_raw:
            yield AddableDict(raw=piece)
            return
        # From the sum each time: pieces of JSON mean nothing alone.
        grown = self._reader.read_partial(self._answer)
        if grown is not None and grown != self._last:
            self._last = grown
            yield grown

    def finish(self) -> Iterator[Any]:
        """Yield what the whole answer adds."""
        answer = AIMessage(content="") if self._answer is None else self._answer
        if self._include_raw:
            outcome = _with_raw(self._reader, self._failure or answer)
            if self._answer is not None:
                del outcome["raw"]  # its pieces are out already
            yield AddableDict(outcome)
            return
        whole = self._reader.read(answer)
        # Handed out already, where the last piece completed it.
        if self._last is None or whole != self._last:
            yield whole


def _with_raw(reader: ObjectReader, answer: AIMessage) -> JsonObject:
    if isinstance(answer, _FailedAnswer):
        return answer.outcome()
    try:
        return {"raw": answer, "parsed": reader.read(answer), "parsing_error": None}
    except Exception as error:  # noqa: BLE001  a validator of the user's may raise anything
        return {"raw": answer, "parsed": None, "parsing_error": error}


class _FailureKept(RunnableBindingBase[Any, Any]):  # type: ignore[no-redef]  # its field `kwargs`
    """Hands on an error that is the answer's fault as an answer, for `include_raw` to show."""

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002  as Runnable has it
        """Return the answer, or what stands for it."""
        try:
            return super().invoke(input, config, **kwargs)
        except AIMLAPIEmptyResponseError as error:
            return _FailedAnswer.of(error)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002  as Runnable has it
        """Return the answer, or what stands for it."""
        try:
            return await super().ainvoke(input, config, **kwargs)
        except AIMLAPIEmptyResponseError as error:
            return _FailedAnswer.of(error)

    def transform(
        self,
        input: Iterator[Any],  # noqa: A002  as Runnable has it
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Iterator[Any]:
        """Yield the chunks, then what stands for the error if there was one."""
        try:
            yield from super().transform(input, config, **kwargs)
        except AIMLAPIEmptyResponseError as error:
            yield _FailedAnswer.of(error)

    async def atransform(
        self,
        input: AsyncIterator[Any],  # noqa: A002  as Runnable has it
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[Any]:
        """Yield the chunks, then what stands for the error if there was one."""
        try:
            # Typed as a mere iterator, it is an async generator: closed if the caller breaks off.
            chunks = cast("AsyncGenerator[Any]", super().atransform(input, config, **kwargs))
            async with aclosing(chunks):
                async for chunk in chunks:
                    yield chunk
        except AIMLAPIEmptyResponseError as error:
            yield _FailedAnswer.of(error)
