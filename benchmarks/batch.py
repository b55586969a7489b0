# SPDX-License-Identifier: Apache-2.0
"""Measures a catalogue of videos in a real Airflow, and prints a table: ``python -m benchmarks.batch [--only …]``.

Each variant orders videos that take a minute, waits for them and keeps their files of 1 MB. Batch and mapped tasks are
this package's; the loop is what one writes by hand into a PythonOperator.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import math
import os
import sys
import threading
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, Self

import psutil

from airflow_provider_videos.simulator import Reply, VendorRequest
from airflow_provider_videos.simulator.vendors.tavus import VENDOR as TAVUS
from airflow_provider_videos.simulator.vendors.tavus import create
from benchmarks.modes import ENDED, cpu_seconds, simulated
from local_airflow.real_airflow import RealAirflow

POKE_INTERVAL = 10
MEDIA_BYTES = 1_000_000
QUEUED = 1.0
PARALLELISM = 8
REST_SECONDS = 60.0
MEMORY_INTERVAL = 2.0
#: What the batch tasks have to reach at 100 videos at once: of the mapped tasks' CPU per video, and of the loop's.
MAPPED_PART, LOOP_TIMES = 1 / 20, 3.0
#: Airflow's own defaults, where the tests' Airflow looks more often; but a busy machine may take long to import a Dag.
SETTINGS = {
    "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "300",
    "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "5",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "5",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "1",
    "AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "15",
    "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "5",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "300",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to do it.

    :param title: what it is, for the table.
    :param kind: ``batch``, ``mapped`` or ``loop``.
    :param videos: how many videos.
    :param max_active: how many are under way at once; ``None`` is all.
    """

    title: str
    kind: str
    videos: int
    max_active: int | None

    def scaled(self, part: float) -> Self:
        """Return the same with fewer videos."""
        return dataclasses.replace(self, videos=max(math.ceil(self.videos * part), 1))


