# SPDX-License-Identifier: Apache-2.0
"""Dags that start when videos of an account reach a terminal status."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_provider_videos.simulator import Simulator
from local_airflow.real_airflow import RealAirflow
from tests.system.conftest import KEY

pytestmark = pytest.mark.system

DAGS = Path(__file__).parent / "dags"


@pytest.fixture
def account(airflow: RealAirflow) -> Iterator[Simulator]:
    """Run an account of its own, and watch it while the test runs."""
    with Simulator(queued=0, generating=0, key=KEY) as simulator:
        old = simulator.add_video("tavus")
        connect_watched(airflow, simulator)
        watch(airflow, is_paused=False)
        wait_until(lambda: polls(simulator) >= 2, "polled twice")
        yield simulator
        watch(airflow, is_paused=True)
        assert old not in reported(airflow, "ready")


def connect_watched(airflow: RealAirflow, simulator: Simulator) -> None:
    connection = {"connection_id": "tavus_watched", "conn_type": "tavus", "host": simulator.url, "password": KEY}
    airflow.api("POST", "/connections", json=connection)


def watch(airflow: RealAirflow, *, is_paused: bool) -> None:
    for dag_id in ("watch_ready", "watch_failed"):
        airflow.api("PATCH", f"/dags/{dag_id}", json={"is_paused": is_paused})
    if not is_paused:
        # Airflow starts an asset's watchers when it parses a Dag of it.
        token = airflow.api("GET", "/dags/watch_ready").json()["file_token"]
        airflow.api("PUT", f"/parseDagFile/{token}")


def polls(simulator: Simulator) -> int:
    return simulator.record.requests.get("tavus list", 0)


def wait_until(condition: Callable[[], bool], what: str, timeout: float = 120) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"not {what} within {timeout} s"
        time.sleep(0.5)


def reported(airflow: RealAirflow, state: str) -> list[str]:
    """Return the ids that all ended runs of a Dag were started with."""
    dag_id = f"watch_{state}"
    runs = airflow.api("GET", f"/dags/{dag_id}/dagRuns").json()["dag_runs"]
    ended = [run["dag_run_id"] for run in runs if run["state"] == "success"]
    return [video_id for run_id in ended for video_id in airflow.xcom(dag_id, run_id, "list_videos")]


def test_fifty_videos_at_once_start_the_dag_and_each_is_reported_once(airflow: RealAirflow, account: Simulator) -> None:
    ready = {account.add_video("tavus") for _ in range(50)}
    failed = account.add_video("tavus", outcome="failed")
    wait_until(lambda: ready <= {*reported(airflow, "ready")}, "reported")
    wait_until(lambda: failed in reported(airflow, "failed"), "reported as failed")
    before = polls(account)
    wait_until(lambda: polls(account) >= before + 2, "polled twice more")
    assert sorted(reported(airflow, "ready")) == sorted(ready)
    assert reported(airflow, "failed") == [failed]


@pytest.mark.long
def test_what_becomes_ready_while_no_triggerer_runs_is_reported_after(tmp_path: Path) -> None:
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "watching.py").write_text((DAGS / "watching.py").read_text())
    with (
        Simulator(queued=0, generating=0, key=KEY) as simulator,
        RealAirflow(tmp_path / "airflow", dags) as airflow,
    ):
        old = simulator.add_video("tavus")
        connect_watched(airflow, simulator)
        watch(airflow, is_paused=False)
        wait_until(lambda: polls(simulator) >= 2, "polled twice")
        first = simulator.add_video("tavus")
        wait_until(lambda: first in reported(airflow, "ready"), "reported")
        before = polls(simulator)
        wait_until(lambda: polls(simulator) >= before + 2, "polled twice more")
        airflow.kill("triggerer")
        meanwhile = {simulator.add_video("tavus") for _ in range(50)}
        airflow.start("triggerer")
        wait_until(lambda: meanwhile <= {*reported(airflow, "ready")}, "reported")
        before = polls(simulator)
        wait_until(lambda: polls(simulator) >= before + 2, "polled twice more")
        assert sorted(reported(airflow, "ready")) == sorted({first, *meanwhile})
        assert old not in reported(airflow, "ready")
