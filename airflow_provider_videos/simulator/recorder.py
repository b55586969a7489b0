# SPDX-License-Identifier: Apache-2.0
"""What the simulator was asked and what it answered, in numbers. No key is ever among them."""

from __future__ import annotations

import collections
import dataclasses
import threading
import time
from typing import Any

MAX_TIMESTAMPS = 1000
"""How many moments are kept for each video, so that a simulator may run for weeks."""

NO_ENDPOINT = "(no such endpoint)"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """A snapshot of what has happened since the start, or since the simulator was told to forget.

    Requests to the control paths (``/simulator``) are not in it.

    :param requests: requests per vendor and role, such as ``tavus create``, ``together get`` or ``tavus media``;
        ``(no such endpoint)`` counts the others.
    :param videos: requests per video id, whatever the method and whether or not the video exists.
    :param answers: answers per status code. A request that was never answered is in none.
    :param created: videos ordered, per vendor. An order that is sent again with the same idempotency key counts once.
    :param faults: faults that struck, per kind.
    :param connections: connections that were opened.
    :param keys_refused: requests that came with a wrong key or without one.
    """

    requests: dict[str, int]
    videos: dict[str, int]
    answers: dict[int, int]
    created: dict[str, int]
    faults: dict[str, int]
    connections: int
    keys_refused: int

    def to_dict(self) -> dict[str, Any]:
        """The same as a dict of JSON values; the status codes are texts, as JSON's keys must be."""
        values = dataclasses.asdict(self)
        values["answers"] = {str(status): count for status, count in self.answers.items()}
        return values


class Recorder:
    """Counts. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Start from nothing."""
        with self._lock:
            self._requests: collections.Counter[str] = collections.Counter()
            self._videos: collections.Counter[str] = collections.Counter()
            self._answers: collections.Counter[int] = collections.Counter()
            self._created: collections.Counter[str] = collections.Counter()
            self._faults: collections.Counter[str] = collections.Counter()
            self._polls: dict[str, collections.deque[float]] = {}
            self._connections = 0
            self._keys_refused = 0

    def connection(self) -> None:
        """Count a connection that was opened."""
        with self._lock:
            self._connections += 1

    def request(self, vendor: str | None, role: str | None, video_id: str | None) -> None:
        """Count a request, by the vendor's connection type and the role of the endpoint."""
        with self._lock:
            self._requests[NO_ENDPOINT if vendor is None or role is None else f"{vendor} {role}"] += 1
            if video_id is None:
                return
            self._videos[video_id] += 1
            if role == "get":
                polls = self._polls.get(video_id)
                if polls is None:
                    polls = self._polls[video_id] = collections.deque(maxlen=MAX_TIMESTAMPS)
                polls.append(time.monotonic())

    def answer(self, status: int) -> None:
        """Count an answer of this status code."""
        with self._lock:
            self._answers[status] += 1

    def creation(self, vendor: str) -> None:
        """Count a video that was ordered."""
        with self._lock:
            self._created[vendor] += 1

    def fault(self, kind: str) -> None:
        """Count a fault that struck."""
        with self._lock:
            self._faults[kind] += 1

    def refused_key(self) -> None:
        """Count a request without the right key."""
        with self._lock:
            self._keys_refused += 1

    def polls_of(self, video_id: str) -> list[float]:
        """When the video was polled (role ``get``), oldest first, in seconds of the monotonic clock."""
        with self._lock:
            return list(self._polls.get(video_id, ()))

    def snapshot(self) -> Record:
        """The numbers as they are now."""
        with self._lock:
            return Record(
                requests=dict(self._requests),
                videos=dict(self._videos),
                answers=dict(self._answers),
                created=dict(self._created),
                faults=dict(self._faults),
                connections=self._connections,
                keys_refused=self._keys_refused,
            )
