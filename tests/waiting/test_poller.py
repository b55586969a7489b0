# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from airflow.providers.common.compat.connection import get_async_connection
from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_provider_videos.http import lookup
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.triggers.video import VideoTrigger
from airflow_provider_videos.waiting import poller
from airflow_provider_videos.waiting.batch import BatchWait
from tests.vendor_kit import Connect
from tests.waiting_kit import until


def trigger_for(video_id: str, conn_id: str, *, poke_interval: float = 0.2, timeout: float = 20) -> VideoTrigger:
    return VideoTrigger(video_id=video_id, conn_id=conn_id, poke_interval=poke_interval, timeout=timeout)


async def payload_of(trigger: VideoTrigger) -> dict[str, Any]:
    [event] = [event async for event in trigger.run()]
    payload: dict[str, Any] = event.payload
    return payload


def fire(*triggers: VideoTrigger) -> list[dict[str, Any]]:
    async def together() -> list[dict[str, Any]]:
        return await asyncio.gather(*map(payload_of, triggers))

    return asyncio.run(together())


@pytest.fixture
def look_ups(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the ids of the connections that were looked up."""
    seen: list[str] = []
    look_up = get_async_connection

    async def counted(conn_id: str) -> Any:
        seen.append(conn_id)
        return await look_up(conn_id)

    monkeypatch.setattr(lookup, "get_async_connection", counted)
    return seen


def test_many_waits_share_one_look_up_and_few_connections(
    simulator: Simulator, connect: Connect, look_ups: list[str]
) -> None:
    conn_id = connect("tavus", query="max_concurrent_requests=4")
    triggers = [trigger_for(simulator.add_video("tavus", generating=0.5), conn_id) for _ in range(50)]
    assert all("video" in payload for payload in fire(*triggers))
    assert look_ups == [conn_id]
    assert simulator.record.connections <= 4


def test_two_waits_for_one_video_cost_one_request(simulator: Simulator, connect: Connect) -> None:
    video_id, conn_id = simulator.add_video("tavus", generating=0.6), connect("tavus")
    one, other = fire(*[trigger_for(video_id, conn_id, poke_interval=0.25) for _ in range(2)])
    assert one["video"] == other["video"]
    assert 2 <= len(simulator.requests_for(video_id)) <= 4


def test_waits_that_begin_together_are_spread_over_the_interval(simulator: Simulator, connect: Connect) -> None:
    conn_id = connect("tavus")
    video_ids = [simulator.add_video("tavus", generating=0.3) for _ in range(60)]
    fire(*[trigger_for(video_id, conn_id, poke_interval=1) for video_id in video_ids])
    first_looks = sorted(simulator.requests_for(video_id)[0] for video_id in video_ids)
    assert first_looks[-1] - first_looks[0] >= 0.6


def test_too_many_requests_slow_every_wait_of_the_connection(simulator: Simulator, connect: Connect) -> None:
    conn_id = connect("tavus")
    video_ids = [simulator.add_video("tavus", generating=0.3) for _ in range(10)]
    simulator.add_fault(Fault("status", status=429, retry_after="2", times=1))
    fire(*[trigger_for(video_id, conn_id, poke_interval=0.1) for video_id in video_ids])
    times = sorted(moment for video_id in video_ids for moment in simulator.requests_for(video_id))
    longest_pause = max(later - earlier for earlier, later in itertools.pairwise(times))
    assert longest_pause >= 1.5


def test_cancelling_a_wait_disturbs_no_other(simulator: Simulator, connect: Connect) -> None:
    conn_id = connect("tavus")
    video_ids = [simulator.add_video("tavus", outcome="stuck") for _ in range(5)]
    triggers = [trigger_for(video_id, conn_id) for video_id in video_ids]

    async def cancel_the_first() -> list[Any]:
        tasks = [asyncio.create_task(payload_of(trigger)) for trigger in triggers]
        await until(lambda: all(map(simulator.requests_for, video_ids)))
        tasks[0].cancel()
        for video_id in video_ids:
            simulator.set_video("tavus", video_id, outcome="ready")
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    first, *others = asyncio.run(cancel_the_first())
    assert isinstance(first, asyncio.CancelledError)
    assert all("video" in payload for payload in others)
    assert simulator.record.connections <= 5


def test_the_last_wait_closes_everything(simulator: Simulator, connect: Connect) -> None:
    fire(trigger_for(simulator.add_video("tavus"), connect("tavus")))
    assert poller._pollers == {}


def test_a_batch_that_has_nothing_to_wait_for_opens_nothing() -> None:
    before = dict(poller._pollers)
    asyncio.run(BatchWait([]).run("nothing_to_wait_for", interval=1, report=lambda progress: None))
    assert poller._pollers == before


def test_a_refused_key_is_looked_up_again_once_for_all(
    simulator: Simulator, connect: Connect, look_ups: list[str]
) -> None:
    conn_id = connect("tavus", key="refused-by-the-vendor", query="max_concurrent_requests=50")
    payloads = fire(*[trigger_for(simulator.add_video("tavus"), conn_id) for _ in range(20)])
    assert {payload["error"]["type"] for payload in payloads} == {"VideoAuthError"}
    assert len(look_ups) < 10


def test_a_connection_that_is_gone_when_it_is_renewed_is_not_looked_up_at_each_look(
    simulator: Simulator, connect: Connect, look_ups: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller, "CONNECTION_LIFETIME", 0.3)
    conn_id = connect("tavus")
    triggers = [trigger_for(simulator.add_video("tavus", outcome="stuck"), conn_id, timeout=2) for _ in range(20)]

    async def lose_the_connection() -> list[dict[str, Any]]:
        running = asyncio.gather(*map(payload_of, triggers))
        await until(lambda: simulator.record.connections)
        monkeypatch.delenv("AIRFLOW_CONN_TAVUS_DEFAULT")
        return await running

    asyncio.run(lose_the_connection())
    assert len(look_ups) <= 3


def test_a_connection_in_hand_goes_on_being_used_while_airflow_is_out(
    simulator: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(poller, "CONNECTION_LIFETIME", 0.2)
    monkeypatch.setattr(poller, "RENEWAL_INTERVAL", 0.2)
    conn_id = connect("tavus")
    video_id = simulator.add_video("tavus", generating=3)
    trigger = VideoTrigger(
        video_id=video_id,
        conn_id=conn_id,
        poke_interval=0.1,
        timeout=20,
        max_consecutive_failures=1,
    )

    async def lose_the_connection() -> dict[str, Any]:
        running = asyncio.create_task(payload_of(trigger))
        await until(lambda: simulator.requests_for(video_id))
        monkeypatch.delenv("AIRFLOW_CONN_TAVUS_DEFAULT")
        return await running

    assert "video" in asyncio.run(lose_the_connection())
    assert sum("stays in use" in record.message for record in caplog.records) == 1


def test_a_wait_that_the_scheduler_began_survives_a_blip_of_airflow(simulator: Simulator, connect: Connect) -> None:
    video_id, conn_id = simulator.add_video("tavus"), connect("tavus")
    patch = pytest.MonkeyPatch()
    patch.setattr(poller, "FAILED_LOOK_UP_LIFETIME", 0.1)
    look_up = get_async_connection
    attempts: list[str] = []

    async def out_at_first(conn_id: str) -> Any:
        attempts.append(conn_id)
        if len(attempts) == 1:
            # So Airflow's secrets backends end when none of them answers.
            raise AirflowNotFoundException(f"The conn_id `{conn_id}` isn't defined")
        return await look_up(conn_id)

    patch.setattr(lookup, "get_async_connection", out_at_first)
    try:
        [payload] = fire(trigger_for(video_id, conn_id))
    finally:
        patch.undo()
    assert payload["video"]["video_id"] == video_id
    assert len(attempts) == 2


def test_what_a_pause_held_up_does_not_come_all_at_once(simulator: Simulator, connect: Connect) -> None:
    conn_id = connect("tavus")
    video_ids = [simulator.add_video("tavus", generating=0.5) for _ in range(20)]
    simulator.add_fault(Fault("status", status=429, retry_after="2", times=1))
    fire(*[trigger_for(video_id, conn_id, poke_interval=1) for video_id in video_ids])
    times = sorted(moment for video_id in video_ids for moment in simulator.requests_for(video_id))
    after = next(index for index, (one, other) in enumerate(itertools.pairwise(times)) if other - one >= 1) + 1
    assert times[-1] - times[after] >= 0.4


def test_a_wait_that_joins_another_for_the_same_video_asks_with_it(simulator: Simulator, connect: Connect) -> None:
    video_id, conn_id = simulator.add_video("tavus", generating=2.2), connect("tavus")

    async def join_later() -> list[dict[str, Any]]:
        first = asyncio.create_task(payload_of(trigger_for(video_id, conn_id, poke_interval=0.6)))
        await asyncio.sleep(0.3)
        return list(await asyncio.gather(first, payload_of(trigger_for(video_id, conn_id, poke_interval=0.6))))

    assert all("video" in payload for payload in asyncio.run(join_later()))
    assert len(simulator.requests_for(video_id)) <= 6
