# SPDX-License-Identifier: Apache-2.0
"""Measures the ways to wait in a real Airflow, and prints a table: ``python -m benchmarks.modes [--waits 50]``."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from airflow_provider_videos.simulator import SimulatedVendor, Simulator
from local_airflow.real_airflow import RealAirflow

KEY = "benchmark-key"
POKE_INTERVAL = 5
MODES: dict[str, dict[str, Any]] = {
    "poke": {"deferrable": False},
    "reschedule": {"deferrable": False, "mode": "reschedule"},
    "deferrable": {"deferrable": True},
    "no_worker": {"start_from_trigger": True, "end_from_trigger": True},
}
TITLES = {
    "poke": '`mode="poke"`',
    "reschedule": '`mode="reschedule"`',
    "deferrable": "`deferrable=True`",
    "no_worker": "`start_from_trigger=True, end_from_trigger=True`",
}
ENDED = {"success", "failed"}
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")


class Figures(NamedTuple):
    """What one run took: seconds, CPU-seconds of all Airflow processes, and task processes started."""

    wall: float
    cpu: float
    processes: int


def main() -> None:
    """Measure each mode, one after the other, in one Airflow."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.modes", description=__doc__)
    parser.add_argument("--waits", type=int, default=50, help="how many wait at once")
    parser.add_argument("--seconds", type=float, default=15.0, help="after which a video is ready")
    parser.add_argument("--parallelism", type=int, default=16, help="task processes at once")
    parser.add_argument("--only", nargs="+", choices=MODES, default=list(MODES))
    arguments = parser.parse_args()
    rows = []
    with simulated(arguments.waits, {mode: MODES[mode] for mode in arguments.only}, arguments.parallelism) as (
        airflow,
        vendor,
    ):
        for mode in arguments.only:
            print(f"{TITLES[mode]} ...", file=sys.stderr, flush=True)
            figures = measure(airflow, vendor, mode, arguments.waits, arguments.seconds)
            rows.append(f"| {TITLES[mode]} | {figures.wall:.0f} | {figures.cpu:.0f} | {figures.processes} |")
    print(
        f"\n{arguments.waits} waits for videos that take {arguments.seconds:g} s, looked at every {POKE_INTERVAL} s\n"
    )
    print("| | wall time (s) | CPU of Airflow (s) | task processes |\n|---|--:|--:|--:|")
    print("\n".join(rows))


@contextlib.contextmanager
def simulated(
    waits: int,
    modes: dict[str, dict[str, Any]],
    parallelism: int,
    settings: Mapping[str, str] | None = None,
    generating: float = 3.0,
    vendors: Sequence[SimulatedVendor] = (),
) -> Generator[tuple[RealAirflow, Simulator]]:
    """Run an Airflow that has a Dag for each mode, and the vendor that it asks.

    :param waits: how many a run of a Dag has.
    :param modes: the sensor's arguments, by the Dag's name.
    :param parallelism: how many task processes may run at once.
    :param settings: more settings of Airflow, ``AIRFLOW__SECTION__OPTION`` each.
    :param generating: seconds that the vendor takes for a video that Airflow orders.
    :param vendors: vendors of a run's own; the first one stands for Tavus then.
    """
    with (
        tempfile.TemporaryDirectory(prefix="video-benchmark-") as home,
        Simulator(key=KEY, generating=generating, vendors=vendors) as vendor,
    ):
        url = vendor.vendor_url(vendors[0].conn_type) if vendors else vendor.url
        environment = {
            "AIRFLOW__CORE__PARALLELISM": str(parallelism),
            "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": "100000",
            "AIRFLOW__SCHEDULER__MAX_TIS_PER_QUERY": "512",
            "AIRFLOW__TRIGGERER__CAPACITY": "10000",
            "AIRFLOW_CONN_TAVUS_DEFAULT": json.dumps({"conn_type": "tavus", "host": url, "password": KEY}),
            **(settings or {}),
            "BENCHMARK_WAITS": str(waits),
            "BENCHMARK_MODES": json.dumps({
                mode: {"poke_interval": POKE_INTERVAL, **options} for mode, options in modes.items()
            }),
        }
        with RealAirflow(Path(home), Path(__file__).parent / "dags", environment) as airflow:
            yield airflow, vendor


def measure(airflow: RealAirflow, vendor: Simulator, mode: str, waits: int, seconds: float) -> Figures:
    """Let all waits of one mode run to their ends."""
    video_ids = [vendor.add_video("tavus", generating=seconds) for _ in range(waits)]
    cpu_before, started_at = cpu_seconds(airflow), time.monotonic()
    run_id = airflow.trigger(mode, conf={"video_ids": video_ids})
    query = "SELECT state FROM dag_run WHERE run_id = :run_id"
    while (state := airflow.rows(query, run_id=run_id)[0][0]) not in ENDED:
        time.sleep(1)
    wall, cpu = time.monotonic() - started_at, cpu_seconds(airflow) - cpu_before
    if state != "success":
        raise RuntimeError(f"{mode} ended as {state}")
    # Airflow's audit log has a line for each process that begins to run a task.
    query = "SELECT count(*) FROM log WHERE event = 'running' AND dag_id = :mode"
    return Figures(wall, cpu, airflow.rows(query, mode=mode)[0][0])


def cpu_seconds(airflow: RealAirflow) -> float:
    """CPU time of all Airflow processes, those that have ended included."""
    total = 0.0
    for component in COMPONENTS:
        for process in airflow.processes(component):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += sum(process.cpu_times()[:4])
    return total


if __name__ == "__main__":
    main()
