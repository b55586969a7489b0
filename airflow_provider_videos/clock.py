# SPDX-License-Identifier: Apache-2.0
"""Time that runs evenly, and time as text."""

from __future__ import annotations

import time
from datetime import UTC, datetime


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


def to_iso(moment: float) -> str:
    """Return Unix seconds as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def read_iso(value: object) -> datetime | None:
    """Return the time that :func:`to_iso` wrote, ``None`` if it is none or has no zone."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo else None
