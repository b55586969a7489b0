# SPDX-License-Identifier: Apache-2.0
"""Tests a Dag that orders a video, without a vendor, a key or a bill: ``python -m pytest example_tests``.

Copy it beside your own tests, and change ``DAGS_FOLDER``, the id of the Dag and its parameters.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

DAGS_FOLDER = Path(__file__).parent.parent / "example_dags"

# Airflow reads these when it is first imported; an Airflow that you have takes no part in the tests.
HOME = tempfile.mkdtemp(prefix="airflow-tests-")
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
os.environ |= {
    "AIRFLOW_HOME": HOME,
    "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS_FOLDER),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME}/airflow.db",
}

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.models.dagrun import DagRun
from airflow.utils.db import initdb

from airflow_provider_videos.simulator import Fault, Simulator

pytest_plugins = ["airflow_provider_videos.simulator.pytest_plugin"]

Run = Callable[[], DagRun]


@pytest.fixture(scope="session", autouse=True)
def database() -> None:
    """Create the tables that ``dag.test()`` needs."""
    initdb()


@pytest.fixture
def run(video_simulator: Simulator) -> Run:
    """Return a function that runs the Dag to its end, deferred tasks included."""
    dag = DagBag(DAGS_FOLDER / "example_order_video.py").get_dag("example_order_video")
    # A test polls faster than the Dag does.
    dag.get_task("order").poke_interval = 0.1
    return lambda: dag.test(run_conf={"replica_id": "r1", "script": "Hello."})


def state_of(dag_run: DagRun, task_id: str) -> str:
    return str(dag_run.get_task_instance(task_id).state)


def result_of(dag_run: DagRun, task_id: str) -> Any:
    return dag_run.get_task_instance(task_id).xcom_pull(task_ids=task_id)


def test_the_next_task_gets_the_video(run: Run, video_simulator: Simulator) -> None:
    dag_run = run()
    assert dag_run.state == "success"
    assert result_of(dag_run, "order")["download_url"].startswith(video_simulator.url)
    assert video_simulator.record.created == {"tavus": 1}


def test_a_video_that_fails_fails_the_task_and_is_ordered_only_once(run: Run, video_simulator: Simulator) -> None:
    video_simulator.outcome = "failed"
    dag_run = run()
    assert (state_of(dag_run, "order"), state_of(dag_run, "show")) == ("failed", "upstream_failed")
    assert video_simulator.record.created == {"tavus": 1}


def test_a_vendor_that_is_down_for_a_moment_does_no_harm(run: Run, video_simulator: Simulator) -> None:
    video_simulator.add_fault(Fault("status", status=503, method="GET", times=2))
    assert run().state == "success"
    assert video_simulator.record.answers[503] == 2
    assert video_simulator.record.created == {"tavus": 1}
