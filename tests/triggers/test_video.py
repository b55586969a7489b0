# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import gc
import json
import time
import warnings
from typing import Any

import pytest
from airflow.triggers.base import BaseTaskEndEvent, TaskSkippedEvent, TaskSuccessEvent

from airflow_provider_videos.exceptions import (
    VideoApiError,
    VideoAuthError,
    VideoConnectionError,
    VideoError,
    VideoFailedError,
    VideoIdError,
    VideoTimeoutError,
    VideoUnexpectedError,
)
from airflow_provider_videos.hooks.tavus import TavusHook
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.simulator.videos import VendorName
from airflow_provider_videos.triggers.video import VideoTrigger
from airflow_provider_videos.waiting.polling import PollingRules, Wait
from airflow_provider_videos.waiting.status_history import StatusChange
from airflow_provider_videos.xcom import PUSHED_FIELDS
from tests.conftest import API_KEY
from tests.triggers.firing import Pushed, error_of, fire, of_a_task, trigger_for
from tests.vendor_kit import Connect
from tests.waiting_kit import only_event, through_the_database, until

RULES: dict[str, Any] = {
    "poke_interval": 7,
    "exponential_backoff": True,
    "max_wait": 60,
    "max_consecutive_failures": 3,
    "silent_fail": True,
}


def test_a_trigger_survives_the_database() -> None:
    everything = trigger_for(
        "žluť/🎬",
        **RULES,
        started_at=1.0,
        next_look_at=9.5,
        failures=2,
        seen=[["queued", 1.5], ["generating", 2.5]],
        end_from_trigger=True,
        soft_fail=True,
    )
    stored: list[dict[str, Any]] = []
    arrived = through_the_database(everything, stored)
    assert type(arrived) is VideoTrigger
    assert arrived.serialize() == everything.serialize()
    assert json.loads(json.dumps(stored, allow_nan=False)) == stored


def test_a_trigger_goes_on_with_a_wait() -> None:
    wait = Wait(
        video_id="v1",
        rules=PollingRules(**RULES),
        started_at=1.0,
        deadline=100.0,
        seen=(StatusChange(status="queued", since=2.0),),
        failures=2,
    )
    assert VideoTrigger.continuing(wait, conn_id="c", next_look_at=9.0, end_from_trigger=True).serialize() == (
        "airflow_provider_videos.triggers.video.VideoTrigger",
        {
            "video_id": "v1",
            "conn_id": "c",
            **RULES,
            "timeout": 99.0,
            "started_at": 1.0,
            "timeout_slack": None,
            "next_look_at": 9.0,
            "failures": 2,
            "seen": [["queued", 2.0]],
            "ordered_at": None,
            "delete_on_kill": False,
            "wake_at_own_id": False,
            "end_from_trigger": True,
            "do_xcom_push": True,
            "soft_fail": False,
            "never_fail": False,
            "xcom_keys": None,
        },
    )


def test_the_key_is_nowhere_in_a_trigger(simulator: Simulator, connect: Connect) -> None:
    trigger = trigger_for(simulator.add_video("tavus"), connect("tavus"))
    fire(trigger)
    for thing in (trigger, vars(trigger), trigger.serialize()):
        assert API_KEY not in repr(thing)


