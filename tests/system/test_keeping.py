# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import pathlib
import time

import pytest
import requests

from airflow_provider_videos.simulator import Simulator
from local_airflow.real_airflow import RealAirflow

pytestmark = pytest.mark.system


def test_an_example_dag_keeps_a_video_and_tells_the_next_dag(
    airflow: RealAirflow, vendors: Simulator, ordering_examples: dict[str, str], kept_folder: pathlib.Path
) -> None:
    next_dag, run_id = "example_use_kept_video", ordering_examples["example_keep_video"]
    assert airflow.wait_for_run("example_keep_video", run_id) == "success"
    video_id = airflow.xcom("example_keep_video", run_id, "order", "video_id")
    content = (kept_folder / f"tavus-{video_id}.mp4").read_bytes()
    assert content == requests.get(f"{vendors.url}/media/tavus/{video_id}.mp4", timeout=10).content
    kept = airflow.xcom("example_keep_video", run_id, "keep")
    assert (kept["video_id"], kept["sha256"]) == (video_id, hashlib.sha256(content).hexdigest())
    next_run = _first_run(airflow, next_dag)
    assert airflow.wait_for_run(next_dag, next_run) == "success"
    said = f"{kept['path']} has {kept['bytes']} bytes; its SHA-256 is {kept['sha256']}."
    assert said in airflow.log(next_dag, next_run, "show")


def _first_run(airflow: RealAirflow, dag_id: str) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for run in airflow.api("GET", f"/dags/{dag_id}/dagRuns").json()["dag_runs"]:
            return str(run["dag_run_id"])
        time.sleep(1)
    raise AssertionError(f"{dag_id} was not started by the asset")
