# SPDX-License-Identifier: Apache-2.0
"""Measures how late waits without a worker end that end together: ``python -m benchmarks.ends [--waits 500]``.

On SQLite and LocalExecutor; ``python scripts/backend.py postgres -m benchmarks.ends`` runs it on PostgreSQL and Celery.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

from airflow_provider_videos.simulator import Simulator
from benchmarks.failover import MODE, ends, say, trigger, until_polled
from benchmarks.modes import MODES, simulated
from local_airflow.real_airflow import RealAirflow

LIMIT = 900.0


def main() -> None:
    """Let all waits begin, let their videos become ready within a few seconds, and see when each task has ended."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ends", description=__doc__)
    parser.add_argument("--waits", type=int, default=500, help="how many end together")
    parser.add_argument("--per-run", type=int, default=10, help="waits in a run of the Dag; a divisor of the former")
    parser.add_argument("--within", type=float, default=5.0, help="seconds in which the videos become ready")
    arguments = parser.parse_args()
    with simulated(arguments.per_run, {MODE: MODES[MODE]}, parallelism=4) as (airflow, vendor):
        measure(airflow, vendor, waits=arguments.waits, per_run=arguments.per_run, within=arguments.within)


def measure(airflow: RealAirflow, vendor: Simulator, *, waits: int, per_run: int, within: float) -> None:
    """Measure one setting, and print a line."""
    video_ids = [vendor.add_video("tavus", outcome="stuck") for _ in range(waits)]
    for start in range(0, waits, per_run):
        trigger(airflow, MODE, video_ids[start : start + per_run])
    until_polled(vendor, video_ids, after=0.0)
    say(f"{waits} waits are in the triggerer")
    # Let what the start has queued pass.
    time.sleep(20)
    ready_at: dict[str, float] = {}
    for video_id in video_ids:
        vendor.set_video("tavus", video_id, outcome="ready")
        ready_at[video_id] = time.time()
        time.sleep(within / waits)
    deadline = time.monotonic() + LIMIT
    while len(ended := dict(ends(airflow, MODE))) < waits and time.monotonic() < deadline:
        time.sleep(2)
    delays = sorted(ended[video_id] - ready for video_id, ready in ready_at.items() if video_id in ended)
    say(
        f"{len(delays)} of {waits} ended; after ready, in seconds: median {statistics.median(delays):.1f}, "
        f"99th percentile {delays[int(len(delays) * 0.99)]:.1f}, last {delays[-1]:.1f}; "
        f"load average {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
