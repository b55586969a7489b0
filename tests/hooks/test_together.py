# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videos.hooks.together import TogetherHook
from airflow_provider_videos.simulator import Simulator
from airflow_provider_videos.vendors.answer import Answer
from airflow_provider_videos.video import VideoState
from tests.vendor_kit import Connect

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


def read(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return TogetherHook().read_video(Answer({**body, **changes}))


def test_every_field_of_the_schema_is_read() -> None:
    assert read(BY_SCHEMA) == {
        "video_id": "019a0068-794a-7213-90f6-cc4eb62e3da7",
        "status": "completed",
        "download_url": "https://api.together.ai/shrt/DwlaBdSakNRFlBxN",
        "model": "minimax/video-01-director",
        "prompt": None,
        "duration": 5.0,
        "size": "1366x768",
        "cost": 1.0,
        "error_message": None,
        "error_code": None,
        "created_at": "2025-10-20T06:57:18+00:00",
        "finished_at": "2025-10-20T07:00:12+00:00",
    }


def test_every_field_of_the_example_is_read() -> None:
    fields = read(BY_EXAMPLE)
    assert (fields["cost"], fields["prompt"], fields["duration"]) == (0.28, "some penguins", None)
    assert fields["created_at"] == "2025-10-20T06:57:18.154804+00:00"
    assert fields["finished_at"] == "2025-10-20T07:00:12.234472+00:00"


@pytest.mark.parametrize("nothing", [{}, dict.fromkeys(BY_SCHEMA), {"outputs": {}, "error": {}, "info": {}}])
def test_whatever_is_missing_is_unknown(nothing: dict[str, Any]) -> None:
    assert set(TogetherHook().read_video(Answer(nothing)).values()) == {None}


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
    fields = read(BY_SCHEMA, **changes)
    assert (fields["cost"], fields["download_url"]) == (cost, url)


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
    fields = read(BY_SCHEMA, status="failed", **changes)
    assert (fields["error_message"], fields["error_code"]) == (message, code)


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
    assert TogetherHook.states[word] is state
    assert len(TogetherHook.states) == 5


def test_outputs_and_an_error_do_not_end_a_wait(simulator: Simulator, connect: Connect) -> None:
    early: dict[str, Any] = {"outputs": BY_SCHEMA["outputs"], "error": {"message": "retrying"}}
    video_id = simulator.add_video("together", outcome="stuck", **early)
    hook = TogetherHook(connect("together"))
    with hook.get_conn():
        video = hook.get_video(video_id)
    assert video.state is VideoState.GENERATING
    assert not video.is_usable


@pytest.mark.parametrize("form", ["documented", "observed"])
@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        ("ready", VideoState.READY),
        ("failed", VideoState.FAILED),
        ("cancelled", VideoState.CANCELLED),
        ("stuck", VideoState.GENERATING),
    ],
)
def test_both_forms_of_an_answer_are_read(
    form: Any, outcome: Any, state: VideoState, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video("together", outcome=outcome, form=form)
    hook = TogetherHook(connect("together"))
    with hook.get_conn():
        video = hook.get_video(video_id)
    assert (video.video_id, video.state) == (video_id, state)
    assert bool(video.download_url) is video.is_usable is (state is VideoState.READY)
    assert bool(video.finished_at) is state.is_terminal
    assert bool(video.error_message) is (state is VideoState.FAILED)
    assert simulator.record.requests == {"GET /v2/videos/{id}": 1}
