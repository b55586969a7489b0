# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import csv
import json
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from airflow.triggers.base import BaseTrigger

from airflow_provider_videos.simulator import Simulator
from local_airflow.real_airflow import RealAirflow
from tests.system.conftest import KEY

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not hasattr(BaseTrigger, "on_kill"), reason="Airflow has a task state store from 3.3 on"),
]


def connect(airflow: RealAirflow, conn_id: str, vendor: str, simulator: Simulator) -> None:
    connection = {"connection_id": conn_id, "conn_type": vendor, "host": simulator.vendor_url(vendor), "password": KEY}
    airflow.api("POST", "/connections", json=connection | {"extra": json.dumps({"timeout": 3})})


def test_many_are_ordered_once_whenever_the_process_is_killed_and_kept(airflow: RealAirflow, tmp_path: Path) -> None:
    with ExitStack() as stack:
        simulators = {
            name: stack.enter_context(Simulator(key=KEY, queued=1, generating=4))
            for name in ("killed_batch_tavus", "killed_batch_together", "batch_chain")
        }
        for name, simulator in simulators.items():
            connect(airflow, name, "tavus" if name == "killed_batch_tavus" else "together", simulator)
        runs = {name: airflow.trigger(name, conf={"path": f"{tmp_path}/kept/"}) for name in simulators}
        states = {name: airflow.wait_for_run(name, run_id, timeout=500) for name, run_id in runs.items()}
        created = {name: sum(simulator.record.created.values()) for name, simulator in simulators.items()}
        assert created == {"killed_batch_tavus": 60, "killed_batch_together": 60, "batch_chain": 12}
        assert states == {"killed_batch_tavus": "success", "killed_batch_together": "failed", "batch_chain": "success"}
        videos = airflow.xcom("killed_batch_tavus", runs["killed_batch_tavus"], "order")
        assert [video["script"] for video in videos] == [str(number % 50) for number in range(60)]
        listed = requests.get(
            f"{simulators['killed_batch_tavus'].vendor_url('tavus')}/v2/videos?limit=100",
            headers={"x-api-key": KEY},
            timeout=10,
        )
        assert len(listed.json()["data"]) == 60
        # One is uncertain, and named; the others are unharmed.
        log = airflow.log("killed_batch_together", runs["killed_batch_together"], "order", try_number=2)
        assert "1 of 60 videos failed. requests[5]: Together AI may have accepted" in log
        left = airflow.xcom("killed_batch_together", runs["killed_batch_together"], "order", key="videos")
        assert Counter(video["state"] for video in left) == {"ready": 59, "failed": 1}
        chain = runs["batch_chain"]
        kept = airflow.xcom("batch_chain", chain, "keep")
        assert [record["video_id"] for record in kept] == airflow.xcom("batch_chain", chain, "order", key="video_ids")
        assert all(Path(record["path"]).stat().st_size == record["bytes"] for record in kept)


def test_an_example_dag_makes_a_video_of_each_row_and_writes_what_came_of_it(
    airflow: RealAirflow, vendors: Simulator, tmp_path: Path
) -> None:
    scripts = tmp_path / "scripts.csv"
    scripts.write_text('replica_id,script,background_url\nr1,First.,\nr1,"Second, with a comma.",\nr1,Third.,\n')
    dag_id = "example_video_catalogue"
    conf = {"scripts": str(scripts), "folder": f"{tmp_path}/videos/", "first_rows": 2}
    run_id = airflow.trigger(dag_id, conf=conf)
    assert airflow.wait_for_run(dag_id, run_id) == "success"
    with (tmp_path / "videos" / "results.csv").open() as file:
        results = list(csv.DictReader(file))
    assert [result["script"] for result in results] == ["First.", "Second, with a comma."]
    assert [(result["state"], result["problem"]) for result in results] == [("ready", "")] * 2
    for result in results:
        content = requests.get(f"{vendors.url}/media/tavus/{result['video_id']}.mp4", timeout=10).content
        assert Path(result["path"]).read_bytes() == content