def test_a_ready_video_is_the_event(vendor: VendorName, simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video(vendor, queued=1.5, generating=0.1)
    payload = fire(trigger_for(video_id, connect(vendor)))
    video = VideoHook.get_hook(f"{vendor}_default").get_video(video_id)
    seconds = payload.pop("status_seconds")
    assert payload == {"video_id": video_id, "video": video.to_dict()}
    assert seconds
    assert set(seconds) <= {"queued", "generating", "in_progress"}
    assert 0 < sum(seconds.values()) < 5


@pytest.mark.parametrize(
    ("video_id", "changes", "kind"),
    [
        ("failed", {}, VideoFailedError),
        ("stuck", {"timeout": 0.2}, VideoTimeoutError),
        ("nobody", {}, VideoApiError),
        ("stuck", {"conn_id": "undefined"}, VideoConnectionError),
        ("", {}, VideoIdError),
        (None, {}, VideoIdError),
        ("stuck", {"poke_interval": "often"}, VideoUnexpectedError),
        ("stuck", {"timeout": None}, VideoUnexpectedError),
        ("stuck", {"seen": [["queued"]]}, VideoUnexpectedError),
        ("stuck", {"next_look_at": "soon"}, VideoUnexpectedError),
    ],
)
def test_a_trigger_never_raises(
    video_id: str | None,
    changes: dict[str, Any],
    kind: type[VideoError],
    simulator: Simulator,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("airflow_provider_videos.triggers.video.CONNECTION_GRACE", 0.1)
    simulator.add_video("tavus", video_id="failed", outcome="failed")
    simulator.add_video("tavus", video_id="stuck", outcome="stuck")
    connect("tavus")
    assert type(error_of(trigger_for(video_id, **changes))) is kind


def test_a_refused_key_is_an_error_of_its_own(vendor: VendorName, simulator: Simulator, connect: Connect) -> None:
    error = error_of(trigger_for("v1", connect(vendor, key="wrong")))
    assert isinstance(error, VideoAuthError)
    assert simulator.record.answers == {401: 1}


def test_what_nobody_expects_is_an_error_that_names_it(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    def surprise(self: TavusHook, video_id: str) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(TavusHook, "aget_video", surprise)
    error = error_of(trigger_for("v1", connect("tavus")))
    assert error.to_dict() == VideoUnexpectedError(problem="ZeroDivisionError: by zero").to_dict()


@pytest.mark.parametrize("ago", [0.1, 3600, 1e9])
def test_a_look_that_is_overdue_is_taken_at_once(ago: float, simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus")
    began = time.monotonic()
    fire(trigger_for(video_id, connect("tavus"), next_look_at=time.time() - ago, poke_interval=60))
    assert time.monotonic() - began < 20


def test_a_look_that_is_not_yet_due_is_waited_for(simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus")
    conn_id = connect("tavus")
    began = time.monotonic()
    fire(trigger_for(video_id, conn_id, poke_interval=1, next_look_at=time.time() + 0.3))
    [look] = simulator.requests_for(video_id)
    assert look - began >= 0.29


def test_a_trigger_that_comes_after_the_deadline_looks_once(simulator: Simulator, connect: Connect) -> None:
    ready, stuck = simulator.add_video("tavus"), simulator.add_video("tavus", outcome="stuck")
    conn_id = connect("tavus")
    assert "video" in fire(trigger_for(ready, conn_id, timeout=-100))
    assert isinstance(error_of(trigger_for(stuck, conn_id, timeout=-100)), VideoTimeoutError)
    assert len(simulator.requests_for(stuck)) == 1


def test_a_trigger_counts_on_from_the_failures_before_it(simulator: Simulator, connect: Connect) -> None:
    simulator.add_fault(Fault("status", status=503))
    error = error_of(trigger_for("v1", connect("tavus"), failures=2, max_consecutive_failures=3))
    assert error.is_transient
    assert simulator.record.answers == {503: 1}


def test_a_poll_survives_passing_faults(vendor: VendorName, simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video(vendor)
    for fault in (Fault("status", times=1), Fault("reset_before", times=1), Fault("html", times=1)):
        simulator.add_fault(fault)
    payload = fire(trigger_for(video_id, connect(vendor), poke_interval=0.02))
    assert payload["video"]["state"] == "ready"
    assert simulator.record.faults == {"status": 1, "reset_before": 1, "html": 1}


@pytest.mark.parametrize("fault", [None, Fault("hang")], ids=["between two looks", "during a look"])
def test_a_cancelled_trigger_ends_without_an_event_and_leaves_no_session(
    fault: Fault | None, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video("tavus", outcome="stuck")
    if fault is not None:
        simulator.add_fault(fault)
    trigger = trigger_for(video_id, connect("tavus"), poke_interval=60)

    async def cancel() -> None:
        running = asyncio.create_task(only_event(trigger))
        await until(lambda: simulator.requests_for(video_id))
        # The answer comes within this time, unless it never does.
        await asyncio.sleep(0.3)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    # What other tests have left is not this trigger's.
    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(cancel())
        gc.collect()
    assert [warning for warning in caught if issubclass(warning.category, ResourceWarning)] == []


def end_of(trigger: VideoTrigger) -> BaseTaskEndEvent:
    of_a_task(trigger)
    event = asyncio.run(only_event(trigger))
    assert isinstance(event, BaseTaskEndEvent)
    return event


def test_a_ready_video_can_end_the_task_in_the_triggerer(
    vendor: VendorName, simulator: Simulator, connect: Connect, pushed: Pushed
) -> None:
    video_id = simulator.add_video(vendor)
    event = end_of(trigger_for(video_id, connect(vendor), end_from_trigger=True))
    assert isinstance(event, TaskSuccessEvent)
    record = VideoHook.get_hook(f"{vendor}_default").get_video(video_id).to_dict()
    fields = {key: record[key] for key in PUSHED_FIELDS}
    assert pushed == {"return_value": record, **fields, "status_seconds": {}}
    # What "airflow dags test" hands to a worker.
    assert event.payload == {"video_id": record["video_id"], "video": record, "status_seconds": {}}


def test_a_task_that_pushes_nothing_pushes_nothing_from_the_triggerer(
    simulator: Simulator, connect: Connect, pushed: Pushed
) -> None:
    conn_id = connect("tavus")
    end_of(trigger_for(simulator.add_video("tavus"), conn_id, end_from_trigger=True, do_xcom_push=False))
    assert pushed == {}


def test_a_worker_ends_the_task_if_the_triggerer_can_push_nothing(simulator: Simulator, connect: Connect) -> None:
    trigger = trigger_for(simulator.add_video("tavus"), connect("tavus"), end_from_trigger=True)
    assert fire(trigger)["video"]["state"] == "ready"
    assert not isinstance(asyncio.run(only_event(trigger)), BaseTaskEndEvent)


def test_a_failure_that_is_to_be_skipped_ends_in_the_triggerer(
    simulator: Simulator, connect: Connect, pushed: Pushed
) -> None:
    failed = simulator.add_video("tavus", outcome="failed")
    event = end_of(trigger_for(failed, connect("tavus"), end_from_trigger=True, soft_fail=True))
    assert isinstance(event, TaskSkippedEvent)
    assert pushed["video"]["video_id"] == failed
    assert pushed["video"]["state"] == "failed"


@pytest.mark.parametrize("soft_fail", [True, False])
def test_a_refused_key_never_ends_in_the_triggerer(soft_fail: bool, simulator: Simulator, connect: Connect) -> None:
    trigger = trigger_for("v1", connect("tavus", key="wrong"), end_from_trigger=True, soft_fail=soft_fail)
    assert isinstance(error_of(trigger), VideoAuthError)


def test_a_failed_video_never_ends_in_the_triggerer(simulator: Simulator, connect: Connect) -> None:
    failed = simulator.add_video("tavus", outcome="failed")
    assert isinstance(error_of(trigger_for(failed, connect("tavus"), end_from_trigger=True)), VideoFailedError)
