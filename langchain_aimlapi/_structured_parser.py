"""The Runnables around the reading of an object, from one answer or from a stream of chunks."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableSerializable
from langchain_core.runnables.utils import AddableDict
from pydantic import ConfigDict

from langchain_aimlapi._structured_answer import ObjectReader
from langchain_aimlapi.errors import AIMLAPIEmptyResponseError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator

    from langchain_core.runnables import RunnableConfig
    from langchain_core.runnables.utils import ConfigurableFieldSpec


class ObjectParser(RunnableSerializable[Any, Any]):
    """Reads the object from the model's answer.

    Attributes:
        target: The schema as the user gave it.
        tool_name: The tool whose arguments are the object; `None` if the object is the text.
        include_raw: Give `{"raw", "parsed", "parsing_error"}` and raise nothing.
    """

    target: Any
    tool_name: str | None
    include_raw: bool

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002, ANN401  as Runnable has it
        """Return the object of an answer."""
        return self._call_with_config(self._read, input, config, run_type="parser", **kwargs)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002, ANN401  as Runnable has it
        """Return the object of an answer."""
        return await self._acall_with_config(
            self._aread, input, config, run_type="parser", **kwargs
        )

    def transform(
        self,
        input: Iterator[Any],  # noqa: A002  as Runnable has it
        config: RunnableConfig | None = None,
        **kwargs: Any,  # noqa: ANN401  as Runnable has it
    ) -> Iterator[Any]:
        """Yield the object as it grows, then the whole one."""
        yield from self._transform_stream_with_config(
            input, self._objects, config, run_type="parser", **kwargs
        )

    async def atransform(
        self,
        input: AsyncIterator[Any],  # noqa: A002  as Runnable has it
        config: RunnableConfig | None = None,
        **kwargs: Any,  # noqa: ANN401  as Runnable has it
    ) -> AsyncIterator[Any]:
        """Yield the object as it grows, then the whole one."""
        async for one in self._atransform_stream_with_config(
            input, self._aobjects, config, run_type="parser", **kwargs
        ):
            yield one

    def reader(self) -> ObjectReader:
        """Return a reader for one answer."""
        return ObjectReader(self.target, tool_name=self.tool_name)

    def _read(self, answer: Any) -> Any:  # noqa: ANN401  a message or an error; an object of the user's class
        reader = self.reader()
        return _with_raw(reader, answer) if self.include_raw else reader.read(answer)

    async def _aread(self, answer: Any) -> Any:  # noqa: ANN401  as `_read`
        return self._read(answer)

    def _objects(self, answers: Iterator[Any]) -> Iterator[Any]:
        growth = _Growth(self)
        for answer in answers:
            yield from growth.feed(answer)
        yield from growth.finish()

    async def _aobjects(self, answers: AsyncIterator[Any]) -> AsyncIterator[Any]:
        growth = _Growth(self)
        async for answer in answers:
            for one in growth.feed(answer):
                yield one
        for one in growth.finish():
            yield one


def failure_kept(source: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """Return the model, handing on an error that is the answer's fault as a value.

    `ObjectParser` with `include_raw` shows that error beside what had arrived.

    Args:
        source: The bound model.
    """
    return _FailureKept(source=source)


class _Growth:
    """One stream: the sum of its chunks, plus the object last handed out."""

    def __init__(self, parser: ObjectParser) -> None:
        self._reader = parser.reader()
        self._include_raw = parser.include_raw
        self._answer: Any = None
        self._failure: AIMLAPIEmptyResponseError | None = None
        self._last: Any = None

    def feed(self, piece: Any) -> Iterator[Any]:  # noqa: ANN401  a chunk, or an error
        """Yield what is new with a piece of the answer."""
        if isinstance(piece, AIMLAPIEmptyResponseError):
            self._failure = piece
            return
        self._answer = piece if self._answer is None else self._answer + piece
        if self._include_raw:
            yield AddableDict(raw=piece)
            return
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
        if self._last is None or whole != self._last:
            yield whole


def _with_raw(reader: ObjectReader, answer: Any) -> dict[str, Any]:  # noqa: ANN401  a message or an error
    if isinstance(answer, AIMLAPIEmptyResponseError):
        raw = AIMessage(content="") if answer.partial is None else answer.partial
        return {"raw": raw, "parsed": None, "parsing_error": answer}
    try:
        return {"raw": answer, "parsed": reader.read(answer), "parsing_error": None}
    except Exception as error:  # noqa: BLE001  a validator of the user's may raise anything
        return {"raw": answer, "parsed": None, "parsing_error": error}


class _FailureKept(RunnableSerializable[Any, Any]):
    """Hands on an error that is the answer's fault as a value, for `include_raw` to show."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    source: Runnable[Any, Any]

    @property
    def InputType(self) -> Any:  # noqa: ANN401, N802  as Runnable has it
        """What the model takes."""
        return self.source.InputType

    @property
    def config_specs(self) -> list[ConfigurableFieldSpec]:
        """The model's configurable fields."""
        return self.source.config_specs

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002, ANN401  as Runnable has it
        """Return the answer, or the error in its place."""
        try:
            return self.source.invoke(input, config, **kwargs)
        except AIMLAPIEmptyResponseError as error:
            return error

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002, ANN401  as Runnable has it
        """Return the answer, or the error in its place."""
        try:
            return await self.source.ainvoke(input, config, **kwargs)
        except AIMLAPIEmptyResponseError as error:
            return error

    def stream(
        self,
        input: Any,  # noqa: A002, ANN401  as Runnable has it
        config: RunnableConfig | None = None,
        **kwargs: Any,  # noqa: ANN401  as Runnable has it
    ) -> Iterator[Any]:
        """Yield the chunks, then the error if there was one."""
        try:
            yield from self.source.stream(input, config, **kwargs)
        except AIMLAPIEmptyResponseError as error:
            yield error

    async def astream(
        self,
        input: Any,  # noqa: A002, ANN401  as Runnable has it
        config: RunnableConfig | None = None,
        **kwargs: Any,  # noqa: ANN401  as Runnable has it
    ) -> AsyncIterator[Any]:
        """Yield the chunks, then the error if there was one."""
        try:
            # Typed as a mere iterator, it is an async generator: closed if the caller breaks off.
            chunks = cast("AsyncGenerator[Any]", self.source.astream(input, config, **kwargs))
            async with aclosing(chunks):
                async for chunk in chunks:
                    yield chunk
        except AIMLAPIEmptyResponseError as error:
            yield error
