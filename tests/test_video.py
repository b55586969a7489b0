# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from airflow_provider_videos.exceptions import VideoIdError
from airflow_provider_videos.video import Video, VideoState
from airflow_provider_videos.video_id import MAX_VIDEO_ID_CHARACTERS, read_video_id

READY = Video(vendor="tavus", video_id="v1", state=VideoState.READY, status="ready", download_url="https://x.test/v1")


@pytest.mark.parametrize(
    ("state", "is_terminal"),
    [
        (VideoState.QUEUED, False),
        (VideoState.GENERATING, False),
        (VideoState.UNKNOWN, False),
        (VideoState.READY, True),
        (VideoState.FAILED, True),
        (VideoState.CANCELLED, True),
        (VideoState.DELETED, True),
        (VideoState.EXPIRED, True),
    ],
)
def test_a_state_knows_whether_the_vendor_is_done(state: VideoState, is_terminal: bool) -> None:
    assert state.is_terminal is is_terminal


def test_the_vocabulary_is_the_documented_one() -> None:
    words = {"queued", "generating", "ready", "failed", "cancelled", "deleted", "expired", "unknown"}
    assert {str(state) for state in VideoState} == words


@pytest.mark.parametrize("url", ["download_url", "stream_url", "hosted_url"])
def test_one_url_makes_a_ready_video_usable(url: str) -> None:
    fields: dict[str, Any] = {"download_url": None, url: "https://x.test/v1"}
    assert dataclasses.replace(READY, **fields).is_usable


@pytest.mark.parametrize(
    "video",
    [
        dataclasses.replace(READY, download_url=None),
        dataclasses.replace(READY, download_url=None, thumbnail_url="https://x.test/t", gif_url="https://x.test/g"),
        *[dataclasses.replace(READY, state=state) for state in VideoState if state is not VideoState.READY],
    ],
    ids=lambda video: f"{video.state}, {'a' if video.download_url else 'no'} URL",
)
def test_nothing_else_is_usable(video: Video) -> None:
    assert not video.is_usable


def test_a_video_can_not_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        READY.status = "queued"  # type: ignore[misc]


def test_the_json_form_has_exactly_the_documented_keys() -> None:
    assert READY.to_dict() == {
        "vendor": "tavus",
        "video_id": "v1",
        "state": "ready",
        "status": "ready",
        "download_url": "https://x.test/v1",
        "stream_url": None,
        "hosted_url": None,
        "thumbnail_url": None,
        "gif_url": None,
        "file_urls": [],
        "subtitle_url": None,
        "expires_at": None,
        "name": None,
        "model": None,
        "script": None,
        "prompt": None,
        "progress": None,
        "duration": None,
        "size": None,
        "cost": None,
        "credits": None,
        "error_message": None,
        "error_code": None,
        "created_at": None,
        "finished_at": None,
    }


def test_the_json_form_is_plain_json() -> None:
    record = dataclasses.replace(READY, progress=0.5, cost=0.28, duration=5.0).to_dict()
    assert {type(value) for value in record.values()} == {str, float, list, type(None)}
    assert json.loads(json.dumps(record, allow_nan=False)) == record


@pytest.mark.parametrize(
    "video",
    [
        "v1",
        "../x",
        "a/b?c#d",
        "a b",
        "%2e%2e",
        "...",
        "víděo-🎬",
        "none",
        "x" * MAX_VIDEO_ID_CHARACTERS,
    ],
    ids=lambda video: video[:20],
)
def test_an_id_is_taken_as_it_is(video: str) -> None:
    assert read_video_id(video) == video


@pytest.mark.parametrize(
    "video",
    [{"video_id": "v1"}, {"video_id": "v1", "vendor": None}, {"video_id": "v1", "vendor": "tavus"}, READY.to_dict()],
    ids=["id only", "vendor unknown", "same vendor", "record"],
)
def test_a_dict_stands_for_its_video(video: dict[str, Any]) -> None:
    assert read_video_id(video, vendor="tavus") == "v1"


def test_a_dict_of_any_vendor_will_do_while_the_vendor_is_not_known() -> None:
    assert read_video_id({"video_id": "v1", "vendor": "together"}) == "v1"


@pytest.mark.parametrize(
    ("video", "problem"),
    [
        pytest.param("", "empty", id="empty"),
        pytest.param(" \t\n", "empty", id="blank"),
        pytest.param("x" * (MAX_VIDEO_ID_CHARACTERS + 1), "501 characters", id="a character too long"),
        pytest.param("x" * 10_000, "10000 characters", id="10,000 characters"),
        pytest.param(".", "no id", id="dot"),
        pytest.param("..", "no id", id="two dots"),
        pytest.param("None", "returned nothing", id="None rendered to text"),
        pytest.param(str({"video_id": "v1"}), "rendered to text", id="dict rendered to text"),
        pytest.param(json.dumps(READY.to_dict()), "rendered to text", id="record rendered to JSON"),
        pytest.param("v\ud800", "", id="half a surrogate pair"),
        pytest.param(None, "got None", id="None"),
        pytest.param(1.7, "float", id="number"),
        pytest.param(True, "bool", id="bool"),
        pytest.param(b"v1", "bytes", id="bytes"),
        pytest.param(["v1"], "list", id="list"),
        pytest.param({}, "'video_id'", id="empty dict"),
        pytest.param({"id": "v1"}, "'video_id'", id="dict without an id"),
        pytest.param({"video_id": None}, "'video_id'", id="dict with null"),
        pytest.param(("video_id", "v1"), "a single dict was expanded", id="pair"),
        pytest.param({"video_id": {"video_id": "v1"}}, "'video_id'", id="dict in a dict"),
        pytest.param({"video_id": " "}, "empty", id="dict with a blank id"),
        pytest.param({"video_id": ".."}, "no id", id="dict with two dots"),
        pytest.param({"video_id": "v1", "vendor": "together"}, "'together'", id="dict of another vendor"),
        pytest.param({"video_id": "v1", "vendor": ""}, "''", id="dict of no vendor"),
        pytest.param({"video_id": "v1", "vendor": 5}, "5", id="dict whose vendor is a number"),
        pytest.param({"video_id": "v1", "vendor": ["tavus"]}, "", id="dict whose vendor is a list"),
        pytest.param({"video_id": "x" * 10_000, "vendor": "together"}, "", id="long id of another vendor"),
    ],
)
def test_what_holds_no_id_is_refused_with_a_reason(video: object, problem: str) -> None:
    with pytest.raises(VideoIdError) as refused:
        read_video_id(video, vendor="tavus")
    assert str(refused.value).startswith("video_id: ")
    assert problem in str(refused.value)
    assert len(str(refused.value)) < 500


def test_white_space_at_the_ends_makes_no_other_id() -> None:
    video = Video(vendor="tavus", video_id="v1", state=VideoState.READY, status="ready")
    assert not video.has_another_id_than(" v1\n")
    assert video.has_another_id_than("video-agents/s1")
