# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pathlib

import pytest

from airflow_provider_videos import simulator
from airflow_provider_videos.download.container import MOV, MP4, WEBM, Kind, describe, image_kind, video_kind

CLIPS = pathlib.Path(simulator.__file__).parent
EBML = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08"


def box(kind: bytes, content: bytes = b"\0" * 8) -> bytes:
    return (8 + len(content)).to_bytes(4) + kind + content


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        ((CLIPS / "clip.mp4").read_bytes()[:512], MP4),
        (box(b"ftyp", b"isom\0\0\2\0isomiso2"), MP4),
        (box(b"ftyp", b"mp42\0\0\0\0"), MP4),
        (box(b"ftyp", b"dash\0\0\0\0"), MP4),
        (box(b"ftyp", b"qt  \0\0\0\0"), MOV),
        (box(b"moov"), MOV),
        (box(b"mdat"), MOV),
        (box(b"wide", b""), MOV),
        (box(b"free"), MOV),
        (b"\0\0\0\1mdat" + b"\0" * 8, MOV),
        (EBML + b"\x42\x82\x84webm\x42\x87\x81\x04", WEBM),
        (EBML + b"\x42\x82\x88matroska\x42\x87\x81\x04", None),
        (box(b"ftyp", b"avif\0\0\0\0"), None),
        (box(b"ftyp", b"M4A \0\0\0\0"), None),
        (b"\0\0\0\3mdat", None),
        (b"\0\0\0\x20ftyp", None),
        (b"", None),
        (b"\0" * 512, None),
        (b"the mdat of a text", None),
    ],
)
def test_videos_are_known_by_their_first_bytes(head: bytes, kind: Kind | None) -> None:
    assert video_kind(head) == kind


@pytest.mark.parametrize(
    ("head", "suffix"),
    [
        ((CLIPS / "clip.jpg").read_bytes()[:512], ".jpg"),
        ((CLIPS / "clip.gif").read_bytes()[:512], ".gif"),
        (b"\x89PNG\r\n\x1a\n\0\0", ".png"),
        (b"RIFF\0\0\0\0WEBPVP8 ", ".webp"),
    ],
)
def test_images_are_known_by_their_first_bytes(head: bytes, suffix: str) -> None:
    kind = image_kind(head)
    assert kind is not None
    assert kind.suffix == suffix
    assert video_kind(head) is None


@pytest.mark.parametrize(
    ("head", "text"),
    [
        (b"", "an empty file"),
        (b"\n <!DOCTYPE html><html><title>Log in</title>", "a page of HTML: '<!DOCTYPE html><html><title>Log in"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code>', "XML: '<?xml"),
        (b'{"error": "gone"}', 'JSON: \'{"error": "gone"}\''),
        (b"#EXTM3U\n#EXT-X-VERSION:3", "an HLS playlist, which names other files"),
        (b"\xff\xd8\xff\xe0", "an image (image/jpeg)"),
        (b"\x1f\x8b\x08\0", "data packed with gzip"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"RIFF\0\0\0\0AVI LIST", "a RIFF file"),
        (EBML + b"\x42\x82\x88matroska", "a Matroska file, not WebM"),
        (box(b"ftyp", b"M4A \0\0\0\0"), "an image or a sound"),
        ("später".encode()[:3], "text: 'sp"),
        (b"\0\1\2\xfe\xff", "nothing known (it begins with the bytes 00 01 02 fe ff)"),
        (box(b"ftyp", b"isom\0\0\2\0"), "a video (video/mp4)"),
    ],
)
def test_what_is_refused_is_said_in_words(head: bytes, text: str) -> None:
    assert describe(head, str).startswith(text)


@pytest.mark.parametrize(
    "head",
    [
        b"AccessKeyId=AKIA1",
        b'{"AccessKeyId": "AKIA1"}',
        b"<html>AKIA1",
        b"<AccessKeyId>AKIA1",
        b"\0\1\2\xfeAKIA1",
        box(b"ftyp", b"AKIA1\0\0\0"),
        b"RIFF\0\0\0\0AKIA1",
        EBML + b"\x42\x82\x85akia1",
    ],
)
def test_nothing_is_quoted_unless_it_is_allowed(head: bytes) -> None:
    assert "akia" not in describe(head).lower()
    assert head[:6].hex(" ") not in describe(head)


def test_what_is_quoted_can_be_masked_before_it_is_cut() -> None:
    assert describe(b"x" * 75 + b" secret", lambda text: text.replace("secret", "***")).endswith("x ***'")


def test_a_long_text_is_cut() -> None:
    assert len(describe(b"x" * 5000, str)) < 100
