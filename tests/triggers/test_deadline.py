# SPDX-License-Identifier: Apache-2.0
"""A wait ends within two seconds of its own deadline, whatever else happens."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from airflow_provider_videos.exceptions import VideoError, VideoTimeoutError
from airflow_provider_videos.http import lookup
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.triggers.video import VideoTrigger
from airflow_provider_videos.waiting import poller
from tests.vendor_kit import Connect
from tests.waiting_kit import MODES, only_event, until, wait

#: Seconds in which an event may come after the deadline, on a machine that does other things too.
GRACE = 2.5


def trigger_for(video_id: str, conn_id: str, *, timeout: float, **changes: Any) -> VideoTrigger:
    return VideoTrigger(**{
        "video_id": video_id,
        "conn_id": conn_id,
        "poke_interval": 0.1,
        "timeout": timeout,
        **changes,
    })


async def timed(trigger: VideoTrigger) -> tuple[float, dict[str, Any]]:
    began = time.monotonic()
    payload: dict[str, Any] = (await only_event(trigger)).payload
    return time.monotonic() - began, payload


def ends_in_time(*triggers: VideoTrigger, timeout: float) -> list[str]:
    async def together() -> list[tuple[float, dict[str, Any]]]:
        ended = await asyncio.gather(*map(timed, triggers))
        # What was under way is closed when the last wait has ended, not when the loop is.
        await asyncio.sleep(0)
        assert poller._pollers == {}
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
        return list(ended)

    ended = asyncio.run(together())
    for seconds, payload in ended:
        assert isinstance(VideoError.from_dict(payload["error"]), VideoTimeoutError)
        assert timeout - 0.2 <= seconds <= timeout + GRACE
    return [payload["error"]["last_seen"] for _, payload in ended]


def test_a_request_that_hangs_does_not_outlast_the_deadline(simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus", outcome="stuck")
    simulator.add_fault(Fault("hang"))
    [said] = ends_in_time(trigger_for(video_id, connect("tavus"), timeout=1), timeout=1)
    assert "had no answer yet" in said


def test_a_full_pool_does_not_outlast_the_deadline(simulator: Simulator, connect: Connect) -> None:
    conn_id = connect("tavus", query="max_concurrent_requests=1")
    video_ids = [simulator.add_video("tavus", outcome="stuck") for _ in range(5)]
    simulator.add_fault(Fault("hang"))
    ends_in_time(*[trigger_for(video_id, conn_id, timeout=1) for video_id in video_ids], timeout=1)


def test_a_look_up_that_hangs_does_not_outlast_the_deadline(
    simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(conn_id: str) -> None:
        await asyncio.sleep(3600)

    monkeypatch.setattr(lookup, "get_async_connection", hang)
    conn_id = connect("tavus")
    ends_in_time(*[trigger_for(f"v{index}", conn_id, timeout=1) for index in range(3)], timeout=1)


def test_a_pause_that_the_vendor_asks_for_does_not_outlast_the_deadline(simulator: Simulator, connect: Connect) -> None:
    conn_id = connect("tavus")
    video_ids = [simulator.add_video("tavus", outcome="stuck") for _ in range(5)]
    simulator.add_fault(Fault("status", status=429, retry_after="3600", times=1))
    said = ends_in_time(*[trigger_for(video_id, conn_id, timeout=1) for video_id in video_ids], timeout=1)
    assert any("429" in text for text in said)


@pytest.mark.parametrize("slow", [{"poke_interval": 3600}, {"exponential_backoff": True, "max_wait": 3600}], ids=str)
def test_a_429_on_one_slow_wait_pauses_the_others_for_a_moment_only(
    slow: dict[str, Any], simulator: Simulator, connect: Connect
) -> None:
    conn_id = connect("tavus")
    slow_id = simulator.add_video("tavus", outcome="stuck")
    quick_id = simulator.add_video("tavus", generating=0.5)
    now = time.time()
    # It has waited for an hour.
    slow_wait = trigger_for(slow_id, conn_id, timeout=7200, started_at=now - 3600, next_look_at=now - 10, **slow)

    async def run() -> dict[str, Any]:
        simulator.add_fault(Fault("status", status=429, times=1))
        running = asyncio.create_task(only_event(slow_wait))
        await until(lambda: simulator.requests_for(slow_id))
        event = await asyncio.wait_for(only_event(trigger_for(quick_id, conn_id, timeout=20)), 10)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        payload: dict[str, Any] = event.payload
        return payload

    assert "video" in asyncio.run(run())


@pytest.mark.parametrize("mode", MODES)
def test_no_mode_waits_for_a_hanging_vendor_beyond_its_timeout(
    mode: str, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video("tavus", outcome="stuck")
    simulator.add_fault(Fault("hang"))
    began = time.monotonic()
    outcome = wait(mode, video_id=video_id, conn_id=connect("tavus"), timeout=1)
    assert isinstance(outcome.error, VideoTimeoutError)
    assert time.monotonic() - began <= 1 + GRACE
