"""YAML texts that people can read: block literals, no folding, no anchors."""

import re
from typing import Any

import yaml

from langchain_aimlapi.testing._json_text import Number

_FLOAT = "tag:yaml.org,2002:float"
_JSON_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
# Everything that a block literal cannot hold as it stands: control characters but tab and
# line feed, the other line breaks of YAML (NEL, LS, PS), the byte order mark, half pairs.
_NOT_LITERAL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]"
)


class _Dumper(yaml.SafeDumper):
    # The pure Python emitter: libyaml's differs in small things, and a cassette must not
    # change because it was recorded on another machine.

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  # PyYAML's signature
        return True

    def analyze_scalar(self, scalar: str) -> yaml.emitter.ScalarAnalysis:
        analysis = super().analyze_scalar(scalar)
        if _is_literal(scalar):
            # PyYAML shuns literals with tabs or with spaces before a line break;
            # both are exact, and Markdown and code are full of them.
            analysis.allow_block = True
        return analysis


# libyaml's reader where PyYAML has it: ten times faster, and the same result.
_Loader: Any = type("_Loader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {})


def write_yaml(tree: object) -> str:
    """Return `tree` (dicts, lists, strings, bytes, numbers) as YAML text, keys in their order."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))


def read_yaml(text: str) -> Any:  # noqa: ANN401  # whatever the text holds
    """Return the tree of a YAML text; its JSON numbers keep their digits.

    Raises:
        ValueError: `text` is not YAML, or holds tags that could run code.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  # a subclass of the safe loader
    except yaml.YAMLError as error:
        raise ValueError(f"not a YAML text that is safe to read: {error}") from error


def _is_literal(text: str) -> bool:
    # A tab before the first word would be taken for (wrong) indentation.
    starts_well = text.lstrip(" \n")[:1] not in ("", "\t")
    return "\n" in text and starts_well and _NOT_LITERAL.search(text) is None


def _string_node(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style: str | None = None
    if _is_literal(text):
        style = "|"
    elif "\n" in text or _NOT_LITERAL.search(text):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _number_node(dumper: yaml.SafeDumper, number: Number) -> yaml.Node:
    return dumper.represent_scalar(_FLOAT, number.literal)


def _number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    if _JSON_NUMBER.fullmatch(node.value):
        return Number(node.value)
    return float(loader.construct_yaml_float(node))


_Dumper.add_representer(str, _string_node)
_Dumper.add_representer(Number, _number_node)
_Loader.add_constructor(_FLOAT, _number)
