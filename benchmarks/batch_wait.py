# SPDX-License-Identifier: Apache-2.0
"""One batch's wait for all videos, as a worker makes it: ``python -m benchmarks.batch_wait SETTING PORT REPORT``.

It is started by :mod:`benchmarks.waits`. Airflow does not run beside it: the connection comes from the environment. A
trigger's wait is the same, with fewer first polls a second; the ids of 10,000 videos fit into no trigger.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from airflow_provider_videos.waiting.batch import BatchWait
from airflow_provider_videos.waiting.batch_worker import STARTS_PER_SECOND
from airflow_provider_videos.waiting.polling import PollingRules, Wait
from benchmarks.api import ask, raise_file_limit
from benchmarks.measuring import Measurement
from benchmarks.setting import RUNNER_CORE, Setting, pin, video_id

CONN_ID = "video_0"
#: Seconds between two looks at which videos have ended, which is how late they are noticed here.
STEP = 0.05


async def run(setting: Setting, port: int) -> dict[str, object]:
    """Wait for all videos, and say what that took."""
    measurement = Measurement(setting)
    await _batch([setting.waits], setting).run(CONN_ID, interval=1, report=lambda progress: None)  # the warm-up
    started_at = ask(port, "start")["started_at"]
    measurement.start(lambda: True)
    batch = _batch(range(setting.waits), setting)
    watcher = asyncio.create_task(_watch(batch, measurement))
    try:
        async with asyncio.timeout(setting.limit):
            await batch.run(
                CONN_ID,
                interval=setting.poll_interval,
                report=lambda progress: None,
                starts_per_second=STARTS_PER_SECOND,
            )
            await watcher
    except TimeoutError:
        watcher.cancel()
    measurement.stop()
    report = measurement.report()
    return report | {"started_at": started_at, "lookups": 0, "successes": len(report["fired"]), "failures": []}


def _batch(indexes: Iterable[int], setting: Setting) -> BatchWait:
    now, rules = time.time(), PollingRules(poke_interval=setting.poll_interval)
    waits = [Wait(video_id=video_id(index), rules=rules, started_at=now, deadline=now + 3_600) for index in indexes]
    return BatchWait(waits)


async def _watch(batch: BatchWait, measurement: Measurement) -> None:
    pending = list(enumerate(batch.videos.values()))
    while pending:
        await asyncio.sleep(STEP)
        for index, video in pending:
            if video.is_ready:
                measurement.fired(index)
        pending = [(index, video) for index, video in pending if not video.is_ready]


if __name__ == "__main__":
    pin(RUNNER_CORE)
    raise_file_limit()
    port = int(sys.argv[2])
    connection = {"conn_type": "tavus", "host": f"http://127.0.0.1:{port}", "password": "benchmark-key"}
    os.environ["AIRFLOW_CONN_VIDEO_0"] = json.dumps(connection)
    Path(sys.argv[3]).write_text(json.dumps(asyncio.run(run(Setting.from_json(sys.argv[1]), port))))
