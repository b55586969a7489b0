# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from airflow_provider_videos.simulator import Simulator
from local_airflow.real_airflow import RealAirflow

pytestmark = pytest.mark.system


def test_what_no_retry_can_cure_fails_at_once_and_is_never_skipped(airflow: RealAirflow, vendors: Simulator) -> None:
    created = dict(vendors.record.created)
    run_id = airflow.trigger("bad_input")
    assert airflow.wait_for_run("bad_input", run_id) == "failed"
    tasks = airflow.task_instances("bad_input", run_id)
    ended = {task["task_id"]: (task["state"], task["try_number"]) for task in tasks}
    orders = ("order_empty", "order_refused", "order_mapped")
    others = ("get", "delete", "keep", "wait", "wait_deferrable", "wait_without_worker")
    assert ended == dict.fromkeys((*orders, *others), ("failed", 1))
    assert vendors.record.created == created
    assert "Nothing was ordered. Correct the fields" in airflow.log("bad_input", run_id, "order_refused")
    assert "timeout must be seconds above 0" in airflow.log("bad_input", run_id, "order_mapped", map_index=0)
    assert "video_id: the id is empty" in airflow.log("bad_input", run_id, "wait_without_worker")


def test_a_task_that_pushes_no_xcom_leaves_none(airflow: RealAirflow) -> None:
    run_id = airflow.trigger("quiet")
    for mode in ("sync", "deferrable"):
        airflow.wait_for_task("quiet", run_id, mode, "running" if mode == "sync" else "deferred")
        assert airflow.xcom_keys("quiet", run_id, mode) == []
    assert airflow.wait_for_run("quiet", run_id) == "success"
    for mode in ("sync", "deferrable"):
        assert airflow.xcom_keys("quiet", run_id, mode) == []
