"""Media blocks of every origin become the documented parts; media of answers become blocks."""

import base64
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models._utils import _normalize_messages
from langchain_core.messages import HumanMessage

from langchain_aimlapi._codec.media import audio_block, encode_media, holds_media, image_blocks

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(24)).decode()
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(24)).decode()
GIF = base64.b64encode(b"GIF89a" + bytes(24)).decode()
WEBP = base64.b64encode(b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(24)).decode()
WAV = base64.b64encode(b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(24)).decode()
PDF = base64.b64encode(b"%PDF-1.7\n" + bytes(24)).decode()
RAW = base64.b64encode(bytes(24)).decode()
PAGE = "https://example.org/a/cat.png?size=2"


def image(url: str, **rest: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **rest}}


def file(file_data: str, filename: str) -> dict[str, Any]:
    return {"type": "file", "file": {"filename": filename, "file_data": file_data}}


def audio(data: str, name: str) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": data, "format": name}}


def video(url: str) -> dict[str, Any]:
    return {"type": "video_url", "video_url": {"url": url}}


PNG_URI = f"data:image/png;base64,{PNG}"
PDF_URI = f"data:application/pdf;base64,{PDF}"

FORMS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    # LangChain v1
    ({"type": "image", "url": PAGE}, image(PAGE)),
    ({"type": "image", "base64": PNG, "mime_type": "image/png"}, image(PNG_URI)),
    (
        {"type": "image", "base64": PNG, "mime_type": "image/png", "extras": {"detail": "low"}},
        image(PNG_URI, detail="low"),
    ),
    ({"type": "video", "url": "https://v.example/v"}, video("https://v.example/v")),
    (
        {"type": "video", "base64": RAW, "mime_type": "video/mp4"},
        video(f"data:video/mp4;base64,{RAW}"),
    ),
    ({"type": "audio", "base64": RAW, "mime_type": "audio/mpeg"}, audio(RAW, "mp3")),
    (
        {"type": "audio", "url": "https://a.example/a.ogg"},
        audio("https://a.example/a.ogg", "audio/ogg"),
    ),
    (
        {"type": "audio", "url": f"data:audio/wav;base64,{RAW}"},
        audio(RAW, "wav"),
    ),
    (
        {
            "type": "file",
            "base64": PDF,
            "mime_type": "application/pdf",
            "extras": {"filename": "a.pdf"},
        },
        file(PDF_URI, "a.pdf"),
    ),
    ({"type": "file", "base64": PDF, "mime_type": "application/pdf"}, file(PDF_URI, "file.pdf")),
    ({"type": "file", "url": "https://f.example/b.pdf"}, file("https://f.example/b.pdf", "b.pdf")),
    ({"type": "file", "url": "https://f.example/"}, file("https://f.example/", "file.bin")),
    ({"type": "file", "file_id": "f-1"}, {"type": "file", "file": {"file_id": "f-1"}}),
    (
        {"type": "file", "file_id": "f-1", "extras": {"filename": "a.pdf"}},
        {"type": "file", "file": {"file_id": "f-1", "filename": "a.pdf"}},
    ),
    (
        {"type": "text-plain", "base64": base64.b64encode("läuft".encode()).decode()},
        {"type": "text", "text": "läuft"},
    ),
    # a file that is something else goes as what it is
    ({"type": "file", "base64": PNG, "mime_type": "image/png"}, image(PNG_URI)),
    ({"type": "file", "base64": RAW, "mime_type": "audio/flac"}, audio(RAW, "audio/flac")),
    (
        {"type": "file", "url": "https://x.example/v", "mime_type": "video/mp4"},
        video("https://x.example/v"),
    ),
    (
        {"type": "file", "base64": "aGk=", "mime_type": "text/csv"},
        {"type": "text", "text": "hi"},
    ),
    (
        {"type": "media", "data": b"\xef\xbb\xbfhi", "mime_type": "text/plain"},
        {"type": "text", "text": "hi"},
    ),
    (  # the other alphabet, no padding, a charset of its own
        {"type": "file", "base64": "_GY_", "mime_type": 'text/csv; charset="latin-1"'},
        {"type": "text", "text": "üf?"},
    ),
    (
        {"type": "file", "base64": "aGkh\naGk", "mime_type": "text/plain"},
        {"type": "text", "text": "hi!hi"},
    ),
    (
        {"type": "file", "url": "https://x.example/t.csv", "mime_type": "text/csv"},
        file("https://x.example/t.csv", "t.csv"),
    ),
    # LangChain v0
    ({"type": "image", "source_type": "url", "url": PAGE}, image(PAGE)),
    (
        {"type": "image", "source_type": "base64", "data": PNG, "mime_type": "image/png"},
        image(PNG_URI),
    ),
    (
        {
            "type": "file",
            "source_type": "base64",
            "data": PDF,
            "mime_type": "application/pdf",
            "metadata": {"filename": "a.pdf"},
        },
        file(PDF_URI, "a.pdf"),
    ),
    (
        {"type": "file", "source_type": "id", "id": "f-1"},
        {"type": "file", "file": {"file_id": "f-1"}},
    ),
    # OpenAI
    ({"type": "image_url", "image_url": PAGE}, image(PAGE)),
    ({"type": "image_url", "image_url": {"url": PNG_URI}}, image(PNG_URI)),
    (
        {"type": "image_url", "image_url": {"url": PAGE, "detail": "high"}},
        image(PAGE, detail="high"),
    ),
    ({"type": "video_url", "video_url": {"url": PAGE}}, video(PAGE)),
    ({"type": "input_audio", "input_audio": {"data": RAW, "format": "mp3"}}, audio(RAW, "mp3")),
    (
        {"type": "input_audio", "input_audio": {"data": RAW, "format": "audio/webm"}},
        audio(RAW, "audio/webm"),
    ),
    ({"type": "file", "file": {"file_data": PDF_URI, "filename": "a.pdf"}}, file(PDF_URI, "a.pdf")),
    ({"type": "file", "file": {"file_data": PDF, "filename": "a.pdf"}}, file(PDF_URI, "a.pdf")),
    (
        {"type": "file", "file": {"file_data": "https://f.example/b.pdf"}},
        file("https://f.example/b.pdf", "b.pdf"),
    ),
    ({"type": "file", "file": {"file_id": "f-1"}}, {"type": "file", "file": {"file_id": "f-1"}}),
    # Anthropic
    (
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        image(PNG_URI),
    ),
    ({"type": "image", "source": {"type": "url", "url": PAGE}}, image(PAGE)),
    (
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
            "title": "a.pdf",
        },
        file(PDF_URI, "a.pdf"),
    ),
    (
        {"type": "document", "source": {"type": "url", "url": "https://f.example/b.pdf"}},
        file("https://f.example/b.pdf", "b.pdf"),
    ),
    (
        {"type": "document", "source": {"type": "file", "file_id": "f-1"}},
        {"type": "file", "file": {"file_id": "f-1"}},
    ),
    # google-genai
    ({"type": "media", "mime_type": "image/png", "data": PNG}, image(PNG_URI)),
    ({"type": "media", "mime_type": "image/png", "data": base64.b64decode(PNG)}, image(PNG_URI)),
    ({"type": "media", "mime_type": "video/mp4", "file_uri": PAGE}, video(PAGE)),
    ({"type": "media", "mime_type": "audio/wav", "data": WAV}, audio(WAV, "wav")),
    (
        {"type": "media", "mime_type": "application/pdf", "file_uri": "gs://b/a.pdf"},
        file("gs://b/a.pdf", "a.pdf"),
    ),
]


