# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_videos.exceptions import VideoApiError, VideoOrderLostError, VideoOrderRefusedError
from airflow_provider_videos.hooks.runway import RunwayHook
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.video import VideoState
from tests.vendor_kit import REQUESTS


@pytest.fixture
def hook(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> RunwayHook:
    monkeypatch.setenv("AIRFLOW_CONN_RUNWAY_DEFAULT", simulator.connection_uri("runway"))
    return RunwayHook()


def test_a_throttled_order_waits_for_its_turn(hook: RunwayHook, simulator: Simulator) -> None:
    video_id = simulator.add_video("runway", queued=600, status="THROTTLED")
    assert hook.get_video(video_id).state is VideoState.QUEUED


def test_each_answer_has_a_fresh_url_that_tells_when_it_ends(hook: RunwayHook, simulator: Simulator) -> None:
    video_id = simulator.add_video("runway")
    first, second = hook.get_video(video_id), asyncio.run(hook.aget_video(video_id))
    assert first.download_url != second.download_url
    assert first.expires_at is not None
    left = datetime.fromisoformat(first.expires_at) - datetime.now(UTC)
    assert timedelta(hours=23) < left <= timedelta(hours=24)


def test_a_cancelled_video_is_unknown(hook: RunwayHook, simulator: Simulator) -> None:
    video_id = simulator.add_video("runway", generating=600)
    hook.cancel_video(video_id)
    for call in (hook.get_video, hook.cancel_video, hook.delete_video):
        with pytest.raises(VideoApiError) as error:
            call(video_id)
        assert error.value.is_unknown_video


def test_too_few_credits_refuse_an_order(hook: RunwayHook, simulator: Simulator) -> None:
    body = '{"error": "You do not have enough credits to run this task."}'
    simulator.add_fault(Fault("status", status=400, body=body, endpoint="create"))
    with pytest.raises(VideoOrderRefusedError, match="enough credits"):
        hook.create_video(**REQUESTS["runway"])


@pytest.mark.parametrize("status", [409, 500, 502, 503, 504])
def test_an_order_that_may_have_been_accepted_is_lost(status: int, hook: RunwayHook, simulator: Simulator) -> None:
    simulator.add_fault(Fault("status", status=status, endpoint="create"))
    with pytest.raises(VideoOrderLostError):
        hook.create_video(**REQUESTS["runway"])
    assert simulator.record.requests == {"runway create": 1}
