# SPDX-License-Identifier: Apache-2.0
"""Measures how late waits without a worker end that end together: ``python -m benchmarks.ends [--waits 500]``.

On SQLite and LocalExecutor, unless ``--environment`` names another database and executor; see README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, create_engine, text

from airflow_provider_videos.simulator import Simulator
from benchmarks.failover import say, trigger, until_looked_at
from benchmarks.modes import MODES, simulated
from tests.system.components import AIRFLOW_COMMAND
from tests.system.real_airflow import RealAirflow

MODE = "no_worker"
DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
LIMIT = 900.0


def main() -> None:
    """Let all waits begin, let their videos become ready within a few seconds, and see when each task has ended."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ends", description=__doc__)
    parser.add_argument("--waits", type=int, default=500, help="how many end together")
    parser.add_argument("--per-run", type=int, default=10, help="waits in a run of the Dag; a divisor of the former")
    parser.add_argument("--within", type=float, default=5.0, help="seconds in which the videos become ready")
    parser.add_argument("--environment", help="settings of Airflow as a JSON object, AIRFLOW__SECTION__OPTION each")
    arguments = parser.parse_args()
    settings: dict[str, str] = json.loads(arguments.environment or "{}")
    if DATABASE in settings:
        subprocess.run([*AIRFLOW_COMMAND, "db", "migrate"], env={**os.environ, **settings}, check=True)
    os.environ.update(settings)
    with simulated(arguments.per_run, {MODE: MODES[MODE]}, parallelism=4) as (airflow, vendor):
        url = settings.get(DATABASE, f"sqlite:///{airflow.database}")
        measure(airflow, vendor, url, waits=arguments.waits, per_run=arguments.per_run, within=arguments.within)


def measure(airflow: RealAirflow, vendor: Simulator, url: str, *, waits: int, per_run: int, within: float) -> None:
    """Measure one setting, and print a line."""
    video_ids = [vendor.add_video("tavus", outcome="stuck") for _ in range(waits)]
    for start in range(0, waits, per_run):
        trigger(airflow, video_ids[start : start + per_run])
    until_looked_at(vendor, video_ids, after=0.0)
    say(f"{waits} waits are in the triggerer")
    # Let what the start has queued pass.
    time.sleep(20)
    ready_at: dict[str, float] = {}
    for video_id in video_ids:
        vendor.set_video("tavus", video_id, outcome="ready")
        ready_at[video_id] = time.time()
        time.sleep(within / waits)
    engine = create_engine(url)
    deadline = time.monotonic() + LIMIT
    while True:
        with engine.connect() as connection:
            ended = ends(connection)
        if len(ended) >= waits or time.monotonic() > deadline:
            break
        time.sleep(2)
    delays = sorted(ended[video_id] - ready for video_id, ready in ready_at.items() if video_id in ended)
    say(
        f"{len(delays)} of {waits} ended; after ready, in seconds: median {statistics.median(delays):.1f}, "
        f"99th percentile {delays[int(len(delays) * 0.99)]:.1f}, last {delays[-1]:.1f}"
    )


def ends(connection: Connection) -> dict[str, float]:
    """Return when each task that has succeeded ended (Unix seconds), by its video's id."""
    query = text(
        "SELECT ti.end_date, x.value FROM task_instance ti JOIN xcom x ON x.dag_id = ti.dag_id "
        "AND x.run_id = ti.run_id AND x.task_id = ti.task_id AND x.map_index = ti.map_index "
        "WHERE ti.state = 'success' AND x.key = 'return_value'"
    )
    found: dict[str, float] = {}
    for end_date, value in connection.execute(query):
        record: Any = value
        while isinstance(record, str):
            record = json.loads(record)
        moment = datetime.fromisoformat(end_date) if isinstance(end_date, str) else end_date
        found[record["video_id"]] = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    return found


if __name__ == "__main__":
    main()
