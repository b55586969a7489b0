# SPDX-License-Identifier: Apache-2.0
"""A trigger goes on with what another process, another version or another clock began."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.triggers.base import BaseTaskEndEvent

from airflow_provider_videos.exceptions import (
    VideoTimeoutError,
    VideoUnexpectedError,
)
from airflow_provider_videos.simulator import Simulator
from airflow_provider_videos.triggers.video import VideoTrigger
from tests.triggers.firing import error_of, fire, of_a_task, trigger_for
from tests.vendor_kit import Connect
from tests.waiting_kit import only_event, until


def test_arguments_of_the_version_before_are_understood(simulator: Simulator, connect: Connect) -> None:
    video_id, now = simulator.add_video("tavus"), time.time()
    before: dict[str, Any] = {
        "video_id": video_id,
        "conn_id": connect("tavus"),
        "timeout": 600.0,
        "started_at": now - 60,
        "next_look_at": now,
        "failures": 1,
        "seen": [["queued", now - 60]],
        "ordered_at": now - 61,
        "poke_interval": 30.0,
        "exponential_backoff": False,
        "max_wait": None,
        "max_consecutive_failures": 12,
        "silent_fail": False,
        "end_from_trigger": False,
        "do_xcom_push": True,
        "soft_fail": False,
        "never_fail": False,
        "delete_on_kill": False,
    }
    assert fire(VideoTrigger(**before))["video"]["state"] == "ready"


def test_arguments_of_another_version_are_refused_by_name(simulator: Simulator, connect: Connect) -> None:
    error = error_of(trigger_for(simulator.add_video("tavus"), connect("tavus"), colour="blue"))
    assert isinstance(error, VideoUnexpectedError)
    assert "'colour'" in str(error)
    assert simulator.record.connections == 0


def test_a_trigger_without_a_pause_between_polls_is_refused(simulator: Simulator, connect: Connect) -> None:
    error = error_of(trigger_for(simulator.add_video("tavus"), connect("tavus"), poke_interval=0))
    assert "poke_interval" in str(error)


@pytest.mark.parametrize("name", ["airflow.triggers.base.TaskSuccessEvent", "airflow.sdk.execution_time.xcom.XCom"])
def test_a_worker_ends_the_task_if_a_private_name_of_airflow_has_moved(
    name: str, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    trigger = of_a_task(trigger_for(simulator.add_video("tavus"), connect("tavus"), end_from_trigger=True))
    monkeypatch.delattr(name)
    event = asyncio.run(only_event(trigger))
    assert not isinstance(event, BaseTaskEndEvent)
    assert event.payload["video"]["state"] == "ready"


def test_killing_a_deferred_wait_never_raises(simulator: Simulator, connect: Connect) -> None:
    trigger = trigger_for("nobody", connect("tavus", key="wrong"), delete_on_kill=True)
    asyncio.run(trigger.on_kill())
    asyncio.run(trigger_for("v1", "undefined", delete_on_kill=True).on_kill())


@pytest.mark.parametrize("ahead", [3600, -3600])
def test_a_worker_whose_clock_is_wrong_neither_delays_nor_stops_the_polls(
    ahead: float, simulator: Simulator, connect: Connect
) -> None:
    video_id, conn_id = simulator.add_video("tavus", generating=0.3), connect("tavus")
    theirs = time.time() + ahead
    trigger = trigger_for(
        video_id, conn_id, timeout=7200, started_at=theirs, next_look_at=theirs + 0.1, seen=[["generating", theirs]]
    )
    began = time.monotonic()
    payload = fire(trigger)
    assert payload["video"]["state"] == "ready"
    assert time.monotonic() - began < 5
    assert all(seconds >= 0 for seconds in payload["status_seconds"].values())


@pytest.mark.parametrize("set_by", [-7200, 7200])
def test_polls_go_on_when_the_triggerers_clock_is_set(
    set_by: float, simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    video_id, conn_id = simulator.add_video("tavus", generating=2), connect("tavus")
    real = time.time

    async def run() -> Any:
        running = asyncio.create_task(only_event(trigger_for(video_id, conn_id, timeout=60)))
        await until(lambda: simulator.requests_for(video_id))
        monkeypatch.setattr(time, "time", lambda: real() + set_by)
        return await asyncio.wait_for(running, 10)

    assert asyncio.run(run()).payload["video"]["state"] == "ready"
    assert 4 <= len(simulator.requests_for(video_id)) <= 60


def test_a_wait_that_the_scheduler_began_keeps_its_deadline_when_another_triggerer_takes_over(
    simulator: Simulator, connect: Connect
) -> None:
    video_id, conn_id = simulator.add_video("tavus", outcome="stuck"), connect("tavus")
    trigger = trigger_for(video_id, conn_id, timeout=3600, timeout_slack=900)
    # Airflow sets it; the wait began an hour ago.
    trigger.timeout_after = datetime.now(UTC) + timedelta(seconds=900)  # type: ignore[attr-defined]
    began = time.monotonic()
    assert isinstance(error_of(trigger), VideoTimeoutError)
    assert time.monotonic() - began < 3


def test_a_change_that_no_triggerer_saw_is_marked(simulator: Simulator, connect: Connect) -> None:
    video_id, now = simulator.add_video("tavus"), time.time()
    trigger = trigger_for(
        video_id,
        connect("tavus"),
        timeout=7200,
        started_at=now - 600,
        next_look_at=now - 570,
        seen=[["queued", now - 600]],
    )
    seconds = fire(trigger)["status_seconds"]
    assert seconds["queued"] == pytest.approx(30, abs=2)
    assert seconds["not observed"] == pytest.approx(570, abs=5)
