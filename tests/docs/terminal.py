"""A picture of the command line at work: the program runs in a terminal, against the stand-in.

In go commands and the answers that the stand-in gives to them, out comes an SVG. Left out is the
line of ids, which are others each time.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from contextlib import suppress
from html import escape
from pathlib import Path

from langchain_aimlapi.testing.standin import StandIn

ROOT = Path(__file__).parents[2]
COLUMNS = 84
_NOTES = "Reuse connections. Cap retries. Keep signatures. Count what a run costs.\n"
_LINE, _CHARACTER, _EDGE, _HEAD = 18, 7.83, 16, 34
_FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"
_DIM = re.compile(r"\x1b\[(2|0)m")
_COLORS = {"prompt": "#7ee787", "plain": "#f0f3f6", "dim": "#8b949e"}


def terminal_svg() -> str:
    """Return the picture."""
    with StandIn(seed="terminal") as server, tempfile.TemporaryDirectory() as folder:
        Path(folder, "notes.md").write_text(_NOTES, encoding="utf-8")
        server.answer_next(
            "Oslo is the capital of Norway.",
            reasoning="The user asks for a capital. Norway's is Oslo.",
        )
        server.answer_next("Four habits that keep an agent cheap and alive.")
        commands = (
            'langchain-aimlapi "What is the capital of Norway?"',
            'cat notes.md | langchain-aimlapi --quiet "Summarise in one line" > summary.txt',
            "cat summary.txt",
            "langchain-aimlapi balance",
        )
        lines: list[list[tuple[str, str]]] = []
        for command in commands:
            lines.append([("prompt", "$"), ("plain", command)])
            lines += _shown(_run(command, server.base_url, folder))
    return _svg(lines)


def _run(command: str, base_url: str, folder: str) -> str:
    """Run a command in a terminal; return what it writes there."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    program = f'langchain-aimlapi() {{ "{sys.executable}" -m langchain_aimlapi "$@"; }}\n'
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "AIMLAPI_API_KEY": "key-of-the-documentation",
        "AIMLAPI_API_BASE": base_url,
    }
    with subprocess.Popen(
        ["bash", "-c", program + command],
        stdin=its,
        stdout=its,
        stderr=its,
        cwd=folder,
        env=environment,
    ):
        os.close(its)
        pieces: list[bytes] = []
        with suppress(OSError):  # the terminal's end, when the program has left
            while piece := os.read(ours, 65_536):
                pieces.append(piece)
    os.close(ours)
    return b"".join(pieces).decode().replace("\r\n", "\n")


def _shown(text: str) -> list[list[tuple[str, str]]]:
    """Return the lines of what was written, each as spans of a style."""
    style, lines = "plain", []
    for line in text.rstrip("\n").split("\n"):
        spans = []
        for position, piece in enumerate(_DIM.split(line)):
            if position % 2:
                style = "dim" if piece == "2" else "plain"
            elif piece:
                spans.append((style, piece))
        if not any(piece.startswith("ids: ") for _, piece in spans):
            lines.append(spans)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _svg(lines: list[list[tuple[str, str]]]) -> str:
    width = round(COLUMNS * _CHARACTER + 2 * _EDGE)
    height = _HEAD + len(lines) * _LINE + _EDGE
    rows = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">',
        f'<rect width="{width}" height="{height}" rx="8" fill="#161b22"/>',
        *(
            f'<circle cx="{20 + 18 * number}" cy="17" r="5" fill="{color}"/>'
            for number, color in enumerate(("#ff5f57", "#febc2e", "#28c840"))
        ),
        f'<g font-family="{_FONTS}" font-size="13" xml:space="preserve">',
    ]
    for number, spans in enumerate(lines):
        column = 0
        for style, piece in spans:
            place = f'x="{_EDGE + column * _CHARACTER:g}" y="{_HEAD + (number + 1) * _LINE - 5}"'
            # The length is told, so that another font cannot move what follows.
            length = f'textLength="{len(piece) * _CHARACTER:g}" lengthAdjust="spacingAndGlyphs"'
            rows.append(f'<text {place} {length} fill="{_COLORS[style]}">{escape(piece)}</text>')
            column += len(piece) + (style == "prompt")
    return "\n".join([*rows, "</g>", "</svg>", ""])