VARIANTS = {
    "batch_10": Variant(title="batch tasks, `max_active=10`", kind="batch", videos=100, max_active=10),
    "batch_100": Variant(title="batch tasks, `max_active=100`", kind="batch", videos=1_000, max_active=100),
    "batch_all": Variant(title="batch tasks, all at once", kind="batch", videos=1_000, max_active=None),
    "mapped": Variant(title="mapped tasks, all at once", kind="mapped", videos=100, max_active=None),
    "loop": Variant(title="a loop in a PythonOperator, 100 at once", kind="loop", videos=1_000, max_active=100),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figures:
    """What one variant took. Times are in seconds.

    :param wall: from when the run was triggered to when Airflow knows that it has ended.
    :param cpu: of all Airflow processes.
    :param at_rest: the part of that which Airflow needs in the same time without any task.
    :param processes: task processes that were started.
    :param resumes: how often a task that orders came back from the triggerer.
    :param most_active: the most videos that were under way at once.
    :param idle: mean number of places without a video, from when all were taken to the last order.
    :param triggerer: peak of the memory that the triggerer's processes share with no others, in bytes.
    :param triggerer_at_rest: the same before the run.
    :param load: the machine's load average of the last minute when the run began, and when it had ended.
    """

    wall: float
    cpu: float
    at_rest: float
    processes: int
    resumes: int
    most_active: int
    idle: float | None
    triggerer: int
    triggerer_at_rest: int
    load: tuple[float, float]


class Orders:
    """A vendor as Tavus is one, whose files have a size, and which notes when it was asked for a video."""

    def __init__(self) -> None:
        self.moments: list[float] = []
        endpoints = {**TAVUS.endpoints, "create": TAVUS.endpoints["create"]._replace(answer=self._create)}
        self.vendor = dataclasses.replace(TAVUS, conn_type="clips", endpoints=endpoints, at_root=False)

    def _create(self, request: VendorRequest) -> Reply:
        reply = create(request)
        if request.has_created:
            video_id = reply.body["video_id"]
            request.state.videos.change(self.vendor.conn_type, video_id, {"media_bytes": MEDIA_BYTES})
            self.moments.append(time.monotonic())
        return reply

    def most_active(self, seconds: float) -> int:
        """Return the most videos that were under way at once, if each is for so many seconds."""
        return max(self._active(moment, seconds) for moment in self.moments)

    def mean_idle(self, places: int, seconds: float) -> float | None:
        """Return how many places had no video on average, from when all were taken to the last order."""
        full = next((moment for moment in self.moments if self._active(moment, seconds) >= places), None)
        if full is None or full == self.moments[-1]:
            return None
        steps = 2_000
        width = (self.moments[-1] - full) / steps
        return sum(places - self._active(full + step * width, seconds) for step in range(steps)) / steps

    def _active(self, now: float, seconds: float) -> int:
        return sum(1 for moment in self.moments if now - seconds < moment <= now)


def main() -> None:
    """Measure the variants, each in an Airflow of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=list(VARIANTS), help="which variants")
    parser.add_argument("--part", type=float, default=1.0, help="part of the videos, for a try")
    parser.add_argument("--seconds", type=float, default=60.0, help="that the vendor takes for a video")
    parser.add_argument("--keep", type=Path, help="file that holds figures from run to run; default: none")
    arguments = parser.parse_args()
    measured = read(arguments.keep)
    for name in arguments.only:
        variant = VARIANTS[name].scaled(arguments.part)
        print(f"{variant.title}: {variant.videos:,} videos ...", file=sys.stderr, flush=True)
        measured[name] = measure(name, variant, arguments.seconds)
        if arguments.keep:
            figures = {key: dataclasses.asdict(value) for key, value in measured.items()}
            arguments.keep.write_text(json.dumps(figures, indent=2))
    print(table({name: VARIANTS[name].scaled(arguments.part) for name in VARIANTS if name in measured}, measured))


def read(file: Path | None) -> dict[str, Figures]:
    """Return the figures that a file holds."""
    if file is None or not file.exists():
        return {}
    return {name: Figures(**figures) for name, figures in json.loads(file.read_text()).items()}


def measure(name: str, variant: Variant, seconds: float) -> Figures:
    """Run one variant once.

    :param seconds: that the vendor takes for a video.
    """
    orders = Orders()
    catalogue = {
        "kind": variant.kind,
        "videos": variant.videos,
        "max_active": variant.max_active,
        "poke_interval": POKE_INTERVAL,
    }
    settings = SETTINGS | {"BENCHMARK_CATALOGUES": json.dumps({name: catalogue})}
    with simulated(0, {}, PARALLELISM, settings, generating=seconds, vendors=[orders.vendor]) as (airflow, _vendor):
        rest = cpu_at_rest(airflow)
        load_before = os.getloadavg()[0]
        with triggerer_memory(airflow) as memory:
            cpu_before, began_at = cpu_seconds(airflow), time.monotonic()
            run_id = airflow.trigger(name)
            query = "SELECT state FROM dag_run WHERE run_id = :run_id"
            while (state := airflow.rows(query, run_id=run_id)[0][0]) not in ENDED:
                time.sleep(1)
            wall, cpu = time.monotonic() - began_at, cpu_seconds(airflow) - cpu_before
        files = list(Path(airflow.home, "videos").rglob("*.mp4"))
        is_whole = len(files) == variant.videos and {file.stat().st_size for file in files} == {MEDIA_BYTES}
        if state != "success" or not is_whole or len(orders.moments) != variant.videos:
            raise RuntimeError(f"{name} ended as {state}, with {len(files)} files of {len(orders.moments)} orders")
        # Airflow's audit log has a line for each process that begins to run a task.
        query = "SELECT task_id, count(*) FROM log WHERE event = 'running' AND dag_id = :name GROUP BY task_id"
        processes = dict(map(tuple, airflow.rows(query, name=name)))
        instances = variant.videos if variant.kind == "mapped" else 1
        places, lasts = variant.max_active or variant.videos, QUEUED + seconds
        return Figures(
            wall=wall,
            cpu=cpu,
            at_rest=rest * wall,
            processes=sum(processes.values()),
            resumes=max(processes.get("order", 0) - instances, 0),
            most_active=orders.most_active(lasts),
            idle=orders.mean_idle(places, lasts),
            triggerer=max(memory),
            triggerer_at_rest=memory[0],
            load=(load_before, os.getloadavg()[0]),
        )


def cpu_at_rest(airflow: RealAirflow) -> float:
    """Return the CPU-seconds that all Airflow processes need in a second in which no task runs."""
    # Let what the start has queued pass.
    time.sleep(10)
    before = cpu_seconds(airflow)
    time.sleep(REST_SECONDS)
    return (cpu_seconds(airflow) - before) / REST_SECONDS


@contextlib.contextmanager
def triggerer_memory(airflow: RealAirflow) -> Generator[list[int]]:
    """Note every other second how much memory the triggerer's processes share with no others, in bytes."""
    samples = [_unique_memory(airflow)]
    is_over = threading.Event()

    def sample() -> None:
        while not is_over.wait(MEMORY_INTERVAL):
            samples.append(_unique_memory(airflow))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        is_over.set()
        thread.join()


def _unique_memory(airflow: RealAirflow) -> int:
    total = 0
    for process in airflow.processes("triggerer"):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().uss
    return total


def table(variants: dict[str, Variant], measured: dict[str, Figures]) -> str:
    """Write what was measured as a table, and below it what the batch tasks have to reach."""
    columns = (
        *("", "videos", "wall time (s)", "CPU of Airflow (s)", "at rest (s)", "CPU per video (s)", "task processes"),
        *("resumes", "most at once", "idle places", "triggerer, peak (MB)", "load"),
    )
    lines = [_row(columns), f"|---{'|--:' * (len(columns) - 1)}|"]
    for name, variant in variants.items():
        row = measured[name]
        cells = (
            variant.title,
            f"{variant.videos:,}",
            f"{row.wall:.0f}",
            f"{row.cpu:.0f}",
            f"{row.at_rest:.0f}",
            f"{row.cpu / variant.videos:.3f}",
            f"{row.processes:,}",
            f"{row.resumes:,}",
            f"{row.most_active:,}",
            "" if row.idle is None else f"{row.idle:.1f}",
            f"{row.triggerer / 1e6:.0f} (+{(row.triggerer - row.triggerer_at_rest) / 1e6:.0f})",
            f"{row.load[0]:.1f} to {row.load[1]:.1f}",
        )
        lines.append(_row(cells))
    return "\n".join([*lines, "", *_targets(variants, measured)])


def _targets(variants: dict[str, Variant], measured: dict[str, Figures]) -> list[str]:
    if not {"batch_100", "mapped", "loop"} <= measured.keys():
        return []
    per_video: dict[str, Any] = {name: measured[name].cpu / variant.videos for name, variant in variants.items()}
    batch, mapped, loop = (per_video[name] for name in ("batch_100", "mapped", "loop"))
    checks = (
        ("part of the mapped tasks' CPU per video", f"1/{1 / MAPPED_PART:.0f}", f"1/{mapped / batch:.0f}"),
        ("times the loop's CPU per video", f"{LOOP_TIMES:.1f}", f"{batch / loop:.1f}"),
    )
    met = (batch <= mapped * MAPPED_PART, batch <= loop * LOOP_TIMES)
    lines = ["| to reach at `max_active=100` | at most | measured | |", "|---|--:|--:|---|"]
    lines += [_row((*check, "yes" if is_met else "**no**")) for check, is_met in zip(checks, met, strict=True)]
    return [*lines, "", f"Mapped over 1,000 videos, the tasks would take {mapped * 1_000:,.0f} s of CPU."]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
