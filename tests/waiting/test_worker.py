# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from airflow_provider_videos.exceptions import VideoError, VideoTimeoutError, VideoUnexpectedError
from airflow_provider_videos.sensors.video import VideoSensor
from airflow_provider_videos.video import Video, VideoState
from airflow_provider_videos.waiting.worker import read_event
from tests.waiting_kit import TaskInstance

RECORD = Video(vendor="tavus", video_id="v1", state=VideoState.READY, status="ready").to_dict()


def read(event: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    ti = TaskInstance()
    context: Any = {"ti": ti}
    return read_event(VideoSensor(task_id="wait", video_id="v1", conn_id="c"), context, event), ti.xcoms


def test_an_event_of_this_version_is_its_record() -> None:
    event = {"video_id": "v1", "video": RECORD, "status_seconds": {"queued": 1.0}}
    assert read(event) == (RECORD, {"status_seconds": {"queued": 1.0}})


def test_an_event_of_a_version_with_fewer_fields_is_filled_up() -> None:
    old = {"vendor": "tavus", "video_id": "v1", "state": "ready", "status": "ready", "download_url": "https://x.test"}
    record, xcoms = read({"video_id": "v1", "video": old})
    missing = dict.fromkeys(field.name for field in dataclasses.fields(Video))
    assert record == {**missing, **old, "file_urls": ["https://x.test"]}
    assert xcoms == {}


def test_an_event_of_the_version_before_that_holds_an_error_raises_it() -> None:
    error = {"type": "VideoTimeoutError", "video_id": "v1", "waited": "2 h", "last_seen": "Its status was never seen."}
    with pytest.raises(VideoTimeoutError, match="not finished after 2 h"):
        read({"video_id": "v1", "error": error, "status_seconds": {}})


@pytest.mark.parametrize("error", [{"type": "VideoTimeoutError", "colour": "blue"}, {"type": "New"}, {}], ids=str)
def test_an_error_of_another_version_is_an_error_all_the_same(error: dict[str, Any]) -> None:
    with pytest.raises(VideoError):
        read({"video_id": "v1", "error": error})


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (None, "None"),
        ("success", "'success'"),
        ({}, "neither an error nor a video"),
        ({"status": "success"}, "'status'"),
        ({"video": None}, "video_id"),
        ({"video": {"video_id": "v1", "vendor": "tavus"}}, "with state"),
        ({"error": "text"}, "'error'"),
    ],
    ids=str,
)
def test_any_other_event_is_refused_by_name(event: Any, said: str) -> None:
    with pytest.raises(VideoUnexpectedError, match=said):
        read(event)
