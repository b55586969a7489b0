# SPDX-License-Identifier: Apache-2.0
"""Waits for a video that an earlier task names, without any worker process for the wait itself.

Trigger it with an id: ``airflow dags trigger example_wait_without_worker --conf '{"video_id": "…"}'``.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param, dag, task

from airflow_provider_videos.sensors.video import VideoSensor


@dag(
    schedule=None,
    params={"conn_id": Param("tavus_default", type="string"), "video_id": Param("", type="string")},
    tags=["example", "video"],
)
def example_wait_without_worker() -> None:
    @task
    def choose(params: dict[str, Any]) -> str:
        return str(params["video_id"])

    # Airflow 3.3 and newer; before, a worker begins the wait.
    wait = VideoSensor(
        task_id="wait",
        video_id=choose(),
        conn_id="{{ params.conn_id }}",
        poke_interval=5,
        start_from_trigger=True,
        end_from_trigger=True,
    )

    @task
    def show(video: dict[str, Any]) -> None:
        print(f"Download: {video['download_url']}")

    show(wait.output)


example_wait_without_worker()
