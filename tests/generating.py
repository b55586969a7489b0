# SPDX-License-Identifier: Apache-2.0
"""Attempts of a task that orders a video, and what tests do to them."""

from __future__ import annotations

from typing import Any

from airflow_provider_videos.operators.generate import GenerateVideoOperator
from airflow_provider_videos.simulator import Simulator
from tests.attempts import Attempts, Killed
from tests.vendor_kit import REQUESTS


def attempts(
    vendor: str, mode: str = "sync", *, has_store: bool = True, retries: int = 2, request: Any = None, **options: Any
) -> Attempts:
    def make() -> GenerateVideoOperator:
        return GenerateVideoOperator(
            task_id="order",
            retries=retries,
            conn_id=f"{vendor}_default",
            request=REQUESTS[vendor] if request is None else request,
            deferrable=mode == "deferrable",
            **{"poke_interval": 0.1, "timeout": 10, "listing_delay": 0.2} | options,
        )

    return Attempts(make, has_store=has_store, retries=retries)


def created(simulator: Simulator) -> int:
    return sum(simulator.record.created.values())


def state_of_order(task: Attempts) -> str:
    assert task.store is not None
    [order] = task.store["video_order"]["orders"]
    return str(order["state"])


def kill_at(task: Attempts, number: int) -> None:
    """Kill the process before the next access to the store of a number, counted from 1; it makes no more of them."""
    accesses = []

    def before(access: str) -> None:
        accesses.append(access)
        if len(accesses) >= number:
            raise Killed

    assert task.store is not None
    task.store.before = before


def revive(task: Attempts) -> None:
    assert task.store is not None
    task.store.before = lambda access: None
