# SPDX-License-Identifier: Apache-2.0
"""Waits for a video, keeps its file, and tells the next Dag by an asset where it is.

Trigger the first Dag with the id of a video: ``airflow dags trigger example_keep_video --conf '{"video_id": "…"}'``.
The path may as well be such as ``s3://bucket/videos/{{ ds }}/``, with the ``storage_conn_id`` of an AWS connection.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Asset, Param, dag, task

from airflow_provider_videos.operators.download import DownloadVideoOperator
from airflow_provider_videos.sensors.video import VideoSensor

kept_video = Asset("example-kept-video")


@dag(
    schedule=None,
    params={
        "conn_id": Param("tavus_default", type="string"),
        "video_id": Param("", type="string"),
        "path": Param("/tmp/airflow-videos/", type="string"),  # ruff: ignore[hardcoded-temp-file] - an example
    },
    tags=["example", "video"],
)
def example_keep_video() -> None:
    wait = VideoSensor(
        task_id="wait",
        conn_id="{{ params.conn_id }}",
        video_id="{{ params.video_id }}",
        poke_interval=5,
        deferrable=True,
    )
    DownloadVideoOperator(
        task_id="keep",
        conn_id="{{ params.conn_id }}",
        video_id=wait.output,
        path="{{ params.path }}",
        outlets=[kept_video],
    )


@dag(schedule=kept_video, tags=["example", "video"])
def example_use_kept_video() -> None:
    @task(inlets=[kept_video])
    def show(inlet_events: Any) -> None:
        file = inlet_events[kept_video][-1].extra
        print(f"{file['path']} has {file['bytes']} bytes; its SHA-256 is {file['sha256']}.")

    show()


example_keep_video()
example_use_kept_video()
