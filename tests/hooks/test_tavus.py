# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airflow_provider_videos.hooks.tavus import TavusHook
from airflow_provider_videos.simulator import Simulator
from airflow_provider_videos.video import VideoState
from tests.vendor_kit import Connect


def test_thumbnails_come_with_the_video(simulator: Simulator, connect: Connect) -> None:
    video_id = simulator.add_video("tavus")
    hook = TavusHook(connect("tavus"))
    with hook.get_conn():
        video = hook.get_video(video_id)
    assert asyncio.run(hook.aget_video(video_id)) == video
    assert video.thumbnail_url == f"{simulator.url}/media/tavus/{video_id}.jpg"
    assert video.gif_url == f"{simulator.url}/media/tavus/{video_id}.gif"


@pytest.mark.parametrize("form", ["documented", "observed"])
@pytest.mark.parametrize(
    ("outcome", "state"), [("ready", VideoState.READY), ("failed", VideoState.FAILED), ("stuck", VideoState.GENERATING)]
)
def test_both_forms_of_an_answer_are_read(
    form: Any, outcome: Any, state: VideoState, simulator: Simulator, connect: Connect
) -> None:
    video_id = simulator.add_video("tavus", outcome=outcome, form=form)
    hook = TavusHook(connect("tavus"))
    with hook.get_conn():
        video = hook.get_video(video_id)
    assert (video.video_id, video.state) == (video_id, state)
    assert video.hosted_url
    assert bool(video.download_url) is video.is_usable is (state is VideoState.READY)
    assert bool(video.finished_at) is state.is_terminal
    assert bool(video.error_message) is (state is VideoState.FAILED)
