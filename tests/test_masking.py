# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import base64
import html
import json
import textwrap
import time
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from airflow_provider_videos.exceptions import VideoError
from airflow_provider_videos.hooks.tavus import TavusHook
from airflow_provider_videos.masking import STARS, can_mask, mask
from airflow_provider_videos.simulator import Fault, Simulator
from tests.conftest import API_KEY
from tests.vendor_kit import Connect

KEYS = [
    "tvs_9f8e7d6c5b4a39281706f5e4d3c2b1a0",
    "sk-ant/AB+cd==~!'\"\\<&>%",
    "with a blank/and+more",
    "nnnnnnnnrt",
    "12345678",
]


def percent(text: str) -> str:
    return "".join(f"%{ord(character):02X}" for character in text)


def unicode_escaped(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


def mixed(text: str) -> str:
    ways: list[Callable[[str], str]] = [str, percent, unicode_escaped, lambda text: f"&#{ord(text)};"]
    return "".join(ways[place % len(ways)](character) for place, character in enumerate(text))


def in_base64(prefix: str) -> Callable[[str], str]:
    return lambda key: base64.b64encode(f"{prefix}{key}".encode()).decode()


CODINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "URL": lambda key: quote(key, safe=""),
    "URL, twice": lambda key: quote(quote(key, safe=""), safe=""),
    "URL in small letters": lambda key: percent(key).lower(),
    "every character percent-encoded": percent,
    "every character percent-encoded, twice": lambda key: percent(key).replace("%", "%25"),
    "base64": in_base64(""),
    "base64, offset 1": in_base64("u"),
    "base64, offset 2": in_base64("u:"),
    "base64 of a header": in_base64("Bearer "),
    "base64 with more behind": lambda key: in_base64(":")(f"{key}:and more"),
    "base64url": lambda key: base64.urlsafe_b64encode(f"ü{key}".encode()).decode(),
    "base64 in a URL": lambda key: quote(in_base64("u")(key), safe=""),
    "base64 in JSON": lambda key: in_base64("u")(key).replace("/", "\\/"),
    "HTML": html.escape,
    "HTML, twice": lambda key: html.escape(html.escape(key)),
    "HTML by numbers": lambda key: "".join(f"&#{ord(character)};" for character in key),
    "HTML by hexadecimal numbers": lambda key: "".join(f"&#x{ord(character):X};" for character in key),
    "JSON": json.dumps,
    "JSON, twice": lambda key: json.dumps(json.dumps(key)),
    "JSON with slashes escaped": lambda key: json.dumps(key).replace("/", "\\/"),
    "repr": repr,
    "repr of bytes": lambda key: repr(key.encode()),
    "\\u": unicode_escaped,
    "\\u in JSON": lambda key: json.dumps(unicode_escaped(key)),
    "\\x": lambda key: "".join(f"\\x{ord(character):02x}" for character in key),
    "mixed": mixed,
}
BREAKS: dict[str, Callable[[str], str]] = {
    "whole": str,
    "a blank in the middle": lambda text: f"{text[: len(text) // 2]} {text[len(text) // 2 :]}",
    "lines of 4": lambda text: "\n".join(textwrap.wrap(text, 4)),
    "lines with an indent": lambda text: "\r\n        ".join(textwrap.wrap(text, 8)),
}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("coding", CODINGS.values(), ids=CODINGS)
@pytest.mark.parametrize("broken", BREAKS.values(), ids=BREAKS)
def test_a_key_is_replaced_however_it_is_written(
    key: str, coding: Callable[[str], str], broken: Callable[[str], str]
) -> None:
    written = coding(key)
    masked = mask(f"The header <{broken(written)}> is refused", key)
    left = masked.removeprefix("The header <").removesuffix("> is refused")
    assert STARS in left
    # Of base64, the characters that also hold bits of what stands beside the key are left.
    rest = "".join(left.replace(STARS, "").split())
    assert len(rest) <= len("QmVhcmVy OmFuZCBtb3Jl") + 6
    for piece in (key[:6], quote(key[:6], safe=""), key[-6:]):
        assert piece not in left


