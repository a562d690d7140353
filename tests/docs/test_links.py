"""Every link within README and documentation leads somewhere."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import PAGES, ROOT, anchors_of, links_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    broken = [link for link in links_of(page) if not leads_somewhere(link, page)]
    assert not broken


def leads_somewhere(link: str, page: Path) -> bool:
    if link.startswith(("https://", "http://", "mailto:")):
        return True
    if page.suffix == ".mdx" and link.startswith("/"):
        return True  # of the site that the page is written for
    target, _, anchor = link.partition("#")
    path = (page.parent / target).resolve() if target else page
    if not path.exists():
        return False
    return not anchor or path.suffix != ".md" or anchor in anchors_of(path)


def test_the_site_needs_nothing_from_elsewhere() -> None:
    site = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]
    assert site["theme"]["font"] is False  # else the theme asks for Google's fonts
    assert "custom_fences" not in str(site)  # Mermaid's script comes from elsewhere too
