# SPDX-License-Identifier: Apache-2.0
"""Triggers for tests, and what they fire."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

from airflow_provider_videos.exceptions import VideoError
from airflow_provider_videos.triggers.video import VideoTrigger
from tests.waiting_kit import only_event


def trigger_for(video_id: Any, conn_id: str = "tavus_default", *, timeout: float = 20, **changes: Any) -> VideoTrigger:
    usual = {"poke_interval": 0.05, "timeout": timeout}
    return VideoTrigger(**{"video_id": video_id, "conn_id": conn_id, **usual, **changes})


def fire(trigger: VideoTrigger) -> dict[str, Any]:
    """Run a trigger as Airflow does; give its event's payload as the database gives it."""
    payload: dict[str, Any] = json.loads(json.dumps(asyncio.run(only_event(trigger)).payload, allow_nan=False))
    return payload


def error_of(trigger: VideoTrigger) -> VideoError:
    payload = fire(trigger)
    assert set(payload) == {"video_id", "error", "status_seconds"}
    return VideoError.from_dict(payload["error"])


def of_a_task(trigger: VideoTrigger) -> VideoTrigger:
    """Give a trigger the task instance that Airflow gives it."""
    trigger.task_instance = SimpleNamespace(dag_id="dag", run_id="run", task_id="wait", map_index=-1)  # type: ignore[assignment]
    return trigger


class Pushed(dict[str, Any]):
    """What a trigger pushed for its task instance."""

    async def aset(self, *, key: str, value: Any, **place: Any) -> None:
        assert place == {"dag_id": "dag", "run_id": "run", "task_id": "wait", "map_index": -1}
        self[key] = value
