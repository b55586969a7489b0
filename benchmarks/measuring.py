# SPDX-License-Identifier: Apache-2.0
"""What is measured inside the waiting process: CPU, memory, the moments of the events, and a ticker's gaps."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.setting import Setting

TICK = 0.05
"""Seconds between two ticks of the ticker."""
BEFORE_FIRST_READY = 1.0
"""How many seconds before the first video is ready the memory is read: by then, all are waiting."""


class Measurement:
    """Measures one run from inside.

    :param setting: the run.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._fired: list[tuple[int, float]] = []
        self._cpu = self._starved = 0.0
        self._memory_before = self._memory_waiting = 0
        self._gap = 0.0
        self._ticker: asyncio.Task[None] | None = None
        self.is_running = False

    def start(self, all_are_waiting: Callable[[], bool]) -> None:
        """Begin, just before the waits are created.

        :param all_are_waiting: says whether all of them were created.
        """
        gc.collect()
        self._memory_before = unique_memory()
        self._ticker = asyncio.create_task(self._tick(all_are_waiting), name="benchmark-ticker")
        self.is_running = True
        self._starved_before = starved_seconds()
        self._cpu_before = time.process_time()

    def fired(self, index: int) -> None:
        """Note the event of a wait. With the last one the measurement ends."""
        if not self.is_running:
            return
        self._fired.append((index, time.monotonic()))
        if len(self._fired) == self._setting.waits:
            self.stop()

    def stop(self) -> None:
        """End, also if events are missing."""
        if self.is_running:
            self._cpu = time.process_time() - self._cpu_before
            self._starved = starved_seconds() - self._starved_before
            self.is_running = False
            if self._ticker is not None:
                self._ticker.cancel()

    def report(self) -> dict[str, Any]:
        """Say what was measured, in seconds and bytes; ``fired`` holds each wait's index and its event's time."""
        return {
            "cpu": self._cpu,
            "memory": max(self._memory_waiting - self._memory_before, 0),
            "memory_base": self._memory_before,
            "gap": self._gap,
            "starved": self._starved,
            "fired": self._fired,
        }

    async def _tick(self, all_are_waiting: Callable[[], bool]) -> None:
        memory_due = time.monotonic() + self._setting.ready_from - BEFORE_FIRST_READY
        last = time.monotonic()
        while True:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            self._gap = max(self._gap, now - last)
            if not self._memory_waiting and now >= memory_due and all_are_waiting():
                self._memory_waiting = unique_memory()
            last = time.monotonic()


def unique_memory() -> int:
    """The memory that this process shares with no other, in bytes."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))


def starved_seconds() -> float:
    """How long the main thread, where the event loop is, was able to run and had to wait for its core."""
    return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9
