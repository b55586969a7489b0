# SPDX-License-Identifier: Apache-2.0
"""Kills a worker and a triggerer among waits and orders: ``python -m benchmarks.failover [--waits 500] [--orders 50]``.

``python scripts/test.py --backend postgres`` runs it on PostgreSQL and Celery. On SQLite and LocalExecutor only a
triggerer is killed. Ends with 1 if a wait or an order was lost, if a wait ended twice, or if a video was ordered twice.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import requests

from airflow_provider_videos.simulator import Fault, Simulator
from benchmarks.modes import MODES, simulated
from local_airflow.real_airflow import RealAirflow

PER_RUN = 10
MODE = "no_worker"
ORDERS = "orders"
LIMIT = 1800.0
SETTINGS = {
    # Airflow's default; the tests have a shorter one.
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "30",
    # When Airflow gives up a task whose worker is dead (default: 300 s), or that a dead worker was to run (600 s).
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "120",
}
#: Seconds that the vendor takes for the answer to an order, and for a video: none is ready before the kill.
ORDERING, GENERATING = 2.0, 120.0


def main() -> None:
    """Let all waits begin and some orders be accepted, kill, and see how each ends."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.failover", description=__doc__)
    parser.add_argument("--waits", type=int, default=500, help="how many wait at once, a multiple of 10")
    parser.add_argument("--orders", type=int, default=50, help="how many are ordered, a multiple of 10")
    options = parser.parse_args()
    with simulated(PER_RUN, {MODE: MODES[MODE]}, 8, SETTINGS, GENERATING) as (airflow, vendor):
        video_ids = [vendor.add_video("tavus", outcome="stuck") for _ in range(options.waits)]
        if not airflow.has_workers:
            airflow.start("triggerer-2")
        for start in range(0, options.waits, PER_RUN):
            trigger(airflow, MODE, video_ids[start : start + PER_RUN])
        until_polled(vendor, video_ids, after=0.0)
        vendor.add_fault(Fault("latency", method="POST", seconds=ORDERING))
        for _ in range(0, options.orders, PER_RUN):
            trigger(airflow, ORDERS)
        until(lambda: created(vendor) >= options.orders // 3, "a third of the orders accepted")
        polled = [*video_ids, *deferred_orders(airflow)]
        say(f"{options.waits} waits under way; triggers: {counts(airflow, 'trigger', 'triggerer_id')}")
        say(f"{options.orders} orders: {created(vendor)} accepted, tasks {order_states(airflow)}")
        killed_at = time.monotonic()
        kill(airflow)
        until_polled(vendor, polled, after=killed_at)
        say(f"each of {len(polled)} videos that a triggerer polled was polled again {since(killed_at)} after the kill")
        until(lambda: order_states(airflow) == {"success": options.orders}, "all orders ended")
        say(f"all orders ended {since(killed_at)} after the kill")
        for video_id in video_ids:
            vendor.set_video("tavus", video_id, outcome="ready")
        until(lambda: len(ends(airflow, MODE)) >= options.waits, "all waits ended")
        check(airflow, vendor, video_ids, options.orders)


def trigger(airflow: RealAirflow, dag_id: str, video_ids: Iterable[str] = ()) -> None:
    """Trigger a run, again if SQLite is busy."""
    for _ in range(10):
        with contextlib.suppress(requests.HTTPError):
            airflow.trigger(dag_id, conf={"video_ids": list(video_ids)})
            return
        time.sleep(2)
    raise RuntimeError("no run can be triggered")


def kill(airflow: RealAirflow) -> None:
    """Send SIGKILL to all processes of a triggerer, and of a worker if there is one apart from the scheduler."""
    if airflow.has_workers:
        running = {pid for (pid,) in airflow.rows("SELECT pid FROM task_instance WHERE state = 'running'")}
        tasks = sum(process.pid in running for process in airflow.processes("worker"))
        airflow.kill("worker")
        say(f"a worker is killed, with {tasks} tasks that were running in it")
    airflow.kill("triggerer")
    say("a triggerer is killed")


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until something is true; end with what it should have been after half an hour."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"Not {what} after {LIMIT:.0f} s")
        time.sleep(1)


def until_polled(vendor: Simulator, video_ids: Iterable[str], *, after: float) -> None:
    """Wait until each video was polled after a moment."""
    missing = set(video_ids)

    def is_done() -> bool:
        missing.intersection_update({
            video_id for video_id in missing if (vendor.requests_for(video_id) or [0.0])[-1] <= after
        })
        return not missing

    until(is_done, "every video polled")


def created(vendor: Simulator) -> int:
    """Return how many orders the vendor has accepted."""
    return sum(vendor.record.created.values())


def deferred_orders(airflow: RealAirflow) -> list[str]:
    """Return the videos of the orders that wait in a triggerer: those whose task has said so."""
    query = (
        "SELECT x.value FROM task_instance ti JOIN xcom x ON x.dag_id = ti.dag_id AND x.run_id = ti.run_id "
        "AND x.task_id = ti.task_id WHERE ti.dag_id = :dag_id AND ti.state = 'deferred' AND x.key = 'waiting'"
    )
    return [decoded(value)["video_id"] for (value,) in airflow.rows(query, dag_id=ORDERS)]


def order_states(airflow: RealAirflow) -> dict[str, int]:
    """Return how many tasks that order are in which state."""
    query = "SELECT state, count(*) FROM task_instance WHERE dag_id = :dag_id GROUP BY state"
    return {state or "none": count for state, count in airflow.rows(query, dag_id=ORDERS)}


def counts(airflow: RealAirflow, table: str, column: str) -> list[int]:
    """Return how many rows of a table there are with each value of a column, the most first."""
    rows = airflow.rows(f"SELECT count(*) FROM {table} GROUP BY {column}")
    return sorted((count for (count,) in rows), reverse=True)


def ends(airflow: RealAirflow, dag_id: str) -> list[tuple[str, float]]:
    """Return the video's id of each task of a Dag that has succeeded, and when that ended (Unix seconds)."""
    query = (
        "SELECT x.value, ti.end_date FROM task_instance ti JOIN xcom x ON x.dag_id = ti.dag_id "
        "AND x.run_id = ti.run_id AND x.task_id = ti.task_id AND x.map_index = ti.map_index "
        "WHERE ti.dag_id = :dag_id AND ti.state = 'success' AND x.key = 'return_value'"
    )
    found = []
    for value, end_date in airflow.rows(query, dag_id=dag_id):
        moment = datetime.fromisoformat(end_date) if isinstance(end_date, str) else end_date
        found.append((decoded(value)["video_id"], moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()))
    return found


def decoded(value: Any) -> Any:
    """Return the value of an XCom from its column, which is JSON, in some databases as a text."""
    while isinstance(value, str):
        value = json.loads(value)
    return value


def check(airflow: RealAirflow, vendor: Simulator, video_ids: list[str], orders: int) -> None:
    """Compare what the tasks returned with what they waited for and ordered; end with 1 if that isn't the same."""
    waited, ordered = (Counter(video_id for video_id, _ in ends(airflow, dag_id)) for dag_id in (MODE, ORDERS))
    lost = set(video_ids) - set(waited)
    twice = [video_id for video_id, times in waited.items() if times > 1]
    say(f"waits: {waited.total()} ended, {len(lost)} lost, {len(twice)} twice")
    query = "SELECT try_number, count(*) FROM task_instance WHERE dag_id = :dag_id GROUP BY try_number"
    tries = dict(sorted(tuple(row) for row in airflow.rows(query, dag_id=ORDERS)))
    say(f"orders: {len(ordered)} videos returned, {created(vendor)} accepted; tasks by number of tries: {tries}")
    if lost or twice or not len(ordered) == created(vendor) == orders:
        raise SystemExit(1)


def since(moment: float) -> str:
    """Return the time since a moment as a text, and how busy the machine is."""
    return f"{time.monotonic() - moment:.0f} s (load average {os.getloadavg()[0]:.1f})"


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


if __name__ == "__main__":
    main()
