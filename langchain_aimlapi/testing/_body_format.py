"""HTTP bodies as something a person can read in a YAML file, byte for byte recoverable.

JSON texts are trees that remember how they were written, YAML texts have block literals, no
folding, no anchors. A body is kept in the first of these forms that gives the exact bytes back:

    None                                  no body
    {"style": ..., "json": tree}          one JSON text
    {"style": ..., "sep": ..., "events": [{"data": tree} | "raw event", ...]}
                                          server-sent events
    "text"                                any other UTF-8
    {"bytes": text of base64}             other bytes, when they are many
    b"..."                                other bytes

`tail` in the two dicts holds what follows the JSON text or the last separator.
"""

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn, Self

import yaml

from langchain_aimlapi._json import JsonObject
from langchain_aimlapi.testing._long_texts import expanded

Body = JsonObject | str | bytes | None

_DATA = "data: "
_SEPARATORS = ("\r\n\r\n", "\n\n")
# The fields of the standard for server-sent events, and its comments.
_FIELDS = ("data:", "event:", "id:", "retry:", ":")


def encode_body(body: bytes) -> JsonObject | str | bytes:
    """Return the readable form of a body.

    Args:
        body: The bytes on the wire.

    Returns:
        One of the forms listed at the top of this module.
    """
    try:
        return encode_text(body.decode())
    except UnicodeDecodeError:
        return body


def encode_text(text: str) -> JsonObject | str:
    """Return the readable form of a body that is text: a dict, or the text as it is."""
    return _encode_json(text) or _encode_events(text) or text


def decode_body(body: Body, long_texts: dict[str, str] | None = None) -> bytes | None:
    """Return the bytes of a body in readable form: the inverse of `encode_body`.

    Args:
        body: A body of a cassette.
        long_texts: The `files` of the cassette.

    Raises:
        ValueError: `body` is a dict of another shape.
    """
    if body is None or isinstance(body, bytes):
        return body
    text = _body_text(body)
    text = expanded(text, long_texts) if long_texts else text
    if isinstance(body, dict) and "bytes" in body:
        return base64.b64decode(text)
    return text.encode()


def _body_text(body: JsonObject | str) -> str:
    if isinstance(body, str):
        return body
    tail: str = body.get("tail", "")
    if "json" in body:
        return json_text(body["json"], style=body["style"]) + tail
    if "events" in body:
        texts = [_event_text(event, body.get("style", "")) for event in body["events"]]
        return "".join(text + body["sep"] for text in texts) + tail
    if "bytes" in body:
        return str(body["bytes"])
    raise ValueError(f"a body with the keys {sorted(body)} is none that this kit writes")


def _encode_json(text: str) -> JsonObject | None:
    core = text.rstrip(" \t\r\n")
    if core[:1] not in ("{", "["):
        return None  # A bare word or number is as readable as it is.
    style = next(fitting_styles(*_parse(core)), None)
    if style is None:
        return None
    return {"style": style, **_tail(text[len(core) :]), "json": read_json(core)}


def _encode_events(text: str) -> JsonObject | None:
    if not text.startswith(_FIELDS):
        return None
    sep = next((sep for sep in _SEPARATORS if sep in text), None)
    if sep is None:
        return None
    *texts, tail = text.split(sep)
    # One style for the whole stream, said once: the odd event out is kept as raw text.
    style = _commonest_style(texts)
    events = [_encode_event(event, style) for event in texts]
    return {**({"style": style} if style else {}), "sep": sep, "events": events, **_tail(tail)}


def event_tree(event: JsonObject | str) -> Any:
    """Return the JSON value of one event of a readable body, None when it holds none."""
    if isinstance(event, dict):
        return event["data"]
    return _parse(event.removeprefix(_DATA))[1] if event.startswith(_DATA) else None


def _commonest_style(texts: list[str]) -> str | None:
    styles = Counter(
        style
        for text in texts
        if text.startswith(_DATA)
        for style in fitting_styles(*_parse(text.removeprefix(_DATA)))
    )
    return max(styles, key=lambda style: styles[style], default=None)


def _encode_event(text: str, style: str | None) -> JsonObject | str:
    if not text.startswith(_DATA):
        return text
    core, tree = _parse(text.removeprefix(_DATA))
    return {"data": tree} if style and style in fitting_styles(core, tree) else text


def _event_text(event: JsonObject | str, style: str) -> str:
    return event if isinstance(event, str) else _DATA + json_text(event["data"], style=style)


def _parse(text: str) -> tuple[str, Any]:
    try:
        return text, read_json(text)
    except ValueError:
        return text, None


def _tail(text: str) -> dict[str, str]:
    return {"tail": text} if text else {}


_DEEPEST = 60
"""Levels of nesting that are still read as a tree; YAML readers recurse, and nobody reads more."""


class Number(float):
    """A JSON number with a fraction or an exponent, in the digits it was written in.

    `0.0000123` is `1.23e-05` to Python: a cassette that wrote the value instead of the
    digits would not replay the bytes that were recorded.
    """

    literal: str

    def __new__(cls, literal: str) -> Self:
        """Make one of the digits in `literal`."""
        number = super().__new__(cls, literal)
        number.literal = literal
        return number

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]  # float's own takes a float
        """Return what copies are made of, for `copy` and `pickle`."""
        return (self.literal,)


