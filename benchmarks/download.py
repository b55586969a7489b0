# SPDX-License-Identifier: Apache-2.0
"""Measures how fast a video's file is kept, and in how much memory: ``python -m benchmarks.download``."""

from __future__ import annotations

import argparse
import dataclasses
import os
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.setting import child_environment

CHECKOUT = Path(__file__).resolve().parent.parent
MIN_RATIO = 0.9
MAX_MEMORY = 64 * 1024**2
TIME_LIMIT = 900.0
SERVE = """
import sys
from airflow_provider_videos.simulator import Simulator
with Simulator(queued=0, generating=0) as simulator:
    simulator.add_video("tavus", video_id="v", media_bytes=int(sys.argv[1]))
    print(simulator.port, flush=True)
    sys.stdin.read()
"""
STORE = """
import sys
import benchmarks
from object_store import object_store
with object_store() as store:
    print(store.uri, flush=True)
    sys.stdin.read()
"""
# What is measured is the task's own work: what is imported for it is there before.
KEEP = """
import re, sys, time
from airflow_provider_videos.download.video_download import DownloadOptions, VideoDownload
from airflow_provider_videos.download.target import Target
from airflow_provider_videos.hooks.video import VideoHook

def memory(field):
    with open("/proc/self/status") as lines:
        return int(re.search(rf"{field}:\\s+(\\d+)", lines.read()).group(1)) * 1024

hook = VideoHook.get_hook("tavus_default")
target = Target(sys.argv[1], storage_conn_id=sys.argv[2] or None)
options = DownloadOptions(overwrite=True, max_bytes=None, max_attempts=1, with_thumbnail=False, with_record=False)
with open("/proc/self/clear_refs", "w") as peak:
    # Forgets the peak of what was imported.
    peak.write("5")
memory_before, cpu_before, began = memory("VmRSS"), time.process_time(), time.monotonic()
VideoDownload(hook, "v", target, options).keep()
print(time.monotonic() - began, time.process_time() - cpu_before, max(memory("VmHWM") - memory_before, 0))
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """One transfer. Times are in seconds, memory in bytes.

    :param seconds: from the request to the file.
    :param cpu: user and system time of all its processes.
    :param memory: by how much the process grew, ``None`` if it isn't one.
    """

    seconds: float
    cpu: float
    memory: int | None = None


def measure_curl(url: str, folder: Path, *, is_synced: bool) -> Run:
    """Transfer the file with what a person would type."""
    file = shlex.quote(str(folder / "curl.mp4"))
    command = f"curl -sSf {shlex.quote(url)} | tee {file} | sha256sum{f' && sync {file}' if is_synced else ''}"
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(["sh", "-c", command], stdout=subprocess.DEVNULL, timeout=TIME_LIMIT, check=True)
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Run(seconds=seconds, cpu=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def measure_ours(path: str, conn_id: str, environment: dict[str, str]) -> Run:
    """Transfer the file as the operator does, in a fresh process."""
    said = subprocess.run(
        [sys.executable, "-c", KEEP, path, conn_id],
        env=environment,
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        timeout=TIME_LIMIT,
        check=True,
        text=True,
    ).stdout.split()[-3:]
    return Run(seconds=float(said[0]), cpu=float(said[1]), memory=int(said[2]))


@contextmanager
def child(code: str, *arguments: str) -> Generator[str]:
    """Run a server in a process of its own; gives the line that it says."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def row(title: str, runs: list[Run], size: int) -> str:
    """Write the medians of some runs as a row of the table."""
    seconds = statistics.median(run.seconds for run in runs)
    cpu = statistics.median(run.cpu for run in runs)
    memory = [run.memory for run in runs if run.memory is not None]
    shown = f"{max(memory) / 1024**2:.1f}" if memory else ""
    return f"| {title} | {size / seconds / 1e6:.0f} | {seconds:.1f} | {cpu:.1f} | {shown} |"


def main() -> None:
    """Print a table, and whether the operator is as fast and as small as it has to be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.download", description="Measures keeping a file.")
    parser.add_argument("--bytes", type=int, default=2_000_000_000, help="size of the file (%(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each, of which the median is taken (%(default)s)")
    parser.add_argument("--folder", help="folder on the disk to write to (default: the one for temporary files)")
    parser.add_argument("--s3", action="store_true", help="also keep it on an S3 on this machine (moto), once")
    options = parser.parse_args()
    curl, synced, ours, stored = [], [], [], []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="video-benchmark-", dir=options.folder)))
        port = stack.enter_context(child(SERVE, str(options.bytes)))
        environment = child_environment(str(folder / "home"))
        environment["AIRFLOW_CONN_TAVUS_DEFAULT"] = f"tavus://:simulator-key@127.0.0.1:{port}/http"
        url = f"http://127.0.0.1:{port}/media/tavus/v.mp4"
        for _ in range(options.runs):
            # One after the other, so that what else the machine does strikes all of them alike.
            curl.append(measure_curl(url, folder, is_synced=False))
            synced.append(measure_curl(url, folder, is_synced=True))
            ours.append(measure_ours(f"{folder}/ours.mp4", "", environment))
        if options.s3:
            environment["AIRFLOW_CONN_STORE"] = stack.enter_context(child(STORE))
            stored.append(measure_ours("s3://videos/ours.mp4", "store", environment))
    os.sync()
    print("| | MB/s | seconds | CPU (s) | most memory over the start (MiB) |")
    print("|---|--:|--:|--:|--:|")
    print(row("`curl \\| tee file \\| sha256sum`", curl, options.bytes))
    print(row("the same, then `sync file`", synced, options.bytes))
    print(row("`DownloadVideoOperator`, local disk", ours, options.bytes))
    if stored:
        print(row("`DownloadVideoOperator`, S3 (moto)", stored, options.bytes))
    ratio = statistics.median(run.seconds for run in curl) / statistics.median(run.seconds for run in ours)
    memory = max(run.memory or 0 for run in [*ours, *stored])
    is_met = ratio >= MIN_RATIO and memory < MAX_MEMORY
    print(
        f"\nIt is {ratio:.2f} times as fast as curl (to reach: {MIN_RATIO}) and grows by {memory / 1024**2:.1f} MiB "
        f"(to reach: below {MAX_MEMORY / 1024**2:.0f}). That is {'' if is_met else '**not** '}reached."
    )


if __name__ == "__main__":
    main()
