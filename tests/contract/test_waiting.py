# SPDX-License-Identifier: Apache-2.0
"""What other vendors do differently, seen through every way of waiting, over real sockets."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import Any

import pytest
from airflow.sdk._shared.module_loading import import_string
from airflow.triggers.base import BaseTrigger, TaskSuccessEvent

from airflow_provider_videos.exceptions import (
    VideoAnswerError,
    VideoApiError,
    VideoAuthError,
    VideoFailedError,
    VideoIdError,
    VideoTimeoutError,
    VideoUnavailableError,
)
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.sensors.video import VideoSensor
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.triggers.video import VideoTrigger
from tests.contract.simulated import relay_error
from tests.triggers.firing import Pushed, of_a_task
from tests.vendor_kit import Connect
from tests.waiting.conftest import pushed as pushed
from tests.waiting_kit import MODES, Outcome, only_event, through_the_database, wait

SHAPES = ("relay", "reel", "loom_human")
#: The roles that one poll of a ready video asks for.
POLLED = {"relay": ("get", "result"), "reel": ("get",), "loom_human": ("get",)}
in_every_mode = pytest.mark.parametrize("mode", MODES)
of_every_vendor = pytest.mark.parametrize("vendor", SHAPES)


def wait_for(mode: str, vendor: str, video_id: str, **options: Any) -> Outcome:
    return wait(mode, video_id=video_id, conn_id=f"{vendor}_default", **options)


def inside_200(status: int) -> Fault:
    """Give Relay's answer to what is wrong with a status, which is a 200 itself."""
    return Fault("json", vendor="relay", endpoint="get", body=json.dumps(relay_error(status).body))


@in_every_mode
@of_every_vendor
def test_a_video_is_waited_for_until_it_is_ready(
    vendor: str, mode: str, simulator: Simulator, connect: Connect
) -> None:
    # The first time, Airflow discovers all providers, for longer than the video takes.
    VideoHook.get_hook(connect(vendor))
    video_id = simulator.add_video(vendor, queued=0.2, generating=0.3)
    outcome = wait_for(mode, vendor, video_id)
    assert outcome.state == "success", outcome.error
    assert outcome.value is not None
    assert (outcome.value["vendor"], outcome.value["video_id"], outcome.value["state"]) == (vendor, video_id, "ready")
    assert outcome.value["download_url"].startswith(simulator.url)
    assert len(simulator.requests_for(video_id)) >= 2
    for role in POLLED[vendor][1:]:
        assert simulator.record.requests[f"{vendor} {role}"] == 1