_ENCODE = {to_ascii: json.JSONEncoder(ensure_ascii=to_ascii).encode for to_ascii in (False, True)}
"""`json.dumps` makes an encoder for each text that is not to be ASCII."""


class _Style(NamedTuple):
    comma: str
    colon: str
    ascii: bool
    indent: int = 0


_STYLES = {
    "compact": _Style(",", ":", ascii=False),
    "compact-ascii": _Style(",", ":", ascii=True),
    "spaced": _Style(", ", ": ", ascii=False),
    "spaced-ascii": _Style(", ", ": ", ascii=True),
    "indent-2": _Style(",", ": ", ascii=False, indent=2),
    "indent-2-ascii": _Style(",", ": ", ascii=True, indent=2),
    "indent-4": _Style(",", ": ", ascii=False, indent=4),
    "indent-4-ascii": _Style(",", ": ", ascii=True, indent=4),
}


def read_json(text: str) -> Any:
    """Return the tree of a JSON text; numbers with a fraction are `Number`.

    Args:
        text: One JSON value. `NaN` and the like are refused: they are not JSON.

    Returns:
        dict, list, str, int, `Number`, bool or None.

    Raises:
        ValueError: `text` is not JSON, or is nested too deeply to be read as a tree.
    """
    try:
        return json.loads(text, parse_float=Number, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None


def read_json_at(text: str, start: int) -> tuple[Any, int]:
    """Return the tree of the JSON value that begins at `start`, and where it ends.

    Raises:
        ValueError: there is none, or it is nested too deeply.
    """
    try:
        return json.JSONDecoder(parse_float=Number, parse_constant=_refuse).raw_decode(text, start)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None


def json_text(tree: object, *, style: str) -> str:
    """Return `tree` as JSON text.

    Args:
        tree: What `read_json` returns.
        style: `compact`, `spaced`, `indent-2` or `indent-4`, each also with `-ascii`.

    Raises:
        ValueError: the style is unknown, or the tree is nested deeper than 60 levels.
    """
    if style not in _STYLES:
        raise ValueError(f"unknown JSON style {style!r}; known: {', '.join(_STYLES)}")
    return _write(tree, _STYLES[style], 0)


def fitting_styles(text: str, tree: object) -> Iterator[str]:
    """Yield the styles in which `tree` gives exactly `text`, plainest first.

    Args:
        text: A JSON text.
        tree: What `read_json` made of it; None gives no style.
    """
    try:
        if tree is not None and _is_storable(text, tree):
            yield from (name for name in _STYLES if json_text(tree, style=name) == text)
    except ValueError:  # nested too deeply for any style
        return


def _is_storable(text: str, tree: object) -> bool:
    # Half a surrogate pair is JSON when escaped, but no file in UTF-8 can hold it.
    if "\\u" not in text:
        return True
    return re.search("[\ud800-\udfff]", json_text(tree, style="compact")) is None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _write(tree: object, style: _Style, depth: int) -> str:
    if depth > _DEEPEST:
        raise ValueError(f"JSON nested deeper than {_DEEPEST} levels")
    if isinstance(tree, dict):
        members = [
            _ENCODE[style.ascii](key) + style.colon + _write(value, style, depth + 1)
            for key, value in tree.items()
        ]
        return _bracket("{", members, "}", style, depth)
    if isinstance(tree, list):
        items = [_write(value, style, depth + 1) for value in tree]
        return _bracket("[", items, "]", style, depth)
    if isinstance(tree, Number):
        return tree.literal
    return _ENCODE[style.ascii](tree)


def _bracket(start: str, parts: list[str], end: str, style: _Style, depth: int) -> str:
    if not parts or not style.indent:
        return start + style.comma.join(parts) + end
    margin = "\n" + " " * style.indent * (depth + 1)
    return start + margin + (style.comma + margin).join(parts) + margin[: -style.indent] + end


_FLOAT = "tag:yaml.org,2002:float"
_JSON_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
# Everything that a block literal cannot hold as it stands: control characters but tab and
# line feed, the other line breaks of YAML (NEL, LS, PS), the byte order mark, half pairs.
_NOT_LITERAL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]"
)


_ANCHOR = re.compile(r"(?:^|[\s\[{,:-])&[^\s,\[\]{}]+\s", re.MULTILINE)


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


def read_yaml(text: str) -> Any:
    """Return the tree of a YAML text; its JSON numbers keep their digits.

    Raises:
        ValueError: `text` is not YAML, or holds tags that could run code, or aliases.
    """
    try:
        if _ANCHOR.search(text) and _has_alias(text):
            raise ValueError("YAML aliases are refused: a few lines of them make gigabytes")
        return yaml.load(text, Loader=_Loader)  # noqa: S506  # a subclass of the safe loader
    except yaml.YAMLError as error:
        raise ValueError(f"not a YAML text that is safe to read: {error}") from error


def _has_alias(text: str) -> bool:
    # Only events tell an alias from a line of a conversation that looks like one; they do not
    # follow it.
    return any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=_Loader))


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
