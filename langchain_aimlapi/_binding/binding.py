"""What is bound to a model: tools, schemas, settings of a call.

`bind`, `with_config`, `bind_tools` and `with_structured_output` of the model give a
`GeminiBinding`. It is a `RunnableBinding` as any other, but what is bound later joins what is
bound already: langchain-core's own hands such methods to the bare model, which knows nothing of
it.
"""

from __future__ import annotations

# langchain-core resolves the annotations of public methods at run time (`with_fallbacks(...)` hands
# `bind_tools` on by them), so what these name is imported for good.
from collections.abc import Sequence  # noqa: TC003  as above
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, overload

from langchain_core.language_models.base import LanguageModelInput  # noqa: TC002  as above
from langchain_core.language_models.chat_models import _ChatModelBinding
from langchain_core.runnables import Runnable, RunnableConfig  # noqa: TC002  as above

from langchain_aimlapi._codec.response_format import encode_schemas
from langchain_aimlapi._codec.tools import encode_tool_choice, encode_tools

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_aimlapi._binding.output_parser import RawAnswer

Method = Literal["json_schema", "function_calling", "json_mode"]
T = TypeVar("T")


class BindsTools:
    """Methods of a model, and of what is bound to one, that bind tools and schemas."""

    if TYPE_CHECKING:  # each has its own

        def bind(self, **kwargs: Any) -> GeminiBinding: ...

    def bind_tools(
        self,
        tools: Sequence[Any],
        *,
        tool_choice: str | bool | list[str] | dict[str, Any] | None = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        **kwargs: Any,
    ) -> GeminiBinding:
        """Return this model with tools that it may call.

        Args:
            tools: Functions, pydantic classes, TypedDicts, LangChain tools, JSON schemas, tool
                dicts of OpenAI, Anthropic, MCP or Google; a dict of unknown `type` is sent as it
                is. None at all sends nothing. Tools bound earlier are replaced; all else that is
                bound stays.
            tool_choice: `"auto"`, `"none"`, `"any"` (also `"required"` or `True`), the name of a
                tool, a list of one name or of all, or OpenAI's or Anthropic's dict. It wins over
                the model's setting.
            strict: Whether arguments must follow the schema exactly; sent as given.
            parallel_tool_calls: Whether several tools may be called at once.
            **kwargs: Further parameters, such as `response_format`: a pydantic class, TypedDict,
                dataclass, JSON schema, or the wire's own form.

        Raises:
            ValueError: A tool cannot be sent, two have one name, they are more than 128, or
                `tool_choice` names one that is not there.
        """
        encoded = encode_tools(tools, strict=strict)
        response_format = kwargs.get("response_format") or self._response_format()
        choice = encode_tool_choice(tool_choice, tools=encoded, response_format=response_format)
        given = {
            "tools": encoded or None,
            "tool_choice": choice,
            "parallel_tool_calls": parallel_tool_calls if encoded else None,
        }
        kwargs.update((name, value) for name, value in given.items() if value is not None)
        return self.bind(**kwargs)

    def _response_format(self) -> object:
        """Return what forces the shape of the answer already, `None` if nothing does."""
        bound: Mapping[str, Any] = getattr(self, "kwargs", {})
        model = getattr(self, "bound", self)
        return bound.get("response_format") or getattr(model, "response_format", None)

    @overload
    def with_structured_output(
        self,
        schema: type[T],
        *,
        method: Method | None = None,
        include_raw: Literal[False] = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, T]: ...

    @overload
    def with_structured_output(
        self,
        schema: type[T],
        *,
        method: Method | None = None,
        include_raw: Literal[True],
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, RawAnswer[T]]: ...

    @overload
    def with_structured_output(
        self,
        schema: dict[str, Any] | None = None,
        *,
        method: Method | None = None,
        include_raw: Literal[False] = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, dict[str, Any]]: ...

    @overload
    def with_structured_output(
        self,
        schema: dict[str, Any] | None = None,
        *,
        method: Method | None = None,
        include_raw: Literal[True],
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, RawAnswer[dict[str, Any]]]: ...

    @overload
    def with_structured_output(
        self,
        schema: dict[str, Any] | type | None = None,
        *,
        method: Method | None = None,
        include_raw: bool,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]: ...

    def with_structured_output(
        self,
        schema: dict[str, Any] | type | None = None,
        *,
        method: Method | None = None,
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Return this model with answers in the shape of a schema.

        Args:
            schema: Pydantic class, TypedDict, dataclass or JSON schema; what is returned is an
                object of the class, or a dict.
            method: `"json_schema"` (default where the model is documented to take it),
                `"function_calling"` (default elsewhere; the schema becomes one more tool, which
                the model must call), or `"json_mode"` (the prompt must ask for JSON itself).
            include_raw: Return `{"raw": message, "parsed": object, "parsing_error": error}` and
                raise nothing about the shape.
            strict: Whether the schema must be followed exactly; sent as given.
            **kwargs: Further parameters of the call; `tools` join those that are bound.

        Raises:
            ValueError: The schema cannot be sent.

        What is bound stays bound. What is returned raises, unless `include_raw`:
        `langchain_aimlapi.errors.ModelRefusalError` (langchain-core's own, where it has one) if
        the model declined, `OutputParserException` if its answer holds no valid object.
        """
        from langchain_aimlapi._binding.structured_output import structured_output

        return structured_output(
            self,
            schema,
            method=method,
            include_raw=include_raw,
            strict=strict,
            **encode_schemas(kwargs),
        )


class GeminiBinding(BindsTools, _ChatModelBinding):  # type: ignore[no-redef]  # its field `kwargs`
    """A model with keywords or a config bound to it; further ones join them.

    langchain-core's class below it types `stream_events`, and writes itself as a `RunnableBinding`:
    what `dumps` makes of a binding is read where it could be read before.
    """

    def bind(self, **kwargs: Any) -> GeminiBinding:
        """Return the model with these keywords, and with those that were bound before.

        Args:
            **kwargs: See the model's `bind`.
        """
        return super().bind(**encode_schemas(kwargs))

    def with_config(self, config: RunnableConfig | None = None, **kwargs: Any) -> GeminiBinding:
        """Return the model with this config as well.

        Args:
            config: See langchain-core.
            **kwargs: Single keys of it.
        """
        return cast("GeminiBinding", super().with_config(config, **kwargs))
