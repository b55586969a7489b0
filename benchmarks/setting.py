# SPDX-License-Identifier: Apache-2.0
"""What all variants of one run have in common."""

from __future__ import annotations

import dataclasses
import json
import os
import random
from typing import Self

RUNNER_CORE, API_CORE = 0, -1
"""Which of the cores that this machine gives us the waiting process has for itself, and which the rest shares."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setting:
    """One number of waits, and the world around them. All times are in seconds.

    :param waits: how many waits start at the same moment.
    :param poll_interval: time between two polls of the same video.
    :param latency: how long the API takes for an answer.
    :param ready_from: when the first video may be ready, counted from the start.
    :param ready_to: when the last one is.
    :param lookup: how long the supervisor is busy with one connection look-up, and with one XCom.
    :param limit: when a run is cut off, counted from the start.
    :param seed: of the times at which the videos are ready, and of whatever else is drawn.
    """

    waits: int
    poll_interval: float = 5.0
    latency: float = 0.1
    ready_from: float = 20.0
    ready_to: float = 40.0
    lookup: float = 0.026
    limit: float = 180.0
    seed: int = 4

    def ready_after(self) -> list[float]:
        """When each video is ready, in seconds from the start; the same for all variants."""
        draw = random.Random(self.seed)
        return [draw.uniform(self.ready_from, self.ready_to) for _ in range(self.waits)]

    @classmethod
    def of(cls, waits: int, poll_interval: float, *, lookup: float, limit: float) -> Self:
        """Make a setting in which all have polled a few times before the first video is ready.

        :param limit: seconds after the last video is ready at which a run is cut off.
        """
        ready_from = max(cls.ready_from, 1.5 * poll_interval)
        ready_to = ready_from + max(20.0, poll_interval)
        return cls(
            waits=waits,
            poll_interval=poll_interval,
            ready_from=ready_from,
            ready_to=ready_to,
            lookup=lookup,
            limit=ready_to + limit,
        )

    def to_json(self) -> str:
        """Write it down for another process."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` wrote."""
        return cls(**json.loads(text))


def video_id(index: int) -> str:
    """The id of a video; the one after the last is ready from the beginning, for the warm-up."""
    return f"{index:010x}"


def pin(core: int) -> None:
    """Keep the calling thread, and the threads and processes that it starts from now on, on one core.

    :param core: :data:`RUNNER_CORE` or :data:`API_CORE`.
    """
    # A process that was pinned already sees one core only; the orchestrator hands the full list on.
    cores = [int(name) for name in os.environ["BENCHMARK_CORES"].split(",")]
    os.sched_setaffinity(0, {cores[core]})


def child_environment(home: str) -> dict[str, str]:
    """The environment for a process of a run: no proxies, and nothing of the user's own Airflow.

    :param home: folder for what Airflow writes.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("Two cores are needed: one for the waiting process, one for the API.")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AIRFLOW") and not name.lower().endswith("_proxy") and name != "PYTHONPATH"
    }
    return kept | {
        "AIRFLOW_HOME": home,
        # Airflow encrypts a trigger's arguments, as any real installation does. This key protects nothing.
        "AIRFLOW__CORE__FERNET_KEY": "YmVuY2htYXJrLWJlbmNobWFyay1iZW5jaG1hcmstYmU=",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "BENCHMARK_CORES": ",".join(map(str, cores)),
    }
