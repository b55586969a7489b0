# SPDX-License-Identifier: Apache-2.0
"""Time that runs evenly, and time in words."""

from __future__ import annotations

import time


class Clock:
    """Unix time that runs evenly in this process, whatever is done to the system's clock from now on."""

    __slots__ = ("_offset",)

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Return Unix seconds."""
        return self._offset + time.monotonic()


def in_words(seconds: float) -> str:
    """Write a time span as a person says it, such as ``2 h 5 min`` or ``12.5 s``."""
    if round(seconds, 1) < 60:
        return f"{max(seconds, 0.0):.1f}".removesuffix(".0") + " s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
