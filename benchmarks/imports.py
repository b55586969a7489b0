# SPDX-License-Identifier: Apache-2.0
"""Measures what importing a sensor costs, which every parse of a Dag pays: ``python -m benchmarks.imports``."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.setting import child_environment

CHECKOUT = Path(__file__).resolve().parent.parent
TITLES = {
    "airflow_provider_videos.sensors.video": "`VideoSensor`",
    "airflow.providers.http.sensors.http": "http provider's sensor",
    "airflow.providers.dbt.cloud.sensors.dbt": "dbt Cloud's sensor",
}
MAX_MODULES = 25
MAX_MEMORY_MB = 2.0
TIME_LIMIT = 120.0
# Nothing else may be imported in that process: what it brings would be missing in the figures.
MEASURE = """
import sys, time
from airflow.sdk import BaseSensorOperator

def memory():
    with open("/proc/self/smaps_rollup") as lines:
        return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("Private_"))

before = len(sys.modules), memory(), time.process_time() * 1e3
__import__(sys.argv[1])
after = len(sys.modules), memory(), time.process_time() * 1e3
print(*[new - old for new, old in zip(after, before)])
"""
FIGURES = ("modules", "memory", "cpu")


def median_of(module: str, runs: int) -> dict[str, float]:
    """Import a module in fresh processes, after what every Dag imports anyway, and give the median of each figure.

    The first process, which may still have to compile, does not count.

    :return: ``modules``, ``memory`` in MB that is shared with no other process, ``cpu`` in ms.
    """
    with tempfile.TemporaryDirectory(prefix="video-benchmark-") as home:
        environment = child_environment(home)
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        found = [
            subprocess.run(
                [sys.executable, "-c", MEASURE, module],
                env=environment,
                cwd=CHECKOUT,
                stdout=subprocess.PIPE,
                timeout=TIME_LIMIT,
                check=True,
            ).stdout.split()[-len(FIGURES) :]
            for _ in range(runs + 1)
        ][1:]
    columns = zip(*found, strict=True)
    return {figure: statistics.median(map(float, column)) for figure, column in zip(FIGURES, columns, strict=True)}


def main() -> None:
    """Print a table, and whether the package's own sensor is as light as it has to be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imports", description="Measures imports of sensors.")
    parser.add_argument("--runs", type=int, default=5, help="fresh processes per sensor, of which the median is taken")
    arguments = parser.parse_args()
    print("| over `from airflow.sdk import BaseSensorOperator` | modules | memory (MB) | CPU (ms) |")
    print("|---|--:|--:|--:|")
    for module, title in TITLES.items():
        row = median_of(module, arguments.runs)
        print(f"| {title} | {row['modules']:.0f} | {row['memory']:.1f} | {row['cpu']:.0f} |", flush=True)
        if module.startswith("airflow_provider_videos"):
            is_met = row["modules"] <= MAX_MODULES and row["memory"] <= MAX_MEMORY_MB
    print(f"| to reach: at most | {MAX_MODULES} | {MAX_MEMORY_MB:.1f} | |")
    print(f"\nThe package's own sensor is {'' if is_met else '**not** '}within that.")


if __name__ == "__main__":
    main()
