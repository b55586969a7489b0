# SPDX-License-Identifier: Apache-2.0
"""An order that is answered with an id which stands for the video only until that has one of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from airflow_provider_videos.exceptions import VideoAnswerError, VideoFailedError, VideoOrderLostError
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.operators import generate_batch
from airflow_provider_videos.sensors.video_batch import VideoBatchSensor
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.simulator.videos import Form
from tests.attempts import Attempts, Killed
from tests.generating import attempts, created, kill_at, revive
from tests.operators.test_generate_batch import batch
from tests.vendor_kit import REQUESTS
from tests.waiting_kit import wait

AGENT = {"kind": "video_agent", "prompt": "A cat."}


@pytest.fixture
def form() -> Form:
    """Let a session be gone once it has told its video."""
    return "observed"


@pytest.fixture
def simulator(form: Form, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    with Simulator(form=form, queued=0.3, generating=0.5) as running:
        monkeypatch.setenv("AIRFLOW_CONN_HEYGEN_DEFAULT", running.connection_uri("heygen", timeout=1))
        yield running


def asked(simulator: Simulator) -> tuple[int, int]:
    requests = simulator.record.requests
    return requests["heygen session"], requests["heygen get"]


def recorded_id(task: Attempts) -> Any:
    assert task.store is not None
    [order] = task.store["video_order"]["orders"]
    return order["video_id"]


def test_a_wait_goes_on_with_the_id_that_the_video_has_got(mode: str, simulator: Simulator) -> None:
    task = attempts("heygen", mode, request=AGENT)
    video = task.run()
    assert (video["state"], video["prompt"]) == ("ready", "A cat.")
    assert not video["video_id"].startswith("video-agents/")
    assert task.ti.xcoms["video_id"] == recorded_id(task) == video["video_id"]
    assert task.deferrals == (2 if mode == "deferrable" else 0)
    assert set(task.ti.xcoms["status_seconds"]) >= {"thinking", "processing"}
    assert created(simulator) == 1
    # The session is gone: nothing but the video is asked for.
    sessions, _ = asked(simulator)
    task.clear()
    assert task.run()["video_id"] == video["video_id"]
    assert asked(simulator)[0] == sessions
    assert created(simulator) == 1


@pytest.mark.parametrize("outcome", ["ready", "failed"])
def test_what_has_ended_at_the_first_poll_is_recorded_under_its_own_id(
    outcome: Any, mode: str, simulator: Simulator
) -> None:
    simulator.queued = simulator.generating = 0
    task = attempts("heygen", mode, request=AGENT)
    if outcome == "ready":
        assert task.run()["video_id"] == recorded_id(task)
        return
    simulator.outcome = "failed"
    with pytest.raises(VideoFailedError):
        task.run()
    simulator.outcome = "ready"
    task.clear()
    assert task.run()["state"] == "ready"
    assert created(simulator) == 2


def test_the_wait_for_the_videos_own_id_keeps_to_the_deadline(simulator: Simulator) -> None:
    simulator.generating = 60
    video_id = VideoHook.get_hook("heygen_default").create_video(**REQUESTS["heygen"]).video_id
    task = attempts("heygen", "deferrable", request=AGENT, timeout=3600)
    context = task.begin()
    begun: dict[str, Any] = {"started_at": time.time() - 100, "deadline": time.time() + 50, "seen": [["thinking", 1.0]]}
    event = {"video_id": "video-agents/s1", "own_id": video_id, "wait": {**begun, "ordered_at": None}}
    with pytest.raises(TaskDeferred) as deferred:
        task.make().resume_execution("execute_complete", {"event": event}, context)
    arguments = deferred.value.trigger.serialize()[1]
    assert (arguments["video_id"], arguments["started_at"]) == (video_id, begun["started_at"])
    assert arguments["timeout"] == begun["deadline"] - begun["started_at"]
    assert [status for status, _ in arguments["seen"]] == ["thinking", "pending"]


def test_a_store_that_takes_no_other_id_ends_no_wait(mode: str, simulator: Simulator) -> None:
    task = attempts("heygen", mode, request=AGENT)
    assert task.store is not None
    accesses = []

    def fail_after_the_order(access: str) -> None:
        accesses.append(access)
        if len(accesses) > 3:
            raise OSError("the API server is away")

    task.store.before = fail_after_the_order
    assert task.run()["state"] == "ready"
    assert created(simulator) == 1


@pytest.mark.parametrize("form", ["documented"])
@pytest.mark.parametrize("access", [4, 5])
def test_wherever_the_process_dies_when_the_id_changes_nothing_is_ordered_again(
    access: int, mode: str, simulator: Simulator
) -> None:
    task = attempts("heygen", mode, request=AGENT)
    kill_at(task, access)
    with pytest.raises(Killed):
        task.run()
    revive(task)
    assert task.run()["video_id"] == recorded_id(task)
    assert created(simulator) == 1


def test_a_session_that_is_gone_before_it_told_its_video_orders_nothing_again(mode: str, simulator: Simulator) -> None:
    simulator.queued = 60
    task = attempts("heygen", mode, request=AGENT, max_consecutive_failures=2)
    simulator.add_fault(Fault("json", status=404, body='{"error": {"code": "not_found"}}', endpoint="session"))
    for _ in range(2):
        with pytest.raises(VideoAnswerError, match="Its video may still be made"):
            task.run()
    task.clear()
    with pytest.raises(VideoAnswerError):
        task.run()
    assert created(simulator) == 1


def test_a_lost_order_is_not_sent_again(mode: str, simulator: Simulator) -> None:
    simulator.add_fault(Fault("accept_then_reset", times=1))
    task = attempts("heygen", mode, request=AGENT)
    for _ in range(2):
        with pytest.raises(VideoOrderLostError, match="among the sessions of the Video Agent"):
            task.run()
    assert simulator.record.requests["heygen create"] == created(simulator) == 1


# A rescheduled sensor remembers nothing from poll to poll.
@pytest.mark.parametrize(
    ("sensor_mode", "form"), [("poke", "observed"), ("reschedule", "documented"), ("deferrable", "observed")]
)
def test_without_waiting_the_session_is_returned_and_a_sensor_takes_it(sensor_mode: str, simulator: Simulator) -> None:
    video = attempts("heygen", request=AGENT, wait_for_completion=False).run()
    assert video["video_id"].startswith("video-agents/")
    ended = wait(sensor_mode, video_id=video, conn_id="heygen_default")
    assert (ended.state, ended.value["state"]) == ("success", "ready")
    assert ended.value["video_id"] == ended.xcoms["video_id"] != video["video_id"]


def test_a_batch_goes_on_with_the_ids_that_its_videos_have_got(
    mode: str, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate_batch, "MAX_IDLE_SECONDS", 0.2)
    requests = [{**AGENT, "prompt": f"Cat {number}."} for number in range(3)] + [REQUESTS["heygen"]]
    task = batch(requests, "heygen", mode, max_active=2)
    videos = task.run()
    assert [video["prompt"] for video in videos[:3]] == ["Cat 0.", "Cat 1.", "Cat 2."]
    assert {video["state"] for video in videos} == {"ready"}
    assert not any(video["video_id"].startswith("video-agents/") for video in videos)
    assert task.ti.xcoms["video_ids"] == [video["video_id"] for video in videos]
    assert created(simulator) == 4
    task.clear()
    assert [video["video_id"] for video in task.run()] == task.ti.xcoms["video_ids"]
    assert {video["video_id"] for video in videos} == set(task.ti.xcoms["video_ids"])
    assert created(simulator) == 4


def test_a_batch_waits_for_the_videos_of_sessions(mode: str, simulator: Simulator) -> None:
    hook = VideoHook.get_hook("heygen_default")
    ids = [hook.create_video(**AGENT).video_id for _ in range(2)]

    def make() -> VideoBatchSensor:
        return VideoBatchSensor(
            task_id="order",
            video_ids=ids,
            conn_id="heygen_default",
            poke_interval=0.1,
            timeout=10,
            deferrable=mode == "deferrable",
        )

    videos = Attempts(make).run()
    assert [video["state"] for video in videos] == ["ready", "ready"]
    assert {video["video_id"] for video in videos}.isdisjoint(ids)