@pytest.mark.parametrize(("block", "part"), FORMS)
def test_every_form_becomes_the_documented_part(
    block: dict[str, Any], part: dict[str, Any]
) -> None:
    assert holds_media(block)
    assert encode_media(block) == part


@pytest.mark.parametrize(("block", "part"), FORMS)
def test_the_same_part_comes_of_what_langchain_makes_of_the_block(
    block: dict[str, Any], part: dict[str, Any]
) -> None:
    [message] = _normalize_messages([HumanMessage([block])])
    normalised = message.content[0]
    assert isinstance(normalised, dict)
    assert encode_media(normalised) == part


@pytest.mark.parametrize(
    ("data", "mime_type"),
    [(PNG, "image/png"), (JPEG, "image/jpeg"), (GIF, "image/gif"), (WEBP, "image/webp")],
)
def test_an_image_without_a_mime_type_is_known_by_its_first_bytes(
    data: str, mime_type: str
) -> None:
    expected = image(f"data:{mime_type};base64,{data}")
    assert encode_media({"type": "image", "base64": data}) == expected
    vague = {"type": "image", "base64": data, "mime_type": "application/octet-stream"}
    assert encode_media(vague) == expected
    assert encode_media({"type": "file", "base64": data}) == expected


def test_the_mime_type_that_is_given_wins_in_its_registered_spelling() -> None:
    part = encode_media({"type": "image", "base64": PNG, "mime_type": "image/jpg"})
    assert part == image(f"data:image/jpeg;base64,{PNG}")


