# SPDX-License-Identifier: Apache-2.0
"""Waits for a video that an earlier task names, without any worker process for the wait itself."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param, dag, task

from airflow_provider_videos.sensors.video import VideoSensor


@dag(
    schedule=None,
    params={
        "conn_id": Param(
            "tavus_default",
            type="string",
            title="Connection",
            description="An Airflow connection of a video vendor's type.",
        ),
        "video_id": Param(
            "", type="string", title="Video id", description="The vendor's id of a video that was ordered already."
        ),
    },
    doc_md=__doc__,
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
