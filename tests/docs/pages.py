"""Reads the documentation's pages: their code blocks, their links."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
# `*.mdx`: the pages that LangChain's own documentation has of this package.
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md*"))]
_FENCE = re.compile(r"^( *)```(\w*) *(.*)\n((?:.*\n)*?)\1```$", re.MULTILINE)
_TITLE = re.compile(r'title="([^"]+)"')
_PICTURE = re.compile(r'<img src="([^"]+)"')
_LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(([^)\s]+)[^)]*\)")


@dataclass(frozen=True)
class Block:
    """A code block of a page.

    Attributes:
        page: The page, relative to the project's root.
        line: Where the block begins.
        language: What stands behind the fence.
        code: Its text.
        title: The file that it is to be saved as, `""` for none.
        output: What the page says that the block prints, `None` if it says nothing: the text of a
            `text` block that follows with nothing in between.
    """

    page: str
    line: int
    language: str
    code: str
    title: str
    output: str | None


def blocks_of(path: Path) -> list[Block]:
    """Return the code blocks of a page, those that are another's output left out."""
    text = path.read_text(encoding="utf-8")
    fences = [*_FENCE.finditer(text)]
    blocks: list[Block] = []
    used = -1
    for position, fence in enumerate(fences):
        if position == used:
            continue
        following = fences[position + 1] if position + 1 < len(fences) else None
        output = None
        if (
            following is not None
            and following[2] == "text"
            and fence[2] in {"python", "bash"}
            and not text[fence.end() : following.start()].strip()
        ):
            used, output = position + 1, inspect.cleandoc("\n" + following[4])
        title = _TITLE.search(fence[3])
        blocks.append(
            Block(
                page=str(path.relative_to(ROOT)),
                line=text.count("\n", 0, fence.start()) + 1,
                language=fence[2],
                code=inspect.cleandoc("\n" + fence[4]),
                title=title[1] if title else "",
                output=output,
            )
        )
    return blocks


def links_of(path: Path) -> list[str]:
    """Return where the links and pictures of a page lead."""
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    return [*_LINK.findall(text), *_PICTURE.findall(text)]


def anchors_of(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as code hosts and the site make them."""
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
