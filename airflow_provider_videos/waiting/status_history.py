# SPDX-License-Identifier: Apache-2.0
"""Which statuses a video was seen in, and for how long. All times are Unix seconds."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

#: How much later than planned a poll may come before a new status counts as not observed since then, in seconds.
MAX_UNOBSERVED = 60.0
#: What stands for the vendor's status while nobody polled.
NOT_OBSERVED = "not observed"
#: How many changes of the status are remembered.
MAX_CHANGES = 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class StatusChange:
    """A status and the time at which it was first seen."""

    status: str
    since: float


def read_seen(seen: Iterable[tuple[str, float]], *, now: float) -> tuple[StatusChange, ...]:
    """Return what :meth:`StatusHistory.to_list` gave in another process, whose clock may be ahead.

    :param now: Unix time.
    """
    return tuple(StatusChange(status=status, since=min(since, now)) for status, since in seen)


class StatusHistory:
    """The statuses of one video, in the order in which a wait saw them.

    :param seen: what an earlier process saw.
    """

    __slots__ = ("seen",)

    def __init__(self, seen: tuple[StatusChange, ...] = ()) -> None:
        self.seen = seen

    def to_list(self) -> list[list[Any]]:
        """Return the statuses as JSON, each as ``[status, first seen at]``."""
        return [[change.status, change.since] for change in self.seen]

    @property
    def last(self) -> StatusChange | None:
        """The current status."""
        return self.seen[-1] if self.seen else None

    def has(self, status: str) -> bool:
        """Return whether the video was ever seen in a status."""
        return any(change.status == status for change in self.seen)

    def note(self, status: str | None, *, now: float, planned_at: float) -> bool:
        """Note the status that a poll has found, and return whether it is a new one.

        :param status: the vendor's word; ``None`` for the one that ends the wait, which takes no time.
        :param planned_at: when the poll was planned: if nobody polled for long after that, as no triggerer ran, nobody
            knows when the status changed.
        """
        if self.last is not None and self.last.status == status:
            return False
        if now > planned_at + MAX_UNOBSERVED:
            self._append(NOT_OBSERVED, planned_at)
        if status is not None:
            self._append(status, now)
        return True

    def seconds(self, now: float) -> dict[str, float]:
        """Return how long each status took, in seconds, those that no process observed under ``not observed``."""
        spent: dict[str, float] = defaultdict(float)
        ends = [*(change.since for change in self.seen[1:]), now]
        for change, end in zip(self.seen, ends, strict=False):
            spent[change.status] += max(end - change.since, 0.0)
        return {status: round(seconds, 3) for status, seconds in spent.items()}

    def _append(self, status: str, since: float) -> None:
        self.seen = (*self.seen, StatusChange(status=status, since=since))[-MAX_CHANGES:]
