# SPDX-License-Identifier: Apache-2.0
"""What other vendors do differently, seen through the methods of a hook, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_videos.exceptions import VideoApiError
from airflow_provider_videos.hooks.video import VideoHook
from airflow_provider_videos.simulator import Simulator
from airflow_provider_videos.video import Video
from tests.contract.simulated import SIMULATED
from tests.contract.test_waiting import of_every_vendor
from tests.vendor_kit import Connect


@pytest.fixture(params=["requests", "aiohttp"])
def call(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Give a function that calls a method of a hook by one of the transports."""

    def call(hook: VideoHook, name: str, /, *arguments: Any, **options: Any) -> Any:
        if request.param == "requests":
            return getattr(hook, name)(*arguments, **options)
        return asyncio.run(getattr(hook, f"a{name}")(*arguments, **options))

    return call


@of_every_vendor
@pytest.mark.parametrize("outcome", ["ready", "failed", "stuck"])
def test_both_transports_read_the_same(
    outcome: Any, vendor: str, call: Callable[..., Any], simulator: Simulator, connect: Connect
) -> None:
    hook = VideoHook.get_hook(connect(vendor))
    video_id = simulator.add_video(vendor, outcome=outcome)
    video = call(hook, "get_video", video_id)
    assert video == hook.get_video(video_id)
    assert isinstance(video, Video)
    assert video.video_id == video_id


def test_cancel_and_delete_are_two_things(call: Callable[..., Any], simulator: Simulator, connect: Connect) -> None:
    hook = VideoHook.get_hook(connect("relay"))
    video_id = simulator.add_video("relay", generating=600)
    call(hook, "cancel_video", video_id)
    assert hook.get_video(video_id).state == "cancelled"
    call(hook, "delete_video", video_id)
    with pytest.raises(VideoApiError) as gone:
        hook.get_video(video_id)
    assert gone.value.is_unknown_video
    assert {role: simulator.record.requests[f"relay {role}"] for role in ("cancel", "delete")} == {
        "cancel": 1,
        "delete": 1,
    }


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_a_list_with_cursors_is_read_to_its_end(limit: int, simulator: Simulator, connect: Connect) -> None:
    for vendor in ("relay", "loom_name"):
        hook = VideoHook.get_hook(connect(vendor))
        ids = [simulator.add_video(vendor) for _ in range(5)]
        assert [video.video_id for video in hook.list_videos(limit=limit)] == ids[::-1]

        async def listed(hook: VideoHook) -> list[str]:
            return [video.video_id async for video in hook.alist_videos(limit=limit)]

        assert asyncio.run(listed(hook)) == ids[::-1]


@pytest.mark.parametrize("vendor", [vendor.conn_type for vendor in SIMULATED])
def test_a_good_key_passes_the_test_and_a_bad_one_does_not(vendor: str, simulator: Simulator, connect: Connect) -> None:
    hook = VideoHook.get_hook(connect(vendor))
    is_good, text = hook.test_connection()
    assert is_good, text
    simulator.key = "another-key"
    is_good, text = hook.test_connection()
    assert not is_good
    assert "refuses the API key" in text
    assert simulator.record.created == {}