@pytest.mark.parametrize("place", ["extras", "metadata"])
def test_what_stands_beside_a_block_is_not_taken_for_its_data(place: str) -> None:
    block = {"type": "image", "base64": PNG, place: {"url": PAGE, "detail": 7, "id": "x"}}
    assert encode_media(block) == image(PNG_URI)
    assert not holds_media({"type": "image", place: {"url": PAGE}})


def test_base64_in_lines_is_sent_in_one() -> None:
    lines = base64.encodebytes(base64.b64decode(PNG) * 9).decode()
    part = encode_media({"type": "image", "base64": lines, "mime_type": "image/png"})
    data = part["image_url"]["url"].removeprefix("data:image/png;base64,")
    assert base64.b64decode(data, validate=True) == base64.b64decode(PNG) * 9


@pytest.mark.parametrize(
    ("mime_type", "name"),
    [
        ("audio/wav", "wav"),
        ("audio/x-wav", "wav"),
        ("audio/vnd.wave", "wav"),
        ("audio/mp3", "mp3"),
        ("audio/MPEG", "mp3"),
        ("audio/ogg; codecs=opus", "audio/ogg"),
        ("audio/x-aac", "audio/x-aac"),
        ("audio/aac", "audio/x-aac"),
        ("audio/x-m4a", "audio/m4a"),
        ("audio/midi", "audio/midi"),
    ],
)
def test_audio_formats_have_the_names_of_the_schema_or_stay_as_given(
    mime_type: str, name: str
) -> None:
    assert encode_media({"type": "audio", "base64": RAW, "mime_type": mime_type}) == audio(
        RAW, name
    )


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ({"type": "image", "file_id": "f-1"}, "'image'.*`file_id`.*`base64`"),
        ({"type": "video", "file_id": "f-1"}, "'video'.*`file_id`"),
        ({"type": "audio", "file_id": "f-1"}, "'audio'.*`file_id`"),
        ({"type": "image", "base64": RAW}, "'image'.*`mime_type`"),
        ({"type": "video", "base64": RAW}, "'video'.*`mime_type`"),
        ({"type": "audio", "base64": RAW}, "'audio'.*`mime_type`"),
        ({"type": "audio", "url": "https://a.example/a"}, "'audio'.*`mime_type`"),
        ({"type": "media", "data": RAW}, "'media'.*`mime_type`"),
        ({"type": "text-plain", "url": PAGE}, "'text-plain'.*`text`"),
        ({"type": "text-plain", "base64": "a"}, "'text-plain'"),
    ],
)
def test_what_cannot_be_sent_is_an_error_that_names_the_block(
    block: dict[str, Any], reason: str
) -> None:
    assert holds_media(block)
    with pytest.raises(ValueError, match=reason):
        encode_media(block)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "text", "text": "x"},
        {"type": ["image"], "url": PAGE},
        {"type": "image"},
        {"type": "image", "url": ""},
        {"type": "image", "url": None, "base64": 7},
        {"type": "image", "source": None},
        {"type": "file", "file": {"filename": "a.pdf"}},
        {"url": PAGE},
    ],
)
def test_a_block_without_data_holds_no_media(block: dict[str, Any]) -> None:
    assert not holds_media(block)


def test_a_large_image_is_copied_once() -> None:
    data = PNG + "A" * 4_000_000
    block = {"type": "image", "base64": data, "mime_type": "image/png"}
    uri_block = image(f"data:image/png;base64,{data}")
    tracemalloc.start()
    try:
        encode_media(block)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        encode_media(uri_block)
        _, uri_peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.1 * len(data)
    assert uri_peak - before < 100_000


