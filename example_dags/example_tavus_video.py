# SPDX-License-Identifier: Apache-2.0
"""Waits for a video of Tavus in the triggerer, and passes its URLs on."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param, dag, task

from airflow_provider_videos.sensors.video import VideoSensor


@dag(
    schedule=None,
    params={
        "video_id": Param(
            "", type="string", title="Video id", description="The vendor's id of a video that was ordered already."
        )
    },
    doc_md=__doc__,
    tags=["example", "video"],
)
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
