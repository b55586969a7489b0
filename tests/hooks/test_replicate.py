# SPDX-License-Identifier: Apache-2.0
"""What becomes of a prediction after the hour for which Replicate keeps its data."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videos.exceptions import VideoFailedError, VideoOrderLostError
from airflow_provider_videos.hooks.replicate import ReplicateHook
from airflow_provider_videos.operators.download import DownloadVideoOperator
from airflow_provider_videos.ordering import lost
from airflow_provider_videos.simulator import Fault, Simulator
from tests.generating import attempts, created


@pytest.fixture
def conn_id(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AIRFLOW_CONN_REPLICATE_DEFAULT", simulator.connection_uri("replicate", timeout=0.5))
    monkeypatch.setattr(lost, "FIRST_PAUSE", 0.1)
    return "replicate_default"


def test_a_download_that_comes_too_late_says_that_nothing_brings_the_file_back(
    conn_id: str, simulator: Simulator, tmp_path: Path
) -> None:
    video = ReplicateHook(conn_id).get_video(simulator.add_video("replicate")).to_dict()
    simulator.set_video("replicate", video["video_id"], outcome="data_removed")
    simulator.add_fault(Fault("status", status=404, target="media"))
    keep = DownloadVideoOperator(task_id="keep", video_id=video, conn_id=conn_id, path=f"{tmp_path}/")
    with pytest.raises(VideoFailedError, match="nothing brings them back"):
        keep.execute({})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "shown", [{"input": {}, "data_removed": True}, {"input": None}, {"input": {"prompt": "A dog."}}]
)
def test_a_lost_order_is_never_guessed_by_its_model_alone(
    conn_id: str, simulator: Simulator, shown: dict[str, Any]
) -> None:
    task = attempts("replicate")
    simulator.add_fault(Fault("accept_then_reset", times=1))
    simulator.add_fault(Fault("json", endpoint="list", body=listed(shown)))
    for _ in range(2):
        with pytest.raises(VideoOrderLostError, match="Look among your videos at Replicate"):
            task.run()
    assert created(simulator) == 1


def listed(shown: dict[str, Any]) -> str:
    entry = {"id": "p1", "status": "succeeded", "model": "minimax/video-01", "version": "hidden"}
    return json.dumps({"next": None, "results": [{**entry, "created_at": datetime.now(UTC).isoformat(), **shown}]})
