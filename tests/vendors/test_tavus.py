# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.vendors.errors import UnreadableAnswerError
from airflow_provider_videos.vendors.exchange import RefusalKind
from airflow_provider_videos.vendors.tavus import Tavus
from airflow_provider_videos.video import Video, VideoState
from tests.vendors.canned import run

# The video that real responses were seen to have.
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


def read(**changes: Any) -> Video:
    video, _ = run(Tavus().fetch("9d5c1ab7c6"), {**OBSERVED, **changes})
    return video


def test_every_field_of_a_real_response_is_read() -> None:
    assert read() == Video(
        vendor="tavus",
        video_id="9d5c1ab7c6",
        state=VideoState.READY,
        status="ready",
        download_url="https://stream.mux.com/abc/high.mp4?download=9d5c1ab7c6",
        file_urls=("https://stream.mux.com/abc/high.mp4?download=9d5c1ab7c6",),
        stream_url="https://stream.mux.com/abc.m3u8",
        hosted_url="https://tavus.video/9d5c1ab7c6",
        name="Hello",
        model="r783537ef5",
        script="Hello, world!",
        progress=1.0,
        created_at="2025-02-05T04:27:02+00:00",
        finished_at="2025-02-05T04:31:06+00:00",
    )


def test_a_poll_asks_for_the_thumbnails() -> None:
    thumbnails = {"still_image_thumbnail_url": "https://x.test/a.jpg", "gif_thumbnail_url": "https://x.test/a.gif"}
    video, [call] = run(Tavus().fetch("a b"), {**OBSERVED, **thumbnails, "video_id": "a b"})
    assert (call.method, call.path, call.query) == ("GET", "/v2/videos/a%20b", {"verbose": "true"})
    assert (video.thumbnail_url, video.gif_url) == tuple(thumbnails.values())


def test_the_id_of_an_order_is_enough() -> None:
    video, [call] = run(Tavus().submit({"replica_id": "r"}, key=None), {"video_id": "v1"})
    assert (call.method, call.path, call.body) == ("POST", "/v2/videos", {"replica_id": "r"})
    assert (video.video_id, video.status, video.state) == ("v1", "unknown", VideoState.UNKNOWN)


@pytest.mark.parametrize("nothing", [{}, dict.fromkeys(OBSERVED), {"data": {"audio_url": "https://x.test/a.wav"}}])
def test_whatever_is_missing_is_unknown(nothing: dict[str, Any]) -> None:
    video, _ = run(Tavus().fetch("v1"), {**nothing, "status": "queued"})
    assert video == Video(vendor="tavus", video_id="v1", state=VideoState.QUEUED, status="queued")


@pytest.mark.parametrize("status", [None, "", 7, ["ready"]])
def test_an_answer_without_a_status_is_no_record(status: Any) -> None:
    with pytest.raises(UnreadableAnswerError, match="no status"):
        read(status=status)


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
    assert Tavus.states[word] is state
    assert len(Tavus.states) == 5


@pytest.mark.parametrize("status", ["queued", "generating", "deleted", "pondering"])
def test_details_and_times_of_a_video_that_has_not_ended_are_no_error_and_no_end(status: str) -> None:
    video = read(status=status, status_details="This request is currently queued.", error_details="x")
    assert video.error_message is None
    assert video.finished_at is None


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
    video = read(status=status, **details)
    assert video.error_message == reason
    assert video.finished_at == "2025-02-05T04:31:06+00:00"


def test_the_dates_of_a_callback_are_read_too() -> None:
    assert read(created_at="2024-08-28 15:27:40.824457").created_at == "2024-08-28T15:27:40.824457+00:00"


@pytest.mark.parametrize(
    ("purpose", "status_code", "message", "kind"),
    [
        ("get", 400, "Invalid video_id", RefusalKind.UNKNOWN_VIDEO),
        ("get", 400, "Something about this video", RefusalKind.UNKNOWN_VIDEO),
        ("delete", 400, "Invalid video_id", RefusalKind.UNKNOWN_VIDEO),
        ("delete", 400, "Invalid video id: v1", RefusalKind.UNKNOWN_VIDEO),
        ("delete", 400, "Video not found", RefusalKind.UNKNOWN_VIDEO),
        ("delete", 400, "Video v1 could not be found.", RefusalKind.UNKNOWN_VIDEO),
        ("delete", 400, "The video_id does not exist", RefusalKind.UNKNOWN_VIDEO),
        ("delete", 400, "Could not find the video", RefusalKind.UNKNOWN_VIDEO),
        ("rename", 400, "No such video", RefusalKind.UNKNOWN_VIDEO),
        ("delete", 400, "Cannot delete video while it is generating", None),
        ("delete", 400, "Video is still being generated", None),
        ("delete", 400, "Invalid video state", None),
        ("delete", 400, "Invalid video_name", None),
        ("delete", 400, "Bad Request", None),
        ("delete", 409, "Video not found", None),
        ("delete", 403, "Video not found", None),
        ("order", 400, "Video not found", None),
        ("order", 400, "You have reached the maximum concurrent videos", RefusalKind.LIMIT),
        ("order", 422, "Maximum concurrent videos", RefusalKind.LIMIT),
        ("get", 200, "Invalid video_id", None),
    ],
)
def test_only_an_answer_that_says_so_means_that_there_is_no_such_video(
    purpose: Any, status_code: int, message: str, kind: RefusalKind | None
) -> None:
    answer = Answer({}, status_code=status_code, purpose=purpose, message=lambda: message)
    refusal = Tavus().refusal(answer)
    assert (refusal.kind if refusal is not None else None) is kind
