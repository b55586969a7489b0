# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airflow_provider_videos.hooks.tavus import TavusHook
from airflow_provider_videos.simulator import Simulator
from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.video import VideoState
from tests.vendor_kit import Connect

# The fields that real responses were seen to have.
OBSERVED = {
    "video_id": "9d5c1ab7c6",
    "video_name": "Hello",
    "status": "ready",
    "data": {"script": "Hello, world!"},
    "replica_id": "r783537ef5",
    "download_url": "https://stream.mux.com/abc/high.mp4?download=9d5c1ab7c6",
    "hosted_url": "https://tavus.video/9d5c1ab7c6",
    "stream_url": "https://stream.mux.com/abc.m3u8",
    "status_details": "Your request has processed successfully!",
    "created_at": "Wed, 05 Feb 2025 04:27:02 GMT",
    "updated_at": "Wed, 05 Feb 2025 04:31:06 GMT",
    "generation_progress": "100/100",
}


def read(**changes: Any) -> dict[str, Any]:
    return TavusHook().read_video(Answer({**OBSERVED, **changes}))


def test_every_field_of_a_real_response_is_read() -> None:
    assert read() == {
        "video_id": "9d5c1ab7c6",
        "status": "ready",
        "download_url": "https://stream.mux.com/abc/high.mp4?download=9d5c1ab7c6",
        "stream_url": "https://stream.mux.com/abc.m3u8",
        "hosted_url": "https://tavus.video/9d5c1ab7c6",
        "thumbnail_url": None,
        "gif_url": None,
        "name": "Hello",
        "model": "r783537ef5",
        "script": "Hello, world!",
        "progress": 1.0,
        "error_message": None,
        "created_at": "2025-02-05T04:27:02+00:00",
        "finished_at": "2025-02-05T04:31:06+00:00",
    }


@pytest.mark.parametrize("nothing", [{}, dict.fromkeys(OBSERVED), {"data": {"audio_url": "https://x.test/a.wav"}}])
def test_whatever_is_missing_is_unknown(nothing: dict[str, Any]) -> None:
    fields = TavusHook().read_video(Answer(nothing))
    assert {value for name, value in fields.items() if name != "status"} == {None}


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("queued", VideoState.QUEUED),
        ("generating", VideoState.GENERATING),
        ("ready", VideoState.READY),
        ("error", VideoState.FAILED),
        ("deleted", VideoState.DELETED),
    ],
)
def test_each_documented_status_has_a_meaning(word: str, state: VideoState) -> None:
    assert TavusHook.states[word] is state
    assert len(TavusHook.states) == 5


@pytest.mark.parametrize("status", ["queued", "generating", "deleted", "pondering"])
def test_details_and_times_of_a_video_that_has_not_ended_are_no_error_and_no_end(status: str) -> None:
    fields = read(status=status, status_details="This request is currently queued.", error_details="x")
    assert fields["error_message"] is None
    assert fields["finished_at"] is None


@pytest.mark.parametrize("status", ["error", "ERROR", " Error "])
@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({"status_details": "Violates guidelines.", "error_details": None}, "Violates guidelines."),
        ({"status_details": "An error occurred.", "error_details": "Bad audio."}, "Bad audio."),
        ({"status_details": None}, None),
        ({"status_details": "", "error_details": ""}, None),
    ],
    ids=["status_details", "error_details", "null", "empty"],
)
def test_a_failure_says_why(status: str, details: dict[str, Any], reason: str | None) -> None:
    fields = read(status=status, **details)
    assert fields["error_message"] == reason
    assert fields["finished_at"] == "2025-02-05T04:31:06+00:00"


def test_the_dates_of_a_callback_are_read_too() -> None:
    assert read(created_at="2024-08-28 15:27:40.824457")["created_at"] == "2024-08-28T15:27:40.824457+00:00"


@pytest.mark.parametrize("verbose", [False, True])
def test_thumbnails_come_on_request(verbose: bool, simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus")
    hook = TavusHook(connect("tavus"))
    with hook.get_conn():
        video = hook.get_video(video_id, verbose=verbose)
    assert asyncio.run(hook.aget_video(video_id, verbose=verbose)) == video
    assert [bool(url and url.startswith(simulator.url)) for url in (video.thumbnail_url, video.gif_url)] == [
        verbose
    ] * 2


@pytest.mark.parametrize("form", ["documented", "observed"])
@pytest.mark.parametrize(
    ("outcome", "state"), [("ready", VideoState.READY), ("failed", VideoState.FAILED), ("stuck", VideoState.GENERATING)]
)
def test_both_forms_of_an_answer_are_read(
    form: Any, outcome: Any, state: VideoState, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video("tavus", outcome=outcome, form=form)
    hook = TavusHook(connect("tavus"))
    with hook.get_conn():
        video = hook.get_video(video_id)
    assert (video.video_id, video.state) == (video_id, state)
    assert video.hosted_url
    assert bool(video.download_url) is video.is_usable is (state is VideoState.READY)
    assert bool(video.finished_at) is state.is_terminal
    assert bool(video.error_message) is (state is VideoState.FAILED)
