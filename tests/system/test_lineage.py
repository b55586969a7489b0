# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import shutil
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videos.simulator import Simulator
from local_airflow.real_airflow import RealAirflow
from tests.system.conftest import KEY

# It starts an Airflow of its own: with a listener, Airflow refuses the other tests' Dags.
pytestmark = [pytest.mark.system, pytest.mark.long]

HERE = Path(__file__).parent
SIGNATURE = "signature-that-is-found-nowhere"
JOBS = ("order", "wait", "keep", "order_many", "keep_many", "keep_lost")


def read_events(path: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the events of the Dag's tasks, by task and type."""
    events: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for line in path.read_text().splitlines():
        event = json.loads(line)
        dag_id, _, task_id = event["job"]["name"].partition(".")
        if dag_id == "lineage" and task_id:
            events[task_id][event["eventType"]] = event
    return events


def names(datasets: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(dataset["namespace"], dataset["name"]) for dataset in datasets]


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file into which Airflow writes what it reports to OpenLineage."""
    return tmp_path_factory.mktemp("lineage") / "events.jsonl"


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory, vendors: Simulator, events: Path) -> Iterator[RealAirflow]:
    """Run an Airflow that reports to OpenLineage."""
    dags = tmp_path_factory.mktemp("dags")
    for dag in (HERE / "dags" / "lineage.py", HERE.parent.parent / "example_dags" / "example_wait_without_worker.py"):
        shutil.copy(dag, dags)
    transport = {"type": "file", "log_file_path": str(events), "append": True}
    connection = {"conn_type": "tavus", "host": vendors.vendor_url("tavus"), "password": KEY}
    settings = {
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
        "AIRFLOW_CONN_TAVUS_DEFAULT": json.dumps(connection),
    }
    with RealAirflow(tmp_path_factory.mktemp("airflow"), dags, settings) as airflow:
        yield airflow


def test_with_a_listener_airflow_refuses_a_dag_whose_task_ends_in_the_triggerer(telling: RealAirflow) -> None:
    [(file, error)] = telling.import_errors().items()
    assert file.endswith("example_wait_without_worker.py")
    assert "Listeners are not supported with end_from_trigger=True" in error


def test_openlineage_is_told_of_videos_and_files_and_of_no_url(
    telling: RealAirflow, events: Path, tmp_path: Path
) -> None:
    airflow = telling
    run_id = airflow.trigger("lineage", conf={"folder": f"{tmp_path}/"})
    assert airflow.wait_for_run("lineage", run_id, timeout=200) == "failed"
    deadline = time.monotonic() + 30
    # Events are written in a process beside the task's.
    while any(len(read_events(events)[task_id]) < 2 for task_id in JOBS) and time.monotonic() < deadline:
        time.sleep(0.5)
    told = read_events(events)
    assert {task_id: " ".join(sorted(told[task_id])) for task_id in JOBS} == {
        **dict.fromkeys(JOBS, "COMPLETE START"),
        "keep_lost": "FAIL START",
    }
    video_id = airflow.xcom("lineage", run_id, "order", "video_id")
    ordered, kept = told["order"]["COMPLETE"], told["keep"]["COMPLETE"]
    assert names(ordered["outputs"]) == names(kept["inputs"]) == [("tavus", video_id)]
    assert ordered["run"]["facets"]["externalQuery"]["externalQueryId"] == video_id
    file = airflow.xcom("lineage", run_id, "keep")
    [output] = kept["outputs"]
    assert names([output]) == [("file", file["path"])]
    assert output["facets"]["version"]["datasetVersion"] == file["sha256"]
    assert output["outputFacets"]["outputStatistics"]["size"] == file["bytes"]
    many = names(told["order_many"]["COMPLETE"]["outputs"])
    assert len(many) == 2
    assert names(told["keep_many"]["COMPLETE"]["inputs"]) == many
    written = events.read_text()
    for text in (KEY, SIGNATURE, "/media/"):
        assert text not in written, text