@pytest.mark.parametrize("block", [part for _, part in FORMS if part["type"] != "text"])
def test_parts_are_blocks_too_and_encode_to_themselves(block: dict[str, Any]) -> None:
    assert encode_media({**block, "id": "lc_1", "index": 0}) == block


def test_images_of_an_answer_become_standard_blocks() -> None:
    images = [
        {"type": "image_url", "image_url": {"url": PNG_URI}, "index": 0},
        {"type": "image_url", "image_url": {"url": PAGE}, "index": 1},
        PAGE,
        {"image_url": PAGE},
        {"type": "image_url", "image_url": {"url": "data:,x"}},
    ]
    assert image_blocks(images) == [
        {"type": "image", "base64": PNG, "mime_type": "image/png"},
        {"type": "image", "url": PAGE},
        {"type": "image", "url": PAGE},
        {"type": "image", "url": PAGE},
        {"type": "image", "url": "data:,x"},
    ]


@pytest.mark.parametrize("block", image_blocks([image(PNG_URI), image(PAGE)]))
def test_an_image_of_an_answer_can_be_sent_back(block: dict[str, Any]) -> None:
    assert image_blocks([encode_media(block)]) == [block]


def test_audio_of_an_answer_becomes_a_standard_block() -> None:
    assert audio_block(
        {"id": "a-1", "data": RAW, "transcript": "hi", "expires_at": 9, "format": "mp3"}
    ) == {
        "type": "audio",
        "base64": RAW,
        "mime_type": "audio/mp3",
        "extras": {"id": "a-1", "transcript": "hi", "expires_at": 9},
    }
    assert audio_block({"data": RAW}) == {"type": "audio", "base64": RAW}


@pytest.mark.parametrize(
    ("mime_type", "kind"),
    [("image/png", "image"), ("video/mp4", "video"), ("audio/wav", "audio"), ("x", "audio")],
)
def test_what_vertex_calls_audio_is_what_its_mime_type_says(mime_type: str, kind: str) -> None:
    answer = {"data": RAW, "extra_content": {"google": {"mime_type": mime_type}}}
    assert audio_block(answer) == {"type": kind, "base64": RAW, "mime_type": mime_type}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "image_url", "url", "data", "format", "extra_content", "google"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(JSON)
def test_reading_takes_any_json(value: Any) -> None:
    assert all(block["type"] == "image" for block in image_blocks(value))
    assert image_blocks([value, {"image_url": value}]) == [
        *image_blocks([value]),
        *image_blocks([{"image_url": value}]),
    ]
    block = audio_block(value)
    assert block is None or block["base64"]
    assert audio_block({"data": value, "extra_content": value, "format": value}) is None or value


def test_a_clip_of_a_video_is_not_sent_as_the_whole() -> None:
    clip = {"type": "media", "mime_type": "video/mp4", "file_uri": "https://example.com/a.mp4"}
    assert encode_media(clip)["type"] == "video_url"
    with pytest.raises(ValueError, match=r"video_metadata=.*start_offset"):
        encode_media({**clip, "video_metadata": {"start_offset": "5s"}})


@pytest.mark.parametrize(
    ("data", "mime_type", "words"),
    [
        ("Dear all, the text itself", "text/plain", "'Dear.* no base64 data. Give plain text"),
        ("Straße", "text/plain", "no base64 data"),
        ("somedata", "text/plain", "are no text.* Name the charset"),
        ("_GY_", "text/csv; charset=klingon", "unknown encoding: klingon"),
    ],
)
def test_a_text_file_that_cannot_be_read_is_an_error(data: str, mime_type: str, words: str) -> None:
    """It is not sent as something else: langchain-google-genai's tests ask the same."""
    for block in (
        {"type": "file", "source_type": "base64", "data": data, "mime_type": mime_type},
        {"type": "media", "data": data, "mime_type": mime_type},
        {"type": "text-plain", "base64": data, "mime_type": mime_type},
    ):
        with pytest.raises(ValueError, match=words):
            encode_media(block)
