# SPDX-License-Identifier: Apache-2.0
"""The example Dags that order from several vendors."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from airflow_provider_videos.simulator import Fault, Simulator
from local_airflow.real_airflow import RealAirflow
from tests.system.conftest import KEY, connect, starts
from tests.vendor_kit import REQUESTS

pytestmark = pytest.mark.system


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


@contextmanager
def second_vendor(airflow: RealAirflow, _: Simulator) -> Generator[tuple[Simulator, dict[str, str]]]:
    with Simulator(key=KEY) as vendors, Simulator(key=KEY) as failing:
        failing.outcome = "failed"
        no_units = json.dumps({"code": 1102, "message": "Resource pack exhausted"})
        vendors.add_fault(Fault("json", status=429, vendor="kling", endpoint="create", body=no_units))
        vendors.add_fault(Fault("accept_then_reset", vendor="minimax", times=1))
        firsts = ("luma", "heygen", "kling", "minimax")
        for vendor in (*firsts, "runway"):
            connect(airflow, f"{vendor}_of_two", vendor, failing if vendor == "heygen" else vendors)
        second = {"conn_id": "runway_of_two", "request": REQUESTS["runway"]}
        runs = {}
        for vendor in firsts:
            first = {"conn_id": f"{vendor}_of_two", "request": REQUESTS[vendor]}
            runs[vendor] = airflow.trigger("example_second_vendor", conf={"first": first, "second": second})
        yield vendors, runs


@starts(second_vendor)
def test_a_second_vendor_is_ordered_from_only_if_the_first_one_has_certainly_failed(
    airflow: RealAirflow, started: tuple[Simulator, dict[str, str]]
) -> None:
    dag_id, (vendors, runs) = "example_second_vendor", started
    ended = {vendor: airflow.wait_for_run(dag_id, run_id, timeout=300) for vendor, run_id in runs.items()}
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
    assert vendors.record.created == {"luma": 1, "minimax": 1, "runway": 2}
    assert "Resource pack exhausted" in airflow.xcom(dag_id, runs["kling"], "first", "refusal")["message"]
    assert "may still make its video" in airflow.log(dag_id, runs["minimax"], "has_first_failed")
