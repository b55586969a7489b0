# SPDX-License-Identifier: Apache-2.0
"""Tells every few seconds how far a transfer is."""

from __future__ import annotations

import time
from collections.abc import Callable

from airflow_provider_videos.clock import in_words

#: Seconds between two lines.
INTERVAL = 5.0


class Progress:
    """Tells how far a transfer is, in MB of a million bytes.

    :param tell: takes a line.
    :param interval: seconds between two lines.
    :param clock: gives seconds that never go back.
    """

    def __init__(
        self, tell: Callable[[str], object], *, interval: float = INTERVAL, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tell = tell
        self._interval = interval
        self._clock = clock
        self._told_at = clock()
        self._told_bytes = 0

    def at(self, done: int, total: int | None) -> None:
        """Note how many bytes are there, of how many; tell it if it is time."""
        now = self._clock()
        passed = now - self._told_at
        if passed < self._interval:
            return
        # After a start from the beginning there are fewer bytes than before.
        rate = max(done - self._told_bytes, 0) / passed
        self._tell(line(done, total, rate))
        self._told_at, self._told_bytes = now, done


def line(done: int, total: int | None, rate: float) -> str:
    """Write how far a transfer is, such as ``42 %, 840 of 2000 MB, 95.1 MB/s, 12.2 s left``.

    :param done: bytes that are there.
    :param total: bytes that there will be, ``None`` if nobody said.
    :param rate: bytes a second.
    """
    speed = f"{rate / 1e6:.1f} MB/s"
    if not total:
        return f"{done / 1e6:.0f} MB, {speed}"
    left = f"{in_words((total - done) / rate)} left" if rate else "nothing arrives"
    return f"{done / total:.0%}, {done / 1e6:.0f} of {total / 1e6:.0f} MB, {speed}, {left}".replace("%", " %", 1)
