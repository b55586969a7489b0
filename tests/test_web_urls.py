# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videos.download.http_get import DownloadRefusedError
from airflow_provider_videos.ui.presentation import Shown
from airflow_provider_videos.ui.task_videos import TaskVideo
from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.web_urls import host_of, is_same_origin, origin_of, web_url
from tests.download.fetching import Memory, fetch
from tests.ui.test_presentation import NOW

ORIGINS = [
    ("http://a.test", ("http", "a.test", 80)),
    ("https://a.test/v.mp4?x=1#t", ("https", "a.test", 443)),
    ("HTTPS://A.Test/V.mp4", ("https", "a.test", 443)),
    ("https://a.test:8443/", ("https", "a.test", 8443)),
    ("https://a.test:/", ("https", "a.test", 443)),
    ("https://user:password@a.test:8443/", ("https", "a.test", 8443)),
    ("https://b.test@a.test/", ("https", "a.test", 443)),
    ("http://[2001:DB8::1]:8080/", ("http", "2001:db8::1", 8080)),
    ("https://bücher.test/ü", ("https", "bücher.test", 443)),
    ("https://xn--bcher-kva.test/", ("https", "xn--bcher-kva.test", 443)),
    ("https://a.test/a\\b", ("https", "a.test", 443)),
]
NONE = [
    "javascript:alert(1)",
    " javascript:alert(1)",
    "JAVASCRIPT:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "file:///etc/passwd",
    "ftp://a.test/",
    "s3://bucket/v.mp4",
    "//a.test/v.mp4",
    "/v.mp4",
    "a.test/v.mp4",
    "https:",
    "https://",
    "https:///v.mp4",
    "https://:443/",
    "https://user@/",
    "http://[",
    "http://[::1",
    "http://a℀b.test/",
    "https://a.test:0/",
    "https://a.test:99999/",
    "https://a.test:-1/",
    "https://a.test:x/",
    " https://a.test/",
    "https://a.test/ ",
    "https://a.test/a b",
    "https://a.test/\n",
    "https://a\t.test/",
    "https://a.test/\0",
    "https://a.test/\x7f",
    "https://a.test/\N{RIGHT-TO-LEFT OVERRIDE}4pm",
    "https://a.test/\ud800",
    "https://\udc80/",
    "https://b.test\\@a.test/",
    "",
]


@pytest.mark.parametrize(("url", "origin"), ORIGINS, ids=ascii)
def test_a_url_of_the_web_has_an_origin(url: str, origin: tuple[str, str, int]) -> None:
    assert web_url(url) == url
    assert origin_of(url) == origin


@pytest.mark.parametrize("url", NONE, ids=ascii)
def test_no_other_text_is_one(url: str) -> None:
    assert web_url(url) is None
    assert origin_of(url) is None
    assert not is_same_origin(url, url)


@pytest.mark.parametrize("value", [None, 7, True, b"https://a.test/", ["https://a.test/"]])
def test_no_other_value_is_one(value: Any) -> None:
    assert web_url(value) is None


@pytest.mark.parametrize(("url", "_"), ORIGINS, ids=ascii)
def test_what_an_answer_holds_is_played_too(url: str, _: object) -> None:
    assert Answer({"url": f" {url} "}).url("url") == url
    task = TaskVideo(task_id="t", map_index=-1, task_state="success", video={"state": "ready", "download_url": url})
    assert Shown(task, now=NOW).media_url == url


@pytest.mark.parametrize("url", [url for url in NONE if url == url.strip()], ids=ascii)
def test_what_is_none_is_neither_read_nor_played_nor_downloaded(url: str) -> None:
    assert Answer({"url": url}).url("url") is None
    task = TaskVideo(task_id="t", map_index=-1, task_state="success", video={"state": "ready", "download_url": url})
    assert Shown(task, now=NOW).media_url is None
    with pytest.raises(DownloadRefusedError):
        fetch(url, Memory())


@pytest.mark.parametrize(
    ("url", "other", "is_same"),
    [
        ("https://a.test/x", "https://a.test:443/y?z", True),
        ("HTTP://A.TEST", "http://a.test:80", True),
        ("https://user:password@a.test", "https://a.test", True),
        ("https://a.test", "http://a.test", False),
        ("https://a.test", "https://a.test:8443", False),
        ("https://a.test", "https://a.test.", False),
        ("https://a.test", "https://b.a.test", False),
        ("https://a.test", "https://a.test@b.test", False),
        ("https://a.test", "https://b.test\\@a.test", False),
    ],
)
def test_scheme_host_and_port_make_an_origin(url: str, other: str, is_same: bool) -> None:
    assert is_same_origin(url, other) == is_same


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://user:password@a.test:8443/p?token=t", "a.test:8443"),
        ("https://a.test/p", "a.test"),
        ("http://[::1]:80/", "[::1]:80"),
        ("http://[", "an unreadable address"),
        ("https://a.test:x/", "an unreadable address"),
    ],
)
def test_of_a_url_only_the_host_and_the_port_are_shown(url: str, host: str) -> None:
    assert host_of(url) == host
