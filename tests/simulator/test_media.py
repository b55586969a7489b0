# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import urllib.parse
from typing import Any

import pytest

from airflow_provider_videos.simulator import Fault, Simulator

from .client import Client

STRANGE_ID = "a b/ü?#{c}.."


def test_the_download_is_a_small_mp4_that_plays_while_it_loads(
    simulator: Simulator, tavus: Client, together: Client, anyone: Client
) -> None:
    urls = [
        tavus.look(simulator.add_video("tavus")).json()["download_url"],
        together.look(simulator.add_video("together")).json()["outputs"]["video_url"],
    ]
    for url in urls:
        assert url.startswith(simulator.url)
        answer = anyone.session.get(url, timeout=10)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "video/mp4")
        assert int(answer.headers["Content-Length"]) == len(answer.content) < 40_000
        assert answer.content[4:8] == b"ftyp"
        # Its table of contents comes first, so that a player can start before the end has arrived.
        assert 0 < answer.content.index(b"moov") < answer.content.index(b"mdat")
        assert b"avc1" in answer.content
        assert b"mp4a" in answer.content


def test_a_range_of_the_download_can_be_fetched(simulator: Simulator, tavus: Client, anyone: Client) -> None:
    url = tavus.look(simulator.add_video("tavus")).json()["download_url"]
    whole = anyone.session.get(url, timeout=10)
    headers = {"Range": "bytes=1000-", "If-Range": whole.headers["ETag"]}
    rest = anyone.session.get(url, headers=headers, timeout=10)
    assert rest.status_code == 206
    assert rest.headers["Content-Range"] == f"bytes 1000-{len(whole.content) - 1}/{len(whole.content)}"
    assert rest.content == whole.content[1000:]


def test_the_download_can_be_made_large(simulator: Simulator, tavus: Client, anyone: Client) -> None:
    clip = anyone.session.get(tavus.look(simulator.add_video("tavus")).json()["download_url"], timeout=10).content
    url = tavus.look(simulator.add_video("tavus", media_bytes=3_000_000_000)).json()["download_url"]
    with anyone.session.get(url, stream=True, timeout=10) as answer:
        assert answer.headers["Content-Length"] == "3000000000"
        start = answer.raw.read(len(clip) + 16)
    # Players skip a box of this name; the size in its second half is that of the rest.
    assert start == clip + b"\0\0\0\1free" + (3_000_000_000 - len(clip)).to_bytes(8)
    tail = anyone.session.get(url, headers={"Range": "bytes=2999999990-"}, timeout=10)
    assert (tail.status_code, tail.content) == (206, b"\0" * 10)


@pytest.mark.parametrize("size", [0, -1, 99_999, 10_000_000_001, 1e6, True, "200000"])
def test_a_size_that_can_not_be_had_is_refused(simulator: Simulator, size: Any) -> None:
    with pytest.raises(ValueError, match="media_bytes must be"):
        simulator.add_video("tavus", media_bytes=size)


def test_the_stream_is_a_playlist_whose_segment_exists(simulator: Simulator, tavus: Client, anyone: Client) -> None:
    playlist_url = tavus.look(simulator.add_video("tavus")).json()["stream_url"]
    playlist = anyone.session.get(playlist_url, timeout=10)
    assert playlist.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    segment = next(line for line in playlist.text.splitlines() if not line.startswith("#"))
    answer = anyone.session.get(urllib.parse.urljoin(playlist_url, segment), timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "video/mp2t")
    # Each packet of an MPEG transport stream begins with this byte.
    assert set(answer.content[::188]) == {0x47}


def test_the_thumbnails_are_small_images(simulator: Simulator, tavus: Client, anyone: Client) -> None:
    described = tavus.look(simulator.add_video("tavus"), verbose="true").json()
    still = anyone.session.get(described["still_image_thumbnail_url"], timeout=10)
    preview = anyone.session.get(described["gif_thumbnail_url"], timeout=10)
    assert (still.headers["Content-Type"], still.content[:2]) == ("image/jpeg", b"\xff\xd8")
    assert (preview.headers["Content-Type"], preview.content[:3]) == ("image/gif", b"GIF")
    assert max(len(still.content), len(preview.content)) < 20_000


def test_the_hosted_page_plays_a_ready_video(simulator: Simulator, tavus: Client, anyone: Client) -> None:
    video_id = simulator.add_video("tavus", video_id="<script>", generating=600)
    url = tavus.send("GET").json()["data"][0]["hosted_url"]
    waiting = anyone.session.get(url, timeout=10).text
    assert "generating" in waiting
    simulator.set_video("tavus", video_id, generating=0)
    page = anyone.session.get(url, timeout=10)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<video" in page.text
    assert "<script>" not in page.text


@pytest.mark.parametrize("options", [{"queued": 600}, {"outcome": "failed"}, {"outcome": "deleted"}])
def test_there_is_no_file_until_a_video_is_ready(
    simulator: Simulator, anyone: Client, options: dict[str, object]
) -> None:
    video_id = simulator.add_video("tavus", **options)  # type: ignore[arg-type]
    assert anyone.session.get(f"{simulator.url}/media/tavus/{video_id}.mp4", timeout=10).status_code == 404


@pytest.mark.parametrize("path", ["tavus/nothing.mp4", "nobody/known.mp4", "tavus/known.exe", "tavus/known"])
def test_other_files_are_not_found(simulator: Simulator, anyone: Client, path: str) -> None:
    simulator.add_video("tavus", video_id="known")
    assert anyone.session.get(f"{simulator.url}/media/{path}", timeout=10).status_code == 404


def test_the_urls_of_a_strange_id_work(simulator: Simulator, tavus: Client, anyone: Client) -> None:
    simulator.add_video("tavus", video_id=STRANGE_ID)
    described = tavus.look(urllib.parse.quote(STRANGE_ID, safe="")).json()
    assert described["video_id"] == STRANGE_ID
    for key in ("download_url", "stream_url", "hosted_url"):
        assert anyone.session.get(described[key], timeout=10).status_code == 200


def test_urls_lead_to_the_host_that_the_client_asked(simulator: Simulator, tavus: Client) -> None:
    video_id = simulator.add_video("tavus")
    described = tavus.send("GET", f"/{video_id}", headers={"Host": "videos.example:81"}).json()
    assert described["download_url"] == f"http://videos.example:81/media/tavus/{video_id}.mp4"


def test_a_fault_strikes_the_files_only_if_it_says_so(simulator: Simulator, tavus: Client, anyone: Client) -> None:
    video_id = simulator.add_video("tavus")
    url = f"{simulator.url}/media/tavus/{video_id}.mp4"
    simulator.add_fault(Fault("status", status=503))
    assert anyone.session.get(url, timeout=10).status_code == 200
    simulator.clear_faults()
    simulator.add_fault(Fault("status", status=503, target="media"))
    assert anyone.session.get(url, timeout=10).status_code == 503
    assert tavus.look(video_id).status_code == 200
