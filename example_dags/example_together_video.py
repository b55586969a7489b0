# SPDX-License-Identifier: Apache-2.0
"""Waits for a video of Together AI, frees the worker between two polls, and passes one of its URLs on."""

from __future__ import annotations

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
def example_together_video() -> None:
    wait = VideoSensor(
        task_id="wait",
        conn_id="together_default",
        video_id="{{ params.video_id }}",
        # For a quick look; a minute or more is what Airflow wants of this mode.
        poke_interval=10,
        mode="reschedule",
    )

    @task
    def show(download_url: str) -> None:
        print(f"Download: {download_url}")

    show(wait.output["download_url"])


example_together_video()
