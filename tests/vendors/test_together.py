# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videos.vendors.together import Together
from airflow_provider_videos.video import Video, VideoState
from tests.vendors.canned import run

BY_SCHEMA = {
    "id": "019a0068-794a-7213-90f6-cc4eb62e3da7",
    "object": "video",
    "model": "minimax/video-01-director",
    "status": "completed",
    "created_at": 1760943438,
    "completed_at": 1760943612,
    "size": "1366x768",
    "seconds": "5",
    "outputs": {"cost": 1, "video_url": "https://api.together.ai/shrt/DwlaBdSakNRFlBxN"},
}
# The vendor's own example, which contradicts the schema.
BY_EXAMPLE = {
    "id": "019a0068-794a-7213-90f6-cc4eb62e3da7",
    "model": "minimax/video-01-director",
    "status": "completed",
    "info": {"user_id": "u", "errors": None},
    "inputs": {"prompt": "some penguins", "fps": 25},
    "created_at": "2025-10-20T06:57:18.154804Z",
    "claimed_at": "0001-01-01T00:00:00Z",
    "done_at": "2025-10-20T07:00:12.234472Z",
    "outputs": {"cost": 0.28, "video_url": "https://api.together.ai/shrt/DwlaBdSakNRFlBxN"},
}


def read(body: dict[str, Any], **changes: Any) -> Video:
    video, _ = run(Together().fetch(body["id"]), {**body, **changes})
    return video


def test_every_field_of_the_schema_is_read() -> None:
    assert read(BY_SCHEMA) == Video(
        vendor="together",
        video_id="019a0068-794a-7213-90f6-cc4eb62e3da7",
        state=VideoState.READY,
        status="completed",
        download_url="https://api.together.ai/shrt/DwlaBdSakNRFlBxN",
        file_urls=("https://api.together.ai/shrt/DwlaBdSakNRFlBxN",),
        model="minimax/video-01-director",
        duration=5.0,
        size="1366x768",
        cost=1.0,
        created_at="2025-10-20T06:57:18+00:00",
        finished_at="2025-10-20T07:00:12+00:00",
    )


def test_every_field_of_the_example_is_read() -> None:
    video = read(BY_EXAMPLE)
    assert (video.cost, video.prompt, video.duration) == (0.28, "some penguins", None)
    assert video.created_at == "2025-10-20T06:57:18.154804+00:00"
    assert video.finished_at == "2025-10-20T07:00:12.234472+00:00"


@pytest.mark.parametrize("nothing", [{}, dict.fromkeys(BY_SCHEMA), {"outputs": {}, "error": {}, "info": {}}])
def test_whatever_is_missing_is_unknown(nothing: dict[str, Any]) -> None:
    video, _ = run(Together().fetch("v1"), {**nothing, "status": "queued"})
    assert video == Video(vendor="together", video_id="v1", state=VideoState.QUEUED, status="queued")


@pytest.mark.parametrize(
    ("changes", "cost", "url"),
    [
        ({"outputs": None}, None, None),
        ({"outputs": []}, None, None),
        ({"outputs": {"cost": None, "video_url": None}}, None, None),
        ({"outputs": {"cost": "0.28", "video_url": ""}}, 0.28, None),
        ({"outputs": {"cost": "free", "video_url": "https://x.test/v"}}, None, "https://x.test/v"),
        ({"outputs": {"cost": -1, "video_url": "file:///etc/passwd"}}, None, None),
    ],
    ids=str,
)
def test_outputs_are_read_one_by_one(changes: dict[str, Any], cost: float | None, url: str | None) -> None:
    video = read(BY_SCHEMA, **changes)
    assert (video.cost, video.download_url) == (cost, url)


@pytest.mark.parametrize(
    ("changes", "message", "code"),
    [
        (
            {"error": {"message": "No such resolution", "code": "bad_resolution"}},
            "No such resolution",
            "bad_resolution",
        ),
        ({"error": {"message": "No", "code": 7}}, "No", "7"),
        ({"error": {"message": "No"}}, "No", None),
        ({"error": "No"}, "No", None),
        ({"error": None, "info": {"errors": "No"}}, "No", None),
        ({"error": None, "info": {"errors": ["No", "Never"]}}, "No; Never", None),
        ({"error": {}, "info": {"errors": []}}, None, None),
        ({"error": None, "info": None}, None, None),
        ({"error": True}, None, None),
    ],
    ids=str,
)
def test_a_failure_says_why(changes: dict[str, Any], message: str | None, code: str | None) -> None:
    video = read(BY_SCHEMA, status="failed", **changes)
    assert (video.error_message, video.error_code) == (message, code)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("queued", VideoState.QUEUED),
        ("in_progress", VideoState.GENERATING),
        ("completed", VideoState.READY),
        ("failed", VideoState.FAILED),
        ("cancelled", VideoState.CANCELLED),
    ],
)
def test_each_documented_status_has_a_meaning(word: str, state: VideoState) -> None:
    assert Together.states[word] is state
    assert len(Together.states) == 5