@pytest.mark.parametrize("escaped", [r"\n", r"\\n", "%0A", "%250a", "&#10;", "&nbsp;", "\u200b", "+"])
def test_a_key_that_is_broken_by_escaped_white_space_is_replaced(escaped: str) -> None:
    key = "a key" if escaped == "+" else ""
    key += "tvs_9f8e7d6c5b4a"
    written = key.replace(" ", "+") if escaped == "+" else f"{key[:7]}{escaped}{key[7:]}"
    assert mask(f"<{written}>", key) == f"<{STARS}>"


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "text",
    ["", "ready", "Invalid access token", "https://stream.mux.com/abc/high.mp4?token=eyJhbGciOiJSUzI1NiJ9", "🎬" * 50],
)
def test_everything_else_stays(key: str, text: str) -> None:
    assert mask(text, key) == text
    assert mask(f"{text}{key[:-1]}", key) == f"{text}{key[:-1]}"


@pytest.mark.parametrize("key", ["", "short", "1234567", "1 2 3 4 5 6 7"])
def test_a_key_of_less_than_8_characters_can_not_be_told_from_words(key: str) -> None:
    assert mask(f"a {key} b", key) == f"a {key} b"
    assert not can_mask(key)


def test_each_of_several_secrets_is_replaced() -> None:
    secrets = ("tvs_9f8e7d6c5b4a", "AK-1234567890", "short")
    assert mask("<AK-1234567890 tvs_9f8e7d6c5b4a short>", *secrets) == f"<{STARS} {STARS} short>"
    assert mask("as it is") == "as it is"


def test_a_cut_leaves_no_part_of_the_longer_of_two_secrets() -> None:
    secrets = ("tvs_9f8e7d6c5b4a", "AK" * 100)
    assert mask(f"{'x' * 95}{percent(secrets[1])}", *secrets, limit=100) == f"{'x' * 95}{STARS}"


@pytest.mark.parametrize("key", KEYS)
def test_a_cut_leaves_no_part_of_a_key(key: str) -> None:
    text = f"{'x' * 95}{percent(key)}"
    assert mask(text, key, limit=100) == f"{'x' * 95}{STARS}"[:100]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda key: key[0] * 250_000, id="first character"),
        pytest.param(lambda key: (key[0] + " " * 1000) * 250, id="first character and blanks"),
        pytest.param(lambda key: (key[:-1] + " ") * (250_000 // len(key)), id="all but the last character"),
        pytest.param(lambda key: "\\" * 250_000, id="backslashes"),
        pytest.param(lambda key: "\\n" * 125_000, id="escaped line breaks"),
        pytest.param(lambda key: (key[0] + "\\n" * 400) * 300, id="first character and line breaks"),
        pytest.param(lambda key: "%25" * 83_000, id="percent"),
        pytest.param(lambda key: "&amp;" * 50_000, id="ampersands"),
        pytest.param(lambda key: "QUJD" * 63_000, id="base64"),
    ],
)
def test_no_text_takes_long(key: str, make: Callable[[str], str]) -> None:
    text = make(key)
    began = time.monotonic()
    mask(text, key)
    # It takes 0.01 to 1 s; what grows with the square of the length would take many minutes.
    assert time.monotonic() - began < 60


URLS = ("download_url", "stream_url", "hosted_url", "still_image_thumbnail_url", "gif_thumbnail_url")
TEXTS = ("video_id", "status", "video_name", "replica_id", "error_details", "created_at", "message", "error")


@pytest.mark.parametrize("way", ["requests", "aiohttp"])
@pytest.mark.parametrize("coding", CODINGS.values(), ids=CODINGS)
def test_nothing_that_a_vendor_echoes_shows_the_key(
    coding: Callable[[str], str],
    way: str,
    simulator: Simulator,
    connect: Connect,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    written = coding(API_KEY)
    body: dict[str, Any] = dict.fromkeys(URLS, f"https://vendor.test/{written}")
    body |= dict.fromkeys(TEXTS, f"a {written} b") | {"data": {"script": written}}
    hook = TavusHook(connect("tavus"))
    for status in (200, 400, 401, 404, 503):
        simulator.add_fault(Fault("status", status=status, body=json.dumps(body), times=1))
        caplog.clear()
        try:
            video = hook.get_video("v1") if way == "requests" else asyncio.run(hook.aget_video("v1"))
            shown = json.dumps(video.to_dict(), ensure_ascii=False) + repr(video)
        except VideoError as error:
            shown = "".join(traceback.format_exception(error)) + json.dumps(error.to_dict())
        assert STARS in shown
        shown += caplog.text
        assert mask(shown, API_KEY) == shown
        for secret in (API_KEY, quote(API_KEY), written.strip("'\"")):
            assert secret not in shown
    assert dict(simulator.record.answers) == dict.fromkeys((200, 400, 401, 404, 503), 1)
