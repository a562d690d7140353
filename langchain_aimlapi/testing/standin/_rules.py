"""What the stand-in answers to a valid request: the first rule that fits.

1. A tool choice that forces a call: that tool; for `required` the best match, and once it
   was called in this turn, a tool that was not.
2. Tools offered and the turn just begun: those that the prompt names, or whose name shares a
   word with it; with one tool offered, that one. `f(1) and f(2)`, several names, `in parallel`
   and `3 ... in parallel` give parallel calls; `in 5 steps`, `a, then b` and
   `parallel_tool_calls: false` give one call per step. (Beside a response format only tools
   that fit the prompt are called.)
3. A response format: the smallest instance of the schema, or the keys that the prompt quotes.
4. Tool results: a text that quotes them.
5. Images, files, audio, video: a text that says what arrived.
6. Otherwise a text that repeats the last message.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from langchain_aimlapi.testing.standin import _conversation
from langchain_aimlapi.testing.standin._answer import Answer
from langchain_aimlapi.testing.standin._instance import (
    Hints,
    calls_written,
    instance,
    keys_named,
    mentions,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_aimlapi._json import JsonMapping, JsonObject

    Request = JsonMapping
    Call = tuple[str, JsonObject]

_STEPS = re.compile(r"\bin (\d+) (?:sequential )?steps\b", re.IGNORECASE)
_PARALLEL = re.compile(r"(?:\b(\d+)\b[^.\n\d]*)?\bin parallel\b", re.IGNORECASE)
_THEN = re.compile(r"\bthen\b", re.IGNORECASE)
# Words that many tools share tell none from another.
_VERBS = frozenset(
    {
        *("call", "do", "edit", "fetch", "find", "function", "get", "make", "my", "read"),
        *("run", "set", "the", "tool", "write"),
    }
)
# A conversation that grows by its own echo would double at each step.
_LONGEST_ECHO = 400


def answer_by_rules(request: Request) -> Answer:
    """Return the answer to a request that passed the checks."""
    messages = request["messages"]
    calls = _calls(request, wants_json=_format(request) != "text")
    if calls:
        texts = tuple((name, json.dumps(args, ensure_ascii=False)) for name, args in calls)
        reasoning = _reasoning(messages, f"I will call {', '.join(name for name, _ in calls)}.")
        return Answer(reasoning=reasoning, calls=texts, finish_reason="tool_calls")
    if _format(request) != "text":
        text = json.dumps(_json_answer(request), ensure_ascii=False)
        return Answer(text=text, reasoning=_reasoning(messages, "I will answer in JSON."))
    return Answer(text=_text(messages), reasoning=_reasoning(messages, "I will say what I read."))


def _reasoning(messages: Sequence[JsonMapping], decision: str) -> str:
    return (
        "**Reading the Request**\n\n"
        f"I stand in for a model and have read {_count_text(messages)}.\n\n\n"
        f"**Deciding the Answer**\n\n{decision}"
    )


def _count_text(messages: Sequence[JsonMapping]) -> str:
    return f"{len(messages)} message{'s' if len(messages) > 1 else ''}"


def _format(request: Request) -> str:
    return str((request.get("response_format") or {"type": "text"})["type"])


def _prompt(messages: Sequence[JsonMapping]) -> str:
    return _conversation.text_of(messages[_conversation.turn_start(messages)])


# --- tool calls


def _offered_tools(request: Request) -> dict[str, JsonObject]:
    tools = [tool["function"] for tool in request.get("tools") or [] if tool["type"] == "function"]
    offered = {tool["name"]: tool.get("parameters") or {} for tool in tools}
    choice = request.get("tool_choice")
    if choice == "none":
        return {}
    if isinstance(choice, dict):
        named = choice.get("function")
        allowed = [named] if named else _allowed_functions(choice)
        names = [function["name"] for function in allowed]
        return {name: offered[name] for name in names if name in offered}
    return offered


def _allowed_functions(choice: Request) -> list[JsonObject]:
    tools = choice.get("allowed_tools", {}).get("tools", [])
    functions = [tool.get("function") for tool in tools]
    known = (function for function in functions if isinstance(function, dict))
    return [function for function in known if isinstance(function.get("name"), str)]


def _is_forced(request: Request) -> bool:
    choice = request.get("tool_choice")
    if isinstance(choice, dict):
        return bool(choice.get("allowed_tools", {}).get("mode", "required") == "required")
    return choice is not None and str(choice) == "required"


def _calls(request: Request, *, wants_json: bool) -> list[Call]:
    """Return the calls of the next step."""
    offered, forced = _offered_tools(request), _is_forced(request)
    messages = request["messages"]
    prompt = _prompt(messages)
    steps = _STEPS.search(prompt)
    prompt = _STEPS.sub("", prompt)
    plan = _plan(offered, prompt, forced=forced, eager=not wants_json)
    if not plan:
        return []
    done = _conversation.calls_of(messages)
    one_by_one = request.get("parallel_tool_calls") is False or _THEN.search(prompt)
    wanted = int(steps[1]) if steps else len(plan) if one_by_one else 1
    if len(done) < wanted:
        return [plan[len(done) % len(plan)]] if steps or one_by_one else plan
    return [_forced_again(offered, done, prompt)] if forced else []


def _forced_again(offered: JsonMapping, done: list[list[str]], prompt: str) -> Call:
    called = {name for step in done for name in step}
    left = [name for name in offered if name not in called] or list(offered)[-1:]
    return left[0], _arguments(offered[left[0]], ([], {}), Hints(prompt))


def _plan(offered: JsonMapping, prompt: str, *, forced: bool, eager: bool) -> list[Call]:
    """Return all calls that a prompt asks for, in the order in which it names the tools."""
    names = _fitting(list(offered), prompt)
    if not names and (forced or (eager and len(offered) == 1)):
        names = list(offered)[:1]
    hints = Hints(prompt)
    calls = [
        (name, _arguments(offered[name], written, hints))
        for name in names
        for written in calls_written(prompt, name) or [([], {})]
    ]
    parallel = _PARALLEL.search(prompt)
    # The schema allows 128 tools; more calls than that no test can mean.
    while parallel and calls and len(calls) < min(int(parallel[1] or 2), 128):
        calls.append((names[0], _arguments(offered[names[0]], ([], {}), hints)))
    return calls


def _fitting(names: list[str], prompt: str) -> list[str]:
    named = [name for name in names if mentions(prompt, name)]
    if named:
        return sorted(named, key=lambda name: prompt.lower().find(name.lower()))
    scores = {name: _score(name, prompt) for name in names}
    best = max(scores.values(), default=0)
    return [name for name, score in scores.items() if score == best][:1] if best else []


def _score(name: str, prompt: str) -> int:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    words = [word for word in re.split(r"[_-]+", spaced) if word and word not in _VERBS]
    return sum(mentions(prompt, word) or mentions(prompt, word + "s") for word in words)


def _arguments(
    schema: JsonMapping, written: tuple[list[object], JsonObject], hints: Hints
) -> JsonObject:
    positional, named = written
    names = list(schema.get("properties") or {})
    given = dict(zip(names, positional, strict=False))
    given |= {name: value for name, value in named.items() if name in names}
    left = [name for name in schema.get("required") or [] if name not in given]
    made = instance({**schema, "required": left}, hints=hints)
    return {**given, **made} if isinstance(made, dict) else given


# --- texts


def _json_answer(request: Request) -> object:
    prompt = _prompt(request["messages"])
    wanted = request["response_format"]
    if wanted["type"] == "json_schema":
        return instance(wanted["json_schema"].get("schema") or {}, hints=Hints(prompt))
    return {key: f"stand-in {key}" for key in keys_named(prompt)}


def _text(messages: Sequence[JsonMapping]) -> str:
    last = messages[-1]
    said = [f"the tool said: {result}" for result in _conversation.results_of(messages)]
    said += [f"I got a {_conversation.description(part)}" for part in _conversation.media_of(last)]
    if not said:
        echo = _conversation.text_of(last)[:_LONGEST_ECHO]
        said = [f"I read {_count_text(messages)}, the last one says: {echo}"]
    return f"This is the stand-in, not a model. Here is what arrived: {'; '.join(said)}"
