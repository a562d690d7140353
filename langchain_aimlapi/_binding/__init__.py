"""What is bound to a model: tools, schemas, settings of a call; what reads its answers as objects.

In go a model with tools, a schema or keywords of a call; out come Runnables that take what the
model takes, and give its messages or the objects that were asked for.

The doors are `binding` (`BindsTools`, the methods of the model, and `GeminiBinding`, what they
return). It uses `structured_output`, which binds a schema, and that `output_parser`, which reads
the object from an answer, whole or growing.
"""

from __future__ import annotations

from importlib import import_module
from sys import modules
from types import ModuleType

# Pickles of models and chains name the modules where classes lived when they were made. Those that
# are no more have one without a file in their place; it is there before a pickle asks for it, as
# each of them names the model's class, or this folder, first. (Chains with `include_raw=True` name
# their parser first: a program that loads one of before has to import `ChatAIMLGemini` itself.)
_MOVED = {
    "GeminiBinding": "_binding.binding",
    "ObjectParser": "_binding.output_parser",
    "Remedies": "errors.refusals",
    "_FailureKept": "_binding.output_parser",
}


def __getattr__(name: str) -> object:
    """Return a class from where it is now."""
    if name not in _MOVED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"langchain_aimlapi.{_MOVED[name]}"), name)


for _former in ("langchain_aimlapi._output_parser", "langchain_aimlapi._refusals"):
    modules[_former] = ModuleType(_former)
    modules[_former].__getattr__ = __getattr__  # type: ignore[method-assign]  # as PEP 562 has it
