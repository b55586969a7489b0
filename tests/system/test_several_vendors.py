# SPDX-License-Identifier: Apache-2.0
"""The example Dags that order from several vendors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_videos.simulator import Fault, Simulator
from local_airflow.real_airflow import RealAirflow
from tests.vendor_kit import REQUESTS

pytestmark = pytest.mark.system

SECOND = {"conn_id": "runway_default", "request": REQUESTS["runway"]}


def states(airflow: RealAirflow, dag_id: str, run_id: str) -> dict[str, str]:
    return {task["task_id"]: task["state"] for task in airflow.task_instances(dag_id, run_id)}


@pytest.mark.long
def test_several_vendors_are_ordered_from_and_what_they_made_is_gathered(
    airflow: RealAirflow, vendors: Simulator
) -> None:
    # A task for each of all ten at once keeps a small machine busy for minutes.
    kinds = {"avatars": ("heygen", "tavus"), "clips": ("fal", "kling", "together")}
    vendors.add_fault(Fault("status", status=422, vendor="fal", endpoint="create", times=1))
    dag_id = "example_several_vendors"
    orders = {
        kind: [{"conn_id": f"{vendor}_default", "request": REQUESTS[vendor]} for vendor in names]
        for kind, names in kinds.items()
    }
    run_id = airflow.trigger(dag_id, conf=orders)
    assert airflow.wait_for_run(dag_id, run_id, timeout=240) == "success"
    rows = airflow.xcom(dag_id, run_id, "gather")
    assert [row["vendor"] for row in rows] == ["heygen", "tavus", "kling", "together"]
    assert all(row["url"] and row["seconds_to_make"] > 0 for row in rows)
    assert [row["credits"] for row in rows if row["vendor"] == "kling"] == [4]
    assert all(row["cost"] > 0 for row in rows if row["vendor"] == "together")


def test_a_second_vendor_is_ordered_from_only_if_the_first_one_has_certainly_failed(
    airflow: RealAirflow, vendors: Simulator
) -> None:
    dag_id = "example_second_vendor"
    before = vendors.record.created.copy()
    no_units = json.dumps({"code": 1102, "message": "Resource pack exhausted"})
    vendors.add_fault(Fault("json", status=429, vendor="kling", endpoint="create", body=no_units))
    vendors.add_fault(Fault("accept_then_reset", vendor="minimax", times=1))
    runs = {
        vendor: airflow.trigger(
            dag_id, conf={"first": {"conn_id": f"{vendor}_default", "request": REQUESTS[vendor]}, "second": SECOND}
        )
        for vendor in ("luma", "heygen", "kling", "minimax")
    }
    airflow.wait_for_task(dag_id, runs["heygen"], "first", "deferred")
    failing: Any = airflow.xcom(dag_id, runs["heygen"], "first", "video_id")
    vendors.set_video("heygen", failing, outcome="failed")
    ended = {vendor: airflow.wait_for_run(dag_id, run_id, timeout=240) for vendor, run_id in runs.items()}
    tasks = {vendor: states(airflow, dag_id, run_id) for vendor, run_id in runs.items()}
    names = ("first", "has_first_failed", "second", "use")
    assert {vendor: [tasks[vendor][name] for name in names] for vendor in runs} == {
        "luma": ["success", "success", "skipped", "success"],
        "heygen": ["failed", "success", "success", "success"],
        "kling": ["failed", "success", "success", "success"],
        # Its answer was lost, so it may still make the video.
        "minimax": ["failed", "failed", "upstream_failed", "upstream_failed"],
    }
    assert ended == {"luma": "success", "heygen": "success", "kling": "success", "minimax": "failed"}
    ordered = {vendor: number - before.get(vendor, 0) for vendor, number in vendors.record.created.items()}
    assert {vendor: ordered.get(vendor, 0) for vendor in ("kling", "minimax", "runway")} == {
        "kling": 0,
        "minimax": 1,
        "runway": 2,
    }
    assert "Resource pack exhausted" in airflow.xcom(dag_id, runs["kling"], "first", "refusal")["message"]
    assert "may still make its video" in airflow.log(dag_id, runs["minimax"], "has_first_failed")
