# SPDX-License-Identifier: Apache-2.0
"""What kind of file some first bytes belong to. It knows bytes only."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

from airflow_provider_videos.texts import shorten

#: How many first bytes are enough for every answer here.
HEAD_BYTES = 512
_MAX_TEXT_CHARACTERS = 80
_BOX_HEADER_BYTES = 8
# A still image or a sound in the same kind of box; every other brand is some MP4.
_IMAGE_BRANDS = {b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"jpeg", b"crx "}
_SOUND_BRANDS = {b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "}
_EBML = b"\x1a\x45\xdf\xa3"
# With these boxes files began before there was an ftyp.
_QUICKTIME_BOXES = {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of file that is kept.

    :param suffix: end of its name, with the dot.
    :param content_type: its media type.
    """

    suffix: str
    content_type: str


MP4 = Kind(".mp4", "video/mp4")
MOV = Kind(".mov", "video/quicktime")
WEBM = Kind(".webm", "video/webm")
VIDEOS = (MP4, MOV, WEBM)
_IMAGES = (
    (b"\xff\xd8\xff", Kind(".jpg", "image/jpeg")),
    (b"\x89PNG\r\n\x1a\n", Kind(".png", "image/png")),
    (b"GIF8", Kind(".gif", "image/gif")),
)
_WEBP = Kind(".webp", "image/webp")
_OTHERS = (
    (b"\x1f\x8b", "data packed with gzip"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"%PDF", "a PDF document"),
    (b"#EXTM3U", "an HLS playlist, which names other files"),
    (b"ID3", "an MP3 sound"),
    (b"OggS", "an Ogg file"),
    (b"FLV", "a Flash video"),
    (b"G@", "an MPEG transport stream"),
    (b"\x00\x00\x01\xba", "an MPEG program stream"),
)


def video_kind(head: bytes) -> Kind | None:
    """Recognise the video containers MP4, WebM and MOV by a file's first bytes."""
    if head.startswith(_EBML):
        return WEBM if _ebml_type(head) == b"webm" else None
    box, brand = head[4:8], head[8:12]
    if box == b"ftyp" and len(brand) == 4:
        if brand in _IMAGE_BRANDS | _SOUND_BRANDS:
            return None
        return MOV if brand == b"qt  " else MP4
    # A size of 1 says that the real one follows, in 64 bits; 0, that the box reaches to the end.
    size = int.from_bytes(head[:4])
    has_box = box in _QUICKTIME_BOXES and (size in {0, 1} or size >= _BOX_HEADER_BYTES)
    # A text may have such a word at that place.
    return MOV if has_box and not _is_text(head) else None


def image_kind(head: bytes) -> Kind | None:
    """Recognise the usual still images by a file's first bytes."""
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _WEBP
    return next((kind for magic, kind in _IMAGES if head.startswith(magic)), None)


def describe(head: bytes, quote: Callable[[str], str] | None = None) -> str:
    """Return what a file seems to be that is not what was expected, for an error's text.

    :param head: its first bytes.
    :param quote: makes of the file's text what may be quoted of it; ``None`` quotes nothing, as what somebody else's
        host answers may be a secret of its own.
    """
    if not head:
        return "an empty file"
    image = image_kind(head)
    if image is not None:
        return f"an image ({image.content_type})"
    if (kind := video_kind(head)) is not None:
        return f"a video ({kind.content_type})"
    if head.startswith(_EBML):
        return "a Matroska file, not WebM"
    if head[4:8] == b"ftyp":
        return "an image or a sound"
    if head.startswith(b"RIFF"):
        return "a RIFF file"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    lower = text[:HEAD_BYTES].lower()
    if lower.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or b"<html" in lower:
        return f"a page of HTML{_quoted(text, quote)}"
    if text.startswith(b"<"):
        return f"XML{_quoted(text, quote)}"
    if text[:1] in {b"{", b"["}:
        return f"JSON{_quoted(text, quote)}"
    for magic, name in _OTHERS:
        if head.startswith(magic):
            return name
    if _is_text(head):
        return f"text{_quoted(text, quote)}"
    return "nothing known" + (f" (it begins with the bytes {head[:12].hex(' ')})" if quote else "")


def _ebml_type(head: bytes) -> bytes:
    # The DocType element; its length is one byte for every type in use.
    found = re.search(rb"\x42\x82[\x81-\x90]([a-z0-9-]{1,16})", head[:HEAD_BYTES])
    return found.group(1) if found else b"unknown"


def _is_text(head: bytes) -> bool:
    # The cut may have gone through the last character.
    text = head.decode(errors="replace").rstrip("\ufffd")
    return (
        bool(text)
        and "\ufffd" not in text
        and all(character.isprintable() or character.isspace() for character in text)
    )


def _quoted(text: bytes, quote: Callable[[str], str] | None) -> str:
    if quote is None:
        return ""
    words = quote(" ".join(text.decode(errors="replace").split()))
    shown = "".join(character for character in words if character.isprintable())
    return f": {shorten(shown, _MAX_TEXT_CHARACTERS)!r}" if shown else ""
