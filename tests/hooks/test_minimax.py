# SPDX-License-Identifier: Apache-2.0
"""The errors of MiniMax that are inside answers with the status 200, and its API v1, over real sockets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videos.exceptions import (
    VideoApiError,
    VideoAuthError,
    VideoFailedError,
    VideoIdError,
    VideoOrderLostError,
    VideoOrderRefusedError,
    VideoUnavailableError,
)
from airflow_provider_videos.hooks.minimax import MiniMaxHook
from airflow_provider_videos.operators.download import DownloadVideoOperator
from airflow_provider_videos.simulator import Fault, Simulator
from tests.generating import attempts, created
from tests.vendor_kit import REQUESTS
from tests.waiting_kit import wait

V1_ORDER: Any = {"model": "MiniMax-Hailuo-2.3", "prompt": "A cat.", "duration": 6}
ENDS_SYNC_AND_DEFERRED = pytest.mark.parametrize("mode", ["poke", "deferrable"])


@pytest.fixture
def hook(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> MiniMaxHook:
    monkeypatch.setenv("AIRFLOW_CONN_MINIMAX_DEFAULT", simulator.connection_uri("minimax", timeout=1))
    return MiniMaxHook()


def answer_with(simulator: Simulator, endpoint: str, code: int, **more: Any) -> None:
    body = json.dumps({"base_resp": {"status_code": code, "status_msg": f"error {code}"}})
    simulator.add_fault(Fault("json", endpoint=endpoint, body=body, **more))


@pytest.mark.usefixtures("hook")
def test_a_video_of_v1_is_ordered_awaited_and_kept(simulator: Simulator, tmp_path: Path) -> None:
    simulator.generating = 0.3
    record = attempts("minimax", request=V1_ORDER).run()
    assert (record["state"], record["video_id"][:3], record["prompt"]) == ("ready", "v1/", "A cat.")
    assert record["expires_at"] is not None
    keep = DownloadVideoOperator(task_id="keep", video_id=record, conn_id="minimax_default", path=f"{tmp_path}/")
    simulator.add_fault(Fault("status", status=403, target="media", times=1))
    assert Path(keep.execute({})["path"]).read_bytes()[4:8] == b"ftyp"
    assert created(simulator) == 1


@ENDS_SYNC_AND_DEFERRED
def test_a_limit_at_a_poll_is_no_end(mode: str, hook: MiniMaxHook, simulator: Simulator) -> None:
    video_id = hook.create_video(**V1_ORDER).video_id
    answer_with(simulator, "get_v1", 1002, times=1)
    answer_with(simulator, "result", 1000, times=1)
    outcome = wait(mode, video_id=video_id, conn_id="minimax_default")
    assert outcome.state == "success", outcome.error
    assert simulator.record.requests["minimax get_v1"] == 3


@ENDS_SYNC_AND_DEFERRED
def test_a_refused_key_at_a_poll_is_an_end(mode: str, hook: MiniMaxHook, simulator: Simulator) -> None:
    video_id = hook.create_video(**V1_ORDER).video_id
    answer_with(simulator, "get_v1", 1004)
    outcome = wait(mode, video_id=video_id, conn_id="minimax_default")
    assert isinstance(outcome.error, VideoAuthError)
    assert "https://api.minimaxi.com" in str(outcome.error)


@ENDS_SYNC_AND_DEFERRED
def test_a_video_of_v1_that_was_stopped_for_its_content_has_failed(
    mode: str, hook: MiniMaxHook, simulator: Simulator
) -> None:
    video_id = hook.create_video(**V1_ORDER).video_id
    answer_with(simulator, "get_v1", 1027)
    outcome = wait(mode, video_id=video_id, conn_id="minimax_default")
    assert isinstance(outcome.error, VideoFailedError)
    assert "error 1027" in str(outcome.error)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (1008, VideoOrderRefusedError),
        (1026, VideoOrderRefusedError),
        (2013, VideoOrderRefusedError),
        (1004, VideoAuthError),
        (1002, VideoUnavailableError),
        (1000, VideoOrderLostError),
        (1033, VideoOrderLostError),
        (7777, VideoOrderLostError),
    ],
)
@pytest.mark.parametrize("order", [V1_ORDER, REQUESTS["minimax"]], ids=["v1", "v2"])
def test_an_error_inside_a_200_is_no_order(
    order: Any, code: int, error: type[Exception], hook: MiniMaxHook, simulator: Simulator
) -> None:
    answer_with(simulator, "create", code)
    with pytest.raises(error, match=str(code)):
        hook.create_video(**order)
    assert simulator.record.requests == {"minimax create": 1}


@pytest.mark.parametrize("status", [408, 500, 502, 529])
def test_an_order_that_may_have_been_accepted_is_lost(status: int, hook: MiniMaxHook, simulator: Simulator) -> None:
    simulator.add_fault(Fault("status", status=status, endpoint="create"))
    with pytest.raises(VideoOrderLostError):
        hook.create_video(**REQUESTS["minimax"])
    assert simulator.record.requests == {"minimax create": 1}


def test_an_answer_without_a_task_id_is_a_lost_order(hook: MiniMaxHook, simulator: Simulator) -> None:
    simulator.add_fault(Fault("merge", endpoint="create", body='{"task_id": null}'))
    with pytest.raises(VideoOrderLostError):
        hook.create_video(**V1_ORDER)


def test_a_cancel_never_deletes_a_video_that_is_finished(hook: MiniMaxHook, simulator: Simulator) -> None:
    video_id = simulator.add_video("minimax")
    with pytest.raises(VideoApiError, match="only a queued video"):
        hook.cancel_video(video_id)
    assert simulator.record.requests == {"minimax get": 1}
    assert hook.get_video(video_id).is_usable


def test_a_video_of_v1_is_neither_cancelled_nor_deleted(hook: MiniMaxHook, simulator: Simulator) -> None:
    for call in (hook.cancel_video, hook.delete_video):
        with pytest.raises(VideoIdError):
            call("v1/176843862716480")
    assert simulator.record.requests == {}
