# SPDX-License-Identifier: Apache-2.0
"""Waits for a video of Tavus, without a worker, and passes its URLs on.

Trigger it with the id of a video: ``airflow dags trigger example_tavus_video --conf '{"video_id": "…"}'``.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param, dag, task

from airflow_provider_videos.sensors.video import VideoSensor


@dag(schedule=None, params={"video_id": Param("", type="string")}, tags=["example", "video"])
def example_tavus_video() -> None:
    wait = VideoSensor(
        task_id="wait",
        conn_id="tavus_default",
        video_id="{{ params.video_id }}",
        poke_interval=5,
        deferrable=True,
    )

    @task
    def show(video: dict[str, Any]) -> None:
        print(f"Video {video['video_id']} is {video['state']}.")
        print(f"Watch it: {video['hosted_url']}")
        print(f"Download: {video['download_url']}")

    show(wait.output)


example_tavus_video()
