# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_videos.exceptions import (
    VideoApiError,
    VideoAuthError,
    VideoIdError,
    VideoOrderLostError,
    VideoUnavailableError,
)
from airflow_provider_videos.hooks.fal import FalHook
from airflow_provider_videos.simulator import Fault, Simulator
from airflow_provider_videos.video import VideoState
from tests.vendor_kit import REQUESTS
from tests.waiting_kit import wait


@pytest.fixture
def hook(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> FalHook:
    monkeypatch.setenv("AIRFLOW_CONN_FAL_DEFAULT", simulator.connection_uri("fal"))
    return FalHook()


@pytest.fixture(params=["requests", "aiohttp"])
def get_video(request: pytest.FixtureRequest, hook: FalHook) -> Callable[[str], Any]:
    if request.param == "requests":
        return hook.get_video
    return lambda video_id: asyncio.run(hook.aget_video(video_id))


@pytest.mark.parametrize("form", ["documented", "observed"])
@pytest.mark.parametrize(("outcome", "state"), [("failed", VideoState.FAILED), ("cancelled", VideoState.CANCELLED)])
def test_a_failure_is_read_whether_the_status_or_only_the_result_says_so(
    form: Any, outcome: str, state: VideoState, get_video: Callable[[str], Any], simulator: Simulator
) -> None:
    video = get_video(simulator.add_video("fal", outcome=outcome, form=form))
    assert (video.state, bool(video.error_message), bool(video.error_code)) == (state, True, True)
    assert simulator.record.requests.get("fal result", 0) == (form == "observed")


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_result_that_cant_be_had_just_now_is_no_failure_of_the_video(
    status: int, get_video: Callable[[str], Any], simulator: Simulator
) -> None:
    video_id = simulator.add_video("fal")
    simulator.add_fault(Fault("status", status=status, endpoint="result", retry_after="7", times=1))
    with pytest.raises(VideoUnavailableError) as error:
        get_video(video_id)
    assert (error.value.is_transient, error.value.retry_after) == (True, 7)
    assert get_video(video_id).is_usable
    assert simulator.record.created == {}


@pytest.mark.parametrize("mode", ["poke", "deferrable"])
def test_a_wait_outlives_a_result_that_cant_be_had(mode: str, hook: FalHook, simulator: Simulator) -> None:
    simulator.add_fault(Fault("status", status=500, endpoint="result", times=1))
    outcome = wait(mode, video_id=simulator.add_video("fal"), conn_id="fal_default")
    assert outcome.state == "success", outcome.error


def test_a_failure_that_only_a_typed_504_tells_is_not_taken_for_one(
    get_video: Callable[[str], Any], simulator: Simulator
) -> None:
    with pytest.raises(VideoUnavailableError, match="Request timed out"):
        get_video(simulator.add_video("fal", outcome="timed_out", form="observed"))


def test_a_refused_key_at_the_result_is_no_failure_of_the_video(
    get_video: Callable[[str], Any], simulator: Simulator
) -> None:
    simulator.add_fault(Fault("status", status=403, endpoint="result"))
    with pytest.raises(VideoAuthError):
        get_video(simulator.add_video("fal"))


def test_units_that_are_billed_are_its_credits(get_video: Callable[[str], Any], simulator: Simulator) -> None:
    video = get_video(simulator.add_video("fal"))
    assert (video.credits, video.cost) == (8.0, None)


def test_a_number_alone_is_no_id(get_video: Callable[[str], Any], simulator: Simulator) -> None:
    with pytest.raises(VideoIdError, match="fal-ai/veo3/requests/"):
        get_video("764cabcf-b745-4b3e-ae38-1200304cf45b")
    assert simulator.record.requests == {}


def test_the_key_goes_to_no_host_that_an_answer_names(hook: FalHook, simulator: Simulator) -> None:
    with Simulator() as attacker:
        urls = {
            f"{name}_url": f"{attacker.vendor_url('fal')}/fal-ai/veo3/requests/1" for name in ("status", "response")
        }
        simulator.add_fault(Fault("merge", body=json.dumps(urls), endpoint="create"))
        video = hook.create_video(**REQUESTS["fal"])
        simulator.add_fault(Fault("merge", body=json.dumps(urls), endpoint="get"))
        assert hook.get_video(video.video_id).is_usable
        assert attacker.record.requests == {}


def test_an_exhausted_balance_refuses_an_order_and_says_so(hook: FalHook, simulator: Simulator) -> None:
    simulator.add_fault(Fault("status", status=403, endpoint="create"))
    with pytest.raises(VideoAuthError, match="Exhausted balance"):
        hook.create_video(**REQUESTS["fal"])


@pytest.mark.parametrize("status", [409, 500, 502, 503, 504])
def test_an_order_that_may_have_been_accepted_is_lost(status: int, hook: FalHook, simulator: Simulator) -> None:
    simulator.add_fault(Fault("status", status=status, endpoint="create"))
    with pytest.raises(VideoOrderLostError):
        hook.create_video(**REQUESTS["fal"])
    assert simulator.record.requests == {"fal create": 1}


def test_a_completed_video_cant_be_cancelled(hook: FalHook, simulator: Simulator) -> None:
    with pytest.raises(VideoApiError, match="completed already"):
        hook.cancel_video(simulator.add_video("fal"))
    video_id = simulator.add_video("fal", generating=600)
    hook.cancel_video(video_id)
    assert hook.get_video(video_id).state is VideoState.CANCELLED
