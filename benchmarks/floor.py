# SPDX-License-Identifier: Apache-2.0
"""The floor: waits without Airflow, as coroutines on one aiohttp session.

``python -m benchmarks.floor SETTING PORT REPORT`` is started by :mod:`benchmarks.waits`. It knows nothing of errors,
keys or logs. The first looks are spread over one interval, since a burst every five seconds would make it no cheaper,
only later.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from pathlib import Path

import aiohttp

from benchmarks.api import ask, raise_file_limit
from benchmarks.measuring import Measurement
from benchmarks.setting import RUNNER_CORE, Setting, pin, video_id

CONNECTIONS = 400
"""The most that are open at once; at 10,000 waits 200 are needed."""


async def wait(session: aiohttp.ClientSession, url: str, first_look_in: float, interval: float) -> None:
    """Look until a video is ready; times in seconds."""
    await asyncio.sleep(first_look_in)
    while True:
        async with session.get(url) as response:
            video = await response.json()
        if video["status"] == "ready":
            return
        await asyncio.sleep(interval)


async def run(setting: Setting, port: int) -> dict[str, object]:
    """Wait for all videos, and say what that took."""
    measurement = Measurement(setting)
    base = f"http://127.0.0.1:{port}/v2/videos/"
    draw = random.Random(setting.seed)

    async def one(index: int, first_look_in: float) -> None:
        await wait(session, base + video_id(index), first_look_in, setting.poll_interval)
        measurement.fired(index)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session:
        await one(setting.waits, 0.0)  # the warm-up, as in the triggerer
    started_at = ask(port, "start")["started_at"]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session:
        measurement.start(lambda: True)
        waits = [
            asyncio.create_task(one(index, draw.uniform(0, setting.poll_interval))) for index in range(setting.waits)
        ]
        _, late = await asyncio.wait(waits, timeout=setting.limit)
        measurement.stop()
        for task in late:
            task.cancel()
    report = measurement.report()
    return report | {"started_at": started_at, "lookups": 0, "successes": len(report["fired"]), "failures": []}


if __name__ == "__main__":
    pin(RUNNER_CORE)
    raise_file_limit()
    Path(sys.argv[3]).write_text(json.dumps(asyncio.run(run(Setting.from_json(sys.argv[1]), int(sys.argv[2])))))
