# SPDX-License-Identifier: Apache-2.0
"""Waits for many videos at once, and gathers their URLs."""

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
        "video_ids": Param([], type="array", title="Video ids", description="One id in each line."),
    },
    doc_md=__doc__,
    tags=["example", "video"],
)
def example_many_videos() -> None:
    @task
    def list_video_ids(params: dict[str, Any]) -> list[str]:
        return list(params["video_ids"])

    wait = VideoSensor.partial(
        task_id="wait",
        conn_id="{{ params.conn_id }}",
        poke_interval=5,
        deferrable=True,
    ).expand(video_id=list_video_ids())

    @task
    def gather(videos: list[dict[str, Any]]) -> list[str]:
        for video in videos:
            print(f"{video['video_id']} took until {video['finished_at']}: {video['download_url']}")
        return [video["download_url"] for video in videos]

    gather(wait.output)


example_many_videos()
