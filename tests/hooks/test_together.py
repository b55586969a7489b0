# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videos.hooks.together import TogetherHook
from airflow_provider_videos.simulator import Simulator
from airflow_provider_videos.video import VideoState
from tests.vendor_kit import Connect
from tests.vendors.test_together import BY_SCHEMA


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
    assert simulator.record.requests == {"together get": 1}
