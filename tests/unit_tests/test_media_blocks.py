"""Blocks of pictures and files, from a path or an address."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import HumanMessage

from langchain_aimlapi import audio_block, file_block, image_block, video_block
from tests.answers import model_of, served

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DATA = b"\x89PNG\r\n"
TEXT = base64.b64encode(DATA).decode()
ANSWER = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
PICTURE = {"type": "image", "base64": TEXT, "mime_type": "image/png"}


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a cat.png"
    path.write_bytes(DATA)
    return path


def test_a_file_is_read(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert image_block(picture) == image_block(str(picture)) == PICTURE
    assert image_block(picture.as_uri()) == PICTURE
    monkeypatch.setenv("HOME", str(picture.parent))
    assert image_block("~/a cat.png") == PICTURE
    named = file_block(picture, mime_type="application/pdf")
    assert named == PICTURE | {
        "type": "file",
        "mime_type": "application/pdf",
        "filename": "a cat.png",
    }


def test_an_address_is_sent_as_it_is() -> None:
    url = "https://example.com/cat.png"
    assert image_block(url) == {"type": "image", "url": url}
    assert video_block(url, mime_type="video/mp4") == {
        "type": "video",
        "url": url,
        "mime_type": "video/mp4",
    }
    assert image_block(f"data:image/png;base64,{TEXT}") == PICTURE


@pytest.mark.parametrize(
    ("maker", "name", "kind"),
    [
        (audio_block, "a.mp3", "audio/mpeg"),
        (video_block, "a.mp4", "video/mp4"),
        (file_block, "a.pdf", "application/pdf"),
        (image_block, "a.jpg", "image/jpeg"),
    ],
)
def test_what_a_file_is_goes_by_its_name(
    maker: Callable[..., dict[str, Any]], name: str, kind: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(DATA)
    assert maker(tmp_path / name)["mime_type"] == kind


def test_what_cannot_be_is_an_error_that_tells_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.pdf' is application/pdf, no image: use file_block"):
        image_block(tmp_path / "a.pdf")
    with pytest.raises(ValueError, match=r"a\.png' is image/png, no video: use image_block"):
        video_block(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a\.zzz' is cannot be told .* mime_type"):
        file_block(tmp_path / "a.zzz")
    with pytest.raises(FileNotFoundError, match="missing"):
        image_block(tmp_path / "missing.png")


def test_a_block_is_one_that_the_model_takes(picture: Path) -> None:
    there = served(ANSWER)
    model_of(there).invoke([HumanMessage(["What is this?", image_block(picture)])])
    [_, part] = there.bodies[0]["messages"][0]["content"]
    assert part == {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{TEXT}"}}
