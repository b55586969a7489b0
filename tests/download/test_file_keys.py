# SPDX-License-Identifier: Apache-2.0
"""A file that only the connection's own host gives, with the key: where the key goes, and where it never does."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from airflow_provider_videos.download.target import Target
from airflow_provider_videos.download.video_download import DownloadOptions, VideoDownload
from airflow_provider_videos.exceptions import VideoDownloadError
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.vendors.base import Credentials, Vendor, path_of
from airflow_provider_videos.vendors.exchange import Call, Exchange
from airflow_provider_videos.video import Video, VideoState
from tests.download.fetching import ETAG, HALF, VIDEO, broken, rest
from tests.download.odd_server import Answer, OddServer, serving

KEY, NEW_KEY = "key-that-nobody-may-see", "new-key-that-nobody-may-see"
IMAGE = b"\x89PNG\r\n\x1a\n" + b"\0" * 2000
FILE = Answer(VIDEO, length=len(VIDEO))


class Keyed(Vendor):
    conn_type = "keyed"
    name = "Keyed"
    base_url = "https://keyed.invalid"
    states = {"done": VideoState.READY}

    def headers(self, credentials: Credentials) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {credentials.password}", "X-Version": "2"}

    def fetch(self, video_id: str) -> Exchange[Video]:
        answer = yield Call(path=f"/videos/{path_of(video_id)}")
        return self.video(video_id, answer.word("status"), download_url=answer.url("url"))

    def probe(self) -> Exchange[None]:
        yield Call(path="/videos")

    def file_needs_key(self, url: str) -> bool:
        return "/files/" in url


class KeyedHook(VideoHook):
    vendor = Keyed()


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[OddServer]:
    """Serve the host of the connection ``keyed``."""
    with serving() as server:
        connect(monkeypatch, server, KEY)
        yield server


@pytest.fixture
def cdn(odd: OddServer) -> OddServer:
    return odd


def connect(monkeypatch: pytest.MonkeyPatch, server: OddServer, key: str) -> None:
    fields = {"conn_type": "keyed", "host": f"{server.url}/v1", "password": key}
    monkeypatch.setenv("AIRFLOW_CONN_KEYED", json.dumps(fields))


def keep(folder: pathlib.Path, url: str, *, hook: VideoHook | None = None, **fields: Any) -> dict[str, Any]:
    options = DownloadOptions(
        overwrite=False, max_bytes=None, max_attempts=3, with_thumbnail="thumbnail_url" in fields, with_record=False
    )
    video = {"vendor": "keyed", "video_id": "v1", "download_url": url, **fields}
    return VideoDownload(hook or KeyedHook("keyed"), video, Target(f"{folder}/"), options).keep()


def to(url: str) -> Answer:
    return Answer(status=302, headers={"Location": url}, length=0)


def said(url: str) -> Answer:
    body = json.dumps({"status": "done", "url": url}).encode()
    return Answer(body, length=len(body))


def keys(server: OddServer) -> list[tuple[str, str | None]]:
    """Return each request's path with the key that it carried."""
    return [(request["path"], request.get("authorization")) for request in server.asked]


def test_a_file_of_the_own_host_is_asked_for_with_the_key(own: OddServer, tmp_path: pathlib.Path) -> None:
    own.answers = [FILE, Answer(IMAGE, length=len(IMAGE))]
    kept = keep(tmp_path, f"{own.url}/files/v1.mp4", thumbnail_url=f"{own.url}/files/v1.png")
    assert kept["bytes"] == len(VIDEO)
    assert kept["thumbnail_path"]
    assert keys(own) == [("/files/v1.mp4", f"Bearer {KEY}"), ("/files/v1.png", f"Bearer {KEY}")]
    assert own.asked[0]["x-version"] == "2"
    assert own.asked[0]["accept-encoding"] == "identity"


def test_a_file_that_needs_no_key_is_asked_for_without(own: OddServer, tmp_path: pathlib.Path) -> None:
    own.answers = [FILE]
    keep(tmp_path, f"{own.url}/open/v1.mp4")
    assert keys(own) == [("/open/v1.mp4", None)]
    assert "x-version" not in own.asked[0]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "user:password@127.0.0.1"])
def test_another_host_or_port_never_gets_the_key(
    host: str, own: OddServer, cdn: OddServer, tmp_path: pathlib.Path
) -> None:
    cdn.answers = [FILE]
    keep(tmp_path, f"{cdn.url.replace('127.0.0.1', host)}/files/v1.mp4")
    assert KEY not in str(cdn.asked)
    assert "x-version" not in cdn.asked[0]
    assert own.asked == []


def test_the_own_port_under_another_name_does_not_get_it(own: OddServer, tmp_path: pathlib.Path) -> None:
    own.answers = [FILE]
    keep(tmp_path, f"{own.url.replace('127.0.0.1', 'localhost')}/files/v1.mp4")
    assert keys(own) == [("/files/v1.mp4", None)]


