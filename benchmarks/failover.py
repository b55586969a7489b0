# SPDX-License-Identifier: Apache-2.0
"""Kills a triggerer that holds all waits, with another one there: ``python -m benchmarks.failover [--waits 1000]``.

Ends with 1 if a wait was lost, or if one ended twice.
"""

from __future__ import annotations

import argparse
import contextlib
import sqlite3
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import requests

from benchmarks.modes import MODES, simulated
from tests.system.real_airflow import RealAirflow

WAITS_PER_RUN = 10
MODE = "no_worker"
LIMIT = 1800.0


def main() -> None:
    """Let all waits begin in one triggerer, kill it, and see how each ends."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.failover", description=__doc__)
    parser.add_argument("--waits", type=int, default=1000, help="how many wait at once, a multiple of 10")
    waits = parser.parse_args().waits
    with simulated(WAITS_PER_RUN, {MODE: MODES[MODE]}, parallelism=2) as (airflow, vendor):
        video_ids = [vendor.add_video("tavus", outcome="stuck") for _ in range(waits)]
        for start in range(0, waits, WAITS_PER_RUN):
            trigger(airflow, video_ids[start : start + WAITS_PER_RUN])
        until(airflow, waits, "SELECT count(*) FROM trigger WHERE triggerer_id IS NOT NULL")
        until_looked_at(vendor, video_ids, after=0.0)
        say(f"{waits} waits are in one triggerer")
        airflow.start("triggerer-2")
        killed_at = time.monotonic()
        airflow.kill("triggerer")
        say("it is killed, with another one there")
        until_looked_at(vendor, video_ids, after=killed_at)
        say(f"every video was looked at again {time.monotonic() - killed_at:.0f} s later")
        for video_id in video_ids:
            vendor.set_video("tavus", video_id, outcome="ready")
        until(airflow, waits, "SELECT count(*) FROM task_instance WHERE state = 'success'")
        say("all have ended")
        check(airflow.database, video_ids)


def trigger(airflow: RealAirflow, video_ids: list[str]) -> None:
    """Trigger a run, again if SQLite is busy."""
    for _ in range(10):
        with contextlib.suppress(requests.HTTPError):
            airflow.trigger(MODE, conf={"video_ids": video_ids})
            return
        time.sleep(2)
    raise RuntimeError("no run can be triggered")


def until(airflow: RealAirflow, count: int, query: str) -> None:
    """Wait until a query counts so many."""
    deadline = time.monotonic() + LIMIT
    while (seen := rows(airflow.database, query)[0][0]) < count:
        if time.monotonic() > deadline:
            raise SystemExit(f"{query}: {seen} of {count} after {LIMIT:.0f} s")
        time.sleep(1)


def until_looked_at(vendor: Any, video_ids: list[str], *, after: float) -> None:
    """Wait until each video was asked for after a moment."""
    deadline = time.monotonic() + LIMIT
    while missing := [video_id for video_id in video_ids if (vendor.requests_for(video_id) or [0.0])[-1] <= after]:
        if time.monotonic() > deadline:
            raise SystemExit(f"{len(missing)} videos were not looked at after {LIMIT:.0f} s")
        time.sleep(1)


def check(database: Path, video_ids: list[str]) -> None:
    """Compare what the tasks returned with what they waited for."""
    returned = Counter(
        video_id for (video_id,) in rows(database, "SELECT json_extract(value, '$') FROM xcom WHERE key = 'video_id'")
    )
    lost = set(video_ids) - set(returned)
    twice = [video_id for video_id, times in returned.items() if times > 1]
    tries = dict(rows(database, "SELECT try_number, count(*) FROM task_instance GROUP BY try_number"))
    processes = rows(database, "SELECT count(*) FROM log WHERE event = 'running'")[0][0]
    say(f"lost: {len(lost)}, twice: {len(twice)}, tasks by number of tries: {tries}, task processes: {processes}")
    if lost or twice or set(tries) != {1}:
        raise SystemExit(1)


def rows(database: Path, query: str) -> list[Any]:
    """Ask the metadata database."""
    with contextlib.closing(sqlite3.connect(database, timeout=60)) as connection:
        return connection.execute(query).fetchall()


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