@in_every_mode
@of_every_vendor
def test_a_failed_video_ends_the_wait_with_the_vendors_reason(
    vendor: str, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    outcome = wait_for(mode, vendor, simulator.add_video(vendor, outcome="failed"))
    assert isinstance(outcome.error, VideoFailedError)
    assert outcome.error.video["state"] == "failed"
    assert "not understood" in outcome.text if vendor == "relay" else "could be generated" in outcome.text


@in_every_mode
@of_every_vendor
def test_a_video_that_never_ends_ends_the_wait_at_its_deadline(
    vendor: str, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    outcome = wait_for(mode, vendor, simulator.add_video(vendor, outcome="stuck"), timeout=0.4)
    assert isinstance(outcome.error, VideoTimeoutError)


@in_every_mode
@of_every_vendor
def test_an_unknown_video_ends_the_wait_at_once(vendor: str, mode: str, simulator: Simulator, connect: Connect) -> None:
    connect(vendor)
    nobody = simulator.add_video(vendor) + "1"
    outcome = wait_for(mode, vendor, nobody)
    assert isinstance(outcome.error, VideoApiError)
    assert outcome.error.is_unknown_video
    assert simulator.record.videos == {nobody: 1}


@in_every_mode
@of_every_vendor
def test_a_wrong_key_ends_the_wait_as_one_whatever_the_status_code(
    vendor: str, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    simulator.key = "another-key"
    outcome = wait_for(mode, vendor, simulator.add_video(vendor))
    assert isinstance(outcome.error, VideoAuthError)
    assert outcome.error.status_code == {"relay": 200, "reel": 400, "loom_human": 403}[vendor]


@in_every_mode
@of_every_vendor
def test_a_key_that_was_rotated_is_looked_up_again(
    vendor: str, mode: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(vendor)
    video_id = simulator.add_video(vendor)
    monkeypatch.setattr(VideoHook, "_hook_for", rotate_key_after(VideoHook._hook_for, simulator, connect, vendor))
    assert wait_for(mode, vendor, video_id).state == "success"
    assert simulator.record.keys_refused == 1


def rotate_key_after(look_up: Any, simulator: Simulator, connect: Connect, vendor: str) -> Any:
    def hook_for(connection: Any, hook_params: Any) -> VideoHook:
        hook: VideoHook = look_up(connection, hook_params)
        simulator.key = "the-key-of-tomorrow"
        connect(vendor)
        return hook

    return hook_for


@in_every_mode
@pytest.mark.parametrize("status", [429, 500])
def test_a_transient_error_inside_a_200_is_survived(
    status: int, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("relay")
    video_id = simulator.add_video("relay")
    simulator.add_fault(dataclasses.replace(inside_200(status), times=2))
    assert wait_for(mode, "relay", video_id).state == "success"
    assert len(simulator.requests_for(video_id)) == 3


@in_every_mode
def test_a_final_refusal_inside_a_200_ends_the_wait_at_once(mode: str, simulator: Simulator, connect: Connect) -> None:
    connect("relay")
    video_id = simulator.add_video("relay")
    simulator.add_fault(inside_200(422))
    outcome = wait_for(mode, "relay", video_id)
    assert isinstance(outcome.error, VideoApiError)
    assert "Error 422" in outcome.text
    assert len(simulator.requests_for(video_id)) == 1


@in_every_mode
def test_an_error_inside_a_200_is_the_last_cause_if_it_does_not_pass(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect("relay")
    simulator.add_fault(inside_200(500))
    outcome = wait_for(mode, "relay", simulator.add_video("relay"), max_consecutive_failures=3)
    assert isinstance(outcome.error, VideoUnavailableError)
    assert outcome.error.status_code == 200


@in_every_mode
def test_the_second_get_is_as_safe_to_repeat_as_the_first(mode: str, simulator: Simulator, connect: Connect) -> None:
    connect("relay")
    video_id = simulator.add_video("relay")
    simulator.add_fault(Fault("reset_before", endpoint="result", times=1))
    simulator.add_fault(Fault("html", endpoint="result", times=1))
    simulator.add_fault(Fault("status", status=503, endpoint="result", times=1))
    assert wait_for(mode, "relay", video_id).state == "success"


@in_every_mode
def test_an_empty_200_is_not_taken_for_the_empty_202(mode: str, simulator: Simulator, connect: Connect) -> None:
    connect("relay")
    simulator.add_fault(Fault("empty", endpoint="get"))
    outcome = wait_for(mode, "relay", simulator.add_video("relay"), max_consecutive_failures=2)
    assert isinstance(outcome.error, VideoAnswerError)


@in_every_mode
def test_ready_without_a_file_is_no_success(mode: str, simulator: Simulator, connect: Connect) -> None:
    for vendor in SHAPES:
        connect(vendor)
        outcome = wait_for(mode, vendor, simulator.add_video(vendor, outcome="ready_without_urls"))
        assert isinstance(outcome.error, VideoFailedError), vendor
        assert "it is ready without a URL" in outcome.text


@in_every_mode
@pytest.mark.parametrize("vendor", ["relay", "reel"])
def test_all_files_are_told_and_the_first_is_the_download_url(
    vendor: str, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    outcome = wait_for(mode, vendor, simulator.add_video(vendor))
    assert outcome.value is not None
    assert outcome.value["file_urls"] == [outcome.value["download_url"], "https://cdn.invalid/2.mp4"]
    assert outcome.value["credits"] == (7 if vendor == "relay" else None)


@in_every_mode
@pytest.mark.parametrize(
    ("vendor", "video_id"),
    [
        ("reel", "image2video/831/files"),
        ("reel", "image2video/.."),
        ("relay", "a/b/../requests/x"),
    ],
)
def test_an_id_that_would_lead_elsewhere_is_refused_before_any_request(
    vendor: str, video_id: str, mode: str, simulator: Simulator, connect: Connect
) -> None:
    connect(vendor)
    outcome = wait_for(mode, vendor, video_id)
    assert isinstance(outcome.error, VideoIdError)
    assert simulator.record.requests == {}


@of_every_vendor
@pytest.mark.skipif(not hasattr(BaseTrigger, "render_template_fields"), reason="Airflow has this from 3.3 on")
def test_a_wait_can_begin_and_end_without_a_worker(
    vendor: str, simulator: Simulator, connect: Connect, pushed: Pushed
) -> None:
    video_id = simulator.add_video(vendor, queued=0.1, generating=0.1)
    sensor = VideoSensor(
        task_id="wait",
        conn_id=connect(vendor),
        video_id=video_id,
        start_from_trigger=True,
        end_from_trigger=True,
        poke_interval=0.05,
    )
    started = sensor.start_trigger_args
    assert started is not None
    trigger: VideoTrigger = import_string(started.trigger_cls)(**(started.trigger_kwargs or {}))
    arrived = through_the_database(of_a_task(trigger), [])
    assert isinstance(arrived, VideoTrigger)
    event = asyncio.run(only_event(of_a_task(arrived)))
    assert isinstance(event, TaskSuccessEvent)
    assert (pushed["video_id"], pushed["vendor"], pushed["state"]) == (video_id, vendor, "ready")
    assert pushed["return_value"] == VideoHook.get_hook(f"{vendor}_default").get_video(video_id).to_dict()