def test_a_redirect_to_another_host_drops_the_key(own: OddServer, cdn: OddServer, tmp_path: pathlib.Path) -> None:
    own.answers = [to(f"{cdn.url}/files/v1.mp4")]
    cdn.answers = [FILE]
    keep(tmp_path, f"{own.url}/files/v1")
    assert keys(own) == [("/files/v1", f"Bearer {KEY}")]
    assert keys(cdn) == [("/files/v1.mp4", None)]
    assert "x-version" not in cdn.asked[0]


def test_back_at_the_own_host_only_a_file_that_needs_the_key_gets_it(
    own: OddServer, cdn: OddServer, tmp_path: pathlib.Path
) -> None:
    own.answers = [to(f"{cdn.url}/files/1"), to("/files/3"), to(f"{cdn.url}/files/4"), FILE]
    cdn.answers = [to(f"{own.url}/open/2"), to(f"{own.url}/files/5")]
    keep(tmp_path, f"{own.url}/files/0")
    key = f"Bearer {KEY}"
    assert keys(own) == [("/files/0", key), ("/open/2", None), ("/files/3", key), ("/files/5", key)]
    assert keys(cdn) == [("/files/1", None), ("/files/4", None)]


def test_a_url_that_libraries_read_differently_is_asked_for_nowhere(
    own: OddServer, cdn: OddServer, tmp_path: pathlib.Path
) -> None:
    cdn.answers = [FILE]
    with pytest.raises(VideoDownloadError, match="can't be read"):
        keep(tmp_path, f"{cdn.url}\\@{own.url.removeprefix('http://')}/files/v1.mp4")
    assert own.asked == cdn.asked == []


def test_a_redirect_that_libraries_read_differently_leads_nowhere(
    own: OddServer, cdn: OddServer, tmp_path: pathlib.Path
) -> None:
    own.answers = [to(f"{cdn.url}\\@{own.url.removeprefix('http://')}/files/v1.mp4")]
    with pytest.raises(VideoDownloadError, match="can't be read"):
        keep(tmp_path, f"{own.url}/files/v1.mp4")
    assert len(own.asked) == 1
    assert cdn.asked == []


def test_a_broken_transfer_goes_on_with_the_key(own: OddServer, tmp_path: pathlib.Path) -> None:
    own.answers = [broken(ETag=ETAG), rest(HALF, headers={"ETag": ETAG})]
    assert keep(tmp_path, f"{own.url}/files/v1.mp4")["bytes"] == len(VIDEO)
    assert keys(own) == [("/files/v1.mp4", f"Bearer {KEY}")] * 2
    assert own.asked[1]["range"] == f"bytes={HALF}-"


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_was_rotated_is_looked_up_again_once(
    status: int, own: OddServer, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = KeyedHook("keyed")
    hook.client.connection()
    connect(monkeypatch, own, NEW_KEY)
    url = f"{own.url}/files/v1.mp4"
    refused = Answer(status=status, length=0)
    own.answers = [refused, refused, said(url), FILE]
    assert keep(tmp_path, url, hook=hook)["bytes"] == len(VIDEO)
    asked = [("/files/v1.mp4", KEY), ("/v1/videos/v1", KEY), ("/v1/videos/v1", NEW_KEY), ("/files/v1.mp4", NEW_KEY)]
    assert keys(own) == [(path, f"Bearer {key}") for path, key in asked]


@pytest.mark.parametrize("status", [401, 403])
def test_a_file_that_goes_on_being_refused_is_given_up(status: int, own: OddServer, tmp_path: pathlib.Path) -> None:
    url = f"{own.url}/files/v1.mp4"
    own.answers = [Answer(status=status, length=0), said(url), Answer(status=status, length=0)]
    with pytest.raises(VideoDownloadError, match=f"answered {status}"):
        keep(tmp_path, url)
    assert [path for path, _ in keys(own)] == ["/files/v1.mp4", "/v1/videos/v1", "/files/v1.mp4"]


def test_an_echo_of_a_key_that_was_rotated_is_masked(
    own: OddServer, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = KeyedHook("keyed")
    hook.client.connection()
    connect(monkeypatch, own, NEW_KEY)
    url = f"{own.url}/files/v1.mp4"
    refused = Answer(status=401, length=0)
    echo = json.dumps({"you": f"Bearer {NEW_KEY}"}).encode()
    own.answers = [refused, refused, said(url), Answer(echo, length=len(echo))]
    with pytest.raises(VideoDownloadError, match=r"Bearer \*\*\*") as raised:
        keep(tmp_path, url, hook=hook)
    assert "nobody" not in str(raised.value)


def test_after_the_connection_has_moved_the_key_goes_to_its_new_host_only(
    own: OddServer, cdn: OddServer, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = KeyedHook("keyed")
    hook.client.connection()
    connect(monkeypatch, cdn, NEW_KEY)
    refused = Answer(status=401, length=0)
    url = f"{own.url}/files/v1.mp4"
    own.answers = [refused, refused, FILE]
    cdn.answers = [said(url)]
    keep(tmp_path, url, hook=hook)
    key = f"Bearer {KEY}"
    assert keys(own) == [("/files/v1.mp4", key), ("/v1/videos/v1", key), ("/files/v1.mp4", None)]
    assert keys(cdn) == [("/v1/videos/v1", f"Bearer {NEW_KEY}")]
