"""What the floors inside LangChain make of an answer: every field filled, nothing checked."""

import json
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, UsageMetadata
from langchain_core.messages.tool import ToolCallChunk, tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult


def _usage(usage: dict[str, Any]) -> UsageMetadata:
    details = usage["completion_tokens_details"]
    return UsageMetadata(
        input_tokens=usage["prompt_tokens"],
        output_tokens=usage["completion_tokens"],
        total_tokens=usage["total_tokens"],
        output_token_details={"reasoning": details["reasoning_tokens"]},
    )


def _reasoning(message: dict[str, Any]) -> dict[str, Any]:
    reasoning, details = message.get("reasoning"), message.get("reasoning_details")
    if not (reasoning or details):
        return {}
    return {"reasoning_content": reasoning or "", "reasoning_details": details}


def _metadata(answer: dict[str, Any]) -> dict[str, Any]:
    names = "id", "model", "provider", "created", "meta"
    return {name: answer[name] for name in names if name in answer}


def chat_result(answer: dict[str, Any]) -> ChatResult:
    """Return a whole answer as LangChain's result."""
    choice = answer["choices"][0]
    message = choice["message"]
    calls = [
        tool_call(
            name=call["function"]["name"],
            args=json.loads(call["function"]["arguments"]),
            id=call["id"],
        )
        for call in message.get("tool_calls", ())
    ]
    decoded = AIMessage(
        content=message["content"],
        additional_kwargs=_reasoning(message),
        tool_calls=calls,
        usage_metadata=_usage(answer["usage"]),
        response_metadata={**_metadata(answer), "finish_reason": choice["finish_reason"]},
    )
    return ChatResult(generations=[ChatGeneration(message=decoded)])


def _tool_call_chunk(call: dict[str, Any]) -> ToolCallChunk:
    function = call["function"]
    return tool_call_chunk(
        name=function.get("name"),
        args=function["arguments"],
        id=call.get("id"),
        index=call["index"],
    )


def chunk(event: dict[str, Any]) -> ChatGenerationChunk:
    """Return one event as LangChain's chunk."""
    delta = event["choices"][0]["delta"]
    fields: dict[str, Any] = {"content": delta["content"]}
    if reasoning := _reasoning(delta):
        fields["additional_kwargs"] = reasoning
    if calls := delta.get("tool_calls"):
        fields["tool_call_chunks"] = [_tool_call_chunk(call) for call in calls]
    if usage := event.get("usage"):
        finish = event["choices"][0]["finish_reason"]
        fields["usage_metadata"] = _usage(usage)
        fields["response_metadata"] = {**_metadata(event), "finish_reason": finish}
    return ChatGenerationChunk(message=AIMessageChunk(**fields))
